"""Answers for the lines of a log, most of which differ from an earlier one in numbers only.

Such lines have one answer: a line of a shape that was seen before costs some microseconds instead of milliseconds. The
values are read off each line, and a line whose numbers do not fit the message that its shape led to is matched alone.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Tier
from ksrcfind.match.evidence import architecture_of
from ksrcfind.match.place import Named, named_place, own_place
from ksrcfind.match.value_reader import Texts, ValueReader

KEPT = 20_000
"""Shapes that are remembered, those seen last."""

MOST_MESSAGES = 4
"""Messages that lines of one shape are tried with."""

LONGEST_TEXT = 1000
"""Characters of lines that are remembered by their text; of longer ones a hash is kept."""

Ask = Callable[[LogLine], Answer]


@dataclass(slots=True)
class CachedAnswer:
    """What is known of all lines of one shape."""

    answer: Answer
    """That of the first such line."""
    level: str | None
    """That of the line, else that of the message."""
    key: object
    """What tells its message apart from others of the log; None if no message explains it."""
    refit: ValueReader | None
    """Reads the values of a line; None if the answer has none."""
    texts: Texts = ()
    """The values of the first such line."""
    own_place: Named | None = None
    """The place that the values of the first such line name, if the call prints its own."""
    architecture: str | None = None
    """Of the machine, where only code of one architecture can have printed the first such line."""
    otherwise: "CachedAnswer | None" = None
    """What is known of lines of this shape whose numbers do not fit the message: some stand in its format."""

    def answer_with(self, texts: Texts | None) -> Answer:
        """Return the answer to a line with these values; None for those of the first."""
        if texts is None or self.refit is None:
            return self.answer
        first, *others = self.answer.matches
        return replace(self.answer, matches=(replace(first, values=self.refit.values(texts)), *others))

    def texts_of(self, log: LogLine) -> Texts | None:
        """Return the values of a further line; None if it has to be matched by itself."""
        texts = self.refit.texts(log.body) if self.refit is not None else None
        if texts is None or self.own_place is None:
            return texts
        return texts if own_place(self.answer_with(texts).matches[0]) == self.own_place else None


class AnswerCache:
    """Answers from memory where it can, else by asking."""

    def __init__(self, ask: Ask, kept: int = KEPT) -> None:
        self._ask = ask
        self._kept = kept
        self._known: OrderedDict[object, CachedAnswer] = OrderedDict()
        self._masked: dict[object, CachedAnswer] = {}
        """The same under what costs less than a shape and tells more apart; emptied when it is full."""
        self._texts: dict[tuple[str | None, str | None, str], CachedAnswer] = {}
        """The same under level, architecture and text, of lines that do not fit what is known of their shape."""

    def __call__(self, log: LogLine, architecture: str | None = None) -> tuple[CachedAnswer, Texts | None]:
        """Return what is known about a line, and its own values if they are not those of the first such line.

        `architecture` is that of the machine, if other lines of its boot told.
        """
        mask = _mask(log, architecture)
        known = self._masked.get(mask) if mask is not None else None
        if known is None:
            shape = _shape(log, architecture)
            known = self._known.get(shape)
            if known is None:
                known = self._known[shape] = self._asked(log, architecture)
                self._keep(mask, known)
                return known, None
            self._known.move_to_end(shape)
            self._keep(mask, known)
        for _ in range(MOST_MESSAGES):
            if known.refit is None:
                return known, None
            texts = known.texts_of(log)
            if texts is not None:
                return known, texts
            if known.otherwise is None:
                break
            known = known.otherwise
        alone = self._alone(log, architecture)
        if alone.refit is not None and known.otherwise is None:
            known.otherwise = alone
        return alone, None

    def _asked(self, log: LogLine, architecture: str | None) -> CachedAnswer:
        asked = log if architecture is None else msgspec.structs.replace(log, architecture=architecture)
        return _known(log, self._ask(asked))

    def _alone(self, log: LogLine, architecture: str | None) -> CachedAnswer:
        """Return what is known of a line whose numbers decide what it is."""
        text = log.level, architecture, log.body
        known = self._texts.get(text)
        if known is None:
            known = self._asked(log, architecture)
            if len(self._texts) >= self._kept:
                self._texts.clear()
            if len(log.body) <= LONGEST_TEXT:
                self._texts[text] = known
        return known

    def _keep(self, mask: object, known: CachedAnswer) -> None:
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        if mask is not None:
            if len(self._masked) >= self._kept:
                self._masked.clear()
            self._masked[mask] = known


SURE = 0.9
"""Confidence of an answer without equal ones from which on its call is taken to have run."""

LIKELY = 0.5
"""Confidence of a fuzzy match from which on the line is taken to have the level of its call."""


def level_of(log: LogLine | None, answer: Answer) -> str | None:
    """Return the level of a line: what the log says, else what the call that printed it does.

    A call that the line is hardly of says nothing: its errors would stand before those that are some.
    """
    if log is not None and log.level is not None:
        return log.level
    first = answer.matches[0] if answer.matches else None
    if first is None or (first.tier is Tier.FUZZY and first.confidence < LIKELY):
        return None
    return first.message.level


def _known(log: LogLine, answer: Answer) -> CachedAnswer:
    level = level_of(log, answer)
    if not answer.matches:
        return CachedAnswer(answer, level, None, None)
    first = answer.matches[0]
    message = first.message
    # Warnings have one call in common: what tells them apart is the place that they name.
    key = (message.path, message.line_start, message.call, first.form.printed, answer.points_to)
    is_sure = first.tier is Tier.EXACT and first.confidence >= SURE and not answer.rivals
    architecture = architecture_of(message) if is_sure else None
    if not first.values or first.tier is Tier.FUZZY:
        return CachedAnswer(answer, level, key, None, architecture=architecture)
    texts = tuple(value.value for value in first.values)
    return CachedAnswer(answer, level, key, ValueReader(first), texts, own_place(first), architecture)


_HEX = re.compile(r"0x[0-9a-f]+|\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]*\b")
_DIGITS = re.compile(r"[0-9]+")


def shape(text: str) -> str:
    """Return a text with its numbers masked, decimal ones apart from hexadecimal ones."""
    return _DIGITS.sub("0", _HEX.sub("0x", text))


_TO_ZERO = str.maketrans("123456789", "0" * 9)
_NAMES_PLACE = (".c:", ".h:", ".S:")


def _mask(log: LogLine, architecture: str | None) -> object:
    """Return what lines of different shape never have in common; None if a line names a place, or is long."""
    if log.is_userspace:
        return log.process, log.facility
    body = log.body
    if len(body) > LONGEST_TEXT:
        return None
    for mark in _NAMES_PLACE:
        if mark in body:
            return None
    # A shape depends on where digits stand, and on whether `0x` does, not on which digits.
    return log.level, architecture, body.replace("0x", "\0").translate(_TO_ZERO)


def _shape(log: LogLine, architecture: str | None) -> object:
    if log.is_userspace:
        return log.process, log.facility
    masked = shape(log.body)
    short = masked if len(masked) <= LONGEST_TEXT else hashlib.sha256(masked.encode()).digest()
    return log.level, architecture, short, named_place(log.body)
