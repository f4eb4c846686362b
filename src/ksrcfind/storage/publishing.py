"""Writing the index of a revision into a store, and removing files and facts that no revision needs any more.

The caller holds the store's build lock.
"""

import os
import secrets
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from ksrcfind.storage.bits import live_bits
from ksrcfind.storage.damage import DamagedIndexError
from ksrcfind.storage.merging import Usage, merged
from ksrcfind.storage.retired import remove_unused
from ksrcfind.storage.revision import (
    Revision,
    RevisionState,
    SegmentFile,
    decode_state,
    encode,
    encode_state,
    pack_order,
    read_both,
    read_revision,
)
from ksrcfind.storage.segment import Segment, Unit, UnitRow, segment_in_memory, write_segment
from ksrcfind.storage.store import DAY_S, FORMAT, Store, Unsaved, mtime

_UNUSED_S = 90 * DAY_S
"""Age in seconds from which a revision is removed if no run has used it since."""

_CREATING_S = 60
"""Age in seconds from which an unfinished cache file is removed: the process that created it must have been killed."""

_GROWN = 1.5  # remove unused facts when the cache has this many times the facts that the last removal left
_FEW_FACTS = 50  # files; so few unused facts are never removed


class Unread(NamedTuple):
    """Parts of a tree that could not be read; the fields of `Revision` with the same names."""

    recovered: int
    lost: int
    skipped: tuple[str, ...]


class _Span(NamedTuple):
    """The numbers of one source file's messages: `length` numbers from `first`."""

    path: str
    first: int
    length: int


class _Layout(NamedTuple):
    """Where the messages of a new revision are: in segments that exist already, or in a new segment."""

    kept: list[SegmentFile]
    """Segments that the new revision shares with the one before, oldest first."""
    spans: list[_Span]
    """The message numbers of each source file whose messages are in a segment of `kept`."""
    units: list[Unit]
    """The units (messages of one source file each) to write into the new segment, sorted by path."""


class _Shared(NamedTuple):
    """A segment of the revision before, and the part of it that a new revision can use."""

    file: SegmentFile
    segment: Segment
    rows: list[UnitRow]
    """The entries of the source files whose messages are the same in the new revision."""


def publish(
    store: Store,
    key: str,
    token: bytes,
    state: RevisionState,
    fresh: Sequence[Unit],
    base: Revision | None,
    unread: Unread,
) -> Revision:
    """Write the index of a revision into the store and return the revision.

    `fresh` has the messages of the files that were linked differently than in `base`, an earlier revision. The messages
    of the other files of `state` come from the segments of `base`.

    If the disk cannot be written, the revision is kept in memory and the user gets a note. Raises `DamagedIndexError`
    if the segments of `base` lack messages that `state` names.
    """
    layout = _layout(store, state, fresh, base)
    encoded = encode_state(state)
    name = f"{secrets.token_hex(12)}.segment"
    count = sum(len(unit.messages) for unit in layout.units)
    first = _free_number(store, count)

    def revision(file: SegmentFile | None) -> Revision:
        ranges = [(span.first, span.length) for span in sorted((*layout.spans, *_spans(layout.units, first)))]
        files = (*layout.kept, file) if file else tuple(layout.kept)
        live = zlib.compress(live_bits(ranges), 1)
        size = sum(length for _first, length in ranges)
        return Revision(key, store.identity, token, time.time(), size, live, files, *unread, pack_order(ranges))

    try:
        made = revision(write_segment(store.directory / name, layout.units, first) if layout.units else None)
        replace_file(store.path_of(key), encode(made, encoded))
    except (OSError, sqlite3.Error) as error:
        _unlink(store.directory / name)
        made = revision(SegmentFile(name, first, count, 0, 0, 0))
        opened = {file.name: store.segment(file) for file in layout.kept}
        opened[name] = segment_in_memory(layout.units, first)
        store.keep_unsaved(key, Unsaved(made, encoded, opened), _why(error))
        return made
    store.was_saved(key)
    clean_up(store)
    _forget_facts(store, state)
    return made


def rename_state(store: Store, key: str, token: bytes) -> None:
    """Record that the index of a working tree is also valid for its present state, which `token` identifies."""
    found = read_both(store.path_of(key))
    if found is not None and found[0].token != token:
        with suppress(OSError):
            replace_file(store.path_of(key), encode(msgspec.structs.replace(found[0], token=token), found[1]))


