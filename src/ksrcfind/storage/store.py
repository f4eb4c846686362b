"""The store: the directory in the user's cache that holds everything that ksrcfind keeps for one tree.

A store has the cache of derived values, one small file for each indexed revision, and the segments (files of messages).
Segments and revisions are written under a temporary name and renamed, a revision after its segments: a reader sees the
last complete state and needs neither a lock nor write permission. One build at a time holds the lock. The name of the
directory ends in the version of the file format, so two versions of ksrcfind with different formats never use each
other's files.
"""

import hashlib
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from weakref import WeakValueDictionary

from ksrcfind.source.facts import VERSION as FACTS_VERSION
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.storage.damage import DamagedIndexError
from ksrcfind.storage.lock import file_lock
from ksrcfind.storage.revision import (
    Revision,
    RevisionState,
    SegmentFile,
    decode_state,
    file_name,
    read_both,
    read_revision,
    unpack_order,
)
from ksrcfind.storage.segment import Segment
from ksrcfind.storage.view import View

FORMAT = f"9.{FACTS_VERSION}"
"""Version of the store's file format. Raise the first number when files or their contents change."""

UNSAVED_HINT = "Free some space, make it writable, or name another directory: KSRCFIND_CACHE_DIR."
"""The advice to the user when the index could not be written (`Store.unsaved`)."""

DAY_S = 86400
_ATTEMPTS = 5  # to open a revision while a build removes its segments


def store_path(cache_dir: Path, root: Path) -> Path:
    """Return the directory of the store for the tree at `root`."""
    resolved = str(root.resolve())
    digest = hashlib.sha256(resolved.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in Path(resolved).name)[:40]
    return cache_dir / f"{name or 'root'}-{digest}.index-{FORMAT}"


class Unsaved(NamedTuple):
    """A revision that could not be written to the disk and is kept in memory, with its segments by file name."""

    revision: Revision
    state: bytes
    segments: Mapping[str, Segment]


