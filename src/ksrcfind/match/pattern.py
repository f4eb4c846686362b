"""A format as a pattern that finds its values in a line again.

A pattern is a glob with typed holes: *segments* of literal text and typed values, with holes for any text between them.
As in glob matching it is enough to take, for each segment, the first place where it fits, with the first segment held
at the start and the last at the end: text that a later place would leave to an earlier hole goes to a later one. So no
choice is ever taken back. Within a segment typed values are taken as long as they go; only numbers that touch share
their text, two or three of them together.

The time has an end, whatever format and line are. Of both, no more is looked at than a record of the kernel can hold
(`LONGEST`, `MOST_VALUES`). All that is done is counted in steps: a place that is looked at is one, a value as many as
its regular expression, which is of bounded length, takes at one place at most (`Values.steps`). Whoever looks for a
pattern has so many steps (`StepBudget`), and when they are used up, the pattern is not there.

The pieces are interpreted rather than compiled into one regular expression: compiling takes some hundred times longer
than one match, and a log asks for thousands of formats once.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from math import prod

import msgspec

from ksrcfind.match.conversions import Hole, Text, Typed, compiled, hole
from ksrcfind.match.limits import (
    GIVING_BACK,
    LONGEST,
    LOOKAHEAD,
    MOST_VALUES,
    PATTERN_STEPS,
    SHARING_NUMBERS,
    SHARING_WAYS,
    VALUE_STEPS,
)
from ksrcfind.source.template import WORD, Conversion, pieces

Span = tuple[int, int]


class StepBudget:
    """Steps that may still be taken."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = PATTERN_STEPS


