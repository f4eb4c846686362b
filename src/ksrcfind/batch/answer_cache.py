"""Cache answers for the lines of a log, most of which differ from an earlier line only in numbers.

Lines that differ only in numbers have the same shape and share an answer: a line of a known shape costs microseconds
instead of milliseconds. Only the values are read from each line. A line whose numbers do not fit the cached message is
matched by itself.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Match, Tier
from ksrcfind.match.discriminating_tokens import DIGITS, AllNames, DiscriminatingTokens
from ksrcfind.match.origin import architecture_of
from ksrcfind.match.place import Named, named_place, own_place
from ksrcfind.match.value_reader import Texts, ValueReader
from ksrcfind.regex import regex

KEPT = 20_000
"""Limit of shapes (texts with masked numbers) in the cache; the least recently used ones are dropped."""

MOST_MESSAGES = 4
"""Limit of different messages that are cached for one shape of line."""

LONGEST_TEXT = 1000
"""Limit of characters: a longer line is cached under a hash of its text, not under the text."""

Ask = Callable[[LogLine], Answer]


@dataclass(slots=True)
class CachedAnswer:
    """The answer to all lines of one shape, that is, with the same text except for numbers."""

    answer: Answer
    """The answer to the first line of this shape."""
    level: str | None
    """The log level of the line; if the log does not record it, the level of the message."""
    key: object
    """Identifies the message within the log; None if no message matches."""
    value_reader: ValueReader | None
    """Reads the values of a line; None if the answer has none."""
    texts: Texts = ()
    """The values in the first line of this shape."""
    own_place: Named | None = None
    """The source location that the first line of this shape names, if the call prints its own location."""
    architecture: str | None = None
    """The machine's architecture, if only code of this architecture can have printed the first line of this shape."""
    equal: tuple[Match, ...] = ()
    """The matches that explain the line equally well, including the first match; the answer may show fewer. Empty if
    the first match has no equal."""
    alternative: "CachedAnswer | None" = None
    """The answer to lines of this shape whose numbers do not fit the message, because its format contains numbers."""

    def answer_with(self, texts: Texts | None) -> Answer:
        """Return the answer with the values of another line.

        None stands for the values of the first line of this shape.
        """
        if texts is None or self.value_reader is None:
            return self.answer
        first, *others = self.answer.matches
        return replace(self.answer, matches=(replace(first, values=self.value_reader.values(texts)), *others))

    def texts_of(self, log: LogLine) -> Texts | None:
        """Return the values of another line of the same shape; None if the line must be matched by itself."""
        texts = self.value_reader.texts(log.body) if self.value_reader is not None else None
        if texts is None or self.own_place is None:
            return texts
        return texts if own_place(self.answer_with(texts).matches[0]) == self.own_place else None


class AnswerCache:
    """Answers the lines of a log from memory; asks the matcher only for lines of a new shape.

    A shape is the text of a line with masked digits. Names and numbers that can decide the answer are not masked
    (`match.discriminating_tokens`).
    """

    def __init__(
        self,
        ask: Ask,
        discriminating: Callable[[], DiscriminatingTokens] = AllNames,
        limit: int | None = None,
        kept: int = KEPT,
    ) -> None:
        """Ask `ask` for the matches of a line, and show at most `limit` of them.

        `ask` may return more matches, so that `batch.context` can choose among equal ones.
        """
        self._ask = ask
        self._limit = limit
        self._discriminating = discriminating
        self._kept = kept
        self._known: OrderedDict[object, CachedAnswer] = OrderedDict()
        self._masked: dict[object, CachedAnswer] = {}
        """The same answers under a cheaper key (`_mask`) that distinguishes more lines; cleared when full."""
        self._deciding: dict[str, tuple[bool, frozenset[str]]] = {}
        """Masked text of a line → whether it can have names with digits, and the numbers that can decide its answer;
        cleared when full."""
        self._texts: dict[tuple[str | None, str | None, str], CachedAnswer] = {}
        """Level, architecture and text → answer, for lines whose numbers do not fit the answer of their shape."""

    def __call__(self, log: LogLine, architecture: str | None = None) -> tuple[CachedAnswer, Texts | None]:
        """Return the answer to a line, and the values of the line.

        The values are None if they are those of the first line of its shape. `architecture` is the machine's
        architecture, when earlier lines of the same boot reveal it.
        """
        if log.is_userspace:
            mask: object = (log.process, log.facility)
            tokens: tuple[str, ...] = ()
        else:
            mask = _mask(log.body)
            tokens = self._tokens(log.body, mask)
        masked = None if mask is None else (log.level, architecture, mask, tokens)
        known = self._masked.get(masked) if masked is not None else None
        if known is None:
            shape = log.level, architecture, _shape(log), tokens
            known = self._known.get(shape)
            if known is None:
                known = self._known[shape] = self._asked(log, architecture)
                self._keep(masked, known)
                return known, None
            self._known.move_to_end(shape)
            self._keep(masked, known)
        for _ in range(MOST_MESSAGES):
            if known.value_reader is None:
                return known, None
            texts = known.texts_of(log)
            if texts is not None:
                return known, texts
            if known.alternative is None:
                break
            known = known.alternative
        alone = self._alone(log, architecture)
        if alone.value_reader is not None and known.alternative is None:
            known.alternative = alone
        return alone, None

    def _tokens(self, body: str, mask: str | None) -> tuple[str, ...]:
        """Return the names and numbers of a line that can decide its answer, in the order of the line."""
        key = shape(body) if mask is None else mask
        known = self._deciding.get(key)
        if known is None:
            if len(self._deciding) >= self._kept:
                self._deciding.clear()
            # A mask has the digits of the text as zeros, except those of `0x`.
            may_have_names = mask is None or "\0" in mask or _NAMES.search(mask) is not None
            known = self._deciding[key] = may_have_names, self._discriminating().numbers(body)
        may_have_names, numbers = known
        names = tuple(filter(self._discriminating().name, _NAMES.findall(body))) if may_have_names else ()
        if not numbers:
            return names
        return (*names, "", *(number if number in numbers else "" for number in DIGITS.findall(body)))

    def _asked(self, log: LogLine, architecture: str | None) -> CachedAnswer:
        answer = self._ask(log) if architecture is None else self._asked_for(log, architecture)
        return cached(log, answer, self._limit)

    def _asked_for(self, log: LogLine, architecture: str) -> Answer:
        """Return the answer for a machine's architecture. `decided_by` says so if the architecture decided."""
        answer = self._ask(msgspec.structs.replace(log, architecture=architecture))
        if any(match.message.path.startswith("arch/") for match in answer.matches):
            alone = self._ask(log)
            first = alone.matches[0].message if alone.matches else None
            if answer.matches[0].message != first or answer.rivals != alone.rivals:
                return replace(answer, decided_by="architecture")
        return answer

    def _alone(self, log: LogLine, architecture: str | None) -> CachedAnswer:
        """Return the answer to a line whose numbers decide which message it is."""
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
"""Confidence of an exact match without rivals above which its architecture counts as the machine's."""

