"""The command batch: explain whole logs."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from ksrcfind.batch.analysis import ROWS_TOGETHER, LogAnalysis
from ksrcfind.batch.context import NEIGHBOURS
from ksrcfind.batch.coverage import SEVERITY, Summary
from ksrcfind.batch.filters import Filter, grouped
from ksrcfind.batch.options import GroupBy
from ksrcfind.cli.options import AUTO, Batching
from ksrcfind.cli.pager import Pager
from ksrcfind.cli.release import engine_of_log, note_few_matches, note_oldest_release, note_other_series
from ksrcfind.cli.session import Session, begin
from ksrcfind.cli.terminal import FAILED_ON, FOUND, INTERRUPTED, NOTHING_FOUND, say, say_how_to_end
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import HistoryMode
from ksrcfind.history.releases import release_named
from ksrcfind.log import journalctl
from ksrcfind.log.records import Row
from ksrcfind.log.stream import (
    STDIN,
    LogUnreadableError,
    check_log,
    follow_file,
    follow_pipe,
    hosts_of_logs,
    is_directory,
    pause,
    read_log,
    read_logs,
)
from ksrcfind.match.answer import Tier
from ksrcfind.output.formats import Format
from ksrcfind.output.writer import Writer
from ksrcfind.progress import SILENT, Progress
from ksrcfind.tree.versions import Version, parse_tag

GARBAGE_THRESHOLDS = (100_000, 20, 20)
"""Thresholds of Python's garbage collector. A log makes hundreds of thousands of objects that stay, and almost no
cycles; with the default thresholds, collection takes a tenth of the time."""

EMPTY_JOURNAL = (
    "the journal has no matching entries. journalctl --list-boots lists its boots; reading all of it needs root or the "
    "group systemd-journal"
)

UPDATE_S = 1.0
"""Seconds between two updates of the answers, which are grouped by message, while a log is followed."""


def explain_logs(options: Batching, logs: Sequence[str]) -> int:
    """Answer `batch`: write what the logs contain, as the options ask; return the exit status."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    session = begin(options)
    if session.rev == AUTO:
        session = replace(session, rev=None)
    sources = _sources(options, logs)
    _check_new_since(options)
    if options.callers and options.format is not Format.HTML:
        raise KsrcfindError("--callers is for reports", "Add --format html, or ask for one line with find.")
    if STDIN in sources:
        say_how_to_end()
    read_once = options.journal or options.follow or STDIN in sources
    preview = None if read_once else read_logs(sources, sys.stdin.buffer)
    with (
        closing(Pager()) as pager,
        session.engine() as default,
        engine_of_log(session, default, options.rev, preview, sources) as engine,
        _sigterm_interrupts(),
    ):
        if options.callers:
            engine.why.check_callers()
        # What is written while more is coming waits for no later line.
        ahead, together = (0, 1) if read_once else (NEIGHBOURS, ROWS_TOGETHER)
        limits = options.limit, options.history_mode, options.history_limit
        names = hosts_of_logs(sources)
        log = LogAnalysis(engine, _filter(options, engine), *limits, ahead, together, names)
        brief = _only_incidents(options)
        callers = options.callers or 0
        by_host = _by_host(options)
        writer = session.writer(
            options,
            engine,
            callers=callers,
            logs=sources,
            all_matches=_all_matches(options),
            by_host=by_host,
            everything=options.everything,
            only_incidents=brief,
        )
        run = _Run(session, log, options, writer, read_once or not engine.releases.tags, brief or by_host, pager)
        rows = _rows(options, sources, run.update)
        # On one terminal, a progress bar and answers line by line would overwrite each other.
        streamed = (options.each or options.follow) and sys.stdout.isatty()
        progress = SILENT if streamed else session.terminal.progress
        return run.each(rows, progress) if options.each else run.folded(rows, progress)


