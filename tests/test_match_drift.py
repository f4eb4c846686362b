"""Lines of other kernels: text that was added, dropped or cut, with a driver and a device in front or without."""

import pytest

from ksrcfind.log.line import read_line
from ksrcfind.match.body import Body
from ksrcfind.match.matcher import Matcher
from ksrcfind.match.rewording import common_words
from ksrcfind.match.wording import Wording
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.template import literal_words
from test_match import answer, message

LONG = (
    "%s %s: Found a pen that was not closed in time, gate %d, index %d. %u milliseconds have passed since "
    "the last round of the keeper, who counts %u animals in %u pens before closing"
)


def wording(text):
    return Wording(text, frozenset(literal_words(text)))


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("mlx5_core 0000:5e:00.0: zoo", 24),
        ("e1000e 0000:03:00.0 eth3: zoo", 26),
        ("e1000e 0000:03:00.0 0000:03:00.0 (uninitialized): zoo", 50),
        ("usb 1-2.3: zoo", 11),
        ("zoo cage: closed", 0),
        ("EXT4-fs (sda1): zoo", 0),
        ("zoo: cage 1: closed", 0),
        ("", 0),
    ],
)
def test_a_driver_and_a_device_are_seen_in_front(line, end):
    assert Body.of(line).prefix_end == end


def test_a_sentence_of_a_longer_text_is_a_part_of_it():
    line = "zoo 0000:00:05.0 eth0: Found a pen that was not closed in time, gate 2, index 961."
    found = answer(line, message(LONG, "drivers/zoo/pen.c", 7))
    assert found.verdict == "partial"
    assert found.matches[0].message.path == "drivers/zoo/pen.c"


@pytest.mark.parametrize("head", ["A/B", "keeper: A/B"])
def test_a_line_that_ends_behind_a_value_of_any_text(head):
    text = message("%s error, gate %s, sector %llu op 0x%x:(%s) flags 0x%x segments %u class %u", "zoo/gate.c", 7)
    found = answer(f"{head} error, gate sda, sector 12345", text)
    assert found.matches[0].message == text
    assert [value.value for value in found.matches[0].values[1:3]] == ["sda", "12345"]


def test_a_prefix_in_front_never_hides_a_text():
    text = message("%s %s: feed_all:%d:(pid %d): hungry_zebra[%d] 0x%08x", "drivers/zoo/feed.c", 7, module="zoo")
    assert answer("zoo 0000:5e:00.0: hungry_zebra[0] 0x00000001", text).matches[0].message == text
    assert answer("zoo 0000:5e:00.0: something else", text).matches == ()


def test_a_word_that_was_put_in_front_of_a_text():
    text = message("%s %s: stampede at %s:%d", "drivers/zoo/gate.c", 7, module="zoo")
    found = answer("zoo-pci 0000:00:1f.3: error: stampede at src/lib/agent.c:62", text)
    assert found.matches[0].message == text


def test_words_in_the_same_order_find_a_text_that_was_written_again():
    text = message("%s %s: ZEB: Multiple %s error message received from %04x:%02x", "drivers/zoo/zeb.c", 7)
    line = "pcieport 0000:00:1d.0: ZEB: Multiple Corrected error received: id=00e8"
    found = answer(line, text)
    assert (found.verdict, found.matches[0].message) == ("fuzzy", text)
    assert found.matches[0].confidence < 0.5
    assert answer("pcieport 0000:00:1d.0: nothing of this is alike: id=00e8", text).matches == ()


@pytest.mark.parametrize(
    ("text", "line", "least", "most"),
    [
        ("zebra gate closed early", "zebra gate closed early", 1.0, 1.0),
        ("zebra gate closed early", "zoo 1-2: zebra gate closed early", 1.0, 1.0),
        ("zebra gate closed early", "early closed gate zebra", 0.0, 0.0),
        ("zebra gate closed early today", "zebra gate was closed early", 0.5, 0.95),
        ("zebra gate", "zebra gate", 0.0, 0.0),
        ("%d", "zebra gate closed", 0.0, 0.0),
        ("zebra gate closed", "", 0.0, 0.0),
    ],
)
def test_share_of_common_words(text, line, least, most):
    assert least <= common_words(Body.of(line), wording(text)) <= most


def test_lines_without_end_take_no_longer_for_common_words():
    line = "zebra gate closed " * 2000
    assert 0 <= common_words(Body.of(line), wording(line[:4000])) <= 1


GATE = message(
    "%s %s %s%s: register '%s' at pen-%s-%s, %s, %pM",
    "drivers/zoo/gate.c",
    7,
    module="zoo",
    arguments=[
        "dev_driver_string(dev)",
        "dev_name(dev)",
        "netdev_name(dev)",
        "state",
        "name",
        "bus",
        "path",
        "kind",
        "a",
    ],
)


