"""Matching: forms to lines and back, places, values, reasons, and lines that are meant to hurt."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ksrcfind.log.line import read_line
from ksrcfind.match.body import Body
from ksrcfind.match.compiled_pattern import CompiledPattern
from ksrcfind.match.decode import decoded, errno_name
from ksrcfind.match.limits import LONGEST
from ksrcfind.match.matcher import Matcher
from ksrcfind.match.overlap import OverlapSearch, overlaps
from ksrcfind.match.pattern import StepBudget, places
from ksrcfind.match.pattern_builder import pattern
from ksrcfind.match.place import Named, named_place, nearest_call, place_calls
from ksrcfind.match.score import ANYHOW, may_score_overlap, score_overlap
from ksrcfind.match.tuned_weights import MODULE
from ksrcfind.match.wording import Wording
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.message import Argument, Form, Message
from ksrcfind.source.printed_lines import ALONE
from ksrcfind.source.template import CONVERSION, literal_words


def message(printed, path="drivers/foo/bar.c", line=10, *, module="foo", level="info", function="f", arguments=None):
    """A message that prints one form; arguments `a0`, `a1` … unless given."""
    conversions = [found[0] for found in CONVERSION.finditer(printed) if not found["percent"]]
    names = arguments or [f"a{number}" for number in range(len(conversions))]
    form = Form(printed, tuple(map(Argument, conversions, names)))
    return Message(path, line, line + 1, function, "pr_info", level, module, printed + "\n", (form,), ())


def answer(line, *messages, limit=5):
    """The answer to a line from a few messages."""
    return Matcher(MemoryIndex(messages)).answer(read_line(line), limit)


TEXTS = {
    "%d": st.integers(-(2**31), 2**31 - 1).map(str),
    "%u": st.integers(0, 2**32 - 1).map(str),
    "%x": st.integers(0, 2**32 - 1).map("{:x}".format),
    "%#x": st.integers(0, 2**32 - 1).map("{:#x}".format),
    "%08x": st.integers(0, 2**40).map("{:08x}".format),
    "%#010x": st.integers(0, 2**40).map("{:#010x}".format),
    "%5d": st.integers(-99, 10**7).map("{:5d}".format),
    "%pM": st.binary(min_size=6, max_size=6).map(lambda mac: mac.hex(":")),
    "%pI4": st.ip_addresses(v=4).map(str),
    "%pI6c": st.ip_addresses(v=6).map(str),
    "%pUb": st.uuids().map(str),
    "%pe": st.sampled_from(["-EIO", "-ENOMEM", "-EPROBE_DEFER", "-ETIMEDOUT"]),
    "%6phC": st.binary(min_size=6, max_size=6).map(lambda data: data.hex(":")),
    "%pS": st.sampled_from(["do_exit+0x1a/0x2b0", "e1000_probe+0x0/0x12 [e1000e]"]),
    "%pR": st.sampled_from(["[mem 0xfeb40000-0xfeb43fff 64bit]", "[io  0x0000-0x0cf7 window]"]),
    "%s": st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True),
    "%c": st.sampled_from("abcXYZ"),
}
WORDS = ["quarantine", "bandwidth", "resetting", "firmware", "doorbell", "timed", "out", "on", "unexpected", "opcode"]


@st.composite
def templates(draw):
    """A format with at least two telling words, and a rendering with its values."""
    printed, line, values = "zebra: quiesce", "zebra: quiesce", []
    for _ in range(draw(st.integers(1, 5))):
        word = draw(st.sampled_from(WORDS))
        conversion = draw(st.sampled_from(sorted(TEXTS)))
        value = draw(TEXTS[conversion])
        between = draw(st.sampled_from([" ", " = ", ", ", ": "]))
        printed += f" {word}{between}{conversion}"
        line += f" {word}{between}{value}"
        values.append(value.strip())
    return printed, line, values


DECOYS = [
    message("zebra: quiesce failed", line=100),
    message("%s: unexpected opcode %d", "drivers/other/op.c", 5, module="other"),
    message("firmware timed out", "drivers/other/fw.c", 7, module="other"),
]

# What stands in front of a line; every form with real samples is in tests/log_samples.
FORMS = [
    "{}",
    "[   12.345678] {}",
    "[   12.345678][  T123] {}",
    "<6>[   12.345678] {}",
    "kern  :info  : [   12.345678] {}",
    "[Tue Nov 24 10:38:18 2026] {}",
    "2026-11-24T10:38:18,123456+00:00 {}",
    "6,1234,12345678,-;{}",
    "Nov 24 10:38:18 host kernel: {}",
    "Nov 24 10:38:18 host kernel: [   12.345678] {}",
    "2026-11-24T10:38:18.123456+00:00 host kernel: {}",
    "<6>1 2026-11-24T10:38:18.123456+00:00 host kernel - - - {}",
    "> [   12.345678] {}",
    "\x1b[32m[   12.345678] \x1b[0m{}\r",
]


@given(rendered=templates(), form=st.sampled_from(FORMS))
def test_what_a_template_prints_leads_back_to_it(rendered, form):
    printed, line, values = rendered
    found = answer(form.format(line), *DECOYS, message(printed, line=42))
    assert found.verdict == "exact"
    first = found.matches[0]
    assert first.message.line_start == 42
    assert [value.value for value in first.values] == values


@given(rendered=templates(), cut=st.integers(0, 12))
def test_a_line_whose_end_is_cut_off(rendered, cut):
    printed, line, _ = rendered
    cut = min(cut, len(line) - 24)
    shorter = line[: len(line) - cut]
    found = answer(shorter, message(printed, line=42))
    assert found.matches, shorter
    assert found.matches[0].message.line_start == 42


def test_a_line_cut_off_inside_text_behind_an_unknown_prefix():
    found = answer(
        "Bluetooth: hci4: Entering manufacturer mode fa", message("%s: Entering manufacturer mode failed (%ld)")
    )
    assert found.verdict == "partial"


@pytest.mark.parametrize("mask", ["<n>", "XXX", "N", "***"])
def test_masked_numbers(mask):
    right = message("ACPI: Interrupt link %s configured for IRQ %d", line=1)
    wrong = message("ACPI: Interrupt link %s disabled", line=20)
    found = answer(f"ACPI: Interrupt link LNKA configured for IRQ {mask}", wrong, right)
    assert found.matches[0].message == right


def test_zeros_fill_a_width_and_no_more():
    narrow = message("node %d [mem %#010Lx-%#010Lx]", line=1)
    wide = message("node %d [mem %#018Lx-%#018Lx]", line=20)
    line = "node 0 [mem 0x0000000000001000-0x0000000066efffff]"
    assert [match.message for match in answer(line, narrow, wide).matches] == [wide]


def test_a_driver_named_in_the_prefix_decides_between_equal_texts():
    one = message("%s %s %s: NIC Link is Down", "drivers/net/ethernet/intel/igb/igb_main.c", module="igb")
    other = message("%s %s %s: NIC Link is Down", "drivers/net/ethernet/intel/e1000e/netdev.c", module="e1000e")
    found = answer("e1000e 0000:00:1f.6 enp0s31f6: NIC Link is Down", one, other)
    assert found.matches[0].message == other
    assert found.rivals == 0


def test_equal_rivals_are_counted_and_share_confidence():
    same = [message("spurious doorbell quarantined", f"drivers/foo/{n}.c") for n in "abc"]
    found = answer("spurious doorbell quarantined", *same, limit=2)
    assert found.rivals == 2
    assert len(found.matches) == 2
    alone = answer("spurious doorbell quarantined", same[0])
    # More than a third: the first of equal rivals is right more often than chance.
    assert alone.matches[0].confidence / 3 < found.matches[0].confidence < alone.matches[0].confidence
    assert found.matches[0].confidence == found.matches[1].confidence


def test_the_level_of_the_record_decides_between_equal_texts():
    one = message("spurious doorbell quarantined", level="info", line=1)
    other = message("spurious doorbell quarantined", level="err", line=9)
    assert answer("<3>spurious doorbell quarantined", one, other).matches[0].message == other


def test_a_format_of_values_alone_explains_nothing():
    found = answer("Linux version 6.0.12 (linux@arch) (gcc 12.2.0) #1 SMP", message("%-38s%s"), message("%s%s"))
    assert found.verdict == "none"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Nov 24 10:38:18 host sshd[811]: Accepted publickey for root", "userspace"),
        ("[   12.345678] ", "empty"),
        ("[   12.345678]  ? do_exit+0x1a/0x2b0", "part_of_event"),
        ("[   12.345678] RAX: 0000000000000000 RBX: ffff8881022d3c00 RCX: 0000000000000000", "part_of_event"),
        ("[   12.345678] Web Content     D    0  3259      2 0x00000000", "part_of_event"),
        ("[   12.345678] swapper/0       S c0532a8c     0     1      0 0x00000000", "part_of_event"),
        ("[   12.345678] 00000000: 7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00", "part_of_event"),
        ("[   12.345678] 123 456 789", "no_words"),
        ("[   12.345678] walrus contemplates oysters", "no_words"),
    ],
)
def test_reasons(line, code):
    found = answer(line, *DECOYS)
    assert found.verdict == "none"
    assert found.reason.code == code
    assert found.reason.text.endswith(".")


@pytest.mark.parametrize(
    ("conversion", "expression", "value", "meaning"),
    [
        ("%d", "ret", "-110", "ETIMEDOUT"),
        ("%d", "err", "-1", "EPERM"),
        ("%d", "offset", "-1", None),
        ("%d", "ret", "110", None),
        ("%d", "ret", "-517", "EPROBE_DEFER"),
        ("%pe", "ptr", "-EIO", None),
        ("%s", "print_tainted()", "Tainted: G        W  O", "warned before, out-of-tree module"),
    ],
)
def test_decoded_values(conversion, expression, value, meaning):
    assert decoded([Argument(conversion, expression)], [value], 0) == meaning


def test_a_mask_is_told_by_the_names_behind_it():
    arguments = [Argument("%#x", "gfp_mask"), Argument("%pGg", "&gfp_mask")]
    assert decoded(arguments, ["0xcc0", "GFP_KERNEL"], 0) == "GFP_KERNEL"


def test_error_numbers_of_the_machine():
    import errno

    known = {number: name for number, name in errno.errorcode.items() if number < 134}
    assert {number: errno_name(number) for number in known} == known | {
        number: errno_name(number) for number, name in known.items() if name in ("EDEADLOCK", "EWOULDBLOCK", "ENOTSUP")
    }


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("WARNING: CPU: 3 PID: 1 at kernel/sched/core.c:5000 tick+0x1/0x2", Named("kernel/sched/core.c", 5000, "tick")),
        ("WARNING: kernel/sched/core.c:50 at tick+0x1/0x2, CPU#3: sh/1", Named("kernel/sched/core.c", 50, "tick")),
        ("WARNING: at fs/buffer.c:12 mark_buffer_dirty+0x1/0x2()", Named("fs/buffer.c", 12, "mark_buffer_dirty")),
        ("kernel BUG at mm/slub.c:419!", Named("mm/slub.c", 419, None)),
        ("kernel BUG at /build/linux/mm/slub.c:419!", Named("/build/linux/mm/slub.c", 419, None)),
        ("UBSAN: shift-out-of-bounds in lib/foo.c:12:34", None),
        ("see http://example.org/a.c:0", None),
        ("nothing.cpp:12", None),
    ],
)
def test_places_that_lines_name(line, named):
    if line.startswith("UBSAN"):
        named = Named("lib/foo.c", 12, None)
    assert named_place(line) == named


def test_the_call_nearest_to_a_place():
    lines = [
        "int f(void)",
        "{",
        "\t/* WARN_ON(never) */",
        "\tWARN_ON_ONCE(x); BUG();",
        "}",
        "",
        "\tBUG_ON(y);",
        "warn;",
    ]
    calls = place_calls("\n".join(lines))
    assert calls == [(4, "WARN_ON_ONCE"), (7, "BUG_ON")]
    assert nearest_call(calls, 4) == ("WARN_ON_ONCE", 0)
    assert nearest_call(calls, 1) == ("WARN_ON_ONCE", 3)
    assert nearest_call(calls, 7) == ("BUG_ON", 0)
    assert nearest_call(calls, 108) is None
    assert nearest_call(place_calls("int x;"), 1) is None


def test_calls_that_print_their_location_are_found_in_every_spelling():
    lines = ["/* \u0130\u0130 */ Warn_on(a);", "\tBUG(); bug_on(b);", "", "\u0130; \tMIGHT_SLEEP();"]
    assert place_calls("\n".join(lines)) == [(2, "BUG"), (4, "MIGHT_SLEEP")]
    assert place_calls("\u0130\n" + " x" * 40 + "\u0130 = WARN (c);") == [(2, "WARN")]


HARD = [
    "%s%s%s%s%s%s",
    "%s: %s: %s: %s: %s end",
    "a%sa%sa%sa%sa%sb",
    "%d%d%d%d%d%d x",
    "%x%x%x%x g",
    "%*ph %*ph %*ph!",
    "%pM%pM%pI6c%pUb z",
    "%pGg|%pGg|%pGp?",
    "%pS %pS %pS %pB?",
    "%pbl,%pbl;%pb",
]
HOSTILE = [
    "a" * 100,
    "0" * 100,
    "a: " * 40,
    "GFP_KERNEL|" * 20,
    "00:" * 60,
    "f+0x1/0x2 " * 20,
    "\\x41" * 30,
    "::::::::",
]


@pytest.mark.parametrize("printed", HARD)
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_lines_end(printed, unit):
    """Nothing that is tried for one line grows faster than the line: the matcher sees a bounded piece of it."""
    line = unit * (1_000_000 // len(unit))
    found = answer(line, message("zebra " + printed), message(printed))
    assert found.verdict in ("exact", "partial", "fuzzy", "none")
    body = line[:LONGEST]
    pattern(printed).spans(body)
    assert sum(1 for _ in overlaps(pattern(printed), body)) <= 4 * len(printed)


@given(st.text("ab1 ", max_size=40), st.sampled_from(["a", "%d", "a%d", "%da", " %c%d"]), st.lists(st.integers(0, 50)))
def test_what_was_looked_for_once_is_found_again(text, printed, positions):
    search = OverlapSearch(pattern(printed), text, StepBudget())
    for position in positions:
        first = next(places(pattern(printed).segments[0], text, position, len(text) + 1, StepBudget()), None)
        assert search.place(0, position) == (first[0] if first else None)


def test_of_very_many_wordings_those_that_tell_most_are_tried_as_parts(monkeypatch):
    tried = []
    monkeypatch.setattr("ksrcfind.match.tiers.overlaps", lambda pattern, *_: tried.append(pattern.texts) or [])
    printing = calls("on ", "off\n", *(f"o{'f' * number}a\n" for number in range(40)))
    line = " ".join(one.format.strip() for one in printing)
    answer(line, *printing)
    every = len(tried)
    monkeypatch.setattr("ksrcfind.match.tiers.CONTINUED_WORDINGS", 8)
    tried.clear()
    answer(line, *printing)
    assert len(tried) == 8 < every


@given(
    st.lists(
        st.sampled_from(["%s", "%d", "%x", "%08x", "%-4s", "%.3s", "%pOF", "%c", "%5d", "a", "b: ", " ", "1"]),
        max_size=9,
    ),
    st.lists(st.sampled_from(["a", "b", "b: ", " ", "1", "0000000f", "-7", "x/y", "   "]), max_size=12),
)
def test_a_pattern_as_one_regular_expression_reads_the_same(written, line):
    one, text = pattern("".join(written)), "".join(line).strip()
    assert CompiledPattern(one).spans(text) == one.spans(text)


@given(templates())
def test_a_rendering_is_read_the_same_by_one_regular_expression(drawn):
    printed, line, _values = drawn
    text = line.strip()
    assert CompiledPattern(pattern(printed)).spans(text) == pattern(printed).spans(text)


def test_random_bytes_are_answered():
    rng = random.Random(5)
    for _ in range(200):
        line = "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(1, 0xD800)])) for _ in range(80))
        assert answer(line, *DECOYS).verdict in ("exact", "partial", "fuzzy", "none")


@pytest.mark.parametrize("shown", ["000", "007", "-07", "042", "1234", "-100"])
def test_a_signed_number_filled_with_zeros(shown):
    found = answer(f"zebra: quiesce code {shown} of doorbell", message("zebra: quiesce code %03d of doorbell", line=42))
    assert found.verdict == "exact"
    assert [value.value for value in found.matches[0].values] == [shown]


def calls(*printed, function="print_all", path="mm/zones.c"):
    """Messages of one function in order; a text without a line end is one that others go on with."""
    return [
        Message(
            path, 10 * number, 10 * number + 1, function, "pr_cont" if number > 1 else "pr_info",
            "cont" if number > 1 else "info", "zones", text,
            (Form(text.removesuffix("\n"), tuple(Argument(c[0], "x") for c in CONVERSION.finditer(text))),), (),
        )
        for number, text in enumerate(printed, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  Device   empty", 20),
        ("  Normal   [mem 0x0000000100000000-0x00000002317fffff]", 30),
        ("  lock(&syncp->seq#2);", None),
        ("something else entirely is empty", None),
    ],
)
def test_a_line_of_several_calls_is_that_of_the_part_that_tells_most(line, expected):
    printing = calls("  %-8s ", "empty\n", "[mem %#018Lx-%#018Lx]\n")
    elsewhere = calls("nothing at all\n", "empty\n", function="other", path="mm/other.c")
    found = answer(line, *printing, *elsewhere)
    assert (found.matches[0].message.line_start if found.matches else None) == expected
    assert not found.matches or found.matches[0].message.path == "mm/zones.c"


def test_the_beginning_of_a_line_that_others_go_on_with():
    found = answer("   lock(&syncp->seq#2);", *calls("  lock(", ");\n", path="kernel/lockdep.c"))
    assert found.matches[0].message.line_start == 10


def test_what_stands_where_any_text_may_is_no_evidence_against_a_message():
    found = answer(
        "Hardware name: To be filled by O.E.M. To be filled by O.E.M./Inagua CRB, BIOS 4.6.5 03/08/2013",
        message("Hardware name: %s", "lib/dump_stack.c"),
        message("%s: BIOS %s", "drivers/bios.c"),
    )
    assert (found.verdict, found.matches[0].message.path) == ("exact", "lib/dump_stack.c")


def test_one_common_word_behind_any_text_is_no_answer():
    line = "Bluetooth: RFCOMM socket layer initialized"
    assert not answer(line, message("%s initialized", "drivers/net/usb.c")).matches
    right = message("Bluetooth: RFCOMM socket layer initialized", "net/bluetooth/sock.c", 1093)
    assert answer(line, message("%s initialized"), right).matches[0].message.line_start == 1093


def test_a_text_that_only_names_a_part_of_the_kernel_explains_nothing():
    generic = message("XFS (%s): %pV", "fs/xfs/message.c", 1, module="xfs")
    others = [message(f"XFS (%s): trouble {'abcdefgh'[n % 8]}{n} found", "fs/xfs/a.c", 10 * n) for n in range(60)]
    assert answer("XFS (sda2): Ending clean mount", generic).matches
    found = answer("XFS (sda2): Ending clean mount", generic, *others)
    assert (found.verdict, found.reason.code) == ("none", "any_text")


def test_a_device_is_not_called_what_holds_a_colon():
    line = "hid-generic 0003:046D:C52F.0004: input,hidraw3: USB HID v1.11 Device [Receiver] on usb-1/input1"
    device = ("dev_driver_string(&hdev->dev)", "dev_name(&hdev->dev)")
    wrong = message(
        "%s %s: USB HID v%x.%02x Device [%s] on %s", "drivers/hid/hid-mcp.c", 901, arguments=[*device, *"abcd"]
    )
    right = message(
        "%s %s: %s: %s HID v%x.%02x %s [%s] on %s", "drivers/hid/core.c", 2334, arguments=[*device, *"abcdefg"]
    )
    assert answer(line, wrong, right).matches[0].message.line_start == 2334


def test_the_call_that_prints_audit_records_is_their_answer():
    record = "audit: type=1130 audit(1672774262.085:2): pid=1 uid=0 msg='unit=kmod comm=\"systemd\"'"
    passing_on = message("audit: type=%d %s", "kernel/audit.c")
    assert answer(record, passing_on).matches[0].message is passing_on
    assert answer("audit: type=1404 is unknown", passing_on).matches


@pytest.mark.parametrize("conversion", ["d", "s", "c", "p", "ph", ".{0}d", ".{0}s", "0{0}x", "-{0}pI4"])
@pytest.mark.parametrize("digits", [12, 5000])
def test_a_width_beyond_all_lines_is_no_error(conversion, digits):
    width = "9" * digits
    written = conversion.format(width) if "{0}" in conversion else width + conversion
    pattern(f"value is %{written} here").spans("value is 1 here")


@pytest.mark.parametrize("conversion", ["%d", "%x%d", "%f", "%pI6c", "%*d", "%-8d"])
def test_neighbouring_values_share_a_text_in_few_steps(conversion):
    assert pattern(f"value is {conversion * 12}1x").spans("value is " + "1" * 400) is None
    assert pattern("%d%d%d%d%d").spans("12345") == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


def test_values_that_fill_their_fields_stand_side_by_side():
    shown = pattern("%-5d%-5d%-5d%-5d end").spans("12   345  67   8    end")
    assert shown == [(0, 5), (5, 10), (10, 15), (15, 19)]


PIECES = [*WORDS, "beef", "0xfee1", "reset_work", "eth0", "7", "12:34", "-", ": ", "(zebra)", "do_exit+0x1a/0x2b0"]


@st.composite
def overlapping(draw):
    """A format and a line that has a part of one of its renderings somewhere."""
    line = printed = ""
    for _ in range(draw(st.integers(1, 6))):
        literal = " ".join(draw(st.lists(st.sampled_from(PIECES), max_size=4)))
        conversion = draw(st.sampled_from(sorted(TEXTS)))
        between = draw(st.sampled_from(["", " ", ": "]))
        printed += literal + between + conversion + draw(st.sampled_from(["", " "]))
        line += literal + between + draw(TEXTS[conversion]) + draw(st.sampled_from(["", " "]))
    start = draw(st.integers(0, len(line)))
    part = line[start : draw(st.integers(start, len(line)))]
    front, behind = (" ".join(draw(st.lists(st.sampled_from(PIECES), max_size=3))) for _ in range(2))
    return printed, (front + draw(st.sampled_from(["", " "])) + part + " " + behind).strip()


@example(("%#010xquarantine quarantine quarantine%pI6c", "e:"))  # a long wording, of which the line has the last value
@given(overlapping())
def test_what_is_held_to_explain_too_little_does(sample):
    printed, line = sample
    wording = Wording(printed, frozenset(literal_words(printed)))
    body = Body.of(line)
    if not body.text:
        return
    for joined, joins in ((False, ALONE), (True, ANYHOW)):
        if not may_score_overlap(body, wording, MODULE, StepBudget(), joined=joined):
            for overlap in overlaps(wording.pattern, body.text):
                assert not score_overlap(body, wording, overlap).counts(MODULE, joins), (printed, line)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Tainted: P           O", "part_of_event"),
        (" em28xx_alsa em28xx elo elan_i2c ehset tainted ehci_hcd efi_pstore", "part_of_event"),
        ("flags: 0x17ffffc0000000(node=0|zone=2) wobbles", "part_of_event"),
        ("page_type: 0xffffffff() wobbles", "part_of_event"),
        ("pcieport 0000:00:1c.0: wobbles", "nothing_alike"),
        ("Whatever: wobbles", "nothing_alike"),
        ("nvidia 0000:00:1c.0: wobbles", "module_not_in_tree"),
    ],
)
def test_no_driver_is_blamed_that_the_tree_can_have(line, code):
    class OfOneTree(MemoryIndex):
        def knows(self, name):
            return name in {"drivers", "pci", "pcie", "portdrv"}

    index = OfOneTree([message("a tainted gasket wobbles hard", "drivers/pci/pcie/portdrv.c")])
    assert Matcher(index).answer(read_line(line)).reason.code == code


def test_a_miss_names_the_nearest_message_and_what_to_try():
    near = message("the oscillator of the gearbox frobnicates the sprocket sideways", "drivers/near.c", 77)
    reason = answer("no gearbox nor oscillator here", near).reason
    assert "The nearest is 'the oscillator of the gearbox" in reason.text
    assert "drivers/near.c:77" in reason.text
    for remedy in ("--repo", "--rev", "--index"):
        assert remedy in reason.text


def test_rows_of_values_have_the_call_that_has_all_their_words():
    registers = message("RAX: %016lx RBX: %016lx RCX: %016lx", "arch/x86/kernel/process_64.c")
    row = "RAX: 0000000000000000 RBX: ffff8d71d5aa4f00 RCX: 0000000000000000"
    assert answer(row, registers).matches[0].message is registers
    assert answer(row, message("RAX: %016lx", "a.c")).reason.code == "part_of_event"
    # Values alone fit by chance.
    arm = "x8 : 0000000000000001 x7 : 0000000000000001 x6 : 0000000000000001"
    assert answer(arm, message("%27s : %8.8X%8.8X", "a.c")).reason.code == "part_of_event"
    assert answer(f"value {arm}", message("value %27s : %8.8X%8.8X", "a.c")).verdict == "exact"
    # One register says too little about who prints it.
    assert answer("IP: 0xffffffffffffffff", message("%sIP: 0x%016llx", "a.c")).reason.code == "part_of_event"


SUFFIXES = ["", ".isra.0", ".constprop.0.isra.0", ".part.3", ".cold", " [gearbox]", ".cold [gearbox]"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_function_is_known_by_its_name_whatever_compilers_add(suffix):
    printed, arguments = "[drm:%ps] *ERROR* sprocket bent by %d", ("__builtin_return_address(0)", "bent")
    calls = [message(printed, f"{name}.c", function=f"bend_{name}", arguments=arguments) for name in "abc"]
    assert answer(f"[drm:bend_b{suffix}] *ERROR* sprocket bent by 5", *calls).matches[0].message.path == "b.c"
