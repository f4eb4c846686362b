"""The formats of `messages`: one record for each text, whatever the source holds."""

import csv
import io
import json

import jsonschema

from ksrcfind.output.json import schema
from ksrcfind.output.listing import COLUMNS, listing_csv, listing_json, listing_ndjson, listing_text
from ksrcfind.output.style import Painter
from ksrcfind.source.message import Argument, Definition, Form, Message

TWO_TEXTS = Message(
    path="drivers/a.c",
    line_start=7,
    line_end=9,
    function="probe",
    call="pr_err",
    level="err",
    module="a",
    format="%s: 100%% of %d,\n",
    forms=(
        Form("on: 100%% of %d,", (Argument("%d", "n"),)),
        Form("%s: 100%% of %d,", (Argument("%s", "name"), Argument("%d", "n"))),
    ),
    text_lines=(),
)
FROM_MACRO = Message(
    path="drivers/a.c",
    line_start=12,
    line_end=12,
    function=None,
    call="ASSERT",
    level=None,
    module=None,
    format='bad "\x1b[1m", really\n',
    forms=(Form('bad "\x1b[1m", really', ()),),
    text_lines=(),
    defined_at=Definition("include/a.h", 3, "ASSERT"),
)
MESSAGES = [TWO_TEXTS, FROM_MACRO]
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))


def test_ndjson_has_a_record_for_each_text():
    lines = "".join(listing_ndjson(MESSAGES)).splitlines()
    first, second, third = map(json.loads, lines)
    for record in (first, second, third):
        VALIDATOR.validate(record)
    assert (first["template"], second["template"]) == ("on: 100% of %d,", "%s: 100% of %d,")
    assert first["format"] == second["format"] == "%s: 100%% of %d,\n"
    assert second["arguments"] == [
        {"conversion": "%s", "expression": "name"},
        {"conversion": "%d", "expression": "n"},
    ]
    assert first["defined_at"] is None
    assert third["defined_at"] == {"path": "include/a.h", "line": 3, "macro": "ASSERT"}
    assert third["function"] is None


def test_json_is_one_document_of_the_same_records():
    document = json.loads("".join(listing_json(MESSAGES)))
    VALIDATOR.validate(document)
    assert document["records"] == [json.loads(line) for line in listing_ndjson(MESSAGES)]


def test_csv_reads_back():
    rows = list(csv.reader(io.StringIO("".join(listing_csv(MESSAGES)))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[2] == [
        *("drivers/a.c", "7", "9", "probe", "pr_err", "err", "a"),
        *("%s: 100%% of %d,\n", "%s: 100% of %d,", "%s name; %d n", ""),
    ]
    assert rows[3][3:7] == ["", "ASSERT", "", ""]
    assert rows[3][-1] == "include/a.h:3 ASSERT"


def test_no_format_lets_controls_through():
    for texts in (listing_csv, listing_ndjson, listing_json, lambda m: listing_text(m, Painter(color=False))):
        assert "\x1b" not in "".join(texts(MESSAGES))


def test_text_is_a_line_for_each_record():
    assert "".join(listing_text(MESSAGES, Painter(color=False))).splitlines() == [
        "drivers/a.c:7: err probe() on: 100% of %d,",
        "drivers/a.c:7: err probe() %s: 100% of %d,",
        r'drivers/a.c:12: - - bad "\x1b[1m", really',
    ]
