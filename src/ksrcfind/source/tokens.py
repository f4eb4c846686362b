"""C tokens: enough of the language to take calls and macro bodies apart.

A token is a string as written; the first character tells its kind. Expansion puts other objects between them:
`ArgumentPlaceholder` for an opaque argument, `ForwardedFormat` for a format that a wrapper function passes on.
"""

import re
from collections.abc import Sequence

from ksrcfind.source.literal import CHARACTER, STRING

Token = str | object
"""A token of the source, or a placeholder of the expansion."""

_TOKEN = re.compile(
    rf"[LuU]?{STRING}|{CHARACTER}"
    r"|\\\S"  # outside of a literal: the quotation marks of a text that never ends are not tried one by one
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
    """Tokens of C source without comments."""
    return _TOKEN.findall(source)


def is_string(token: Token) -> bool:
    """True for a string literal."""
    return type(token) is str and token[-1] == '"' and len(token) > 1


def is_name(token: Token) -> bool:
    """True for an identifier or keyword."""
    return type(token) is str and (token[0].isalpha() or token[0] == "_") and token[-1] != '"'


def closing(tokens: Sequence[Token], opening: int) -> int:
    """Index of the bracket that closes the one at `opening`, or the length when none does."""
    depth = 0
    for index in range(opening, len(tokens)):
        token = tokens[index]
        if type(token) is str and token in _DEPTH:
            depth += _DEPTH[token]
            if depth == 0:
                return index
    return len(tokens)


def unwrapped(tokens: Sequence[Token]) -> Sequence[Token]:
    """Tokens without the parentheses around all of them, in one pass however many there are."""
    if not tokens or tokens[0] != "(":
        return tokens
    around = next((index for index, token in enumerate(tokens) if token != "("), len(tokens))
    closed: dict[int, int] = {}  # by depth: where the parenthesis that opened it closes
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


def split(tokens: Sequence[Token], separator: str = ",") -> list[list[Token]]:
    """Split at a separator outside of all brackets; no tokens give no parts."""
    parts: list[list[Token]] = []
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
    """C source of tokens in one line, spaced as Documentation/process/coding-style.rst wants it."""
    if len(tokens) == 1:
        return str(tokens[0])
    result = ""
    before = ""
    tight = True  # what comes next follows without a blank
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
