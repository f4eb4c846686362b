"""One record of a kernel log: what the logger added is taken off and kept as fields."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogLine:
    """A log line taken apart. Unknown fields are None."""

    text: str
    """The line as read: invalid bytes as U+FFFD, without its line end, cut at 64 KiB."""
    truncated: bool
    """True if `text` was cut."""
    format: str
    """The form that was recognised: `plain`, `dmesg`, `dmesg-T`, `syslog`, …"""
    body: str
    """What the kernel printed, as far as the form tells."""
    level: str | None = None
    """emerg alert crit err warn notice info debug."""
    facility: str | None = None
    """kern, user, daemon …"""
    uptime_s: float | None = None
    """Seconds since boot."""
    time: datetime | None = None
    """Only if year and zone are known."""
    wallclock: str | None = None
    """The wall clock time as read."""
    host: str | None = None
    process: str | None = None
    """Syslog tag without the process id: `kernel`, `sshd`."""
    caller: str | None = None
    """printk's caller column: `T123` or `C0`."""
    device: str | None = None
    """From a record's dictionary: `+pci:0000:00:1f.6`."""

    @property
    def is_userspace(self) -> bool:
        """True if the record says that a user-space process wrote it."""
        return self.process is not None and self.process != "kernel"
