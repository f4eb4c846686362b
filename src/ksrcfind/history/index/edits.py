"""What a commit changed in the texts of one file."""

import hashlib
import zlib

import msgspec

from ksrcfind.history.wording import LEVEL_CODE, Wording

AFTER = 0
"""The side of an edit: a text after the commit. Numbers from 1 on are the parents of the commit: a text before it."""


OWN = 1
"""Flag of an edit: the line of the text itself is changed, not only the beginning of its call."""
PIECE = 2
"""Flag of an edit: one of several literals that form a text; the text has an edit of its own."""
REPEATED = 8
"""Flag of an edit: a merge removed this text also from an earlier parent."""


class Edit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A text on one side of a commit's diff, with the call around it, if the commit changed any of it."""

    side: int
    """`AFTER`, or the number of a parent."""
    line: int
    """1-based line of the text's first literal."""
    literals: tuple[bytes, ...]
    """The literals of the text, as in the source."""
    function: str | None
    call: str | None
    level: str | None
    flags: int
    """A sum of `OWN`, `PIECE` and `REPEATED`."""

    def has(self, text: str, needle: bytes) -> bool:
        """Return whether this is the text of the edit. `needle` is the same text in bytes."""
        return (
            needle in (self.literals[0] if len(self.literals) == 1 else b"".join(self.literals)) and self.text == text
        )

    @property
    def text(self) -> str:
        """The text that is compared, as `Wording.text` has it."""
        return normalised(b"".join(self.literals).decode("utf-8", "surrogateescape"))

    @property
    def wording(self) -> Wording:
        """The text as a wording."""
        literals = tuple(literal.decode("utf-8", "surrogateescape") for literal in self.literals)
        return Wording(self.text, self.line, self.line, literals, 0, 0, commented=False)


def normalised(text: str) -> str:
    """Return a literal without its level code and without newlines and blanks at its end."""
    # The same as `LINE_END`, ten times as fast: this runs for every text of a commit.
    text = LEVEL_CODE.sub("", text) if text[:1] == "<" else text
    while (shorter := text.rstrip().removesuffix("\\n")) != text:
        text = shorter
    return text


def text_key(text: str) -> int:
    """Return the number by which a text is found: a hash of 64 bits, signed."""
    data = text.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), signed=True)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Edit, ...])
_COMPRESSED_FROM_BYTES = 400
_PLAIN, _COMPRESSED = b"p", b"z"


def pack_edits(edits: list[Edit]) -> bytes:
    """Return edits as bytes."""
    data = _encoder.encode(edits)
    if len(data) < _COMPRESSED_FROM_BYTES:
        return _PLAIN + data
    return _COMPRESSED + zlib.compress(data, 6)


def unpack_edits(data: bytes) -> tuple[Edit, ...]:
    """Return the edits that `pack_edits` packed. Raises `ValueError` for other bytes."""
    try:
        if data[:1] == _COMPRESSED:
            return _decoder.decode(zlib.decompress(data[1:]))
        return _decoder.decode(data[1:])
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError("not edits") from error
