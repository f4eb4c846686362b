"""Times matching alone: `python -m bench.matching --tree DIRECTORY [--lines N] LOG…`, on one core, from an index.

Beside distinct lines of logs, lines are rendered from messages of the tree drawn at random, so that every line asks for
other words. Compared in the same run: `grep -F` for one line at a time, as it would be typed, and, where it is
installed, Drain3 mining the same lines (it only clusters them).
"""

import argparse
import cProfile
import gc
import os
import pstats
import random
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.accuracy.left_out import distinct
from ksrcfind import config
from ksrcfind.__main__ import FEW_COLLECTIONS
from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.engine.context import open_tree, roots_of
from ksrcfind.log.line import LogLine, read_line
from ksrcfind.match.matcher import Matcher
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.sinks import identity
from ksrcfind.source.template import WORD, Conversion, pieces
from ksrcfind.storage.store import Store, store_path

_GREPS = 5


def rendered(index: RevisionIndex, count: int, seed: int) -> list[LogLine]:
    """Return lines that messages drawn at random would print."""
    chance = random.Random(seed)
    found: list[LogLine] = []
    while len(found) < count:
        try:
            message = index.message(chance.randrange(index.size))
        except KeyError:
            continue
        text = message.forms[0].printed.partition("\n")[0]
        if WORD.search(text):
            found.append(read_line("".join(_value(piece, chance) for piece in pieces(text))))
    return found


def _value(piece: str | Conversion, chance: random.Random) -> str:
    if isinstance(piece, str):
        return piece
    number = chance.randrange(1, 4096)
    if piece.kind == "s":
        return chance.choice(("eth0", "sda", "0000:00:1f.2", "nginx", "e1000e"))
    return format(number, "x") if piece.kind in ("x", "X", "p") else str(number)


def rate(ask: Callable[[LogLine], object], lines: Sequence[LogLine]) -> float:
    """Lines a second of processor time, which other work on the machine does not change much."""
    started = time.process_time()
    for line in lines:
        ask(line)
    return len(lines) / (time.process_time() - started)


def with_other_numbers(lines: Sequence[LogLine], times: int, seed: int) -> list[LogLine]:
    """Return the lines again and again, each with other decimal numbers: distinct lines, as a long log has them."""
    chance = random.Random(seed)
    number = re.compile(r"(?<![0-9A-Za-z.:])[0-9]{1,6}(?![0-9A-Za-z.:])")
    return [
        read_line(number.sub(lambda _found: str(chance.randrange(100_000)), line.body))
        for _ in range(times)
        for line in lines
    ]


def longest_literal(line: LogLine) -> str:
    """What a user would grep for."""
    return max(line.body.split(": "), key=len)


def grep_seconds(tree: Path, lines: Sequence[LogLine]) -> float:
    """Median time of a search for one line."""
    taken = []
    for line in lines[:_GREPS]:
        started = time.perf_counter()
        command = ["grep", "-rnF", "--include=*.[ch]", "-e", longest_literal(line), "."]
        subprocess.run(command, cwd=tree, stdout=subprocess.DEVNULL, check=False)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def drain_rate(lines: Sequence[LogLine]) -> float | None:
    """Lines a second of Drain3, None where it is not installed."""
    try:
        from drain3 import TemplateMiner
    except ImportError:
        return None
    miner = TemplateMiner()
    return rate(lambda line: miner.add_log_message(line.body), lines)


def main() -> None:
    """Print lines a second, and with --profile where the time goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=5000, help="how many lines are rendered from messages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("logs", type=Path, nargs="*")
    options = parser.parse_args()
    gc.set_threshold(*FEW_COLLECTIONS)
    snapshot, settings = open_tree(options.tree, options.tree, None, config.resolve(os.environ))
    started = time.perf_counter()
    store = Store.open(store_path(settings.cache_dir, snapshot.root), identity(roots_of(settings)))
    index = RevisionIndex(store.view(snapshot.key))
    opened = time.perf_counter()
    matcher = Matcher(index)
    seen = distinct(options.logs)
    made = rendered(index, options.lines, options.seed)
    print(f"opening the index {1000 * (opened - started):.0f} ms")
    for name, lines in (("lines of logs", seen), ("rendered lines", made)):
        if lines:
            first, second = rate(matcher.answer, lines), rate(matcher.answer, lines)
            print(f"{name:16}{len(lines):7} distinct: {first:9.0f} lines/s, {second:9.0f} lines/s when asked again")
    everything = [*seen, *made]
    if seen:
        answers = AnswerCache(matcher.answer)
        rate(answers, seen)
        many = list({line.body: line for line in with_other_numbers(seen, 20, options.seed)}.values())
        print(f"as batch does, other numbers {len(many):7} distinct: {rate(answers, many):9.0f} lines/s")
    grep = grep_seconds(options.tree, everything)
    print(f"grep for one line: {grep:.2f} s, {1 / grep:.1f} lines/s")
    drain = drain_rate(everything)
    print(f"Drain3, clustering: {drain:.0f} lines/s" if drain else "Drain3 is not installed (pip install drain3)")
    if options.profile:
        fresh = Matcher(RevisionIndex(store.view(snapshot.key)))
        with cProfile.Profile() as profile:
            rate(fresh.answer, everything)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
