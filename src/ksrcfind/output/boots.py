"""Show the boots of a log in a row: the worst incident of each, in the order of the log."""

from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from ksrcfind.batch.coverage import SEVERITY, BootSeen, Summary
from ksrcfind.output.style import Painter, Span
from ksrcfind.output.writer import Write

SHOWN = 48
"""Boots that are shown, at most: the last ones of the log. A row of this length fits a terminal of 80 columns."""

HEIGHTS = {"emerg": 3, "alert": 3, "crit": 3, "err": 2, None: 0}
"""Severity of the worst incident → height of the bar of a boot; other severities have height 1."""

BLOCKS, ASCII = "▁▃▅█", ".-=#"
"""Bars from the lowest to the highest, for terminals that show them and for others."""

STYLES = ("label", "warn", "error", "error")
"""Height of a bar → its style."""


_BootKey = tuple[str | None, str | None, int]
"""A log, the name of a host, and the number of its boot in the log."""


class BootState(Struct, frozen=True):
    """A boot, and how it went."""

    seen: BootSeen
    severity: str | None
    """Severity of the worst incident; None if the boot has none."""
    title: str | None
    """Title of the worst incident."""
    incidents: int

    @property
    def height(self) -> int:
        """The height of its bar."""
        return HEIGHTS.get(self.severity, 1)


def states(summary: Summary) -> list[BootState]:
    """Return the boots of a log with their worst incidents, in the order of the log."""
    worst: dict[_BootKey, tuple[str, str]] = {}
    counts: dict[_BootKey, int] = {}
    for incident in summary.incidents:
        at = incident.first.source, incident.host, incident.boot
        counts[at] = counts.get(at, 0) + 1
        known = worst.get(at)
        if known is None or SEVERITY[incident.severity] < SEVERITY[known[0]]:
            worst[at] = incident.severity, incident.title
    found = []
    for seen in summary.boots:
        at = seen.source, seen.boot.host.name, seen.boot.number
        severity, title = worst.get(at, (None, None))
        found.append(BootState(seen, severity, title, counts.get(at, 0)))
    return found


def write_strip(write: Write, painter: Painter, summary: Summary) -> None:
    """Write one line with a bar for each boot: `Boots: 12  ▁▁█▁…`; nothing for a log of one boot."""
    boots = states(summary)
    if len(boots) < 2:
        return
    bars = BLOCKS if painter.can_write(BLOCKS) else ASCII
    earlier = len(boots) - SHOWN
    more = f"  and {earlier:,} earlier" if earlier > 0 else ""
    write(painter.line((f"Boots: {len(boots):,}  ", "label"), *_bars(boots[-SHOWN:], bars), (more, "label")))


def _bars(boots: Sequence[BootState], bars: str) -> list[Span]:
    heights = groupby(boot.height for boot in boots)
    return [(bars[height] * len(list(same)), STYLES[height]) for height, same in heights]
