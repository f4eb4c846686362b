"""An index of a few messages in memory: for answers before the whole tree is indexed, and for tests."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ksrcfind.source.message import Message
from ksrcfind.source.template import literal_words


class MemoryIndex:
    """Implements `match.candidates.MessageIndex` over a list of messages."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = list(messages)
        per_form = [[set(literal_words(form.printed)) for form in message.forms] for message in self._messages]
        count = Counter(word for forms in per_form for word in set().union(*forms))
        self._containing: dict[str, list[int]] = defaultdict(list)
        self._anchored: dict[str, list[int]] = defaultdict(list)
        for number, forms in enumerate(per_form):
            for word in set().union(*forms):
                self._containing[word].append(number)
            for anchor in {min(words, key=lambda word: (count[word], word)) for words in forms if words}:
                self._anchored[anchor].append(number)

    @property
    def size(self) -> int:
        """Messages in all."""
        return len(self._messages)

    def frequency(self, word: str) -> int:
        """Messages that contain the word."""
        return len(self._containing.get(word, ()))

    def anchored(self, word: str) -> Sequence[int]:
        """Messages that have this word as the rarest of one of their forms."""
        return self._anchored.get(word, ())

    def containing(self, word: str) -> Sequence[int]:
        """Messages that contain the word."""
        return self._containing.get(word, ())

    def message(self, number: int) -> Message:
        """Return one message."""
        return self._messages[number]
