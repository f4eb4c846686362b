"""Find and read the lists of a running kernel, of a kernel image, or of a directory with an image and modules."""

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from ksrcfind.compressed import DAMAGE, PackageMissingError, decompressed, pieces
from ksrcfind.errors import KsrcfindError
from ksrcfind.printk_index import RUNNING
from ksrcfind.printk_index.debugfs import read_list
from ksrcfind.printk_index.entry import Entry
from ksrcfind.tree import disk

IMAGE = "vmlinux"
LONGEST_LIST = 64 << 20
"""Bytes of a file of the running kernel's lists, at most; that of a distribution's kernel has 1 MB."""
LARGEST_IMAGE = 1 << 30
"""Bytes of an image or module, at most; an image with debugging information has 0.5 GB."""
_MOST_MEMORY = 1 << 27
MOST_ENTRIES = 1_000_000
"""Limit of entries of all files together."""
MOST_FILES = 20_000
"""Limit of files of a directory that are read; a distribution has 4,500 modules."""

_RUNNING = Path(RUNNING)
_ELF = b"\x7fELF"
_NEEDED = "It is in images of kernels built with CONFIG_PRINTK_INDEX=y, as Fedora's and SUSE's are."
_MOUNT = "Run as root, with debugfs mounted (mount -t debugfs none /sys/kernel/debug)."
_UNPACK = (
    "A bzImage or vmlinuz is packed: take the vmlinux of the build or of the debug package, or unpack it with "
    "scripts/extract-vmlinux of the kernel's source."
)


class Lists(Struct, frozen=True):
    """Everything that was read."""

    entries: tuple[Entry, ...]
    name: str
    """What was read, for people: the kernel's release if the image names it, else the path."""


def read_lists(path: Path) -> Lists:
    """Return the entries of all lists at a path: a directory, an image or a module.

    Raises `KsrcfindError` if there is no list.
    """
    if path == _RUNNING and not path.is_dir():
        raise KsrcfindError("the running kernel shows no list of its log calls", f"{_MOUNT} {_NEEDED}")
    if not path.is_dir():
        entries, banner = _file(path, _module_of(path))
        return _found(path, list(entries), banner)
    entries, banner, problem = [], None, None
    for file in _files(path):
        try:
            own, named = _file(file, _module_of(file))
            entries += own[: MOST_ENTRIES - len(entries)]
            banner = banner or named
        except KsrcfindError as error:
            problem = problem or error
    if not entries and problem is not None:
        raise problem
    return _found(path, entries, banner)


def _found(path: Path, entries: list[Entry], banner: str | None) -> Lists:
    if not entries:
        hint = (
            f"Mount it (mount -t debugfs none /sys/kernel/debug), as root. {_NEEDED}" if path == _RUNNING else _NEEDED
        )
        raise KsrcfindError(f"no list of log calls at {path}", hint)
    return Lists(tuple(entries), " ".join(banner.split()[2:3]) if banner else str(path))


def _files(directory: Path) -> Iterator[Path]:
    """Yield the files of a directory that may hold a list, the image first."""
    number = 0
    for place, below, names in os.walk(directory):
        below.sort()
        for name in sorted(names, key=lambda name: (name != IMAGE, name)):
            # A list of the running kernel has no ending; build directories are full of other files.
            is_one = name == IMAGE or ".ko" in name or (directory.samefile(place) and "." not in name)
            if is_one and number < MOST_FILES:
                number += 1
                yield Path(place, name)


def _module_of(path: Path) -> str | None:
    name = path.name.split(".ko")[0]
    return None if name.startswith(IMAGE) else name.replace("-", "_")


def _file(path: Path, module: str | None) -> tuple[list[Entry], str | None]:
    """Return the entries of one file, and the kernel's banner if it is in the file."""
    try:
        content = _content(path)
    except (*DAMAGE, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = "Only root may read debugfs." if _RUNNING in (path, *path.parents) else _NEEDED
        raise KsrcfindError(f"cannot read {path}: {reason}", hint) from error
    if not content.startswith(_ELF):
        entries = list(read_list(content.decode("utf-8", "surrogateescape"), module))
        if not entries and content and not content.startswith(b"#"):
            raise KsrcfindError(f"{path} is neither a kernel image nor a list of log calls", _UNPACK)
        return entries, None
    try:
        from ksrcfind.printk_index.elf import NoListError, banner_of, read_elf
    except ImportError:
        raise KsrcfindError(
            f"reading {path} needs a package that is not installed: pyelftools", "pipx inject ksrcfind pyelftools"
        ) from None
    try:
        return list(read_elf(io.BytesIO(content), module)), banner_of(content) if module is None else None
    except NoListError as error:
        raise KsrcfindError(f"{path}: {error}", _NEEDED) from error


def _content(path: Path) -> bytes:
    """Return a file's bytes, unpacked. Raises `OSError`, or what the unpacking raises."""
    limit = LONGEST_LIST if path.parent == _RUNNING else LARGEST_IMAGE
    with disk.open_regular(path) as file:
        try:
            unpacked = decompressed(file, _MOST_MEMORY)
        except PackageMissingError:
            raise ValueError("it is compressed with zstd: pipx inject ksrcfind zstandard") from None
        # A read of the whole limit would reserve as much memory.
        content = b"".join(_up_to(limit, unpacked or pieces(file)))
    if len(content) > limit:
        raise ValueError(f"it is larger than {limit >> 20} MiB")
    return content


def _up_to(limit: int, found: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces until there are more bytes than a limit."""
    size = 0
    for piece in found:
        yield piece
        size += len(piece)
        if size > limit:
            return
