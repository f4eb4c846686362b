"""Formats of the kernel's own ring buffer: printk prefixes, dmesg, /dev/kmsg, netconsole, pstore.

Sources: kernel/printk/printk.c (info_print_prefix, print_time, print_caller), util-linux sys-utils/dmesg.c
(print_record), Documentation/ABI/testing/dev-kmsg, Documentation/networking/netconsole.rst, fs/pstore/platform.c
(pstore_dump), fs/pstore/ram.c (RAMOOPS_KERNMSG_HDR).
"""

import re

from ksrcfind.levels import LEVELS, SYSLOG_NAMES
from ksrcfind.log.formats.grammar import (
    DIGITS,
    FACILITIES,
    Decoded,
    Fields,
    Grammar,
    Layer,
    instant,
    nothing,
    priority,
)
from ksrcfind.regex import regex

STAMP = r"\[ {0,12}\d{1,12}\.\d{6}\]"
"""`[%5lu.%06lu]`; mail programs and web pages can remove the blanks."""

_CALLER = r"\[ {0,12}([TC]\d{1,10})\]"
"""`[%6s]`; dmesg pads to the width of the largest process id."""

_END = rf"(?: ?{_CALLER}(?= |$))?(?: |$)"
"""What follows a stamp: the caller column, if any, and one blank."""

_HEX = regex(rb"\\x([0-9a-fA-F]{2})")


def unescape(text: str) -> str:
    r"""Decode `\xNN`, which /dev/kmsg writes for the backslash and for bytes that are not printable ASCII."""
    if "\\x" not in text:
        return text
    raw = _HEX.sub(lambda match: bytes((int(match[1], 16),)), text.encode("utf-8", "replace"))
    return raw.decode("utf-8", "replace")


def _called(fields: Fields, caller: str | None) -> Fields:
    if caller:
        fields["caller"] = caller
    return fields


def _uptime(match: re.Match[str]) -> Fields:
    seconds, cpu, caller = match.groups()
    return _called({"uptime_s": float(seconds)}, caller or (cpu and f"C{cpu}"))


def _wallclock(match: re.Match[str]) -> Fields:
    time, caller = match.groups()
    return _called({"wallclock": time}, caller)


def _iso(match: re.Match[str]) -> Fields:
    time, caller = match.groups()
    return _called({"wallclock": time, "time": instant(time)}, caller)


def _caller(match: re.Match[str]) -> Fields:
    return _called({}, match[1])


def _vendor(match: re.Match[str]) -> Fields:
    return {"caller": f"T{match[1].strip()}"}


def _raw(match: re.Match[str]) -> Fields | None:
    return priority(match[1]) or None


def _decoded(match: re.Match[str]) -> Fields:
    return {"facility": match[1], "level": SYSLOG_NAMES[match[2]]}


def _kmsg(match: re.Match[str]) -> Decoded | None:
    number, microseconds, flags, extra, text = match.groups()
    fields = priority(number)
    if not fields:
        return None
    fields["uptime_s"] = int(microseconds) / 1_000_000
    if "c" in flags or "+" in flags or "ncfrag=" in extra:
        fields["fragment"] = True
    if extra and (caller := re.search(r",caller=([TC]\d{1,10})(?:,|$)", extra)):
        fields["caller"] = caller[1]
    text, _, dictionary = text.partition("\n")
    for line in dictionary.split("\n"):
        fields |= dictionary_entry(line)
    return Decoded(fields, unescape(text))


_ENTRY = regex(r" ([A-Z_][A-Z0-9_]{0,63})=(.*)", re.DOTALL)


def is_dictionary_line(text: str) -> bool:
    """Return whether a line continues a /dev/kmsg record with a key and a value."""
    return text.startswith(" ") and "=" in text


def dictionary_entry(text: str) -> Fields:
    """Return the field on a line of a /dev/kmsg record's dictionary; no field for keys that `LogLine` does not have."""
    match = _ENTRY.match(text)
    if match is None:
        return {}
    if match[1] == "DEVICE":
        return {"device": unescape(match[2])}
    if match[1] == "SUBSYSTEM":
        return {"subsystem": unescape(match[2])}
    return {}


_PRINTK = "kernel/printk/printk.c, info_print_prefix()"
_DMESG = "util-linux sys-utils/dmesg.c, print_record()"
_DELTA = r"< {0,12}-?\d{1,12}\.\d{6} ?>"
_FACILITY = "|".join((*FACILITIES, "res[0-3]"))
_KMSG = r"(\d{1,4}),\d{1,20},(\d{1,19}),([-c+]{1,2})((?:,[^;,\n]{0,200}){0,16});(.*)"

