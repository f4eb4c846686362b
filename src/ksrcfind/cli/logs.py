"""What the command batch does: a whole log in, what it says out."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ksrcfind.batch.analysis import LogAnalysis
from ksrcfind.batch.filters import Choice, grouped
from ksrcfind.batch.options import GroupBy
from ksrcfind.cli.options import AUTO, Batching, Format
from ksrcfind.cli.release import engine_of_log, say_misfit, say_oldest, say_other_release
from ksrcfind.cli.session import Session, begin
from ksrcfind.cli.terminal import INTERRUPTED, say, say_how_to_end
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
    is_directory,
    pause,
    read_log,
    read_logs,
)
from ksrcfind.match.answer import Tier
from ksrcfind.output.writer import Writer
from ksrcfind.progress import SILENT, Progress
from ksrcfind.tree.versions import Version, parse_tag

GARBAGE_THRESHOLDS = (100_000, 20, 20)
"""For Python's garbage collector: a log makes hundred thousands of objects that are kept and next to no cycles, and
looking through them at its usual pace takes a tenth of the time."""

EMPTY_JOURNAL = (
    "the journal shows nothing of this: `journalctl --list-boots` tells which boots it has, and root or the group "
    "systemd-journal may read all of it"
)

UPDATE_S = 1.0
"""Seconds between two updates of folded answers while a log is followed."""


def explain_logs(options: Batching, logs: Sequence[str]) -> int:
    """Explain the logs with these names, as the options have it; return the exit status.

    Raises `KsrcfindError` for what cannot be meant, no tree and logs that cannot be read.
    """
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    session = begin(options)
    if session.rev == AUTO:
        session = replace(session, rev=None)
    sources = _sources(options, logs)
    _check_new_since(options)
    if STDIN in sources:
        say_how_to_end()
    once = options.journal or options.follow or STDIN in sources
    again = None if once else read_logs(sources, sys.stdin.buffer)
    with (
        session.engine() as here,
        engine_of_log(session, here, options.rev, again, sources) as engine,
        _ended_like_interrupted(),
    ):
        log = LogAnalysis(engine, _choice(options, engine), options.limit, options.history_mode, options.history_limit)
        writer = session.writer(options, engine, logs=sources)
        run = _Run(session, log, options, writer, once or not engine.releases.tags)
        rows = _rows(options, sources, run.update)
        # A bar and answers that come line by line would write over each other on one terminal.
        streamed = (options.each or options.follow) and sys.stdout.isatty()
        progress = SILENT if streamed else session.terminal.progress
        return run.each(rows, progress) if options.each else run.folded(rows, progress)


@dataclass(slots=True)
class _Run:
    """One log being explained."""

    session: Session
    log: LogAnalysis
    options: Batching
    writer: Writer
    unheralded: bool
    """True if nobody could look for the log's release before it was read."""
    updated: float = field(init=False, default=0.0)

    def each(self, rows: Iterable[Row], progress: Progress) -> int:
        """Answer for each line as it comes."""
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
        """Answer for each message at the end, or again and again while the log is followed."""
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
        messages = list(self.log.as_told()) if interrupted else None
        if messages is None:
            try:
                messages = list(self.log.messages(progress))
            except KeyboardInterrupt:
                interrupted, messages = True, list(self.log.as_told())
        for group in grouped(messages, self.options.group_by):
            self.writer.group(group)
        return self._end(interrupted=interrupted, damage=damage)

    def update(self) -> bool:
        """While a log is followed: write what changed, once in a while. Always True: it goes on."""
        if self.options.each or time.monotonic() - self.updated < UPDATE_S:
            return True
        for folded in self.log.changed():
            self.writer.folded(folded)
        self.session.terminal.flush()
        self.updated = time.monotonic()
        return True

    def _end(self, *, interrupted: bool = False, damage: LogUnreadableError | None = None) -> int:
        """Write what the log came to. Raises what ended it early, after what was read before has been written."""
        summary = self.log.summary(interrupted=interrupted or damage is not None)
        if damage is not None and not summary.lines:
            raise damage
        self.writer.end(summary)
        if damage is not None:
            self.session.terminal.flush()
            raise damage
        if not summary.lines and not interrupted:
            say(EMPTY_JOURNAL if self.options.journal else "the log is empty")
        known = summary.verdicts[Tier.EXACT] + summary.verdicts[Tier.PARTIAL]
        engine = self.log.engine
        say_misfit(self.session, engine, known, summary.kernel_lines)
        named = any(seen.boot.banner for seen in summary.boots)
        if not named and self.options.rev is None and not engine.releases.indexed():
            say_oldest(self.session, engine, self.log.introduced())
        if self.unheralded:
            say_other_release(self.session, engine, summary.boots)
        if interrupted and not self.options.follow:
            return INTERRUPTED
        return 0 if summary.messages else 1


def _sources(options: Batching, logs: Sequence[str]) -> list[str]:
    """Return the names of the logs. Raises `KsrcfindError` for what cannot be meant."""
    if options.format is Format.HTML and (options.each or options.follow):
        raise KsrcfindError("html shows messages, not lines", "Leave --each and --follow out.")
    if options.each and (options.group_by is not GroupBy.MESSAGE or options.history_limit is not None):
        raise KsrcfindError(
            "--group-by and --history-limit are for messages, --each answers line by line", "Leave --each out."
        )
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
        yield from read_logs(sources, sys.stdin.buffer)
    elif sources[0] == STDIN:
        yield from follow_pipe(sys.stdin.buffer, idle=idle)
    else:
        yield from follow_file(sources[0], lambda: idle() and pause())


def _check_new_since(options: Batching) -> None:
    """Raise `KsrcfindError` for options that would leave out the history that --new-since needs."""
    if options.new_since is not None and (options.history_mode is HistoryMode.OFF or options.history_limit is not None):
        raise KsrcfindError(
            "--new-since needs the history of every message", "Leave out --no-history and --history-limit."
        )


def _choice(options: Batching, engine: Engine) -> Choice:
    """Return which messages are wanted. Raises `KsrcfindError` for a release that does not exist."""
    since: Version | None = None
    if options.new_since is not None:
        if not engine.histories.known:
            raise KsrcfindError("--new-since needs history, and there is none here", "ksrcfind doctor says why.")
        since = parse_tag(options.new_since) if engine.source_root is None else None
        # A bundle has no list of releases.
        since = since or release_named(options.new_since, engine.releases.tags).version
    return Choice(options.min_level, options.only, since)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: what is done so far is written."""
    owner = os.getpid()

    def interrupt(number: int, _frame: object) -> None:
        if os.getpid() != owner:  # A worker that builds the index and is told to end; it has nothing to write.
            os._exit(128 + number)
        signal.signal(signal.SIGTERM, before)  # Should writing never end, the next signal does not wait for it.
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
