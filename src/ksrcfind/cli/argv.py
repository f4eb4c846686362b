"""Rearrange command-line arguments by the rules of this program that typer does not know, before typer parses them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ksrcfind.errors import KsrcfindError

HELP = {"-h", "--help"}


class Option(Struct, frozen=True):
    """An option: what the parser must know to find where the option ends."""

    takes_value: bool
    without_value: str | None = None
    """The value that the option has if it stands without one. A given value then needs a `=`. None: a value is
    required."""
    for_all: bool = False
    """True for an option of the program, not of a command: `--version`."""


@dataclass(slots=True)
class Arguments:
    """The arguments of a command line, sorted by kind."""

    program: list[str] = field(default_factory=list)
    """Options of the program."""
    command: str | None = None
    options: list[str] = field(default_factory=list)
    """Options of the command with their values."""
    words: list[str] = field(default_factory=list)
    ended: bool = False
    """True if `--` ended the options."""


def reorder(arguments: Sequence[str], commands: Collection[str], options: Mapping[str, Option]) -> list[str]:
    """Return the arguments in typer's order: the program's options, the command, its options, `--`, its words.

    `options` holds every option of every command under each of its names, `-C` and `--repo`. Raises `KsrcfindError`
    for an option with an empty value, as from a script's variable that is not set.
    """
    found = sort_arguments(arguments, commands, options)
    if found.command is None and not found.words and not found.ended and (not found.options or HELP & {*found.options}):
        return [*found.program, *found.options]
    words = ["--", *found.words] if found.words else []
    return [*found.program, found.command or "find", *found.options, *words]


def query_words(arguments: Sequence[str], commands: Collection[str], options: Mapping[str, Option]) -> list[str]:
    """Return the words of a query that was typed without a command; an empty list if there is a command."""
    found = sort_arguments(arguments, commands, options)
    return found.words if found.command is None and not found.ended else []


def sort_arguments(arguments: Sequence[str], commands: Collection[str], options: Mapping[str, Option]) -> Arguments:
    """Return the arguments by kind. Parameters and errors are those of `reorder`."""
    found = Arguments()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            found.words += rest
            found.ended = True
            break
        if is_text(argument):
            if found.command is None and not found.words and argument in commands:
                found.command = argument
            else:
                found.words.append(argument)
            continue
        name, takes_value = _option(argument, options)
        target = found.program if name in options and options[name].for_all else found.options
        default = options[argument].without_value if argument in options else None
        target.append(argument if default is None else f"{argument}={default}")
        if takes_value:
            if not rest:
                found.words.clear()  # The value is missing. typer reports this if the option is the last argument.
            target += rest[:1]
            del rest[:1]
        if (takes_value and target[-1] == "") or (argument == f"{name}=" and name in options):
            raise KsrcfindError(f"{name} has an empty value", "Give it a value, or leave the option out.")
    return found


def is_text(argument: str) -> bool:
    """Return True for an argument that cannot be an option: no leading dash, a space inside, or `-` alone."""
    return not argument.startswith("-") or argument == "-" or has_blank(argument)


def has_blank(argument: str) -> bool:
    """Return True if an argument contains white space."""
    return any(char.isspace() for char in argument)


def _option(argument: str, options: Mapping[str, Option]) -> tuple[str, bool]:
    """Return the name of the option in an argument, and whether the next argument is the option's value."""
    if argument.startswith("--"):
        name, equals, _ = argument.partition("=")
        option = options.get(name)
        return name, not equals and option is not None and option.takes_value and option.without_value is None
    # Short options may be combined; the value of the last one may follow directly: `-qn5`.
    for position, letter in enumerate(argument[1:], 1):
        name = f"-{letter}"
        if name in options and options[name].takes_value:
            return name, position == len(argument) - 1
    return argument[:2], False
