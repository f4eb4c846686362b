"""How time and memory grow: `python -m bench.growth --tree DIRECTORY [--lines N] LOG…`.

Its files are linked or copied, never changed. An eighth, a quarter, half and all of the C files are indexed, with all
headers, and a log of N lines and of 2, 4 and 8 times as many is analysed with the last index. A row that takes
more than twice as much as the one above it grows faster than its input.
"""

import argparse
import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.long_log import repeated
from ksrcfind.index.sources import MAKEFILES
from ksrcfind.tree.disk import walk

PARTS = (1, 2, 4, 8)
LINE = "usb 1-4: device descriptor read/64, error -110"


class Used(NamedTuple):
    """What a command used, child processes included."""

    clock_s: float
    processor_s: float
    memory_mb: int


def used(arguments: Sequence[str], tree: Path, cache: Path) -> Used:
    """Run ksrcfind and return what it used."""
    environment = {**os.environ, "KSRCFIND_CACHE_DIR": str(cache)}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ksrcfind", *arguments, "-C", str(tree)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, own = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1: no message was found.
        raise SystemExit(f"ksrcfind {' '.join(arguments)} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(time.perf_counter() - began, processor, own.ru_maxrss // 1024)


def part_of(tree: Path, target: Path, eighths: int) -> int:
    """Put a part of the C files of a tree, and all headers and Makefiles, into a directory; return their number."""
    count = 0
    for path, _signature in walk(tree, (".c", ".h"), frozenset(MAKEFILES)):
        if path.endswith(".c") and path != "init/main.c" and zlib.crc32(path.encode()) % 8 >= eighths:
            continue
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(tree / path, file)
        except OSError:  # Another file system.
            shutil.copyfile(tree / path, file)
        count += 1
    return count


def row(name: str, taken: Used, last: Used | None) -> str:
    """Return a row of the table; the last column compares the processor time with that of the row above."""
    ratio = f"{taken.processor_s / last.processor_s:9.2f}" if last is not None else ""
    return f"{name:34}{taken.clock_s:9.1f}{taken.processor_s:11.1f}{taken.memory_mb:10,}{ratio}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("logs", type=Path, nargs="+")
    options = parser.parse_args()
    print(f"{'':34}{'clock s':>9}{'processor s':>11}{'MB':>10}{'ratio':>9}")
    with tempfile.TemporaryDirectory() as scratch:
        last: Used | None = None
        tree, cache = Path(scratch), Path(scratch)
        for eighths in PARTS:
            tree, cache = Path(scratch) / f"tree-{eighths}", Path(scratch) / f"cache-{eighths}"
            files = part_of(options.tree.resolve(), tree, eighths)
            taken = used(["index"], tree, cache)
            print(row(f"index, {files:,} files", taken, last), flush=True)
            last = taken
            print(row("  answer with it", used(["find", LINE], tree, cache), None), flush=True)
        last = None
        for times in PARTS:
            lines = options.lines * times
            log = Path(scratch) / "log"
            log.write_text("\n".join(itertools.islice(repeated(options.logs), lines)) + "\n")
            taken = used(["batch", "--no-history", "--format", "ndjson", str(log)], tree, cache)
            print(row(f"log, {lines:,} lines", taken, last), flush=True)
            last = taken


if __name__ == "__main__":
    main()
