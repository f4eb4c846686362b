"""Writes a bundle (an index in one file) from a tree, its index and its history."""

import itertools
import os
import sqlite3
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ksrcfind import __version__
from ksrcfind.backend import Backend, Histories, Source
from ksrcfind.bundle.code import File, in_blocks, kept, pack, whole
from ksrcfind.bundle.format import (
    APPLICATION_ID,
    BUNDLED_FILES,
    CODE,
    FORMAT,
    PLACE_CALLS,
    SHRINKS,
    SMALL,
    TABLES,
    About,
    checksum_of,
    history_name,
)
from ksrcfind.documents.beside_code import kconfig_paths
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.provenance import Commit, Provenance
from ksrcfind.history.request import Request
from ksrcfind.index.workers import cores
from ksrcfind.progress import Progress
from ksrcfind.source.kbuild import build_files
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import all_origin_names, all_printed_lines
from ksrcfind.storage.postings import postings
from ksrcfind.tree.names import without_surrogates

Units = Iterable[tuple[str, list[Message]]]
"""(path, messages) of each source file that has messages, sorted by path."""

_BLOCKS_TOGETHER = 64
"""Blocks of code that are packed at once, on all cores."""
TRACED_TOGETHER = 64
"""Number of histories that git traces in one batch."""

_packer = msgspec.msgpack.Encoder()
# JSON, since msgpack does not keep time zones: dates are shown as the commits' authors wrote them.
_encoder = msgspec.json.Encoder()


def write_bundle(backend: Backend, output: Path, progress: Progress, *, with_history: bool, with_code: bool) -> About:
    """Write the bundle of a backend's revision to `output`, and return the description of the bundle.

    Cached histories are reused. Raises `KsrcfindError` if the file cannot be written, if possible before the work.
    """
    check_output(output)
    units = _Units(backend)
    messages = sum(len(own) for _path, own in units)
    info = backend.info
    made = datetime.now(UTC).isoformat(timespec="seconds")
    rev, tree, skipped = info.rev and _text(info.rev), _text(backend.root.name), tuple(backend.messages.skipped)
    about = About(rev, info.commit, info.source, tree, made, __version__, messages, with_history, skipped, with_code)

    extras = _files(backend.source) | {PLACE_CALLS: _place_calls(backend.source, progress)}
    if with_history:
        extras |= _histories(backend.histories, units, messages, progress)
    code = _code(backend.source, units, progress) if with_code else ()
    write_file(output, about, units, itertools.chain(extras.items(), code))
    return about


def check_output(output: Path) -> None:
    """Raise `KsrcfindError` if a bundle certainly cannot be written to a path."""
    if output.exists() and not output.is_file():  # Renaming the finished file would replace a device.
        raise KsrcfindError(
            f"cannot write {output}: it is not a regular file", "Name a new file, or a bundle to replace."
        )
    if not output.parent.is_dir():
        raise KsrcfindError(f"cannot write {output}: there is no directory {output.parent}", "Create it first.")
    if not os.access(output.parent, os.W_OK):  # The file is first written under another name in the same directory.
        raise KsrcfindError(
            f"cannot write {output}: the directory {output.parent} is not writable", "Name a file in another directory."
        )


class _Units:
    """Yields (path, messages) of each source file that has messages, sorted by path.

    Each iteration reads the messages again, so they are never all in memory.
    """

    def __init__(self, backend: Backend) -> None:
        self._index = backend.index.ensure_complete().messages
        self._paths = backend.source.paths()

    def __iter__(self) -> Iterator[tuple[str, list[Message]]]:
        return ((path, messages) for path in self._paths if (messages := self._index.messages_of(path)))


def _files(source: Source) -> dict[str, bytes]:
    """Return path → bytes of the parts of the tree's files that a bundle contains (`BUNDLED_FILES`)."""
    found: dict[str, bytes] = {}
    for path, last in BUNDLED_FILES.items():
        with suppress(FileNotFoundError):
            lines = source.read(path).decode("utf-8", "replace").split("\n")[:last]
            found[path] = "\n".join(lines).encode("utf-8", "replace")
    return found


def _place_calls(source: Source, progress: Progress) -> bytes:
    """Return the encoded calls of the tree that print their own source location, grouped by file."""
    found: dict[str, list[tuple[int, str]]] = {}
    with progress.task("searching calls that print their location", None) as task:
        for path, calls in source.all_place_calls():
            found[path] = calls
            task.advance()
    return _encoder.encode(found)


