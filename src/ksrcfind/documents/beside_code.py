"""Documentation next to the code: the kernel-doc comment above a function, and the help of Kconfig."""

import posixpath
from collections.abc import Iterator

from ksrcfind.documents.record import Document
from ksrcfind.regex import regex

_KERNEL_DOC = regex(r"/\*\*\s*\Z")
_NAMED = regex(r"[ \t]*+\*[ \t]++(?:(?:function|struct|enum)[ \t]++)?+(\w++)(?:\(\))?+[ \t]*+(?:[-:][ \t]*+(.*+))?+")
_MOST_LINES = 300  # of a kernel-doc comment
_BETWEEN = 8  # lines between a comment and the name of its function
_MOST_ENTRIES = 8  # of one symbol in a file
_LONGEST_ENTRY = 20_000  # characters of a symbol in Kconfig
_PROMPT = regex(r"[ \t]+(?:bool|tristate|prompt|int|hex|string)[ \t]+\"([^\"]*)\"")
_HELP = regex(r"[ \t]+(?:---)?help(?:---)?[ \t]*\Z")
_NEXT = regex(r"(?:menu|end|config|choice|comment|source|if|mainmenu)")


def kernel_doc(path: str, data: bytes, function: str, first_line: int) -> Document | None:
    """Return the kernel-doc comment above a function of a file, which begins on a line; None if it has none."""
    lines = data.decode("utf-8", "replace").split("\n")
    end = first_line - 2  # the line above the function
    while end >= 0 and end > first_line - _BETWEEN and "*/" not in lines[end]:
        if lines[end].strip() and not lines[end].startswith(("#", " ", "\t")) and "(" in lines[end]:
            break
        end -= 1
    if end < 0 or "*/" not in lines[end]:
        return None
    for number in range(end, max(-1, end - _MOST_LINES), -1):
        if "/*" in lines[number]:
            named = _NAMED.match(lines[number + 1]) if _KERNEL_DOC.search(lines[number]) else None
            if named is None or named[1] != function:
                return None
            brief = (named[2] or "").strip()
            title = f"{function}() - {brief}" if brief else f"{function}()"
            return Document(path, number + 2, title, "kernel-doc")
    return None


def kconfig_paths(path: str) -> list[str]:
    """Return the files that may define the symbol that builds a file, the nearest directory's first."""
    found: list[str] = []
    directory = posixpath.dirname(path)
    while directory:
        found += [posixpath.join(directory, name) for name in ("Kconfig", "Kconfig.debug")]
        directory = posixpath.dirname(directory)
    return found


def symbol_help(path: str, data: bytes, symbol: str) -> Document | None:
    """Return the help of a configuration symbol in a Kconfig file; None if it has none there."""
    name = symbol.removeprefix("CONFIG_")
    text = data.decode("utf-8", "replace")
    position = -1
    for _ in range(_MOST_ENTRIES):
        position = text.find(f"config {name}\n", position + 1)
        if position < 0:
            return None
        start = text.rfind("\n", 0, position) + 1
        if text[start:position].strip() in ("", "menu"):
            own = list(_own_lines(text, text.index("\n", position) + 1))
            if any(_HELP.match(each) for each in own):
                prompt = next((match[1] for each in own if (match := _PROMPT.match(each))), "")
                title = f"CONFIG_{name}: {prompt}" if prompt else f"CONFIG_{name}"
                return Document(path, text.count("\n", 0, start) + 1, title, "configuration")
    return None


def _own_lines(text: str, start: int) -> Iterator[str]:
    """Yield the lines of a symbol that begin at a position behind its name, until the next entry."""
    for line in text[start : start + _LONGEST_ENTRY].split("\n"):
        if _NEXT.match(line):
            return
        yield line
