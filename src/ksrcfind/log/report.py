"""Recognise the rows of the kernel's reports: headlines, stacks, registers, dumps, and the rows around them.

`row_kind` recognises rows that consist of values only (a stack entry is `%pS`, a dump row `%02x` over and over): their
format has no words, so no call can be found for them. `is_report_row` also recognises rows with words ("Call Trace:",
"RIP: …", "Modules linked in:"), whose calls can be found; `events` uses it to group the rows of a report.

The tables below have the beginnings of rows by the source file that prints them. A new kind of report needs its
headline in `_HEADLINE` and its other rows in `_REPORT`.

Sources: lib/hexdump.c, mm/kasan/report.c, mm/slub.c, arch/*/kernel/{dumpstack,process,traps,stacktrace}.c of Linux 6.1,
scripts/decode_stacktrace.sh.
"""

import re
from enum import StrEnum

from msgspec import Struct

from ksrcfind.regex import regex


class RowKind(StrEnum):
    """What a row of a report consists of."""

    STACK = "stack"
    """An address of code, by name or number: ` ? foo+0x1/0x2 [module]`."""
    REGISTERS = "registers"
    """Registers and their values."""
    DUMP = "dump"
    """Bytes of memory."""
    CODE = "code"
    """Bytes of code, with `Code:` in front."""
    TASK = "task"
    """A task's name, state, ids and flags, as sched_show_task() printed them before 5.11."""


_OFFSET = r"\+0x[0-9a-f]{1,16}/0x[0-9a-f]{1,16}"
_SYMBOL = rf"[A-Za-z_.$][\w.$]{{0,200}}+{_OFFSET}"
# A module may come with its build id.
_MODULE = r"(?: \[[\w-]{1,64}(?: [0-9a-f]{40})?\])?"
_ADDRESS = r"(?:\[<[0-9a-f]{8,16}>\] ?|\[[0-9a-f]{8,16}\] ?)"
_STACK = regex(
    rf"\s{{0,64}}+(?:\? )?{_ADDRESS}{{0,2}}(?:\? )?\(?{_SYMBOL}\)?{_MODULE}"
    rf"(?: ?\((?:unreliable|{_SYMBOL}{_MODULE}|[A-Z]{{1,3}})\))?(?: [\w./-]{{1,200}}:\d{{1,6}}(?: \[inline\])?)?\s*+$"
    # What decode_stacktrace.sh makes of an inlined function.
    r"|\s{1,64}+(?:\? )?[A-Za-z_]\w{0,200} [\w./-]{1,200}\.[chSs]:\d{1,6} \[inline\]$"
    # 32-bit Arm unwinds pairs.
    rf"|\s{{0,64}}+{_ADDRESS}?\(?[A-Za-z_][\w.]{{0,200}}\)? from {_ADDRESS}?\(?{_SYMBOL}\)?{_MODULE}$"
    rf"|\s{{0,64}}+{_ADDRESS}{{1,2}}(?:\? )?(?:0x[0-9a-f]{{1,16}}|{_ADDRESS})?\s*+$"
    r"|\s{1,64}+(?:\? )?0x[0-9a-f]{8,16}\s*+$"
)

