"""A segment: an immutable file with the messages of some source files, and for each word the messages that contain it.

Each build of an index writes its new messages as one segment. A segment is a SQLite database that is opened as
immutable, so a reader needs no lock, no journal and no write permission.
"""

import hashlib
import json
import mmap
import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec

from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import PrintedLine, all_origin_names
from ksrcfind.storage.codec import unpack_lines, unpack_message
from ksrcfind.storage.damage import DamagedIndexError
from ksrcfind.storage.postings import Lists, postings
from ksrcfind.storage.revision import SegmentFile

_TABLES = (
    "CREATE TABLE units"
    " (path BLOB PRIMARY KEY, digest INTEGER, blob TEXT, consulted BLOB, first INTEGER, count INTEGER)"
    " WITHOUT ROWID",
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, data BLOB, lines BLOB)",
    "CREATE TABLE words (word TEXT PRIMARY KEY, containing BLOB, anchored BLOB, marks BLOB) WITHOUT ROWID",
)
_MMAP_BYTES = 256 << 20


class Unit(NamedTuple):
    """The messages of one source file as linked in some revision: what a segment stores of a file."""

    path: str
    blob: str
    """Git blob id of the source file."""
    digest: int
    """Hash of the other fields (`unit_digest`)."""
    dependencies: bytes
    """Hashes (32 bit each, sorted) of the names that the linker looked up."""
    messages: Sequence[tuple[bytes, bytes]]
    """For each message, the packed message and the packed lines that it can print."""
    words: Sequence[list[str]]
    """For each message, the words of each line that it can print, separated by blanks."""
    names: list[str]
    """Names of the source file, its directories and its modules (`printed.origin_names`)."""


def unit_digest(path: str, blob: str, dependencies: bytes, messages: Sequence[tuple[bytes, bytes]]) -> int:
    """Return a signed 64-bit hash of a file's messages (a unit).

    Equal digests mean equal messages of the same file content that depend on the same names.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in (os.fsencode(path), blob.encode(), dependencies, *(message for message, _lines in messages)):
        digest.update(len(part).to_bytes(8, "little") + part)
    return int.from_bytes(digest.digest(), "little", signed=True)


class UnitRow(msgspec.Struct, frozen=True, gc=False):
    """An entry of a segment's list of units (a unit is the messages of one source file), without the messages."""

    path: str
    digest: int
    blob: str
    dependencies: bytes
    first: int
    """Number of the file's first message."""
    count: int
    """Number of messages."""


