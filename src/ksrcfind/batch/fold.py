"""Group the lines of a log by message.

Memory is bounded by the number of distinct messages, not by the length of the log: for each argument, at most
`VALUES_KEPT` distinct values are counted, and lines without a match are grouped too.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.batch.answer_cache import shape
from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.finding import Finding
from ksrcfind.log.events import Boot
from ksrcfind.log.hosts import Host
from ksrcfind.log.line import LogLine
from ksrcfind.log.report import Frame, faulted_at, frame_of, is_part, suppressed
from ksrcfind.match.answer import Answer, Tier
from ksrcfind.tree.snapshot import TreeInfo

VALUES_KEPT = 100
"""Limit of distinct values that are counted for each argument of a message."""

VALUE_LENGTH = 200
"""Characters kept of each value."""

HOSTS_KEPT = 1000
"""Limit of hosts, and of boots, that are counted for each message."""

UNEXPLAINED_KEPT = 10_000
"""Limit of distinct texts of lines without a match; further lines are grouped by their reason alone."""

SUPPRESSED_KEPT = 10_000
"""Limit of functions whose suppressed messages are counted: more than have a rate limit in any kernel."""

FOLDED_BY_REASON = {"userspace", "empty", "part_of_event"}
"""Reason codes of lines that are grouped by the reason alone: their text does not matter."""

EXAMPLE_LENGTH = 4096
"""Characters kept of the example line of a message; matching uses no more of a line."""

REPORT_ROWS = 60
"""Limit of rows that are kept of the first report below a headline."""

FRAMES_KEPT = 40
"""Limit of functions that are kept of the stack of the first report below a headline."""

HEADLINES_KEPT = 512
"""Limit of headlines in memory: rows of a report are added only to one of these."""


class Sighting(Struct, frozen=True):
    """One line of a log that shows a message."""

    source: str | None
    """Name of the log file, `-` for standard input."""
    line: int | None
    """1-based line of the log file."""
    uptime_s: float | None
    """Seconds since boot."""
    time: datetime | None
    wallclock: str | None
    """The wall clock time as read."""
    boot: int = 1
    """Number of the boot of the host within the source, from 1."""
    host: str | None = None
    """Name of the host, if it is known."""


class ArgumentValues(Struct, frozen=True):
    """The values of one argument of a message."""

    values: tuple[tuple[str, int], ...]
    """Distinct values with their counts, most frequent first; at most `VALUES_KEPT`, each cut at `VALUE_LENGTH`."""
    complete: bool
    """False if the log has further values, which are not counted."""


class Report(Struct, frozen=True):
    """The rows of reports below one headline: a stack, registers, a table."""

    rows: int
    """The number of rows in all reports with this headline."""
    example: tuple[str, ...]
    """The first rows of the first report."""
    faulted_at: tuple[tuple[str, int], ...] = ()
    """The instruction pointers in these reports, `foo+0x1/0x2 [module]`, with counts, most frequent first; at most
    `VALUES_KEPT`."""
    frames: tuple[Frame, ...] = ()
    """The functions on the stack of the first report, the innermost one first; at most `FRAMES_KEPT`."""


class Occurrences(Struct, frozen=True):
    """How often and when the log shows a message."""

    count: int
    """Number of lines, including those that a logger replaced with "message repeated 3 times"."""
    first: Sighting
    last: Sighting
    arguments: tuple[ArgumentValues, ...]
    """The values of each argument of the first match, in the order of the arguments."""
    report: Report | None = None
    """The rows below the message, if it is the headline of a report."""
    suppressed: int = 0
    """Number of further lines that the kernel's rate limit suppressed in this function ("callbacks suppressed")."""
    by_host: tuple[tuple[str | None, int], ...] = ((None, 1),)
    """Name of a host → number of lines, most first; at most `HOSTS_KEPT`. The name may be None as in `Sighting`."""
    hosts_complete: bool = True
    """False if further hosts have such lines, which are not counted."""
    boots: int = 1
    """Number of boots, of all hosts, with such lines; at most `HOSTS_KEPT`."""
    boots_complete: bool = True
    """False if further boots have such lines, which are not counted."""

    @property
    def hosts(self) -> int:
        """Number of hosts with such lines; a lower bound unless `hosts_complete`."""
        return len(self.by_host)


