"""The texts of structures at top level: `.name = "ahci"` in a `struct scsi_host_template`."""

import re
from collections import defaultdict

from ksrcfind.source.literal import STRING

_INITIALISER = re.compile(rb"=[ \t]*+\{[ \t]*+(?:/\*[^\n]{0,80}+)?+\r?\n([ \t]++)")
_STRUCTURE = re.compile(rb"(?:\b(?:static|const|extern)\s++)*+struct[ \t]++(\w++)[ \t]++[\w \t]*+\Z")
_NAME = re.compile(
    rf"\n([ \t]++)(?:\.(\w*name)[ \t]*+=[ \t]*+({STRING}|[A-Z_][A-Z0-9_]*+)[ \t]*+,"
    r"|([A-Z]\w*+\([^()\n]*+\)))".encode()
)
_HAS_TEXT = re.compile(rb'"|[(,][ \t]*+[A-Z_][A-Z0-9_]*+[ \t]*+[),]')
# Of what a subsystem calls: a template or a table of resources gives its name to nothing.
_CODE = re.compile(rb"=[ \t]*+(?!(?:true|false)\b)[a-z_]\w*+[ \t]*+,|THIS_MODULE|\b[A-Z]\w*+\(")
_MOST_NAMES = 8  # of one structure in a file; a file with more describes hardware
_LONGEST = 4000  # bytes of an initialiser
_LONGEST_HEAD = 200  # bytes before it


def registered(text: bytes) -> tuple[tuple[str, str, str], ...]:
    """Return `SourceFacts.registered` of a file's code, which must not contain directives."""
    found: dict[bytes, dict[tuple[str, str, str], None]] = defaultdict(dict)
    for initialiser in _INITIALISER.finditer(text):
        line = text.rfind(b"\n", max(0, initialiser.start() - _LONGEST_HEAD), initialiser.start()) + 1
        structure = _STRUCTURE.match(text, line, initialiser.start())
        end = text.find(b"\n}", initialiser.end() - 1, initialiser.end() + _LONGEST) if structure is not None else -1
        if structure is None or end < 0 or not _CODE.search(text, initialiser.end(), end):
            continue
        for name in _NAME.finditer(text, initialiser.start(1) - 1, end):
            if name[1] != initialiser[1]:
                continue  # a field of a structure inside
            if name[2]:
                found[structure[1]][_text(structure[1]), _text(name[2]), _text(name[3])] = None
            elif _HAS_TEXT.search(name[4]):
                found[structure[1]][_text(structure[1]), "", _text(name[4])] = None
    return tuple(name for names in found.values() if len(names) <= _MOST_NAMES for name in names)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
