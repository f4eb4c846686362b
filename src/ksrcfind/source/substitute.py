"""Macro substitution: the body of a macro with arguments for parameters, `#` and `##` applied.

Arguments may be opaque (`ArgumentPlaceholder`). The result of `#` and `##` on an opaque argument is opaque too
(`PastedToken`): most macros paste or stringify for other purposes, and whether they log does not depend on the text.
Code that needs the text raises `ArgumentTokensRequiredError` to get the argument's tokens.
"""

from collections.abc import Sequence
from functools import lru_cache

from ksrcfind.source.facts import Macro
from ksrcfind.source.tokens import (
    ArgumentPlaceholder,
    PastedToken,
    ScopeMarker,
    Token,
    Tokens,
    closing,
    text_of,
    tokenize,
)


class ArgumentTokensRequiredError(Exception):
    """The result of an expansion depends on an argument's tokens: the code pastes, stringifies or calls the argument.

    An exception and not a result type, because any level of the recursion (condition, macro, wrapper function) can find
    this, and no level between can continue: the whole expansion starts again with these tokens. `SignatureCache`
    catches it, and its callers get an `Undecided` outcome.
    """

    def __init__(self, index: int | None) -> None:
        """Request the tokens of an argument; None if the tokens of no argument would help."""
        super().__init__(index)
        self.index = index


@lru_cache(maxsize=1 << 16)
def body_tokens(body: str) -> tuple[str, ...]:
    """Return the tokens of a macro's body."""
    return tuple(tokenize(body))


def substitute(macro: Macro, arguments: Sequence[Tokens]) -> list[Token]:
    """Return the body of a function-like macro with its arguments. Raises `ArgumentTokensRequiredError`."""
    tokens = substitute_opaque(macro, arguments)
    for token in tokens:
        if type(token) is PastedToken:
            raise ArgumentTokensRequiredError(token.index)
    return tokens


def substitute_opaque(macro: Macro, arguments: Sequence[Tokens], body: Sequence[str] | None = None) -> list[Token]:
    """Return the body of a function-like macro with its arguments; `#` and `##` of opaque ones give a `PastedToken`.

    `body` is the reachable part of the macro's body; None for all of it.
    """
    bound, variadic = bind(macro, arguments)
    body = body_tokens(macro.body) if body is None else body
    result: list[Token] = []
    if "#" not in macro.body and "__VA_OPT__" not in macro.body:
        for token in body:
            value = bound.get(token)
            if value is None:
                result.append(token)
            else:
                result.extend(value)
        return result
    index = 0
    while index < len(body):
        token = body[index]
        following = body[index + 1] if index + 1 < len(body) else ""
        if token == "#" and following in bound:
            result.append(_stringify(bound[following]))
            index += 2
        elif token == "##" and result and index + 1 < len(body):
            index += 2
            right = bound.get(following, (following,))
            if result[-1] != ",":
                _paste(result, right)
            elif following == variadic and not right:
                result.pop()  # `, ##__VA_ARGS__` without values drops the comma.
            else:
                result.extend(right)
        elif token == "__VA_OPT__" and following == "(":
            end = closing(body, index + 1)
            inner = " ".join(body[index + 2 : end])
            if bound.get(variadic) and token not in inner:  # C forbids nesting
                optional = Macro(macro.name, macro.parameters, inner, macro.line, macro.fallback)
                result.extend(substitute_opaque(optional, arguments))
            index = end + 1
        else:
            result.extend(bound.get(token, (token,)))
            index += 1
    return result


def bind(macro: Macro, arguments: Sequence[Tokens]) -> tuple[dict[str, Tokens], str]:
    """Return the argument of each parameter, and the name of the variadic parameter, if any."""
    bound: dict[str, Tokens] = {}
    for position, parameter in enumerate(macro.parameters or ()):
        if parameter.endswith("..."):
            variadic = parameter[:-3] or "__VA_ARGS__"
            rest: list[Token] = []
            for number, argument in enumerate(arguments[position:]):
                rest.extend((",", *argument) if number else argument)
            bound[variadic] = tuple(rest)
            return bound, variadic
        bound[parameter] = tuple(arguments[position]) if position < len(arguments) else ()
    return bound, ""


def _stringify(tokens: Tokens) -> Token:
    tokens = tuple(token for token in tokens if not isinstance(token, ScopeMarker))
    for token in tokens:
        if not isinstance(token, str):
            return PastedToken(_argument_of(token), is_string=True)
    text = text_of(tokens).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text + '"'


def _paste(result: list[Token], right: Sequence[Token]) -> None:
    right = [token for token in right if not isinstance(token, ScopeMarker)]
    if not right:
        return
    left, first = result[-1], right[0]
    if isinstance(left, str) and isinstance(first, str):
        result[-1] = left + first
    else:
        unknown = first if isinstance(left, str) else left
        beginning = left if isinstance(left, str) else left.beginning if isinstance(left, PastedToken) else ""
        ending = first if isinstance(first, str) else first.ending if isinstance(first, PastedToken) else ""
        result[-1] = PastedToken(_argument_of(unknown), beginning, ending)
    result.extend(right[1:])


def _argument_of(token: Token) -> int:
    """Return the argument that an opaque token depends on. Raises `ArgumentTokensRequiredError` if there is none."""
    if isinstance(token, (ArgumentPlaceholder, PastedToken)):
        return token.index
    raise ArgumentTokensRequiredError(None)
