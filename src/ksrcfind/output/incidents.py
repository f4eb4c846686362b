"""Write the incidents of a log as text: what happened to the machine, the worst first, on one screen."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ksrcfind.batch.coverage import SEVERITY, Summary, severity
from ksrcfind.batch.filters import Group
from ksrcfind.batch.fold import Folded
from ksrcfind.finding import About, Finding
from ksrcfind.incidents.record import Incident, Moment
from ksrcfind.incidents.title import entry_of, words
from ksrcfind.match.answer import Tier
from ksrcfind.output.boots import write_strip
from ksrcfind.output.logtext import LEVEL_STYLES, in_function
from ksrcfind.output.style import TEXT_WIDTH, Painter, Span, number_of
from ksrcfind.output.writer import Head, Write
from ksrcfind.source.message_id import message_id

SHOWN = 5
"""Incidents that are shown, at most."""

NO_NAME = "a host without a name"

INDENT = 7
"""Indentation of the lines about an incident."""

MOST_PLACES = 8
"""Boots or lines of further incidents of the same kind that are shown, at most."""

WIDTH = 160
"""Characters of an evidence line that are shown."""


@dataclass(slots=True)
class IncidentWriter:
    """Writes the worst incidents of a log, and one line about the rest."""

    write: Write
    painter: Painter
    name_sources: bool
    """True if the name of the log is shown with line numbers."""
    head: Head | None = None
    """Returns what the log is. It is in the last line: the worst incident comes first."""
    messages: list[Folded] = field(default_factory=list)

    def finding(self, finding: Finding) -> None:
        """Write nothing: single lines are no incidents."""

    def folded(self, folded: Folded) -> None:
        """Keep a message for the line about the rest."""
        self.messages.append(folded)

    def group(self, group: Group) -> None:
        """Keep the messages of a group for the line about the rest."""
        self.messages += [folded for folded in group.messages if folded.is_message]

    def end(self, summary: Summary | None) -> None:
        """Write the incidents and the line about the rest."""
        if summary is None:
            return
        groups = alike(summary.incidents)[:SHOWN]
        for incident, *others in groups:
            self._incident(incident, others, several_hosts=len(summary.hosts) > 1)
            self.write("\n")
        shown = [incident for group in groups for incident in group]
        write_strip(self.write, self.painter, summary)
        end = " The run was interrupted." if summary.interrupted else ""
        name = f"{self.head(summary)}. " if self.head is not None else ""
        self.write(self.painter.line((name, "label"), (self._rest(summary, shown), "label" if shown else "ok"), end))

    def _incident(self, incident: Incident, others: Sequence[Incident], *, several_hosts: bool) -> None:
        style = LEVEL_STYLES.get(incident.severity, "label")
        line = self.painter.line
        self.write(line((f"{incident.severity:<{INDENT}}", style), (incident.title, "title")))
        host = on_host(incident) if several_hosts else ()
        moments = when(incident, name_source=self.name_sources, alone=not others)
        self.write(line((", ".join((*host, *moments)), "label"), indent=INDENT))
        if others:
            self.write(line((again(incident, others), "label"), indent=INDENT))
        about = sure_place(incident)
        if about is not None:
            subsystem: Span = (f"  {incident.subsystem}" if incident.subsystem else "", "label")
            place = (f"{about.path}:{about.line}", "place")
            self.write(line(("about ", "label"), place, *in_function(about), subsystem, indent=INDENT))
        lead = incident.lead
        if incident.title != words(lead.log.body):
            where = self._place(lead.source, lead.line)
            self.write(line((f"{where}: ", "label"), lead.log.body[:WIDTH], indent=INDENT))
        entry = entry_of(lead.answer)
        if entry is not None:
            for number, part in enumerate(textwrap.wrap(first_sentence(entry.means), TEXT_WIDTH)):
                self.write(line(("" if number else "means ", "label"), part, indent=INDENT))

    def _rest(self, summary: Summary, shown: Sequence[Incident]) -> str:
        """Return the line about what is not shown."""
        if not summary.kernel_lines:
            return f"No kernel message in {number_of(summary.lines, 'line')}."
        if not shown:
            kernel = number_of(summary.kernel_lines, "kernel line")
            warnings = sum(SEVERITY["err"] < _severity(folded) <= SEVERITY["warn"] for folded in self.messages)
            only = f" ({number_of(warnings, 'warning')})" if warnings else ""
            return f"No incident in {kernel}: {number_of(len(self.messages), 'message')}{only}; --all lists everything."
        ids = {name for incident in shown for name in incident.message_ids}
        lines = {(incident.first.source, line) for incident in shown for line in incident.lines}
        rest = [folded for folded in self.messages if not _belongs(folded, ids, lines)]
        errors = sum(_severity(folded) <= SEVERITY["err"] for folded in rest)
        more = len(summary.incidents) - len(shown)
        parts = [f"{number_of(more, 'further incident')}, "] if more > 0 else []
        of_them = f", {errors:,} of them {'an error' if errors == 1 else 'errors'}" if errors else ""
        return f"{''.join(parts)}{number_of(len(rest), 'further message')}{of_them}; --all lists everything."

    def _place(self, source: str | None, line: int) -> str:
        return f"{source}:{line}" if self.name_sources else f"line {line}"


def on_host(incident: Incident) -> Iterator[str]:
    """Yield the host of an incident, and how many other hosts have the same."""
    name = incident.host or NO_NAME
    more = incident.hosts - 1
    yield f"on {name}" + (f" and {number_of(more, 'further host')}" if more else "")


def sure_place(incident: Incident) -> About | None:
    """Return what an incident is about; None if that is not sure, as for a line that is only similar to a message."""
    return incident.about if incident.lead.answer.verdict in (Tier.EXACT, Tier.PARTIAL) else None


def alike(incidents: Iterable[Incident]) -> list[list[Incident]]:
    """Group incidents that say the same about the same code and device, in the order of the first of each group.

    A fault that every boot has would fill the screen otherwise.
    """
    groups: dict[object, list[Incident]] = {}
    for incident in incidents:
        lead, about = incident.lead, incident.about
        # A title in the words of the log has its values; its message is the same without them.
        in_words = lead.key is not None and incident.title.startswith(words(lead.log.body))
        said = lead.key if in_words else incident.title
        groups.setdefault((said, incident.device, about and (about.path, about.line)), []).append(incident)
    return list(groups.values())


def again(incident: Incident, others: Sequence[Incident]) -> str:
    """Return where the other incidents of a group are: on other hosts, in other boots, or in lines of the same one."""
    hosts = list(dict.fromkeys(other.host or NO_NAME for other in others if other.host != incident.host))
    if hosts:
        word, places = "on", hosts
    elif any(other.first.source != incident.first.source for other in others):
        word, places = "at", [f"{other.first.source}:{other.first.line}" for other in others]
    elif any(other.boot != incident.boot for other in others):
        boots = [str(boot) for boot in sorted({other.boot for other in others})]
        word, places = "in boot" if len(boots) == 1 else "in boots", boots
    else:
        lines = [str(line) for line in sorted(other.first.line for other in others)]
        word, places = "at line" if len(lines) == 1 else "at lines", lines
    more = f" and {len(places) - MOST_PLACES:,} more" if len(places) > MOST_PLACES else ""
    return f"{len(others):,} more like this, {word} {', '.join(places[:MOST_PLACES])}{more}"


def when(incident: Incident, *, name_source: bool = False, alone: bool = True) -> Iterator[str]:
    """Yield how often and when an incident happened, in which lines, and to which device or task.

    With `name_source`, the name of the log precedes the lines. An incident that is not shown `alone` gets a line about
    the others, which names their boots.
    """
    first, last = incident.first, incident.last
    since, until = _time(first), _time(last)
    times = "once" if incident.count == 1 else f"{incident.count:,} messages"
    if since is None:
        yield times
    elif since == until:
        yield f"{times} at {since}"
    else:
        yield f"{times} from {since} to {until}"
    lines = f"line {first.line}" if first.line == last.line else f"lines {first.line} to {last.line}"
    yield f"{first.source} {lines}" if name_source else lines
    if incident.boot > 1:
        yield f"boot {incident.boot}" + (", not seen in earlier boots" if incident.new_in_boot else "")
    if alone and incident.boots > incident.hosts:  # Else it is one boot of each host.
        yield f"{incident.boots:,} boots in all"
    if incident.device is not None and incident.device not in incident.title:
        yield f"device {incident.device}"
    if incident.task is not None:
        yield f"task {incident.task}"


def first_sentence(means: str) -> str:
    """Return the first sentence of what a message means: five incidents fit on one screen; `explain` has the rest."""
    first, dot, _ = means.partition(". ")
    return first + dot.rstrip()


def _belongs(folded: Folded, ids: set[str], lines: set[tuple[str | None, int]]) -> bool:
    """Return whether a message is one of those of the incidents."""
    match = folded.finding.match
    if match is not None and message_id(match.message, match.form) in ids:
        return True
    first = folded.occurrences.first
    return first.line is not None and (first.source, first.line) in lines


def _severity(folded: Folded) -> int:
    return severity(folded.finding.log, folded.finding.answer)


def _time(moment: Moment) -> str | None:
    if moment.time is not None:
        return moment.time.isoformat(sep=" ", timespec="seconds")
    return moment.wallclock or (None if moment.uptime_s is None else f"{moment.uptime_s:.6f}")
