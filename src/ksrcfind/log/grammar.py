"""What a grammar of a log form is, and the small pieces that several of them share.

A line is peeled in layers, from the outside in: a quote mark, a wrapper (docker, a CI system), a syslog header, the
priority, the time stamp of the ring buffer, printk's caller column. A grammar belongs to one layer, takes the text at
the place it is asked for and reads its fields; what stands behind it is left to the layers further in. The grammars
themselves stand in `ring.py` (printk, dmesg, /dev/kmsg), `syslog.py`, `wrappers.py`, `logcat.py` and `objects.py`.

Every pattern takes time linear in the text: repetitions are possessive or bounded, and none starts with a search.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import TypedDict

from ksrcfind.levels import LEVELS


class Layer(IntEnum):
    """How far out a grammar stands. After one of them only layers further in may follow."""

    WRAPPER = 0
    """Quotes, containers, CI systems: several may be nested."""
    SYSLOG = 1
    """The header of a syslog daemon or of journalctl."""
    PRIORITY = 2
    """`<6>` or `kern  :info  : `."""
    STAMP = 3
    """The ring buffer's time in one of dmesg's forms; dmesg can print several."""
    CALLER = 4
    """printk's `[  T123]` where it stands by itself."""
    BODY = 5
    """The message: nothing more is taken off."""


class Fields(TypedDict, total=False):
    """What a grammar read; the keys are the fields of `LogLine`."""

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


@dataclass(frozen=True, slots=True)
class Decoded:
    """The reading of a form that does not end in the message as it was printed, but holds an escaped copy of it."""

    fields: Fields
    text: str
    """Takes the place of the whole line."""
    layer: Layer = Layer.BODY
    """The outermost layer that `text` may begin with."""
    format: str | None = None
    """Name of the form where the grammar alone does not tell it."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """One form that a line, or the rest of a line, can have."""

    format: str
    """Name of the form in `LogLine.format`."""
    layer: Layer
    starts: str
    """Every character that a text of this form can begin with."""
    pattern: re.Pattern[str]
    """Matches what is to be taken off, at the place where it is asked for."""
    read: Callable[[re.Match[str]], Fields | Decoded | None]
    """Fields of a match; None if the text is not of this form after all."""
    source: str
    """Where the form is defined."""
    tentative: bool = False
    """True if this is taken off only when a form that is not tentative follows."""
    needs_start: bool = False
    """True if nothing but wrappers may stand before it."""


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
"""Numbers beyond a 64-bit one are no field of any form."""


def priority(number: str | None) -> Fields:
    """Return level and facility of a syslog priority (`facility * 8 + level`), nothing if it is out of range."""
    if not number or len(number) > 3 or (value := int(number)) >= len(FACILITIES) * 8:
        return {}
    return {"level": LEVELS[value & 7], "facility": FACILITIES[value >> 3]}


def instant(text: str) -> datetime | None:
    """Return the moment an RFC 3339 time names, None if it names none: no zone, no such day, a leap second."""
    try:
        time = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return time if time.tzinfo else None


def from_epoch(microseconds: int) -> datetime | None:
    """Return the moment so many microseconds after 1970, None outside of the calendar."""
    try:
        return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)
    except (ValueError, OverflowError, OSError):
        return None


def nothing(match: re.Match[str]) -> Fields:  # noqa: ARG001 - the signature of a reader
    """Read no field."""
    return {}
