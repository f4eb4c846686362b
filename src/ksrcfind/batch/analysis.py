"""Analyse a log with an engine: match and count its lines, group them by message, and add histories."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from ksrcfind.batch.answer_cache import AnswerCache, level_of
from ksrcfind.batch.context import NEIGHBOURS, RIVALS
from ksrcfind.batch.coverage import Statistics, Summary
from ksrcfind.batch.filters import Filter, by_severity
from ksrcfind.batch.fold import Aggregator, Folded
from ksrcfind.batch.matched_row import MatchedRow, match_rows
from ksrcfind.engine.engine import Engine
from ksrcfind.finding import Finding, HistoryMode, Input
from ksrcfind.history.provenance import Change
from ksrcfind.incidents.collect import Collector
from ksrcfind.incidents.record import Incident, Seen
from ksrcfind.log.records import Row
from ksrcfind.log.report import Frame
from ksrcfind.log.stream import LogUnreadableError
from ksrcfind.match.answer import Tier
from ksrcfind.progress import SILENT, Progress

EVERYTHING = Filter()

CERTAIN = 0.3
"""Smallest confidence of a match whose level counts as that of the line, if the log has no levels."""

ROWS_TOGETHER = 2000
"""Number of rows that are matched before the commits of their histories are read together: the log of a boot, matched
in a few seconds."""


@dataclass(slots=True)
class LogAnalysis:
    """The analysis of a log while it is read. Results cover the rows that were read so far.

    Each distinct message is traced once, and blames of one file share a run.
    """

    engine: Engine
    filter: Filter = EVERYTHING
    """Selects the lines and messages to show. The statistics count all lines."""
    limit: int = 5
    """Matches per line, at most."""
    history: HistoryMode = HistoryMode.FIRST
    history_limit: int | None = None
    """Limit of messages that get a history, the most severe ones first; None: all."""
    ahead: int = NEIGHBOURS
    """Number of lines that are read ahead to choose between calls that print the same text; 0 if answers must not wait.
    """
    rows_together: int = 1
    """Number of rows that are matched before the first of them gets its history. With many rows, the history service
    reads the commits once for all of them; 1 if answers must not wait for later rows."""
    host_names: Mapping[str, str] = field(default_factory=dict)
    """Log → name of the host of its lines that name none."""
    statistics: Statistics = field(init=False, default_factory=Statistics)
    aggregator: Aggregator = field(init=False)
    collector: Collector = field(init=False, default_factory=Collector)
    looked_up: bool = field(init=False, default=False)
    """True if the tree was searched for what the incidents are about."""
    traced: dict[int, Finding] = field(init=False, default_factory=dict)
    """Message number → finding of the message, with its history."""
    traced_lines: dict[object, Finding] = field(init=False, default_factory=dict)
    """Key of the matched messages → finding of one such line, with its history."""

    def __post_init__(self) -> None:
        self.aggregator = Aggregator(self.engine.info)

    def findings(self, rows: Iterable[Row], progress: Progress = SILENT) -> Iterator[Finding]:
        """Yield a finding with its history for each row that the filter selects, in the order of the log."""
        for items in _parts(self._matched(rows, progress), self.rows_together):
            findings = [(item, item.finding(self.engine.info)) for item in items]
            accepted = [(item, finding) for item, finding in findings if self.filter.accepts(finding)]
            self.engine.histories.prepare([finding for _, finding in accepted], self.history)
            for item, finding in accepted:
                if self.filter.is_new(traced := self._with_history(item, finding)):
                    yield traced

    def folding(self, rows: Iterable[Row], progress: Progress = SILENT) -> Iterator[MatchedRow]:
        """Yield each row, in the order of the log, after counting it and adding it to the group of its message."""
        for item in self._matched(rows, progress):
            self.aggregator.add(item)
            yield item

    def messages(self, progress: Progress = SILENT) -> Iterator[Folded]:
        """Yield the messages that the filter selects, in the order of the log, with their histories.

        If tracing is interrupted, `messages_so_far` yields what was finished.
        """
        selected = self._selected(self.aggregator.folded())
        self._trace(selected, progress)
        # One pass over the tree is enough for messages and incidents.
        leads = [(lead, incident.frames) for incident, lead in self._leads()]
        self.engine.about.prepare([*leads, *map(_stack, by_severity(selected))])
        self.looked_up = True
        yield from self._new(selected)

    def messages_so_far(self) -> Iterator[Folded]:
        """Yield the messages that the filter selects, with what is known about them so far; nothing is looked up."""
        yield from self._new(self._selected(self.aggregator.folded()))

    def changed(self) -> Iterator[Folded]:
        """Yield the selected messages that are new or changed since the last call, with their histories."""
        selected = self._selected(self.aggregator.changed())
        self._trace([folded for folded in selected if folded.number not in self.traced], SILENT)
        self.engine.about.prepare(map(_stack, by_severity(selected)))
        yield from self._new(selected)

    def introduced(self) -> list[Change]:
        """Return the changes that introduced the exactly matched messages, as far as histories were traced."""
        findings = [*self.traced.values(), *self.traced_lines.values()]
        exact = (finding.history for finding in findings if finding.match and finding.match.tier is Tier.EXACT)
        return [history.introduced for history in exact if history is not None and history.introduced is not None]

    def summary(self, *, interrupted: bool = False, look_up: bool = True) -> Summary:
        """Return the statistics and incidents of the rows that were read so far.

        Without `look_up`, incidents are about what is known about their lines already.
        """
        summary = self.statistics.summary(interrupted=interrupted)
        return summary.with_incidents(self.incidents(look_up=look_up))

    def incidents(self, *, look_up: bool = True) -> list[Incident]:
        """Return the incidents of the rows that were read so far, the worst first, with what they are about."""
        leads = self._leads()
        if look_up and not self.looked_up:
            self.engine.about.prepare([(lead, incident.frames) for incident, lead in leads])
        return [_about(incident, self.engine.with_about(lead, incident.frames)) for incident, lead in leads]

    def _leads(self) -> list[tuple[Incident, Finding]]:
        """Return the incidents, the worst first, with the line that gave each its title."""
        return [(incident, self._lead(incident)) for incident in self.collector.incidents()]

    def _lead(self, incident: Incident) -> Finding:
        lead = incident.lead
        source = Input(lead.source, lead.line, lead.log.text, lead.log.truncated)
        return Finding(source, lead.log, self.engine.info, lead.answer, ())

    def _matched(self, rows: Iterable[Row], progress: Progress) -> Iterator[MatchedRow]:
        answers = AnswerCache(
            lambda log: self.engine.answer(log, max(self.limit, RIVALS)), self.engine.tokens, self.limit
        )
        with progress.task("matching lines", None) as task:
            for item in match_rows(rows, answers, ahead=self.ahead, hosts=self.host_names):
                self.statistics.add(item)
                self.collector.add(_seen(item))
                yield item
                task.advance()

    def _selected(self, messages: Iterable[Folded]) -> list[Folded]:
        return [folded for folded in messages if self.filter.accepts(folded.finding)]

    def _new(self, messages: Sequence[Folded]) -> Iterator[Folded]:
        for folded in messages:
            traced = self.traced.get(folded.number)
            finding = folded.finding
            if traced is not None:
                finding = replace(finding, provenance=traced.provenance, points_to=traced.points_to)
            if self.filter.is_new(finding):
                yield replace(folded, finding=self.engine.with_about(finding, _stack(folded)[1]))

    def _trace(self, messages: Sequence[Folded], progress: Progress) -> None:
        """Trace the histories of messages into `traced`, the most severe ones first, up to the limit."""
        if self.history is HistoryMode.OFF:
            return
        matched = [folded for folded in by_severity(messages) if folded.finding.answer.matches]
        limit = self.history_limit
        chosen = matched if limit is None else matched[: max(0, limit - len(self.traced))]
        with progress.task("tracing histories", len(chosen)) as task:
            for position, finding in self.engine.histories.traced([folded.finding for folded in chosen], self.history):
                self.traced[chosen[position].number] = finding
                task.advance()

    def _with_history(self, item: MatchedRow, finding: Finding) -> Finding:
        """Return a line's finding with its history; lines that match the same messages share it."""
        first, *others = finding.answer.matches or (None,)
        if first is None:
            return finding
        key = item.cached.key, tuple((match.message.path, match.message.line_start) for match in others)
        traced = self.traced_lines.get(key)
        if traced is None:
            [(_, traced)] = self.engine.histories.traced([finding], self.history)
            self.traced_lines[key] = traced
        return self.engine.with_about(replace(finding, provenance=traced.provenance, points_to=traced.points_to))