LIKELY = 0.5
"""Confidence of a fuzzy match above which the line gets the level of its call."""


def level_of(log: LogLine | None, answer: Answer) -> str | None:
    """Return the log level of a line: the one in the log, else the level of the call that printed the line."""
    if log is not None and log.level is not None:
        return log.level
    first = answer.matches[0] if answer.matches else None
    if first is None or (first.tier is Tier.FUZZY and first.confidence < LIKELY):
        return None
    return first.message.level


def cached(log: LogLine, answer: Answer, limit: int | None = None) -> CachedAnswer:
    """Return the cache entry of an answer: at most `limit` matches to show, and all that match equally well."""
    equal = answer.matches[: answer.rivals + 1] if answer.rivals else ()
    answer = answer if limit is None else replace(answer, matches=answer.matches[:limit])
    level = level_of(log, answer)
    if not answer.matches:
        return CachedAnswer(answer, level, None, None)
    first = answer.matches[0]
    message = first.message
    # Warnings share one call; the source location that they name distinguishes them.
    key = (message.path, message.line_start, message.call, first.form.printed, answer.points_to)
    is_sure = first.tier is Tier.EXACT and first.confidence >= SURE and not answer.rivals
    architecture = architecture_of(message) if is_sure else None
    if not first.values or first.tier is Tier.FUZZY:
        return CachedAnswer(answer, level, key, None, architecture=architecture, equal=equal)
    texts = tuple(value.value for value in first.values)
    return CachedAnswer(answer, level, key, ValueReader(first), texts, own_place(first), architecture, equal)


_HEX = regex(r"0x[0-9a-f]+|\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]*\b")
_NAMES = regex(r"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z_-]*+[0-9][A-Za-z0-9_-]*+")


def shape(text: str) -> str:
    """Return a text with its numbers masked; decimal and hexadecimal numbers have different masks."""
    return DIGITS.sub("0", _HEX.sub("0x", text))


_TO_ZERO = str.maketrans("123456789", "0" * 9)
_NAMES_PLACE = (".c:", ".h:", ".S:")


def _mask(body: str) -> str | None:
    """Return a cheap key for a line of the kernel; equal keys imply equal shapes.

    None if the line names a source location, or if it is long.
    """
    if len(body) > LONGEST_TEXT:
        return None
    for mark in _NAMES_PLACE:
        if mark in body:
            return None
    # A shape depends on where digits and `0x` are, not on which digits they are.
    return body.replace("0x", "\0").translate(_TO_ZERO)


def _shape(log: LogLine) -> object:
    if log.is_userspace:
        return log.process, log.facility
    masked = shape(log.body)
    short = masked if len(masked) <= LONGEST_TEXT else hashlib.sha256(masked.encode()).digest()
    return short, named_place(log.body)
