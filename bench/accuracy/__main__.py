"""Judges answers by labelled lines: `python -m bench.accuracy --tree NAME=DIRECTORY [--tree …] LABELS.jsonl …`.

Each line is answered from an index of the tree that its label names, as `ksrcfind batch --each` would. Printed are the
share of right first answers and of those among the first three, and how often a line that no call of the tree printed
got an exact or partial answer, each with its 95 % interval (Wilson), by kind and by tier; and, for each half of the
lines, how often the first answer is right by its confidence, with the Brier score.
"""

import argparse
import math
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from bench.accuracy.labels import Labelled, read_labels
from ksrcfind import config
from ksrcfind.engine.open import open_engine
from ksrcfind.finding import HistoryMode
from ksrcfind.log.line import read_line
from ksrcfind.match.answer import Answer
from ksrcfind.progress import SILENT

_Z = 1.959964  # of the normal distribution, for 95 %
_MANY, _OFF = 20, 0.05  # answers from which on a tenth of confidence is to be right, and by how much it may be off


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled line with its answer."""

    row: Labelled
    answer: Answer

    @property
    def first(self) -> bool:
        """True if the first match is right."""
        return bool(self.answer.matches) and self.row.is_by(self.answer.matches[0])

    @property
    def confidence(self) -> float:
        """Confidence in the first match; its equal rivals have the same, which is no share of a whole."""
        return self.answer.matches[0].confidence if self.answer.matches else 0.0

    @property
    def third(self) -> bool:
        """True if one of the first three matches is right."""
        return any(map(self.row.is_by, self.answer.matches[:3]))

    @property
    def false(self) -> bool:
        """True if a call is named with some certainty for a line that it did not print."""
        return self.answer.verdict in ("exact", "partial") and not self.first

    @property
    def good(self) -> bool:
        """True if nothing better could be answered."""
        return self.first if self.row.kind == "printk" else not self.false


def interval(good: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson score)."""
    if not total:
        return 0.0, 1.0
    share, z = good / total, _Z
    middle = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def share(name: str, flags: Iterable[bool]) -> str:
    """Tell a share with its interval as one row."""
    values = list(flags)
    good, total = sum(values), len(values)
    low, high = interval(good, total)
    return f"  {name:34}{good:5} of {total:<5}{good / max(total, 1):7.3f}  [{low:.3f}, {high:.3f}]"


def answers(rows: Sequence[Labelled], tree: Path, *, index: bool) -> list[Judged]:
    """Answer the lines from one tree, with its index or, with nothing kept, by narrowing."""
    settings = config.resolve(os.environ)
    logs = [read_line(row.line.replace("\n", " ")) for row in rows]
    with tempfile.TemporaryDirectory() as empty:
        settings = settings if index else replace(settings, cache_dir=Path(empty))
        engine = open_engine(replace(settings, repo=tree), None, tree, SILENT)
        try:
            if index:
                return [Judged(row, engine.answer(log)) for row, log in zip(rows, logs, strict=True)]
            found = [engine.find(log.text, history=HistoryMode.OFF) for log in logs]
            return [Judged(row, finding.answer) for row, finding in zip(rows, found, strict=True)]
        finally:
            engine.close()


def agreement(rows: Sequence[Labelled], tree: Path) -> str:
    """Tell how often the first match is the same with and without an index."""
    with_index, without = answers(rows, tree, index=True), answers(rows, tree, index=False)
    same = (_first(one) == _first(other) for one, other in zip(with_index, without, strict=True))
    return share("same with and without an index", same)


def _first(judged: Judged) -> tuple[str, int] | None:
    matches = judged.answer.matches
    return (matches[0].message.path, matches[0].message.line_start) if matches else None