class Folded(Struct, frozen=True):
    """All lines of a log that match one message, or all lines without a match that have the same shape or reason."""

    number: int
    """Number of the message in the log; the first message has number 1."""
    finding: Finding
    """The finding of an example line: the first of the lines that match best."""
    occurrences: Occurrences

    @property
    def is_message(self) -> bool:
        """False for lines that are not messages: from user space, empty, rows of reports."""
        reason = self.finding.answer.reason
        return reason is None or reason.code not in FOLDED_BY_REASON


class Aggregator:
    """Groups the lines of a log by message, in the order of their first lines."""

    def __init__(self, tree: TreeInfo) -> None:
        self._tree = tree
        self._groups: dict[object, _Group] = {}
        self._headlines: deque[tuple[str | None, int, _Group]] = deque(maxlen=HEADLINES_KEPT)
        self._before_headline: OrderedDict[tuple[str | None, int], list[str]] = OrderedDict()
        self._suppressed: Counter[str] = Counter()
        self._unexplained = 0

    def add(self, item: MatchedRow) -> None:
        """Add one line."""
        log = item.row.log
        if item.event is not None and _is_report_row(item):
            self._add_to_report((item.row.source, item.event), log.body)
            return
        key = item.cached.key or _key(item.cached.answer, log, by_text=self._unexplained < UNEXPLAINED_KEPT)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(len(self._groups) + 1, item)
            self._unexplained += item.cached.key is None
        group.add(item)
        if item.event is None:
            self._open(item, group)
        if log.body.endswith(" callbacks suppressed") and (omitted := suppressed(log.body)) is not None:
            function, count = omitted
            if function in self._suppressed or len(self._suppressed) < SUPPRESSED_KEPT:
                self._suppressed[function] += count * log.repeats

    def folded(self) -> list[Folded]:
        """Return the messages of the lines so far."""
        return [self._folded(group) for group in self._groups.values()]

    def changed(self) -> list[Folded]:
        """Return the messages that are new or have new lines since the last call."""
        groups = [group for group in self._groups.values() if group.changed]
        for group in groups:
            group.changed = False
        return [self._folded(group) for group in groups]

    def _folded(self, group: "_Group") -> Folded:
        return group.folded(self._tree, self._suppressed)

    def _open(self, item: MatchedRow, group: "_Group") -> None:
        """Remember a line as a possible headline, so that later rows of its report can be added."""
        source, line = item.row.source, item.row.line
        self._headlines.append((source, line, group))
        if self._before_headline:
            for text in self._before_headline.pop((source, line), ()):
                group.add_to_report(line, text)

    def _add_to_report(self, headline: tuple[str | None, int], text: str) -> None:
        # Rows follow their headline closely.
        found = (group for source, line, group in reversed(self._headlines) if (source, line) == headline)
        if (group := next(found, None)) is not None:
            group.add_to_report(headline[1], text)
            return
        waiting = self._before_headline.setdefault(headline, [])
        if len(waiting) < REPORT_ROWS:
            waiting.append(text)
        if len(self._before_headline) > HEADLINES_KEPT:
            self._before_headline.popitem(last=False)


def _is_report_row(item: MatchedRow) -> bool:
    """Return True if a row of an event is part of a report and not a message of its own."""
    body = item.row.log.body
    return item.cached.key is None or item.row.log.fragment or is_part(body)


def _key(answer: Answer, log: LogLine, *, by_text: bool) -> object:
    code = answer.reason.code if answer.reason else None
    if code in FOLDED_BY_REASON or not by_text:
        return code
    return code, shape(log.body[:1000])


_RANK = {tier.value: rank for rank, tier in enumerate(Tier)}


def _rank(item: MatchedRow) -> int:
    return _RANK.get(item.cached.answer.verdict, len(_RANK))


