"""Answers for the lines of a log, most of which differ from an earlier one in numbers only.

Such lines have one answer: a line of a shape that was seen before costs some microseconds instead of milliseconds. The
values are read off each line, and a line whose numbers do not fit the message that its shape led to is matched alone.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Tier, Value
from ksrcfind.match.place import named_place
from ksrcfind.match.refit import Refit

KEPT = 20_000
"""Shapes that are remembered, those seen last."""

Ask = Callable[[LogLine], Answer]


Values = tuple[Value, ...]


@dataclass(slots=True)
class Known:
    """What is known of all lines of one shape."""

    answer: Answer
    """That of the first such line."""
    level: str | None
    """That of the line, else that of the message."""
    key: object
    """What tells its message apart from others of the log; None if no message explains it."""
    refit: Refit | None
    """Reads the values of a line; None if the answer has none."""

    def answer_with(self, values: Values | None) -> Answer:
        """Return the answer to a line with these values; None for those of the first."""
        if values is None:
            return self.answer
        first, *others = self.answer.matches
        return replace(self.answer, matches=(replace(first, values=values), *others))


class Answers:
    """Answers from memory where it can, else by asking."""

    def __init__(self, ask: Ask, kept: int = KEPT) -> None:
        self._ask = ask
        self._kept = kept
        self._known: OrderedDict[object, Known] = OrderedDict()

    def __call__(self, log: LogLine) -> tuple[Known, Values | None]:
        """Return what is known about a line, and its own values if they are not those of the first such line."""
        shape = _shape(log)
        known = self._known.get(shape)
        if known is None:
            known = self._known[shape] = _known(log, self._ask(log))
            if len(self._known) > self._kept:
                self._known.popitem(last=False)
            return known, None
        self._known.move_to_end(shape)
        if known.refit is None:
            return known, None
        values = known.refit.values(log.body)
        return (known, values) if values is not None else (_known(log, self._ask(log)), None)


def level_of(log: LogLine | None, answer: Answer) -> str | None:
    """Return the level of a line: what the log says, else what the call that printed it does."""
    if log is not None and log.level is not None:
        return log.level
    return answer.matches[0].message.level if answer.matches else None


def _known(log: LogLine, answer: Answer) -> Known:
    level = level_of(log, answer)
    if not answer.matches:
        return Known(answer, level, None, None)
    first = answer.matches[0]
    message = first.message
    # Warnings have one call in common: what tells them apart is the place that they name.
    key = (message.path, message.line_start, message.call, first.form.printed, answer.points_to)
    return Known(answer, level, key, Refit(first) if first.values and first.tier is not Tier.FUZZY else None)


_HEX = re.compile(r"0x[0-9a-f]+|\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]*\b")
_DIGITS = re.compile(r"[0-9]+")


def shape(text: str) -> str:
    """Return a text with its numbers masked, decimal ones apart from hexadecimal ones."""
    return _DIGITS.sub("0", _HEX.sub("0x", text))


def _shape(log: LogLine) -> object:
    if log.is_userspace:
        return log.process, log.facility
    return log.level, shape(log.body), named_place(log.body)
