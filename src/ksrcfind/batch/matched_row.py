"""The rows of a log, each with its answer, the report that it belongs to and the boot that it is of."""

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

_NO_MISS_IN_REPORT = ("nothing_alike", "no_words", "any_text")
_PART_OF_REPORT = CachedAnswer(
    Answer("none", Reason("part_of_event", "A row of the report that its headline begins."), (), 0), None, None, None
)


class MatchedRow(msgspec.Struct, frozen=True):
    """A row of a log with what is known about it."""

    row: Row
    event: int | None
    """Line of the headline that the row belongs to; None for headlines and rows of their own."""
    boot: Boot
    known: CachedAnswer
    """What is known of all lines like it."""
    texts: Texts | None = None
    """Values of the first match, if they are not those of the known answer."""

    @property
    def answer(self) -> Answer:
        """Its answer."""
        return self.known.answer_with(self.texts)

    def finding(self, tree: TreeInfo) -> Finding:
        """Return it as every front end shows it; no history is told yet."""
        log = self.row.log
        source = Input(self.row.source, self.row.line, log.text, log.truncated)
        return Finding(source, log, tree, self.answer, (), event=self.event)


def explained(rows: Iterable[Row], answers: AnswerCache) -> Iterator[MatchedRow]:
    """Explain the rows of one or several sources, in order. Few rows are held back, none is lost."""
    for _source, own in groupby(rows, key=attrgetter("source")):
        boots = Boots()
        number, machine = 0, Machine()
        for row, event in group_events(own):
            boot = boots.of(row)
            if boot.number != number:
                number, machine = boot.number, Machine()
            known, texts = answers(row.log, machine.architecture)
            machine.see(known)
            if event is not None and (reason := known.answer.reason) is not None and reason.code in _NO_MISS_IN_REPORT:
                known = _PART_OF_REPORT
            yield MatchedRow(row, event, boot, known, texts)
