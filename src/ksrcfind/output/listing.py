"""Write the result of `messages`: every message of a tree, one record for each text that it can print."""

from collections.abc import Iterable, Iterator

import msgspec

from ksrcfind.output.csv import row
from ksrcfind.output.json import encode
from ksrcfind.output.record import SCHEMA, Record, message_fields
from ksrcfind.output.style import Painter
from ksrcfind.source.message import Form, Message
from ksrcfind.source.template import template

COLUMNS = (
    "path",
    "line_start",
    "line_end",
    "function",
    "call",
    "level",
    "module",
    "format",
    "template",
    "arguments",
    "defined_at",
)
"""Columns of the format csv, named like the fields of the record."""

Texts = Iterator[str]
"""Pieces of output, each of whole lines."""


def listing(chosen: str, messages: Iterable[Message], painter: Painter) -> Texts:
    """Yield the messages as json, ndjson, csv or text."""
    by_name = {"json": listing_json, "ndjson": listing_ndjson, "csv": listing_csv}
    return by_name[chosen](messages) if chosen in by_name else listing_text(messages, painter)


def listing_ndjson(messages: Iterable[Message]) -> Texts:
    """Yield the messages as ndjson: one record per line."""
    for message, form in _forms(messages):
        yield encode(message_record(message, form)) + "\n"


def listing_json(messages: Iterable[Message]) -> Texts:
    """Yield the messages as one JSON document."""
    records = [message_record(message, form) for message, form in _forms(messages)]
    document: Record = {"schema": SCHEMA, "records": records, "commits": {}, "summary": None}
    yield msgspec.json.format(encode(document), indent=2) + "\n"


def listing_csv(messages: Iterable[Message]) -> Texts:
    """Yield a header and one row for each record, quoted as in RFC 4180; an unknown value is empty."""
    yield row(COLUMNS)
    for message, form in _forms(messages):
        defined = message.defined_at
        fields = message_fields(message, form) | {
            "arguments": "; ".join(f"{argument.conversion} {argument.expression}" for argument in form.arguments),
            "defined_at": defined and f"{defined.path}:{defined.line} {defined.macro}",
        }
        yield row(fields[column] for column in COLUMNS)


def listing_text(messages: Iterable[Message], painter: Painter) -> Texts:
    """Yield one line for each record, in the form that grep and compilers use."""
    for message, form in _forms(messages):
        where = (f"{message.path}:{message.line_start}:", "place")
        function = (f"{message.function}()", "function") if message.function else "-"
        yield painter.line(where, " ", (message.level or "-", "label"), " ", function, " ", template(form.printed))


def message_record(message: Message, form: Form) -> Record:
    """Return the `message` record."""
    return {"schema": SCHEMA, "type": "message", **message_fields(message, form)}


def _forms(messages: Iterable[Message]) -> Iterator[tuple[Message, Form]]:
    for message in messages:
        for form in message.forms:
            yield message, form
