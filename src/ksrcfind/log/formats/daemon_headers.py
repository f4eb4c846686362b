"""Headers that syslog daemons and journalctl write before a message: `May 23 02:06:26 host kernel: `.

Sources: RFC 3164 section 4.1, RFC 5424 section 6, rsyslog's built-in templates (RSYSLOG_TraditionalFileFormat,
RSYSLOG_FileFormat, RSYSLOG_SyslogProtocol23Format and their forwarding twins), busybox sysklogd/syslogd.c, OpenWrt's
logread, systemd src/shared/logs-show.c (output_short, output_verbose).

A header ends in a tag: `kernel:` for a message of the kernel, otherwise the name of a process.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from ksrcfind.levels import SYSLOG_NAMES
from ksrcfind.log.formats.grammar import (
    DIGITS,
    FACILITIES,
    ISO,
    Fields,
    Grammar,
    Layer,
    from_epoch,
    instant,
    nothing,
    priority,
)
from ksrcfind.log.programs import HAS_TAG_ALONE
from ksrcfind.regex import regex

HOST = r"[^\s\[\]:]++(?::++[^\s\[\]:]++)*+"
"""A host name or an IPv4 or IPv6 address; it does not end in a colon, because `name:` is a tag."""

_PRIORITY = rf"(?P<facility>{'|'.join(FACILITIES)})\.({'|'.join(SYSLOG_NAMES)}) "
# Without a host before it, a word with a colon is more likely the start of a kernel message (`nf_conntrack: `), unless
# it is the name of a program that logs without a process id.
# Before a process id, a tag can have any characters (systemd's `(sd-executor)[7]`, `Web Content[123]`).
_TAG = r"[A-Za-z_/][\w./@+-]{0,80}"
_ORIGIN = (
    rf"(?:(?!(?:{'|'.join(FACILITIES)})\.)(?P<host>{HOST}) )?(?:{_PRIORITY})?"
    rf"(?:([^:\[\]\n]{{1,64}})\[\d{{1,10}}\]|"
    rf"(kernel(?=:\[)|(?(host){_TAG}|(?(facility){_TAG}|{HAS_TAG_ALONE}))(?=:(?: |$)))):(?: |$)?"
)
_STAMP_NEXT = r"(?=\[ {0,12}\d{1,12}\.\d{6}\])"
_REST = rf"(?:{_ORIGIN}|({HOST}) {_STAMP_NEXT})"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DAY, _TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(?:\.\d{1,9})?"
_MONTHS, _WEEKDAYS = "JFMASOND", "MTWFS"


@lru_cache(maxsize=4096)
def _origin_of(groups: tuple[str | None, ...]) -> Fields:
    host, facility, level, tagged, tag, bare_host = groups
    fields: Fields = {}
    if host or bare_host:
        fields["host"] = host or bare_host
    process = tagged or tag
    if process:
        fields["process"] = process
        if process == "kernel":
            fields["facility"] = "kern"
    if facility:
        fields["facility"] = facility
        fields["level"] = SYSLOG_NAMES[level or ""]
    return fields


def _origin(groups: tuple[str | None, ...]) -> Fields:
    """Return the fields of the groups of `_REST`; the lines of a log repeat them."""
    return _origin_of(groups).copy()


def _traditional(match: re.Match[str]) -> Fields:
    groups = match.groups()
    fields = _origin(groups[2:])
    fields["wallclock"] = groups[1]
    if number := groups[0]:
        fields |= priority(number)
    return fields


def _iso(match: re.Match[str]) -> Fields:
    fields = _traditional(match)
    fields["time"] = instant(match[2])
    return fields


def _full(match: re.Match[str]) -> Fields:
    wallclock, date, clock, zone, *rest = match.groups()
    fields = _origin(tuple(rest))
    fields["wallclock"] = wallclock
    # Other abbreviations are ambiguous.
    fields["time"] = instant(f"{date}T{clock}Z") if zone in ("UTC", "GMT") else None
    return fields


def _unix(match: re.Match[str]) -> Fields:
    seconds, fraction, *rest = match.groups()
    fields = _origin(tuple(rest))
    fields["wallclock"] = f"{seconds}.{fraction}"
    fields["time"] = from_epoch(int(seconds) * 1_000_000 + int(fraction))
    return fields


def _protocol_23(match: re.Match[str]) -> Fields:
    number, wallclock, host, application = match.groups()
    fields = priority(number)
    fields["time"] = instant(wallclock)
    fields["wallclock"] = None if wallclock == "-" else wallclock
    fields["host"] = None if host == "-" else host
    if application != "-":
        fields["process"] = application
        if application == "kernel":
            fields.setdefault("facility", "kern")
    return fields


def _verbose(match: re.Match[str]) -> Fields:
    wallclock, cursor = match.groups()
    fields: Fields = {"wallclock": wallclock}
    for name, value in re.findall(r"(?:^|;)([bmt])=([0-9a-f]{1,32})(?=;|$)", cursor):
        if name == "b":
            fields["boot"] = value
        elif name == "t" and len(value) <= 16:
            fields["time"] = from_epoch(int(value, 16))
    return fields


def _boot(match: re.Match[str]) -> Fields:
    return {"boot": match[1]} if match[1] else {}


def _tag_only(match: re.Match[str]) -> Fields:  # noqa: ARG001 - the signature of a reader
    return {"process": "kernel", "facility": "kern"}


_SHOW = "systemd src/shared/logs-show.c"
_WORD_255, _WORD_128, _WORD_48 = (rf"(?:[^\s\[\]]{{0,{size - 1}}}[^\s\[\]:])" for size in (255, 128, 48))
_SD = r"(?:-|(?:\[(?:[^\]\\]|\\.)*+\])++)"

GRAMMARS = (
    Grammar(
        "syslog-5424",
        Layer.SYSLOG,
        "<" + DIGITS,
        regex(
            rf"(?:<(\d{{1,3}})>)?\d{{1,2}} ({ISO}|-) ({_WORD_255}) ({_WORD_48}) {_WORD_128} {_WORD_48} "
            rf"{_SD}(?: \ufeff?|$)"
        ),
        _protocol_23,
        "RFC 5424, section 6",
    ),
    Grammar(
        "syslog-5424",
        Layer.SYSLOG,
        DIGITS,
        # Files often lack priority and version. Then process id and parameters must have their exact form.
        regex(
            rf"()({ISO}) ({_WORD_255}) ({_WORD_48}) (?:-|\d{{1,10}}) {_WORD_48} "
            rf'(?:-|(?=\[[^\s=\]"]{{1,32}} [^\s=\]"]{{1,32}}="){_SD})(?: \ufeff?|$)'
        ),
        _protocol_23,
        "RFC 5424, section 6, as a template without its header",
    ),
    Grammar(
        "syslog",
        Layer.SYSLOG,
        "<" + _MONTHS,
        regex(rf"(?:<(\d{{1,3}})>)?({_MONTH} [ \d]?\d(?: \d{{4}})? \d\d:\d\d:\d\d):? (?:{_REST})?"),
        _traditional,
        "RFC 3164, section 4.1; rsyslog RSYSLOG_TraditionalFileFormat; journalctl -o short",
    ),
    Grammar(
        "journal-precise",
        Layer.SYSLOG,
        "<" + _MONTHS,
        regex(rf"(?:<(\d{{1,3}})>)?({_MONTH} [ \d]?\d \d\d:\d\d:\d\d\.\d{{1,9}}) (?:{_REST})?"),
        _traditional,
        f"{_SHOW}, OUTPUT_SHORT_PRECISE",
    ),
    Grammar(
        "syslog-iso",
        Layer.SYSLOG,
        "<" + DIGITS,
        regex(rf"(?:<(\d{{1,3}})>)?({ISO}) {_REST}"),
        _iso,
        f"rsyslog RSYSLOG_FileFormat; {_SHOW}, OUTPUT_SHORT_ISO",
    ),
    Grammar(
        "syslog-iso",
        Layer.SYSLOG,
        "<" + DIGITS,
        # With a blank instead of T, as many templates write it, and without a zone.
        regex(rf"(?:<(\d{{1,3}})>)?(\d{{4}}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d(?:[.,]\d{{1,9}})?) {_REST}"),
        _traditional,
        "rsyslog and syslog-ng templates",
    ),
    Grammar(
        "journal-full",
        Layer.SYSLOG,
        _WEEKDAYS,
        regex(rf"({_WEEKDAY} ({_DAY}) ({_TIME}) ([A-Z]{{3,5}}|[+-]\d\d(?:\d\d)?)) {_REST}"),
        _full,
        f"{_SHOW}, OUTPUT_SHORT_FULL",
    ),
    Grammar(
        "journal-verbose",
        Layer.SYSLOG,
        _WEEKDAYS,
        regex(rf"({_WEEKDAY} {_DAY} {_TIME}(?: \S{{1,8}})?) \[(s=[^\]\s]{{1,300}})\]$"),
        _verbose,
        f"{_SHOW}, output_verbose()",
        needs_start=True,
    ),
    Grammar(
        "syslog",
        Layer.SYSLOG,
        _WEEKDAYS,
        regex(rf"()({_WEEKDAY} {_MONTH} [ \d]\d \d\d:\d\d:\d\d \d{{4}}) {_REST}"),
        _traditional,
        "OpenWrt logread",
    ),
    Grammar(
        "journal-unix",
        Layer.SYSLOG,
        DIGITS,
        regex(rf"(\d{{9,11}})\.(\d{{6}}) {_REST}"),
        _unix,
        f"{_SHOW}, OUTPUT_SHORT_UNIX",
    ),
    Grammar(
        "journal",
        Layer.SYSLOG,
        "-",
        regex(r"-- (?:Boot ([0-9a-f]{32})|Reboot|No entries|(?:Journal|Logs) begin.{1,200}) --$"),
        _boot,
        f"{_SHOW} and src/journal/journalctl.c",
        needs_start=True,
    ),
    Grammar(
        "journal-verbose",
        Layer.SYSLOG,
        " \tM",
        # A single line of the verbose form; `multiline` reads whole records.
        regex(r"[ \t]{0,12}MESSAGE="),
        nothing,
        f"{_SHOW}, output_verbose()",
        needs_start=True,
    ),
    Grammar(
        "journal-export",
        Layer.SYSLOG,
        "_",
        regex(r"__CURSOR=s=[0-9a-f]{1,64};.*", re.DOTALL),
        nothing,
        "systemd docs/JOURNAL_EXPORT_FORMATS.md",
        needs_start=True,
    ),
    Grammar(
        "syslog",
        Layer.SYSLOG,
        " k",
        # A header that lost its beginning, or the one that syslogd writes to terminals (` kernel:[12345.678901] `).
        regex(r" ?kernel:(?: |(?=\[))"),
        _tag_only,
        "rsyslog omusrmsg",
        needs_start=True,
    ),
)

_CLOCK = regex(r"\d\d:\d\d:\d\d")
_ANY_HEADER = regex(rf"(?:[.,]\d{{1,9}})?\S{{0,8}} (?:[A-Z]{{3,5}} )?{_ORIGIN}")


def unknown_header(text: str) -> tuple[Fields, int] | None:
    """Return the fields of a header with a time that no grammar matches, and the position of the message behind it.

    Such headers have a date in another language, come from a template of a site, or lack their beginning. Only an
    unambiguous tag is accepted: `kernel:`, or one with a process id.
    """
    clock = _CLOCK.search(text, 0, 64)
    if clock is None or (match := _ANY_HEADER.match(text, clock.end())) is None:
        return None
    fields = _origin((*match.groups(), None))
    if match[4] is None and fields.get("process") != "kernel":
        return None
    fields["wallclock"] = text[: clock.end()].strip()
    return fields, match.end()


_AFTER_STAMP = regex(rf"({HOST}) (?:([^\s:\[\]]{{1,64}})\[(\d{{1,10}})\]|(kernel)):(?: |$)")
_WORD = regex(r"[A-Z][a-z]+$")


class MonotonicTag(NamedTuple):
    """Host and tag that journalctl -o short-monotonic writes between the stamp and the message."""

    host: str
    process: str
    pid: int
    """0 for the kernel."""
    end: int
    """Position of the message."""


def monotonic_tag(text: str, position: int) -> MonotonicTag | None:
    """Return the host and tag behind a stamp; None if there are none.

    Kernel messages can look alike ("Booting kernel: Unknown parameter"); an English word is not accepted as a host.
    """
    match = _AFTER_STAMP.match(text, position)
    if match is None or _WORD.match(match[1]):
        return None
    return MonotonicTag(match[1], match[2] or "kernel", int(match[3] or 0), match.end())
