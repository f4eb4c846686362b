"""Write the hosts of a log, the worst first: as text with the worst incidents of each, or as a table in CSV."""

from collections.abc import Iterator
from dataclasses import dataclass

from ksrcfind.batch.coverage import HostSeen, Summary
from ksrcfind.batch.filters import Group
from ksrcfind.batch.fold import Folded
from ksrcfind.finding import Finding
from ksrcfind.incidents.record import Incident
from ksrcfind.output.csv import no_formula, row
from ksrcfind.output.incidents import INDENT, NO_NAME, when
from ksrcfind.output.logtext import LEVEL_STYLES, at_least
from ksrcfind.output.style import Painter, number_of
from ksrcfind.output.writer import Head, Write

HOSTS_SHOWN = 10
"""Hosts that are shown, at most, unless everything is asked for."""

INCIDENTS_SHOWN = 3
"""Incidents of each host that are shown, at most, unless everything is asked for."""

COLUMNS = ("host", "lines", "messages", "boots", "incidents", "worst_severity", "worst_title")
"""Names of the CSV columns, from left to right."""


class _Summarising:
    """Writes nothing but what the summary has."""

    def finding(self, finding: Finding) -> None:
        """Write nothing: single lines do not make a host."""

    def folded(self, folded: Folded) -> None:
        """Write nothing: messages are counted in the summary."""

    def group(self, group: Group) -> None:
        """Write nothing: messages are counted in the summary."""


@dataclass(slots=True)
class HostWriter(_Summarising):
    """Writes hosts as text."""

    write: Write
    painter: Painter
    name_sources: bool
    """True if the name of the log is shown with line numbers."""
    head: Head | None = None
    """Returns what the log is, which is written first."""
    everything: bool = False
    """True if all hosts and all their incidents are shown."""

    def end(self, summary: Summary | None) -> None:
        """Write the hosts and a line about those that are not shown."""
        if summary is None:
            return
        if self.head is not None:
            self.write(self.painter.line((self.head(summary), "label")))
            self.write("\n")
        shown = summary.hosts if self.everything else summary.hosts[:HOSTS_SHOWN]
        for host in shown:
            own = [incident for incident in summary.incidents if incident.host == host.name]
            for line in self._host(host, own):
                self.write(line)
            self.write("\n")
        self.write(self.painter.line((self._rest(summary, len(shown)), "label")))

    def _host(self, host: HostSeen, incidents: list[Incident]) -> Iterator[str]:
        messages = number_of(host.messages, "message") if host.messages_complete else f"{host.messages:,}+ messages"
        counts = [number_of(host.incidents, "incident"), number_of(host.lines, "kernel line"), messages]
        if host.boots > 1:
            counts.append(number_of(host.boots, "boot"))
        line = self.painter.line
        yield line((host.name or NO_NAME, "title"), f"  {', '.join(counts)}")
        shown = incidents if self.everything else incidents[:INCIDENTS_SHOWN]
        for incident in shown:
            style = LEVEL_STYLES.get(incident.severity, "label")
            yield line((f"{incident.severity:<{INDENT}}", style), incident.title, indent=2)
            yield line((", ".join(when(incident, name_source=self.name_sources)), "label"), indent=2 + INDENT)
        if len(incidents) > len(shown):
            yield line((f"and {number_of(len(incidents) - len(shown), 'further incident')}", "label"), indent=2)

    def _rest(self, summary: Summary, shown: int) -> str:
        """Return the line about what is not shown."""
        end = " The run was interrupted." if summary.interrupted else ""
        if not summary.hosts:
            return f"No kernel message in {number_of(summary.lines, 'line')}.{end}"
        hosts = number_of(len(summary.hosts), "host") if summary.hosts_complete else f"{len(summary.hosts):,}+ hosts"
        total = f"{hosts}, {number_of(len(summary.incidents), 'incident')}"
        further = len(summary.hosts) - shown
        left = f"{number_of(further, 'further host')}; " if further else ""
        cut = further or any(host.incidents > INCIDENTS_SHOWN for host in summary.hosts)
        more = f"; {left}--all lists every host and incident" if cut and not self.everything else ""
        return f"{total}{more}.{end}"


class HostTableWriter(_Summarising):
    """Writes hosts as CSV, one row for each, quoted as in RFC 4180; an unknown value is empty."""

    def __init__(self, write: Write) -> None:
        self._write = write
        write(row(COLUMNS))

    def end(self, summary: Summary | None) -> None:
        """Write the rows."""
        for host in summary.hosts if summary is not None else ():
            worst = (host.worst.severity, host.worst.title) if host.worst is not None else (None, None)
            messages = at_least(host.messages, complete=host.messages_complete).replace(",", "")
            values = (host.name, host.lines, messages, host.boots, host.incidents, *worst)
            self._write(row(map(no_formula, values)))
