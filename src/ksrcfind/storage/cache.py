"""A cache of values that can be computed again: facts of files, histories, and results of searches.

"Facts" are what the parser extracts from one source file (`source.facts.SourceFacts`).

The cache is one SQLite file in WAL mode, which all processes share. It is only an optimisation, and three rules keep
it one. Every row has a checksum over its key and value, so a damaged row is a miss and never a wrong answer. A read
that fails is a miss and a write that fails is ignored, so no question fails on a full or read-only disk. A file that
SQLite cannot read is replaced by an empty one.
"""

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ksrcfind.source.facts import SourceFacts
from ksrcfind.storage.codec import PackedFacts, unpack_facts

_TABLES = (
    "CREATE TABLE facts (blob TEXT PRIMARY KEY, outline BLOB, data BLOB, checksum INTEGER)",
    "CREATE TABLE stats (path BLOB PRIMARY KEY, signature TEXT, blob TEXT, checksum INTEGER) WITHOUT ROWID",
    "CREATE TABLE named (name TEXT PRIMARY KEY, data BLOB, checksum INTEGER) WITHOUT ROWID",
)

_LENDERS = "lenders-1"  # the named value with the paths of the caches of other stores
_LENDERS_LENGTH = 20_000  # bytes
_QUESTION_WAITS_MS = 100  # wait for another writer, then do not cache the value
_BUILD_WAITS_MS = 10_000
_FAILED_WRITES = 3  # failures in a row after which a run writes nothing more
_SCANNED_PER_LOOKUP = 3  # rows that a scan reads in the time of one lookup

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_UNWRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_NOMEM,
}

