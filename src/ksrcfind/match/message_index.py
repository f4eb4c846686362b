"""The protocol of an index as matching needs it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import PrintedLine


class MessageIndex(Protocol):
    """The messages of one revision, found by the words of the lines that they print (`printed`).

    Messages have numbers above 0. Those of a file follow one another in source order; the index of a tree numbers the
    files by path, so that equal messages are listed in one order whatever else is in the store.
    """

    @property
    def size(self) -> int:
        """Number of messages."""
        ...

    def contains(self, word: str) -> bool:
        """Return whether some message contains the word."""
        ...

    def frequency(self, word: str) -> int:
        """Return how many messages contain the word."""
        ...

    def anchored(self, word: str) -> Mapping[int, Sequence[int]]:
        """Return the messages with a line whose rarest word this is, by the mark of the second rarest word.

        See `printed.anchor`.
        """
        ...

    def containing(self, word: str) -> Sequence[int]:
        """Return the messages that contain the word."""
        ...

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Yield messages, by their numbers, with the lines that they print, in any order."""
        ...

    def knows(self, name: str) -> bool:
        """Return whether a module, file or directory may have this name (`printed.origin_names`)."""
        ...

    def message(self, number: int) -> Message:
        """Return one message. Messages of one file have consecutive numbers. Raises `KeyError`."""
        ...
