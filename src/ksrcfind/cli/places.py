"""Places as people and tools write them: `mm/oom_kill.c:868`, and the output lines of grep and compilers."""

import re
from collections.abc import Iterable

from ksrcfind.errors import KsrcfindError

# What follows the line, a column or the text that grep found there, is not looked at.
_PLACE = re.compile(r"(?P<path>[^:]+(?::[^:\d][^:]*)*):(?P<line>\d{1,9})(?::.*)?", re.DOTALL)

Place = tuple[str, int]
"""Path and 1-based line."""


def parse_place(text: str) -> Place:
    """Return the path and the line that a text names. Raises `KsrcfindError`."""
    match = _PLACE.fullmatch(text.strip().removeprefix("./"))
    if match is None or int(match["line"]) < 1:
        raise KsrcfindError(f"no place: {text.strip()[:200]!r}", "A place is PATH:LINE, as in mm/oom_kill.c:868.")
    return match["path"], int(match["line"])


def parse_places(lines: Iterable[str], source: str) -> list[Place]:
    """Return the places of a file, one a line; blank lines are passed over. Raises `KsrcfindError` with the line."""
    places = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            places.append(parse_place(line))
        except KsrcfindError as error:
            raise KsrcfindError(f"{source}, line {number}: {error.title}", error.hint) from None
    return places
