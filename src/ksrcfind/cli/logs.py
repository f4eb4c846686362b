"""What the command batch does: a whole log in, what it says out."""

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ksrcfind.batch.answers import Answers
from ksrcfind.batch.choose import Choice, by_severity, grouped
from ksrcfind.batch.coverage import Tally
from ksrcfind.batch.explain import Explained, explained
from ksrcfind.batch.fold import Fold, Folded
from ksrcfind.cli.options import Batching, Format
from ksrcfind.cli.release import AUTO, banner_in, finder_of_log, say_misfit, say_oldest
from ksrcfind.cli.session import Session, begin
from ksrcfind.cli.terminal import INTERRUPTED
from ksrcfind.errors import KsrcfindError
from ksrcfind.finder import Finder, HistoryMode
from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Change, Provenance
from ksrcfind.history.versions import Version, parse_tag
from ksrcfind.log import journalctl
from ksrcfind.log.records import Row
from ksrcfind.log.stream import STDIN, follow_file, follow_pipe, pause, read_log, read_logs
from ksrcfind.match.answer import Tier
from ksrcfind.output.writer import Writer
from ksrcfind.progress import SILENT, Progress

UPDATE_S = 1.0
"""Seconds between two updates of folded answers while a log is followed."""

Told = tuple[Provenance, ...]
"""The history of each match of a line."""


def explain_logs(options: Batching, logs: Sequence[str]) -> int:
    """Explain the logs with these names, as the options have it; return the exit status.

    Raises `KsrcfindError` for what cannot be meant, no tree and logs that cannot be read.
    """
    session = begin(options)
    if session.rev == AUTO:
        session = replace(session, rev=None)
    sources = _sources(options, logs)
    choice = _choice(options)
    once = options.journal or options.follow or STDIN in sources
    again = None if once else read_logs(sources, sys.stdin.buffer)
    with (
        session.finder() as here,
        finder_of_log(session, here, options.rev, again, sources) as finder,
        _ended_like_interrupted(),
    ):
        run = _Run(session, finder, options, choice, session.writer(options, finder, logs=sources))
        rows = _rows(options, sources, run.update)
        # A bar and answers that come line by line would write over each other on one terminal.
        streamed = (options.each or options.follow) and sys.stdout.isatty()
        progress = SILENT if streamed else session.terminal.progress
        return run.each(rows, progress) if options.each else run.folded(rows, progress)


