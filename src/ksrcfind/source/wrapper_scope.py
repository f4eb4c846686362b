"""The text of a wrapper function, resolved in the file that defines the function.

`pr_info("%pV", &vaf)` in drivers/net/wireless/realtek/rtlwifi/debug.c prints that file's `pr_fmt` and module, from any
caller, and `__func__` is the wrapper function. Two `ScopeMarker`s enclose the tokens of each argument: these tokens are
resolved in the caller's file.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

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
    """Resolves the tokens that a wrapper function adds itself: its macros, its name and its module."""

    def __init__(self, scope: FileScope, function: str) -> None:
        """Take the name of a function and the scope of the file that defines it."""
        self._scope = scope
        self._function = function
        self.begin = ScopeMarker()
        self.end = ScopeMarker()
        self._left = _LONGEST
        self.dependencies: set[str] = set()
        """Macros that were looked up, and the files whose module was looked up (`module_of`)."""

    def marked(self, tokens: Sequence[Token]) -> Tokens:
        """Return an argument of the wrapper function between scope markers."""
        return (self.begin, *tokens, self.end)

    def prints_argument(self, log_path: LogPath) -> bool:
        """Return whether a log path prints a format that the wrapper function takes as an argument."""
        if self.begin in log_path.format:
            return True
        return any(
            self.begin in value or self.begin in forwarded.format
            for value in log_path.arguments
            if (forwarded := forwarded_format(value)) is not None
        )

    def resolved(self, log_path: LogPath) -> LogPath:
        """Return a log path without scope markers, with the names of the wrapper function's own text replaced."""
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
        """Return a text with the names outside of scope markers replaced."""
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
        """Return the index behind a name or macro call, and its text; the name itself if it has no text."""
        if name in _FUNCTION:
            return index + 1, (f'"{self._function}"',)
        if name == "KBUILD_MODNAME":
            self.dependencies.add(module_of(self._scope.path))
        if name == "KBUILD_MODNAME" and self._scope.module is not None:
            return index + 1, (f'"{self._scope.module}"',)
        macro = self._only_definition(name) if depth < _DEPTH and self._left >= 0 else None
        if macro is None:
            return index + 1, (name,)
        body = body_tokens(macro.body)
        if macro.parameters is None:
            text = self._expanded(body, depth)
            return index + 1, text if any(map(is_string, text)) else (name,)
        end = closing(tokens, index + 1) + 1
        arguments = [tuple(part) for part in split(tokens[index + 2 : end - 1])]
        if tokens[index + 1 : index + 2] != ("(",):
            return index + 1, (name,)
        if len(body) * (1 + sum(map(len, arguments))) > self._left:  # Each token may be a parameter.
            self._left = -1
            return index + 1, (name,)
        try:
            return end, self._expanded(substitute(macro, arguments), depth)
        except ArgumentTokensRequiredError:
            return index + 1, (name,)

    def _expanded(self, body: Sequence[Token], depth: int) -> Tokens:
        """Return the text of a macro's body; nothing at the limit, which macros that double each other reach."""
        self._left -= 1 + len(body)
        return self._text(body, depth + 1) if self._left >= 0 else ()

    def _only_definition(self, name: str) -> Macro | None:
        """Return the definition of a macro; None if there is none or more than one."""
        self.dependencies.add(name)
        found = [found.item for found in self._scope.macros(name)]
        only = found[0] if len(found) == 1 else None
        return only if isinstance(only, Macro) and only.body and only.body != name else None


def module_of(path: str) -> str:
    """Return the dependency name for the module that a file is built into."""
    return f"KBUILD_MODNAME of {path.rpartition('.')[0]}"


def _after(tokens: Sequence[Token], mark: ScopeMarker, index: int) -> int:
    """Return the index behind a scope marker."""
    while index < len(tokens) and tokens[index] is not mark:
        index += 1
    return index + 1