class Values:
    """Typed values without text between them; compiled when first looked for, since most texts part ways before."""

    __slots__ = ("groups", "ready", "regex", "steps")

    def __init__(self, regex: str, groups: int, steps: int = VALUE_STEPS) -> None:
        """Take a regular expression with a group for each value."""
        self.regex = regex
        self.ready: re.Pattern[str] | None = None
        """The regular expression if it has been compiled."""
        self.groups = groups
        """How many values these are."""
        self.steps = steps
        """Steps that matching takes at one place, at most."""

    @property
    def compiled(self) -> re.Pattern[str]:
        """The regular expression."""
        found = self.ready
        if found is None:
            found = self.ready = compiled(self.regex)
        return found

    def find(self, text: str, start: int, stop: int, work: StepBudget) -> int:
        """Return the first place from `start` on, before `stop`, where they stand, or -1."""
        stop = min(stop, len(text) + 1, start + work.left // self.steps)
        if stop > len(text):
            match = self.compiled.search(text, start)
            place = match.start() if match is not None else -1
        else:  # A search would go on behind `stop`.
            place = next((place for place in range(start, stop) if self.compiled.match(text, place)), -1)
        work.left -= self.steps * ((place + 1 if place >= 0 else stop) - start)
        return place


Item = str | Values


class Wildcard(msgspec.Struct, frozen=True, gc=False):
    """A hole between two segments, for one conversion or several without anything between them."""

    least: int
    most: int
    blanks: bool
    conversions: int


class Pattern(msgspec.Struct, frozen=True, gc=False):
    """A line of a format, ready to be looked for."""

    segments: tuple[tuple[Item, ...], ...]
    """Literal texts and typed values; a typed value's regular expression has one group for each conversion."""
    wildcards: tuple[Wildcard, ...]
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
    """For each segment: steps at one place, at most."""
    last: frozenset[str] | None
    """Characters that a rendering may end with; None for any."""

    def spans(self, text: str, work: StepBudget | None = None) -> list[Span] | None:
        """Return where the value of each conversion stands if the whole text fits, else None.

        A span of (-1, -1) stands for a value that cannot be told from its neighbour's.
        """
        if self.last is not None and text[-1:] not in self.last:
            return None
        if self.trailing:
            text += " "
        found: list[Span] = []
        work = work or StepBudget()
        end = run(self.segments[0], text, 0, found, work)
        if end < 0:
            return None
        if not self.wildcards:
            return found if end == len(text) else None
        last = len(self.wildcards) - 1
        for number, wildcard in enumerate(self.wildcards):
            place = self._after_gap(number, text, end, number == last, work)
            if place is None:
                return None
            start, stop, inner = place
            found += wildcard_spans(text, end, start, wildcard)
            found += inner
            end = stop
        return found

    def head(self, text: str, work: StepBudget) -> int:
        """Return the first place where a beginning of the text fits whole, or -1; a gap at the end takes no text."""
        end = run(self.segments[0], text, 0, [], work)
        for number in range(len(self.wildcards)):
            if end < 0 or not self.segments[number + 1]:
                return end
            place = self._after_gap(number, text, end, last=False, work=work)
            end = place[1] if place else -1
        return end

    def _after_gap(
        self, number: int, text: str, position: int, last: bool, work: StepBudget
    ) -> tuple[int, int, list[Span]] | None:
        """Find the first place of the segment behind a gap, given by its number, that begins at `position`.

        Returns start, end and the spans of its values. The last segment must end with the text.
        """
        wildcard, segment = self.wildcards[number], self.segments[number + 1]
        size = len(text)
        start = position + wildcard.least
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
            found = places(segment, text, start, size + 1, work)
            place = next((p for p in found if not last or p[1] == size), None)
        if place is None or place[0] - position > wildcard.most:
            return None
        if not wildcard.blanks and " " in text[position : place[0]]:
            return None
        return place


def run(segment: tuple[Item, ...], text: str, position: int, found: list[Span], work: StepBudget) -> int:
    """Match a segment at a position. Return where it ends, or -1; adds the spans of its values to `found`."""
    for item in segment:
        if isinstance(item, str):
            if not text.startswith(item, position):
                return -1
            position += len(item)
        else:
            work.left -= item.steps
            match = (item.ready or item.compiled).match(text, position) if work.left >= 0 else None
            if match is None:
                return -1
            found += match.regs[1:]
            position = match.end()
    return position


def places(
    segment: tuple[Item, ...], text: str, start: int, stop: int, work: StepBudget
) -> Iterator[tuple[int, int, list[Span]]]:
    """Yield the places of a segment that begin at `start` or later, before `stop`: start, end, spans of its values."""
    first = segment[0]
    if isinstance(first, str):
        rest = segment[1:]
        start = text.find(first, start)
        while 0 <= start < stop and work.left > 0:
            work.left -= 1
            found: list[Span] = []
            end = run(rest, text, start + len(first), found, work)
            if end >= 0:
                yield start, end, found
            start = text.find(first, start + 1)
        return
    while start < stop and work.left > 0 and (start := first.find(text, start, stop, work)) >= 0:
        work.left -= 1
        found = []
        end = run(segment, text, start, found, work)
        if end >= 0:
            yield start, end, found
        start += 1


def wildcard_spans(text: str, start: int, end: int, wildcard: Wildcard) -> list[Span]:
    """Share the text of a gap among its conversions.

    Of several `%s` in a row the later ones are mostly optional suffixes: a word without blanks is the first's value;
    of anything longer nobody can say whose it is.
    """
    if wildcard.conversions == 1:
        return [(start, end)]
    shared = text[start:end]
    if not shared or shared.split(None, 1) == [shared]:
        return [(start, end)] + [(end, end)] * (wildcard.conversions - 1)
    return [(-1, -1)] * wildcard.conversions


def _groups(items: list[str | Typed]) -> tuple[Item, ...]:
    """Put typed values together that could eat what follows."""
    result: list[Item] = []
    number = 0
    while number < len(items):
        item = items[number]
        number += 1
        if isinstance(item, str):
            result.append(item)
            continue
        values = [item]
        while number < len(items) and isinstance(following := items[number], Typed) and _overlap(values[-1], following):
            values.append(following)
            number += 1
        behind = items[number] if number < len(items) and _overlap(values[-1], items[number]) else None
        result += _neighbours(values, behind if isinstance(behind, str) else "")
    return tuple(result)


def _neighbours(values: Sequence[Typed], behind: str) -> list[Values]:
    """Look for values that touch and could eat of the next one, the last of them of the text behind it."""
    *others, last = values
    ahead = f"(?={re.escape(behind[:LOOKAHEAD])})" if behind else ""
    back = (last.lengths or GIVING_BACK) if behind else 1
    ways = prod(1 if one.exact else one.lengths for one in others)
    if len(values) > SHARING_NUMBERS or not 0 < ways * back <= SHARING_WAYS:
        # Each further one that gives back would multiply the ways to share the text.
        return [
            *(Values(f"({_short(one)})", 1) for one in others),
            Values(f"({last.regex}){ahead}", 1, VALUE_STEPS * back),
        ]
    # Of more than two, those between have their usual length.
    regexes = [_short(one) if number else one.exact or one.regex for number, one in enumerate(others)]
    steps = VALUE_STEPS * len(others) + (VALUE_STEPS + ways * back // 4 if last.lengths else VALUE_STEPS * ways * back)
    return [Values("".join(f"({regex})" for regex in (*regexes, last.regex)) + ahead, len(values), steps)]


def _cost(item: Item) -> int:
    """Return the steps at one place, at most."""
    return 1 if isinstance(item, str) else item.steps


def _short(item: Typed) -> str:
    """Return a value that gives nothing back: a number is short then, but has the blanks that fill its field."""
    return item.exact or item.regex + "?" * (item.lengths > 0 and " " not in item.tail)


def _overlap(item: str | Typed, following: str | Typed) -> bool:
    if isinstance(item, str):
        return False
    if isinstance(following, str):
        return following[0] in item.tail
    return not item.tail.isdisjoint(following.head)


@lru_cache(maxsize=32768)
def pattern(line: str) -> Pattern:
    """Return the pattern of a line of a format (`template.lines`). Blanks at both ends do not count."""
    parts = [piece if isinstance(piece, str) else (piece, hole(piece)) for piece in pieces(line[:LONGEST])]
    if len(parts) > MOST_VALUES:
        parts = _cut(parts)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    segments: list[list[str | Typed]] = [[]]
    wildcards: list[Wildcard] = []
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
        elif wildcards and not segments[-1]:
            before = wildcards[-1]
            wildcards[-1] = Wildcard(
                before.least + value.least,
                before.most + value.most,
                before.blanks or value.blanks,
                before.conversions + 1,
            )
        else:
            wildcards.append(Wildcard(value.least, value.most, value.blanks, 1))
            segments.append([])
    holes = [part[1] for part in parts if not isinstance(part, str)]
    texts = tuple(isinstance(one, Text) for one in holes)
    weights = tuple(one.bits if isinstance(one, Typed) else 0.0 for one in holes)
    last_text = segments[-2][-1] if len(segments) > 1 and not segments[-1] and segments[-2] else ""
    trailing = isinstance(last_text, str) and last_text.endswith(" ")
    prefix = 0
    for number in range(len(wildcards)):
        if any(isinstance(item, str) and WORD.search(item) for item in segments[number]):
            break
        following = segments[number + 1][0] if segments[number + 1] else ""
        if isinstance(following, str) and following.startswith(":"):
            prefix = number + 1
            break
    grouped = tuple(_groups(segment) for segment in segments)
    return Pattern(
        grouped,
        tuple(wildcards),
        tuple(conversions),
        texts,
        weights,
        prefix,
        sum(wildcard.conversions for wildcard in wildcards[:prefix]),
        trailing,
        _literal_from(segments),
        _before(segments, wildcards),
        tuple(sum(map(_cost, segment)) for segment in grouped),
        segments[-1][-1].last if segments[-1] and isinstance(segments[-1][-1], Typed) else None,
    )


def _cut(parts: list[str | tuple[Conversion, Hole]]) -> list[str | tuple[Conversion, Hole]]:
    """Let anything stand for what is behind the first `MOST_VALUES` conversions."""
    result: list[str | tuple[Conversion, Hole]] = []
    seen = 0
    for part in parts:
        seen += not isinstance(part, str)
        if seen <= MOST_VALUES:
            result.append(part)
        elif not isinstance(part, str):
            result.append((part[0], Text()))
    return result


def _literal_from(segments: Sequence[Sequence[str | Typed]]) -> tuple[int, ...]:
    lengths = [sum(len(item) for item in segment if isinstance(item, str)) for segment in segments]
    return tuple(accumulate(reversed(lengths)))[::-1]


def _before(segments: Sequence[Sequence[str | Typed]], wildcards: Sequence[Wildcard]) -> tuple[int, ...]:
    typed = [sum(isinstance(item, Typed) for item in segment) for segment in segments[:-1]]
    counts = (inside + wildcard.conversions for inside, wildcard in zip(typed, wildcards, strict=True))
    return (0, *accumulate(counts))


def value(conversion: Conversion, text: str, span: Span) -> str | None:
    """Return the text of a value, without the padding of its width; None if the span is unknown."""
    if span[0] < 0:
        return None
    shown = text[span[0] : span[1]]
    return shown.strip(" ") if conversion.width else shown


def first_in(conversion: Conversion, text: str) -> Span:
    """Return where a value of a typed conversion stands first in a text; (-1, -1) for nowhere."""
    typed = hole(conversion)
    found = compiled(typed.regex).search(text) if isinstance(typed, Typed) else None
    return found.span() if found is not None else (-1, -1)


__all__ = [
    "LONGEST",
    "Pattern",
    "Span",
    "StepBudget",
    "Text",
    "Wildcard",
    "first_in",
    "pattern",
    "places",
    "run",
    "value",
    "wildcard_spans",
]
