"""Read compressed files piece by piece, in bounded memory however large the result is. The files are untrusted."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

CHUNK = 1 << 18
"""Bytes per read."""

MOST_MEMORY = 1 << 28
"""Memory limit of a decompressor, in bytes."""

DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a damaged file raises."""


class PackageMissingError(Exception):
    """The file is compressed with zstd, for which Python needs the package zstandard."""


class Readable(Protocol):
    """A file with `read1`: returns the bytes that are available, up to a size."""

    def read1(self, size: int, /) -> bytes:
        """Return bytes, none at the end."""
        ...


def pieces(file: Readable) -> Iterator[bytes]:
    """Yield the bytes of a file as they are."""
    while piece := file.read1(CHUNK):
        yield piece


def decompressed(file: io.BufferedReader, most_memory: int | None = None) -> Iterator[bytes] | None:
    """Return the decompressed pieces of a file; None if its first bytes are not those of a compressed format.

    `most_memory` is the memory limit of the decompressor in bytes, `MOST_MEMORY` by default. Raises
    `PackageMissingError`. The iteration raises `DAMAGE`.
    """
    limit = MOST_MEMORY if most_memory is None else most_memory
    head = file.peek(8)[:8]
    if head.startswith(b"\x1f\x8b"):
        import gzip

        return pieces(gzip.GzipFile(fileobj=file))
    if head.startswith(b"\xfd7zXZ\0"):
        return _inflated(file, lambda: lzma.LZMADecompressor(memlimit=limit))
    if head.startswith(b"BZh"):
        return _inflated(file, bz2.BZ2Decompressor)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        try:
            import zstandard  # noqa: F401 - an optional dependency
        except ImportError:
            raise PackageMissingError from None
        return _zstandard(file, limit)
    return None


class _Decompressor(Protocol):
    """The interface that the decompressors of lzma and bz2 share."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


def _inflated(file: Readable, new: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Yield the decompressed pieces of a file of one or more streams."""
    decompressor = new()
    while True:
        data = b""
        if decompressor.eof:
            # Further streams can follow, with NUL bytes between them.
            data = decompressor.unused_data.lstrip(b"\0") or file.read1(CHUNK).lstrip(b"\0")
            if not data:
                return
            decompressor = new()
        elif decompressor.needs_input and not (data := file.read1(CHUNK)):
            raise EOFError("it ends too early")
        yield decompressor.decompress(data, CHUNK)


def _zstandard(file: io.BufferedReader, most_memory: int) -> Iterator[bytes]:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=most_memory).stream_reader(
        file, read_across_frames=True, closefd=False
    )
    try:
        while piece := reader.read(CHUNK):
            yield piece
    except zstandard.ZstdError as error:
        raise EOFError(str(error)) from error
