"""Lines that only one architecture prints tell whose code the other lines of their boot are of."""

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.matched_row import match_rows
from ksrcfind.log.line import read_line
from ksrcfind.log.records import Row
from ksrcfind.match.matcher import Matcher
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.message import Argument, Form, Message


def message(path, printed):
    arguments = (Argument("%x", "value"),) if "%x" in printed else ()
    return Message(path, 1, 1, "f", "pr_info", "info", None, printed, (Form(printed, arguments),), ())


INDEX = MemoryIndex(
    [
        message("arch/riscv/kernel/smp.c", "frobnicator hart enabled with weight %x"),
        message("arch/riscv/kernel/sbi.c", "frobnicator firmware quirk wobbles at %x"),
        message("arch/riscv/mm/init.c", "frobnicator pages interleaved below %x"),
        message("arch/riscv/kernel/traps.c", "oscillator register tumbles %x"),
        message("arch/x86/kernel/traps.c", "oscillator register tumbles %x"),
        message("arch/sparc/kernel/traps.c", "kaleidoscope gasket leaks at %x"),
        message("drivers/base/dd.c", "gearbox misaligned by %x degrees"),
    ]
)
RISCV = [
    "frobnicator hart enabled with weight 5",
    "frobnicator firmware quirk wobbles at 80",
    "frobnicator pages interleaved below 90",
]
SHARED = "oscillator register tumbles ff"


def paths(*lines):
    """File of the first match of each line."""
    matcher = Matcher(INDEX)
    rows = [Row("a.log", number, read_line(line)) for number, line in enumerate(lines, 1)]
    found = [item.answer for item in match_rows(rows, AnswerCache(matcher.answer))]
    return [answer.matches[0].message.path if answer.matches else None for answer in found]


def test_once_the_machine_is_known_its_own_code_goes_first():
    assert paths(SHARED)[-1] == "arch/x86/kernel/traps.c"
    assert paths(*RISCV, SHARED)[-1] == "arch/riscv/kernel/traps.c"


def test_two_lines_are_not_enough():
    assert paths(*RISCV[:2], RISCV[1], SHARED)[-1] == "arch/x86/kernel/traps.c"


def test_code_of_any_architecture_is_as_likely_as_before():
    assert paths(*RISCV, "gearbox misaligned by 3 degrees")[-1] == "drivers/base/dd.c"


def test_logs_of_several_machines_in_one_tell_nothing():
    mixed = [*RISCV, "kaleidoscope gasket leaks at 7"]
    assert paths(mixed[3], *RISCV, SHARED)[-1] == "arch/x86/kernel/traps.c"


def test_another_boot_may_be_another_machine():
    first = [f"[  100.000000] {line}" for line in RISCV]
    assert paths(*first, f"[  101.000000] {SHARED}")[-1] == "arch/riscv/kernel/traps.c"
    assert paths(*first, f"[    0.100000] {SHARED}")[-1] == "arch/x86/kernel/traps.c"
