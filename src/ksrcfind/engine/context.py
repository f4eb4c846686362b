"""An open tree with its settings and its store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ksrcfind.caching import Cache
from ksrcfind.config import TREE_FILE, Settings, with_tree_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.progress import Progress
from ksrcfind.source.sinks import BUILT_IN, LogSink, identity
from ksrcfind.storage.store import Store, store_path
from ksrcfind.tree.open import NO_CACHE, AnySnapshot, open_snapshot


@dataclass(frozen=True, slots=True)
class TreeContext:
    """One revision of a tree, opened. Other revisions of the same tree share the store."""

    snapshot: AnySnapshot
    store: Store
    settings: Settings
    progress: Progress

    @classmethod
    def open(
        cls, *, repo: Path | None, start: Path, rev: str | None, settings: Settings, progress: Progress
    ) -> "TreeContext":
        """Open the tree at `repo`, else the one around `start`, else the configured one.

        Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses.
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
            # Messages depend on settings in the tree's own file, so the identity is only known with the tree open.
            store.identity = identity(roots_of(with_tree))
            unused.pop_all()
        return cls(snapshot, store, with_tree, progress)

    @property
    def roots(self) -> tuple[LogSink, ...]:
        """The log sinks: functions that write into the log."""
        return roots_of(self.settings)

    @contextmanager
    def at_revision(self, rev: str) -> Iterator["TreeContext"]:
        """Open another revision of the same tree; it is closed with the context, the store is not."""
        with closing(open_snapshot(self.snapshot.root, rev, named=True)) as snapshot:
            yield replace(self, snapshot=snapshot)

    def close(self) -> None:
        """Close the index and end the git process that reads objects."""
        self.store.close()
        self.snapshot.close()


def open_tree(
    repo: Path | None,
    start: Path,
    rev: str | None,
    settings: Settings,
    cache_of: Callable[[Path], Cache | None] = NO_CACHE,
) -> tuple[AnySnapshot, Settings]:
    """Open the tree at `repo`, else the one around `start`, else the configured one; and add its settings.

    Raises `KsrcfindError`: no tree, unknown revision, a repository that git refuses, a mistake in the tree's file.
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
    """Return the log sinks: those of every kernel, and those in the settings."""
    return (
        *BUILT_IN,
        *(LogSink(root.name, root.format, root.level_name, prefix=root.prefix) for root in settings.roots),
    )
