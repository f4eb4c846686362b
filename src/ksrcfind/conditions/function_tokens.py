"""A function as tokens: comments and directives blanked, one branch of each `#if` kept.

The tokens keep their offsets in the file, so every record can name lines. A syntax tree of the whole language is not
needed, and kernel macros (`list_for_each_entry(p, head, list) {`) are no valid C before preprocessing; tokens and
brackets are enough to find the statements.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.source.scan import Directive, directives
from ksrcfind.source.source_file import region_around

NAME = regex(r"[A-Za-z_]\w*+")
"""Names and keywords."""

_TOKEN = regex(
    r"""(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n]*+)"""
    # A literal without its closing quote ends with its line, so that no text is read twice.
    r"""|"(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\\?\Z)|'(?:[^'\\\n]|\\.)*+(?:'|(?=\n)|\\?\Z)"""
    r"""|[A-Za-z_]\w*+|\.?\d(?:[\w.]|(?<=[eEpP])[+-])*+"""
    r"""|->|\+\+|--|&&|\|\||<<=|>>=|<<|>>|[-+*/%&|^=!<>]=|\.\.\.|[^\s\\]""",
    re.DOTALL,
)
_DIRECTIVE_LINE = regex(r"^[ \t]*#[^\n]*", re.MULTILINE)
_LONGEST = 400_000  # characters of a function; the longest of Linux 6.1 has 60,000
_LONG_NAME = regex(r"\w{200}")  # longer than any name of Linux
_NO_CODE = regex(r"\s*+(?:0\b|defined\s*+\(?+\s*+NOT_DEFINED)")
_KEYWORDS = frozenset(("if", "while", "for", "switch", "return"))
_TIGHT_AFTER = frozenset(("(", "[", "!"))
_TIGHT_BEFORE = frozenset((")", "]", ",", ";"))
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_GUARD = regex(r"_{0,3}\w+_H_{0,3}|_\w+_")


class Token(NamedTuple):
    """A token of C source."""

    text: str
    start: int
    """Offset in the file."""

    @property
    def end(self) -> int:
        """Offset after the token."""
        return self.start + len(self.text)


class Switch(Struct, frozen=True):
    """A preprocessor condition around a line."""

    expression: str
    """As written: `CONFIG_SMP` for `#ifdef CONFIG_SMP`, `IS_ENABLED(CONFIG_PM)` for `#if IS_ENABLED(CONFIG_PM)`."""
    negated: bool
    line: int


@dataclass(frozen=True)
class Code:
    """The body of the function around a call."""

    text: str
    """The file, each byte one character, so that offsets are those of the file."""
    tokens: tuple[Token, ...]
    """From the opening brace of the function to its closing brace."""
    target: int
    """Index of the token that names the call."""
    line_starts: tuple[int, ...]
    uncertain: tuple[tuple[int, int], ...]
    """Offsets of code that only some configurations of the call's function contain."""
    switches: tuple[Switch, ...]
    """Preprocessor conditions around the call, the outermost first."""
    parameters: tuple[str, ...]
    """Of a macro."""
    first_line: int
    """1-based line on which the function's header starts."""
    last_line: int

    def line(self, index: int) -> int:
        """Return the 1-based line of a token."""
        return bisect_right(self.line_starts, self.tokens[index].start)

    def is_uncertain(self, index: int) -> bool:
        """Return whether a token is in code that some configurations leave out, unlike the call."""
        return bisect_right(self._uncertain_edges, self.tokens[index].start) % 2 == 1

    def source(self, low: int, high: int) -> str:
        """Return the source of tokens `low` to `high`, exclusive, on one line and without comments."""
        parts = [token.text for token in self.tokens[low : min(low + 1, high)]]
        for previous, token in itertools.pairwise(self.tokens[low:high]):
            if previous.end != token.start and previous.text not in _TIGHT_AFTER and token.text not in _TIGHT_BEFORE:
                parts.append(" ")
            parts.append(token.text)
        return "".join(parts).encode("latin-1", "replace").decode("utf-8", "replace")

    def closing(self, index: int) -> int:
        """Return the index of the bracket that closes the one at `index`, or of the last token."""
        return self._closings.get(index, len(self.tokens) - 1)

    @cached_property
    def _closings(self) -> dict[int, int]:
        """Opening brackets with those that close them, as `closing` finds them."""
        return closings(self.tokens)

    @cached_property
    def _uncertain_edges(self) -> list[int]:
        """The offsets where code that some configurations leave out begins and ends in turn, ascending."""
        edges: list[int] = []
        for start, end in sorted(self.uncertain):
            if edges and start <= edges[-1]:
                edges[-1] = max(edges[-1], end)
            else:
                edges += [start, end]
        return edges


