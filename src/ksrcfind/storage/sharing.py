"""Use the index that another store already has of the same source, instead of building it again.

Other stores are those of the same user's other checkouts and clones, and those in shared directories that an
administrator filled. Files are linked, never copied or changed: a hard link where the system allows it, else a symbolic
link. The linked files are read-only by their format, so a later build of either store does not disturb the other.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from ksrcfind.storage.publishing import replace_file
from ksrcfind.storage.revision import Revision, SegmentFile, encode, read_both, read_revision
from ksrcfind.storage.segment import file_checksum
from ksrcfind.storage.store import FORMAT, Store

HISTORIES = "history-*.sqlite"
"""Names of history indexes. They name what determines the history, so equal names have equal contents."""

COPIED = ("documents-1",)
"""Names of cached values that are copied with an index: they say themselves for which files they hold."""


def adopt(
    store: Store,
    key: str,
    token: bytes,
    fits: Callable[[Revision], bool],
    shared: Iterable[Path],
) -> Path | None:
    """Give a store the index of another store, if one has a revision that `fits`; return the other store's directory.

    The revision gets the key `key` and the token `token`. `shared` has the directories of indexes besides the one that
    the store is in. None if there is no such revision, or if another run is building.
    """
    if not store.is_usable:
        return None
    with store.building(wait=False) as is_free:
        for directory, path in shared_revisions(store.directory, store.identity, fits, shared) if is_free else ():
            with suppress(OSError):
                if _take(store, directory, path, key, token):
                    return directory
    return None


def shared_revisions(
    own: Path, identity: str, fits: Callable[[Revision], bool], shared: Iterable[Path]
) -> Iterator[tuple[Path, Path]]:
    """Yield (directory of another store, file of a revision) for each revision that the store at `own` could use."""
    for directory in _other_stores(own, shared):
        with suppress(OSError):
            for path in sorted(directory.glob("*.revision")):
                header = read_revision(path) if is_trusted(path) else None
                if header is not None and header.identity == identity and fits(header):
                    yield directory, path


def unusable(own: Path, shared: Iterable[Path]) -> list[Path]:
    """Return the shared stores that cannot be read, or that others than root and this user can change."""
    found: list[Path] = []
    for directory in _other_stores(own, shared):
        if directory.parent == own.parent:
            continue
        try:
            files = list(directory.iterdir())
        except OSError:
            found.append(directory)
            continue
        revisions = [path for path in files if path.suffix == ".revision"]
        if revisions and not any(map(is_trusted, revisions)):
            found.append(directory)
    return found


def _take(store: Store, directory: Path, path: Path, key: str, token: bytes) -> bool:
    """Link the files of a revision into a store and write its revision file. Return whether all files are intact."""
    found = read_both(path)
    if found is None:
        return False
    revision, state = found
    segments = [_linked(store.directory, directory / file.name, file) for file in revision.segments]
    if None in segments:
        return False
    own = replace(revision, key=key, token=token, segments=tuple(filter(None, segments)))
    for history in directory.glob(HISTORIES):
        if is_trusted(history):
            with suppress(OSError):
                _link(history, store.directory / history.name)
    if is_trusted(directory / store.cache.name):
        store.cache.borrow_from(directory / store.cache.name)
    for name in COPIED:
        data = store.cache.lent(name)
        if data is not None:
            store.cache.put(name, data)
    replace_file(store.path_of(key), encode(own, state))
    return True


def _linked(directory: Path, path: Path, file: SegmentFile) -> SegmentFile | None:
    """Link a segment file into a store's directory; return its entry with the file's own time. None if it is damaged.

    The checksum of a file that was copied, whose time differs, is compared once, here.
    """
    status = path.stat()
    if not is_trusted(path) or status.st_size != file.size:
        return None
    if status.st_mtime_ns != file.mtime_ns and file_checksum(path) != file.checksum:
        return None
    _link(path, directory / file.name)
    return replace(file, mtime_ns=status.st_mtime_ns)


def _link(path: Path, new: Path) -> None:
    if new.exists() or new.is_symlink():
        return
    try:
        new.hardlink_to(path)
    except OSError:  # Another file system, or a file of somebody else.
        new.symlink_to(path.resolve())


def is_trusted(path: Path) -> bool:
    """Return whether only this user and root can change a file: itself, and every directory above it.

    A directory that all may write, but where nobody may replace files of others (`/tmp`), is no danger above a
    directory of one's own.
    """
    try:
        path = path.resolve(strict=True)
        file = path.stat()
        if not _is_ours(file) or not stat.S_ISREG(file.st_mode):
            return False
        inner = path.parent.stat()
        above = [parent.stat() for parent in path.parents[1:]]
    except OSError:
        return False
    return _is_ours(inner) and all(_is_ours(one) or _is_sticky(one) for one in above)


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_sticky(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid()) and bool(status.st_mode & stat.S_ISVTX)


def _other_stores(own: Path, shared: Iterable[Path]) -> Iterator[Path]:
    """Yield the directories of other stores of this format: those of the same name first."""
    places = [*shared, own.parent]
    same = [place / own.name for place in places if place != own.parent]
    listed: list[Path] = []
    for place in places:
        with suppress(OSError):
            listed += sorted(place.glob(f"*.index-{FORMAT}"))
    for directory in dict.fromkeys((*same, *listed)):
        if directory != own and directory.is_dir():
            yield directory
