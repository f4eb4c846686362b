"""Group the rows of a log: a report under its headline, the parts of a line, the rows of a boot.

The grouping works on a stream: few rows are held back, and few reports are open at a time. Hosts are kept apart: rows
of two hosts are never grouped, however they alternate. printk's caller column tells which CPU or task printed a row. In
logs without it, rows of other tasks between those of a report are skipped.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.log.hosts import NO_HOST, Host, Hosts
from ksrcfind.log.line import LogLine
from ksrcfind.log.records import Row
from ksrcfind.log.report import (
    banner_version,
    ends_in_rule,
    is_context,
    is_end,
    is_follow_up,
    is_headline,
    is_module_list,
    is_opener,
    is_panic,
    is_report_row,
    is_rule,
    starts_block,
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

MOST_AHEAD = 32
"""Rows that are held back until an opener (`is_opener`) is followed by its headline."""
MOST_BEFORE_HEADLINE = 4
"""Rows of the same caller between an opener and its headline."""
MOST_CONTEXTS = 256
"""Callers whose reports can be open at a time."""
MOST_ROWS = 2000
"""Rows of one event."""
MOST_STRANGERS = 40
"""Rows in a row that do not belong to an open report; one more closes it. In logs without a caller column."""
MOST_STRANGERS_OF_CALLER = 3
"""The same for rows of one caller."""
LONGEST_GAP = 10.0
"""Seconds of uptime between two rows of one event."""
CLOSE = 1.0
"""Seconds of uptime between two rows of a block (`_Event.enclosed`), whatever the second one says."""
MOST_BEFORE_BANNER = 5
"""Kernel rows of a boot before its banner, at most."""
LONGEST_STEP_BACK = 30.0
"""Seconds by which rows of one boot can be out of order, at most."""
MOST_HOSTS = 1000
"""Hosts of one source whose boots are counted at a time; the one whose last row is longest ago is forgotten first."""

_Caller = tuple[str | None, str]
"""A host and printk's caller column; "" in logs without that column."""


@dataclass(slots=True)
class _Event:
    """An open report."""

    line: int
    """Line of the headline."""
    uptime: float | None
    """Uptime of the last row."""
    patience: int
    """Further rows that may come without belonging to the report."""
    enclosed: bool = False
    """True inside of a block whose rows all belong to the report: between two rules, in a list of locks or tasks."""
    ruled: bool = False
    """True if a rule (`=====`) came before the headline, so that another one ends the report."""
    lists_modules: bool = False
    """True if the last row was one of the list of modules, which printk splits into rows of at most 1 kB."""
    ended: bool = False
    """True after the last row; only a panic and what is printed after a report can still follow."""
    rows: int = 1


