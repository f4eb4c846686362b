"""Which of several messages is the answer: a general text or a special one, a driver's call or a library's."""

import msgspec
import pytest

from ksrcfind.match.body import Body
from ksrcfind.match.reasons import unexplained
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.printed_lines import ALONE, Continuation, printed_lines
from test_match import answer, message

GENERAL = message("zebrafs error (device %s): %s:%d: herd #%lu: %pV", "fs/zebrafs/super.c", 800, module="zebrafs")
SPECIAL = message(
    "zebrafs error (device %s): __find_stripe:%d: herd #%lu: reading stripes of pasture %lu",
    "fs/zebrafs/namei.c",
    100,
    module="zebrafs",
)


def test_a_text_that_drifted_is_told_from_the_general_one_that_passes_it_on():
    # The function has been renamed since: the line fits the general text only.
    line = "zebrafs error (device sda1): find_stripe:99: herd #2: reading stripes of pasture 0"
    assert answer(line, GENERAL, SPECIAL).matches[0].message == SPECIAL
    assert answer(line, GENERAL).matches[0].message == GENERAL


def test_a_text_that_is_quoted_whole_does_not_take_the_line_from_the_one_that_quotes_it():
    end = message("---[ end zebra stampede: %s ]---", "kernel/zebra.c", 400)
    quoted = message("zebra stampede: unable to count stripes on savanna(%u,%u)", "init/savanna.c", 7)
    line = "---[ end zebra stampede: unable to count stripes on savanna(179,1) ]---"
    assert answer(line, end, quoted).matches[0].message == end


def test_two_words_at_the_end_do_not_take_a_line_of_another_version():
    short = message("%s wandered off", "drivers/zoo/selftest.c", 3)
    drifted = message("STRIPE WATCHDOG: cage: %d: feeding queue %u wandered off %u ms", "net/zebra/sch.c", 500)
    line = "STRIPE WATCHDOG: cage7 (okapi): feeding queue 0 wandered off"
    assert answer(line, short, drifted).matches[0].message == drifted
    assert answer("okapi wandered off", short, drifted).matches[0].message == short


def test_signs_and_values_do_not_stand_for_any_text_between_them():
    listed = message("%s %s: %s %pR", "drivers/zoo/probe.c", module="zoo")
    assert (
        answer("zoo 0000:00:1c.4: window 14: no space left for [mem 0xf8000000-0xf80fffff]", listed).verdict == "none"
    )
    assert answer("zoo 0000:00:1c.4: [mem 0xf8000000-0xf80fffff]", message("%s %s: %pR", module="zoo")).matches


DRIVER = ["dev_driver_string(dev)", "dev_name(dev)", "netdev_name(dev)", "netdev_reg_state(dev)"]


def test_a_librarys_text_is_meant_where_another_driver_is_named():
    vendor = message(
        "%s %s %s%s: Stripes are Up - %s/Full - herd %s",
        "drivers/net/ethernet/okapi/okapi_mdio.c",
        module="okapi",
        arguments=[*DRIVER, "speed", "herd"],
    )
    library = message(
        "%s %s %s%s: Stripes are Up - %s/%s - herd %s",
        "drivers/net/zebra/zebra.c",
        module="libzebra",
        arguments=[*DRIVER, "speed", "duplex", "herd"],
    )
    line = "{} 0000:02:00.0 eth0: Stripes are Up - 1Gbps/Full - herd rx/tx"
    assert answer(line.format("quagga"), vendor, library).matches[0].message == library
    assert answer(line.format("okapi"), vendor, library).matches[0].message == vendor
    # What stands behind a dot says what a device is, not who drives it.
    node = "quagga_emac fe300000.ethernet eth0: Stripes are Up - 1Gbps/Full - herd off"
    assert answer(node, vendor, library).matches[0].message == library
    assert answer(line.format("quagga"), vendor).matches[0].message == vendor


def test_a_part_of_a_line_is_not_taken_for_all_that_drifted():
    part = message("%s %s: cage %d load %d timeout", "drivers/zoo/rdma.c", 7, module="zoo_rdma")
    drifted = message("%s %s: cage %d (%s) load %d timeout, aborting", "drivers/zoo/pci.c", 9, module="zoo")
    line = "zoo zoo0: cage 123 load 4 timeout, aborting request"
    assert answer(line, part, drifted).matches[0].message == drifted


