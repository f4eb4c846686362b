"""Records that span several lines: each class reads one of their formats, line by line.

The message is on one of the lines; `records` makes the row of that line carry the record.
"""

import re
from typing import NamedTuple

from msgspec.structs import replace

from ksrcfind.log.formats import logcat, ring_buffer, structured
from ksrcfind.log.formats.grammar import Decoded, Fields
from ksrcfind.log.line import LIMIT, LogLine, read_clean, read_decoded
from ksrcfind.log.raw_lines import RawLine, decode, text_of
from ksrcfind.regex import regex

MOST_LINES = 4096
"""Lines of a record that are held together."""
MOST_BYTES = 1 << 20
"""Bytes of a record that are held together."""


class Part(NamedTuple):
    """One line of a record."""

    line: int
    """1-based line in the source."""
    log: LogLine
    """The record, on the line with the message; the other lines have an empty message or a further line of it."""
    part_of: int | None = None
    """The line with the message, for the other lines; None if the record has no message."""


class Record:
    """A record of several lines while it is read."""

    form = "plain"
    punctuated = False
    """True if lines of brackets and commas can follow the record."""
    open_ended = False
    """True if only the next line shows whether the record is complete."""

    def __init__(self, raw: RawLine) -> None:
        self.lines = [raw]
        self.size = len(raw.data)
        self.complete = False
        self.broken = False
        self.spilled = False
        self.carrier: int | None = None  # line number of the row that carries the record, once it is known

    def belongs(self, raw: RawLine) -> bool:
        """Return whether a line belongs to the record, and read it if so; may set `complete` or `broken`."""
        raise NotImplementedError

    def read(self) -> tuple[int, LogLine] | None:
        """Return the index of the line that holds the message, and the record; None if there is no message."""
        raise NotImplementedError

    def part(self, text: str, truncated: bool, record: LogLine | None) -> LogLine:  # noqa: ARG002
        """Return the log line of a line that does not have the message."""
        return LogLine(text, truncated, self.form, "")

    def add(self, raw: RawLine) -> None:
        """Add a line that belongs to the record."""
        self.lines.append(raw)
        self.size += len(raw.data)

    def spill(self) -> list[Part]:
        """Return the lines of a record that has become too long to be held; its further lines have no message."""
        if not self.spilled and len(self.lines) < MOST_LINES and self.size < MOST_BYTES:
            return []
        parts = self.parts()
        self.spilled = True
        self.lines.clear()
        return parts

    def parts(self) -> list[Part]:
        """Return the lines that are held."""
        found = None if self.spilled else self.read()
        if found is not None:
            self.carrier = self.lines[found[0]].number
        parts = []
        for index, raw in enumerate(self.lines):
            if found is not None and index == found[0]:
                parts.append(Part(raw.number, found[1]))
            elif self.broken:
                parts.append(Part(raw.number, read_clean(decode(raw), truncated=raw.truncated)))
            else:
                log = self.part(text_of(raw), raw.truncated, found[1] if found else None)
                parts.append(Part(raw.number, log, self.carrier))
        return parts

    def _carried(self, index: int, reading: Decoded) -> tuple[int, LogLine]:
        raw = self.lines[index]
        return index, read_decoded(text_of(raw), self.form, reading, truncated=raw.truncated)


class _Kmsg(Record):
    """A /dev/kmsg record and its dictionary, on indented lines."""

    open_ended = True

    def __init__(self, raw: RawLine, log: LogLine) -> None:
        super().__init__(raw)
        self.log = log
        self.form = log.format

    def belongs(self, raw: RawLine) -> bool:
        return ring_buffer.is_dictionary_line(decode(raw))

    def read(self) -> tuple[int, LogLine]:
        fields: Fields = {}
        for raw in self.lines[1:]:
            fields |= ring_buffer.dictionary_entry(text_of(raw))
        return 0, replace(self.log, **fields)


_FIELD = regex(r"    ([A-Z_][A-Z0-9_]{0,63})=(.*)", re.DOTALL)


