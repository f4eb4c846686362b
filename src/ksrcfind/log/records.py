"""From the bytes of a log to its rows: one for each line of the input, and one record for each message.

Most records are one line, and `line` reads it. Some take several: a /dev/kmsg record with its dictionary, a journal
record as fields or as pretty JSON, a logcat record of the long form, a message with line ends in it. Their message
stands on one of the lines, and that row carries the record; the others say which row they are part of. So nothing is
lost or counted twice, and every line can be answered.

Everything here is pure and works with bounded memory: a line is cut at 64 KiB while it is read, a record at a number
of lines and bytes.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ksrcfind.log import logcat, objects, ring
from ksrcfind.log.grammar import Decoded, Fields
from ksrcfind.log.line import LIMIT, LogLine, read_clean, read_decoded, visible

MOST_LINES = 4096
"""Lines of a record that are looked at together."""
MOST_BYTES = 1 << 20
"""Bytes of a record that are looked at together."""


class Row(msgspec.Struct, frozen=True):
    """A line of the input with what it logs."""

    source: str | None
    """File name, `-` for standard input, None for text that is no file's."""
    line: int
    """1-based line in the source."""
    log: LogLine
    """The message is empty for a line that only belongs to a record, and a further line of a message is one itself."""
    part_of: int | None = None
    """Line of the row that carries the record which this line belongs to; None for a row of its own."""


class Raw(NamedTuple):
    """A line as bytes."""

    number: int
    """1-based."""
    data: bytes
    """Without its newline, cut at 64 KiB."""
    length: int
    """Bytes that it had before it was cut."""
    hole: int = 0
    """NUL bytes in front of the data that were left out."""

    @property
    def truncated(self) -> bool:
        """True if bytes are missing, other than NUL bytes in front."""
        return self.length > len(self.data) + self.hole


def split_lines(chunks: Iterable[bytes | None]) -> Iterator[Raw | None]:
    r"""Split bytes at `\n` and nowhere else. None stands for "nothing more at the moment" and is handed on."""
    number, rest, dropped, hole = 0, b"", 0, 0
    for chunk in chunks:
        if chunk is None:
            yield None
            continue
        first, *lines = chunk.split(b"\n")
        rest += first
        if lines:
            number += 1
            yield _raw(number, rest, dropped, hole)
            dropped, hole, rest = 0, 0, lines.pop()
            for line in lines:
                number += 1
                yield Raw(number, line, len(line)) if len(line) <= LIMIT else _raw(number, line, 0, 0)
        if len(rest) > LIMIT:
            _, rest, length, hole = _raw(0, rest, dropped, hole)
            dropped = length - len(rest) - hole
    if rest or dropped:
        yield _raw(number + 1, rest, dropped, hole)


def _raw(number: int, data: bytes, dropped: int, hole: int) -> Raw:
    """Return a line of which `dropped` bytes were cut off behind the data already, and `hole` NUL bytes before it."""
    length = hole + len(data) + dropped
    # Holes in a log after a crash are runs of NUL bytes; the text behind them counts.
    if len(data) > LIMIT and not dropped and data[:1] == b"\0":
        data = data.lstrip(b"\0")
        hole = length - len(data)
    return Raw(number, data[:LIMIT], length, hole)


def read_rows(raws: Iterable[Raw | None], source: str | None = None) -> Iterator[Row]:
    """Read the rows of a source, one for each line and in order.

    A row may be held back until its record is complete; None in the input lets go of what is held back.
    """
    reader = _Reader(source)
    for raw in raws:
        yield from reader.idle() if raw is None else reader.take(raw)
    yield from reader.end()


def rows_of_text(text: str, source: str | None = None) -> Iterator[Row]:
    """Read the rows of a text."""
    return read_rows(split_lines([text.encode("utf-8", "replace")]), source)


def _decode(raw: Raw) -> str:
    text = raw.data.lstrip(b"\0").decode("utf-8", "replace")
    if raw.truncated and raw.data[-1] >= 0x80:
        text = text.removesuffix("\ufffd")  # half of a character
    return text


class _Reader:
    """Reads line by line; holds back the lines of a record that is not complete."""

    def __init__(self, source: str | None) -> None:
        self.source = source
        self.record: _Record | None = None
        self.head: Row | None = None  # the last row that a further line of its message can follow
        self.after_json = False

    def end(self) -> Iterable[Row]:
        """Return what was held back."""
        if self.record is None:
            return ()
        rows = self.record.rows(self.source)
        self.after_json = isinstance(self.record, _Json)
        self.record = None
        return rows

    def idle(self) -> Iterable[Row]:
        """Return what was held back only to see whether more belongs to it."""
        return self.end() if self.record is not None and self.record.open_ended else ()

    def take(self, raw: Raw) -> Iterable[Row]:
        """Take a line; returns the rows that are complete now."""
        if self.record is None:
            return self._first(raw)
        if not self.record.belongs(raw):
            return (*self.end(), *self._first(raw))
        self.record.add(raw)
        if self.record.complete:
            return self.end()
        return self.record.spill(self.source)

    def _first(self, raw: Raw) -> Iterable[Row]:
        log = read_clean(_decode(raw), truncated=raw.truncated)
        self.record = _start(raw, log)
        if self.record is not None:
            return ()
        if log.format == "plain":
            if self.after_json and _PUNCTUATION.fullmatch(log.text):
                return (Row(self.source, raw.number, replace(log, format="json", body="")),)
            if self.head is not None and (further := _further_line(self.head.log, log)) is not None:
                return (Row(self.source, raw.number, further, self.head.line),)
        self.after_json = False
        self.head = Row(self.source, raw.number, log)
        return (self.head,)


