"""Parse a command line with typer, and word its errors as the rest of the program does."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import typer

from ksrcfind.cli.app import group
from ksrcfind.cli.argv import has_blank, query_words
from ksrcfind.errors import KsrcfindError
from ksrcfind.log.stream import is_file
from ksrcfind.match.names import closest
from ksrcfind.regex import regex


def run_command(arguments: Sequence[str]) -> int:
    """Run the command of the arguments and return its exit status. Raises `KsrcfindError`, also for wrong usage."""
    try:
        status: int = group().main(list(arguments) or ["--help"], "ksrcfind", standalone_mode=False)
    except typer.TyperException as error:
        raise _usage_error(error, arguments) from None
    except typer.Exit as end:
        status = end.exit_code
    return status if arguments else KsrcfindError.exit_code


def advice(arguments: Sequence[str]) -> Iterator[str]:
    """Yield a hint with the command that the user probably meant by a query that got no answer."""
    program = group()
    with suppress(KsrcfindError):
        words = query_words(arguments, {*program.commands}, program.options())
        if not words or any(map(has_blank, words)):
            return
        meant = closest(words[0].lower(), program.commands)
        if meant is not None:
            position = list(arguments).index(words[0])
            corrected = ["ksrcfind", *arguments[:position], meant, *arguments[position + 1 :]]
            yield f"Did you mean the command {meant}? {shlex.join(corrected)}"
        elif all(is_file(Path(word)) for word in words):
            yield f"To explain a whole log: {shlex.join(['ksrcfind', 'batch', *words])}"


def _usage_error(error: typer.TyperException, arguments: Sequence[str]) -> KsrcfindError:
    """Return typer's error in the wording of this program, with a hint."""
    context = getattr(error, "ctx", None)
    program = group()
    command = context.info_name if context is not None and context.info_name in program.commands else None
    if command is None:  # A missing value: typer notices it before it reads the command.
        command = next((word for word in arguments if word in program.commands), "find")
    hints = [f"ksrcfind {command} --help shows its options and examples."]
    option = getattr(error, "option_name", None)
    title = error.format_message().rstrip(".")
    if title.startswith("No such option"):
        having = [name for name, one in program.commands.items() if any(option in param.opts for param in one.params)]
        if having:
            hints.insert(0, f"{option} is an option of {' and '.join(having)}.")
        hints.append("Put text that begins with a dash after two dashes: ksrcfind -- -EIO")
    elif title.startswith("Got unexpected extra argument"):
        hints.append(f"To find a log line that begins with {command}: ksrcfind find {shlex.join(arguments)}")
    return KsrcfindError(_reworded(title), "\n".join(hints))


_AT_LEAST = regex(r"Input should be greater than or equal to (\d+)\Z")
_AT_MOST = regex(r"Input should be less than or equal to (\d+)\Z")


def _reworded(title: str) -> str:
    """Return an error of typer, or of pydantic which typer uses, in the wording of the rest of the program."""
    title = title.replace("Value error, ", "")
    title = _AT_LEAST.sub(r"it must be \1 or more", title)
    title = _AT_MOST.sub(r"it must be \1 or less", title)
    before, found, _rest = title.partition("Input should be a valid integer")
    return f"{before}it must be a whole number" if found else title
