"""The format of a bundle, a read-only, compressed index in one file, and its reader (docs/bundle.md).

A bundle is an SQLite database with its own application id and format version. The last four bytes, after the database,
are the CRC-32 of everything before them: without it, a damaged page could hide rows unnoticed.

A bundle is untrusted, and a checksum does not prove who wrote it. Other tables than those below are refused, and the
reader checks the type, size and references of every value before use. For every input, it returns an answer or raises
one `KsrcfindError`, with memory bounded by the size of the file.
"""

import itertools
import mmap
import sqlite3
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard, TypeVar

import msgspec

from ksrcfind.errors import KsrcfindError
from ksrcfind.history.trace import Request, wording_place
from ksrcfind.levels import CONTINUATION, LEVELS
from ksrcfind.source.message import Message
from ksrcfind.source.printed import PrintedLine, printed_lines
from ksrcfind.source.template import masked
from ksrcfind.storage.bits import live_bits
from ksrcfind.storage.postings import Lists
from ksrcfind.tree.maintainers import FILE as MAINTAINERS
from ksrcfind.tree.names import is_utf8
from ksrcfind.tree.versions import MAKEFILE

APPLICATION_ID = 0x6B737266
"""`ksrf`, in the header of the file."""

FORMAT = 3
"""Version of the format; the reader refuses other versions."""

TABLES = (
    "CREATE TABLE about (data BLOB)",
    "CREATE TABLE units (first INTEGER PRIMARY KEY, count INTEGER, path TEXT UNIQUE, data BLOB)",
    "CREATE TABLE words (word TEXT PRIMARY KEY, containing BLOB, anchored BLOB, marks BLOB) WITHOUT ROWID",
    "CREATE TABLE extras (name TEXT PRIMARY KEY, data BLOB)",
)
_HEADER = 100  # bytes of SQLite's own header, https://www.sqlite.org/fileformat2.html
CHECKSUM = 4
"""Bytes of the checksum, big-endian."""
# Limits for one unpacked value. In the bundle of Linux 6.1 the largest value has 5 MB; the messages of a file have
# 250 kB and compress to no less than a 37th. Only a decompression bomb compresses more.
_LARGEST = 1 << 24  # bytes
SMALL = 1 << 16  # bytes that are always accepted
SHRINKS = 200  # unpacked bytes for each stored byte
_NUMBERS = 16  # numbers of a list for each message of the bundle
_UNITS_KEPT = 1 << 25  # unpacked bytes in the cache; as objects they take about six times as much memory
_LAST_LINE = 10**9

REMEDY = "Rebuild it with: ksrcfind index --output FILE"

MESSAGE_LEVELS = frozenset((*LEVELS, CONTINUATION, None))
"""Valid values of `Message.level`."""

SOURCES = frozenset(("git", "checkout", "files"))
"""Valid values of `About.source`."""

BUNDLED_FILES = {MAINTAINERS: 10**9, MAKEFILE: 20}
"""Files of the tree in a bundle → the number of their first lines that it holds."""

PLACE_CALLS = "place-calls"
"""The key in `extras` of the calls that print their own location, by file."""

_Kept = TypeVar("_Kept")


class About(msgspec.Struct, frozen=True):
    """What a bundle was made from."""

    rev: str | None
    """Like `TreeInfo.rev`."""
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
    """True if the bundle holds the history of its messages."""
    skipped: tuple[str, ...] = ()
    """Names of files of the tree that were omitted because they are not UTF-8, escaped."""


_message_list = msgspec.msgpack.Decoder(list[Message])
_about = msgspec.msgpack.Decoder(About)


