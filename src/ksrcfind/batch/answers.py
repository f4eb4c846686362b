"""Answers for the lines of a log, most of which differ from an earlier one in numbers only.

Such lines have one answer: a line of a shape that was seen before costs some microseconds instead of milliseconds. The
values are read off each line, and a line whose numbers do not fit the message that its shape led to is matched alone.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Tier
from ksrcfind.match.refit import Refit

KEPT = 20_000
"""Shapes that are remembered, those seen last."""

Ask = Callable[[LogLine], Answer]


@dataclass(slots=True)
class _Known:
    answer: Answer
    refit: Refit | None
    """None if the answer has no values."""


class Answers:
    """Answers from memory where it can, else by asking."""

    def __init__(self, ask: Ask, kept: int = KEPT) -> None:
        self._ask = ask
        self._kept = kept
        self._known: OrderedDict[object, _Known] = OrderedDict()

    def __call__(self, log: LogLine) -> Answer:
        """Return what is known about a line."""
        shape = _shape(log)
        known = self._known.get(shape)
        if known is None:
            answer = self._ask(log)
            first = answer.matches[0] if answer.matches else None
            told = first is not None and bool(first.values) and first.tier is not Tier.FUZZY
            self._known[shape] = _Known(answer, Refit(first) if told and first is not None else None)
            if len(self._known) > self._kept:
                self._known.popitem(last=False)
            return answer
        self._known.move_to_end(shape)
        if known.refit is None:
            return known.answer
        values = known.refit.values(log.body)
        if values is None:
            return self._ask(log)
        first, *others = known.answer.matches
        return replace(known.answer, matches=(replace(first, values=values), *others))


_HEX = re.compile(r"0x[0-9a-f]+|\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]*\b")
_DIGITS = re.compile(r"[0-9]+")


def shape(text: str) -> str:
    """Return a text with its numbers masked, decimal ones apart from hexadecimal ones."""
    return _DIGITS.sub("0", _HEX.sub("0x", text))


def _shape(log: LogLine) -> object:
    if log.is_userspace:
        return log.process, log.facility
    return log.level, shape(log.body)
