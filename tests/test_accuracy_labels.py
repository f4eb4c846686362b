"""The labelled lines that accuracy is measured with: three forms of labels, halves, and the table by confidence."""

import json

import pytest
from bench.accuracy.__main__ import Judged, brier, calibration
from bench.accuracy.labels import read_labels
from msgspec.structs import replace

from ksrcfind.source.message import Definition
from test_match import answer, message

TEXT = message("zebra stripes counted", "drivers/zoo/zebra.c", 40, function="zebra_count")
FOUND = answer("zebra stripes counted", TEXT)


def judged(tmp_path, row, name="lines.jsonl", found=FOUND):
    """The answer to a line with its labels."""
    path = tmp_path / name
    path.write_text(json.dumps({"line": "zebra stripes counted", "kind": "printk"} | row) + "\n")
    (read,) = read_labels(path)
    return Judged(read, found)


LABEL = {"file": "drivers/zoo/zebra.c", "line_start": 40, "line_end": 41}
CALL = {"path": "drivers/zoo/zebra.c", "line": 40, "function": ""}


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ({"tree": "zoo", "labels": [LABEL]}, True),
        ({"tree": "zoo", "labels": [LABEL | {"line_start": 80, "line_end": 81}]}, False),
        ({"tree": "zoo", "calls": [CALL]}, True),
        ({"tree": "zoo", "calls": [CALL | {"line": 400, "function": "zebra_count"}]}, True),
        ({"tree": "zoo", "calls": [CALL | {"line": 400, "function": "okapi_count"}]}, False),
        ({"tree": "zoo", "calls": [CALL | {"line": 400}]}, False),
        ({"chains": [[CALL | {"path": "a.h"}, CALL], [CALL | {"path": "b.c"}]]}, True),
        ({"chains": [[CALL | {"path": "b.c"}]]}, False),
    ],
)
def test_the_three_forms_of_labels(tmp_path, row, right):
    assert judged(tmp_path, row).first is right


def test_a_traced_line_is_by_a_call_whatever_its_format(tmp_path):
    row = judged(tmp_path, {"chains": [[CALL]], "kind": "wordless"}, "booted-6.1.dev.jsonl").row
    assert (row.tree, row.kind, row.variant) == ("linux-6.1", "printk", "wordless")


def test_the_call_inside_a_macro_is_right_too(tmp_path):
    match = FOUND.matches[0]
    inside = type(TEXT)(*(getattr(TEXT, name) for name in TEXT.__struct_fields__[:-1]), Definition("a.h", 7, "COUNT"))
    found = replace(FOUND, matches=(replace(match, message=inside),))
    assert judged(tmp_path, {"chains": [[CALL | {"path": "a.h", "line": 7}]]}, found=found).first


def test_what_is_off_is_marked(tmp_path):
    right = judged(tmp_path, {"tree": "zoo", "labels": [LABEL]})
    wrong = judged(tmp_path, {"tree": "zoo", "labels": []})
    assert "off" not in calibration([right] * 40)[0]
    assert "off" not in calibration([wrong] * 19)[0]
    assert calibration([right] * 20 + [wrong] * 20)[0].endswith("off")
    assert brier([right]) < 0.01 < 0.9 < brier([wrong])
    assert right.row.half in (0, 1)


def test_only_the_first_of_equal_matches_is_judged(tmp_path):
    same = message("zebra stripes counted", "drivers/zoo/okapi.c", 9, function="okapi_count")
    found = answer("zebra stripes counted", TEXT, same)
    assert (found.rivals, len(found.matches)) == (1, 2)
    for match, is_first in zip(found.matches, (True, False), strict=True):
        label = {"file": match.message.path, "line_start": match.message.line_start, "line_end": match.message.line_end}
        read = judged(tmp_path, {"tree": "zoo", "labels": [label]}, found=found)
        assert (read.first, read.confidence) == (is_first, found.matches[0].confidence)
