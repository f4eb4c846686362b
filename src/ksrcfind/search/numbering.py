"""The numbers of a revision's messages as matching sees them: ascending by path and source line.

The store (the cache directory of a tree) numbers messages in the order in which they were written. If two messages
match a line equally well, the lower number comes first. With the store's numbers, an answer would therefore depend on
the other revisions in the store.
"""

from array import array
from collections.abc import Sequence
from typing import Protocol

from ksrcfind.storage.bits import is_live

Range = tuple[int, int]
"""A range of message numbers: (first number, count)."""


class Numbering(Protocol):
    """Translates the message numbers of a store into those of one revision, and back."""

    def of(self, stored: Sequence[int]) -> Sequence[int]:
        """Return the revision's number for each of the store's numbers. 0 for a message of another revision."""
        ...

    def stored(self, number: int) -> int:
        """Return the store's number for a number of the revision. Raises `KeyError` if the revision lacks it."""
        ...


def numbering(live: bytes, order: Sequence[Range]) -> Numbering:
    """Return the numbering of a revision.

    `live` is the bit set of the revision's messages. `order` has the ranges of their numbers in the store, sorted by
    the paths of the files (`Revision.order`); it is empty for several revisions together.
    """
    return _ByPath(order) if len(order) > 1 else _AsStored(live)


class _AsStored:
    """A numbering that keeps the store's numbers: for a revision of one range, or for several revisions together."""

    def __init__(self, live: bytes) -> None:
        self._live = live
        self._range = _range(int.from_bytes(live, "little"))

    def of(self, stored: Sequence[int]) -> Sequence[int]:
        if stored and stored[0] in self._range and stored[-1] in self._range:
            return stored
        return [number if is_live(self._live, number) else 0 for number in stored]

    def stored(self, number: int) -> int:
        return number


class _ByPath:
    """A numbering for a revision of several ranges: messages are numbered from 1 by path and source line."""

    def __init__(self, order: Sequence[Range]) -> None:
        self._numbers = array("I", bytes(4 * max(first + count for first, count in order)))
        self._stored = array("I", [0])
        for first, count in order:
            start = len(self._stored)
            self._numbers[first : first + count] = array("I", range(start, start + count))
            self._stored.extend(range(first, first + count))

    def of(self, stored: Sequence[int]) -> Sequence[int]:
        numbers, end = self._numbers, len(self._numbers)
        return [numbers[number] if number < end else 0 for number in stored]

    def stored(self, number: int) -> int:
        if not 0 < number < len(self._stored):
            raise KeyError(number)
        return self._stored[number]


def _range(bits: int) -> range:
    """Return the numbers in a bit set as a range if they are consecutive. An empty range if they are not.

    They are consecutive if the store has one revision.
    """
    low = (bits & -bits).bit_length() - 1
    return range(low, bits.bit_length()) if bits and bits + (1 << low) == 1 << bits.bit_length() else range(0)
