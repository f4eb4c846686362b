"""The text that people read: golden files under goldens/, and nothing of a stranger's that moves a cursor."""

import io
import re
import sys
import unicodedata

import msgspec
import pytest
from msgspec.structs import replace

import golden
from example_findings import (
    ALL,
    COMMITS,
    EXACT,
    FILES_ONLY,
    HOSTILE,
    MATCH,
    MESSAGE,
    NO_PLACE,
    PLACE,
    POINTING,
    RIVALS,
    STRANGE,
    UNEXPLAINED,
    fold,
    found,
    summary,
)
from ksrcfind.batch.filters import GroupBy, grouped
from ksrcfind.callers.record import Caller, Callers
from ksrcfind.conditions.record import Assignment, Circumstances, Condition, Excerpt, Symbol
from ksrcfind.history.provenance import Change, Event, Provenance, Release
from ksrcfind.match.answer import Reason, Tier
from ksrcfind.match.reasons import TRY_NEXT
from ksrcfind.output.logtext import LogTextWriter
from ksrcfind.output.record import finding_record
from ksrcfind.output.sanitize import sanitized, sanitized_line
from ksrcfind.output.style import Painter
from ksrcfind.output.text import TextWriter, absences, body_of, quoted

EXAMPLES = {
    "exact": EXACT,
    "files-only": FILES_ONLY,
    "unexplained": UNEXPLAINED,
    "place": PLACE,
    "no-place": NO_PLACE,
    "rivals": RIVALS,
    "pointing": POINTING,
    "strange": STRANGE,
}


def text(*findings, color=False):
    out = io.StringIO()
    writer = TextWriter(out.write, COMMITS.__getitem__, Painter(color))
    for finding in findings:
        writer.finding(finding)
    writer.end(None)
    return out.getvalue()


def log_text(*findings, each=False, color=False, interrupted=False, name_sources=False, by=GroupBy.MESSAGE):
    out = io.StringIO()
    writer = LogTextWriter(out.write, Painter(color), name_sources)
    if each:
        for finding in findings:
            writer.finding(finding)
    else:
        for group in grouped(fold(*findings), by):
            writer.group(group)
    writer.end(summary(*findings, interrupted=interrupted))
    return out.getvalue()


@pytest.mark.parametrize("name", EXAMPLES)
def test_text(name):
    golden.check(f"text/{name}.txt", text(EXAMPLES[name]))


def test_several_findings_stand_apart():
    golden.check("text/several.txt", text(EXACT, UNEXPLAINED))


def test_colours_change_nothing_but_the_look():
    golden.check("text/exact-colour.txt", text(EXACT, color=True).replace("\x1b", "<ESC>"))


LATER = replace(EXACT, input=replace(EXACT.input, line=99), log=msgspec.structs.replace(EXACT.log, uptime_s=50000.5))


def test_folded_log():
    golden.check("text/batch-folded.txt", log_text(EXACT, UNEXPLAINED, RIVALS, POINTING, LATER))


def test_several_logs_are_named():
    golden.check("text/batch-several.txt", log_text(EXACT, UNEXPLAINED, LATER, name_sources=True))


def test_each_line_of_a_log():
    golden.check("text/batch-each.txt", log_text(EXACT, UNEXPLAINED, RIVALS, LATER, each=True, interrupted=True))


