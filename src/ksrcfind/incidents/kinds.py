"""Recognise what kind of incident a line belongs to, and which device, link, task or processor it names.

The tables hold wordings that many messages share. A new kind of report needs its headline in `REPORTS`.
"""

import re

from msgspec import Struct

from ksrcfind.regex import regex


class Kind(Struct, frozen=True):
    """A kind of incident that a headline begins."""

    name: str
    severity: str | None
    """The level of such an incident, whatever the log says. None: the level of the line."""
    pattern: re.Pattern[str]


REPORTS = (
    Kind("panic", "emerg", regex(r"Kernel panic - not syncing")),
    Kind(
        "stall",
        "crit",
        regex(
            r"(?:(?:NMI )?watchdog: )?(?:BUG: soft lockup|Watchdog detected hard LOCKUP)|(?:rcu: )?INFO: rcu_|"
            r"rcu: rcu_\w{1,20} (?:self-)?detected|INFO: task .{1,40} blocked for more than|BUG: workqueue lockup"
        ),
    ),
    Kind("warning", "err", regex(r"BUG: (?:sleeping|scheduling|using|spinlock)")),
    Kind(
        "oops",
        "crit",
        regex(
            r"BUG: (?:K[A-Z]{2,5}: |kernel |unable to handle |Bad |\S{1,60} \()|kernel BUG at |UBSAN: |"
            r"general protection fault|double fault|Internal error: |Oops(?:: | ?\[#)|invalid opcode: |"
            r"(?:CPU \d{1,5} )?Unable to handle kernel |Unhandled (?:fault|exception)"
        ),
    ),
    Kind(
        "memory",
        "crit",
        regex(
            r".{1,40} invoked oom-killer: |(?:Out of [Mm]emory|Memory cgroup out of memory): |oom-kill:|oom_reaper: "
        ),
    ),
    Kind("memory", "err", regex(r"[^:]{1,40}: page allocation failure")),
    Kind(
        "lock",
        "err",
        regex(
            r"(?:WARNING|\[? ?(?:BUG|INFO)): (?:possible |inconsistent |suspicious |held lock|trying |HARDIRQ|SOFTIRQ|"
            r"bad (?:unlock|contention)|[A-Z-]{4,12} -> )"
        ),
    ),
    Kind("warning", "err", regex(r"WARNING: (?:CPU: \d|.{1,100} at [\w./+-]{1,200}:\d)")),
    # Graphics drivers report that a chip hung, and that it is reset, as mere information.
    Kind("firmware", "err", regex(r".{0,80}\bGPU (?:HANG: ecode |reset begin)")),
    Kind("machine check", "crit", regex(r"(?:mce: |EDAC \S{1,20} )?\[Hardware Error\]: ")),
)
"""What begins a report, the first that fits."""

ORDINARY = regex(
    r"reboot: |sysrq: (?:Emergency|Show|HELP|Changing|This)|(?:Emergency|Power) (?:Sync|down|Remount)|Dumping ftrace|"
    r"\(ftrace buffer|---\[ end |Kernel Offset: |Rebooting in |System halted|Loading modules backwards|"
    r"printk: |\*{20}|\*\* "
)
"""Messages of severe levels about nothing that went wrong: the kernel prints them so that they are always seen."""

