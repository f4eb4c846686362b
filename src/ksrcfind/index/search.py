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

    def __init__(self, store: MessageStore, key: str) -> None:
        """Open the revision `key`. Raises `KeyError` if it is not indexed."""
        found = store.live(key)
        if found is None:
            raise KeyError(key)
        self._live, self._size = found
        self._store = store
        self._lists = lru_cache(maxsize=_LISTS_KEPT)(self._load)
        self._message = lru_cache(maxsize=_MESSAGES_KEPT)(store.message)

    @property
    def size(self) -> int:
        """Messages in all."""
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
            if count and first < len(self._live) * 8 and self._live[first >> 3] >> (first & 7) & 1:
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
        live, end = self._live, len(self._live) * 8
        return array("I", [n for n in numbers if n < end and live[n >> 3] >> (n & 7) & 1])
