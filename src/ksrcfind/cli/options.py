"""The options that several commands share, declared once for both parsers: `quick_parser.py` and typer.

A command receives them as one object: an instance of `Common` or of a class that extends it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct

from ksrcfind.batch.options import GroupBy, LineKind
from ksrcfind.callers.record import DEEPEST
from ksrcfind.conditions.record import CONTEXT
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import HistoryMode, Shown
from ksrcfind.levels import LEVELS, level_named
from ksrcfind.output.formats import Format
from ksrcfind.output.style import Color
from ksrcfind.printk_index import RUNNING

SHARED = "Options of every command"
_MOST_SOURCE = 10_000  # lines around a call
AUTO = "auto"
"""A value of `--rev`: use the revision of the log."""


class Traced(StrEnum):
    """Which matches get a history."""

    FIRST = "first"
    ALL = "all"


class Declaration(Struct, frozen=True):
    """An option as declared. It is independent of typer, whose import takes longer than an answer should."""

    names: tuple[str, ...]
    """Names as typed, with their dashes; empty for the name of the field: `no_history` → `--no-history`."""
    settings: dict[str, Any]
    """Keyword arguments of `typer.Option`."""

    def names_of(self, field: str) -> tuple[str, ...]:
        """Return the names of the option that is declared for a field."""
        return self.names or (f"--{field.replace('_', '-')}",)


def option(*names: str, **settings: Any) -> Declaration:
    """Return the declaration of an option; the arguments are those of `typer.Option`."""
    return Declaration(names, settings)


class Common(Struct, frozen=True):
    """The options that every command has."""

    repo: Annotated[
        Path | None,
        option(
            "--repo",
            "-C",
            metavar="DIR",
            show_default=False,
            help="The kernel tree: a git repository or an unpacked tarball, or a name: ksrcfind tree add. "
            "Default: KSRCFIND_REPO, the current directory or one above it, the configuration file.",
            rich_help_panel=SHARED,
        ),
    ] = None
    rev: Annotated[
        str | None,
        option(
            metavar="REV",
            show_default=False,
            help="Answer for this tag, branch or commit instead of the checked-out files. Nothing is checked out. "
            "For batch also auto: the named tree or the release of the log's banner, or the release that matches most "
            "of its messages.",
            rich_help_panel=SHARED,
        ),
    ] = None
    index: Annotated[
        Path | None,
        option(
            metavar="FILE",
            show_default=False,
            help="Answer from a bundle, without a tree. Default: KSRCFIND_INDEX.",
            rich_help_panel=SHARED,
        ),
    ] = None
    printk_index: Annotated[
        Path | None,
        option(
            metavar="[=PATH]",
            show_default=False,
            help="Answer from the kernel's own list of log calls: of the running kernel, or with =PATH of a vmlinux, "
            "a module, or a directory of them. The kernel must be built with CONFIG_PRINTK_INDEX.",
            rich_help_panel=SHARED,
        ),
    ] = None
    format: Annotated[
        Format,
        option(
            metavar="FORMAT",
            help="Output format. The help of each command lists its formats.",
            rich_help_panel=SHARED,
        ),
    ] = Format.TEXT
    """The output format; `@command` gives each command the formats that it can write."""
    color: Annotated[
        Color | None,
        option(
            metavar="|".join(Color),
            show_default=False,
            help="When to colour text. Default: auto, which colours on a terminal unless NO_COLOR is set.",
            rich_help_panel=SHARED,
        ),
    ] = None
    jobs: Annotated[
        int | None,
        option(
            "--jobs",
            "-j",
            metavar="N",
            min=1,
            show_default=False,
            help="Number of worker processes. Default: one for each core.",
            rich_help_panel=SHARED,
        ),
    ] = None
    quiet: Annotated[bool, option("--quiet", "-q", help="Show no progress.", rich_help_panel=SHARED)] = False


class Asking(Common, frozen=True):
    """Options of the commands that answer with findings."""

    limit: Annotated[
        int, option("--limit", "-n", metavar="N", min=1, max=1000, help="Show at most N calls for a line.")
    ] = 5
    history: Annotated[
        Traced,
        option(metavar="|".join(Traced), help="Show the history of the first match or of all. See --no-history."),
    ] = Traced.FIRST
    no_history: Annotated[bool, option("--no-history", help="Show no history. This is faster, for long logs.")] = False
    no_follow: Annotated[
        bool, option("--no-follow", help="Report plain git blame; do not follow earlier wordings.")
    ] = False

    @property
    def history_mode(self) -> HistoryMode:
        """The history mode that `--history` and `--no-history` select."""
        if self.no_history:
            return HistoryMode.OFF
        return HistoryMode.ALL if self.history is Traced.ALL else HistoryMode.FIRST


COMMANDS = (
    "find",
    "at",
    "batch",
    "messages",
    "life",
    "explain",
    "show",
    "diff",
    "tree",
    "index",
    "doctor",
    "lsp",
    "mcp",
    "help",
    "version",
)
"""The names of the commands, in the order of the help."""

WITHOUT_VALUE = {"--source": str(CONTEXT), "--callers": "1", "--printk-index": RUNNING}
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


class Explaining(Asking, frozen=True):
    """Options of find and at."""

    source: Annotated[
        Any,
        option(
            metavar="[=N|function]",
            parser=_shown,
            show_default=False,
            help=f"Show the source of the first call: N lines around it, {CONTEXT} without a number, or its whole "
            "function. The call, its conditions and the assignments before them are marked.",
        ),
    ] = None

    callers: Annotated[
        Any,
        option(
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


def level_option(text: str) -> str:
    """Return the level that the value of an option names. Raises `KsrcfindError` if it names none."""
    level = level_named(text)
    if level is None:
        names = ", ".join(LEVELS)
        raise KsrcfindError(f"no such level: {text}", f"Levels are {names}, names like warning and error, and 0 to 7.")
    return level


FILTERS = "Filters and groups"
JOURNAL = "The journal"


class Batching(Asking, frozen=True):
    """Options of batch."""

    each: Annotated[bool, option("--each", help="Answer line by line, in order and at once; do not group repeats.")] = (
        False
    )
    follow: Annotated[
        bool,
        option("--follow", "-f", help="Keep reading as the log grows, until Ctrl-C, and write updated answers."),
    ] = False
    everything: Annotated[
        bool,
        option(
            "--all",
            help="In the format text: list every message and the statistics, not only the worst incidents. Options "
            "that select or group messages imply it.",
        ),
    ] = False
    no_pager: Annotated[bool, option("--no-pager", help="Do not show text in a pager on a terminal.")] = False
    fail_on: Annotated[
        str | None,
        option(
            metavar="LEVEL",
            parser=level_option,
            show_default=False,
            help="Exit with status 3 if there is an incident of this level or more severe.",
        ),
    ] = None
    history_limit: Annotated[
        int | None,
        option(
            metavar="N",
            min=0,
            show_default=False,
            help="Show the history of only the N most severe messages.",
        ),
    ] = None
    min_level: Annotated[
        str | None,
        option(
            metavar="LEVEL",
            parser=level_option,
            show_default=False,
            help=f"Only messages of this level or more severe: {', '.join(LEVELS)}. Names such as warning and error, "
            "and 0 to 7, work too. Messages of unknown level are omitted.",
            rich_help_panel=FILTERS,
        ),
    ] = None
    only: Annotated[
        LineKind | None,
        option(
            metavar="|".join(LineKind),
            show_default=False,
            help="Only lines that match a message, or only lines that match none.",
            rich_help_panel=FILTERS,
        ),
    ] = None
    new_since: Annotated[
        str | None,
        option(
            metavar="RELEASE",
            show_default=False,
            help="Only messages that a release after this one introduced.",
            rich_help_panel=FILTERS,
        ),
    ] = None
    group_by: Annotated[
        GroupBy,
        option(
            metavar="|".join(GroupBy),
            help="How to group messages. host: what happened to each host of a directory or a central syslog, the "
            "worst host first.",
            rich_help_panel=FILTERS,
        ),
    ] = GroupBy.MESSAGE
    callers: Annotated[
        Any,
        option(
            metavar="[=DEPTH]",
            parser=_depth,
            show_default=False,
            help="With --format html: list what calls the function of each message. "
            f"DEPTH, 1 to {DEEPEST}: also the callers of its callers, with a search of the tree for each.",
        ),
    ] = None
    journal: Annotated[
        bool,
        option("--journal", help="Read the kernel log from the systemd journal.", rich_help_panel=JOURNAL),
    ] = False
    boot: Annotated[
        str | None,
        option(
            metavar="BOOT",
            show_default=False,
            help="Which boot: -1 for the previous one, an id, or all. Default: the current one.",
            rich_help_panel=JOURNAL,
        ),
    ] = None
    since: Annotated[
        str | None,
        option(
            metavar="TIME", show_default=False, help="Start time, such as yesterday or -2h.", rich_help_panel=JOURNAL
        ),
    ] = None
    until: Annotated[
        str | None,
        option(metavar="TIME", show_default=False, help="End time.", rich_help_panel=JOURNAL),
    ] = None
