"""Source locations in the text of a line: `WARNING: … at file:line`, `kernel BUG at file:line!`, `function:line:`.

A line names a location of its own kernel. `nearest_call` finds the call of this tree that belongs to it.
"""

from collections.abc import Iterable

from msgspec import Struct

from ksrcfind.match.answer import Match
from ksrcfind.regex import regex

NEAR = 100
"""Lines around a location in which its call is searched: the log may be from another version of the file."""

_FILE_LINE = regex(r"(?<![\w./+-])((?:\.{0,2}/)?(?:[\w.+-]{1,64}/){0,24}[\w+-]{1,64}\.[chS]):(\d{1,6})(?![\d.])")
# func+0x1/0x2 and func() behind the place (__warn in kernel/panic.c; until 2.6.39 with parentheses).
_FUNCTION = regex(r"(?:!| at)? {0,2}([A-Za-z_]\w{0,200})(?:[\w.$]{0,60}\+0x|\(\))")
# Calls that print their own location; the hint is in each of their lines.
# It is searched in small letters, seven times as fast as without regard to case.
_HINT = regex(r"warn|bug|assert|oops|might_sleep|ubsan")
_LONGER_IN_SMALL = "\u0130"
"""The only character that `lower` makes longer: a capital I with a dot."""
_CALL = regex(r"\b((?i:\w{0,40}(?:warn|bug|assert|oops|might_sleep|ubsan)\w{0,40}))\s?\(")
_COMMENT = regex(r"\s{0,100}(?:/?\*|//|#\s{0,8}define)")


class Named(Struct, frozen=True):
    """A source location as a line names it."""

    path: str
    """As the compiler got it: relative, absolute, or only the name of the file."""
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
    """Return the location that a match prints as its own: `EXT4-fs error (…): ext4_lookup:1785: …`; None if none."""
    message = match.message
    previous: str | None = None
    for value in match.values:
        named = value.expression == "__LINE__" or (previous is not None and previous == message.function)
        if named and value.value and value.value.isdecimal() and int(value.value):
            return Named(message.path, int(value.value), message.function)
        previous = value.value
    return None


def place_calls(source: str) -> list[tuple[int, str]]:
    """Return the calls of a file that print their own location: line and name, at most one for each line."""
    found: list[tuple[int, str]] = []
    number, counted, position = 1, 0, 0
    small = source.replace(_LONGER_IN_SMALL, "I").lower()
    while (hint := _HINT.search(small, position)) is not None:
        start = source.rfind("\n", 0, hint.start()) + 1
        end = source.find("\n", hint.start())
        position = end = len(source) if end < 0 else end
        number += source.count("\n", counted, start)
        counted = start
        text = source[start:end][:500]
        call = None if _COMMENT.match(text) else _CALL.search(text)
        if call is not None:
            found.append((number, call[1]))
    return found


def nearest_call(calls: Iterable[tuple[int, str]], line: int) -> tuple[str, int] | None:
    """Return the call nearest to a line of its file, and by how many lines it is later; None if none is near."""
    near = [(abs(number - line), number, call) for number, call in calls if abs(number - line) <= NEAR]
    _, number, call = min(near, default=(0, 0, None))
    return (call, number - line) if call is not None else None