class Segment:
    """An open segment file. Every method raises `DamagedIndexError` if the file cannot be read."""

    def __init__(self, connection: sqlite3.Connection, first: int, count: int, path: Path | None) -> None:
        self._connection = connection
        self._path = path
        self.numbers = range(first, first + count)
        """The numbers of the segment's messages."""

    @classmethod
    def open(cls, directory: Path, file: SegmentFile) -> "Segment":
        """Open the segment `file` in a directory. Raises `FileNotFoundError` or `DamagedIndexError`."""
        path = directory / file.name
        status = path.stat()
        if status.st_size != file.size:
            raise DamagedIndexError(path, f"{status.st_size:,} bytes instead of {file.size:,}")
        if status.st_mtime_ns != file.mtime_ns:
            if file_checksum(path) != file.checksum:
                raise DamagedIndexError(path, "its checksum is wrong")
            with suppress(
                OSError
            ):  # The file was copied. With the recorded time, the next run does not compute its checksum.
                os.utime(path, ns=(status.st_atime_ns, file.mtime_ns))
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1",
                uri=True,
                isolation_level=None,
                check_same_thread=False,  # SQLite serialises calls, and any thread may close the segment.
            )
            connection.execute(f"PRAGMA mmap_size = {_MMAP_BYTES}")
        except sqlite3.Error as error:
            raise DamagedIndexError(path, error) from error
        return cls(connection, file.first, file.count, path)

    def close(self) -> None:
        """Close the segment file."""
        self._connection.close()

    __del__ = close

    def word(self, word: str) -> Lists | None:
        """Return the posting lists of a word. None if no message of this segment contains the word."""
        with self._reading():
            query = "SELECT containing, anchored, marks FROM words WHERE word = ?"
            row: Lists | None = self._connection.execute(query, (word,)).fetchone()
            return row

    def message(self, number: int) -> Message:
        """Return the message with a number. Raises `KeyError` if the segment does not have it."""
        with self._reading():
            row = self._connection.execute("SELECT data FROM messages WHERE id = ?", (number,)).fetchone()
            if row is not None:
                return unpack_message(row[0])
        raise KeyError(number)

    def messages(self, first: int, count: int) -> list[Message]:
        """Return `count` messages, numbered from `first`, in the order of their numbers."""
        with self._reading():
            query = "SELECT data FROM messages WHERE id BETWEEN ? AND ? ORDER BY id"
            return [unpack_message(row[0]) for row in self._connection.execute(query, (first, first + count - 1))]

    def printed(self, numbers: Sequence[int]) -> list[tuple[int, Sequence[PrintedLine]]]:
        """Return (number, lines that the message prints) for each of the `numbers`. The order is undefined."""
        with self._reading():
            query = "SELECT id, lines FROM messages WHERE id IN (SELECT value FROM json_each(?))"
            rows = self._connection.execute(query, (json.dumps(list(numbers)),)).fetchall()
            return [(number, unpack_lines(lines)) for number, lines in rows]

    def span_of(self, path: str) -> tuple[int, int] | None:
        """Return (number of the first message, count) of the messages of a source file. None without the file."""
        with self._reading():
            query = "SELECT first, count FROM units WHERE path = ?"
            row: tuple[int, int] | None = self._connection.execute(query, (os.fsencode(path),)).fetchone()
            return row

    @cached_property
    def units(self) -> Sequence[UnitRow]:
        """The entries of all units, each the messages of one source file."""
        with self._reading():
            query = "SELECT path, digest, blob, consulted, first, count FROM units"
            return [UnitRow(os.fsdecode(path), *rest) for path, *rest in self._connection.execute(query)]

    def unit(self, row: UnitRow) -> Unit:
        """Return the whole unit of an entry, so that it can be written into another segment."""
        with self._reading():
            query = "SELECT data, lines FROM messages WHERE id BETWEEN ? AND ? ORDER BY id"
            packed = self._connection.execute(query, (row.first, row.first + row.count - 1)).fetchall()
            words = [[line.words for line in unpack_lines(lines)] for _data, lines in packed]
            names = all_origin_names(unpack_message(data) for data, _lines in packed)
            return Unit(row.path, row.blob, row.digest, row.dependencies, packed, words, names)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:  # Closed, or used by another thread: a mistake of the program.
            raise
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError, zlib.error, TypeError, ValueError) as error:
            if self._path is not None:
                with suppress(OSError):
                    self._path.unlink()
            raise DamagedIndexError(self._path, error) from error


def write_segment(path: Path, units: Sequence[Unit], first: int) -> SegmentFile:
    """Write units as a segment file at `path`, with messages numbered from `first`. Return its description.

    The file is written under a temporary name and renamed, so a reader never sees a part of it. Raises `OSError` or
    `sqlite3.Error` if the file cannot be written.
    """
    half = path.with_name(path.name + ".tmp")
    try:
        half.open("wb").close()  # Python's error names the reason; SQLite only says "unable to open database file".
        connection = sqlite3.connect(half, isolation_level=None)
        try:
            for setting in ("journal_mode = OFF", "synchronous = OFF"):
                connection.execute(f"PRAGMA {setting}")
            _write(connection, units, first)
        finally:
            connection.close()
        with half.open("r+b") as file:
            os.fsync(file.fileno())
        half.rename(path)
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)
    status = path.stat()
    count = sum(len(unit.messages) for unit in units)
    return SegmentFile(path.name, first, count, status.st_size, status.st_mtime_ns, file_checksum(path))


def segment_in_memory(units: Sequence[Unit], first: int) -> Segment:
    """Return a segment in memory with the messages of some units, numbered from `first`."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _write(connection, units, first)
    return Segment(connection, first, sum(len(unit.messages) for unit in units), None)


def _write(connection: sqlite3.Connection, units: Sequence[Unit], first: int) -> None:
    rows: list[tuple[object, ...]] = []
    messages: list[tuple[int, bytes, bytes]] = []
    words: list[list[str]] = []
    origins: dict[int, list[str]] = {}
    number = first
    for unit in units:
        rows.append((os.fsencode(unit.path), unit.digest, unit.blob, unit.dependencies, number, len(unit.messages)))
        messages.extend((place, *packed) for place, packed in enumerate(unit.messages, number))
        words += unit.words
        origins[number] = unit.names
        number += len(unit.messages)
    connection.execute("BEGIN")
    for table in _TABLES:
        connection.execute(table)
    connection.executemany("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?)", sorted(rows))
    connection.executemany("INSERT INTO messages VALUES (?, ?, ?)", messages)
    connection.executemany("INSERT INTO words VALUES (?, ?, ?, ?)", postings(words, origins, first))
    connection.execute("COMMIT")


def file_checksum(path: Path) -> int:
    """Return the CRC-32 of a file, which must not be empty."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return zlib.crc32(content)