class Store:
    """An open store: the cache directory of one tree.

    Any number of processes may have it open. One of them builds at a time (`building`).
    """

    def __init__(self, directory: Path, identity: str, *, is_usable: bool) -> None:
        """Use `Store.open` instead."""
        self.directory = directory
        self.identity = identity
        self.is_usable = is_usable
        """Whether the directory exists."""
        self._notes: list[str] = []
        self.cache = DerivedCache(directory / DerivedCache.name if is_usable else None)
        """The cache of derived values: those that can be computed again."""
        self._open: WeakValueDictionary[str, Segment] = WeakValueDictionary()
        self._unsaved: dict[str, Unsaved] = {}
        self.was_damaged = False
        """Whether this store removed a damaged file of an index."""
        self.unsaved: str | None = None
        """Why the index of the last build could not be written and is kept in memory. None if it was written."""

    @classmethod
    def open(cls, directory: Path, identity: str = "") -> "Store":
        """Open the store in `directory`, and create the directory if it does not exist.

        A store in a read-only directory can be read; new indexes and values are then kept in memory. If the directory
        cannot be created, everything is kept in memory.

        `identity` is a hash of everything except the tree on which messages depend. Revisions that were indexed under
        another identity are not visible.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            store = cls(directory, identity, is_usable=directory.is_dir())
            if not store.is_usable:
                store._say(f"no index is kept: {directory} cannot be created ({error.strerror})")
            return store
        return cls(directory, identity, is_usable=True)

    def close(self) -> None:
        """Close the cache and all segments."""
        self.cache.close()
        for segment in list(self._open.values()):
            segment.close()
        for unsaved in self._unsaved.values():
            for segment in unsaved.segments.values():
                segment.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the store: it was damaged, or cannot be written."""
        return (*self._notes, *self.cache.notes)

    @property
    def size_bytes(self) -> int:
        """Size of all files of the store in bytes."""
        total = 0
        with suppress(OSError):
            for path in self.directory.iterdir():
                with suppress(OSError):
                    total += path.lstat().st_size
        return total

    # Reading

    def revision(self, key: str) -> Revision | None:
        """Return the indexed revision with a key. None if it is not indexed, or if its file is damaged."""
        unsaved = self._unsaved.get(key)
        return unsaved.revision if unsaved else self._read(self.path_of(key))

    def state(self, key: str) -> RevisionState | None:
        """Return what the next build needs of an indexed revision. None if it is not indexed or damaged."""
        unsaved = self._unsaved.get(key)
        found = (unsaved.revision, unsaved.state) if unsaved else read_both(self.path_of(key))
        if found is None or found[0].key != key:
            return None
        try:
            return decode_state(found[1])
        except (ValueError, zlib.error):
            return None

    def revisions(self) -> list[Revision]:
        """Return all indexed revisions, the most recently built one first."""
        saved = (self._read(path) for path in self.files(".revision"))
        found = {revision.key: revision for revision in saved if revision and revision.identity == self.identity}
        found |= {key: unsaved.revision for key, unsaved in self._unsaved.items()}
        return sorted(found.values(), key=lambda revision: revision.made, reverse=True)

    def view(self, *keys: str) -> View:
        """Return the messages of one revision, or of several revisions together.

        Raises `KeyError` if a revision is not indexed. If a file of a revision is damaged, it is removed, and the
        revision counts as not indexed.
        """
        for _ in range(_ATTEMPTS):
            revisions = [self.revision(key) for key in keys]
            if None in revisions:
                raise KeyError(keys[revisions.index(None)])
            known = [revision for revision in revisions if revision is not None]
            try:
                files = dict.fromkeys(file for revision in known for file in revision.segments)
                segments = [self.segment(file) for file in files]
            except FileNotFoundError:
                continue  # A build has just replaced the revision and removed its segments.
            except DamagedIndexError as error:
                self._discard(error)
                continue
            for key in keys:
                self._mark_used(self.path_of(key))
            lives = [zlib.decompress(revision.live) for revision in known]
            order = unpack_order(known[0].order) if len(known) == 1 else ()
            return View(segments, lives, max((revision.size for revision in known), default=0), order)
        raise KeyError(keys[0])

    def dependencies(self, revision: Revision, state: RevisionState) -> dict[str, bytes]:
        """Return for each source file of a revision the names that the linker looked up: path → hashes of 32 bits each.

        Raises `DamagedIndexError` or `FileNotFoundError` if a segment of the revision cannot be read.
        """
        found: dict[str, bytes] = {}
        for file in revision.segments:
            for row in self.segment(file).units:
                if state.units.get(row.path) == row.digest:
                    found[row.path] = row.dependencies
        return found

    def _read(self, path: Path) -> Revision | None:
        revision = read_revision(path)
        if revision is None and path.exists():
            self._discard(DamagedIndexError(path, "it cannot be read"))
        return revision

    def segment(self, file: SegmentFile) -> Segment:
        """Return a segment, and open it if it is not open. Raises `FileNotFoundError` or `DamagedIndexError`."""
        for unsaved in self._unsaved.values():
            if file.name in unsaved.segments:
                return unsaved.segments[file.name]
        segment = self._open.get(file.name)
        if segment is None:
            segment = self._open[file.name] = Segment.open(self.directory, file)
        return segment

    def _discard(self, error: DamagedIndexError) -> None:
        self.was_damaged = True
        self._say(f"{error.title}: it is built again")
        if error.path is not None:
            self._open.pop(error.path.name, None)
            with suppress(OSError):
                error.path.unlink()

    # Building

    @contextmanager
    def building(self, *, wait: bool = True, waiting: Callable[[], object] = lambda: None) -> Iterator[bool]:
        """Hold the store's build lock during the `with` block; yield whether this process may build.

        If another run holds the lock: without `wait`, the block gets False. With `wait`, the call blocks until the lock
        is free. If the directory cannot be written, the block gets True without a lock: its index stays in memory.
        """
        if not self.is_usable:
            yield True
            return
        with ExitStack() as stack:
            try:
                held = stack.enter_context(file_lock(self.directory / "lock", wait=wait, waiting=waiting))
            except OSError:
                held = True
            yield held

    def keep_unsaved(self, key: str, unsaved: Unsaved, reason: str) -> None:
        """Keep a revision in memory that could not be written to the disk, and note the `reason` for the user."""
        self.unsaved = f"the index cannot be written to {self.directory} ({reason})"
        self._say(f"{self.unsaved}; it is kept in memory for this run")
        self._unsaved[key] = unsaved

    def was_saved(self, key: str) -> None:
        """Record that the revision with a key was written, and drop its copy in memory."""
        self.unsaved = None
        self._unsaved.pop(key, None)

    # The directory

    def path_of(self, key: str) -> Path:
        """Return the path of the file that holds the revision with a key."""
        return self.directory / file_name(key, self.identity)

    def files(self, suffix: str) -> Iterable[Path]:
        """Return the store's files whose names end in `suffix`, sorted by name. Empty if there is no directory."""
        try:
            return sorted(path for path in self.directory.iterdir() if path.name.endswith(suffix))
        except OSError:
            return ()

    def _mark_used(self, path: Path) -> None:
        """Set a file's modification time to now if it is more than a day old: the time of the last use."""
        with suppress(OSError):
            if time.time() - mtime(path) > DAY_S:
                path.touch()

    def _say(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)


def mtime(path: Path) -> float:
    """Return the modification time of a file in seconds since the epoch. For a missing file, the current time."""
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
