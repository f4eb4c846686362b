"""Retrieval: the wordings of a tree's messages that have words in common with a line.

Many messages can share a wording ("out of memory"). Words lead to wordings, and wordings to messages, so each text is
compared once. Bounded caches over a `MessageIndex` hold the results: a log of a million lines needs the same few
thousand wordings.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from itertools import chain, combinations
from typing import NamedTuple

import msgspec

from ksrcfind.match.limits import HAVING_MOST, LONGEST, LONGEST_WORD
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.tuned_weights import (
    LACKING_SHARE,
    PAIRED_WORDS,
    POSTINGS_MOST,
    SHARED_LEAST,
    SIMILAR_MESSAGES,
    SIMILAR_WORDINGS,
)
from ksrcfind.match.word_weights import bits, total
from ksrcfind.match.wording import Wording
from ksrcfind.source.printed_lines import ALONE, Continuation, PrintedLine, mark

_OCCURRENCES_KEPT = 65536  # wordings whose messages are remembered
_SETS_KEPT = 512  # words whose messages are remembered as a set, tens of thousands for some
_LINES_KEPT = 65536  # messages whose lines are remembered


class Occurrence(msgspec.Struct, frozen=True, gc=False):
    """A message that prints a wording."""

    number: int
    """Number of the message in the index."""
    form: int
    """Number of the form among the message's forms."""
    first: int
    """Number of conversions in the form before this line."""
    joins: Continuation
    """Whether other messages print before or behind it in the same line."""


class Similar(NamedTuple):
    """A wording that shares words with a line."""

    wording: Wording
    joined: bool
    """True if other messages can print into the same line."""


