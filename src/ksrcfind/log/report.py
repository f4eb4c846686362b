"""What rows of the kernel's reports look like: stacks, registers, dumps, and the lines around them.

`row_kind` names the rows that consist of values only, so that no format could explain them by its words: a stack entry
is `%pS`, a dump row `%02x` over and over. Rows of a report that have words of their own ("Call Trace:", "RIP: …",
"Modules linked in:") are printed by calls that can be found, and are not among them; `is_report_row` knows those too,
for telling what belongs to an event.

Sources: lib/hexdump.c, mm/kasan/report.c, mm/slub.c, arch/*/kernel/{dumpstack,process,traps,stacktrace}.c of Linux 6.1,
scripts/decode_stacktrace.sh.
"""

import re
from enum import StrEnum


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


_OFFSET = r"\+0x[0-9a-f]{1,16}/0x[0-9a-f]{1,16}"
_SYMBOL = rf"[A-Za-z_.$][\w.$]{{0,200}}+{_OFFSET}"
# A module may come with its build id.
_MODULE = r"(?: \[[\w-]{1,64}(?: [0-9a-f]{40})?\])?"
_ADDRESS = r"(?:\[<[0-9a-f]{8,16}>\] ?|\[[0-9a-f]{8,16}\] ?)"
_STACK = re.compile(
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
_REGISTERS = re.compile(
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
_DUMP = re.compile(
    # print_hex_dump() and its like: an offset or address, then bytes or words of 2, 4 or 8, perhaps the same as text.
    rf"\s{{0,64}}+>?{_PLACE}(?:{_groups('[0-9a-f]{2}', 1, 33)}|{_groups(_WORDS, 1, 16)}){_AS_TEXT}"
    # With other text in front, the row must leave no doubt.
    rf"|.{{1,100}}?[\s:]{_PLACE}(?:{_groups('[0-9a-f]{2}', 4, 33)}|{_groups(_WORDS, 3, 16)}){_AS_TEXT}"
    # Without an offset.
    rf"|\s{{0,64}}+{_groups('[0-9a-f]{2}', 8, 33)}{_AS_TEXT}"
    # KASAN points at a byte.
    r"|\s{8,120}\^$"
)
_CODE = re.compile(r"(?:\S{1,64}\[\d{1,10}\]: )?[Cc]ode:(?: [<(]?[0-9a-f]{2,8}[>)]?){2,80}\s*+$")


def row_kind(body: str) -> RowKind | None:
    """Name the kind of a row that consists of values only, None for anything with words of its own."""
    if _STACK.match(body):
        return RowKind.STACK
    if _REGISTERS.match(body):
        return RowKind.REGISTERS
    if "ode: " in body and _CODE.match(body):
        return RowKind.CODE
    return RowKind.DUMP if _DUMP.match(body) else None


def _any(table: dict[str, tuple[str, ...]]) -> re.Pattern[str]:
    """Compile a table: source file → the beginnings of the rows that it prints."""
    return re.compile(rf" {{0,64}}+(?:{'|'.join(row for rows in table.values() for row in rows)})")


_HEADLINE = _any(
    {
        "kernel/panic.c, lib/bug.c": ("WARNING: ", "kernel BUG at ", "Kernel panic - not syncing"),
        "arch/*/mm/fault.c": ("BUG: ", "Unable to handle kernel ", "Unhandled fault", "Unhandled exception"),
        "arch/*/kernel/traps.c": (
            *("general protection fault", "double fault: ", "Internal error: ", "Oops: ", "invalid opcode: "),
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
        "lib/ubsan.c, mm/kmemleak.c": ("UBSAN: ", "unreferenced object 0x"),
        "mm/oom_kill.c, mm/page_alloc.c": (".{1,40} invoked oom-killer: ", "[^:]{1,40}: page allocation failure"),
        "drivers/tty/sysrq.c": ("sysrq: Show ",),
    }
)

_FOLLOW_UP = _any(
    {
        "arch/x86": ("Oops: ", "invalid opcode: ", "divide error: ", "stack segment: ", r"#\w\w: ", "kernel BUG at "),
        "arch/arm64": ("Internal error: ", "Mem abort info:", "Data abort info:"),
    }
)

_REPORT = _any(
    {
        "lib/dump_stack.c": (r"CPU: \d", "Hardware name: ", "Workqueue: ", "Tainted: ", "Not tainted"),
        "arch/x86/kernel/dumpstack.c": (
            *(
                "Call [Tt]race",
                r"</?(?:[A-Z_]{2,20}|#\w\w|\w{1,20} stack)>",
                "RIP: ",
                "EIP: ",
                "RSP: ",
                "[Cc]ode: ",
                "PKRU: ",
            ),
            *("PGD ", "#PF: ", "Kernel Offset: "),
        ),
        "kernel/panic.c, kernel/module": (r"---\[ end ", "Modules linked in:"),
        "arch/arm64/mm/fault.c": (
            *(
                "Mem abort info:",
                "Data abort info:",
                "(?:ESR|EC|SET|EA|FSC|FAR|ISV|CM) = ",
                "(?:user|swapper) pgtable: ",
            ),
            r"\[[0-9a-f]{16}\] pgd=",
        ),
        "arch/arm": ("Backtrace:", "Stack:", r"Process \S"),
        "lib/nmi_backtrace.c, kernel/trace": ("Sending NMI ", "NMI backtrace ", "Dumping ftrace", r"\(ftrace buffer"),
        "kernel/hung_task.c, kernel/sched": ("task:", '"echo 0 > ', "note: ", "Preemption disabled at"),
        "kernel/rcu/tree_stall.h": (r"rcu: ", r"\t", r"\(t=", r"\(detected by", "Task dump for CPU"),
        "mm/kasan/report.c": (
            *("Read of size ", "Write of size ", "Allocated by ", "Freed by ", "Last potentially ", "Second to last "),
            r"(?:freed|allocated) \d{1,9}-byte region ",
            *("The buggy address", "which belongs to ", "Memory state around", r"(?:\w{1,20} )?at addr "),
        ),
        "mm/debug.c, mm/page_owner.c": (
            "page:",
            "head:",
            "flags: 0x",
            "raw: ",
            "page dumped",
            "page_owner ",
            "page last ",
            *(
                "page_type:",
                "memcg:",
                "anon flags:",
                "ksm flags:",
                r"(?:aops|pfn|index|mapping|order):",
                "page->mem_cgroup",
            ),
        ),
        "mm/slub.c, mm/kmemleak.c": (
            *("(?:INFO: )?(?:Slab|Object|Freelist|Allocated in|Freed in|Redzone|Padding|Bytes b4) ", "FIX ", 'comm "'),
            *("hex dump ", r"backtrace(?: \(|:)"),
        ),
        "kernel/locking/lockdep.c": (
            *(
                "irq event stamp",
                "Showing all locks held",
                "(?:hard|soft)irqs last ",
                "no locks held ",
                r"\d{1,4} locks? held ",
                r"#\d{1,3}: ",
            ),
            *(
                "but task ",
                "but this task",
                "which lock already",
                "which became ",
                "the existing dependency",
                r"-> #\d",
            ),
            *("other info that", "Possible unsafe", "Chain exists", r"CPU\d", "----", r"lock\(", r"\*\*\* DEADLOCK"),
            *(
                # Who does it stands in front: a command and its process id.
                r"\S.{0,15}/\d{1,10} (?:is trying to |is freeing |is exiting|just changed|\[HC)",
                "<Interrupt>",
                "and this task",
                "is trying to ",
                "May be due to",
                "stack backtrace",
                r"\{[A-Z-]{4,60}\} ",
            ),
            r"\.\.\. (?:key|acquired) at",
        ),
        "mm/oom_kill.c, mm/show_mem.c": (
            *("Mem-Info:", "active_anon:", r"Node \d", "DMA", "Normal", "HighMem", "lowmem_reserve", "Free swap"),
            *(
                r"\d{1,20} (?:total|pages) ",
                "Total swap",
                "Swap cache",
                "Tasks state",
                "Killed process ",
                r"\[ {0,9}(?:pid|\d{1,10}) {0,9}\] ",
            ),
            *("oom-kill:", r"(?:memory|swap|kmem|memory\+swap): usage ", r"\S.{0,15} cpuset=", "Memory cgroup stats"),
        ),
    }
)

_OPENER = re.compile(r"-{8,40}\[ cut here \]-{8,40}$|8<--- cut here ---$|={20,120}$")
_END = re.compile(r"---\[ end |(?:(?:Memory cgroup out|Out) of memory: )?Killed process |={20,120}$")


def is_opener(body: str) -> bool:
    """Tell whether a row only announces the headline behind it: a cut here, a line of equals signs."""
    return _OPENER.match(body) is not None


def is_headline(body: str) -> bool:
    """Tell whether a row says what a report is about."""
    return _HEADLINE.match(body) is not None


def is_report_row(body: str) -> bool:
    """Tell whether a row is one of those that reports consist of, with words or without."""
    return _REPORT.match(body) is not None or _FOLLOW_UP.match(body) is not None or row_kind(body) is not None


_COUNTER = re.compile(r"[a-z][a-z0-9_]{1,40} \d{1,20}$")


def is_counter(body: str) -> bool:
    """Tell whether a row is a name and a number, as memory_stat_format() of mm/memcontrol.c writes into a buffer."""
    return _COUNTER.match(body) is not None


def is_follow_up(body: str) -> bool:
    """Tell whether a row that looks like a headline goes on with a report where one is open."""
    return _FOLLOW_UP.match(body) is not None


_CONTEXT = re.compile(r"(?:CPU: \d{1,5} (?:UID: \d{1,10} )?PID: |Call [Tt]race:)")


def is_context(body: str) -> bool:
    """Tell whether a row begins what dump_stack() prints (lib/dump_stack.c)."""
    return _CONTEXT.match(body) is not None


def is_end(body: str) -> bool:
    """Tell whether a row is the last one of its report."""
    return _END.match(body) is not None


# Where the instruction pointer was: arch/x86/kernel/dumpstack.c, arch/riscv/kernel/traps.c, and process.c of arm, arm64
# and powerpc. A row of addresses alone names none.
_FAULTED = re.compile(
    rf" {{0,64}}+(?:RIP: (?:[0-9a-f]{{4}}:)?|EIP: (?:[0-9a-f]{{4}}:)?|pc : |PC is at |epc : |NIP (?:\[[0-9a-f]+\] ))"
    rf"(?:{_ADDRESS} ?){{0,2}}({_SYMBOL}{_MODULE})"
)


def faulted_at(body: str) -> str | None:
    """Return the function where the processor was, as a row of a report says: `foo+0x1/0x2 [module]`."""
    match = _FAULTED.match(body)
    return match[1] if match else None


_SUPPRESSED = re.compile(r"(\S{1,128}): (\d{1,9}) callbacks suppressed$")


def suppressed(body: str) -> tuple[str, int] | None:
    """Return the function and the number of messages that ___ratelimit() says it suppressed (lib/ratelimit.c)."""
    match = _SUPPRESSED.match(body)
    return (match[1], int(match[2])) if match else None


_BANNER = re.compile(r"Linux version (\d\S{0,100}) \(")


def banner_version(body: str) -> str | None:
    """Return the release that the kernel's banner names: `6.1.0-13-amd64` (init/version.c, linux_banner)."""
    match = _BANNER.match(body)
    return match[1] if match else None
