"""Parse the usual command lines of `find` and `at` without typer, whose import takes longer than an answer should.

What this parser does not understand (help, another command, a wrong value, an unknown option) is left to typer. What it
understands, it reads as typer does; `tests/test_cli_quick_parser.py` compares both.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_type_hints

from msgspec import Struct

from ksrcfind.cli.argv import Option, sort_arguments
from ksrcfind.cli.options import COMMANDS, WITHOUT_VALUE, Declaration, Explaining
from ksrcfind.errors import KsrcfindError
from ksrcfind.output.formats import ANSWERS, Format

_OPEN = "--open"


class Question(Struct, frozen=True):
    """A command line of `find` or `at`."""

    command: str
    """`find` or `at`."""
    options: Explaining
    words: tuple[str, ...]
    """The log lines or the places."""
    open_editor: bool


class _Field(Struct, frozen=True):
    """An option as declared by a field of `Explaining`."""

    name: str
    type: Any
    """The type of its value, without None."""
    declared: Declaration

    def value(self, text: str) -> Any:
        """Return the value that a text of the command line stands for. Raises `ValueError` if typer has to decide."""
        settings = self.declared.settings
        if "parser" in settings:
            return settings["parser"](text)
        if self.type is Format and Format(text) not in ANSWERS:
            raise ValueError(text)
        if self.type is int:
            return _number(text, settings.get("min"), settings.get("max"))
        return self.type(text)


def read(arguments: Sequence[str]) -> Question | None:
    """Return the question that the arguments ask; None if typer has to parse them."""
    fields = _fields()
    known = {name: Option(field.type is not bool, WITHOUT_VALUE.get(name)) for name, field in fields.items()}
    try:
        found = sort_arguments(arguments, COMMANDS, known | {_OPEN: Option(takes_value=False)})
        if found.program or not found.words or found.command not in (None, "find", "at"):
            return None
        values = dict(_values(found.options, fields))
    except (KsrcfindError, ValueError, LookupError, StopIteration):
        return None
    open_editor = values.pop(_OPEN, False)
    return Question(found.command or "find", Explaining(**values), tuple(found.words), open_editor)


def _fields() -> dict[str, _Field]:
    """Return the options of `find` and `at` under each of their names."""
    fields: dict[str, _Field] = {}
    for name, hint in get_type_hints(Explaining, include_extras=True).items():
        value, declared = get_args(hint)
        kinds = [kind for kind in get_args(value) if kind is not NoneType] or [value]
        fields |= dict.fromkeys(declared.names_of(name), _Field(name, kinds[0], declared))
    return fields


def _values(options: Sequence[str], fields: Mapping[str, _Field]) -> Iterator[tuple[str, Any]]:
    """Yield field and value of each option. Raises `LookupError` for an argument that typer has to read."""
    rest = iter(options)
    for argument in rest:
        name, equals, text = argument.partition("=")
        if equals and not name.startswith("--"):
            raise LookupError(argument)
        if name == _OPEN and not equals:
            yield _OPEN, True
            continue
        field = fields[name]
        if field.type is bool:
            if equals:
                raise LookupError(argument)
            yield field.name, True
        else:
            yield field.name, field.value(text if equals else next(rest))


def _number(text: str, least: int | None, most: int | None) -> int:
    """Return a number in its range. Raises `ValueError` for anything else."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    number = int(text)
    if (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(text)
    return number