class Wordings:
    """The wordings of an index, with caches. Not safe for use from several threads at once."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self._wordings: dict[str, Wording] = {}
        """By their lines, so that the properties of a wording are computed once."""
        self._words: dict[str, str] = {}
        """Each word once, so that all wordings share one string."""
        self._printed: dict[int, Sequence[PrintedLine]] = {}
        """The lines that messages print, by their numbers. A line becomes a wording when it is a candidate."""
        self._contains = lru_cache(maxsize=65536)(index.contains)
        self.frequency = lru_cache(maxsize=65536)(index.frequency)
        self._set = lru_cache(maxsize=_SETS_KEPT)(lambda word: frozenset(index.containing(word)))
        self._both = lru_cache(maxsize=_SETS_KEPT)(lambda one, other: self._set(one) & self._set(other))
        self._begun_alike = lru_cache(maxsize=4096)(self._count_begun_alike)
        self._fitting = lru_cache(maxsize=16384)(self._find_fitting)
        self._alone = lru_cache(maxsize=16384)(self._find_alone)
        self._similar = lru_cache(maxsize=4096)(self._find_similar)
        self._occurrences: dict[str, Sequence[Occurrence]] = {}
        """The messages that print a line, for lines that `_printing` has seen."""

    def known(self, words: Iterable[str]) -> frozenset[str]:
        """Return the words that some message contains."""
        return frozenset(word for word in words if len(word) <= LONGEST_WORD and self._contains(word))

    def begun_alike(self, wording: Wording, most: int) -> int:
        """Count the messages that begin like a wording with words, up to its last colon; no more than about `most`."""
        word = min(wording.words, key=lambda word: (self.frequency(word), word))
        return self._begun_alike(word, wording.line.rpartition(": ")[0].removeprefix("%s"), most)

    def _count_begun_alike(self, word: str, head: str, most: int) -> int:
        count = 0
        numbers = self._index.containing(word)
        for start in range(0, len(numbers), most):
            for some in self._printed_by(numbers[start : start + most]):
                count += any(line.text.removeprefix("%s").startswith(head) for line in some)
            if count > most:
                break
        return count

    def fitting(self, words: frozenset[str]) -> Sequence[Wording]:
        """Return the wordings that have words, and only words of this known set."""
        return self._fitting(words)

    def having(self, words: Iterable[str]) -> Sequence[Similar] | None:
        """Return the wordings that have all of these words; None if there are no words, or too many such wordings."""
        ranked = sorted(words, key=self.frequency)
        numbers: Collection[int] = self._index.containing(ranked[0]) if ranked else ()
        for word in ranked[1:]:
            if len(numbers) > HAVING_MOST:
                numbers = self._set(word).intersection(numbers)
        if not ranked or len(numbers) > HAVING_MOST:
            return None
        wanted = frozenset(ranked)
        found: dict[Wording, bool] = {}
        for line in chain.from_iterable(self._printed_by(numbers)):
            if wanted.issubset(line.words.split()):
                wording = self._wording(line)
                found[wording] = found.get(wording, False) or line.joins != ALONE
        return [Similar(wording, joined) for wording, joined in found.items()]

    def wordless(self) -> Sequence[Wording]:
        """Return the wordings without words: only punctuation and values."""
        return self._fitting(frozenset())

    def similar(self, words: frozenset[str]) -> Sequence[Similar]:
        """Return the wordings that share most with these known words, best first, at most `SIMILAR_WORDINGS`."""
        return self._similar(words)

    def occurrences(self, wording: Wording) -> Sequence[Occurrence]:
        """Return all messages of the index that print a wording."""
        if wording.line not in self._occurrences:
            if len(wording.words) > 1:
                self._find_fitting(wording.words)
            else:
                self._find_alone(next(iter(wording.words), ""))
        return self._occurrences.get(wording.line, ())

    def _find_fitting(self, words: frozenset[str]) -> tuple[Wording, ...]:
        if not words:
            return self._alone("")
        marks = {mark(word) for word in words}
        numbers: set[int] = set()
        found: list[Wording] = []
        for word in sorted(words):
            found += self._alone(word)
            anchored = self._index.anchored(word)
            for other in anchored.keys() & marks:
                numbers.update(anchored[other])
        found += self._printing(numbers, lambda own: " " in own and words.issuperset(own.split()))
        return tuple(found)

    def _find_alone(self, word: str) -> tuple[Wording, ...]:
        """Return the wordings whose only word this is; for the empty word, those without words."""
        return tuple(self._printing(self._index.anchored(word).get(mark(""), ()), word.__eq__))

    def _printing(self, numbers: Iterable[int], wanted: Callable[[str], bool]) -> Iterable[Wording]:
        """Return the wordings of lines with wanted words, each once, and remember the messages that print them."""
        occurrences: dict[Wording, list[Occurrence]] = {}
        ordered = sorted(numbers)
        for number, lines in zip(ordered, self._printed_by(ordered), strict=True):
            for line in lines:
                if wanted(line.words):
                    one = Occurrence(number, line.form, line.first, line.joins)
                    occurrences.setdefault(self._wording(line), []).append(one)
        if len(self._occurrences) > _OCCURRENCES_KEPT:
            self._occurrences.clear()
        self._occurrences.update((wording.line, found) for wording, found in occurrences.items())
        return occurrences

    def _find_similar(self, words: frozenset[str]) -> tuple[Similar, ...]:
        score = self._shared(sorted(words, key=lambda word: (self.frequency(word), word)))
        enough = sorted(number for number in score if score[number] >= SHARED_LEAST)
        enough.sort(key=score.__getitem__, reverse=True)  # In the order of their numbers if they share equally much.
        found: dict[str, float] = {}
        lines: dict[str, PrintedLine] = {}
        joined: set[str] = set()
        for line in chain.from_iterable(self._printed_by(enough[:SIMILAR_MESSAGES])):
            text = line.text[:LONGEST]
            if text not in found:
                own = line.words.split()
                shared = total(words.intersection(own))
                if shared < SHARED_LEAST:
                    continue
                lines[text] = line
                found[text] = shared - LACKING_SHARE * (total(own) - shared)
            if line.joins != ALONE:
                joined.add(text)
        best = sorted(found, key=found.__getitem__, reverse=True)[:SIMILAR_WORDINGS]
        return tuple(Similar(self._wording(lines[text]), text in joined) for text in best)

    def _shared(self, ranked: Sequence[str]) -> dict[int, float]:
        """Return how many bits messages share with the words of a ranking, rarest first.

        These are the messages that have a rare word, or several common ones.
        """
        score: dict[int, float] = {}
        common: list[str] = []
        for word in ranked:
            numbers = self._index.containing(word)
            if len(score) + len(numbers) > POSTINGS_MOST:
                common.append(word)
                continue
            weight = bits(word)
            for number in numbers:
                score[number] = score.get(number, 0.0) + weight
        self._add_shared(score, common)
        most = total(common)
        if most < SHARED_LEAST or sum(bits > most for bits in score.values()) >= SIMILAR_MESSAGES:
            return score  # A message that only has common words does not share enough, or less than enough others do.
        several = self._having_several(common) - score.keys()
        if not score and not several:
            several = set(self._set(common[0]))
        others = dict.fromkeys(several, 0.0)
        self._add_shared(others, common)
        return score | others

    def _add_shared(self, score: dict[int, float], words: Iterable[str]) -> None:
        """Add to the scores of messages what they share with common words."""
        pool = frozenset(score)
        for word in words:
            weight = bits(word)
            for number in self._set(word) & pool:
                score[number] += weight

    def _having_several(self, common: Sequence[str]) -> set[int]:
        """Return the messages that have two or more of these words, the rarest first, unless they are too many."""
        found: set[int] = set()
        for one, other in combinations(common[:PAIRED_WORDS], 2):
            both = self._both(one, other)
            for third in common:
                if len(both) <= POSTINGS_MOST:
                    break
                if third not in (one, other):
                    both &= self._set(third)
            if len(both) <= POSTINGS_MOST:
                found |= both
        return found

    def _printed_by(self, numbers: Collection[int]) -> list[Sequence[PrintedLine]]:
        """Return the lines that messages print, in the order of the given numbers."""
        printed = self._printed
        missing = [number for number in numbers if number not in printed]
        if missing:
            if len(printed) > _LINES_KEPT:
                printed.clear()
                self._wordings.clear()
                self._words.clear()
                missing = list(numbers)
            printed.update(self._index.printed(missing))
        return [printed[number] for number in numbers]

    def _wording(self, line: PrintedLine) -> Wording:
        text = line.text[:LONGEST]
        found = self._wordings.get(text)
        if found is None:
            own = line.words.split()
            found = self._wordings[text] = Wording(text, frozenset(map(self._words.setdefault, own, own)))
        return found