GRAMMARS = (
    Grammar(
        "dmesg",
        Layer.STAMP,
        "[",
        # dmesg -d adds the time since the row before, journalctl -o short-delta leaves room for it in the first row.
        # Amlogic's kernels put the CPU behind the time.
        regex(rf"\[ {{0,12}}(\d{{1,12}}\.\d{{6}})(?:@(\d{{1,3}}))?(?: {_DELTA}| {{2,20}})?\](?: ?{_CALLER}(?= |$))? ?"),
        _uptime,
        f"{_PRINTK}; {_DMESG}",
    ),
    Grammar(
        "dmesg",
        Layer.STAMP,
        DIGITS + ".",
        # The end of a stamp that was copied without its beginning; the time is unknown.
        regex(r"\d{0,12}\.\d{6}\]" + _END),
        _caller,
        _PRINTK,
        needs_start=True,
    ),
    Grammar(
        "dmesg-T",
        Layer.STAMP,
        "[",
        # Day and month are in the language of the locale. crash's `log -T` adds the zone.
        regex(rf"\[([^\[\]\n]{{3,30}} \d\d:\d\d:\d\d(?: [A-Z]{{3,5}})? \d{{4}})(?: {_DELTA})?\]{_END}"),
        _wallclock,
        f"{_DMESG}, record_ctime()",
    ),
    Grammar(
        "dmesg-H",
        Layer.STAMP,
        "[",
        regex(rf"\[([^\[\]\d\s]{{1,12}}[ \d]\d \d\d:\d\d)\]{_END}"),
        _wallclock,
        f"{_DMESG}, short_ctime()",
    ),
    Grammar("dmesg-H", Layer.STAMP, "[", regex(rf"\[ {{0,12}}[+-]\d{{1,12}}[.,]\d{{6}}\]{_END}"), _caller, _DMESG),
    Grammar("dmesg-delta", Layer.STAMP, "[", regex(rf"\[{_DELTA}\]{_END}"), _caller, _DMESG),
    Grammar(
        "dmesg-iso",
        Layer.STAMP,
        DIGITS,
        regex(rf"(\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{{6}}[+-]\d\d:?\d\d){_END}"),
        _iso,
        f"{_DMESG}, iso_8601_time()",
    ),
    Grammar(
        "dmesg-x",
        Layer.PRIORITY,
        "".join(sorted({name[0] for name in FACILITIES} | {"r"})),
        # "%-6s:%-6s: "; web pages shrink the blanks to one, or remove those behind the names.
        regex(
            rf"({_FACILITY}) {{0,5}}:(?=.{{6}}: |[a-z]{{3,5}} : |[a-z]{{3,6}} ?: ?\[)({'|'.join(LEVELS)}) {{0,3}}: ?"
        ),
        _decoded,
        _DMESG,
    ),
    Grammar("dmesg-r", Layer.PRIORITY, "<", regex(rf"<(\d{{1,3}})> ?(?={STAMP})"), _raw, f"{_PRINTK}; {_DMESG}"),
    Grammar(
        "dmesg",
        Layer.CALLER,
        "[",
        # dmesg -t: without a stamp before it, the column must have its full width.
        regex(rf"(?=\[[^\]]{{5}}){_CALLER}(?: |$)"),
        _caller,
        f"{_PRINTK}; {_DMESG}",
    ),
    Grammar(
        "dmesg",
        Layer.CALLER,
        " .-([",
        # CPU, process id and command as MediaTek's and Samsung's kernels show them.
        regex(
            r"[ .-]?(?:\(\d\)\[(?=\d{1,7}:)|\[\d: ?[^\]\n]{15}:(?=[ \d]{5,8}\] ))([ \d]{1,8})(?::[^\]\n]{1,24})?\] ?"
        ),
        _vendor,
        "AOSP logd/LogKlog.cpp, sniffPid(); vendors' kernel/printk/printk.c",
    ),
    Grammar(
        "netconsole",
        Layer.PRIORITY,
        DIGITS,
        # With the kernel release before it, or with the position of a fragment behind it.
        regex(r"(?:\d{1,3}\.\d{1,4}[^\s,;]{0,80},|(?=[^;\n]{0,200},ncfrag=))" + _KMSG, re.DOTALL),
        _kmsg,
        "Documentation/networking/netconsole.rst, extended console",
    ),
    Grammar("kmsg", Layer.PRIORITY, DIGITS, regex(_KMSG, re.DOTALL), _kmsg, "Documentation/ABI/testing/dev-kmsg"),
    Grammar(
        "pstore",
        Layer.PRIORITY,
        "POESHU",
        regex(r"(?:Panic|Oops|Emergency|Restart|Halt|Shutdown|Poweroff|Unknown)#\d{1,10} Part\d{1,10}$"),
        nothing,
        "fs/pstore/platform.c, pstore_dump()",
        needs_start=True,
    ),
    Grammar(
        "pstore",
        Layer.PRIORITY,
        "=",
        regex(r"====\d{1,12}\.\d{1,9}-[CD]$"),
        nothing,
        "fs/pstore/ram.c, ramoops_write_kmsg_hdr()",
        needs_start=True,
    ),
)

# Tried after syslog headers, which can also begin with `<6>`.
FALLBACKS = (
    Grammar(
        "dmesg-r",
        Layer.PRIORITY,
        "<",
        # Without time stamps (printk.time=0). Behind another prefix, `<6>` is text of a message with two levels.
        regex(r"<(\d{1,3})>(?=[^<\s])"),
        _raw,
        _PRINTK,
        needs_start=True,
    ),
)
