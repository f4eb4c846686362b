"""The file of a history index: which texts every commit changed, as one SQLite file that is written once and replaced.

A writer fills a copy under a temporary name and renames it; a reader never waits, and sees the last complete file.
"""

import os
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar
from weakref import finalize

from ksrcfind.storage.damage import DamagedIndexError

VERSION = 1
"""Version of the tables. A file of another version is not used."""

_TABLES = (
    "CREATE TABLE parts (name TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID",
    "CREATE TABLE commits (id BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID",
    "CREATE TABLE paths (number INTEGER PRIMARY KEY, path BLOB UNIQUE)",
    "CREATE TABLE files (number INTEGER PRIMARY KEY, path INTEGER, status TEXT, before INTEGER, edits BLOB)",
    "CREATE TABLE texts (text INTEGER, path INTEGER, file INTEGER, PRIMARY KEY (text, path, file)) WITHOUT ROWID",
    "CREATE INDEX births ON files (path) WHERE status IN ('A', 'R')",
    "CREATE INDEX renames ON files (before) WHERE before IS NOT NULL",
    "CREATE TEMP TABLE unsorted (text INTEGER, path INTEGER, file INTEGER)",
)
_BATCH = 10_000
_FILES_OF_A_COMMIT = 1 << 24
"""Most files that one commit changes. The number of a file is that of its commit times this, plus a position."""

_FILES = (
    "SELECT files.number, own.path, status, other.path, edits FROM files JOIN paths own ON own.number = files.path"
    " LEFT JOIN paths other ON other.number = files.before"
)

_Result = TypeVar("_Result")


class FileRow(NamedTuple):
    """What one commit changed in one file."""

    number: int
    path: bytes
    status: str
    before: bytes | None
    """The earlier name of a renamed file."""
    edits: bytes

    @property
    def commit(self) -> int:
        """Number of the commit."""
        return self.number // _FILES_OF_A_COMMIT


class NewFile(NamedTuple):
    """What one commit changed in one file, to be written."""

    commit: int
    path: bytes
    status: str
    before: bytes | None
    edits: bytes
    texts: tuple[int, ...]
    """The hashes (64 bit, signed) of the texts in `edits`."""