class _Held:
    """A row that is held back; its event can still change."""

    __slots__ = ("event", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.event: int | None = None


def group_events(rows: Iterable[Row]) -> Iterator[tuple[Row, int | None]]:
    """Yield each row of one source, in order, with the line of its report's headline.

    That is None for headlines and for rows that belong to no report.
    """
    grouper = _Grouper()
    for row in rows:
        yield from grouper.take(row)
    yield from grouper.end()


class _Grouper:
    """Finds the event of each row. Open reports are kept by host and caller."""

    def __init__(self) -> None:
        self.events: OrderedDict[_Caller, _Event] = OrderedDict()
        self.openers: dict[_Caller, list[_Held]] = {}  # an opener and the rows since
        self.queue: deque[_Held] = deque()
        self.before: OrderedDict[_Caller, Row] = OrderedDict()  # the last row
        self.fragments: OrderedDict[_Caller, int] = OrderedDict()  # line where an unfinished message began
        # The last report of a host that asked other CPUs for their stacks.
        self.nmi: OrderedDict[str | None, _Event] = OrderedDict()
        self.recent: OrderedDict[int, int | None] = OrderedDict()  # events of the last rows, by line

    def take(self, row: Row) -> Iterable[tuple[Row, int | None]]:
        """Add a row; return the rows whose event is known now."""
        held = _Held(row)
        self._place(held)
        if not self.queue and not self.openers:
            return ((row, held.event),)
        self.queue.append(held)
        return self._released()

    def _released(self) -> Iterator[tuple[Row, int | None]]:
        while self.queue and (not self.openers or len(self.queue) > MOST_AHEAD):
            yield self._release()

    def end(self) -> Iterator[tuple[Row, int | None]]:
        """Yield the rows that were held back."""
        while self.queue:
            yield self._release()

    def _release(self) -> tuple[Row, int | None]:
        held = self.queue.popleft()
        for caller, waiting in tuple(self.openers.items()):
            if waiting[0] is held:
                del self.openers[caller]  # no headline followed
        return held.row, held.event

    def _place(self, held: _Held) -> None:
        row, log = held.row, held.row.log
        if row.part_of is not None:
            held.event = self.recent.get(row.part_of) if log.body else None
            return
        if not log.is_userspace and log.body:
            caller = row.host, log.caller or ""
            self._continue_line(held, caller)
            if held.event is None:
                self._place_message(held, caller)
            _remember(self.before, caller, row, MOST_CONTEXTS)
        _remember(self.recent, row.line, held.event, MOST_AHEAD)

    def _continue_line(self, held: _Held, caller: _Caller) -> None:
        if not held.row.log.fragment:
            self.fragments.pop(caller, None)
        elif caller in self.fragments:
            held.event = self.fragments[caller]
        else:
            _remember(self.fragments, caller, held.row.line, MOST_CONTEXTS)

    def _place_message(self, held: _Held, caller: _Caller) -> None:
        body = held.row.log.body
        event = self._open_event(held.row, caller) or self._other_cpu(held.row, caller)
        if caller in self.openers:
            self._await_headline(held, caller)
        elif event is not None and (event.enclosed or event.ruled) and is_rule(body):
            self._end_block(held, event)
        elif is_opener(body):
            self.openers[caller] = [held]
        elif event is not None and _follows(held.row.log, event):
            self._continue_event(held, event, caller)
        elif is_headline(body):
            self._begin(held.row, caller)
        elif is_context(body):
            self._begin_context(held, caller)
        elif event is not None:
            event.lists_modules = False
            event.patience -= 1
            if event.patience < 0:
                del self.events[caller]

    def _begin_context(self, held: _Held, caller: _Caller) -> None:
        """Begin the event of dump_stack(); its headline is the message that the caller printed before it."""
        before = self.before.get(caller)
        if (
            before is None
            or self.recent.get(before.line) is not None
            or _apart(before.log.uptime_s, held.row.log.uptime_s, CLOSE)
        ):
            self._begin(held.row, caller)
        else:
            self._begin(before, caller)
            held.event = before.line

    def _open_event(self, row: Row, caller: _Caller) -> _Event | None:
        event = self.events.get(caller)
        if event is None:
            return None
        if event.rows < MOST_ROWS and not _apart(event.uptime, row.log.uptime_s, LONGEST_GAP):
            return event
        del self.events[caller]
        return None

    def _other_cpu(self, row: Row, caller: _Caller) -> _Event | None:
        """Return the event that a CPU's answer to an NMI belongs to (lib/nmi_backtrace.c); None for other rows."""
        if not row.log.body.startswith("NMI backtrace for cpu"):
            return None
        asked = self.nmi.get(row.host)
        if asked is None or _apart(asked.uptime, row.log.uptime_s, LONGEST_GAP):
            return None
        event = _Event(asked.line, row.log.uptime_s, _patience(caller))
        _remember(self.events, caller, event, MOST_CONTEXTS)
        return event

    def _begin(self, headline: Row, caller: _Caller, *, ruled: bool = False) -> None:
        log = headline.log
        ruled = ruled or ends_in_rule(log.body)
        enclosed = ruled or starts_block(log.body)
        event = _Event(headline.line, log.uptime_s, _patience(caller), enclosed=enclosed, ruled=ruled)
        _remember(self.events, caller, event, MOST_CONTEXTS)

    def _await_headline(self, held: _Held, caller: _Caller) -> None:
        waiting = self.openers[caller]
        if not is_headline(held.row.log.body):
            waiting.append(held)
            if len(waiting) > MOST_BEFORE_HEADLINE:
                del self.openers[caller]
            return
        del self.openers[caller]
        for earlier in waiting:
            earlier.event = held.row.line
        self._begin(held.row, caller, ruled=is_rule(waiting[0].row.log.body))

    def _continue_event(self, held: _Held, event: _Event, caller: _Caller) -> None:
        body = held.row.log.body
        held.event = event.line
        event.rows += 1
        event.uptime = held.row.log.uptime_s
        if is_panic(body):
            event.ended = False
        if not event.ended:
            event.patience = _patience(caller)
        if body.startswith("Sending NMI "):
            _remember(self.nmi, caller[0], event, MOST_CONTEXTS)
        event.lists_modules = body.startswith("Modules linked in:") or (event.lists_modules and is_module_list(body))
        if starts_block(body):
            event.enclosed = True
        elif body == "stack backtrace:":
            event.enclosed = event.ruled = False
        if is_end(body):
            self._end(event)

    def _end_block(self, held: _Held, event: _Event) -> None:
        """End a block, and the report too if it began with a rule."""
        held.event = event.line
        event.rows += 1
        event.enclosed = False
        if event.ruled:
            self._end(event)

    def _end(self, event: _Event) -> None:
        event.ended, event.enclosed, event.ruled = True, False, False
        event.patience = MOST_STRANGERS_OF_CALLER


def _follows(log: LogLine, event: _Event) -> bool:
    """Return whether a row belongs to an open report."""
    body = log.body
    if is_panic(body):
        return True
    if event.ended:
        return is_report_row(body) and not is_headline(body) and not is_context(body)
    if is_headline(body):
        return is_follow_up(body)
    if event.lists_modules and is_module_list(body):
        return True
    return is_report_row(body) or (event.enclosed and not _apart(event.uptime, log.uptime_s, CLOSE))


def _patience(caller: _Caller) -> int:
    return MOST_STRANGERS_OF_CALLER if caller[1] else MOST_STRANGERS


def _apart(earlier: float | None, later: float | None, limit: float) -> bool:
    return earlier is not None and later is not None and abs(later - earlier) > limit


def _remember(memory: OrderedDict[_Key, _Value], key: _Key, value: _Value, limit: int) -> None:
    """Put a value last in a memory of so many."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > limit:
        memory.popitem(last=False)


class Boot(Struct, frozen=True):
    """One run of a kernel on one host."""

    number: int
    """1 for the first of the host in the source."""
    line: int
    """Line of its first row."""
    version: str | None = None
    """Release in the banner: `6.1.0-13-amd64`."""
    banner: str | None = None
    """The whole banner; it can also have the distribution's version."""
    host: Host = NO_HOST
    id: str | None = None
    """The journal's id of the boot, the same in all its logs; None if its first row has none."""


class Boots:
    """Finds the boot of each row of one source, for each host separately.

    A boot begins with the kernel's banner, another boot id, the line that journalctl writes between two boots, or a
    smaller uptime. A banner soon after that belongs to the same boot.
    """

    def __init__(self, hosts: Hosts | None = None, name: str | None = None) -> None:
        """`hosts` are those of all logs of the run; `name` is the name of the host of rows that name none."""
        self._hosts = hosts or Hosts()
        self._of_source = name
        self._running: OrderedDict[str | None, _Running] = OrderedDict()
        self._name: str | None = None
        self._current: _Running | None = None

    def of(self, row: Row) -> Boot:
        """Return the boot of the next row."""
        current = self._current
        if current is None or row.host != self._name:
            current = self._current = self._of_host(row)
            self._name = row.host
        if current.last.ended_by(row.log):
            if row.log.format == "journal":  # The line between two boots names no host.
                for other in self._running.values():
                    other.ended = True
            current.ended = True
        return current.boot_of(row)

    def _of_host(self, row: Row) -> "_Running":
        """Return the boots of the host of a row that may be the first of its host."""
        running = self._running.get(row.host)
        if running is None:
            running = self._renamed(row) or _Running(self._hosts.named(row.host or self._of_source))
        _remember(self._running, row.host, running, MOST_HOSTS)
        return running

    def _renamed(self, row: Row) -> "_Running | None":
        """Return the boots of the host that gets its name, or another one, with this row; None for another host."""
        if row.host is not None and len(self._running) == 1 and None in self._running:
            first = self._running[None]
            first.host.name = row.host
            return first
        boot = row.log.boot
        if boot is None:
            return None
        return next((each for each in self._running.values() if each.last.boot == boot), None)


class _Running:
    """The boots of one host while its rows are read."""

    __slots__ = ("boot", "ended", "host", "last")

    def __init__(self, host: Host) -> None:
        self.host = host
        self.boot: Boot | None = None
        self.last = _Sight()
        self.ended = False
        """True if the next row belongs to the next boot."""

    def boot_of(self, row: Row) -> Boot:
        """Return the boot of the next row of the host."""
        boot, log = self.boot, row.log
        version = None if log.is_userspace else banner_version(log.body)
        if boot is None:
            boot = Boot(1, row.line, host=self.host, id=log.boot)
        elif self.ended or (version is not None and self.last.kernel_rows > MOST_BEFORE_BANNER):
            boot = Boot(boot.number + 1, row.line, host=self.host, id=log.boot)
            self.last = _Sight()
        self.ended = False
        if version is not None and boot.version is None:
            boot = replace(boot, version=version, banner=log.body)
        self.last.see(log)
        self.boot = boot
        return boot


@dataclass(slots=True)
class _Sight:
    """What the rows so far show of a boot."""

    boot: str | None = None
    uptime: float = 0.0
    kernel_rows: int = 0

    def ended_by(self, log: LogLine) -> bool:
        """Return whether a row belongs to the next boot."""
        if log.format == "journal":
            return "Boot" in log.text or "Reboot" in log.text
        if log.boot is not None and self.boot is not None:
            return log.boot != self.boot
        return log.uptime_s is not None and log.uptime_s < self.uptime - LONGEST_STEP_BACK

    def see(self, log: LogLine) -> None:
        """Add a row of the boot."""
        self.boot = log.boot or self.boot
        if log.uptime_s is not None:
            self.uptime = max(self.uptime, log.uptime_s)
        self.kernel_rows += bool(log.body) and not log.is_userspace