@dataclass(slots=True)
class _Run:
    """One run of batch."""

    session: Session
    log: LogAnalysis
    options: Batching
    writer: Writer
    release_unchecked: bool
    """True if the release of the log could not be looked up before the log was read."""
    only_incidents: bool
    """True if incidents are shown, and messages only counted."""
    pager: Pager
    updated: float = field(init=False, default=0.0)

    def each(self, rows: Iterable[Row], progress: Progress) -> int:
        """Write an answer for each line, in the order of the log; return the exit status."""
        damage: LogUnreadableError | None = None
        try:
            for finding in self.log.findings(rows, progress):
                self.writer.finding(finding)
        except KeyboardInterrupt:
            return self._end(interrupted=True)
        except LogUnreadableError as error:
            damage = error
        return self._end(damage=damage)

    def folded(self, rows: Iterable[Row], progress: Progress) -> int:
        """Write an answer for each message, at the end or as updates while the log grows; return the exit status."""
        interrupted = False
        damage: LogUnreadableError | None = None
        self.updated = time.monotonic()
        try:
            for _ in self.log.folding(rows, progress):
                if self.options.follow:
                    self.update()
        except KeyboardInterrupt:
            interrupted = True
        except LogUnreadableError as error:
            damage = error
        if self.options.follow:
            self.updated = 0.0
            self.update()
            return self._end(interrupted=interrupted, damage=damage)
        if self.only_incidents:
            messages = list(self.log.aggregator.folded())  # They are only counted: nothing need be looked up for each.
        elif interrupted:
            messages = list(self.log.messages_so_far())
        else:
            try:
                messages = list(self.log.messages(progress))
            except KeyboardInterrupt:
                interrupted, messages = True, list(self.log.messages_so_far())
        if self.options.everything and self.options.format is Format.TEXT and not self.options.no_pager:
            self.pager.start(os.environ)
        try:
            for group in grouped(messages, self.options.group_by):
                self.writer.group(group)
        except KeyboardInterrupt:
            interrupted = True
        return self._end(interrupted=interrupted, damage=damage)

    def update(self) -> bool:
        """Write the messages with new lines, at most once per `UPDATE_S`. Returns True: the log is followed further."""
        if self.options.each or time.monotonic() - self.updated < UPDATE_S:
            return True
        for folded in self.log.changed():
            self.writer.folded(folded)
        self.session.terminal.flush()
        self.updated = time.monotonic()
        return True

    def _end(self, *, interrupted: bool = False, damage: LogUnreadableError | None = None) -> int:
        """Write the summary and notes; return the exit status. Raises `damage` after the results so far are written."""
        summary, interrupted = self._summary(interrupted=interrupted, damaged=damage is not None)
        if damage is not None and not summary.lines:
            raise damage
        self.writer.end(summary)
        self.pager.close()
        if damage is not None:
            self.session.terminal.flush()
            raise damage
        if not summary.lines and not interrupted:
            say(EMPTY_JOURNAL if self.options.journal else "the log is empty")
        matched = summary.verdicts[Tier.EXACT] + summary.verdicts[Tier.PARTIAL]
        engine = self.log.engine
        # Rows of a report say little about the kernel: most are values.
        rows = summary.reasons.get("part_of_event", 0)
        note_few_matches(engine, matched, summary.kernel_lines - rows)
        has_banner = any(seen.boot.banner for seen in summary.boots)
        if not has_banner and self.options.rev is None and not engine.releases.indexed():
            note_oldest_release(engine, self.log.introduced())
        if self.release_unchecked:
            note_other_series(engine, summary.boots)
        if interrupted and not self.options.follow:
            return INTERRUPTED
        if self.options.fail_on is not None and _as_severe(summary, self.options.fail_on):
            return FAILED_ON
        return FOUND if summary.messages else NOTHING_FOUND

    def _summary(self, *, interrupted: bool, damaged: bool) -> tuple[Summary, bool]:
        """Return the summary, and whether the run was interrupted, now or before; then nothing is looked up for it."""
        if not interrupted:
            with suppress(KeyboardInterrupt):
                return self.log.summary(interrupted=damaged), False
        return self.log.summary(interrupted=True, look_up=False), True


def _only_incidents(options: Batching) -> bool:
    """Return whether text shows only the worst incidents: nothing asks for single lines or for a choice of messages."""
    if options.everything or options.each or options.follow or options.format is not Format.TEXT:
        return False
    if _all_matches(options):
        return False
    chosen = (options.min_level, options.only, options.new_since, options.history_limit)
    return all(choice is None for choice in chosen) and options.group_by is GroupBy.MESSAGE


