"""The match of one line applied to other lines of the same shape: only their values are read."""

from collections.abc import Sequence

from ksrcfind.match.answer import Match, Tier, Value
from ksrcfind.match.body import body_text
from ksrcfind.match.compiled_pattern import CompiledPattern
from ksrcfind.match.decode import decoded
from ksrcfind.match.overlap import most_literal
from ksrcfind.match.pattern import Pattern, Span
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.source.template import CONVERSION, lines

_MANY = 128
"""Number of lines from which on compiling a pattern is worth its cost."""

Texts = tuple[str | None, ...]
"""The text of a line for each argument of its message; None for an argument that the line does not show."""


class ValueReader:
    """Reads the values of a match from further lines."""

    def __init__(self, match: Match) -> None:
        self._tier = match.tier
        self._values = match.values
        self._arguments = match.form.arguments
        self._read = 0
        self._compiled: CompiledPattern | None = None
        """The compiled pattern, once many lines have been read with the only one."""
        self._patterns: list[tuple[Pattern, int, tuple[int, ...]]] = []
        """For each line of the form: its pattern, the number of values before it, and its padded values."""
        first = 0
        for line in lines(match.form.printed):
            if line.strip():
                one = pattern(line)
                padded = tuple(number for number, conversion in enumerate(one.conversions) if conversion.width)
                self._patterns.append((one, first, padded))
            first += sum(1 for found in CONVERSION.finditer(line) if not found["percent"])

    def texts(self, text: str) -> Texts | None:
        """Return the text of a line for each argument; None if the match does not apply to the line."""
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
        """Return these texts as the values of the match."""
        return tuple(
            Value(old.conversion, old.expression, text, decoded(self._arguments, texts, number))
            for number, (old, text) in enumerate(zip(self._values, texts, strict=True))
        )

    def _spans(self, one: Pattern, body: str) -> Sequence[Span] | None:
        if self._tier is Tier.EXACT:
            self._read += 1
            if self._compiled is None:
                if self._read == _MANY and len(self._patterns) == 1:
                    self._compiled = CompiledPattern(one)
                return one.spans(body)
            return self._compiled.spans(body)
        found = most_literal(one, body)  # As the matcher does.
        return found.spans if found is not None else None
