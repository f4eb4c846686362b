"""json and ndjson: what is written is what the schema and RECORD's rules say."""

import copy
import io
import json

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from example_findings import (
    ALL,
    COMMITS,
    EXACT,
    FILES_ONLY,
    HOSTILE,
    MATCH,
    NO_PLACE,
    PLACE,
    POINTING,
    RIVALS,
    STRANGE,
    TRACED,
    UNEXPLAINED,
    fold,
    found,
    summary,
)
from ksrcfind.finding import Input
from ksrcfind.output.json import JsonWriter, NdjsonWriter, encode, schema

SCHEMA = json.loads(schema())


def closed(node):
    """Return the schema with unknown fields forbidden, to catch misspelt ones."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: closed(value) for key, value in node.items()}
    if "properties" in result and result.get("type") in ("object", ["object", "null"]):
        result.setdefault("additionalProperties", False)
    return result


VALIDATOR = jsonschema.Draft202012Validator(
    closed(SCHEMA), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def ndjson(*findings, summary=None):
    out = io.StringIO()
    writer = NdjsonWriter(out.write, COMMITS.__getitem__)
    for finding in findings:
        writer.finding(finding)
    writer.end(summary)
    assert out.getvalue().endswith("\n")
    return [json.loads(line) for line in out.getvalue().split("\n")[:-1]]


def document(*findings, summary=None):
    out = io.StringIO()
    writer = JsonWriter(out.write, COMMITS.__getitem__)
    for finding in findings:
        writer.finding(finding)
    writer.end(summary)
    return json.loads(out.getvalue())


def record(finding):
    return ndjson(finding)[-1]


def folded(*findings):
    """Return the ndjson of a folded batch."""
    out = io.StringIO()
    writer = NdjsonWriter(out.write, COMMITS.__getitem__)
    for item in fold(*findings):
        writer.folded(item)
    writer.end(summary(*findings))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("finding", ALL)
def test_every_record_is_valid(finding):
    for item in ndjson(finding):
        VALIDATOR.validate(item)


def test_document_is_valid():
    lines = [finding for finding in ALL if finding.log is not None]
    VALIDATOR.validate(document(*ALL, summary=summary(*lines)))
    VALIDATOR.validate(document())


def test_folded_records_are_valid():
    for item in folded(EXACT, EXACT, UNEXPLAINED, RIVALS, STRANGE):
        VALIDATOR.validate(item)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record.pop("event"),
        lambda record: record.update(verdict="maybe"),
        lambda record: record["matches"][0].update(score=1.1),
        lambda record: record["matches"][0].pop("defined_at"),
        lambda record: record["matches"][0]["last_changed"].update(commit="1b604d75bbb6"),
        lambda record: record["log"].update(level="bad"),
        lambda record: record.update(misspelt=1),
    ],
)
def test_the_schema_notices_mistakes(spoil):
    broken = copy.deepcopy(record(EXACT))
    spoil(broken)
    assert not VALIDATOR.is_valid(broken)


def test_readers_of_the_shipped_schema_may_meet_new_fields():
    jsonschema.Draft202012Validator(SCHEMA).validate(record(EXACT) | {"added_later": 1})


def test_line_record():
    assert record(EXACT) == {
        "schema": "ksrcfind/1",
        "type": "line",
        "id": 1,
        "input": {
            "source": "dmesg.log",
            "line": 12,
            "text": "May 23 02:06:26 host kernel: [40872.663481] Memory cgroup out of memory: OOM victim 46452 (nginx) "
            "is already exiting. Skip killing the task",
            "truncated": False,
        },
        "log": {
            "format": "syslog",
            "body": "Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task",
            "level": None,
            "facility": "kern",
            "uptime_s": 40872.663481,
            "time": None,
            "wallclock": "May 23 02:06:26",
            "host": "host",
            "process": "kernel",
            "caller": None,
            "device": None,
            "subsystem": None,
            "boot": None,
        },
        "tree": {"rev": "v5.9", "commit": "b" * 40, "source": "git"},
        "verdict": "exact",
        "reason": None,
        "event": None,
        "matches": [
            {
                "tier": "exact",
                "score": 0.98,
                "confidence": 0.97,
                "path": "mm/oom_kill.c",
                "line_start": 868,
                "line_end": 869,
                "function": "__oom_kill_process",
                "call": "pr_info",
                "level": "info",
                "module": None,
                "format": "%s: OOM victim %d (%s) is already exiting. Skip killing the task\n",
                "template": "%s: OOM victim %d (%s) is already exiting. Skip killing the task",
                "arguments": [
                    {
                        "conversion": "%s",
                        "expression": "message",
                        "value": "Memory cgroup out of memory",
                        "decoded": None,
                    },
                    {"conversion": "%d", "expression": "task_pid_nr(victim)", "value": "46452", "decoded": None},
                    {"conversion": "%s", "expression": "victim->comm", "value": "nginx", "decoded": None},
                ],
                "defined_at": None,
                "points_to": None,
                "about": None,
                "message_id": "6cd3c0733d0bf45b",
                "note": None,
                "decided_by": None,
                "conditions": None,
                "conditions_complete": None,
                "assignments": None,
                "configuration": None,
                "runtime": None,
                "code": None,
                "callers": None,
                "callers_complete": None,
                "documented_in": None,
                "meaning": {
                    "id": "memory/oom-victim-exiting",
                    "title": "The process to be killed is already exiting",
                    "means": "The OOM killer chose a process that was already on its way out, and leaves it alone: "
                    "its memory will be freed soon.",
                    "severity": "notice",
                    "causes": [
                        "Memory is short: the lines before this one say whose memory, and of which control group."
                    ],
                    "check": ["free -h", "journalctl -k -g oom-kill"],
                    "documents": ["Documentation/admin-guide/sysctl/vm.rst"],
                    "citation": "mm/oom_kill.c: __oom_kill_process()",
                },
                "history": "blame-only",
                "last_changed": {
                    "commit": "1" * 40,
                    "first_tag": "v5.9-rc1",
                    "first_release": "v5.9",
                    "subject": "mm, oom: say when the victim is on its way out",
                    "path": "mm/oom_kill.c",
                    "line": 868,
                    "format": None,
                    "upstream": None,
                },
                "introduced": None,
                "origin": None,
                "events": [],
                "lineage_id": None,
            }
        ],
        "rivals": 0,
        "repeats": 1,
        "hosts": None,
        "hosts_complete": None,
        "boots": None,
        "boots_complete": None,
        "occurrences": None,
        "subsystem": None,
        "notes": [],
    }


def test_commit_record():
    commit = ndjson(EXACT)[0]
    assert commit == {
        "schema": "ksrcfind/1",
        "type": "commit",
        "commit": "1" * 40,
        "subject": "mm, oom: say when the victim is on its way out",
        "message": COMMITS["1" * 40].message,
        "author": {"name": "Ada Example", "email": "ada@example.org", "date": "2020-08-11T18:35:14-07:00"},
        "committer": {"name": "Bo Example", "email": "bo@example.org", "date": "2020-08-11T18:35:14-07:00"},
        "first_tag": "v5.9-rc1",
        "first_release": "v5.9",
        "trailers": {"Link": ["https://example.org/1"]},
        "links": ["https://example.org/1"],
        "upstream": None,
        "backports": [],
        "fixed_by": [],
        "reverted_by": [],
        "mentions": None,
    }


def test_a_commit_stands_once_before_the_first_record_that_names_it():
    records = ndjson(UNEXPLAINED, EXACT, EXACT, found(MATCH, provenance=(TRACED,)))
    assert [(item["type"], item.get("commit")) for item in records] == [
        ("line", None),
        ("commit", "1" * 40),
        ("line", None),
        ("line", None),
        ("commit", "2" * 40),
        ("line", None),
    ]


def test_without_history_there_are_no_commits():
    assert [item["type"] for item in ndjson(found(MATCH, provenance=()), FILES_ONLY)] == ["line", "line"]
    assert [item["matches"][0]["history"] for item in ndjson(found(MATCH, provenance=()), FILES_ONLY)] == [
        "off",
        "unavailable",
    ]


def test_ids_count_the_records():
    assert [item["id"] for item in ndjson(*ALL) if item["type"] != "commit"] == list(range(1, len(ALL) + 1))
    assert [item["id"] for item in document(*ALL)["records"]] == list(range(1, len(ALL) + 1))


def test_document_holds_the_same_records():
    lines = ndjson(*ALL)
    whole = document(*ALL)
    assert whole["records"] == [item for item in lines if item["type"] != "commit"]
    assert list(whole["commits"].values()) == [item for item in lines if item["type"] == "commit"]
    assert all(key == commit["commit"] for key, commit in whole["commits"].items())
    assert whole["summary"] is None


def test_place_record():
    place = record(PLACE)
    assert place["type"] == "place"
    assert place["log"] is None
    assert place["verdict"] == "place"
    assert place["input"]["text"] == "mm/oom_kill.c:869"
    assert (place["matches"][0]["score"], place["matches"][0]["confidence"]) == (1, 1)
    empty = record(NO_PLACE)
    assert empty["matches"] == []
    assert empty["reason"]["code"] == "no_message_here"


def test_where_the_line_points_stands_on_the_first_match_with_its_history():
    matches = record(replace(RIVALS, answer=replace(RIVALS.answer, points_to=POINTING.answer.points_to)))["matches"]
    assert [match["points_to"] and match["points_to"]["path"] for match in matches] == ["kernel/fork.c", None, None]
    assert matches[0]["points_to"]["history"] == "off"
    assert record(POINTING)["matches"][0]["points_to"]["last_changed"]["commit"] == "1" * 40


def test_traced_history():
    match = record(found(MATCH, provenance=(TRACED,)))["matches"][0]
    assert match["history"] == "traced"
    assert match["introduced"]["first_tag"] == "v5.1-rc3"
    assert match["introduced"]["format"] == "OOM victim %d\n"
    assert match["events"][1] == {
        "kind": "moved",
        "commit": "1" * 40,
        "first_tag": "v5.9-rc1",
        "from": "mm/oom.c",
        "to": "mm/oom_kill.c",
    }


def test_folded_repeats():
    later = replace(
        EXACT, input=replace(EXACT.input, line=99), log=msgspec.structs.replace(EXACT.log, uptime_s=50000.5)
    )
    *_, line, total = folded(EXACT, later)
    assert line["repeats"] == 2
    assert line["input"]["line"] == 12
    assert line["occurrences"]["first"]["uptime_s"] == 40872.663481
    assert line["occurrences"]["last"] == {
        "source": "dmesg.log",
        "line": 99,
        "uptime_s": 50000.5,
        "time": None,
        "wallclock": "May 23 02:06:26",
        "boot": 1,
        "host": None,
    }
    assert (line["hosts"], line["boots"]) == (1, 1)
    assert line["occurrences"]["arguments"][1] == {"values": [{"value": "46452", "count": 2}], "complete": True}
    assert total == {
        "schema": "ksrcfind/1",
        "type": "summary",
        "lines": 2,
        "verdicts": {"exact": 2, "partial": 0, "fuzzy": 0, "none": 0},
        "reasons": {},
        "messages": 1,
        "interrupted": False,
        "levels": {"info": 2},
        "boots": [
            {
                "source": "dmesg.log",
                "host": None,
                "number": 1,
                "line": 1,
                "version": "5.9.0",
                "banner": None,
                "lines": 2,
            },
        ],
        "incidents": [],
        "hosts": [
            {
                "host": None,
                "lines": 2,
                "messages": 1,
                "messages_complete": True,
                "boots": 1,
                "incidents": 0,
                "worst": None,
            }
        ],
        "hosts_complete": True,
    }


def test_controls_of_strangers_are_escaped():
    out = io.StringIO()
    writer = NdjsonWriter(out.write, COMMITS.__getitem__)
    writer.finding(STRANGE)
    assert not set(out.getvalue()) & set(HOSTILE) - set("]0;owned2Jtxt.exe")
    assert json.loads(out.getvalue().splitlines()[-1])["input"]["text"] == HOSTILE


def test_undecodable_names_become_replacement_characters():
    finding = replace(EXACT, input=Input("log\udcff", 1, "x", False))
    assert record(finding)["input"]["source"] == "log\ufffd"


@given(
    st.recursive(
        st.text() | st.none() | st.integers(-(2**53), 2**53),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_encoding_says_the_same_and_shows_no_controls(value):
    text = encode(value)
    assert json.loads(text) == value
    assert "\n" not in text
    assert not any(
        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069 for c in text
    )
