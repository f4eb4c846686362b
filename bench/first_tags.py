"""Makes a history as long as that of all of Linux and times the first tags of its commits.

    python -m bench.first_tags DIRECTORY [--commits 1300000] [--tags 900] [--ask 1000]

The history has the shape of the kernel's: a line of releases with candidates before each, work on branches that begin
at some earlier candidate and are merged later, and stable branches with tags of their own. It is the same every time.
Dates do not follow ancestry: some work is dated before the release that it began at.
"""

import argparse
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ksrcfind.caching import MemoryCache
from ksrcfind.history.releases import Releases
from ksrcfind.tree.repository import Repository, open_repository

SEED = 20_121_013
EPOCH = 1_113_690_000
CANDIDATES = 7
"""Release candidates before each release."""
STABLE = 6
"""Stable releases after each."""
BRANCH = 40
"""Commits of a branch, on the average."""


def stream(commits: int, tags: int) -> Iterator[bytes]:
    """Yield what fast-import reads for a history of at least so many commits, with so many tags at the most."""
    chance = random.Random(SEED)
    made = 0

    def commit(branch: str, parent: int | None, merged: int | None = None) -> bytes:
        nonlocal made
        made += 1
        date = EPOCH + 300 * made - chance.randrange(10_000_000)
        lines = [f"commit refs/heads/{branch}", f"mark :{made}", f"committer A <a@b> {max(date, 0)} +0000", "data 1\nx"]
        lines += [f"from :{parent}"] if parent else []
        lines += [f"merge :{merged}"] if merged else []
        return ("\n".join(lines) + "\n\n").encode()

    def tag(name: str, at: int) -> bytes:
        return f"reset refs/tags/{name}\nfrom :{at}\n\n".encode()

    releases = max(1, tags // (1 + CANDIDATES + STABLE))
    work = max(1, commits // (releases * (1 + CANDIDATES)))
    yield commit("master", None)
    tip, bases = made, [made]
    for release in range(releases):
        for candidate in (*range(1, CANDIDATES + 1), 0):
            left = work
            while left > 0:
                length = min(left, 1 + int(chance.expovariate(1 / BRANCH)))
                side = chance.choice(bases[-CANDIDATES:])
                for _ in range(length):
                    yield commit("side", side)
                    side = made
                yield commit("master", tip, side)
                tip = made
                left -= length + 1
            yield tag(f"v{release + 1}.0-rc{candidate}" if candidate else f"v{release + 1}.0", tip)
            bases.append(tip)
        stable = tip
        for number in range(1, STABLE + 1):
            for _ in range(chance.randrange(1, 30)):
                yield commit("stable", stable)
                stable = made
            yield tag(f"v{release + 1}.0.{number}", stable)


def make(directory: Path, commits: int, tags: int) -> None:
    """Make the repository."""
    subprocess.run(["git", "init", "-q", "--bare", str(directory)], check=True)
    writer = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--force", "--date-format=raw"], cwd=directory, stdin=subprocess.PIPE
    )
    assert writer.stdin is not None
    writer.stdin.writelines(stream(commits, tags))
    writer.stdin.close()
    if writer.wait():
        sys.exit("git fast-import failed")


def ask(directory: Path, count: int) -> None:
    """Time the first question and the following ones, and check a sample against git."""
    repository = open_repository(directory)
    if repository is None:
        sys.exit(f"{directory} is no repository")
    total, chosen = sample(repository, count)
    kept = MemoryCache()
    for what in ("first question", "first question of the next run"):
        releases = Releases(repository, cache=kept)
        started = time.perf_counter()
        first = releases.of(chosen[0])
        print(f"{what}: {time.perf_counter() - started:.2f} s ({first.first_tag})")
    slowest = 0.0
    started = time.perf_counter()
    for commit in chosen:
        before = time.perf_counter()
        releases.of(commit)
        slowest = max(slowest, time.perf_counter() - before)
    print(f"{len(chosen):,} more: {time.perf_counter() - started:.3f} s, slowest {slowest * 1e3:.2f} ms")
    print(f"{total:,} commits, {len(releases.tags)} tags, memory {peak_mb():.0f} MB at the most")
    wrong = [commit for commit in chosen[:20] if releases.of(commit).first_tag != by_git(directory, commit, releases)]
    print(f"{len(wrong)} of {len(chosen[:20])} differ from git tag --contains")


def sample(repository: Repository, count: int) -> tuple[int, list[str]]:
    """Return how many commits there are, and some of them by chance, without holding them all."""
    chance = random.Random(SEED)
    chosen: list[str] = []
    total = 0
    for line in repository.git.lines("rev-list", "--all"):
        total += 1
        if len(chosen) < count:
            chosen.append(line.decode())
        elif (place := chance.randrange(total)) < count:
            chosen[place] = line.decode()
    return total, chosen


def by_git(directory: Path, commit: str, releases: Releases) -> str | None:
    """Return the first tag as git has it."""
    listed = subprocess.run(
        ["git", "tag", "--contains", commit], cwd=directory, check=True, capture_output=True, text=True
    ).stdout.split()
    return min(listed, key=lambda name: releases.order[name], default=None)


def peak_mb() -> float:
    """Return the memory that this process needed at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Make the history if it is not there, and ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--commits", type=int, default=1_300_000)
    parser.add_argument("--tags", type=int, default=900)
    parser.add_argument("--ask", type=int, default=1000)
    arguments = parser.parse_args()
    if not arguments.directory.exists():
        started = time.perf_counter()
        make(arguments.directory, arguments.commits, arguments.tags)
        print(f"made in {time.perf_counter() - started:.0f} s")
    ask(arguments.directory, arguments.ask)


if __name__ == "__main__":
    main()