_REGISTER = (
    r"(?:[RE]?(?:[ABCD]X|SI|DI|[BSI]P)|R\d{1,2}|[CDEFGS]S|knlGS|EFLAGS|ORIG_[RE]AX|[CD]R\d|PKRU|x\d{1,2}|r\d{1,2}|"
    r"pc|lr|sp|ip|fp|psr|xPSR|pstate|pmr_save|epc|ra|gp|tp|[ast]\d{1,2}|status|badaddr|cause|GPR\d\d|NIP|LR|CTR|REGS|"
    r"TRAP|MSR|CR|XER|CFAR|DAR|DSISR|DEAR|ESR|IRQMASK|SOFTE|PACATMSCRATCH|(?:Krnl|User) (?:GPRS|PSW|ACRS)|\$ ?\d{1,2}|"
    r"Hi|Lo|Acx|Status|Cause|BadVA|era|crmd|prmd|euen|ecfg|estat)"
)
_VALUE = rf"(?:\[<)?(?:[0-9a-f]{{2,8}}:)?(?:0x)?[0-9a-f]{{2,16}}(?:>\])?(?:\([0-9a-f]{{1,8}}\))?(?: {_SYMBOL})?"
_REGISTERS = regex(
    rf"\s{{0,64}}+(?:{_REGISTER}\s{{0,4}}:\s{{0,6}}{_VALUE}(?:\s{{1,6}}[0-9a-f]{{8,16}}){{0,7}}\s{{0,6}}){{1,8}}"
    r"(?:[(<][^)>]{0,80}[)>]\s{0,4}(?:CR: [0-9a-f]{8}\s+XER: [0-9a-f]{8}\s*+)?)?$"
    # LoongArch writes no colons; s390 and PowerPC continue with values only.
    r"|\s{0,64}+(?:(?:pc|ra|tp|sp|[ast]\d|fp|u0|r\d\d) [0-9a-f]{16}\s{0,3}){2,5}$"
    r"|\s{0,64}+[0-9a-f]{16}(?:\s[0-9a-f]{16}){1,3}\s*+$"
    rf"|\s{{0,64}}+(?:pc|lr|epc|ra) : {_SYMBOL}{_MODULE}\s*+$"
)

_AS_TEXT = r"(?: {0,99}\S.{0,32})?$"
_PLACE = r"(?:0x)?[0-9a-f]{8,16}: "


def _groups(digits: str, fewest: int, most: int) -> str:
    return rf"(?:{digits}(?: {{1,2}}|$)){{{fewest},{most}}}"


_WORDS = "(?:[0-9a-f]{4}|[0-9a-f]{8}|[0-9a-f]{16})"
_DUMP = regex(
    # print_hex_dump() and its like: an offset or address, then bytes or words of 2, 4 or 8, perhaps the same as text.
    rf"\s{{0,64}}+>?{_PLACE}(?:{_groups('[0-9a-f]{2}', 1, 33)}|{_groups(_WORDS, 1, 16)}){_AS_TEXT}"
    # With other text in front, the row must leave no doubt.
    rf"|.{{1,100}}?[\s:]{_PLACE}(?:{_groups('[0-9a-f]{2}', 4, 33)}|{_groups(_WORDS, 3, 16)}){_AS_TEXT}"
    # Without an offset.
    rf"|\s{{0,64}}+{_groups('[0-9a-f]{2}', 8, 33)}{_AS_TEXT}"
    # arm and arm64 dump exception stacks with the last digits of the address, and leave out words in front.
    rf"|\s{{0,64}}+[0-9a-f]{{4}}: {{1,90}}{_groups('(?:[0-9a-f]{8}|[0-9a-f]{16})', 2, 8)}$"
    # KASAN points at a byte.
    r"|\s{8,120}\^$"
)
# The name is padded, "%-15.15s %c"; before 4.x, the address where the task sleeps comes behind the state.
_TASK = regex(
    r"\S.{0,14} [RSDTtXZPIKW](?: (?:[0-9a-f]{8}|[0-9a-f]{16}) )? {0,6}\d{1,6} {1,6}\d{1,10} {1,6}\d{1,10} "
    r"0x[0-9a-f]{8,16}(?: \d{1,20})?\s*+$"
)
_CODE = regex(r"(?:\S{1,64}\[\d{1,10}\]: )?[Cc]ode:(?: [<(]?[0-9a-f]{2,8}[>)]?){2,80}\s*+$")


def row_kind(body: str) -> RowKind | None:
    """Return the kind of a row that consists of values only; None for rows with words."""
    if _STACK.match(body):
        return RowKind.STACK
    if _REGISTERS.match(body):
        return RowKind.REGISTERS
    if "ode: " in body and _CODE.match(body):
        return RowKind.CODE
    if " 0x" in body and _TASK.match(body):
        return RowKind.TASK
    return RowKind.DUMP if _DUMP.match(body) else None


def _any(table: dict[str, tuple[str, ...]]) -> re.Pattern[str]:
    """Compile a table: source files → the beginnings of the rows that they print."""
    return re.compile(rf" {{0,64}}+(?:{'|'.join(row for rows in table.values() for row in rows)})")


