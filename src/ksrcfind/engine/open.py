"""Opens an engine over the bundle or the source tree that the settings name."""

from pathlib import Path
from typing import TYPE_CHECKING

from ksrcfind.engine.context import TreeContext
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.tree_backend import TreeBackend

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
