"""The texts of structures at top level: `.name = "ahci"` in a `struct scsi_host_template`."""

from collections import defaultdict

from ksrcfind.regex import regex
from ksrcfind.source.literal import STRING

_OPENS = b"= {\n"
_INDENT = regex(rb"[ \t]++")
_STRUCTURE = regex(rb"(?:\b(?:static|const|extern)\s++)*+struct[ \t]++(\w++)[ \t]++[\w \t]*+\Z")
_NAME = regex(
    rf"\n([ \t]++)(?:\.(\w*name)[ \t]*+=[ \t]*+({STRING}|[A-Z_][A-Z0-9_]*+)[ \t]*+,"
    r"|([A-Z]\w*+\([^()\n]*+\)))".encode()
)
_HAS_TEXT = regex(rb'"|[(,][ \t]*+[A-Z_][A-Z0-9_]*+[ \t]*+[),]')
# Of what a subsystem calls: a template or a table of resources gives its name to nothing.
_CODE = regex(rb"=[ \t]*+(?!(?:true|false)\b)[a-z_]\w*+[ \t]*+,|THIS_MODULE|\b[A-Z]\w*+\(")
_MOST_NAMES = 8  # of one structure in a file; a file with more describes hardware
_LONGEST = 4000  # bytes of an initialiser
_LONGEST_HEAD = 200  # bytes before it


def registered(text: bytes) -> tuple[tuple[str, str, str], ...]:
    """Return `SourceFacts.registered` of a file's code, which must not contain directives."""
    found: dict[str, dict[tuple[str, str, str], None]] = defaultdict(dict)
    opened = text.find(_OPENS)
    while opened >= 0:
        start = opened + len(_OPENS)
        line = text.rfind(b"\n", max(0, opened - _LONGEST_HEAD), opened) + 1
        structure = _STRUCTURE.match(text, line, opened)
        end = text.find(b"\n}", start - 1, start + _LONGEST) if structure is not None else -1
        if structure is not None and end > 0 and _CODE.search(text, start, end):
            _add_names(text, start, end, _text(structure[1]), found)
        opened = text.find(_OPENS, start)
    return tuple(name for names in found.values() if len(names) <= _MOST_NAMES for name in names)


def _add_names(
    text: bytes, start: int, end: int, structure: str, found: dict[str, dict[tuple[str, str, str], None]]
) -> None:
    """Add the names of an initialiser, which begins behind its bracket, to those of its structure."""
    indent = _INDENT.match(text, start)
    for name in _NAME.finditer(text, start - 1, end):
        if indent is None or name[1] != indent[0]:
            continue  # a field of a structure inside
        if name[2]:
            found[structure][structure, _text(name[2]), _text(name[3])] = None
        elif _HAS_TEXT.search(name[4]):
            found[structure][structure, "", _text(name[4])] = None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
