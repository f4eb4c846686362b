"""From a line of a format to its pattern."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import prod

import msgspec

from ksrcfind.match.conversions import UNBOUNDED, Shape, Text, Typed, shape_of
from ksrcfind.match.limits import (
    GIVING_BACK,
    LONGEST,
    LOOKAHEAD,
    MOST_VALUES,
    SHARING_NUMBERS,
    SHARING_WAYS,
    VALUE_STEPS,
)
from ksrcfind.match.pattern import Item, Pattern, Values, Wildcard
from ksrcfind.source.template import WORD, Conversion, pieces

Part = str | tuple[Conversion, Shape]
"""A piece of a format: literal text, or a conversion with the shape of its values."""
Segment = list[str | Typed]


@lru_cache(maxsize=32768)
def pattern(line: str) -> Pattern:
    """Return the pattern of a line of a format (`template.lines`). Blanks at both ends do not count."""
    parts = _parts(line)
    segments, wildcards = _segments(parts)
    values = [part for part in parts if not isinstance(part, str)]
    grouped = tuple(map(_grouped, segments))
    before = _before(segments, wildcards)
    bounded = _shared(segments, wildcards, before)
    prefix = _prefix(segments, wildcards)
    last = segments[-1][-1] if segments[-1] else None
    return Pattern(
        segments=grouped,
        wildcards=tuple(wildcards),
        conversions=tuple(conversion for conversion, _ in values),
        texts=tuple(isinstance(shape, Text) for _, shape in values),
        weights=tuple(shape.bits if isinstance(shape, Typed) else 0.0 for _, shape in values),
        prefix=prefix,
        named=sum(wildcard.conversions for wildcard in wildcards[:prefix]),
        trailing=_is_trailing(segments),
        literal_from=_literal_from(segments),
        before=before,
        sizes=tuple(sum(map(_cost, segment)) for segment in grouped),
        last=last.last if isinstance(last, Typed) else None,
        bounded=bounded,
    )


def _parts(line: str) -> list[Part]:
    """Split a format into literals and conversions. Behind `MOST_VALUES` conversions, it accepts any text."""
    parts: list[Part] = []
    count = 0
    for piece in pieces(line[:LONGEST]):
        if not isinstance(piece, str):
            count += 1
            parts.append((piece, shape_of(piece) if count <= MOST_VALUES else Text()))
        elif count <= MOST_VALUES:
            parts.append(piece)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return [part for part in parts if part]


def _segments(parts: Sequence[Part]) -> tuple[list[Segment], list[Wildcard]]:
    """Divide parts at the conversions that accept any text; adjacent ones become one wildcard."""
    segments: list[Segment] = [[]]
    wildcards: list[Wildcard] = []
    for part in parts:
        shape = part if isinstance(part, str) else part[1]
        if not isinstance(shape, Text):
            segments[-1].append(shape)
        elif wildcards and not segments[-1]:
            wildcards[-1] = _joined(wildcards[-1], shape)
        else:
            wildcards.append(Wildcard(shape.least, shape.most, shape.blanks, 1))
            segments.append([])
    return segments, wildcards


def _joined(before: Wildcard, text: Text) -> Wildcard:
    return Wildcard(
        before.least + text.least, before.most + text.most, before.blanks or text.blanks, before.conversions + 1
    )


def _shared(
    segments: Sequence[Segment], wildcards: list[Wildcard], before: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """Let each bounded wildcard take what the one before may leave to it, if only literal text is between them.

    Returns the conversions of these wildcards and their own bounds, the last first.
    """
    bounds: list[tuple[int, int]] = []
    for number in range(1, len(wildcards)):
        one, other, between = wildcards[number - 1], wildcards[number], segments[number]
        is_literal = len(between) == 1 and isinstance(between[0], str)
        if other.most < UNBOUNDED and is_literal and one.conversions == other.conversions == 1:
            bounds.insert(0, (before[number + 1] - 1, other.most))
            wildcards[number] = msgspec.structs.replace(other, most=one.most + other.most)
    return tuple(bounds)


def _prefix(segments: Sequence[Segment], wildcards: Sequence[Wildcard]) -> int:
    """Return how many wildcards stand before the first colon, without any literal word: `%s %s: link up`."""
    for number in range(len(wildcards)):
        if any(isinstance(item, str) and WORD.search(item) for item in segments[number]):
            break
        following = segments[number + 1][0] if segments[number + 1] else ""
        if isinstance(following, str) and following.startswith(":"):
            return number + 1
    return 0


def _is_trailing(segments: Sequence[Segment]) -> bool:
    """Return whether a wildcard ends the line, and the literal before it ends with a blank."""
    if len(segments) < 2 or segments[-1] or not segments[-2]:
        return False
    literal = segments[-2][-1]
    return isinstance(literal, str) and literal.endswith(" ")


def _literal_from(segments: Sequence[Segment]) -> tuple[int, ...]:
    lengths = [sum(len(item) for item in segment if isinstance(item, str)) for segment in segments]
    return tuple(accumulate(reversed(lengths)))[::-1]


def _before(segments: Sequence[Segment], wildcards: Sequence[Wildcard]) -> tuple[int, ...]:
    typed = [sum(isinstance(item, Typed) for item in segment) for segment in segments[:-1]]
    counts = (inside + wildcard.conversions for inside, wildcard in zip(typed, wildcards, strict=True))
    return (0, *accumulate(counts))


def _cost(item: Item) -> int:
    """Return the steps at one place, at most."""
    return 1 if isinstance(item, str) else item.steps


def _grouped(items: Segment) -> tuple[Item, ...]:
    """Return a segment in which typed values that could take characters of what follows are matched together."""
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
        behind = items[number] if number < len(items) else None
        ahead = behind[:LOOKAHEAD] if isinstance(behind, str) and _overlap(values[-1], behind) else ""
        result += adjacent(tuple(values), ahead)
    return tuple(result)


def _overlap(item: Typed, following: str | Typed) -> bool:
    """Return whether a value can go on with a character with which the following item begins."""
    return following[0] in item.tail if isinstance(following, str) else not item.tail.isdisjoint(following.head)


@lru_cache(maxsize=8192)
def adjacent(values: tuple[Typed, ...], behind: str) -> Sequence[Values]:
    """Return values that can take characters of each other, and the last one of the literal text behind it.

    Many patterns share them, and so each regular expression is compiled once.
    Their regular expression backtracks only if few ways to divide the characters are possible.
    """
    *others, last = values
    ahead = f"(?={re.escape(behind)})" if behind else ""
    back = (last.lengths or GIVING_BACK) if behind else 1
    ways = prod(1 if one.exact else one.lengths for one in others)
    if len(values) > SHARING_NUMBERS or not 0 < ways * back <= SHARING_WAYS:
        alone = [Values(f"({_possessive(one)})", 1) for one in others]
        return [*alone, Values(f"({last.regex}){ahead}", 1, VALUE_STEPS * back)]
    # Of three values, the one in the middle has its usual length.
    regexes = [_possessive(one) if number else one.exact or one.regex for number, one in enumerate(others)]
    steps = VALUE_STEPS * len(others)
    steps += VALUE_STEPS + ways * back // 4 if last.lengths else VALUE_STEPS * ways * back
    return [Values("".join(f"({regex})" for regex in (*regexes, last.regex)) + ahead, len(values), steps)]


def _possessive(item: Typed) -> str:
    """Return a value that gives nothing back. A number is as short as possible, but keeps the blanks of its field."""
    return item.exact or item.regex + "?" * (item.lengths > 0 and " " not in item.tail)
