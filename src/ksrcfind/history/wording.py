"""Find the texts (wordings) of a C file, with the call and function around each, by a lexer without a parser.

A wording is a string literal, or several that the compiler joins. Following a message through old versions needs this:
many old files are read once each, and most of them only show that a text is not there (5 ms for a file of 50 KB). The
package `source` computes what a call really prints. Text in comments counts as well, because developers disable and
enable calls that way.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import itemgetter

from msgspec import Struct

from ksrcfind.levels import CODE_NAMES, KERN_MACROS, LEVEL_OF_CODE
from ksrcfind.regex import regex
from ksrcfind.source.literal import STRING, unescape

# An unterminated comment swallows the rest, as for the compiler. What an escape outside of a literal hides is passed
# over, so that the quotation marks of an unterminated text are not tried one by one.
TOKEN = regex(
    STRING.encode() + rb"|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|//(?:[^\\\n]|\\.)*+|\'(?:[^\'\\\n]|\\.){1,8}\'|\\.", re.DOTALL
)
LITERAL = regex(rf"({STRING})|\\.".encode(), re.DOTALL)
# What may stand between two literals of one text: blanks, line continuations, comments (blanked before), macros.
GLUE = regex(rb"[\s\\]*+(?:[A-Za-z_]\w*+[\s\\]*+){0,3}")
GLUE_IN_COMMENT = regex(rb"[\s\\/*]*+(?:[A-Z_]\w*+[\s\\/*]*+){0,3}")
GLUE_BYTES = 400
NO_LINE_END = regex(rb"[^\n]")
LEVEL_CODE = regex(r"\A<[0-7cd]>")
# Looked for at the beginning of a run only: one that ends before the text does is passed over once.
LINE_END = regex(r"(?<!\\n)(?<!\s)(?:\\n|\s)++\Z")
END = regex(r"(?<!\\n)(?<![\s.!,:;])(?:\\n|[\s.!,:;])++\Z")
NOT_WORDS = regex(r"\\.|%[-+ #0-9.*]*(?:hh|h|ll|l|L|z|Z|t|q)?[a-zA-Z]")
WORD = regex(r"[A-Za-z]{3,}")
# What drivers put in front of a text and wrappers take over: `foo: `, `%s: `, `[drm] `, `foo %d: `.
PREFIX = regex(r"(?:[\[(<]?+[\w%./*#@-]++[\])>]?+(?::|\s?-)?+\s*+){0,4}+:?+\s*+")
FUNCTION = regex(
    rb"^(?!(?:struct|enum|union)\b[^()\n]*$|typedef\b|\w+:\s*$)(?=[A-Za-z_])[^;\n]*?\b(\w+)[ \t]*\(", re.MULTILINE
)
NAME = regex(rb"([A-Za-z_]\w{0,99})\s*\Z")
LEVEL_MACRO = regex(rf"\b({'|'.join(KERN_MACROS)})\b".encode())
LEVEL_OF_NAME = CODE_NAMES | {"dbg": "debug"}
LEVEL_NAME = regex(rf"(?:^|_)({'|'.join(LEVEL_OF_NAME)})(?:_|$)", re.IGNORECASE)
SHORTEST_PART = 8
"""Characters that a text needs at least to be searched inside longer texts."""
CALL_BYTES = 4096
"""Limit of bytes in front of a text that are searched for the name of its call."""
FUNCTION_BYTES = 200_000
"""Limit of bytes between the head of a function and a text in it."""
LARGEST = 8 << 20
"""Limit of bytes of a file; a larger file is data, not source."""


class Wording(Struct, frozen=True):
    """A text in a file: one literal, or several that the compiler joins."""

    text: str
    """The text that is compared: as in the source with its escapes, but without a leading level code and trailing
    newlines."""
    line_start: int
    """1-based line of the first literal."""
    line_end: int
    """1-based line of the last literal."""
    literals: tuple[str, ...]
    """The literals of the text, as in the source."""
    start: int
    """Byte offset of the first literal."""
    end: int
    """Byte offset behind the last literal."""
    commented: bool
    """True if the text is in a comment: a call that a developer disabled."""


class Call(Struct, frozen=True):
    """The call around a text."""

    name: str
    line: int
    """1-based line of the name."""


class SourceText:
    """One version of a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data if len(data) <= LARGEST else b""
        """The bytes of the file; empty for a file that is too large."""

    @cached_property
    def wordings(self) -> tuple[Wording, ...]:
        """Every text of the file, from top to bottom."""
        return tuple(self._find())

    def at(self, line: int) -> Wording | None:
        """Return the longest text of which a part is on a line; None if the line has no text."""
        found = [wording for wording in self.wordings if wording.line_start <= line <= wording.line_end]
        return max(found, key=lambda wording: len(wording.text), default=None)

    def literal(self, line: int) -> str | None:
        """Return the longest single literal on a line, without a level code; None if the line has no literal."""
        found = [
            self.data[start + 1 : end - 1].decode("utf-8", "surrogateescape")
            for start, end, _ in self._literals()
            if self._line(start) <= line <= self._line(end)
        ]
        return max((LEVEL_CODE.sub("", text) for text in found), key=len, default=None)

    def same(self, text: str) -> list[Wording]:
        """Return the occurrences of exactly this text in the file."""
        return [wording for wording in self.wordings if wording.text == text]

    @cached_property
    def functions(self) -> list[tuple[int, str]]:
        """Offset of the parenthesis behind its name, and the name, of every function, and object made by a macro."""
        return [(match.end(), match[1].decode("ascii", "replace")) for match in FUNCTION.finditer(self._blank)]

    def function(self, wording: Wording) -> str | None:
        """Return the name of the function, or of the object made by a macro, that contains a text."""
        position = bisect_right(self.functions, wording.start, key=itemgetter(0))
        end, name = self.functions[position - 1] if position else (0, None)
        return name if wording.start - end <= FUNCTION_BYTES else None

    def pieces(self, wording: Wording) -> list[tuple[int, bytes]]:
        """Return the literals of a text with their 1-based lines, as in the source."""
        spans = [(wording.start, wording.end)]
        if len(wording.literals) > 1:
            first = bisect_left(self._literal_starts, wording.start)
            spans = self._literal_spans[first : first + len(wording.literals)]
        return [(self._line(start), self.data[start + 1 : end - 1]) for start, end in spans]

    def call(self, wording: Wording) -> Call | None:
        """Return the call whose parentheses contain a text; None if there is none."""
        depth = 0
        before = self._before(wording, CALL_BYTES)
        for position in range(len(before) - 1, -1, -1):
            character = before[position]
            if character == 0x29:  # `)`
                depth += 1
            elif character == 0x28:  # `(`
                depth -= 1
                if depth < 0:
                    name = NAME.search(before, max(0, position - 120), position)
                    if name is not None:
                        line = self._line(wording.start) - before.count(b"\n", name.start())
                        return Call(name[1].decode("ascii", "replace"), line)
                    depth = 0  # `((`: the name is before the outer one.
            elif character in b";{}":
                break
        return None

    def level(self, wording: Wording) -> str | None:
        """Return the log level that a KERN_ macro or the name of the call gives a text; None if neither does."""
        before = self._before(wording, 200)
        macros = LEVEL_MACRO.findall(before, before.rfind(b"(") + 1)
        if macros:
            return LEVEL_OF_CODE[KERN_MACROS[macros[-1].decode()]]
        call = self.call(wording)
        found = LEVEL_NAME.search(call.name) if call is not None else None
        return None if found is None else LEVEL_OF_NAME[found[1].lower()]

    def _before(self, wording: Wording, size: int) -> bytes:
        """Return the bytes before a text, with comments and the insides of literals blanked."""
        first = max(0, wording.start - size)
        if not wording.commented:
            return self._blank[first : wording.start]
        return LITERAL.sub(_without_inside, self.data[first : wording.start])

    @cached_property
    def _tokens(self) -> list[tuple[int, int]]:
        return [match.span() for match in TOKEN.finditer(self.data)]

    @cached_property
    def _blank(self) -> bytes:
        """The file with comments and the insides of literals as blanks; offsets and line ends as they were."""
        return _blanked(self.data, self._tokens)

    @cached_property
    def _literal_spans(self) -> list[tuple[int, int]]:
        return [(start, end) for start, end, _ in self._literals()]

    @cached_property
    def _literal_starts(self) -> list[int]:
        return [start for start, _ in self._literal_spans]

    @cached_property
    def _line_ends(self) -> list[int]:
        return [match.start() for match in re.finditer(rb"\n", self.data)]

    def _line(self, offset: int) -> int:
        return bisect_left(self._line_ends, offset) + 1

    def _find(self) -> Iterator[Wording]:
        run: list[tuple[int, int]] = []
        run_commented = False
        for start, end, commented in self._literals():
            if run and (commented != run_commented or not self._joined(run[-1][1], start, commented)):
                yield self._wording(run, run_commented)
                run = []
            run.append((start, end))
            run_commented = commented
        if run:
            yield self._wording(run, run_commented)

    def _literals(self) -> Iterator[tuple[int, int, bool]]:
        for start, end in self._tokens:
            first = self.data[start]
            if first == 0x22:  # `"`
                yield start, end, False
            elif first == 0x2F:  # `/`
                for match in LITERAL.finditer(self.data, start, end):
                    if match[1] is not None:
                        yield *match.span(), True

    def _joined(self, end: int, start: int, commented: bool) -> bool:
        if start - end > GLUE_BYTES:
            return False
        if commented:
            return GLUE_IN_COMMENT.fullmatch(self.data, end, start) is not None
        between = self.data[end:start]
        if b"/" in between:  # Comments; a token ends where this begins.
            between = _blanked(between, (match.span() for match in TOKEN.finditer(between)))
        return GLUE.fullmatch(between) is not None

    def _wording(self, run: list[tuple[int, int]], commented: bool) -> Wording:
        literals = tuple(self.data[start + 1 : end - 1].decode("utf-8", "surrogateescape") for start, end in run)
        return Wording(
            text=normalised("".join(literals)),
            line_start=self._line(run[0][0]),
            line_end=self._line(run[-1][1]),
            literals=literals,
            start=run[0][0],
            end=run[-1][1],
            commented=commented,
        )


