"""What an `if` in a macro or wrapper function decides, as far as the constants tell that a call gives.

`cifs_dbg(VFS, …)` never prints the text for `FYI`, and `p9_debug(P9_DEBUG_9P, …)` never the one of the `else`. A
condition that depends on anything but constants decides nothing: both of its branches can print.
"""

import itertools
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ksrcfind.source.substitute import ArgumentTokensRequiredError
from ksrcfind.source.tokens import (
    ArgumentPlaceholder,
    ScopeMarker,
    Token,
    Tokens,
    closing,
    is_name,
    is_string,
    tokenize,
)

Value = frozenset[int | str] | None
"""What an expression can be: numbers, or the name of a constant whose number is not known; None for anything."""

Lookup = Callable[[str], Iterable[str]]
"""Gives the C source of each definition of a constant by its name."""

_MOST = 4  # values that are told apart
_DEPTH = 8  # constants defined by others, and operators within operators
_LONGEST = 64  # tokens of a condition
_OPENED = 64  # constants that are looked up for one condition
_DECIDED = 64  # conditions of one macro that may rule something out
_UNKNOWN = ("?",)  # source of what is not told
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]{1,16}|\d{1,19})[uUlL]*")
_WRITTEN_LARGE = re.compile(r"[A-Z][A-Z0-9_]*")
_KNOWN = {"NULL": 0, "false": 0, "true": 1, "FALSE": 0, "TRUE": 1}
_HINTS = frozenset(("likely", "unlikely"))
_IN_CONSTANTS = frozenset(("|", "&", "~", "(", ")", "<<", "+", "-", "!"))
_TRUE: Value = frozenset((1,))
_FALSE: Value = frozenset((0,))

_Binary = Callable[[int, int], int]
_SHIFT = 64  # most bits that a number is shifted by
_OPERATORS: dict[str, tuple[int, _Binary]] = {
    "|": (3, operator.or_),
    "^": (4, operator.xor),
    "&": (5, operator.and_),
    "==": (6, operator.eq),
    "!=": (6, operator.ne),
    "<": (7, operator.lt),
    ">": (7, operator.gt),
    "<=": (7, operator.le),
    ">=": (7, operator.ge),
    "<<": (8, lambda left, right: left << min(abs(right), _SHIFT)),
    ">>": (8, lambda left, right: left >> min(abs(right), _SHIFT)),
    "+": (9, operator.add),
    "-": (9, operator.sub),
}
_OR, _AND = 1, 2
_PRECEDENCE = {sign: precedence for sign, (precedence, _) in _OPERATORS.items()} | {"||": _OR, "&&": _AND}


def is_constant(tokens: Tokens) -> bool:
    """Tell whether an argument is made of constants: numbers, NULL, names written in capitals, and what joins them."""
    return bool(tokens) and all(
        type(token) is str
        and (
            token in _IN_CONSTANTS
            or token in _KNOWN
            or _NUMBER.fullmatch(token) is not None
            or _WRITTEN_LARGE.fullmatch(token) is not None
        )
        for token in tokens
    )


def truth(tokens: Sequence[Token], lookup: Lookup) -> bool | None:
    """Tell whether a condition holds; None if that depends.

    Raises `ArgumentTokensRequiredError` for a constant argument that has to be looked into.
    """
    plain = [token for token in tokens if not isinstance(token, ScopeMarker)]
    return _certain(_value(plain, _bounded(lookup), 0))


def unreached(tokens: tuple[str, ...], given: Mapping[str, Tokens], lookup: Lookup) -> Iterator[range]:
    """Yield the positions of statements in a macro's body that are not executed because of the `if` before them.

    `given` has the arguments by the names of the parameters. Where a condition mentions none of them, `if (0)` alone
    decides: a name is a switch to be set in the source.
    """
    index = decided = 0
    while index < len(tokens) and decided < _DECIDED:
        if tokens[index : index + 2] != ("if", "("):
            index += 1
            continue
        end = closing(tokens, index + 1)
        condition = tokens[index + 2 : end]
        known = lookup if any(token in given for token in condition) else _nothing
        holds = truth([value for token in condition for value in given.get(token, (token,))], known)
        index = end + 1
        if holds is None:
            continue
        decided += 1
        then = _statement_end(tokens, index)
        if not holds:
            yield range(index, then)
            index = then
        elif tokens[then : then + 1] == ("else",):
            yield range(then + 1, _statement_end(tokens, then + 1))


def _statement_end(tokens: tuple[str, ...], start: int) -> int:
    """The position behind the statement that starts at `start`."""
    index = start
    around: list[str] = []  # the `if` and `do` whose own statements are being read
    while index < len(tokens):
        token = tokens[index]
        if token == "if" and tokens[index + 1 : index + 2] == ("(",):
            around.append(token)
            index = closing(tokens, index + 1) + 1
        elif token in ("(", "["):
            index = closing(tokens, index) + 1
        elif token in ("{", ";", "}", ")"):
            index = closing(tokens, index) + 1 if token == "{" else index + (token == ";")
            while around and around[-1] == "if" and tokens[index : index + 1] != ("else",):
                around.pop()
            if not around:
                return index
            around.pop()  # what follows is the statement of its `else`, or `while (…);`
            index += tokens[index : index + 1] == ("else",)
        else:
            if token == "do":
                around.append(token)
            index += 1
    return len(tokens)


