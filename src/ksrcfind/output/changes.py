"""Write the results of `diff`: messages that differ between two releases, or monitoring rules checked against both."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from ksrcfind.evolution.differences import Difference, counts
from ksrcfind.evolution.rules import Outcome
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
RULE_COLUMNS = ("line", "rule", "state", "old_matches", "new_matches", *COLUMNS)
"""Columns of the format csv for rules: one row for each message that a lost rule matched."""
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
            own = (outcome.rule.line, outcome.rule.text, outcome.state, outcome.old, outcome.new)
            for cells in [_cells(difference) for difference in outcome.became] or [()]:
                yield row((*own, *cells, *[None] * (len(COLUMNS) - len(cells))))
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
        "old_matches": outcome.old,
        "new_matches": outcome.new,
        "became": [_change(difference) for difference in outcome.became],
        "note": outcome.note,
    }


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


def _rules_text(found: Sequence[Outcome], names: Names, painter: Painter) -> Iterator[str]:
    for outcome in found:
        if outcome.state == "matches":
            continue
        result = f"matches nothing in {names[1]}" if outcome.state == "lost" else "matches nothing in either release"
        result += f" ({outcome.note})" if outcome.note else ""
        yield painter.line((f"rule {outcome.rule.line}: ", "title"), (outcome.rule.text, "code"), f"  {result}")
        for difference in outcome.became:
            yield from _text(difference, painter, 2)
    lost = sum(outcome.state == "lost" for outcome in found)
    never = sum(outcome.state == "never" for outcome in found)
    summed = f"{len(found):,} rules, {lost:,} lost, {never:,} match nothing in either release"
    yield painter.line((f"{names[0]} → {names[1]}: ", "title"), summed)


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