class Bundle:
    """Reads a bundle, with the interface that `RevisionIndex` needs."""

    def __init__(self, path: Path) -> None:
        """Open a bundle. Raises `KsrcfindError` if it is missing, damaged, another file or of another version."""
        self.path = path
        size = _check_header(path)
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST + SMALL)
        try:
            with self._reading():
                for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
                    self._connection.execute(f"PRAGMA {setting}")
                self._check_tables()
                self.about: About = self._read_about(size)
                self._units = _Units.of(self._connection.execute("SELECT first, count, path FROM units ORDER BY first"))
                if self._units.messages != self.about.messages:
                    raise ValueError(f"it holds {self._units.messages} messages, not {self.about.messages}")
        except KsrcfindError:
            self.close()
            raise
        self._kept: OrderedDict[int, tuple[list[Message], int]] = OrderedDict()
        """The last used messages of files with their unpacked size, by the number of the first message."""
        self._kept_bytes = 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _check_tables(self) -> None:
        tables = self._connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        found = [sql for (sql,) in tables.fetchmany(len(TABLES) + 1)]
        if len(found) != len(TABLES) or set(found) != set(TABLES):
            raise ValueError("it has other tables")

    def _read_about(self, size: int) -> About:
        about = _about.decode(self._unpacked(self._one("SELECT data FROM about")))
        if about.source not in SOURCES or not 0 <= about.messages <= size:
            raise ValueError("its description is invalid")
        return about

    @property
    def live(self) -> bytes:
        """Bitmap of the messages."""
        return live_bits([(1, self.size)])

    @property
    def order(self) -> Sequence[tuple[int, int]]:
        """None: messages are numbered by the paths of their files."""
        return ()

    @property
    def size(self) -> int:
        """Number of messages."""
        return self.about.messages

    def word(self, word: str) -> list[Lists]:
        """Return the lists of a word; none for an unknown word."""
        query = "SELECT containing, anchored, marks FROM words WHERE word = ?"
        with self._reading():
            row = self._connection.execute(query, (word,)).fetchone()
            if row is None:
                return []
            limit = SMALL + 4 * _NUMBERS * self.about.messages
            steps, anchored, marks = (_unpack(one, limit) for one in row)
            containing = self._numbers(steps, twice=False)
            anchored = self._numbers(anchored, twice=True)
            if len(anchored) != 2 * len(marks):
                raise ValueError("lists that belong together differ in length")
            return [(containing, anchored, marks)]

    def _numbers(self, data: bytes, *, twice: bool) -> bytes:
        """Return ascending message numbers from their differences; `twice` permits repeated numbers."""
        steps = array("I")
        steps.frombytes(data)
        if steps and (steps[0] < 1 or sum(steps) > self.about.messages or (not twice and min(steps) < 1)):
            raise ValueError("a list has invalid message numbers")
        return array("I", itertools.accumulate(steps)).tobytes()

    def message(self, number: int) -> Message:
        """Return one message. Raises `KeyError`."""
        messages, place = self._found(number)
        return messages[place]

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Return messages by number, with the lines that they print."""
        return ((number, tuple(printed_lines(*self._found(number)))) for number in numbers)

    def messages(self, first: int, count: int) -> list[Message]:
        """Return the messages of one file, given the numbers from `spans_of`."""
        return self._unit(first)[:count]

    def spans_of(self, path: str) -> list[tuple[int, int]]:
        """Return the number of a file's first message and the count of its messages."""
        place = self._units.places.get(path)
        return [] if place is None else [(self._units.firsts[place], self._units.count(place))]

    def paths(self) -> list[str]:
        """Return every file that has messages, sorted."""
        return sorted(self._units.places)

    def decoded(self, name: str, decoder: "msgspec.json.Decoder[_Kept]") -> _Kept | None:
        """Return the decoded JSON that `extras` holds under a name; None if there is none."""
        data = self.further(name)
        if data is None:
            return None
        with self._reading():
            return decoder.decode(data)

    def further(self, name: str) -> bytes | None:
        """Return the bytes that `extras` holds under a name; None if there are none."""
        if not is_utf8(name):
            return None
        with self._reading():
            row = self._connection.execute("SELECT data FROM extras WHERE name = ?", (name,)).fetchone()
            return self._unpacked(row[0]) if row else None

    def unusable(self, why: object) -> KsrcfindError:
        """Return the error for invalid content of the file."""
        return _unusable(self.path, f"it is damaged: {why}")

    def _found(self, number: int) -> tuple[list[Message], int]:
        """Return the messages of a message's file and its position among them. Raises `KeyError`."""
        if not 1 <= number <= self.about.messages:
            raise KeyError(number)
        first = self._units.firsts[bisect_right(self._units.firsts, number) - 1]
        return self._unit(first), number - first

    def _unit(self, first: int) -> list[Message]:
        """Return the messages of a file by the number of its first message."""
        kept = self._kept.get(first)
        if kept is not None:
            self._kept.move_to_end(first)
            return kept[0]
        with self._reading():
            data = self._unpacked(self._one("SELECT data FROM units WHERE first = ?", first))
            messages = _message_list.decode(data)
            place = bisect_left(self._units.firsts, first)
            _check_messages(messages, self._units.paths[place], self._units.count(place))
        self._kept[first] = messages, len(data)
        self._kept_bytes += len(data)
        while self._kept_bytes > _UNITS_KEPT and len(self._kept) > 1:
            self._kept_bytes -= self._kept.popitem(last=False)[1][1]
        return messages

    def _one(self, query: str, *values: object) -> object:
        row: Any = self._connection.execute(query, values).fetchone()
        if row is None:
            raise ValueError("a row is missing")
        return row[0]

    @staticmethod
    def _unpacked(data: object) -> bytes:
        return _unpack(data, SMALL + SHRINKS * len(data) if isinstance(data, bytes) else 0)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn every error of reading into the error that the file is damaged."""
        try:
            yield
        except (
            sqlite3.Error,
            zlib.error,
            msgspec.MsgspecError,
            ValueError,
            TypeError,
            OverflowError,
            RecursionError,
        ) as error:
            raise self.unusable(error) from error


@dataclass(frozen=True, slots=True)
class _Units:
    """The files and the numbers of their messages."""

    firsts: Sequence[int]
    """Number of the first message of each file, ascending."""
    paths: Sequence[str]
    """Path of each file."""
    places: Mapping[str, int]
    """Path → position in both."""
    messages: int
    """Number of messages of all files."""

    @classmethod
    def of(cls, rows: Iterable[tuple[object, object, object]]) -> "_Units":
        """Read the rows of the table. Raises `ValueError` unless they number all messages without a gap."""
        firsts, paths, following = array("Q"), [], 1
        for first, count, path in rows:
            if first != following or not isinstance(count, int) or count < 1 or not _is_path(path):
                raise ValueError("its files do not number their messages one by one")
            firsts.append(following)
            paths.append(path)
            following += count
        places = {path: place for place, path in enumerate(paths)}
        if len(places) != len(paths):
            raise ValueError("it lists a file twice")
        return cls(firsts, paths, places, following - 1)

    def count(self, place: int) -> int:
        """Return how many messages a file has."""
        following = self.firsts[place + 1] if place + 1 < len(self.firsts) else self.messages + 1
        return following - self.firsts[place]


def history_name(request: Request) -> str:
    """Return the key in `extras` of a message's history."""
    path, line = wording_place(request)
    return f"story:{path}:{line}"


