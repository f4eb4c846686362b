"""Draws messages at random whose conditions are to be read beside the source, and checks the verdicts against a tree.

    ksrcfind -C TREE messages --format ndjson > messages.ndjson
    python -m bench.conditions draw TREE messages.ndjson --seed 7 > to-read.jsonl
    python -m bench.conditions show TREE to-read.jsonl
    python -m bench.conditions check TREE bench/conditions/verdicts.jsonl

`draw` prints one record for each message: 20 of 100 in functions with a `goto` above the call, 20 after a `return`, 10
in macros, the others of any kind; no file twice, no call that was read before. `show` prints the conditions beside the
function. `first_reading` is then filled in: `right`, `wrong`, `incomplete` (a condition is missing, and nothing says
so), or `marked` (left out and marked). `check` prints the figures of each draw, and the records whose conditions are
no longer those that were read; `now` is the verdict for the conditions of the record.
"""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ksrcfind.conditions.circumstances import circumstances
from ksrcfind.conditions.macros import MacroBody
from ksrcfind.conditions.record import Circumstances

Record = dict[str, Any]
VERDICTS = Path(__file__).parent / "verdicts.jsonl"
KINDS = {"goto": 0.2, "exit": 0.2, "macro": 0.1, "any": 0.5}
"""Share of each kind in a draw."""


def records(path: Path) -> list[Record]:
    """Read one JSON object a line."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def found(tree: Path, record: Record) -> Circumstances | None:
    """Return the circumstances of a record's call."""
    data = (tree / record["path"]).read_bytes()
    defined = record.get("defined_at")
    macro = None
    if defined:
        macro = MacroBody(
            (tree / defined["path"]).read_bytes(), defined["line"], defined["macro"], record.get("format", "")
        )
    lines = record["line"], record["line_end"]
    return circumstances(data, *lines, record["call"], record["function"], macro=macro)


def listed(circumstances: Circumstances) -> list[str]:
    """Return the conditions of a call as a reader compares them with the source."""
    return [f"{each.kind} {each.line}: {each.text}" for each in circumstances.conditions]


def drawn(
    tree: Path, messages: Iterable[Record], seed: int, count: int, read: set[tuple[str, int]]
) -> Iterator[Record]:
    """Yield records of a draw, kind by kind."""
    every = [record for record in messages if record["function"]]
    random.Random(seed).shuffle(every)
    left = {kind: round(share * count) for kind, share in KINDS.items()}
    files: set[str] = set()
    for message in every:
        path, line = message["path"], message["line_start"]
        if not any(left.values()):
            return
        if path in files or (path, line) in read:
            continue
        record = {"path": path, "line": line} | {
            name: message[name] for name in ("line_end", "function", "call", "defined_at", "format")
        }
        circumstances = found(tree, record)
        if circumstances is None:
            continue
        kind = next((each for each in _kinds(tree, record, circumstances) if left[each]), None)
        if kind is None:
            continue
        files.add(path)
        left[kind] -= 1
        fields = {"conditions": listed(circumstances), "complete": circumstances.complete, "first_reading": None}
        yield {"sample": str(seed), "kind": kind} | record | fields


def _kinds(tree: Path, record: Record, circumstances: Circumstances) -> Iterator[str]:
    """Yield the kinds of a call, the rarest first."""
    lines = (tree / record["path"]).read_text(encoding="latin-1").split("\n")
    first, _ = circumstances.function_lines
    above = "\n".join(lines[first - 1 : record["line"] - 1])
    if record["defined_at"] or lines[first - 1].startswith("#define"):
        yield "macro"
    if re.search(r"\bgoto\b", above):
        yield "goto"
    if re.search(r"\breturn\b", above):
        yield "exit"
    yield "any"


def show(tree: Path, draws: Iterable[Record]) -> None:
    """Print the conditions of each record beside its function."""
    for number, record in enumerate(draws, 1):
        print(f"=== {number} {record['kind']} {record['path']}:{record['line']} {record['call']}")
        circumstances = found(tree, record)
        if circumstances is None:
            print("no function")
            continue
        places = [(record["path"], *circumstances.function_lines)]
        if record["defined_at"]:
            line = record["defined_at"]["line"]
            places.insert(0, (record["defined_at"]["path"], max(line - 8, 1), line + 4))
        for path, first, last in places:
            lines = (tree / path).read_text(encoding="latin-1").split("\n")
            print(path)
            for at in range(first, last + 1):
                print(f"{'>' if path == record['path'] and at == record['line'] else ' '}{at:6} {lines[at - 1]}")
        print("--- complete" if circumstances.complete else "--- INCOMPLETE")
        print("\n".join(listed(circumstances)))


def check(tree: Path, verdicts: Iterable[Record]) -> None:
    """Print how many were right at the first reading and are right now, and which conditions are others now."""
    samples: dict[str, list[Record]] = {}
    for record in verdicts:
        samples.setdefault(record["sample"], []).append(record)
    for sample, read in samples.items():
        for field in ("first_reading", "now"):
            figures = Counter(record[field] for record in read)
            print(
                f"sample {sample}, {field}: {', '.join(f'{number} {verdict}' for verdict, number in figures.items())}"
            )
        for record in read:
            circumstances = found(tree, record) if "conditions" in record else None
            if circumstances is not None and listed(circumstances) != record["conditions"]:
                print(f"  other conditions: {record['path']}:{record['line']} {record['call']}")


def main() -> None:
    """Draw, show or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("draw", "show", "check"))
    parser.add_argument("tree", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    given = records(options.records)
    if options.what == "draw":
        read = {(record["path"], record["line"]) for record in records(VERDICTS)}
        for record in drawn(options.tree, given, options.seed, options.count, read):
            print(json.dumps(record))
    elif options.what == "show":
        show(options.tree, given)
    else:
        check(options.tree, given)


if __name__ == "__main__":
    main()
