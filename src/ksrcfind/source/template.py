"""printf formats as the kernel reads them: literal pieces and conversions.

The grammar is that of Documentation/core-api/printk-formats.rst and lib/vsprintf.c: standard C conversions plus `%p`
extensions, whose letters follow the `p` directly.
"""

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Conversion:
    """One conversion of a format."""

    text: str
    """As written, `%-5.2lu`."""
    flags: str
    width: str
    """Digits, `*`, or empty."""
    precision: str
    """Digits, `*`, empty, or `-` when there is none."""
    kind: str
    """What decides the printed text: `d`, `x`, `s`, `c`, or `p` with its extension letters (`pI4`, `pM`)."""

    @property
    def takes(self) -> int:
        """Arguments that it consumes: one for the value and one for each `*`."""
        return 1 + (self.width == "*") + (self.precision == "*")


Piece = str | Conversion

# `%p` extensions take every following letter or digit that lib/vsprintf.c would skip (pointer() and its callees
# consume "alphanumeric" suffixes), e.g. %pISpfc, %pUb, %p4cc.
CONVERSION = re.compile(
    r"%(?:(?P<percent>%)"
    r"|(?P<flags>[-+ #0]*+)(?P<width>\*|\d++)?(?:\.(?P<precision>\*|-?\d++)?)?"
    r"(?P<length>hh|h|ll|l|L|z|Z|t|j|q)?(?P<kind>p[A-Za-z0-9]*+|[diouxXscneEfgGaA]))"
)

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")
LINE_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]+")
"""A word of a line of a log; one behind a digit (`2nd`) is none."""

_WHOLE_WORD = re.compile(r"(?<![A-Za-z0-9_\0])[A-Za-z_][A-Za-z0-9_]++(?!\0)")  # in a masked format


@lru_cache(maxsize=65536)
def pieces(printed: str) -> tuple[Piece, ...]:
    """Split a format into literal pieces (`%%` decoded) and conversions, in order; neighbouring literals are joined."""
    result: list[Piece] = []
    literal = ""
    position = 0
    for match in CONVERSION.finditer(printed):
        start, end = match.span()
        literal += printed[position:start]
        position = end
        text = match[0]
        if text == "%%":
            literal += "%"
            continue
        if literal:
            result.append(literal)
            literal = ""
        result.append(_conversion(text))
    literal += printed[position:]
    if literal:
        result.append(literal)
    return tuple(result)


@lru_cache(maxsize=8192)
def _conversion(text: str) -> Conversion:
    """Take a conversion apart; the same few stand in all formats."""
    match = CONVERSION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    dot = "." in text.split("p", 1)[0]
    precision = (match["precision"] or "") if dot else "-"
    return Conversion(text, match["flags"] or "", match["width"] or "", precision, match["kind"])


def template(printed: str) -> str:
    """Return the format as it is shown to people: `%%` is one per cent sign, conversions stay."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces(printed))


def lines(printed: str) -> list[str]:
    """Split a format where it breaks the line: a log shows each part as a line of its own."""
    return printed.split("\n")


def masked(printed: str) -> tuple[str, int]:
    """Return the format with NUL, which ends every C text, for each conversion, and how many these are."""
    if "%%" not in printed:
        return CONVERSION.subn("\0", printed)
    text, count = CONVERSION.subn(lambda match: "%" if match["percent"] else "\0", printed)
    return text, count - sum(match["percent"] is not None for match in CONVERSION.finditer(printed))


def literal_words(printed: str) -> list[str]:
    """Words that every rendering of the format contains as whole words, lower case, in order, with repeats.

    A word that touches a conversion (`ata%u`, `%dMB`) is left out: at run time it is part of a longer one, as is one
    behind a digit (`2nd`).
    """
    return whole_words(masked(printed)[0])


def whole_words(text: str) -> list[str]:
    """As `literal_words`, of a format that is masked already."""
    return [word.lower() for word in _WHOLE_WORD.findall(text)]


def has_words(printed: str) -> bool:
    """True if there is literal text besides punctuation."""
    return WORD.search(masked(printed)[0]) is not None


def count_words(printed: str) -> int:
    """Return how many words a format has besides its conversions, also parts of longer ones."""
    return len(WORD.findall(masked(printed)[0]))


def words(text: str) -> list[str]:
    """Words of a log line, comparable to `literal_words`: lower case, in order, with repeats."""
    # Some letters beyond ASCII are ASCII ones in lower case.
    found = LINE_WORD.findall(text.lower() if text.isascii() else text)
    return found if text.isascii() else [word.lower() for word in found]