@dataclass(slots=True)
class _Run:
    """One log being explained."""

    session: Session
    finder: Finder
    options: Batching
    choice: Choice
    writer: Writer
    tally: Tally = field(init=False, default_factory=Tally)
    fold: Fold = field(init=False)
    told: dict[int, Told] = field(init=False, default_factory=dict)
    """History of folded messages, by number."""
    known: dict[object, Told] = field(init=False, default_factory=dict)
    """History of what lines can be matched by, for single lines."""
    introduced: list[Change] = field(init=False, default_factory=list)
    """What brought the messages that lines are in full."""
    named: bool = field(init=False, default=False)
    """True if the log names its release."""
    updated: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.fold = Fold(self.finder.info)

    def each(self, rows: Iterable[Row], progress: Progress) -> int:
        """Answer for each line as it comes."""
        interrupted = False
        try:
            for item in self._explained(rows, progress):
                finding = item.finding(self.finder.info)
                if self.choice.takes(finding) and self.choice.is_new(finding := self._with_known_history(finding)):
                    self.writer.finding(finding)
        except KeyboardInterrupt:
            interrupted = True
        return self._end(interrupted)

    def folded(self, rows: Iterable[Row], progress: Progress) -> int:
        """Answer for each message at the end, or again and again while the log is followed."""
        interrupted = False
        self.updated = time.monotonic()
        try:
            for item in self._explained(rows, progress):
                self.fold.add(item)
                if self.options.follow:
                    self.update()
        except KeyboardInterrupt:
            interrupted = True
        if self.options.follow:
            self.updated = 0.0
            self.update()
            return self._end(interrupted)
        messages = [folded for folded in self.fold.folded() if self.choice.takes(folded.finding)]
        try:
            self._tell(messages, SILENT if interrupted else progress, stop=interrupted)
        except KeyboardInterrupt:
            interrupted = True
        messages = [self._with_history(folded) for folded in messages]
        for group in grouped((m for m in messages if self.choice.is_new(m.finding)), self.options.group_by):
            self.writer.group(group)
        return self._end(interrupted)

    def update(self) -> bool:
        """While a log is followed: write what changed, once in a while. Always True: it goes on."""
        if self.options.each or time.monotonic() - self.updated < UPDATE_S:
            return True
        changed = [folded for folded in self.fold.changed() if self.choice.takes(folded.finding)]
        self._tell([folded for folded in changed if folded.number not in self.told], SILENT, stop=False)
        for folded in map(self._with_history, changed):
            if self.choice.is_new(folded.finding):
                self.writer.folded(folded)
        self.session.terminal.flush()
        self.updated = time.monotonic()
        return True

    def _explained(self, rows: Iterable[Row], progress: Progress) -> Iterator[Explained]:
        answers = Answers(lambda log: self.finder.answer(log, self.options.limit))
        with progress.task("matching lines", None) as task:
            for item in explained(rows, answers):
                self.tally.add(item)
                self.named = self.named or banner_in([item.row]) is not None
                yield item
                task.advance()

    def _tell(self, messages: Sequence[Folded], progress: Progress, *, stop: bool) -> None:
        """Remember the history of messages, the most severe first as far as a limit goes."""
        matched = [folded for folded in by_severity(messages) if folded.finding.answer.matches]
        limit = self.options.history_limit
        wanted = matched if limit is None else matched[: max(0, limit - len(self.told))]
        if stop or self.options.history_mode is HistoryMode.OFF:
            return
        with progress.task("telling histories", len(wanted)) as task:
            findings = [folded.finding for folded in wanted]
            for position, finding in self.finder.traced(findings, self.options.history_mode):
                self.told[wanted[position].number] = self._history_of(finding)
                task.advance()

    def _with_known_history(self, finding: Finding) -> Finding:
        """Return a finding with its history, which equal lines share."""
        if not finding.answer.matches:
            return finding
        key = tuple((match.message, match.form.printed) for match in finding.answer.matches)
        known = self.known.get(key)
        if known is None:
            [(_, told)] = self.finder.traced([finding], self.options.history_mode)
            known = self.known[key] = self._history_of(told)
        return self._placed(replace(finding, provenance=known))

    def _history_of(self, finding: Finding) -> Told:
        """Return the history of a finding, and remember what brought the message if the line is all of it."""
        change = finding.provenance[0].introduced
        if change is not None and finding.answer.matches[0].tier is Tier.EXACT:
            self.introduced.append(change)
        return finding.provenance

    def _with_history(self, folded: Folded) -> Folded:
        """Return a message with what is known of its history, and who looks after it."""
        told = self.told.get(folded.number)
        finding = replace(folded.finding, provenance=told) if told else folded.finding
        return replace(folded, finding=self._placed(finding))

    def _placed(self, finding: Finding) -> Finding:
        matches = finding.answer.matches
        return replace(finding, subsystem=self.finder.subsystem(matches[0].message.path)) if matches else finding

    def _end(self, interrupted: bool) -> int:
        summary = self.tally.summary(interrupted=interrupted)
        self.writer.end(summary)
        known = summary.verdicts[Tier.EXACT] + summary.verdicts[Tier.PARTIAL]
        say_misfit(self.session, self.finder, known, summary.kernel_lines)
        if not self.named and self.options.rev is None and not self.finder.indexed_releases():
            say_oldest(self.session, self.finder, self.introduced)
        if interrupted and not self.options.follow:
            return INTERRUPTED
        return 0 if summary.messages else 1


def _sources(options: Batching, logs: Sequence[str]) -> list[str]:
    """Return the names of the logs. Raises `KsrcfindError` for what cannot be meant."""
    if options.format is Format.HTML and (options.each or options.follow):
        raise KsrcfindError("html shows messages, not lines", "Leave --each and --follow out.")
    if options.journal:
        if logs:
            raise KsrcfindError("--journal and a log file at the same time", "Ask for one after the other.")
        return [journalctl.SOURCE]
    if options.boot or options.since or options.until:
        raise KsrcfindError("--boot, --since and --until choose from the journal", "Add --journal.")
    if not logs:
        raise KsrcfindError("no log is named", "Name files or directories, - for standard input, or --journal.")
    if options.follow and len(logs) > 1:
        raise KsrcfindError("only one log can be followed", "Start ksrcfind once for each.")
    return list(logs)


def _rows(options: Batching, sources: Sequence[str], idle: Callable[[], bool]) -> Iterator[Row]:
    if options.journal:
        call = journalctl.arguments(options.boot, options.since, options.until, follow=options.follow)
        with journalctl.journal(call) as output:
            yield from follow_pipe(output, journalctl.SOURCE, idle) if options.follow else read_log(output, sources[0])
    elif not options.follow:
        yield from read_logs(sources, sys.stdin.buffer)
    elif sources[0] == STDIN:
        yield from follow_pipe(sys.stdin.buffer, idle=idle)
    else:
        yield from follow_file(sources[0], lambda: idle() and pause())


def _choice(options: Batching) -> Choice:
    since: Version | None = None
    if options.new_since is not None:
        since = parse_tag(options.new_since)
        if since is None:
            raise KsrcfindError(f"no release: {options.new_since}", "A release is named by its tag: v6.1")
        if options.history_mode is HistoryMode.OFF or options.history_limit is not None:
            raise KsrcfindError(
                "--new-since needs the history of every message", "Leave --no-history and its limit out."
            )
    return Choice(options.min_level, options.only, since)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: what is done so far is written."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
