r"""The transport: one message per line. Every line gets a reply, and none ends the server.

The SDK's transport drops a line that it cannot parse, so that the client waits for ever. Here such a line gets an
error, with the id of the request if it can be read. A lone surrogate (`\\ud800`), which JSON can write but UTF-8
cannot, becomes U+FFFD.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from io import RawIOBase
from typing import BinaryIO

import anyio
from mcp.types import (
    INVALID_REQUEST,
    JSONRPC_VERSION,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    RequestId,
    jsonrpc_message_adapter,
)

from ksrcfind.regex import regex

LONGEST = 64 << 20
"""Bytes of a line; a longer one is refused. Four times the longest log that a tool accepts."""

CHUNK = 1 << 16
"""Bytes per read."""

_ESCAPE = regex(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")
"""A surrogate pair, a lone surrogate, or any other escape, tried in this order."""


@dataclass(slots=True)
class Output:
    """Writes whole messages, one after the other."""

    file: BinaryIO
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def write(self, text: str) -> None:
        """Write messages, each with its newline."""
        async with self._lock:
            await anyio.to_thread.run_sync(self._write, text.encode("utf-8", "replace"))

    async def flush(self) -> None:
        """Do nothing: `write` flushes."""

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self.file.flush()


@dataclass(slots=True)
class Input:
    """Yields the lines that are messages; other lines get an error at once."""

    file: RawIOBase
    output: Output

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the valid messages until the client disconnects."""
        async for line in _lines(self.file):
            if line is None:
                await self._refuse(None, PARSE_ERROR, f"Longer than {LONGEST >> 20} MiB")
                continue
            text = whole_characters(line.decode("utf-8", "replace"))
            if not text.strip():
                continue
            try:
                jsonrpc_message_adapter.validate_json(text, by_name=False)
            except Exception:  # noqa: BLE001 - the client gets an error for every invalid message
                await self._refuse(*_wrong(text))
                continue
            yield text

    async def _refuse(self, number: RequestId | None, code: int, message: str) -> None:
        error = JSONRPCError(jsonrpc=JSONRPC_VERSION, id=number, error=ErrorData(code=code, message=message))
        await self.output.write(error.model_dump_json(by_alias=True, exclude_unset=True) + "\n")


def whole_characters(text: str) -> str:
    """Return JSON in which every escaped lone surrogate is replaced with U+FFFD."""
    return _ESCAPE.sub(_whole, text) if "\\u" in text else text


def _whole(escape: re.Match[str]) -> str:
    return r"\ufffd" if len(escape[0]) == len(r"\ud800") else escape[0]


def _wrong(text: str) -> tuple[RequestId | None, int, str]:
    """Return the id of an invalid message, None if it cannot be read, and the error's code and text."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None, PARSE_ERROR, "Parse error"
    number = message.get("id") if isinstance(message, dict) else None
    known = isinstance(number, int | str) and not isinstance(number, bool)
    return number if known else None, INVALID_REQUEST, "Invalid request"


async def _lines(file: RawIOBase) -> AsyncIterator[bytes | None]:
    """Yield the lines of a file without newlines; None for a line that is too long."""
    parts: list[bytes] = []
    size = 0
    read: Callable[[int], bytes | None] = file.read
    while piece := await anyio.to_thread.run_sync(read, CHUNK):
        first, *others = piece.split(b"\n")
        for number, part in enumerate((first, *others)):
            if number:
                yield b"".join(parts) if size <= LONGEST else None
                parts, size = [], 0
            size += len(part)
            if size <= LONGEST:
                parts.append(part)
            else:
                parts = []
    if parts:
        yield b"".join(parts)
