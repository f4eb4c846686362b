"""Write the results of `diff`: messages that differ between two releases, or monitoring rules checked against both."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from ksrcfind.evolution.differences import Difference, counts
from ksrcfind.evolution.rules import ANSWERS, Found, Outcome
from ksrcfind.output.csv import row
from ksrcfind.output.json import encode
from ksrcfind.output.record import SCHEMA, Record, message_fields, tree_fields
from ksrcfind.output.style import Painter, Span
from ksrcfind.source.message import Message
from ksrcfind.source.template import template
from ksrcfind.tree.snapshot import TreeInfo

SIDES = ("path", "line_start", "function", "level", "template")
COLUMNS = ("kind", *(f"old_{field}" for field in SIDES), *(f"new_{field}" for field in SIDES), "tier", "similarity")
"""Columns of the format csv for messages."""
RULE_COLUMNS = (
    *("line", "rule", "state", "old_matches", "new_matches"),
    *COLUMNS,
    *("answer", "name", "worst_level", "example_path", "example_line", "example_text", "proposal", "note"),
)
"""Columns of the format csv for rules: one row for each message that a lost rule matched."""
EXAMPLES = 5
"""Messages that a record has as examples of what a rule matches."""
LABELS = {"level_changed": "level changed"}
MORE = "See more: --all, --only KIND, --min-level LEVEL, --subsystem NAME, a PATH, or --format csv."
_URGENT = ("removed", "reworded", "level_changed", "added", "moved")
"""The kinds of differences: those that break a rule for a log first."""
STYLES = {"added": "ok", "removed": "error"}

Trees = tuple[TreeInfo, TreeInfo]
"""The older and the newer tree."""


Names = tuple[str, str]
"""What the user calls the older and the newer tree: revisions, directories, bundles."""

LISTED = 40
"""Differences that text for a terminal lists."""
SUBSYSTEMS = 10
"""Subsystems in the summary of many differences."""
MANY = 100
"""Differences; with more, text begins with the subsystems that have most of them."""


def changes(
    chosen: str,
    found: Sequence[Difference],
    trees: Trees,
    painter: Painter,
    *,
    names: Names,
    subsystem_of: Callable[[str], str | None] = lambda _: None,
    bounded: bool = False,
) -> Iterator[str]:
    """Yield the differences between two trees as json, ndjson, csv or text.

    Text begins with a summary. If it is `bounded`, it lists the most severe differences and says how to see more.
    """
    if chosen == "csv":
        yield row(COLUMNS)
        yield from (row(_cells(difference)) for difference in found)
    elif chosen == "text":
        summed = ", ".join(f"{count:,} {LABELS.get(kind, kind)}" for kind, count in counts(found).items())
        yield painter.line((f"{names[0]} → {names[1]}: ", "title"), summed)
        if len(found) > MANY:
            yield from _subsystems(found, painter, subsystem_of)
        listed = found
        if bounded and len(found) > LISTED:
            listed = sorted(found, key=lambda one: (one.severity, _URGENT.index(one.kind)))[:LISTED]
            yield painter.line(f"The {LISTED} most severe of {len(found):,}. {MORE}")
        for difference in listed:
            yield from _text(difference, painter, 0)
    else:
        yield from _as_json(chosen, (difference_record(difference, trees, names) for difference in found))


def rules(chosen: str, found: Sequence[Outcome], trees: Trees, painter: Painter, *, names: Names) -> Iterator[str]:
    """Yield the results of checking rules as json, ndjson, csv or text."""
    if chosen == "csv":
        yield row(RULE_COLUMNS)
        for outcome in found:
            own = (outcome.rule.line, outcome.rule.text, outcome.state, len(outcome.old), len(outcome.new))
            for cells in [_cells(difference) for difference in outcome.became] or [()]:
                yield row((*own, *cells, *[None] * (len(COLUMNS) - len(cells)), *_more_cells(outcome)))
    elif chosen == "text":
        yield from _rules_text(found, names, painter)
    else:
        yield from _as_json(chosen, (rule_record(outcome, trees, names) for outcome in found))


def difference_record(difference: Difference, trees: Trees, names: Names) -> Record:
    """Return the `difference` record."""
    return {"schema": SCHEMA, "type": "difference", **_between(trees, names), **_change(difference)}


def rule_record(outcome: Outcome, trees: Trees, names: Names) -> Record:
    """Return the `rule` record."""
    return {
        "schema": SCHEMA,
        "type": "rule",
        **_between(trees, names),
        "line": outcome.rule.line,
        "rule": outcome.rule.text,
        "state": outcome.state,
        "old_matches": len(outcome.old),
        "new_matches": len(outcome.new),
        "became": [_change(difference) for difference in outcome.became],
        "note": outcome.note,
        "answer": outcome.answer,
        "name": outcome.rule.name,
        "worst_level": outcome.worst_level,
        "old_examples": [_example(found) for found in outcome.old[:EXAMPLES]],
        "new_examples": [_example(found) for found in outcome.new[:EXAMPLES]],
        "proposal": outcome.proposal,
    }


def _example(found: Found) -> Record:
    return {
        "message": message_fields(found.message, found.message.forms[0]),
        "text": found.text,
        "values": list(found.values),
        "tier": found.tier,
        "confidence": found.confidence,
    }


def _more_cells(outcome: Outcome) -> tuple[object, ...]:
    shown = next(iter(outcome.new or outcome.old), None)
    place = (shown.message.path, shown.message.line_start, shown.text) if shown else (None, None, None)
    return (outcome.answer, outcome.rule.name, outcome.worst_level, *place, outcome.proposal, outcome.note)


def _as_json(chosen: str, records: Iterable[Record]) -> Iterator[str]:
    if chosen == "ndjson":
        yield from (encode(record) + "\n" for record in records)
    else:
        document: Record = {"schema": SCHEMA, "records": list(records), "commits": {}, "summary": None}
        yield msgspec.json.format(encode(document), indent=2) + "\n"


def _between(trees: Trees, names: Names) -> Record:
    return {
        "old_tree": tree_fields(trees[0]),
        "new_tree": tree_fields(trees[1]),
        "old_name": names[0],
        "new_name": names[1],
    }


def _change(difference: Difference) -> Record:
    old, new = difference.old, difference.new
    return {
        "kind": difference.kind,
        "old": old and message_fields(old, old.forms[0]),
        "new": new and message_fields(new, new.forms[0]),
        "tier": difference.tier,
        "similarity": difference.similarity,
    }


def _cells(difference: Difference) -> tuple[object, ...]:
    sides = [message and message_fields(message, message.forms[0]) for message in (difference.old, difference.new)]
    values = (side and side[field] for side in sides for field in SIDES)
    return (difference.kind, *values, difference.tier, difference.similarity)


_WORST_FIRST = ("gone", "reworded", "never", "cannot_tell", "debug_only", "matches")


def _rules_text(found: Sequence[Outcome], names: Names, painter: Painter) -> Iterator[str]:
    seen = Counter(outcome.answer for outcome in found)
    summed = ", ".join(f"{seen[answer]:,} {_ANSWER[answer]}" for answer in ANSWERS if seen[answer])
    yield painter.line((f"{names[0]} → {names[1]}: ", "title"), f"{len(found):,} rules: {summed or 'none'}")
    for outcome in sorted(found, key=lambda one: _WORST_FIRST.index(one.answer)):
        head = f"rule {outcome.rule.line}" + (f" ({outcome.rule.name})" if outcome.rule.name else "")
        yield painter.line((f"{head}: ", "title"), (outcome.rule.text, "code"))
        yield painter.line((_sentence(outcome, names), _ANSWER_STYLE[outcome.answer]), indent=2)
        if outcome.note:
            yield painter.line(f"note: {outcome.note}", indent=2)
        if outcome.new or not outcome.became:
            yield from _example_text(outcome, names, painter)
        for difference in outcome.became:
            yield from _text(difference, painter, 2)
        if outcome.proposal:
            yield painter.line("a rule for the new text: ", (outcome.proposal, "code"), indent=2)


_ANSWER = {
    "matches": "match",
    "debug_only": "match debug messages only",
    "reworded": "lost their message to another wording",
    "gone": "lost their message",
    "never": "match nothing in either release",
    "cannot_tell": "cannot be decided",
}
_ANSWER_STYLE = {
    "matches": "ok",
    "debug_only": "warn",
    "reworded": "error",
    "gone": "error",
    "never": "warn",
    "cannot_tell": "warn",
}


def _sentence(outcome: Outcome, names: Names) -> str:
    count = f"{len(outcome.new):,} message{'s' * (len(outcome.new) != 1)} of {names[1]}"
    if outcome.answer == "matches":
        return f"matches {count}, worst level {outcome.worst_level or 'unknown'}"
    if outcome.answer == "debug_only":
        return f"now debug only: matches {count}, all of level debug; in {names[0]} not all were"
    if outcome.answer == "reworded":
        return f"reworded: matches nothing in {names[1]}"
    if outcome.answer == "gone":
        return f"gone in {names[1]}: matched {len(outcome.old):,} in {names[0]}"
    return "never: matches nothing in either release" if outcome.answer == "never" else "cannot tell"


def _example_text(outcome: Outcome, names: Names, painter: Painter) -> Iterator[str]:
    """Yield the lines for the most certain message that a rule matches, and how certain that is."""
    shown = next(iter(outcome.new or outcome.old), None)
    if shown is None:
        return
    message = shown.message
    release = names[1] if outcome.new else names[0]
    place = (f"{message.path}:{message.line_start}", "place")
    yield painter.line(f"{release}: ", place, *_function(message), (f" {message.level or '-'}", "label"), indent=2)
    yield painter.line(_shown(message), indent=4)
    if shown.tier == "exact":
        how = ""
    elif shown.tier == "partial":
        how = "  (only if a value is " + ", ".join(f"‘{value}’" for value in shown.values if value.strip()) + ")"
    elif shown.tier == "string":
        how = "  (a string of the source; the call that prints it as a value is not known)"
    else:
        how = f"  (found by looking the text up, confidence {shown.confidence or 0:.2f})"
    yield painter.line(f"both accept: {shown.text}", (how, "label"), indent=4)


def _subsystems(
    found: Sequence[Difference], painter: Painter, subsystem_of: Callable[[str], str | None]
) -> Iterator[str]:
    """Yield a line for each of the subsystems that have most of the differences."""
    seen = Counter(name for one in found if (name := subsystem_of(one.place[0])) is not None)
    for name, count in seen.most_common(SUBSYSTEMS):
        yield painter.line((f"{count:>8,}  ", "number"), name)


def _text(difference: Difference, painter: Painter, indent: int) -> Iterator[str]:
    """Yield the lines for one difference: a heading, then the old and the new text."""
    old, new = difference.old, difference.new
    message = new or old
    if message is None:
        return
    head: list[Span | str] = [
        (f"{LABELS.get(difference.kind, difference.kind)} ", STYLES.get(difference.kind, "label")),
        (f"{message.path}:{message.line_start}", "place"),
        *_function(message),
    ]
    if old is None or new is None:
        yield painter.line(*head, (f" {message.level or '-'}", "label"), indent=indent)
        yield painter.line(_shown(message), indent=indent + 2)
        return
    levels = dict.fromkeys((old.level or "-", new.level or "-"))
    yield painter.line(*head, (" " + " → ".join(levels), "label"), *_certainty(difference), indent=indent)
    if (old.path, old.function) != (new.path, new.function):
        yield painter.line("was at ", (f"{old.path}:{old.line_start}", "place"), *_function(old), indent=indent + 2)
    for text in dict.fromkeys((_shown(old), _shown(new))):
        arrow = "→ " if text != _shown(old) else ""
        yield painter.line(arrow, text, indent=indent + 2)


def _certainty(difference: Difference) -> tuple[Span, ...]:
    """Return what a reader must know about a pair of different texts: that similarity alone makes it one message."""
    if difference.similarity is None:
        return ()
    where = "in the same function" if difference.tier == "partial" else "elsewhere"
    return ((f"  inferred: {difference.similarity:.0%} similar, {where}", "label"),)


def _function(message: Message) -> tuple[Span, ...]:
    return ((f" {message.function}()", "function"),) if message.function else ()


def _shown(message: Message) -> str:
    return template(message.forms[0].printed)