def normalised(text: str) -> str:
    """Return a literal without its level code and without newlines and blanks at its end."""
    # The same as `LINE_END`, ten times as fast: this runs for every text of every commit.
    text = LEVEL_CODE.sub("", text) if text[:1] == "<" else text
    while (shorter := text.rstrip().removesuffix("\\n")) != text:
        text = shorter
    return text


def _without_inside(literal: re.Match[bytes]) -> bytes:
    return literal[0] if literal[1] is None else b'"' + b" " * (len(literal[1]) - 2) + b'"'


def _blanked(data: bytes, tokens: Iterable[tuple[int, int]]) -> bytes:
    """Return source with its tokens (comments and the insides of literals) replaced by blanks; newlines stay."""
    parts: list[bytes] = []
    last = 0
    for start, end in tokens:
        parts.append(data[last:start])
        token = data[start:end]
        if token.startswith(b"/"):
            parts.append(_blanks(token))
        else:
            parts += (token[:1], _blanks(token[1:-1]), token[-1:])
        last = end
    parts.append(data[last:])
    return b"".join(parts)


def _blanks(text: bytes) -> bytes:
    return b" " * len(text) if b"\n" not in text else NO_LINE_END.sub(b" ", text)


def contains(old: str, new: str) -> bool:
    """Return whether an older text contains the newer one unchanged, except for the punctuation at its end."""
    part = END.sub("", new)
    return part in old and len(part.strip()) >= SHORTEST_PART


