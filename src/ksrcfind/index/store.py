"""The index on disk: one SQLite file for each tree, in the user's cache directory.

It holds facts by blob id, which stay true for ever; *units*, the messages of one file as linked in some revision; and
revisions, which are sets of units. Words lead to messages through posting lists, kept in segments: every build adds
one, so that a new revision costs what changed. Whatever is written is committed whole: a killed run leaves the facts
read so far and the revisions finished before.
"""

import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ksrcfind.errors import KsrcfindError
from ksrcfind.index.postings import Lists
from ksrcfind.index.sources import is_blob_id, is_makefile
from ksrcfind.source.facts import VERSION as FACTS_VERSION
from ksrcfind.source.facts import SourceFacts
from ksrcfind.source.message import Message
from ksrcfind.source.outline import Outline, outline
from ksrcfind.source.printed import PrintedLine
from ksrcfind.source.roots import VERSION as LINK_VERSION
from ksrcfind.tree.names import is_utf8

SCHEMA_VERSION = 8
"""Raised when the tables or what is in them change; an older file is made anew."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE facts (blob TEXT PRIMARY KEY, outline BLOB, data BLOB);
CREATE TABLE stats (path TEXT PRIMARY KEY, signature TEXT, blob TEXT) WITHOUT ROWID;
CREATE TABLE units (id INTEGER PRIMARY KEY, path TEXT, blob TEXT, consulted BLOB, first INTEGER, count INTEGER);
CREATE INDEX units_by_path ON units (path);
CREATE TABLE messages (id INTEGER PRIMARY KEY, data BLOB, lines BLOB);
CREATE TABLE words
  (word TEXT, segment INTEGER, containing BLOB, anchored BLOB, marks BLOB, PRIMARY KEY (word, segment)) WITHOUT ROWID;
CREATE TABLE revisions (key TEXT PRIMARY KEY, made REAL, state BLOB, live BLOB, size INTEGER) WITHOUT ROWID;
CREATE TABLE cache (name TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
"""

_BUSY_MS = 60_000
_PASSED_OVER = 3  # rows that are read in passing in less time than one is looked up


