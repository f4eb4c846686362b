"""Times following messages beside `git blame`, on the same lines, in one run: `python -m bench.history --repo LINUX …`.

PLACES is a JSON list of objects with `file` and `line`, as many as are to be traced. Messages are found first, which an
index makes quick; that is not part of the times. Nothing that was traced before is used.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from ksrcfind import config
from ksrcfind.finder import Finder, HistoryMode
from ksrcfind.history.releases import Releases
from ksrcfind.history.trace import History, Request
from ksrcfind.progress import SILENT
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.revision import RevisionSnapshot

BLAME = ("git", "blame", "--porcelain", "-w", "-C", "-C", "-C")


def requests(repo: Path, rev: str, places: list[tuple[str, int]]) -> list[Request]:
    """Return what `History.trace` is asked, for the places that hold a message."""
    finder = Finder.open(repo=repo, start=repo, rev=rev, settings=config.resolve(os.environ), progress=SILENT)
    found = finder.at(places, history=HistoryMode.OFF)
    return [
        Request(finding.answer.matches[0].message, at=place)
        for place, finding in zip(places, found, strict=True)
        if finding.answer.matches
    ]


def row(name: str, taken: list[float]) -> str:
    """Return one line of the table: count, sum, median and worst, in seconds."""
    return f"{name:24}{len(taken):7}{sum(taken):9.1f}{statistics.median(taken):9.2f}{max(taken):9.2f}"


def main() -> None:
    """Trace each place alone, blame its line, and print both as a table of seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--rev", required=True)
    parser.add_argument("--places", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take one place of so many")
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
    for request in asked:
        started = time.perf_counter()
        history.trace([request])
        ours.append(time.perf_counter() - started)
        path, line = request.at or (request.message.path, request.message.line_start)
        started = time.perf_counter()
        subprocess.run(
            [*BLAME, f"-L{line},{line}", options.rev, "--", path], cwd=repo, stdout=subprocess.DEVNULL, check=True
        )
        gits.append(time.perf_counter() - started)
    print(f"{'seconds':24}{'lines':>7}{'sum':>9}{'median':>9}{'worst':>9}")
    print(row("message followed", ours))
    print(row(" ".join(BLAME[:2] + BLAME[3:]), gits))


if __name__ == "__main__":
    main()
