"""A message: one log call of a tree with all texts that it can print."""

import msgspec


class Argument(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value that is printed."""

    conversion: str
    """As in the format: `%d`, `%pI4`, `%-*s`."""
    expression: str
    """C source of the argument, white space folded: `victim->comm`. Empty if the call does not contain it."""


class TextLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A source line that contains a part of a message's wording."""

    path: str
    line: int
    """1-based."""
    length: int
    """Characters of literal text on the line."""


class Definition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The location of a message's text in the body of a macro."""

    path: str
    line: int
    """1-based line of the log call inside the macro."""
    macro: str


class Form(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One of the texts that a message can print: wrapper functions may add one prefix or another."""

    printed: str
    """The whole text in printf syntax (`%%` is a per cent sign), with the text of wrapper functions, `pr_fmt` and
    known arguments, C escapes decoded, without the level and without the last newline."""
    arguments: tuple[Argument, ...]
    """The argument of each conversion of `printed` that takes one, in order."""


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One log call with its texts."""

    path: str
    """Relative to the root of the tree, with slashes."""
    line_start: int
    """1-based line of the call's name."""
    line_end: int
    """1-based line of its closing parenthesis."""
    function: str | None
    """The enclosing function; None outside of any."""
    call: str
    """As written: `pr_info`, `ext4_msg`."""
    level: str | None
    """One of `levels.LEVELS` or `cont`; None if the level is known only at run time."""
    module: str | None
    """KBUILD_MODNAME of the object that the file is built into; None if no Makefile lists it."""
    format: str
    """The format as written at the call: literals joined, escapes decoded, `%%` and the newline kept."""
    forms: tuple[Form, ...]
    """The texts that the call can print, the most usual first; at least one."""
    text_lines: tuple[TextLine, ...]
    """The lines that contain the wording (of the format literal), in source order; empty if no line does."""
    defined_at: Definition | None = None
    """Set if the wording is in a macro's body; `path` and the lines above are those of the macro's use."""
