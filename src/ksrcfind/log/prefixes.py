"""Remove the prefixes of a log line, one after the other, and keep what they say as fields.

`peel` tries the grammars of `formats/` at the start of what is left of the line, until none matches. A grammar belongs
to a layer (`formats.grammar.Layer`); behind it, only grammars of the same or of inner layers may follow.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ksrcfind.log import origin
from ksrcfind.log.formats import daemon_headers, envelopes, logcat, ring_buffer, structured
from ksrcfind.log.formats.grammar import Decoded, Fields, Grammar, Layer
from ksrcfind.regex import regex

MOST_LAYERS = 16
"""Prefixes that are removed from one line."""

PLAIN = "plain"
"""`LogLine.format` of a line in which no format was recognised."""

GRAMMARS: tuple[Grammar, ...] = (
    *structured.GRAMMARS,
    *ring_buffer.GRAMMARS,
    *envelopes.GRAMMARS,
    *logcat.GRAMMARS,
    *daemon_headers.GRAMMARS,
    *envelopes.FALLBACKS,
    *ring_buffer.FALLBACKS,
)
"""Every grammar; where two could match, the more specific one comes first."""

UNDECIDED = frozenset({PLAIN, "json", *(grammar.format for grammar in (*envelopes.GRAMMARS, *envelopes.FALLBACKS))})
"""Formats behind which the message may have a prefix that no grammar recognises at the start of the text."""


def formats() -> tuple[str, ...]:
    """Return the values that `LogLine.format` can have, sorted."""
    found = {"console", "dmesg-json", "journal-json", "journal-monotonic", PLAIN}
    return tuple(sorted(found | {grammar.format for grammar in GRAMMARS}))


def _by_first_character(grammars: Iterable[Grammar]) -> tuple[dict[str, tuple[Grammar, ...]], ...]:
    """Return, for each layer, the grammars of this and of inner layers by the character that they can begin with."""
    tables = []
    for layer in Layer:
        table: dict[str, list[Grammar]] = {}
        for grammar in grammars:
            if grammar.layer >= layer and (layer == Layer.WRAPPER or not grammar.needs_start):
                for character in grammar.starts:
                    table.setdefault(character, []).append(grammar)
        tables.append({character: tuple(found) for character, found in table.items()})
    return tuple(tables)


_CANDIDATES = _by_first_character(GRAMMARS)

# The outermost layer that may follow a grammar of each layer: wrappers can be nested, stamps can come in a row.
_NEXT_LAYER = (Layer.WRAPPER, Layer.PRIORITY, Layer.STAMP, Layer.STAMP, Layer.BODY, Layer.BODY)

# ECMA-48: CSI and two-character sequences; OSC, DCS and APC strings up to their terminator.
_ESCAPES = regex(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|[\]PX^_][^\x07\x1b]*+(?:\x07|\x1b\\)|[ -/]*+[0-~])")


def visible(text: str) -> str:
    """Return a line without what a terminal does not show: colours, NUL bytes, a byte order mark."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "\0" in text:
        text = text.replace("\0", "")
    return text.removeprefix("\ufeff")


def merge(outer: Fields, inner: Fields) -> Fields:
    """Return the fields of two layers together; where both have a field, the value of the outer one."""
    if not outer:
        return inner
    return inner | {key: value for key, value in outer.items() if value is not None}  # type: ignore[return-value]


class Peeled(NamedTuple):
    """A text without its prefixes."""

    format: str
    """As `LogLine.format`."""
    fields: Fields
    body: str
    """The message."""


def peel(text: str, layer: Layer) -> Peeled:
    """Return a text without the prefixes of a layer and of those inside of it."""
    rest = _Rest(text, layer)
    for _ in range(MOST_LAYERS):
        if not rest.remove_next():
            break
    return rest.peeled()


class _Rest:
    """What is left of a line while its prefixes are removed."""

    __slots__ = ("confirmed", "fields", "format", "last", "layer", "outer", "position", "text", "wrapper")

    def __init__(self, text: str, layer: Layer) -> None:
        self.text = text
        self.position = 0  # where the rest begins
        self.layer = layer  # the outermost layer that may follow
        self.fields: Fields = {}
        self.outer: Fields = {}  # of the objects around the message
        self.format = ""  # of the first grammar that is not a wrapper
        self.wrapper = ""  # of the first wrapper
        self.last: Grammar | None = None
        self.confirmed: tuple[int, Fields] | None = None
        """Position and fields before the tentative grammars that no other grammar has confirmed yet."""

    def remove_next(self) -> bool:
        """Remove the next prefix; return False if no grammar matches."""
        text, position = self.text, self.position
        for grammar in _CANDIDATES[self.layer].get(text[position : position + 1], ()):
            match = grammar.pattern.match(text, position)
            if match is None or (grammar is self.last and grammar.layer == Layer.STAMP):
                continue
            reading = grammar.read(match)
            if reading is not None:
                self._remove(grammar, match.end(), reading)
                return True
        return False

    def _remove(self, grammar: Grammar, end: int, reading: Fields | Decoded) -> None:
        self.confirmed = (self.confirmed or (self.position, self.fields)) if grammar.tentative else None
        self.last = grammar
        if isinstance(reading, Decoded):
            self.text, self.position, self.layer = visible(reading.text), 0, reading.layer
            self.format = self.format or reading.format or ("" if grammar.layer == Layer.WRAPPER else grammar.format)
            self.fields = merge(self.fields, reading.fields)
            self.outer = merge(reading.outer, self.outer)
            return
        self.position, self.layer = end, _NEXT_LAYER[grammar.layer]
        self.fields = merge(self.fields, reading)
        if grammar.layer != Layer.WRAPPER:
            if not self.format:
                self._name_format(grammar.format)
        elif not grammar.tentative:
            self.wrapper = self.wrapper or grammar.format

    def _name_format(self, name: str) -> None:
        """Set the format; journalctl -o short-monotonic looks like dmesg up to the host and tag behind the stamp."""
        self.format = name
        if name != "dmesg" or (" kernel: " not in self.text and "]: " not in self.text):
            return
        tag = daemon_headers.monotonic_tag(self.text, self.position)
        if tag is None or not (tag.process == "kernel" or origin.is_process(tag.process, tag.pid, self.text, tag.end)):
            return
        if tag.process == "kernel":
            self.fields["facility"] = "kern"
        self.fields["host"], self.fields["process"] = tag.host, tag.process
        self.format, self.position = "journal-monotonic", tag.end

    def peeled(self) -> Peeled:
        """Return the text without the removed prefixes; tentative ones that nothing confirmed are part of the body."""
        position, fields = self.confirmed or (self.position, self.fields)
        if self.outer:
            fields = merge(fields, self.outer)
        return Peeled(self.format or self.wrapper or PLAIN, fields, self.text[position:] if position else self.text)
