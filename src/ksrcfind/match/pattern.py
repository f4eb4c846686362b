"""A format as a pattern that finds its values in a line again.

A pattern is a glob with typed holes: *segments* of literal text and typed values, with holes for any text between them.
As in glob matching it is enough to take, for each segment, the first place where it fits, with the first segment held
at the start and the last at the end: text that a later place would leave to an earlier hole goes to a later one. So no
choice is ever taken back, and the time is bounded by the line's length times the length of a segment, whatever the
format and the line; for a segment longer than all that kernels print, fewer places are tried (`WORK`). Within a segment
typed values are taken as long as they go; where the text behind them could be part of the value, both are looked at
together.

The pieces are interpreted rather than compiled into one regular expression: compiling takes some hundred times longer
than one match, and a log asks for thousands of formats once.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

import msgspec

from ksrcfind.match.conversions import Text, Typed, compiled, hole
from ksrcfind.source.template import WORD, Conversion, pieces

LONGEST = 4096
"""Characters of a line that are looked at. printk cuts a record at 1 KiB (LOG_LINE_MAX, PRINTKRB_RECORD_MAX)."""

WORK = 1 << 17
"""Comparisons of literals and values with a text in search of a segment's place: 128 at each place of a record."""

_VALUE = 8
"""Comparisons that one of a value counts as: some values are names of 255 characters."""

_SHARED = 384
"""Comparisons that each of several neighbouring values counts as that share their text."""

_SHARING = 3
"""Neighbouring typed values that share their text by backtracking."""

Span = tuple[int, int]
Matcher = Callable[[str, int], "re.Match[str] | None"]


class Values:
    """Typed values without text between them; compiled when first looked for, since most texts part ways before."""

    __slots__ = ("_compiled", "groups", "regex")

    def __init__(self, regex: str, groups: int) -> None:
        """Take a regular expression with a group for each value."""
        self.regex = regex
        self._compiled: re.Pattern[str] | None = None
        self.groups = groups
        """How many values these are."""

    @property
    def compiled(self) -> re.Pattern[str]:
        """The regular expression."""
        found = self._compiled
        if found is None:
            found = self._compiled = compiled(self.regex)
        return found

    def find(self, text: str, start: int, stop: int) -> int:
        """Return the first place from `start` on, before `stop`, where they stand, or -1."""
        if self.groups > 1:  # A search goes on behind `stop`, and these take long at each place.
            places = range(start, min(stop, len(text) + 1))
            return next((place for place in places if self.compiled.match(text, place)), -1)
        match = self.compiled.search(text, start)
        return match.start() if match is not None and match.start() < stop else -1


