"""Records that come as named fields: JSON of dmesg, journalctl and containers, and the journal's other forms.

Sources: util-linux sys-utils/dmesg.c (print_record, --json), systemd docs/JOURNAL_EXPORT_FORMATS.md and
systemd.journal-fields(7), docker's json-file driver, LAVA's job logs.
"""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from ksrcfind.levels import LEVELS, SYSLOG_NAMES
from ksrcfind.log.formats.grammar import (
    BOUNDED_NUMBER,
    FACILITIES,
    Decoded,
    Fields,
    Grammar,
    Layer,
    from_epoch,
    instant,
    priority,
)
from ksrcfind.regex import regex


def decode_object(text: str) -> dict[str, object] | None:
    """Return a text that is a JSON object as a dictionary; None for other texts."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    """Return a field as text. The journal has lists: of numbers for bytes that are not UTF-8, of values for several."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return None
    if isinstance(value[0], str | list):
        return _text(value[0])
    try:
        return bytes(value).decode("utf-8", "replace")
    except (TypeError, ValueError):
        return None


def _number(value: object) -> int | None:
    """Return a field that is a whole number, or a text of digits, as a number; None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < BOUNDED_NUMBER else None


def read_journal(record: Mapping[str, object]) -> Decoded | None:
    """Return the message and fields of a journal record; None if it has no message."""
    text = _text(record.get("MESSAGE"))
    if text is None:
        return None
    fields: Fields = {}
    if (level := _number(record.get("PRIORITY"))) is not None and level < len(LEVELS):
        fields["level"] = LEVELS[level]
    if (facility := _number(record.get("SYSLOG_FACILITY"))) is not None and facility < len(FACILITIES):
        fields["facility"] = FACILITIES[facility]
    _read_times(record, fields)
    fields["process"] = _journal_process(record)
    if fields["process"] == "kernel":
        fields.setdefault("facility", "kern")
    fields["host"] = _text(record.get("_HOSTNAME"))
    fields["device"] = _text(record.get("_KERNEL_DEVICE"))
    fields["subsystem"] = _text(record.get("_KERNEL_SUBSYSTEM"))
    fields["boot"] = _text(record.get("_BOOT_ID"))
    return Decoded(fields, text)


def _read_times(record: Mapping[str, object], fields: Fields) -> None:
    uptime = _number(record.get("_SOURCE_MONOTONIC_TIMESTAMP"))
    if uptime is None:
        uptime = _number(record.get("__MONOTONIC_TIMESTAMP"))
    if uptime is not None:
        fields["uptime_s"] = uptime / 1_000_000
    now = _number(record.get("_SOURCE_REALTIME_TIMESTAMP")) or _number(record.get("__REALTIME_TIMESTAMP"))
    if now is not None:
        fields["time"] = from_epoch(now)


def _journal_process(record: Mapping[str, object]) -> str | None:
    """Return the process that wrote a record. Only journald sets the transport; the writer sets the identifier."""
    identifier = _text(record.get("SYSLOG_IDENTIFIER"))
    transport = _text(record.get("_TRANSPORT"))
    if transport == "kernel":
        return identifier or "kernel"
    if transport is not None and identifier in (None, "kernel"):
        return _text(record.get("_COMM")) or "unknown"
    return identifier or _text(record.get("_COMM"))


def read_dmesg(record: Mapping[str, object]) -> Decoded | None:
    """Return the message and fields of an object of `dmesg --json`; None for other objects."""
    text = _text(record.get("msg"))
    if text is None or "pri" not in record:
        return None
    fields: Fields = {}
    level, facility = record["pri"], record.get("fac")
    if (number := _number(level)) is not None:
        fields |= priority(str(number))
        if number < len(LEVELS):
            # util-linux 2.38 joins facility and level without shifting, so that `daemon` can look like `kern`.
            fields["facility"] = None
    elif isinstance(level, str) and level in SYSLOG_NAMES:
        fields["level"] = SYSLOG_NAMES[level]
    if isinstance(facility, str):
        fields["facility"] = facility
    time = record.get("time")
    if isinstance(time, int | float) and not isinstance(time, bool) and abs(time) < LONGEST_UPTIME:
        fields["uptime_s"] = float(time)
    fields["caller"] = _text(record.get("caller"))
    # dmesg that reads from syslog(2) leaves the caller column and the line end in the message.
    return Decoded(fields, text.removesuffix("\n"), Layer.CALLER)


_CARRIED = ("log", "message", "msg", "line", "textPayload")
"""Keys of the log line in the objects of docker and Fluentd, Fluent Bit, Vector, ECS and CloudWatch, LAVA, Loki, and
Google Cloud."""

_TIMES = ("time", "@timestamp", "timestamp", "dt", "date")
_HOSTS = (
    *("hostname", "host", "_HOSTNAME", "nodename", "node_name", "node", "compute.googleapis.com/resource_name"),
    *("instance", "logStreamName", "logStream"),
)
_INSIDE = ("host", "labels", "stream", "kubernetes", "agent")
"""Keys of the objects in which a log shipper names the host."""

_JOURNAL_FIELDS = ("_TRANSPORT", "_BOOT_ID", "SYSLOG_IDENTIFIER")


def read_object(record: Mapping[str, object]) -> Decoded | None:
    """Return the message and fields of any object with a log message; None if it has none.

    What the message itself says goes before what the object around it says.
    """
    if (journal := read_journal(record)) is not None:
        return replace(journal, format="journal-json")
    if (dmesg := read_dmesg(record)) is not None:
        return replace(dmesg, format="dmesg-json")
    payload = record.get("jsonPayload")
    if isinstance(payload, dict):
        inner = read_object({key: value for key, value in payload.items() if key != "jsonPayload"})
        return None if inner is None else _enveloped(record, inner)
    for key in _CARRIED:
        if isinstance(message := record.get(key), str):
            if any(isinstance(record.get(field), str) for field in _JOURNAL_FIELDS):
                # Vector and others write the journal's fields with a message by their own name.
                journal = read_journal({**record, "MESSAGE": message})
                return None if journal is None else _enveloped(record, replace(journal, format="journal-json"))
            return _enveloped(record, Decoded({}, message.rstrip("\r\n"), Layer.WRAPPER))
    return None


def _enveloped(record: Mapping[str, object], inner: Decoded) -> Decoded:
    """Return a message with the time and the host of the object around it, which the message's own ones replace."""
    outer: Fields = {}
    times = (record.get(key) for key in _TIMES)
    time = next((time for time in times if isinstance(time, str | int | float)), None)
    if isinstance(time, str) and not (time.isascii() and time.isdecimal()):
        outer |= {"wallclock": time, "time": instant(time)}
    elif time is not None:
        outer["time"] = _moment(time)
    if (host := _host_of(record)) is not None:
        outer["host"] = host
    return replace(inner, outer={**outer, **inner.outer})


