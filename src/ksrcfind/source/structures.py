"""The texts of structures at top level: `.name = "ahci"` in a `struct scsi_host_template`."""

import re

from ksrcfind.source.literal import STRING

_INITIALISER = re.compile(rb"=[ \t]*+\{[ \t]*+(?:/\*[^\n]*)?\r?\n([ \t]++)")
_STRUCTURE = re.compile(rb"(?:\b(?:static|const|extern)\s++)*+struct[ \t]++(\w++)[ \t]++[\w \t]*+\Z")
_NAME = re.compile(
    rf"\n([ \t]++)(?:\.(\w*name)[ \t]*+=[ \t]*+({STRING}|[A-Z_][A-Z0-9_]*+)[ \t]*+,"
    r"|([A-Z]\w*+\([^()\n]*+\)))".encode()
)
_HAS_TEXT = re.compile(rb'"|[(,][ \t]*+[A-Z_][A-Z0-9_]*+[ \t]*+[),]')
_LONGEST = 4000  # bytes of an initialiser
_LONGEST_HEAD = 200  # bytes before it


def registered(text: bytes) -> tuple[tuple[str, str, str], ...]:
    """Return `SourceFacts.registered` of a file's code, which must not contain directives."""
    found: dict[tuple[str, str, str], None] = {}
    for initialiser in _INITIALISER.finditer(text):
        line = text.rfind(b"\n", max(0, initialiser.start() - _LONGEST_HEAD), initialiser.start()) + 1
        structure = _STRUCTURE.match(text, line, initialiser.start())
        if structure is None:
            continue
        end = text.find(b"\n}", initialiser.end() - 1, initialiser.end() + _LONGEST)
        for name in _NAME.finditer(text, initialiser.start(1) - 1, end if end > 0 else initialiser.end()):
            if name[1] != initialiser[1]:
                continue  # a field of a structure inside
            if name[2]:
                found[_text(structure[1]), _text(name[2]), _text(name[3])] = None
            elif _HAS_TEXT.search(name[4]):
                found[_text(structure[1]), "", _text(name[4])] = None
    return tuple(found)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