def _is_path(path: object) -> TypeGuard[str]:
    """Return True if a value is the path of a file inside a tree."""
    return isinstance(path, str) and "\0" not in path and not {"", ".", ".."} & {*path.split("/")}


def _check_messages(messages: Sequence[Message], path: str, count: int) -> None:
    """Raise `ValueError` unless a linker could make these messages of a file."""
    if len(messages) != count:
        raise ValueError(f"{path} has {len(messages)} messages, not {count}")
    for message in messages:
        if not (
            message.path == path
            and 1 <= message.line_start <= message.line_end <= _LAST_LINE
            and message.level in MESSAGE_LEVELS
            and message.forms
            and all(len(form.arguments) == masked(form.printed)[1] for form in message.forms)
            and all(1 <= line.line <= _LAST_LINE and _is_path(line.path) for line in message.text_lines)
            and (message.defined_at is None or _is_path(message.defined_at.path))
        ):
            raise ValueError(f"a message of {path} is invalid")


def _check_header(path: Path) -> int:
    """Return the size of the database in a file. Raises `KsrcfindError` if the file is not a complete bundle."""
    try:
        if path.exists() and not path.is_file():  # A pipe or device might never end.
            raise _unusable(path, "it is not a regular file")
        with path.open("rb") as file:
            header = file.read(_HEADER)
            size = path.stat().st_size
            whole = size > _HEADER and checksum_of(file.fileno(), size - CHECKSUM) == _tail(file)
    except OSError as error:
        raise KsrcfindError(f"cannot read the bundle {path}: {error.strerror}", REMEDY) from error
    named = int.from_bytes(header[68:72], "big") == APPLICATION_ID
    if not header.startswith(b"SQLite format 3\0") or len(header) < _HEADER or not named:
        raise _unusable(path, "it is another file")
    version = int.from_bytes(header[60:64], "big")
    if version != FORMAT:
        age = "an older" if version < FORMAT else "a newer"
        raise _unusable(path, f"it has {age} format ({version}, not {FORMAT})")
    if not whole:
        raise _unusable(path, "it is damaged: its checksum is wrong")
    return size - CHECKSUM


def _unusable(path: Path, why: str) -> KsrcfindError:
    return KsrcfindError(f"{path} is not a usable ksrcfind bundle: {why}", REMEDY)


def checksum_of(file: int, size: int = 0) -> bytes:
    """Return the checksum of the first bytes of an open file, 0 for all."""
    with mmap.mmap(file, size, access=mmap.ACCESS_READ) as content:
        return zlib.crc32(content).to_bytes(CHECKSUM, "big")


def _tail(file: BinaryIO) -> bytes:
    file.seek(-CHECKSUM, 2)
    return file.read()


def _unpack(data: object, limit: int) -> bytes:
    """Return an unpacked value. Raises `ValueError` if it is not a packed value, or larger than a limit."""
    if not isinstance(data, bytes):
        raise ValueError("a value has another type")  # noqa: TRY004 - the data is wrong, not the call
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, min(limit, _LARGEST))
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("a value is cut off, or too large")
    return unpacked
