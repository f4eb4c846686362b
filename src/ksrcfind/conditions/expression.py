"""Conditions inside an expression: the operands that decide whether a call in it is evaluated.

`a && printk()` calls if `a`, `a || printk()` if `!a`, `a ? printk() : 0` if `a`.
"""

import re
from collections.abc import Iterator, Sequence

from ksrcfind.conditions.function_tokens import Token, closing
from ksrcfind.conditions.graph import Span
from ksrcfind.regex import regex

Decision = tuple[Span, bool]
"""An operand, and the value that it had."""

_ASSIGNS = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>="))
_OPENS = frozenset("([{")
_DEEPEST = 200  # operands and brackets around a call; each is one pass over what is inside
_NEGATABLE = regex(r"!(?=[\w(])")
_PARENTHESES_AND_QUOTES = regex(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[()\[\]]', re.DOTALL)


def decisions(tokens: Sequence[Token], span: Span, target: int) -> tuple[list[Decision], Span | None, bool]:
    """Return the operands that decide whether a token is evaluated, the outermost first.

    Also returns the block of the innermost statement expression `({ … })` around the token, None if there is none:
    its statements are not looked at. Then whether the operands are all.
    """
    found: list[Decision] = []
    low, high = span
    for _ in range(_DEEPEST):
        if tokens[low].text in ("return", "case"):
            low += 1
        narrowed = _narrowed(tokens, low, high, target, found)
        if narrowed is None:
            bracket = next((one for one in _groups(tokens, low, high) if one[0] < target < one[1]), None)
            if bracket is None:
                return found, None, True
            if tokens[bracket[0]].text == "{":
                return found, (bracket[0] + 1, bracket[1]), True
            narrowed = bracket[0] + 1, bracket[1]
        low, high = narrowed
    return found, None, False


def _narrowed(tokens: Sequence[Token], low: int, high: int, target: int, found: list[Decision]) -> Span | None:
    """Return the operand with the token, of the operator that binds least; None without one. Adds to `found`."""
    top = _top_level(tokens, low, high)
    for separators in ((";",), (",",)):
        marks = [at for at in top if tokens[at].text in separators]
        if marks:
            after = max((at + 1 for at in marks if at < target), default=low)
            return after, min((at for at in marks if at > target), default=high)
    assigned = [at for at in top if tokens[at].text in _ASSIGNS and at < target]
    if assigned:
        return assigned[-1] + 1, high
    question = next((at for at in top if tokens[at].text == "?"), None)
    if question is not None:
        colon = _colon(tokens, top, question, high)
        if target < question:
            return low, question
        found.append(((low, question), target < colon))
        return (question + 1, colon) if target < colon else (colon + 1, high)
    for operator, value in (("||", False), ("&&", True)):
        marks = [at for at in top if tokens[at].text == operator]
        if marks:
            starts = [low, *(at + 1 for at in marks)]
            ends = [*marks, high]
            for start, end in zip(starts, ends, strict=True):
                if start <= target < end:
                    return start, end
                found.append(((start, end), value))
    return None


def _top_level(tokens: Sequence[Token], low: int, high: int) -> list[int]:
    """Return the tokens of a span outside of its brackets."""
    return [at for at, close in _pieces(tokens, low, high) if close is None]


def _groups(tokens: Sequence[Token], low: int, high: int) -> list[Span]:
    """Return the outermost brackets of a span: where each opens and closes."""
    return [(at, close) for at, close in _pieces(tokens, low, high) if close is not None]


def _pieces(tokens: Sequence[Token], low: int, high: int) -> Iterator[tuple[int, int | None]]:
    """Yield the tokens of a span outside of its brackets, and the brackets, each with the index that closes it."""
    at = low
    while at < high:
        close = closing(tokens, at) if tokens[at].text in _OPENS else None
        yield at, close
        at = (at if close is None else close) + 1


def _colon(tokens: Sequence[Token], top: Sequence[int], question: int, high: int) -> int:
    depth = 0
    for at in top:
        if at <= question:
            continue
        if tokens[at].text == "?":
            depth += 1
        elif tokens[at].text == ":":
            if depth == 0:
                return at
            depth -= 1
    return high


def arguments(tokens: Sequence[Token], opening: int) -> list[Span]:
    """Return the arguments of the call whose parenthesis opens at an index."""
    close = closing(tokens, opening)
    commas = [at for at in _top_level(tokens, opening + 1, close) if tokens[at].text == ","]
    starts = [opening + 1, *(at + 1 for at in commas)]
    return [(start, end) for start, end in zip(starts, [*commas, close], strict=True) if start < end]


def negation(expression: str) -> str:
    """Return the source of an expression's opposite: `!p` for `p`, `err` for `!err`, `!(a && b)` for `a && b`."""
    if _NEGATABLE.match(expression) and _is_one_operand(expression[1:]):
        inner = expression[1:]
        return inner[1:-1] if inner.startswith("(") else inner
    return f"!{expression}" if _is_one_operand(expression) else f"!({expression})"


def joined(parts: Sequence[str], operator: str) -> str:
    """Return expressions joined by `&&` or `||`, in parentheses where C needs them."""
    other = "||" if operator == "&&" else "&&"
    if len(parts) == 1:
        return parts[0]
    return f" {operator} ".join(f"({part})" if f" {other} " in part or " ? " in part else part for part in parts)


def _is_one_operand(expression: str) -> bool:
    """Return whether an expression is a name, a member, a call, or one pair of parentheses."""
    depth = 0
    outside: list[str] = []
    last = 0
    for match in _PARENTHESES_AND_QUOTES.finditer(expression):
        if depth == 0:
            outside.append(expression[last : match.start()])
        if match[0] in "([":
            depth += 1
        elif match[0] in ")]":
            depth -= 1
        last = match.end()
    if depth == 0:
        outside.append(expression[last:])
    text = "".join(outside)
    return re.fullmatch(r"\w*+(?:(?:->|\.)\w*+)*+", text.replace(" ", "\0")) is not None
