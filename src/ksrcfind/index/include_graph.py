"""The include graph of a tree (which file includes which), stored with a revision and updated incrementally.

The file that an `#include` names depends on the directory of the including file and on the paths of the tree. So the
edges of a file stay valid while its bytes are the same, unless a file with the base name of one of its includes is
added or removed.
"""

from array import array
from collections.abc import Iterator, Sequence, Set
from itertools import accumulate, chain, pairwise

from msgspec import Struct

from ksrcfind.source.includes import Includes, base_name

IncludeGraph = Sequence[tuple[int, ...]]
"""For each file of a tree, by number: the numbers of the files that it includes directly (`Includes.of`)."""


class Updated(Struct, frozen=True):
    """The include graph of a tree, and what changed in it since an earlier revision."""

    include_graph: IncludeGraph
    others: Sequence[int]
    """Files that exist in both and include different files than before, or the same files in another order."""


def whole(includes: Includes, count: int) -> IncludeGraph:
    """Return the include graph of a tree with `count` files, computed from scratch."""
    return [includes.of(number) for number in range(count)]


def updated(
    was: IncludeGraph,
    before: Sequence[str],
    now: Sequence[str],
    changed: Set[str],
    written: Sequence[Sequence[str]],
    includes: Includes,
) -> Updated:
    """Return the include graph of a tree, computed from the graph `was` of an earlier revision.

    `before` and `now` are the paths of the earlier revision and of the tree, by file number. `changed` has the paths of
    files with changed include lines. `written` has the include lines of each file of `now`; `includes` resolves them.
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
    """Return the earlier include graph with the file numbers of the present tree.

    The entry of a new file is None. An included file that was removed has the number -1.
    """
    numbers = {path: number for number, path in enumerate(now)}
    moved = [numbers.get(path, -1) for path in before]
    result: list[tuple[int, ...] | None] = [None] * len(now)
    for number, files in zip(moved, was, strict=True):
        if number >= 0:
            result[number] = tuple([moved[file] for file in files])
    return result


def _naming(names: Set[str], written: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the include lines that name a file with one of these base names."""
    return frozenset(include for include in set(chain.from_iterable(written)) if base_name(include) in names)


def users(include_graph: IncludeGraph) -> list[list[int]]:
    """Return for each file, by number, the numbers of the files that include it directly."""
    found: list[list[int]] = [[] for _ in include_graph]
    for number, files in enumerate(include_graph):
        for file in files:
            found[file].append(number)
    return found


def pack(include_graph: IncludeGraph) -> bytes:
    """Return an include graph as bytes: an array of 32-bit numbers.

    It has the number of files, the number of includes of each file, and then all includes.
    """
    return array(
        "I", chain((len(include_graph),), map(len, include_graph), chain.from_iterable(include_graph))
    ).tobytes()


def unpack(data: bytes) -> IncludeGraph:
    """Return the include graph that `pack` encoded."""
    return list(_unpacked(data))


def _unpacked(data: bytes) -> Iterator[tuple[int, ...]]:
    numbers = array("I")
    numbers.frombytes(data)
    count = numbers[0]
    flat = numbers[1 + count :].tolist()
    for start, end in pairwise(accumulate(numbers[1 : 1 + count], initial=0)):
        yield tuple(flat[start:end])
