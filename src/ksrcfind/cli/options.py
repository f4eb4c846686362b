"""The options that several commands share, declared once.

A command receives them as one object: `@command` adds the fields to the signature that typer reads, and passes their
values as an instance of the class, `Common` or `Asking`, that annotates the command's first parameter.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ksrcfind.batch.options import GroupBy, LineKind
from ksrcfind.callers.record import DEEPEST
from ksrcfind.conditions.record import CONTEXT
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import HistoryMode, Shown
from ksrcfind.levels import LEVELS, level_named
from ksrcfind.output.formats import ANSWERS, Format

SHARED = "Options of every command"
_MOST_SOURCE = 10_000  # lines around a call
AUTO = "auto"
"""A value of `--rev`: use the revision of the log."""


class Color(StrEnum):
    """When text is coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Traced(StrEnum):
    """Which matches get a history."""

    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every command has."""

    repo: Annotated[
        Path | None,
        typer.Option(
            "--repo",
            "-C",
            metavar="DIR",
            show_default=False,
            help="The kernel tree: a git repository or an unpacked tarball. "
            "Default: KSRCFIND_REPO, the current directory or one above it, the configuration file.",
            rich_help_panel=SHARED,
        ),
    ] = None
    rev: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            show_default=False,
            help="Answer for this tag, branch or commit instead of the checked-out files. Nothing is checked out. "
            "For batch also auto: the release in the log's banner, or the one that matches most of its messages.",
            rich_help_panel=SHARED,
        ),
    ] = None
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Answer from a bundle, without a tree. Default: KSRCFIND_INDEX.",
            rich_help_panel=SHARED,
        ),
    ] = None
    format: Annotated[
        Format,
        typer.Option(
            metavar="FORMAT",
            help="Output format. The help of each command lists its formats.",
            rich_help_panel=SHARED,
        ),
    ] = Format.TEXT
    """The output format; `@command` gives each command the formats that it can write."""
    color: Annotated[
        Color | None,
        typer.Option(
            metavar="|".join(Color),
            show_default=False,
            help="When to colour text. Default: auto, which colours on a terminal unless NO_COLOR is set.",
            rich_help_panel=SHARED,
        ),
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            metavar="N",
            min=1,
            show_default=False,
            help="Number of worker processes. Default: one for each core.",
            rich_help_panel=SHARED,
        ),
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=SHARED)] = False


@dataclass(frozen=True, slots=True)
class Asking(Common):
    """Options of the commands that answer with findings."""

    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, max=1000, help="Show at most N calls for a line.")
    ] = 5
    history: Annotated[
        Traced,
        typer.Option(metavar="|".join(Traced), help="Show the history of the first match or of all. See --no-history."),
    ] = Traced.FIRST
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Show no history. This is faster, for long logs.")
    ] = False
    no_follow: Annotated[
        bool, typer.Option("--no-follow", help="Report plain git blame; do not follow earlier wordings.")
    ] = False

    @property
    def history_mode(self) -> HistoryMode:
        """The history mode that `--history` and `--no-history` select."""
        if self.no_history:
            return HistoryMode.OFF
        return HistoryMode.ALL if self.history is Traced.ALL else HistoryMode.FIRST


WITHOUT_VALUE = {"--source": str(CONTEXT), "--callers": "1"}
"""Option that may stand without a value → the value that it has then. A given value needs a `=`."""


def _shown(text: str) -> Shown:
    if text == "function":
        return "function"
    if text.isdecimal() and int(text) <= _MOST_SOURCE:
        return int(text)
    raise KsrcfindError(f"--source={text} is neither a number of lines nor function", "For example: --source=10")


def _depth(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= DEEPEST:
        return int(text)
    raise KsrcfindError(f"--callers={text} is no depth from 1 to {DEEPEST}", "For example: --callers=2")


@dataclass(frozen=True, slots=True)
class Explaining(Asking):
    """Options of find and at."""

    source: Annotated[
        Any,
        typer.Option(
            metavar="[=N|function]",
            parser=_shown,
            show_default=False,
            help=f"Show the source of the first call: N lines around it, {CONTEXT} without a number, or its whole "
            "function. The call, its conditions and the assignments before them are marked.",
        ),
    ] = None

    callers: Annotated[
        Any,
        typer.Option(
            metavar="[=DEPTH]",
            parser=_depth,
            show_default=False,
            help="List what calls the function of the first call, or has its address. "
            f"DEPTH, 1 to {DEEPEST}: also the callers of its callers. Each level is a search of the tree.",
        ),
    ] = None

    @property
    def depth(self) -> int:
        """Levels of callers that an answer shows."""
        depth: int = self.callers or 0
        return depth

    @property
    def shown(self) -> Shown:
        """How much source code an answer shows."""
        shown: Shown = self.source
        return shown


def _level(text: str) -> str:
    level = level_named(text)
    if level is None:
        names = ", ".join(LEVELS)
        raise KsrcfindError(f"no such level: {text}", f"Levels are {names}, names like warning and error, and 0 to 7.")
    return level


FILTERS = "Filters and groups"
JOURNAL = "The journal"


@dataclass(frozen=True, slots=True)
class Batching(Asking):
    """Options of batch."""

    each: Annotated[
        bool, typer.Option("--each", help="Answer line by line, in order and at once; do not group repeats.")
    ] = False
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Keep reading as the log grows, until Ctrl-C, and write updated answers."),
    ] = False
    history_limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            show_default=False,
            help="Show the history of only the N most severe messages.",
        ),
    ] = None
    min_level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            parser=_level,
            show_default=False,
            help=f"Only messages of this level or more severe: {', '.join(LEVELS)}. Names such as warning and error, "
            "and 0 to 7, work too. Messages of unknown level are omitted.",
            rich_help_panel=FILTERS,
        ),
    ] = None
    only: Annotated[
        LineKind | None,
        typer.Option(
            metavar="|".join(LineKind),
            show_default=False,
            help="Only lines that match a message, or only lines that match none.",
            rich_help_panel=FILTERS,
        ),
    ] = None
    new_since: Annotated[
        str | None,
        typer.Option(
            metavar="RELEASE",
            show_default=False,
            help="Only messages that a release after this one introduced.",
            rich_help_panel=FILTERS,
        ),
    ] = None
    group_by: Annotated[
        GroupBy,
        typer.Option(metavar="|".join(GroupBy), help="How to group messages.", rich_help_panel=FILTERS),
    ] = GroupBy.MESSAGE
    callers: Annotated[
        Any,
        typer.Option(
            metavar="[=DEPTH]",
            parser=_depth,
            show_default=False,
            help="With --format html: list what calls the function of each message. "
            f"DEPTH, 1 to {DEEPEST}: also the callers of its callers, with a search of the tree for each.",
        ),
    ] = None
    journal: Annotated[
        bool,
        typer.Option("--journal", help="Read the kernel log from the systemd journal.", rich_help_panel=JOURNAL),
    ] = False
    boot: Annotated[
        str | None,
        typer.Option(
            metavar="BOOT",
            show_default=False,
            help="Which boot: -1 for the previous one, an id, or all. Default: the current one.",
            rich_help_panel=JOURNAL,
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", show_default=False, help="Start time, such as yesterday or -2h.", rich_help_panel=JOURNAL
        ),
    ] = None
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", show_default=False, help="End time.", rich_help_panel=JOURNAL),
    ] = None


def _formats(command: str, formats: Sequence[Format]) -> Any:
    """Return the declaration of `--format` for a command with these formats."""

    def parse(text: str) -> Format:
        if text not in formats:
            names = f"{', '.join(formats[:-1])} and {formats[-1]}" if len(formats) > 1 else f"{formats[0]} only"
            raise KsrcfindError(f"{command} has no format {text}", f"It has {names}.")
        return Format(text)

    option = typer.Option(
        metavar="|".join(formats),
        parser=parse,
        autocompletion=lambda: [*formats],
        help="Output format.",
        rich_help_panel=SHARED,
        hidden=len(formats) == 1,
    )
    return Annotated[Format, option]


def shared_options(function: Callable[..., None]) -> Callable[..., None]:
    """Return the program's function with the options of every command in its help; it ignores their values.

    `argv.reorder` moves these options behind the command, wherever they were typed.
    """
    hints = get_type_hints(Common, include_extras=True)

    @functools.wraps(function)
    def run(**values: Any) -> None:
        function(**{name: value for name, value in values.items() if name not in hints})

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*inspect.signature(function).parameters.values(), *_parameters(Common, hints)]
    )
    return run


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
        hints = get_type_hints(shared, include_extras=True) | {"format": _formats(function.__name__, formats)}

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
