"""The code in a bundle: the functions that print, packed in blocks.

Of each file with messages, a bundle keeps the functions with a log call, the comment above them, and the lines of its
`#if`s: with these, the conditions of each call are computed as in a tree. All other lines are empty, so that lines
keep their numbers. Makefiles and Kconfig files are kept whole.

Measured on Linux 6.1: 190 of 510 MB are kept, and take 38 MB in blocks of 256 KiB (xz), a block 5 ms to unpack. Larger
blocks save at most 6 % of that and take longer; zlib needs a fifth more, zstd the same as xz.
"""

import lzma
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

import msgspec

from ksrcfind.regex import regex

BLOCK = 1 << 18
"""Bytes of code in one block, before compression. A larger file has a block of its own."""

LARGEST_BLOCK = 1 << 22
"""Unpacked bytes of a block, at most; a file with more code is left out. The largest of Linux 6.1 has 0.6 MB."""

_BLOCKS = 8  # that a reader keeps
_MEMORY = 1 << 26  # bytes that unpacking may use; xz needs 9 MB for its usual dictionary
_CONDITIONAL = regex(rb"[ \t]*#[ \t]*(?:if|el|endif)")

Piece = tuple[int, bytes]
"""The 1-based number of the first line, and lines as in the file."""


class File(msgspec.Struct, frozen=True, array_like=True):
    """What a bundle keeps of a file."""

    path: str
    pieces: tuple[Piece, ...]
    """In order, with at least one other line between them."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[File, ...])


def kept(data: bytes, calls: Iterable[int], macros: Iterable[int]) -> tuple[Piece, ...]:
    """Return the lines of a C file that a bundle keeps.

    `calls` are the lines of its log calls, `macros` lines of macros that print.
    """
    lines = data.split(b"\n")
    wanted, directives = bytearray(len(lines)), bytearray(len(lines))
    for number, line in enumerate(lines):
        if line.lstrip()[:1] == b"#":
            last = _continued(lines, number)
            _mark(directives, number, last)
            if _CONDITIONAL.match(line):
                _mark(wanted, number, last)
    ends = [number for number, line in enumerate(lines) if line[:1] == b"}" and not line.endswith(b"\\")]
    done = -1
    for call in sorted(calls):
        at = min(call, len(lines)) - 1
        if at > done:
            position = bisect_left(ends, at)
            done = ends[position] if position < len(ends) else len(lines) - 1
            low = ends[position - 1] + 1 if position else 0
            _mark(wanted, _beginning(lines, directives, low, at), done)
    for macro in macros:
        first = min(macro, len(lines)) - 1
        while first > 0 and lines[first - 1].endswith(b"\\"):
            first -= 1
        _mark(wanted, first, _continued(lines, first))
    groups = [
        [number for number, _ in group]
        for is_kept, group in groupby(enumerate(wanted), lambda each: each[1])
        if is_kept
    ]
    return tuple((group[0] + 1, b"\n".join(lines[group[0] : group[-1] + 1])) for group in groups)


def whole(data: bytes) -> tuple[Piece, ...]:
    """Return all lines of a file."""
    return ((1, data),)


def _beginning(lines: Sequence[bytes], directives: bytearray, low: int, at: int) -> int:
    """Return where the function around a line begins, with the comment above it; `low` if that is not certain."""
    brace = next((number for number in range(at, low - 1, -1) if lines[number][:1] == b"{"), low)
    first = low
    for number in range(brace - 1, low - 1, -1):
        line = lines[number].strip()
        if directives[number] or (line.endswith((b";", b"}")) and not line.startswith((b"*", b"/*"))):
            first = number + 1
            break
    while first < brace and not lines[first].strip():
        first += 1
    return first


def _continued(lines: Sequence[bytes], first: int) -> int:
    """Return the last line of a directive."""
    last = first
    while lines[last].endswith(b"\\") and last + 1 < len(lines):
        last += 1
    return last


def _mark(wanted: bytearray, first: int, last: int) -> None:
    wanted[first : last + 1] = b"\1" * (last + 1 - first)


def as_file(file: File) -> bytes:
    """Return a file with the lines that are kept at their places, and empty lines for the others."""
    parts: list[bytes] = []
    line = 1
    for first, text in file.pieces:
        parts += [b"\n" * (first - line), text, b"\n"]
        line = first + text.count(b"\n") + 1
    return b"".join(parts).removesuffix(b"\n")


def kept_lines(file: File, line: int) -> range:
    """Return the lines around a line that are as in the file; an empty range if the line is not kept."""
    position = bisect_right(file.pieces, line, key=lambda piece: piece[0]) - 1
    if position < 0:
        return range(0)
    first, text = file.pieces[position]
    found = range(first, first + text.count(b"\n") + 1)
    return found if line in found else range(0)


def in_blocks(files: Iterable[File]) -> Iterator[tuple[File, ...]]:
    """Yield blocks of neighbouring files, without files that are too large for a block."""
    block: list[File] = []
    size = 0
    for file in files:
        own = sum(len(text) for _, text in file.pieces)
        if own > LARGEST_BLOCK // 2:
            continue
        if block and size + own > BLOCK:
            yield tuple(block)
            block, size = [], 0
        block.append(file)
        size += own
    if block:
        yield tuple(block)


def pack(block: tuple[File, ...]) -> bytes:
    """Return a block as it is stored."""
    return lzma.compress(_encoder.encode(block), preset=6)


def unpack(data: bytes) -> tuple[File, ...]:
    """Return a block. Raises `ValueError` or `MsgspecError` if it is damaged or too large.

    As a file (`as_file`), each of its files has at most twice `LARGEST_BLOCK` bytes.
    """
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    try:
        unpacked = unpacker.decompress(data, LARGEST_BLOCK)
    except lzma.LZMAError as error:
        raise ValueError(error) from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("a block of code is cut off, or too large")
    files = _decoder.decode(unpacked)
    for file in files:
        following = 1
        for first, text in file.pieces:
            if not following <= first <= LARGEST_BLOCK:
                raise ValueError("lines of code are not in order")
            following = first + text.count(b"\n") + 1
    return files


class Code:
    """Finds the kept code of files in blocks, of which it keeps the last ones that it read."""

    def __init__(self, first_paths: Sequence[str], block: Callable[[int], tuple[File, ...]]) -> None:
        """`first_paths` has the first path of each block, `block` returns the block of a number."""
        self._first_paths = first_paths
        self._block = lru_cache(_BLOCKS)(block)

    def file(self, path: str) -> File | None:
        """Return what is kept of a file. None if nothing is."""
        number = bisect_right(self._first_paths, path) - 1
        if number < 0:
            return None
        return next((file for file in self._block(number) if file.path == path), None)
