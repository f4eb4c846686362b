"""A wording: one line of text that messages print, and how much of a line of a log it can explain."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ksrcfind.match.conversions import Typed, shape_of
from ksrcfind.match.pattern import Pattern
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.match.thresholds import DISTINCTIVE_SHAPE, GLUED_WORD, PUNCTUATION, PUNCTUATION_MOST, TYPED_MOST
from ksrcfind.match.word_weights import bits
from ksrcfind.source.template import WORD, Piece, pieces

_NUMBERS = frozenset("diouxXc")  # conversions whose values hold no words
_HEXADECIMAL = frozenset("xX")
_MARK = re.compile(r"[^\w\s]|_")


class Literal(NamedTuple):
    """A piece of literal text; an empty one stands in front of values that a line begins with."""

    text: str
    bits: float
    """How much the words tell that are in every rendering and stand in it."""
    typed: float
    """How much the shapes of the values tell between it and the next piece."""


class Features(NamedTuple):
    """What a wording is made of."""

    literals: tuple[Literal, ...]
    """In order."""
    words: frozenset[str]
    """All words of the literal text, also those that touch a value: `host%d`."""
    marks: int
    """Punctuation marks of the literal text."""
    typed: float
    """How much the shapes of the values tell, in bits."""
    holds_words: bool
    """True if a value of a type can hold words: `%pS`."""
    holds_hex: bool
    """True if a value is a number in hexadecimal, which can look like a word."""
    shaped: bool
    """True if one of the values has a shape that tells much by itself."""
    distinctive: str
    """A regular expression for the most distinctive value; empty if no value has a shape."""


@dataclass(frozen=True, eq=False)
class Wording:
    """A line of text that messages print; there is one for each line. Blanks at both ends do not count."""

    line: str
    """In printf syntax, without line breaks."""
    words: frozenset[str]
    """Words that every rendering contains."""

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Its literal text and its conversions."""
        return pieces(self.line.strip())

    @cached_property
    def pattern(self) -> Pattern:
        """What its renderings look like."""
        return pattern(self.line.strip())

    @cached_property
    def bits(self) -> float:
        """How much its words tell, together."""
        return sum(map(bits, self.words))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Its pieces of literal text without blanks at the ends, the longest first: what has to be in a line."""
        return tuple(sorted({piece.strip() for piece in self.pieces if isinstance(piece, str)}, key=len)[::-1])

    @property
    def needle(self) -> str:
        """The longest of them."""
        return self.parts[0] if self.parts else ""

    @cached_property
    def ends(self) -> tuple[str, str]:
        """Literal text that every rendering begins with, and that it ends with."""
        first, last = (self.pieces[0], self.pieces[-1]) if self.pieces else ("", "")
        return first if isinstance(first, str) else "", last if isinstance(last, str) else ""

    @cached_property
    def features(self) -> Features:
        """What it is made of."""
        return _makeup(self.pieces, self.words)

    @cached_property
    def whole(self) -> float:
        """How much all of it tells, in bits: what it explains of any line that is a rendering of it."""
        made = self.features
        glued = sum(map(bits, made.words - self.words))
        return self.bits + GLUED_WORD * glued + made.typed + min(PUNCTUATION * made.marks, PUNCTUATION_MOST)

    @cached_property
    def is_prefix(self) -> bool:
        """True if it puts some text with a colon in front of any text: `XFS (%s): %pV`, `Bluetooth: %s: %.*s`."""
        head, colon, tail = self.line.rpartition(": ")
        is_name = bool(self.words) or ": " not in head.strip()
        return bool(colon) and tail.strip() in ("%s", "%.*s", "%pV") and is_name

    @cached_property
    def plain(self) -> str:
        """Its literal text alone, in lower case, blanks folded."""
        return folded(" ".join(piece for piece in self.pieces if isinstance(piece, str)))


def _makeup(parts: tuple[Piece, ...], own: frozenset[str]) -> Features:
    literals: list[Literal] = []
    words: set[str] = set()
    marks = 0
    typed = behind = most = 0.0
    distinctive = literal = ""
    holds_words = holds_hex = False
    for piece in (*parts, ""):
        if isinstance(piece, str):
            found = WORD.findall(literal.lower())
            words.update(found)
            marks += len(_MARK.findall(literal))
            literals.append(Literal(literal, sum(map(bits, own.intersection(found))), behind))
            literal, behind = piece, 0.0
            continue
        value = shape_of(piece)
        if isinstance(value, Typed):
            holds_words = holds_words or piece.kind not in _NUMBERS
            holds_hex = holds_hex or piece.kind in _HEXADECIMAL
            told = min(value.bits, TYPED_MOST)
            typed += told
            behind += told
            if value.bits > most:
                most, distinctive = value.bits, value.regex
    return Features(
        tuple(literals), frozenset(words), marks, typed, holds_words, holds_hex, most >= DISTINCTIVE_SHAPE, distinctive
    )


def folded(text: str) -> str:
    """Return a text in lower case, runs of white space as one blank."""
    return " ".join(text.lower().split())