_HEADLINE = _any(
    {
        "kernel/panic.c, lib/bug.c": ("WARNING: ", "kernel BUG at ", "Kernel panic - not syncing"),
        "arch/*/mm/fault.c": (
            *("BUG: ", r"(?:CPU \d{1,5} )?Unable to handle kernel ", "Unhandled fault", "Unhandled exception"),
        ),
        "arch/*/kernel/traps.c": (
            *(
                "general protection fault",
                "double fault: ",
                "Internal error: ",
                r"Oops(?:: | ?\[#)",
                "invalid opcode: ",
            ),
            "Bad mode in ",
        ),
        "kernel/locking/lockdep.c, until 4.10": (r"\[ (?:BUG|INFO): ",),
        "kernel/locking/lockdep.c, kernel/hung_task.c": (
            "INFO: (?:task |possible |inconsistent |suspicious |trying |HARDIRQ|SOFTIRQ)",
        ),
        "kernel/rcu/tree_stall.h": (r"(?:rcu: )?INFO: rcu_", r"rcu: rcu_\w{1,20} (?:self-)?detected"),
        "kernel/watchdog.c, kernel/watchdog_hld.c": (
            "watchdog: BUG: ",
            "(?:NMI )?watchdog: (?:BUG: |Watchdog detected hard LOCKUP)",
        ),
        "mm/slub.c, slab_bug()": (r"BUG \S{1,64} \(",),
        "lib/ubsan.c, mm/kmemleak.c, lib/fault-inject.c": ("UBSAN: ", "unreferenced object 0x", "FAULT_INJECTION: "),
        "mm/oom_kill.c, mm/page_alloc.c": (".{1,40} invoked oom-killer: ", "[^:]{1,40}: page allocation failure"),
        "drivers/tty/sysrq.c": ("sysrq: Show ",),
    }
)

# Rows that would begin a report of their own, printed while another one is open.
_FOLLOW_UP = _any(
    {
        "arch/x86": (
            *(
                r"Oops(?:: | ?\[#)",
                "invalid opcode: ",
                "divide error: ",
                "stack segment: ",
                r"#\w\w: ",
                "kernel BUG at ",
            ),
        ),
        "arch/arm64": ("Internal error: ", "Mem abort info:", "Data abort info:"),
    }
)

_SIZE = r"\d{1,12}(?:kB|KB)?"

