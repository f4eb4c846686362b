"""Draws messages at random to be judged by reading the source, and checks the verdicts against a tree.

    ksrcfind -C TREE messages --format ndjson > messages.ndjson
    python -m bench.precision draw messages.ndjson --seed 7 > to-judge.jsonl
    python -m bench.precision check messages.ndjson bench/precision/linux-6.1.jsonl

`draw` prints records of the list, chosen by a seed, with `right` and `reason` to be filled in. `check` says for each
draw of a judged list how many were right (with the 95 % interval, Wilson), and which of them are still listed with the
same text.
"""

import argparse
import json
import math
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

Judged = dict[str, Any]
FIELDS = ("path", "line_start", "line_end", "function", "call", "template")


def records(path: Path) -> list[Judged]:
    """Read one JSON object a line."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def drawn(messages: Path, seed: int, count: int) -> list[Judged]:
    """Choose records by a seed, in the order of the list."""
    lines = messages.read_bytes().splitlines()
    chosen = sorted(random.Random(seed).sample(range(len(lines)), count))
    found = [json.loads(lines[number]) for number in chosen]
    return [{"seed": seed} | {name: one[name] for name in FIELDS} | {"right": None, "reason": None} for one in found]


def interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share, at 95 %."""
    z = 1.96
    share, scale = right / count, 1 + z * z / count
    middle = (share + z * z / (2 * count)) / scale
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / scale
    return middle - half, middle + half


def place(record: Judged) -> tuple[object, ...]:
    """What a record must have in common with a judged one."""
    return tuple(record[name] for name in FIELDS)


def check(messages: Path, judged: Path) -> None:
    """Print the share of right ones of each draw and how the list stands to the verdicts now."""
    listed = {place(record) for record in records(messages)}
    draws: dict[int, list[Judged]] = defaultdict(list)
    for record in records(judged):
        draws[record["seed"]].append(record)
    for seed, found in draws.items():
        right = [record for record in found if record["right"]]
        wrong = [record for record in found if not record["right"]]
        low, high = interval(len(right), len(found))
        print(f"seed {seed}: right {len(right)} of {len(found)}, {len(right) / len(found):.3f} [{low:.3f}, {high:.3f}]")
        print(f"  right ones listed now: {sum(place(record) in listed for record in right)} of {len(right)}")
        print(f"  wrong ones gone now: {sum(place(record) not in listed for record in wrong)} of {len(wrong)}")
        for record in wrong:
            state = "listed" if place(record) in listed else "gone"
            print(f"  {state:6} {record['path']}:{record['line_start']} {record['call']}: {record['reason']}")


def main() -> None:
    """Draw or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw")
    draw.add_argument("messages", type=Path)
    draw.add_argument("--seed", type=int, required=True)
    draw.add_argument("--count", type=int, default=200)
    verdicts = commands.add_parser("check")
    verdicts.add_argument("messages", type=Path)
    verdicts.add_argument("judged", type=Path)
    options = parser.parse_args()
    if options.command == "draw":
        for record in drawn(options.messages, options.seed, options.count):
            print(json.dumps(record))
    else:
        check(options.messages, options.judged)


if __name__ == "__main__":
    main()