Item = str | Values


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A hole between two segments, for one conversion or several without anything between them."""

    least: int
    most: int
    blanks: bool
    conversions: int


class Pattern(msgspec.Struct, frozen=True, gc=False):
    """A line of a format, ready to be looked for."""

    segments: tuple[tuple[Item, ...], ...]
    """Literal texts and typed values; a typed value's regular expression has one group for each conversion."""
    gaps: tuple[Gap, ...]
    """Holes for any text, one between each two segments."""
    conversions: tuple[Conversion, ...]
    """In the order of the spans that a match gives."""
    texts: tuple[bool, ...]
    """For each conversion: True if it stands for any text."""
    weights: tuple[float, ...]
    """For each conversion: bits of information in finding a value of its shape; 0 for any text."""
    prefix: int
    """How many of the first gaps make up a run-time prefix: driver and device, up to a colon."""
    named: int
    """Conversions in these gaps."""
    trailing: bool
    """True if the text before a last gap ends with a blank, which is lost when the value is empty."""
    literal_from: tuple[int, ...]
    """For each segment: characters of literal text in it and in those behind it."""
    before: tuple[int, ...]
    """For each segment: conversions before it."""
    sizes: tuple[int, ...]
    """For each segment: comparisons at one place, as `WORK` counts them."""
    last: frozenset[str] | None
    """Characters that a rendering may end with; None for any."""

    def spans(self, text: str) -> list[Span] | None:
        """Return where the value of each conversion stands if the whole text fits, else None.

        A span of (-1, -1) stands for a value that cannot be told from its neighbour's.
        """
        if self.last is not None and text[-1:] not in self.last:
            return None
        if self.trailing:
            text += " "
        found: list[Span] = []
        end = run(self.segments[0], text, 0, found)
        if end < 0:
            return None
        if not self.gaps:
            return found if end == len(text) else None
        last = len(self.gaps) - 1
        for number, gap in enumerate(self.gaps):
            place = self._after_gap(number, text, end, number == last)
            if place is None:
                return None
            start, stop, inner = place
            found += gap_spans(text, end, start, gap)
            found += inner
            end = stop
        return found

    def head(self, text: str) -> int:
        """Return the first place where a beginning of the text fits whole, or -1; a gap at the end takes no text."""
        end = run(self.segments[0], text, 0, [])
        for number in range(len(self.gaps)):
            if end < 0 or not self.segments[number + 1]:
                return end
            place = self._after_gap(number, text, end, last=False)
            end = place[1] if place else -1
        return end

    def _after_gap(self, number: int, text: str, position: int, last: bool) -> tuple[int, int, list[Span]] | None:
        """Find the first place of the segment behind a gap, given by its number, that begins at `position`.

        Returns start, end and the spans of its values. The last segment must end with the text.
        """
        gap, segment = self.gaps[number], self.segments[number + 1]
        size = len(text)
        start = position + gap.least
        if not segment:
            # A padded field at the end of a line may have lost its blanks.
            start = size
            place: tuple[int, int, list[Span]] | None = (size, size, [])
        elif len(segment) == 1 and segment[0].__class__ is str:
            literal: str = segment[0]
            if last:
                start = size - len(literal) if text.endswith(literal) and size - len(literal) >= start else -1
            else:
                start = text.find(literal, start)
            place = (start, start + len(literal), []) if start >= 0 else None
        else:
            found = places(segment, text, start, start + WORK // self.sizes[number + 1])
            place = next((p for p in found if not last or p[1] == size), None)
        if place is None or place[0] - position > gap.most:
            return None
        if not gap.blanks and " " in text[position : place[0]]:
            return None
        return place


def run(segment: tuple[Item, ...], text: str, position: int, found: list[Span]) -> int:
    """Match a segment at a position. Return where it ends, or -1; adds the spans of its values to `found`."""
    for item in segment:
        if isinstance(item, str):
            if not text.startswith(item, position):
                return -1
            position += len(item)
        else:
            match = item.compiled.match(text, position)
            if match is None:
                return -1
            found += match.regs[1:]
            position = match.end()
    return position


def places(segment: tuple[Item, ...], text: str, start: int, stop: int) -> Iterator[tuple[int, int, list[Span]]]:
    """Yield the places of a segment that begin at `start` or later, before `stop`: start, end, spans of its values."""
    first = segment[0]
    if isinstance(first, str):
        rest = segment[1:]
        start = text.find(first, start)
        while 0 <= start < stop:
            found: list[Span] = []
            end = run(rest, text, start + len(first), found)
            if end >= 0:
                yield start, end, found
            start = text.find(first, start + 1)
        return
    while start <= len(text) and (start := first.find(text, start, stop)) >= 0:
        found = []
        end = run(segment, text, start, found)
        if end >= 0:
            yield start, end, found
        start += 1


def gap_spans(text: str, start: int, end: int, gap: Gap) -> list[Span]:
    """Share the text of a gap among its conversions.

    Of several `%s` in a row the later ones are mostly optional suffixes: a word without blanks is the first's value;
    of anything longer nobody can say whose it is.
    """
    if gap.conversions == 1:
        return [(start, end)]
    if start == end or not any(c.isspace() for c in text[start:end]):
        return [(start, end)] + [(end, end)] * (gap.conversions - 1)
    return [(-1, -1)] * gap.conversions


def _groups(items: list[str | Typed]) -> tuple[Item, ...]:
    """Put typed values together; those that could eat what follows are joined with it into one regular expression."""
    result: list[Item] = []
    number = 0
    while number < len(items):
        item = items[number]
        if isinstance(item, str):
            result.append(item)
            number += 1
            continue
        regex = [f"({item.regex})"]
        count = 1
        while number + count < len(items) and isinstance(following := items[number + count], Typed):
            if not _overlap(items[number + count - 1], following):
                break
            # Two neighbours share their text by backtracking; of more, all but the last have their usual length.
            previous = items[number + count - 1]
            if isinstance(previous, Typed) and (previous.exact or count > 1):
                regex[-1] = f"({previous.exact or previous.regex + '?'})"
            regex.append(f"({following.regex})")
            count += 1
        if count > _SHARING:
            # Each further one that gives back would multiply the ways to share.
            regex[:-1] = map(_atomic, items[number : number + count - 1])
        if number + count < len(items) and _overlap(items[number + count - 1], items[number + count]):
            following_text = items[number + count]
            if isinstance(following_text, str):
                regex.append(f"(?={re.escape(following_text)})")
        result.append(Values("".join(regex), count))
        number += count
    return tuple(result)


def _cost(item: Item) -> int:
    """Comparisons at one place, as `WORK` counts them."""
    if isinstance(item, str):
        return 1
    return _VALUE if item.groups == 1 else _SHARED * item.groups


def _atomic(item: str | Typed) -> str:
    """A value that gives nothing back: as short as it can be, but with the blanks that fill its field."""
    if isinstance(item, str):
        return re.escape(item)
    return f"((?>{item.exact or item.regex + ('' if ' ' in item.tail else '?')}))"


def _overlap(item: str | Typed, following: str | Typed) -> bool:
    if isinstance(item, str):
        return False
    if isinstance(following, str):
        return following[0] in item.tail
    return not item.tail.isdisjoint(following.head)


@lru_cache(maxsize=32768)
def pattern(line: str) -> Pattern:
    """Return the pattern of a line of a format (`template.lines`). Blanks at both ends do not count."""
    parts = [piece if isinstance(piece, str) else (piece, hole(piece)) for piece in pieces(line)]
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    segments: list[list[str | Typed]] = [[]]
    gaps: list[Gap] = []
    conversions: list[Conversion] = []
    for part in parts:
        if isinstance(part, str):
            if part:
                segments[-1].append(part)
            continue
        conversion, value = part
        conversions.append(conversion)
        if isinstance(value, Typed):
            segments[-1].append(value)
        elif gaps and not segments[-1]:
            before = gaps[-1]
            gaps[-1] = Gap(
                before.least + value.least,
                before.most + value.most,
                before.blanks or value.blanks,
                before.conversions + 1,
            )
        else:
            gaps.append(Gap(value.least, value.most, value.blanks, 1))
            segments.append([])
    holes = [part[1] for part in parts if not isinstance(part, str)]
    texts = tuple(isinstance(one, Text) for one in holes)
    weights = tuple(one.bits if isinstance(one, Typed) else 0.0 for one in holes)
    last_text = segments[-2][-1] if len(segments) > 1 and not segments[-1] and segments[-2] else ""
    trailing = isinstance(last_text, str) and last_text.endswith(" ")
    prefix = 0
    for number in range(len(gaps)):
        if any(isinstance(item, str) and WORD.search(item) for item in segments[number]):
            break
        following = segments[number + 1][0] if segments[number + 1] else ""
        if isinstance(following, str) and following.startswith(":"):
            prefix = number + 1
            break
    grouped = tuple(_groups(segment) for segment in segments)
    return Pattern(
        grouped,
        tuple(gaps),
        tuple(conversions),
        texts,
        weights,
        prefix,
        sum(gap.conversions for gap in gaps[:prefix]),
        trailing,
        _literal_from(segments),
        _before(segments, gaps),
        tuple(sum(map(_cost, segment)) for segment in grouped),
        segments[-1][-1].last if segments[-1] and isinstance(segments[-1][-1], Typed) else None,
    )


def _literal_from(segments: Sequence[Sequence[str | Typed]]) -> tuple[int, ...]:
    lengths = [sum(len(item) for item in segment if isinstance(item, str)) for segment in segments]
    return tuple(accumulate(reversed(lengths)))[::-1]


def _before(segments: Sequence[Sequence[str | Typed]], gaps: Sequence[Gap]) -> tuple[int, ...]:
    typed = [sum(isinstance(item, Typed) for item in segment) for segment in segments[:-1]]
    counts = (inside + gap.conversions for inside, gap in zip(typed, gaps, strict=True))
    return (0, *accumulate(counts))


def value(conversion: Conversion, text: str, span: Span) -> str | None:
    """Return the text of a value, without the padding of its width; None if the span is unknown."""
    if span[0] < 0:
        return None
    shown = text[span[0] : span[1]]
    return shown.strip(" ") if conversion.width else shown


def is_in(conversion: Conversion, text: str) -> bool:
    """Tell whether a value of a typed conversion stands anywhere in a text."""
    typed = hole(conversion)
    return isinstance(typed, Typed) and compiled(typed.regex).search(text) is not None


__all__ = [
    "LONGEST",
    "Gap",
    "Pattern",
    "Span",
    "Text",
    "gap_spans",
    "is_in",
    "pattern",
    "places",
    "run",
    "value",
]
