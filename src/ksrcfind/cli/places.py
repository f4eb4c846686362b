"""Places as people and tools write them: `mm/oom_kill.c:868`, and the output lines of grep and compilers."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ksrcfind.errors import KsrcfindError

# What follows the line, a column or the text that grep found there, is not looked at.
_PLACE = re.compile(r"(?P<path>[^:]+(?::[^:\d][^:]*)*):(?P<line>\d{1,9})(?::.*)?", re.DOTALL)

_SOURCE = (".c", ".h", ".S")

Place = tuple[str, int]
"""Path and 1-based line."""


def parse_place(text: str) -> Place:
    """Return the path and the line that a text names. Raises `KsrcfindError`."""
    match = _PLACE.fullmatch(text.strip().removeprefix("./"))
    if match is None or int(match["line"]) < 1:
        raise KsrcfindError(f"no place: {text.strip()[:200]!r}", "A place is PATH:LINE, as in mm/oom_kill.c:868.")
    return match["path"], int(match["line"])


def place_in_source(text: str) -> Place | None:
    """Return the place of a C or assembly file that a text without blanks names, None for any other text."""
    try:
        path, line = parse_place(text)
    except KsrcfindError:
        return None
    return (path, line) if path.endswith(_SOURCE) else None


def in_tree(path: str, root: Path, directory: Path) -> str:
    """Return a path as the tree has it, from its root with slashes.

    It may be given from the root, absolute, or from the current `directory` if that is inside the tree, as shells
    complete it. One that is not there stays as it is. Raises `KsrcfindError` for an empty one.
    """
    if not path:
        raise KsrcfindError("a path is empty", "Name a file or directory of the tree, as in mm/oom_kill.c.")
    file = directory / path
    # Path.exists() raises for a name that is too long.
    if Path(path).is_absolute() or (root in directory.parents and os.path.exists(file)):  # noqa: PTH110
        inside = Path(os.path.normpath(file))
        return inside.relative_to(root).as_posix() if inside.is_relative_to(root) else path
    return path


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
