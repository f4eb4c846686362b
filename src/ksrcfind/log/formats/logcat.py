"""Formats of Android's logcat, mainly for the kernel's buffer (`-b kernel`).

Sources: AOSP liblog/logprint.cpp (android_log_formatLogLine) for the formats; logd/LogKlog.cpp for kernel messages: the
prefix up to the colon becomes the tag, the priority one of Android's letters, and the process id is 0 unless a vendor's
printk prints one.
"""

import re

from msgspec import Struct

from ksrcfind.log.formats.grammar import DIGITS, Decoded, Fields, Grammar, Layer, nothing
from ksrcfind.regex import regex

LEVELS = {"V": "debug", "D": "debug", "I": "info", "W": "warn", "E": "err", "F": "crit"}
"""Android's priorities; I is also used for notice, and F for alert and emerg."""

_LOGPRINT = "AOSP liblog/logprint.cpp, "
_STAMP = r"(?P<time>(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9}(?: [+-]\d{4})?|\d{1,10}\.\d{3,9})"
_USER = r"(?:[\w-]{1,20}:? {0,6})?"
_PID = r"(?P<pid>\d{1,10})"
_LEVEL = "(?P<level>[VDIWEF])"
_TAG = r"(?P<tag>[^\n]{0,80}?)"
_TEXT = r"(?P<text>.*)"

_LONG = regex(rf"\[ {_STAMP} {_USER} {{0,9}}{_PID}: {{0,9}}\d{{1,10}} {_LEVEL}/{_TAG} {{1,16}}\]$")


class LongHead(Struct, frozen=True):
    """The first line of a record of the long format; the message is on the lines behind it."""

    fields: Fields
    tag: str
    """The prefix of a kernel message, to be put back before its first line; may be empty."""


def long_head(text: str) -> LongHead | None:
    """Return the first line of a record of the long format; None for other lines."""
    match = _LONG.match(text)
    if match is None:
        return None
    fields, tag = _fields(match)
    return LongHead(fields, tag)


def _fields(match: re.Match[str]) -> tuple[Fields, str]:
    """Return the fields of a record and the tag to be put back before its message."""
    found = match.groupdict()
    tag = found["tag"].strip()
    fields: Fields = {"level": LEVELS[found["level"]], "wallclock": found.get("time")}
    if int(found["pid"]):
        return fields | {"process": tag or "unknown"}, ""
    return fields | {"process": "kernel", "facility": "kern"}, tag


def _rebuild(match: re.Match[str]) -> Decoded:
    fields, tag = _fields(match)
    return Decoded(fields, f"{tag}: {match['text']}" if tag else match["text"])


def _head(match: re.Match[str]) -> Fields:
    return _fields(match)[0]


GRAMMARS = (
    Grammar(
        "logcat",
        Layer.SYSLOG,
        DIGITS,
        regex(rf"{_STAMP} {{1,12}}{_USER}{_PID} {{1,10}}\d{{1,10}} {_LEVEL} {_TAG} {{0,16}}: {_TEXT}", re.DOTALL),
        _rebuild,
        _LOGPRINT + "FORMAT_THREADTIME",
    ),
    Grammar(
        "logcat",
        Layer.SYSLOG,
        DIGITS,
        regex(rf"{_STAMP} {_LEVEL}/{_TAG} {{0,16}}\({_USER} {{0,9}}{_PID}\): {_TEXT}", re.DOTALL),
        _rebuild,
        _LOGPRINT + "FORMAT_TIME",
    ),
    Grammar(
        "logcat",
        Layer.SYSLOG,
        "VDIWEF",
        regex(rf"{_LEVEL}/{_TAG} {{0,16}}\({_USER} {{0,9}}{_PID}\): {_TEXT}", re.DOTALL),
        _rebuild,
        _LOGPRINT + "FORMAT_BRIEF",
    ),
    Grammar(
        "logcat",
        Layer.SYSLOG,
        "VDIWEF",
        regex(rf"{_LEVEL}\({_USER} {{0,9}}{_PID}\) {_TEXT}  \((?P<tag>[^()\n]{{0,80}})\)$", re.DOTALL),
        _rebuild,
        _LOGPRINT + "FORMAT_PROCESS",
    ),
    Grammar(
        "logcat",
        Layer.SYSLOG,
        "VDIWEF",
        regex(rf"(?P<tag>){_LEVEL}\({_USER} {{0,9}}{_PID}: {{0,9}}\d{{1,10}}\) {_TEXT}", re.DOTALL),
        _rebuild,
        _LOGPRINT + "FORMAT_THREAD",
    ),
    Grammar(
        "logcat",
        Layer.SYSLOG,
        "[",
        _LONG,
        _head,
        _LOGPRINT + "FORMAT_LONG",
        needs_start=True,
    ),
    Grammar(
        "logcat",
        Layer.SYSLOG,
        "-",
        regex(r"-{5,12} (?:beginning of|switch to) /?[\w/]{1,40}$"),
        nothing,
        "AOSP logcat/logcat.cpp, the divider between buffers",
        needs_start=True,
    ),
)
