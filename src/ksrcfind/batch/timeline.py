"""When a log was loud: its kernel lines by time and level, in few columns whatever its length."""

import calendar
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ksrcfind.log.line import LogLine

COLUMNS = 120
"""Columns of a chart, at most."""

MOST_CHARTS = 20
"""Charts that are kept: one for each boot of each source, the first ones."""

_FINEST = 1.0  # seconds of a column
# A year that has a 29th of February stands for the one that syslog does not write.
_STAMP = re.compile(r"([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d):(\d\d):(\d\d)")
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}


@dataclass(frozen=True, slots=True)
class Chart:
    """Kernel lines of one boot by time."""

    source: str | None
    boot: int
    """Number of the boot within the source."""
    unit: str
    """What `start` counts: `uptime` (seconds since boot), `clock` (seconds since the epoch, as the log's clock had it;
    without a known year 2000 stands for it) or `line` (lines of the file, where there is no time)."""
    start: float
    step: float
    """Width of a column."""
    columns: tuple[dict[str, int], ...]
    """Level (`unknown` without one) → lines, for each column."""


class Timeline:
    """Takes lines in and gives charts."""

    def __init__(self) -> None:
        self._charts: dict[tuple[str | None, int], _Columns] = {}
        self._stamp: tuple[str | None, float | None] = (None, None)

    def add(self, source: str | None, boot: int, line: int, log: LogLine, level: str | None) -> None:
        """Take in a line of the kernel."""
        columns = self._charts.get((source, boot))
        if columns is None:
            if len(self._charts) >= MOST_CHARTS:
                return
            columns = self._charts[source, boot] = _Columns(self._unit(log))
        moment = float(line) if columns.unit == "line" else self._moment(columns.unit, log)
        if moment is not None:
            columns.add(moment, level or "unknown", log.repeats)

    def charts(self) -> Iterator[Chart]:
        """Yield what was taken in, a chart for each boot."""
        for (source, boot), columns in self._charts.items():
            if columns.counts:
                yield columns.chart(source, boot)

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
    """Counts in columns that grow wider as the time does."""

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

    def chart(self, source: str | None, boot: int) -> Chart:
        first, last = min(self.counts), max(self.counts)
        columns = tuple(dict(self.counts.get(number, {})) for number in range(first, last + 1))
        return Chart(source, boot, self.unit, first * self.step, self.step, columns)


def _seconds(stamp: str | None) -> float | None:
    """Return the moment that a clock's text without a year names, as seconds since the epoch, in the year 2000."""
    found = _STAMP.match(stamp) if stamp else None
    if found is None or found[1] not in _MONTHS:
        return None
    day, hour, minute, second = map(int, found.groups()[1:])
    try:
        return datetime(2000, _MONTHS[found[1]], day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None
