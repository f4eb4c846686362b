"""Unpack a tarball with a kernel's source. The tarball is untrusted."""

import errno
import io
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ksrcfind.errors import KsrcfindError
from ksrcfind.progress import Progress

MOST_FILES = 1_000_000
"""Limit of files; a kernel of 2024 has 87,000."""
MOST_BYTES = 16 << 30
"""Limit of the size of all files together; a kernel of 2024 has 1.5 GB."""
LONGEST_PATH = 1000
"""Characters of a path inside the tarball, at most."""
MOST_WINDOW = 1 << 27
"""Bytes of the window of zstd, at most; that of `zstd --long` has as many."""

_CHUNK = 1 << 20
_ODD = {errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
"""Errors for a file that cannot be beside the others; it is left out, like links and devices."""


def unpack(tarball: Path, directory: Path, progress: Progress) -> None:
    """Unpack the regular files of a tarball into `directory`, which must not exist.

    Links, devices and the directory `.git`, whose settings could start programs, are left out. If all files are below
    one directory of the tarball, as usual, that level is left out. `directory` appears only when it is complete.
    Raises `KsrcfindError` for a file that is no tarball, is damaged, cut short or too large, and for a full disk.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".unpacking-") as scratch:
            half = Path(scratch, "tree")
            half.mkdir()
            with progress.task(f"unpacking {tarball.name}", None) as task, _opened(tarball) as archive:
                for path, content in _files(archive, tarball):
                    _write(half / path, content)
                    task.advance()
                _read_to_the_end(archive)
            top = list(half.iterdir())
            (top[0] if len(top) == 1 and top[0].is_dir() else half).rename(directory)
    except (tarfile.TarError, EOFError, ValueError, lzma.LZMAError, zlib.error, RecursionError) as error:
        raise _damaged(tarball, error) from error
    except OSError as error:
        raise KsrcfindError(
            f"cannot unpack {tarball}: {error.strerror or error}",
            f"Check the file, and the space in {directory.parent}.",
        ) from error


def _damaged(tarball: Path, error: Exception) -> KsrcfindError:
    return KsrcfindError(f"{tarball} is not a tarball, or is damaged: {error}", "Get it again.")


class _CheckedHeader(tarfile.TarInfo):
    """A header of a tarball. Python's own ends quietly at a damaged one, as if nothing more came."""

    @classmethod
    def fromtarfile(cls, tarfile_: Any) -> "_CheckedHeader":
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined] # The two empty blocks at the end.
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"at byte {tarfile_.offset:,}: {error}") from error


@contextmanager
def _opened(tarball: Path) -> Iterator[tarfile.TarFile]:
    with tarball.open("rb") as file:
        if not file.peek(4).startswith(b"\x28\xb5\x2f\xfd"):
            with tarfile.open(fileobj=file, mode="r:*", tarinfo=_CheckedHeader) as archive:
                yield archive
            return
        try:
            import zstandard
        except ImportError:
            raise KsrcfindError(
                f"{tarball} is compressed with zstd", "Unpack it with tar --zstd, or: pipx inject ksrcfind zstandard"
            ) from None
        reader = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).stream_reader(file, read_across_frames=True)
        try:
            with reader, tarfile.open(fileobj=io.BufferedReader(reader), mode="r|", tarinfo=_CheckedHeader) as archive:
                yield archive
        except zstandard.ZstdError as error:
            raise _damaged(tarball, error) from error


def _files(archive: tarfile.TarFile, tarball: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield (path, content) of the regular files whose paths stay inside the directory."""
    total = 0
    for number, member in enumerate(archive):
        total += member.size
        if number >= MOST_FILES or total > MOST_BYTES:
            raise KsrcfindError(f"{tarball} is too large for a kernel's source", "Unpack it with tar.")
        path = PurePosixPath(member.name)
        is_inside = path.parts and not path.is_absolute() and not {"..", ".git"} & {*path.parts}
        if member.isreg() and is_inside and "\0" not in member.name and len(member.name) <= LONGEST_PATH:
            content = archive.extractfile(member)
            if content is not None:
                yield path.as_posix(), content


def _write(target: Path, content: IO[bytes]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            shutil.copyfileobj(content, file)
    except OSError as error:
        if error.errno not in _ODD:
            raise


def _read_to_the_end(archive: tarfile.TarFile) -> None:
    """Read what follows the last file, so that the checksum of a compressed tarball is compared."""
    rest: Any = archive.fileobj
    while rest is not None and rest.read(_CHUNK):
        pass
