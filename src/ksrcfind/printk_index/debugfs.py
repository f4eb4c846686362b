"""Read a file of /sys/kernel/debug/printk/index, in the format of kernel/printk/index.c."""

import re
from collections.abc import Iterator

from ksrcfind.levels import LEVEL_OF_CODE
from ksrcfind.printk_index.entry import Entry, without_level
from ksrcfind.regex import regex

# <6> init/main.c:1135 start_kernel "Kernel command line: %s\n"
_LINE = regex(
    r'<(?P<level>-?\d{1,2}|c)(?P<flags>,c)?> (?P<path>[^"\n]{1,4096}?):(?P<line>\d{1,9}) (?P<function>\S{1,1000}) '
    r'"(?P<format>.*)"'
)
# seq_escape_str() of lib/string_helpers.c: ESCAPE_ANY with ESCAPE_NAP.
_ESCAPE = regex(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|(.))")
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "e": "\x1b", "f": "\f", "v": "\v", "0": "\0"}


def read_list(text: str, module: str | None) -> Iterator[Entry]:
    """Yield the entries of a list; lines that are no entries are skipped."""
    for line in text.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        own, form = without_level(_unescaped(found["format"]))
        level = "cont" if found["flags"] or found["level"] == "c" else LEVEL_OF_CODE.get(found["level"])
        yield Entry(found["path"], int(found["line"]), found["function"], own or level, form, module)


def _unescaped(text: str) -> str:
    """Return a text with its escapes decoded; bytes of other than ASCII characters are UTF-8."""
    decoded = _ESCAPE.sub(_character, text)
    return decoded if decoded.isascii() else _as_utf8(decoded)


def _character(found: re.Match[str]) -> str:
    if found[1] or found[2]:
        return chr(int(found[1], 16) if found[1] else int(found[2], 8) & 0xFF)
    return _NAMED.get(found[3], found[3])


def _as_utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text
