"""Which records of the ring buffer a process wrote to /dev/kmsg, and which the kernel.

Where the facility is known there is no doubt: the kernel always has `kern`, and "it is not possible to inject messages
from userspace with the facility number LOG_KERN" (Documentation/ABI/testing/dev-kmsg). Plain dmesg does not show it.
Then the tag is the evidence: programs that log before there is a syslog daemon write `name[pid]: `.

The kernel writes the same shape in two cases. It reports faults of a process (`a.out[104]: segfault at …`): those
messages are known by their first words. And drivers name members of an array (`txd[3]: …`): so a number below 100 is
taken for a process id only behind the name of a program that is known to write there.
"""

import re

_TAG = re.compile(r"([^\s:\[\]]{1,64})\[(\d{1,10})\]: ")

# systemd's children carry the name of the program to be started in parentheses until they have started it.
_EARLY = re.compile(
    r"systemd\b|\(.*\)$|init$|dracut\b|(?:systemd-)?udevd$|plymouthd?\b|ostree-|ignition|kdump|mdadm$|multipathd$"
)

# arch/*/mm/fault.c, arch/*/kernel/traps.c, signal.c and process.c, wherever they print `%s[%d]: `.
_FAULT = re.compile(
    r"segfault at |unhandled (?:exception|signal|trap)|bad frame in |bad register window|User access of kernel|"
    r"Unimplemented |possible hazard|code: |[^:\[\]]{1,40} \(\d{1,4}\) at [0-9a-f]+ (?:n?ip|pc) "
)

SMALLEST_CERTAIN_PID = 100
"""Numbers from here on are hardly ever a driver's index: of 70,000 messages of Linux 6.1, a handful could have one."""


def process_of(text: str, *, certain: bool) -> str | None:
    """Return the process that a ring buffer record names as its writer, None for the kernel or for none named.

    With `certain`, a process certainly wrote the record, and only its name is needed.
    """
    match = _TAG.match(text)
    if match is None:
        return None
    return match[1] if certain or is_process(match[1], int(match[2]), text, match.end()) else None


def is_process(name: str, pid: int, text: str, position: int) -> bool:
    """Tell whether `name[pid]: ` before this place of the text is the tag of a process."""
    if _FAULT.match(text, position):
        return False
    return pid >= SMALLEST_CERTAIN_PID or _EARLY.match(name) is not None
