"""Opens the tree that is meant as the right kind of snapshot."""

from pathlib import Path

from ksrcfind.errors import KsrcfindError
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.discover import Place, find_tree
from ksrcfind.tree.revision import RevisionSnapshot

AnySnapshot = RevisionSnapshot | DirectorySnapshot
"""A `CheckoutSnapshot` is a `RevisionSnapshot` with edits."""


def open_snapshot(start: Path | Place, rev: str | None = None, *, named: bool = False) -> AnySnapshot:
    """Return the snapshot of the tree at a directory, one of its parents, or a place found before.

    With `rev`: that revision from git objects. Without: the checkout with its edits; HEAD if nothing is checked out
    (bare repository); the files of a plain directory. `named` says that the user gave the path: then any directory
    with C files will do. Raises `KsrcfindError`: no tree, unknown revision, git missing or refusing the repository.
    """
    place = start if isinstance(start, Place) else find_tree(start, named=named)
    repository = place.repository
    if repository is None:
        if rev is not None:
            raise KsrcfindError(
                f"no revision {rev}: the tree at {place.root} is not the root of a git repository",
                place.note or "Without --rev, the files on disk are used.",
            )
        return DirectorySnapshot(place.root, [place.note] if place.note else [])
    if rev is not None:
        return RevisionSnapshot(repository, rev, repository.commit(rev))
    if repository.has_index:
        return CheckoutSnapshot(repository)
    return RevisionSnapshot(repository, repository.head_name(), repository.head())
