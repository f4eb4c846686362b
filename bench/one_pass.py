"""Compares the history index with following by git: `python -m bench.one_pass --repo DIR --rev REV [--messages N]`.

Messages are drawn at random from those with a text. Each is answered from the history index, which is built first if it
is missing, and by following, which is the judge. Printed are how many answers are equal, field by field, and every
difference, so that it can be read.
"""

import argparse
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from ksrcfind import Finder, config
from ksrcfind.history.index.build import build_history_index
from ksrcfind.history.provenance import Provenance
from ksrcfind.history.releases import Releases
from ksrcfind.history.request import Request
from ksrcfind.history.trace import History
from ksrcfind.progress import SILENT
from ksrcfind.storage.store import store_path
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.revision import RevisionSnapshot

FIELDS = ("status", "introduced commit", "introduced release", "origin", "last changed", "events")


def fields(found: Provenance) -> Iterator[object]:
    """Yield what is compared of a history, in the order of `FIELDS`."""
    introduced, origin, last = found.introduced, found.origin, found.last_changed
    yield found.status
    yield introduced and introduced.commit
    yield introduced and introduced.release
    yield origin and origin.commit
    yield last and last.commit
    yield [(event.kind, event.commit) for event in found.events]


def main() -> None:
    """Answer random messages from the index and by following, and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--rev", required=True)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    settings = config.resolve(os.environ)
    with Finder.open(options.repo, rev=options.rev, settings=settings) as finder:
        able = [message for message in finder.messages() if message.text_lines]
    drawn = random.Random(options.seed).sample(able, min(options.messages, len(able)))
    asked = [Request(message) for message in drawn]
    snapshot = open_snapshot(options.repo, options.rev)
    if not isinstance(snapshot, RevisionSnapshot):
        parser.error(f"{options.repo} is no git repository")
    directory = store_path(settings.cache_dir, snapshot.root)
    build_history_index(snapshot.repository, snapshot.commit, directory, None, SILENT)
    releases = Releases(snapshot.repository)
    releases.prepare()
    started = time.process_time()
    indexed = History(snapshot, releases, index_directory=directory).trace(asked)
    print(
        f"{len(asked):,} of {len(able):,} messages; from the index: {time.process_time() - started:.1f} s", flush=True
    )
    started = time.perf_counter()
    followed = History(snapshot, releases).trace(asked)
    print(f"by following: {time.perf_counter() - started:.1f} s of clock")
    equal: Counter[str] = Counter()
    for message, ours, theirs in zip(drawn, indexed, followed, strict=True):
        different = []
        for field, own, other in zip(FIELDS, fields(ours), fields(theirs), strict=True):
            equal[field] += own == other
            different += [f"    {field}: {own} | {other}"] if own != other else []
        whole = replace(ours, lineage_id=None) == theirs
        equal["everything"] += whole
        equal["from the index"] += ours.lineage_id is not None
        if not whole:
            print(f"{message.path}:{message.line_start}", *different, sep="\n")
    for field, count in equal.items():
        print(f"{field:24}{count:6} of {len(asked)}")


if __name__ == "__main__":
    main()