_PUNCTUATION = re.compile(r"[\s\[\]{},]+")
_NARROWEST = 8


def _further_line(head: LogLine, log: LogLine) -> LogLine | None:
    """Read a further line of a message: dmesg and journalctl indent it by the width of the first line's prefix."""
    if not log.body.startswith(" " * _NARROWEST):
        return None
    shown = visible(head.text)
    width = len(shown) - len(head.body)
    if width < _NARROWEST or not shown.endswith(head.body) or log.body[:width].strip(" "):
        return None
    return replace(head, text=log.text, truncated=log.truncated, body=log.body[width:], repeats=1)


class _Record:
    """A record of several lines while it is read."""

    form = "plain"
    open_ended = False
    """True if only the next line shows that it is complete."""

    def __init__(self, raw: Raw) -> None:
        self.lines = [raw]
        self.size = len(raw.data)
        self.complete = False
        self.broken = False
        self.spilled = False
        self.carrier: int | None = None  # line number of the row that carries the record, once it is known

    def belongs(self, raw: Raw) -> bool:
        """Tell whether a line is one of the record, and read it if so; may set `complete` or `broken`."""
        raise NotImplementedError

    def read(self) -> tuple[int, LogLine] | None:
        """Return the index of the line that holds the message, and the record; None if there is no message."""
        raise NotImplementedError

    def part(self, text: str, truncated: bool, record: LogLine | None) -> LogLine:  # noqa: ARG002
        """Return what a line logs that does not carry the record."""
        return LogLine(text, truncated, self.form, "")

    def add(self, raw: Raw) -> None:
        """Add a line that belongs to the record."""
        self.lines.append(raw)
        self.size += len(raw.data)

    def spill(self, source: str | None) -> Iterable[Row]:
        """Return the rows of a record that has become too long to be held; what follows is only passed on."""
        if not self.spilled and len(self.lines) < MOST_LINES and self.size < MOST_BYTES:
            return ()
        rows = self.rows(source)
        self.spilled = True
        self.lines.clear()
        return rows

    def rows(self, source: str | None) -> list[Row]:
        """Return the rows of the lines that are held."""
        found = None if self.spilled else self.read()
        if found is not None:
            self.carrier = self.lines[found[0]].number
        rows = []
        for index, raw in enumerate(self.lines):
            if found is not None and index == found[0]:
                rows.append(Row(source, raw.number, found[1]))
            elif self.broken:
                rows.append(Row(source, raw.number, read_clean(_decode(raw), truncated=raw.truncated)))
            else:
                log = self.part(_text(raw), raw.truncated, found[1] if found else None)
                rows.append(Row(source, raw.number, log, self.carrier))
        return rows

    def _carried(self, index: int, reading: Decoded) -> tuple[int, LogLine]:
        raw = self.lines[index]
        return index, read_decoded(_text(raw), self.form, reading, truncated=raw.truncated)


def _text(raw: Raw) -> str:
    return _decode(raw).removesuffix("\r")


class _Kmsg(_Record):
    """A /dev/kmsg record and its dictionary."""

    open_ended = True

    def __init__(self, raw: Raw, log: LogLine) -> None:
        super().__init__(raw)
        self.log = log
        self.form = log.format

    def belongs(self, raw: Raw) -> bool:
        return ring.is_dictionary_line(_decode(raw))

    def read(self) -> tuple[int, LogLine]:
        fields: Fields = {}
        for raw in self.lines[1:]:
            fields |= ring.dictionary_entry(_text(raw))
        return 0, replace(self.log, **fields)


_FIELD = re.compile(r"    ([A-Z_][A-Z0-9_]{0,63})=(.*)", re.DOTALL)


class _Verbose(_Record):
    """A record of journalctl -o verbose: a head with the time, and indented fields."""

    form = "journal-verbose"
    open_ended = True

    def __init__(self, raw: Raw, log: LogLine) -> None:
        super().__init__(raw)
        self.log = log

    def belongs(self, raw: Raw) -> bool:
        return raw.data.startswith(b"    ")

    def read(self) -> tuple[int, LogLine] | None:
        record: dict[str, str] = {}
        name, place = "", None
        for index, raw in enumerate(self.lines[1:], 1):
            text = _text(raw)
            if (match := _FIELD.match(text)) is not None:
                name = match[1]
                record[name] = match[2]
                place = index if name == "MESSAGE" else place
            elif name:
                # A further line of a value stands below its start.
                record[name] += "\n" + text[len(name) + 5 :]
        reading = objects.read_journal(record)
        if reading is None or place is None:
            return None
        place, log = self._carried(place, reading)
        head = self.log
        return place, replace(log, time=log.time or head.time, wallclock=head.wallclock, boot=log.boot or head.boot)


