"""Assignments to the variables that conditions test."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from ksrcfind.conditions.expression import arguments
from ksrcfind.conditions.flow import Flow, repeats
from ksrcfind.conditions.function_tokens import NAME, Code
from ksrcfind.conditions.graph import Block, Dominators, Span, reachable, sources
from ksrcfind.regex import regex

_CONSTANT = regex(r"[A-Z][A-Z0-9_]*|NULL|true|false")
_KEYWORDS = frozenset(
    [
        "sizeof",
        "struct",
        "union",
        "enum",
        "int",
        "long",
        "unsigned",
        "char",
        "short",
        "void",
        "const",
        "u8",
        "u16",
        "u32",
        "u64",
        "typeof",
    ]
)
_COMPOUND = {"+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>="}
_STEPS = ("++", "--")
_MARKS = {"=", "&", *_STEPS, *_COMPOUND}
_MEMBER = ("->", ".")
_OPENS = frozenset("([{")
_CLOSES = frozenset(")]}")


class Found(Struct, frozen=True):
    """An assignment in the code."""

    name: str
    at: int
    """Index of the token that names the variable."""
    value: Span
    """What is assigned: an expression, or a call that stores into the variable. Empty for `++` and `--`."""
    operator: str = ""
    """Of `+=` and `++`, the operator: `+`."""
    by_reference: bool = False
    """True if a call stores into the variable, perhaps: `read(&value)`."""

    def expression(self, code: Code) -> str:
        """Return the value that the variable gets as C source."""
        value = code.source(*self.value)
        return f"{self.name} {self.operator} {value or 1}" if self.operator else value


def names_in(code: Code, span: Span) -> list[str]:
    """Return the variables and members that an expression reads: `err`, `dev->flags`."""
    return list(dict.fromkeys(name for _, name, _ in _chains(code, span) if not _CONSTANT.fullmatch(name)))


def base(name: str) -> str:
    """Return the variable of a member: `dev` for `dev->flags`."""
    return re.split(r"->|\.", name)[0]


class Assignments:
    """The assignments of a function, to find those that reach a condition."""

    def __init__(self, code: Code, flow: Flow, dominators: Dominators) -> None:
        self._code = code
        self._flow = flow
        self._dominators = dominators
        self._between: dict[tuple[Block, Block], set[Block]] = {}

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[Block, Found]]]:
        found: dict[str, list[tuple[Block, Found]]] = {}
        for block in self._flow.blocks:
            if self._dominators.reaches(block):
                for span in block.spans():
                    for each in _assignments(self._code, span):
                        found.setdefault(each.name, []).append((block, each))
        return found

    def last(self, name: str, span: Span) -> Found | None:
        """Return the assignment whose value a variable has in the expression at a span; None if several can be it."""
        here = self._flow.block_of(span[0])
        every = self._by_name.get(name, [])
        if here is None or not every or not self._dominators.reaches(here):
            return None
        before = [
            (block, each)
            for block, each in every
            if (block is here and each.at < (span[0] if each.by_reference else span[1]))
            or (block is not here and self._dominators.dominates(block, here))
        ]
        chain = {block: rank for rank, block in enumerate(self._dominators.chain(self._flow.entry, here))}
        if not before:
            return None
        block, last = max(before, key=lambda each: (chain[each[0]], each[1].at))
        others = {other for other, _ in every if other is not block}
        if self._code.is_uncertain(last.at) or self._passes(block, others, here):
            return None
        return last

    def is_unchanged(self, name: str, span: Span, target: int) -> bool:
        """Return whether a variable keeps its value from the expression at a span until a later token."""
        here, there = self._flow.block_of(span[0]), self._flow.block_of(target)
        if here is None or there is None:
            return False
        for one in {name, base(name)}:
            for block, each in self._by_name.get(one, []):
                if block is here is there and span[1] <= each.at < target:
                    return False
                if block is there is not here and each.at < target:
                    return False
                if block not in (here, there) and self._passes(here, {block}, there):
                    return False
        return True

    def _passes(self, start: Block, others: set[Block], end: Block) -> bool:
        """Return whether control can go from one block to another through some of the others, `start` only once."""
        if start is end or not others:
            return False
        if (start, end) not in self._between:
            self._between[start, end] = (reachable(start) & sources(end, start)) - {start}
        return not self._between[start, end].isdisjoint(others)


def _chains(code: Code, span: Span) -> Iterator[tuple[int, str, int]]:
    """Yield first token, text and end of each variable or member access that is not called."""
    at = span[0]
    while at < span[1]:
        text = code.tokens[at].text
        if not text.isidentifier() or (at > span[0] and code.tokens[at - 1].text in _MEMBER):
            at += 1
            continue
        end = at + 1
        while end + 1 < span[1] and code.tokens[end].text in _MEMBER and code.tokens[end + 1].text.isidentifier():
            end += 2
        called = end < len(code.tokens) and code.tokens[end].text == "("
        if not called and text not in _KEYWORDS:
            yield at, "".join(token.text for token in code.tokens[at:end]), end
        at = end


def _assignments(code: Code, span: Span) -> Iterator[Found]:
    tokens = code.tokens
    is_loop = span[0] + 1 < span[1] and repeats(tokens[span[0]].text) and tokens[span[0] + 1].text == "("
    if not is_loop and _MARKS.isdisjoint(token.text for token in tokens[max(span[0] - 1, 0) : span[1] + 1]):
        return
    first = arguments(tokens, span[0] + 1)[:2] if is_loop else []
    for at, name, end in _chains(code, span):
        following = tokens[end].text if end < len(tokens) else ""
        previous = tokens[at - 1].text if at else ""
        if following == "=":
            yield Found(name, at, (end + 1, _end(code, end + 1, span[1])))
        elif following in _COMPOUND:
            yield Found(name, at, (end + 1, _end(code, end + 1, span[1])), following[:-1])
        elif following in _STEPS or previous in _STEPS:
            yield Found(name, at, (at, at), (following if following in _STEPS else previous)[0])
        elif previous == "&" and at >= 2 and tokens[at - 2].text in ("(", ",") and following in (")", ","):
            opening = _opening(code, at - 2, span[0])
            if opening is not None and NAME.fullmatch(tokens[opening - 1].text):
                yield Found(name, at, (opening - 1, code.closing(opening) + 1), by_reference=True)
        elif any(low == at and end == high for low, high in first):
            yield Found(name, at, span)


def _opening(code: Code, at: int, low: int) -> int | None:
    """Return the parenthesis around the arguments that a token belongs to."""
    depth = 0
    while at > low:
        text = code.tokens[at].text
        if text in _CLOSES:
            depth += 1
        elif text in _OPENS:
            if depth == 0:
                return at if text == "(" else None
            depth -= 1
        at -= 1
    return None


def _end(code: Code, at: int, high: int) -> int:
    """Return where the value of an assignment ends."""
    while at < high:
        text = code.tokens[at].text
        if text in (";", ",") or text in _CLOSES:
            return at
        at = code.closing(at) + 1 if text in _OPENS else at + 1
    return high


def of_conditions(assignments: Assignments, code: Code, spans: Sequence[Span]) -> list[Found]:
    """Return the last assignments to the variables of some expressions, in source order."""
    found: dict[int, Found] = {}
    for span in spans:
        for name in names_in(code, span):
            for one in dict.fromkeys((name, base(name))):
                last = assignments.last(one, span)
                if last is not None:
                    found[last.at] = last
    return [found[at] for at in sorted(found)]