def test_a_line_that_another_function_goes_on_in():
    begun = message("%s: [herd %#018Lx-%#018Lx] ", "arch/zoo/fence.c", 10, function="fence_print")
    begun = msgspec.structs.replace(begun, format="%s: [herd %#018Lx-%#018Lx] ")
    kinds = [
        msgspec.structs.replace(
            message(text, "arch/zoo/fence.c", line, function="fence_print_kind", level="cont"), format=text
        )
        for line, text in ((30, "grazed"), (31, "resting pasture"))
    ]
    line = "ZOO-f820: [herd 0x0000000000000000-0x000000000009fbff] {}"
    assert answer(line.format("grazed"), begun, *kinds).matches[0].message == begun
    assert answer(line.format("resting pasture"), begun, *kinds).matches[0].message == begun
    assert {answer(line.format(kind), begun, *kinds).verdict for kind in ("grazed", "resting pasture")} <= {
        "exact",
        "partial",
    }


def test_a_function_of_another_file_is_not_known_to_go_on():
    begun = message("zoo: cage0: ", "arch/zoo/fence.c", 10, function="fence_print")
    begun = msgspec.structs.replace(begun, format="cage0: ")
    other = message("striped", "arch/zoo/other.c", 30, function="other_print", level="cont")
    lines = [next(printed_lines((begun, other), place)) for place in range(2)]
    assert [line.joins for line in lines] == [ALONE, Continuation(before=True, after=False)]


class WholeTree(MemoryIndex):
    """Knows that nothing else is in the tree."""

    def knows(self, name):
        return name == "zebra"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("zoodrv: stripes p1 p2", "module_not_in_tree"),
        ("zoo8168: stripes p1 p2", "module_not_in_tree"),
        ("zoodrv 0000:00:1f.2: stripes", "module_not_in_tree"),
        ("zebra: stripes p1 p2", "nothing_alike"),
        ("zoo0n1: stripes p1 p2", "nothing_alike"),
        ("zoo12: stripes p1 p2", "nothing_alike"),
    ],
)
def test_a_device_is_no_module_that_the_tree_lacks(line, code):
    index = WholeTree([message("stripes counted twice", "drivers/zoo/zebra.c")])
    assert unexplained(Body.of(line), index).code == code


def test_a_line_that_only_fits_what_takes_any_text():
    general = message("zebrafs (%s): %pV", "fs/zebrafs/message.c", 20, module="zebrafs")
    host = message("device failed: %s", "drivers/zoo/hosts.c", 30)
    found = answer("device failed: quagga", general, host)
    assert (found.verdict, found.reason.code) == ("none", "any_text")
    assert "drivers/zoo/hosts.c:30" in found.reason.text
    assert answer("lone quagga", general, host).reason.code == "no_words"


def test_a_driver_called_like_the_prefix_and_more_is_meant():
    own = message("%s %s: stripes timed out", "drivers/zoo/zoo-okapi-master.c", module="zoo_okapi_core")
    other = message("%s %s: stripes timed out", "drivers/zoo/zoo-quagga-master.c", module="zoo_quagga")
    assert answer("zoo_okapi 80860F41:00: stripes timed out", other, own).matches[0].message == own
    assert answer("zoo_okapi 80860F41:00: stripes timed out", other, own).rivals == 0


def test_a_row_of_a_value_and_a_name_is_its_drivers():
    row = message("%s %s: 0x%08X | %-28s", "drivers/zoo/zoo/dump.c", module="zoo")
    assert answer("zoo 0000:00:14.3: 0x00000034 | STRIPE_INTERRUPT", row).matches[0].message == row


def test_code_that_hardly_runs_anywhere_gives_way_to_a_general_text():
    rare = message("%s %s: reg 0x%x: %pR", "arch/sparc/kernel/zoo.c", module="zoo")
    general = message("%s %s: %s %pR", "drivers/zoo/probe.c", module="zoo")
    line = "zoo 0000:00:02.0: reg 0x20: [io  0xe000-0xe03f]"
    assert answer(line, rare, general).matches[0].message == general
    alone = answer(line, rare).matches[0]
    assert (alone.message, alone.confidence < 0.1) == (rare, True)
    # What tells much is nobody else's, however rare its machine.
    distinct = message("quagga herd counted zebra stripes %d times", "arch/sparc/kernel/zoo.c")
    assert answer("quagga herd counted zebra stripes 7 times", distinct).matches[0].confidence > 0.9


def test_a_text_reworded_in_another_order_is_found_by_all_its_words_and_values():
    now = message("%s %s: %s %pR: assigned", "drivers/zoo/setup.c", 365, module="zoo")
    crowd = [
        message(f"window BAR {number} mem {name}", f"drivers/{name}/x.c", number, module=name)
        for number, name in enumerate(("okapi", "quagga", "eland") * 30)
    ]
    found = answer("zoo 0000:00:1d.0: BAR 13: assigned [mem 0x2000000000-0x20001fffff 64bit pref]", now, *crowd)
    assert (found.verdict, found.matches[0].message) == ("fuzzy", now)
    # A value of another shape is none of its.
    assert answer("zoo 0000:00:1d.0: BAR 13: assigned 7", now).verdict == "none"


