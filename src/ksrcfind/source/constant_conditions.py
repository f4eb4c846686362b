"""Evaluation of an `if` in a macro or wrapper function whose condition depends on constants that the call passes.

`cifs_dbg(VFS, …)` never prints the text for `FYI`, and `p9_debug(P9_DEBUG_9P, …)` never the one of the `else`. A
condition that depends on anything else is unknown: both of its branches can print.
"""

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ksrcfind.regex import regex
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
"""The possible values of an expression: numbers and names of constants with unknown numbers; None if unknown."""

Lookup = Callable[[str], Iterable[str]]
"""Returns the C source of each definition of a constant by its name."""

_VALUES = 4  # possible values of one expression
_DEPTH = 8  # nested expressions and constants that are defined by other constants
_LONGEST = 64  # tokens of a condition
_OPENED = 64  # constants that are looked up for one condition
_DECIDED = 64  # conditions of one macro that may rule out code
_UNKNOWN = ("?",)  # C source of an unknown constant
_NUMBER = regex(r"(0[xX][0-9a-fA-F]{1,16}|\d{1,19})[uUlL]*")
_WRITTEN_LARGE = regex(r"[A-Z][A-Z0-9_]*")
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
    """Return whether an argument consists of constants: numbers, NULL, upper-case names, and operators between them."""
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
    """Return whether a condition holds; None if that is unknown.

    Raises `ArgumentTokensRequiredError` if the condition depends on a constant argument.
    """
    plain = [token for token in tokens if not isinstance(token, ScopeMarker)]
    return _certain(_value(plain, _bounded(lookup), 0))


def unreached(tokens: tuple[str, ...], arguments: Mapping[str, Tokens], lookup: Lookup) -> Iterator[range]:
    """Yield the index ranges of statements in a macro's body that an `if` makes unreachable.

    `arguments` has the arguments by parameter. In a condition without parameters only numbers count, as in `if (0)`: a
    name there is a switch that developers set in the source.
    """
    index = decided = 0
    while index < len(tokens) and decided < _DECIDED:
        if tokens[index : index + 2] != ("if", "("):
            index += 1
            continue
        end = closing(tokens, index + 1)
        condition = tokens[index + 2 : end]
        known = lookup if any(token in arguments for token in condition) else _nothing
        holds = truth([value for token in condition for value in arguments.get(token, (token,))], known)
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
    """Return the index behind the statement that starts at `start`."""
    index = start
    around: list[str] = []  # the open `if` and `do` statements around `index`
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
            around.pop()  # the next statement is that of its `else`, or `while (…);`
            index += tokens[index : index + 1] == ("else",)
        else:
            if token == "do":
                around.append(token)
            index += 1
    return len(tokens)


def _nothing(_name: str) -> Iterable[str]:
    return _UNKNOWN


def _bounded(lookup: Lookup) -> Lookup:
    """Return a lookup with a budget: constants may be defined by each other, each by many."""
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
    evaluator = _Evaluator(tokens, lookup, depth)
    value = evaluator.binary()
    return value if evaluator.at_end else None


class _Evaluator:
    """A recursive-descent parser that evaluates an expression."""

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
        """Evaluate operators of at least a precedence."""
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
            return self._parenthesized()
        self._at += 1
        return self._primary(token)

    def _parenthesized(self) -> Value:
        end = closing(self._tokens, self._at)
        value = _value(self._tokens[self._at + 1 : end], self._lookup, self._depth + 1)
        self._at = min(end + 1, len(self._tokens))
        return value

    def _primary(self, token: Token | None) -> Value:
        if isinstance(token, ArgumentPlaceholder):
            if token.is_constant:
                raise ArgumentTokensRequiredError(token.index)
            self._skip_unknown()
            return None
        if not isinstance(token, str):
            self._skip_unknown()
            return None
        if is_string(token):
            return _TRUE
        if number := _NUMBER.fullmatch(token):
            digits = number[1]
            return frozenset((int(digits, 16 if digits[:2] in ("0x", "0X") else 10),))
        if token in _HINTS and self._next() == "(":
            return self._parenthesized()
        if not is_name(token) or self._next() in ("(", "[", ".", "->", "++", "--"):
            self._skip_unknown()
            return None
        return self._constant(token)

    def _skip_unknown(self) -> None:
        """Skip the members, indices and arguments behind an unknown value."""
        while (token := self._next()) in ("(", "["):
            self._at = min(closing(self._tokens, self._at) + 1, len(self._tokens))
        if token in (".", "->"):
            self._at = min(self._at + 2, len(self._tokens))
            self._skip_unknown()

    def _constant(self, name: str) -> Value:
        if name in _KNOWN:
            return frozenset((_KNOWN[name],))
        found: set[int | str] = set()
        for source in itertools.islice(self._lookup(name), _VALUES + 1):
            value = _value(tokenize(source), self._lookup, self._depth + 1)
            if value is None:
                return None
            found |= value
        if not found:
            return frozenset((name,)) if _WRITTEN_LARGE.fullmatch(name) else None
        return frozenset(found) if len(found) <= _VALUES else None


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
        # The same name has the same number. Two constants that code compares rarely have the same number.
        one, other = next(iter(left)), next(iter(right))
        if one == other or (isinstance(one, str) and isinstance(other, str)):
            return _TRUE if (one == other) == (sign == "==") else _FALSE
    found: set[int] = set()
    for one, other in itertools.product(left, right):
        if isinstance(one, str) or isinstance(other, str):
            return None
        found.add(int(apply(one, other)))
    return frozenset(found) if len(found) <= _VALUES else None
