"""The index of a tree: opens it, builds it and updates it."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ksrcfind.backend import Indexed
from ksrcfind.index.sources import source_files
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.directory import DirectorySnapshot

if TYPE_CHECKING:
    from ksrcfind.engine.context import TreeContext
    from ksrcfind.index.report import IndexReport
    from ksrcfind.storage.revision import Revision
    from ksrcfind.tree.open import AnySnapshot


class IndexManager:
    """Implements `backend.Index` for a tree. The index is opened when it is first needed."""

    def __init__(self, context: "TreeContext") -> None:
        self._context = context
        self._indexed: Indexed | None = None
        self._is_loaded = False
        self._made: float | None = None
        """Time when the open index was built, in seconds since the epoch. None if no index is open."""
        self._files: tuple[float, int] | None = None
        """A cache: (time when an index was built, digest of the files of that index)."""
        self.notes: list[str] = []
        """Notes for the user about the state of the index."""

    @property
    def key(self) -> str:
        """Identifies the revision in the store, the cache directory of the tree."""
        return self._context.snapshot.key

    @property
    def unsaved(self) -> str | None:
        """Why the last built index could not be written to the disk. None if it was written."""
        return self._context.store.unsaved

    def current(self, *, wait: bool = False) -> Indexed | None:
        """Return the index of the whole tree, and update it first if the tree has changed. None if there is no index.

        If another run is updating the index, the state before the update is returned, with a note for the user. With
        `wait`, this call waits for that run instead.
        """
        if not self._is_loaded:
            self._is_loaded = True
            store, key = self._context.store, self._context.snapshot.key
            revision = store.revision(key)
            if revision is None and self._adopted():
                revision = store.revision(key)
            try:
                self._use()
            except KeyError:
                if not store.was_damaged:
                    return None
            if self._indexed is None or revision is None or revision.token != self._token():
                self._update(wait=wait)
        return self._indexed

    def ensure(self) -> Indexed:
        """Return the index of the revision, and build it if there is none.

        If another run is building or updating the index, this call waits.
        """
        return self.current(wait=True) or self._built()

    def ensure_complete(self) -> Indexed:
        """Return the index of the tree's present state. In a plain directory, all files are checked for changes."""
        indexed = self.current(wait=True)
        if indexed is None or isinstance(self._context.snapshot, DirectorySnapshot):
            return self._built()
        return indexed

    def refresh(self, paths: Iterable[str]) -> bool:
        """Update the index if one of these files of a plain directory has changed. Return whether it was updated.

        False for a git repository: there, the index was compared with the tree when it was opened.
        """
        snapshot = self._context.snapshot
        if not isinstance(snapshot, DirectorySnapshot):
            return False
        for path in dict.fromkeys(paths):
            signature = snapshot.signature(path)
            if signature is None or self._context.store.cache.stat_blob(path, signature) is None:
                self.build()
                return True
        return False

    def build(self, *, documents: bool = True) -> "IndexReport":
        """Build or update the index of the whole tree and return a report.

        If another run is building or updating the index, this call waits. `documents` says whether the words of the
        tree's documents are listed too.
        """
        report = self._rebuild(documents=documents)
        self._use()
        return report

    def is_current(self) -> bool:
        """Return whether the open index is the latest one. For a plain directory, also whether no file has changed."""
        if self._is_loaded and self._last_built() != self._made:
            return False
        snapshot = self._context.snapshot
        if isinstance(snapshot, DirectorySnapshot):
            return self._made is not None and self._indexed_files() == _digest(source_files(snapshot).files)
        return True

    def _adopted(self) -> bool:
        """Use the index of the same source that another store has, and note it; return whether there is one."""
        # Imported here because it happens once for each tree.
        from ksrcfind.storage.sharing import adopt

        one = self._context
        commit = one.snapshot.info.commit
        token = _state(commit, ()) if isinstance(one.snapshot, CheckoutSnapshot) and commit is not None else b""
        where = adopt(one.store, one.snapshot.key, token, fits(one.snapshot), one.settings.shared_indexes)
        if where is not None:
            self.notes.append(f"the index is shared with {where}")
        return where is not None

    def _rebuild(self, *, documents: bool = True) -> "IndexReport":
        # The parser and the linker are imported only here, since most questions need neither.
        from ksrcfind.index.build import BuildOptions
        from ksrcfind.index.separate_process import build

        one = self._context
        options = BuildOptions(one.roots, one.settings.jobs, self._token(), documents)
        report = build(one.snapshot, one.store, options, one.progress)
        self._is_loaded = True
        return report

    def _built(self) -> Indexed:
        self._rebuild()
        return self._use()

    def _use(self) -> Indexed:
        """Open the latest index of this tree and return it. Raises `KeyError` if there is none."""
        self._made = self._last_built()
        self._indexed = indexed = Indexed.of(self._context.store.view(self._context.snapshot.key))
        return indexed

    def _update(self, *, wait: bool) -> None:
        """Update the index. Without `wait`, do nothing but note it if another run is building an index."""
        with self._context.store.building(wait=False) as is_free:
            pass
        if is_free or wait:
            self.build()
        elif self._indexed is not None:
            self.notes.append("another run is updating the index; this answer does not include the last change")

    def _token(self) -> bytes:
        """Return a token that changes with every change of a checkout's files.

        Empty for a revision, which never changes, and for a plain directory, whose files are checked one by one.
        """
        snapshot = self._context.snapshot
        if isinstance(snapshot, CheckoutSnapshot):
            return _state(snapshot.commit, snapshot.changes.items())
        return b""

    def _last_built(self) -> float | None:
        """Return when the index in the store was built, in seconds since the epoch. None if there is no index."""
        revision = self._context.store.revision(self._context.snapshot.key)
        return revision.made if revision is not None else None

    def _indexed_files(self) -> int | None:
        """Return a digest of the paths and content keys of the indexed files. None if there is no index."""
        if self._files is None or self._files[0] != self._made:
            store, key = self._context.store, self._context.snapshot.key
            revision, state = store.revision(key), store.state(key)
            self._files = (revision.made, _digest(state.files)) if revision and state else None
        return self._files and self._files[1]


def fits(snapshot: "AnySnapshot") -> "Callable[[Revision], bool]":
    """Return a test: whether an indexed revision is the same source as a snapshot without its edits."""
    commit = snapshot.info.commit
    if commit is None:
        return lambda revision: revision.key == snapshot.key
    clean = _state(commit, ())
    return lambda revision: revision.key == commit or revision.token == clean


def _state(commit: str, changes: Iterable[tuple[str, str | None]]) -> bytes:
    """Return the token of a checkout of a commit with these changed files (path, content key)."""
    return repr((commit, sorted(changes))).encode("utf-8", "surrogateescape")


def _digest(files: Mapping[str, str]) -> int:
    return hash(frozenset(files.items()))
