"""What following a call down to printk finds: the ways in which it logs."""

from collections.abc import Iterator
from dataclasses import dataclass

from ksrcfind.source.facts import Macro
from ksrcfind.source.roots import Root
from ksrcfind.source.substitute import Tokens


@dataclass(frozen=True, slots=True)
class Rest:
    """The values of a variable argument list."""

    values: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True)
class Handed:
    """A format with its values that a wrapper hands on (`struct va_format`, or a buffer printed into)."""

    format: Tokens
    values: tuple[Tokens, ...]


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

    def handed(self) -> Iterator[Handed]:
        """Yield the formats that wrappers hand on."""
        return (token for value in self.arguments for token in value if isinstance(token, Handed))
