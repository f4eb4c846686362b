"""Which files of a tree are read, and what their content is called."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from ksrcfind.tree.names import escaped, is_utf8
from ksrcfind.tree.snapshot import Snapshot

SUFFIXES = (".c", ".h")
MAKEFILES = ("Makefile", "Kbuild")

# Programs that run on the build machine or in user space: they print, but not to the kernel's log.
_NOT_KERNEL = ("tools/", "scripts/", "Documentation/", "usr/")
_LINUX = "init/main.c"


class SourceFiles(NamedTuple):
    """Files of a tree that are part of the kernel."""

    files: dict[str, str]
    """Path → content key of every C file and Makefile."""
    skipped: tuple[str, ...]
    """Names of those that are left out because they are not UTF-8, escaped."""


def source_files(snapshot: Snapshot) -> SourceFiles:
    """Return the C files and Makefiles that are part of the kernel."""
    listed = snapshot.files(SUFFIXES, MAKEFILES)
    if _LINUX in listed:
        listed = {path: key for path, key in listed.items() if not path.startswith(_NOT_KERNEL)}
    files = {path: key for path, key in listed.items() if is_utf8(path)}
    return SourceFiles(files, tuple(escaped(path) for path in listed if path not in files))


def is_makefile(path: str) -> bool:
    """True for a file that says which objects are built."""
    return path.rpartition("/")[2] in MAKEFILES


def blob_id(data: bytes) -> str:
    """The id that git gives these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def is_blob_id(key: str) -> bool:
    """True if a content key is a blob id already."""
    return not key.startswith("stat:")


def makefile_texts(snapshot: Snapshot, files: Mapping[str, str]) -> dict[str, str]:
    """Path → text of every Makefile of a tree."""
    paths = [path for path in files if is_makefile(path)]
    return {path: data.decode("utf-8", "replace") for path, data in snapshot.read_many(paths)}
