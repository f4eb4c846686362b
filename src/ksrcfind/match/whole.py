"""A pattern as one regular expression, for a format whose values are read off very many lines.

It finds what `Pattern.spans` does: every segment is an atomic group that takes its first place and gives nothing back.
Compiling it costs as much as some hundred readings piece by piece.
"""

import re

from ksrcfind.match.conversions import compiled
from ksrcfind.match.limits import LONGEST, PATTERN_STEPS
from ksrcfind.match.pattern import Item, Pattern, Span, Wildcard, wildcard_spans


class Whole:
    """Reads the values of one pattern."""

    def __init__(self, pattern: Pattern) -> None:
        """Compile a pattern."""
        self._pattern = pattern
        self._longest = PATTERN_STEPS // max(1, *pattern.sizes) - len(pattern.sizes)
        """Characters of a text of which every place is tried for every segment."""
        self._shared: list[tuple[int, Wildcard]] = []
        """Gaps of several conversions, the last first, with the place of their text among the groups."""
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
                # A padded field at the end of a line may have lost its blanks.
                regex.append(f"({_gap(wildcard, 0)})")
            elif number == last:
                regex.append(f"({_gap(wildcard, wildcard.least)}?){segment}")
            else:
                regex.append(f"(?>({_gap(wildcard, wildcard.least)}?){segment})")
        self._regex = compiled("".join(regex) + r"\Z")

    def spans(self, text: str) -> list[Span] | None:
        """Return where the value of each conversion stands if the whole text fits, else None."""
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
        return found


def _segment(segment: tuple[Item, ...]) -> str:
    return "".join(re.escape(item) if isinstance(item, str) else f"(?>{item.regex})" for item in segment)


def _gap(wildcard: Wildcard, least: int) -> str:
    most = "" if wildcard.most > 2 * LONGEST else wildcard.most
    return f"{'.' if wildcard.blanks else '[^ ]'}{{{least},{most}}}"
