"""A line of a format as a pattern that finds its values in a text again.

A pattern is a glob with typed values: *segments* of literal text and typed values, with *wildcards* for any text
between them. As in glob matching, each segment takes the first place where it matches; only the first segment must
begin the text and the last one must end it. No later place needs to be tried: whatever an earlier wildcard would gain
by it, a later wildcard takes as well. So matching never backtracks between segments. Within a segment, typed values are
greedy; only two or three adjacent numbers share their digits by backtracking.

Matching has a step budget, whatever format and text are (`match.limits`): `StepBudget` counts the places that are
looked at and the values that are tried. A pattern whose steps are used up does not match.

Patterns are interpreted, not compiled into one regular expression: compiling takes some hundred times longer than one
match, and a log asks for thousands of formats once. `match.pattern_builder` makes them.
"""

import re
from collections.abc import Iterator

import msgspec

from ksrcfind.match.conversions import Typed, compiled, shape_of
from ksrcfind.match.limits import PATTERN_STEPS, VALUE_STEPS
from ksrcfind.source.template import Conversion

Span = tuple[int, int]
"""Start and end of a value in a text; (-1, -1) for a value that is missing, or not separable from its neighbour."""


class StepBudget:
    """The steps that are left for one pattern in one text."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = PATTERN_STEPS


class Values:
    """Adjacent typed values; their regular expression is compiled with its first use, as most are never used."""

    __slots__ = ("groups", "ready", "regex", "steps")

    def __init__(self, regex: str, groups: int, steps: int = VALUE_STEPS) -> None:
        """Take a regular expression with a group for each value."""
        self.regex = regex
        self.ready: re.Pattern[str] | None = None
        """The regular expression if it has been compiled."""
        self.groups = groups
        """Number of values."""
        self.steps = steps
        """Steps for matching at one place, at most."""

    @property
    def compiled(self) -> re.Pattern[str]:
        """The compiled regular expression."""
        found = self.ready
        if found is None:
            found = self.ready = compiled(self.regex)
        return found

    def find(self, text: str, start: int, stop: int, budget: StepBudget) -> int:
        """Return the first place from `start` on, before `stop`, where the values match, or -1."""
        stop = min(stop, len(text) + 1, start + budget.left // self.steps)
        if stop > len(text):
            match = self.compiled.search(text, start)
            place = match.start() if match is not None else -1
        else:  # re.search() would also look behind `stop`.
            place = next((place for place in range(start, stop) if self.compiled.match(text, place)), -1)
        budget.left -= self.steps * ((place + 1 if place >= 0 else stop) - start)
        return place


Item = str | Values
"""Literal text or typed values."""


class Wildcard(msgspec.Struct, frozen=True, gc=False):
    """Any text between two segments, printed by one conversion or by several adjacent ones."""

    least: int
    """Characters, at least."""
    most: int
    """Characters, at most."""
    blanks: bool
    """True if the text can contain blanks."""
    conversions: int
    """Number of conversions that print it."""


class Pattern(msgspec.Struct, frozen=True, gc=False):
    """A line of a format, ready for matching."""

    segments: tuple[tuple[Item, ...], ...]
    """Literal texts and typed values; a typed value's regular expression has one group for each conversion."""
    wildcards: tuple[Wildcard, ...]
    """Any text, one wildcard between each two segments."""
    conversions: tuple[Conversion, ...]
    """In the order of the spans that a match returns."""
    texts: tuple[bool, ...]
    """For each conversion: True if it accepts any text."""
    weights: tuple[float, ...]
    """For each conversion: bits of information in finding a value of its shape; 0 for any text."""
    prefix: int
    """Number of wildcards at the beginning that print who prints, driver and device, before a colon."""
    named: int
    """Number of conversions in these wildcards."""
    trailing: bool
    """True if the literal before a wildcard at the end ends with a blank; an empty value drops the blank."""
    literal_from: tuple[int, ...]
    """For each segment: characters of literal text in it and in all later ones."""
    before: tuple[int, ...]
    """For each segment: number of conversions before it."""
    sizes: tuple[int, ...]
    """For each segment: steps at one place, at most."""
    last: frozenset[str] | None
    """Characters with which a rendering can end; None for any."""
    bounded: tuple[tuple[int, int], ...] = ()
    """Conversions of a bounded length that may have to leave text to the one before, and their bounds; last first."""

    def spans(self, text: str, budget: StepBudget | None = None) -> list[Span] | None:
        """Return the span of each conversion's value if the whole text matches, else None.

        A span of (-1, -1) means that the value cannot be separated from its neighbour.
        """
        if self.last is not None and text[-1:] not in self.last:
            return None
        if self.trailing:
            text += " "
        found: list[Span] = []
        budget = budget or StepBudget()
        end = run(self.segments[0], text, 0, found, budget)
        if end < 0:
            return None
        if not self.wildcards:
            return found if end == len(text) else None
        last = len(self.wildcards) - 1
        for number, wildcard in enumerate(self.wildcards):
            place = self._after_wildcard(number, text, end, number == last, budget)
            if place is None:
                return None
            start, stop, inner = place
            found += wildcard_spans(text, end, start, wildcard)
            found += inner
            end = stop
        return self.shared_out(text, found)

    def shared_out(self, text: str, spans: list[Span]) -> list[Span] | None:
        """Return spans in which no value is longer than its bound; None if the text cannot be divided in this way.

        `%.8s %.4s`: the first value ends at the first blank, and what is too long for the second belongs to the first.
        """
        for number, most in self.bounded:
            (first, before), (start, end) = spans[number - 1 : number + 1]
            if end - start > most:
                literal = text[before:start]
                place = text.find(literal, end - most - len(literal), end)
                if place < 0:
                    return None
                spans[number - 1 : number + 1] = (first, place), (place + len(literal), end)
        return spans

    def head(self, text: str, budget: StepBudget) -> int:
        """Return the end of the shortest beginning of the text that matches whole, or -1; a last wildcard is empty."""
        end = run(self.segments[0], text, 0, [], budget)
        for number in range(len(self.wildcards)):
            if end < 0 or not self.segments[number + 1]:
                return end
            place = self._after_wildcard(number, text, end, last=False, budget=budget)
            end = place[1] if place else -1
        return end

    def _after_wildcard(
        self, number: int, text: str, position: int, last: bool, budget: StepBudget
    ) -> tuple[int, int, list[Span]] | None:
        """Find the first place of the segment behind a wildcard that begins at `position`; `number` names the wildcard.

        Returns start, end and the spans of its values. The last segment must end with the text.
        """
        wildcard = self.wildcards[number]
        place = _first_place(self.segments[number + 1], text, position + wildcard.least, last, budget)
        if place is None or place[0] - position > wildcard.most:
            return None
        return None if not wildcard.blanks and " " in text[position : place[0]] else place


