"""Match the rows of a log: each row with its answer, its report and its boot."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter

import msgspec

from ksrcfind.batch.answer_cache import KEPT, AnswerCache, CachedAnswer, cached
from ksrcfind.batch.architecture import Machine
from ksrcfind.batch.context import BootContext, Choice, Neighbour, evidence_of, settled
from ksrcfind.finding import Finding, Input
from ksrcfind.log.events import Boot, Boots, group_events
from ksrcfind.log.hosts import Host, Hosts
from ksrcfind.log.records import Row
from ksrcfind.log.report import is_counter, prints_reports
from ksrcfind.match.answer import Answer, Reason, Tier
from ksrcfind.match.value_reader import Texts
from ksrcfind.tree.snapshot import TreeInfo

HOSTS_KEPT = 256
"""Limit of hosts of one log whose evidence is kept: which files printed their last lines, what machine they are."""

_NO_NAMES: Mapping[str, str] = {}
_UNMATCHED = ("nothing_alike", "no_words", "any_text", "module_not_in_tree")
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
    """Line number of the headline of the report that the row belongs to; None for a headline and for a single row."""
    boot: Boot
    cached: CachedAnswer
    """The answer to all lines of this shape."""
    texts: Texts | None = None
    """Values of the first match in this row; None if they equal those of the cached answer."""

    @property
    def answer(self) -> Answer:
        """The answer, with the values of this row."""
        return self.cached.answer_with(self.texts)

    def finding(self, tree: TreeInfo) -> Finding:
        """Return the finding of the row, without history. `tree` describes the tree that answered."""
        log = self.row.log
        source = Input(self.row.source, self.row.line, log.text, log.truncated)
        return Finding(source, log, tree, self.answer, (), event=self.event)


def match_rows(
    rows: Iterable[Row], answers: AnswerCache, *, ahead: int = 0, hosts: Mapping[str, str] = _NO_NAMES
) -> Iterator[MatchedRow]:
    """Yield each row of the logs with its answer, in the order of the rows; few rows are buffered.

    If several calls print the text of a row equally well, the row waits for up to `ahead` further rows, which may show
    which call printed it. `hosts` are the names of the hosts of logs (by source) whose rows name none.
    """
    named = Hosts()
    for source, own in groupby(rows, key=attrgetter("source")):
        boots, chooser = Boots(named, hosts.get(source)), _Chooser(ahead)
        machines: OrderedDict[Host, tuple[int, Machine]] = OrderedDict()
        current: Boot | None = None
        machine = Machine()
        for row, event in group_events(own):
            boot = boots.of(row)
            if boot is not current:
                machine, current = _machine_of(machines, boot), boot
            known, texts = answers(row.log, machine.architecture)
            machine.observe(known)
            if event is not None and _is_row_without_call(row.log.body, known.answer):
                known = _PART_OF_REPORT
            yield from chooser.take(MatchedRow(row, event, boot, known, texts))
        yield from chooser.end()


def _machine_of(machines: OrderedDict[Host, tuple[int, Machine]], boot: Boot) -> Machine:
    """Return the machine of a boot: a new one for each boot of a host."""
    number, machine = machines.get(boot.host, (0, None))
    if machine is None or number != boot.number:
        machine = Machine()
    machines[boot.host] = boot.number, machine
    machines.move_to_end(boot.host)
    if len(machines) > HOSTS_KEPT:
        machines.popitem(last=False)
    return machine


def _is_row_without_call(body: str, answer: Answer) -> bool:
    """Return whether a row of a report is only a piece of its report's text, so that its match is not to be shown."""
    if answer.reason is not None:
        return answer.reason.code in _UNMATCHED
    if answer.verdict == Tier.EXACT:
        return False
    return is_counter(body) or (answer.verdict == Tier.FUZZY and not prints_reports(answer.matches[0].message.path))


class _Chooser:
    """Chooses between calls that print the text of a row equally well, by the rows around (`batch.context`).

    Only rows of the same boot of the same host are evidence.
    """

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self._contexts: OrderedDict[Host, tuple[int, BootContext]] = OrderedDict()
        self._waiting: deque[tuple[MatchedRow, Neighbour | None]] = deque()
        self._settled: dict[tuple[int, str, int], tuple[CachedAnswer, CachedAnswer]] = {}
        """Cached answer and chosen call → the cached answer, and the answer with the chosen calls first. The first is
        kept so that its id stays unique."""

    def take(self, item: MatchedRow) -> Iterable[MatchedRow]:
        """Add a row; return the rows that need no later rows any more."""
        neighbour = evidence_of(item.row.log, item.cached.answer)
        if not self._waiting and not item.cached.equal:
            if neighbour is not None:
                self._context_of(item.boot).observe(neighbour)
            return (item,)
        self._waiting.append((item, neighbour))
        return self._ready()

    def _ready(self) -> Iterator[MatchedRow]:
        while self._waiting and (len(self._waiting) > self._ahead or not self._waiting[0][0].cached.equal):
            yield self._next()

    def end(self) -> Iterator[MatchedRow]:
        """Yield the rows that still wait for later rows, at the end of the log."""
        while self._waiting:
            yield self._next()

    def _context_of(self, boot: Boot) -> BootContext:
        number, context = self._contexts.get(boot.host, (0, None))
        if context is None or number != boot.number:
            context = BootContext()
            self._contexts[boot.host] = boot.number, context
            if len(self._contexts) > HOSTS_KEPT:
                self._contexts.popitem(last=False)
        return context

    def _next(self) -> MatchedRow:
        item, neighbour = self._waiting.popleft()
        boot = item.boot
        if item.cached.equal:
            after = (
                neighbour
                for other, neighbour in self._waiting
                if neighbour is not None and other.boot.host is boot.host and other.boot.number == boot.number
            )
            choice = self._context_of(boot).choice(item.row.log, item.cached.equal, after)
            if choice is not None:
                item = self._with(item, choice)
                neighbour = evidence_of(item.row.log, item.cached.answer)
        if neighbour is not None:
            self._context_of(boot).observe(neighbour)
        return item

    def _with(self, item: MatchedRow, choice: Choice) -> MatchedRow:
        """Return a row whose answer has the chosen calls first, with the values of the row."""
        known, log = item.cached, item.row.log
        key = id(known), choice.decided_by, known.equal.index(choice.chosen[0])
        found = self._settled.get(key)
        if found is None:
            if len(self._settled) >= KEPT:
                self._settled.clear()
            found = self._settled[key] = known, cached(log, settled(known, choice))
        answer = found[1]
        return msgspec.structs.replace(item, cached=answer, texts=answer.texts_of(log))