class HistoryFile:
    """An open file of a history index. Every method raises `DamagedIndexError` if the file cannot be read."""

    def __init__(self, path: Path) -> None:
        """Open the file at a path. Raises `FileNotFoundError`."""
        if not path.exists():
            raise FileNotFoundError(path)
        self._file = path
        # No other process changes this file, so SQLite need not lock it. Several threads ask, one at a time.
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._connection = self._ask(lambda: sqlite3.connect(uri, uri=True, check_same_thread=False))
        finalize(self, self._connection.close)
        version = self._rows("PRAGMA user_version")
        if version != [(VERSION,)]:
            self.close()
            raise DamagedIndexError(path, "another version wrote it")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def part(self, name: str) -> bytes:
        """Return bytes that were written under a name; empty bytes if there are none."""
        found = self._rows("SELECT data FROM parts WHERE name = ?", name)
        return _intact(self._file, found[0][0]) if found else b""

    def commit(self, commit_id: bytes) -> int | None:
        """Return the number of a commit, None if the index does not have it."""
        found = self._rows("SELECT number FROM commits WHERE id = ?", commit_id)
        return int(found[0][0]) if found else None

    def path_number(self, path: bytes) -> int | None:
        """Return the number of a path, None if no commit changed a file of this name."""
        found = self._rows("SELECT number FROM paths WHERE path = ?", path)
        return int(found[0][0]) if found else None

    def path(self, number: int) -> bytes:
        """Return the path with a number."""
        found = self._rows("SELECT path FROM paths WHERE number = ?", number)
        if not found:
            raise DamagedIndexError(self._file, "a path is missing")
        return bytes(found[0][0])

    def with_text(self, text: int, path: int) -> list[FileRow]:
        """Return the changes of a file that touched a text (its hash), oldest first."""
        return self._files(
            "files.number IN (SELECT file FROM texts WHERE text = ? AND texts.path = ?) ORDER BY files.number",
            text,
            path,
        )

    def paths_with_text(self, text: int) -> list[int]:
        """Return the numbers of all paths in which a text (its hash) ever was."""
        return [row[0] for row in self._rows("SELECT DISTINCT path FROM texts WHERE text = ?", text)]

    def births(self, path: int) -> list[FileRow]:
        """Return the commits that added a file or renamed one to this path, oldest first."""
        return self._files("files.path = ? AND status IN ('A', 'R') ORDER BY files.number", path)

    def renamed_away(self, path: int) -> list[int]:
        """Return the numbers of the commits that renamed the file at this path, oldest first."""
        rows = self._rows("SELECT number FROM files WHERE before = ? AND before IS NOT NULL ORDER BY number", path)
        return [row[0] // _FILES_OF_A_COMMIT for row in rows]

    def renamed_to(self, path: int) -> list[int]:
        """Return the numbers of the paths that the file at this path was renamed to."""
        rows = self._rows("SELECT DISTINCT path FROM files WHERE before = ? AND before IS NOT NULL", path)
        return [row[0] for row in rows]

    def of_commit(self, commit: int) -> list[FileRow]:
        """Return all files that a commit changed."""
        first = commit * _FILES_OF_A_COMMIT
        return self._files("files.number BETWEEN ? AND ? ORDER BY files.number", first, first + _FILES_OF_A_COMMIT - 1)

    def paths_of_commit(self, commit: int) -> list[bytes]:
        """Return the paths of all files that a commit changed."""
        first = commit * _FILES_OF_A_COMMIT
        statement = (
            "SELECT paths.path FROM files JOIN paths ON paths.number = files.path WHERE files.number BETWEEN ? AND ?"
        )
        return [row[0] for row in self._rows(statement, first, first + _FILES_OF_A_COMMIT - 1)]

    def _files(self, condition: str, *values: object) -> list[FileRow]:
        rows = self._rows(f"{_FILES} WHERE {condition}", *values)
        return [FileRow(row[0], row[1], row[2], row[3], _intact(self._file, row[4])) for row in rows]

    def _rows(self, statement: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        return self._ask(lambda: self._connection.execute(statement, values).fetchall())

    def _ask(self, ask: Callable[[], _Result]) -> _Result:
        try:
            return ask()
        except (sqlite3.Error, IndexError, TypeError) as error:
            raise DamagedIndexError(self._file, error) from error


def write_history_file(
    target: Path,
    base: Path | None,
    commits: Iterable[tuple[bytes, int]],
    files: Iterable[NewFile],
    parts: Callable[[], dict[str, bytes]],
) -> None:
    """Write the file of a history index: the contents of `base` if there is one, and new commits and files.

    `files` are sorted by commit; `parts` replace those of `base`. One process writes at a time. Raises `OSError` if the
    disk does not take the file.
    """
    # The caller holds a lock, so a file of this name is from a run that was killed.
    temporary = target.with_name(f"{target.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        if base is not None:
            shutil.copyfile(base, temporary)
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            for setting in (
                "journal_mode = OFF",
                "synchronous = OFF",
                "cache_size = -65536",
                "locking_mode = EXCLUSIVE",
            ):
                connection.execute(f"PRAGMA {setting}")
            for table in _TABLES[-1:] if base is not None else _TABLES:
                connection.execute(table)
            connection.execute("BEGIN")
            connection.executemany("INSERT OR IGNORE INTO commits VALUES (?, ?)", commits)
            _insert_files(connection, files)
            kept = [(name, _with_checksum(data)) for name, data in parts().items()]
            connection.executemany("INSERT OR REPLACE INTO parts VALUES (?, ?)", kept)
            connection.execute("COMMIT")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except sqlite3.Error as error:
        raise OSError(f"{target} cannot be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _insert_files(connection: sqlite3.Connection, files: Iterable[NewFile]) -> None:
    paths: dict[bytes, int] = dict(connection.execute("SELECT path, number FROM paths"))
    known = len(paths)
    last, position = -1, 0
    rest = iter(files)
    while batch := list(islice(rest, _BATCH)):
        rows: list[tuple[int, int, str, int | None, bytes]] = []
        texts: list[tuple[int, int, int]] = []
        for file in batch:
            position = position + 1 if file.commit == last else 0
            last = file.commit
            number = file.commit * _FILES_OF_A_COMMIT + position
            path = paths.setdefault(file.path, len(paths))
            before = paths.setdefault(file.before, len(paths)) if file.before is not None else None
            rows.append((number, path, file.status, before, _with_checksum(file.edits)))
            texts += [(text, path, number) for text in file.texts]
        connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)", rows)
        connection.executemany("INSERT INTO unsorted VALUES (?, ?, ?)", texts)
    new = ((number, path) for path, number in paths.items() if number >= known)
    connection.executemany("INSERT INTO paths VALUES (?, ?)", new)
    # In order of the key, each page of the table is written once.
    connection.execute("INSERT OR IGNORE INTO texts SELECT text, path, file FROM unsorted ORDER BY 1, 2, 3")


def _with_checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4) + data


def _intact(path: Path, data: object) -> bytes:
    if not isinstance(data, bytes) or data[:4] != zlib.crc32(data[4:]).to_bytes(4):
        raise DamagedIndexError(path, "a checksum is wrong")
    return data[4:]


def remove_history_file(path: Path) -> None:
    """Remove a damaged file."""
    with suppress(OSError):
        path.unlink()