def _histories(histories: Histories, units: Units, messages: int, progress: Progress) -> dict[str, bytes]:
    """Return key → encoded value of the history of every message, and of every commit that these histories name."""
    found: dict[str, bytes] = {}
    commits: set[str] = set()
    deferred: list[Request] = []

    def trace(requests: Sequence[Request]) -> None:
        for request, provenance in zip(requests, histories.trace(requests), strict=True):
            found[history_name(request)] = _encode(provenance)
            commits.update(provenance.commits())

    with progress.task("tracing histories", messages) as task:
        for _path, own in units:
            requests = {history_name(request): request for request in map(Request, own)}
            # Git answers these together: it then reads the whole history once.
            late = histories.undecided(list(requests.values()))
            deferred += late
            left = {history_name(request) for request in late}
            trace([request for name, request in requests.items() if name not in left])
            task.advance(len(requests) - len(late))
        histories.expect(deferred)
        for start in range(0, len(deferred), TRACED_TOGETHER):
            trace(deferred[start : start + TRACED_TOGETHER])
            task.advance(len(deferred[start : start + TRACED_TOGETHER]))
    named = histories.commits(sorted(commits))
    return found | {f"commit:{commit_id}": _encode(commit) for commit_id, commit in named.items()}


def _code(source: Source, units: Units, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Yield key → value of the code of the messages, in blocks, and at last the first path of each block."""
    calls: dict[str, set[int]] = {}
    macros: dict[str, set[int]] = {}
    for path, messages in units:
        calls[path] = {message.line_start for message in messages}
        for definition in filter(None, (message.defined_at for message in messages)):
            macros.setdefault(definition.path, set()).add(definition.line)
    code = calls.keys() | macros.keys()
    beside = {other for path in code for other in (*build_files(path), *kconfig_paths(path))}
    paths = sorted(code | beside)

    def files() -> Iterator[File]:
        for path, data in source.read_many(paths):
            task.advance()
            yield File(path, kept(data, calls.get(path, ()), macros.get(path, ())) if path in code else whole(data))

    first_paths: list[str] = []
    with progress.task("packing code", len(paths)) as task, ThreadPoolExecutor(cores(None)) as pool:
        blocks = in_blocks(files())
        while ahead := list(itertools.islice(blocks, _BLOCKS_TOGETHER)):
            for block, packed in zip(ahead, pool.map(pack, ahead), strict=True):
                yield f"{CODE}:{len(first_paths)}", packed
                first_paths.append(block[0].path)
    yield CODE, _encoder.encode(first_paths)


def _text(name: str) -> str:
    return str(without_surrogates(name))


def _encode(value: Provenance | Commit) -> bytes:
    """Return a history or a commit as JSON in UTF-8.

    An old file name or a branch name may not be UTF-8; its invalid bytes are replaced.
    """
    return _encoder.encode(without_surrogates(msgspec.to_builtins(value)))


def write_file(path: Path, about: About, units: Units, extras: Iterable[tuple[str, bytes]]) -> None:
    """Write a bundle with this content to `path`.

    The file is written under a temporary name and renamed, so there is never an incomplete bundle at `path`.
    """
    half = path.with_name(path.name + ".part")
    try:
        half.unlink(missing_ok=True)
        connection = sqlite3.connect(half, isolation_level=None)
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            for table in TABLES:
                connection.execute(table)
            connection.execute("INSERT INTO about VALUES (?)", (_pack(_packer.encode(about)),))
            _write_messages(connection, units)
            connection.executemany("INSERT INTO extras VALUES (?, ?)", ((name, _pack(data)) for name, data in extras))
            connection.execute("COMMIT")
            connection.execute("VACUUM")
        finally:
            connection.close()
        with half.open("r+b") as file:
            checksum = checksum_of(file.fileno())
            file.seek(0, 2)
            file.write(checksum)
        half.replace(path)
    except (OSError, sqlite3.OperationalError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise KsrcfindError(f"cannot write {path}: {reason}", "Name a file on a disk with free space.") from error
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)


def _write_messages(connection: sqlite3.Connection, units: Units) -> None:
    words: list[list[str]] = []
    origins: dict[int, list[str]] = {}
    first = 1
    for path, messages in units:
        words += [[line.words for line in lines] for lines in all_printed_lines(messages)]
        origins[first] = all_origin_names(messages)
        packed = _pack(_packer.encode(messages))
        connection.execute("INSERT INTO units VALUES (?, ?, ?, ?)", (first, len(messages), path, packed))
        first += len(messages)
    connection.executemany(
        "INSERT INTO words VALUES (?, ?, ?, ?)",
        (
            (word, _pack_numbers(containing), _pack_numbers(anchored), zlib.compress(marks, 9))
            for word, containing, anchored, marks in postings(words, origins, 1)
        ),
    )


def _pack(data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    # The reader refuses data that compresses like a decompression bomb, so such data is stored uncompressed.
    return packed if len(data) <= SMALL + SHRINKS * len(packed) else zlib.compress(data, 0)


def _pack_numbers(data: bytes) -> bytes:
    """Return ascending numbers, packed: their differences, compressed."""
    numbers = array("I")
    numbers.frombytes(data)
    steps = array("I", (after - before for before, after in itertools.pairwise([0, *numbers])))
    return zlib.compress(steps.tobytes(), 9)