_FactsRow = tuple[Any, Any, Any, Any]
_Result = TypeVar("_Result")


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error.

    Errors that Python's `sqlite3` module raises itself have no code; they count as `SQLITE_CORRUPT`.
    """
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF


def _checksum(*parts: str | bytes) -> int:
    total = 0
    for part in parts:
        total = zlib.crc32(part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part, total)
    return total


def _is_intact(checksum: object, *parts: Any) -> bool:
    """Return whether parts of a row, in which damage can change even the types, have a checksum."""
    try:
        return bool(checksum == _checksum(*parts))
    except TypeError:
        return False


class DerivedCache:
    """The cache file of one tree.

    No method raises an error of the file or the disk: a value that cannot be read counts as not cached.
    """

    name = "cache.sqlite"
    """Name of the file in a store's directory."""

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        """Open or create the cache file at `path`. With None, the cache is in memory.

        With `read_only`, the file is only read: it is neither created nor replaced if it is damaged.
        """
        self._path = path
        self._read_only = read_only
        self._lenders: list[DerivedCache] | None = None
        self._failed_writes = 0
        self.notes: list[str] = []
        """Notes for the user: the cache file was damaged, or cannot be written."""
        self._connection = self._open()

    def close(self) -> None:
        """Close the cache file."""
        for lender in self._lenders or ():
            lender.close()
        with suppress(sqlite3.Error):
            self._connection.close()

    # Another store's cache

    def borrow_from(self, path: Path) -> None:
        """Read the facts that this cache lacks from the cache file of another store, in later runs too."""
        other = DerivedCache(path, read_only=True)
        try:
            further = other.get(_LENDERS) or b""
        finally:
            other.close()
        self.put(_LENDERS, b"\0".join(filter(None, (os.fsencode(path), *further.split(b"\0"))))[:_LENDERS_LENGTH])
        self._lenders = None

    def lent(self, name: str) -> bytes | None:
        """Return the value that another store has under a name. None if there is no other store, or no value."""
        return next(filter(None, (lender.get(name) for lender in self._borrowed)), None)

    @property
    def _borrowed(self) -> Sequence["DerivedCache"]:
        """The caches of other stores, as far as they still exist."""
        if self._lenders is None:
            self._lenders = []
            paths = (self.get(_LENDERS) or b"").split(b"\0") if not self._read_only else ()
            files = [Path(os.fsdecode(path)) for path in paths if path]
            self._lenders = [DerivedCache(file, read_only=True) for file in files if file.is_file()]
        return self._lenders

    # Facts of files

    def known_blobs(self) -> set[str]:
        """Return the git blob ids of all files whose facts are cached.

        Checksums are not compared here: a later read may still find a row damaged.
        """
        known: set[str] = self._read(lambda one: {row[0] for row in one.execute("SELECT blob FROM facts")}, set())
        return known.union(*(lender.known_blobs() for lender in self._borrowed))

    def facts(self, blob: str) -> SourceFacts | None:
        """Return the cached facts of the file with a git blob id. None if they are not cached."""
        for _blob, _outline, data in self.all_facts({blob}):
            return unpack_facts(data)
        return None

    def all_facts(self, blobs: Set[str]) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield (blob id, encoded summary, encoded facts) for each of the `blobs` that is cached."""

        def rows(one: sqlite3.Connection) -> list[_FactsRow]:
            if len(blobs) > one.execute("SELECT count(*) FROM facts").fetchone()[0] // _SCANNED_PER_LOOKUP:
                return one.execute("SELECT blob, outline, data, checksum FROM facts").fetchall()
            return one.execute(
                "SELECT blob, outline, data, checksum FROM facts WHERE blob IN (SELECT value FROM json_each(?))",
                (json.dumps(list(blobs)),),
            ).fetchall()

        nothing: list[_FactsRow] = []
        missing = set(blobs)
        for blob, summary, data, checksum in self._read(rows, nothing) if blobs else nothing:
            if blob in blobs and _is_intact(checksum, blob, summary, data):
                missing.discard(blob)
                yield blob, summary, data
        for lender in self._borrowed if missing else ():
            for blob, summary, data in lender.all_facts(frozenset(missing)):
                missing.discard(blob)
                yield blob, summary, data

    def add_facts(self, packed: Iterable[tuple[str, PackedFacts]], stats: Iterable[tuple[str, str, str]]) -> None:
        """Cache the facts of files by blob id.

        `stats` has (path, signature, blob id) of files whose content git does not have. A signature
        (`tree.disk.signature`) changes when the file on disk changes.
        """
        facts = [(blob, *data, _checksum(blob, *data)) for blob, data in packed]
        known = [
            (os.fsencode(path), signature, blob, _checksum(path, signature, blob)) for path, signature, blob in stats
        ]

        def write(one: sqlite3.Connection) -> None:
            one.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)", facts)
            one.executemany("INSERT OR REPLACE INTO stats VALUES (?, ?, ?, ?)", known)

        if facts or known:
            self._write(write, _BUILD_WAITS_MS)

    def count_facts(self) -> int:
        """Return the number of files (blobs) whose facts are cached."""
        return self._read(lambda one: int(one.execute("SELECT count(*) FROM facts").fetchone()[0]), 0)

    def keep_facts(self, blobs: Set[str]) -> None:
        """Remove the facts of all files except those with these blob ids, and shrink the cache file."""

        def write(one: sqlite3.Connection) -> None:
            one.execute(
                "DELETE FROM facts WHERE blob NOT IN (SELECT value FROM json_each(?))", (json.dumps(list(blobs)),)
            )

        if self._write(write, _BUILD_WAITS_MS):
            with suppress(sqlite3.Error):
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def stats(self) -> dict[tuple[str, str], str]:
        """Return (path, signature) → blob id of all cached files whose content git does not have."""
        rows = self._read(
            lambda one: one.execute("SELECT path, signature, blob, checksum FROM stats").fetchall(), list[Any]()
        )
        lent = {key: blob for lender in self._borrowed for key, blob in lender.stats().items()}
        return lent | {
            (os.fsdecode(path), signature): blob
            for path, signature, blob, checksum in rows
            if _is_intact(checksum, path, signature, blob)
        }

    def stat_blob(self, path: str, signature: str) -> str | None:
        """Return the blob id of a file on disk that has this signature. None if the pair is not cached."""
        query = "SELECT blob, checksum FROM stats WHERE path = ? AND signature = ?"
        row = self._read(lambda one: one.execute(query, (os.fsencode(path), signature)).fetchone(), None)
        if row and _is_intact(row[1], path, signature, row[0]):
            return str(row[0])
        return next(filter(None, (lender.stat_blob(path, signature) for lender in self._borrowed)), None)

    # Values under a name

    def get(self, name: str) -> bytes | None:
        """Return the value that is cached under a name. None if there is none."""
        query = "SELECT data, checksum FROM named WHERE name = ?"
        row = self._read(lambda one: one.execute(query, (name,)).fetchone(), None)
        return row[0] if row and _is_intact(row[1], name, row[0]) else None

    def put(self, name: str, data: bytes) -> None:
        """Cache a value under a name. It replaces an earlier value of this name."""
        row = (name, data, _checksum(name, data))
        self._write(lambda one: one.execute("INSERT OR REPLACE INTO named VALUES (?, ?, ?)", row), _QUESTION_WAITS_MS)

    # The file

    def _read(self, question: Callable[[sqlite3.Connection], _Result], missing: _Result) -> _Result:
        try:
            return question(self._connection)
        except sqlite3.ProgrammingError:  # Closed, or used by another thread: a mistake of the program.
            raise
        except sqlite3.Error as error:
            if _code(error) not in _BUSY:
                self._replace(error)
            return missing

    def _write(self, change: Callable[[sqlite3.Connection], object], waits_ms: int) -> bool:
        """Run a change in one transaction; return whether it was committed."""
        if self._failed_writes >= _FAILED_WRITES:
            return False
        one = self._connection
        try:
            one.execute(f"PRAGMA busy_timeout = {waits_ms}")
            one.execute("BEGIN IMMEDIATE")
            try:
                change(one)
                one.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    one.execute("ROLLBACK")
                raise
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.Error as error:
            code = _code(error)
            if code in _BUSY:
                self._failed_writes += 1
            elif code in _UNWRITABLE or code == sqlite3.SQLITE_IOERR:  # SQLite reports some full disks as an I/O error.
                self._failed_writes = _FAILED_WRITES
                self._say(f"nothing is cached: {self._path} cannot be written ({error})")
            else:
                self._replace(error)
            return False
        self._failed_writes = 0
        return True

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _replace(self, error: sqlite3.Error) -> None:
        """Replace the cache file, which SQLite cannot read, by an empty one."""
        self.close()
        self._connection = self._start_over(error)

    def _start_over(self, error: sqlite3.Error) -> sqlite3.Connection:
        """Remove the damaged cache file and return a connection to an empty one.

        Another process may still have the old file open. The values that it writes there are lost; a cache may lose
        values.
        """
        if self._read_only:
            return self._open(is_new=True)
        self._say(f"the cache {self._path} was damaged ({error}); a new one was started")
        if self._path is not None:
            try:
                _remove(self._path)
            except OSError:
                self._path = None
        return self._open(is_new=True)

    def _open(self, *, is_new: bool = False) -> sqlite3.Connection:
        """Return a connection to the cache file. A damaged file is replaced, unless `is_new`.

        If the file cannot be opened at all, the cache is in memory.
        """
        path = self._path
        if path is None or (self._read_only and is_new):
            return _in_memory()
        with suppress(OSError, sqlite3.Error):
            if not self._read_only and not path.exists():
                _create(path)
        for mode in _MODES[-1:] if self._read_only else _MODES:
            connection = None
            try:
                connection = _connect(f"{path.resolve().as_uri()}?{mode}")
                connection.execute("SELECT count(*) FROM named WHERE name = ''").fetchone()
            except sqlite3.Error as error:
                if connection is not None:
                    connection.close()
                # A full disk has no room for the shared memory of WAL mode; SQLite reports an I/O error.
                if is_new or _code(error) in _UNWRITABLE | _BUSY | {sqlite3.SQLITE_IOERR}:
                    continue
                return self._start_over(error)
            if mode != _MODES[0]:
                self._failed_writes = _FAILED_WRITES
            return connection
        self._say(f"nothing is cached: {path} cannot be opened for writing")
        return _in_memory()


_MODES = ("mode=rw", "mode=ro", "mode=ro&immutable=1")
"""SQLite's modes to open the cache file, the preferred one first.

The last one is for a directory without write permission: there SQLite cannot create the shared memory of WAL mode.
"""


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_QUESTION_WAITS_MS / 1000, isolation_level=None)
    try:
        for setting in ("synchronous = NORMAL", "cache_size = -32000", "trusted_schema = OFF", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _in_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for table in _TABLES:
        connection.execute(table)
    return connection


def _create(path: Path) -> None:
    """Create an empty cache file at `path`. Several processes may do this at once.

    The file is completed under a temporary name, so no process ever opens a half-written one.
    """
    half = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        connection = sqlite3.connect(half, isolation_level=None)
        try:
            for table in _TABLES:
                connection.execute(table)
            # Last: closing a file in WAL mode does not report that the disk is full.
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        with suppress(FileExistsError):
            path.hardlink_to(half)
    finally:
        _remove(half)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
