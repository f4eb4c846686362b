"""Times following messages beside `git blame`, on the same lines, in one run: `python -m bench.history --repo LINUX …`.

PLACES is a JSON list of objects with `file` and `line`, as many as are to be traced. Messages are found first, which an
index makes quick; that is not part of the times. Nothing that was traced before is used. On a machine with other work
to do the time of the processor tells more than that of the clock; the git that reads objects is not in it.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from ksrcfind import config
from ksrcfind.engine.open import open_engine
from ksrcfind.finding import HistoryMode
from ksrcfind.history.releases import Releases
from ksrcfind.history.trace import History, Request
from ksrcfind.progress import SILENT
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.revision import RevisionSnapshot

BLAME = ("git", "blame", "--porcelain", "-w", "-C", "-C", "-C")


def requests(repo: Path, rev: str, places: list[tuple[str, int]]) -> list[Request]:
    """Return what `History.trace` is asked, for the places that hold a message."""
    engine = open_engine(replace(config.resolve(os.environ), repo=repo), rev, repo, SILENT)
    found = engine.at(places, history=HistoryMode.OFF)
    return [
        Request(finding.answer.matches[0].message, at=place)
        for place, finding in zip(places, found, strict=True)
        if finding.answer.matches
    ]


def now() -> tuple[float, float]:
    """Return the time of the clock, and that of the processor for this process and those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(usage.ru_utime + usage.ru_stime for usage in used)


def since(started: tuple[float, float]) -> tuple[float, float]:
    """Return how long something took, by both."""
    clock, processor = now()
    return clock - started[0], processor - started[1]


def rows(name: str, taken: list[tuple[float, float]]) -> Iterator[str]:
    """Yield two lines of the table: count, sum, median and worst, in seconds of the clock and of the processor."""
    for what, column in zip(("", ", processor"), zip(*taken, strict=True), strict=True):
        figures = sum(column), statistics.median(column), max(column)
        yield f"{name + what:36}{len(column):7}" + "".join(f"{figure:9.2f}" for figure in figures)


def main() -> None:
    """Trace each place alone, blame its line, and print both as a table of seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--rev", required=True)
    parser.add_argument("--places", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take one place of so many")
    parser.add_argument("--blame-every", type=int, default=1, help="blame one place of so many of those, which is slow")
    options = parser.parse_args()
    repo = options.repo.resolve()
    entries = json.loads(options.places.read_bytes())[:: options.every]
    asked = requests(repo, options.rev, [(entry["file"], entry["line"]) for entry in entries])
    snapshot = open_snapshot(repo, options.rev)
    if not isinstance(snapshot, RevisionSnapshot):
        parser.error(f"{repo} is no git repository")
    releases = Releases(snapshot.repository)
    started = time.perf_counter()
    releases.prepare()
    print(f"table of first tags: {time.perf_counter() - started:.1f} s")
    history = History(snapshot, releases)
    ours, gits = [], []
    for number, request in enumerate(asked):
        started = now()
        history.trace([request])
        ours.append(since(started))
        if number % options.blame_every:
            continue
        path, line = request.at or (request.message.path, request.message.line_start)
        call = [*BLAME, f"-L{line},{line}", options.rev, "--", path]
        started = now()
        subprocess.run(call, cwd=repo, stdout=subprocess.DEVNULL, check=True)
        gits.append(since(started))
    print(f"{'seconds':36}{'lines':>7}{'sum':>9}{'median':>9}{'worst':>9}")
    print(*rows("message followed", ours), *rows(" ".join(BLAME[:2] + BLAME[3:]), gits), sep="\n")


if __name__ == "__main__":
    main()
