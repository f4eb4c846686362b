"""Compact records: an assistant pays for every byte that it reads.

Fields have the names and meanings of `ksrcfind/1`. Long texts are cut; fields without a value are omitted, and so are
details that an assistant can ask for in another question.
"""

from collections.abc import Iterable, Mapping

from ksrcfind.batch.answer_cache import level_of
from ksrcfind.batch.coverage import Summary
from ksrcfind.batch.fold import Folded
from ksrcfind.callers.record import Callers
from ksrcfind.conditions.record import Excerpt
from ksrcfind.conditions.sentence import sentence
from ksrcfind.engine.show import ShownFunction
from ksrcfind.evolution.differences import Difference
from ksrcfind.evolution.timelines import Life
from ksrcfind.finding import Finding
from ksrcfind.history.provenance import Change, Commit, Event, Provenance
from ksrcfind.knowledge.meaning import meaning_of
from ksrcfind.match.answer import Answer, Match
from ksrcfind.output.record import Record, matches_with_history
from ksrcfind.source.message import Message

TEXT = 300
"""Characters of a log line, a format or a value that are kept."""
BRIEF = 100
"""Characters of a line that are kept in the summary of a log, which has many."""
SUBJECT = 72
"""Characters of a commit's subject in a summary; few are longer."""
COMMIT = 12
"""Digits of a commit's id: enough for git to find it."""


MESSAGE = 8000
"""Characters of a commit message that are kept."""


