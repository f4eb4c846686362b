"""Open and read logs: files, compressed ones too, directories, standard input, growing files and pipes.

The only module of `log` that opens anything. It hands bytes to `records`, piece by piece, so that a log of any length
and a line of any length take little memory.
"""

import codecs
import errno
import io
import os
import re
import select
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from ksrcfind.compressed import CHUNK, DAMAGE, PackageMissingError, decompressed, pieces
from ksrcfind.errors import KsrcfindError
from ksrcfind.log.hosts import hosts_of_files
from ksrcfind.log.raw_lines import split_lines
from ksrcfind.log.records import Row, read_rows
from ksrcfind.regex import regex

INTERVAL = 0.2
"""Seconds between two checks whether a file has grown."""

STDIN = "-"
"""Name of standard input as the source of a log."""


Piece = TypeVar("Piece", bytes, bytes | None)

Skipped = Callable[[str], object]
"""Gets a sentence about a file that is left out."""


def _without_notice(_: str) -> None:
    """Leave out files without a word."""


class LogUnreadableError(KsrcfindError):
    """A log cannot be opened, or not be read to its end."""


class _UnopenedError(LogUnreadableError):
    """A log cannot be opened, or it has a form that cannot be read."""


def read_logs(names: Iterable[str], stdin: BinaryIO, skipped: Skipped = _without_notice) -> Iterator[Row]:
    """Yield the rows of several logs, one after the other: files, directories, and `-` for standard input.

    Raises LogUnreadableError when one cannot be read; the rows before it have been given by then. `skipped` gets a
    sentence about each file of a directory that is left out.
    """
    for name in names:
        if name == STDIN:
            yield from read_log(stdin, STDIN)
        else:
            yield from read_files(Path(name), skipped)


def check_log(name: str) -> None:
    """Raise LogUnreadableError if a log cannot be opened or a directory has no logs."""
    path = Path(name)
    if not name:
        raise LogUnreadableError("the name of a log is empty", "Name a file or a directory, or - for standard input.")
    try:
        path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not os.access(path, os.R_OK):
        raise _unreadable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    if path.is_dir() and not log_files(path):
        raise LogUnreadableError(
            f"there are no logs in {path}", "Hidden files, links and files of the journal are left out of directories."
        )


def _unreadable(path: Path, error: OSError) -> _UnopenedError:
    """Return the error for a log that cannot be opened, with what to do about it."""
    hint = ""
    if isinstance(error, FileNotFoundError):
        import difflib

        try:
            near = difflib.get_close_matches(path.name, os.listdir(path.parent), n=1)  # noqa: PTH208 - names are enough
        except OSError:
            near = []
        hint = f"The closest name there is {path.parent / near[0]}." if near else "Check the path."
    elif isinstance(error, PermissionError):
        hint = f"Ask for it as root: sudo cat {shlex.quote(str(path))} | ksrcfind batch -"
    return _UnopenedError(f"cannot read {path}: {error.strerror}", hint)


def read_files(path: Path, skipped: Skipped = _without_notice) -> Iterator[Row]:
    """Yield the rows of a log, or of all logs of a directory. Raises LogUnreadableError as `read_logs` does.

    Files of a directory that are no text or cannot be opened are left out.
    """
    if not is_directory(path):
        with _open(path) as file:
            yield from read_log(file, str(path))
        return
    for one in log_files(path):
        try:
            with _open(one) as file:
                pieces = _bytes_of(file, str(one))
                first = next(pieces, b"")
                if is_binary(first):
                    skipped(f"{one} is left out: it is not a text")
                    continue
                yield from read_rows(split_lines(_utf8(chain([first], pieces))), str(one))
        except _UnopenedError as error:
            skipped(f"{one} is left out: {error.title}")


_HEAD = 8192
"""Bytes at the beginning of a file that show whether it is a text."""
_MOST_HOLES = 4
"""Runs of NUL bytes in the head of a text: a crash leaves one where the log was written."""


def is_binary(head: bytes) -> bool:
    """Return whether a file that begins with some bytes is no text."""
    head = head[:_HEAD]
    if head.startswith(tuple(mark for mark, _ in _MARKS)):
        return False
    return bool(head) and (not head.strip(b"\0") or len(_HOLE.findall(head)) > _MOST_HOLES)


_HOLE = regex(rb"\0++")


def read_log(file: BinaryIO, source: str | None = None) -> Iterator[Row]:
    """Yield the rows of an open file, decompressed if it is compressed with gzip, xz, bzip2 or zstd.

    The file stays open: it belongs to the caller. Where in it reading ends is not defined.
    """
    return read_rows(split_lines(_utf8(_bytes_of(file, source or STDIN))), source)


def hosts_of_logs(names: Sequence[str]) -> dict[str, str]:
    """Return file → name of its host for lines that name none; empty for a single log, which may be named anything."""
    files = [str(file) for name in names if name != STDIN for file in log_files(Path(name))]
    return hosts_of_files(files) if len(files) > 1 or len(names) > 1 else {}


def follow_file(name: str, wait: Callable[[], bool] | None = None) -> Iterator[Row]:
    """Yield the rows of a growing file for ever. If it is rotated or truncated, line numbers restart at 1.

    `wait` is called whenever there is nothing to read; it ends the iteration by returning False.
    """
    wait = wait or pause
    growing = _Growing(Path(name), wait)
    while not growing.stopped:
        yield from read_rows(split_lines(_utf8(_as_far_as_it_reads(growing.pieces(), name))), name)


