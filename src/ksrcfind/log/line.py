"""Read one line of a log: `LogLine` has the message that the kernel printed and what the prefixes say as fields.

`read_line` recognises the format from the line alone. It removes prefixes from the start of the line (`peel`); if that
finds no log format, it looks for a time stamp or a header further in. A line of no known format is `plain`: all of it
is the message. `records` reads records that span several lines.
"""

import re
from datetime import datetime

import msgspec

from ksrcfind.log import origin
from ksrcfind.log.formats import daemon_headers, envelopes
from ksrcfind.log.formats.grammar import Decoded, Fields, Layer
from ksrcfind.log.prefixes import PLAIN, UNDECIDED, merge, peel, visible
from ksrcfind.regex import regex

LIMIT = 64 * 1024
"""Bytes of a line that are read."""


class LogLine(msgspec.Struct, frozen=True):
    """A line of a log, split into its message and the fields of its prefixes. Unknown fields are None."""

    text: str
    """The line as read: invalid bytes as U+FFFD, without its line end, cut at 64 KiB."""
    truncated: bool
    """True if `text` was cut."""
    format: str
    """The format that was recognised: `plain`, `dmesg`, `dmesg-T`, `syslog`, …"""
    body: str
    """The message, without the prefixes that were recognised."""
    level: str | None = None
    """One of emerg, alert, crit, err, warn, notice, info, debug."""
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
    subsystem: str | None = None
    """From a record's dictionary: `pci`."""
    boot: str | None = None
    """The journal's id of the boot."""
    repeats: int = 1
    """The number of equal records that a syslog daemon replaced with this one."""
    fragment: bool = False
    """True if the record says that it is only a part of a line (printk without a newline, `pr_cont`)."""
    architecture: str | None = None
    """The machine's architecture by its directory of arch/ (`x86`), when earlier lines of the same boot reveal it."""

    @property
    def is_userspace(self) -> bool:
        """True if the record says that a user-space process wrote it."""
        if self.process is not None:
            return self.process != "kernel"
        # In the ring buffer, only the kernel itself can be `kern`; a syslog header says how it was received.
        return self.facility not in (None, "kern") and not self.format.startswith("syslog")


def read_line(text: str) -> LogLine:
    """Return a line of any format, given with or without its line end."""
    text = text.removesuffix("\n")[: LIMIT + 1]
    if not text.isascii():
        # Python decodes command line bytes that are not UTF-8 to surrogates.
        text = _SURROGATES.sub("\ufffd", text)
    text, truncated = cut(text)
    return read_clean(text, truncated=truncated)


def cut(text: str) -> tuple[str, bool]:
    """Return a text cut at 64 KiB of UTF-8, between two characters, and whether it was cut."""
    if len(text) <= LIMIT // 4:
        return text, False
    raw = text[: LIMIT + 1].encode("utf-8", "replace")
    if len(raw) <= LIMIT:
        return text, False
    return raw[:LIMIT].decode("utf-8", "ignore"), True


def read_clean(text: str, *, truncated: bool = False) -> LogLine:
    """Return a line whose text is already decoded, cut and without its newline."""
    text = text.removesuffix("\r")
    shown = envelopes.unquoted(visible(text))
    form, fields, body = peel(shown, Layer.WRAPPER)
    if form == PLAIN and "\xa0" in shown:
        # Web pages turn runs of blanks into no-break spaces. They stay in a line that is only a message.
        spaced = peel(shown.replace("\xa0", " "), Layer.WRAPPER)
        form, fields, body = spaced if spaced.format != PLAIN else (form, fields, body)
    if form in UNDECIDED:
        form, body = _search_inside(form, fields, body)
    return _finish(text, truncated, form, fields, body)


def read_decoded(text: str, form: str, reading: Decoded, *, truncated: bool) -> LogLine:
    """Return a record that spans several lines and is read already; `text` is the line with the message."""
    _, fields, body = peel(visible(reading.text), reading.layer)
    return _finish(text, truncated, reading.format or form, merge(reading.fields, fields), body)