def cut(text: str, length: int = TEXT) -> str:
    """Return a text cut to at most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def finding_record(finding: Finding) -> Record:
    """Return a log line or source line with its matches and their histories."""
    answer = finding.answer
    return _filled(
        {
            "text": cut(finding.input.text),
            "verdict": answer.verdict,
            "reason": answer.reason and answer.reason.text,
            "meaning": _meaning(answer),
            "when": finding.circumstances and sentence(finding.circumstances),
            "conditions": [cut(each.text) for each in finding.circumstances.conditions]
            if finding.circumstances
            else [],
            "code": [f"{number}: {cut(line)}" for number, line in _numbered(finding.code)],
            "callers": _callers(finding.callers) if finding.callers else [],
            "documented_in": [
                {"path": each.path, "line": each.line, "title": cut(each.title)} for each in finding.documented_in or ()
            ],
            "matches": [_match(match, history) for match, history in matches_with_history(finding)],
            "rivals": answer.rivals,
            "points_to": answer.points_to and f"{answer.points_to.path}:{answer.points_to.line}",
            "subsystem": finding.subsystem and finding.subsystem.name,
            "notes": list(finding.notes),
        }
    )


def _meaning(answer: Answer) -> Record | None:
    meaning = meaning_of(answer)
    if meaning is None:
        return None
    return {
        "title": meaning.title,
        "means": meaning.means,
        "severity": meaning.severity,
        "causes": list(meaning.causes),
        "check": list(meaning.check),
        "citation": meaning.citation,
    }


def _numbered(code: Excerpt | None) -> Iterable[tuple[int, str]]:
    return enumerate(code.lines, code.line_start) if code is not None else ()


def _callers(callers: Callers) -> list[Record]:
    return [
        _filled(
            {
                "function": caller.function,
                "path": caller.path,
                "line": caller.line,
                "as": caller.role,
                "handed": [f"{each.name} = {cut(each.expression)}" for each in caller.handed],
                "callers": _callers(caller.callers) if caller.callers else [],
            }
        )
        for caller in callers.found
    ]


def function_record(shown: ShownFunction) -> Record:
    """Return a function or macro with its source and its messages."""
    return _filled(
        {
            "function": shown.name,
            "path": shown.path,
            "code": [f"{number}: {cut(line)}" for number, line in _numbered(shown.code)],
            "messages": [message_record(message) for message in shown.messages],
        }
    )


def commit_record(commit: Commit) -> Record:
    """Return a commit with its message, its releases and what it names."""
    return _filled(
        {
            "commit": commit.id,
            "author": commit.author.name,
            "date": f"{commit.author.date:%Y-%m-%d}",
            "message": cut(commit.message, MESSAGE),
            "first_tag": commit.release.first_tag,
            "first_release": commit.release.first_release,
            "fixed_by": [each.commit[:COMMIT] for each in commit.fixed_by],
            "reverted_by": [each.commit[:COMMIT] for each in commit.reverted_by],
            "mentions": [
                _filled({"text": each.text, "path": each.path, "line": each.line, "first_release": each.first_release})
                for each in commit.mentions or ()
            ],
        }
    )


def folded_record(folded: Folded) -> Record:
    """Return a message of a log: count, example, first match, and the release that introduced it."""
    finding = folded.finding
    match, history = finding.match, finding.history
    introduced = history and (history.introduced or history.last_changed)
    return _filled(
        {
            "repeats": folded.occurrences.count,
            "level": level_of(finding.log, finding.answer),
            "text": cut(finding.log.body if finding.log else finding.input.text, BRIEF),
            "verdict": finding.answer.verdict,
            "path": match and match.message.path,
            "line_start": match and match.message.line_start,
            "function": match and match.message.function,
            "rivals": finding.answer.rivals,
            "introduced": introduced and _change(introduced, brief=True),
        }
    )


def summary_record(summary: Summary) -> Record:
    """Return the statistics of a log."""
    return _filled(
        {
            "lines": summary.lines,
            "messages": summary.messages,
            "verdicts": _counts(summary.verdicts),
            "levels": _counts(summary.levels),
            "boots": len(summary.boots),
        }
    )


def message_record(message: Message) -> Record:
    """Return a message with its path and line."""
    return _filled(
        {
            "path": message.path,
            "line_start": message.line_start,
            "function": message.function,
            "level": message.level,
            "format": cut(message.format),
        }
    )


def life_record(life: Life) -> Record:
    """Return how a message changed from release to release."""
    message = life.finding.answer.matches[0].message
    return _filled(
        {
            **message_record(message),
            "verdict": life.finding.answer.verdict,
            "confidence": life.finding.answer.matches[0].confidence,
            "stages": [
                _filled(
                    {
                        "first_tag": stage.first_tag,
                        "last_tag": stage.last_tag,
                        "format": stage.text and cut(stage.text),
                        "path": stage.path,
                        "level": stage.level,
                    }
                )
                for stage in life.stages
            ],
            "events": [_event(event) for event in life.events],
            "last_release": life.last_release,
            "removed": life.removed and _change(life.removed),
            "notes": [*life.finding.notes, *([life.provenance.note] if life.provenance.note else [])],
        }
    )


def difference_record(difference: Difference) -> Record:
    """Return how one message differs between two revisions."""
    old, new = difference.old, difference.new
    return _filled({"kind": difference.kind, "old": old and message_record(old), "new": new and message_record(new)})


def line_of(folded: Folded) -> str:
    """Return a message of a log as one line for people."""
    record = folded_record(folded)
    change = record.get("introduced")
    since = f" {change['first_release'] or '-'} {change['commit']}" if isinstance(change, Mapping) else ""
    where = f"{record['path']}:{record['line_start']}" if "path" in record else "no match"
    if "path" in record and record["verdict"] != "exact":
        where += f" ({record['verdict']})"
    return f"{record['repeats']}x {record.get('level', '-')} {where}{since}: {record['text']}"


def _match(match: Match, history: Provenance) -> Record:
    message = match.message
    values = [f"{value.expression or value.conversion} = {cut(value.value)}" for value in match.values if value.value]
    introduced = history.introduced
    others = {"last_changed": history.last_changed, "origin": history.origin}
    shown = introduced and introduced.commit
    return _filled(
        {
            "tier": match.tier.value,
            "confidence": round(match.confidence, 2),
            **message_record(message),
            "call": message.call,
            "module": message.module,
            "values": values,
            "introduced": introduced and _change(introduced),
            **{name: _change(change) for name, change in others.items() if change and change.commit != shown},
            "history_note": history.note,
        }
    )


def _change(change: Change, *, brief: bool = False) -> Record:
    release = change.release
    record: Record = {"commit": change.commit[:COMMIT], "subject": cut(change.subject, SUBJECT if brief else TEXT)}
    if brief:
        return record | {"first_release": release.first_release or release.first_tag}
    upstream = change.upstream and change.upstream.commit[:COMMIT]
    return _filled(
        record | {"first_tag": release.first_tag, "first_release": release.first_release, "upstream": upstream}
    )


def _event(event: Event) -> Record:
    sides = {"from": event.before and cut(event.before), "to": event.after and cut(event.after)}
    return _filled({"kind": event.kind, "commit": event.commit[:COMMIT], "first_tag": event.first_tag, **sides})


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _filled(record: Record) -> Record:
    """Return a record without the fields that have no value."""
    return {name: value for name, value in record.items() if value not in (None, 0, [], {}, "")}
