"""The result of expanding a call: one `LogPath` for each way in which the call reaches a log sink."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ksrcfind.source.facts import Macro
from ksrcfind.source.sinks import LogSink
from ksrcfind.source.tokens import CLOSING, OPENING, ForwardedFormat, ScopeMarker, Token, Tokens, VarArgs, unwrapped


def forwarded_format(value: Sequence[Token]) -> ForwardedFormat | None:
    """Return the format that a value forwards; None if it is only an argument of a call, as in `check(buffer)`."""
    for token in value:
        if type(token) is ForwardedFormat:
            break
    else:
        return None  # most values
    depth = 0
    for token in unwrapped([token for token in value if not isinstance(token, ScopeMarker)]):
        if isinstance(token, ForwardedFormat) and depth == 0:
            return token
        depth += (token in OPENING) - (token in CLOSING) if isinstance(token, str) else 0
    return None


def exceeds(tokens: Tokens, limit: int) -> bool:
    """Return whether there are more than `limit` tokens, counting those inside forwarded formats and values."""
    waiting = [tokens]
    count = 0
    while waiting and count <= limit:
        part = waiting.pop()
        count += len(part)
        for token in part:
            if isinstance(token, ForwardedFormat):
                waiting.append(token.format)
            if isinstance(token, (ForwardedFormat, VarArgs)):
                waiting += token.values
    return count > limit


class LogPath(Struct, frozen=True):
    """One way in which a call logs."""

    root: LogSink
    format: Tokens
    arguments: tuple[Tokens, ...]
    """Values of the format's conversions."""
    level: Tokens
    """Tokens that name the level; empty if the root or the format fixes it."""
    prefix_arguments: tuple[Tokens, ...]
    macro: Macro | None = None
    """The innermost macro whose body contains the text."""
    macro_file: int = -1
    """The file that defines it."""
    behind: Tokens = ()
    """Format of the text that the same function prints next, on the same line unless `format` ends the line."""
    behind_arguments: tuple[Tokens, ...] = ()

    def forwarded_formats(self) -> Iterator[ForwardedFormat]:
        """Yield the formats that wrapper functions forward."""
        return (forwarded for value in self.arguments if (forwarded := forwarded_format(value)) is not None)