def _finish(text: str, truncated: bool, form: str, fields: Fields, body: str) -> LogLine:
    if "#01" in body and form.startswith("syslog"):
        body = body.replace("#011", "\t").replace("#012", "\n")
    if body.startswith("message repeated "):
        body = _repeated(fields, body)
    if (uptime := fields.get("uptime_s")) is not None and f"{uptime:.6f}]" in body:
        body = _second_copy(uptime, body)
    if "]: " in body:
        _name_writer(fields, body)
    return LogLine(text, truncated, form, body, **fields)


_SURROGATES = regex("[\ud800-\udfff]")

# The stamp is at least as wide as printk makes it.
_STAMP_INSIDE = regex(r"\[(?=[^\]]{12}) {0,12}(\d{1,12}\.\d{6})\](?: ?\[ {0,12}([TC]\d{1,10})\])?(?: |$)")

# What systemd prints to the console while it boots: show_status() of systemd's src/shared.
_STATUS = regex(r"\[(?:  OK  |FAILED|DEPEND|SKIP\b.|INFO|WARN| INFO | WARN | TIME |[ *]{5,6})\] ")

# CommonMark, section 5.2. No message of printk begins with a hyphen or a star and a single word.
_LIST_MARK = regex(r"[-*] (?=[A-Za-z][\w-]*+[: ])")

# A time without a zone in front of a message, as many loggers write it.
_LEADING_TIME = regex(r"(\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) (?=[A-Za-z])")


def _search_inside(form: str, fields: Fields, body: str) -> tuple[str, str]:
    """Return format and message of a text that does not begin with a known prefix but may have one further in."""
    if (header := daemon_headers.unknown_header(body)) is not None:
        fields.update(merge(fields, header[0]))
        _, inner, body = peel(body[header[1] :], Layer.PRIORITY)
        fields.update(merge(fields, inner))
        return "syslog", body
    # On a serial console, output of the boot loader or the shell that lacks a line end comes before the stamp.
    if (stamp := _STAMP_INSIDE.search(body)) is not None:
        fields["uptime_s"], fields["caller"] = float(stamp[1]), stamp[2]
        return "console", body[stamp.end() :]
    if _STATUS.match(body):
        fields["process"] = "systemd"
        return "console", body
    if form == PLAIN and (mark := _LIST_MARK.match(body)) is not None:
        form, body = "quote", body[mark.end() :]
    if form in (PLAIN, "quote") and (time := _LEADING_TIME.match(body)) is not None:
        fields["wallclock"] = time[1]
        return "timestamped", body[time.end() :]
    return form, body


_REPEATED = regex(r"message repeated (\d{1,9}) times: \[ ?(.*)\]$", re.DOTALL)


def _repeated(fields: Fields, body: str) -> str:
    """Return the message that rsyslog's "message repeated 3 times: [ … ]" contains."""
    match = _REPEATED.match(body)
    if match is None:
        return body
    fields["repeats"] = int(match[1])
    _, inner, body = peel(match[2], Layer.PRIORITY)
    fields.update(merge(fields, inner))
    return body


_COPY = regex(r"(?:<\d{1,3}>)?\[ {0,12}(\d{1,12}\.\d{6})(?:@\d{1,3})?\]")


def _second_copy(uptime: float, body: str) -> str:
    """Return the message of a line that two consoles wrote, one of them only a part: `new [1.000000] usb: new device`.

    The copy has the same time stamp and begins with all that comes before it.
    """
    copies = [match for match in _COPY.finditer(body) if float(match[1]) == uptime]
    if not copies:
        return body
    first, last = copies[0], copies[-1]
    _, _, copy = peel(body[last.start() :], Layer.PRIORITY)
    return copy if copy.strip() and copy.startswith(body[: first.start()].strip()) else body


def _name_writer(fields: Fields, body: str) -> None:
    """Set the process if a process wrote this message to /dev/kmsg."""
    process, facility = fields.get("process"), fields.get("facility")
    if process is None:
        # Without a tag, the facility is the one in the ring buffer, and only the kernel can write `kern` there.
        if facility == "kern":
            return
        name = origin.process_of(body, certain=facility is not None)
    elif process == "kernel":
        # A daemon copied the record from the ring buffer and gave it the tag `kernel`; `kern` was derived from the tag.
        name = origin.process_of(body, certain=False)
        if name is not None and facility == "kern":
            fields["facility"] = None
    else:
        return
    if name is not None:
        fields["process"] = name
