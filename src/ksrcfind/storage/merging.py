"""Decides which segments (files of messages) a build of the index rewrites: few should remain, mostly in use."""

from collections.abc import Sequence
from typing import NamedTuple

SMALL = 2_000
"""Number of messages up to which a segment is small.

Rewriting a small segment once takes less time (20 ms) than one more segment adds to all later questions.
"""

_GROWTH = 2
_LEAST_USED = 2 / 3


class Usage(NamedTuple):
    """How much of a segment a new revision still uses."""

    messages: int
    """Messages in the segment."""
    live: int
    """Messages of the segment that belong to the new revision."""


def merged(segments: Sequence[Usage], new: int) -> set[int]:
    """Return the positions of the segments that a build rewrites into one segment, together with `new` messages.

    `segments` are those of the revision before, oldest first. Segments grow geometrically, as in a log-structured merge
    tree: the number of segments, and how often a message is rewritten, are logarithmic in the number of messages. At
    least two thirds of the messages of every segment that is not rewritten are in use.
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
