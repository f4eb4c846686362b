"""The rows of a log with their answers, reports and boots."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

import msgspec

from ksrcfind.batch.answer_cache import AnswerCache, CachedAnswer
from ksrcfind.batch.machine import Machine
from ksrcfind.finding import Finding, Input
from ksrcfind.log.events import Boot, Boots, group_events
from ksrcfind.log.records import Row
from ksrcfind.match.answer import Answer, Reason
from ksrcfind.match.value_reader import Texts
from ksrcfind.tree.snapshot import TreeInfo

_UNMATCHED = ("nothing_alike", "no_words", "any_text")
_PART_OF_REPORT = CachedAnswer(
    Answer("none", Reason("part_of_event", "This row belongs to the report of an earlier headline."), (), 0),
    None,
    None,
    None,
)


class MatchedRow(msgspec.Struct, frozen=True):
    """A row of a log with its answer."""

    row: Row
    event: int | None
    """Line of the headline of the report that the row belongs to; None for headlines and single rows."""
    boot: Boot
    cached: CachedAnswer
    """The answer to all lines of this shape."""
    texts: Texts | None = None
    """Values of the first match, if they differ from those of the cached answer."""

    @property
    def answer(self) -> Answer:
        """The answer, with the values of this row."""
        return self.cached.answer_with(self.texts)

    def finding(self, tree: TreeInfo) -> Finding:
        """Return the finding, without history."""
        log = self.row.log
        source = Input(self.row.source, self.row.line, log.text, log.truncated)
        return Finding(source, log, tree, self.answer, (), event=self.event)


def match_rows(rows: Iterable[Row], answers: AnswerCache) -> Iterator[MatchedRow]:
    """Yield each row of one or several sources with its answer, in order; few rows are buffered."""
    for _source, own in groupby(rows, key=attrgetter("source")):
        boots = Boots()
        number, machine = 0, Machine()
        for row, event in group_events(own):
            boot = boots.of(row)
            if boot.number != number:
                number, machine = boot.number, Machine()
            cached, texts = answers(row.log, machine.architecture)
            machine.observe(cached)
            if event is not None and (reason := cached.answer.reason) is not None and reason.code in _UNMATCHED:
                cached = _PART_OF_REPORT
            yield MatchedRow(row, event, boot, cached, texts)
