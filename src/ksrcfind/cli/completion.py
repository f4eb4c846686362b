"""Complete command lines for shells without typer, whose import takes longer than a key press should.

The answers are in `completions.json`, which `python -m docs.completions` writes from the commands. What this module
does not understand is left to typer; `tests/test_cli_completion.py` compares both.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from ksrcfind.cli.argv import HELP, Option, sort_arguments
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


class CommandItems(msgspec.Struct, frozen=True):
    """What can follow a command."""

    options: tuple[OptionItem, ...]
    words: tuple[Item, ...]
    """What its arguments can be, if there are only a few."""


def complete(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Return the output and the exit status for a shell that asks for completions; None if typer has to answer.

    The variables are those that the scripts of `--show-completion` set.
    """
    shell = environment.get("_KSRCFIND_COMPLETE", "").removeprefix("complete_")
    try:
        if shell == "bash":
            words = shlex.split(environment["COMP_WORDS"])
            position = int(environment["COMP_CWORD"])
            arguments, incomplete = words[1:position], words[position] if position < len(words) else ""
        elif shell in ("zsh", "fish"):
            line = environment["_TYPER_COMPLETE_ARGS"]
            arguments, incomplete = shlex.split(line)[1:], ""
            if arguments and not line.endswith(" "):
                incomplete = arguments.pop()
        else:
            return None
        items = _items(arguments, incomplete)
    except (KsrcfindError, LookupError, ValueError):
        return None
    if shell == "bash":
        return _lines(item.value for item in items), 0
    if shell == "zsh":
        return (f"_arguments '*: :(({_lines(map(_zsh, items))}))'" if items else "_files"), 0
    action = environment.get("_TYPER_COMPLETE_FISH_ACTION")
    if action == "is-args":
        return "", 0 if items else 1
    return (_lines(map(_fish, items)), 0) if action == "get-args" else None


def _items(arguments: Sequence[str], incomplete: str) -> list[Item]:
    """Return what the last word of a command line can be. Raises `LookupError` if typer has to decide."""
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
    own = table[given.command or ("find" if arguments else "")]
    by_name = {name.value: option for option in own.options for name in option.names}
    usual = {name for name in by_name if not known[name].for_all and known[name].without_value is None} - HELP
    if given.ended or "=" in incomplete or not usual.issuperset(word for word in arguments if word.startswith("-")):
        raise LookupError
    last = by_name.get(arguments[-1]) if arguments and arguments[-1] not in before.words else None
    waits = last if last is not None and last.takes_value else None
    if incomplete.startswith("-"):
        used = {id(by_name[word]) for word in arguments if word in by_name} - {id(waits)}
        names = (name for option in own.options if id(option) not in used for name in option.names)
        return [name for name in names if name.value.startswith(incomplete)]
    if waits is not None:
        return [item for item in waits.values if item.value.startswith(incomplete)]
    return [item for item in own.words if item.value.startswith(incomplete)]


def _lines(values: Iterable[str]) -> str:
    return "\n".join(values)


def _zsh(item: Item) -> str:
    value = _escaped(item.value)
    return f'"{value}":"{_escaped(item.help)}"' if item.help else f'"{value}"'


def _escaped(text: str) -> str:
    for character, written in (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", r"\\:")):
        text = text.replace(character, written)
    return text


def _fish(item: Item) -> str:
    return f"{item.value}\t{' '.join(item.help.split(' '))}" if item.help else item.value
