"""The rows of a log, each with its answer, the report that it belongs to and the boot that it is of."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, tee

from ksrcfind.finding import Finding, Input
from ksrcfind.log.events import Boot, follow_boots, group_events
from ksrcfind.log.line import LogLine
from ksrcfind.log.records import Row
from ksrcfind.match.answer import Answer, Reason
from ksrcfind.tree.snapshot import TreeInfo

_NO_MISS_IN_REPORT = ("nothing_alike", "no_words")
_PART_OF_REPORT = Answer("none", Reason("part_of_event", "A row of the report that its headline begins."), (), 0)


@dataclass(frozen=True, slots=True)
class Explained:
    """A row of a log with what is known about it."""

    row: Row
    event: int | None
    """Line of the headline that the row belongs to; None for headlines and rows of their own."""
    boot: Boot
    answer: Answer

    def finding(self, tree: TreeInfo) -> Finding:
        """Return it as every front end shows it; no history is told yet."""
        log = self.row.log
        source = Input(self.row.source, self.row.line, log.text, log.truncated)
        return Finding(source, log, tree, self.answer, (), event=self.event)


def explained(rows: Iterable[Row], answer: Callable[[LogLine], Answer]) -> Iterator[Explained]:
    """Explain the rows of one or several sources, in order. Few rows are held back, none is lost."""
    for _source, own in groupby(rows, key=lambda row: row.source):
        for_events, for_boots = tee(own)
        grouped = zip(group_events(for_events), follow_boots(for_boots), strict=True)
        for (row, event), (_row, boot) in grouped:
            found = answer(row.log)
            if event is not None and found.reason is not None and found.reason.code in _NO_MISS_IN_REPORT:
                found = _PART_OF_REPORT
            yield Explained(row, event, boot, found)
