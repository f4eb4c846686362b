"""The file of one indexed revision: which segments hold its messages, and the state that the next build needs."""

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
    """A segment as it was when it was written."""

    name: str
    """Of the file in the store's directory."""
    first: int
    """Number of its first message; no two segments of a store share numbers."""
    count: int
    """Messages."""
    size: int
    """Bytes."""
    mtime_ns: int
    checksum: int
    """CRC-32 of all bytes. It is compared when size or time of the file are not those above."""


class Revision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The part of an indexed revision that readers need."""

    key: str
    """A commit id, or the directory of a working tree."""
    identity: str
    """Hash of everything else that the messages depend on: settings and the version of the linker."""
    token: bytes
    """Identifies the indexed state of a working tree; empty if the key identifies it."""
    made: float
    """Seconds since the epoch."""
    size: int
    """Messages."""
    live: bytes
    """Bit set of the messages (bit `id & 7` of byte `id >> 3`), compressed."""
    segments: tuple[SegmentFile, ...]
    """The files that hold them, oldest first."""
    recovered: int
    """Calls that the C parser rejected; they were read from the text."""
    lost: int
    """Functions with text in calls, none of which could be parsed."""
    skipped: tuple[str, ...]
    """Names of files that were skipped because they are not UTF-8, escaped."""
    order: bytes = b""
    """The ranges of its messages by the paths of their files, packed (`pack_order`)."""


class RevisionState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The part of an indexed revision that the next build needs."""

    files: Mapping[str, str]
    """Path → content key of every source file and Makefile."""
    blobs: Mapping[str, str]
    """Path → blob id of every source file that was read."""
    units: Mapping[str, int]
    """Path → digest of the file's messages and what they depend on (`segment.Unit`), for files that have any."""
    modules: Mapping[str, str]
    """Path without suffix → module name."""
    may_log: list[str]
    """Names of functions and macros that may reach a log sink."""
    included: bytes
    """Which of the files of `blobs` include which, packed (`index.include_graph`)."""


_revision_decoder = msgspec.msgpack.Decoder(Revision)
_encoder = msgspec.msgpack.Encoder()


def file_name(key: str, identity: str) -> str:
    """Name of the file of a revision."""
    digest = hashlib.sha256(f"{identity}\0{key}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return f"{digest}.revision"


def encode_state(state: RevisionState) -> bytes:
    """Encode a state. Blob ids that are content keys as well are not repeated."""
    own = {path: blob for path, blob in state.blobs.items() if state.files.get(path) != blob}
    unread = [path for path in state.files if path not in state.blobs]
    return zlib.compress(_encoder.encode((msgspec.structs.replace(state, blobs=own), unread)), 1)


def encode(revision: Revision, state: bytes) -> bytes:
    """Return the content of a revision's file."""
    header = _encoder.encode(revision)
    return b"".join((_MAGIC, *(_framed(part) for part in (header, state))))


def pack_order(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Pack ranges of numbers (first, count); adjacent ones become one."""
    joined: list[list[int]] = []
    for first, count in ranges:
        if joined and sum(joined[-1]) == first:
            joined[-1][1] += count
        elif count:
            joined.append([first, count])
    return zlib.compress(array("I", chain.from_iterable(joined)).tobytes(), 1)


def unpack_order(data: bytes) -> Sequence[tuple[int, int]]:
    """Return the ranges that were packed; none for an index of a version that did not write them."""
    numbers = array("I", zlib.decompress(data) if data else b"")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def read_revision(path: Path) -> Revision | None:
    """Return the revision in a file; None if the file is missing or damaged."""
    with_state = _read(path, whole=False)
    return with_state[0] if with_state else None


def read_both(path: Path) -> tuple[Revision, bytes] | None:
    """Return a revision and its encoded state, None if the file is not there or damaged."""
    found = _read(path, whole=True)
    return (found[0], found[1]) if found and found[1] is not None else None


def decode_state(data: bytes) -> RevisionState:
    """Decode a state. Raises `ValueError` or `zlib.error` for other data."""
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
