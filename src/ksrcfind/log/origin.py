"""Which records of the ring buffer a process wrote to /dev/kmsg, and which the kernel.

The facility decides where a log shows it: the kernel always has `kern`, and "it is not possible to inject messages
from userspace with the facility number LOG_KERN" (Documentation/ABI/testing/dev-kmsg). Plain dmesg does not show the
facility. There, the tag decides: programs that log before a syslog daemon runs write `name[pid]: `.

The kernel writes such a tag in two cases. The kernel reports faults of a process (`a.out[104]: segfault at …`);
`_FAULT` has the first words of these messages. And drivers number the members of an array (`txd[3]: …`); a number
below 100 counts as a process id only behind the name of a program that writes to /dev/kmsg (`programs`).
"""

from ksrcfind.log.programs import WRITES_TO_KMSG
from ksrcfind.regex import regex

_TAG = regex(r"([^\s:\[\]]{1,64})\[(\d{1,10})\]: ")
_WRITES_TO_KMSG = regex(WRITES_TO_KMSG)

# What arch/*/mm/fault.c, arch/*/kernel/traps.c, signal.c and process.c print behind `%s[%d]: `.
_FAULT = regex(
    r"segfault at |unhandled (?:exception|signal|trap)|bad frame in |bad register window|User access of kernel|"
    r"Unimplemented |possible hazard|code: |[^:\[\]]{1,40} \(\d{1,4}\) at [0-9a-f]+ (?:n?ip|pc) "
)

SMALLEST_CERTAIN_PID = 100
"""A driver's index is hardly ever this large: of the 70,000 messages of Linux 6.1, a handful can print one."""


def process_of(text: str, *, certain: bool) -> str | None:
    """Return the process whose tag a ring buffer record begins with; None if the kernel wrote it or there is no tag.

    `certain` says that a process wrote the record, so that any tag is that of a process.
    """
    match = _TAG.match(text)
    if match is None:
        return None
    return match[1] if certain or is_process(match[1], int(match[2]), text, match.end()) else None


def is_process(name: str, pid: int, text: str, position: int) -> bool:
    """Return whether `name[pid]: `, which ends at this position of the text, is the tag of a process."""
    if _FAULT.match(text, position):
        return False
    return pid >= SMALLEST_CERTAIN_PID or _WRITES_TO_KMSG.fullmatch(name) is not None
