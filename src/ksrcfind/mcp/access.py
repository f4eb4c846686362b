"""Which files of this machine a client may have read as logs: those below a few directories.

A client passes on what an assistant makes of a log that anybody may have written into. It may not read the user's keys.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ksrcfind.errors import KsrcfindError
from ksrcfind.log.records import Row
from ksrcfind.log.stream import log_files, read_log

REPOSITORY = ".git"
"""Holds settings, among them passwords of remotes, and no logs."""


@dataclass(frozen=True, slots=True)
class Access:
    """The directories that may be read."""

    directories: tuple[Path, ...] = ()
    """Symbolic links resolved."""

    @classmethod
    def to(cls, *directories: Path) -> "Access":
        """Give access to directories and all below them."""
        return cls(tuple(Path(os.path.realpath(directory)) for directory in directories))

    def rows(self, name: str) -> Iterator[Row]:
        """Read a log, or the logs of a directory, by a path whose symbolic links do not lead elsewhere.

        Raises `KsrcfindError` at once for a path that may not be read, or that is no log.
        """
        path = self._allowed(name)
        files = [file for file in log_files(path) if REPOSITORY not in file.parts]
        if path.is_dir() and not files:
            raise KsrcfindError(f"no logs in {name}", "Name a file that holds a log, or give its text.")
        return (row for file in files for row in self._read(file))

    def _allowed(self, name: str) -> Path:
        try:
            path = Path(name).expanduser().resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            # Outside, whether there is a file is nobody's business either.
            path = Path(os.path.abspath(name.replace("\0", "")))  # noqa: PTH100 - without a look at the disk
            if self._covers(path):
                said = error.strerror if isinstance(error, OSError) and error.strerror else "no such file"
                raise KsrcfindError(f"cannot read {name}: {said}", "Name another log, or give its text.") from error
        if not self._covers(path) or REPOSITORY in path.parts:
            raise KsrcfindError(
                f"{name} is in none of the directories that this server may read",
                "Give the text of the log instead, or start the server with: ksrcfind mcp --allow DIRECTORY",
            )
        return path

    def _covers(self, path: Path) -> bool:
        return any(path.is_relative_to(directory) for directory in self.directories)

    def _read(self, file: Path) -> Iterator[Row]:
        with _open(file) as opened:
            yield from read_log(opened, str(file))


def _open(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or device might never end, and every other question would wait for it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise KsrcfindError(f"cannot read {path}: {error.strerror}", "Name another log, or give its text.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise KsrcfindError(f"neither a file nor a directory: {path}", "Name a log, or give its text.")
    return os.fdopen(descriptor, "rb")


def is_wide(directory: Path, home: Path) -> bool:
    """Tell whether a directory holds far more than logs: the home directory, what is above it, or the root."""
    resolved = Path(os.path.realpath(directory))
    return Path(os.path.realpath(home)).is_relative_to(resolved) or resolved == Path(resolved.anchor)
