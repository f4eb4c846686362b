"""Check the knowledge base against the messages of a real tree, and measure how much of a log it explains.

    python -m bench.knowledge --repo ~/linux                      every entry fits a message of the tree
    python -m bench.knowledge --repo ~/linux --log dmesg.txt      and: which severe messages of a log have an entry
    python -m bench.knowledge --repo ~/linux --write FILE         write one message for each rule, for the tests

Also checked: documents and cited files exist in the tree.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from ksrcfind import Finder, config
from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.knowledge.base import all_entries, entry_for, fits
from ksrcfind.knowledge.meaning import meaning_of
from ksrcfind.knowledge.record import Entry
from ksrcfind.levels import LEVELS
from ksrcfind.source.message import Message

SEVERE = {*LEVELS[:4]}
"""emerg to err."""


def examples(entries: Sequence[Entry], messages: Sequence[Message]) -> Iterator[tuple[Entry, Message]]:
    """Yield one message of the tree for each rule that decides about one."""
    for entry in entries:
        for rule in entry.messages:
            fitting = (one for one in messages if fits(rule, one) and entry_for(one) is entry)
            example = next(fitting, None)
            if example is not None:
                yield entry, example


def problems(entries: Sequence[Entry], covered: set[str], root: Path) -> Iterator[str]:
    """Yield what is wrong with entries, given the ids of those that fit a message of the tree."""
    for entry in entries:
        if entry.id not in covered:
            yield f"{entry.id}: fits no message"
        for document in entry.documents:
            if not (root / document).exists():
                yield f"{entry.id}: no document {document}"
        for part in entry.citation.split("; "):
            path = part.split(":")[0].split(" ")[0]
            if not (root / path).exists():
                yield f"{entry.id}: cites {path}, which does not exist"
                continue
            text = (root / path).read_text(encoding="utf-8", errors="replace")
            for name in part.partition(": ")[2].split(", ") if ": " in part else ():
                if name.removesuffix("()") not in text:
                    yield f"{entry.id}: {path} has no {name}"


def coverage(findings: Iterator[Finding]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the distinct severe messages of a log, as path and format, and those of them without an entry."""
    severe, missing = set(), set()
    for finding in findings:
        match = finding.match
        if match is None or {finding.log and finding.log.level, match.message.level}.isdisjoint(SEVERE):
            continue
        name = (match.message.path, match.message.format.strip())
        severe.add(name)
        if meaning_of(finding.answer) is None:
            missing.add(name)
    return severe, missing


def main() -> None:
    """Print problems and coverage; exit with 1 if an entry has a problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--log", nargs="*", default=[])
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    entries = list(all_entries())
    with Finder.open(options.repo, settings=config.resolve(os.environ)) as finder:
        found = list(examples(entries, list(finder.messages())))
        wrong = list(problems(entries, {entry.id for entry, _ in found}, options.repo))
        print(*wrong, f"{len(entries)} entries, {len(wrong)} problems", sep="\n")
        if options.write:
            options.write.write_text("".join(sorted({f"{_fact(entry, message)}\n" for entry, message in found})))
        if options.log:
            severe, missing = coverage(
                chain.from_iterable(finder.log(log, history=HistoryMode.OFF) for log in options.log)
            )
            print(*(f"no entry: {path}: {text}" for path, text in sorted(missing)), sep="\n")
            print(f"{len(severe) - len(missing)} of {len(severe)} severe messages have an entry")
    sys.exit(1 if wrong else 0)


def _fact(entry: Entry, message: Message) -> str:
    return json.dumps(
        [entry.id, message.path, message.function, message.format, " ".join(form.printed for form in message.forms)]
    )


if __name__ == "__main__":
    main()
