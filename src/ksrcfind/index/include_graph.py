"""The include graph of a tree: stored with a revision and updated incrementally.

The target of an `#include` depends on the directory of the file and on the paths of the tree. So the edges of a file
stay valid while its bytes are the same, unless a file with the base name of one of its includes appears or disappears.
"""

from array import array
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

from ksrcfind.source.includes import Includes, base_name

IncludeGraph = Sequence[tuple[int, ...]]
"""The files that each file of a tree includes directly (`Includes.of`), by number."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The include graph of a tree, compared with that of an earlier revision."""

    include_graph: IncludeGraph
    others: Sequence[int]
    """Files of both whose includes are different or in another order."""


def whole(includes: Includes, count: int) -> IncludeGraph:
    """Return the include graph of a tree with `count` files."""
    return [includes.of(number) for number in range(count)]


def updated(
    was: IncludeGraph,
    before: Sequence[str],
    now: Sequence[str],
    changed: Set[str],
    written: Sequence[Sequence[str]],
    includes: Includes,
) -> Updated:
    """Return an include graph updated from that of an earlier revision.

    `before` and `now` are the paths by number, `changed` the paths with changed include lines. `written` has the
    include lines of each file of `now`, `includes` resolves them.
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


def _renumbered(was: IncludeGraph, before: Sequence[str], now: Sequence[str]) -> list[tuple[int, ...] | None]:
    """Return the earlier includes of each file, None for a new file; -1 for an included file that is gone."""
    numbers = {path: number for number, path in enumerate(now)}
    moved = [numbers.get(path, -1) for path in before]
    result: list[tuple[int, ...] | None] = [None] * len(now)
    for number, files in zip(moved, was, strict=True):
        if number >= 0:
            result[number] = tuple([moved[file] for file in files])
    return result


def _naming(names: Set[str], written: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the include lines that may name a file with one of these base names."""
    return frozenset(include for include in set(chain.from_iterable(written)) if base_name(include) in names)


def users(include_graph: IncludeGraph) -> list[list[int]]:
    """Return the files that include each file directly."""
    found: list[list[int]] = [[] for _ in include_graph]
    for number, files in enumerate(include_graph):
        for file in files:
            found[file].append(number)
    return found


def pack(include_graph: IncludeGraph) -> bytes:
    """Return an include graph packed: the number of includes of each file, then all includes."""
    return array(
        "I", chain((len(include_graph),), map(len, include_graph), chain.from_iterable(include_graph))
    ).tobytes()


def unpack(data: bytes) -> IncludeGraph:
    """Return the include graph that was packed."""
    return list(_unpacked(data))


def _unpacked(data: bytes) -> Iterator[tuple[int, ...]]:
    numbers = array("I")
    numbers.frombytes(data)
    count = numbers[0]
    flat = numbers[1 + count :].tolist()
    for start, end in pairwise(accumulate(numbers[1 : 1 + count], initial=0)):
        yield tuple(flat[start:end])
