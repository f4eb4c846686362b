"""The text of a wrapper function, as the file means it in which the function stands.

`pr_info("%pV", &vaf)` in drivers/net/wireless/realtek/rtlwifi/debug.c prints that file's `pr_fmt` and module, whoever
calls the function around it, and `__func__` is that function. What came in through a parameter stands between two
`ScopeMarker`s: it keeps the meaning that it has where the call stands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ksrcfind.source.facts import Macro
from ksrcfind.source.log_path import LogPath, forwarded_format
from ksrcfind.source.program import FileScope
from ksrcfind.source.substitute import ArgumentTokensRequiredError, body_tokens, substitute
from ksrcfind.source.tokens import (
    ForwardedFormat,
    ScopeMarker,
    Token,
    Tokens,
    VarArgs,
    closing,
    is_name,
    is_string,
    split,
)

_DEPTH = 8  # macros within macros
_LONGEST = 1 << 14  # tokens of the macros that are opened for one call of a wrapper function
_FUNCTION = frozenset({"__func__", "__FUNCTION__"})


class WrapperScope:
    """Settles what a wrapper function says itself."""

    def __init__(self, scope: FileScope, function: str) -> None:
        """For a function of the file whose scope this is."""
        self._scope = scope
        self._function = function
        self.begin = ScopeMarker()
        self.end = ScopeMarker()
        self._left = _LONGEST
        self.dependencies: set[str] = set()
        """Macros that were looked up, and whose module (`module_of`)."""

    def given(self, tokens: Sequence[Token]) -> Tokens:
        """Mark what comes in through a parameter."""
        return (self.begin, *tokens, self.end)

    def hands_on(self, log_path: LogPath) -> bool:
        """True if the emission prints a format that came in through a parameter."""
        if self.begin in log_path.format:
            return True
        return any(
            self.begin in value or self.begin in forwarded_formats.format
            for value in log_path.arguments
            if (forwarded_formats := forwarded_format(value)) is not None
        )

    def settled(self, log_path: LogPath) -> LogPath:
        """The emission without marks, its own names replaced by what they stand for."""
        # `#define pr_fmt(fmt) "%s: " fmt, __func__` brings values of its own.
        text, *added = [tuple(part) for part in split(self._text(log_path.format))] or [()]
        return replace(
            log_path,
            format=text,
            arguments=(*added, *map(self._value, log_path.arguments)),
            level=tuple(self._unmarked(log_path.level)),
            prefix_arguments=tuple(tuple(self._unmarked(value)) for value in log_path.prefix_arguments),
            behind=self._text(log_path.behind),
            behind_arguments=tuple(map(self._value, log_path.behind_arguments)),
        )

    def _value(self, tokens: Tokens) -> Tokens:
        return self._text(tokens) if len(tokens) == 1 else tuple(self._unmarked(tokens))

    def _unmarked(self, tokens: Sequence[Token]) -> Iterator[Token]:
        for token in tokens:
            if token is self.begin or token is self.end:
                continue
            if isinstance(token, ForwardedFormat):
                yield ForwardedFormat(self._text(token.format), tuple(map(self._value, token.values)))
            elif isinstance(token, VarArgs):
                yield VarArgs(tuple(map(self._value, token.values)))
            else:
                yield token

    def _text(self, tokens: Sequence[Token], depth: int = 0) -> Tokens:
        """Tokens of a text with the names in it that are the function's own replaced."""
        result: list[Token] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            end = index + 1
            if token is self.begin:
                end = _after(tokens, self.end, index)
                result += self._unmarked(tokens[index:end])
            elif isinstance(token, str) and is_name(token):
                end, meaning = self._meaning(token, tokens, index, depth)
                result += meaning
            else:
                result += self._unmarked((token,))
            index = end
        return tuple(result)

    def _meaning(self, name: str, tokens: Sequence[Token], index: int, depth: int) -> tuple[int, Sequence[Token]]:
        """What a name stands for, and where the tokens go on; the name itself if it stands for no text."""
        if name in _FUNCTION:
            return index + 1, (f'"{self._function}"',)
        if name == "KBUILD_MODNAME":
            self.dependencies.add(module_of(self._scope.path))
        if name == "KBUILD_MODNAME" and self._scope.module is not None:
            return index + 1, (f'"{self._scope.module}"',)
        macro = self._only(name) if depth < _DEPTH and self._left >= 0 else None
        if macro is None:
            return index + 1, (name,)
        body = body_tokens(macro.body)
        if macro.parameters is None:
            text = self._opened(body, depth)
            return index + 1, text if any(map(is_string, text)) else (name,)
        end = closing(tokens, index + 1) + 1
        arguments = [tuple(part) for part in split(tokens[index + 2 : end - 1])]
        if tokens[index + 1 : index + 2] != ("(",):
            return index + 1, (name,)
        if len(body) * (1 + sum(map(len, arguments))) > self._left:  # Any token can stand for all arguments.
            self._left = -1
            return index + 1, (name,)
        try:
            return end, self._opened(substitute(macro, arguments), depth)
        except ArgumentTokensRequiredError:
            return index + 1, (name,)

    def _opened(self, body: Sequence[Token], depth: int) -> Tokens:
        """The text that the body of a macro stands for; none at the limit: what doubles itself has no end."""
        self._left -= 1 + len(body)
        return self._text(body, depth + 1) if self._left >= 0 else ()

    def _only(self, name: str) -> Macro | None:
        """The definition of a macro, if there is just one."""
        self.dependencies.add(name)
        found = [found.item for found in self._scope.macros(name)]
        only = found[0] if len(found) == 1 else None
        return only if isinstance(only, Macro) and only.body and only.body != name else None


def module_of(path: str) -> str:
    """Stands among the names that were consulted for the module that a file is built into."""
    return f"KBUILD_MODNAME of {path.rpartition('.')[0]}"


def _after(tokens: Sequence[Token], mark: ScopeMarker, index: int) -> int:
    """The position behind a mark."""
    while index < len(tokens) and tokens[index] is not mark:
        index += 1
    return index + 1
