"""Bit sets of message numbers: bit `number & 7` of byte `number >> 3`."""

from collections.abc import Iterable, Iterator
from itertools import chain


def live_bits(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Return the bit set of the message numbers in some ranges. A range is (first number, count)."""
    spans = [(first, count) for first, count in ranges if count]
    bits = bytearray(max((first + count for first, count in spans), default=0) // 8 + 1)
    for first, end in _joined(spans):
        start, stop = (first + 7) // 8, end // 8  # bytes of which all bits are set
        edges: Iterable[int] = range(first, end)
        if start < stop:
            bits[start:stop] = b"\xff" * (stop - start)
            edges = chain(range(first, 8 * start), range(8 * stop, end))
        for number in edges:
            bits[number >> 3] |= 1 << (number & 7)
    return bytes(bits)


def is_live(live: bytes, number: int) -> bool:
    """Return whether message `number` is in the bit set `live`."""
    return number < len(live) * 8 and bool(live[number >> 3] >> (number & 7) & 1)


def union(sets: Iterable[bytes]) -> bytes:
    """Return the union of some bit sets of message numbers."""
    bits = length = 0
    for one in sets:
        bits |= int.from_bytes(one, "little")
        length = max(length, len(one))
    return bits.to_bytes(length, "little")


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each range (first number, count), ascending. Adjacent ranges are merged."""
    start = end = 0
    for first, count in sorted(ranges):
        if first > end:
            yield start, end
            start = first
        end = max(end, first + count)
    yield start, end