_REPORT = _any(
    {
        "lib/dump_stack.c": (r"CPU: \d", "Hardware name: ", "Workqueue: ", "Tainted: ", "Not tainted"),
        "arch/x86/kernel/dumpstack.c": (
            *("Call [Tt]race", r"</?(?:[A-Z_]{2,20}|#\w\w|\w{1,20} stack)>", "RIP: ", "EIP: ", "RSP: ", "[Cc]ode: "),
            *("EFLAGS: [0-9a-f]{8} ", r"\*p[dt]e = ", "PKRU: ", r"\(stack is not available\)"),
        ),
        "scripts/decode_stacktrace.sh, scripts/decodecode": (
            r"(?:\? )?[A-Za-z_][\w.]{2,100} \([\w./-]{1,200}\.[chS]:\d",
            *("All code$", "Code starting with the faulting instruction", r"[0-9a-f]{1,4}:\*?\s{1,4}[0-9a-f]{2} "),
        ),
        "arch/x86/mm/fault.c, arch/x86/mm/kasan_init_64.c, mm/kasan/report.c": (
            *("PGD ", r"IP: (?:\[<|\S{1,80}\+0x)", "#PF(?: error)?: ", "Kernel Offset: "),
            "KASAN: (?:null-ptr-deref|probably user-memory-access|maybe wild-memory-access)",
        ),
        "kernel/panic.c, kernel/module": (
            *(r"---\[ end ", "Modules linked in:", "Disabling lock debugging due to kernel taint", "Rebooting in "),
            "System halted",
        ),
        "arch/*/kernel/smp.c, setup.c": (
            *(
                "Shutting down cpus with NMI",
                r"SMP: (?:failed to stop|stopping) secondary CPUs",
                r"CPU\d{1,5}: stopping",
            ),
            *("CPU features: 0x", "Memory Limit: "),
        ),
        "arch/arm64/mm/fault.c": (
            *("Mem abort info:", "Data abort info:", "(?:user|swapper) pgtable: ", r"\[[0-9a-f]{16}\] pgd="),
            "(?:ESR|EC|SET|EA|FSC|FAR|ISV|CM|GCS) = ",
        ),
        "arch/arm/mm/fault.c, arch/arm/kernel/traps.c, process.c": (
            *("Backtrace:", "Stack:", r"Process \S", r"pgd = [0-9a-f]{8}", r"\[[0-9a-f]{8}\] \*pgd="),
            *("Exception stack", "(?:PC|LR) is at ", "Flags: [nN][zZ][cC][vV] ", r"Register r\d{1,2} information: "),
            r"Control: [0-9a-f]{8}  Table: ",
        ),
        "lib/nmi_backtrace.c, kernel/trace": (
            *("Sending NMI ", "NMI backtrace ", "Dumping ftrace", r"\(ftrace buffer"),
            r"INFO: NMI handler \(nmi_cpu_backtrace_handler\)",
        ),
        "kernel/hung_task.c, kernel/sched/core.c": (
            *("task:", '"echo 0 > ', "note: ", "Preemption disabled at", r"in_atomic\(\): ", "caller is "),
            # Before 5.11; for a task that does not run, there are no words: RowKind.TASK.
            r"task {1,30}PC stack {1,4}pid father$",
            r"\S.{0,14} [RSDTtXZPIKW] {1,3}running task {1,4}(?:on cpu |[ 0-9]{5,40}0x[0-9a-f]{8})",
            "<Same stack as pid ",
        ),
        "kernel/rcu/tree_stall.h": (
            *(r"rcu: ", r"\t", r"\(t=", r"\(detected by", r"\d{1,5}-[.!?ONDKa-z]{3,6}: \(", "Task dump for CPU"),
            *("All QSes seen, last rcu_", r"rcu_\w{1,20} kthread (?:starved|timer wakeup)"),
            "RCU grace-period kthread stack dump:",
        ),
        "mm/kasan/report.c": (
            *("Read of size ", "Write of size ", "Allocated by ", "Freed by ", "Last potentially ", "Second to last "),
            *("The buggy address", "which belongs to ", "Memory state around", r"(?:\w{1,20} )?at addr "),
            r"(?:(?:freed|allocated) )?\d{1,9}-byte region ",
        ),
        "mm/debug.c, mm/page_owner.c": (
            *("page:", "page_type:", "head:", "flags: 0x", "raw: ", "page dumped", "page_owner ", "page last "),
            *("memcg:", "anon flags:", "ksm flags:", r"(?:aops|pfn|index|mapping|order):", "page->mem_cgroup"),
        ),
        "mm/slub.c, mm/kmemleak.c": (
            *("(?:INFO: )?(?:Slab|Object|Freelist|Allocated in|Freed in|Redzone|Padding|Bytes b4) ", "FIX ", 'comm "'),
            *("hex dump ", r"backtrace(?: \(|:)"),
        ),
        "lib/fault-inject.c": (r"name \w{1,40}, interval \d{1,20}, probability ",),
        "kernel/locking/lockdep.c": (
            # print_kernel_ident() and print_lock().
            *(
                r"\d[\w.+~-]{2,100} #\d\S{0,60} (?:Not tainted|Tainted: )",
                r"[0-9a-f]{8,16} \([^{}]{1,100}\)\{[^{}]{4,8}\}",
            ),
            *("irq event stamp", "Showing all locks held", "(?:hard|soft)irqs last ", "no locks held "),
            *(r"\d{1,4} locks? held ", r"#\d{1,3}: ", "but task ", "but this task", "which lock already"),
            *("which became ", "the existing dependency", r"-> #\d", "other info that", "Possible unsafe"),
            *("Chain exists", r"CPU\d", "----", r"lock\(", r"\*\*\* DEADLOCK", "INFO: lockdep is turned off"),
            # A command and its process id come first.
            r"\S.{0,15}/\d{1,10} (?:is trying to |is freeing |is exiting|just changed|\[HC)",
            *(
                "<Interrupt>",
                "and this task",
                "is trying to ",
                "May be due to",
                "stack backtrace",
                r"\{[A-Z-]{4,60}\} ",
            ),
            *(
                r"\.\.\. (?:key|acquired) at",
                "the code is fine but needs lockdep annotation",
                "turning off the locking",
            ),
        ),
        "mm/oom_kill.c, mm/show_mem.c": (
            *("Mem-Info:", r"Node \d", "DMA", "Normal", "HighMem", "lowmem_reserve", "Free swap", "Total swap"),
            *("Swap cache", "Tasks state", "oom-kill:", r"\S.{0,15} cpuset=", "Memory cgroup stats"),
            *(r"\[ {0,9}(?:pid|\d{1,10}) {0,9}\] ", r"(?:memory|swap|kmem|memory\+swap): usage "),
            rf"{_SIZE} (?:total|pages) ",
            # show_mem() continues a line with `pr_cont`; other tasks can print between its parts.
            *(r"[a-z_]{3,30}:\d{1,12}(?: [a-z_]{3,30}:\d{1,12}){1,5}$", r"\d{1,12}\*\d{1,9}kB ", r"\([UMEHCI]{1,6}\) "),
            *(rf"= {_SIZE}$", r"\d{1,12}(?: \d{1,12}){0,5}\s{0,2}$"),
        ),
    }
)

