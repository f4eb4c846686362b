"""Opens the bundle or the tree that the settings name."""

from pathlib import Path

from ksrcfind.config import Settings
from ksrcfind.engine.context import TreeContext
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.tree_backend import TreeBackend
from ksrcfind.progress import Progress


def open_engine(settings: Settings, rev: str | None, start: Path, progress: Progress) -> Engine:
    """Return an engine over the bundle that the settings name, or over a tree.

    Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses, an index that cannot be used.
    """
    if settings.index is not None:
        # Imported here because most questions are about a tree and do not need it.
        from ksrcfind.bundle.backend import BundleBackend, needs_tree

        if rev is not None:
            raise needs_tree(settings.index, f"answer for {rev}")
        return Engine(BundleBackend(settings.index))
    context = TreeContext.open(repo=settings.repo, start=start, rev=rev, settings=settings, progress=progress)
    return Engine(TreeBackend(context))
