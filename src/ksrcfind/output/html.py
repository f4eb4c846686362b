"""The format html: a report on a log in one file that works offline.

The content security policy of the page allows only its own script and style, by their hashes. Text from logs, source
and commits is escaped by the template, or passed as JSON and shown as text.
"""

import base64
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files

from jinja2 import Environment
from markupsafe import Markup
from msgspec.structs import replace

from ksrcfind import __version__
from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.coverage import NOT_KERNEL, SEVERITY, Summary, severity
from ksrcfind.batch.filters import NO_RELEASE, Group, arrival
from ksrcfind.batch.fold import Folded, Sighting
from ksrcfind.batch.timeline import Chart
from ksrcfind.callers.record import Callers
from ksrcfind.conditions.sentence import sentence
from ksrcfind.finding import Finding, Shown
from ksrcfind.history.provenance import Commit, Event, Provenance
from ksrcfind.incidents.record import Incident
from ksrcfind.incidents.title import entry_of
from ksrcfind.knowledge.meaning import meaning_of
from ksrcfind.match.answer import Answer, Match
from ksrcfind.output.boots import SHOWN as BOOTS_SHOWN
from ksrcfind.output.boots import BootState, states
from ksrcfind.output.incidents import SHOWN, WIDTH, again, alike, first_sentence, on_host, sure_place, when
from ksrcfind.output.json import encode
from ksrcfind.output.logtext import MEANINGS, spread
from ksrcfind.output.record import about_elsewhere, matches_with_history, named_commits
from ksrcfind.output.sanitize import sanitized
from ksrcfind.output.style import Painter, number_of
from ksrcfind.output.text import callers_text, documented, mentioned, quoted
from ksrcfind.output.writer import Commits, Head, Write
from ksrcfind.source.message_id import message_id
from ksrcfind.tree.versions import parse_tag

Source = Callable[[str, int, int], list[str]]
"""Returns the lines of a file of the tree between two 1-based line numbers (`Finder.source`)."""

Explain = Callable[[Finding, Shown], Finding]
"""Adds to a finding when its call prints, and the code around it (`WhyService.added_to`)."""

FindCallers = Callable[[Sequence[Finding]], list[Finding]]
"""Adds to findings the callers of their functions (`WhyService.all_with_callers`)."""

Data = dict[str, object]

AROUND = 3
"""Lines of source shown before and after a call."""

MOST_ROWS = 2000
"""Messages that are shown before the reader asks for all: browsers take seconds to lay out a table of ten thousand."""

MOST_BARS = 12
"""Bars of a chart."""

CALENDAR = (-62_135_596_800, 253_402_300_799)
"""Seconds since the epoch of the first and the last moment that `datetime` supports: the years 1 to 9999."""

UNKNOWN = "–"
"""Shown for an unknown release or subsystem."""

LEGEND = (("err", "error or worse"), ("warn", "warning"), ("info", "notice, info"), ("unknown", "debug, unknown"))
"""One level of each colour, and the label of the colour."""

COLUMNS = {
    "level": "level",
    "count": "count",
    "body": "message",
    "place": "place",
    "release": "since",
    "subsystem": "subsystem",
    "first": "first",
}


