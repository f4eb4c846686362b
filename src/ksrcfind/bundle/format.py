"""The file format of a bundle (a read-only, compressed index in one file; docs/bundle.md), and the bundle's reader.

A bundle is an SQLite database with its own application id and format version. The file's last four bytes, after the
database, are the CRC-32 of all bytes before them: without a checksum, a damaged page could hide rows unnoticed.

A bundle is untrusted, and a checksum does not prove who wrote it. The reader refuses a file with other tables than
`TABLES`, and checks the type, size and references of every value before use. For every file, the reader returns an
answer or raises `KsrcfindError`, and its memory is bounded by the size of the file.
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
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard, TypeVar

import msgspec
from msgspec import Struct

from ksrcfind.bundle.code import Code, File, unpack
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.request import Request, wording_place
from ksrcfind.levels import CONTINUATION, LEVELS
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import PrintedLine, printed_lines
from ksrcfind.source.template import masked
from ksrcfind.storage.bits import live_bits
from ksrcfind.storage.postings import Lists
from ksrcfind.tree.maintainers import FILE as MAINTAINERS
from ksrcfind.tree.names import is_utf8
from ksrcfind.tree.versions import MAKEFILE

APPLICATION_ID = 0x6B737266
"""SQLite's application id of a bundle, in the header of the file: the letters `ksrf`."""

FORMAT = 3
"""Version of the file format. The reader refuses files of other versions."""

TABLES = (
    "CREATE TABLE about (data BLOB)",
    "CREATE TABLE units (first INTEGER PRIMARY KEY, count INTEGER, path TEXT UNIQUE, data BLOB)",
    "CREATE TABLE words (word TEXT PRIMARY KEY, containing BLOB, anchored BLOB, marks BLOB) WITHOUT ROWID",
    "CREATE TABLE extras (name TEXT PRIMARY KEY, data BLOB)",
)
START = b"SQLite format 3\0"
"""The first bytes of every bundle, as of every SQLite database."""
HEADER = 100
"""Bytes of SQLite's own header, https://www.sqlite.org/fileformat2.html."""
CHECKSUM = 4
"""Size of the checksum in bytes. It is stored big-endian."""
# Limits for one unpacked value. In the bundle of Linux 6.1, the largest value has 5 MB. The messages of a file have at
# most 250 kB and compress to a 37th of that at best. Only a decompression bomb compresses much more than that.
_LARGEST = 1 << 24  # most unpacked bytes of a value
SMALL = 1 << 16  # unpacked bytes; values up to this size may be compressed by any factor
SHRINKS = 200  # most unpacked bytes for each stored byte of a larger value
_NUMBERS = 16  # most numbers in a posting list for each message of the bundle
_UNITS_KEPT = 1 << 25  # unpacked bytes in the cache; as objects they take about six times as much memory
_LAST_LINE = 10**9

REMEDY = "Rebuild it with: ksrcfind index --output FILE"

MESSAGE_LEVELS = frozenset((*LEVELS, CONTINUATION, None))
"""Valid values of `Message.level`."""

SOURCES = frozenset(("git", "checkout", "files"))
"""Valid values of `About.source`."""

BUNDLED_FILES = {MAINTAINERS: 10**9, MAKEFILE: 20}
"""Path of a file of the tree that a bundle contains → number of its first lines that the bundle contains."""

PLACE_CALLS = "place-calls"
"""The key in the table `extras` of the calls that print their own source location, grouped by file."""

CODE = "code"
"""The key in the table `extras` of the first path of each block of code. A block has the key `code:NUMBER`, from 0."""

_Kept = TypeVar("_Kept")


class About(msgspec.Struct, frozen=True):
    """The description of a bundle: the tree from which it was made, when, and what it contains."""

    rev: str | None
    """Name of the revision, as in `TreeInfo.rev`."""
    commit: str | None
    source: str
    tree: str
    """Name of the tree's directory."""
    made: str
    """Date and time when the bundle was made, as in RFC 3339."""
    made_by: str
    """Version of ksrcfind that made the bundle."""
    messages: int
    history: bool
    """True if the bundle contains the histories of its messages."""
    skipped: tuple[str, ...] = ()
    """Escaped names of the tree's files that were omitted because their names are not UTF-8."""
    code: bool = False
    """True if the bundle contains the functions that print its messages."""


