"""The commits of a history index, and which of them is an ancestor of which.

Each commit has a number; parents have smaller numbers than their children. A main line, the first parents of the newest
commit, answers most questions at once: for every commit, `entered` is the first position on the main line that contains
it, and `left` the last position on the main line that it contains.
"""

from array import array
from collections.abc import Sequence
from functools import cached_property

_NONE = -1
_NEVER = (1 << 31) - 1


class CommitGraph:
    """The commits and their parents."""

    def __init__(self, ids: bytes, id_bytes: int, first: "array[int]", others: dict[int, tuple[int, ...]]) -> None:
        """`ids` are the ids of all commits in the order of their numbers.

        `first` is the first parent of each commit, -1 for none; `others` are the other parents of merges.
        """
        self._ids = ids
        self._id_bytes = id_bytes
        self._first = first
        self._others = others

    def __len__(self) -> int:
        return len(self._first)

    def id(self, number: int) -> str:
        """Return the full id of a commit."""
        return self._ids[number * self._id_bytes : (number + 1) * self._id_bytes].hex()

    def parents(self, number: int) -> tuple[int, ...]:
        """Return the parents of a commit."""
        first = self._first[number]
        return () if first == _NONE else (first, *self._others.get(number, ()))

    def contains(self, later: int, earlier: int) -> bool:
        """Return whether a commit is another one or an ancestor of it."""
        if earlier >= later:
            return earlier == later
        entered, left = self._main_line
        when = entered[earlier]
        waiting, seen = [later], {later}
        while waiting:
            commit = waiting.pop()
            if commit == earlier or when <= left[commit]:
                return True
            if commit < earlier or when > entered[commit]:
                continue
            for parent in self.parents(commit):
                if parent >= earlier and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    @cached_property
    def _main_line(self) -> "tuple[array[int], array[int]]":
        """`entered` and `left` of each commit. Building an index does not need them."""
        return _main_line(self._first, self._others)

    @property
    def tables(self) -> dict[str, bytes]:
        """The graph as bytes by name, for `unpack_graph`."""
        others = array("i")
        for number, parents in self._others.items():
            others.extend((number, len(parents), *parents))
        return {"ids": self._ids, "first": _packed(self._first), "others": _packed(others)}

    def extended(self, commits: Sequence[tuple[bytes, Sequence[int]]]) -> "CommitGraph":
        """Return a graph with further commits: (id, numbers of the parents)."""
        first = array("i", self._first)
        others = dict(self._others)
        for _, parents in commits:
            if len(parents) > 1:
                others[len(first)] = tuple(parents[1:])
            first.append(parents[0] if parents else _NONE)
        ids = self._ids + b"".join(name for name, _ in commits)
        id_bytes = len(commits[0][0]) if commits else self._id_bytes
        return CommitGraph(ids, id_bytes, first, others)


def unpack_graph(ids: bytes, first: bytes, others: bytes) -> CommitGraph:
    """Return the graph whose tables are given. Raises `ValueError` for damaged tables."""
    parents, more = _unpacked(first), _unpacked(others)
    if not parents:
        return EMPTY
    if len(ids) % len(parents):
        raise ValueError("the tables differ in length")
    merges: dict[int, tuple[int, ...]] = {}
    position = 0
    while position < len(more):
        number, count = more[position : position + 2]
        position += 2
        merges[number] = tuple(more[position : position + count])
        position += count
    return CommitGraph(ids, len(ids) // len(parents), parents, merges)


def _packed(numbers: "array[int]") -> bytes:
    return numbers.tobytes()


def _unpacked(data: bytes) -> "array[int]":
    numbers = array("i")
    numbers.frombytes(data)
    return numbers


def _main_line(first: "array[int]", others: dict[int, tuple[int, ...]]) -> "tuple[array[int], array[int]]":
    """Return for each commit the first position of the main line that contains it, and the last that it contains."""
    count = len(first)
    entered = array("i", [_NEVER]) * count
    left = array("i", [_NONE]) * count
    line: list[int] = []
    commit = count - 1
    while commit >= 0:
        line.append(commit)
        commit = first[commit]
    line.reverse()
    for position, commit in enumerate(line):
        entered[commit] = left[commit] = position
    for commit in range(count - 1, -1, -1):  # Children first.
        own = entered[commit]
        parent = first[commit]
        if parent >= 0 and entered[parent] > own:
            entered[parent] = own
        for parent in others.get(commit, ()):
            if entered[parent] > own:
                entered[parent] = own
    for commit in range(count):  # Parents first.
        own = left[commit]
        parent = first[commit]
        if parent >= 0 and left[parent] > own:
            own = left[parent]
        for parent in others.get(commit, ()):
            own = max(own, left[parent])
        left[commit] = own
    return entered, left


EMPTY = CommitGraph(b"", 20, array("i"), {})
