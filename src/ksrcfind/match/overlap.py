"""Overlaps: a line and a format that share a part, or of which one contains the other.

The line may begin and end anywhere in a rendering of the format: it was pasted in part, or its end was cut off. And
the line may contain a rendering: behind an unknown prefix, or before text that a second call added. Each place where
line and format can begin together is tried; from there, matching never goes back. Steps are counted as in
`match.pattern`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ksrcfind.match.limits import CUT_FIRST_LITERAL, CUT_LATER_LITERAL, CUT_VALUE
from ksrcfind.match.pattern import Item, Pattern, Span, StepBudget, Wildcard, places, wildcard_spans


class Overlap(msgspec.Struct, frozen=True, gc=False):
    """The part that a line and a pattern share."""

    start: int
    """Start of the common part in the line."""
    end: int
    """End of the common part in the line."""
    literals: tuple[Span, ...]
    """Spans of the line that are literal text of the pattern."""
    spans: tuple[Span, ...]
    """Spans of the values, in the order of the conversions; (-1, -1) for a value that the line does not show."""
    begun: bool
    """True if the common part contains the beginning of the pattern."""
    finished: bool
    """True if the common part contains the end of the pattern."""

    def moved(self, offset: int) -> "Overlap":
        """Return the same overlap for a line with `offset` more characters in front."""
        if not offset:
            return self
        literals = tuple((low + offset, high + offset) for low, high in self.literals)
        spans = tuple((low + offset, high + offset) if low >= 0 else (low, high) for low, high in self.spans)
        return msgspec.structs.replace(
            self, start=self.start + offset, end=self.end + offset, literals=literals, spans=spans
        )


def overlaps(pattern: Pattern, text: str, budget: StepBudget | None = None) -> Iterator[Overlap]:
    """Yield the overlaps of a text and a pattern, except those that only consist of a wildcard."""
    search = OverlapSearch(pattern, text, budget or StepBudget())
    for number in range(len(pattern.segments)):
        yield from search.beginning(number)


def begun_by_text(pattern: Pattern, text: str, budget: StepBudget) -> Overlap | None:
    """Return the overlap in which text and pattern begin together; None if the pattern does not begin with any text."""
    if pattern.segments[0] or not pattern.wildcards:
        return None
    return OverlapSearch(pattern, text, budget).whole_beginning()


def most_literal(pattern: Pattern, text: str, budget: StepBudget | None = None) -> Overlap | None:
    """Return the overlap with most literal text, the first of several; None if there is none."""
    best: Overlap | None = None
    most = -1
    search = OverlapSearch(pattern, text, budget or StepBudget())
    for number in range(len(pattern.segments)):
        if most >= pattern.literal_from[number]:
            break  # An overlap that begins here or later has less literal text.
        for found in search.beginning(number):
            length = sum(high - low for low, high in found.literals)
            if length > most:
                best, most = found, length
    return best


class _Start(NamedTuple):
    """A place where an overlap can begin."""

    number: int
    """Number of the segment."""
    item: int
    """Number of the item in the segment."""
    known: int
    """Number of conversions of the pattern before that item."""
    position: int
    """Offset in the text."""
    literal: str | None
    """The rest of the literal if the text begins inside of it."""
    begun: bool
    """True if this is the beginning of the pattern."""


class OverlapSearch:
    """Finds the overlaps of one pattern and one text. Each segment is searched once."""

    def __init__(self, pattern: Pattern, text: str, budget: StepBudget) -> None:
        self._pattern = pattern
        self._text = text
        self._work = budget
        self._first: dict[int, tuple[int, int]] = {}
        """For each segment: an offset, and the first place of the segment from there on (beyond the text for none)."""

    def beginning(self, number: int) -> Iterator[Overlap]:
        """Yield the overlaps that begin in a segment, given by its number."""
        if self._work.left <= 0:
            return
        for start in self._starts(number):
            self._work.left -= 1 + len(self._pattern.conversions) // 4  # each gets a span
            if self._work.left < 0:
                return
            yield self._forward(start)

    def whole_beginning(self) -> Overlap:
        """Return the overlap in which text and pattern begin together."""
        return self._forward(_Start(0, 0, 0, 0, None, begun=True))

    def _starts(self, number: int) -> Iterator[_Start]:
        """Yield the places where the text can begin inside of a segment, and the segment in the text."""
        text, segment, known = self._text, self._pattern.segments[number], self._pattern.before[number]
        before = known
        for index, item in enumerate(segment):
            if isinstance(item, str):
                offset = _beginning(item, text, self._work)
                if offset is not None:
                    yield _Start(number, index, before, 0, item[offset:], number == 0 and index == 0 and offset == 0)
            else:
                if index or number:
                    yield _Start(number, index, before, 0, None, begun=False)
                before += item.groups
        if segment:
            # The text begins before this segment: with an unknown prefix, or inside of the wildcard before it.
            place = self.place(number, 0)
            if place is None:
                place = _first_place(segment[0], text, self._work) if isinstance(segment[0], str) else -1
            if place > 0:
                # A wildcard at the beginning of the pattern takes whatever the line begins with.
                begun = number == 0 or (number == 1 and not self._pattern.segments[0])
                yield _Start(number, 0, known, place, None, begun)

    def place(self, number: int, start: int) -> int | None:
        """Return the first place of a segment from `start` on; None if there is none."""
        beyond = len(self._text) + 1
        low, first = self._first.get(number, (beyond, beyond))
        if start < beyond and not low <= start <= first:
            stop = low if start < low else beyond
            segment = self._pattern.segments[number]
            if isinstance(segment[0], str):
                self._work.left -= searching(segment[0], len(self._text) - start)
            found = next(places(segment, self._text, start, stop, self._work), None)
            first = found[0] if found else first if stop == low else beyond
            self._first[number] = start, first
        return first if start <= first < beyond else None

    def _next(self, number: int, position: int) -> int | None:
        """Return the place of a segment behind the wildcard before it, which begins at `position`, or None."""
        wildcard = self._pattern.wildcards[number - 1]
        place = self.place(number, position + wildcard.least)
        return None if place is None or place - position > wildcard.most else place

    def _forward(self, begin: _Start) -> Overlap:
        """Return the overlap from a start on, as far as text and pattern agree."""
        pattern, text = self._pattern, self._text
        number, index, known, position, literal, begun = begin
        start = position
        spans: list[Span] = [(-1, -1)] * known
        literals: list[Span] = []
        items = pattern.segments[number][index:]
        if literal is not None:
            items = (literal, *items[1:])
        finished = False
        while True:
            position, whole = _through(items, text, position, spans, literals, self._work)
            if not whole:
                break
            if number == len(pattern.wildcards):
                finished = True
                break
            wildcard = pattern.wildcards[number]
            number += 1
            items = pattern.segments[number]
            if not items:
                finished = position < len(text) or wildcard.least == 0
                spans += wildcard_spans(text, position, len(text), wildcard)
                position = len(text)
                break
            place = self._next(number, position)
            if place is None and (cut := self._cut_segment(items, position + wildcard.least)) is not None:
                place, inner, inner_literals = cut
                spans += [*wildcard_spans(text, position, place, wildcard), *inner]
                literals += inner_literals
                position = len(text)
                break
            if place is None:
                position = _end_in_wildcard(items[0], text, position, wildcard, spans, literals, self._work)
                break
            spans += wildcard_spans(text, position, place, wildcard)
            position = place
        spans += [(-1, -1)] * (len(pattern.conversions) - len(spans))
        return Overlap(start, position, tuple(literals), tuple(spans), begun, finished)

    def _cut_segment(self, items: tuple[Item, ...], start: int) -> tuple[int, list[Span], list[Span]] | None:
        """Find a segment that the end of the text cuts off; return its place, values and literals, or None."""
        first = items[0]
        if len(items) == 1 or not isinstance(first, str):
            return None
        self._work.left -= searching(first, len(self._text))
        place = self._text.find(first, start)
        if place < 0:
            return None
        spans: list[Span] = []
        literals: list[Span] = []
        end, _ = _through(items, self._text, place, spans, literals, self._work)
        return (place, spans, literals) if end == len(self._text) else None


def searching(literal: str, size: int) -> int:
    """Return the steps of a search for a literal in `size` characters, where every place may begin like the literal."""
    return 1 + (len(literal) * max(0, size - len(literal)) >> 9)


def _first_place(literal: str, text: str, budget: StepBudget) -> int:
    """Return the first place of a literal in a text, or of its beginning at the end of the text, or -1."""
    budget.left -= searching(literal, len(text))
    start = text.find(literal)
    return start if start >= 0 else _cut_off(literal, text, 0, CUT_FIRST_LITERAL, budget)


def is_cut_off(literal: str, text: str, budget: StepBudget) -> bool:
    """Return whether the text can begin or end inside of a literal."""
    return _beginning(literal, text, budget) is not None or _cut_off(literal, text, 0, CUT_LATER_LITERAL, budget) >= 0


def _cut_off(literal: str, text: str, position: int, least: int, budget: StepBudget) -> int:
    """Return the first place from `position` on of a literal that the end of the text cuts off, or -1.

    The text must show at least `least` of its characters.
    """
    head = literal[:least]
    if len(head) < least:
        return -1
    start = text.find(head, max(position, len(text) - len(literal)))
    while start >= 0 and not literal.startswith(text[start:]):
        budget.left -= 1
        start = text.find(head, start + 1) if budget.left > 0 else -1
    return start


def _beginning(literal: str, text: str, budget: StepBudget) -> int | None:
    """Return the first offset from which on a literal and the text agree until one of them ends."""
    if text.startswith(literal):
        return 0
    budget.left -= searching(text, len(literal))
    inside = literal.find(text)
    if inside >= 0:
        return inside
    offset = literal.find(text[0], max(0, len(literal) - len(text)))
    while offset >= 0 and budget.left > 0:
        budget.left -= 1
        if text.startswith(literal[offset:]):
            # One shared character is not enough.
            return offset if len(literal) - offset > 1 else None
        offset = literal.find(text[0], offset + 1)
    return None


def _through(
    items: tuple[Item, ...], text: str, position: int, spans: list[Span], literals: list[Span], budget: StepBudget
) -> tuple[int, bool]:
    """Return where a segment or the text ends, and whether the whole segment matched."""
    for item in items:
        if isinstance(item, str):
            if text.startswith(item, position):
                literals.append((position, position + len(item)))
                position += len(item)
                continue
            if item.startswith(text[position:]):
                literals.append((position, len(text)))
                position = len(text)
            return position, False
        budget.left -= item.steps
        match = (item.ready or item.compiled).match(text, position) if budget.left >= 0 else None
        if match is None:
            rest = text[position:]
            if 0 < len(rest) <= CUT_VALUE and " " not in rest:
                position = len(text)
            return position, False
        spans += match.regs[1:]
        position = match.end()
    return position, True


def _end_in_wildcard(
    item: Item,
    text: str,
    position: int,
    wildcard: Wildcard,
    spans: list[Span],
    literals: list[Span],
    budget: StepBudget,
) -> int:
    """End the overlap in a wildcard, or in a literal behind it that is cut off; append the spans of both."""
    end = len(text)
    if isinstance(item, str):
        start = _cut_off(item, text, position, CUT_LATER_LITERAL, budget)
        if start >= 0:
            literals.append((start, end))
            end = start
    spans += wildcard_spans(text, position, end, wildcard)
    return len(text)