def follow_pipe(file: BinaryIO, source: str | None = STDIN, idle: Callable[[], object] | None = None) -> Iterator[Row]:
    """Yield the rows of a pipe or terminal, each as soon as its line has arrived.

    `idle` is called whenever there is nothing to read.
    """
    pieces = _as_far_as_it_reads(_arriving(file.fileno(), idle), source or STDIN)
    return read_rows(split_lines(_utf8(pieces)), source)


def log_files(path: Path) -> list[Path]:
    """Return the path itself if it is a file; for a directory, the logs in it and in its subdirectories.

    Rotated logs come in the order they were written: kern.log.2.gz, kern.log.1, kern.log. Hidden files, links and the
    journal's own files are left out of directories.
    """
    if not is_directory(path):
        return [path]
    found = []
    for directory, _, names in os.walk(path):
        for name in names:
            file = Path(directory, name)
            if not name.startswith(".") and file.is_file() and not file.is_symlink() and not _JOURNAL.search(name):
                found.append(file)
    return sorted(found, key=_rotation)


def is_directory(path: Path) -> bool:
    """Return whether a path is a directory; False if that cannot be checked."""
    try:
        return path.is_dir()
    except OSError:  # A name that is too long, a directory that may not be searched.
        return False


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file; False if that cannot be checked."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


_JOURNAL = regex(r"\.journal~?$")
_ROTATED = regex(r"(.*?)(?:\.(\d{1,6}))?(?:\.(?:gz|xz|zst|bz2))?$", re.DOTALL)


def _rotation(path: Path) -> tuple[str, str, int, str]:
    match = cast(re.Match[str], _ROTATED.match(path.name))
    return str(path.parent), match[1], -int(match[2] or 0), path.name


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _as_far_as_it_reads(pieces: Iterable[Piece], name: str) -> Iterator[Piece]:
    """Yield pieces as long as reading succeeds. Raises LogUnreadableError for an error of the system."""
    try:
        yield from pieces
    except OSError as error:
        raise LogUnreadableError(f"cannot read {name}: {error.strerror}", "The lines before it were read.") from error


def _bytes_of(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file, piece by piece, and leave the file open."""
    if isinstance(file, io.BufferedReader):
        yield from _as_far_as_it_reads(_plain(file, name), name)
        return
    buffered: io.BufferedReader = io.BufferedReader(cast(io.RawIOBase, file))
    try:
        yield from _as_far_as_it_reads(_plain(buffered, name), name)
    finally:
        with suppress(ValueError):  # The caller closed the file meanwhile.
            buffered.detach()  # A buffer that is collected closes what it reads from.


def _plain(file: io.BufferedReader, name: str) -> Iterator[bytes]:
    """Yield the pieces of a file, decompressed if its first bytes are those of a compressed format."""
    head = file.peek(8)[:8]
    if head.startswith(b"LPKSHHRH"):
        hint = f"read it with journalctl: journalctl --file {shlex.quote(name)} -o json | ksrcfind batch -"
        raise _UnopenedError(f"{name} is a journal file", hint)
    try:
        unpacked = decompressed(file)
    except PackageMissingError:
        hint = f"zstd -dc {shlex.quote(name)} | ksrcfind batch -   or: pipx inject ksrcfind zstandard"
        raise _UnopenedError(f"{name} is compressed with zstd, for which Python needs a package", hint) from None
    if unpacked is None:
        yield from pieces(file)
        return
    try:
        yield from unpacked
    except DAMAGE as error:
        raise LogUnreadableError(f"{name} is damaged: {error}", "The lines before the damage were read.") from error


_MARKS = (
    (codecs.BOM_UTF8, None),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _utf8(pieces: Iterable[bytes | None]) -> Iterator[bytes | None]:
    """Convert UTF-16 with a byte order mark, which PowerShell writes, to UTF-8; yield other bytes unchanged."""
    source = iter(pieces)
    head = b""
    for piece in source:
        if piece is None:
            yield None
        else:
            head += piece
            if len(head) >= 3:
                break
    mark, encoding = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", None))
    head = head[len(mark) :]
    if encoding is None:
        yield head
        yield from source
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(head).encode()
    for piece in source:
        yield None if piece is None else decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()


def pause() -> bool:
    """Wait before the next check of a file; return True to continue."""
    time.sleep(INTERVAL)
    return True


class _Growing:
    """A file that is written to while it is read."""

    def __init__(self, path: Path, wait: Callable[[], bool]) -> None:
        self.path = path
        self.wait = wait
        self.stopped = False

    def pieces(self) -> Iterator[bytes | None]:
        """Yield the contents and what is appended, until the file is replaced or truncated."""
        with _open(self.path) as file:
            while True:
                if piece := file.read(CHUNK):
                    yield piece
                    continue
                yield None
                if not self.wait():
                    self.stopped = True
                    return
                if self._replaced(file):
                    # Bytes that were written between the last read and the change.
                    yield file.read()
                    return

    def _replaced(self, file: BinaryIO) -> bool:
        try:
            now = self.path.stat()
        except OSError:
            return False  # between two files; the old one can still grow
        open_now = os.fstat(file.fileno())
        return (now.st_dev, now.st_ino) != (open_now.st_dev, open_now.st_ino) or open_now.st_size < file.tell()


def _arriving(descriptor: int, idle: Callable[[], object] | None) -> Iterator[bytes | None]:
    while True:
        readable, _, _ = select.select([descriptor], [], [], INTERVAL)
        if not readable:
            yield None
            if idle is not None:
                idle()
        elif piece := os.read(descriptor, CHUNK):
            yield piece
        else:
            return
