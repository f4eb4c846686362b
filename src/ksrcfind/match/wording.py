"""A wording: one line of text that messages print, and how much of a log line it can explain."""

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec

from ksrcfind.match.conversions import Text, shape_of
from ksrcfind.match.limits import MOST_VALUES
from ksrcfind.match.pattern import Pattern
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.match.tuned_weights import DISTINCTIVE_SHAPE, GLUED_WORD, PUNCTUATION, PUNCTUATION_MOST, TYPED_MOST
from ksrcfind.match.word_weights import total
from ksrcfind.regex import regex
from ksrcfind.source.template import WORD, Conversion, conversion_of, split

_NUMBERS = frozenset("diouxXc")  # conversions whose values hold no words
_HEXADECIMAL = frozenset("xX")
_MARK = regex(r"[^\w\s]|_")


class Literal(NamedTuple):
    """A piece of literal text; an empty one precedes values at the beginning of a wording."""

    text: str
    bits: float
    """Bits of its words that every rendering contains."""
    typed: float
    """Bits of the values between it and the next piece."""


class Values(msgspec.Struct, frozen=True, gc=False):
    """What the values of a wording can contribute to its score."""

    conversions: tuple[Conversion, ...]
    each: tuple[float, ...]
    """Bits of each value in a score; 0 for one that accepts any text."""
    distinctive: tuple[tuple[Conversion, float], ...]
    """The values that are recognised by their shape alone, with their bits."""
    typed: float
    """Bits of all values."""
    accept_text: bool
    """True if one of them accepts any text."""
    hold_words: bool
    """True if a typed value can contain words: `%pS`."""
    hold_hex: bool
    """True if a value is a hexadecimal number, which can look like a word."""
    shape: str
    """A regular expression for the most distinctive value; empty if no value has a shape."""


class Wording(msgspec.Struct, frozen=True, eq=False, dict=True):
    """A line of text that messages print. An index has one object for each text. Blanks at both ends do not count."""

    line: str
    """The text in printf syntax, without line breaks."""
    words: frozenset[str]
    """Words that every rendering contains."""

    @cached_property
    def _split(self) -> tuple[list[str], list[str]]:
        """Its literal texts and the conversions between them."""
        return split(self.line.strip())

    @cached_property
    def pattern(self) -> Pattern:
        """The pattern of its renderings."""
        return pattern(self.line.strip())

    @cached_property
    def bits(self) -> float:
        """Bits of its words together."""
        return total(self.words)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Its pieces of literal text without blanks at the ends, the longest first: every rendering contains them."""
        return tuple(sorted({literal.strip() for literal in self._split[0]}, key=len)[::-1])

    @cached_property
    def needle(self) -> str:
        """The longest of its pieces of literal text."""
        return self.parts[0]

    @property
    def ends(self) -> tuple[str, str]:
        """The literal text with which every rendering begins, and with which it ends."""
        literals = self._split[0]
        return literals[0], literals[-1]

    @cached_property
    def literals(self) -> tuple[Literal, ...]:
        """Its literal text and values in order, for comparing it with a line piece by piece."""
        return tuple(_literals(self._split[0], self.values.each, self.words))

    @cached_property
    def all_words(self) -> frozenset[str]:
        """All words of the literal text, including those that touch a value: `host%d`."""
        return frozenset(WORD.findall("\0".join(self._split[0]).lower()))

    @cached_property
    def values(self) -> Values:
        """What its values can contribute to its score."""
        return _values(tuple(self._split[1]))

    @cached_property
    def whole(self) -> float:
        """Bits of all of it: what it explains of a line that is a rendering of it."""
        glued = total(self.all_words - self.words)
        marks = sum(len(_MARK.findall(literal)) for literal in self._split[0])
        return self.bits + GLUED_WORD * glued + self.values.typed + min(PUNCTUATION * marks, PUNCTUATION_MOST)

    @cached_property
    def is_prefix(self) -> bool:
        """True if it only puts a prefix with a colon before any text: `XFS (%s): %pV`, `Bluetooth: %s: %.*s`."""
        head, colon, tail = self.line.rpartition(": ")
        is_name = bool(self.words) or ": " not in head.strip()
        return bool(colon) and tail.strip() in ("%s", "%.*s", "%pV") and is_name

    @cached_property
    def writer(self) -> frozenset[str]:
        """The words before its first colon, which name who prints; empty if no other words follow."""
        head, _, tail = self.plain.partition(":")
        return frozenset(WORD.findall(head)) if WORD.search(tail) else frozenset()

    @cached_property
    def numbered(self) -> frozenset[str]:
        """Its words with a digit, which look like values: `pm8001_abort_task`."""
        return frozenset(word for word in self.words if any(map(str.isdigit, word)))

    @cached_property
    def plain(self) -> str:
        """Its literal text alone, in lower case, with single blanks."""
        return folded(" ".join(self._split[0]))


def _literals(texts: Sequence[str], values: Sequence[float], own: frozenset[str]) -> Iterator[Literal]:
    """Yield the literal texts, each with its bits, for its words among `own`, and the bits of the values behind it."""
    literal, behind = "", 0.0
    for text, value in zip(texts, (*values, 0.0), strict=True):
        if text:
            yield Literal(literal, _bits_within(literal, own), behind)
            literal, behind = text, 0.0
        behind += value
    yield Literal(literal, _bits_within(literal, own), behind)


def _bits_within(literal: str, words: frozenset[str]) -> float:
    return total(words.intersection(WORD.findall(literal.lower()))) if words else 0.0


@lru_cache(maxsize=16384)
def _values(conversions: tuple[str, ...]) -> Values:
    """Return what these conversions can contribute to a score; many wordings have the same ones."""
    each: list[float] = []
    distinctive: list[tuple[Conversion, float]] = []
    accept_text = hold_words = hold_hex = False
    most, shape = 0.0, ""
    own = tuple(map(conversion_of, conversions))
    for number, conversion in enumerate(own):
        value = shape_of(conversion) if number < MOST_VALUES else Text()
        if isinstance(value, Text):
            accept_text = True
            each.append(0.0)
            continue
        hold_words = hold_words or conversion.kind not in _NUMBERS
        hold_hex = hold_hex or conversion.kind in _HEXADECIMAL
        each.append(min(value.bits, TYPED_MOST))
        if value.bits >= DISTINCTIVE_SHAPE:
            distinctive.append((conversion, each[-1]))
        if value.bits > most:
            most, shape = value.bits, value.regex
    typed = sum(each, 0.0)
    return Values(own, tuple(each), tuple(distinctive), typed, accept_text, hold_words, hold_hex, shape)


def folded(text: str) -> str:
    """Return a text in lower case, with one blank for each run of white space."""
    return " ".join(text.lower().split())