def _all_matches(options: Batching) -> bool:
    """Return whether options ask for the further matches of messages, which text shows only then."""
    return options.limit != Batching().limit or options.history_mode is HistoryMode.ALL


def _by_host(options: Batching) -> bool:
    """Return whether hosts are shown instead of messages."""
    return options.group_by is GroupBy.HOST and options.format in (Format.TEXT, Format.CSV)


def _as_severe(summary: Summary, level: str) -> bool:
    """Return whether there is an incident of a level or more severe."""
    return any(SEVERITY[incident.severity] <= SEVERITY[level] for incident in summary.incidents)


def _sources(options: Batching, logs: Sequence[str]) -> list[str]:
    """Return the names of the logs. Raises `KsrcfindError` for options that contradict each other."""
    if options.format is Format.HTML and (options.each or options.follow):
        raise KsrcfindError("--format html shows messages, not single lines", "Remove --each and --follow.")
    if options.each and (options.group_by is not GroupBy.MESSAGE or options.history_limit is not None):
        raise KsrcfindError(
            "--group-by and --history-limit apply to messages, but --each answers line by line", "Remove --each."
        )
    if options.follow and options.group_by is not GroupBy.MESSAGE:
        raise KsrcfindError("--group-by needs the whole log, but --follow never ends", "Remove --follow or --group-by.")
    chosen = (options.min_level, options.only, options.new_since, options.history_limit)
    if _by_host(options) and any(choice is not None for choice in chosen):
        raise KsrcfindError(
            "--group-by host shows what happened to each host, and --min-level, --only, --new-since and "
            "--history-limit select messages",
            "Remove these options, or name another format: --format ndjson counts the hosts of each message.",
        )
    if options.journal:
        if logs:
            raise KsrcfindError("--journal cannot be combined with a log file", "Run ksrcfind once for each.")
        return [journalctl.SOURCE]
    if options.boot or options.since or options.until:
        raise KsrcfindError("--boot, --since and --until need --journal", "Add --journal.")
    if not logs:
        raise KsrcfindError("no log given", "Name files or directories, - for standard input, or --journal.")
    if options.follow and len(logs) > 1:
        raise KsrcfindError("--follow needs exactly one log", "Run ksrcfind once for each.")
    for name in logs:
        if name != STDIN:
            check_log(name)
    if options.follow and is_directory(Path(logs[0])):
        raise KsrcfindError(f"cannot follow {logs[0]}: it is a directory", "Name one log file in it.")
    return list(logs)


def _rows(options: Batching, sources: Sequence[str], idle: Callable[[], bool]) -> Iterator[Row]:
    if options.journal:
        call = journalctl.arguments(options.boot, options.since, options.until, follow=options.follow)
        with journalctl.journal(call) as output:
            yield from follow_pipe(output, journalctl.SOURCE, idle) if options.follow else read_log(output, sources[0])
    elif not options.follow:
        yield from read_logs(sources, sys.stdin.buffer, say)
    elif sources[0] == STDIN:
        yield from follow_pipe(sys.stdin.buffer, idle=idle)
    else:
        yield from follow_file(sources[0], lambda: idle() and pause())


def _check_new_since(options: Batching) -> None:
    """Raise `KsrcfindError` for options that omit the history that --new-since needs."""
    if options.new_since is not None and (options.history_mode is HistoryMode.OFF or options.history_limit is not None):
        raise KsrcfindError(
            "--new-since needs the history of every message", "Remove --no-history and --history-limit."
        )


def _filter(options: Batching, engine: Engine) -> Filter:
    """Return the filter that the options ask for. Raises `KsrcfindError` for a release that does not exist."""
    since: Version | None = None
    if options.new_since is not None:
        if not engine.histories.known:
            raise KsrcfindError("--new-since needs history, which this tree does not have", "ksrcfind doctor says why.")
        since = parse_tag(options.new_since) if engine.source_root is None else None
        # A bundle has no list of releases.
        since = since or release_named(options.new_since, engine.releases.tags).version
    return Filter(options.min_level, options.only, since)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C: the results so far are written."""
    owner = os.getpid()

    def interrupt(number: int, _frame: object) -> None:
        if os.getpid() != owner:  # A worker that builds the index; it has no results to write.
            os._exit(128 + number)
        signal.signal(signal.SIGTERM, before)  # If writing hangs, a second signal ends the process.
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