def same(one: str, other: str) -> bool:
    """Return whether two texts are equal except for the punctuation at their ends."""
    return END.sub("", one) == END.sub("", other)


def reads(older: Wording, text: str, literal: str) -> bool:
    """Return whether an older wording equals a text, or one of its literals contains one literal of that text.

    How the text is split into literals does not matter. Punctuation at the end of the text may differ; at the end of a
    literal within the text it may not, because a blank there separates two words.
    """
    if same(older.text, text):
        return True
    if text.endswith(LINE_END.sub("", literal)):
        return any(same(part, literal) or contains(part, literal) for part in older.literals)
    return len(literal.strip()) >= SHORTEST_PART and any(literal in part for part in older.literals)


def lost_prefix(old: str, new: str) -> bool:
    """Return whether a text is an older one without its prefix, such as `foo: `; punctuation at the end may differ."""
    whole, part = END.sub("", old), END.sub("", new)
    if len(part.strip()) < SHORTEST_PART or not whole.endswith(part):
        return False
    return PREFIX.fullmatch(whole, 0, len(whole) - len(part)) is not None


def differs_by_prefix(one: str, other: str) -> bool:
    """Return whether two texts are equal except for a prefix that one of them has, and the punctuation at the end."""
    return lost_prefix(one, other) or lost_prefix(other, one)


def words(text: str) -> list[str]:
    """Return the words of a text that have three or more letters, longest first.

    A file with the text contains all of these words, unless a literal is split inside a word.
    """
    found = set(WORD.findall(NOT_WORDS.sub(" ", text)))
    return sorted(found, key=lambda word: (-len(word), word))


def decoded(text: str) -> str:
    """Return a text with its C escapes decoded and bytes that are no UTF-8 replaced."""
    return unescape(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
