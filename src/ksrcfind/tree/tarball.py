"""Unpack a tarball with a kernel's source. The tarball is untrusted."""

import io
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from ksrcfind.errors import KsrcfindError
from ksrcfind.progress import Progress

MOST_FILES = 1_000_000
"""Limit of files; a kernel of 2024 has 87,000."""
MOST_BYTES = 16 << 30
"""Limit of the size of all files together; a kernel of 2024 has 1.5 GB."""
LONGEST_PATH = 1000
"""Characters of a path inside the tarball, at most."""


def unpack(tarball: Path, directory: Path, progress: Progress) -> None:
    """Unpack the regular files of a tarball into `directory`, which must not exist; links and devices are left out.

    If all files are below one directory of the tarball, as usual, that level is left out. `directory` appears only when
    it is complete. Raises `KsrcfindError` for a file that is no tarball, is damaged or too large, and for a full disk.
    """
    half = directory.with_name(directory.name + ".unpacking")
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        with progress.task(f"unpacking {tarball.name}", None) as task, _opened(tarball) as archive:
            total = 0
            for number, (path, size, content) in enumerate(_files(archive)):
                total += size
                if number >= MOST_FILES or total > MOST_BYTES:
                    raise KsrcfindError(f"{tarball} is too large for a kernel's source", "Unpack it with tar.")
                target = half / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                task.advance()
        top = list(half.iterdir())
        if len(top) == 1 and top[0].is_dir():
            top[0].rename(directory)
        else:
            half.rename(directory)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise KsrcfindError(f"{tarball} is not a tarball, or is damaged: {error}", "Get it again.") from error
    except OSError as error:
        raise KsrcfindError(
            f"cannot unpack {tarball}: {error.strerror or error}",
            f"Check the file, and the space in {directory.parent}.",
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)


@contextmanager
def _opened(tarball: Path) -> Iterator[tarfile.TarFile]:
    with tarball.open("rb") as file:
        is_zstandard = file.peek(4)[:4] == b"\x28\xb5\x2f\xfd"
        if not is_zstandard:
            with tarfile.open(fileobj=file, mode="r:*") as archive:
                yield archive
            return
        try:
            import zstandard
        except ImportError:
            raise KsrcfindError(
                f"{tarball} is compressed with zstd", "Unpack it with tar --zstd, or: pipx inject ksrcfind zstandard"
            ) from None
        with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as plain:
            buffered = io.BufferedReader(plain)
            with tarfile.open(fileobj=buffered, mode="r|") as archive:
                yield archive


def _files(archive: tarfile.TarFile) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield (path, size, content) of the regular files whose paths stay inside the directory."""
    for member in archive:
        path = PurePosixPath(member.name)
        is_inside = not path.is_absolute() and ".." not in path.parts and "\0" not in member.name
        content = archive.extractfile(member) if member.isreg() and is_inside and path.parts else None
        if content is not None and len(member.name) <= LONGEST_PATH:
            yield path.as_posix(), member.size, content
