"""Removal of unused stores (cache directories of one tree) that other versions of ksrcfind left behind."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ksrcfind.regex import regex

UNUSED_S = 30 * 86400
"""Seconds without use after which a store of another format is removed."""

# Up to format 8 a store was one SQLite file; its name did not contain the format.
_STORE = regex(r".{1,40}-[0-9a-f]{16}\.(?:sqlite(?:-wal|-shm)?|index-([0-9.]{1,40}))", re.DOTALL)


def remove_unused(cache_dir: Path, current: str) -> None:
    """Remove the stores in `cache_dir` that no run has used for a month and whose format is not `current`."""
    with suppress(OSError):
        for path in list(cache_dir.iterdir()):
            found = _STORE.fullmatch(path.name)
            if found and found[1] != current and time.time() - max(_times(path), default=time.time()) > UNUSED_S:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def _times(path: Path) -> Iterator[float]:
    """Yield the modification time of each file of a store, in seconds since the epoch."""
    related = path.parent.glob(f"{_escaped(path.name.removesuffix('-wal').removesuffix('-shm'))}*")
    for one in (path, *related, *(path.iterdir() if path.is_dir() else ())):
        with suppress(OSError):
            yield one.lstat().st_mtime


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