class HtmlWriter:
    """Collects the messages of a log and writes the page at the end."""

    def __init__(
        self,
        write: Write,
        commits: Commits,
        source: Source,
        explain: Explain,
        title: Head,
        tree: str,
        find_callers: FindCallers | None = None,
    ) -> None:
        """`title` returns the name of the logs, and `tree` is that of the kernel tree, in the page."""
        self._explain = explain
        self._find_callers = find_callers
        self._findings: list[Finding] = []
        self._write = write
        self._commits = commits
        self._source = source
        self._title = title
        self._messages: list[Data] = []
        self._rows: dict[object, int] = {}
        """Message id, or log and line of its first occurrence → number of the message."""
        self._named_commits: dict[str, Data] = {}
        self._tree = tree

    def finding(self, finding: Finding) -> None:
        """Never called: a page shows messages, not single lines."""
        raise NotImplementedError

    def group(self, group: Group) -> None:
        """Keep the messages of a group."""
        for folded in group.messages:
            self.folded(folded)

    def folded(self, folded: Folded) -> None:
        """Keep a message and the commits that it names."""
        if not folded.is_message:
            return
        finding = folded.finding
        for commit in named_commits(finding):
            if commit not in self._named_commits:
                self._named_commits[commit] = _commit(self._commits(commit))
        explained = replace(folded, finding=self._explain(finding, AROUND))
        self._messages.append(_message(explained, self._source, order=folded.number))
        first, match = folded.occurrences.first, finding.match
        self._rows[first.source, first.line] = folded.number
        if match is not None:
            self._rows.setdefault(message_id(match.message, match.form), folded.number)
        if self._find_callers is not None:
            self._findings.append(finding)

    def end(self, summary: Summary | None) -> None:
        """Write the page."""
        if summary is None:
            return
        if self._find_callers is not None:
            for message, found in zip(self._messages, self._find_callers(self._findings), strict=True):
                message["callers"] = list(_caller_lines(found.callers)) if found.callers else []

        def shown(value: object) -> object:
            return sanitized(value) if isinstance(value, str) and not isinstance(value, Markup) else value

        groups = alike(summary.incidents)
        several = len({seen.source for seen in summary.boots}) > 1
        style, script = _resource("report.css"), _resource("report.js")
        document = {"messages": self._messages, "commits": self._named_commits}
        template = Environment(autoescape=True, finalize=shown, trim_blocks=True).from_string(_resource("report.html"))
        page = template.generate(
            version=__version__,
            title=self._title(summary),
            tree=self._tree,
            summary=summary,
            explained=sum(message["confidence"] is not None for message in self._messages),
            several=several,
            style=Markup(style),  # noqa: S704 - of this package
            script=Markup(script),  # noqa: S704 - of this package
            style_hash=_hash(style),
            script_hash=_hash(script),
            data=Markup(_in_script(encode(_shown(document)))),  # noqa: S704 - escaped for where it stands
            coverage=list(_coverage(summary)),
            bars=[chart for chart in self._bars() if chart["bars"]],
            timelines=[_timeline(chart, several=len(summary.charts) > 1) for chart in summary.charts],
            selects=[_select(name, self._messages) for name in ("level", "tier", "release", "subsystem")],
            legend=LEGEND,
            incidents=[
                self._incident(one, others, several=several, several_hosts=len(summary.hosts) > 1)
                for one, *others in groups[:SHOWN]
            ],
            strip=[
                _boot(one, several=several, several_hosts=len(summary.hosts) > 1)
                for one in states(summary)[-BOOTS_SHOWN:]
            ],
            earlier_boots=max(0, len(summary.boots) - BOOTS_SHOWN),
            more_incidents=sum(map(len, groups[SHOWN:])),
            columns=[{"name": name, "title": title} for name, title in COLUMNS.items()],
            rows=self._messages,
            most_rows=MOST_ROWS,
        )
        for piece in page:
            self._write(piece)

    def _incident(self, incident: Incident, others: Sequence[Incident], *, several: bool, several_hosts: bool) -> Data:
        about, lead, entry = sure_place(incident), incident.lead, entry_of(incident.lead.answer)
        where = f"{lead.source}:{lead.line}" if several else f"line {lead.line}"
        names = ((lead.source, lead.line), *incident.message_ids)
        return {
            "severity": incident.severity,
            "title": incident.title,
            "when": ", ".join((*(on_host(incident) if several_hosts else ()), *when(incident, alone=not others))),
            "again": again(incident, others) if others else None,
            "place": f"{about.path}:{about.line}" if about is not None else None,
            "function": f"{about.function}()" if about is not None and about.function else None,
            "subsystem": incident.subsystem,
            "evidence": f"{where}: {lead.log.body[:WIDTH]}",
            "means": first_sentence(entry.means) if entry is not None else None,
            "row": next((self._rows[name] for name in names if name in self._rows), None),
        }

    def _bars(self) -> Iterator[Data]:
        yield _bars("release", "Messages by first release", self._messages, _newest)
        yield _bars("subsystem", "Messages by subsystem", self._messages, None)


def _boot(state: BootState, *, several: bool, several_hosts: bool) -> Data:
    seen = state.seen
    of = ((several, seen.source), (several_hosts, seen.boot.host.name))
    name = ", ".join((*(text for shown, text in of if shown and text), f"boot {seen.boot.number}"))
    version = f", Linux {seen.boot.version}" if seen.boot.version else ""
    worst = f"{number_of(state.incidents, 'incident')}, worst {state.severity}: {state.title}"
    return {
        "severity": state.severity or "none",
        "height": f"h{state.height}",
        "label": f"{name}{version}, line {seen.boot.line}: {worst if state.incidents else 'no incident'}",
    }


