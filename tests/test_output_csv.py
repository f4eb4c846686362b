"""The format csv, read back by Python's own reader."""

import csv
import io

import msgspec
import pytest
from msgspec.structs import replace

from example_findings import ALL, EXACT, RIVALS, UNEXPLAINED, fold
from ksrcfind.output.csv import COLUMNS, CsvWriter


def table(*findings, each=False):
    out = io.StringIO()
    writer = CsvWriter(out.write)
    for item in findings if each else fold(*findings):
        (writer.finding if each else writer.folded)(item)
    return list(csv.DictReader(io.StringIO(out.getvalue())))


def test_a_row_for_each_message():
    first, second, third = table(EXACT, RIVALS, EXACT, UNEXPLAINED)
    assert (first["id"], first["count"], first["level"], first["path"], first["line_start"]) == (
        "1",
        "2",
        "info",
        "mm/oom_kill.c",
        "868",
    )
    assert (first["changed_tag"], first["introduced_tag"]) == ("v5.9-rc1", "")
    assert second["rivals"] == "3"
    assert (third["verdict"], third["reason"], third["path"]) == ("none", "userspace", "")


@pytest.mark.parametrize("each", [False, True])
def test_every_row_has_every_column(each):
    lines = [finding for finding in ALL if finding.log is not None]
    for row in table(*lines, each=each):
        assert tuple(row) == COLUMNS
        assert None not in row.values()


@pytest.mark.parametrize("body", ["=1+1", "+cmd", "-2", "@SUM(A1)"])
def test_no_text_is_a_formula(body):
    (row,) = table(replace(EXACT, log=msgspec.structs.replace(EXACT.log, body=body)))
    assert row["body"] == f"'{body}"
