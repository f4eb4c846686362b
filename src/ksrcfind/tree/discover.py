"""Finds the source tree: at a directory, in one of its parents, or at a path that the user gave."""

import os
import re
from pathlib import Path

from msgspec import Struct

from ksrcfind.errors import KsrcfindError, NoTreeError
from ksrcfind.regex import regex
from ksrcfind.tree import disk
from ksrcfind.tree.git import GitMissingError
from ksrcfind.tree.repository import Repository, open_repository

# The top Makefile of every Linux since 0.99 has the version in its first lines.
VERSION = regex(rb"^VERSION\s*+=", re.MULTILINE)
PATCHLEVEL = regex(rb"^PATCHLEVEL\s*+=", re.MULTILINE)
PARTS = ("include/linux", "kernel", "init")

HOW_TO_GET_ONE = (
    "Name a Linux source tree with --repo (or KSRCFIND_REPO), or work inside one. For the source of a log's kernel: "
    "ksrcfind tree for LOG. For the latest: "
    "git clone https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git. "
    "Or answer from an index that was made elsewhere: --index FILE (or KSRCFIND_INDEX)"
)


class TreeLocation(Struct, frozen=True):
    """A source tree that was found: its directory and its git repository."""

    root: Path
    """Absolute path of the top directory."""
    repository: Repository | None
    """The git repository. None for a plain directory."""
    note: str | None = None
    """A sentence for the user if there is a git repository that is not used. None if there is nothing to say."""


def is_kernel(directory: Path) -> bool:
    """Return whether a directory looks like the top of a Linux source tree."""
    if not all((directory / part).is_dir() for part in PARTS):
        return False
    try:
        with disk.open_regular(directory / "Makefile") as file:
            head = file.read(4096)
            version = VERSION.search(head)
            return version is not None and PATCHLEVEL.search(head, version.end()) is not None
    except OSError:
        return False


def find_tree(start: Path, *, named: bool) -> TreeLocation:
    """Return the source tree at the directory `start`, or at the nearest of its parents.

    A source tree is a git repository with C files, or a kernel tree without git. If the user `named` the path, any
    directory with C files will do. Raises `KsrcfindError` if there is no source tree.
    """
    try:
        start = start.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise KsrcfindError(
            f"no such directory: {start}",
            "Check the path or the name given with --repo; ksrcfind tree list shows the names.",
        ) from error
    if not start.is_dir():
        start = start.parent
    for directory in (start, *start.parents):
        try:
            kernel = is_kernel(directory)
            may_be_repository = _may_be_repository(directory)
        except OSError:  # A parent directory that this user may not read.
            continue
        location = _repository_at(directory, kernel=kernel) if may_be_repository else None
        if location is not None:
            return location
        if kernel:
            return TreeLocation(directory, None, _inside_another(directory))
    if named and _holds_c(start, depth=3):
        return TreeLocation(start, None)
    where = f"no C source at {start}" if named else f"{start} is not inside one"
    raise NoTreeError(f"no kernel tree found: {where}", HOW_TO_GET_ONE)


def _repository_at(directory: Path, *, kernel: bool) -> TreeLocation | None:
    try:
        repository = open_repository(directory)
    except GitMissingError as error:
        if kernel:
            return TreeLocation(directory, None, f"{error.title}: no history. {error.hint}")
        raise
    if repository is None or not (kernel or not repository.has_index or _tracks_c(repository)):
        return None
    return TreeLocation(directory, repository)


def _inside_another(directory: Path) -> str | None:
    """Return a note for the user if a plain tree is inside a git repository, which is not used for history.

    None if there is no such repository.
    """
    try:
        outer = next((parent for parent in directory.parents if (parent / ".git").exists()), None)
    except OSError:
        return None
    if outer is None:
        return None
    return f"This tree is inside the git repository at {outer}, but is not its root: that history is not used."


def _may_be_repository(directory: Path) -> bool:
    """Return False if a directory cannot be the root of a git repository. This check starts no git process."""
    return (directory / ".git").exists() or ((directory / "HEAD").exists() and (directory / "objects").is_dir())


def _tracks_c(repository: Repository) -> bool:
    return next(repository.git.lines("ls-files", "-z", "--", "*.c", "*.h", separator=b"\0"), None) is not None


def _holds_c(directory: Path, depth: int) -> bool:
    """Return whether there is a C file in a directory or up to `depth` levels below."""
    below: list[Path] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and entry.name.endswith((".c", ".h")):
                    return True
                if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                    below.append(Path(entry.path))
    except OSError:
        return False
    return depth > 0 and any(_holds_c(path, depth - 1) for path in below)
