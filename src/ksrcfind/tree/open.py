"""Opens a tree as the right kind of snapshot."""

from collections.abc import Callable
from pathlib import Path

from ksrcfind.caching import Cache
from ksrcfind.errors import KsrcfindError
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.discover import TreeLocation, find_tree
from ksrcfind.tree.revision import RevisionSnapshot

AnySnapshot = RevisionSnapshot | DirectorySnapshot
"""A `CheckoutSnapshot` is a `RevisionSnapshot` with edits."""


NO_CACHE: Callable[[Path], Cache | None] = lambda _root: None  # noqa: E731 - a constant of this type


def open_snapshot(
    start: Path | TreeLocation,
    rev: str | None = None,
    *,
    named: bool = False,
    cache_of: Callable[[Path], Cache | None] = NO_CACHE,
) -> AnySnapshot:
    """Return the snapshot of the tree at a directory, one of its parents, or a location found before.

    With `rev`: that revision from git objects. Without: the checkout with its edits; HEAD if nothing is checked out
    (bare repository); the files of a plain directory. `named` says that the user gave the path: then any directory
    with C files will do. `cache_of` returns the cache of the tree at a root, which holds what was read from git before.
    Raises `KsrcfindError`: no tree, unknown revision, git missing or refusing the repository.
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
