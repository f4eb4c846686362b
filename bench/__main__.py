"""Times ksrcfind beside git and ctags on a tree, in one run: `python -m bench --repo TREE [--with-history]`."""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

LINES = (
    ("nginx invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0", "invoked oom-killer"),
    ("usb 1-4: device descriptor read/64, error -110", "device descriptor read/"),
    ("EXT4-fs (sda1): mounted filesystem with ordered data mode", "mounted filesystem with"),
)
"""Lines of a log, and what a user would look for of each."""


class Taken(NamedTuple):
    """Seconds that a command takes."""

    clock: float
    processor: float
    """On all processors, child processes included."""


def seconds(command: Sequence[str], directory: Path, environment: dict[str, str], times: int = 1) -> Taken:
    """Return the medians of several runs of a command."""
    taken = []
    for _ in range(times):
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        taken.append(Taken(time.perf_counter() - started, used))
    return Taken(*map(statistics.median, zip(*taken, strict=True)))


def mean(taken: Iterable[Taken]) -> Taken:
    """Return the mean of several measurements."""
    return Taken(*map(statistics.mean, zip(*taken, strict=True)))


def by_hand(words: str, repo: Path, rev: str | None) -> list[str]:
    """What a user types for one line: grep for it, blame the place, ask which tags contain the commit."""
    if not (repo / ".git").exists():
        return ["grep", "-rn", "--include=*.c", "--include=*.h", words, "."]
    at = rev or "HEAD"
    script = f"""
        place=$(git grep -n -F '{words}' {at} -- '*.c' | head -n 1)
        path=$(printf '%s' "$place" | cut -d: -f2); line=$(printf '%s' "$place" | cut -d: -f3)
        commit=$(git blame -l -L "$line,$line" {at} -- "$path" | cut -c1-40 | tr -d '^ ')
        git tag --contains "$commit"
    """
    return ["sh", "-c", script]


def main() -> None:
    """Run all comparisons and print a table of seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--rev")
    parser.add_argument("--with-history", action="store_true", help="also read the whole history once (minutes)")
    options = parser.parse_args()
    repo = options.repo.resolve()
    ours = [sys.executable, "-m", "ksrcfind", "--repo", str(repo)] + (["--rev", options.rev] if options.rev else [])
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "KSRCFIND_CACHE_DIR": scratch}

        def answers(times: int, *more: str) -> Taken:
            return mean(seconds([*ours, *more, line], repo, environment, times) for line, _ in LINES)

        hand = mean(seconds(by_hand(words, repo, options.rev), repo, environment, 3) for _, words in LINES)
        rows = [("by hand, a line", hand, hand)]
        rows.append(("--version", seconds([*ours[:3], "--version"], repo, environment, 5), hand))
        rows.append(("first answer, nothing kept", seconds([*ours, LINES[0][0]], repo, environment), hand))
        rows.append(("answer without index", answers(3), hand))
        index = seconds([*ours, "index"], repo, environment)
        tags = index
        if shutil.which("ctags"):
            tags = seconds(["ctags", "-R", "-f", f"{scratch}/tags", "."], repo, environment)
            rows.append(("ctags -R", tags, tags))
        rows.append(("index", index, tags))
        rows.append(("index again, nothing changed", seconds([*ours, "index"], repo, environment, 3), tags))
        rows.append(("answer with index", answers(5), hand))
        rows.append(("the same without history", answers(5, "--no-history"), hand))
        if options.with_history:
            rows.append(("history index", seconds([*ours, "index", "--with-history"], repo, environment), tags))
            rows.append(("answer with history index", answers(5), hand))
    print(f"{'':32}{'clock':>9}{'ratio':>8}{'processor':>11}{'ratio':>8}")
    for name, taken, other in rows:
        clock, processor = taken.clock / other.clock, taken.processor / other.processor
        print(f"{name:32}{taken.clock:9.2f}{clock:8.2f}{taken.processor:11.2f}{processor:8.2f}")


if __name__ == "__main__":
    main()
