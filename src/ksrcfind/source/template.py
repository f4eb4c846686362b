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
    r"|(?P<flags>[-+ #0]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|-?\d+)?)?"
    r"(?P<length>hh|h|ll|l|L|z|Z|t|j|q)?(?P<kind>p[A-Za-z0-9]*|[diouxXscneEfgGaA]))"
)

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")


@lru_cache(maxsize=65536)
def pieces(printed: str) -> tuple[Piece, ...]:
    """Split a format into literal pieces (`%%` decoded) and conversions, in order; neighbouring literals are joined."""
    result: list[Piece] = []
    literal: list[str] = []
    position = 0
    for match in CONVERSION.finditer(printed):
        literal.append(printed[position : match.start()])
        position = match.end()
        if match["percent"]:
            literal.append("%")
            continue
        text = "".join(literal)
        if text:
            result.append(text)
        literal = []
        dot = "." in match[0].split("p", 1)[0]
        result.append(
            Conversion(
                match[0],
                match["flags"] or "",
                match["width"] or "",
                (match["precision"] or "") if dot else "-",
                match["kind"],
            )
        )
    literal.append(printed[position:])
    text = "".join(literal)
    if text:
        result.append(text)
    return tuple(result)


def template(printed: str) -> str:
    """Return the format as it is shown to people: `%%` is one per cent sign, conversions stay."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces(printed))


def lines(printed: str) -> list[str]:
    """Split a format where it breaks the line: a log shows each part as a line of its own."""
    return printed.split("\n")


def literal_words(printed: str) -> list[str]:
    """Words that every rendering of the format contains as whole words, lower case, in order, with repeats.

    A word that touches a conversion (`ata%u`, `%dMB`) is left out: at run time it is part of a longer one.
    """
    result: list[str] = []
    parts = pieces(printed)
    last = len(parts) - 1
    for number, piece in enumerate(parts):
        if not isinstance(piece, str):
            continue
        for match in WORD.finditer(piece):
            touches_left = match.start() == 0 and number > 0
            touches_right = match.end() == len(piece) and number < last
            # A digit before the word (`2nd`) is part of the run-time word as well.
            glued = match.start() > 0 and piece[match.start() - 1].isdigit()
            if not (touches_left or touches_right or glued):
                result.append(match[0].lower())
    return result


def has_words(printed: str) -> bool:
    """True if there is literal text besides punctuation."""
    return any(isinstance(piece, str) and WORD.search(piece) for piece in pieces(printed))


def words(text: str) -> list[str]:
    """Words of a log line, comparable to `literal_words`: lower case, in order, with repeats."""
    return [
        match[0].lower() for match in WORD.finditer(text) if match.start() == 0 or not text[match.start() - 1].isdigit()
    ]