_message_list = msgspec.msgpack.Decoder(list[Message])
_about = msgspec.msgpack.Decoder(About)
_first_paths = msgspec.json.Decoder(list[str])


class Bundle:
    """Reads a bundle; implements `search.revision_index.MessageStore`."""

    def __init__(self, path: Path) -> None:
        """Open the bundle at a path.

        Raises `KsrcfindError` if the file is missing, is damaged, is not a bundle, or has another format version.
        """
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
        """A cache: number of a source file's first message → (the file's messages, their unpacked size in bytes)."""
        self._kept_bytes = 0

    def close(self) -> None:
        """Close the bundle's file."""
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
        """The bit set of the numbers of all messages."""
        return live_bits([(1, self.size)])

    @property
    def order(self) -> Sequence[tuple[int, int]]:
        """Empty: the message numbers of a bundle already ascend with the paths of the files."""
        return ()

    @property
    def size(self) -> int:
        """Number of messages."""
        return self.about.messages

    def word(self, word: str) -> list[Lists]:
        """Return the posting lists of a word, in a list of one entry. Empty if no message contains the word."""
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
        """Return ascending message numbers, which are stored as their differences.

        `twice` permits repeated numbers.
        """
        steps = array("I")
        steps.frombytes(data)
        if steps and (steps[0] < 1 or sum(steps) > self.about.messages or (not twice and min(steps) < 1)):
            raise ValueError("a list has invalid message numbers")
        return array("I", itertools.accumulate(steps)).tobytes()

    def message(self, number: int) -> Message:
        """Return the message with a number. Raises `KeyError` if the bundle does not have it."""
        messages, place = self._found(number)
        return messages[place]

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Return (number, lines that the message prints) for each of the `numbers`, in the same order."""
        return ((number, tuple(printed_lines(*self._found(number)))) for number in numbers)

    def messages(self, first: int, count: int) -> list[Message]:
        """Return the messages of one source file, whose numbers `first` and `count` are a result of `spans_of`."""
        return self._unit(first)[:count]

    def spans_of(self, path: str) -> list[tuple[int, int]]:
        """Return (number of the first message, count) of a source file, in a list of one entry. Empty without it."""
        place = self._units.places.get(path)
        return [] if place is None else [(self._units.firsts[place], self._units.count(place))]

    def paths(self) -> list[str]:
        """Return the paths of all files that have messages, sorted."""
        return sorted(self._units.places)

    def decoded(self, name: str, decoder: "msgspec.json.Decoder[_Kept]") -> _Kept | None:
        """Return the decoded JSON value with a name in the table `extras`. None if there is no such name."""
        data = self.further(name)
        if data is None:
            return None
        with self._reading():
            return decoder.decode(data)

    def further(self, name: str) -> bytes | None:
        """Return the unpacked bytes with a name in the table `extras`. None if there is no such name."""
        if not is_utf8(name):
            return None
        with self._reading():
            row = self._connection.execute("SELECT data FROM extras WHERE name = ?", (name,)).fetchone()
            return self._unpacked(row[0]) if row else None

    @cached_property
    def code(self) -> Code | None:
        """The functions that print the messages. None if the bundle was made without."""
        first_paths = self.decoded(CODE, _first_paths) if self.about.code else None
        return Code(first_paths, self._code_block) if first_paths is not None else None

    def _code_block(self, number: int) -> tuple[File, ...]:
        data = self.further(f"{CODE}:{number}")
        if data is None:
            raise self.unusable("a block of code is missing")
        with self._reading():
            return unpack(data)

    def unusable(self, why: object) -> KsrcfindError:
        """Return the error for invalid content of the bundle. `why` describes the fault."""
        return _unusable(self.path, f"it is damaged: {why}")

    def _found(self, number: int) -> tuple[list[Message], int]:
        """Return (all messages of a source file, position of the message with `number` among these).

        Raises `KeyError` if the bundle does not have a message with this number.
        """
        if not 1 <= number <= self.about.messages:
            raise KeyError(number)
        first = self._units.firsts[bisect_right(self._units.firsts, number) - 1]
        return self._unit(first), number - first

    def _unit(self, first: int) -> list[Message]:
        """Return the messages of the source file whose first message has the number `first`."""
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
        """Turn every error of the `with` block into a `KsrcfindError` that the bundle is damaged."""
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


class _Units(Struct, frozen=True):
    """The source files of a bundle, with the numbers of the messages of each file."""

    firsts: Sequence[int]
    """For each file, the number of its first message, ascending."""
    paths: Sequence[str]
    """For each file, its path."""
    places: Mapping[str, int]
    """Path → position of the file in `firsts` and `paths`."""
    messages: int
    """Number of messages of all files together."""

    @classmethod
    def of(cls, rows: Iterable[tuple[object, object, object]]) -> "_Units":
        """Read the rows (first number, count, path) of the table `units`.

        Raises `ValueError` unless the rows number all messages from 1 without a gap.
        """
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
        """Return how many messages the file at position `place` has."""
        following = self.firsts[place + 1] if place + 1 < len(self.firsts) else self.messages + 1
        return following - self.firsts[place]


def history_name(request: Request) -> str:
    """Return the key of a message's history in the table `extras`."""
    path, line = wording_place(request)
    return f"story:{path}:{line}"


