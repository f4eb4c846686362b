"""The commands: their arguments, options and help. What a command does is in a module of its own.

A command imports that module when it runs: importing everything takes longer than an answer should.
"""

import os
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ksrcfind import __version__
from ksrcfind.cli.argv import HELP, Option, reorder
from ksrcfind.cli.examples import epilog
from ksrcfind.cli.options import FILTERS, WITHOUT_VALUE, Batching, Common, Explaining, level_option
from ksrcfind.cli.places import in_tree
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import FOUND, NOTHING_FOUND, color_help
from ksrcfind.cli.typer_commands import command, shared_options
from ksrcfind.errors import KsrcfindError
from ksrcfind.match.names import closest
from ksrcfind.mcp.catalogue import TOOLS
from ksrcfind.output.formats import LOG_FORMATS, Format
from ksrcfind.rules.files import RulesFormat

MORE = (
    "[bold]More[/bold]\n\n  ksrcfind COMMAND --help shows the options and examples of a command.\n"
    "  README.md and the folder docs/ of the sources explain everything else."
)


class Group(TyperGroup):
    """The program; it accepts arguments in the order that `argv.reorder` describes."""

    def options(self) -> dict[str, Option]:
        """Return every option of the program and of its commands under each of its names."""
        options = {name: Option(False, for_all=True) for parameter in self.params for name in parameter.opts}
        for one in self.commands.values():
            for parameter in one.params:
                takes_value = not getattr(parameter, "is_flag", False)
                for name in parameter.opts:
                    options[name] = Option(takes_value, WITHOUT_VALUE.get(name))
        return options

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments after putting them into the order that typer expects."""
        ordered = reorder(args, {*self.commands}, self.options())
        if HELP & {*ordered}:
            color_help(args)
            self._hide_types(ctx)
        return super().parse_args(ctx, ordered)

    def _hide_types(self, ctx: Any) -> None:
        """Hide the types `<bool>` and `<list[str]>`, which typer shows in the help of flags and of arguments."""
        parameter: Any
        for parameter in chain.from_iterable(one.get_params(ctx) for one in (self, *self.commands.values())):
            if parameter.param_type_name == "argument":
                parameter.display_type_rich = lambda **_: None
            elif parameter.is_flag:
                parameter.metavar = ""


app = typer.Typer(
    name="ksrcfind",
    cls=Group,
    add_completion=False,  # its scripts know no tags and no paths; see shells.py
    subcommand_metavar="[COMMAND] LINE...",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{epilog('')}\n\n{MORE}",
)


def group() -> Group:
    """Return the typer group that parses the arguments of the program and holds its commands."""
    made = typer.main.get_command(app)
    assert isinstance(made, Group)  # noqa: S101 - as `app` declares it
    return made


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(f"ksrcfind {__version__}")
        raise typer.Exit(FOUND)


def _show_completion(requested: bool) -> None:
    if requested:
        from ksrcfind.cli.shells import script

        typer.echo(script(os.environ), nl=False)
        raise typer.Exit(FOUND)


def _install_completion(requested: bool) -> None:
    if requested:
        from ksrcfind.cli.shells import install

        typer.echo(install(os.environ, Path.home()), nl=False)
        raise typer.Exit(FOUND)


@app.callback()
@shared_options
def program(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            callback=_install_completion,
            is_eager=True,
            help="Install completion for the current shell, which SHELL names.",
        ),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option(
            "--show-completion",
            callback=_show_completion,
            is_eager=True,
            help="Show the completion script of the current shell.",
        ),
    ] = False,
) -> None:
    """Find the source line that printed a kernel log message, its commit, and the first release that has it.

    With no command, find is assumed. An argument that contains a space is always text.

    Options may stand before and after the command; -- ends them.
    """


Open = Annotated[
    bool, typer.Option("--open", help="Open the first call in an editor: VISUAL, EDITOR or the configured one.")
]
Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", show_default=False, help="Files and directories of the tree. Default: all."),
]


@command(app, epilog=epilog("find"))
def find(
    options: Explaining,
    lines: Annotated[
        list[str],
        typer.Argument(
            metavar="LINE", show_default=False, help="Log lines, whole or in part; - reads them from standard input."
        ),
    ],
    open_editor: Open = False,
) -> int:
    """Find the calls that printed a log line.

    Each argument is one line. Unquoted words, none of which contains a space, are one line together.
    """
    from ksrcfind.cli.answers import explain_lines

    return explain_lines(options, lines, open_editor=open_editor)


@command(app, epilog=epilog("at"))
def at(
    options: Explaining,
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH:LINE", show_default=False, help="Source lines of the tree; - reads them from standard input."
        ),
    ],
    open_editor: Open = False,
) -> int:
    """Show what the log call at PATH:LINE prints and when it was added.

    Any line of the call will do, from its first to its last. A note marks a call that a comment or #if 0 disables.
    """
    from ksrcfind.cli.answers import explain_places

    return explain_places(options, places, open_editor=open_editor)


@command(app, formats=LOG_FORMATS, epilog=epilog("batch"))
def batch(
    options: Batching,
    logs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOG",
            show_default=False,
            help="Log files, also compressed, or directories of them; - reads standard input.",
        ),
    ] = None,
) -> int:
    """Explain a whole log.

    Text shows what happened to the machine: the worst incidents first, each with its lines, place and meaning. With
    --all, and in the other formats, every message is shown once, most severe first, with a summary of the log. Ctrl-C
    ends the run and writes the results so far.
    """
    from ksrcfind.cli.logs import explain_logs

    return explain_logs(options, logs or [])


@command(app, formats=(Format.TEXT, Format.JSON, Format.NDJSON, Format.CSV), epilog=epilog("messages"))
def messages(options: Common, paths: Paths = None) -> int:
    """List every message that the kernel can print, without building or booting it.

    There is one record for each log call; a call that chooses among several texts has one for each text. Builds a
    missing index first.
    """
    from ksrcfind.output.listing import listing

    session = begin(options)
    with session.engine() as engine:
        selected = [in_tree(path, engine.root, session.directory) for path in paths or ()]
        found = engine.messages(selected)
        first = next(found, None)
        everything = chain([first] if first else [], found)
        for text in listing(options.format, everything, session.painter(engine)):
            session.terminal.write(text)
    return FOUND if first else NOTHING_FOUND


@command(app, formats=(Format.TEXT, Format.JSON, Format.NDJSON), epilog=epilog("life"))
def life(
    options: Common,
    words: Annotated[
        list[str],
        typer.Argument(metavar="LINE|PATH:LINE", show_default=False, help="A log line, or a source line of the tree."),
    ],
) -> int:
    """Show how a message's wording changed from release to release, until today or until its removal.

    A message that was removed from the tree is found in the older releases that are indexed (index --releases).
    """
    from ksrcfind.cli.life import show_life

    return show_life(options, words)


@command(app, formats=(Format.TEXT, Format.JSON), epilog=epilog("explain"))
def explain(
    options: Common,
    words: Annotated[
        list[str],
        typer.Argument(metavar="LINE|PATH:LINE", show_default=False, help="A log line, or a source line of the tree."),
    ],
) -> int:
    """Explain what a message means: usual causes, what to check, and all that is known about the call.

    The explanation comes from a knowledge base, and names the source file or document that confirms it. The commands
    to check only read; values of the line are filled in. Below it: conditions, callers, history, and later changes.
    """
    from ksrcfind.cli.explain import explain_message

    return explain_message(options, words)


@command(app, formats=(Format.TEXT, Format.JSON), epilog=epilog("show"))
def show(
    options: Common,
    name: Annotated[
        str,
        typer.Argument(metavar="FUNCTION|COMMIT", show_default=False, help="A function, a macro, or a commit."),
    ],
) -> int:
    """Show the source of a function with its log messages, or a commit with what it names.

    Functions of one name are all shown. A commit is shown with its message, its releases, and the places of the
    functions, macros, files, commits and messages that it names.
    """
    from ksrcfind.cli.show import show_name

    return show_name(options, name)


@command(app, formats=(Format.TEXT, Format.JSON, Format.NDJSON, Format.CSV), epilog=epilog("diff"))
def diff(
    options: Common,
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            show_default=False,
            help="The older release: a tag, branch or commit, the directory of a kernel tree, or a bundle. A name that "
            "begins with ./ or / is never a revision.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", show_default=False, help="The newer release, likewise.")],
    paths: Paths = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Show instead which monitoring rules can still match a message. FILE has the rules of Loki, rsyslog, "
            "logcheck, fail2ban or node-problem-detector, or one fixed string or regular expression on each line.",
        ),
    ] = None,
    rules_format: Annotated[
        RulesFormat | None,
        typer.Option(
            metavar="|".join(RulesFormat),
            show_default=False,
            help="The format of the file of rules. Default: by its name and content.",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="KIND,...",
            show_default=False,
            help="Only these kinds of differences: added, removed, reworded, level, moved.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    min_level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            parser=level_option,
            show_default=False,
            help="Only messages that have or had this level or a more severe one.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    subsystem: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Only messages of subsystems of MAINTAINERS whose name contains NAME.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List all differences on a terminal, not only the most severe.")
    ] = False,
) -> int:
    """Show which messages differ between two releases.

    A message was added, removed, reworded or moved, or its level changed. Builds missing indexes first.
    """
    from ksrcfind.cli.compare import compare, kinds_named
    from ksrcfind.evolution.differences import KINDS, Selection

    kinds = kinds_named(only) if only is not None else frozenset(KINDS)
    return compare(
        options,
        (old, new),
        paths or [],
        Selection(kinds, min_level, subsystem),
        rules,
        rules_format,
        everything=everything,
    )


@command(app, formats=(Format.TEXT, Format.JSON), epilog=epilog("tree"))
def tree(
    options: Common,
    action: Annotated[
        str, typer.Argument(metavar="for|add|list|remove", show_default=False, help="What to do; see above.")
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", show_default=False, help="for: logs. add: a name and a path. remove: a name."),
    ] = None,
) -> int:
    """Show how to get the source of a log's kernel, and name trees.

    "tree for LOG" shows the commands that download the source of the kernels that a log names; nothing is run. Without
    LOG, it is the kernel of this machine. "tree add NAME PATH" names a tree, a tarball, which is unpacked, or a bundle:
    then -C NAME works everywhere. "tree list" shows the names, "tree remove NAME" forgets one.
    """
    from ksrcfind.cli.tree import tree_command

    return tree_command(options, action, words or [])


@command(app, formats=(Format.TEXT, Format.JSON), epilog=epilog("index"))
def index(
    options: Common,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Write a bundle: an index in one file, which works without a tree and without git (--index FILE).",
        ),
    ] = None,
    with_history: Annotated[
        bool,
        typer.Option(
            "--with-history",
            help="Also read the history of all messages, once; later answers rarely need git blame. With --output, "
            "the bundle has the histories. An interrupted run continues where it stopped.",
        ),
    ] = False,
    with_code: Annotated[
        bool,
        typer.Option(
            "--with-code",
            help="Add the functions that print to the bundle, for conditions and --source. This doubles its size.",
        ),
    ] = False,
    releases: Annotated[
        bool,
        typer.Option(
            "--releases",
            help="Index every release tag instead, so that find and life also find removed messages. An interrupted "
            "run continues where it stopped.",
        ),
    ] = False,
    candidates: Annotated[
        bool, typer.Option("--candidates", help="With --releases: also index release candidates (-rc).")
    ] = False,
) -> int:
    """Index the whole tree, so that every later answer is fast and complete.

    A later run reads only files that changed. Nothing is written into the tree.
    """
    from ksrcfind.cli.indexing import build_index

    return build_index(
        options,
        output,
        with_history=with_history,
        with_code=with_code,
        releases=releases,
        candidates=candidates,
    )


@command(app, formats=(Format.TEXT, Format.JSON), epilog=epilog("doctor"))
def doctor(options: Common) -> int:
    """Show which tree, tags, history and index are used, and how to fix problems."""
    from ksrcfind.doctor import State, examine
    from ksrcfind.output.checks import checks_json, checks_text

    session = begin(options)
    checks = list(examine(session.settings, session.directory, session.rev))
    as_json = options.format is Format.JSON
    session.terminal.write(checks_json(checks) if as_json else checks_text(checks, session.terminal.painter))
    return KsrcfindError.exit_code if any(check.state is State.ERROR for check in checks) else FOUND


@command(app, formats=(Format.TEXT,), epilog=epilog("lsp"))
def lsp(
    options: Common,
    tcp: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            show_default=False,
            help="Listen on a port of this machine instead, for debugging.",
        ),
    ] = None,
) -> int:
    """Run a language server for editors, over standard input and output.

    In a log, it shows the call that printed a line; in a C file of the tree, the releases of a log call.
    """
    from ksrcfind.cli.servers import serve_lsp

    return serve_lsp(options, tcp)


@command(app, formats=(Format.TEXT,), epilog=epilog("mcp"), more=f"Tools: {', '.join(TOOLS)}.")
def mcp(
    options: Common,
    allow: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Let the assistant read logs below this directory too, not only in the tree and in the current "
            "directory. May be given several times.",
        ),
    ] = None,
) -> int:
    """Serve tools of the Model Context Protocol to an AI assistant, over standard input and output."""
    from ksrcfind.cli.servers import serve_mcp

    return serve_mcp(options, allow or [])


@command(app, formats=(Format.TEXT,), epilog=epilog("help"))
def help(  # noqa: A001 - the name of the command
    options: Common,  # noqa: ARG001 - every command takes them
    name: Annotated[
        str | None, typer.Argument(metavar="COMMAND", show_default=False, help="A command. Default: the program.")
    ] = None,
) -> int:
    """Show the help of the program or of a command."""
    program = group()
    if name is not None and name not in program.commands:
        meant = closest(name.lower(), program.commands)
        hint = f"Did you mean {meant}?" if meant is not None else f"Commands: {', '.join(program.commands)}"
        raise KsrcfindError(f"no such command: {name}", hint)
    status: int = program.main([*([name] if name else []), "--help"], "ksrcfind", standalone_mode=False)
    return status


@command(app, formats=(Format.TEXT,), epilog=epilog("version"))
def version(options: Common) -> int:  # noqa: ARG001 - every command takes them
    """Show the version."""
    typer.echo(f"ksrcfind {__version__}")
    return FOUND
