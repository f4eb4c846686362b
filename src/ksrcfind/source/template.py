"""printf formats as the kernel reads them: literal pieces and conversions.

The grammar is that of Documentation/core-api/printk-formats.rst and lib/vsprintf.c: standard C conversions plus `%p`
extensions, whose letters follow the `p` directly.
"""

from functools import lru_cache

from msgspec import Struct

from ksrcfind.regex import regex


class Conversion(Struct, frozen=True):
    """One conversion of a format."""

    text: str
    """As written, `%-5.2lu`."""
    flags: str
    width: str
    """Digits, `*`, or empty."""
    precision: str
    """Digits, `*`, empty, or `-` without a precision."""
    kind: str
    """The conversion letter: `d`, `x`, `s`, `c`, or `p` with its extension letters (`pI4`, `pM`)."""

    @property
    def takes(self) -> int:
        """How many arguments it consumes: one for the value and one for each `*`."""
        return 1 + (self.width == "*") + (self.precision == "*")


Piece = str | Conversion

# `%p` extensions take every following letter or digit that lib/vsprintf.c would skip (pointer() and its callees
# consume "alphanumeric" suffixes), e.g. %pISpfc, %pUb, %p4cc.
CONVERSION = regex(
    r"%(?:(?P<percent>%)"
    r"|(?P<flags>[-+ #0]*+)(?P<width>\*|\d++)?(?:\.(?P<precision>\*|-?\d++)?)?"
    r"(?P<length>hh|h|ll|l|L|z|Z|t|j|q)?(?P<kind>p[A-Za-z0-9]*+|[diouxXscneEfgGaA]))"
)

_SPLIT = regex(
    r"(%(?:%|[-+ #0]*+(?:\*|\d++)?(?:\.(?:\*|-?\d++)?)?(?:hh|h|ll|l|L|z|Z|t|j|q)?"
    r"(?:p[A-Za-z0-9]*+|[diouxXscneEfgGaA])))"
)
"""`CONVERSION` as one group, which splits a format into literal text and conversions."""

WORD = regex(r"[A-Za-z_][A-Za-z0-9_]+")
LINE_WORD = regex(r"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]+")
"""A word of a log line, not directly behind a digit (`2nd`)."""

_WHOLE_WORD = regex(r"(?<![A-Za-z0-9_\0])[A-Za-z_][A-Za-z0-9_]++(?!\0)")  # in a masked format


def split(printed: str) -> tuple[list[str], list[str]]:
    """Return the literal texts of a format (`%%` decoded, perhaps empty), and the conversions between them."""
    parts = _SPLIT.split(printed)
    if "%%" not in printed:
        return parts[::2], parts[1::2]
    literals, conversions = parts[:1], []
    for conversion, literal in zip(parts[1::2], parts[2::2], strict=True):
        if conversion == "%%":
            literals[-1] += f"%{literal}"
        else:
            conversions.append(conversion)
            literals.append(literal)
    return literals, conversions


@lru_cache(maxsize=65536)
def pieces(printed: str) -> tuple[Piece, ...]:
    """Split a format into literal pieces (`%%` decoded) and conversions, in order; neighbouring literals are joined."""
    literals, conversions = split(printed)
    result: list[Piece] = [literals[0]]
    for text, literal in zip(conversions, literals[1:], strict=True):
        result += (conversion_of(text), literal)
    return tuple(filter(None, result))


@lru_cache(maxsize=8192)
def conversion_of(text: str) -> Conversion:
    """Return a conversion by its text, cached: all formats use the same few."""
    match = CONVERSION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    dot = "." in text.split("p", 1)[0]
    precision = (match["precision"] or "") if dot else "-"
    return Conversion(text, match["flags"] or "", match["width"] or "", precision, match["kind"])


def template(printed: str) -> str:
    """Return the format for display: `%%` becomes one per cent sign, conversions stay."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces(printed))


def lines(printed: str) -> list[str]:
    """Return the lines of a format: a log has each as a record of its own."""
    return printed.split("\n")


@lru_cache(maxsize=1024)
def masked(printed: str) -> tuple[str, int]:
    """Return the format with each conversion replaced by NUL, and the number of conversions.

    No format contains NUL, which ends every C string.
    """
    if "%%" not in printed:
        return CONVERSION.subn("\0", printed)
    text, count = CONVERSION.subn(lambda match: "%" if match["percent"] else "\0", printed)
    return text, count - sum(match["percent"] is not None for match in CONVERSION.finditer(printed))


def literal_words(printed: str) -> list[str]:
    """Return the words that every rendering of the format contains, lower case, in order, with repeats.

    A word next to a conversion (`ata%u`, `%dMB`) or behind a digit (`2nd`) is excluded: in a log line it is part of a
    longer word.
    """
    return whole_words(masked(printed)[0])


def whole_words(text: str) -> list[str]:
    """Return the `literal_words` of a masked format."""
    return [word.lower() for word in _WHOLE_WORD.findall(text)]


def has_words(printed: str) -> bool:
    """Return whether a format has literal text besides punctuation."""
    return WORD.search(masked(printed)[0]) is not None


def count_words(printed: str) -> int:
    """Return how many words a format has besides its conversions, also parts of longer ones."""
    return len(WORD.findall(masked(printed)[0]))


def words(text: str) -> list[str]:
    """Return the words of a log line, comparable to `literal_words`: lower case, in order, with repeats."""
    # The lower case of some letters beyond ASCII is an ASCII letter (KELVIN SIGN).
    found = LINE_WORD.findall(text.lower() if text.isascii() else text)
    return found if text.isascii() else [word.lower() for word in found]
