"""Records that come as named fields: JSON of dmesg, journalctl and containers, and the journal's other forms.

Sources: util-linux sys-utils/dmesg.c (print_record, --json), systemd docs/JOURNAL_EXPORT_FORMATS.md and
systemd.journal-fields(7), docker's json-file driver, LAVA's job logs.
"""

import re
from collections.abc import Mapping

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
    if isinstance(time, int | float) and not isinstance(time, bool):
        fields["uptime_s"] = float(time)
    fields["caller"] = _text(record.get("caller"))
    # dmesg that reads from syslog(2) leaves the caller column and the line end in the message.
    return Decoded(fields, text.removesuffix("\n"), Layer.CALLER)


_CARRIED = ("log", "message", "msg")
"""Keys of the log line in docker's json-file, in log shippers' records and in LAVA's."""


def read_object(record: Mapping[str, object]) -> Decoded | None:
    """Return the message and fields of any object with a log message; None if it has none."""
    if (journal := read_journal(record)) is not None:
        return replace(journal, format="journal-json")
    if (dmesg := read_dmesg(record)) is not None:
        return replace(dmesg, format="dmesg-json")
    for key in _CARRIED:
        if isinstance(message := record.get(key), str):
            time = record.get("time") or record.get("dt") or record.get("timestamp")
            fields: Fields = {"wallclock": time, "time": instant(time)} if isinstance(time, str) else {}
            return Decoded(fields, message.rstrip("\r\n"), Layer.WRAPPER)
    return None


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
        "systemd docs/JOURNAL_EXPORT_FORMATS.md; docker json-file; RFC 7464; LAVA",
    ),
)
