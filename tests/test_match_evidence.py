"""Lines that fit a text by chance: names, machines, resources and opposites speak for and against an answer."""

import pytest

from ksrcfind.match.evidence import opposite_bits, prefix_bits, resource_bits
from ksrcfind.match.origin import Origin
from test_match import answer, message

DEVICE = ["dev_driver_string(dev)", "dev_name(dev)"]


def of_driver(text, path, module, *more, line=10):
    """A message as dev_info() prints it."""
    return message(f"%s %s: {text}", path, line, module=module, arguments=[*DEVICE, *more])


def first(found):
    """Path of the first match."""
    return found.matches[0].message.path


def test_values_behind_a_name_do_not_explain_a_sentence():
    row = message("%s [<%016lx>] %pSR", "arch/zoo/kernel/stack.c", module="zoo")
    assert answer("something odd [<ffffffff812ab8f4>] seq_read+0x44/0x430", row).verdict == "none"
    assert answer("okapi [<ffffffff812ab8f4>] seq_read+0x44/0x430", row).matches


def prefixed(general, words):
    """A general text behind a prefix that many messages have, and these."""
    prefix = general.rpartition(": ")[0] + ": "
    many = [message(f"{prefix}{word}", "fs/zebrafs/super.c", 100 + n) for n, word in enumerate(words)]
    return [message(general, "fs/zebrafs/message.c", 7, module="zebrafs"), *many]


TEXTS = [f"stripe{chr(97 + n // 26)}{chr(97 + n % 26)} counted wrongly" for n in range(60)]


@pytest.mark.parametrize("general", ["%sZEBRA-fs (%s): %pV", "Zebrafs: %s: %.*s", "Zebrafs (%s): %s"])
def test_any_text_behind_a_shared_prefix_is_no_exact_answer(general):
    messages = prefixed(general, TEXTS)
    line = general.removeprefix("%s").rpartition(": ")[0].replace("%s", "sda1") + ": any words at all"
    found = answer(line, *messages)
    assert (found.verdict, found.reason.code, first(found)) == ("none", "any_text", "fs/zebrafs/message.c")
    assert found.matches[0].confidence < 0.3
    special = line.rpartition(": ")[0] + ": stripeab counted wrongly"
    assert (answer(special, *messages).verdict, first(answer(special, *messages))) == ("exact", "fs/zebrafs/super.c")


def test_a_text_that_drifted_of_other_code_does_not_explain_a_prefixed_line():
    other = message("Load: any words at %04x", "drivers/zoo/isar.c", module="isar")
    found = answer("Zebrafs (sda1): any words at all", *prefixed("Zebrafs (%s): %s", TEXTS), other)
    assert (found.verdict, found.reason.code) == ("none", "any_text")


def test_a_text_that_tells_little_is_of_no_other_driver():
    weak = of_driver("IRQ %s not found", "drivers/zoo/zoo-okapi.c", "zoo_okapi", "name")
    assert answer("zoo-okapi 16030000.zoo: IRQ left not found", weak).matches
    assert answer("quagga-mac 16030000.ethernet: IRQ left not found", weak).verdict == "none"
    # Libraries and subsystems print for all drivers, and a bus stands for a device without a driver.
    library = of_driver("IRQ %s not found", "drivers/zoo/zoo-core.c", "zoo_core", "name")
    assert answer("quagga-mac 16030000.ethernet: IRQ left not found", library).matches
    assert answer("platform 16030000.ethernet: IRQ left not found", weak).matches


def test_words_shared_with_the_path_settle_equal_texts():
    intel = of_driver("herd counted", "sound/soc/zoo/okapi/dsp.c", "snd_zoo_okapi")
    amd = of_driver("herd counted", "sound/soc/zoo/eland/acp.c", "snd_zoo_eland")
    found = answer("zoo-audio-pci-okapi-tgl 0000:00:1f.3: herd counted", amd, intel)
    assert (first(found), found.rivals) == ("sound/soc/zoo/okapi/dsp.c", 0)
    assert prefix_bits(["xzoo_hcd"], Origin.of(of_driver("x", "drivers/usb/xzoo-pci.c", "xzoo_pci"))) > 0


def test_of_equal_texts_the_usual_machine_comes_first():
    rare = message("Grazing Offset: disabled", "arch/arm64/kernel/setup.c", 4)
    usual = message("Grazing Offset: disabled", "arch/x86/kernel/setup.c", 8)
    found = answer("Grazing Offset: disabled", rare, usual)
    assert (first(found), found.rivals) == ("arch/x86/kernel/setup.c", 1)


FAULT = "Unable to handle zebra {} at virtual address %08lx"


def test_a_rare_machine_gives_way_to_a_usual_one_with_the_text_in_a_variable():
    rare = message(FAULT.format("NULL pointer dereference in the herd"), "arch/nios2/mm/fault.c", 4)
    usual = message(FAULT.format("%s"), "arch/arm/mm/fault.c", 8)
    found = answer(
        "Unable to handle zebra NULL pointer dereference in the herd at virtual address 00000208", rare, usual
    )
    assert (first(found), found.rivals, found.matches[0].confidence < 0.8) == ("arch/arm/mm/fault.c", 1, True)


