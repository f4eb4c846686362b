"""The messages of one indexed revision, or of several revisions together, read from their segments (files)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import PrintedLine
from ksrcfind.storage.bits import union
from ksrcfind.storage.postings import Lists
from ksrcfind.storage.segment import Segment


class View:
    """The messages of one or several revisions; implements `search.revision_index.MessageStore`.

    A later build of the index does not change an open view.
    """

    def __init__(
        self, segments: Sequence[Segment], lives: Sequence[bytes], size: int, order: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._segments = sorted(segments, key=lambda segment: segment.numbers.start)
        self._starts = [segment.numbers.start for segment in self._segments]
        self._newest_first = segments[::-1]
        self.lives = lives
        """For each revision, the bit set of the numbers of its messages."""
        self.live = union(lives)
        """The bit set of the numbers of all messages, of any of the revisions."""
        self.order = order
        """The ranges of message numbers (first number, count) sorted by the paths of their files.

        Empty if the view has several revisions.
        """
        self.size = size
        """Number of messages in the revision. If the view has several, the number in the largest one."""

    def close(self) -> None:
        """Close the segments."""
        for segment in self._segments:
            segment.close()

    def word(self, word: str) -> list[Lists]:
        """Return the posting lists of a word in each segment that has the word, by ascending message numbers."""
        found = (segment.word(word) for segment in self._segments)
        return [lists for lists in found if lists is not None]

    def message(self, number: int) -> Message:
        """Return the message with a number. Raises `KeyError` if no segment has it."""
        return self._segment(number).message(number)

    def messages(self, first: int, count: int) -> list[Message]:
        """Return `count` messages of one source file, numbered from `first`, in the order of their numbers."""
        return self._segment(first).messages(first, count)

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Yield (number, lines that the message prints) for each of the `numbers`. The order is undefined."""
        if len(self._segments) == 1:
            yield from self._segments[0].printed(numbers)
            return
        groups: dict[int, list[int]] = defaultdict(list)
        for number in numbers:
            groups[self._place(number)].append(number)
        for place, own in groups.items():
            yield from self._segments[place].printed(own)

    def spans_of(self, path: str) -> list[tuple[int, int]]:
        """Return (number of the first message, count) of each unit of a source file, the newest unit first.

        A unit is the messages of one file as linked in some revision; each segment has at most one unit of a file.
        """
        found = (segment.span_of(path) for segment in self._newest_first)
        return [span for span in found if span is not None]

    def _place(self, number: int) -> int:
        place = bisect_right(self._starts, number) - 1
        if place < 0 or number not in self._segments[place].numbers:
            raise KeyError(number)
        return place

    def _segment(self, number: int) -> Segment:
        return self._segments[self._place(number)]
