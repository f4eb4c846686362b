"""Findings as records of the schema `ksrcfind/1`: plain dictionaries, ready to be written as JSON.

The schema is `ksrcfind/schema/ksrcfind-1.schema.json`; docs/json.md describes it for people. It grows only by added
fields. An unknown value is None, never omitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ksrcfind.finding import About
from ksrcfind.history.provenance import Change, Commit, Event, Mentioned, Person, Provenance, Related, Release
from ksrcfind.knowledge.meaning import meaning_of
from ksrcfind.match.answer import Match, Value
from ksrcfind.source.message_id import message_id
from ksrcfind.source.template import template

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import HostSeen, Summary
    from ksrcfind.batch.fold import Folded, Sighting
    from ksrcfind.callers.record import Callers
    from ksrcfind.conditions.record import Circumstances, Condition, Excerpt
    from ksrcfind.documents.record import Document
    from ksrcfind.finding import Finding
    from ksrcfind.incidents.record import Incident, Moment
    from ksrcfind.knowledge.record import Meaning
    from ksrcfind.log.line import LogLine
    from ksrcfind.source.message import Form, Message
    from ksrcfind.tree.maintainers import Subsystem
    from ksrcfind.tree.snapshot import TreeInfo

SCHEMA = "ksrcfind/1"

Record = dict[str, object]

NO_HISTORY = Provenance("off")
"""The history of a match that was not traced."""


_OF_OTHERS: Record = {"points_to": None, "about": None, "note": None, "decided_by": None} | dict.fromkeys(
    (
        "conditions",
        "conditions_complete",
        "assignments",
        "configuration",
        "runtime",
        "code",
        "callers",
        "callers_complete",
        "documented_in",
        "meaning",
    )
)


def finding_record(finding: Finding, number: int) -> Record:
    """Return the `line` record of a log line, or the `place` record of a place. `number` is its id."""
    answer, tree = finding.answer, finding.tree
    return {
        "schema": SCHEMA,
        "type": "place" if finding.log is None else "line",
        "id": number,
        "input": {
            "source": finding.input.source,
            "line": finding.input.line,
            "text": finding.input.text,
            "truncated": finding.input.truncated,
        },
        "log": finding.log and _log(finding.log),
        "tree": tree_fields(tree),
        "verdict": answer.verdict,
        "reason": answer.reason and {"code": answer.reason.code, "text": answer.reason.text},
        "event": finding.event,
        "matches": [
            _match(match, history)
            # These belong to the call that printed the line, the first match.
            | (_of_first(finding, match) if position == 0 else _OF_OTHERS)
            for position, (match, history) in enumerate(matches_with_history(finding))
        ],
        "rivals": answer.rivals,
        "repeats": finding.log.repeats if finding.log else 1,
        "hosts": None,
        "hosts_complete": None,
        "boots": None,
        "boots_complete": None,
        "occurrences": None,
        "subsystem": finding.subsystem and _subsystem(finding.subsystem),
        "notes": list(finding.notes),
    }


def folded_record(folded: Folded) -> Record:
    """Return the `line` record of all lines of one message."""
    seen = folded.occurrences
    return finding_record(folded.finding, folded.number) | {
        "repeats": seen.count,
        "hosts": seen.hosts,
        "hosts_complete": seen.hosts_complete,
        "boots": seen.boots,
        "boots_complete": seen.boots_complete,
        "occurrences": {
            "first": _sighting(seen.first),
            "last": _sighting(seen.last),
            "arguments": [
                {
                    "values": [{"value": value, "count": count} for value, count in argument.values],
                    "complete": argument.complete,
                }
                for argument in seen.arguments
            ],
            "report": seen.report
            and {
                "rows": seen.report.rows,
                "example": list(seen.report.example),
                "faulted_at": [{"value": value, "count": count} for value, count in seen.report.faulted_at],
            },
            "suppressed": seen.suppressed,
            "by_host": {
                "values": [{"value": name, "count": count} for name, count in seen.by_host],
                "complete": seen.hosts_complete,
            },
        },
    }


def commit_record(commit: Commit) -> Record:
    """Return the `commit` record."""
    return {
        "schema": SCHEMA,
        "type": "commit",
        "commit": commit.id,
        "subject": commit.subject,
        "message": commit.message,
        "author": _person(commit.author),
        "committer": _person(commit.committer),
        **_release(commit.release),
        "trailers": commit.trailers,
        "links": list(commit.links),
        "upstream": commit.upstream and _related(commit.upstream),
        "backports": [_related(other) for other in commit.backports],
        "fixed_by": [_related(other) for other in commit.fixed_by],
        "reverted_by": [_related(other) for other in commit.reverted_by],
        "mentions": None if commit.mentions is None else [_mentioned(each) for each in commit.mentions],
    }


def _mentioned(each: Mentioned) -> Record:
    return {
        "text": each.text,
        "kind": each.kind,
        "path": each.path,
        "line": each.line,
        "first_release": each.first_release,
    }


def summary_record(summary: Summary) -> Record:
    """Return the `summary` record that ends a batch."""
    return {
        "schema": SCHEMA,
        "type": "summary",
        "lines": summary.lines,
        "verdicts": dict(summary.verdicts),
        "reasons": dict(summary.reasons),
        "messages": summary.messages,
        "interrupted": summary.interrupted,
        "levels": dict(summary.levels),
        "boots": [
            {
                "source": seen.source,
                "host": seen.boot.host.name,
                "number": seen.boot.number,
                "line": seen.boot.line,
                "version": seen.boot.version,
                "banner": seen.boot.banner,
                "lines": seen.lines,
            }
            for seen in summary.boots
        ],
        "incidents": [_incident(incident) for incident in summary.incidents],
        "hosts": [_host(seen) for seen in summary.hosts],
        "hosts_complete": summary.hosts_complete,
    }


def _host(seen: HostSeen) -> Record:
    worst = seen.worst
    return {
        "host": seen.name,
        "lines": seen.lines,
        "messages": seen.messages,
        "messages_complete": seen.messages_complete,
        "boots": seen.boots,
        "incidents": seen.incidents,
        "worst": worst and {"title": worst.title, "severity": worst.severity},
    }


def _incident(incident: Incident) -> Record:
    return {
        "title": incident.title,
        "kind": incident.kind,
        "severity": incident.severity,
        "source": incident.first.source,
        "first": _moment(incident.first),
        "last": _moment(incident.last),
        "count": incident.count,
        "host": incident.host,
        "boot": incident.boot,
        "hosts": incident.hosts,
        "boots": incident.boots,
        "new_in_boot": incident.new_in_boot,
        "about": about_fields(incident.about, incident.subsystem),
        "maintainers": list(incident.maintainers),
        "device": incident.device,
        "task": incident.task,
        "message_ids": list(incident.message_ids),
        "lines": list(incident.lines),
    }


def _moment(moment: Moment | Sighting) -> Record:
    return {
        "line": moment.line,
        "uptime_s": moment.uptime_s,
        "time": _time(moment.time),
        "wallclock": moment.wallclock,
    }


def matches_with_history(finding: Finding) -> Iterator[tuple[Match, Provenance]]:
    """Yield each match with its history."""
    for position, match in enumerate(finding.answer.matches):
        yield match, finding.provenance[position] if position < len(finding.provenance) else NO_HISTORY


def shown_values(match: Match) -> tuple[Value, ...]:
    """Return the values of a match; a source line has no values, so its arguments are returned without values."""
    if match.values:
        return match.values
    return tuple(Value(argument.conversion, argument.expression, None) for argument in match.form.arguments)


def tested_values(condition: Condition, match: Match) -> list[Value]:
    """Return those values of the line that a condition tests: values of variables that the call prints unchanged."""
    return [value for value in match.values if value.value is not None and value.expression in condition.names]


def named_commits(finding: Finding) -> Iterator[str]:
    """Yield the ids of the commits that the record of a finding names, in the order of the record, with repeats."""
    histories = [history for _, history in matches_with_history(finding)]
    for history in [*histories, *filter(None, [finding.points_to])]:
        yield from history.commits()


def _log(line: LogLine) -> Record:
    return {
        "format": line.format,
        "body": line.body,
        "level": line.level,
        "facility": line.facility,
        "uptime_s": line.uptime_s,
        "time": _time(line.time),
        "wallclock": line.wallclock,
        "host": line.host,
        "process": line.process,
        "caller": line.caller,
        "device": line.device,
        "subsystem": line.subsystem,
        "boot": line.boot,
    }


def tree_fields(tree: TreeInfo) -> Record:
    """Return the fields of a tree."""
    return {"rev": tree.rev, "commit": tree.commit, "source": tree.source}


def message_fields(message: Message, form: Form) -> Record:
    """Return the fields of a message and of one form that it can print."""
    defined_at = message.defined_at
    return {
        "path": message.path,
        "line_start": message.line_start,
        "line_end": message.line_end,
        "function": message.function,
        "call": message.call,
        "level": message.level,
        "module": message.module,
        "format": message.format,
        "template": template(form.printed),
        "arguments": [
            {"conversion": argument.conversion, "expression": argument.expression} for argument in form.arguments
        ],
        "defined_at": defined_at and {"path": defined_at.path, "line": defined_at.line, "macro": defined_at.macro},
    }


def _of_first(finding: Finding, match: Match) -> Record:
    answer = finding.answer
    return {
        **_OF_OTHERS,
        "points_to": _points_to(finding),
        "about": about_fields(finding.about, finding.subsystem.name if finding.subsystem is not None else None),
        "note": answer.note,
        "decided_by": answer.decided_by,
        **(_circumstances(finding.circumstances, match) if finding.circumstances else {}),
        "code": finding.code and code_fields(finding.code),
        "callers": finding.callers and _callers(finding.callers),
        "callers_complete": finding.callers and finding.callers.complete,
        "documented_in": None
        if finding.documented_in is None
        else [document_fields(each) for each in finding.documented_in],
        "meaning": _meaning(meaning_of(answer)),
    }


def _meaning(meaning: Meaning | None) -> Record | None:
    return None if meaning is None else msgspec.structs.asdict(meaning)


def about_fields(about: About | None, subsystem: str | None) -> Record | None:
    """Return the fields of what a line or an incident is about; `subsystem` is the name of its subsystem."""
    if about is None:
        return None
    return {"path": about.path, "line": about.line, "function": about.function, "subsystem": subsystem}


def about_elsewhere(finding: Finding) -> About | None:
    """Return what a line is about, if that is not the call that printed the line; the front ends show it first."""
    about, match, place = finding.about, finding.match, finding.answer.points_to
    if about is None and place is not None:
        about = About(place.path, place.line, place.function)
    if about is None or match is None:
        return about
    message = match.message
    return None if about == About(message.path, message.line_start, message.function) else about


def document_fields(document: Document) -> Record:
    """Return the fields of a piece of documentation."""
    return {"path": document.path, "line": document.line, "title": document.title, "about": document.about}


def code_fields(code: Excerpt) -> Record:
    """Return the fields of source lines."""
    return {"line_start": code.line_start, "lines": list(code.lines), "marked": list(code.marked)}


def _callers(callers: Callers) -> list[Record]:
    return [
        {
            "function": caller.function,
            "path": caller.path,
            "line": caller.line,
            "via": caller.via,
            "as": caller.role,
            "handed": [{"name": each.name, "expression": each.expression} for each in caller.handed],
            "callers": caller.callers and _callers(caller.callers),
            "callers_complete": caller.callers and caller.callers.complete,
        }
        for caller in callers.found
    ]


def _circumstances(found: Circumstances, match: Match) -> Record:
    """Return the record of the circumstances of a call: conditions, last assignments, and what can silence the call."""
    return {
        "conditions": [
            {
                "kind": condition.kind,
                "expression": condition.expression,
                "negated": condition.negated,
                "line": condition.line,
                "values": [
                    {"name": value.expression, "value": value.value, "decoded": value.decoded}
                    for value in tested_values(condition, match)
                ],
            }
            for condition in found.conditions
        ],
        "conditions_complete": found.complete,
        "assignments": [
            {"name": each.name, "expression": each.expression, "line": each.line} for each in found.assignments
        ],
        "configuration": [
            {"symbol": each.symbol, "negated": each.negated, "line": each.line} for each in found.configuration
        ],
        "runtime": list(found.runtime),
    }


def _match(match: Match, history: Provenance) -> Record:
    return {
        "tier": match.tier.value,
        "score": match.score,
        "confidence": match.confidence,
        **message_fields(match.message, match.form),
        "message_id": message_id(match.message, match.form),
        "arguments": [
            {
                "conversion": value.conversion,
                "expression": value.expression,
                "value": value.value,
                "decoded": value.decoded,
            }
            for value in shown_values(match)
        ],
        "points_to": None,
        **_history(history),
    }


def _points_to(finding: Finding) -> Record | None:
    place = finding.answer.points_to
    if place is None:
        return None
    return {
        "path": place.path,
        "line": place.line,
        "function": place.function,
        "call": place.call,
        "drift": place.drift,
        **_history(finding.points_to or NO_HISTORY),
    }


def _history(history: Provenance) -> Record:
    return {
        "history": history.status,
        "last_changed": history.last_changed and change_fields(history.last_changed),
        "introduced": history.introduced and change_fields(history.introduced),
        "origin": history.origin and change_fields(history.origin),
        "events": [event_fields(event) for event in history.events],
        "lineage_id": history.lineage_id,
    }


def event_fields(event: Event) -> Record:
    """Return the fields of one step in the history of a message."""
    return {
        "kind": event.kind,
        "commit": event.commit,
        "first_tag": event.first_tag,
        "from": event.before,
        "to": event.after,
    }


def change_fields(change: Change) -> Record:
    """Return the fields of a commit that changed a message."""
    return {
        "commit": change.commit,
        **_release(change.release),
        "subject": change.subject,
        "path": change.path,
        "line": change.line,
        "format": change.format,
        "upstream": change.upstream and _related(change.upstream),
    }


def _related(other: Related) -> Record:
    return {"commit": other.commit, **_release(other.release), "subject": other.subject}


def _release(release: Release) -> Record:
    return {"first_tag": release.first_tag, "first_release": release.first_release}


def _person(person: Person) -> Record:
    return {"name": person.name, "email": person.email, "date": _time(person.date)}


def _subsystem(subsystem: Subsystem) -> Record:
    return {
        "name": subsystem.name,
        "status": subsystem.status,
        "maintainers": list(subsystem.maintainers),
        "lists": list(subsystem.lists),
    }


def _sighting(sighting: Sighting) -> Record:
    return {"source": sighting.source, **_moment(sighting), "boot": sighting.boot, "host": sighting.host}


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
