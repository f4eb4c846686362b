"""Complete command lines for shells without typer, whose import takes longer than a key press should.

The commands, options and fixed values are in `completions.json`, which `docs/regenerate.py` writes from the commands.
The scripts in `completions/` ask for `words`, in which tags and paths of the tree are completed as well. The scripts of
typer's `--show-completion` get only what typer would answer: what this module does not understand of their requests
is left to typer; `tests/test_cli_completion.py` compares both.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from ksrcfind.cli.argv import HELP, Arguments, Option, sort_arguments
from ksrcfind.errors import KsrcfindError

TABLE = "completions.json"


class Item(msgspec.Struct, frozen=True, array_like=True):
    """Something that a word can be completed to."""

    value: str
    help: str | None
    """One line for shells that show it."""


class OptionItem(msgspec.Struct, frozen=True):
    """An option of a command."""

    names: tuple[Item, ...]
    takes_value: bool
    without_value: str | None
    for_all: bool
    values: tuple[Item, ...]
    """What its value can be, if there are only a few."""
    kind: str | None = None
    """What its value names in the tree: a `candidates.Kind`."""


class CommandItems(msgspec.Struct, frozen=True):
    """What can follow a command."""

    options: tuple[OptionItem, ...]
    words: tuple[Item, ...]
    """What its arguments can be, if there are only a few."""
    kinds: tuple[str | None, ...] = ()
    """What each of its arguments names in the tree: a `candidates.Kind`. The last stands for all that follow."""


def complete(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Return the output and the exit status for a shell that asks for completions; None if typer has to answer.

    The variables are those that the scripts in `completions/` and those of `--show-completion` set.
    """
    shell = environment.get("_KSRCFIND_COMPLETE", "").removeprefix("complete_")
    if shell == "words":
        lines = _lines(map(_with_help, _words(environment)))
        return lines, 0 if lines else 1
    try:
        if shell == "bash":
            words = shlex.split(environment["COMP_WORDS"])
            position = int(environment["COMP_CWORD"])
            arguments, incomplete = words[1:position], words[position] if position < len(words) else ""
        elif shell in ("zsh", "fish"):
            arguments, incomplete = _split(environment["_TYPER_COMPLETE_ARGS"])
        else:
            return None
        items = _as_typer(arguments, incomplete)
    except (KsrcfindError, LookupError, ValueError):
        return None
    if shell == "bash":
        return _lines(item.value for item in items), 0
    if shell == "zsh":
        return (f"_arguments '*: :(({_lines(map(_zsh, items))}))'" if items else "_files"), 0
    action = environment.get("_TYPER_COMPLETE_FISH_ACTION")
    if action == "is-args":
        return "", 0 if items else 1
    return (_lines(map(_with_help, items)), 0) if action == "get-args" else None


def _split(line: str) -> tuple[list[str], str]:
    """Return the arguments of a command line before the cursor, and the incomplete word at its end."""
    arguments, incomplete = shlex.split(line)[1:], ""
    if arguments and not line.endswith(" "):
        incomplete = arguments.pop()
    return arguments, incomplete


class _Position(msgspec.Struct, frozen=True):
    """Where in a command line a word is to be completed."""

    command: CommandItems
    by_name: dict[str, OptionItem]
    known: dict[str, Option]
    """The options of all commands."""
    given: Arguments
    """What stands before the word."""
    awaits: OptionItem | None
    """The option whose value the word is."""


def _position(arguments: Sequence[str]) -> _Position:
    table = msgspec.json.decode(Path(__file__).with_name(TABLE).read_bytes(), type=dict[str, CommandItems])
    known: dict[str, Option] = {}
    for own in table.values():
        for option in own.options:
            one = Option(option.takes_value, option.without_value, option.for_all)
            known |= {name.value: one for name in option.names}
    commands = {name for name in table if name}
    before = sort_arguments(arguments[:-1], commands, known)
    given = sort_arguments(arguments, commands, known)
    # Typer reads options before any command as those of find.
    command = table[given.command or ("find" if arguments else "")]
    by_name = {name.value: option for option in command.options for name in option.names}
    last = by_name.get(arguments[-1]) if arguments and arguments[-1] not in before.words else None
    awaits = last if last is not None and last.takes_value and last.without_value is None else None
    return _Position(command, by_name, known, given, awaits)


def _words(environment: Mapping[str, str]) -> list[Item]:
    """Return what the last word of a command line can be, with the tags and paths of the tree."""
    try:
        arguments, incomplete = _split(environment["_KSRCFIND_LINE"])
        position = _position(arguments)
    except (KsrcfindError, LookupError, ValueError):
        return []  # An open quote: it is a log line.
    awaits, given, prefix = position.awaits, position.given, ""
    name, equals, value = incomplete.partition("=")
    if equals and awaits is None and name in position.by_name and not given.ended:
        awaits, incomplete, prefix = position.by_name[name], value, f"{name}="
    if awaits is None and incomplete.startswith("-") and not given.ended:
        return _options(position, arguments, incomplete)
    kinds = position.command.kinds
    fixed, kind = (awaits.values, awaits.kind) if awaits is not None else (position.command.words, None)
    if awaits is None and kinds:
        kind = kinds[min(len(given.words), len(kinds) - 1)]
    items = [item for item in fixed if item.value.startswith(incomplete)]
    if kind is not None:
        from ksrcfind.cli.candidates import Kind, candidates  # 50 ms that options and commands do not need

        found = candidates(Kind(kind), incomplete, _repo(given.options), environment)
        items += [Item(one, None) for one in found]
    return [Item(f"{prefix}{item.value}", item.help) for item in items]


def _repo(options: Sequence[str]) -> str | None:
    """Return the value of the last `--repo`."""
    repo = None
    for option, following in pairwise([*options, ""]):
        if option in ("-C", "--repo"):
            repo = following
        elif option.startswith("--repo="):
            repo = option.partition("=")[2]
    return repo


def _as_typer(arguments: Sequence[str], incomplete: str) -> list[Item]:
    """Return what typer would answer. Raises `LookupError` if typer has to decide."""
    position = _position(arguments)
    known = position.known
    usual = {name for name in position.by_name if not known[name].for_all and known[name].without_value is None} - HELP
    unusual = not usual.issuperset(word for word in arguments if word.startswith("-"))
    if position.given.ended or "=" in incomplete or unusual:
        raise LookupError
    if incomplete.startswith("-"):
        return _options(position, arguments, incomplete)
    if position.awaits is not None:
        return [item for item in position.awaits.values if item.value.startswith(incomplete)]
    return [item for item in position.command.words if item.value.startswith(incomplete)]


def _options(position: _Position, arguments: Sequence[str], incomplete: str) -> list[Item]:
    """Return the options that were not given yet."""
    by_name = position.by_name
    used = {id(by_name[word]) for word in arguments if word in by_name} - {id(position.awaits)}
    names = (name for option in position.command.options if id(option) not in used for name in option.names)
    return [name for name in names if name.value.startswith(incomplete)]


def _lines(values: Iterable[str]) -> str:
    return "\n".join(values)


def _zsh(item: Item) -> str:
    value = _escaped(item.value)
    return f'"{value}":"{_escaped(item.help)}"' if item.help else f'"{value}"'


def _escaped(text: str) -> str:
    for character, written in (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", r"\\:")):
        text = text.replace(character, written)
    return text


def _with_help(item: Item) -> str:
    return f"{item.value}\t{' '.join(item.help.split(' '))}" if item.help else item.value
