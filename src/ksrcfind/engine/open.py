"""Opens an engine over the bundle or the source tree that the settings name, or that one argument names."""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.engine.context import TreeContext
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.tree_backend import TreeBackend
from ksrcfind.log.stream import is_file
from ksrcfind.tree import disk
from ksrcfind.tree.discover import is_kernel

if TYPE_CHECKING:
    from ksrcfind.config import Settings
    from ksrcfind.progress import Progress


def open_engine(settings: "Settings", rev: str | None, start: Path, progress: "Progress") -> Engine:
    """Return an engine over the bundle that the settings name, or if they name none, over a source tree.

    Raises `KsrcfindError` if there is no tree, if the revision is unknown, if git refuses the repository, or if the
    bundle is unusable.
    """
    if settings.index is not None:
        # Imported here because most questions are about a tree and do not need it.
        from ksrcfind.bundle.backend import BundleBackend, needs_tree

        if rev is not None:
            raise needs_tree(settings.index, f"answer for {rev}")
        return Engine(BundleBackend(settings.index))
    context = TreeContext.open(repo=settings.repo, start=start, rev=rev, settings=settings, progress=progress)
    return Engine(TreeBackend(context))


def answering_from(settings: "Settings", path: Path) -> "Settings":
    """Return settings for answers from a path: a file is a bundle, everything else a tree."""
    return replace(settings, repo=None, index=path) if is_file(path) else replace(settings, repo=path, index=None)


def open_named(name: str, settings: "Settings", start: Path, progress: "Progress") -> Engine:
    """Return an engine over what an argument names: a kernel tree, a bundle, or a revision of the tree of the settings.

    The first of these that there is: a directory with a kernel tree, or a bundle; a tree with this name
    (`ksrcfind tree add`); a revision. A name that is written as a path (`./v6.1`, `/src/linux`, `~/linux`) is never one
    of the last two. Raises `KsrcfindError` like `open_engine`.
    """
    path = start / Path(name).expanduser() if name.startswith("~") else start / name
    as_path = name.startswith(("/", "./", "../", "~")) or name in (".", "..")
    found = path if as_path or is_kernel(path) or _is_database(path) else settings.trees.get(name)
    if found is None:
        return open_engine(settings, name, start, progress)
    return open_engine(answering_from(settings, found), None, start, progress)


def _is_database(path: Path) -> bool:
    """Return whether a file begins like a bundle. The error for a damaged one says more than that for a revision."""
    # Imported here because most questions are about a tree and do not need it.
    from ksrcfind.bundle.format import START

    try:
        with disk.open_regular(path) as file:
            return file.read(len(START)) == START
    except (OSError, ValueError):
        return False
