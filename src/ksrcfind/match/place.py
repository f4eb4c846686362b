"""Places that a line itself names: `WARNING: … at file:line`, `kernel BUG at file:line!`, `function:line:`.

What a line names is its own kernel's place; whether this tree has a call there, and how far away, is for who reads the
tree to say (`call_at`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ksrcfind.match.answer import Match

NEAR = 100
"""Lines around a place in which its call is looked for when the log's kernel is another one."""

_FILE_LINE = re.compile(r"(?<![\w./+-])((?:\.{0,2}/)?(?:[\w.+-]{1,64}/){0,24}[\w+-]{1,64}\.[chS]):(\d{1,6})(?![\d.])")
# func+0x1/0x2 and func() behind the place (__warn in kernel/panic.c; until 2.6.39 with parentheses).
_FUNCTION = re.compile(r"(?:!| at)? {0,2}([A-Za-z_]\w{0,200})(?:[\w.$]{0,60}\+0x|\(\))")
# Calls that print where they stand.
_CALL = re.compile(r"\b((?i:\w{0,40}(?:warn|bug|assert|oops|might_sleep|ubsan)\w{0,40}))\s?\(")
_COMMENT = re.compile(r"\s{0,100}(?:/?\*|//|#\s{0,8}define)")


@dataclass(frozen=True, slots=True)
class Named:
    """A place as a line names it."""

    path: str
    """As the compiler was given it: relative, absolute, or a file's name alone."""
    line: int
    """1-based."""
    function: str | None


def named_place(body: str) -> Named | None:
    """Return the first `file:line` of C or assembly that a text names."""
    found = _FILE_LINE.search(body)
    if found is None or int(found[2]) == 0:
        return None
    function = _FUNCTION.match(body, found.end())
    return Named(found[1], int(found[2]), function[1] if function else None)


def own_place(match: Match) -> Named | None:
    """Return the place of a match that prints its own function and line: `EXT4-fs error (…): ext4_lookup:1785: …`."""
    message = match.message
    previous: str | None = None
    for value in match.values:
        named = value.expression == "__LINE__" or (previous is not None and previous == message.function)
        if named and value.value and value.value.isdecimal() and int(value.value):
            return Named(message.path, int(value.value), message.function)
        previous = value.value
    return None


def call_at(source: Sequence[str], line: int) -> tuple[str, int] | None:
    """Return the call that tells its own place nearest to a line of a file, and by how many lines it stands later."""
    order = sorted(range(max(line - NEAR, 1), min(line + NEAR, len(source)) + 1), key=lambda n: (abs(n - line), n))
    for number in order:
        text = source[number - 1][:500]
        found = None if _COMMENT.match(text) else _CALL.search(text)
        if found is not None:
            return found[1], number - line
    return None
