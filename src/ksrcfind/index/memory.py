"""An index of a few messages in memory: for answers before the whole tree is indexed, and for tests."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ksrcfind.source.message import Message
from ksrcfind.source.template import literal_words


def line_words(message: Message) -> Iterator[list[str]]:
    """Words of each line that a message can print: a log shows the lines of a format as records of their own."""
    for form in message.forms:
        for line in form.printed.split("\n"):
            yield literal_words(line)


class MemoryIndex:
    """Implements `match.candidates.MessageIndex` over a list of messages."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = list(messages)
        per_line = [[set(words) for words in line_words(message)] for message in self._messages]
        count = Counter(word for lines in per_line for word in set().union(*lines))
        self._containing: dict[str, list[int]] = defaultdict(list)
        self._anchored: dict[str, list[int]] = defaultdict(list)
        for number, lines in enumerate(per_line):
            for word in set().union(*lines):
                self._containing[word].append(number)
            for anchor in {min(words, key=lambda word: (count[word], word)) for words in lines if words}:
                self._anchored[anchor].append(number)

    @property
    def size(self) -> int:
        """Messages in all."""
        return len(self._messages)

    def frequency(self, word: str) -> int:
        """Messages that contain the word."""
        return len(self._containing.get(word, ()))

    def anchored(self, word: str) -> Sequence[int]:
        """Messages that have this word as the rarest of one of their lines."""
        return self._anchored.get(word, ())

    def containing(self, word: str) -> Sequence[int]:
        """Messages that contain the word."""
        return self._containing.get(word, ())

    def message(self, number: int) -> Message:
        """Return one message."""
        return self._messages[number]
