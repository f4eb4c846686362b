"""Which rows of a log belong together: a report under its headline, the parts of a line, the rows of a boot.

Works on a stream: few rows are held back, and few contexts are remembered. Rows of different CPUs are distinguished by
printk's caller column where the log has one; without it, rows in between that belong to nothing are tolerated.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from ksrcfind.log.line import LogLine
from ksrcfind.log.records import Row
from ksrcfind.log.report import (
    banner_version,
    is_context,
    is_end,
    is_follow_up,
    is_headline,
    is_opener,
    is_report_row,
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

MOST_AHEAD = 32
"""Rows that are held back while an opener waits for its headline."""
MOST_BEFORE_HEADLINE = 4
"""Rows of the same caller between an opener and its headline."""
MOST_CONTEXTS = 256
"""Callers that are remembered."""
MOST_ROWS = 2000
"""Rows of one event."""
MOST_STRANGERS = 40
"""Rows in between that belong to nothing, if no caller column distinguishes them."""
MOST_STRANGERS_OF_CALLER = 3
"""The same, of one caller."""
LONGEST_GAP = 10.0
"""Seconds of uptime between two rows of one event."""
CLOSE = 1.0
"""Seconds of uptime between two rows that are taken for one event without looking at what they say."""
MOST_BEFORE_BANNER = 5
"""Kernel rows of a boot that can come before its banner."""
LONGEST_STEP_BACK = 30.0
"""Seconds by which the rows of a boot can be out of order."""


@dataclass(slots=True)
class _Event:
    """A report that is being read."""

    line: int
    uptime: float | None
    enclosed: bool
    """True while every row of the context is one of the report, whatever it says."""
    patience: int
    """Rows of the context that may still come without belonging to it."""
    ended: bool = False
    """True behind the line that ends it: little more belongs to it."""
    rows: int = 1


class _Held:
    """A row that waits for its event."""

    __slots__ = ("event", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.event: int | None = None


def group_events(rows: Iterable[Row]) -> Iterator[tuple[Row, int | None]]:
    """Give each row, in order, with the line of the headline that it belongs to; None for headlines and other rows.

    The rows must be those of one source.
    """
    grouper = _Grouper()
    for row in rows:
        yield from grouper.take(row)
    yield from grouper.end()


class _Grouper:
    """Finds the event of each row. What it remembers is kept by caller, "" where the log shows none."""

    def __init__(self) -> None:
        self.events: OrderedDict[str, _Event] = OrderedDict()
        self.openers: dict[str, list[_Held]] = {}  # an opener and what came since
        self.queue: deque[_Held] = deque()
        self.before: OrderedDict[str, Row] = OrderedDict()  # the last message
        self.fragments: OrderedDict[str, int] = OrderedDict()  # where the line began that is being continued
        self.nmi: _Event | None = None  # the last event that asks other CPUs for their stacks
        self.recent: OrderedDict[int, int | None] = OrderedDict()  # events of the last rows, by line

    def take(self, row: Row) -> Iterator[tuple[Row, int | None]]:
        """Take a row; gives those whose event is known now."""
        held = _Held(row)
        self.queue.append(held)
        self._place(held)
        while self.queue and (not self.openers or len(self.queue) > MOST_AHEAD):
            yield self._release()

    def end(self) -> Iterator[tuple[Row, int | None]]:
        """Give the rows that were held back."""
        while self.queue:
            yield self._release()

    def _release(self) -> tuple[Row, int | None]:
        held = self.queue.popleft()
        for caller, waiting in tuple(self.openers.items()):
            if waiting[0] is held:
                del self.openers[caller]  # no headline came
        return held.row, held.event

    def _place(self, held: _Held) -> None:
        row, log = held.row, held.row.log
        if row.part_of is not None:
            held.event = self.recent.get(row.part_of) if log.body else None
            return
        if not log.is_userspace and log.body:
            caller = log.caller or ""
            self._continue_line(held, caller)
            if held.event is None:
                self._place_message(held, caller)
            _remember(self.before, caller, row, MOST_CONTEXTS)
        _remember(self.recent, row.line, held.event, MOST_AHEAD)

    def _continue_line(self, held: _Held, caller: str) -> None:
        if not held.row.log.fragment:
            self.fragments.pop(caller, None)
        elif caller in self.fragments:
            held.event = self.fragments[caller]
        else:
            _remember(self.fragments, caller, held.row.line, MOST_CONTEXTS)

    def _place_message(self, held: _Held, caller: str) -> None:
        body = held.row.log.body
        event = self._open_event(held.row, caller) or self._other_cpu(held.row, caller)
        if caller in self.openers:
            self._await_headline(held, caller)
        elif event is not None and body.startswith("====") and is_end(body):
            held.event = event.line
            del self.events[caller]
        elif is_opener(body):
            self.openers[caller] = [held]
        elif is_headline(body) and not (event is not None and is_follow_up(body)):
            self._begin(held.row.line, held.row, caller, enclosed="invoked oom-killer" in body)
        elif event is not None:
            self._continue_event(held, event, caller)
        elif is_context(body):
            # dump_stack() behind a message of the caller's own.
            before = self.before.get(caller)
            near = before is not None and not _apart(before.log.uptime_s, held.row.log.uptime_s, CLOSE)
            line = before.line if before is not None and near else held.row.line
            self._begin(line, held.row, caller, enclosed=False)
            held.event = line if line != held.row.line else None

    def _open_event(self, row: Row, caller: str) -> _Event | None:
        event = self.events.get(caller)
        if event is None:
            return None
        gap = CLOSE if event.enclosed else LONGEST_GAP
        if event.rows < MOST_ROWS and not _apart(event.uptime, row.log.uptime_s, gap):
            return event
        del self.events[caller]
        return None

    def _other_cpu(self, row: Row, caller: str) -> _Event | None:
        """Return the event that a CPU's answer to an NMI belongs to (lib/nmi_backtrace.c); None for other rows."""
        asked = self.nmi
        if asked is None or not row.log.body.startswith("NMI backtrace for cpu"):
            return None
        if _apart(asked.uptime, row.log.uptime_s, LONGEST_GAP):
            return None
        event = _Event(asked.line, row.log.uptime_s, enclosed=False, patience=_patience(caller))
        _remember(self.events, caller, event, MOST_CONTEXTS)
        return event

    def _begin(self, line: int, row: Row, caller: str, *, enclosed: bool) -> None:
        _remember(self.events, caller, _Event(line, row.log.uptime_s, enclosed, _patience(caller)), MOST_CONTEXTS)

    def _await_headline(self, held: _Held, caller: str) -> None:
        waiting = self.openers[caller]
        if not is_headline(held.row.log.body):
            waiting.append(held)
            if len(waiting) > MOST_BEFORE_HEADLINE:
                del self.openers[caller]
            return
        del self.openers[caller]
        for earlier in waiting:
            earlier.event = held.row.line
        self._begin(held.row.line, held.row, caller, enclosed=waiting[0].row.log.body.startswith("="))

    def _continue_event(self, held: _Held, event: _Event, caller: str) -> None:
        body = held.row.log.body
        if not event.enclosed and not is_report_row(body):
            event.patience -= 1
            if event.patience < 0:
                del self.events[caller]
            return
        held.event = event.line
        event.rows += 1
        if not event.ended:
            event.patience = _patience(caller)
        event.uptime = held.row.log.uptime_s
        if body.startswith("Sending NMI "):
            self.nmi = event
        if body == "stack backtrace:":
            event.enclosed = False
        if body.startswith("---[ end trace"):
            # x86 prints the registers once more.
            event.ended, event.patience = True, MOST_STRANGERS_OF_CALLER
        elif is_end(body):
            del self.events[caller]


