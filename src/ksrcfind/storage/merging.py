"""Which segments a build rewrites, so that their number and their unused space stay small."""

from collections.abc import Sequence
from typing import NamedTuple

SMALL = 2_000
"""Messages that are rewritten in less time than another segment adds to every later question (20 ms)."""

_GROWTH = 2
_LEAST_USED = 2 / 3


class Usage(NamedTuple):
    """How much of a segment a new revision still uses."""

    messages: int
    """In the file."""
    live: int
    """Of those, messages of the new revision."""


def merged(segments: Sequence[Usage], new: int) -> set[int]:
    """Return which segments (oldest first, by position) to write again together with `new` messages.

    Segments grow geometrically, as in a log-structured merge tree: their number stays logarithmic in the number of
    messages, each message is written again a logarithmic number of times, and at least two thirds of every segment
    that is kept are in use.
    """
    chosen = {place for place, usage in enumerate(segments) if usage.live < usage.messages * _LEAST_USED}
    size = new + sum(segments[place].live for place in chosen)
    for place in reversed(range(len(segments))):
        if place in chosen:
            continue
        if segments[place].live > max(SMALL, _GROWTH * size):
            break
        chosen.add(place)
        size += segments[place].live
    return chosen