def test_a_machine_of_32_bits_prints_no_longer_address():
    small = message(FAULT.format("%s"), "arch/sh/mm/fault.c", 4)
    line = "Unable to handle zebra paging request at virtual address {}"
    assert answer(line.format("ffffffff"), small).verdict == "exact"
    assert answer(line.format("ffffffffffffffff"), small).verdict == "none"
    # Padded to 16 digits, it is an address of 64 bits too; the number need not be a value of the text.
    assert answer(line.format("0000000000000008"), small).verdict == "none"
    wide = message("zebra stripes from %016llx: %s", "arch/sh/mm/fault.c", 5)
    assert answer("zebra stripes from 0000000000000008: none", wide).verdict == "exact"


def test_a_text_whose_values_speak_against_it_is_not_similar_either():
    small = message("zebra: unable to graze savanna request at %08lx", "arch/sh/mm/fault.c", 4)
    assert answer("zebra: unable to graze savanna request at ffff8800dead", small).verdict == "none"


def test_a_rare_machine_alone_is_not_sure_of_few_words():
    found = answer("quagga fault at zoo", message("quagga fault at %s", "arch/sh/mm/fault.c"))
    assert found.matches[0].confidence <= 0.75
    similar = answer("quagga fault in zoo", message("quagga fault in the zoo at %s", "arch/sh/mm/fault.c"))
    assert similar.matches[0].confidence <= 0.3


def test_one_word_and_a_number_are_no_part_of_a_text():
    assert answer("anonymised 1062739968", message(" = t [anonymised %x]", "fs/zoo/security.c")).verdict == "none"
    listed = message("ZEBRASAVE ", "arch/x86/zoo.c", level="cont")
    assert answer("x86/zoo: Supportng ZEBRASAVE feature 0x001: 'okapi registers'", listed).verdict == "none"


def test_a_piece_of_two_texts_is_of_both():
    short = message("(%s): herd lost its zebra stripes", "fs/okapi/journal.c", 3)
    long = message("Quagga error (device %s) in %s:%d: herd lost its zebra stripes", "fs/quagga/journal.c", 9)
    found = answer("herd lost its zebra stripes", short, long)
    assert found.rivals == 1
    assert len({match.confidence for match in found.matches}) == 1


def test_the_function_says_which_resource_it_deals_with():
    window = "%s %s:   bridge window %pR"
    kinds = ("io", "mmio", "mmio_pref")
    crowd = [
        message(window, "drivers/pci/zoo.c", 10 * n, function=f"zoo_read_bridge_{kind}", arguments=[*DEVICE, "res"])
        for n, kind in enumerate(kinds, 1)
    ]
    for value, function in (
        ("[mem 0xf6000000-0xf63fffff]", "zoo_read_bridge_mmio"),
        ("[mem 0xfd200000-0xfd3fffff 64bit pref]", "zoo_read_bridge_mmio_pref"),
        ("[io  0x1000-0x1fff]", "zoo_read_bridge_io"),
    ):
        found = answer(f"pci 0000:00:03.0:   bridge window {value}", *crowd)
        assert (found.matches[0].message.function, found.rivals) == (function, 0)
    assert resource_bits(["[dma 2]"], message("%pR", function="add_resource")) == 0


def test_the_opposite_speaks_against_a_text_that_drifted():
    words = frozenset({"herd", "going", "down"})
    assert opposite_bits(frozenset({"herd", "going", "up"}), words) < 0
    assert opposite_bits(frozenset({"herd", "going", "up", "down"}), words) == 0
    down = message("zebra stripes of the herd are going down today", "drivers/zoo/herd.c")
    assert answer("zebra stripes of the herd is going down today", down).matches[0].confidence > 0.5
    assert answer("zebra stripes of the herd is going up today", down).matches[0].confidence < 0.5


def test_a_class_in_front_of_values_names_its_code():
    text = message(
        "%s %s: %s as %s", "drivers/media/rc/rc-main.c", module="rc_core", arguments=[*DEVICE, "name", "path"]
    )
    line = "{} x0: vc4 as /devices/platform/soc/3f902000.hdmi/x0"
    assert answer(line.format("rc"), text).verdict == "exact"
    assert answer(line.format("quagga"), text).verdict == "none"


def test_texts_of_which_neither_is_a_part_of_the_other_are_not_partial():
    text = message("%s: Outcome: hoofbyte=%s zebrabyte=ZEBRA_OK", "drivers/zoo/sd.c")
    assert answer("Outcome: hoofbyte=0x00 zebrabyte=0x08", text).verdict in ("fuzzy", "none")
    assert answer("Outcome: hoofbyte=0x00 zebrabyte=ZEBRA_OK", text).verdict == "partial"


def test_a_module_named_after_its_directory_prints_for_the_drivers_there():
    shared = message(
        "%s %s: %sZebra Key : %s",
        "drivers/zoo/zoo_logging.c",
        module="zoo_mod",
        arguments=[*DEVICE, "buffer", "buffer"],
    )
    alone = message(
        "%s %s: %sZebra Key : %s", "drivers/zoo/okapi.c", module="okapi", arguments=[*DEVICE, "buffer", "buffer"]
    )
    line = "sd 0:0:0:0: [sda] tag#0 Zebra Key : Medium"
    assert answer(line, shared).matches[0].message == shared
    assert answer(line, alone).verdict == "none"


def test_numbered_letters_are_values_as_often_as_words():
    registers = message("%s %s:   z1=%08x z2=%08x z3=%08x z4=%08x", "drivers/zoo/dump.c", level="debug")
    assert answer("[    1.234567]  zebra0n1: z1 z2 z3", registers).verdict == "none"
    assert answer("zoo 1-1:   z1=00000001 z2=00000002 z3=0000000a z4=ffffffff", registers).verdict == "exact"
