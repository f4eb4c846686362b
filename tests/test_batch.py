"""Folding repeats: one answer for each message, with bounded memory."""

import msgspec
import pytest
from msgspec.structs import replace

from example_findings import EXACT, MATCH, RIVALS, TREE, UNEXPLAINED, VALUES, explained, found, summary
from example_findings import fold as folded
from ksrcfind.batch import fold
from ksrcfind.batch.answer_cache import LIKELY, level_of
from ksrcfind.batch.fold import Aggregator, ArgumentValues
from ksrcfind.match.answer import Reason, Tier


def with_pid(pid, line=1):
    values = (VALUES[0], replace(VALUES[1], value=pid), VALUES[2])
    finding = found(replace(MATCH, values=values))
    return replace(finding, input=replace(finding.input, line=line))


def unexplained(body, code="nothing_alike"):
    return replace(
        UNEXPLAINED,
        log=msgspec.structs.replace(UNEXPLAINED.log, body=body),
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
    (group,) = folded(*(with_pid(str(pid)) for pid in range(fold.VALUES_KEPT + 5)), with_pid("0"))
    argument = group.occurrences.arguments[1]
    assert len(argument.values) == fold.VALUES_KEPT
    assert argument.values[0] == ("0", 2)
    assert not argument.complete
    assert group.occurrences.arguments[2].complete


def test_long_values_are_cut():
    (group,) = folded(with_pid("9" * 10_000))
    assert group.occurrences.arguments[1].values == (("9" * fold.VALUE_LENGTH, 1),)


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


@pytest.mark.parametrize("code", sorted(fold.FOLDED_BY_REASON))
def test_the_text_of_foreign_lines_does_not_matter(code):
    (group,) = folded(unexplained("one", code), unexplained("two", code))
    assert group.occurrences.count == 2


def test_unexplained_texts_are_bounded(monkeypatch):
    monkeypatch.setattr(fold, "UNEXPLAINED_KEPT", 3)
    groups = folded(*(unexplained("x" * length) for length in range(1, 20)))
    assert len(groups) == 4
    assert sum(group.occurrences.count for group in groups) == 19


@pytest.mark.parametrize(
    ("tier", "confidence", "level"),
    [(Tier.EXACT, 0.1, "info"), (Tier.PARTIAL, 0.1, "info"), (Tier.FUZZY, LIKELY, "info"), (Tier.FUZZY, 0.4, None)],
)
def test_a_call_that_a_line_is_hardly_of_does_not_tell_its_level(tier, confidence, level):
    finding = found(replace(MATCH, tier=tier, confidence=confidence))
    assert finding.answer.matches[0].message.level == "info"
    assert level_of(None, finding.answer) == level
    assert level_of(msgspec.structs.replace(finding.log, level="err"), finding.answer) == "err"


def test_summary():
    found_out = summary(EXACT, EXACT, RIVALS, UNEXPLAINED, interrupted=True)
    assert found_out.lines == 4
    assert found_out.verdicts == {"exact": 3, "partial": 0, "fuzzy": 0, "none": 1}
    assert found_out.reasons == {"userspace": 1}
    assert found_out.messages == 2
    assert found_out.interrupted
    assert (found_out.kernel_lines, found_out.skipped) == (3, 1)
    assert found_out.levels == {"err": 1, "info": 2}
    assert [(seen.boot.version, seen.lines) for seen in found_out.boots] == [("5.9.0", 3)]


def row_of_report(body, line, event, *matches):
    finding = found(*matches, body=body) if matches else unexplained(body)
    return explained(replace(finding, input=replace(EXACT.input, line=line)), event)


def test_a_report_is_one_with_its_headline():
    whole = Aggregator(TREE)
    whole.add(row_of_report("------------[ cut here ]------------", 1, 2, MATCH))  # before its headline
    whole.add(row_of_report("kernel BUG at fs/x.c:1!", 2, None, RIVALS.answer.matches[0]))
    whole.add(row_of_report(" foo+0x1/0x2", 3, 2))
    whole.add(row_of_report("Call Trace:", 4, 2, MATCH))
    whole.add(row_of_report("Out of memory: Killed process 1", 5, 2, MATCH))
    whole.add(row_of_report("Kernel panic - not syncing: Fatal exception", 6, 2, MATCH))
    headline, own = whole.folded()
    assert headline.occurrences.report.rows == 4
    assert headline.occurrences.report.example == (
        "------------[ cut here ]------------",
        " foo+0x1/0x2",
        "Call Trace:",
        "Kernel panic - not syncing: Fatal exception",
    )
    assert own.finding.log.body == "Out of memory: Killed process 1"
    assert own.occurrences.report is None


def test_reports_tell_where_the_processor_was():
    whole = Aggregator(TREE)
    for line, place in ((1, "foo+0x1/0x2 [bar]"), (11, "baz+0x3/0x4"), (21, "foo+0x1/0x2 [bar]")):
        whole.add(row_of_report("kernel BUG at fs/x.c:1!", line, None, RIVALS.answer.matches[0]))
        whole.add(row_of_report(f"RIP: 0010:{place}", line + 1, line, MATCH))
        whole.add(row_of_report(" [<ffffffff81000000>] qux+0x1/0x2", line + 2, line))
    (headline,) = whole.folded()
    assert headline.occurrences.report.faulted_at == (("foo+0x1/0x2 [bar]", 2), ("baz+0x3/0x4", 1))


def test_functions_whose_lines_were_suppressed_are_bounded(monkeypatch):
    monkeypatch.setattr(fold, "SUPPRESSED_KEPT", 2)
    whole = Aggregator(TREE)
    whole.add(explained(EXACT))
    for name in ("one", "two", "__oom_kill_process", "one"):
        whole.add(explained(unexplained(f"{name}: 17 callbacks suppressed")))
    assert whole.folded()[0].occurrences.suppressed == 0
    assert whole._suppressed == {"one": 34, "two": 17}


def test_lines_that_were_suppressed_are_counted_with_their_function():
    whole = Aggregator(TREE)
    whole.add(explained(EXACT))
    line = unexplained("__oom_kill_process: 17 callbacks suppressed")
    whole.add(explained(line))
    assert whole.folded()[0].occurrences.suppressed == 17


def test_only_what_changed_is_told_again():
    whole = Aggregator(TREE)
    whole.add(explained(EXACT))
    whole.add(explained(RIVALS))
    assert [one.number for one in whole.changed()] == [1, 2]
    whole.add(explained(EXACT))
    assert [(one.number, one.occurrences.count) for one in whole.changed()] == [(1, 2)]
    assert whole.changed() == []


def test_long_lines_are_not_kept_whole():
    line = unexplained("x" * 50_000)
    whole = Aggregator(TREE)
    whole.add(explained(replace(line, log=msgspec.structs.replace(line.log, text=line.log.body))))
    (group,) = whole.folded()
    assert len(group.finding.log.body) == len(group.finding.input.text) == fold.EXAMPLE_LENGTH
    assert group.finding.input.truncated
