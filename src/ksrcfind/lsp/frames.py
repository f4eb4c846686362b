"""Extract the messages of the protocol from a stream of bytes that may contain anything else.

A message is a header (`Content-Length: 85`), an empty line and that many bytes. An impossible header is refused, and
reading continues at the next valid header; the bytes between them are skipped.
"""

import re
from typing import BinaryIO

from msgspec import Struct

from ksrcfind.regex import regex

LONGEST = 1 << 28
"""Limit of bytes of a message. A log of 100 MB, sent whole, is a message of about 100 MB."""

PIECE = 1 << 16
"""Number of bytes that are read at once."""

# If a message was longer than its header said, the rest of it precedes the next header on the same line.
_LENGTH = regex(rb"Content-Length:([^\r\n]{0,200}+)\r?\n", re.IGNORECASE)
_LONGEST_HEADER = 100


class Refused(Struct, frozen=True):
    """A part of the stream that is not a message."""

    reason: str
    """The text of the error for the client."""


class Frames:
    """Reads the messages of a stream."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self) -> bytes | Refused | None:
        """Return the next message; None at the end of the stream."""
        length: int | None = None
        rest = b""
        while line := self._file.readline(PIECE):
            if not line.endswith(b"\n"):
                rest = (rest + line)[-_LONGEST_HEADER:]
                continue
            line, rest = rest + line, b""
            found = _LENGTH.search(line)
            if found is not None:
                value = found[1].strip(b" \t")
                length = int(value) if value.isdigit() else -1
                if not 0 <= length <= LONGEST:
                    return Refused(f"Invalid Content-Length: {value.decode('ascii', 'replace')}")
            elif length is not None and not line.strip():
                return self._exactly(length)
        return None

    def _exactly(self, length: int) -> bytes | None:
        """Return exactly `length` bytes, None if the stream ends. Memory is used only for bytes that arrive."""
        parts: list[bytes] = []
        while length:
            part = self._file.read(min(length, PIECE))
            if not part:
                return None
            parts.append(part)
            length -= len(part)
        return b"".join(parts)
