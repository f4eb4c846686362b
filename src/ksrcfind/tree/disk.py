"""Lists, reads and searches files on disk, and never follows a symbolic link out of the tree."""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ksrcfind.tree.grep import expression

LARGEST = 1 << 27
"""Size limit in bytes: a larger file is not read. The largest file of Linux 6.12, a register header, has 24 million."""

WORD_BYTE = rb"[A-Za-z0-9_]"


def signature(status: os.stat_result) -> str:
    """Return the signature of a file on disk: a content key that changes when the file changes.

    It has the form `stat:SIZE:MTIME_NS:INODE`.
    """
    return f"stat:{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"


def file_signature(root: Path, path: str) -> str | None:
    """Return the signature of the file at a path below `root`. None if there is no regular file."""
    try:
        status = os.lstat(root / path)
    except (OSError, ValueError):
        return None
    return signature(status) if stat.S_ISREG(status.st_mode) else None


def wanted(path: str, suffixes: tuple[str, ...], names: frozenset[str]) -> bool:
    """Return whether a path ends in one of the suffixes or has one of the base names."""
    return path.endswith(suffixes) or path.rpartition("/")[2] in names


def walk(root: Path, suffixes: tuple[str, ...], names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield (path, signature) of the regular files below `root` with one of the suffixes or base names.

    Unreadable directories are skipped. The 78,000 files of Linux 6.1 take about 0.35 s.
    """
    pending = [("", str(root))]
    while pending:
        prefix, directory = pending.pop()
        try:
            entries = list(os.scandir(directory))
        except OSError:
            continue
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                if name != ".git":
                    pending.append((f"{prefix}{name}/", entry.path))
            elif (name.endswith(suffixes) or name in names) and entry.is_file(follow_symlinks=False):
                try:
                    yield prefix + name, signature(entry.stat(follow_symlinks=False))
                except OSError:  # The file was removed after the directory was listed.
                    continue


def read_file(root: Path, path: str) -> bytes:
    """Return the bytes of the regular file at a path below `root`.

    Raises `FileNotFoundError` if there is no such file, if the path leads out of the tree, or if the file has more than
    `LARGEST` bytes.
    """
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or path.startswith("/") or "\0" in path:
        raise FileNotFoundError(path)
    place = root
    for part in parts[:-1]:
        place /= part
        if place.is_symlink():
            raise FileNotFoundError(path)
    try:
        with open_regular(root / path, os.O_NOFOLLOW) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:  # The path is a symbolic link, is too long, or may not be read.
        raise FileNotFoundError(error.errno, error.strerror, path) from error
    if len(data) > LARGEST:
        raise FileNotFoundError(path)
    return data


def open_regular(path: Path, flags: int = 0) -> BinaryIO:
    """Open a regular file for reading. Raises `FileNotFoundError` for a pipe or device: reading it might never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_files(root: Path, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of each file, in the order of `paths`. Files that cannot be read are left out."""
    for path in paths:
        try:
            yield path, read_file(root, path)
        except OSError:
            continue


def count_words(data: bytes, words: Sequence[str]) -> dict[str, int]:
    """Return word → number of lines of a file that contain it as a whole word. Missing words are left out."""
    present = [word for word in words if all(piece.encode() in data for piece in word.split("%d"))]
    if not present:
        return {}
    either = "|".join(map(expression, present)).encode()
    lines: dict[bytes, set[int]] = {}
    for match in re.finditer(rb"(?<!" + WORD_BYTE + rb")(?:" + either + rb")(?!" + WORD_BYTE + rb")", data):
        lines.setdefault(match[0], set()).add(data.rfind(b"\n", 0, match.start()))
    return {word.decode(): len(found) for word, found in lines.items()}


def grep_files(root: Path, paths: Iterable[str], words: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Return path → word → number of lines that contain it as a whole word.

    This reads the files one by one. It is for trees that `git grep`, which is faster, cannot search.
    """
    found = ((path, count_words(data, words)) for path, data in read_files(root, paths))
    return {path: counts for path, counts in found if counts}
