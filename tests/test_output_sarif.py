"""SARIF judged by its schema."""

import io
import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from example_findings import ALL, EXACT, RIVALS, UNEXPLAINED, fold, summary
from ksrcfind.batch.filters import GroupBy, grouped
from ksrcfind.output.sarif import SarifWriter

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text())
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
LINES = [finding for finding in ALL if finding.log is not None]


def sarif(*findings, each=False):
    out = io.StringIO()
    writer = SarifWriter(out.write)
    if each:
        for finding in findings:
            writer.finding(finding)
    else:
        for group in grouped(fold(*findings), GroupBy.MESSAGE):
            writer.group(group)
    writer.end(summary(*findings))
    return json.loads(out.getvalue())


@pytest.mark.parametrize("each", [False, True])
def test_it_is_valid(each):
    VALIDATOR.validate(sarif(*LINES, each=each))
    VALIDATOR.validate(sarif())


def test_a_path_that_is_not_utf8_keeps_its_bytes():
    match = EXACT.answer.matches[0]
    message = msgspec.structs.replace(match.message, path="drivers/caf\udce9.c")
    answer = replace(EXACT.answer, matches=(replace(match, message=message),))
    (run,) = sarif(replace(EXACT, answer=answer))["runs"]
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "drivers/caf%E9.c"


def test_a_result_for_each_message():
    (run,) = sarif(EXACT, EXACT, RIVALS, UNEXPLAINED)["runs"]
    worst, other = run["results"]
    assert (worst["level"], other["level"]) == ("error", "note")
    assert other["occurrenceCount"] == 2
    place = other["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "mm/oom_kill.c"
    assert place["region"] == {"startLine": 868, "endLine": 869}
    assert other["properties"]["firstRelease"] == "v5.9"
    assert run["tool"]["driver"]["rules"][other["ruleIndex"]]["id"] == other["ruleId"]


def test_places_of_other_calls_stand_there_once():
    _, *others = RIVALS.answer.matches
    (run,) = sarif(RIVALS)["runs"]
    assert len(others) == 2  # twice the same call
    assert len(run["results"][0]["relatedLocations"]) == 1
