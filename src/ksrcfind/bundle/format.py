"""A bundle: one read-only, compressed file that answers for a revision without tree and git.

It is an SQLite database that is told apart by its application id and the version of its format (docs/carried-index.md).
The last four bytes, behind the database, are the CRC-32 of all before them: a row that damage hides would otherwise be
missed in silence.

A bundle comes from somebody else, and a checksum proves nothing about who wrote it. So nothing in it is believed:
tables other than those below are refused, and every value is checked for its type, its size and what it refers to
before it is used. Whatever the file holds, the reader gets an answer or one `KsrcfindError`, in memory that is bounded
by the size of the file.
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
"""Version of the format; other ones are refused."""

TABLES = (
    "CREATE TABLE about (data BLOB)",
    "CREATE TABLE units (first INTEGER PRIMARY KEY, count INTEGER, path TEXT UNIQUE, data BLOB)",
    "CREATE TABLE words (word TEXT PRIMARY KEY, containing BLOB, anchored BLOB, marks BLOB) WITHOUT ROWID",
    "CREATE TABLE extras (name TEXT PRIMARY KEY, data BLOB)",
)
_HEADER = 100  # bytes of SQLite's own header, https://www.sqlite.org/fileformat2.html
CHECKSUM = 4
"""Bytes of the checksum, big-endian."""
# What one value may have when it is unpacked. In the bundle of Linux 6.1 the largest has 5 MB, the messages of a file
# have 250 kB and shrink to a 37th at most; only a bomb shrinks more.
_LARGEST = 1 << 24  # bytes
SMALL = 1 << 16  # bytes that need no further reason
SHRINKS = 200  # bytes for each byte that is stored
_NUMBERS = 16  # numbers of a list for each message of the bundle
_UNITS_KEPT = 1 << 25  # bytes, unpacked; what they become in memory takes about six times as much
_LAST_LINE = 10**9

REMEDY = "Rebuild it with: ksrcfind index --output FILE"

MESSAGE_LEVELS = frozenset((*LEVELS, CONTINUATION, None))
"""What `Message.level` may be."""

SOURCES = frozenset(("git", "checkout", "files"))
"""What `About.source` may be."""

BUNDLED_FILES = {MAINTAINERS: 10**9, MAKEFILE: 20}
"""Files of the tree that a bundle holds: how many of their first lines."""

PLACE_CALLS = "place-calls"
"""Name of what tells the calls of each file that tell their own place."""

_Kept = TypeVar("_Kept")


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
    skipped: tuple[str, ...] = ()
    """Names of files of the tree that were left out because they are not UTF-8, escaped."""


_message_list = msgspec.msgpack.Decoder(list[Message])
_about = msgspec.msgpack.Decoder(About)


class Bundle:
    """Reads such a file; offers what `RevisionIndex` asks of a store."""

    def __init__(self, path: Path) -> None:
        """Open a file. Raises `KsrcfindError`: not there, not such a file, of another format, damaged."""
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
        """Messages of files that were asked for last, by the number of the first, with their unpacked size."""
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
            raise ValueError("what it says of itself cannot be")
        return about

    @property
    def live(self) -> bytes:
        """Bit set of the messages."""
        return live_bits([(1, self.size)])

    @property
    def size(self) -> int:
        """Messages in all."""
        return self.about.messages

    def word(self, word: str) -> list[Lists]:
        """What is kept of a word."""
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
        """Return ascending numbers of messages from their steps; `twice` allows for a number that is repeated."""
        steps = array("I")
        steps.frombytes(data)
        if steps and (steps[0] < 1 or sum(steps) > self.about.messages or (not twice and min(steps) < 1)):
            raise ValueError("a list has numbers that no message has")
        return array("I", itertools.accumulate(steps)).tobytes()

    def message(self, number: int) -> Message:
        """One message. Raises `KeyError`."""
        messages, place = self._found(number)
        return messages[place]

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Messages with the lines that they print."""
        return ((number, tuple(printed_lines(*self._found(number)))) for number in numbers)

    def messages(self, first: int, count: int) -> list[Message]:
        """Messages of one file, as `spans_of` tells them."""
        return self._unit(first)[:count]

    def spans_of(self, path: str) -> list[tuple[int, int]]:
        """Id of the first message of a file and their count."""
        place = self._units.places.get(path)
        return [] if place is None else [(self._units.firsts[place], self._units.count(place))]

    def paths(self) -> list[str]:
        """Every file that has messages, sorted."""
        return sorted(self._units.places)

    def decoded(self, name: str, decoder: "msgspec.json.Decoder[_Kept]") -> _Kept | None:
        """What else is kept under a name, in JSON."""
        data = self.further(name)
        if data is None:
            return None
        with self._reading():
            return decoder.decode(data)

    def further(self, name: str) -> bytes | None:
        """What else is kept under a name."""
        if not is_utf8(name):
            return None
        with self._reading():
            row = self._connection.execute("SELECT data FROM extras WHERE name = ?", (name,)).fetchone()
            return self._unpacked(row[0]) if row else None

    def unusable(self, why: object) -> KsrcfindError:
        """Return the error for something in the file that cannot be."""
        return _unusable(self.path, f"it is damaged: {why}")

    def _found(self, number: int) -> tuple[list[Message], int]:
        """Return the messages of a file, and which of them one is. Raises `KeyError`."""
        if not 1 <= number <= self.about.messages:
            raise KeyError(number)
        first = self._units.firsts[bisect_right(self._units.firsts, number) - 1]
        return self._unit(first), number - first

    def _unit(self, first: int) -> list[Message]:
        """Return the messages of the file whose first one has a number."""
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
        """Say of whatever goes wrong that the file is damaged."""
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
    """Which files have which messages."""

    firsts: Sequence[int]
    """Number of the first message of each file, ascending."""
    paths: Sequence[str]
    """Path of each file."""
    places: Mapping[str, int]
    """Path → position in both."""
    messages: int
    """Of all files."""

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
            raise ValueError("a file stands in it twice")
        return cls(firsts, paths, places, following - 1)

    def count(self, place: int) -> int:
        """Return how many messages a file has."""
        following = self.firsts[place + 1] if place + 1 < len(self.firsts) else self.messages + 1
        return following - self.firsts[place]


def story_name(request: Request) -> str:
    """Return the name under which the history of a message is kept."""
    path, line = wording_place(request)
    return f"story:{path}:{line}"


def _is_path(path: object) -> TypeGuard[str]:
    """Tell whether something is the path of a file inside a tree."""
    return isinstance(path, str) and "\0" not in path and not {"", ".", ".."} & {*path.split("/")}


def _check_messages(messages: Sequence[Message], path: str, count: int) -> None:
    """Raise `ValueError` unless messages are what a linker would make of a file."""
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
            raise ValueError(f"a message of {path} cannot be")


def _check_header(path: Path) -> int:
    """Return the size of the database in a file. Raises `KsrcfindError` if it is not a whole bundle."""
    try:
        if path.exists() and not path.is_file():  # A pipe or device might never end.
            raise _unusable(path, "it is no regular file")
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
        raise _unusable(path, f"it is of {age} format ({version}, not {FORMAT})")
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
    """Return what was packed. Raises `ValueError` if it is no packed value, or larger than a limit."""
    if not isinstance(data, bytes):
        raise ValueError("a value is of another type")  # noqa: TRY004 - it is wrong data, not a wrong call
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, min(limit, _LARGEST))
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("a value is cut off, or too large")
    return unpacked
