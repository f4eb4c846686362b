"""One record of a kernel log: what the logger added is taken off and kept as fields.

`read_line` recognises the form of a line by itself: it peels off layer after layer (see `grammar`) and looks at nothing
but the line. A text that is of no known form is `plain`, and the whole of it is the message. Records that take several
lines are put together in `records`.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from ksrcfind.log import envelopes, logcat, objects, origin, ring, syslog
from ksrcfind.log.grammar import Decoded, Fields, Grammar, Layer

LIMIT = 64 * 1024
"""Bytes of a line that are read."""

MOST_LAYERS = 16
"""Prefixes that are taken off one line."""


class LogLine(msgspec.Struct, frozen=True):
    """A log line taken apart. Unknown fields are None."""

    text: str
    """The line as read: invalid bytes as U+FFFD, without its line end, cut at 64 KiB."""
    truncated: bool
    """True if `text` was cut."""
    format: str
    """The form that was recognised: `plain`, `dmesg`, `dmesg-T`, `syslog`, …"""
    body: str
    """What the kernel printed, as far as the form shows."""
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
    subsystem: str | None = None
    """From a record's dictionary: `pci`."""
    boot: str | None = None
    """The journal's id of the boot."""
    repeats: int = 1
    """How many equal records a syslog daemon folded into this one."""
    fragment: bool = False
    """True if the record says that it is a part of a line, to be joined with others."""
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
    """Read one line, with or without its line end, of any form."""
    text = text.removesuffix("\n")[: LIMIT + 1]
    if not text.isascii():
        # What the command line gives for bytes that are not UTF-8.
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
    """Read one line that is already decoded, cut and without its newline."""
    text = text.removesuffix("\r")
    shown = envelopes.unquoted(visible(text))
    form, fields, body = _peel(shown, Layer.WRAPPER)
    if form == _PLAIN and "\xa0" in shown:
        # Web pages keep runs of blanks with no-break spaces. A message of its own keeps them.
        spaced = _peel(shown.replace("\xa0", " "), Layer.WRAPPER)
        form, fields, body = spaced if spaced[0] != _PLAIN else (form, fields, body)
    if form in _NO_LOG_FORM:
        form, body = _search(form, fields, body)
    return _finish(text, truncated, form, fields, body)


def read_decoded(text: str, form: str, reading: Decoded, *, truncated: bool) -> LogLine:
    """Read a record whose fields and message were found on several lines; `text` is the line that carries it."""
    _, fields, body = _peel(visible(reading.text), reading.layer)
    return _finish(text, truncated, reading.format or form, _merge(reading.fields, fields), body)


def _finish(text: str, truncated: bool, form: str, fields: Fields, body: str) -> LogLine:
    if "#01" in body and form.startswith("syslog"):
        body = body.replace("#011", "\t").replace("#012", "\n")
    if body.startswith("message repeated "):
        body = _repeated(fields, body)
    if "]: " in body:
        _name_writer(fields, body)
    return LogLine(text, truncated, form, body, **fields)


_PLAIN = "plain"
_SURROGATES = re.compile("[\ud800-\udfff]")

# ECMA-48: CSI and two-character sequences; OSC, DCS and APC strings up to their terminator.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|[\]PX^_][^\x07\x1b]*+(?:\x07|\x1b\\)|[ -/]*+[0-~])")

_TABLE: tuple[Grammar, ...] = (
    *objects.GRAMMARS,
    *ring.GRAMMARS,
    *envelopes.GRAMMARS,
    *logcat.GRAMMARS,
    *syslog.GRAMMARS,
    *envelopes.FALLBACKS,
    *ring.FALLBACKS,
)
"""Every grammar; where two could match, the more particular one stands first."""

_NO_LOG_FORM = frozenset({_PLAIN, "json", *(grammar.format for grammar in (*envelopes.GRAMMARS, *envelopes.FALLBACKS))})
"""Forms that say nothing of what stands behind them."""


def formats() -> tuple[str, ...]:
    """Return the names that `LogLine.format` can have, sorted."""
    found = {"console", "dmesg-json", "journal-json", "journal-monotonic", _PLAIN}
    return tuple(sorted(found | {grammar.format for grammar in _TABLE}))


def _dispatch(grammars: Iterable[Grammar]) -> tuple[dict[str, tuple[Grammar, ...]], ...]:
    """Index grammars by the layer from which on they are allowed, then by first character."""
    tables = []
    for layer in Layer:
        table: dict[str, list[Grammar]] = {}
        for grammar in grammars:
            if grammar.layer >= layer and (layer == Layer.WRAPPER or not grammar.needs_start):
                for character in grammar.starts:
                    table.setdefault(character, []).append(grammar)
        tables.append({character: tuple(found) for character, found in table.items()})
    return tuple(tables)


_GRAMMARS = _dispatch(_TABLE)

# After a grammar of a layer, which layers may follow: wrappers may be nested, stamps may stand side by side.
_INNER = (Layer.WRAPPER, Layer.PRIORITY, Layer.STAMP, Layer.STAMP, Layer.BODY, Layer.BODY)


