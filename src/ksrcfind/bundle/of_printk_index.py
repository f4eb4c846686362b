"""Make a bundle of the kernel's own list of log calls."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ksrcfind import __version__
from ksrcfind.bundle.format import FORMAT, About
from ksrcfind.bundle.writer import check_output, write_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.printk_index.entry import messages_of
from ksrcfind.printk_index.read import Lists

PREFIX = "printk-index-"
KEPT = 8
"""Number of such bundles that are kept in the cache directory; the oldest ones are removed."""

NOTE = (
    "answers are from the kernel's own list of log calls: it has file, line, function, level and format, but no "
    "source, no conditions, no history, and no messages whose format is not constant"
)


def write_list(lists: Lists, output: Path) -> About:
    """Write the bundle of a list to a path and return its description. Raises `KsrcfindError` as `write_bundle`."""
    check_output(output)
    units = messages_of(lists.entries)
    count = sum(len(messages) for _path, messages in units)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = About(lists.name, None, "files", "printk index", made, __version__, count, history=False)
    write_file(output, about, units, ())
    return about


def cached_list(lists: Lists, cache_dir: Path) -> Path:
    """Return the path of a list's bundle in the cache directory, and write the bundle if it is not there.

    Raises `KsrcfindError` if it cannot be written.
    """
    content = msgspec.msgpack.encode((FORMAT, __version__, lists))
    path = cache_dir / f"{PREFIX}{hashlib.sha256(content).hexdigest()[:24]}.ksrcfind"
    if not path.is_file():
        try:
            cache_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KsrcfindError(
                f"{cache_dir} cannot be created: {error.strerror}", "Name another directory: KSRCFIND_CACHE_DIR."
            ) from error
        write_list(lists, path)
        for old in sorted(cache_dir.glob(f"{PREFIX}*.ksrcfind"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    return path
