"""The title of an incident, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ksrcfind.incidents.record import Seen
from ksrcfind.knowledge.meaning import sure_entry
from ksrcfind.knowledge.record import Entry
from ksrcfind.log.report import Frame, frame_of
from ksrcfind.match.answer import Answer, Tier
from ksrcfind.match.place import named_place
from ksrcfind.regex import regex

MOST_WORDS = 100
"""Characters of a message in a title, at most."""

MOST_VICTIMS = 3
"""Programs that a title names, at most."""

NAMES_KEPT = 50
"""Limit of names of killed programs that are counted."""


@dataclass(slots=True)
class Facts:
    """What the lines of an incident say for its title."""

    panicked: bool = False
    read_only: bool = False
    shut_down: bool = False
    in_cgroup: bool = False
    file_system: str | None = None
    io_errors: int = 0
    downs: int = 0
    was_up: bool = False
    """True if the link was up before it went down for the first time."""
    ups: int = 0
    not_sent: int = 0
    """Number of lines that say that a network interface could not send."""
    no_wifi: int = 0
    """Number of lines that say that a network interface has no access point."""
    is_lost: bool = False
    """True if a device is gone."""
    is_pcie: bool = False
    """True if a PCIe link has an error."""
    killed: dict[str, int] = field(default_factory=dict)

    def kill(self, program: str, times: int) -> None:
        """Count a program that was killed."""
        if program in self.killed or len(self.killed) < NAMES_KEPT:
            self.killed[program] = self.killed.get(program, 0) + times


def title_of(
    lead: Seen, kind: str, device: str | None, task: str | None, count: int, facts: Facts, frames: Sequence[Frame]
) -> str:
    """Return the title of an incident; that of a single kind of message comes from the knowledge base, if it can."""
    body = lead.log.body
    if kind == "disk":
        title = _disk(body, device, facts)
    elif kind == "link":
        title = _link(body, device, facts)
    elif kind == "memory":
        title = _memory(body, facts)
    elif kind == "machine check":
        title = _machine_check(body)
    elif kind == "stall":
        title = _stall(body, task, count)
    elif kind in ("oops", "warning", "lock", "panic"):
        title = _report(body, kind, frames)
    else:
        entry = entry_of(lead.answer)
        title = words(body) if entry is None else entry.title + (f": {device}" if device else "")
    return f"{title}; the kernel panicked" if facts.panicked and kind != "panic" else title


def entry_of(answer: Answer) -> Entry | None:
    """Return what the knowledge base says about the message of a line. None if nothing, or if the match is not sure."""
    return sure_entry(answer) if answer.verdict != Tier.FUZZY else None


def _disk(body: str, device: str | None, facts: Facts) -> str:
    on = f" on {device}" if device else ""
    system = facts.file_system or "the file system"
    ended = "was shut down" if facts.shut_down else "went read-only" if facts.read_only else None
    if facts.io_errors and ended:
        return f"I/O errors{on}, then {system} {ended}"
    if ended:
        return f"{system} {ended}{on}"
    if facts.io_errors and facts.file_system:
        return f"I/O errors{on}, with errors of {system}"
    if facts.io_errors:
        return f"I/O errors{on}"
    return words(body)


def _link(body: str, device: str | None, facts: Facts) -> str:
    if device is None or not facts.downs:
        return words(body)
    times = f" {facts.downs:,} times" if facts.downs > 1 else ""
    if facts.not_sent == facts.downs:
        return f"{device} could not send its packets{times}"
    if facts.no_wifi:
        return f"{device} lost its access point or could not connect to it{times}"
    if facts.downs == 1:
        return f"Link of {device} went down{' and came back' if facts.ups else ''}"
    return f"Link of {device} went down{times}" + ("" if facts.ups else " and never came back")


def _memory(body: str, facts: Facts) -> str:
    if not facts.killed:
        return words(body)
    names = sorted(facts.killed, key=lambda name: (-facts.killed[name], name))
    more = f" and {len(names) - MOST_VICTIMS:,} more" if len(names) > MOST_VICTIMS else ""
    kills = sum(facts.killed.values())
    times = f", {kills:,} times" if kills > 1 else ""
    where = " in a control group" if facts.in_cgroup else ""
    return f"Out of memory{where}: the kernel killed {', '.join(names[:MOST_VICTIMS])}{more}{times}"


_MACHINE_CHECK = regex(r".{0,60}(?P<processor>CPU ?\d{1,5}).{0,40}Machine Check")


def _machine_check(body: str) -> str:
    found = _MACHINE_CHECK.match(body)
    return f"Hardware error: machine check on {found['processor']}" if found else words(body)


_STUCK = regex(r".{0,60}(?:stuck for (?P<stuck>\d{1,9})s|blocked for more than (?P<blocked>\d{1,9}) seconds)")


def _stall(body: str, task: str | None, count: int) -> str:
    found = _STUCK.match(body)
    program = (task or "").rpartition(":")[0] or task
    if found is not None and found["blocked"] and program:
        others = f", and {count - 1:,} more reports of blocked tasks" if count > 1 else ""
        return f"Task {program} was blocked for more than {found['blocked']} seconds{others}"
    if found is not None and found["stuck"]:
        return f"A processor was stuck for {found['stuck']} seconds" + (f" in {program}" if program else "")
    if "rcu" in body[:20]:
        return "A processor stalled (RCU)" + (f" in {program}" if program else "")
    return words(body)


def _report(body: str, kind: str, frames: Sequence[Frame]) -> str:
    place = named_place(body)
    if body.startswith("WARNING: ") and place is not None:
        return f"Kernel warning at {place.path}:{place.line}" + (f" in {place.function}()" if place.function else "")
    frame = frame_of(body)
    if frame is not None:
        return f"{body[: body.index(' in ')]} in {frame.function}()"
    faulted = f" in {frames[0].function}()" if kind == "oops" and place is None and frames else ""
    return words(body) + faulted


def words(body: str) -> str:
    """Return a message as a title: one line, of limited length, without the signs at its end."""
    text = " ".join(body.split())
    return (text[: MOST_WORDS - 1].rstrip() + "…") if len(text) > MOST_WORDS else text.rstrip(" .!:;-")