def _is_path(path: object) -> TypeGuard[str]:
    """Return whether a value is a relative path that stays inside a tree."""
    return isinstance(path, str) and "\0" not in path and not {"", ".", ".."} & {*path.split("/")}


def _check_messages(messages: Sequence[Message], path: str, count: int) -> None:
    """Raise `ValueError` unless these are valid messages of the file `path`, as the linker makes them."""
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
    """Return the size in bytes of the database in a bundle's file, which is the size without the checksum.

    Raises `KsrcfindError` if the file is not a complete bundle of this format version.
    """
    try:
        if path.exists() and not path.is_file():  # A pipe or device might never end.
            raise _unusable(path, "it is not a regular file")
        with path.open("rb") as file:
            header = file.read(HEADER)
            size = path.stat().st_size
            whole = size > HEADER and checksum_of(file.fileno(), size - CHECKSUM) == _tail(file)
    except OSError as error:
        raise KsrcfindError(f"cannot read the bundle {path}: {error.strerror}", REMEDY) from error
    if not is_bundle(header):
        raise _unusable(path, "it is another file")
    version = int.from_bytes(header[60:64], "big")
    if version != FORMAT:
        age = "an older" if version < FORMAT else "a newer"
        raise _unusable(path, f"it has {age} format ({version}, not {FORMAT})")
    if not whole:
        raise _unusable(path, "it is damaged: its checksum is wrong")
    return size - CHECKSUM


def is_bundle(beginning: bytes) -> bool:
    """Return whether a file that begins with these bytes is a bundle, perhaps of another format or damaged."""
    header = beginning[:HEADER]
    named = int.from_bytes(header[68:72], "big") == APPLICATION_ID
    return len(header) == HEADER and header.startswith(START) and named


def _unusable(path: Path, why: str) -> KsrcfindError:
    return KsrcfindError(f"{path} is not a usable ksrcfind bundle: {why}", REMEDY)


def checksum_of(file: int, size: int = 0) -> bytes:
    """Return the checksum (CRC-32) of the first `size` bytes of an open file. With 0, of the whole file."""
    with mmap.mmap(file, size, access=mmap.ACCESS_READ) as content:
        return zlib.crc32(content).to_bytes(CHECKSUM, "big")


def _tail(file: BinaryIO) -> bytes:
    file.seek(-CHECKSUM, 2)
    return file.read()


def _unpack(data: object, limit: int) -> bytes:
    """Return the decompressed bytes of a stored value.

    Raises `ValueError` if the value is not compressed data, or has more than `limit` bytes.
    """
    if not isinstance(data, bytes):
        raise ValueError("a value has another type")  # noqa: TRY004 - the data is wrong, not the call
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, min(limit, _LARGEST))
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("a value is cut off, or too large")
    return unpacked
