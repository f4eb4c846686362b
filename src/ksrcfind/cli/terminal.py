"""Write to and read from the standard streams: colours, notes, errors, and streams that are closed."""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

from msgspec import Struct

from ksrcfind.errors import KsrcfindError
from ksrcfind.output.style import Color, Painter
from ksrcfind.progress import SILENT, Progress

FOUND, NOTHING_FOUND = 0, 1
"""Exit status of a run without errors; that of an error is `KsrcfindError.exit_code`, 2."""

FAILED_ON = 3
"""Exit status of batch with `--fail-on` if there is an incident of that level or more severe."""

CLOSED_PIPE = 128 + 13
"""Exit status of a program that SIGPIPE ended."""

INTERRUPTED = 128 + 2
"""Exit status of a program that Ctrl-C ended."""


class Ended(Exception):  # noqa: N818 - it is no error
    """The run ends now, with an exit status."""

    def __init__(self, status: int) -> None:
        self.status = status


class Terminal(Struct, frozen=True):
    """How output is shown, as options, environment and streams allow."""

    color: bool
    """True if answers are coloured."""
    progress: Progress
    follows_links: bool
    """True if output goes to a terminal that colours text: such a terminal shows links or ignores them."""

    def write(self, text: str) -> None:
        """Write to standard output. If the reader of a pipe has closed it, the program ends, as programs do."""
        write(text)

    def flush(self) -> None:
        """Flush standard output."""
        flush()

    @property
    def painter(self) -> Painter:
        """The painter for text on standard output."""
        return Painter(self.color, encoding=sys.stdout.encoding or "utf-8")


def open_terminal(color: Color, *, quiet: bool, machine: bool) -> Terminal:
    """Return the terminal. Output for programs (`machine`) is always UTF-8; for people it follows the locale."""
    if machine:
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")  # type: ignore[union-attr]
    else:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    coloured = is_coloured(color, sys.stdout.isatty())
    progress = _progress(quiet, color=is_coloured(color, sys.stderr.isatty()))
    return Terminal(coloured, progress, follows_links=coloured and sys.stdout.isatty() and not machine)


def is_coloured(color: Color, is_terminal: bool) -> bool:
    """Return True if output should be coloured; the caller handles NO_COLOR (no-color.org)."""
    if color is Color.AUTO:
        return is_terminal and os.environ.get("TERM") != "dumb"
    return color is Color.ALWAYS


def color_help(arguments: Sequence[str]) -> None:
    """Colour `--help` exactly when an answer would be coloured. typer prints it before it reads other options."""
    from typer import rich_utils  # 40 ms that only help needs

    options = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    split = [part for option in options for part in option.split("=", 1)]
    given = [value for name, value in pairwise(split) if name == "--color" and value in set(Color)]
    default = Color.NEVER if os.environ.get("NO_COLOR") else Color.AUTO
    coloured = is_coloured(Color(given[-1]) if given else default, sys.stdout.isatty())
    rich_utils.FORCE_TERMINAL = coloured
    rich_utils.COLOR_SYSTEM = "standard" if coloured else None


def show_error(error: KsrcfindError) -> None:
    """Write what happened and what to do to standard error."""
    painter = Painter(is_coloured(Color.AUTO, sys.stderr.isatty()) and not os.environ.get("NO_COLOR"))
    show_note(painter.line(("error: ", "error"), error.title))
    for line in error.hint.splitlines():
        show_note(painter.line(line, indent=2))


def show_note(text: str) -> None:
    """Write text to standard error. If standard error is closed, the text is lost."""
    try:
        sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        sys.stderr.write(text)
    except OSError:  # A closed pipe or a full disk: there is no other place for the note.
        pass


def say(text: str) -> None:
    """Write a note to standard error; control characters in the text are escaped."""
    show_note(Painter(color=False).line(f"note: {text}"))


def say_how_to_end() -> None:
    """Tell the user how to end the input, if standard input is a terminal."""
    if sys.stdin.isatty():
        say("reading lines from the terminal; end with Ctrl-D")


def write(text: str) -> None:
    """Write to standard output. If the reader of a pipe has closed it, the program ends, as programs do."""
    try:
        sys.stdout.write(text)
        if sys.stdout.isatty():
            sys.stdout.flush()
    except OSError as error:
        give_up_output(error)


def flush() -> None:
    """Flush standard output, so that a closed pipe is noticed here."""
    try:
        sys.stdout.flush()
    except OSError as error:
        give_up_output(error)


def give_up_output(error: OSError) -> NoReturn:
    """End the program because output cannot be written; the interpreter must not try to flush it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        raise Ended(CLOSED_PIPE)
    raise KsrcfindError(
        f"cannot write the output: {error.strerror}", "Write it to a file on a disk with free space."
    ) from error


def open_missing_streams() -> None:
    """Open the standard streams that the caller closed as empty input and discarded output.

    Otherwise the next file that is opened would get their number.
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
    from ksrcfind.output.progress import Bars  # 40 ms that only a terminal needs

    return Bars(sys.stderr, color=color)
