"""An index to carry: one read-only, compressed file that answers for a revision without tree and git.

It is an SQLite database that is told apart by its application id and the version of its format (docs/carried-index.md).
Whatever it holds is data: a file whose tables are not exactly those below is refused. The last four bytes, behind the
database, are the CRC-32 of all before them: a row that damage hides would otherwise be missed in silence.
"""

import itertools
import mmap
import sqlite3
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ksrcfind.errors import KsrcfindError
from ksrcfind.index.postings import Lists, postings
from ksrcfind.index.store import live_bits
from ksrcfind.source.message import Message
from ksrcfind.source.printed import PrintedLine, all_origin_names, all_printed_lines, printed_lines

APPLICATION_ID = 0x6B737266
"""`ksrf`, in the header of the file."""

FORMAT = 3
"""Version of the format; other ones are refused."""

_TABLES = (
    "CREATE TABLE about (data BLOB)",
    "CREATE TABLE units (first INTEGER PRIMARY KEY, count INTEGER, path TEXT UNIQUE, data BLOB)",
    "CREATE TABLE words (word TEXT PRIMARY KEY, containing BLOB, anchored BLOB, marks BLOB) WITHOUT ROWID",
    "CREATE TABLE extras (name TEXT PRIMARY KEY, data BLOB)",
)
_HEADER = 100  # bytes of SQLite's own header, https://www.sqlite.org/fileformat2.html
_CHECKSUM = 4  # bytes, big-endian
_LARGEST = 1 << 28  # bytes that one value may have when it is unpacked
_UNITS_KEPT = 2048

REMEDY = "Make it anew: ksrcfind index --output FILE"

Units = Iterable[tuple[str, list[Message]]]
"""Path and messages of each file that has some, in order."""


class About(msgspec.Struct, frozen=True):
    """What a file was made of."""

    rev: str | None
    """As `TreeInfo` has it."""
    commit: str | None
    source: str
    tree: str
    """Name of the tree's directory."""
    made: str
    """Date, RFC 3339."""
    made_by: str
    """Version of ksrcfind."""
    messages: int
    history: bool
    """True if the history of the messages stands in it too."""


_message_list = msgspec.msgpack.Decoder(list[Message])
_about = msgspec.msgpack.Decoder(About)
_encoder = msgspec.msgpack.Encoder()


def write_carried(path: Path, about: About, units: Units, extras: Iterable[tuple[str, bytes]]) -> None:
    """Write a file, whole or not at all."""
    half = path.with_name(path.name + ".part")
    half.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(half, isolation_level=None)
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            for table in _TABLES:
                connection.execute(table)
            connection.execute("INSERT INTO about VALUES (?)", (_pack(_encoder.encode(about)),))
            _write_messages(connection, units)
            connection.executemany("INSERT INTO extras VALUES (?, ?)", ((name, _pack(data)) for name, data in extras))
            connection.execute("COMMIT")
            connection.execute("VACUUM")
        finally:
            connection.close()
        with half.open("r+b") as file:
            checksum = _checksum(file.fileno())
            file.seek(0, 2)
            file.write(checksum)
        half.replace(path)
    except (OSError, sqlite3.OperationalError) as error:
        raise KsrcfindError(f"cannot write {path}: {error}", "Name a file on a disk with room for it.") from error
    finally:
        half.unlink(missing_ok=True)


