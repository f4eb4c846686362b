"""Read the rows of a log: one for each line of the input, and one record for each message.

Most records are one line, which `line` reads. Some span several (`multiline`): a /dev/kmsg record with its dictionary,
a journal record as fields or as indented JSON, a logcat record of the long format, a message that contains line ends.
The row of the line with the message carries the record; the rows of the other lines refer to it. So no line is lost and
no message is counted twice.

Memory is bounded: a line is cut at 64 KiB, a record at a number of lines and bytes.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from ksrcfind.log import multiline
from ksrcfind.log.hosts import NAMELESS
from ksrcfind.log.line import LogLine, read_clean
from ksrcfind.log.prefixes import visible
from ksrcfind.log.raw_lines import RawLine, decode, split_lines
from ksrcfind.regex import regex


class Row(msgspec.Struct, frozen=True):
    """A line of a log."""

    source: str | None
    """File name, `-` for standard input, None for text that is no file's."""
    line: int
    """1-based line in the source."""
    log: LogLine
    """A line that only belongs to a record has an empty message; a further line of a message has that as its own."""
    part_of: int | None = None
    """Line of the row with the record that this line belongs to; None for a row with a record of its own."""
    host: str | None = None
    """Name of the host whose line it is: the one that the line names, else that of the line before it. None if no line
    so far names one."""


def read_rows(raws: Iterable[RawLine | None], source: str | None = None) -> Iterator[Row]:
    """Yield the rows of a source, one for each line and in order.

    Rows are held back until their record is complete. None among the lines means that no more come at the moment: rows
    that only wait for further ones are yielded then.
    """
    reader = _Reader(source)
    for raw in raws:
        yield from reader.idle() if raw is None else reader.take(raw)
    yield from reader.end()


def rows_of_text(text: str, source: str | None = None) -> Iterator[Row]:
    """Yield the rows of a text."""
    return read_rows(split_lines([text.encode("utf-8", "replace")]), source)


class _Reader:
    """Reads a log line by line; holds back the lines of a record that is not complete."""

    def __init__(self, source: str | None) -> None:
        self.source = source
        self.record: multiline.Record | None = None
        self.head: Row | None = None  # the last row that a further line of its message can follow
        self.after_json = False
        self.host: str | None = None

    def end(self) -> Iterable[Row]:
        """Return what was held back."""
        if self.record is None:
            return ()
        rows = self._rows(self.record.parts())
        self.after_json = self.record.punctuated
        self.record = None
        return rows

    def idle(self) -> Iterable[Row]:
        """Return the rows that were held back because further lines could belong to them."""
        return self.end() if self.record is not None and self.record.open_ended else ()

    def take(self, raw: RawLine) -> Iterable[Row]:
        """Add a line; return the rows that are complete now."""
        if self.record is None:
            return self._first(raw)
        if not self.record.belongs(raw):
            return (*self.end(), *self._first(raw))
        self.record.add(raw)
        if self.record.complete:
            return self.end()
        return self._rows(self.record.spill())

    def _rows(self, parts: Iterable[multiline.Part]) -> list[Row]:
        return [self._row(*part) for part in parts]

    def _row(self, line: int, log: LogLine, part_of: int | None = None) -> Row:
        if log.host is not None and log.host not in NAMELESS:
            self.host = log.host
        return Row(self.source, line, log, part_of, self.host)

    def _first(self, raw: RawLine) -> Iterable[Row]:
        log = read_clean(decode(raw), truncated=raw.truncated)
        self.record = multiline.begin(raw, log)
        if self.record is not None:
            return ()
        if log.format == "plain":
            if self.after_json and _PUNCTUATION.fullmatch(log.text):
                return (self._row(raw.number, replace(log, format="json", body="")),)
            if self.head is not None and (further := _further_line(self.head.log, log)) is not None:
                return (self._row(raw.number, further, self.head.line),)
        self.after_json = False
        self.head = self._row(raw.number, log)
        return (self.head,)


_PUNCTUATION = regex(r"[\s\[\]{},]+")
_NARROWEST = 8


def _further_line(head: LogLine, log: LogLine) -> LogLine | None:
    """Return a further line of a message; None for other lines. It is indented by the width of the first's prefix."""
    if not log.body.startswith(" " * _NARROWEST):
        return None
    shown = visible(head.text)
    width = len(shown) - len(head.body)
    if width < _NARROWEST or not shown.endswith(head.body) or log.body[:width].strip(" "):
        return None
    return replace(head, text=log.text, truncated=log.truncated, body=log.body[width:], repeats=1)