class _Verbose(Record):
    """A record of journalctl -o verbose: a line with the time, then indented fields."""

    form = "journal-verbose"
    open_ended = True

    def __init__(self, raw: RawLine, log: LogLine) -> None:
        super().__init__(raw)
        self.log = log

    def belongs(self, raw: RawLine) -> bool:
        return raw.data.startswith(b"    ")

    def read(self) -> tuple[int, LogLine] | None:
        record: dict[str, str] = {}
        name, place = "", None
        for index, raw in enumerate(self.lines[1:], 1):
            text = text_of(raw)
            if (match := _FIELD.match(text)) is not None:
                name = match[1]
                record[name] = match[2]
                place = index if name == "MESSAGE" else place
            elif name:
                # A further line of a value is indented to where the value starts.
                record[name] += "\n" + text[len(name) + 5 :]
        reading = structured.read_journal(record)
        if reading is None or place is None:
            return None
        place, log = self._carried(place, reading)
        head = self.log
        return place, replace(log, time=log.time or head.time, wallclock=head.wallclock, boot=log.boot or head.boot)


_EXPORT_NAME = regex(rb"[A-Z_][A-Z0-9_]{0,63}")


class _Export(Record):
    """A record of journalctl -o export: fields up to an empty line; values with line ends follow their length."""

    form = "journal-export"

    def __init__(self, raw: RawLine, _: LogLine) -> None:
        super().__init__(raw)
        self.fields: dict[str, bytes] = {}
        self.place: int | None = None
        self.name = ""
        self.value: bytearray | None = None  # of a field with a length: the length as 8 bytes, then the value
        self.passed = 0

    def belongs(self, raw: RawLine) -> bool:
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

    def _continue(self, value: bytearray, raw: RawLine) -> None:
        self.passed += raw.length + 1
        if len(value) <= LIMIT:
            value += bytes(min(raw.hole, LIMIT)) + raw.data + b"\n"
        if len(value) >= 8 and self.passed > 8 + (size := int.from_bytes(value[:8], "little")):
            self.fields.setdefault(self.name, bytes(value[8 : 8 + min(size, LIMIT)]))
            self.value = None

    def read(self) -> tuple[int, LogLine] | None:
        reading = structured.read_journal(
            {name: value.decode("utf-8", "replace") for name, value in self.fields.items()}
        )
        return None if reading is None or self.place is None else self._carried(self.place, reading)


class _Json(Record):
    """A JSON object on several lines: of `dmesg --json` or `journalctl -o json-pretty`."""

    form = "json"
    punctuated = True

    def __init__(self, raw: RawLine, _: LogLine) -> None:
        super().__init__(raw)

    def belongs(self, raw: RawLine) -> bool:
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
        texts = [text_of(raw) for raw in self.lines[1:]]
        if texts and texts[-1].lstrip().startswith("}"):
            texts.pop()
        record = None if self.broken else structured.decode_object("{" + "\n".join(texts) + "}")
        reading = structured.read_object(record) if record else None
        if reading is None or reading.format is None:
            self.broken |= record is None and self.complete and self.lines[-1].data.strip() != _OUTER
            return None
        self.form = reading.format
        for index, text in enumerate(texts, 1):
            if _MESSAGE_KEY.match(text):
                return self._carried(index, reading)
        return None


_OUTER = b'"dmesg": ['
_MESSAGE_KEY = regex(r"\s*\"(?:msg|MESSAGE)\"")
_JSON_OPENERS = frozenset({"{", "},{", "[{"})


class _Logcat(Record):
    """A record of logcat's long format: a head, the lines of the message, an empty line."""

    form = "logcat"

    def __init__(self, raw: RawLine, head: logcat.LongHead) -> None:
        super().__init__(raw)
        self.head = head

    def belongs(self, raw: RawLine) -> bool:
        self.complete = not raw.data.strip()
        return True

    def read(self) -> tuple[int, LogLine] | None:
        if len(self.lines) < 2 or not self.lines[1].data.strip():
            return None
        text = text_of(self.lines[1])
        text = f"{self.head.tag}: {text}" if self.head.tag else text
        return self._carried(1, Decoded(self.head.fields, text))

    def part(self, text: str, truncated: bool, record: LogLine | None) -> LogLine:
        if record is None or not text or logcat.long_head(text):
            return LogLine(text, truncated, self.form, "")
        return replace(record, text=text, truncated=truncated, body=text)


def begin(raw: RawLine, log: LogLine) -> Record | None:
    """Return the record that a line begins; None if the line is a record of its own."""
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
