"""Folding repeats: one answer for each message, with bounded memory."""

from dataclasses import replace

import pytest

from example_findings import EXACT, MATCH, RIVALS, UNEXPLAINED, VALUES, found
from ksrcfind import batch
from ksrcfind.batch import ArgumentValues, Fold, Tally
from ksrcfind.match.answer import Reason, Tier


def folded(*findings):
    fold = Fold()
    for finding in findings:
        fold.add(finding)
    return fold.folded()


def with_pid(pid, line=1):
    values = (VALUES[0], replace(VALUES[1], value=pid), VALUES[2])
    finding = found(replace(MATCH, values=values))
    return replace(finding, input=replace(finding.input, line=line))


def unexplained(body, code="nothing_alike"):
    return replace(
        UNEXPLAINED,
        log=replace(UNEXPLAINED.log, body=body),
        answer=replace(UNEXPLAINED.answer, reason=Reason(code, "No.")),
    )


def test_one_answer_for_each_message_in_order_of_first_sight():
    groups = folded(RIVALS, EXACT, UNEXPLAINED, EXACT, RIVALS, EXACT)
    assert [(group.finding.answer.verdict, group.occurrences.count) for group in groups] == [
        ("exact", 2),
        ("exact", 3),
        ("none", 1),
    ]
    assert groups[0].finding is RIVALS


def test_first_and_last_sighting():
    (group,) = folded(*(with_pid("1", line) for line in (7, 8, 30)))
    assert (group.occurrences.first.line, group.occurrences.last.line) == (7, 30)


def test_values_are_counted_most_frequent_first():
    (group,) = folded(*(with_pid(pid) for pid in ("1", "2", "2", "3", "2", "3")))
    assert group.occurrences.arguments[1] == ArgumentValues((("2", 3), ("3", 2), ("1", 1)), complete=True)
    assert group.occurrences.arguments[2] == ArgumentValues((("nginx", 6),), complete=True)


def test_further_values_are_not_kept_and_this_is_said():
    (group,) = folded(*(with_pid(str(pid)) for pid in range(batch.VALUES_KEPT + 5)), with_pid("0"))
    argument = group.occurrences.arguments[1]
    assert len(argument.values) == batch.VALUES_KEPT
    assert argument.values[0] == ("0", 2)
    assert not argument.complete
    assert group.occurrences.arguments[2].complete


def test_long_values_are_cut():
    (group,) = folded(with_pid("9" * 10_000))
    assert group.occurrences.arguments[1].values == (("9" * batch.VALUE_LENGTH, 1),)


def test_values_that_a_line_does_not_show_are_not_counted():
    (group,) = folded(with_pid(None), with_pid("5"))
    assert group.occurrences.arguments[1] == ArgumentValues((("5", 1),), complete=True)


def test_the_example_is_the_first_of_the_best_explained():
    partial = found(replace(MATCH, tier=Tier.PARTIAL))
    (group,) = folded(partial, EXACT, with_pid("7"))
    assert group.finding is EXACT
    assert group.occurrences.count == 3


def test_unexplained_lines_that_differ_in_numbers_are_one():
    groups = folded(unexplained("foo 1 at 0xff"), unexplained("foo 22 at 0xab12"), unexplained("bar 1"))
    assert [group.occurrences.count for group in groups] == [2, 1]


def test_unexplained_lines_are_told_apart_by_reason():
    assert len(folded(unexplained("foo"), unexplained("foo", "no_words"))) == 2


@pytest.mark.parametrize("code", sorted(batch.FOLDED_BY_REASON))
def test_the_text_of_foreign_lines_does_not_matter(code):
    (group,) = folded(unexplained("one", code), unexplained("two", code))
    assert group.occurrences.count == 2


def test_unexplained_texts_are_bounded(monkeypatch):
    monkeypatch.setattr(batch, "UNEXPLAINED_KEPT", 3)
    groups = folded(*(unexplained("x" * length) for length in range(1, 20)))
    assert len(groups) == 4
    assert sum(group.occurrences.count for group in groups) == 19


def test_tally():
    tally = Tally()
    for finding in (EXACT, EXACT, RIVALS, UNEXPLAINED):
        tally.add(finding)
    summary = tally.summary(interrupted=True)
    assert summary.lines == 4
    assert summary.verdicts == {"exact": 3, "partial": 0, "fuzzy": 0, "none": 1}
    assert summary.reasons == {"userspace": 1}
    assert summary.messages == 2
    assert summary.interrupted