def visible(text: str) -> str:
    """Return a line without what a terminal does not show: colours, NUL bytes, a byte order mark."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "\0" in text:
        text = text.replace("\0", "")
    return text.removeprefix("\ufeff")


def _merge(outer: Fields, inner: Fields) -> Fields:
    """Join what two layers tell; the outer one wins where both do."""
    if not outer:
        return inner
    return inner | {key: value for key, value in outer.items() if value is not None}  # type: ignore[return-value]


def _peel(text: str, layer: Layer) -> tuple[str, Fields, str]:
    """Take off layer after layer; returns the form, the fields and the message."""
    fields: Fields = {}
    form = wrapper = ""
    position = 0
    last: Grammar | None = None
    undo: tuple[int, Fields] | None = None  # before the tentative grammars that no other has confirmed yet
    for _ in range(MOST_LAYERS):
        for grammar in _GRAMMARS[layer].get(text[position : position + 1], ()):
            match = grammar.pattern.match(text, position)
            if match is None or (grammar is last and grammar.layer == Layer.STAMP):
                continue
            reading = grammar.read(match)
            if reading is not None:
                break
        else:
            break
        undo = undo or (position, fields) if grammar.tentative else None
        last = grammar
        if isinstance(reading, Decoded):
            text, position, layer = visible(reading.text), 0, reading.layer
            form = form or reading.format or ("" if grammar.layer == Layer.WRAPPER else grammar.format)
            fields = _merge(fields, reading.fields)
            continue
        position, layer = match.end(), _INNER[grammar.layer]
        fields = _merge(fields, reading)
        if grammar.layer == Layer.WRAPPER:
            wrapper = wrapper if grammar.tentative else wrapper or grammar.format
        elif not form:
            form = grammar.format
            if form == "dmesg" and (" kernel: " in text or "]: " in text):
                form, position = _monotonic(fields, text, position)
    if undo is not None:
        position, fields = undo
    return form or wrapper or _PLAIN, fields, text[position:] if position else text


def _monotonic(fields: Fields, text: str, position: int) -> tuple[str, int]:
    """Take off the host and tag that journalctl puts behind the stamp; returns the form and the new position."""
    found = syslog.monotonic_origin(text, position)
    if found is None:
        return "dmesg", position
    host, process, pid, end = found
    if process == "kernel":
        fields["facility"] = "kern"
    elif not origin.is_process(process, pid, text, end):
        return "dmesg", position
    fields["host"], fields["process"] = host, process
    return "journal-monotonic", end


# The stamp is at least as wide as printk makes it.
_STAMP_INSIDE = re.compile(r"\[(?=[^\]]{12}) {0,12}(\d{1,12}\.\d{6})\](?: ?\[ {0,12}([TC]\d{1,10})\])?(?: |$)")

# systemd src/shared/... show_status: what it prints to the console while it boots.
_STATUS = re.compile(r"\[(?:  OK  |FAILED|DEPEND|SKIP\b.|INFO|WARN| INFO | WARN | TIME |[ *]{5,6})\] ")

# CommonMark, section 5.2. No message of printk begins with a hyphen or a star and a single word.
_LIST_MARK = re.compile(r"[-*] (?=[A-Za-z][\w-]*+[: ])")

# A time without a zone in front of a message, as many loggers write it.
_LEADING_TIME = re.compile(r"(\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) (?=[A-Za-z])")


def _search(form: str, fields: Fields, body: str) -> tuple[str, str]:
    """Look for a log form inside of a text that does not begin with one; returns the form and the message."""
    if (header := syslog.unknown_header(body)) is not None:
        fields.update(_merge(fields, header[0]))
        _, inner, body = _peel(body[header[1] :], Layer.PRIORITY)
        fields.update(_merge(fields, inner))
        return "syslog", body
    # A serial console: the boot loader's or the shell's output stands in front, without a line end.
    if (stamp := _STAMP_INSIDE.search(body)) is not None:
        fields["uptime_s"], fields["caller"] = float(stamp[1]), stamp[2]
        return "console", body[stamp.end() :]
    if _STATUS.match(body):
        fields["process"] = "systemd"
        return "console", body
    if form == _PLAIN and (mark := _LIST_MARK.match(body)) is not None:
        form, body = "quote", body[mark.end() :]
    if form in (_PLAIN, "quote") and (time := _LEADING_TIME.match(body)) is not None:
        fields["wallclock"] = time[1]
        return "timestamped", body[time.end() :]
    return form, body


_REPEATED = re.compile(r"message repeated (\d{1,9}) times: \[ ?(.*)\]$", re.DOTALL)


def _repeated(fields: Fields, body: str) -> str:
    """Open rsyslog's envelope for equal messages; returns the message."""
    match = _REPEATED.match(body)
    if match is None:
        return body
    fields["repeats"] = int(match[1])
    _, inner, body = _peel(match[2], Layer.PRIORITY)
    fields.update(_merge(fields, inner))
    return body


def _name_writer(fields: Fields, body: str) -> None:
    """Name the process if the message is one that a process wrote to /dev/kmsg."""
    process, facility = fields.get("process"), fields.get("facility")
    if process is None:
        # The facility is the record's own.
        if facility == "kern":
            return
        name = origin.process_of(body, certain=facility is not None)
    elif process == "kernel":
        # So says the tag of the daemon that copied it, and that the facility is `kern` was concluded from it.
        name = origin.process_of(body, certain=False)
        if name is not None and facility == "kern":
            fields["facility"] = None
    else:
        return
    if name is not None:
        fields["process"] = name