def _patience(caller: str) -> int:
    return MOST_STRANGERS_OF_CALLER if caller else MOST_STRANGERS


def _apart(earlier: float | None, later: float | None, limit: float) -> bool:
    return earlier is not None and later is not None and abs(later - earlier) > limit


def _remember(memory: OrderedDict[_Key, _Value], key: _Key, value: _Value, limit: int) -> None:
    """Put a value last in a memory of so many."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > limit:
        memory.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Boot:
    """One run of a kernel, as far as the log shows it."""

    number: int
    """1 for the first of the source."""
    line: int
    """Line of its first row."""
    version: str | None = None
    """Release that the banner names: `6.1.0-13-amd64`."""
    banner: str | None = None
    """The whole banner: it may name the distribution's version too."""


class Boots:
    """Tells the boots of one source apart.

    A boot begins with the banner, with another boot id, with what journalctl writes between two, or when the uptime
    falls back; a banner that comes soon after belongs to the boot that has begun.
    """

    def __init__(self) -> None:
        self._boot: Boot | None = None
        self._last = _Sight()

    def of(self, row: Row) -> Boot:
        """Return the boot of the next row."""
        boot, log = self._boot, row.log
        version = None if log.is_userspace else banner_version(log.body)
        if boot is None:
            boot = Boot(1, row.line)
        elif self._last.ended_by(log) or (version is not None and self._last.kernel_rows > MOST_BEFORE_BANNER):
            boot = Boot(boot.number + 1, row.line)
            self._last = _Sight()
        if version is not None and boot.version is None:
            boot = replace(boot, version=version, banner=log.body)
        self._last.see(log)
        self._boot = boot
        return boot


@dataclass(slots=True)
class _Sight:
    """What was seen of a boot."""

    boot: str | None = None
    uptime: float = 0.0
    kernel_rows: int = 0

    def ended_by(self, log: LogLine) -> bool:
        """Tell whether a row is of another boot."""
        if log.format == "journal":
            return "Boot" in log.text or "Reboot" in log.text
        if log.boot is not None and self.boot is not None:
            return log.boot != self.boot
        return log.uptime_s is not None and log.uptime_s < self.uptime - LONGEST_STEP_BACK

    def see(self, log: LogLine) -> None:
        """Take note of a row."""
        self.boot = log.boot or self.boot
        if log.uptime_s is not None:
            self.uptime = max(self.uptime, log.uptime_s)
        self.kernel_rows += bool(log.body) and not log.is_userspace
