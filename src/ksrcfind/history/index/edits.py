"""What a commit changed in the texts of one file."""

import hashlib
import zlib
from collections.abc import Iterator

import msgspec

from ksrcfind.history.wording import END, Wording, normalised, words
from ksrcfind.regex import regex

AFTER = 0
"""The side of an edit: a text after the commit. Numbers from 1 on are the parents of the commit: a text before it."""


OWN = 1
"""Flag of an edit: the line of the text itself is changed, not only the beginning of its call."""
PIECE = 2
"""Flag of an edit: one of several literals that form a text; the text has an edit of its own."""
REPEATED = 4
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

    @property
    def text(self) -> str:
        """The text that is compared, as `Wording.text` has it."""
        return normalised(b"".join(self.literals).decode("utf-8", "surrogateescape"))

    @property
    def wording(self) -> Wording:
        """The text as a wording."""
        literals = tuple(literal.decode("utf-8", "surrogateescape") for literal in self.literals)
        return Wording(self.text, self.line, self.line, literals, 0, 0, commented=False)


MOST_PREFIX_PARTS = 4
"""Parts of a prefix that `wording.lost_prefix` recognises."""
_PREFIX_PART = regex(r"[\[(<]?+[\w%./*#@-]++[\])>]?+(?::|\s?-)?+\s*+(?::\s*+)?+")


def text_key(text: str) -> int:
    """Return the number by which a text is found: a hash of 64 bits, signed."""
    data = text.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), signed=True)


def keys_of(edit: Edit) -> Iterator[int]:
    """Yield the keys under which an edit is found: that of its text, and those of the text without a prefix."""
    text = edit.text
    if not text:
        return
    yield text_key(text)
    if edit.side == AFTER and not edit.flags & PIECE:
        end = 0
        for _ in range(MOST_PREFIX_PARTS):
            match = _PREFIX_PART.match(text, end)
            if match is None or len(words(rest := text[match.end() :])) < 2:
                break
            end = match.end()
            yield unprefixed_key(rest)


def unprefixed_key(text: str) -> int:
    """Return the number by which texts are found that end with this one behind a prefix."""
    return text_key(f"\0{END.sub('', text)}")


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