@pytest.mark.parametrize("color", [False, True])
def test_nothing_of_a_stranger_moves_the_cursor(color):
    lines = [finding for finding in ALL if finding.log is not None]
    shown = text(*ALL, color=color) + log_text(*lines, color=color) + log_text(*lines, each=True, color=color)
    own = {"\n"} | ({"\x1b"} if color else set())
    assert {char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs")} <= own
    assert sanitized_line(HOSTILE) in shown
    if color:
        assert "\x1b]" not in shown


def test_visible_covers_all_controls_of_unicode():
    kept = {"\t", "\n", "\u200c", "\u200d"}
    for char in map(chr, range(sys.maxunicode + 1)):
        unsafe = unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") and char not in kept
        if unicodedata.category(char) != "Cn":
            assert (sanitized(char) != char) == unsafe, hex(ord(char))


def test_visible_says_which_character_it_was():
    assert sanitized("a\x1b[2J\u202eb\U000e0041\r\n\tc\udc80") == "a\\x1b[2J\\u202eb\\U000e0041\\x0d\n\tc\ufffd"
    assert sanitized_line("a\nb") == "a\\nb"


def test_body_of_a_message_leaves_out_the_subject_only_where_it_is_the_first_paragraph():
    commit = COMMITS["1" * 40]
    assert body_of(replace(commit, subject="a b", message="a\nb\n\nc\n\nd\n")) == ["c", "", "d"]
    assert body_of(replace(commit, subject="a", message="a\n")) == []
    assert body_of(replace(commit, subject="a", message="b\n\nc\n")) == ["b", "", "c"]
    assert body_of(replace(commit, subject="", message="")) == []


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("reworded", "v1", "a", "b")], []),
        ([("reworded", "v2", "b", "c"), ("moved", "v3", "x.c", "y.c"), ("reworded", "v4", "c", "b")], [("v2", "v4")]),
        ([("reworded", "v2", "b", "c"), ("reworded", "v2", "c", "b")], []),
        ([("reverted", "v2", "b", None), ("reapplied", None, None, "b")], [("v2", "no tag")]),
        ([("reverted", "v2", "pr_err", "printk"), ("converted", "v3", "printk", "pr_err")], []),
        ([("reworded", "v2", "b", "c"), ("reworded", "v3", "c", "d"), ("reverted", "v4", "d", "b")], [("v2", "v4")]),
    ],
)
def test_when_a_wording_was_not_there(steps, expected):
    first = Change("1" * 40, "s", Release("v1", None), "a.c", 1, "b")
    events = [Event("introduced", "0" * 40, "v0", None, "a"), Event("reworded", "1" * 40, "v1", "a", "b")]
    events += [Event(kind, "2" * 40, tag, before, after) for kind, tag, before, after in steps]
    assert list(absences(Provenance("traced", first, first, first, tuple(events)))) == expected
    assert list(absences(Provenance("off"))) == []


def test_quoted_is_a_c_literal():
    assert quoted('a "b"\t\\ %d\n') == r'"a \"b\"\t\\ %d\n"'


def test_headings():
    text = log_text(EXACT, UNEXPLAINED, RIVALS, LATER, by=GroupBy.FILE)
    assert [line for line in text.splitlines() if line.startswith(("fs/", "mm/"))] == [
        "fs/x/super.c  1 message, 1 line",
        "mm/oom_kill.c  1 message, 2 lines",
    ]


def dump(rows, first_line=10, step=1, function="dump_registers", **changes):
    """Lines that one function prints in a row, each by a call of its own."""
    for row in range(rows):
        message = msgspec.structs.replace(
            EXACT.match.message, function=function, line_start=first_line + row, line_end=first_line + row
        )
        match = replace(MATCH, message=message, **changes)
        one = found(match, body=f"R{chr(65 + row)} 0x0")
        yield replace(one, input=replace(one.input, line=first_line + row * step))


def test_what_a_function_prints_in_a_row_is_shown_as_one():
    out = log_text(*dump(8))
    assert re.findall("R[A-H] 0x0", out) == ["RA 0x0"]
    assert "and 7 messages more from dump_registers() directly after it, lines 11 to 17" in out
    assert "8 lines, 8 messages" in out


@pytest.mark.parametrize(
    "lines",
    [
        list(dump(4)),
        list(dump(8, step=9)),
        [*dump(4), *dump(4, 14, function="other")],
        list(dump(8, tier=Tier.FUZZY)),
    ],
    ids=["few", "apart", "of two functions", "not sure"],
)
def test_what_is_not_printed_in_a_row_is_shown_one_by_one(lines):
    out = log_text(*lines)
    assert len(re.findall("R[A-H] 0x0", out)) == len(lines)
    assert "right behind" not in out


