"""The conditions of a log call in the macros between the call and its text."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from ksrcfind.conditions.expression import arguments
from ksrcfind.conditions.function_tokens import Code, Token, closings, code_around, tokens_of
from ksrcfind.conditions.held import LONGEST, held_at_call
from ksrcfind.conditions.record import Condition
from ksrcfind.regex import regex
from ksrcfind.source.scan import directives

_DEEPEST = 6  # macros that use each other
_NAME = regex(r"[A-Za-z_]\w*+")
_DEFINED = regex(rb"\s*+(\w++)")
_ESCAPE = regex(r"\\.", re.DOTALL)


class MacroBody(Struct, frozen=True):
    """The macro that holds the text of a message. The call uses it, or a macro that does."""

    data: bytes
    """Content of the macro's file."""
    line: int
    """1-based line of the log call in the macro."""
    name: str
    text: str = ""
    """The format of the message: of several calls in a macro between, the one with a part of it is meant."""


def in_macros(macro: MacroBody, code: Code, own: bytes) -> tuple[list[Condition], bool]:
    """Return the conditions of the log call in the macros that a call uses, and whether they are all.

    The conditions have the arguments of the call. Macros between the call and the one with the text are read if `own`,
    the file of the call, or the file with the text defines them.
    """
    line = code.line(code.target)
    between = _Between(macro, own)
    conditions: list[Condition] = []
    complete = True
    values: Mapping[str, str] = {}
    use = code
    for _ in range(_DEEPEST):
        name = use.tokens[use.target].text
        last = name == macro.name
        body = code_around(macro.data, macro.line, "") if last else between.body(name)
        if body is None:
            return conditions, complete and last  # a macro without braces has nothing but the call
        held, decided, _ = held_at_call(body)
        complete = complete and decided
        values = _values(body, use, values)
        for each in held:
            expression = _replaced(each.condition.expression, values)
            if len(expression) <= LONGEST:
                conditions.append(Condition("macro", expression, each.condition.negated, line))
            else:
                complete = False
        if last:
            return conditions, complete
        use = body
    return conditions, False


def _values(body: Code, use: Code, outer: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments of a macro's use by parameter; `outer` are those of the macro that contains the use."""
    if use.target + 1 >= len(use.tokens) or use.tokens[use.target + 1].text != "(":
        return {}
    given = [_replaced(use.source(*span), outer) for span in arguments(use.tokens, use.target + 1)]
    return dict(zip(body.parameters, given, strict=False))


def _replaced(expression: str, values: Mapping[str, str]) -> str:
    """Return an expression with values for names; one that becomes too long is cut, but stays longer than `LONGEST`.

    An argument that each of some macros repeats doubles with each of them.
    """
    parts: list[str] = []
    length = end = 0
    for name in _NAME.finditer(expression):
        parts += [expression[end : name.start()], values.get(name[0], name[0])]
        length += len(parts[-2]) + len(parts[-1])
        end = name.end()
        if length > LONGEST:
            break
    return "".join([*parts, expression[end:]])[: LONGEST + 1]


class _Between:
    """Finds the macros between a call and the macro with the text, in two files."""

    def __init__(self, macro: MacroBody, own: bytes) -> None:
        self._macro = macro
        self._files = (own, macro.data)
        self._leading: dict[str, bool] = {macro.name: True}

    def body(self, name: str) -> Code | None:
        """Return the body of a macro, with the call that leads to the text as its target; None without a single one."""
        if name not in self._definitions:
            return None
        data, tokens = self._definitions[name][0], self._tokens(name)
        calls = [at for at in _calls(tokens) if self._leads(tokens[at].text, _DEEPEST)]
        texts = [at for at, token in enumerate(tokens) if self._is_of_message(token.text)]
        ends = closings(tokens)
        with_text = [at for at in calls if bisect_left(texts, at) < bisect_left(texts, ends.get(at + 1, len(tokens)))]
        candidates = with_text or calls
        if len(candidates) != 1:
            return None
        called = tokens[candidates[0]]
        return code_around(data, data.count(b"\n", 0, called.start) + 1, called.text)

    @cached_property
    def _definitions(self) -> dict[str, tuple[bytes, int, int]]:
        """File, start and end of each macro; those of the call's file count first."""
        found: dict[str, tuple[bytes, int, int]] = {}
        for data in self._files:
            for start, end, directive in directives(data):
                name = _DEFINED.match(directive.rest) if directive.name == b"define" else None
                if name is not None:
                    found.setdefault(name[1].decode(), (data, start, end))
        return found

    def _tokens(self, name: str) -> list[Token]:
        """Return the tokens of a macro: `# define NAME …`; none if it is not defined here."""
        if name not in self._definitions:
            return []
        data, start, end = self._definitions[name]
        return tokens_of(data[start:end].decode("latin-1"), start)

    def _leads(self, name: str, depth: int) -> bool:
        """Return whether a macro uses the one with the text, perhaps by others down to a depth."""
        if name not in self._leading and depth > 0:
            self._leading[name] = False  # while it is looked at: macros may name each other
            tokens = self._tokens(name)
            self._leading[name] = any(self._leads(tokens[at].text, depth - 1) for at in _calls(tokens))
        return self._leading.get(name, False)

    def _is_of_message(self, token: str) -> bool:
        """Return whether a token is a literal that is part of the message."""
        if not token.startswith('"'):
            return False
        parts = _ESCAPE.split(token[1:-1])
        return all(part in self._macro.text for part in parts) and any(map(str.isalpha, "".join(parts)))


def _calls(tokens: Sequence[Token]) -> Iterator[int]:
    """Yield the names in a macro's body that are called."""
    for at in range(3, len(tokens) - 1):
        if tokens[at + 1].text == "(" and tokens[at].text.isidentifier():
            yield at
