"""Count the kernel lines of a log by time and level, in charts of at most `COLUMNS` columns."""

import calendar
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from ksrcfind.log.hosts import Host
from ksrcfind.log.line import LogLine
from ksrcfind.regex import regex

COLUMNS = 120
"""Limit of columns of a chart."""

MOST_CHARTS = 20
"""Limit of charts of a log. Each boot of each log file has one; further boots have none."""

_FINEST = 1.0  # seconds of the narrowest column
# Syslog does not write the year; 2000 replaces it, because it has a 29th of February.
_STAMP = regex(r"([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d):(\d\d):(\d\d)")
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}


class Chart(Struct, frozen=True):
    """A chart of the kernel lines of one boot by time."""

    source: str | None
    boot: int
    """Number of the boot of the host within the log file, from 1."""
    unit: str
    """The unit of `start`: `uptime` (seconds since boot), `clock` (seconds since the epoch by the log's clock; an
    unknown year is 2000) or `line` (lines of the file, if it has no times)."""
    start: float
    step: float
    """Width of a column, in the unit of `start`."""
    columns: tuple[dict[str, int], ...]
    """For each column: level (`unknown` without one) → number of lines."""
    host: str | None = None
    """Name of the host, if it is known."""


class Timeline:
    """Collects the kernel lines of a log into charts."""

    def __init__(self) -> None:
        self._charts: dict[tuple[str | None, Host, int], _Columns] = {}
        self._stamp: tuple[str | None, float | None] = (None, None)

    def add(self, at: tuple[str | None, Host, int], line: int, log: LogLine, level: str | None) -> None:
        """Add a kernel line. `at` is the log, the host and the number of its boot."""
        columns = self._charts.get(at)
        if columns is None:
            if len(self._charts) >= MOST_CHARTS:
                return
            columns = self._charts[at] = _Columns(self._unit(log))
        moment = float(line) if columns.unit == "line" else self._moment(columns.unit, log)
        if moment is not None:
            columns.add(moment, level or "unknown", log.repeats)

    def charts(self) -> Iterator[Chart]:
        """Yield a chart for each boot."""
        for (source, host, boot), columns in self._charts.items():
            if columns.counts:
                yield columns.chart(source, boot, host.name)

    def _unit(self, log: LogLine) -> str:
        return next((unit for unit in ("uptime", "clock") if self._moment(unit, log) is not None), "line")

    def _moment(self, unit: str, log: LogLine) -> float | None:
        if unit == "uptime":
            return log.uptime_s
        if log.time is not None:
            return log.time.timestamp()
        if log.wallclock != self._stamp[0]:
            self._stamp = log.wallclock, _seconds(log.wallclock)
        return self._stamp[1]


class _Columns:
    """Counts lines per column; the columns become wider as time passes."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.step = _FINEST
        self.counts: dict[int, Counter[str]] = {}

    def add(self, moment: float, level: str, count: int) -> None:
        column = self.counts.get(int(moment // self.step))
        if column is None:
            column = self.counts[int(moment // self.step)] = Counter()
            while max(self.counts) - min(self.counts) >= COLUMNS:
                self._widen()
        column[level] += count

    def _widen(self) -> None:
        self.step *= 2
        wider: dict[int, Counter[str]] = {}
        for number, column in self.counts.items():
            if number // 2 in wider:
                wider[number // 2].update(column)
            else:
                wider[number // 2] = column
        self.counts = wider

    def chart(self, source: str | None, boot: int, host: str | None) -> Chart:
        first, last = min(self.counts), max(self.counts)
        columns = tuple(dict(self.counts.get(number, {})) for number in range(first, last + 1))
        return Chart(source, boot, self.unit, first * self.step, self.step, columns, host)


def _seconds(stamp: str | None) -> float | None:
    """Return a wall clock time without a year as seconds since the epoch, in the year 2000; None if it is not one."""
    found = _STAMP.match(stamp) if stamp else None
    if found is None or found[1] not in _MONTHS:
        return None
    day, hour, minute, second = map(int, found.groups()[1:])
    try:
        return datetime(2000, _MONTHS[found[1]], day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None
