"""Join the lines of a log into incidents, while the log is read.

A line joins an incident of its host and boot by what it names (disk, link, device, task, processor), by its message, or
by the code that printed it, if not too much time is between them. Memory is bounded by `INCIDENTS_KEPT` and by the
limits of each incident, not by the length of the log.
"""

import posixpath
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from ksrcfind.incidents.kinds import (
    CONTROLLER,
    CORRECTED,
    DEVICE,
    FAILURE,
    FILE_SYSTEM,
    FIRMWARE,
    IO_ERROR,
    LINK,
    LINK_DOWN,
    LINK_UP,
    LOST,
    NAMED_LEVEL,
    NO_WIFI,
    NOT_SENT,
    ORDINARY,
    PCIE,
    READ_ONLY,
    SHUT_DOWN,
    Key,
    device_of,
    file_system_of,
    link_of,
    part_of,
    prefix_of,
    processor_of,
    report_kind,
    running,
    task_of,
)
from ksrcfind.incidents.names import Relations, names_of
from ksrcfind.incidents.record import Incident, Moment, Seen
from ksrcfind.incidents.title import Facts, title_of
from ksrcfind.levels import LEVELS
from ksrcfind.log.hosts import Host
from ksrcfind.log.report import Frame, frame_of, is_panic, is_part, suppressed
from ksrcfind.source.message_id import message_id

INCIDENTS_KEPT = 2000
"""Limit of incidents of a log; further ones are counted only."""

LINES_KEPT = 40
"""Limit of evidence lines of an incident."""

MESSAGES_KEPT = 20
"""Limit of messages of an incident."""

FRAMES_KEPT = 40
"""Limit of functions that are kept of the stack of the first report of an incident."""

NAMES_KEPT = 20_000
"""Limit of names, and of messages, by which lines join incidents; beyond it, all of them are forgotten."""

REPORTS_KEPT = 512
"""Limit of headlines in memory: rows of a report join only the incident of one of these."""

DULL_KEPT = 20_000
"""Limit of messages that are known to be of no interest."""

KINDS_KEPT = 5000
"""Limit of texts, with their digits masked, whose kind is known."""

TEXT_LENGTH = 1000
"""Characters that are searched for names and wordings."""

STORM = 20
"""Smallest number of equal warnings that are an incident by their number."""

FLAPS = 3
"""Smallest number of times that a link goes down and is an incident, whatever the level of its messages."""

APART = {
    **dict.fromkeys(("disk", "firmware", "link"), 600.0),
    **dict.fromkeys(("device", "message"), 1800.0),
    "stall": 120.0,
    "memory": 120.0,
}
"""Seconds between two lines of an incident that name the same device, at most."""
CLOSE = 1.0
"""Seconds between two lines of the same code in one incident, at most."""
PART = 60.0
"""Seconds between two lines that name no device, but the same part of the kernel, at most, if no message matches."""
COMPANY = 10.0
"""Seconds between a line about what went wrong and an ordinary line about the same device, at most."""
RECENT = 16
"""Ordinary lines in memory, in case that something goes wrong with their devices directly after them."""
SPREAD = {"blocked": CLOSE, "stuck": 60.0}
"""Seconds between two reports of tasks that are blocked, or of processors that are stuck, of one incident, at most."""
ASSERTION = 3
"""Lines between the words of a failed assertion and the headline of its report, at most: `cut here` is between."""
REACTION = 5.0
"""Seconds between the error of a disk and the reaction of what is on it, at most."""
LINES_APART = 200
"""Lines between two lines of an incident in a log without times, at most."""

RANK = {level: rank for rank, level in enumerate((*LEVELS, "unknown"))}
WARN = RANK["warn"]
ERR = RANK["err"]

_ZEROS = dict.fromkeys(map(ord, "123456789"), "0")
_OF_DEVICES = ("message", "link", "firmware", "device", "disk")
"""Kinds of lines that join if they name the same device. The later one says more about what happened."""
_REPORTS = ("panic", "oops", "stall", "memory", "lock", "warning", "machine check")
_TOGETHER = {
    **{kind: (kind,) for kind in ("stall", "memory", "machine check")},
    **dict.fromkeys(_OF_DEVICES, (*_OF_DEVICES, "warning", "oops")),
}

