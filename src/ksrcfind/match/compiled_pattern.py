"""A pattern compiled into one regular expression, for a format whose values are read from very many lines.

It returns the same spans as `Pattern.spans`: every segment is an atomic group, which takes its first place and never
backtracks. Compiling costs as much as some hundred matches of the interpreted pattern.
"""

import re

from ksrcfind.match.conversions import compiled
from ksrcfind.match.limits import LONGEST, PATTERN_STEPS
from ksrcfind.match.pattern import Item, Pattern, Span, Wildcard, wildcard_spans


class CompiledPattern:
    """Reads the values of one pattern."""

    def __init__(self, pattern: Pattern) -> None:
        """Compile a pattern."""
        self._pattern = pattern
        self._longest = PATTERN_STEPS // max(1, *pattern.sizes) - len(pattern.sizes)
        """Length of text from which on steps could run out: longer text goes to the interpreted pattern."""
        self._shared: list[tuple[int, Wildcard]] = []
        """Wildcards of several conversions, the last first, each with the number of its group."""
        last = len(pattern.wildcards)
        regex = [_segment(pattern.segments[0])]
        for number, wildcard in enumerate(pattern.wildcards, 1):
            segment = _segment(pattern.segments[number])
            if wildcard.conversions > 1:
                values = (
                    item.groups for some in pattern.segments[:number] for item in some if not isinstance(item, str)
                )
                self._shared.insert(0, (sum(values) + number - 1, wildcard))
            if not segment:
                # Padding at the end of a line may have been stripped.
                regex.append(f"({_wildcard(wildcard, 0)})")
            elif number == last:
                regex.append(f"({_wildcard(wildcard, wildcard.least)}?){segment}")
            else:
                regex.append(f"(?>({_wildcard(wildcard, wildcard.least)}?){segment})")
        self._regex = compiled("".join(regex) + r"\Z")

    def spans(self, text: str) -> list[Span] | None:
        """Return the span of each conversion's value if the whole text matches, else None."""
        if len(text) >= self._longest:
            return self._pattern.spans(text)
        if self._pattern.trailing:
            text += " "
        match = self._regex.match(text)
        if match is None:
            return None
        found: list[Span] = list(match.regs[1:])
        for place, wildcard in self._shared:
            start, end = found[place]
            found[place : place + 1] = wildcard_spans(text, start, end, wildcard)
        return self._pattern.shared_out(text, found)


def _segment(segment: tuple[Item, ...]) -> str:
    return "".join(re.escape(item) if isinstance(item, str) else f"(?>{item.regex})" for item in segment)


def _wildcard(wildcard: Wildcard, least: int) -> str:
    most = "" if wildcard.most > 2 * LONGEST else wildcard.most
    return f"{'.' if wildcard.blanks else '[^ ]'}{{{least},{most}}}"