def closing(tokens: Sequence[Token], index: int) -> int:
    """Return the index of the bracket that closes the one at `index`, or of the last token."""
    stack: list[str] = []
    for position in range(index, len(tokens)):
        text = tokens[position].text
        if text in _CLOSING:
            stack.append(_CLOSING[text])
        elif stack and text == stack[-1]:
            stack.pop()
            if not stack:
                return position
    return len(tokens) - 1


def closings(tokens: Sequence[Token]) -> dict[int, int]:
    """Return the brackets that are closed, each with the one that closes it, as `closing` finds it."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.text in _CLOSING:
            opened.append(index)
        elif opened and token.text == _CLOSING[tokens[opened[-1]].text]:
            found[opened.pop()] = index
    return found


def tokens_of(text: str, offset: int) -> list[Token]:
    """Return the tokens of a text, which begins at an offset of the file, without its comments."""
    found = _TOKEN.finditer(text)
    return [Token(each[0], each.start() + offset) for each in found if each.lastgroup is None]


def code_around(data: bytes, line: int, call: str, *, whole: bool = True) -> Code | None:
    """Return the function around the call at a 1-based line; None outside of functions.

    Of an `#if` around the call, the call's branch is kept; of any other, the first one, unless `whole` is false.
    """
    text = data.decode("latin-1")
    starts = (0, *(match.end() for match in re.finditer("\n", text)))
    if not 1 <= line <= len(starts):
        return None
    at = starts[line - 1]
    found = list(directives(data))
    (low, high), is_macro = region_around(data, found, at)
    if high - low > _LONGEST or _LONG_NAME.search(text, low, high):
        return None
    switches, uncertain, left_out = _choose(found, at, low, high, whole)
    if not is_macro:
        left_out += [(start, end) for start, end, _ in found if low <= end and start < high]
        left_out += [each.span() for each in _DIRECTIVE_LINE.finditer(text, low, high)]
    tokens = tokens_of(_blanked(text, low, high, left_out), low)
    target = _target(tokens, at, starts[line] if line < len(starts) else len(text), call)
    if target is None:
        return None
    body = _body(tokens, target)
    if is_macro and (body is None or _is_controlled(tokens, body[0])):
        tokens, target, body = _in_braces(tokens, target)
    if body is None:
        return None
    opening, close = body
    header = _header(tokens, opening)
    return Code(
        text,
        tuple(tokens[opening : close + 1]),
        target - opening,
        starts,
        tuple(uncertain),
        tuple(switches),
        _parameters(tokens) if is_macro else (),
        bisect_right(starts, tokens[header].start),
        bisect_right(starts, tokens[close].start),
    )


def _in_braces(tokens: list[Token], target: int) -> tuple[list[Token], int, tuple[int, int] | None]:
    """Return a macro's tokens with braces around its body, the index of the target, and the indexes of the braces.

    The body is what follows the name and the parameters. None for the braces if the target is not in it.
    """
    after = closing(tokens, 3) if _has_parameters(tokens) else 2
    if target <= after:
        return tokens, target, None
    before, inside = tokens[: after + 1], tokens[after + 1 :]
    edges = Token("{", before[-1].end), Token("}", tokens[-1].end)
    return [*before, edges[0], *inside, edges[1]], target + 1, (after + 1, len(tokens) + 1)


def _is_controlled(tokens: Sequence[Token], opening: int) -> bool:
    """Return whether a macro consists of a statement that decides about the block that opens at an index."""
    first = (closing(tokens, 3) if _has_parameters(tokens) else 2) + 1
    return first < opening and tokens[first].text in _KEYWORDS


def _header(tokens: Sequence[Token], opening: int) -> int:
    """Return the token that begins the header of the function whose brace opens at an index."""
    while opening > 0 and tokens[opening - 1].text not in (";", "}"):
        opening -= 1
    return opening


def _target(tokens: Sequence[Token], start: int, end: int, call: str) -> int | None:
    """Return the token of a call's name on a line; else the first name there that is called."""
    on_line = [index for index, token in enumerate(tokens) if start <= token.start < end]
    named = [index for index in on_line if tokens[index].text == call]
    if named:
        return named[0]
    texts = [index for index, token in enumerate(tokens) if token.text[0] == '"']
    ends = closings(tokens)
    with_text = [
        index
        for index in on_line
        if index + 1 < len(tokens)
        and re.match(r"[A-Za-z_]", tokens[index].text)
        and tokens[index].text not in _KEYWORDS
        and tokens[index + 1].text == "("
        and bisect_left(texts, index) < bisect_left(texts, ends.get(index + 1, len(tokens) - 1))
    ]
    return next(iter(with_text or _around(tokens, on_line) or on_line), None)


