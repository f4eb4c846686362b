"""The index of one revision as matching queries it: messages by word, by number and by path."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Protocol

from ksrcfind.search.numbering import Range, numbering
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import ORIGIN, PrintedLine
from ksrcfind.storage.postings import Lists

_LISTS_KEPT = 50_000
_MESSAGES_KEPT = 20_000


class MessageStore(Protocol):
    """The stored messages of one revision, or of several revisions together.

    `storage.view.View` and `bundle.format.Bundle` implement it.
    """

    @property
    def live(self) -> bytes:
        """The bit set of the numbers of all messages (`storage.bits`)."""
        ...

    @property
    def order(self) -> Sequence[Range]:
        """The ranges of message numbers (first number, count), sorted by the paths of the files.

        Empty if no ranges are needed: the numbers ascend with the paths, or the messages are of several revisions.
        """
        ...

    @property
    def size(self) -> int:
        """Number of messages. For several revisions, the number in the largest one."""
        ...

    def word(self, word: str, /) -> list[Lists]:
        """Return the posting lists of a word, one entry for each segment (file of messages) that has the word."""
        ...

    def message(self, number: int, /) -> Message:
        """Return the message with a number. Raises `KeyError` if there is none."""
        ...

    def printed(self, numbers: Sequence[int], /) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Yield (number, lines that the message prints) for each of the `numbers`. The order is undefined."""
        ...

    def messages(self, first: int, count: int, /) -> list[Message]:
        """Return `count` messages of one source file, numbered from `first`, in the order of their numbers."""
        ...

    def spans_of(self, path: str, /) -> list[tuple[int, int]]:
        """Return (number of the first message, count) for every unit of a source file, the newest unit first.

        A unit is the messages of one file as linked in some revision.
        """
        ...


class RevisionIndex:
    """Implements `match.message_index.MessageIndex` over stored messages, with bounded caches."""

    def __init__(self, store: MessageStore) -> None:
        self.size = store.size
        """Number of messages. For several revisions, the number in the largest one."""
        self._store = store
        self._numbering = numbering(store.live, store.order)
        self._lists = lru_cache(maxsize=_LISTS_KEPT)(store.word)
        self.containing = lru_cache(maxsize=_LISTS_KEPT)(self._load_containing)
        """Returns the numbers of the messages that contain a word, ascending."""
        self.anchored = lru_cache(maxsize=_LISTS_KEPT)(self._load_anchored)
        """Returns the messages that print a line of which a word is the rarest.

        They are grouped: fingerprint of that line's second rarest word → message numbers.
        """
        self._message = lru_cache(maxsize=_MESSAGES_KEPT)(self._load_message)

    def contains(self, word: str) -> bool:
        """Return whether some message contains the word."""
        lists = (memoryview(containing).cast("I") for containing, _, _ in self._lists(word))
        return any(any(self._numbering.of(stored)) for stored in lists)

    def frequency(self, word: str) -> int:
        """Return the number of messages that contain the word."""
        return len(self.containing(word))

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Return (number, lines that the message prints) for each of the `numbers`. The order is undefined."""
        if self._numbering.of(numbers) is numbers:
            return self._store.printed(numbers)
        own = {self._numbering.stored(number): number for number in numbers}
        return ((own[stored], lines) for stored, lines in self._store.printed(list(own)))

    def knows(self, name: str) -> bool:
        """Return whether a module, file or directory with messages has this name."""
        return self.contains(ORIGIN + name)

    def message(self, number: int) -> Message:
        """Return the message with a number. Raises `KeyError` if there is none."""
        return self._message(number)

    def messages_of(self, path: str) -> list[Message]:
        """Return the messages of one source file, in source order. Empty if the file has none."""
        numbers = self.numbers_of(path)
        return self._store.messages(self._numbering.stored(numbers[0]), len(numbers)) if numbers else []

    def numbers_of(self, path: str) -> range:
        """Return the numbers of the messages of one source file. Empty if the file has none."""
        for first, count in self._store.spans_of(path):
            if count and (number := self._numbering.of((first,))[0]):
                return range(number, number + count)
        return range(0)

    def messages(self, paths: Iterable[str]) -> Iterator[Message]:
        """Yield the messages of source files: file by file in the order of `paths`, each in source order.

        The messages of a file are loaded when the iteration reaches the file.
        """
        for path in paths:
            yield from self.messages_of(path)

    def _load_message(self, number: int) -> Message:
        return self._store.message(self._numbering.stored(number))

    def _load_containing(self, word: str) -> Sequence[int]:
        stored = [memoryview(containing).cast("I") for containing, _, _ in self._lists(word)]
        lists = [self._numbering.of(one) for one in stored]
        if len(lists) == 1 and lists[0] is stored[0]:
            return stored[0]  # Ascending, and all of them are of this revision.
        return array("I", sorted(filter(None, chain.from_iterable(lists))))

    def _load_anchored(self, word: str) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for _, anchored, marks in self._lists(word):
            numbers = self._numbering.of(memoryview(anchored).cast("I"))
            for number, mark in zip(numbers, memoryview(marks).cast("H"), strict=True):
                if number:
                    found[mark].append(number)
        return found
