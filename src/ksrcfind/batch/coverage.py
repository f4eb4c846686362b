"""Compute the statistics of a log: lines by quality of match, reasons for missing matches, levels, boots and charts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.batch.timeline import Chart, Timeline
from ksrcfind.incidents.record import Incident
from ksrcfind.log.events import Boot
from ksrcfind.log.hosts import Host
from ksrcfind.log.line import LogLine
from ksrcfind.log.report import is_headline
from ksrcfind.match.answer import Answer, Tier

MOST_BOOTS = 1000
"""Boots in a summary, at most."""

MOST_HOSTS = 1000
"""Hosts in a summary, at most."""

MOST_PAIRS = 500_000
"""Limit of pairs of a host and one of its messages that are counted."""

NOT_KERNEL = ("userspace", "empty")
"""Reasons of lines that the kernel did not print."""


class BootSeen(Struct, frozen=True):
    """A boot in a log."""

    source: str | None
    boot: Boot
    lines: int
    """Number of lines that the kernel printed."""


class HostSeen(Struct, frozen=True):
    """A host in a log."""

    name: str | None
    """None if neither the log nor the name of its file says it."""
    lines: int
    """Number of lines that the kernel printed."""
    messages: int
    """Number of distinct messages that are the first match of a line."""
    messages_complete: bool
    """False if `messages` is a lower bound, because the log has too many hosts to count the messages of each."""
    boots: int
    """Number of boots with lines that the kernel printed."""
    incidents: int = 0
    worst: Incident | None = None
    """The worst incident; None without incidents."""


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
    """What happened to the hosts, the worst first."""
    hosts: tuple[HostSeen, ...] = ()
    """The hosts: the one with the worst incident first; hosts without incidents last, most lines first."""
    hosts_complete: bool = True
    """False if the log has further hosts."""
    kind: str = "log"
    """What most kernel lines come from: `dmesg`, `syslog`, `journal`, or `log` for anything else."""

    def with_incidents(self, incidents: Sequence[Incident]) -> "Summary":
        """Return the summary with the incidents of the log, the worst first, and its hosts in their order."""
        counts = Counter(incident.host for incident in incidents)
        worst: dict[str | None, Incident] = {}
        for incident in incidents:
            worst.setdefault(incident.host, incident)
        order = {name: number for number, name in enumerate(worst)}
        hosts = [replace(seen, incidents=counts[seen.name], worst=worst.get(seen.name)) for seen in self.hosts]
        hosts.sort(key=lambda seen: (order.get(seen.name, len(order)), -seen.lines))
        return replace(self, incidents=tuple(incidents), hosts=tuple(hosts))

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
        self._boots: dict[_At, Boot] = {}
        self._boot_lines: Counter[_At] = Counter()
        self._formats: Counter[str] = Counter()
        self._hosts: dict[Host, _HostLines] = {}
        self._hosts_complete = True
        self._pairs = 0
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
        self._formats[row.log.format] += 1
        boot = item.boot
        at = row.source, boot.host, boot.number
        if at in self._boots or len(self._boots) < MOST_BOOTS:
            self._boots[at] = boot
            self._boot_lines[at] += 1
        self._add_to_host(at, boot, cached.key)
        self._timeline.add(at, row.line, row.log, cached.level)

    def _add_to_host(self, at: "_At", boot: Boot, key: object) -> None:
        host = self._hosts.get(boot.host)
        if host is None:
            if len(self._hosts) >= MOST_HOSTS:
                self._hosts_complete = False
                return
            host = self._hosts[boot.host] = _HostLines()
        host.lines += 1
        if boot is not host.boot:
            host.boot = boot
            if len(host.boots) < MOST_BOOTS:
                host.boots.add(boot.id or at)
        if key is not None and key not in host.messages:
            if self._pairs < MOST_PAIRS:
                host.messages.add(key)
                self._pairs += 1
            else:
                host.complete = False

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
            hosts=tuple(sorted(self._named_hosts(), key=lambda seen: -seen.lines)),
            hosts_complete=self._hosts_complete,
            kind=self._kind(),
        )

    def _kind(self) -> str:
        kinds: Counter[str] = Counter()
        for form, lines in self._formats.items():
            kinds[next((kind for kind in ("dmesg", "syslog", "journal") if form.startswith(kind)), "log")] += lines
        return kinds.most_common(1)[0][0] if kinds else "log"

    def _named_hosts(self) -> Iterator[HostSeen]:
        """Yield each host once, with the rows of it that came before its name was known."""
        by_key: dict[object, list[_HostLines]] = {}
        for host, lines in self._hosts.items():
            by_key.setdefault(host.key, []).append(lines)
        for key, own in by_key.items():
            yield HostSeen(
                key if isinstance(key, str) else None,
                lines=sum(each.lines for each in own),
                messages=len(set().union(*(each.messages for each in own))),
                messages_complete=all(each.complete for each in own),
                boots=len(set().union(*(each.boots for each in own))),
            )


_At = tuple[str | None, Host, int]
"""A log, a host, and the number of its boot in the log."""


@dataclass(slots=True)
class _HostLines:
    """The lines of a host while they are counted."""

    lines: int = 0
    messages: set[object] = field(default_factory=set)
    complete: bool = True
    boot: Boot | None = None
    """The boot of the last line."""
    boots: set[object] = field(default_factory=set)