def test_a_text_that_goes_on_where_the_line_is_cut_comes_before_any_text():
    passed_on = message("Zebra stampede - not grazing: %s", "kernel/zebra.c", 100)
    own = message("Zebra stampede - not grazing: Attempted to count stripes at night", "kernel/count.c", 200)
    assert answer("Zebra stampede - not grazing: Attempted t", passed_on, own).matches[0].message == own
    assert answer("Zebra stampede - not grazing: Attempted x", passed_on, own).matches[0].message == passed_on
    # Here nothing is cut off, and the text is quoted whole.
    quoted = message("Attempted", "kernel/count.c", 300)
    assert answer("Zebra stampede - not grazing: Attempted", passed_on, quoted).matches[0].message == passed_on


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("zebra: attempted to cou", True),
        ("zebra: attempted t", True),
        ("zebra: attempted to count", False),
        ("zebra: attempted to count.", False),
        ("zebra: attempted to count wlan0", False),
        ("", False),
    ],
)
def test_a_line_is_cut_where_it_ends_with_letters_that_are_no_known_word(text: str, cut: bool):
    assert Body.of(text).is_cut(frozenset({"zebra", "attempted", "to", "count"})) is cut


def test_a_likeness_that_explains_less_than_it_leaves_gives_way_to_a_reworded_text():
    like = message("Bluetooth: %s: ZEB: loading %s", "drivers/zoo/load.c", 7)
    reworded = message(
        "Bluetooth: %s: ZEB: examining zoo_ver=%02x zoo_rev=%04x cage_ver=%02x pasture=%04x", "drivers/zoo/savanna.c", 9
    )
    line = "Bluetooth: hci0: zeb: examining zoo_ver=06 zoo_rev=000b cage_ver=06 pasture=8723"
    assert answer(line, like).matches[0].message == like
    assert answer(line, like, reworded).matches[0].message == reworded


def test_a_piece_that_other_calls_join_is_not_trusted_where_most_of_the_line_is_unexplained():
    pieces = [
        message("zebra cage %d herd %d", "net/zebra/log.c", 7, function="log_all"),
        message(" okapi=%d quagga=%d", "net/zebra/log.c", 20, function="log_all", level="cont"),
    ]
    tail = "okapi=1 quagga=2"
    head = "[GATE SHUT] IN=eth0 OUT= PEN=aa FROM=savanna TO=pasture LEN=40 KIND=stripes FLOCK=birds "
    found = answer(head + tail, *pieces)
    assert found.matches == () or found.matches[0].confidence < 0.5
    assert answer("zebra cage 1 herd 2 " + tail, *pieces).matches[0].confidence > 0.9


def test_few_common_words_behind_the_name_of_other_code_is_no_answer():
    text = message("%s: initialized", "drivers/zoo/gate.c", 7, module="zebra_gate")
    found = answer("okapi: initialized", text)
    assert found.verdict == "none"
    assert found.reason is not None
    assert found.reason.code == "any_text"
    assert found.matches[0].confidence < 0.5
    # The driver's own name, a device's name, and a rare word count.
    assert answer("zebra_gate: initialized", text).verdict == "exact"
    assert answer("eth0: initialized", text).verdict == "exact"
    longer = message("%s: initialized stripes", "drivers/zoo/gate.c", 7, module="zebra_gate")
    assert answer("okapi: initialized stripes", longer).verdict == "exact"
    # Two common words are as weak; three of them, or a value, are not.
    common = message("%s: initialized successfully", "drivers/zoo/gate.c", 7, module="zebra_gate")
    assert answer("okapi: initialized successfully", common).verdict == "none"
    assert answer("zebra_gate: initialized successfully", common).verdict == "exact"
    three = message("%s: device probe failed", "drivers/zoo/gate.c", 7, module="zebra_gate")
    assert answer("okapi: device probe failed", three).verdict == "exact"
    valued = message("%s: probe failed: %04x", "drivers/zoo/gate.c", 7, module="zebra_gate")
    assert answer("okapi: probe failed: 00ef", valued).verdict == "exact"


GATE = "zoo%u: gate {} (ZStatus %X ZControl %X)"


