"""Which files a client may read as logs: files below a few directories.

An assistant may follow instructions in a log that somebody else wrote, so it must not be able to read the user's keys.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from ksrcfind.errors import KsrcfindError
from ksrcfind.log.records import Row
from ksrcfind.log.stream import log_files, read_log

REPOSITORY = ".git"
"""Holds settings, even passwords of remotes, and no logs."""


class Access(Struct, frozen=True):
    """The directories that may be read."""

    directories: tuple[Path, ...] = ()
    """The directories below which logs may be read, with symbolic links resolved."""

    @classmethod
    def to(cls, *directories: Path) -> "Access":
        """Return access to directories and everything below them."""
        return cls(tuple(Path(os.path.realpath(directory)) for directory in directories))

    def rows(self, name: str) -> Iterator[Row]:
        """Return the rows of a log, or of the logs in a directory. Symbolic links are resolved before the check.

        Raises `KsrcfindError` at once for a path that must not be read, or that is not a log.
        """
        path = self._allowed(name)
        files = [file for file in log_files(path) if REPOSITORY not in file.parts]
        if path.is_dir() and not files:
            raise KsrcfindError(f"no logs in {name}", "Name a log file, or pass its text.")
        return (row for file in files for row in self._read(file))

    def _allowed(self, name: str) -> Path:
        try:
            path = Path(name).expanduser().resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            # Outside the allowed directories, the answer does not even reveal whether a file exists.
            path = Path(os.path.abspath(name.replace("\0", "")))  # noqa: PTH100 - without a look at the disk
            if self._covers(path):
                problem = error.strerror if isinstance(error, OSError) and error.strerror else "no such file"
                raise KsrcfindError(f"cannot read {name}: {problem}", "Name another log, or pass its text.") from error
        if not self._covers(path) or REPOSITORY in path.parts:
            raise KsrcfindError(
                f"this server may not read {name}: it is outside the allowed directories",
                "Pass the text of the log instead, or start the server with: ksrcfind mcp --allow DIRECTORY",
            )
        return path

    def _covers(self, path: Path) -> bool:
        return any(path.is_relative_to(directory) for directory in self.directories)

    def _read(self, file: Path) -> Iterator[Row]:
        with _open(file) as opened:
            yield from read_log(opened, str(file))


def _open(path: Path) -> BinaryIO:
    """Open a regular file. A pipe or device might never end, and all later questions would wait for it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise KsrcfindError(f"cannot read {path}: {error.strerror}", "Name another log, or pass its text.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise KsrcfindError(f"neither a file nor a directory: {path}", "Name a log, or pass its text.")
    return os.fdopen(descriptor, "rb")


def is_wide(directory: Path, home: Path) -> bool:
    """Return True if a directory holds far more than logs: the home directory, one above it, or the root."""
    resolved = Path(os.path.realpath(directory))
    return Path(os.path.realpath(home)).is_relative_to(resolved) or resolved == Path(resolved.anchor)