def clean_up(store: Store) -> None:
    """Remove from a store unfinished files, revisions unused for 90 days, and segments that no revision uses.

    Also remove stores of other formats in the same cache directory that were not used for a month.
    """
    used: set[str] = set()
    for path in store.files(".revision"):
        revision = read_revision(path)
        names = [file.name for file in revision.segments] if revision else []
        is_whole = revision is not None and all((store.directory / name).exists() for name in names)
        if is_whole and time.time() - mtime(path) < _UNUSED_S:
            used.update(names)
        else:
            _unlink(path)
    for path in store.files(".segment"):
        if path.name not in used:
            _unlink(path)
    for path in store.files(".tmp"):
        # A process creates its cache file within milliseconds and without the lock.
        if path.name.endswith((".segment.tmp", ".revision.tmp")) or time.time() - mtime(path) > _CREATING_S:
            _unlink(path)
    remove_unused(store.directory.parent, FORMAT)


def _layout(store: Store, state: RevisionState, fresh: Sequence[Unit], base: Revision | None) -> _Layout:
    """Return which segments of the earlier revision `base` a new revision shares, and which units to write."""
    shared = _shared(store, state, {unit.path for unit in fresh}, base)
    usage = [Usage(one.file.count, sum(row.count for row in one.rows)) for one in shared]
    again = merged(usage, sum(len(unit.messages) for unit in fresh))
    kept = [one for place, one in enumerate(shared) if one.rows and place not in again]
    rewritten = (shared[place].segment.unit(row) for place in sorted(again) for row in shared[place].rows)
    return _Layout(
        [one.file for one in kept],
        [_Span(row.path, row.first, row.count) for one in kept for row in one.rows],
        sorted((*fresh, *rewritten), key=lambda unit: unit.path),
    )


def _shared(store: Store, state: RevisionState, fresh: Set[str], base: Revision | None) -> list[_Shared]:
    """Return the segments of the earlier revision `base`, oldest first, with the units that a new revision can use.

    `fresh` has the paths of the files that were linked again. Raises `DamagedIndexError` if the segments lack the unit
    of any other file of `state`.
    """
    wanted = {path: digest for path, digest in state.units.items() if path not in fresh}
    shared: list[_Shared] = []
    for file in reversed(base.segments if base else ()):
        segment = store.segment(file)
        rows = [row for row in segment.units if wanted.get(row.path) == row.digest]
        for row in rows:
            del wanted[row.path]
        shared.append(_Shared(file, segment, rows))
    if wanted:
        raise DamagedIndexError(None, "messages are missing")
    return shared[::-1]


def _spans(units: Iterable[Unit], first: int) -> Iterator[_Span]:
    """Yield the message numbers of each unit, if the units are numbered one after another from `first`."""
    for unit in units:
        yield _Span(unit.path, first, len(unit.messages))
        first += len(unit.messages)


def _free_number(store: Store, count: int) -> int:
    """Return the lowest message number from which `count` consecutive numbers are unused by every segment."""
    revisions = [*filter(None, map(read_revision, store.files(".revision"))), *store.revisions()]
    first = 1
    for start, length in sorted({(file.first, file.count) for revision in revisions for file in revision.segments}):
        if first + count <= start:
            break
        first = max(first, start + length)
    return first


def _forget_facts(store: Store, state: RevisionState) -> None:
    """Remove the cached facts of files that are in no indexed revision, once these may be a third of all facts."""
    recorded = store.cache.get("facts-in-use")
    in_use = int(recorded) if recorded and recorded.isdigit() else len(state.blobs)
    if store.cache.count_facts() <= max(in_use, len(state.blobs)) * _GROWN + _FEW_FACTS:
        return
    needed = set(state.blobs.values())
    for path in store.files(".revision"):
        found = read_both(path)
        if found is not None:
            with suppress(ValueError, zlib.error):
                needed.update(decode_state(found[1]).blobs.values())
    store.cache.keep_facts(needed)
    store.cache.put("facts-in-use", b"%d" % store.cache.count_facts())


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file as a whole: a reader sees either the old content or the new one.

    `mode` is the file's mode; None for the one that new files have. The caller holds a lock.
    """
    half = path.with_name(path.name + ".tmp")
    try:
        with half.open("wb") as file:
            if mode is not None:
                half.chmod(mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.rename(path)
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