def test_a_log_does_not_repeat_the_advice_of_each_line_without_a_match():
    reason = Reason("nothing_alike", f"No message in this tree matches this line. {TRY_NEXT}")
    log = msgspec.structs.replace(UNEXPLAINED.log, process=None)
    finding = replace(UNEXPLAINED, log=log, answer=replace(UNEXPLAINED.answer, reason=reason))
    for each in (False, True):
        shown = log_text(finding, each=each)
        assert "no match: No message in this tree matches this line.\n" in shown
        assert "Try the tree" not in shown


CIRCUMSTANCES = Circumstances(
    "__oom_kill_process",
    (
        Condition("guard", "err", True, 860, ("err",)),
        Condition("if", "!p && pid", False, 867, ("p", "task_pid_nr(victim)")),
    ),
    False,
    (Assignment("pid", "read(victim, &pid)", 865), Assignment("p", "find_lock_task_mm(victim)", 866)),
    (Symbol("CONFIG_MMU", False, None), Symbol("CONFIG_SMP", True, 3)),
    ("ratelimited",),
    (850, 880),
    (868, 869),
)
CODE = Excerpt(867, ("\tif (!p && pid) {", '\t\tpr_info("x",', "\t\t\tvictim);"), (867, 868, 869))


def test_when_the_call_runs_and_its_source():
    finding = replace(found(MATCH), circumstances=CIRCUMSTANCES, code=CODE)
    shown = text(finding)
    assert (
        "\n\n  `__oom_kill_process()` prints this when `!p && pid`, after `p = find_lock_task_mm(victim)`.\n" in shown
    )
    assert (
        """
  Condition      !err  line 860, an earlier exit was not taken
  Condition      !p && pid  line 867, task_pid_nr(victim) is 46452
  Condition      perhaps more: not all of the function could be decided
  Assigned       read(victim, &pid)  line 865
  Assigned       p = find_lock_task_mm(victim)  line 866
  Configuration  CONFIG_MMU, !CONFIG_SMP
  At run time    ratelimited

> 867          if (!p && pid) {
> 868                  pr_info("x",
> 869                          victim);
"""
        in shown
    )


def test_the_record_of_when_the_call_runs():
    finding = replace(found(MATCH), circumstances=CIRCUMSTANCES, code=CODE)
    [match] = finding_record(finding, 1)["matches"]
    assert match["conditions"][1] == {
        "kind": "if",
        "expression": "!p && pid",
        "negated": False,
        "line": 867,
        "values": [{"name": "task_pid_nr(victim)", "value": "46452", "decoded": None}],
    }
    assert match["conditions_complete"] is False
    assert match["assignments"][1] == {"name": "p", "expression": "find_lock_task_mm(victim)", "line": 866}
    assert match["configuration"][1] == {"symbol": "CONFIG_SMP", "negated": True, "line": 3}
    assert match["runtime"] == ["ratelimited"]
    assert match["code"]["marked"] == [867, 868, 869]


def test_callers_of_a_function_that_occurs_again_are_listed_once():
    def caller(function, *callers, elsewhere=False):
        above = Callers(callers, complete=True) if callers else None
        return Caller(function, MESSAGE.path, 1, "call", None, callers=above, listed_elsewhere=elsewhere)

    again_f, again_g = caller("f", elsewhere=True), caller("g", elsewhere=True)
    levels = (caller("f", caller("h"), again_g), caller("g", again_f), caller(MESSAGE.function, elsewhere=True))
    shown = text(replace(found(MATCH), callers=Callers(levels, complete=True)))
    assert (
        """
  Callers
    f()  mm/oom_kill.c:1
      h()  mm/oom_kill.c:1
      g()  mm/oom_kill.c:1  see below
    g()  mm/oom_kill.c:1
      f()  mm/oom_kill.c:1  see above
    __oom_kill_process()  mm/oom_kill.c:1  see above
"""
        in shown
    )
