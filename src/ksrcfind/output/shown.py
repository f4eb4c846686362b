"""The formats of `show`: a function with its source and its messages, or a commit."""

from collections.abc import Iterator, Sequence

import msgspec

from ksrcfind.engine.show import ShownFunction
from ksrcfind.history.provenance import Commit
from ksrcfind.output.json import encode
from ksrcfind.output.record import SCHEMA, Record, code_fields, commit_record, message_fields, tree_fields
from ksrcfind.output.source import source_lines
from ksrcfind.output.style import Painter
from ksrcfind.output.text import TextWriter
from ksrcfind.source.template import template
from ksrcfind.tree.snapshot import TreeInfo

MOST_WHOLE = 5
"""Functions of one name that are shown with their source; of the others the text has only the places."""


def functions_text(found: Sequence[ShownFunction], painter: Painter) -> Iterator[str]:
    """Yield functions as text: place, source, messages."""
    for number, one in enumerate(found):
        if number:
            yield painter.line()
        last = one.code.line_start + len(one.code.lines) - 1
        name = one.name if one.kind == "macro" else f"{one.name}()"
        yield painter.line((f"{one.path}:{one.code.line_start}-{last}", "place"), "  ", (name, "function"))
        if number >= MOST_WHOLE:
            continue
        yield painter.line()
        yield from source_lines(painter, one.code)
        if one.messages:
            yield painter.line()
        for message in one.messages:
            place = (f"{one.path}:{message.line_start}", "place")
            for form in message.forms:
                level = (f"  {message.level or '-'}  ", "label")
                yield painter.line(place, level, template(form.printed), indent=2)
    if len(found) > MOST_WHOLE:
        yield painter.line()
        yield painter.line(f"The source of the first {MOST_WHOLE} is shown; --format json has that of all.")


def commit_text(commit: Commit, painter: Painter) -> Iterator[str]:
    """Yield a commit as text: releases, message, and what it names."""
    yield from TextWriter(str, lambda _: commit, painter).commit(commit)


def functions_json(found: Sequence[ShownFunction], tree: TreeInfo) -> Iterator[str]:
    """Yield one document with the functions."""
    yield _document([function_record(one, tree) for one in found])


def commit_json(commit: Commit) -> Iterator[str]:
    """Yield one document with the commit."""
    yield _document([commit_record(commit)])


def function_record(one: ShownFunction, tree: TreeInfo) -> Record:
    """Return the `function` record."""
    return {
        "schema": SCHEMA,
        "type": "function",
        "tree": tree_fields(tree),
        "function": one.name,
        "kind": one.kind,
        "path": one.path,
        "line_start": one.code.line_start,
        "line_end": one.code.line_start + len(one.code.lines) - 1,
        "code": code_fields(one.code),
        "messages": [message_fields(message, form) for message in one.messages for form in message.forms],
    }


def _document(records: list[Record]) -> str:
    document: Record = {"schema": SCHEMA, "records": records, "commits": {}, "summary": None}
    return msgspec.json.format(encode(document), indent=2) + "\n"