def _nothing(_name: str) -> Iterable[str]:
    return _UNKNOWN


def _bounded(lookup: Lookup) -> Lookup:
    """A lookup that comes to an end: constants can be defined by one another, each by many."""
    left = iter(range(_OPENED))
    return lambda name: lookup(name) if next(left, None) is not None else _UNKNOWN


def _certain(value: Value) -> bool | None:
    if not value or any(isinstance(each, str) for each in value):
        return None
    known = {bool(each) for each in value}
    return known.pop() if len(known) == 1 else None


def _value(tokens: Sequence[Token], lookup: Lookup, depth: int) -> Value:
    if not tokens or len(tokens) > _LONGEST or depth > _DEPTH:
        return None
    reader = _Reader(tokens, lookup, depth)
    value = reader.binary()
    return value if reader.at_end else None


class _Reader:
    """Recursive descent through an expression."""

    def __init__(self, tokens: Sequence[Token], lookup: Lookup, depth: int) -> None:
        self._tokens = tokens
        self._lookup = lookup
        self._depth = depth
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._tokens)

    def _next(self) -> Token | None:
        return None if self.at_end else self._tokens[self._at]

    def binary(self, least: int = _OR) -> Value:
        """Read operators that bind at least so tightly."""
        value = self._unary()
        while isinstance(sign := self._next(), str) and (precedence := _PRECEDENCE.get(sign, 0)) >= least:
            self._at += 1
            other = self.binary(precedence + 1)
            if precedence == _OR:
                value = _or(value, other)
            elif precedence == _AND:
                value = _negated(_or(_negated(value), _negated(other)))
            else:
                value = _combined(sign, _OPERATORS[sign][1], value, other)
        return value

    def _unary(self) -> Value:
        token = self._next()
        if token in ("!", "~", "-", "+"):
            self._at += 1
            value = self._unary()
            if token == "!":
                return _negated(value)
            return _combined("~", lambda number, _: ~number if token == "~" else -number, value, _FALSE)
        if token == "(":
            return self._inside()
        self._at += 1
        return self._primary(token)

    def _inside(self) -> Value:
        end = closing(self._tokens, self._at)
        value = _value(self._tokens[self._at + 1 : end], self._lookup, self._depth + 1)
        self._at = min(end + 1, len(self._tokens))
        return value

    def _primary(self, token: Token | None) -> Value:
        if isinstance(token, ArgumentPlaceholder):
            if token.is_constant:
                raise ArgumentTokensRequiredError(token.index)
            self._unknown()
            return None
        if not isinstance(token, str):
            self._unknown()
            return None
        if is_string(token):
            return _TRUE
        if number := _NUMBER.fullmatch(token):
            digits = number[1]
            return frozenset((int(digits, 16 if digits[:2] in ("0x", "0X") else 10),))
        if token in _HINTS and self._next() == "(":
            return self._inside()
        if not is_name(token) or self._next() in ("(", "[", ".", "->", "++", "--"):
            self._unknown()
            return None
        return self._constant(token)

    def _unknown(self) -> None:
        """Pass over what stands behind a value that is not known: members, indices, arguments."""
        while (token := self._next()) in ("(", "["):
            self._at = min(closing(self._tokens, self._at) + 1, len(self._tokens))
        if token in (".", "->"):
            self._at = min(self._at + 2, len(self._tokens))
            self._unknown()

    def _constant(self, name: str) -> Value:
        if name in _KNOWN:
            return frozenset((_KNOWN[name],))
        found: set[int | str] = set()
        for source in itertools.islice(self._lookup(name), _MOST + 1):
            value = _value(tokenize(source), self._lookup, self._depth + 1)
            if value is None:
                return None
            found |= value
        if not found:
            return frozenset((name,)) if _WRITTEN_LARGE.fullmatch(name) else None
        return frozenset(found) if len(found) <= _MOST else None


def _or(left: Value, right: Value) -> Value:
    if _certain(left) or _certain(right):
        return _TRUE
    return _FALSE if _certain(left) is False and _certain(right) is False else None


def _negated(value: Value) -> Value:
    known = _certain(value)
    return None if known is None else frozenset((int(not known),))


def _combined(sign: str, apply: _Binary, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if sign in ("==", "!=") and len(left) == len(right) == 1:
        # The same name has the same number. Two names of constants that are compared rarely mean one.
        one, other = next(iter(left)), next(iter(right))
        if one == other or (isinstance(one, str) and isinstance(other, str)):
            return _TRUE if (one == other) == (sign == "==") else _FALSE
    found: set[int] = set()
    for one, other in itertools.product(left, right):
        if isinstance(one, str) or isinstance(other, str):
            return None
        found.add(int(apply(one, other)))
    return frozenset(found) if len(found) <= _MOST else None
