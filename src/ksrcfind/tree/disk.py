"""Files as they are on disk: listed, read and searched without following symbolic links out of the tree."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ksrcfind.tree.grep import expression

WORD_BYTE = rb"[A-Za-z0-9_]"


def signature(status: os.stat_result) -> str:
    """Return the content key of a file that only the disk knows: it changes when the file does."""
    return f"stat:{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"


def file_signature(root: Path, path: str) -> str | None:
    """Return the content key of one file; None if there is no regular file."""
    try:
        status = os.lstat(root / path)
    except (OSError, ValueError):
        return None
    return signature(status) if stat.S_ISREG(status.st_mode) else None


def wanted(path: str, suffixes: tuple[str, ...], names: frozenset[str]) -> bool:
    """Tell whether a path ends in one of the suffixes or has one of the base names."""
    return path.endswith(suffixes) or path.rpartition("/")[2] in names


def walk(root: Path, suffixes: tuple[str, ...], names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield path and content key of the regular files with a suffix or name; unreadable directories are passed over.

    78,000 files of Linux 6.1 take about 0.35 s.
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
                except OSError:  # Gone since the directory was read.
                    continue


def read_file(root: Path, path: str) -> bytes:
    """Bytes of a regular file below a directory. Raises `FileNotFoundError`, also for what leads out of the tree."""
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or path.startswith("/") or "\0" in path:
        raise FileNotFoundError(path)
    place = root
    for part in parts[:-1]:
        place /= part
        if place.is_symlink():
            raise FileNotFoundError(path)
    # A pipe or device must not make us wait, a symbolic link not lead us away.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(root / path, flags)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:  # A symbolic link, a name that is too long.
        raise FileNotFoundError(path) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def read_files(root: Path, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of many files, in the order asked; those that cannot be read are left out."""
    for path in paths:
        try:
            yield path, read_file(root, path)
        except OSError:
            continue


def count_words(data: bytes, words: Sequence[str]) -> dict[str, int]:
    """Count the lines of a file that hold each word as a whole word; words that it lacks are left out."""
    present = [word for word in words if all(piece.encode() in data for piece in word.split("%d"))]
    if not present:
        return {}
    either = "|".join(map(expression, present)).encode()
    lines: dict[bytes, set[int]] = {}
    for match in re.finditer(rb"(?<!" + WORD_BYTE + rb")(?:" + either + rb")(?!" + WORD_BYTE + rb")", data):
        lines.setdefault(match[0], set()).add(data.rfind(b"\n", 0, match.start()))
    return {word.decode(): len(found) for word, found in lines.items()}


def grep_files(root: Path, paths: Iterable[str], words: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Search files one by one: what `git grep` does faster, for when it cannot be asked."""
    found = ((path, count_words(data, words)) for path, data in read_files(root, paths))
    return {path: counts for path, counts in found if counts}
