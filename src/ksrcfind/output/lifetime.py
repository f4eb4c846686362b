"""Write the result of `life`: a timeline as text for people, one record for programs."""

from collections.abc import Iterator

import msgspec

from ksrcfind.evolution.timelines import Life, Stage
from ksrcfind.history.provenance import Event, Later
from ksrcfind.output.json import encode
from ksrcfind.output.record import (
    SCHEMA,
    Record,
    change_fields,
    commit_record,
    event_fields,
    finding_record,
    message_fields,
    tree_fields,
)
from ksrcfind.output.style import Painter
from ksrcfind.output.text import happened, how, quoted, where
from ksrcfind.output.writer import Commits

UNRELEASED = "no release"
TODAY = "today"

LEAST_CONFIDENCE = 0.5
"""Below it, another message is as likely as the one that was chosen."""

DOUBTFUL = "this is the most similar message, but another one may have printed the line."


def lifetime(chosen: str, life: Life, commits: Commits, painter: Painter) -> Iterator[str]:
    """Yield the timeline of a message as json, ndjson or text."""
    if chosen == "text":
        yield from _timeline(life, commits, painter)
        return
    record = life_record(life)
    changes = (life.provenance.introduced, life.provenance.origin, life.removed)
    ids = dict.fromkeys([*(change.commit for change in changes if change), *(event.commit for event in life.events)])
    named = {commit: commit_record(commits(commit)) for commit in ids}
    if chosen == "ndjson":
        yield from (encode(commit) + "\n" for commit in named.values())
        yield encode(record) + "\n"
    else:
        document: Record = {"schema": SCHEMA, "records": [record], "commits": named, "summary": None}
        yield msgspec.json.format(encode(document), indent=2) + "\n"


def later_changes(later: Later, commits: Commits, painter: Painter) -> Iterator[str]:
    """Yield the commits that changed or removed a message after the revision in which it was found."""
    if later.events:
        yield painter.line()
        yield painter.line(("Later changes", "title"), indent=2)
    for event in later.events:
        yield from _event(event, commits, painter)


def life_record(life: Life) -> Record:
    """Return the `life` record."""
    match, history = life.finding.answer.matches[0], life.provenance
    return {
        "schema": SCHEMA,
        "type": "life",
        "input": finding_record(life.finding, 1)["input"],
        "tree": tree_fields(life.finding.tree),
        "message": message_fields(match.message, match.form),
        "tier": match.tier.value,
        "confidence": match.confidence,
        "history": history.status,
        "introduced": history.introduced and change_fields(history.introduced),
        "origin": history.origin and change_fields(history.origin),
        "stages": [
            {
                "first_tag": stage.first_tag,
                "last_tag": stage.last_tag,
                "format": stage.text,
                "path": stage.path,
                "call": stage.call,
                "level": stage.level,
            }
            for stage in life.stages
        ],
        "events": [event_fields(event) for event in life.events],
        "last_release": life.last_release,
        "removed": life.removed and change_fields(life.removed),
        "notes": [*life.finding.notes, *([history.note] if history.note else [])],
    }


def _timeline(life: Life, commits: Commits, painter: Painter) -> Iterator[str]:
    match = life.finding.answer.matches[0]
    chosen_by_text = life.finding.log is not None
    yield painter.line(*where(match), *(["  ", *how(match)] if chosen_by_text else []))
    if chosen_by_text and match.confidence < LEAST_CONFIDENCE:
        yield painter.line(("Doubtful: ", "warn"), DOUBTFUL, indent=2)
    yield painter.line((quoted(match.message.format), "code"), indent=2)
    yield painter.line()
    for stage in life.stages:
        yield painter.line(("● ", "release"), *_span(stage, life))
        text = ("missing", "label") if stage.text is None else (quoted(stage.text), "code")
        yield painter.line(("│   ", "label"), text)
        yield painter.line(("│   ", "label"), (f"{stage.call}() {stage.level or '-'} {stage.path}", "label"))
        for event in stage.events:
            yield from _event(event, commits, painter)
    for event in life.events:
        if event.kind == "removed":
            yield from _event(event, commits, painter)
    if life.removed is not None:
        removed_in = (life.removed.release.first_tag or UNRELEASED, "release")
        last = (life.last_release or "none", "release")
        yield painter.line(("✕ ", "error"), "removed in ", removed_in, ", last release with it: ", last)
    for note in (*life.finding.notes, life.provenance.note):
        if note:
            yield painter.line()
            yield painter.line(note)


def _event(event: Event, commits: Commits, painter: Painter) -> Iterator[str]:
    commit = commits(event.commit)
    tag = f" {event.first_tag or UNRELEASED} {commit.committer.date:%Y-%m-%d} "
    yield painter.line(("│     ", "label"), (event.commit[:12], "commit"), (tag, "label"), *happened(event))
    yield painter.line(("│       ", "label"), commit.subject)


def _span(stage: Stage, life: Life) -> tuple[tuple[str, str], ...]:
    first = stage.first_tag or UNRELEASED
    ended = stage.last_tag or (TODAY if life.removed is None else UNRELEASED)
    if stage.first_tag is None or stage.first_tag == ended:
        return ((first, "release"),)
    return ((first, "release"), (" … ", "label"), (ended, "release"))