def _write_messages(connection: sqlite3.Connection, units: Units) -> None:
    words: list[list[str]] = []
    origins: dict[int, list[str]] = {}
    first = 1
    for path, messages in units:
        words += [[line.words for line in lines] for lines in all_printed_lines(messages)]
        origins[first] = all_origin_names(messages)
        packed = _pack(_encoder.encode(messages))
        connection.execute("INSERT INTO units VALUES (?, ?, ?, ?)", (first, len(messages), path, packed))
        first += len(messages)
    connection.executemany(
        "INSERT INTO words VALUES (?, ?, ?, ?)",
        (
            (word, _pack_numbers(containing), _pack_numbers(anchored), _pack(marks))
            for word, _segment, containing, anchored, marks in postings(words, origins, 1, 0)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Unit:
    first: int
    messages: list[Message]


class CarriedIndex:
    """Reads such a file; offers what `RevisionIndex` asks of a store."""

    def __init__(self, path: Path) -> None:
        """Open a file. Raises `KsrcfindError`: not there, not such a file, of another format, damaged."""
        self.path = path
        _check_header(path)
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            with self._reading():
                for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
                    self._connection.execute(f"PRAGMA {setting}")
                self._check_tables()
                self.about: About = _about.decode(_unpack(self._one("SELECT data FROM about")))
        except KsrcfindError:
            self.close()
            raise
        self._unit = lru_cache(maxsize=_UNITS_KEPT)(self._load_unit)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _check_tables(self) -> None:
        tables = self._connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        if sorted(sql for (sql,) in tables) != sorted(_TABLES):
            raise KsrcfindError(f"{self.path} is no index of ksrcfind: it has other tables", REMEDY)

    def live(self, _key: str) -> tuple[bytes, int]:
        """All messages are of the one revision: their bit set, and how many they are."""
        return live_bits([(1, self.about.messages)]), self.about.messages

    def word(self, word: str) -> list[Lists]:
        """What is kept of a word."""
        query = "SELECT containing, anchored, marks FROM words WHERE word = ?"
        with self._reading():
            row = self._connection.execute(query, (word,)).fetchone()
            if row is None:
                return []
            containing, anchored, marks = _unpack_numbers(row[0]), _unpack_numbers(row[1]), _unpack(row[2])
            if len(anchored) != 2 * len(marks):
                raise ValueError("lists that belong together differ in length")
            return [(containing, anchored, marks)]

    def message(self, number: int) -> Message:
        """One message. Raises `KeyError`."""
        messages, place = self._found(number)
        return messages[place]

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Messages with the lines that they print."""
        return ((number, tuple(printed_lines(*self._found(number)))) for number in numbers)

    def messages(self, first: int, count: int) -> list[Message]:
        """Messages of one file, as `spans_of` tells them."""
        return self._unit(first).messages[:count]

    def spans_of(self, path: str) -> list[tuple[int, int]]:
        """Id of the first message of a file and their count."""
        with self._reading():
            return self._connection.execute("SELECT first, count FROM units WHERE path = ?", (path,)).fetchall()

    def paths(self) -> list[str]:
        """Every file that has messages, sorted."""
        with self._reading():
            return [path for (path,) in self._connection.execute("SELECT path FROM units ORDER BY path")]

    def further(self, name: str) -> bytes | None:
        """What else is kept under a name."""
        with self._reading():
            row = self._connection.execute("SELECT data FROM extras WHERE name = ?", (name,)).fetchone()
            return _unpack(row[0]) if row else None

    def _found(self, number: int) -> tuple[list[Message], int]:
        """Return the messages of a file, and which of them one is. Raises `KeyError`."""
        first = self._first_of(number)
        messages = self._unit(first).messages
        if not 0 <= number - first < len(messages):
            raise KeyError(number)
        return messages, number - first

    def _first_of(self, number: int) -> int:
        with self._reading():
            row = self._connection.execute("SELECT max(first) FROM units WHERE first <= ?", (number,)).fetchone()
        if row[0] is None:
            raise KeyError(number)
        return int(row[0])

    def _load_unit(self, first: int) -> _Unit:
        with self._reading():
            return _Unit(
                first, _message_list.decode(_unpack(self._one("SELECT data FROM units WHERE first = ?", first)))
            )

    def _one(self, query: str, *values: object) -> bytes:
        row: Any = self._connection.execute(query, values).fetchone()
        if row is None:
            raise ValueError("a row is missing")
        return bytes(row[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say of whatever goes wrong that the file is damaged."""
        try:
            yield
        except (sqlite3.Error, zlib.error, msgspec.MsgspecError, ValueError, TypeError) as error:
            raise KsrcfindError(f"{self.path} is damaged: {error}", REMEDY) from error


def _check_header(path: Path) -> None:
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
            size = path.stat().st_size
            whole = size > _HEADER and _checksum(file.fileno(), size - _CHECKSUM) == _tail(file)
    except OSError as error:
        raise KsrcfindError(f"cannot read the index {path}: {error.strerror}", REMEDY) from error
    named = int.from_bytes(header[68:72], "big") == APPLICATION_ID
    if not header.startswith(b"SQLite format 3\0") or len(header) < _HEADER or not named:
        raise KsrcfindError(f"{path} is no index of ksrcfind", REMEDY)
    version = int.from_bytes(header[60:64], "big")
    if version != FORMAT:
        age = "an older" if version < FORMAT else "a newer"
        raise KsrcfindError(f"{path} is of {age} format ({version}, not {FORMAT})", REMEDY)
    if not whole:
        raise KsrcfindError(f"{path} is damaged: its checksum is wrong", REMEDY)


def _checksum(file: int, size: int = 0) -> bytes:
    """Return the checksum of the first bytes of an open file, 0 for all."""
    with mmap.mmap(file, size, access=mmap.ACCESS_READ) as content:
        return zlib.crc32(content).to_bytes(_CHECKSUM, "big")


def _tail(file: BinaryIO) -> bytes:
    file.seek(-_CHECKSUM, 2)
    return file.read()


def _pack(data: bytes) -> bytes:
    return zlib.compress(data, 9)


def _unpack(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, _LARGEST)
    if not unpacker.eof:
        raise ValueError("a value is cut off, or too large")
    return unpacked


def _pack_numbers(data: bytes) -> bytes:
    """Pack ascending numbers as their differences, which compress well."""
    numbers = array("I")
    numbers.frombytes(data)
    steps = array("I", (after - before for before, after in itertools.pairwise([0, *numbers])))
    return _pack(steps.tobytes())


def _unpack_numbers(data: bytes) -> bytes:
    steps = array("I")
    steps.frombytes(_unpack(data))
    return array("I", itertools.accumulate(steps)).tobytes()
