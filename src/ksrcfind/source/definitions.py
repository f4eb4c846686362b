"""Where names are defined in a file: functions, macros and configuration symbols. A prototype is no definition."""

import re
from collections.abc import Collection, Iterator

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.source.source_file import SourceFile

_LONGEST_HEADER = 4000
"""Characters between the name of a function and its brace."""

_SYSTEM_CALL = regex(r"(?:compat_)?sys_(\w+)\Z")


class Definition(Struct, frozen=True):
    """A definition in a file."""

    name: str
    kind: str
    """`function` or `macro`; a configuration symbol is a macro too."""
    line: int
    """1-based line with the name."""


def pattern(names: Collection[str]) -> str:
    """Return a regular expression, for git and Python alike, of all lines on which one of the names may be defined."""
    plain = "|".join(sorted(names))
    alternatives = [
        rf"^([A-Za-z_][A-Za-z0-9_ *\t]*[ \t*])?({plain})[ \t]*\(",
        rf"^[ \t]*#[ \t]*define[ \t]+({plain})([^A-Za-z0-9_]|$)",
    ]
    calls = [found[1] for name in sorted(names) if (found := _SYSTEM_CALL.match(name))]
    if calls:
        alternatives.append(rf"^(COMPAT_)?SYSCALL_DEFINE[0-9]\(({'|'.join(calls)})[,)]")
    symbols = [name.removeprefix("CONFIG_") for name in sorted(names) if name.startswith("CONFIG_")]
    if symbols:
        alternatives.append(rf"^[ \t]*(menu)?config[ \t]+({'|'.join(symbols)})[ \t]*$")
    return "|".join(alternatives)


def definitions(data: bytes, names: Collection[str]) -> Iterator[Definition]:
    """Yield the definitions of some names in a file, in order."""
    if not any(name.encode().removeprefix(b"CONFIG_").removeprefix(b"sys_") in data for name in names):
        return
    text = data.decode("latin-1")
    expression = re.compile(pattern(names), re.MULTILINE)
    line, counted = 1, 0
    for match in expression.finditer(text):
        name, kind = _named(match[0], names)
        if name is None or (kind == "function" and not _has_body(text, text.index("(", match.start()))):
            continue
        at = match.end() - 1
        line += text.count("\n", counted, at)
        counted = at
        yield Definition(name, kind, line)


def _named(found: str, names: Collection[str]) -> tuple[str | None, str]:
    """Return the name that a matched line defines, and its kind."""
    words = re.findall(r"\w+", found)
    if found.lstrip().startswith("#"):
        return words[1], "macro"
    if words[0].startswith(("SYSCALL_DEFINE", "COMPAT_SYSCALL_DEFINE")):
        name = ("compat_sys_" if words[0].startswith("COMPAT") else "sys_") + words[1]
        return (name if name in names else None), "function"
    if words[-1] in names and found.rstrip().endswith("("):
        # `return name(…)` in the first column, and labels of old code.
        return (None if words[0] in ("return", "else") else words[-1]), "function"
    return f"CONFIG_{words[-1]}", "macro"


def _has_body(text: str, opened: int) -> bool:
    """Return whether a brace follows the parentheses that open at an offset, perhaps after attributes."""
    depth = 0
    for match in re.finditer(r"[(){};]", text[opened : opened + _LONGEST_HEADER]):
        character = match[0]
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth == 0:
            return character == "{"
        else:  # A brace or a semicolon inside of parentheses.
            return False
    return False


def extent(data: bytes, kind: str, line: int) -> tuple[int, int]:
    """Return the first and last line of the function or macro whose name is on a line."""
    return function_lines(data, line) if kind == "function" else macro_lines(data, line)


def macro_lines(data: bytes, line: int) -> tuple[int, int]:
    """Return the first and last line of the macro that begins on a line."""
    lines = data.split(b"\n")
    last = line
    while last < len(lines) and lines[last - 1].endswith(b"\\"):
        last += 1
    return line, last


def similar_names(data: bytes, expression: str) -> Iterator[str]:
    """Yield the names in a file that may be functions and that an expression, as for `pattern`, matches."""
    found = re.compile(pattern([expression]), re.MULTILINE)
    for match in found.finditer(data.decode("latin-1")):
        yield from re.findall(r"\b(\w++)[ \t]*+\(\Z|define[ \t]+(\w+)", match[0])[0]


def function_lines(data: bytes, line: int) -> tuple[int, int]:
    """Return the first and last line of the function whose name is on a line; the line alone if there is none."""
    file = SourceFile(data)
    function = next((each for each in file.functions if file.line(each.end - 1) >= line), None)
    if function is None or file.line(function.header) > line:
        return line, line
    return file.line(function.header), file.line(function.end - 1)