Where = tuple[str | None, Host, int]
"""A log, a host, and the number of its boot in the log."""


@dataclass(slots=True)
class _Draft:
    """An incident while the log is read."""

    kind: str
    severity: int
    lead: Seen
    boot: int
    first: Moment
    last: Moment
    count: int = 0
    rows: int = 0
    kept_rows: int = 0
    """Rows of reports, and ordinary lines, among `lines`; at most three fifths, so that the other lines have room."""
    end: Moment | None = None
    """The last line, if it is an ordinary one."""
    device: str | None = None
    task: str | None = None
    keys: set[Key] = field(default_factory=set)
    lines: list[int] = field(default_factory=list)
    messages: dict[str, None] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    framed_by: int | None = None
    """Line of the headline whose stack is kept."""
    facts: Facts = field(default_factory=Facts)

    @property
    def counts(self) -> bool:
        """True if the lines are an incident, and not a warning or two that every machine has."""
        if self.severity <= ERR or self.rows > 0 or self.kind in _REPORTS:
            return True
        is_warning = self.severity <= WARN
        if self.kind == "link" and self.facts.downs:
            return is_warning or self.facts.was_up or self.facts.downs >= FLAPS
        return is_warning and (self.kind in ("device", "firmware", "disk") or self.count >= STORM)


@dataclass(slots=True, eq=False)
class _Recent:
    """An ordinary line that belongs to no incident so far."""

    where: Where
    seen: Seen
    names: list[Key] | None = None
    """The devices that the line names. None if nobody has looked yet."""