def _resource(name: str) -> str:
    return (files("ksrcfind.output") / "report" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _in_script(document: str) -> str:
    """Return JSON that cannot end the script element around it."""
    return document.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _shown(value: object) -> object:
    """Return data with control characters escaped in all text."""
    if isinstance(value, str):
        return sanitized(value)
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value


def _message(folded: Folded, source: Source, order: int) -> Data:
    finding, seen = folded.finding, folded.occurrences
    level = level_of(finding.log, finding.answer) or "unknown"
    first_match = next(matches_with_history(finding), None)
    change = arrival(finding)
    release = (change.release.first_release or change.release.first_tag or NO_RELEASE) if change else UNKNOWN
    reason, about = finding.answer.reason, about_elsewhere(finding)
    return {
        "id": folded.number,
        "order": order,
        "level": level,
        "rank": severity(finding.log, finding.answer),
        "count": seen.count,
        "body": finding.log.body if finding.log else finding.input.text,
        "release": release,
        "age": _age(release),
        "subsystem": finding.subsystem.name if finding.subsystem else UNKNOWN,
        "maintainers": [*finding.subsystem.maintainers, *finding.subsystem.lists] if finding.subsystem else [],
        "first": _moment(seen.first),
        "when": ", ".join(
            [f"{_where(seen.first)} to {_where(seen.last)}" if seen.count > 1 else _where(seen.first), *spread(seen)]
        ),
        "suppressed": seen.suppressed,
        "report": seen.report
        and {"rows": seen.report.rows, "example": seen.report.example, "faulted_at": seen.report.faulted_at},
        "reason": reason.text if reason else None,
        "tier": finding.answer.verdict,
        **(_match(*first_match, folded, source) if first_match else _NO_MATCH),
        # The place of a report is the code that it complains about, not the code that prints all reports.
        **({"place": _at(about.path, about.line, about.function)} if about is not None else {}),
    }


def _meaning(answer: Answer) -> Data | None:
    meaning = meaning_of(answer)
    if meaning is None:
        return None
    return {
        "title": meaning.title,
        "means": meaning.means,
        "causes": list(meaning.causes),
        "check": list(meaning.check),
    }


_NO_MATCH: Data = {
    "confidence": None,
    "place": "",
    "printed_by": "",
    "line": 0,
    "end": 0,
    "call": None,
    "meaning": None,
    "why": None,
    "documents": [],
    "callers": [],
    "source": [],
    "marked": [],
    "arguments": [],
    "commits": [],
    "events": [],
    "others": [],
}


def _match(match: Match, history: Provenance, folded: Folded, source: Source) -> Data:
    message, values = match.message, folded.occurrences.arguments
    found, code = folded.finding.circumstances, folded.finding.code
    first = code.line_start if code else max(1, message.line_start - AROUND)
    lines = code.lines if code else source(message.path, first, message.line_end + AROUND)
    return {
        "confidence": match.confidence,
        "place": _place(match),
        "printed_by": _place(match),
        "line": message.line_start,
        "end": message.line_end,
        "call": f"{message.call}({quoted(message.format)})",
        "meaning": _meaning(folded.finding.answer),
        "why": found and sentence(found),
        "callers": [],
        "documents": [f"{each.path}:{each.line}  {documented(each)}" for each in folded.finding.documented_in or ()],
        "source": list(enumerate((line.expandtabs(8) for line in lines), first)),
        "marked": code.marked if code else (),
        "arguments": [
            {
                "conversion": value.conversion,
                "expression": value.expression,
                "values": values[number].values if number < len(values) else (),
                "complete": number >= len(values) or values[number].complete,
            }
            for number, value in enumerate(match.values)
        ],
        "commits": list(_changes(history)),
        "events": [
            " ".join(filter(None, [event.first_tag or UNKNOWN, event.kind, event.commit[:12], _step(event)]))
            for event in history.events
        ],
        "others": [_place(other) for other, _ in matches_with_history(folded.finding)][1:],
    }


def _caller_lines(callers: Callers) -> Iterator[str]:
    return (line.rstrip("\n") for line in callers_text(callers, Painter(False)))


def _step(event: Event) -> str:
    return f"{event.before} → {event.after}" if event.before and event.after else ""


def _changes(history: Provenance) -> Iterator[tuple[str, str]]:
    """Yield the title and commit of each change that the page shows, each commit once."""
    named = [
        ("Introduced", history.introduced),
        ("First wording", history.origin),
        ("Last changed", history.last_changed),
    ]
    seen: set[str] = set()
    for title, change in named:
        if change is not None and change.commit not in seen:
            seen.add(change.commit)
            yield title, change.commit


def _place(match: Match) -> str:
    return _at(match.message.path, match.message.line_start, match.message.function)


def _at(path: str, line: int, function: str | None) -> str:
    return f"{path}:{line}" + (f" {function}()" if function else "")


def _commit(commit: Commit) -> Data:
    return {
        "commit": commit.id,
        "subject": commit.subject,
        "message": commit.message,
        "author": f"{commit.author.name} <{commit.author.email}>",
        "date": f"{commit.author.date:%Y-%m-%d}",
        "first_tag": commit.release.first_tag,
        "first_release": commit.release.first_release,
        "mentions": [
            "".join(part if isinstance(part, str) else part[0] for part in mentioned(each))
            for each in commit.mentions or ()
        ],
    }


def _moment(seen: Sighting) -> str:
    if seen.uptime_s is not None:
        return f"{seen.uptime_s:.6f}"
    return seen.wallclock or (seen.time.isoformat() if seen.time else "")


def _where(seen: Sighting) -> str:
    moment = _moment(seen)
    return f"{seen.source or ''}:{seen.line}" + (f" at {moment}" if moment else "")


def _age(release: str) -> list[int] | int:
    """Return a number that grows with the age of a release."""
    version = parse_tag(release, tail=True)
    if version is None:
        return 0 if release == NO_RELEASE else 10**12
    major, minor, patch, level = (*version.numbers, 0, 0, 0)[:4]
    return 10**12 - 1 - (((major * 1000 + minor) * 1000 + patch) * 100 + min(level, 99))


def _coverage(summary: Summary) -> Iterator[Data]:
    kernel = summary.kernel_lines
    for name, count in summary.verdicts.items():
        lines = count - summary.skipped if name == "none" else count
        yield {"name": name, "lines": lines, "share": f"{100 * lines / kernel:.1f} %" if kernel else "", "aside": False}
    for code, count in summary.reasons.items():
        kind = "skipped" if code in NOT_KERNEL else "none"
        yield {"name": f"{kind}: {MEANINGS.get(code, code)}", "lines": count, "share": "", "aside": True}


def _bars(name: str, title: str, messages: Sequence[Data], order: Callable[[str], object] | None) -> Data:
    counts = Counter(str(message[name]) for message in messages if message[name] != UNKNOWN)
    ranked = sorted(counts.items(), key=lambda item: order(item[0])) if order else counts.most_common()  # type: ignore[arg-type,return-value]
    most = max(counts.values(), default=1)
    bars = [{"name": key, "count": count, "width": round(100 * count / most, 2)} for key, count in ranked[:MOST_BARS]]
    return {"name": name, "title": title, "bars": bars, "more": max(0, len(ranked) - MOST_BARS)}


def _newest(release: str) -> object:
    return _age(release)


def _select(name: str, messages: Sequence[Data]) -> Data:
    values = {str(message[name]) for message in messages}
    order = {"level": lambda value: SEVERITY.get(value, 99), "release": _newest}.get(name, str)
    return {"name": name, "title": "match" if name == "tier" else COLUMNS[name], "options": sorted(values, key=order)}  # type: ignore[arg-type]


def _timeline(chart: Chart, *, several: bool) -> Data:
    highest = max((sum(column.values()) for column in chart.columns), default=1)
    columns = []
    for number, column in enumerate(chart.columns):
        # A square-root scale: on a linear one, a boot's hundreds of lines would hide the single one that matters.
        total = sum(column.values())
        y, parts = 100.0, []
        for level in sorted(column, key=SEVERITY.__getitem__):
            height = round(100 * math.sqrt(total / highest) * column[level] / total, 3)
            y -= height
            parts.append({"level": level, "y": round(y, 3), "height": height})
        counts = ", ".join(f"{count:,} {level}" for level, count in column.items())
        columns.append({"x": number, "title": f"{_tick(chart, number)}: {counts or 'nothing'}", "parts": parts})
    unit = {"uptime": "seconds since boot", "clock": "time by the log's clock", "line": "line of the log"}[chart.unit]
    return {
        "name": f"{chart.source or ''} boot {chart.boot}" if several else "",
        "label": f"{unit}; tallest bar: {number_of(highest, 'line')} (square-root scale)",
        "width": len(chart.columns),
        "columns": columns,
        "start": _tick(chart, 0),
        "end": _tick(chart, len(chart.columns)),
    }


def _tick(chart: Chart, column: int) -> str:
    moment = chart.start + column * chart.step
    if chart.unit != "clock":
        return f"{moment:,.0f}"
    # The last column can end after the year 9999, and a time zone can move a moment before the year 1.
    date = datetime.fromtimestamp(min(max(moment, CALENDAR[0]), CALENDAR[1]), UTC)
    return f"{date:%b %d %H:%M:%S}" if date.year == 2000 else f"{date:%Y-%m-%d %H:%M:%S}"