def report(judged: Sequence[Judged]) -> list[str]:
    """Tell how often the answers are right."""
    printed = [j for j in judged if j.row.kind == "printk"]
    other = [j for j in judged if j.row.kind != "printk"]
    lines = ["lines that a call of the tree printed"]
    lines.append(share("first answer right", (j.first for j in printed)))
    lines.append(share("one of the first three right", (j.third for j in printed)))
    lines.append(share("first right, drifted wording", (j.first for j in printed if j.row.drift)))
    variants = sorted({j.row.variant for j in printed if j.row.variant})
    lines += [share(f"first right, {name}", (j.first for j in printed if j.row.variant == name)) for name in variants]
    verdicts = ("exact", "partial", "fuzzy", "none")
    lines += [share(f"first right of {v}", (j.first for j in printed if j.answer.verdict == v)) for v in verdicts]
    if other:
        lines.append("lines that none did: answered nevertheless (exact or partial)")
        lines.append(share("all", (j.false for j in other)))
        kinds = sorted({j.row.kind for j in other})
        lines += [share(kind, (j.false for j in other if j.row.kind == kind)) for kind in kinds]
    for half in (0, 1):
        own = [j for j in judged if j.row.half == half and j.answer.matches]
        lines.append(f"by confidence of the first match, half {half} of the lines: mean, share right")
        lines += [*calibration(own), f"  Brier score {brier(own):.4f} of {len(own)} lines with a match"]
    return lines


def brier(judged: Sequence[Judged]) -> float:
    """Return the mean squared difference between the confidence and whether the first match is right."""
    return sum((j.confidence - j.first) ** 2 for j in judged) / max(len(judged), 1)


def calibration(judged: Sequence[Judged]) -> list[str]:
    """Tell, for each tenth of confidence, how often the first match is right, and mark those that are off."""
    tenths: dict[int, list[Judged]] = defaultdict(list)
    for each in judged:
        if each.answer.matches:
            tenths[min(9, int(each.confidence * 10))].append(each)
    rows = []
    for tenth, members in sorted(tenths.items()):
        mean = sum(j.confidence for j in members) / len(members)
        right = sum(j.first for j in members) / len(members)
        mark = "  off" if len(members) >= _MANY and abs(mean - right) > _OFF else ""
        name = f"{tenth / 10:.1f} to {tenth / 10 + 0.1:.1f}, mean {mean:.2f}"
        rows.append(share(name, (j.first for j in members)) + mark)
    return rows


def mistakes(judged: Sequence[Judged]) -> list[str]:
    """Tell each wrong answer and what is right."""
    rows = []
    for each in judged:
        if each.good:
            continue
        rows.append(f"{each.row.kind} {each.row.tree}{' drift' if each.row.drift else ''}: {each.row.line.strip()}")
        for match in each.answer.matches[:3]:
            message = match.message
            rows.append(
                f"    {match.tier.value} {match.score:.2f} {match.confidence:.2f} {message.path}:{message.line_start}"
                f" {match.form.printed!r}"
            )
        rows += [f"    right: {call.path}:{call.line_start}" for call in each.row.calls[:3]]
    return rows


def main() -> None:
    """Answer all lines and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path, nargs="+", metavar="LABELS.jsonl")
    parser.add_argument("--tree", action="append", required=True, metavar="NAME=DIRECTORY")
    parser.add_argument("--without-index", action="store_true", help="answer by narrowing, as `find` does at first")
    parser.add_argument("--agreement", action="store_true", help="compare answers with and without an index instead")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take only every Nth line")
    parser.add_argument("--mistakes", action="store_true", help="list every wrong answer")
    options = parser.parse_args()
    rows = [row for path in options.labels for row in read_labels(path)][:: options.every]
    judged: list[Judged] = []
    for name, _, directory in (tree.partition("=") for tree in options.tree):
        own = [row for row in rows if row.tree == name]
        if options.agreement:
            print(agreement(own, Path(directory)))
            continue
        judged += answers(own, Path(directory), index=not options.without_index)
    if options.agreement:
        return
    if options.mistakes:
        print("\n".join(mistakes(judged)))
    print("\n".join(report(judged)))


if __name__ == "__main__":
    main()