_RULE = regex(r"={20,120}$")
# In 4.x and 5.x, mm/kasan of x86 explained a fault before the headline of the oops.
_OPENER = regex(r"-{8,40}\[ cut here \]-{8,40}$|8<--- cut here ---$|={20,120}$|kasan: (?:CONFIG_KASAN_INLINE|GPF )")
_BLOCK = regex(
    r".{1,40} invoked oom-killer: |Showing all locks held in the system:|BUG: (?:K[A-Z]{2,4}SAN|KFENCE): |"
    r"(?:WARNING|\[ INFO): (?:possible (?:circular|recursive|irq lock)|inconsistent lock|suspicious RCU|held lock "
    r"freed|bad (?:unlock|contention)|[A-Z-]{4,12} -> )"
)
_END = regex(r"---\[ end |(?:(?:Memory cgroup out|Out) of memory: )?Killed process ")


def is_rule(body: str) -> bool:
    """Return whether a row is a line of equals signs, as between the parts of a log."""
    return _RULE.match(body) is not None


def is_opener(body: str) -> bool:
    """Return whether a row only announces the headline behind it: "cut here", a line of equals signs."""
    return _OPENER.match(body) is not None


def is_headline(body: str) -> bool:
    """Return whether a row says what a report is about."""
    return _HEADLINE.match(body) is not None


def is_panic(body: str) -> bool:
    """Return whether a row announces a panic: a report of its own, or the consequence of the report before it."""
    return body.startswith("Kernel panic - not syncing")


def ends_in_rule(body: str) -> bool:
    """Return whether a headline is that of a report that ends in a line of equals signs."""
    return body.startswith(("BUG: KASAN: ", "BUG: KCSAN: ", "BUG: KMSAN: ", "BUG: KFENCE: "))


def starts_block(body: str) -> bool:
    """Return whether all rows behind a row belong to its report, until a line of equals signs or the report's end."""
    return _BLOCK.match(body) is not None


def is_report_row(body: str) -> bool:
    """Return whether a row is one of those that reports consist of, with words or without."""
    return _REPORT.match(body) is not None or _FOLLOW_UP.match(body) is not None or row_kind(body) is not None


def is_part(body: str) -> bool:
    """Return whether a row of a report's event is a part of the report; other rows are messages between its parts.

    The message that a process was killed is such a message: it is listed besides the report of the lack of memory.
    """
    return is_opener(body) or is_report_row(body) or is_panic(body)


_CORE = ("arch/", "include/", "init/", "kernel/", "lib/", "mm/")


def prints_reports(path: str) -> bool:
    """Return whether a source file is of the parts of the kernel that print reports."""
    return path.startswith(_CORE)


_COUNTER = regex(r"[a-z][a-z0-9_]{1,40} \d{1,20}$")


def is_counter(body: str) -> bool:
    """Return whether a row is a name and a number, as memory_stat_format() of mm/memcontrol.c writes into a buffer."""
    return _COUNTER.match(body) is not None


_MODULES = regex(r" (?:[\w-]{1,64}(?:\([A-Z+-]{1,12}\))? ?)++(?:\[last unloaded: |$)")


def is_module_list(body: str) -> bool:
    """Return whether a row can continue the list of modules (kernel/module/main.c, print_modules())."""
    return _MODULES.match(body) is not None


