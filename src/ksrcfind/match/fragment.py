"""A format and a line of which one is a part of the other.

The line may begin and end anywhere in a rendering (a pasted piece, a cut-off end), and a rendering may stand anywhere
in the line (an unknown prefix, text that a second call added). Each place where the two can begin together is tried;
from there on matching goes forward only, so the time is bounded as in `match.pattern`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ksrcfind.match.pattern import Gap, Item, Pattern, Span, gap_spans, places

_CUT_VALUE = 48
"""Characters of a value that may be left when its end or beginning is cut off."""

_CUT_LITERAL = 8
"""Characters of a literal that must be left of it where the line is cut off, for it to be the first that they share."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How a line and a pattern lie over each other."""

    start: int
    """Where the common part begins in the line."""
    end: int
    """Where it ends in the line."""
    literals: tuple[Span, ...]
    """Spans of the line that are literal text of the pattern."""
    spans: tuple[Span, ...]
    """Values of the conversions in the order of the pattern; (-1, -1) where the line does not show one."""
    begun: bool
    """True if the pattern's beginning is in the line."""
    finished: bool
    """True if the pattern's end is in the line."""


def overlaps(pattern: Pattern, text: str) -> Iterator[Overlap]:
    """Yield the ways in which a text and a pattern lie over each other, without those of a gap alone."""
    before = 0
    for number, segment in enumerate(pattern.segments):
        for index, item in enumerate(segment):
            if isinstance(item, str):
                offset = _beginning(item, text)
                if offset is not None:
                    literal = item[offset:]
                    begun = number == 0 and index == 0 and offset == 0
                    yield _forward(pattern, text, number, index, before, 0, literal, begun)
            else:
                if index or number:
                    yield _forward(pattern, text, number, index, before, 0, None, False)
                before += item.groups
        if segment:
            # The text begins before this segment: with an unknown prefix, or inside of the gap before it.
            first = before - sum(item.groups for item in segment if not isinstance(item, str))
            place = next(places(segment, text, 0), None)
            start = place[0] if place else _first_place(segment[0], text) if isinstance(segment[0], str) else -1
            if start > 0:
                yield _forward(pattern, text, number, 0, first, start, None, number == 0)
        if number < len(pattern.gaps):
            before += pattern.gaps[number].conversions


def _first_place(literal: str, text: str) -> int:
    """Return where a literal stands in a text, or where the text is cut off inside of it, or -1."""
    start = text.find(literal)
    if start >= 0:
        return start
    for length in range(min(len(literal) - 1, len(text)), _CUT_LITERAL - 1, -1):
        if text.endswith(literal[:length]):
            return len(text) - length
    return -1


def _beginning(literal: str, text: str) -> int | None:
    """Return the first offset from which on a literal and the text agree until one of them ends."""
    if text.startswith(literal):
        return 0
    inside = literal.find(text)
    if inside >= 0:
        return inside
    offset = literal.find(text[0])
    while offset >= 0:
        if text.startswith(literal[offset:]):
            # A single sign that they share is no beginning.
            return offset if len(literal) - offset > 1 else None
        offset = literal.find(text[0], offset + 1)
    return None


def _forward(
    pattern: Pattern, text: str, number: int, index: int, known: int, position: int, literal: str | None, begun: bool
) -> Overlap:
    """Follow a pattern through the text from item `index` of segment `number` on, as far as they agree.

    `literal` is the rest of the first item if the text begins inside it, `known` the conversions before that item.
    """
    start = position
    spans: list[Span] = [(-1, -1)] * known
    literals: list[Span] = []
    items = pattern.segments[number][index:]
    if literal is not None:
        items = (literal, *items[1:])
    finished = False
    while True:
        position, whole = _through(items, text, position, spans, literals)
        if not whole:
            break
        if number == len(pattern.gaps):
            finished = True
            break
        gap = pattern.gaps[number]
        number += 1
        items = pattern.segments[number]
        if not items:
            finished = position < len(text) or gap.least == 0
            spans += gap_spans(text, position, len(text), gap)
            position = len(text)
            break
        place = _next(items, text, position, gap)
        if place is None:
            position = _end_in_gap(items[0], text, position, gap, spans, literals)
            break
        spans += gap_spans(text, position, place, gap)
        position = place
    spans += [(-1, -1)] * (len(pattern.conversions) - len(spans))
    return Overlap(start, position, tuple(literals), tuple(spans), begun, finished)


def _next(segment: tuple[Item, ...], text: str, position: int, gap: Gap) -> int | None:
    place = next(places(segment, text, position + gap.least), None)
    if place is None or place[0] - position > gap.most:
        return None
    return place[0]


def _through(
    items: tuple[Item, ...], text: str, position: int, spans: list[Span], literals: list[Span]
) -> tuple[int, bool]:
    """Go through a segment. Returns where it or the text ends, and whether the segment was seen whole."""
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
        match = item.compiled.match(text, position)
        if match is None:
            rest = text[position:]
            if 0 < len(rest) <= _CUT_VALUE and " " not in rest:
                position = len(text)
            return position, False
        spans += match.regs[1:]
        position = match.end()
    return position, True


def _end_in_gap(item: Item, text: str, position: int, gap: Gap, spans: list[Span], literals: list[Span]) -> int:
    """The text ends in a gap or in the beginning of the literal behind it."""
    end = len(text)
    if isinstance(item, str):
        for length in range(min(len(item), end - position), 1, -1):
            if text.endswith(item[:length]):
                literals.append((end - length, end))
                end -= length
                break
    spans += gap_spans(text, position, end, gap)
    return len(text)
