"""What following a call down to printk finds: the ways in which it logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ksrcfind.source.facts import Macro
from ksrcfind.source.roots import Root
from ksrcfind.source.substitute import Mark, Tokens
from ksrcfind.source.tokens import CLOSING, OPENING, Token, unwrapped


@dataclass(frozen=True, slots=True)
class Rest:
    """The values of a variable argument list."""

    values: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True)
class Handed:
    """A format with its values that a wrapper hands on (`struct va_format`, or a buffer printed into)."""

    format: Tokens
    values: tuple[Tokens, ...]


def handed_in(value: Sequence[Token]) -> Handed | None:
    """The format that a value hands on; None if it is only part of what is called, as in `check(buffer)`."""
    for token in value:
        if type(token) is Handed:
            break
    else:
        return None  # most values
    depth = 0
    for token in unwrapped([token for token in value if not isinstance(token, Mark)]):
        if isinstance(token, Handed) and depth == 0:
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
            if isinstance(token, Handed):
                waiting.append(token.format)
            if isinstance(token, (Handed, Rest)):
                waiting += token.values
    return count > most


@dataclass(frozen=True, slots=True)
class Emission:
    """One way in which a call logs."""

    root: Root
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

    def handed(self) -> Iterator[Handed]:
        """Yield the formats that wrappers hand on."""
        return (handed for handed in map(handed_in, self.arguments) if handed is not None)
