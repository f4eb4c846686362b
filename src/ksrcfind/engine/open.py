"""Opens an engine over the bundle or the source tree that the settings name, or that one argument names."""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.engine.context import TreeContext
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.tree_backend import TreeBackend
from ksrcfind.tree import disk
from ksrcfind.tree.discover import is_kernel

if TYPE_CHECKING:
    from ksrcfind.config import Settings
    from ksrcfind.progress import Progress


BUNDLE_START = b"SQLite format 3\0"
"""The first bytes of every bundle, which is an SQLite database."""


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


def open_named(name: str, settings: "Settings", start: Path, progress: "Progress") -> Engine:
    """Return an engine over what an argument names: a kernel tree, a bundle, or a revision of the tree of the settings.

    A directory with a kernel tree and a bundle go before a tree's name (`ksrcfind tree add`), and that goes before a
    revision of the same name. A name that is written as a path
    (`./v6.1`, `/src/linux`, `~/linux`) is never a revision. Raises `KsrcfindError` like `open_engine`.
    """
    path = start / Path(name).expanduser() if name.startswith("~") else start / name
    as_path = name.startswith(("/", "./", "../", "~")) or name in (".", "..")
    if as_path and not path.is_file():
        return open_engine(replace(settings, repo=path, index=None), None, start, progress)
    if as_path or _is_bundle(path):
        return open_engine(replace(settings, repo=None, index=path), None, start, progress)
    if is_kernel(path):
        return open_engine(replace(settings, repo=path, index=None), None, start, progress)
    named = settings.trees.get(name)
    if named is not None:
        is_tree = not named.is_file()
        chosen = replace(settings, repo=named if is_tree else None, index=None if is_tree else named)
        return open_engine(chosen, None, start, progress)
    return open_engine(settings, name, start, progress)


def _is_bundle(path: Path) -> bool:
    try:
        with disk.open_regular(path) as file:
            return file.read(len(BUNDLE_START)) == BUNDLE_START
    except (OSError, ValueError):
        return False
