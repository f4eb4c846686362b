"""Messages of the protocol, cut out of a stream of bytes whatever else stands in it.

A message is a header (`Content-Length: 85`), an empty line and so many bytes. A header that cannot be right is refused,
and reading goes on at the next one that can: what stands between them may be anything, and of any length.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

LONGEST = 1 << 28
"""Bytes of a message. A log of 100 MB, sent whole, is a message of about as many bytes."""

PIECE = 1 << 16
"""Bytes that are read of a line at once."""

# What was left of a message that was shorter than it said stands on the same line in front of the header.
_LENGTH = re.compile(rb"Content-Length:([^\r\n]{0,200}+)\r?\n", re.IGNORECASE)
_LONGEST_HEADER = 100


@dataclass(frozen=True, slots=True)
class Refused:
    """What stands where a message should."""

    reason: str


class Frames:
    """The messages of a stream, one after the other."""

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
                    return Refused(f"No length of a message: {value.decode('ascii', 'replace')}")
            elif length is not None and not line.strip():
                return self._exactly(length)
        return None

    def _exactly(self, length: int) -> bytes | None:
        """Read so many bytes; memory is taken for those that come, not for those that are announced."""
        parts: list[bytes] = []
        while length:
            part = self._file.read(min(length, PIECE))
            if not part:
                return None
            parts.append(part)
            length -= len(part)
        return b"".join(parts)
