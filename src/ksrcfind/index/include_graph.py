"""Which file of a tree includes which: kept with a revision, and brought up to date instead of found anew.

What an `#include` means depends on the directory that it stands in and on which paths there are. So what was found
holds while a file has the same bytes, unless a file came or went whose base name is that of one of its includes.
"""

from array import array
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

from ksrcfind.source.includes import Includes, base_name

Inclusion = Sequence[tuple[int, ...]]
"""For each file of a tree, by number, the files that it includes directly (`Includes.of`)."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The inclusion of a tree, compared with that of a revision before."""

    include_graph: Inclusion
    others: Sequence[int]
    """Files of both that include other files than before, or in another order."""


def whole(includes: Includes, count: int) -> Inclusion:
    """Ask for each of the `count` files of a tree."""
    return [includes.of(number) for number in range(count)]


def updated(
    was: Inclusion,
    before: Sequence[str],
    now: Sequence[str],
    changed: Set[str],
    written: Sequence[Sequence[str]],
    includes: Includes,
) -> Updated:
    """Bring an inclusion up to date.

    `before` and `now` are the paths by number, `changed` those of both whose includes read otherwise; `written` gives
    the includes of each file of `now` as they stand in it, `includes` knows what they mean there.
    """
    old: Sequence[tuple[int, ...] | None] = was
    again = {number for number, path in enumerate(now) if path in changed}
    if before != now:
        suspects = _naming({path.rpartition("/")[2] for path in set(before).symmetric_difference(now)}, written)
        again.update(number for number, includes in enumerate(written) if not suspects.isdisjoint(includes))
        old = _renumbered(was, before, now)
        again.update(number for number, files in enumerate(old) if files is None)
    result = [includes.of(number) if number in again or files is None else files for number, files in enumerate(old)]
    return Updated(result, [number for number in again if old[number] not in (None, result[number])])


def _renumbered(was: Inclusion, before: Sequence[str], now: Sequence[str]) -> list[tuple[int, ...] | None]:
    """What the files of a tree included, None for new ones; -1 stands for what is gone."""
    numbers = {path: number for number, path in enumerate(now)}
    moved = [numbers.get(path, -1) for path in before]
    result: list[tuple[int, ...] | None] = [None] * len(now)
    for number, files in zip(moved, was, strict=True):
        if number >= 0:
            result[number] = tuple([moved[file] for file in files])
    return result


def _naming(names: Set[str], written: Sequence[Sequence[str]]) -> frozenset[str]:
    """Those of the includes that may mean a file of one of these base names."""
    return frozenset(include for include in set(chain.from_iterable(written)) if base_name(include) in names)


def users(include_graph: Inclusion) -> list[list[int]]:
    """For each file those that include it directly."""
    found: list[list[int]] = [[] for _ in include_graph]
    for number, files in enumerate(include_graph):
        for file in files:
            found[file].append(number)
    return found


def pack(include_graph: Inclusion) -> bytes:
    """An inclusion as it is stored: how many files each one includes, then which."""
    return array(
        "I", chain((len(include_graph),), map(len, include_graph), chain.from_iterable(include_graph))
    ).tobytes()


def unpack(data: bytes) -> Inclusion:
    """The inclusion that was packed."""
    return list(_unpacked(data))


def _unpacked(data: bytes) -> Iterator[tuple[int, ...]]:
    numbers = array("I")
    numbers.frombytes(data)
    count = numbers[0]
    flat = numbers[1 + count :].tolist()
    for start, end in pairwise(accumulate(numbers[1 : 1 + count], initial=0)):
        yield tuple(flat[start:end])
