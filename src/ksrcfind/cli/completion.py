"""Complete command lines for shells without typer, whose import takes longer than a key press should.

The commands, options and fixed values are in `completions.json`, which `docs/regenerate.py` writes from what typer
answers; `tests/test_cli_completion.py` compares both. Tags and paths come from the tree. The scripts that ask are in
`completions/`.
"""

import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from ksrcfind.cli.argv import Arguments, Option, sort_arguments
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


def complete(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the output and the exit status for a shell that asks what the last word of a command line can be.

    `_KSRCFIND_LINE` is the command line up to the cursor. Each line of the output is a candidate, with a tab and its
    help if it has any. The status is 1 if there is none: then the shell completes names of files.
    """
    try:
        arguments, incomplete = split(environment["_KSRCFIND_LINE"])
        items = _items(arguments, incomplete, environment)
    except (KsrcfindError, LookupError, ValueError):
        return "", 1  # An open quote, for example: the user is typing a log line.
    lines = [f"{item.value}\t{item.help}" if item.help else item.value for item in items]
    return "\n".join(lines), 0 if lines else 1


def split(line: str) -> tuple[list[str], str]:
    """Return the arguments of a command line before the cursor, and the incomplete word at its end.

    Raises `ValueError` for an open quote.
    """
    arguments, incomplete = shlex.split(line)[1:], ""
    if arguments and not line.endswith(" "):
        incomplete = arguments.pop()
    return arguments, incomplete


class _Position(msgspec.Struct, frozen=True):
    """Where in a command line a word is to be completed."""

    command: CommandItems
    by_name: dict[str, OptionItem]
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
    return _Position(command, by_name, given, awaits)


def _items(arguments: Sequence[str], incomplete: str, environment: Mapping[str, str]) -> list[Item]:
    """Return what the incomplete word behind some arguments can be."""
    position = _position(arguments)
    awaits, given, prefix = position.awaits, position.given, ""
    name, equals, value = incomplete.partition("=")
    if equals and awaits is None and name in position.by_name and not given.ended:
        awaits, incomplete, prefix = position.by_name[name], value, f"{name}="
    if not prefix and incomplete.startswith("-") and not given.ended:
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


def _options(position: _Position, arguments: Sequence[str], incomplete: str) -> list[Item]:
    """Return the options that were not given yet."""
    by_name = position.by_name
    used = {id(by_name[word]) for word in arguments if word in by_name} - {id(position.awaits)}
    names = (name for option in position.command.options if id(option) not in used for name in option.names)
    return [name for name in names if name.value.startswith(incomplete)]
