"""The three standard streams: who reads them, what may be shown there, and what happens when nobody does."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

import typer

from ksrcfind.cli.options import Color
from ksrcfind.errors import KsrcfindError
from ksrcfind.output.style import Painter
from ksrcfind.progress import SILENT, Progress

CLOSED_PIPE = 128 + 13
"""Exit status of a program that SIGPIPE ended."""

INTERRUPTED = 128 + 2
"""Exit status of a program that Ctrl-C ended."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the streams allow, as the environment and the options have it."""

    color: bool
    """True if answers are coloured."""
    progress: Progress
    follows_links: bool
    """True if output goes to a terminal that colours text: those that do either show links or leave them out."""

    def write(self, text: str) -> None:
        """Write to standard output. A reader that went away ends the program, as it ends any other in a pipe."""
        try:
            sys.stdout.write(text)
            if sys.stdout.isatty():
                sys.stdout.flush()
        except OSError as error:
            give_up_output(error)

    def flush(self) -> None:
        """Send out what was written."""
        flush()

    @property
    def painter(self) -> Painter:
        """For text on standard output."""
        return Painter(self.color)


def open_terminal(color: Color, *, quiet: bool, machine: bool) -> Terminal:
    """Return the terminal. `machine` output is always UTF-8; for people it is what their locale can show."""
    if machine:
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")  # type: ignore[union-attr]
    else:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    coloured = is_coloured(color, sys.stdout.isatty())
    progress = _progress(quiet, color=is_coloured(color, sys.stderr.isatty()))
    return Terminal(coloured, progress, follows_links=coloured and sys.stdout.isatty() and not machine)


def is_coloured(color: Color, is_terminal: bool) -> bool:
    """Return True if output is to be coloured; NO_COLOR (no-color.org) is looked at by the caller."""
    if color is Color.AUTO:
        return is_terminal and os.environ.get("TERM") != "dumb"
    return color is Color.ALWAYS


def color_help(arguments: Sequence[str]) -> None:
    """Let `--help` be coloured exactly where an answer would be. typer writes it before it reads any other option."""
    from typer import rich_utils  # noqa: PLC0415 - 40 ms that only help needs

    options = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    split = [part for option in options for part in option.split("=", 1)]
    asked = [value for name, value in pairwise(split) if name == "--color" and value in set(Color)]
    default = Color.NEVER if os.environ.get("NO_COLOR") else Color.AUTO
    coloured = is_coloured(Color(asked[-1]) if asked else default, sys.stdout.isatty())
    rich_utils.FORCE_TERMINAL = coloured
    rich_utils.COLOR_SYSTEM = "standard" if coloured else None


def show_error(error: KsrcfindError) -> None:
    """Tell the user what happened and what to do, on standard error."""
    painter = Painter(is_coloured(Color.AUTO, sys.stderr.isatty()) and not os.environ.get("NO_COLOR"))
    show_note(painter.line(("error: ", "error"), error.title))
    for line in error.hint.splitlines():
        show_note(painter.line(line, indent=2))


def show_note(text: str) -> None:
    """Write to standard error, whoever reads it."""
    try:
        sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        sys.stderr.write(text)
    except OSError:  # A pipe that is closed, a disk that is full: there is nobody else to tell.
        pass


def say(text: str) -> None:
    """Write a note to standard error; control characters of the text are shown by number."""
    show_note(Painter(color=False).line(f"note: {text}"))


def say_how_to_end() -> None:
    """Say that a person is expected to type, if standard input is a terminal."""
    if sys.stdin.isatty():
        say("reading lines from the terminal; Ctrl-D ends them")


def flush() -> None:
    """Send out what is still held back, so that a reader that went away is noticed here."""
    try:
        sys.stdout.flush()
    except OSError as error:
        give_up_output(error)


def give_up_output(error: OSError) -> NoReturn:
    """End because nobody reads the output, or it has no place; the interpreter must not try to flush it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        raise typer.Exit(CLOSED_PIPE)
    raise KsrcfindError(
        f"the output cannot be written: {error.strerror}", "Send it to a file on a disk with room for it."
    ) from error


def open_missing_streams() -> None:
    """Open the standard streams that the caller closed: nothing comes in there, and what goes out is dropped.

    Without this, the next file that is opened would take their place.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for the whole run


def _progress(quiet: bool, *, color: bool) -> Progress:
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return SILENT
    from ksrcfind.output.progress import Bars  # noqa: PLC0415 - 40 ms that only a terminal needs

    return Bars(sys.stderr, color=color)
