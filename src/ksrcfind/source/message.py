"""A message: one log call of a tree with everything it can print."""

import msgspec


class Argument(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value that is printed."""

    conversion: str
    """As in the format: `%d`, `%pI4`, `%-*s`."""
    expression: str
    """C source of the argument, white space folded: `victim->comm`. Empty when the call does not show it."""


class TextLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A source line that holds a part of a message's wording."""

    path: str
    line: int
    """1-based."""
    length: int
    """Characters of literal text on it."""


class Definition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a message stands that reaches its place through a macro's body."""

    path: str
    line: int
    """1-based line of the log call inside the macro."""
    macro: str


class Form(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One text that a message can take: wrappers may print it with one prefix or another."""

    printed: str
    """All that is printed, in printf syntax (`%%` is a per cent sign), with the text that wrappers, `pr_fmt` and
    known arguments add, C escapes decoded, without the level and without the last newline."""
    arguments: tuple[Argument, ...]
    """One for each conversion of `printed` that takes an argument, in order."""


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One log call with what it prints."""

    path: str
    """Relative to the root of the tree, with slashes."""
    line_start: int
    """1-based line where the call's name stands."""
    line_end: int
    """1-based line of its closing parenthesis."""
    function: str | None
    """The enclosing function; None outside of any."""
    call: str
    """As written: `pr_info`, `ext4_msg`."""
    level: str | None
    """emerg alert crit err warn notice info debug cont, or None when only run time knows."""
    module: str | None
    """KBUILD_MODNAME of the object that the file is built into, if a Makefile says."""
    format: str
    """The format as written at the call: literals joined, escapes decoded, `%%` and the newline kept."""
    forms: tuple[Form, ...]
    """What is printed, the most usual form first; at least one."""
    text_lines: tuple[TextLine, ...]
    """The lines that hold the wording (of the format literal), in source order; empty if it stands nowhere."""
    defined_at: Definition | None = None
    """Set when the wording comes out of a macro's body; path and lines above are those of the use."""
