"""The messages of one indexed revision, or of several as one, over the segments that hold them."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ksrcfind.source.message import Message
from ksrcfind.source.printed import PrintedLine
from ksrcfind.storage.bits import union
from ksrcfind.storage.postings import Lists
from ksrcfind.storage.segment import Segment


class View:
    """Implements `search.revision_index.MessageStore`. A later build does not change it."""

    def __init__(
        self, segments: Sequence[Segment], lives: Sequence[bytes], size: int, order: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._segments = sorted(segments, key=lambda segment: segment.numbers.start)
        self._starts = [segment.numbers.start for segment in self._segments]
        self._newest_first = segments[::-1]
        self.lives = lives
        """For each revision the bit set of its messages."""
        self.live = union(lives)
        """Bit set of all messages."""
        self.order = order
        """Of one revision: the ranges of its messages by the paths of their files."""
        self.size = size
        """Number of messages in the revision; of several revisions, in the largest."""

    def close(self) -> None:
        """Close the files."""
        for segment in self._segments:
            segment.close()

    def word(self, word: str) -> list[Lists]:
        """Return the lists of a word in each segment, in the order of their numbers."""
        found = (segment.word(word) for segment in self._segments)
        return [lists for lists in found if lists is not None]

    def message(self, number: int) -> Message:
        """Return one message. Raises `KeyError`."""
        return self._segment(number).message(number)

    def messages(self, first: int, count: int) -> list[Message]:
        """Return messages with consecutive numbers, all of one file."""
        return self._segment(first).messages(first, count)

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Yield messages with the lines that they print, in any order."""
        groups: dict[int, list[int]] = defaultdict(list)
        for number in numbers:
            groups[self._place(number)].append(number)
        for place, own in groups.items():
            yield from self._segments[place].printed(own)

    def spans_of(self, path: str) -> list[tuple[int, int]]:
        """Return number of the first message and count for every unit of a file, the newest first."""
        found = (segment.span_of(path) for segment in self._newest_first)
        return [span for span in found if span is not None]

    def _place(self, number: int) -> int:
        place = bisect_right(self._starts, number) - 1
        if place < 0 or number not in self._segments[place].numbers:
            raise KeyError(number)
        return place

    def _segment(self, number: int) -> Segment:
        return self._segments[self._place(number)]