def _seen(item: MatchedRow) -> Seen:
    row, cached = item.row, item.cached
    matches = cached.answer.matches
    # The level of a message that is only similar says nothing about this line.
    certain = bool(matches) and matches[0].tier is Tier.EXACT and matches[0].confidence >= CERTAIN
    level = level_of(row.log, cached.answer) if certain else row.log.level
    boot = item.boot
    return Seen(row.source, row.line, item.event, boot.number, row.log, level, cached.answer, cached.key, boot.host)


def _about(incident: Incident, lead: Finding) -> Incident:
    """Return an incident with what its leading line is about."""
    subsystem = lead.subsystem
    return replace(
        incident,
        about=lead.about,
        subsystem=subsystem.name if subsystem is not None else None,
        maintainers=subsystem.maintainers if subsystem is not None else (),
    )


def _stack(folded: Folded) -> tuple[Finding, tuple[Frame, ...]]:
    """Return the finding of a message with the stack of its report."""
    report = folded.occurrences.report
    return folded.finding, report.frames if report is not None else ()


def _parts(items: Iterable[MatchedRow], size: int) -> Iterator[list[MatchedRow]]:
    """Yield rows in lists of a size; if reading the log fails, first the rows before the damage."""
    part: list[MatchedRow] = []
    try:
        for item in items:
            part.append(item)
            if len(part) >= size:
                yield part
                part = []
    except LogUnreadableError:
        yield part
        raise
    yield part
