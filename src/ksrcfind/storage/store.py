"""The directory in the user's cache that holds what is known of one tree.

It holds the cache of derived values, one small file for each indexed revision, and the segments with the messages.
Segments and revisions are written under a temporary name and renamed, a revision last: a reader sees the last complete
state and needs neither a lock nor write permission. One build at a time holds the lock. The directory's name ends in
the version of the format, so versions of ksrcfind that differ in it do not see each other's files.
"""

import hashlib
import os
import secrets
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from weakref import WeakValueDictionary

import msgspec

from ksrcfind.source.facts import VERSION as FACTS_VERSION
from ksrcfind.storage.bits import live_bits
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.storage.damage import DamagedIndexError
from ksrcfind.storage.lock import build_lock
from ksrcfind.storage.merging import Usage, merged
from ksrcfind.storage.retired import remove_unused
from ksrcfind.storage.revision import (
    Revision,
    RevisionState,
    SegmentFile,
    decode_state,
    encode,
    encode_state,
    file_name,
    read_both,
    read_revision,
)
from ksrcfind.storage.segment import Segment, Unit, UnitRow, segment_in_memory, write_segment
from ksrcfind.storage.view import View

FORMAT = f"9.{FACTS_VERSION}"
"""Its first number is raised when the files or what is in them change."""

_DAY_S = 86400
_UNUSED_S = 90 * _DAY_S
"""Seconds after which a revision that no run has used is removed."""

_GROWN = 1.5  # times as many facts as after the last clean-up: the next one pays
_FEW_FACTS = 50
_ATTEMPTS = 5  # at reading a revision whose segments a build removes at that moment


def store_path(cache_dir: Path, root: Path) -> Path:
    """Return the directory of the store for the tree at `root`."""
    resolved = str(root.resolve())
    digest = hashlib.sha256(resolved.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in Path(resolved).name)[:40]
    return cache_dir / f"{name or 'root'}-{digest}.index-{FORMAT}"


class Lost(NamedTuple):
    """What the parser could not read as C."""

    recovered: int
    """Calls that were taken from the text."""
    lost: int
    """Functions that hold text in calls of which none was understood."""


class _Layout(NamedTuple):
    """Where the messages of a new revision are."""

    kept: list[SegmentFile]
    """Segments that it shares with the revision before, oldest first."""
    spans: list[tuple[int, int]]
    """Number of the first message and count of each unit in them."""
    units: list[Unit]
    """What its own segment will hold, by path."""


class _Unsaved(NamedTuple):
    """A revision that could not be written to the disk, with its segments."""

    revision: Revision
    state: bytes
    segments: Mapping[str, Segment]


