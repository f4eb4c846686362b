"""Which files of a tree are read, and what their content is called."""

import hashlib
from collections.abc import Mapping

from ksrcfind.tree.snapshot import Snapshot

SUFFIXES = (".c", ".h")
MAKEFILES = ("Makefile", "Kbuild")

# Programs that run on the build machine or in user space: they print, but not to the kernel's log.
_NOT_KERNEL = ("tools/", "scripts/", "Documentation/", "usr/")
_LINUX = "init/main.c"


def source_files(snapshot: Snapshot) -> dict[str, str]:
    """Path → content key of every C file and Makefile that is part of the kernel, and whose name can be kept."""
    files = {path: key for path, key in snapshot.files(SUFFIXES, MAKEFILES).items() if is_text(path)}
    if _LINUX not in files:
        return files
    return {path: key for path, key in files.items() if not path.startswith(_NOT_KERNEL)}


def is_text(path: str) -> bool:
    """True if a name is UTF-8; no kernel has other ones."""
    return path.isascii() or not any("\ud800" <= character <= "\udfff" for character in path)


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
