"""Make typer commands of functions, with the options that `options.py` declares.

A function receives the shared options as one object: `@command` adds the fields of the class that annotates its first
parameter to the signature that typer reads, and passes their values as an instance of the class.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, get_args, get_type_hints

import typer
from msgspec.structs import fields

from ksrcfind.cli.options import SHARED, Common
from ksrcfind.errors import KsrcfindError
from ksrcfind.output.formats import ANSWERS, Format


def _formats(command: str, formats: Sequence[Format]) -> Any:
    """Return the declaration of `--format` for a command with these formats."""

    def parse(text: str) -> Format:
        if text not in formats:
            names = f"{', '.join(formats[:-1])} and {formats[-1]}" if len(formats) > 1 else f"{formats[0]} only"
            raise KsrcfindError(f"{command} has no format {text}", f"It has {names}.")
        return Format(text)

    declared = typer.Option(
        metavar="|".join(formats),
        parser=parse,
        autocompletion=lambda: [*formats],
        help="Output format.",
        rich_help_panel=SHARED,
        hidden=len(formats) == 1,
    )
    return Annotated[Format, declared]


def shared_options(function: Callable[..., None]) -> Callable[..., None]:
    """Return the program's function with the options of every command in its help; it ignores their values.

    `argv.reorder` moves these options behind the command, wherever they were typed.
    """
    hints = _hints(Common)

    @functools.wraps(function)
    def run(**values: Any) -> None:
        function(**{name: value for name, value in values.items() if name not in hints})

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*inspect.signature(function).parameters.values(), *_parameters(Common, hints)]
    )
    return run


def _hints(options: type[Common]) -> dict[str, Any]:
    """Return the annotations of a class of options, with a `typer.Option` for each `Declaration`."""
    hints: dict[str, Any] = {}
    for name, hint in get_type_hints(options, include_extras=True).items():
        value, declared = get_args(hint)
        hints[name] = Annotated[value, typer.Option(*declared.names, **declared.settings)]
    return hints


def _parameters(options: type[Common], hints: Mapping[str, Any]) -> Iterator[inspect.Parameter]:
    """Yield the parameters that typer reads, the options of every command last."""
    common = {field.name for field in fields(Common)}
    for field in sorted(fields(options), key=lambda field: field.name in common):
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )


def command(
    app: typer.Typer, *, formats: tuple[Format, ...] = ANSWERS, epilog: str, more: str = ""
) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Return a decorator that makes a function a command of its name; the function returns the exit status.

    Its first parameter is a `Common` or a subclass; the others are its own arguments and options. The help consists of
    the docstring, the paragraph `more`, and `epilog`, the examples.
    """

    def register(function: Callable[..., int]) -> Callable[..., None]:
        first, *own = inspect.signature(function).parameters.values()
        shared = get_type_hints(function)[first.name]
        hints = _hints(shared) | {"format": _formats(function.__name__, formats)}

        @functools.wraps(function)
        def run(**values: Any) -> None:
            options: Common = shared(**{field.name: values.pop(field.name) for field in fields(shared)})
            raise typer.Exit(function(options, **values))

        keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [*keyword_only, *_parameters(shared, hints)]
        )
        # Terminals are narrower than the source: join the lines of a paragraph, so that typer can wrap them.
        paragraphs = [" ".join(part.split()) for part in f"{inspect.getdoc(function)}\n\n{more}".split("\n\n")]
        app.command(help="\n\n".join(filter(None, paragraphs)), epilog=epilog)(run)
        return run

    return register
