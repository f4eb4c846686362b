"""The format csv: one row for each message of a log, or for each line."""

import csv
import io
from collections.abc import Iterable

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.coverage import Summary
from ksrcfind.batch.filters import Group
from ksrcfind.batch.fold import Folded, Occurrences, Sighting
from ksrcfind.finding import Finding
from ksrcfind.log.line import LogLine
from ksrcfind.output.record import matches_with_history
from ksrcfind.output.sanitize import sanitized
from ksrcfind.output.writer import Write
from ksrcfind.source.message_id import message_id
from ksrcfind.source.template import template

COLUMNS = (
    *("id", "count", "level", "verdict", "confidence", "rivals", "path", "line_start", "line_end", "function", "call"),
    *("module", "subsystem", "template", "introduced_tag", "introduced_commit", "introduced_subject", "changed_tag"),
    *("changed_commit", "changed_subject", "source", "first_line", "last_line", "first_time", "last_time", "reason"),
    *("body", "about_path", "about_line", "about_function", "message_id", "hosts", "boots", "host"),
)
"""Names of the CSV columns, from left to right."""


class CsvWriter:
    """Writes a header and rows, quoted as in RFC 4180; an unknown value is empty."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._number = 0
        write(row(COLUMNS))

    def finding(self, finding: Finding) -> None:
        """Write the row of a line."""
        self._number += 1
        self._row(self._number, finding, None)

    def folded(self, folded: Folded) -> None:
        """Write the row of a message."""
        self._row(folded.number, folded.finding, folded.occurrences)

    def group(self, group: Group) -> None:
        """Write the rows of a group."""
        for folded in group.messages:
            self.folded(folded)

    def end(self, summary: Summary | None) -> None:
        """Write nothing: CSV has no summary."""

    def _row(self, number: int, finding: Finding, seen: Occurrences | None) -> None:
        answer, log = finding.answer, finding.log
        fields: dict[str, object] = {
            "id": number,
            "count": seen.count if seen else log.repeats if log else 1,
            "level": level_of(log, answer),
            "verdict": answer.verdict,
            "rivals": answer.rivals,
            "subsystem": finding.subsystem and finding.subsystem.name,
            "source": finding.input.source,
            "first_line": seen.first.line if seen else finding.input.line,
            "last_line": seen.last.line if seen else finding.input.line,
            "first_time": _time(seen.first) if seen else log and _time(log),
            "last_time": _time(seen.last) if seen else log and _time(log),
            "reason": answer.reason and answer.reason.code,
            "body": log.body if log else finding.input.text,
            "hosts": seen and _count(seen.hosts, complete=seen.hosts_complete),
            "boots": seen and _count(seen.boots, complete=seen.boots_complete),
            "host": _host(seen, log),
        }
        if finding.about is not None:
            about = finding.about
            fields |= {"about_path": about.path, "about_line": about.line, "about_function": about.function}
        for match, history in matches_with_history(finding):
            message = match.message
            fields |= {
                "confidence": match.confidence,
                "path": message.path,
                "line_start": message.line_start,
                "line_end": message.line_end,
                "function": message.function,
                "call": message.call,
                "module": message.module,
                "template": template(match.form.printed),
                "message_id": message_id(message, match.form),
            }
            for name, change in (("introduced", history.introduced), ("changed", history.last_changed)):
                if change is not None:
                    fields |= {
                        f"{name}_tag": change.release.first_tag,
                        f"{name}_commit": change.commit,
                        f"{name}_subject": change.subject,
                    }
            break
        self._write(row(no_formula(fields.get(column)) for column in COLUMNS))


def row(values: Iterable[object]) -> str:
    """Return one line of a CSV file."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow("" if v is None else sanitized(str(v)) for v in values)
    return line.getvalue()


def _count(count: int, *, complete: bool) -> str:
    return f"{count}{'' if complete else '+'}"


def _host(seen: Occurrences | None, log: LogLine | None) -> str | None:
    """Return the name of the host of a line, or of all lines of a message if it is one."""
    if seen is None:
        return log.host if log is not None else None
    return seen.by_host[0][0] if len(seen.by_host) == 1 and seen.hosts_complete else None


def no_formula(value: object) -> object:
    """Return a value that no spreadsheet runs as a formula: an apostrophe precedes such a text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _time(seen: Sighting | LogLine) -> object:
    """Return when a line was logged: the date and time if the log has them, else seconds since boot."""
    return seen.time.isoformat() if seen.time else seen.wallclock or seen.uptime_s
