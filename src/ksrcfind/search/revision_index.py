"""The messages of one indexed revision, as matching asks for them."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from ksrcfind.search.numbering import Range, numbering
from ksrcfind.source.message import Message
from ksrcfind.source.printed import ORIGIN, PrintedLine
from ksrcfind.storage.postings import Lists

_LISTS_KEPT = 50_000
_MESSAGES_KEPT = 20_000


class MessageStore(Protocol):
    """The stored messages of one revision, or of several as one; `storage.view` and `bundle.format` implement it."""

    @property
    def live(self) -> bytes:
        """Bit set of the messages (`storage.bits`)."""
        ...

    @property
    def order(self) -> Sequence[Range]:
        """Ranges of the messages by the paths of their files; none if their numbers ascend with the paths."""
        ...

    @property
    def size(self) -> int:
        """Messages in all; of several revisions, the messages of the largest."""
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
    """Implements `match.candidates.MessageIndex` over the store, with bounded caches."""

    def __init__(self, store: MessageStore) -> None:
        self.size = store.size
        """Messages in all; of several revisions, the messages of the largest."""
        self._store = store
        self._numbering = numbering(store.live, store.order)
        self._lists = lru_cache(maxsize=_LISTS_KEPT)(store.word)
        self.containing = lru_cache(maxsize=_LISTS_KEPT)(self._load_containing)
        """The messages that contain a word."""
        self.anchored = lru_cache(maxsize=_LISTS_KEPT)(self._load_anchored)
        """The messages that have a word as the rarest of one of their lines, by the fingerprint of the next."""
        self._message = lru_cache(maxsize=_MESSAGES_KEPT)(self._load_message)

    def contains(self, word: str) -> bool:
        """Return whether some message contains the word."""
        lists = (memoryview(containing).cast("I") for containing, _, _ in self._lists(word))
        return any(any(self._numbering.of(stored)) for stored in lists)

    def frequency(self, word: str) -> int:
        """Messages that contain the word."""
        return len(self.containing(word))

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Messages with the lines that they print."""
        own = {self._numbering.stored(number): number for number in numbers}
        return ((own[stored], lines) for stored, lines in self._store.printed(list(own)))

    def knows(self, name: str) -> bool:
        """Return whether a module, file or directory with messages has this name."""
        return self.contains(ORIGIN + name)

    def message(self, number: int) -> Message:
        """Return one message. Raises `KeyError`."""
        return self._message(number)

    def messages_of(self, path: str) -> list[Message]:
        """Messages of one file, in source order."""
        numbers = self.numbers_of(path)
        return self._store.messages(self._numbering.stored(numbers[0]), len(numbers)) if numbers else []

    def numbers_of(self, path: str) -> range:
        """Return the numbers of the messages of one file."""
        for first, count in self._store.spans_of(path):
            if count and (number := self._numbering.of((first,))[0]):
                return range(number, number + count)
        return range(0)

    def messages(self, paths: Iterable[str]) -> Iterator[Message]:
        """Yield the messages of files, in order; each file is read when the iteration reaches it."""
        for path in paths:
            yield from self.messages_of(path)

    def _load_message(self, number: int) -> Message:
        return self._store.message(self._numbering.stored(number))

    def _load_containing(self, word: str) -> Sequence[int]:
        found = array("I")
        for containing, _, _ in self._lists(word):
            found.extend(filter(None, self._numbering.of(memoryview(containing).cast("I"))))
        return array("I", sorted(found))

    def _load_anchored(self, word: str) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for _, anchored, marks in self._lists(word):
            numbers = self._numbering.of(memoryview(anchored).cast("I"))
            for number, mark in zip(numbers, memoryview(marks).cast("H"), strict=True):
                if number:
                    found[mark].append(number)
        return found
