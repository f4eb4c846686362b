"""A match carried over to another line of the same shape: only its values are read anew."""

from collections.abc import Sequence

from ksrcfind.match.answer import Match, Tier, Value
from ksrcfind.match.body import body_text
from ksrcfind.match.fragment import most_literal
from ksrcfind.match.pattern import Pattern, Span
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.match.whole import Whole
from ksrcfind.source.template import CONVERSION, lines

_MANY = 128
"""Readings from which on a pattern is worth to be compiled as a whole."""

Texts = tuple[str | None, ...]
"""What a line shows for each argument of its message; None for what it does not show."""


class ValueReader:
    """Reads the values of a match off further lines."""

    def __init__(self, match: Match) -> None:
        self._tier = match.tier
        self._values = match.values
        self._read = 0
        self._whole: Whole | None = None
        """The only pattern, once many lines have been read with it."""
        self._patterns: list[tuple[Pattern, int, tuple[int, ...]]] = []
        """Each line of the form, the values before it, and which of its own are padded to a width."""
        first = 0
        for line in lines(match.form.printed):
            if line.strip():
                one = pattern(line)
                padded = tuple(number for number, conversion in enumerate(one.conversions) if conversion.width)
                self._patterns.append((one, first, padded))
            first += sum(1 for found in CONVERSION.finditer(line) if not found["percent"])

    def texts(self, text: str) -> Texts | None:
        """Return what a line shows for each argument; None if it has to be matched by itself."""
        body = body_text(text)
        for one, first, padded in self._patterns:
            spans = self._spans(one, body)
            if spans is not None:
                shown = [None if start < 0 else body[start:end] for start, end in spans]
                for number in padded:
                    shown[number] = (shown[number] or "").strip(" ") if spans[number][0] >= 0 else None
                missing = len(self._values) - first - len(shown)
                return (*[None] * first, *shown, *[None] * missing) if first or missing else tuple(shown)
        return None

    def values(self, texts: Texts) -> tuple[Value, ...]:
        """Return such texts as the values of the match."""
        return tuple(
            Value(old.conversion, old.expression, text, old.decoded if text == old.value else None)
            for old, text in zip(self._values, texts, strict=True)
        )

    def _spans(self, one: Pattern, body: str) -> Sequence[Span] | None:
        if self._tier is Tier.EXACT:
            self._read += 1
            if self._whole is None:
                if self._read == _MANY and len(self._patterns) == 1:
                    self._whole = Whole(one)
                return one.spans(body)
            return self._whole.spans(body)
        found = most_literal(one, body)  # As the matcher does.
        return found.spans if found is not None else None
