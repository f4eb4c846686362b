"""Opens a source tree as a snapshot: a revision, a checkout or a plain directory."""

from collections.abc import Callable
from pathlib import Path

from ksrcfind.caching import Cache
from ksrcfind.errors import KsrcfindError
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.discover import TreeLocation, find_tree
from ksrcfind.tree.revision import RevisionSnapshot

AnySnapshot = RevisionSnapshot | DirectorySnapshot
"""Any kind of snapshot. A `CheckoutSnapshot` is a `RevisionSnapshot` with the edits of the working tree."""


NO_CACHE: Callable[[Path], Cache | None] = lambda _root: None  # noqa: E731 - a constant of this type


def open_snapshot(
    start: Path | TreeLocation,
    rev: str | None = None,
    *,
    named: bool = False,
    cache_of: Callable[[Path], Cache | None] = NO_CACHE,
) -> AnySnapshot:
    """Return a snapshot of the source tree at a directory or at the nearest of its parents.

    With `rev`, the snapshot is that revision, read from git objects. Without, it is the checkout with its edits; HEAD
    for a bare repository; the files on disk for a plain directory.

    If the user `named` the path, any directory with C files will do. `cache_of` returns the cache of the tree whose top
    directory it gets; it has values that earlier runs read from git.

    Raises `KsrcfindError` if there is no source tree, if the revision is unknown, if git is missing, or if git refuses
    the repository.
    """
    location = start if isinstance(start, TreeLocation) else find_tree(start, named=named)
    repository = location.repository
    if repository is None:
        if rev is not None:
            raise KsrcfindError(
                f"no revision {rev}: the tree at {location.root} is not the root of a git repository",
                location.note or "Without --rev, the files on disk are used.",
            )
        return DirectorySnapshot(location.root, [location.note] if location.note else [])
    if rev is not None:
        return RevisionSnapshot(repository, rev, repository.commit(rev), cache_of(location.root))
    cache = cache_of(location.root)
    if repository.has_index:
        return CheckoutSnapshot(repository, cache)
    commit, name = repository.head_with_name(cache)
    return RevisionSnapshot(repository, name, commit, cache)
