"""Restores code that a comment or `#if 0` disables, to read the calls in it."""

import re

from ksrcfind.regex import regex
from ksrcfind.source.scan import LITERAL_OR_COMMENT, dead_code, directives

_LINE_COMMENTS = regex(rb"//[^\n]*(?:\n[ \t]*//[^\n]*)*")
_LINE_MARK = regex(rb"^([ \t]*)//", re.MULTILINE)
_NOT_A_LINE_END = regex(rb"[^\n]")


def switched_on(data: bytes, line: int) -> bytes | None:
    """Return a file with the code on a line (1-based) enabled; None if nothing disables it.

    The delimiters of the comment around the line, and the `#if 0`, become blanks: every line keeps its number.
    """
    start, end = _line(data, line)
    changed = _without_condition(_without_delimiters(data, start, end), start)
    return changed if changed != data else None


def _line(data: bytes, line: int) -> tuple[int, int]:
    """Return start and end of a line; both are the end of the file if it has fewer."""
    start = 0
    for _ in range(line - 1):
        start = data.find(b"\n", start) + 1
        if start == 0:
            return len(data), len(data)
    end = data.find(b"\n", start)
    return start, len(data) if end < 0 else end


def _without_delimiters(data: bytes, start: int, end: int) -> bytes:
    """Blank the delimiters of a comment with text that contains a line; consecutive `//` lines are one comment."""
    position = 0
    while (token := LITERAL_OR_COMMENT.search(data, position)) is not None and token.start() < end:
        first, position = token.span()
        lines = _LINE_COMMENTS.match(data, first)
        position = lines.end() if lines is not None else position
        comment = data[first:position]
        if position > start and comment.startswith(b"/") and b'"' in comment:
            content = _LINE_MARK.sub(rb"\1  ", comment) if lines else b"  " + comment[2:].removesuffix(b"*/")
            return data[:first] + content.ljust(len(comment)) + data[position:]
    return data


def _without_condition(data: bytes, offset: int) -> bytes:
    """Blank the directive that makes the code at an offset dead."""
    found = list(directives(data))
    conditions = {start: end for start, end, _ in found}
    for start, end in dead_code(found, len(data)):
        if start <= offset < end:
            after = conditions[start]
            return data[:start] + _NOT_A_LINE_END.sub(b" ", data[start:after]) + data[after:]
    return data
