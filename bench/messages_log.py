"""How long the history of a whole log takes: lines made from a revision's own messages.

    python -m bench.messages_log --repo DIR --rev REV [--messages N]

As many messages of the revision are drawn as are wanted, and each becomes a line as dmesg shows it, with numbers and
words in the place of its values. `batch` explains them, with history and nothing kept, then again with what was kept.
A commit-graph makes the difference: `git commit-graph write --reachable --changed-paths`.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ksrcfind import Finder
from ksrcfind.config import resolve
from ksrcfind.source.template import pieces, template

FEWEST_WORDS = 4


def lines(finder: Finder, count: int) -> Iterator[str]:
    """Yield lines of so many messages, drawn at random from those that can be told by their words."""
    chance = random.Random(35)
    able = [
        message
        for message in finder.messages()
        if message.forms and len(template(message.forms[0].printed).split()) >= FEWEST_WORDS
    ]
    for number, message in enumerate(chance.sample(able, count)):
        text = "".join(
            piece if isinstance(piece, str) else _value(piece.kind, chance)
            for piece in pieces(message.forms[0].printed.split("\n")[0])
        )
        yield f"[{number:5}.{chance.randrange(10**6):06}] {text}"


def _value(kind: str, chance: random.Random) -> str:
    if kind in "diu":
        return str(chance.randrange(1, 5000))
    if kind in "xXp":
        return f"{chance.randrange(1, 1 << 24):x}"
    return chance.choice(("eth0", "sda1", "node3", "ttyS0"))


def main() -> None:
    """Make the log and time both runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--rev", required=True)
    parser.add_argument("--messages", type=int, default=1000)
    options = parser.parse_args()
    settings = resolve(os.environ)
    with tempfile.TemporaryDirectory() as scratch:
        log, cache = Path(scratch, "messages.log"), Path(scratch, "cache")
        with Finder.open(options.repo, rev=options.rev, settings=settings) as finder:
            log.write_text("".join(f"{line}\n" for line in lines(finder, options.messages)))
        print(f"{options.messages:,} distinct lines of {options.rev}", flush=True)
        command = [sys.executable, "-m", "ksrcfind", "-C", str(options.repo), "--rev", options.rev, "batch", str(log)]
        timed("index, no history", [*command, "--no-history"], cache)
        timed("with history", command, cache)
        timed("once more", command, cache)


def timed(name: str, command: list[str], cache: Path) -> None:
    """Run a command and print what it took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "KSRCFIND_CACHE_DIR": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    used, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    told = sum(line.strip().startswith(("introduced ", "last changed ")) for line in done.stdout.splitlines())
    print(
        f"{name:20}{wall:8.1f} s  {processor:8.1f} s processor  {told:,} histories, exit {done.returncode}", flush=True
    )


if __name__ == "__main__":
    main()
