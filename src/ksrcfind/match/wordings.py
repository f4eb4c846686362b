"""Wordings of a tree's messages, found by the words of a line.

A *wording* is one line of text that messages print; many messages can share one ("out of memory"). Looking up goes from
words to wordings, and only then to the messages, so that a text is compared once. All of it is kept in bounded caches
over a `MessageIndex`: a log of a million lines asks for the same few thousand wordings.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ksrcfind.match.candidates import MessageIndex
from ksrcfind.match.pattern import Pattern, pattern
from ksrcfind.match.weights import bits
from ksrcfind.source.template import CONVERSION, lines, literal_words

POSTINGS = 6000
"""Entries of word lists that are added up for one line; more common words only refine what rarer ones found."""

SIMILAR = 96
"""Messages that are looked at closely for one line."""


@dataclass(frozen=True, slots=True)
class Use:
    """A message that prints a wording."""

    number: int
    """Of the message in the index."""
    form: int
    """Which of the message's forms."""
    first: int
    """Conversions in the form before this line."""


@dataclass(frozen=True)
class Wording:
    """A line of text that messages print."""

    line: str
    """In printf syntax, without line breaks."""
    uses: tuple[Use, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """Words that every rendering contains."""
        return frozenset(literal_words(self.line))

    @cached_property
    def bits(self) -> float:
        """How much its words tell, together."""
        return sum(map(bits, self.words))

    @cached_property
    def pattern(self) -> Pattern:
        """What its renderings look like."""
        return pattern(self.line)


class _Bucket:
    """Wordings with the same rarest word, by the next rarest one."""

    __slots__ = ("alone", "pairs", "size")

    def __init__(self, wordings: Iterable[Wording], frequency: dict[str, int]) -> None:
        self.alone: list[Wording] = []
        self.pairs: dict[str, list[Wording]] = {}
        self.size = 0
        for wording in wordings:
            self.size += 1
            if len(wording.words) == 1:
                self.alone.append(wording)
            else:
                second = sorted(wording.words, key=lambda word: (frequency[word], word))[1]
                self.pairs.setdefault(second, []).append(wording)


class Wordings:
    """The wordings of an index, with caches. Not safe for use from several threads at once."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self._bucket = lru_cache(maxsize=8192)(self._make_bucket)
        self._of = lru_cache(maxsize=32768)(self._make_wordings)
        self.frequency = lru_cache(maxsize=65536)(index.frequency)
        self._set = lru_cache(maxsize=256)(lambda word: frozenset(index.containing(word)))

    def fitting(self, words: frozenset[str]) -> Iterator[Wording]:
        """Yield the wordings that have no other words than these, those with the rarest words first."""
        frequency = self.frequency
        known = sorted((count, word) for word in words if (count := frequency(word)))
        for _, word in known:
            bucket = self._bucket(word)
            if bucket is None:
                continue
            yield from bucket.alone
            for second in bucket.pairs.keys() & words:
                for wording in bucket.pairs[second]:
                    if wording.words <= words:
                        yield wording

    def uses(self, wording: Wording) -> tuple[Use, ...]:
        """Return all messages of the index that print a wording that was found through one of them."""
        if not wording.words:
            return wording.uses
        frequency = self.frequency
        ranked = sorted(wording.words, key=lambda word: (frequency(word), word))
        bucket = self._bucket(ranked[0])
        if bucket is None:
            return wording.uses
        same = bucket.alone if len(ranked) == 1 else bucket.pairs.get(ranked[1], ())
        return next((other.uses for other in same if other.line == wording.line), wording.uses)

    def similar(self, words: Sequence[str]) -> list[Wording]:
        """Return wordings that share much with these words, most alike first."""
        wanted = frozenset(words)
        known = sorted((count, word) for word in wanted if (count := self.frequency(word)))
        score: dict[int, float] = {}
        budget = POSTINGS
        for count, word in known:
            weight = bits(word)
            if count <= budget or not score:
                budget -= count
                for number in self._index.containing(word)[: 4 * POSTINGS]:
                    score[number] = score.get(number, 0.0) + weight
            else:
                for number in self._set(word) & score.keys():
                    score[number] += weight
        best = heapq.nlargest(SIMILAR, score.items(), key=lambda item: (item[1], -item[0]))
        found: dict[str, Wording] = {}
        for number, _ in best:
            for wording in self._of(number):
                if not wanted.isdisjoint(wording.words):
                    found.setdefault(wording.line, wording)
        return sorted(found.values(), key=lambda wording: -likeness(wording, wanted))

    def _make_bucket(self, word: str) -> _Bucket | None:
        """Group the wordings whose rarest word this is."""
        uses: dict[str, list[Use]] = {}
        frequency: dict[str, int] = {}
        words_of: dict[str, frozenset[str]] = {}
        for number in self._index.anchored(word):
            for form_number, form in enumerate(self._index.message(number).forms):
                for line, first in _lines(form.printed):
                    own = words_of.get(line)
                    if own is None:
                        own = words_of[line] = frozenset(literal_words(line))
                        for each in own:
                            frequency[each] = self.frequency(each)
                    if own and min(own, key=lambda each: (frequency[each], each)) == word:
                        uses.setdefault(line, []).append(Use(number, form_number, first))
        if not uses:
            return None
        return _Bucket((Wording(line, tuple(found)) for line, found in uses.items()), frequency)

    def _make_wordings(self, number: int) -> tuple[Wording, ...]:
        return tuple(
            Wording(line, (Use(number, form_number, first),))
            for form_number, form in enumerate(self._index.message(number).forms)
            for line, first in _lines(form.printed)
        )


def likeness(wording: Wording, words: frozenset[str]) -> float:
    """Weigh the words that a wording shares with a line against those that it alone has."""
    shared = sum(bits(word) for word in wording.words & words)
    return shared - 0.4 * (wording.bits - shared)


def _lines(printed: str) -> Iterator[tuple[str, int]]:
    """Yield each line of a format that is not blank, with the number of conversions before it."""
    if "\n" not in printed:
        yield printed, 0
        return
    first = 0
    for line in lines(printed):
        if line.strip():
            yield line, first
        first += sum(1 for match in CONVERSION.finditer(line) if not match["percent"])
