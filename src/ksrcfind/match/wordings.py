"""Wordings of a tree's messages, found by the words of a line.

A *wording* is one line of text that messages print; many messages can share one ("out of memory"). Looking up goes from
words to wordings, and only then to the messages, so that a text is compared once. All of it is kept in bounded caches
over a `MessageIndex`: a log of a million lines asks for the same few thousand wordings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from operator import itemgetter

from ksrcfind.match.candidates import MessageIndex
from ksrcfind.match.pattern import Pattern, pattern
from ksrcfind.match.weights import bits
from ksrcfind.source.printed import PrintedLine
from ksrcfind.source.template import WORD, pieces

POSTINGS = 600
"""Messages with one of a line's words, or with several, from which on further ones are not looked at."""

PAIRED = 4
"""How many of the more common words are looked for two by two."""

SIMILAR = 64
"""Messages that are looked at closely for one line."""

PUNCTUATION = 0.5
"""Bits of a mark that is literal text."""

TYPED_MOST = 10.0
"""Bits of one value of the right type, at most."""

_PUNCTUATION_MOST = 12.0
_GLUED = 0.7  # of a word's bits, where it is part of a longer one (`host%d`)
_LINES_KEPT = 65536  # messages whose lines are remembered


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
    words: frozenset[str]
    """Words that every rendering contains."""
    uses: tuple[Use, ...]
    """Messages that print it, as far as they were looked up."""

    @cached_property
    def bits(self) -> float:
        """How much its words tell, together."""
        return sum(map(bits, self.words))

    @cached_property
    def marks(self) -> int:
        """Punctuation marks of its literal text."""
        literal = (piece for piece in pieces(self.line) if isinstance(piece, str))
        return sum(not c.isalnum() and not c.isspace() for piece in literal for c in piece)

    @cached_property
    def is_prefix(self) -> bool:
        """True if it puts some text with a colon in front of any text: `XFS (%s): %pV`."""
        head, colon, tail = self.line.rpartition(": ")
        return bool(colon) and tail.strip() in ("%s", "%pV") and ": " not in head.strip()

    @cached_property
    def glued(self) -> float:
        """How much the words of its literal text tell that touch a value: `host%d`."""
        literal = (piece for piece in pieces(self.line) if isinstance(piece, str))
        found = {match[0].lower() for piece in literal for match in WORD.finditer(piece)}
        return sum(map(bits, found - self.words))

    @cached_property
    def whole(self) -> float:
        """How much all of it tells, in bits: what it explains of any line that is a rendering of it."""
        return self.bits + _GLUED * self.glued + self.typed + min(PUNCTUATION * self.marks, _PUNCTUATION_MOST)

    @cached_property
    def needle(self) -> str:
        """Its longest piece of literal text without blanks at the ends: what has to be in a line."""
        return max((piece.strip() for piece in pieces(self.line) if isinstance(piece, str)), key=len, default="")

    @cached_property
    def ends(self) -> tuple[str, str]:
        """Literal text that every rendering begins with, and that it ends with, blanks at both ends taken off."""
        parts = pieces(self.line.strip())
        first, last = (parts[0], parts[-1]) if parts else ("", "")
        return first if isinstance(first, str) else "", last if isinstance(last, str) else ""

    @cached_property
    def typed(self) -> float:
        """How much the shapes of its values tell, in bits."""
        return sum(min(weight, TYPED_MOST) for weight in self.pattern.weights)

    @cached_property
    def plain(self) -> str:
        """Its literal text alone, in lower case, blanks folded."""
        return folded(" ".join(piece for piece in pieces(self.line) if isinstance(piece, str)))

    @cached_property
    def pattern(self) -> Pattern:
        """What its renderings look like."""
        return pattern(self.line)


class _Bucket:
    """Wordings that are kept under one word, by the rarest of their other words."""

    __slots__ = ("alone", "pairs")

    def __init__(self, word: str, wordings: Iterable[Wording]) -> None:
        self.alone: list[Wording] = []
        self.pairs: dict[str, list[Wording]] = {}
        for wording in wordings:
            others = wording.words - {word}
            if others:
                self.pairs.setdefault(max(others, key=lambda other: (bits(other), other)), []).append(wording)
            else:
                self.alone.append(wording)


