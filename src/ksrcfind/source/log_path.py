"""What following a call down to printk finds: the ways in which it logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ksrcfind.source.facts import Macro
from ksrcfind.source.sinks import LogSink
from ksrcfind.source.tokens import CLOSING, OPENING, ForwardedFormat, ScopeMarker, Token, Tokens, VarArgs, unwrapped


def forwarded_format(value: Sequence[Token]) -> ForwardedFormat | None:
    """The format that a value hands on; None if it is only part of what is called, as in `check(buffer)`."""
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


def is_longer(tokens: Tokens, most: int) -> bool:
    """Tell whether tokens are more than so many, with those of the formats and values handed on in them."""
    waiting = [tokens]
    count = 0
    while waiting and count <= most:
        some = waiting.pop()
        count += len(some)
        for token in some:
            if isinstance(token, ForwardedFormat):
                waiting.append(token.format)
            if isinstance(token, (ForwardedFormat, VarArgs)):
                waiting += token.values
    return count > most


@dataclass(frozen=True, slots=True)
class LogPath:
    """One way in which a call logs."""

    root: LogSink
    format: Tokens
    arguments: tuple[Tokens, ...]
    """Values of the format's conversions."""
    level: Tokens
    """Tokens that name the level; empty if the root or the format says it."""
    prefix_arguments: tuple[Tokens, ...]
    macro: Macro | None = None
    """The innermost macro whose body holds the logging call."""
    macro_file: int = -1
    """The file that defines it."""
    behind: Tokens = ()
    """Format of what the same function prints next, into the same line if the text has not ended it."""
    behind_arguments: tuple[Tokens, ...] = ()

    def forwarded_formats(self) -> Iterator[ForwardedFormat]:
        """Yield the formats that wrappers hand on."""
        return (
            forwarded_formats
            for forwarded_formats in map(forwarded_format, self.arguments)
            if forwarded_formats is not None
        )
