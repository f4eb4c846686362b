"""How facts, messages and printed lines are encoded on disk: MessagePack, compressed where that pays."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ksrcfind.source.facts import SourceFacts
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import PrintedLine
from ksrcfind.source.summary import FileSummary, summary

_COMPRESSED_FROM = 2000  # bytes; shorter data hardly gets smaller

_summary_decoder = msgspec.msgpack.Decoder(FileSummary)
_facts_decoder = msgspec.msgpack.Decoder(SourceFacts)
_message_decoder = msgspec.msgpack.Decoder(Message)
_lines_decoder = msgspec.msgpack.Decoder(tuple[PrintedLine, ...])
_encoder = msgspec.msgpack.Encoder()


class PackedFacts(NamedTuple):
    """Encoded facts of one source file, with the encoded summary that was computed from them."""

    summary: bytes
    facts: bytes


def pack_facts(facts: SourceFacts) -> PackedFacts:
    """Encode the facts of a source file, and the summary that is computed from them."""
    return PackedFacts(*(_compressed(_encoder.encode(part)) for part in (summary(facts), facts)))


def unpack_facts(data: bytes) -> SourceFacts:
    """Decode the facts of a source file."""
    return _facts_decoder.decode(_expanded(data))


def unpack_summary(data: bytes) -> FileSummary:
    """Decode the summary of a source file."""
    return _summary_decoder.decode(_expanded(data))


def pack_message(message: Message) -> bytes:
    """Encode a message."""
    return _encoder.encode(message)


def unpack_message(data: bytes) -> Message:
    """Decode a message."""
    return _message_decoder.decode(data)


def pack_lines(lines: Sequence[PrintedLine]) -> bytes:
    """Encode the lines that a message prints."""
    return _encoder.encode(lines)


def unpack_lines(data: bytes) -> tuple[PrintedLine, ...]:
    """Decode the lines that a message prints."""
    return _lines_decoder.decode(data)


def _compressed(data: bytes) -> bytes:
    return zlib.compress(data, 1) if len(data) >= _COMPRESSED_FROM else data


def _expanded(data: bytes) -> bytes:
    # zlib data starts with an `x`; a list in MessagePack never does.
    return zlib.decompress(data) if data[:1] == b"x" else data
