"""The messages of one indexed revision, as matching asks for them."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Protocol

from ksrcfind.source.message import Message
from ksrcfind.source.printed import ORIGIN, PrintedLine

_LISTS_KEPT = 50_000
_MESSAGES_KEPT = 20_000


class MessageStore(Protocol):
    """Where the messages are kept: in the index of a tree, or in a carried one."""

    def live(self, key: str, /) -> tuple[bytes, int] | None:
        """Bit set of the messages of a revision, and how many they are."""
        ...

    def word(self, word: str, /) -> list[tuple[bytes, bytes]]:
        """Posting lists of a word, pairs (containing, anchored) of 32-bit integers."""
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

    def __init__(self, store: MessageStore, *keys: str) -> None:
        """Open a revision, or several as one. Raises `KeyError` if one is not indexed."""
        bits, self._size = 0, 0
        length = 0
        for key in keys:
            found = store.live(key)
            if found is None:
                raise KeyError(key)
            bits |= int.from_bytes(found[0], "little")
            length = max(length, len(found[0]))
            self._size = max(self._size, found[1])
        self.live = bits.to_bytes(length, "little")
        """Bit set of the messages (bit `id & 7` of byte `id >> 3`)."""
        self._store = store
        self._lists = lru_cache(maxsize=_LISTS_KEPT)(self._load)
        self._message = lru_cache(maxsize=_MESSAGES_KEPT)(store.message)

    @property
    def size(self) -> int:
        """Messages in all; of several revisions those of the largest."""
        return self._size

    def frequency(self, word: str) -> int:
        """Messages that contain the word."""
        return len(self._lists(word)[0])

    def anchored(self, word: str) -> Sequence[int]:
        """Messages that have this word as the rarest of one of their forms."""
        return self._lists(word)[1]

    def containing(self, word: str) -> Sequence[int]:
        """Messages that contain the word."""
        return self._lists(word)[0]

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Messages with the lines that they print."""
        return self._store.printed(numbers)

    def knows(self, name: str) -> bool:
        """Tell whether a module, file or directory with messages is called so."""
        return bool(self.frequency(ORIGIN + name))

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

    def _load(self, word: str) -> tuple[Sequence[int], Sequence[int]]:
        containing, anchored = array("I"), array("I")
        for some, rarest in self._store.word(word):
            containing.frombytes(some)
            anchored.frombytes(rarest)
        return self._alive(containing), self._alive(anchored)

    def _alive(self, numbers: "array[int]") -> Sequence[int]:
        live, end = self.live, len(self.live) * 8
        return array("I", [n for n in numbers if n < end and live[n >> 3] >> (n & 7) & 1])


def is_live(live: bytes, number: int) -> bool:
    """Tell whether a message is one of a bit set."""
    return number < len(live) * 8 and bool(live[number >> 3] >> (number & 7) & 1)
