"""A whole log, read with an engine: its lines explained, counted and folded, and the histories of its messages told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.coverage import Statistics, Summary
from ksrcfind.batch.filters import Choice, by_severity
from ksrcfind.batch.fold import Fold, Folded
from ksrcfind.batch.matched_row import MatchedRow, explained
from ksrcfind.engine.engine import Engine
from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.history.provenance import Change
from ksrcfind.log.records import Row
from ksrcfind.match.answer import Tier
from ksrcfind.progress import SILENT, Progress

EVERYTHING = Choice()


@dataclass(slots=True)
class LogAnalysis:
    """A log while it is read. What is asked of it is answered from what was read so far.

    Distinct messages are traced once, and blames of one file share a run.
    """

    engine: Engine
    choice: Choice = EVERYTHING
    """Which lines and messages are wanted; all are counted."""
    limit: int = 5
    """Calls told for a line, at most."""
    history: HistoryMode = HistoryMode.FIRST
    history_limit: int | None = None
    """Folded messages whose history is told at most, the most severe ones; None: all."""
    tally: Statistics = field(init=False, default_factory=Statistics)
    fold: Fold = field(init=False)
    told: dict[int, Finding] = field(init=False, default_factory=dict)
    """Folded messages with their history, by number."""
    known: dict[object, Finding] = field(init=False, default_factory=dict)
    """Single lines with their history, by what they can be matched by."""

    def __post_init__(self) -> None:
        self.fold = Fold(self.engine.info)

    def findings(self, rows: Iterable[Row], progress: Progress = SILENT) -> Iterator[Finding]:
        """Explain the rows one by one, in order, each with its history; yields those that are wanted."""
        for item in self._explained(rows, progress):
            finding = item.finding(self.engine.info)
            if self.choice.takes(finding) and self.choice.is_new(finding := self._with_known_history(item, finding)):
                yield finding

    def folding(self, rows: Iterable[Row], progress: Progress = SILENT) -> Iterator[MatchedRow]:
        """Take the rows in, in order; yields each when it is."""
        for item in self._explained(rows, progress):
            self.fold.add(item)
            yield item

    def messages(self, progress: Progress = SILENT) -> Iterator[Folded]:
        """Tell the histories of the messages taken in, and yield those that are wanted, in the order of the log.

        Whoever is interrupted meanwhile finds in `as_told` what was done.
        """
        wanted = self._wanted(self.fold.folded())
        self._tell(wanted, progress)
        yield from self._new(wanted)

    def as_told(self) -> Iterator[Folded]:
        """Yield the messages that are wanted with the histories that were told so far."""
        yield from self._new(self._wanted(self.fold.folded()))

    def changed(self) -> Iterator[Folded]:
        """Yield the messages that are wanted and new or different since this was asked last, with their history."""
        wanted = self._wanted(self.fold.changed())
        self._tell([folded for folded in wanted if folded.number not in self.told], SILENT)
        yield from self._new(wanted)

    def introduced(self) -> list[Change]:
        """Return what brought the messages that lines are in full, as far as history was told."""
        told = (finding for finding in (*self.told.values(), *self.known.values()) if finding.match and finding.history)
        exact = (finding.history for finding in told if finding.match and finding.match.tier is Tier.EXACT)
        return [history.introduced for history in exact if history is not None and history.introduced is not None]

    def summary(self, *, interrupted: bool = False) -> Summary:
        """Return what the log came to."""
        return self.tally.summary(interrupted=interrupted)

    def _explained(self, rows: Iterable[Row], progress: Progress) -> Iterator[MatchedRow]:
        answers = AnswerCache(lambda log: self.engine.answer(log, self.limit))
        with progress.task("matching lines", None) as task:
            for item in explained(rows, answers):
                self.tally.add(item)
                yield item
                task.advance()

    def _wanted(self, messages: Iterable[Folded]) -> list[Folded]:
        return [folded for folded in messages if self.choice.takes(folded.finding)]

    def _new(self, messages: Iterable[Folded]) -> Iterator[Folded]:
        for folded in messages:
            told = self.told.get(folded.number)
            finding = folded.finding
            if told is not None:
                finding = replace(finding, provenance=told.provenance, points_to=told.points_to)
            if self.choice.is_new(finding):
                yield replace(folded, finding=self._placed(finding))

    def _tell(self, messages: Sequence[Folded], progress: Progress) -> None:
        """Remember the history of messages, the most severe first as far as a limit goes."""
        if self.history is HistoryMode.OFF:
            return
        matched = [folded for folded in by_severity(messages) if folded.finding.answer.matches]
        limit = self.history_limit
        wanted = matched if limit is None else matched[: max(0, limit - len(self.told))]
        with progress.task("telling histories", len(wanted)) as task:
            for position, finding in self.engine.histories.traced([folded.finding for folded in wanted], self.history):
                self.told[wanted[position].number] = finding
                task.advance()

    def _with_known_history(self, item: MatchedRow, finding: Finding) -> Finding:
        """Return a line with its history, which lines of the same messages share."""
        first, *others = finding.answer.matches or (None,)
        if first is None:
            return finding
        key = item.known.key, tuple((match.message.path, match.message.line_start) for match in others)
        known = self.known.get(key)
        if known is None:
            [(_, known)] = self.engine.histories.traced([finding], self.history)
            self.known[key] = known
        return self._placed(replace(finding, provenance=known.provenance, points_to=known.points_to))

    def _placed(self, finding: Finding) -> Finding:
        """Return a finding with who looks after the file of its first match."""
        matches = finding.answer.matches
        return replace(finding, subsystem=self.engine.source.subsystem(matches[0].message.path)) if matches else finding
