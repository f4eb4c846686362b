"""Kills the pass over a history at random moments: `python -m bench.killed --repo DIR --rev REV [--kills N]`.

A history index is built without interruption, and another one by runs that are killed (SIGKILL) after random times and
a last one that is not. Both must give the same answers for random messages.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ksrcfind import Finder
from ksrcfind.config import resolve
from ksrcfind.history.provenance import Provenance
from ksrcfind.history.request import Request
from ksrcfind.history.trace import History
from ksrcfind.source.message import Message
from ksrcfind.storage.store import store_path
from ksrcfind.tree.open import open_snapshot


def answers(repo: Path, rev: str, cache: Path, messages: list[Message]) -> list[Provenance]:
    """Return the histories of messages from the index in a cache directory."""
    snapshot = open_snapshot(repo, rev)
    history = History(snapshot, index_directory=store_path(cache, snapshot.root))
    found = history.trace([Request(message) for message in messages])
    if not any(one.lineage_id for one in found):
        sys.exit(f"{cache} has no history index")
    return found


def main() -> None:
    """Build both indexes and compare their answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--rev", required=True)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    repo = options.repo.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        whole, killed = Path(scratch, "whole"), Path(scratch, "killed")
        command = [sys.executable, "-m", "ksrcfind", "index", "-C", str(repo), "--rev", options.rev]

        def start(cache: Path, *more: str) -> subprocess.Popen[bytes]:
            environment = {**os.environ, "KSRCFIND_CACHE_DIR": str(cache)}
            return subprocess.Popen([*command, *more], env=environment, stdout=subprocess.DEVNULL)

        for cache in (whole, killed):  # The index of the messages is no part of the pass.
            start(cache).wait()
        began = time.monotonic()
        if start(whole, "--with-history").wait():
            sys.exit("the build without interruption failed")
        takes = time.monotonic() - began
        print(f"one pass: {takes:.0f} s")
        moments = []
        while len(moments) < options.kills:
            process = start(killed, "--with-history")
            moment = chance.uniform(0.2, takes / 3)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                moments.append(round(moment, 1))
            else:
                print(f"a run came to its end after {len(moments)} kills; the index is built again")
                for file in store_path(killed, repo).glob("history-*"):
                    file.unlink()
        print("killed after", *moments, "s")
        if start(killed, "--with-history").wait():
            sys.exit("the last run failed")
        with Finder.open(
            repo, rev=options.rev, settings=resolve({**os.environ, "KSRCFIND_CACHE_DIR": str(whole)})
        ) as one:
            able = [message for message in one.messages() if message.text_lines]
        drawn = chance.sample(able, min(options.messages, len(able)))
        equal = answers(repo, options.rev, whole, drawn) == answers(repo, options.rev, killed, drawn)
        print(f"{len(drawn)} histories are {'equal' if equal else 'DIFFERENT'}")
        sys.exit(not equal)


if __name__ == "__main__":
    main()