READ_ONLY = regex(r"(?i)remount(?:ing|ed)? .{0,40}?read-only|forced readonly|going read-only")
SHUT_DOWN = regex(r"(?i)shutting down filesystem|filesystem has been shut down|_force_shutdown\(|forced shutdown")
FILE_SYSTEM = regex(
    r"(?P<name>EXT[234]|XFS|BTRFS|F2FS|JBD2|REISERFS|NILFS|ocfs2|GFS2|JFS|NTFS3?|FAT|SQUASHFS|UDF|EROFS|bcachefs)"
    r"(?:-fs)?(?:[ :(]|$)(?=.{0,60})"
)
IO_ERROR = regex(
    r"(?i)I/O error|critical (?:medium|target|space allocation|nexus) error|medium error|unrecovered read error|"
    r"uncorrectable|hostbyte=|FAILED Result|failed command: |exception Emask|cannot read sector|"
    r"lost (?:async|sync)? ?page write|timeout, (?:aborting|completion polled|reset controller)|controller is down|"
    r"rejecting I/O|rejecting i/o|gets error=|Disk failure on|read error (?:not )?correct|errs: wr \d|csum failed"
)
_NOT_SENT = r"NETDEV WATCHDOG|transmit .{0,40}timed out"
_NO_WIFI = (
    r"(?:authentication|association) with .{1,40} timed out|deauthenticated from|disassociated from|"
    r"connection to AP .{1,40} lost"
)
LINK = regex(
    r"(?i)\b(?:(?:NIC|Copper|carrier|Ethernet) )?link\b|\bcarrier\b|: associated$|" + _NOT_SENT + "|" + _NO_WIFI
)
LINK_DOWN = regex(
    r"(?i)link (?:is )?(?:down|lost|failure|not ready)|lost carrier|carrier (?:lost|off)|" + _NOT_SENT + "|" + _NO_WIFI
)
LINK_UP = regex(r"(?i)link (?:is )?(?:up|becomes ready|ready)|gained carrier|carrier on|: associated$")
NOT_SENT = regex("(?i)" + _NOT_SENT)
"""A network interface could not send; its link was perhaps up."""
NO_WIFI = regex("(?i)" + _NO_WIFI)
"""A network interface lost its access point, or could not connect to it."""
NAMED_LEVEL = regex(r" (error|warning)\b")
"""The level that the messages of file systems name."""
LOST = regex(
    r"(?i)USB disconnect|HC died|assume dead|host controller not responding|fallen off the bus|controller is down|"
    r"device (?:is )?(?:gone|lost|offlined)"
)
"""A device is gone, and perhaps others behind it."""
DEVICE = regex(
    r"(?i)USB disconnect|HC died|assume dead|not responding|fallen off the bus|"
    r"device (?:is )?(?:gone|lost|offlined|wedged)|device descriptor read|not accepting address|unable to enumerate|"
    r"host halt failed|"
    r"\bring .{1,40}timeout|GPU (?:reset|recovery)|\bXid \(|hardware unit hang|"
    r"PCIe Bus Error|\bAER: |under-?voltage"
)
"""A device is gone, does not answer, or was reset."""
PCIE = regex(
    r".{0,60}(?:PCIe Bus Error|\bAER: |device \[[\da-f]{4}:[\da-f]{4}\] error status|\.[0-7]: +\[ ?\d{1,2}\] \w)"
)
"""A row of the report of an error of a PCIe link."""
CORRECTED = regex(r"(?i)\bcorrect(?:ed|able)\b|Machine check events logged")
"""The hardware corrected an error."""
FAILURE = regex(
    r"(?i)\b(?:error|fail(?:ed|s|ure|ing)?|timed ?out|timeout|cannot|unable|"
    r"could not|aborted|corrupt\w{0,4}|hang|hung|fault|fatal)\b|"
    r"not responding|assertion|\bWARN(?:_ON)?(?:_ONCE)?\("
)
"""Words of a line that speaks of a failure, whatever its level."""
CONTROLLER = regex(r"(?:[a-z]{1,3}hci(?:[-_][a-z]{1,12})?|dwc\w{0,8}|\w{1,12}_hcd) ")
"""The beginning of a message of a USB controller."""
FIRMWARE = regex(
    r"(?i)(?:firmware|microcode|\bfw\b).{0,60}(?:crash|sw error|assert|hang|stuck|dump|died|not respond)|"
    r"(?:hardware|adapter|controller|gpu|chip) (?:restart|hang|reset)|"
    r"(?:restart|reset)(?:ing|ed)? (?:the )?(?:hardware|adapter|controller|firmware|gpu|chip)|GPU HANG"
)

_DISK = regex(
    r"(?<![\w/.-])(?:(?P<letters>(?:sd|vd|xvd)[a-z]{1,2})\d{0,3}"
    r"|(?P<numbered>nvme\d{1,3}n\d{1,4}|mmcblk\d{1,3}|nbd\d{1,3}|md\d{1,4}|loop\d{1,4}|nullb\d{1,3}|sr\d{1,3})(?:p\d{1,3})?"
    r"|(?P<plain>dm-\d{1,4}|nvme\d{1,3}|ata\d{1,3})(?:\.\d\d)?)(?!\w|-[a-z])"
)
_NAMED_DISK = regex(r"(?:I/O error,|on|of|\() ?(?:log)?(?:ical block \d{1,20}, )?dev(?:ice)? ([a-z][\w!-]{1,30})")
_SCSI = regex(r"(?:sd|sr|scsi|st|sg|ses) (\d{1,4}:\d{1,4}:\d{1,4}:\d{1,6}): ")
_DRIVER_DEVICE = regex(
    r"(?P<driver>[\w.-]{1,40}) (?P<device>(?=[^ ]{0,60}\d)[\w.@:-]{0,60}\w)(?: (?P<interface>[a-z][\w.-]{1,15}))?: "
)
_INTERFACE = regex(r"(?:eth|en[opsxP]|wl|ib|bond|br|wwan|usb|can|lan|veth|vmnet|tap|tun|team)[\w.-]{0,14}$")
_UNIT = regex(r"[a-z]{2,20}\d{1,4}$")
_NAME = regex(r"([A-Za-z][\w.-]{1,40})(?: [\w.:-]{1,30})?: ")
_COMM = regex(
    r"CPU: (?P<cpu>\d{1,5}) (?:UID: \d{1,10} )?PID: (?P<pid>\d{1,10}) Comm: "
    r"(?P<comm>.{1,15}?)(?: (?:Not tainted|Tainted|Kdump)|$)"
)
_TASK = regex(
    r"INFO: task (?P<blocked>.{1,15}:\d{1,10}) blocked|.{0,60}\[(?P<stuck>.{1,15}:\d{1,10})\]\s*$|"
    r"(?P<invoked>.{1,15}) invoked oom-killer|.{0,80}[Kk]illed process (?P<pid>\d{1,10}) \((?P<killed>.{1,15}?)\)"
)
_CPU = regex(r".{0,60}CPU#(\d{1,5})")