def test_text_between_two_pieces_of_a_cut_wording_is_its_value():
    line = "okapi 1-1.1:1.0 eth0: register 'okapi' at pen-1-1.1, Zebra 9514 for hot savannas of any size, b8:27:eb"
    assert answer(line, GATE).matches[0].message == GATE
    # Without the beginning of the wording, the text between is only what nothing explains.
    assert (
        answer("at pen-a long way from everything that was ever near to a herd-and behind it, gate", GATE).matches == ()
    )


INQUIRY = message("%s %s: %s %.8s %.16s %.4s PQ: %d ANSI: %d", "drivers/zoo/scan.c", 7, module="zoo_mod")


@pytest.mark.parametrize(
    ("shown", "values"),
    [
        (
            "Direct-Access     ATA      Samsung SSD 850  3B6Q",
            ["Direct-Access    ", "ATA     ", "Samsung SSD 850 ", "3B6Q"],
        ),
        (
            "Direct-Access     Generic- SD/MMC/MS/MSPRO  1.00",
            ["Direct-Access    ", "Generic-", "SD/MMC/MS/MSPRO ", "1.00"],
        ),
        ("Disk a b c", ["Disk", "a", "b", "c"]),
    ],
)
def test_what_is_too_long_for_a_value_belongs_to_the_one_before(shown, values):
    found = answer(f"zoo 0:0:0:0: {shown} PQ: 0 ANSI: 4", INQUIRY)
    assert found.verdict == "exact"
    assert [value.value for value in found.matches[0].values[2:6]] == values


@pytest.mark.parametrize(
    ("text", "line"), [("%.4s herd", "zebra herd"), ("%s cage %.2s%.2s", "a cage 12345"), ("%.2s-%.2s", "abcd-efg")]
)
def test_a_value_longer_than_its_bound_is_none(text, line):
    assert wording(text).pattern.spans(line) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Gatekeeper detected!", "Gate-keeper detected! (0x00050005)"),
        ("under-voltage detected!", "Undervoltage detected! (0x00050005)"),
    ],
)
def test_a_hyphenated_word_equals_a_joined_one(text, line):
    found = answer(line, message(text, "drivers/zoo/gate.c", 7, module="zoo"))
    assert found.verdict == "fuzzy"
    assert found.matches[0].message.path == "drivers/zoo/gate.c"


@pytest.mark.parametrize("line", ["Gate-crasher detected!", "keeper-gate detected!"])
def test_a_hyphenated_word_is_no_other_joined_one(line):
    assert answer(line, message("Gatekeeper detected!", "drivers/zoo/gate.c", 7)).matches == ()


def test_a_name_with_digits_is_no_value_if_a_text_has_it():
    drifted = message("%s:: zoo8001_graze_task %d: rc= %d", "drivers/zoo/zoo8001.c", module="zoo80xx")
    found = answer("zoo80xx zoo8001_graze_task 1231:rc= 5", drifted)
    assert [match.message for match in found.matches] == [drifted]


class WholeTree(MemoryIndex):
    """Knows that no other code is in the tree."""

    def knows(self, name):
        return name in ("zebra", "okapi")


def test_of_similar_texts_the_one_of_the_code_that_the_line_names_is_the_answer():
    other = message("Grazing thread started", "drivers/okapi/debug.c", module="okapi")
    drifted = message('zebra%d: grazing thread "%s" started, PID %d', "drivers/zebra/wl.c", 9, module="zebra")
    found = Matcher(WholeTree([other, drifted])).answer(read_line('zebra: grazing thread "zebra_bgt0d" started'))
    assert found.matches[0].message == drifted


def test_a_similar_text_of_few_words_is_hardly_of_other_code_than_the_line_names():
    text = message("Submit of stripe %s failed %d", "drivers/net/okapi/sierra.c", module="okapi")
    matcher = Matcher(WholeTree([text]))
    named, other = (matcher.answer(read_line(f"{name}: submit of stripe failed")) for name in ("okapi", "quagga_foo"))
    assert named.matches[0].confidence > 0.8
    assert other.matches[0].confidence < 0.65


def test_the_name_in_front_may_be_in_the_other_case():
    call = message("ZEBRAVM: %s", "security/zebravm/main.c", module=None)
    found = answer("[    1.234567] zebravm: savanna.okapi", call)
    assert (found.verdict, found.matches[0].message) == ("fuzzy", call)
    assert found.matches[0].values[0].value == "savanna.okapi"
    assert found.matches[0].confidence < 0.8
    assert answer("[    1.234567] Zebravm: savanna.okapi", call).verdict == "none"
    assert answer("[    1.234567] zebravm: a sentence with walrus and oysters of no message", call).verdict == "none"
