"""Times ksrcfind beside git and ctags on a tree, in one run: `python -m bench --repo TREE [--rev REV]`."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LINES = (
    ("nginx invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0", "invoked oom-killer"),
    ("usb 1-4: device descriptor read/64, error -110", "device descriptor read/"),
    ("EXT4-fs (sda1): mounted filesystem with ordered data mode", "mounted filesystem with"),
)
"""Lines of a log, and what a user would look for of each."""


def seconds(command: Sequence[str], directory: Path, environment: dict[str, str], times: int = 1) -> float:
    """Median time of a command, from start to end."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL, check=False)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


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
    options = parser.parse_args()
    repo = options.repo.resolve()
    ours = [sys.executable, "-m", "ksrcfind", "--repo", str(repo)] + (["--rev", options.rev] if options.rev else [])
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "KSRCFIND_CACHE_DIR": scratch}

        def answers(times: int) -> float:
            return statistics.mean(seconds([*ours, line], repo, environment, times) for line, _ in LINES)

        hand = statistics.mean(seconds(by_hand(words, repo, options.rev), repo, environment, 3) for _, words in LINES)
        rows = [("by hand, a line", hand, hand)]
        first = seconds([*ours, LINES[0][0]], repo, environment)
        rows.append(("first answer, nothing kept", first, hand))
        rows.append(("answer without index", answers(3), hand))
        index = seconds([*ours, "index"], repo, environment)
        tags = index
        if shutil.which("ctags"):
            tags = seconds(["ctags", "-R", "-f", f"{scratch}/tags", "."], repo, environment)
            rows.append(("ctags -R", tags, tags))
        rows.append(("index", index, tags))
        rows.append(("index again, nothing changed", seconds([*ours, "index"], repo, environment, 3), tags))
        rows.append(("answer with index", answers(5), hand))
    print(f"{'':32}{'seconds':>9}{'ratio':>8}")
    for name, taken, other in rows:
        print(f"{name:32}{taken:9.2f}{taken / other:8.2f}")


if __name__ == "__main__":
    main()
