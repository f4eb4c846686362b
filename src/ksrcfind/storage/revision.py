"""The file of one indexed revision: the list of its segments, and the state that the next build needs.

A segment is an immutable file with the messages of some source files. A revision is an indexed commit, or an indexed
state of a working tree.
"""

import hashlib
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import msgspec

_MAGIC = b"ksrcfind revision\n"
_NUMBER = 4  # bytes of a length or checksum


class SegmentFile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A segment file: its name, its messages, and its size, time and checksum when it was written."""

    name: str
    """File name in the store's directory."""
    first: int
    """Number of the segment's first message. No message number is in two segments of a store."""
    count: int
    """Number of messages."""
    size: int
    """Size of the file in bytes."""
    mtime_ns: int
    """Modification time of the file in nanoseconds since the epoch."""
    checksum: int
    """CRC-32 of all bytes. A reader computes it only if the file's modification time is not `mtime_ns`."""


class Revision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The part of an indexed revision that readers need."""

    key: str
    """Identifies the revision: a commit id, or the directory of a working tree."""
    identity: str
    """Hash of everything except the tree on which the messages depend: settings and the version of the linker."""
    token: bytes
    """Identifies the indexed state of a working tree. Empty for a commit, which never changes."""
    made: float
    """Time of the build, in seconds since the epoch."""
    size: int
    """Number of messages."""
    live: bytes
    """Bit set of the numbers of the revision's messages (bit `id & 7` of byte `id >> 3`), compressed."""
    segments: tuple[SegmentFile, ...]
    """The segments that hold the messages, oldest first."""
    recovered: int
    """Number of calls that the C parser (tree-sitter) rejected; only the text of these calls was read."""
    lost: int
    """Number of functions that contain calls with text, but none that could be read."""
    skipped: tuple[str, ...]
    """Names of files that were skipped because they are not UTF-8, escaped."""
    order: bytes = b""
    """The ranges of the revision's message numbers, sorted by the paths of their files, packed (`pack_order`)."""


class RevisionState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The part of an indexed revision that the next build needs."""

    files: Mapping[str, str]
    """Path → content key of every source file and Makefile."""
    blobs: Mapping[str, str]
    """Path → blob id of every source file that was read."""
    units: Mapping[str, int]
    """Path → digest of the file's messages and of the names on which they depend (`segment.unit_digest`).

    A file that was linked without a result has an entry as well; a file that cannot have messages has none.
    """
    modules: Mapping[str, str]
    """Path of a source file without its suffix → name of the kernel module that the file is built into."""
    may_log: list[str]
    """Names of functions and macros that may reach a log sink."""
    included: bytes
    """The include graph of the files of `blobs`, packed (`index.include_graph.pack`)."""


_revision_decoder = msgspec.msgpack.Decoder(Revision)
_encoder = msgspec.msgpack.Encoder()


def file_name(key: str, identity: str) -> str:
    """Return the name of the file that holds a revision."""
    digest = hashlib.sha256(f"{identity}\0{key}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return f"{digest}.revision"


def encode_state(state: RevisionState) -> bytes:
    """Encode the state of a revision.

    In a git repository the content key of a file is its blob id. Such a blob id is stored only once, in `files`.
    """
    own = {path: blob for path, blob in state.blobs.items() if state.files.get(path) != blob}
    unread = [path for path in state.files if path not in state.blobs]
    return zlib.compress(_encoder.encode((msgspec.structs.replace(state, blobs=own), unread)), 1)


def encode(revision: Revision, state: bytes) -> bytes:
    """Return the content of a revision's file: the encoded `revision`, then its encoded `state`."""
    header = _encoder.encode(revision)
    return b"".join((_MAGIC, *(_framed(part) for part in (header, state))))


def pack_order(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Pack ranges of message numbers (first number, count). A range that continues the one before it is merged."""
    joined: list[list[int]] = []
    for first, count in ranges:
        if joined and sum(joined[-1]) == first:
            joined[-1][1] += count
        elif count:
            joined.append([first, count])
    return zlib.compress(array("I", chain.from_iterable(joined)).tobytes(), 1)


def unpack_order(data: bytes) -> Sequence[tuple[int, int]]:
    """Return the ranges of message numbers that `pack_order` packed.

    Empty for empty data: older versions of ksrcfind wrote no ranges.
    """
    numbers = array("I", zlib.decompress(data) if data else b"")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def read_revision(path: Path) -> Revision | None:
    """Return the revision in a file. None if the file is missing or damaged."""
    with_state = _read(path, whole=False)
    return with_state[0] if with_state else None


def read_both(path: Path) -> tuple[Revision, bytes] | None:
    """Return the revision in a file and its encoded state. None if the file is missing or damaged."""
    found = _read(path, whole=True)
    return (found[0], found[1]) if found and found[1] is not None else None


def decode_state(data: bytes) -> RevisionState:
    """Decode the state of a revision. Raises `ValueError` or `zlib.error` if the data is not an encoded state."""
    state, unread = _state_with_unread.decode(zlib.decompress(data))
    missing = set(unread)
    blobs = {path: state.blobs.get(path, key) for path, key in state.files.items() if path not in missing}
    return msgspec.structs.replace(state, blobs=blobs)


_state_with_unread = msgspec.msgpack.Decoder(tuple[RevisionState, list[str]])


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(_NUMBER, "little") + zlib.crc32(data).to_bytes(_NUMBER, "little") + data


def _read(path: Path, *, whole: bool) -> tuple[Revision, bytes | None] | None:
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return None
            parts: list[bytes] = []
            for _ in range(1 + whole):
                length, checksum = (int.from_bytes(file.read(_NUMBER), "little") for _ in range(2))
                data = file.read(length)
                if len(data) != length or zlib.crc32(data) != checksum:
                    return None
                parts.append(data)
        return _revision_decoder.decode(parts[0]), parts[1] if whole else None
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None