class Collector:
    """Collects the incidents of logs, whose lines are added in their order."""

    def __init__(self, lines_kept: int = LINES_KEPT) -> None:
        """Keep the numbers of at most `lines_kept` lines of each incident."""
        self._lines_kept = lines_kept
        self._drafts: list[_Draft] = []
        self._by_key: dict[tuple[Where, Key], _Draft] = {}
        self._by_message: dict[tuple[Where, object], _Draft] = {}
        self._last: dict[tuple[Where, str], _Draft] = {}
        """The last incident of a kind, and the last one of each piece of code."""
        self._reports: OrderedDict[tuple[str | None, int], _Draft] = OrderedDict()
        self._dull: set[object] = set()
        self._nameless: set[object] = set()
        self._ids: dict[object, str] = {}
        self._kinds: dict[tuple[str, str | None], tuple[str | None, int]] = {}
        self._is_full = False
        self._relations = Relations()
        self._up: dict[tuple[Where, Key], None] = {}
        """Links that are up."""
        self._recent: deque[_Recent] = deque(maxlen=RECENT)
        self._latest: tuple[Where, _Draft] | None = None
        """The incident of the last line that is not ordinary."""
        self.omitted = 0
        """Number of lines that belong to none of the incidents that are kept."""

    def add(self, seen: Seen) -> None:
        """Add a line."""
        log = seen.log
        if seen.event is not None:
            draft = self._reports.get((seen.source, seen.event))
            if draft is not None:
                self._add_row(draft, seen)
            if is_part(log.body) or log.fragment or (seen.key is None and report_kind(log.body) is None):
                return
        if log.is_userspace or not log.body:
            return
        worse = RANK.get(seen.level or "unknown", WARN + 1) <= WARN
        body = log.body[:TEXT_LENGTH].lstrip()
        where = seen.source, seen.host, seen.boot
        self._relations.learn(where, body)
        if not worse and seen.key is not None and seen.key in self._dull:
            self._add_ordinary(seen, where, body)
            return
        kind, severity = self._kind_of(body, seen.level)
        if kind is None:
            if self._is_dull(seen, body):
                self._dull.add(seen.key)
            self._add_ordinary(seen, where, body)
            return
        self._add_message(seen, body, kind, severity)

    def incidents(self) -> Iterator[Incident]:
        """Yield the incidents of the lines so far, the worst one first."""
        earlier: dict[object, int] = {}
        for draft in self._drafts:
            at = draft.lead.source, draft.lead.host, _signature(draft)
            earlier[at] = min(earlier.get(at, draft.boot), draft.boot)
        kept = [draft for draft in self._drafts if draft.counts]
        seen_on = _spread(kept)
        for draft in sorted(kept, key=_order):
            signature = _signature(draft)
            first = earlier[draft.lead.source, draft.lead.host, signature]
            new = first == draft.boot if draft.boot > 1 else None
            incident = _incident(draft, new_in_boot=new)
            boots = seen_on[signature]
            hosts = len({name for name, *_ in boots})
            yield replace(incident, hosts=hosts, boots=len(boots))

    def _kind_of(self, body: str, level: str | None) -> tuple[str | None, int]:
        """Return the kind of a line and its severity. Lines that differ only in digits are of one kind."""
        shape = body.translate(_ZEROS), level
        known = self._kinds.get(shape)
        if known is None:
            if len(self._kinds) >= KINDS_KEPT:
                self._kinds.clear()
            known = self._kinds[shape] = _kind_of(body, level)
        return known

    def _is_dull(self, seen: Seen, body: str) -> bool:
        """Return whether no line of a message can be of interest, whatever its values are."""
        named = seen.key is not None and seen.level is not None
        return named and LINK.search(body) is None and len(self._dull) < DULL_KEPT

    def _add_ordinary(self, seen: Seen, where: Where, body: str) -> None:
        """Add a line that is no failure to the incident of its device; keep it for a while if there is none yet."""
        draft = self._accompanied(seen, where, body)
        if draft is None:
            self._recent.append(_Recent(where, seen))
        else:
            self._accompany(draft, seen, where)

    def _accompanied(self, seen: Seen, where: Where, body: str) -> _Draft | None:
        """Return the incident that an ordinary line belongs to: it is about the same device, and comes soon after."""
        if self._latest is None or self._latest[0] != where:
            return None
        latest = self._latest[1]
        if not _near(latest, seen, COMPANY):
            return None
        if suppressed(body) is not None:
            return latest if _near(latest, seen, CLOSE) else None
        names = self._names_of_ordinary(seen, where, body)
        for name in names:
            draft = self._by_key.get((where, name))
            if draft is not None and _near(draft, seen, COMPANY):
                return draft
        if not names:
            return latest if _continues(latest, seen) else None
        return latest if _near(latest, seen, CLOSE) and self._may_concern(where, latest, names) else None

    def _names_of_ordinary(self, seen: Seen, where: Where, body: str) -> list[Key]:
        """Return the devices that an ordinary line names. A message whose first line names none is not searched again.

        Most lines of a log are such messages, and a search takes longer than all else that is done with them here.
        """
        if seen.key is not None and seen.key in self._nameless:
            return []
        names = names_of(body)
        if not names and seen.key is not None and len(self._nameless) < DULL_KEPT:
            self._nameless.add(seen.key)
        return self._relations.all_names(where, names)

    def _may_concern(self, where: Where, draft: _Draft, names: list[Key]) -> bool:
        """Return whether lines of devices can be about the failure of an incident, if the log does not say so.

        Disks fail with their controller; the log may not say which one that is.
        """
        if any(of not in ("disk", "usb") for of, _ in names) or self._relations.controllers(where, names):
            return False
        if draft.facts.is_lost:
            return True
        return draft.kind == "disk" and all(of == "disk" for of, _ in names) and _can_be_one(draft.keys, names)

    def _accompany(self, draft: _Draft, seen: Seen, where: Where) -> None:
        if seen.line > draft.last.line:
            draft.end = _moment(seen)
        self._keep_ordinary(draft, seen)
        self._last[where, "assertion"] = draft

    def _keep_ordinary(self, draft: _Draft, seen: Seen) -> None:
        """Keep the number of a row or of an ordinary line, if there is room."""
        room = min(self._lines_kept, len(draft.lines) - draft.kept_rows + self._lines_kept * 3 // 5)
        if len(draft.lines) < room:
            draft.kept_rows += 1
            draft.lines.append(seen.line)

    def _add_recent(self, draft: _Draft, seen: Seen, where: Where, kind: str) -> None:
        """Add the ordinary lines of the same device directly before a failure."""
        for recent in tuple(self._recent):
            if recent.where != where or not _near(draft, recent.seen, CLOSE if kind == "message" else REACTION):
                continue
            line, body = recent.seen, recent.seen.log.body[:TEXT_LENGTH]
            if recent.names is None:
                recent.names = self._relations.all_names(where, names_of(body))
            names = recent.names
            is_same = not draft.keys.isdisjoint(names)
            is_near = bool(names) and _near(draft, line, CLOSE) and self._may_concern(where, draft, names)
            is_rate_limit = line.line == seen.line - 1 and suppressed(body) is not None
            if is_same or is_near or is_rate_limit:
                self._recent.remove(recent)
                self._accompany(draft, line, where)
                if line.line < draft.first.line:
                    draft.first = _moment(line)

    def _add_message(self, seen: Seen, body: str, kind: str, severity: int) -> None:
        where = seen.source, seen.host, seen.boot
        keys = _keys_of(body, kind)
        if kind in _OF_DEVICES:
            keys = self._relations.all_names(where, keys)
            if not keys and not seen.answer.matches and (part := part_of(body)) is not None:
                keys = [("part", part)]
        draft = self._joined(seen, where, body, kind, keys)
        if draft is None:
            if kind == "link" and severity > WARN and LINK_DOWN.search(body) is None:
                if len(self._up) > NAMES_KEPT:
                    self._up.clear()
                self._up.update(dict.fromkeys((where, key) for key in keys))
                return
            if len(self._drafts) >= INCIDENTS_KEPT and not self._makes_room(severity):
                self.omitted += 1
                return
            moment = _moment(seen)
            draft = _Draft(kind, severity, _cut(seen), seen.boot, moment, moment)
            self._drafts.append(draft)
        else:
            says_more = _leads(kind, draft.kind) and (
                severity <= WARN or draft.severity > WARN or draft.facts.downs >= FLAPS
            )
            # A disk's incident is led by a line about a failure, however severe the others are.
            failed = draft.facts.io_errors > 0 or draft.facts.read_only or draft.facts.shut_down
            fails = kind == "disk" and (IO_ERROR.search(body) is not None or _ends(body))
            worse = severity < draft.severity and kind != "panic"  # A panic ends the incident that caused it.
            if says_more or fails > failed or (worse and fails >= failed):
                draft.lead = _cut(seen)
            draft.severity = min(severity, draft.severity)
            draft.kind = kind if says_more else draft.kind
        self._remember(draft, seen, where, body, kind, keys)
        if kind == "link":
            links = [(where, key) for key in keys]
            draft.facts.was_up = draft.facts.was_up or not self._up.keys().isdisjoint(links)
            if LINK_DOWN.search(body) is None:
                self._up.update(dict.fromkeys(links))
        _add_facts(draft, seen, body, kind, keys)
        self._latest = where, draft
        if self._recent:
            self._add_recent(draft, seen, where, kind)

    def _makes_room(self, severity: int) -> bool:
        """Forget the single warnings, which are no incidents, and return whether there is room for a line now."""
        if severity > ERR or self._is_full:
            return False
        gone = {id(draft) for draft in self._drafts if not draft.counts}
        self._drafts = [draft for draft in self._drafts if id(draft) not in gone]
        self._by_key = {key: draft for key, draft in self._by_key.items() if id(draft) not in gone}
        self._by_message = {key: draft for key, draft in self._by_message.items() if id(draft) not in gone}
        self._last = {key: draft for key, draft in self._last.items() if id(draft) not in gone}
        self._is_full = len(self._drafts) >= INCIDENTS_KEPT // 2  # To forget a few again and again would be slow.
        return len(self._drafts) < INCIDENTS_KEPT

    def _joined(self, seen: Seen, where: Where, body: str, kind: str, keys: list[Key]) -> _Draft | None:
        """Return the incident that a line belongs to; None if the line begins one."""
        for key in keys:
            draft = self._by_key.get((where, key))
            if (
                draft is not None
                and _fits(kind, draft, body)
                and _near(draft, seen, PART if key[0] == "part" else _apart(kind, draft))
            ):
                return draft
        if kind in _OF_DEVICES and (draft := self._beside(seen, where, body, kind, keys)) is not None:
            return draft
        draft = self._by_message.get((where, seen.key)) if seen.key is not None else None
        # The same message again is the same incident only for a while, except for a storm of a message.
        lasts = draft is not None and (kind == "message" or _near(draft, seen, APART.get(kind, CLOSE)))
        if draft is not None and lasts and (not keys or not draft.keys or kind not in _OF_DEVICES):
            return draft
        if kind in ("oops", "warning"):
            draft = self._last.get((where, "assertion"))
            return draft if draft is not None and _directly(draft, seen) else None
        if kind == "stall":
            draft = self._last.get((where, _stall_of(body)))
            return draft if draft is not None and _near(draft, seen, SPREAD[_stall_of(body)]) else None
        if kind == "panic":
            draft = self._last.get((where, "report"))
            return draft if draft is not None and _near(draft, seen, 2 * REACTION) else None
        if kind == "disk":
            draft = self._last.get((where, kind))
            if draft is None or not _fits(kind, draft, body) or not _near(draft, seen, REACTION):
                return None
            return draft if _can_be_one(draft.keys, keys) else None
        if kind in ("message", "firmware"):
            draft = self._last.get((where, _code_of(seen, body)))
            return draft if draft is not None and _near(draft, seen, CLOSE) else None
        return None

    def _beside(self, seen: Seen, where: Where, body: str, kind: str, keys: list[Key]) -> _Draft | None:
        """Return the incident of the device in front of or behind a line's device, or of the row before a line."""
        if self._latest is None or self._latest[0] != where:
            return None
        latest = self._latest[1]
        if not keys:
            return latest if latest.kind in _OF_DEVICES and _continues(latest, seen) else None
        for name in self._relations.controllers(where, keys):
            draft = self._by_key.get((where, name))
            if draft is not None and _fits(kind, draft, body) and _near(draft, seen, CLOSE):
                return draft
        if not _near(latest, seen, CLOSE) or not _fits(kind, latest, body):
            return None
        if not set(keys).isdisjoint(self._relations.controllers(where, list(latest.keys))):
            return latest
        if latest.facts.is_pcie and PCIE.match(body) is not None:
            return latest
        is_controller = CONTROLLER.match(body) is not None
        return latest if latest.facts.is_lost and (is_controller or self._may_concern(where, latest, keys)) else None

    def _remember(self, draft: _Draft, seen: Seen, where: Where, body: str, kind: str, keys: list[Key]) -> None:
        draft.last = _moment(seen)
        draft.end = None
        draft.count += seen.log.repeats
        for table in (self._by_key, self._by_message, self._last, self._up):
            if len(table) > NAMES_KEPT:
                table.clear()
        for key in keys:
            if key in draft.keys or len(draft.keys) < LINES_KEPT:
                draft.keys.add(key)
                self._by_key[where, key] = draft
        if seen.key is not None:
            self._by_message[where, seen.key] = draft
        if kind in ("oops", "stall", "lock", "warning", "memory", "machine check"):
            self._last[where, "report"] = draft
        self._last[where, kind] = draft
        if kind in _OF_DEVICES:
            self._last[where, "assertion"] = draft
        if kind == "stall":
            self._last[where, _stall_of(body)] = draft
        self._last[where, _code_of(seen, body)] = draft
        if len(draft.lines) < self._lines_kept:
            draft.lines.append(seen.line)
        if seen.answer.matches and len(draft.messages) < MESSAGES_KEPT:
            draft.messages[self._id_of(seen)] = None
        self._reports[seen.source, seen.line] = draft
        if len(self._reports) > REPORTS_KEPT:
            self._reports.popitem(last=False)

    def _id_of(self, seen: Seen) -> str:
        """Return the id of the message of a line."""
        known = self._ids.get(seen.key)
        if known is None:
            if len(self._ids) >= KINDS_KEPT:
                self._ids.clear()
            first = seen.answer.matches[0]
            known = self._ids[seen.key] = message_id(first.message, first.form)
        return known

    def _add_row(self, draft: _Draft, seen: Seen) -> None:
        """Add a row of a report to its incident."""
        body = seen.log.body[:TEXT_LENGTH]
        draft.rows += 1
        draft.last = _moment(seen)
        self._keep_ordinary(draft, seen)
        if draft.framed_by is None:
            draft.framed_by = seen.event
        if draft.framed_by == seen.event and len(draft.frames) < FRAMES_KEPT and (frame := frame_of(body)) is not None:
            draft.frames.append(frame)
        if draft.task is None and (found := running(body)) is not None:
            draft.task = found[1]
            if draft.kind == "stall":
                where = seen.source, seen.host, seen.boot
                for key in (("cpu", found[0]), ("task", found[1])):
                    draft.keys.add(key)
                    self._by_key.setdefault((where, key), draft)
        if is_panic(body):
            draft.severity = 0
            draft.facts.panicked = True


def _kind_of(body: str, level: str | None) -> tuple[str | None, int]:
    """Return the kind of incident that a line can belong to, and its severity as a rank. None for other lines."""
    own = RANK.get(level or "unknown", RANK["unknown"])
    if ORDINARY.match(body):
        return None, own
    report = report_kind(body)
    if report is not None:
        if report.severity is None or CORRECTED.search(body) is not None:
            return report.name, min(own, WARN)
        return report.name, min(own, RANK[report.severity])
    if _ends(body) and FILE_SYSTEM.search(body) is not None:
        return "disk", RANK["crit"]
    if _is_of_link(body):
        return "link", own
    if suppressed(body) is not None:
        return None, own
    own = _said_level(body, own)
    if own <= WARN and (IO_ERROR.search(body) is not None or FILE_SYSTEM.match(body) is not None):
        return "disk", own
    if LOST.search(body) is not None or (own <= WARN and DEVICE.search(body) is not None):
        return "device", own
    if own > WARN:
        return None, own
    return ("firmware" if FIRMWARE.search(body) is not None else "message"), own


def _ends(body: str) -> bool:
    """Return whether a line says that a file system takes no more writes, or no more requests at all."""
    return READ_ONLY.search(body) is not None or SHUT_DOWN.search(body) is not None


def _said_level(body: str, level: int) -> int:
    """Return the level of a line, as a rank; that of a line without a level is what its words say."""
    if level < RANK["unknown"]:
        return level
    if FILE_SYSTEM.match(body) is not None and (named := NAMED_LEVEL.search(body)) is not None:
        return ERR if named[1] == "error" else WARN
    if PCIE.match(body) is not None or CORRECTED.search(body) is not None:
        return WARN
    if IO_ERROR.search(body) is not None or DEVICE.search(body) is not None:
        return ERR
    return WARN if FAILURE.search(body) is not None else level


def _is_of_link(body: str) -> bool:
    """Return whether a line says that a network link went up or down; SATA links are those of disks."""
    if LINK.search(body) is None or body.startswith("ata"):
        return False
    return LINK_DOWN.search(body) is not None or LINK_UP.search(body) is not None


def _keys_of(body: str, kind: str) -> list[Key]:
    """Return what a line names, by which it can join an incident."""
    if kind in _OF_DEVICES:
        names = names_of(body)
        system = file_system_of(body) if kind == "disk" and not names else None
        return names if system is None else [("file system", system)]
    if kind in ("memory", "machine check"):
        return [(kind, "")]
    if kind == "stall":
        named = (("task", task_of(body)), ("cpu", processor_of(body)))
        return [(of, name) for of, name in named if name is not None]
    return []


def _apart(kind: str, draft: _Draft) -> float:
    """Return how many seconds a line may come after the last one of an incident that names the same device."""
    lost_only = draft.kind == "device" and draft.severity > WARN  # Somebody pulled a plug.
    return REACTION if lost_only else APART.get(kind, CLOSE)


def _fits(kind: str, draft: _Draft, body: str) -> bool:
    """Return whether a line of a kind can join an incident that names the same device or task.

    One after the other, a disk can have several file systems.
    """
    if draft.kind not in _TOGETHER.get(kind, _OF_DEVICES):
        return False
    if kind != "disk" or draft.facts.file_system is None:
        return True
    return file_system_of(body) in (None, draft.facts.file_system)


def _stall_of(body: str) -> str:
    """Return the key of `SPREAD` for the headline of a stall: one cause stops several processors, or several tasks."""
    return "blocked" if task_of(body) is not None and processor_of(body) is None else "stuck"


def _leads(kind: str, other: str) -> bool:
    """Return whether a kind says more than another one about an incident."""
    if kind == other or kind not in _OF_DEVICES:
        return kind != other and other == "message"
    return other in _OF_DEVICES and _OF_DEVICES.index(kind) > _OF_DEVICES.index(other)


def _can_be_one(one: set[Key], other: list[Key]) -> bool:
    """Return whether two sets of disks can be the same device at several layers: none has another disk of its layer."""
    layers = {_layer(name) for of, name in one if of == "disk"}
    others = {_layer(name) for of, name in other if of == "disk"}
    return not layers & others


def _layer(disk: str) -> str:
    return disk.rstrip("0123456789:")[:2]


def _code_of(seen: Seen, body: str) -> str:
    """Return the code that printed a line: directory of a driver, file of other code, else the first word.

    `code ` in front keeps the first words of lines apart from the names of kinds.
    """
    if seen.answer.matches:
        path = seen.answer.matches[0].message.path
        return f"code {posixpath.dirname(path) if path.startswith(('drivers/', 'sound/')) else path}"
    return f"code {prefix_of(body) or ''}"


def _near(draft: _Draft, seen: Seen, seconds: float) -> bool:
    """Return whether a line comes soon enough after the last line of an incident."""
    last, log = draft.last, seen.log
    if last.uptime_s is not None and log.uptime_s is not None:
        return abs(log.uptime_s - last.uptime_s) <= seconds
    if last.time is not None and log.time is not None:
        return abs((log.time - last.time).total_seconds()) <= seconds
    if last.wallclock is not None and last.wallclock == log.wallclock:
        return True
    return seen.line - last.line <= LINES_APART


def _continues(draft: _Draft, seen: Seen) -> bool:
    """Return whether a line is the next row of the message that an incident has last: of the same microsecond."""
    last = draft.end or draft.last
    return seen.line == last.line + 1 and bool(last.uptime_s) and last.uptime_s == seen.log.uptime_s


def _directly(draft: _Draft, seen: Seen) -> bool:
    """Return whether a report comes directly after a message, as after the words of a failed assertion."""
    last = draft.end or draft.last
    return 0 < seen.line - last.line <= ASSERTION and _near(draft, seen, CLOSE)


def _add_facts(draft: _Draft, seen: Seen, body: str, kind: str, keys: list[Key]) -> None:
    """Add to an incident what a line says for its title."""
    facts = draft.facts
    facts.is_lost = facts.is_lost or (kind in _OF_DEVICES and LOST.search(body) is not None)
    facts.is_pcie = facts.is_pcie or (kind in _OF_DEVICES and PCIE.match(body) is not None)
    task = task_of(body) if kind in ("stall", "memory") else None
    draft.task = draft.task or task
    if kind == "panic":
        facts.panicked = True
    elif kind == "link":
        down = LINK_DOWN.search(body) is not None
        facts.downs += down * seen.log.repeats
        facts.not_sent += (NOT_SENT.search(body) is not None) * seen.log.repeats
        facts.no_wifi += (NO_WIFI.search(body) is not None) * seen.log.repeats
        facts.ups += (not down) * seen.log.repeats
        draft.device = draft.device or link_of(body)
    elif kind == "disk":
        facts.shut_down = facts.shut_down or SHUT_DOWN.search(body) is not None
        facts.read_only = facts.read_only or READ_ONLY.search(body) is not None
        facts.io_errors += IO_ERROR.search(body) is not None
        facts.file_system = facts.file_system or file_system_of(body)
        names = [name for of, name in keys if of == "disk"]
        named = draft.device is not None and ("disk", draft.device) in draft.keys
        if names and (draft.device is None or not named or draft.device[:1].isdecimal() or draft.device[:3] == "ata"):
            draft.device = next((name for name in names if not name[:1].isdecimal()), names[0])
    elif kind == "memory" and "illed process" in body and task is not None:
        draft.task = task
        facts.kill(task.rpartition(":")[0], seen.log.repeats)
    elif kind in _OF_DEVICES:
        draft.device = draft.device or device_of(body)
    if kind == "memory" and ("emory cgroup" in body or "CONSTRAINT_MEMCG" in body):
        facts.in_cgroup = True


def _cut(seen: Seen) -> Seen:
    log = seen.log
    if len(log.text) <= TEXT_LENGTH:
        return seen
    return replace(seen, log=replace(log, text=log.text[:TEXT_LENGTH], body=log.body[:TEXT_LENGTH], truncated=True))


def _moment(seen: Seen) -> Moment:
    return Moment(seen.source, seen.line, seen.log.uptime_s, seen.log.time, seen.log.wallclock)


def _signature(draft: _Draft) -> object:
    """Return what incidents have in common that are the same on several hosts or in several boots."""
    named = draft.lead.key if draft.lead.key is not None else draft.lead.log.body[:40]
    return draft.kind, named, draft.device


_Boot = tuple[object, str | None, int]
"""Key of a host, a log, and the number of the host's boot in the log."""


def _spread(drafts: Iterable[_Draft]) -> dict[object, set[_Boot]]:
    """Return signature → the boots that have such an incident."""
    found: dict[object, set[_Boot]] = {}
    for draft in drafts:
        lead = draft.lead
        found.setdefault(_signature(draft), set()).add((lead.host.key, lead.source, draft.boot))
    return found


_ORDER = {
    kind: rank
    for rank, kinds in enumerate(
        (
            ("panic",),
            ("oops",),
            ("stall",),
            ("data loss", "machine check"),
            ("device", "firmware", "severe"),
            ("memory",),
            ("link",),
            ("warning", "lock"),
            ("message",),
            ("boot",),
        )
    )
    for kind in kinds
}
"""Kind → how bad an incident of that kind is for its machine, 0 is worst. Levels alone do not say it: drivers choose
them, and many of the errors at boot are grumbles about the firmware."""

BOOT = 60.0
"""Seconds of uptime in which a single message of an error is mostly one that the machine has at each boot."""


def _harm(draft: _Draft) -> str:
    """Return the entry of `_ORDER` for an incident."""
    if draft.facts.panicked:
        return "panic"
    if draft.kind == "disk" and (draft.facts.io_errors or draft.facts.read_only):
        return "data loss" if draft.severity <= ERR else "device"
    if draft.kind in ("device", "firmware", "machine check") and draft.severity <= ERR:
        return draft.kind
    if draft.kind not in ("message", "disk", "device", "firmware", "machine check"):
        return draft.kind
    if draft.severity < ERR:
        return "severe"
    uptime = draft.first.uptime_s
    return "boot" if uptime is not None and uptime < BOOT else "message"


def _order(draft: _Draft) -> tuple[int, int, int, int]:
    return _ORDER[_harm(draft)], draft.severity, -draft.count, draft.first.line


def _incident(draft: _Draft, *, new_in_boot: bool | None) -> Incident:
    return Incident(
        title=title_of(draft.lead, draft.kind, draft.device, draft.task, draft.count, draft.facts, draft.frames),
        kind=draft.kind,
        severity=list(RANK)[draft.severity],
        first=draft.first,
        last=draft.end or draft.last,
        count=draft.count,
        boot=draft.boot,
        new_in_boot=new_in_boot,
        device=draft.device,
        task=draft.task,
        lines=tuple(sorted(set(draft.lines))),
        message_ids=tuple(draft.messages),
        lead=draft.lead,
        frames=tuple(draft.frames),
        host=draft.lead.host.name,
    )
