"""C tokens: enough of the language to analyse calls and macro bodies.

A token of C source is a string as written; its first character shows its kind. While a call is expanded, its tokens are
an intermediate representation: `Token` is the union of source tokens and the objects that expansion puts between them.
"""

from collections.abc import Sequence
from typing import TypeAlias, TypeGuard, TypeVar

from msgspec import Struct

from ksrcfind.regex import regex
from ksrcfind.source.literal import CHARACTER, STRING


class ArgumentPlaceholder(Struct, frozen=True):
    """An argument of the call, whose tokens the expansion does not use."""

    index: int
    is_constant: bool = False
    """True if the argument consists of constants: a condition may depend on it."""


class PastedToken(Struct, frozen=True):
    """The unknown result of `#` or `##` on an `ArgumentPlaceholder`."""

    index: int
    """The argument whose tokens decide the result, as in `ArgumentPlaceholder`."""
    beginning: str = ""
    """The known beginning of a pasted name."""
    ending: str = ""
    """The known end of a pasted name."""
    is_string: bool = False
    """True if `#` made it."""


class ScopeMarker:
    """Delimits the tokens that a wrapper function's caller passed in from the wrapper's own; compared by identity."""

    __slots__ = ()


class VarArgs(Struct, frozen=True):
    """The values of a variable argument list."""

    values: tuple["Tokens", ...]


class ForwardedFormat(Struct, frozen=True):
    """A format with its values that a wrapper function passes on (`struct va_format`, or a buffer printed into)."""

    format: "Tokens"
    values: tuple["Tokens", ...]


Token: TypeAlias = str | ArgumentPlaceholder | PastedToken | ScopeMarker | VarArgs | ForwardedFormat
"""A token of C source, or an object that expansion puts between them."""

Tokens: TypeAlias = tuple[Token, ...]

_Kind = TypeVar("_Kind", bound=Token)

_TOKEN = regex(
    rf"[LuU]?{STRING}|{CHARACTER}"
    r"|\\\S"  # an escaped quote outside of a literal begins no literal: keeps unterminated text linear
    r"|[A-Za-z_]\w*+"
    r"|\.?[0-9][\w.]*+"
    r"|\.\.\.|##|->|\+\+|--|&&|\|\||==|!=|<=|>=|<<|>>"
    r"|[^\s\w\\]"  # a backslash in front of a line end is none
)

_UNARY = frozenset("+-*&")
_BINARY = frozenset(("==", "!=", "<=", ">=", "&&", "||", "<<", ">>", *"+-*/%&|^<>=?:"))
_TIGHT = frozenset((")", "]", ",", ";", ".", "->", "["))
_BEFORE_BLANK = frozenset(("if", "for", "while", "switch", "return"))
OPENING = frozenset("([{")
CLOSING = frozenset(")]}")
_DEPTH = {**dict.fromkeys(OPENING, 1), **dict.fromkeys(CLOSING, -1)}


def tokenize(source: str) -> list[str]:
    """Return the tokens of C source without comments."""
    return _TOKEN.findall(source)


def is_string(token: Token) -> TypeGuard[str]:
    """Return whether a token is a string literal."""
    return type(token) is str and token[-1] == '"' and len(token) > 1


def is_name(token: Token) -> TypeGuard[str]:
    """Return whether a token is an identifier or keyword."""
    return type(token) is str and (token[0].isalpha() or token[0] == "_") and token[-1] != '"'


def closing(tokens: Sequence[Token], opening: int) -> int:
    """Return the index of the bracket that closes the one at `opening`; the number of tokens if none does."""
    depth = 0
    for index in range(opening, len(tokens)):
        token = tokens[index]
        if type(token) is str and token in _DEPTH:
            depth += _DEPTH[token]
            if depth == 0:
                return index
    return len(tokens)


def unwrapped(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return tokens without the parentheses around all of them, in one pass for any number of parentheses."""
    if not tokens or tokens[0] != "(":
        return tokens
    around = next((index for index, token in enumerate(tokens) if token != "("), len(tokens))
    closed: dict[int, int] = {}  # by depth: index of the bracket that closes it first
    depth = 0
    for index, token in enumerate(tokens):
        if type(token) is str:
            if token in OPENING:
                depth += 1
            elif token in CLOSING:
                depth -= 1
                closed.setdefault(depth, index)
    count = 0
    while count < around and closed.get(count) == len(tokens) - 1 - count:
        count += 1
    return tokens[count : len(tokens) - count]


def split(tokens: Sequence[_Kind], separator: str = ",") -> list[list[_Kind]]:
    """Return the tokens between separators outside of all brackets; no parts for no tokens."""
    parts: list[list[_Kind]] = []
    start = depth = 0
    for index, token in enumerate(tokens):
        if type(token) is not str:
            continue
        if token in _DEPTH:
            depth += _DEPTH[token]
        elif token == separator and depth == 0:
            parts.append(list(tokens[start:index]))
            start = index + 1
    if tokens:
        parts.append(list(tokens[start:]))
    return parts


def text_of(tokens: Sequence[Token]) -> str:
    """Return tokens as one line of C source in the style of Documentation/process/coding-style.rst."""
    if len(tokens) == 1:
        return str(tokens[0])
    result = ""
    before = ""
    tight = True  # no blank before the next token
    for token in tokens:
        text = str(token)
        is_value = before != "" and (before[-1].isalnum() or before[-1] in "_\"')]")
        if text in _BINARY and (is_value or text not in _UNARY):
            result += f" {text}"
            tight = False
        elif text in _TIGHT or (text == "(" and is_value and before not in _BEFORE_BLANK):
            result += text
            tight = text != "," and text != ";"
        else:
            if not tight or (is_value and before not in (")", "]")):
                result += " "
            result += text
            tight = not (text[0].isalnum() or text[0] in "_\"'")
        before = text
    return result