Key = tuple[str, str]
"""The kind of a name, and the name: `("disk", "sda")`."""


def report_kind(body: str) -> Kind | None:
    """Return the kind of report that a headline begins; None for other lines."""
    return next((kind for kind in REPORTS if kind.pattern.match(body)), None)


def disks_of(body: str) -> list[Key]:
    """Return the disks and ports that a line names; a partition is its disk."""
    found: dict[Key, None] = {}
    for match in _DISK.finditer(body):
        name = match["letters"] or match["numbered"] or match["plain"]
        found["disk", name] = None
        if name.startswith("nvme") and "n" in name[4:]:
            found["disk", name[: 4 + name[4:].index("n")]] = None
    if (scsi := _SCSI.match(body)) is not None:
        found["disk", scsi[1]] = None
    if not found and (named := _NAMED_DISK.search(body)) is not None:
        found["disk", named[1]] = None
    if not found and (name := prefix_of(body)) is not None and _UNIT.match(name):
        found["disk", name] = None
    return list(found)


def file_system_of(body: str) -> str | None:
    """Return the file system that a line names, in small letters; the journal of ext4 is a part of it."""
    found = FILE_SYSTEM.search(body)
    if found is None:
        return None
    name = found["name"].lower()
    return "ext4" if name == "jbd2" else name


def place_of(body: str) -> tuple[str, str] | None:
    """Return the driver and the device that stand in front of a message; None if there are none."""
    match = _DRIVER_DEVICE.match(body)
    return (match["driver"], match["device"]) if match else None


def device_of(body: str) -> str | None:
    """Return the device that stands in front of a message: `e1000e 0000:00:1f.6`, `usb 1-2`; None if there is none."""
    place = place_of(body)
    return " ".join(place) if place else None


def link_of(body: str) -> str | None:
    """Return the network interface or port whose link a message is about; None if it names none."""
    match = LINK.search(body)
    before = body[: match.start()].rstrip() if match is not None else ""
    named = before.rpartition(": ")[0] if not before.endswith(":") else before[:-1]
    if match is not None and not named and (word := _name_behind(body[match.end() :])) is not None:
        return word
    if not named:
        return None
    last = named.split()[-1]
    return last if _INTERFACE.match(last) else named


def _name_behind(text: str) -> str | None:
    """Return the interface that `NETDEV WATCHDOG: eth0 (driver): …` names behind its first words."""
    words = text.lstrip(": ").split()
    return words[0].rstrip(":") if words and _INTERFACE.match(words[0].rstrip(":")) else None


def prefix_of(body: str) -> str | None:
    """Return the word with which messages of one program part begin: `nvidia` of `nvidia: …`; None if there is none."""
    match = _NAME.match(body)
    return match[1] if match else None


_PARTS = {"NVRM": "nvidia"}
"""Word in front of messages → the module that prints them, if they differ."""


def part_of(body: str) -> str | None:
    """Return the part of the kernel that prints a message: `nvidia` of `nvidia-modeset: …`; None if it names none."""
    prefix = prefix_of(body)
    return None if prefix is None else _PARTS.get(prefix, prefix.partition("-")[0].lower())


def task_of(body: str) -> str | None:
    """Return the task that a headline names: `dd:145`; None if it names none."""
    match = _TASK.match(body)
    if match is None:
        return None
    killed = f"{match['killed']}:{match['pid']}" if match["killed"] else None
    return killed or match["blocked"] or match["stuck"] or match["invoked"]


def running(body: str) -> tuple[str, str] | None:
    """Return processor and task of the row `CPU: 1 PID: 4711 Comm: nginx …` of a report; None for other rows."""
    match = _COMM.match(body)
    return (match["cpu"], f"{match['comm']}:{match['pid']}") if match else None


def processor_of(body: str) -> str | None:
    """Return the number of the processor that a headline names; None if it names none."""
    match = _CPU.match(body)
    return match[1] if match else None