class Store:
    """An open store. Any number of processes may read and build at once."""

    def __init__(self, directory: Path, identity: str, *, is_usable: bool) -> None:
        """Use `open` instead."""
        self.directory = directory
        self._identity = identity
        self._is_usable = is_usable
        self._notes: list[str] = []
        self.cache = DerivedCache(directory / "cache.sqlite" if is_usable else None)
        """Values that can be computed again."""
        self._open: WeakValueDictionary[str, Segment] = WeakValueDictionary()
        self._unsaved: dict[str, _Unsaved] = {}
        self.was_damaged = False
        """Whether an index was found damaged, and removed."""
        self.unsaved: str | None = None
        """Why the last build could not be written and is kept in memory; None if it was."""

    @classmethod
    def open(cls, directory: Path, identity: str = "") -> "Store":
        """Open or create a store; one that cannot be written is read, and new things are kept in memory.

        `identity` names what the messages depend on beside the tree: a revision indexed under another one is not seen.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            store = cls(directory, identity, is_usable=directory.is_dir())
            if not store._is_usable:
                store._say(f"no index is kept: {directory} cannot be created ({error.strerror})")
            return store
        return cls(directory, identity, is_usable=True)

    def close(self) -> None:
        """Close all files."""
        self.cache.close()
        for segment in list(self._open.values()):
            segment.close()
        for unsaved in self._unsaved.values():
            for segment in unsaved.segments.values():
                segment.close()

    @property
    def identity(self) -> str:
        """What the messages depend on beside the tree."""
        return self._identity

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of the store."""
        return (*self._notes, *self.cache.notes)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files on disk."""
        total = 0
        with suppress(OSError):
            for path in self.directory.iterdir():
                with suppress(OSError):
                    total += path.lstat().st_size
        return total

    # Reading

    def revision(self, key: str) -> Revision | None:
        """Return an indexed revision, None if it is not indexed or its file is damaged."""
        unsaved = self._unsaved.get(key)
        return unsaved.revision if unsaved else self._read(self._path(key))

    def state(self, key: str) -> RevisionState | None:
        """Return the state of an indexed revision, None if it is not indexed or its file is damaged."""
        unsaved = self._unsaved.get(key)
        found = (unsaved.revision, unsaved.state) if unsaved else read_both(self._path(key))
        if found is None or found[0].key != key:
            return None
        try:
            return decode_state(found[1])
        except (ValueError, zlib.error):
            return None

    def revisions(self) -> list[Revision]:
        """Return all indexed revisions, the newest first."""
        saved = (self._read(path) for path in self._files(".revision"))
        found = {revision.key: revision for revision in saved if revision and revision.identity == self._identity}
        found |= {key: unsaved.revision for key, unsaved in self._unsaved.items()}
        return sorted(found.values(), key=lambda revision: revision.made, reverse=True)

    def view(self, *keys: str) -> View:
        """Open the messages of a revision, or of several as one.

        Raises `KeyError` if one is not indexed. A damaged one is removed and counts as not indexed.
        """
        for _ in range(_ATTEMPTS):
            revisions = [self.revision(key) for key in keys]
            if None in revisions:
                raise KeyError(keys[revisions.index(None)])
            known = [revision for revision in revisions if revision is not None]
            try:
                files = dict.fromkeys(file for revision in known for file in revision.segments)
                segments = [self._segment(file) for file in files]
            except FileNotFoundError:
                continue  # A build has just replaced what was read.
            except DamagedIndexError as error:
                self._discard(error)
                continue
            for key in keys:
                self._mark_used(self._path(key))
            lives = [zlib.decompress(revision.live) for revision in known]
            return View(segments, lives, max((revision.size for revision in known), default=0))
        raise KeyError(keys[0])

    def consulted(self, revision: Revision, state: RevisionState) -> dict[str, bytes]:
        """Return path → hashes (32 bit each) of the names that linking the file looked up.

        Raises `DamagedIndexError` or `FileNotFoundError`.
        """
        found: dict[str, bytes] = {}
        for file in revision.segments:
            for row in self._segment(file).units():
                if state.units.get(row.path) == row.digest:
                    found[row.path] = row.consulted
        return found

    def _read(self, path: Path) -> Revision | None:
        revision = read_revision(path)
        if revision is None and path.exists():
            self._discard(DamagedIndexError(path, "it cannot be read"))
        return revision

    def _segment(self, file: SegmentFile) -> Segment:
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
        """Hold the store's build lock for the block; give False, without `wait`, if another run holds it.

        Where no lock can be had because nothing can be written, the build is kept in memory and needs none.
        """
        if not self._is_usable:
            yield True
            return
        with ExitStack() as stack:
            try:
                held = stack.enter_context(build_lock(self.directory / "lock", wait=wait, waiting=waiting))
            except OSError:
                held = True
            else:
                if held:
                    self._clean_up()
            yield held

    def publish(
        self, key: str, token: bytes, state: RevisionState, fresh: Sequence[Unit], base: Revision | None, lost: Lost
    ) -> Revision:
        """Write a revision: the units that are new in it, and those of `base` that it shares. Hold the build lock.

        What cannot be written is kept in memory, with a note. Raises `DamagedIndexError` if `base` lacks a unit.
        """
        layout = self._layout(state, fresh, base)
        encoded = encode_state(state)
        name = f"{secrets.token_hex(12)}.segment"
        path = self.directory / name
        count = sum(len(unit.messages) for unit in layout.units)
        first = self._free_number(count)

        def revision(file: SegmentFile | None) -> Revision:
            spans = (*layout.spans, *_spans(layout.units, first))
            files = (*layout.kept, file) if file else tuple(layout.kept)
            live = zlib.compress(live_bits(spans), 1)
            size = sum(length for _first, length in spans)
            return Revision(key, self._identity, token, time.time(), size, live, files, *lost)

        try:
            made = revision(write_segment(path, layout.units, first) if layout.units else None)
            self._replace(self._path(key), encode(made, encoded))
        except (OSError, sqlite3.Error) as error:
            self.unsaved = f"the index cannot be written to {self.directory} ({_why(error)})"
            self._say(f"{self.unsaved}; it is kept in memory for this run")
            _unlink(path)
            made = revision(SegmentFile(name, first, count, 0, 0, 0))
            opened = {file.name: self._segment(file) for file in layout.kept}
            self._unsaved[key] = _Unsaved(made, encoded, opened | {name: segment_in_memory(layout.units, first)})
            return made
        self.unsaved = None
        self._unsaved.pop(key, None)
        self._clean_up()
        self._forget_facts(state)
        return made

    def _layout(self, state: RevisionState, fresh: Sequence[Unit], base: Revision | None) -> "_Layout":
        """Decide which segments of `base` a revision goes on using and which units are written (again)."""
        new = {unit.path for unit in fresh}
        wanted = {path: digest for path, digest in state.units.items() if path not in new}
        shared: list[tuple[SegmentFile, Segment, list[UnitRow]]] = []
        for file in reversed(base.segments if base else ()):
            segment = self._segment(file)
            rows = [row for row in segment.units() if wanted.get(row.path) == row.digest]
            for row in rows:
                del wanted[row.path]
            shared.insert(0, (file, segment, rows))
        if wanted:
            raise DamagedIndexError(None, "messages are missing")
        usage = [Usage(file.count, sum(row.count for row in rows)) for file, _segment, rows in shared]
        again = merged(usage, sum(len(unit.messages) for unit in fresh))
        kept = [(file, rows) for place, (file, _, rows) in enumerate(shared) if rows and place not in again]
        rewritten = (shared[place][1].unit(row) for place in sorted(again) for row in shared[place][2])
        return _Layout(
            [file for file, _rows in kept],
            [(row.first, row.count) for _file, rows in kept for row in rows],
            sorted((*fresh, *rewritten), key=lambda unit: unit.path),
        )

    def rename_state(self, key: str, token: bytes) -> None:
        """Note that a revision holds for the state of a working tree that `token` names. Hold the build lock."""
        found = read_both(self._path(key))
        if found is not None and found[0].token != token:
            with suppress(OSError):
                self._replace(self._path(key), encode(msgspec.structs.replace(found[0], token=token), found[1]))

    def _replace(self, path: Path, data: bytes) -> None:
        half = path.with_name(path.name + ".tmp")
        try:
            with half.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            half.rename(path)
        finally:
            with suppress(OSError):
                half.unlink(missing_ok=True)

    def _free_number(self, count: int) -> int:
        """Return the lowest number from which on so many messages have numbers that no segment uses."""
        revisions = [*filter(None, map(read_revision, self._files(".revision")))]
        revisions += [unsaved.revision for unsaved in self._unsaved.values()]
        spans = {(file.first, file.count) for revision in revisions for file in revision.segments}
        first = 1
        for start, length in sorted(spans):
            if first + count <= start:
                break
            first = max(first, start + length)
        return first

    def _clean_up(self) -> None:
        """Remove unfinished files, revisions that no run has used for long, and segments that no revision uses."""
        used: set[str] = set()
        for path in self._files(".revision"):
            revision = self._read(path)
            if revision is None:
                continue
            names = [file.name for file in revision.segments]
            is_whole = all((self.directory / name).exists() for name in names)
            if is_whole and time.time() - _mtime(path) < _UNUSED_S:
                used.update(names)
            else:
                _unlink(path)
        for path in self._files(".segment"):
            if path.name not in used:
                _unlink(path)
        for path in self._files(".tmp"):
            if path.name.endswith((".segment.tmp", ".revision.tmp")) or time.time() - _mtime(path) > _DAY_S:
                _unlink(path)
        remove_unused(self.directory.parent, FORMAT)

    def _forget_facts(self, state: RevisionState) -> None:
        """Remove facts that no indexed revision needs, if they may be a third of all or more."""
        recorded = self.cache.get("facts-in-use")
        in_use = int(recorded) if recorded and recorded.isdigit() else len(state.blobs)
        if self.cache.count_facts() <= max(in_use, len(state.blobs)) * _GROWN + _FEW_FACTS:
            return
        needed = set(state.blobs.values())
        for path in self._files(".revision"):
            found = read_both(path)
            if found is not None:
                with suppress(ValueError, zlib.error):
                    needed.update(decode_state(found[1]).blobs.values())
        self.cache.keep_facts(needed)
        self.cache.put("facts-in-use", b"%d" % self.cache.count_facts())

    # The directory

    def _path(self, key: str) -> Path:
        return self.directory / file_name(key, self._identity)

    def _files(self, suffix: str) -> Iterable[Path]:
        try:
            return sorted(path for path in self.directory.iterdir() if path.name.endswith(suffix))
        except OSError:
            return ()

    def _mark_used(self, path: Path) -> None:
        """Note when a revision was used, to the day."""
        with suppress(OSError):
            if time.time() - _mtime(path) > _DAY_S:
                path.touch()

    def _say(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)


def _spans(units: Iterable[Unit], first: int) -> Iterator[tuple[int, int]]:
    """Yield number of the first message and count of units that are written one after another."""
    for unit in units:
        yield first, len(unit.messages)
        first += len(unit.messages)


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
