"""The facts of one source file: its macros, wrapper functions, string constants, includes and calls with text.

Facts depend only on the bytes of the file, never on its name or on other files: a cache keeps them permanently under
the git blob id. `extract.py` reads them from a file; `link.py` does all that needs several files.
"""

import zlib
from functools import lru_cache

import msgspec

VERSION = 19
"""Raised when the meaning or the extent of facts changes; older ones are then read anew."""


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call with text in its arguments, as written."""

    name: str
    text: str
    """From the name to the closing parenthesis, comments blanked, leading blanks of lines removed, line ends kept."""
    line: int
    """1-based line of the name."""
    function: int
    """Index into `SourceFacts.functions`; -1 outside of functions."""


class Macro(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A macro that may contain text or calls. Most macros for plain numbers are excluded."""

    name: str
    parameters: tuple[str, ...] | None
    """None for an object-like macro; a variadic one ends in `...` or `name...`."""
    body: str
    """Comments blanked; a line continuation is a line end."""
    line: int
    """1-based line of the `#define`."""
    fallback: bool
    """True if `#ifndef NAME` is directly before it: any other definition takes precedence."""
    replaces: bool = False
    """True if `#undef NAME` is before it: earlier definitions in the file end there."""


class Wrapper(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A function that handles a variable argument list: it may forward its format."""

    name: str
    parameters: tuple[str, ...]
    """Declarations; the last is `...` in a variadic function."""
    calls: tuple[Call, ...]
    """All its calls."""
    formats: tuple[tuple[str, str], ...]
    """Assignments to a `struct va_format`: variable, expression of the format."""
    is_static: bool
    line: int
    guards: tuple[str, ...] = ()
    """The condition on parameters of each of `calls`, `?` for other conditions, empty for none; () if no call has
    any."""
    prints_text: bool = False
    """True if it has no variable arguments but prints a text parameter whole: `log_error(const char *text)`, and
    `print_hex_dump(level, prefix_str, …)`, which adds only numbers. Its `calls` are the calls that print it."""


class SourceFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What `link` needs to know about one file: its includes, macros, wrappers, string constants and calls."""

    includes: tuple[str, ...]
    """As written, with their quotes or angle brackets."""
    macros: tuple[Macro, ...]
    wrappers: tuple[Wrapper, ...]
    functions: tuple[str, ...]
    """Names of the functions that contain a call with text."""
    calls: tuple[Call, ...]
    strings: tuple[tuple[str, str], ...]
    """Constant character arrays and pointers: name, C source of the value."""
    recovered: int
    """Calls that tree-sitter rejected and that were read from the text alone."""
    lost: int
    """Functions with text in calls of which none could be read."""
    called: bytes = b""
    """Hashes (`name_hash`, 32 bit each, sorted) of the names that are called without text, outside of `calls`; empty
    for a file without code."""
    parameters: tuple[tuple[str, ...], ...] = ()
    """Parameter names of each of `functions` that is static and has a text parameter; empty for the others."""
    constants: tuple[str, ...] = ()
    """Names of the `strings` that other files can use: at top level and not static."""
    text_functions: tuple[str, ...] = ()
    """Names of the functions that other files can use and that return a text or store one through a pointer."""
    registered: tuple[tuple[str, str, str], ...] = ()
    """Texts in the initialisers of structures at top level: structure, field (of those for names), C source.

    The field is empty for a macro that may initialise fields: `AHCI_SHT("ahci")`."""


EMPTY = SourceFacts((), (), (), (), (), (), 0, 0)


@lru_cache(maxsize=1 << 16)
def name_hash(name: str) -> int:
    """Return a hash for comparing names; a collision costs time, nothing else."""
    return zlib.crc32(name.encode())