def _first_place(
    segment: tuple[Item, ...], text: str, start: int, last: bool, budget: StepBudget
) -> tuple[int, int, list[Span]] | None:
    """Return the first place of a segment from `start` on: start, end, spans. The last one must end with the text."""
    size = len(text)
    if not segment:
        # The text may be shorter than the wildcard: padding at the end of a line may have been stripped.
        return size, size, []
    literal = segment[0]
    if len(segment) > 1 or not isinstance(literal, str):
        found = places(segment, text, start, size + 1, budget)
        return next((place for place in found if not last or place[1] == size), None)
    if last:
        start = size - len(literal) if text.endswith(literal) and size - len(literal) >= start else -1
    else:
        start = text.find(literal, start)
    return (start, start + len(literal), []) if start >= 0 else None


def run(segment: tuple[Item, ...], text: str, position: int, found: list[Span], budget: StepBudget) -> int:
    """Match a segment at a position. Return its end, or -1; append the spans of its values to `found`."""
    for item in segment:
        if isinstance(item, str):
            if not text.startswith(item, position):
                return -1
            position += len(item)
        else:
            budget.left -= item.steps
            match = (item.ready or item.compiled).match(text, position) if budget.left >= 0 else None
            if match is None:
                return -1
            found += match.regs[1:]
            position = match.end()
    return position


def places(
    segment: tuple[Item, ...], text: str, start: int, stop: int, budget: StepBudget
) -> Iterator[tuple[int, int, list[Span]]]:
    """Yield the places of a segment from `start` on, before `stop`: start, end, spans of its values."""
    first = segment[0]
    if isinstance(first, str):
        rest = segment[1:]
        start = text.find(first, start)
        while 0 <= start < stop and budget.left > 0:
            budget.left -= 1
            found: list[Span] = []
            end = run(rest, text, start + len(first), found, budget)
            if end >= 0:
                yield start, end, found
            start = text.find(first, start + 1)
        return
    while start < stop and budget.left > 0 and (start := first.find(text, start, stop, budget)) >= 0:
        budget.left -= 1
        found = []
        end = run(segment, text, start, found, budget)
        if end >= 0:
            yield start, end, found
        start += 1


def wildcard_spans(text: str, start: int, end: int, wildcard: Wildcard) -> list[Span]:
    """Return the span of each conversion of a wildcard.

    Of adjacent `%s`, the later ones are mostly optional suffixes: text without a blank is the first one's value. Longer
    text cannot be divided.
    """
    if wildcard.conversions == 1:
        return [(start, end)]
    shared = text[start:end]
    if not shared or shared.split(None, 1) == [shared]:
        return [(start, end)] + [(end, end)] * (wildcard.conversions - 1)
    return [(-1, -1)] * wildcard.conversions


def value(conversion: Conversion, text: str, span: Span) -> str | None:
    """Return the text of a value, without the padding of its width; None if the text does not show it."""
    if span[0] < 0:
        return None
    shown = text[span[0] : span[1]]
    return shown.strip(" ") if conversion.width else shown


def first_in(conversion: Conversion, text: str) -> Span:
    """Return the span of the first value in a text that a typed conversion can print; (-1, -1) for none."""
    typed = shape_of(conversion)
    found = compiled(typed.regex).search(text) if isinstance(typed, Typed) else None
    return found.span() if found is not None else (-1, -1)