@dataclass(slots=True)
class _Group:
    """The lines of one message, while the log is read."""

    number: int
    example: MatchedRow
    rank: int = 0
    """The rank of the example's tier: 0 for an exact match, which no other line is better than."""
    count: int = 0
    first: MatchedRow | None = None
    last: MatchedRow | None = None
    values: list[dict[str, int]] = field(default_factory=list)
    incomplete: set[int] = field(default_factory=set)
    report_line: int | None = None
    report_rows: int = 0
    report: list[str] = field(default_factory=list)
    faulted_at: dict[str, int] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    hosts: dict[Host, int] = field(default_factory=dict)
    hosts_complete: bool = True
    boot: Boot | None = None
    """The boot of the last line."""
    boots: set[object] = field(default_factory=set)
    boots_complete: bool = True
    changed: bool = True

    def add(self, item: MatchedRow) -> None:
        if len(item.row.log.text) > EXAMPLE_LENGTH:
            item = _cut(item)
        self.changed = True
        # A syslog daemon may have replaced repeats: "message repeated 3 times".
        self.count += item.row.log.repeats
        self._count_host(item)
        if self.first is None:
            self.first = self.example = item
            self.rank = _rank(item)
        elif self.rank and item.cached is not self.example.cached and (rank := _rank(item)) < self.rank:
            self.example, self.rank = item, rank
        self.last = item
        if item.cached.value_reader is None:
            return
        texts = item.cached.texts if item.texts is None else item.texts
        if len(texts) > len(self.values):
            self.values.extend({} for _ in texts[len(self.values) :])
        for position, text in enumerate(texts):
            if text is not None:
                self._count(position, text[:VALUE_LENGTH])

    def _count_host(self, item: MatchedRow) -> None:
        boot, repeats = item.boot, item.row.log.repeats
        if boot.host in self.hosts:
            self.hosts[boot.host] += repeats
        elif len(self.hosts) < HOSTS_KEPT:
            self.hosts[boot.host] = repeats
        else:
            self.hosts_complete = False
        if boot is not self.boot:
            self.boot = boot
            if len(self.boots) < HOSTS_KEPT:
                self.boots.add(boot.id or (item.row.source, boot.host, boot.number))
            elif (boot.id or (item.row.source, boot.host, boot.number)) not in self.boots:
                self.boots_complete = False

    def _count(self, position: int, value: str) -> None:
        counts = self.values[position]
        count = counts.get(value)
        if count is not None:
            counts[value] = count + 1
        elif len(counts) < VALUES_KEPT:
            counts[value] = 1
        else:
            self.incomplete.add(position)

    def add_to_report(self, headline: int, text: str) -> None:
        self.changed = True
        self.report_rows += 1
        if self.report_line is None:
            self.report_line = headline
        if self.report_line == headline:
            if len(self.report) < REPORT_ROWS:
                self.report.append(text[:EXAMPLE_LENGTH])
            if len(self.frames) < FRAMES_KEPT and (frame := frame_of(text)) is not None:
                self.frames.append(frame)
        place = faulted_at(text)
        if place is not None and (place in self.faulted_at or len(self.faulted_at) < VALUES_KEPT):
            self.faulted_at[place] = self.faulted_at.get(place, 0) + 1

    def _by_host(self) -> tuple[tuple[str | None, int], ...]:
        """Return the hosts with the number of lines of each: rows of a host may have come before its name."""
        counts: Counter[object] = Counter()
        for host, count in self.hosts.items():
            counts[host.key] += count
        return tuple((key if isinstance(key, str) else None, count) for key, count in counts.most_common())

    def _report(self) -> Report | None:
        if not self.report_rows:
            return None
        named = frame_of(self.example.row.log.body)
        frames = (*((named,) if named is not None else ()), *self.frames)
        places = tuple(Counter(self.faulted_at).most_common())
        return Report(self.report_rows, tuple(self.report), places, frames)

    def folded(self, tree: TreeInfo, suppressed_by: Mapping[str, int]) -> Folded:
        arguments = tuple(
            ArgumentValues(tuple(Counter(counts).most_common()), position not in self.incomplete)
            for position, counts in enumerate(self.values)
        )
        matches = self.example.cached.answer.matches
        function = matches[0].message.function if matches else None
        occurrences = Occurrences(
            self.count,
            _sighting(self.first or self.example),
            _sighting(self.last or self.example),
            arguments,
            self._report(),
            suppressed_by.get(function, 0) if function else 0,
            self._by_host(),
            self.hosts_complete,
            len(self.boots),
            self.boots_complete,
        )
        return Folded(self.number, self.example.finding(tree), occurrences)


def _cut(item: MatchedRow) -> MatchedRow:
    """Return a row that is cut to `EXAMPLE_LENGTH`, so that keeping it takes little memory."""
    log = item.row.log
    short = replace(log, text=log.text[:EXAMPLE_LENGTH], body=log.body[:EXAMPLE_LENGTH], truncated=True)
    return replace(item, row=replace(item.row, log=short))


def _sighting(item: MatchedRow) -> Sighting:
    log = item.row.log
    boot = item.boot
    return Sighting(item.row.source, item.row.line, log.uptime_s, log.time, log.wallclock, boot.number, boot.host.name)
