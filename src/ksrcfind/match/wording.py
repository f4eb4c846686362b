"""A wording: one line of text that messages print, and how much of a log line it can explain."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ksrcfind.match.conversions import Typed, shape_of
from ksrcfind.match.pattern import Pattern
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.match.tuned_weights import DISTINCTIVE_SHAPE, GLUED_WORD, PUNCTUATION, PUNCTUATION_MOST, TYPED_MOST
from ksrcfind.match.word_weights import bits
from ksrcfind.regex import regex
from ksrcfind.source.template import WORD, Piece, pieces

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


class Features(NamedTuple):
    """The properties of a wording from which scores are computed."""

    literals: tuple[Literal, ...]
    """In order."""
    words: frozenset[str]
    """All words of the literal text, including those that touch a value: `host%d`."""
    marks: int
    """Number of punctuation marks in the literal text."""
    typed: float
    """Bits of all values."""
    holds_words: bool
    """True if a typed value can contain words: `%pS`."""
    holds_hex: bool
    """True if a value is a hexadecimal number, which can look like a word."""
    shaped: bool
    """True if one of the values is distinctive: it is recognised by its shape alone."""
    distinctive: str
    """A regular expression for the most distinctive value; empty if no value has a shape."""


@dataclass(frozen=True, eq=False)
class Wording:
    """A line of text that messages print. An index has one object for each text. Blanks at both ends do not count."""

    line: str
    """The text in printf syntax, without line breaks."""
    words: frozenset[str]
    """Words that every rendering contains."""

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Its literal text and its conversions."""
        return pieces(self.line.strip())

    @cached_property
    def pattern(self) -> Pattern:
        """The pattern of its renderings."""
        return pattern(self.line.strip())

    @cached_property
    def bits(self) -> float:
        """Bits of its words together."""
        return sum(map(bits, self.words))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Its pieces of literal text without blanks at the ends, the longest first: every rendering contains them."""
        return tuple(sorted({piece.strip() for piece in self.pieces if isinstance(piece, str)}, key=len)[::-1])

    @property
    def needle(self) -> str:
        """The longest of its pieces of literal text."""
        return self.parts[0] if self.parts else ""

    @cached_property
    def ends(self) -> tuple[str, str]:
        """The literal text with which every rendering begins, and with which it ends."""
        first, last = (self.pieces[0], self.pieces[-1]) if self.pieces else ("", "")
        return first if isinstance(first, str) else "", last if isinstance(last, str) else ""

    @cached_property
    def features(self) -> Features:
        """The properties from which scores are computed."""
        return _features(self.pieces, self.words)

    @cached_property
    def whole(self) -> float:
        """Bits of all of it: what it explains of a line that is a rendering of it."""
        made = self.features
        glued = sum(map(bits, made.words - self.words))
        return self.bits + GLUED_WORD * glued + made.typed + min(PUNCTUATION * made.marks, PUNCTUATION_MOST)

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
        return folded(" ".join(piece for piece in self.pieces if isinstance(piece, str)))


def _features(parts: tuple[Piece, ...], own: frozenset[str]) -> Features:
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
            worth = min(value.bits, TYPED_MOST)
            typed += worth
            behind += worth
            if value.bits > most:
                most, distinctive = value.bits, value.regex
    return Features(
        tuple(literals), frozenset(words), marks, typed, holds_words, holds_hex, most >= DISTINCTIVE_SHAPE, distinctive
    )


def folded(text: str) -> str:
    """Return a text in lower case, with one blank for each run of white space."""
    return " ".join(text.lower().split())
