"""What matching asks of an index, whoever keeps it."""

from collections.abc import Sequence
from typing import Protocol

from ksrcfind.source.message import Message


class MessageIndex(Protocol):
    """The messages of one revision, found by the words of their literal text (`template.literal_words`)."""

    @property
    def size(self) -> int:
        """Messages in all; for weighing how rare a word is."""
        ...

    def frequency(self, word: str) -> int:
        """Messages that contain the word."""
        ...

    def anchored(self, word: str) -> Sequence[int]:
        """Messages whose rarest word this is (each message with a word is anchored at exactly one word per form)."""
        ...

    def containing(self, word: str) -> Sequence[int]:
        """Messages that contain the word."""
        ...

    def message(self, number: int) -> Message:
        """Return one message."""
        ...