def _around(tokens: Sequence[Token], indexes: Sequence[int]) -> list[int]:
    """Return the name of the call that has the first of some tokens among its arguments; nothing if there is none."""
    depth = 0
    for index in range(indexes[0] - 1 if indexes else -1, 0, -1):
        depth += {")": 1, "(": -1}.get(tokens[index].text, 0)
        if depth < 0:
            return [index - 1]
    return []


def _has_parameters(tokens: Sequence[Token]) -> bool:
    """Return whether the macro that tokens define takes arguments."""
    return len(tokens) > 3 and tokens[3].text == "(" and tokens[3].start == tokens[2].end


def _parameters(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the parameters of the macro that tokens define: `#define NAME(a, b) …`."""
    if not _has_parameters(tokens):
        return ()
    return tuple(token.text for token in tokens[4 : closing(tokens, 3)] if token.text != ",")


def _body(tokens: Sequence[Token], target: int) -> tuple[int, int] | None:
    """Return the outermost braces around a token."""
    opening = 0
    while opening < target:
        if tokens[opening].text == "{":
            close = closing(tokens, opening)
            if close > target:
                return opening, close
            opening = close
        opening += 1
    return None


def _blanked(text: str, low: int, high: int, spans: Iterable[tuple[int, int]]) -> str:
    """Return a part of a text with some spans of the text blanked, line ends kept."""
    parts: list[str] = []
    position = low
    for start, end in sorted(spans):
        first, last = max(start, position), min(end, high)
        if first < last:
            parts += [text[position:first], re.sub(r"[^\n]", " ", text[first:last])]
            position = last
    return "".join([*parts, text[position:high]])


def _choose(
    found: Sequence[tuple[int, int, Directive]], at: int, low: int, high: int, whole: bool
) -> tuple[list[Switch], list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the conditions around an offset, and of a region the code of other branches: uncertain, and left out."""
    switches: list[Switch] = []
    uncertain: list[tuple[int, int]] = []
    blank: list[tuple[int, int]] = []
    for branches in _groups(found):
        _, last_end, _ = branches[-1]
        here = None
        for position, (start, end, _) in enumerate(branches[:-1]):
            if end <= at < branches[position + 1][0] or start <= at < end:
                here = position
        if here is not None:
            switches += _switches(branches, here)
        if last_end < low or branches[0][0] > high:
            continue
        kept = here
        if here is None and whole:
            kept = 1 if _NO_CODE.match(_rest(branches[0][2])) and branches[0][2].name == b"if" else 0
        for position, (_, end, _) in enumerate(branches[:-1]):
            span = (end, branches[position + 1][0])
            if position != kept:
                blank.append(span)
            elif here is None:
                uncertain.append(span)
    switches.sort(key=lambda each: each.line)
    return switches, uncertain, blank


def _groups(found: Sequence[tuple[int, int, Directive]]) -> Iterable[list[tuple[int, int, Directive]]]:
    """Yield the directives of each `#if` with its `#elif`, `#else` and `#endif`."""
    open_groups: list[list[tuple[int, int, Directive]]] = []
    for each in found:
        name = each[2].name
        if name in (b"if", b"ifdef", b"ifndef"):
            open_groups.append([each])
        elif name in (b"elif", b"else", b"endif") and open_groups:
            open_groups[-1].append(each)
            if name == b"endif":
                yield open_groups.pop()


def _rest(directive: Directive) -> str:
    text = re.sub(r"/\*.*?(\*/|\Z)|//.*|\\\n", " ", directive.rest.decode("utf-8", "replace"), flags=re.DOTALL)
    return " ".join(text.split())


def _switches(branches: Sequence[tuple[int, int, Directive]], here: int) -> list[Switch]:
    """Return the conditions of one branch of an `#if`: its own, and the negated ones before it."""
    result: list[Switch] = []
    for position in range(here + 1):
        directive = branches[position][2]
        if directive.name in (b"else", b"endif"):
            continue
        expression = _rest(directive)
        if directive.name == b"ifndef" and _GUARD.fullmatch(expression):
            continue  # the include guard of a header
        negated = (directive.name == b"ifndef") != (position < here)
        result.append(Switch(expression, negated, directive.line))
    return result
