"""Equal rivals are settled by the lines around, the device and the boot, and the answer says so."""

import random

import pytest

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.context import NEIGHBOURS, RIVALS
from ksrcfind.batch.matched_row import match_rows
from ksrcfind.log.line import read_line
from ksrcfind.log.records import Row
from ksrcfind.match.matcher import Matcher
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.message import Argument, Form, Message

BANNER = "frobnicator banner stands here"


def message(path, line, printed):
    arguments = (Argument("%d", "value"),) if "%d" in printed else ()
    return Message(
        path, line, line, path.rpartition("/")[2], "pr_info", "info", None, printed, (Form(printed, arguments),), ()
    )


INDEX = MemoryIndex(
    [
        *(message(f"drivers/{name}.c", 10, BANNER) for name in "abcdefgh"),
        *(message(f"drivers/{name}.c", 20, f"gasket of {name * 3} leaks oil %d times") for name in "abcdefgh"),
        *(message(f"drivers/{name}.c", 30, "sprocket%d: lost teeth") for name in "abcdefgh"),
        message("drivers/a.c", 40, "sprocket%d: gearbox of the oscillator found"),
        message("drivers/h.c", 40, "sprocket%d: camshaft of the pendulum found"),
    ]
)


def answers_of(lines, *, ahead=NEIGHBOURS):
    matcher = Matcher(INDEX)
    rows = [Row("a.log", number, read_line(line)) for number, line in enumerate(lines, 1)]
    cache = AnswerCache(lambda log: matcher.answer(log, RIVALS), lambda: matcher.tokens, 5)
    return [item.answer for item in match_rows(rows, cache, ahead=ahead)]


def first(answer):
    return answer.matches[0].message.path, answer.decided_by, answer.rivals


@pytest.mark.parametrize("name", "ah")
def test_the_file_of_the_lines_around_wins(name):
    near = f"gasket of {name * 3} leaks oil 5 times"
    assert first(answers_of([BANNER, near])[0]) == (f"drivers/{name}.c", "neighbours", 0)
    assert first(answers_of([near, BANNER])[1]) == (f"drivers/{name}.c", "neighbours", 0)


def test_nothing_is_read_ahead_while_a_log_is_followed():
    near = "gasket of hhh leaks oil 5 times"
    assert first(answers_of([BANNER, near], ahead=0)[0]) == ("drivers/a.c", None, 7)


def test_without_evidence_the_rivals_stay_equal():
    alone = answers_of([BANNER])[0]
    assert first(alone) == ("drivers/a.c", None, 7)
    assert len(alone.matches) == 5


def test_lines_that_are_far_away_in_time_are_no_neighbours():
    lines = ["[    1.000000] gasket of hhh leaks oil 5 times", f"[   99.000000] {BANNER}"]
    assert first(answers_of(lines)[1]) == ("drivers/h.c", "boot", 0)


def test_the_driver_of_a_device_is_remembered():
    lines = [
        "[    1.000000] sprocket1: gearbox of the oscillator found",
        "[    2.000000] sprocket2: camshaft of the pendulum found",
        "[   99.000000] sprocket1: lost teeth",
        "[  199.000000] sprocket2: lost teeth",
    ]
    found = answers_of(lines)
    assert [first(answer) for answer in found[2:]] == [("drivers/a.c", "device", 0), ("drivers/h.c", "device", 0)]
    assert [answer.matches[0].values[0].value for answer in found[2:]] == ["1", "2"]


@pytest.mark.parametrize("seed", range(6))
def test_each_line_has_the_answer_of_the_matcher_unless_the_answer_says_what_decided(seed):
    lines = [BANNER, *(f"gasket of {name * 3} leaks oil {number} times" for name in "abcd" for number in (1, 22))]
    lines += [f"sprocket{number}: lost teeth" for number in (1, 2)] + ["sprocket1: gearbox of the oscillator found"]
    lines = random.Random(seed).sample(lines, len(lines))
    for line, found in zip(lines, answers_of(lines), strict=True):
        alone = Matcher(INDEX).answer(read_line(line), 5)
        if found.decided_by is None:
            assert (found.verdict, found.rivals, found.matches[0]) == (alone.verdict, alone.rivals, alone.matches[0])
        else:
            assert alone.rivals > found.rivals
            assert found.matches[0].message.format == alone.matches[0].message.format


REPORTED = MemoryIndex(
    [
        message("drivers/okapi.c", 10, "object found in cache of the okapi, size wrong"),
        message("mm/slab_report.c", 20, "frobnicated region of the pasture seen %d times"),
    ]
)


def answers_in_report(*rows):
    matcher = Matcher(REPORTED)
    lines = ["BUG: KASAN: use-after-free in foo+0x1/0x2", *rows]
    read = [Row("a.log", number, read_line(line)) for number, line in enumerate(lines, 1)]
    return [item.answer for item in match_rows(read, AnswerCache(matcher.answer, lambda: matcher.tokens, 5))][1:]


def test_a_row_of_a_report_is_no_drivers_message_that_it_is_only_like():
    row = "object at ffff8801a751e680, in cache okapi size: 96"
    alone = Matcher(REPORTED).answer(read_line(row))
    assert (alone.verdict, alone.matches[0].message.path) == ("fuzzy", "drivers/okapi.c")
    (found,) = answers_in_report(row)
    assert (found.verdict, found.reason.code) == ("none", "part_of_event")


def test_a_row_of_a_report_is_the_message_of_the_code_that_reports():
    row = "frobnicated region of a pasture seen 7 times"
    (found,) = answers_in_report(row)
    assert (found.verdict, found.matches[0].message.path) == ("fuzzy", "mm/slab_report.c")


def test_a_drivers_own_message_between_the_rows_stays():
    (found,) = answers_in_report("object found in cache of the okapi, size wrong")
    assert (found.verdict, found.matches[0].message.path) == ("exact", "drivers/okapi.c")
