"""What the user's tree offers for completion: tags and branches, and paths.

Nothing here fails: a completion without a tree, or with a broken configuration, has no candidates.
"""

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from ksrcfind import config
from ksrcfind.errors import KsrcfindError
from ksrcfind.tree.discover import TreeLocation, find_tree

_SOURCE = (".c", ".h", ".S")


class Kind(StrEnum):
    """What an argument or the value of an option names; the help shows it as the metavar of `METAVARS`."""

    REVISION = "revision"
    PATH = "path"
    """A file or a directory of the tree."""
    PLACE = "place"
    """A line of a source file of the tree."""


METAVARS = {
    **dict.fromkeys(("REV", "REV1", "REV2", "OLD", "NEW", "RELEASE"), Kind.REVISION),
    "PATH": Kind.PATH,
    **dict.fromkeys(("PATH:LINE", "LINE|PATH:LINE"), Kind.PLACE),
}
"""Metavar in the help → kind; what other metavars name is left to the shell, which completes names of files."""


def candidates(kind: Kind, incomplete: str, repo: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return what an incomplete word can become; `repo` is the value of `--repo`, if there is one.

    A directory ends with a slash, the file of a place with a colon: more follows.
    """
    try:
        directory = Path.cwd()
        tree = _tree(repo, directory, environment)
        found = _revisions(tree) if kind is Kind.REVISION else _paths(tree.root, directory, kind, incomplete)
        return sorted({one for one in found if one.startswith(incomplete)})
    except (KsrcfindError, OSError, ValueError):
        return []


def _tree(repo: str | None, directory: Path, environment: Mapping[str, str]) -> TreeLocation:
    settings = config.resolve(environment)
    named = Path(repo).expanduser() if repo else settings.repo
    if named is not None:
        return find_tree(named, named=True)
    try:
        return find_tree(directory, named=False)
    except KsrcfindError:
        if settings.fallback_repo is None:
            raise
        return find_tree(settings.fallback_repo, named=True)


def _revisions(tree: TreeLocation) -> list[str]:
    return tree.repository.names() if tree.repository is not None else []


def _paths(root: Path, directory: Path, kind: Kind, incomplete: str) -> Iterator[str]:
    """Yield the entries of the directory that the word names, from the current directory in the tree and from the root.

    Both are what `places.in_tree` accepts.
    """
    head, slash, tail = incomplete.rpartition("/")
    if head.startswith(("/", "~")) or (slash and not head):
        return  # The shell completes absolute paths.
    inside = [directory] if directory.is_relative_to(root) and directory != root else []
    for start in (*inside, root):
        if not (start / head).is_dir():
            continue
        with os.scandir(start / head) as entries:
            for entry in entries:
                if entry.name.startswith(".") and not tail.startswith("."):
                    continue
                if entry.is_dir():
                    yield f"{head}{slash}{entry.name}/"
                elif kind is Kind.PATH:
                    yield f"{head}{slash}{entry.name}"
                elif entry.name.endswith(_SOURCE):
                    yield f"{head}{slash}{entry.name}:"
