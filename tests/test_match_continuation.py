"""Lines that several calls print together are found by the call that begins them."""

import msgspec
import pytest

from ksrcfind.log.line import read_line
from ksrcfind.match.matcher import Matcher
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.message import Argument, Form, Message
from ksrcfind.source.template import CONVERSION


def calls(*formats):
    """Messages of one function, in order; all but the first are `pr_cont`."""
    return [
        Message(
            *("kernel/herd.c", 10 * number, 10 * number, "print_herd"),
            *("pr_cont" if number > 1 else "printk", "cont" if number > 1 else "info", "herd", text),
            (Form(text.removesuffix("\n"), tuple(Argument(c[0], "x") for c in CONVERSION.finditer(text))),),
            (),
        )
        for number, text in enumerate(formats, 1)
    ]


def answer(line, *formats):
    return Matcher(MemoryIndex(calls(*formats))).answer(read_line(line))


LINE = "Herdqueue: grazing graze_fn (pasture-8:1)"


@pytest.mark.parametrize(
    "formats",
    [
        ("Herdqueue: %s %ps", " (%s)", "\n"),
        ("Herdqueue: %s %ps", " (%s)\n"),
        ("Herdqueue: %s %ps", " [%d]", " (%s)", "\n", "pastures:"),
    ],
    ids=["a line break alone", "with the last text", "behind a part that is not printed"],
)
def test_a_line_whose_end_another_call_prints(formats):
    found = answer(LINE, *formats)
    assert (found.verdict, found.matches[0].message.line_start) == ("exact", 10)
    assert [value.value for value in found.matches[0].values] == ["grazing", "graze_fn"]


@pytest.mark.parametrize(
    "formats",
    [
        ("Herdqueue: %s %ps", " (%s)"),
        ("Herdqueue: %s %ps", "\n", " (%s)"),
        ("Herdqueue: %s %ps\n", " (%s)", "\n"),
    ],
    ids=["without a line break", "behind the line break", "of another line"],
)
def test_a_text_that_no_call_ends_so(formats):
    assert answer(LINE, *formats).verdict != "exact"


PARTS = ("PEN%d ", "-> %d:%d")


def test_parts_that_explain_too_little_alone_are_evidence_together():
    found = answer("PEN7 -> 0:12", *PARTS, "\n")
    assert found.verdict == "exact"
    assert found.matches[0].message.line_start == 10
    assert found.matches[0].confidence > 0.9
    assert [value.value for value in found.matches[0].values] == ["7"]


@pytest.mark.parametrize(
    ("line", "formats"),
    [
        ("PEN7 is -> 0:12", (*PARTS, "\n")),
        ("PEN7 -> 0:12 more", (*PARTS, "\n")),
        ("PEN7 -> 0:12", PARTS),
        ("PEN7 -> 0:12", (PARTS[0], "\n", PARTS[1])),
        ("7 0", ("%d ", "%d", "\n")),
    ],
    ids=["text between", "text behind", "nothing ends the line", "the line ended before", "numbers alone"],
)
def test_parts_that_are_no_evidence_together(line, formats):
    assert answer(line, *formats).verdict == "none"


def test_the_call_that_begins_a_line_comes_before_one_that_explains_more_of_it():
    found = answer(
        "herd:alpine pen:7 cows:12 goats:34 sheep:56 donkeys:0x00000001",
        "herd:%s pen:%d",
        " cows:%d goats:%d sheep:%d donkeys:0x%08lx\n",
    )
    assert [match.message.line_start for match in found.matches] == [10, 20]
    assert found.verdict == "exact"


def test_a_call_that_continues_a_line_is_the_answer_if_none_begins_the_line():
    found = answer(
        "sty:alpine box:7 cows:12 goats:34 sheep:56 donkeys:0x00000001",
        "herd:%s pen:%d",
        " cows:%d goats:%d sheep:%d donkeys:0x%08lx\n",
    )
    assert (found.verdict, found.matches[0].message.line_start) == ("partial", 20)


@pytest.mark.parametrize("parts", [4, 12])
def test_a_line_that_begins_like_a_text_of_values_is_of_the_call_that_prints_its_words(parts):
    helps = [f"graze-all-herd{chr(97 + n)}(e) " for n in range(parts)]
    line = "zebra: HELP : " + "".join(helps)
    general, *printed = calls("zebra: %s\n", "zebra: HELP : ", *helps, "\n")
    printed[0] = msgspec.structs.replace(printed[0], call="printk", level="info")
    found = Matcher(MemoryIndex([general, *printed])).answer(read_line(line))
    assert found.matches[0].message == printed[0]


STRAY = "mydaemon: session 12 of peer foo, grazing status changed"


@pytest.mark.parametrize(
    ("line", "formats", "verdict"),
    [
        (STRAY, (", grazing status changed", ", cow left"), "none"),
        ("zoo 0000:01:00.0: grazing status changed", (", grazing status changed", ", cow left"), "none"),
        (STRAY.replace("mydaemon", "herd"), (", grazing status changed", ", cow left"), "partial"),
        (STRAY.replace("session 12 of", "fence_stat 0x12"), ("fence_stat 0x%x", ", grazing status changed"), "partial"),
    ],
    ids=["nothing else of the file", "another driver", "the file is named", "words of another part"],
)
def test_a_short_part_is_no_answer_alone(line, formats, verdict):
    appended = [msgspec.structs.replace(one, call="push", level="cont") for one in calls(*formats)]
    assert Matcher(MemoryIndex(appended)).answer(read_line(line)).verdict == verdict


def test_the_beginning_of_a_line_that_others_continue_is_an_answer():
    line = "Animals grazing in: zebra_herd(+) gnu_herd lion_pride eland warthog_sounder impala"
    assert answer(line, "Animals grazing in:", "\n").verdict == "partial"
