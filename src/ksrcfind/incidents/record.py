"""An incident, and the line of a log as the search for incidents sees it."""

from datetime import datetime

from msgspec import Struct

from ksrcfind.finding import About
from ksrcfind.log.hosts import NO_HOST, Host
from ksrcfind.log.line import LogLine
from ksrcfind.log.report import Frame
from ksrcfind.match.answer import Answer


class Seen(Struct, frozen=True, gc=False):
    """A line of a log with its answer."""

    source: str | None
    line: int
    event: int | None
    """Line number of the headline of the report that the line belongs to. None for a headline and for a single line."""
    boot: int
    log: LogLine
    level: str | None
    answer: Answer
    key: object
    """Identifies the message within the log; None if no message matches."""
    host: Host = NO_HOST


class Moment(Struct, frozen=True):
    """A line of a log and its time."""

    source: str | None
    line: int
    uptime_s: float | None
    time: datetime | None
    wallclock: str | None


class Incident(Struct, frozen=True):
    """Lines of a log that belong together: something that happened to one host."""

    title: str
    """What happened, in plain words."""
    kind: str
    """`panic`, `oops`, `memory`, `stall`, `lock`, `warning`, `machine check`, `disk`, `device`, `link`, `firmware`, or
    `message` for other lines."""
    severity: str
    """A level: `emerg`, `alert`, `crit`, `err`, `warn`, …"""
    first: Moment
    last: Moment
    count: int
    """Number of messages; rows of reports, and ordinary lines about the same device, are not counted."""
    boot: int
    """Number of the boot of the host within the log file, from 1."""
    new_in_boot: bool | None
    """True if no earlier boot of the host in the log file has such an incident. None for the first boot."""
    device: str | None
    task: str | None
    lines: tuple[int, ...]
    """Line numbers of evidence in the log file, ascending; at most `LINES_KEPT`."""
    message_ids: tuple[str, ...]
    """Ids of the messages, in the order of the log; at most `MESSAGES_KEPT`."""
    lead: Seen
    """The line that gave the title."""
    frames: tuple[Frame, ...] = ()
    """The stack of the first report."""
    about: About | None = None
    """What the incident is about. None if it was not looked up."""
    subsystem: str | None = None
    maintainers: tuple[str, ...] = ()
    host: str | None = None
    """Name of the host; None if neither the log nor its file's name says it."""
    hosts: int = 1
    """Number of hosts that have such an incident: of this kind, led by this message, about the same device."""
    boots: int = 1
    """Number of boots, of all hosts, that have such an incident."""