@pytest.mark.parametrize(
    ("prefix", "path"), [("", "drivers/zoo/libzoo-core.c"), ("gnu_okapi 0000:00:1f.2: ", "drivers/zoo/gnu_okapi.c")]
)
def test_the_text_of_a_driver_is_the_answer_only_if_the_line_names_the_driver(prefix, path):
    library = message(GATE.format("open %s"), "drivers/zoo/libzoo-core.c", 90, module="libzoo")
    driver = message(("%s %s: " if prefix else "") + GATE.format("open 1.5 Gbps"), "drivers/zoo/gnu_okapi.c", 3)
    line = f"{prefix}zoo1: gate open 1.5 Gbps (ZStatus 113 ZControl 300)"
    assert answer(line, library, driver).matches[0].message.path == path


def test_a_driver_that_the_line_does_not_name_comes_behind_a_library_with_the_same_text():
    driver = message("grazing in %s", "drivers/zoo/gnu_okapi.c", 3, module="gnu_okapi")
    library = message("grazing in %s", "drivers/zoo/zoo-core.c", 90, module="zoo")
    assert answer("zoo1: grazing in SAVANNA/133", driver, library).matches[0].message == library
    assert answer("gnu_okapi: grazing in SAVANNA/133", driver, library).matches[0].message == driver


def test_general_code_comes_before_that_of_one_machine():
    text = "8<---[ zebra here ]---"
    general, machine = message(text, "kernel/zebra.c"), message(text, "arch/x86/kernel/traps.c")
    found = answer(text, machine, general)
    assert (found.matches[0].message, found.rivals) == (general, 1)


def test_a_text_that_goes_on_behind_a_value_comes_behind_one_that_ends_there():
    longer = message("%s %s: grazed stripe version: %u.%u.%u.%u", "drivers/zoo/a.c")
    ended = message("%s %s: grazed stripe version: %s", "drivers/zoo/b.c")
    assert answer("grazed stripe version: 22.361476.0", longer, ended).matches[0].message == ended


def test_a_line_that_is_cut_off_behind_a_value_is_found_behind_another_name():
    call = message("%s error, dev %s, sector %llu op 0x%x:(%s) flags 0x%x hoofs %u shade class %u", "block/zoo.c")
    found = answer("old_graze_request: I/O error, dev sda, sector 12345", call)
    assert [match.message for match in found.matches] == [call]


def test_code_with_the_name_of_its_directories_serves_all_drivers_there():
    other = message("%s %s: animal disconnected", "drivers/bolt/switch.c", module="okapi_bolt")
    library = message("%s %s: animal disconnected", "drivers/pen/ape/penape.c", module="penape")
    assert answer("quagga_sio 1-7:1.0: animal disconnected", other, library).matches[0].message == library
    # A driver may have the name of its own directory.
    alone = message("%s %s: animal disconnected", "drivers/pen/zebra/zebra.c", module="zebra")
    assert answer("quagga_sio 1-7:1.0: animal disconnected", other, alone).rivals == 1


def test_the_pieces_that_one_call_puts_together_count_together():
    sums = ("stripesum=ZEBRA_OK", "savannasum=QUAGGA_OK", "grasssum=OKAPI_OK")
    pieces = [f"%s %s: %s {piece} %s" for piece in sums] + ["%s %s: %s herd_age=%lus"]
    buffer = message("%s %s: %s", "drivers/zoo/logging.c", 9)
    buffer = msgspec.structs.replace(buffer, forms=tuple(message(piece).forms[0] for piece in pieces))
    whole = message("%s %s: %s: " + " ".join(sums), "drivers/zoo/zebra.c", 3)
    found = answer(f"sd 2:0:0:0: [sdb] tag#0 TIRED {' '.join(sums)} herd_age=0s", buffer, whole)
    assert (found.matches[0].message.path, found.verdict) == ("drivers/zoo/logging.c", "exact")
    assert found.matches[0].confidence > 0.9
    assert answer(f"sd 2:0:0:0: TIRED: {' '.join(sums)}", buffer, whole).matches[0].message == whole


@pytest.mark.parametrize(
    "line", ["sda: sda1 sda2 < sda5 sda6 >", "zebrablk0: p1 p2 p3", "nvme0n1: p1", "nvme0n1: p1 p2 p3 p4"]
)
def test_a_list_of_partitions_is_of_no_format_of_values(line):
    card = message("zebrablk%u%s: %s %s %s", "drivers/zebra/block.c", module="zebra_block")
    dump = message("%s %s:   p1=%08x p2=%08x p3=%08x p4=%08x", "drivers/zoo/dump.c")
    found = answer(f"[    1.234567]  {line}", card, dump)
    assert (found.verdict, found.reason.code) == ("none", "no_words")
    assert answer("[    1.234567] zebrablk0: zebra0:aaaa SU08G 7.40 GiB", card, dump).verdict == "exact"
    assert answer("[    1.234567] zebra: zebra0 grazes", message("zebra: %s grazes")).verdict == "exact"
