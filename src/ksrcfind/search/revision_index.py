"""The messages of one indexed revision, as matching asks for them."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Protocol

from ksrcfind.source.message import Message
from ksrcfind.source.printed import ORIGIN, PrintedLine
from ksrcfind.storage.bits import is_live
from ksrcfind.storage.postings import Lists

_LISTS_KEPT = 50_000
_MESSAGES_KEPT = 20_000


class MessageStore(Protocol):
    """The messages of one revision, or of several as one: in the index of a tree, or in a bundle."""

    @property
    def live(self) -> bytes:
        """Bit set of the messages (`storage.bits`)."""
        ...

    @property
    def size(self) -> int:
        """Messages in all; of several revisions those of the largest."""
        ...

    def word(self, word: str, /) -> list[Lists]:
        """The posting lists of a word, one for each segment."""
        ...

    def message(self, number: int, /) -> Message:
        """One message. Raises `KeyError`."""
        ...

    def printed(self, numbers: Sequence[int], /) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Messages with the lines that they print, in any order."""
        ...

    def messages(self, first: int, count: int, /) -> list[Message]:
        """Messages with consecutive ids."""
        ...

    def spans_of(self, path: str, /) -> list[tuple[int, int]]:
        """Id of the first message and their count for every unit of a file, the newest first."""
        ...


class RevisionIndex:
    """Implements `match.candidates.MessageIndex` over the store; what was asked once is kept."""

    def __init__(self, store: MessageStore) -> None:
        self.live = store.live
        """Bit set of the messages (`storage.bits`)."""
        self.size = store.size
        """Messages in all; of several revisions those of the largest."""
        self._store = store
        self._range = _range(int.from_bytes(self.live, "little"))
        self._lists = lru_cache(maxsize=_LISTS_KEPT)(store.word)
        self.containing = lru_cache(maxsize=_LISTS_KEPT)(self._load_containing)
        """The messages that contain a word."""
        self.anchored = lru_cache(maxsize=_LISTS_KEPT)(self._load_anchored)
        """The messages that have a word as the rarest of one of their lines, by the fingerprint of the next."""
        self._message = lru_cache(maxsize=_MESSAGES_KEPT)(store.message)

    def contains(self, word: str) -> bool:
        """Return whether some message contains the word."""
        lists = (memoryview(containing).cast("I") for containing, _, _ in self._lists(word))
        return any(self._are_live(numbers) or any(map(partial(is_live, self.live), numbers)) for numbers in lists)

    def frequency(self, word: str) -> int:
        """Messages that contain the word."""
        return len(self.containing(word))

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Messages with the lines that they print."""
        return self._store.printed(numbers)

    def knows(self, name: str) -> bool:
        """Return whether a module, file or directory with messages is called so."""
        return self.contains(ORIGIN + name)

    def message(self, number: int) -> Message:
        """Return one message. Raises `KeyError`."""
        return self._message(number)

    def messages_of(self, path: str) -> list[Message]:
        """Messages of one file, in source order."""
        for first, count in self._store.spans_of(path):
            if count and is_live(self.live, first):
                return self._store.messages(first, count)
        return []

    def messages(self, paths: Iterable[str]) -> Iterator[Message]:
        """Messages of some files, in order, read as they are asked for."""
        for path in paths:
            yield from self.messages_of(path)

    def _load_containing(self, word: str) -> Sequence[int]:
        found = array("I")
        for containing, _, _ in self._lists(word):
            numbers = array("I", containing)
            found += numbers if self._are_live(numbers) else array("I", filter(partial(is_live, self.live), numbers))
        return found

    def _are_live(self, numbers: Sequence[int]) -> bool:
        """Return whether all of ascending numbers are messages of the revision, where that is seen at a glance."""
        return bool(numbers) and numbers[0] in self._range and numbers[-1] in self._range

    def _load_anchored(self, word: str) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for _, anchored, marks in self._lists(word):
            numbers = memoryview(anchored).cast("I")
            are_live = self._are_live(numbers)
            for number, mark in zip(numbers, memoryview(marks).cast("H"), strict=True):
                if are_live or is_live(self.live, number):
                    found[mark].append(number)
        return found


def _range(bits: int) -> range:
    """Return the messages of a bit set if they are all of a range, as where one revision is indexed; else none."""
    low = (bits & -bits).bit_length() - 1
    return range(low, bits.bit_length()) if bits and bits + (1 << low) == 1 << bits.bit_length() else range(0)
