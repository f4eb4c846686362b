"""Split the bytes of a log into lines, with bounded memory: a line is cut at 64 KiB while it is read."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ksrcfind.log.line import LIMIT


class RawLine(NamedTuple):
    """A line of a log as bytes."""

    number: int
    """1-based."""
    data: bytes
    """The line without its newline, cut at 64 KiB."""
    length: int
    """Length in bytes before it was cut."""
    hole: int = 0
    """NUL bytes before the data, which were removed."""

    @property
    def truncated(self) -> bool:
        """True if bytes are missing other than the NUL bytes before the data."""
        return self.length > len(self.data) + self.hole


def split_lines(chunks: Iterable[bytes | None]) -> Iterator[RawLine | None]:
    r"""Split bytes at `\n` and nowhere else. None means "no more bytes at the moment" and is passed on."""
    number, rest, dropped, hole = 0, b"", 0, 0
    for chunk in chunks:
        if chunk is None:
            yield None
            continue
        first, *lines = chunk.split(b"\n")
        rest += first
        if lines:
            number += 1
            yield _cut(number, rest, dropped, hole)
            dropped, hole, rest = 0, 0, lines.pop()
            for line in lines:
                number += 1
                yield RawLine(number, line, len(line)) if len(line) <= LIMIT else _cut(number, line, 0, 0)
        if len(rest) > LIMIT:
            _, rest, length, hole = _cut(0, rest, dropped, hole)
            dropped = length - len(rest) - hole
    if rest or dropped:
        yield _cut(number + 1, rest, dropped, hole)


def _cut(number: int, data: bytes, dropped: int, hole: int) -> RawLine:
    """Return a line of which `dropped` bytes behind the data and `hole` NUL bytes before it were removed already."""
    length = hole + len(data) + dropped
    # After a crash, a log can have long runs of NUL bytes; they do not count towards the limit.
    if len(data) > LIMIT and not dropped and data[:1] == b"\0":
        data = data.lstrip(b"\0")
        hole = length - len(data)
    return RawLine(number, data[:LIMIT], length, hole)


def decode(raw: RawLine) -> str:
    """Return the text of a line; invalid bytes as U+FFFD."""
    text = raw.data.lstrip(b"\0").decode("utf-8", "replace")
    if raw.truncated and raw.data[-1] >= 0x80:
        text = text.removesuffix("\ufffd")  # half of a character
    return text


def text_of(raw: RawLine) -> str:
    """Return the text of a line without a carriage return at its end."""
    return decode(raw).removesuffix("\r")
