"""An open source tree with its settings and its store (the cache directory of the tree)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.config import TREE_FILE, Settings, with_tree_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.source.sinks import BUILT_IN, LogSink, identity
from ksrcfind.storage.store import Store, store_path
from ksrcfind.tree.open import NO_CACHE, AnySnapshot, open_snapshot

if TYPE_CHECKING:
    from ksrcfind.caching import Cache
    from ksrcfind.progress import Progress


class TreeContext(Struct, frozen=True):
    """One open revision of a source tree, with settings and store. Other revisions of the tree share the store."""

    snapshot: AnySnapshot
    store: Store
    settings: Settings
    progress: "Progress"

    @classmethod
    def open(
        cls, *, repo: Path | None, start: Path, rev: str | None, settings: Settings, progress: "Progress"
    ) -> "TreeContext":
        """Open the source tree at `repo`; without `repo`, the tree around `start`, or else the configured tree.

        Raises `KsrcfindError` if there is no tree, if the revision is unknown, or if git refuses the repository.
        """
        with ExitStack() as unused:
            stores: dict[Path, Store] = {}

            def store_of(root: Path) -> Store:
                if root not in stores:
                    stores[root] = Store.open(store_path(settings.cache_dir, root))
                    unused.callback(stores[root].close)
                return stores[root]

            snapshot, with_tree = open_tree(repo, start, rev, settings, lambda root: store_of(root).cache)
            store = store_of(snapshot.root)
            # Messages depend on the settings file in the tree, so the identity is known only after the tree is open.
            store.identity = identity(roots_of(with_tree))
            unused.pop_all()
        return cls(snapshot, store, with_tree, progress)

    @property
    def roots(self) -> tuple[LogSink, ...]:
        """The log sinks: functions that write into the log."""
        return roots_of(self.settings)

    @contextmanager
    def at_revision(self, rev: str) -> Iterator["TreeContext"]:
        """Return a context with another revision of the same tree.

        The end of the context closes the revision, but not the store.
        """
        with closing(open_snapshot(self.snapshot.root, rev, named=True)) as snapshot:
            yield replace(self, snapshot=snapshot)

    def close(self) -> None:
        """Close the store and end the git process that reads objects."""
        self.store.close()
        self.snapshot.close()


def open_tree(
    repo: Path | None,
    start: Path,
    rev: str | None,
    settings: Settings,
    cache_of: Callable[[Path], "Cache | None"] = NO_CACHE,
) -> tuple[AnySnapshot, Settings]:
    """Return a snapshot of a source tree, and the settings with those of the tree's own settings file added.

    The tree is the one at `repo`; without `repo`, the one around `start`, or else the configured one. Raises
    `KsrcfindError` if there is no tree, if the revision is unknown, if git refuses the repository, or if the tree's
    settings file has a mistake.
    """
    if repo is not None:
        snapshot = open_snapshot(repo, rev, named=True, cache_of=cache_of)
    else:
        try:
            snapshot = open_snapshot(start, rev, cache_of=cache_of)
        except KsrcfindError:
            if settings.fallback_repo is None:
                raise
            snapshot = open_snapshot(settings.fallback_repo, rev, named=True, cache_of=cache_of)
    try:
        return snapshot, with_tree_file(settings, snapshot.read(TREE_FILE), TREE_FILE)
    except FileNotFoundError:
        return snapshot, settings
    except KsrcfindError:
        snapshot.close()
        raise


def roots_of(settings: Settings) -> tuple[LogSink, ...]:
    """Return the log sinks (functions that write into the log): those of every kernel, and those in the settings."""
    return (
        *BUILT_IN,
        *(LogSink(root.name, root.format, root.level_name, prefix=root.prefix) for root in settings.roots),
    )