_EXPORT_NAME = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}")


class _Export(_Record):
    """A record of journalctl -o export: fields up to an empty line; those with line ends stand behind their length."""

    form = "journal-export"

    def __init__(self, raw: Raw, _: LogLine) -> None:
        super().__init__(raw)
        self.fields: dict[str, bytes] = {}
        self.place: int | None = None
        self.name = ""
        self.value: bytearray | None = None  # of a field with a length: the length as 8 bytes, then the value
        self.passed = 0

    def belongs(self, raw: Raw) -> bool:
        if self.value is not None:
            self._continue(self.value, raw)
            return True
        if not raw.data:
            self.complete = True
            return True
        name, equals, value = raw.data.partition(b"=")
        if not _EXPORT_NAME.fullmatch(name):
            return False
        self.name = name.decode("ascii")
        if self.name == "MESSAGE" and self.place is None and not self.spilled:
            self.place = len(self.lines)
        if equals:
            self.fields.setdefault(self.name, value)
        else:
            self.value, self.passed = bytearray(), 0
        return True

    def _continue(self, value: bytearray, raw: Raw) -> None:
        self.passed += raw.length + 1
        if len(value) <= LIMIT:
            value += bytes(min(raw.hole, LIMIT)) + raw.data + b"\n"
        if len(value) >= 8 and self.passed > 8 + (size := int.from_bytes(value[:8], "little")):
            self.fields.setdefault(self.name, bytes(value[8 : 8 + min(size, LIMIT)]))
            self.value = None

    def read(self) -> tuple[int, LogLine] | None:
        reading = objects.read_journal({name: value.decode("utf-8", "replace") for name, value in self.fields.items()})
        return None if reading is None or self.place is None else self._carried(self.place, reading)


class _Json(_Record):
    """An object that is spread over lines: of `dmesg --json` or `journalctl -o json-pretty`."""

    form = "json"

    def __init__(self, raw: Raw, _: LogLine) -> None:
        super().__init__(raw)

    def belongs(self, raw: Raw) -> bool:
        data = raw.data.strip()
        if data[:1] == b"}":
            self.complete = not data.endswith(b"{")
            return self.complete
        if len(self.lines) == 1 and data == _OUTER:
            self.complete = True  # the object around all records
        elif not data or data[:1] not in b'"[]-0123456789':
            self.broken = True
            return False
        return True

    def read(self) -> tuple[int, LogLine] | None:
        texts = [_text(raw) for raw in self.lines[1:]]
        if texts and texts[-1].lstrip().startswith("}"):
            texts.pop()
        record = None if self.broken else objects.decode_object("{" + "\n".join(texts) + "}")
        reading = objects.read_object(record) if record else None
        if reading is None or reading.format is None:
            self.broken |= record is None and self.complete and self.lines[-1].data.strip() != _OUTER
            return None
        self.form = reading.format
        for index, text in enumerate(texts, 1):
            if _MESSAGE_KEY.match(text):
                return self._carried(index, reading)
        return None


_OUTER = b'"dmesg": ['
_MESSAGE_KEY = re.compile(r"\s*\"(?:msg|MESSAGE)\"")
_JSON_OPENERS = frozenset({"{", "},{", "[{"})


class _Logcat(_Record):
    """A record of logcat's long form: a head, the lines of the message, an empty line."""

    form = "logcat"

    def __init__(self, raw: Raw, head: logcat.LongHead) -> None:
        super().__init__(raw)
        self.head = head

    def belongs(self, raw: Raw) -> bool:
        self.complete = not raw.data.strip()
        return True

    def read(self) -> tuple[int, LogLine] | None:
        if len(self.lines) < 2 or not self.lines[1].data.strip():
            return None
        text = _text(self.lines[1])
        text = f"{self.head.tag}: {text}" if self.head.tag else text
        return self._carried(1, Decoded(self.head.fields, text))

    def part(self, text: str, truncated: bool, record: LogLine | None) -> LogLine:
        if record is None or not text or logcat.long_head(text):
            return LogLine(text, truncated, self.form, "")
        return replace(record, text=text, truncated=truncated, body=text)


def _start(raw: Raw, log: LogLine) -> _Record | None:
    """Return the record that a line begins, None if the line is one by itself."""
    match log.format:
        case "plain":
            return _Json(raw, log) if log.text.strip() in _JSON_OPENERS else None
        case "kmsg" | "netconsole":
            return _Kmsg(raw, log)
        case "journal-export":
            return _Export(raw, log)
        case "journal-verbose" if log.wallclock is not None:
            return _Verbose(raw, log)
        case "logcat" if (head := logcat.long_head(log.text)) is not None:
            return _Logcat(raw, head)
        case _:
            return None
