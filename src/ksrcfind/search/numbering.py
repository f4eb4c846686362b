"""The numbers of a revision's messages as matching sees them: ascending by path and source line.

The store numbers messages in the order in which they were written. Where two messages match a line equally well, the
lower number comes first; so with the numbers of the store an answer would depend on the other revisions in it.
"""

from array import array
from collections.abc import Sequence
from typing import Protocol

from ksrcfind.storage.bits import is_live

Range = tuple[int, int]
"""A first number and a count."""


class Numbering(Protocol):
    """Translates between numbers of the store and numbers of the revision."""

    def of(self, stored: Sequence[int]) -> Sequence[int]:
        """Return the number of each message of the store, 0 for those of other revisions."""
        ...

    def stored(self, number: int) -> int:
        """Return the number that a message has in the store. Raises `KeyError`."""
        ...


def numbering(live: bytes, order: Sequence[Range]) -> Numbering:
    """Return the numbering of a revision, given its bit set, and its ranges by path (`Revision.order`)."""
    return _ByPath(order) if len(order) > 1 else _AsStored(live)


class _AsStored:
    """One range, or several revisions as one: the numbers of the store serve as they are."""

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
    """Several ranges: messages are numbered from 1 by the paths of their files."""

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
    """Return the numbers of a bit set if they are consecutive, as where one revision is indexed; else none."""
    low = (bits & -bits).bit_length() - 1
    return range(low, bits.bit_length()) if bits and bits + (1 << low) == 1 << bits.bit_length() else range(0)
