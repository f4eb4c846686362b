"""The kinds of events in the history of a message."""

import json

import pytest
from msgspec.structs import replace

from ksrcfind.history.events import EventKind, State, kinds_between, shown_change
from ksrcfind.output.json import schema

NOW = State("mm/oom.c", "foo: no memory", "out_of_memory", "printk", "err")


def test_the_schema_lists_every_kind():
    kinds = json.loads(schema())["$defs"]["event"]["properties"]["kind"]["enum"]
    assert set(kinds) == set(EventKind)


@pytest.mark.parametrize(
    ("changes", "left", "file_removed", "expected"),
    [
        ({}, True, False, ["reformatted"]),
        ({"text": "foo: no pages"}, True, False, ["reworded"]),
        ({"level": "info"}, True, False, ["level_changed"]),
        ({"level": None}, True, False, ["reformatted"]),
        ({"function": "other"}, True, False, ["moved"]),
        ({"function": "other"}, False, False, ["copied"]),
        ({"path": "mm/old.c"}, True, True, ["renamed"]),
        ({"path": "mm/old.c"}, True, False, ["moved"]),
        ({"call": "pr_err", "text": "no memory"}, True, False, ["converted"]),
        ({"call": "pr_err", "text": "no pages"}, True, False, ["converted", "reworded"]),
    ],
)
def test_kinds_follow_from_what_changed(changes, left, file_removed, expected):
    before = replace(NOW, **changes)
    assert list(kinds_between(before, NOW, left=left, file_removed=file_removed)) == expected


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("renamed", {"path": "mm/old.c"}, ("mm/old.c", "mm/oom.c")),
        ("moved", {"function": "other"}, ("other", "out_of_memory")),
        ("reworded", {"text": "a\\tb"}, ("a\tb", "foo: no memory")),
        ("reapplied", {"text": ""}, (None, "foo: no memory")),
        ("reverted", {"level": "info"}, ("info", "err")),
        ("reformatted", {}, (None, None)),
    ],
)
def test_what_an_event_shows(kind, changes, expected):
    assert shown_change(kind, replace(NOW, **changes), NOW) == expected
