"""An index of a few messages in memory, for answers without an index of the tree and for tests."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import PrintedLine, all_printed_lines, anchor, ranks


class MemoryIndex:
    """Implements `match.message_index.MessageIndex` over a list of messages; a message's number is its position."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = list(messages)
        self._lines = all_printed_lines(self._messages)
        self._containing: dict[str, list[int]] = defaultdict(list)
        self._anchored: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, lines in enumerate(self._lines):
            for word in {word for line in lines for word in line.words.split()}:
                self._containing[word].append(number)
        rank = ranks({word: len(numbers) for word, numbers in self._containing.items()}).__getitem__
        for number, lines in enumerate(self._lines):
            for word, other in {anchor(line.words.split(), rank) for line in lines}:
                self._anchored[word][other].append(number)

    @property
    def size(self) -> int:
        """Number of messages."""
        return len(self._messages)

    def contains(self, word: str) -> bool:
        """Return whether some message contains the word."""
        return word in self._containing

    def frequency(self, word: str) -> int:
        """Return the number of messages that contain the word."""
        return len(self._containing.get(word, ()))

    def anchored(self, word: str) -> Mapping[int, Sequence[int]]:
        """Return the messages that print a line of which this word is the rarest.

        They are grouped: fingerprint of that line's second rarest word → message numbers.
        """
        return self._anchored.get(word, {})

    def containing(self, word: str) -> Sequence[int]:
        """Return the numbers of the messages that contain the word, ascending."""
        return self._containing.get(word, ())

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Return (number, lines that the message prints) for each of the `numbers`, in the same order."""
        return ((number, self._lines[number]) for number in numbers)

    def knows(self, name: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """Return True for every name: an index of a few files cannot prove that the tree lacks a module or file."""
        return True

    def message(self, number: int) -> Message:
        """Return the message with a number. Raises `KeyError` if there is none."""
        if not 0 <= number < len(self._messages):
            raise KeyError(number)
        return self._messages[number]
