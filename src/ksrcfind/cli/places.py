"""Parse PATH:LINE as people and tools write it: `mm/oom_kill.c:868`, and the output of grep and compilers."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ksrcfind.errors import KsrcfindError
from ksrcfind.regex import regex

# Anything after the line number, such as a column or the text that grep prints, is ignored.
_PLACE = regex(r"(?P<path>[^:]+(?::[^:\d][^:]*)*):(?P<line>\d{1,9})(?::.*)?", re.DOTALL)

_SOURCE = (".c", ".h", ".S")

PathLine = tuple[str, int]
"""Path and 1-based line."""


def parse_place(text: str) -> PathLine:
    """Return the path and the line in a text. Raises `KsrcfindError` if the text is not PATH:LINE."""
    match = _PLACE.fullmatch(text.strip().removeprefix("./"))
    if match is None or int(match["line"]) < 1:
        raise KsrcfindError(f"not a source line: {text.strip()[:200]!r}", "Write PATH:LINE, as in mm/oom_kill.c:868.")
    return match["path"], int(match["line"])


def place_in_source(text: str) -> PathLine | None:
    """Return the path and line of PATH:LINE in a C or assembly file; None for any other text.

    A text with spaces is never PATH:LINE here.
    """
    try:
        path, line = parse_place(text)
    except KsrcfindError:
        return None
    return (path, line) if path.endswith(_SOURCE) else None


def in_tree(path: str, root: Path, directory: Path) -> str:
    """Return a path relative to the root of the tree, with slashes.

    The path may be relative to the root, absolute, or relative to the current `directory` if that is inside the tree,
    as shells complete it. A path that does not exist is returned unchanged. Raises `KsrcfindError` for an empty path.
    """
    if not path:
        raise KsrcfindError("a path is empty", "Name a file or directory of the tree, as in mm/oom_kill.c.")
    file = directory / path
    is_there = os.path.exists(file)  # noqa: PTH110 - Path.exists() raises for a name that is too long
    if Path(path).is_absolute() or (root in directory.parents and is_there):
        inside = Path(os.path.normpath(file))
        return inside.relative_to(root).as_posix() if inside.is_relative_to(root) else path
    return path


def parse_places(lines: Iterable[str], source: str) -> list[PathLine]:
    """Return the paths and lines of a file with one per line; blank lines are skipped.

    Raises `KsrcfindError`, which names the bad line.
    """
    places = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            places.append(parse_place(line))
        except KsrcfindError as error:
            raise KsrcfindError(f"{source}, line {number}: {error.title}", error.hint) from None
    return places