_FEWEST_MODULES = 8
_MODULE_NAME = regex(r"[A-Za-z0-9][\w-]{1,63}(?:\([A-Z+-]{1,12}\))?")


def is_module_row(body: str) -> bool:
    """Return whether a row is certainly of a list of modules, whatever came before it: names, most of them no words."""
    names = body.partition(" [last unloaded: ")[0].split()
    if len(names) < _FEWEST_MODULES or not all(map(_MODULE_NAME.fullmatch, names)):
        return False
    return 3 * sum(not name.isalpha() for name in names) >= len(names)


def is_follow_up(body: str) -> bool:
    """Return whether a row that can begin a report belongs to the one that is open."""
    return _FOLLOW_UP.match(body) is not None


_CONTEXT = regex(r"(?:CPU: \d{1,5} (?:UID: \d{1,10} )?PID: |Call [Tt]race:)")


def is_context(body: str) -> bool:
    """Return whether a row begins what dump_stack() prints (lib/dump_stack.c)."""
    return _CONTEXT.match(body) is not None


def is_end(body: str) -> bool:
    """Return whether a row is the last one of its report."""
    return _END.match(body) is not None


# Where the instruction pointer was: arch/x86/kernel/dumpstack.c, arch/riscv/kernel/traps.c, and process.c of arm, arm64
# and powerpc. A row of addresses alone names none.
_FAULTED = regex(
    rf" {{0,64}}+(?:RIP: (?:[0-9a-f]{{4}}:)?|EIP: (?:[0-9a-f]{{4}}:)?|pc : |PC is at |epc : |NIP (?:\[[0-9a-f]+\] ))"
    rf"(?:{_ADDRESS} ?){{0,2}}({_SYMBOL}{_MODULE})"
)


def faulted_at(body: str) -> str | None:
    """Return the function where the processor was, as a row of a report says: `foo+0x1/0x2 [module]`."""
    match = _FAULTED.match(body)
    return match[1] if match else None


class Frame(Struct, frozen=True):
    """A function on the stack of a report."""

    function: str
    """The name as in the source, without the suffixes of the compiler (`.isra.0`)."""
    module: str | None


_NAMED_CODE = rf"([A-Za-z_]\w{{0,200}}+)(?:\.[\w.$]{{0,60}}+)?{_OFFSET}(?: \[([\w-]{{1,64}}))?"
_FRAME = regex(
    # A row with a question mark is a guess of the unwinder.
    rf"\s{{0,64}}+{_ADDRESS}{{0,2}}\(?{_NAMED_CODE}"
    rf"|\s{{0,64}}+(?:RIP: (?:[0-9a-f]{{4}}:)?|EIP: (?:[0-9a-f]{{4}}:)?|pc : |PC is at |epc : |NIP (?:\[[0-9a-f]+\] )?)"
    rf"(?:{_ADDRESS} ?){{0,2}}{_NAMED_CODE}"
    rf"|\s{{0,64}}+{_ADDRESS}?\(?([A-Za-z_]\w{{0,200}}+)\)? from "
    # The headlines of the sanitizers.
    rf"|BUG: K[A-Z]{{2,4}}: [\w -]{{1,60}}? in {_NAMED_CODE}"
)


def frame_of(body: str) -> Frame | None:
    """Return the function that a row of a stack, an instruction pointer or a sanitizer's headline names."""
    match = _FRAME.match(body)
    if match is None:
        return None
    functions, modules = match.group(1, 3, 5, 6), match.group(2, 4, 7)
    return Frame(next(filter(None, functions)), next(filter(None, modules), None))


_SUPPRESSED = regex(r"(\S{1,128}): (\d{1,9}) callbacks suppressed$")


def suppressed(body: str) -> tuple[str, int] | None:
    """Return the function and the number of messages that ___ratelimit() says it suppressed (lib/ratelimit.c)."""
    match = _SUPPRESSED.match(body)
    return (match[1], int(match[2])) if match else None


_BANNER = regex(r"Linux version (\d\S{0,100}) \(")


def banner_version(body: str) -> str | None:
    """Return the release that the kernel's banner names: `6.1.0-13-amd64` (init/version.c, linux_banner)."""
    match = _BANNER.match(body)
    return match[1] if match else None
