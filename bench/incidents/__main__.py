"""Judge incidents: which of the labelled lines of some logs belong together, as pairs and as groups.

    python -m bench.incidents --tree DIRECTORY [--labels FILE] LOG…

`labels.jsonl` has one incident per line: `log` (the name of the file), `lines` (numbers of lines that belong together),
`title`, and optionally `worst` and `lead` (the line that a person should read first). A pair is two labelled lines of
one log; a row of a report counts as part of the incident of its headline. A group counts as found if one incident has
most of its lines and the labelled lines of that incident are mostly of this group. The worst incident of a log is first
if the program puts the incident that has its `lead` first.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from ksrcfind import config
from ksrcfind.batch.analysis import LogAnalysis
from ksrcfind.batch.context import NEIGHBOURS
from ksrcfind.engine.open import open_engine
from ksrcfind.finding import HistoryMode
from ksrcfind.incidents.collect import Collector
from ksrcfind.incidents.record import Seen
from ksrcfind.log.stream import read_files
from ksrcfind.progress import SILENT

EVERY_LINE = 1_000_000

LABELS = Path(__file__).parent / "labels.jsonl"


class RowsToo(Collector):
    """A collector that records which line each row of a report belongs to."""

    def __init__(self) -> None:
        super().__init__(lines_kept=EVERY_LINE)
        self.headlines: dict[int, int] = {}

    def add(self, seen: Seen) -> None:
        """Add a line."""
        if seen.event is not None:
            self.headlines[seen.line] = seen.event
        super().add(seen)

    def places(self) -> dict[int, int]:
        """Return line → position of its incident, the worst incident at 0."""
        found = {line: number for number, one in enumerate(self.incidents()) for line in one.lines}
        rows = {row: found[headline] for row, headline in self.headlines.items() if headline in found}
        return rows | found


def labels(file: Path = LABELS) -> dict[str, list[dict[str, Any]]]:
    """Return the labelled incidents by the name of their log."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        if "lines" in label:
            found.setdefault(label["log"], []).append(label)
    return found


def judged(groups: list[list[int]], incident_of: Mapping[int, int]) -> Counter[str]:
    """Return the counts of pairs and groups, expected and found, of one log."""
    label_of = {line: number for number, lines in enumerate(groups) for line in lines}
    counts: Counter[str] = Counter()
    for one, other in combinations(sorted(label_of), 2):
        expected = label_of[one] == label_of[other]
        found = one in incident_of and incident_of.get(one) == incident_of.get(other)
        counts["expected"] += expected
        counts["found"] += found
        counts["right"] += expected and found
    for number, lines in enumerate(groups):
        incident, most = Counter(map(incident_of.get, lines)).most_common(1)[0]
        own = [line for line in label_of if incident is not None and incident_of.get(line) == incident]
        pure = sum(label_of[line] == number for line in own)
        counts["groups"] += 1
        counts["groups found"] += incident is not None and 2 * most > len(lines) and 2 * pure > len(own)
        counts["lines"] += len(lines)
        counts["lines in an incident"] += sum(line in incident_of for line in lines)
    return counts


def shown(counts: Mapping[str, int]) -> str:
    """Return the figures as text."""
    precision = counts["right"] / max(1, counts["found"])
    recall = counts["right"] / max(1, counts["expected"])
    return (
        f"pairs: precision {precision:.3f}, recall {recall:.3f}; "
        f"groups: {counts['groups found']}/{counts['groups']}; "
        f"lines in an incident: {counts['lines in an incident']}/{counts['lines']}; "
        f"worst first: {counts['worst first']}/{counts['worst']}"
    )


def main(arguments: Iterable[str] | None = None) -> None:
    """Judge the logs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", required=True)
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("logs", nargs="+", type=Path)
    given = parser.parse_args(None if arguments is None else list(arguments))
    total: Counter[str] = Counter()
    expected = labels(given.labels)
    settings = config.resolve({**os.environ, "KSRCFIND_REPO": given.tree})
    engine = open_engine(settings, None, Path(given.tree), SILENT)
    try:
        for log in given.logs:
            if log.name not in expected:
                continue
            analysis = LogAnalysis(engine, history=HistoryMode.OFF, ahead=NEIGHBOURS)
            analysis.collector = collector = RowsToo()
            for _ in analysis.folding(read_files(log)):
                pass
            incident_of = collector.places()
            counts = judged([label["lines"] for label in expected[log.name]], incident_of)
            for label in expected[log.name]:
                if label.get("worst"):
                    counts["worst"] += 1
                    counts["worst first"] += incident_of.get(label["lead"]) == 0
            total += counts
            print(f"{log.name}: {shown(counts)}")
        print(f"all: {shown(total)}")
    finally:
        engine.close()


if __name__ == "__main__":
    main()
