"""A match carried over to another line of the same shape: only its values are read anew."""

from collections.abc import Sequence

from ksrcfind.match.answer import Match, Tier, Value
from ksrcfind.match.body import Body
from ksrcfind.match.fragment import overlaps
from ksrcfind.match.pattern import Pattern, Span, pattern, value
from ksrcfind.source.template import CONVERSION, lines


class Refit:
    """Reads the values of a match off further lines."""

    def __init__(self, match: Match) -> None:
        self._tier = match.tier
        self._values = match.values
        self._patterns: list[tuple[Pattern, int]] = []
        first = 0
        for line in lines(match.form.printed):
            if line.strip():
                self._patterns.append((pattern(line), first))
            first += sum(1 for found in CONVERSION.finditer(line) if not found["percent"])

    def values(self, text: str) -> tuple[Value, ...] | None:
        """Return the values that a line shows; None if it has to be matched by itself."""
        if not self._values or self._tier is Tier.FUZZY:
            return self._values
        body = Body.of(text).text
        for one, first in self._patterns:
            spans = self._spans(one, body)
            if spans is not None:
                return self._read(one, spans, first, body)
        return None

    def _spans(self, one: Pattern, body: str) -> Sequence[Span] | None:
        if self._tier is Tier.EXACT:
            return one.spans(body)
        found = max(overlaps(one, body), key=lambda overlap: overlap.end - overlap.start, default=None)
        return found.spans if found is not None else None

    def _read(self, one: Pattern, spans: Sequence[Span], first: int, body: str) -> tuple[Value, ...]:
        shown = {
            first + number: value(conversion, body, span)
            for number, (conversion, span) in enumerate(zip(one.conversions, spans, strict=False))
        }
        return tuple(
            Value(old.conversion, old.expression, text, old.decoded if text == old.value else None)
            for number, old in enumerate(self._values)
            for text in [shown.get(number)]
        )
