"""What a commit message names: identifiers, files, commits and log texts. Pure: nothing is looked up here.

A text counts as an identifier if it is written as one: between backticks, before parentheses, in capitals, or with an
underscore. Whether the tree has it is for `engine.mentions` to find out.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from ksrcfind.regex import regex

MOST = 8
"""Names of one kind that are looked up; a message that holds a stack trace names dozens."""
LONGEST = 20_000
"""Characters of a message that are read."""

_TRAILER = regex(r"^[A-Z][A-Za-z-]*-by:.*|^(?:Cc|To|Link|CC|Closes):.*", re.MULTILINE)
_ADDRESS = regex(r"https?://\S+|[\w.+-]{1,100}@[\w.-]{1,100}")
_COMMIT = regex(r"(?<![\w.-])(?:(?<=commit )[0-9a-f]{7,40}|(?<=Fixes: )[0-9a-f]{7,40}|[0-9a-f]{12,40})(?![\w.-])")
_FILE = regex(r"(?<![\w./-])(?:[\w.+-]{1,100}/){0,12}[\w+-][\w.+-]{0,100}(?:\.(?:c|h|S|rst|txt|dts|dtsi)|/Kconfig)\b")
_CONFIG = regex(r"\bCONFIG_\w{2,80}")
_TICKED = regex(r"`([A-Za-z_]\w{1,80})(?:\(\))?['`]")
_CALLED = regex(r"\b([A-Za-z_]\w{1,80})\(")
_CAPITALS = regex(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]{1,80}\b")
_UNDERSCORED = regex(r"(?<![\w/.>-])_{0,3}[a-z][a-z0-9]*_\w{1,80}\b(?![./]\w)")
_QUOTED = regex(r"\"([^\"\n]{12,300})\"|^[ \t>]*(?:<\d>)?\[[ \d.]{6,20}\][ \t]*(\S[^\n]{12,300})", re.MULTILINE)
_FIXES = regex(r'^[ \t]*Fixes:[^\n]*|\(\s{0,9}"[^"]{0,200}"\s{0,9}\)', re.MULTILINE)
_KEYWORDS = frozenset(("if", "for", "while", "switch", "return", "sizeof", "do", "else", "defined", "typeof"))


class Named(Struct, frozen=True):
    """Texts of a commit message that name something, each once and in order."""

    identifiers: tuple[str, ...] = ()
    """Functions and macros: the ones that are marked as such first."""
    files: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    """Full ids or the beginnings of ids."""
    messages: tuple[str, ...] = ()
    """Log texts: between quotation marks, or behind a time stamp."""


def named_in(message: str) -> Named:
    """Return what a commit message names."""
    text = _ADDRESS.sub(" ", _TRAILER.sub("", message[:LONGEST]))
    files = _first(_FILE.findall(text))
    # Subjects of cited commits are quoted, but they are no log texts.
    quoted = _first(ours or theirs for ours, theirs in _QUOTED.findall(_FIXES.sub("", text)))
    prose = _FILE.sub(" ", text)
    marked = [*_TICKED.findall(prose), *_CALLED.findall(prose), *_CONFIG.findall(prose)]
    identifiers = _first(filter(_is_name, [*marked, *_CAPITALS.findall(prose), *_UNDERSCORED.findall(prose)]))
    return Named(identifiers, files, _first(_ids(text)), tuple(each.strip() for each in quoted))


def _ids(text: str) -> Iterator[str]:
    # Addresses in a stack trace look like ids.
    return (each for each in _COMMIT.findall(text) if not each.startswith("ffff") and not each.isdigit())


def _is_name(text: str) -> bool:
    return text not in _KEYWORDS and any(character.isalpha() for character in text)


def _first(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:MOST]
