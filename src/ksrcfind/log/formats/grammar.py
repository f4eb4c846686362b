"""`Grammar`: how one log format's prefix is recognised and which fields it has; and what several grammars share.

A line is peeled in layers, from the outside in: a quote mark, a wrapper (docker, a CI system), a syslog header, the
priority, the time stamp of the ring buffer, printk's caller column. A grammar belongs to one layer. It matches its
prefix at a position of the text and reads the fields; the text behind the prefix is left to the inner layers.

Every pattern takes time linear in the text: repetitions are possessive or bounded, and none starts with a search.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import TypedDict

from msgspec import Struct

from ksrcfind.levels import LEVELS


class Layer(IntEnum):
    """The position of a prefix in a line, from the outside in; `log/prefixes.py` has which may follow which."""

    WRAPPER = 0
    """Quotes, containers, CI systems: several may be nested."""
    SYSLOG = 1
    """The header of a syslog daemon or of journalctl."""
    PRIORITY = 2
    """`<6>` or `kern  :info  : `."""
    STAMP = 3
    """The ring buffer's time in one of dmesg's forms; dmesg can print several."""
    CALLER = 4
    """printk's caller column `[  T123]`, without a stamp before it."""
    BODY = 5
    """The message: no prefix follows."""


class Fields(TypedDict, total=False):
    """The fields that a grammar has read, named as in `LogLine`."""

    level: str | None
    facility: str | None
    uptime_s: float | None
    time: datetime | None
    wallclock: str | None
    host: str | None
    process: str | None
    caller: str | None
    device: str | None
    subsystem: str | None
    boot: str | None
    repeats: int
    fragment: bool


class Decoded(Struct, frozen=True):
    """What a grammar returns if the line contains the message in another form than printed: escaped, as JSON."""

    fields: Fields
    text: str
    """Replaces the whole line."""
    layer: Layer = Layer.BODY
    """The outermost layer that `text` may begin with."""
    format: str | None = None
    """Name of the format, if one grammar reads several."""
    outer: Fields = {}
    """Fields of what is around the message, for those that the message does not have itself."""


class Grammar(Struct, frozen=True):
    """One format of a line, or of what is left of a line."""

    format: str
    """Name of the format in `LogLine.format`."""
    layer: Layer
    starts: str
    """All characters that a text of this format can begin with."""
    pattern: re.Pattern[str]
    """Matches the prefix to be removed, at the current position."""
    read: Callable[[re.Match[str]], Fields | Decoded | None]
    """Returns the fields of a match; None if the text does not have this format after all."""
    source: str
    """Where the format is defined: a source file, a standard."""
    tentative: bool = False
    """True if the prefix is removed only if one that is not tentative follows."""
    needs_start: bool = False
    """True if only wrappers may come before it."""


FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock"),
    *(f"local{number}" for number in range(8)),
)
"""Names of the facilities 0–23 (RFC 5424, table 1, with the names of syslog.h)."""

DIGITS = "0123456789"

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
"""RFC 3339, also with journalctl's zone without a colon."""

BOUNDED_NUMBER = 1 << 63
"""No field of any format has a number from here on: they have 64 bits at most."""


def priority(number: str | None) -> Fields:
    """Return level and facility of a syslog priority (`facility * 8 + level`); no fields if it is out of range."""
    if not number or len(number) > 3 or (value := int(number)) >= len(FACILITIES) * 8:
        return {}
    return {"level": LEVELS[value & 7], "facility": FACILITIES[value >> 3]}


def instant(text: str) -> datetime | None:
    """Return an RFC 3339 time; None if it has no zone, does not exist or is a leap second."""
    try:
        time = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return time if time.tzinfo else None


def from_epoch(microseconds: int) -> datetime | None:
    """Return the time of a number of microseconds since 1970; None if `datetime` cannot express it."""
    try:
        return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)
    except (ValueError, OverflowError, OSError):
        return None


def nothing(match: re.Match[str]) -> Fields:  # noqa: ARG001 - the signature of a reader
    """Return no fields: the reader of prefixes without any."""
    return {}