class Wordings:
    """The wordings of an index, with caches. Not safe for use from several threads at once."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self._bucket = lru_cache(maxsize=16384)(self._make_bucket)
        self._lines: dict[int, tuple[Wording, ...]] = {}
        self.frequency = lru_cache(maxsize=65536)(index.frequency)
        self._set = lru_cache(maxsize=2048)(lambda word: frozenset(index.containing(word)))
        self._begun_alike = lru_cache(maxsize=4096)(self._count_begun_alike)
        self._fitting = lru_cache(maxsize=16384)(self._find_fitting)
        self._similar = lru_cache(maxsize=4096)(self._find_similar)
        self._uses = lru_cache(maxsize=16384)(self._find_uses)

    def known(self, words: Iterable[str]) -> frozenset[str]:
        """Return those of the words that some message contains."""
        frequency = self.frequency
        return frozenset(word for word in words if frequency(word))

    def begun_alike(self, wording: Wording, most: int) -> int:
        """Count the messages that begin like a wording with words, up to its last colon; no more than about `most`."""
        word = min(wording.words, key=lambda word: (self.frequency(word), word))
        return self._begun_alike(word, wording.line.rpartition(": ")[0], most)

    def _count_begun_alike(self, word: str, head: str, most: int) -> int:
        count = 0
        numbers = sorted(self._set(word))
        for start in range(0, len(numbers), most):
            for lines in self._wordings_of(numbers[start : start + most]):
                count += any(wording.line.startswith(head) for wording in lines)
            if count > most:
                break
        return count

    def fitting(self, words: frozenset[str]) -> Sequence[Wording]:
        """Return the wordings that have words, and none but these known ones."""
        return self._fitting(words)

    def wordless(self) -> Sequence[Wording]:
        """Return the wordings without words: signs and values alone."""
        return self._bucket("").alone

    def similar(self, words: frozenset[str]) -> Sequence[Wording]:
        """Return wordings that share much with these known words, most alike first."""
        return self._similar(words)

    def uses(self, wording: Wording) -> Sequence[Use]:
        """Return all messages of the index that print a wording that was found through one of them."""
        return self._uses(wording.line, wording.words)

    def _find_uses(self, line: str, words: frozenset[str]) -> tuple[Use, ...]:
        found = self.fitting(words) if words else self.wordless()
        return next((other.uses for other in found if other.line == line), ())

    def _find_fitting(self, words: frozenset[str]) -> tuple[Wording, ...]:
        found: dict[str, Wording] = {}
        for word in words:
            bucket = self._bucket(word)
            some = list(bucket.alone)
            for other in bucket.pairs.keys() & words:
                some += [wording for wording in bucket.pairs[other] if wording.words <= words]
            for wording in some:
                same = found.get(wording.line)
                # A text that came in with two builds can be kept under two words.
                found[wording.line] = wording if same is None else _merged(same, wording)
        return tuple(found.values())

    def _find_similar(self, words: frozenset[str]) -> tuple[Wording, ...]:
        ranked = sorted(words, key=lambda word: (self.frequency(word), word))
        pool = self._pool(ranked)
        score = dict.fromkeys(pool, 0.0)
        for word in ranked:
            weight = bits(word)
            for number in self._set(word) & pool:
                score[number] += weight
        best = sorted(score.items(), key=itemgetter(1), reverse=True)[:SIMILAR]
        found: dict[str, Wording] = {}
        for wordings in self._wordings_of([number for number, _ in best]):
            for wording in wordings:
                if not words.isdisjoint(wording.words):
                    found.setdefault(wording.line, wording)
        return tuple(sorted(found.values(), key=lambda wording: -likeness(wording, words)))

    def _pool(self, ranked: Sequence[str]) -> frozenset[int]:
        """Messages that can be much like words (the rarest first): those with a rare one, or with several common."""
        pool: frozenset[int] = frozenset()
        common: list[frozenset[int]] = []
        for word in ranked:
            if len(pool) + self.frequency(word) <= POSTINGS:
                pool |= self._set(word)
            else:
                common.append(self._set(word))
        for one, other in combinations(common[:PAIRED], 2):
            both = one & other
            for third in common:
                if len(both) <= POSTINGS:
                    break
                if third is not one and third is not other:
                    both &= third
            pool |= both if len(both) <= POSTINGS else frozenset()
        return pool or (common[0] if common else pool)

    def _make_bucket(self, word: str) -> _Bucket:
        uses: dict[str, list[Use]] = {}
        words: dict[str, frozenset[str]] = {}
        for number, lines in self._index.printed(self._index.anchored(word)):
            for line in lines:
                own = words.get(line.text)
                if own is None:
                    own = words[line.text] = frozenset(line.words.split())
                if word in own or not (word or own):
                    uses.setdefault(line.text, []).append(Use(number, line.form, line.first))
        return _Bucket(word, (Wording(line, words[line], tuple(found)) for line, found in uses.items()))

    def _wordings_of(self, numbers: Sequence[int]) -> list[tuple[Wording, ...]]:
        if len(self._lines) > _LINES_KEPT:
            self._lines.clear()
        missing = [number for number in numbers if number not in self._lines]
        for number, lines in self._index.printed(missing):
            self._lines[number] = tuple(_wording(number, line) for line in lines)
        return [self._lines[number] for number in numbers]


def folded(text: str) -> str:
    """Return a text in lower case, runs of white space as one blank."""
    return " ".join(text.lower().split())


def likeness(wording: Wording, words: frozenset[str]) -> float:
    """Weigh the words that a wording shares with a line against those that it alone has."""
    shared = sum(bits(word) for word in wording.words & words)
    return shared - 0.4 * (wording.bits - shared)


def _wording(number: int, line: PrintedLine) -> Wording:
    return Wording(line.text, frozenset(line.words.split()), (Use(number, line.form, line.first),))


def _merged(one: Wording, other: Wording) -> Wording:
    return Wording(one.line, one.words, tuple(dict.fromkeys((*one.uses, *other.uses))))
