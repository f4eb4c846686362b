"""The source files and Makefiles of a tree, with a key of each file's content (a git blob id or a file signature)."""

from collections.abc import Mapping
from typing import NamedTuple

from ksrcfind.tree.names import escaped, is_utf8
from ksrcfind.tree.snapshot import Snapshot

SUFFIXES = (".c", ".h")
MAKEFILES = ("Makefile", "Kbuild")

# Programs for the build machine or user space do not print to the kernel's log.
NOT_KERNEL = ("tools/", "scripts/", "Documentation/", "usr/")
"""Directories of Linux whose C files are not part of the kernel."""
_LINUX = "init/main.c"


class SourceFiles(NamedTuple):
    """The C files and Makefiles of a tree that are part of the kernel."""

    files: dict[str, str]
    """Path → content key of every C file and Makefile."""
    skipped: tuple[str, ...]
    """Names of excluded files that are not UTF-8, escaped."""


def source_files(snapshot: Snapshot) -> SourceFiles:
    """Return the C files and Makefiles of a tree that are part of the kernel.

    In a Linux tree, programs for the build machine and for user space (`tools/`, `scripts/`, …) are not part of it.
    """
    listed = snapshot.files(SUFFIXES, MAKEFILES)
    if _LINUX in listed:
        listed = {path: key for path, key in listed.items() if not path.startswith(NOT_KERNEL)}
    files = {path: key for path, key in listed.items() if is_utf8(path)}
    return SourceFiles(files, tuple(escaped(path) for path in listed if path not in files))


def is_makefile(path: str) -> bool:
    """Return whether a file is a Makefile or Kbuild file."""
    return path.rpartition("/")[2] in MAKEFILES


def is_blob_id(key: str) -> bool:
    """Return whether a content key is a git blob id. The other kind is the signature of a file on disk."""
    return not key.startswith("stat:")


def makefile_texts(snapshot: Snapshot, files: Mapping[str, str]) -> dict[str, str]:
    """Return path → text of every Makefile among `files`."""
    paths = [path for path in files if is_makefile(path)]
    return {path: data.decode("utf-8", "replace") for path, data in snapshot.read_many(paths)}
