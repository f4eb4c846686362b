"""Compute the statistics of a log: lines by quality of match, reasons for missing matches, levels, boots and charts."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.batch.timeline import Chart, Timeline
from ksrcfind.incidents.record import Incident
from ksrcfind.log.events import Boot
from ksrcfind.log.line import LogLine
from ksrcfind.log.report import is_headline
from ksrcfind.match.answer import Answer, Tier

MOST_BOOTS = 1000
"""Boots in a summary, at most."""

NOT_KERNEL = ("userspace", "empty")
"""Reasons of lines that the kernel did not print."""


class BootSeen(Struct, frozen=True):
    """A boot in a log."""

    source: str | None
    boot: Boot
    lines: int
    """Number of lines that the kernel printed."""


class Summary(Struct, frozen=True):
    """The statistics of a log."""

    lines: int
    verdicts: Mapping[str, int]
    """Verdict (exact, partial, fuzzy, none) → number of lines."""
    reasons: Mapping[str, int]
    """Reason code → number of lines without a match for this reason."""
    messages: int
    """Number of distinct messages that are the first match of a line."""
    interrupted: bool
    """True if the run ended before the end of the log."""
    levels: Mapping[str, int]
    """Level → number of kernel lines, the most severe level first; `unknown` if neither the log nor the message has
    one."""
    boots: tuple[BootSeen, ...] = ()
    charts: tuple[Chart, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """What happened to the machine, the worst first."""

    @property
    def skipped(self) -> int:
        """Lines that the kernel did not print."""
        return sum(self.reasons.get(code, 0) for code in NOT_KERNEL)

    @property
    def kernel_lines(self) -> int:
        """Lines that the kernel printed."""
        return self.lines - self.skipped


SEVERITY = {
    name: rank
    for rank, name in enumerate(("emerg", "alert", "crit", "err", "warn", "notice", "info", "cont", "debug", "unknown"))
}
"""Level → rank; the most severe level has rank 0."""


def severity(log: LogLine | None, answer: Answer) -> int:
    """Return the severity of a line as the rank of its level.

    The headline of a crash counts as critical if its level is unknown.
    """
    level = level_of(log, answer)
    if level is None and log is not None and is_headline(log.body):
        level = "crit"
    return SEVERITY[level or "unknown"]


class Statistics:
    """Counts the lines of a log for its summary."""

    def __init__(self) -> None:
        self._verdicts: Counter[str] = Counter(dict.fromkeys((*(tier.value for tier in Tier), "none"), 0))
        self._reasons: Counter[str] = Counter()
        self._levels: Counter[str] = Counter()
        self._messages: set[object] = set()
        self._boots: dict[tuple[str | None, int], Boot] = {}
        self._boot_lines: Counter[tuple[str | None, int]] = Counter()
        self._timeline = Timeline()

    def add(self, item: MatchedRow) -> None:
        """Count one line."""
        cached, row = item.cached, item.row
        self._verdicts[cached.answer.verdict] += 1
        if cached.key is not None:
            self._messages.add(cached.key)
        elif cached.answer.reason is not None:
            self._reasons[cached.answer.reason.code] += 1
            if cached.answer.reason.code in NOT_KERNEL:
                return
        self._levels[cached.level or "unknown"] += 1
        boot = (row.source, item.boot.number)
        if boot in self._boots or len(self._boots) < MOST_BOOTS:
            self._boots[boot] = item.boot
            self._boot_lines[boot] += 1
        self._timeline.add(row.source, item.boot.number, row.line, row.log, cached.level)

    def summary(self, *, interrupted: bool = False) -> Summary:
        """Return the statistics of the lines that were added."""
        return Summary(
            lines=self._verdicts.total(),
            verdicts=dict(self._verdicts),
            reasons=dict(self._reasons.most_common()),
            messages=len(self._messages),
            interrupted=interrupted,
            levels={level: self._levels[level] for level in SEVERITY if self._levels[level]},
            boots=tuple(BootSeen(at[0], boot, self._boot_lines[at]) for at, boot in self._boots.items()),
            charts=tuple(self._timeline.charts()),
        )