class RevisionState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything that the next build wants to know of a revision."""

    files: dict[str, str]
    """Path → content key of every source file and Makefile."""
    blobs: dict[str, str]
    """Path → blob id of every source file that was read."""
    units: dict[str, int]
    """Path → unit id, for files with messages or log calls."""
    modules: dict[str, str]
    """Path without suffix → module name."""
    may_log: list[str]
    roots: str
    """Which roots were used (a hash): with others, everything is linked anew."""
    recovered: int
    lost: int
    included: bytes = b""
    """What the files of `blobs` include, packed (`inclusion.pack`); empty if that was not kept."""


_outline_decoder = msgspec.msgpack.Decoder(Outline)
_facts_decoder = msgspec.msgpack.Decoder(SourceFacts)
_message_decoder = msgspec.msgpack.Decoder(Message)
_state_decoder = msgspec.msgpack.Decoder(RevisionState)
_lines_decoder = msgspec.msgpack.Decoder(tuple[PrintedLine, ...])
_encoder = msgspec.msgpack.Encoder()


class PackedFacts(NamedTuple):
    """Facts as they are stored, with the outline that follows from them."""

    outline: bytes
    facts: bytes


def pack_facts(facts: SourceFacts) -> PackedFacts:
    """Facts as they are stored."""
    return PackedFacts(*(_squeezed(_encoder.encode(part)) for part in (outline(facts), facts)))


_WORTH = 2000  # bytes from which on they are compressed: what is shorter hardly gets smaller


def _squeezed(data: bytes) -> bytes:
    return zlib.compress(data, 1) if len(data) >= _WORTH else data


def _expanded(data: bytes) -> bytes:
    # What zlib makes begins with an `x`, which no list in MessagePack does.
    return zlib.decompress(data) if data[:1] == b"x" else data


def unpack_facts(data: bytes) -> SourceFacts:
    """The facts that were packed."""
    return _facts_decoder.decode(_expanded(data))


def pack_message(message: Message) -> bytes:
    """A message as it is stored."""
    return _encoder.encode(message)


def pack_lines(lines: Sequence[PrintedLine]) -> bytes:
    """The lines of a message as they are stored."""
    return _encoder.encode(lines)


def store_path(cache_dir: Path, root: Path) -> Path:
    """File of the index for the tree at `root`."""
    resolved = str(root.resolve())
    digest = hashlib.sha256(resolved.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in Path(resolved).name)[:40]
    return cache_dir / f"{name}-{digest}.sqlite"


class Store:
    """One index file. Several processes may read it while one writes."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None, note: str | None = None) -> None:
        self._connection = connection
        self.path = path
        """None if it is kept in memory."""
        self.note = note
        """Why it is kept in memory, for people."""

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open or create an index; one that cannot be written is replaced by a fleeting one in memory, with a note."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            store = cls(_connect(path), path)
            store._prepare()
        except (sqlite3.OperationalError, OSError) as error:
            store = cls(sqlite3.connect(":memory:", isolation_level=None), None, f"{path} cannot be used ({error})")
            store._prepare()
        except sqlite3.DatabaseError:
            # Not a database, or damaged: what it held can be read from the tree again.
            for leftover in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
                leftover.unlink(missing_ok=True)
            store = cls(_connect(path), path)
            store._prepare()
        return store

    def _prepare(self) -> None:
        version = f"{SCHEMA_VERSION}.{FACTS_VERSION}"
        with self.writing():
            tables = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if ("meta",) in tables:
                row = self._connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
                if row is not None and row[0] == version:
                    return
            for (name,) in tables:
                self._connection.execute(f'DROP TABLE "{name}"')
            for statement in _TABLES.split(";"):
                self._connection.execute(statement)
            self._connection.execute("INSERT INTO meta VALUES ('version', ?)", (version,))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all of it or nothing. Waits for another writer."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "readonly" in str(error) or "read-only" in str(error):
                raise
            raise KsrcfindError(
                "another run is writing to the index", f"Wait for it to end, or remove {self.path}."
            ) from error
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # Facts

    def known_blobs(self) -> set[str]:
        """Ids of all blobs whose facts are kept."""
        return {row[0] for row in self._connection.execute("SELECT blob FROM facts")}

    def facts(self, blob: str) -> SourceFacts | None:
        """Facts of a blob, if they are kept."""
        row = self._connection.execute("SELECT data FROM facts WHERE blob = ?", (blob,)).fetchone()
        return unpack_facts(row[0]) if row else None

    def all_facts(self, blobs: Set[str]) -> Iterator[tuple[str, Outline, bytes]]:
        """Blob id, outline and packed facts of those of some blobs whose facts are kept."""
        one = self._connection.execute
        if len(blobs) > one("SELECT count(*) FROM facts").fetchone()[0] // _PASSED_OVER:
            rows = one("SELECT blob, outline, data FROM facts")
        else:
            wanted = json.dumps(list(blobs))
            rows = one(
                "SELECT blob, outline, data FROM facts WHERE blob IN (SELECT value FROM json_each(?))", (wanted,)
            )
        for blob, packed, facts in rows:
            if blob in blobs:
                yield blob, _outline_decoder.decode(_expanded(packed)), facts

    def add_facts(self, packed: Iterable[tuple[str, PackedFacts]], stats: Iterable[tuple[str, str, str]]) -> None:
        """Keep facts by blob id, and path, signature and blob id of files that only the disk knows."""
        with self.writing():
            self._connection.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", ((blob, *data) for blob, data in packed)
            )
            self._connection.executemany("INSERT OR REPLACE INTO stats VALUES (?, ?, ?)", stats)

    def stats(self) -> dict[tuple[str, str], str]:
        """(path, signature) → blob id."""
        return {(path, signature): blob for path, signature, blob in self._connection.execute("SELECT * FROM stats")}

    def stat_blob(self, path: str, signature: str) -> str | None:
        """Blob id of a file on disk, if its bytes were read when it had this signature."""
        row = self._connection.execute(
            "SELECT blob FROM stats WHERE path = ? AND signature = ?", (path, signature)
        ).fetchone()
        return row[0] if row else None

    # Revisions

    def revision(self, key: str) -> tuple[RevisionState, float] | None:
        """State of an indexed revision, and when it was indexed (seconds since the epoch)."""
        row = self._connection.execute("SELECT state, made FROM revisions WHERE key = ?", (key,)).fetchone()
        return (_whole(_state_decoder.decode(zlib.decompress(row[0]))), row[1]) if row else None

    def revision_keys(self) -> list[tuple[str, float]]:
        """Indexed revisions, the newest first."""
        return list(self._connection.execute("SELECT key, made FROM revisions ORDER BY made DESC"))

    def live(self, key: str) -> tuple[bytes, int] | None:
        """Bit set of the messages of a revision (bit `id & 7` of byte `id >> 3`), and how many they are."""
        row = self._connection.execute("SELECT live, size FROM revisions WHERE key = ?", (key,)).fetchone()
        return (zlib.decompress(row[0]), row[1]) if row else None

    def consulted(self, units: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Unit id and name hashes (32 bit each) that its linking consulted."""
        wanted = set(units)
        for unit, data in self._connection.execute("SELECT id, consulted FROM units"):
            if unit in wanted:
                yield unit, data

    def unit(self, number: int) -> tuple[str, bytes, list[tuple[bytes, bytes]]] | None:
        """Blob, hashes of the names consulted, and packed messages with their lines of a unit."""
        row = self._connection.execute("SELECT blob, consulted, first, count FROM units WHERE id = ?", (number,))
        for blob, consulted, first, count in row.fetchall():
            messages = self._connection.execute(
                "SELECT data, lines FROM messages WHERE id BETWEEN ? AND ? ORDER BY id", (first, first + count - 1)
            )
            return blob, consulted, messages.fetchall()
        return None

    def unit_ranges(self) -> dict[int, tuple[int, int]]:
        """Unit id → id of its first message and their count."""
        rows = self._connection.execute("SELECT id, first, count FROM units")
        return {unit: (first, count) for unit, first, count in rows}

    def next_ids(self) -> tuple[int, int, int]:
        """First free ids of units, messages and segments."""
        one = self._connection.execute
        return (
            (one("SELECT max(id) FROM units").fetchone()[0] or 0) + 1,
            (one("SELECT max(id) FROM messages").fetchone()[0] or 0) + 1,
            (one("SELECT value FROM meta WHERE name = 'segments'").fetchone() or (0,))[0] + 1,
        )

    def add_revision(
        self,
        key: str,
        state: RevisionState,
        live: bytes,
        size: int,
        units: Iterable[Sequence[object]],
        messages: Iterable[tuple[int, bytes, bytes]],
        words: Iterable[Sequence[object]],
        segment: int,
    ) -> None:
        """Write a revision with the units, messages and words that are new in it. Call it inside `writing`."""
        execute, many = self._connection.execute, self._connection.executemany
        told = {path: blob for path, blob in state.blobs.items() if state.files.get(path) != blob}
        encoded = _encoder.encode(msgspec.structs.replace(state, blobs=told))
        with ThreadPoolExecutor(1) as other:
            packed = other.submit(zlib.compress, encoded, 1)
            many("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?)", units)
            many("INSERT INTO messages VALUES (?, ?, ?)", messages)
            many("INSERT INTO words VALUES (?, ?, ?, ?, ?)", words)
        execute("INSERT OR REPLACE INTO meta VALUES ('segments', ?)", (segment,))
        execute(
            "INSERT OR REPLACE INTO revisions VALUES (?, ?, ?, ?, ?)",
            (key, time.time(), packed.result(), zlib.compress(live, 1), size),
        )

    # Search

    def word(self, word: str) -> list[Lists]:
        """What is kept of a word, in each segment."""
        return self._connection.execute(
            "SELECT containing, anchored, marks FROM words WHERE word = ? ORDER BY segment", (word,)
        ).fetchall()

    def message(self, number: int) -> Message:
        """One message. Raises `KeyError`."""
        row = self._connection.execute("SELECT data FROM messages WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise KeyError(number)
        return _message_decoder.decode(row[0])

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Messages with the lines that they print."""
        wanted = json.dumps(list(numbers))
        rows = self._connection.execute(
            "SELECT id, lines FROM messages WHERE id IN (SELECT value FROM json_each(?))", (wanted,)
        )
        return ((number, _lines_decoder.decode(lines)) for number, lines in rows.fetchall())

    def messages(self, first: int, count: int) -> list[Message]:
        """Messages with consecutive ids."""
        rows = self._connection.execute(
            "SELECT data FROM messages WHERE id BETWEEN ? AND ? ORDER BY id", (first, first + count - 1)
        )
        return [_message_decoder.decode(row[0]) for row in rows]

    def spans_of(self, path: str) -> list[tuple[int, int]]:
        """Id of the first message and their count for every unit of a file, the newest first."""
        if not is_utf8(path):
            return []
        return self._connection.execute(
            "SELECT first, count FROM units WHERE path = ? ORDER BY id DESC", (path,)
        ).fetchall()

    # Small things that history remembers

    def get(self, name: str) -> bytes | None:
        """What was kept under a name."""
        row: Any = self._connection.execute("SELECT data FROM cache WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def put(self, name: str, data: bytes) -> None:
        """Keep something under a name."""
        with self.writing():
            self._connection.execute("INSERT OR REPLACE INTO cache VALUES (?, ?)", (name, data))


def _whole(state: RevisionState) -> RevisionState:
    """A state as it was, from how it is stored: without the blob ids that are content keys as well."""
    told = state.blobs
    keys = ((path, told.get(path, key)) for path, key in state.files.items() if path in told or not is_makefile(path))
    return msgspec.structs.replace(state, blobs={path: blob for path, blob in keys if is_blob_id(blob)})


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA mmap_size = 134217728")
    connection.execute("PRAGMA cache_size = -32000")
    return connection


def live_bits(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Bit set of id ranges (first, count)."""
    spans = [(first, count) for first, count in ranges if count]
    bits = bytearray(max((first + count for first, count in spans), default=0) // 8 + 1)
    for first, end in _joined(spans):
        start, stop = (first + 7) // 8, end // 8  # bytes of which all bits are set
        edges: Iterable[int] = range(first, end)
        if start < stop:
            bits[start:stop] = b"\xff" * (stop - start)
            edges = chain(range(first, 8 * start), range(8 * stop, end))
        for number in edges:
            bits[number >> 3] |= 1 << (number & 7)
    return bytes(bits)


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First id and the one behind the last of ranges (first, count), those that meet made one."""
    start = end = 0
    for first, count in sorted(ranges):
        if first > end:
            yield start, end
            start = first
        end = max(end, first + count)
    yield start, end


def roots_digest(roots: Iterable[object]) -> str:
    """Names a set of roots, and what is made of them."""
    return hashlib.sha256(repr((LINK_VERSION, sorted(map(repr, roots)))).encode()).hexdigest()[:16]