def _host_of(record: Mapping[str, object]) -> str | None:
    """Return the host that an object names itself, or that one of the objects in it names."""
    for place in (record, *(record.get(key) for key in _INSIDE)):
        if isinstance(place, dict):
            named = (place.get(key) for key in (*(("name",) if place is record.get("host") else ()), *_HOSTS))
            found = next((name for name in named if isinstance(name, str) and name), None)
            if found is not None:
                return found[:LONGEST_NAME]
    return None


LONGEST_NAME = 255
"""Characters that are kept of a host's name: DNS has no longer ones."""

LONGEST_UPTIME = 1e12
"""Seconds; a number that is larger is no time since boot."""

_UNITS = ((1e11, 1_000_000), (1e14, 1000), (1e17, 1))


def _moment(time: str | float) -> datetime | None:
    """Return a number of seconds, milliseconds, microseconds or nanoseconds since 1970 as a time."""
    if isinstance(time, bool) or (isinstance(time, str) and len(time) > 19):
        return None
    number = float(time) if isinstance(time, str) else time  # An integer of many digits cannot become a float.
    if not 0 < number < 1e20:  # Neither NaN nor infinite.
        return None
    factor = next((factor for limit, factor in _UNITS if number < limit), 0)
    whole = int(time) if isinstance(time, str) else time
    return from_epoch(int(whole * factor) if factor else int(whole) // 1000)


def _object(match: re.Match[str]) -> Decoded | None:
    record = decode_object(match[1])
    return read_object(record) if record else None


GRAMMARS = (
    Grammar(
        "json",
        Layer.WRAPPER,
        "{-d\x1e",
        # As a line of its own, as an event of json-sse, behind json-seq's record separator, or in LAVA's YAML list.
        regex(r"(?:data: |\x1e|- )?(\{\s*+\".*\})\s*+,?\s*+$", re.DOTALL),
        _object,
        "systemd docs/JOURNAL_EXPORT_FORMATS.md; docker json-file; RFC 7464; LAVA; logcli --output=jsonl; Fluent Bit; "
        "Vector; Elastic Common Schema; CloudWatch Logs; Google Cloud LogEntry",
    ),
)
