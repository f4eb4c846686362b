"""The commands. Each asks the Finder, hands the findings to a writer and returns its exit status.

What only one command needs is imported by it: an answer is wanted in less time than it takes to import everything.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ksrcfind import __version__
from ksrcfind.cli.arrange import HELP, Option, arrange, has_blank
from ksrcfind.cli.edit import become, editor_call
from ksrcfind.cli.examples import epilog
from ksrcfind.cli.options import LOG_FORMATS, Asking, Batching, Common, Format, command
from ksrcfind.cli.places import Place, in_tree, parse_place, parse_places
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import INTERRUPTED, color_help, flush, show_error
from ksrcfind.errors import KsrcfindError
from ksrcfind.finder import Finder
from ksrcfind.finding import Finding
from ksrcfind.log.stream import STDIN, read_logs
from ksrcfind.output.writer import Writer

FOUND, NOTHING_FOUND = 0, 1
"""Exit status; that of errors is theirs, 2."""


class Group(TyperGroup):
    """The program, with the rules of `arrange`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Bring the arguments into typer's order first."""
        options = {name: Option(False, for_all=True) for parameter in self.params for name in parameter.opts}
        for one in self.commands.values():
            for parameter in one.params:
                options |= dict.fromkeys(parameter.opts, Option(not getattr(parameter, "is_flag", False)))
        arranged = arrange(args, {*self.commands}, options)
        if HELP & {*arranged}:
            color_help(args)
            if arranged[0].startswith("-"):  # Help for the program, which has none of the commands' options.
                arranged = ["--help"]
        return super().parse_args(ctx, arranged)


app = typer.Typer(
    name="ksrcfind",
    cls=Group,
    subcommand_metavar="[COMMAND] LINE...",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=epilog(""),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ksrcfind {__version__}")
        raise typer.Exit(FOUND)


@app.callback()
def program(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """From a line of the kernel's log to the code that printed it, the commit and the first release that has it.

    Without a command word, find is meant; a line with a blank in it is never taken for an option.

    Options may stand before and after the command, -- ends them. COMMAND --help lists them.
    """


Open = Annotated[
    bool, typer.Option("--open", help="Open the first call in an editor: VISUAL, EDITOR or the configured one.")
]


@command(app, epilog=epilog("find"))
def find(
    options: Asking,
    lines: Annotated[
        list[str],
        typer.Argument(
            metavar="LINE...", show_default=False, help="Log lines, whole or in part; - reads them from standard input."
        ),
    ],
    open_editor: Open = False,
) -> int:
    """Find the calls that printed a log line.

    Each argument is a line. Unquoted words without a blank in any of them are one line together.
    """
    session = begin(options)
    with session.finder() as finder:
        first = _show(_found(finder, options, lines), session.writer(options, finder))
        words = editor_call(finder, first, session.settings.editor) if first and open_editor else None
    return _end(first, words)


@command(app, epilog=epilog("at"))
def at(
    options: Asking,
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH:LINE...", show_default=False, help="Places of the tree; - reads them from standard input."
        ),
    ],
    open_editor: Open = False,
) -> int:
    """Tell what the log call at a place of the source prints and where it came from.

    Any line from the start to the end of a call names it. A call that a comment or #if 0 switches off is told
    with a note.
    """
    session = begin(options)
    wanted: list[Place] = []
    for place in places:
        if place == STDIN:
            text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
            wanted += parse_places(text.split("\n"), "standard input")
        else:
            wanted.append(parse_place(place))
    with session.finder() as finder:
        wanted = [(in_tree(path, finder.root, session.directory), line) for path, line in wanted]
        findings = finder.at(wanted, history=options.history_mode)
        first = _show(findings, session.writer(options, finder))
        words = editor_call(finder, first, session.settings.editor) if first and open_editor else None
    return _end(first, words)


@command(app, formats=LOG_FORMATS, epilog=epilog("batch"))
def batch(
    options: Batching,
    logs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOG...",
            show_default=False,
            help="Log files, compressed ones too, or directories of them; - is standard input.",
        ),
    ] = None,
) -> int:
    """Explain a whole log.

    Repeats of one message are folded into one answer, the most severe first, written at the end with what the log came
    to. Ctrl-C ends with what is done so far.
    """
    from ksrcfind.cli.logs import explain_logs

    return explain_logs(options, logs or [])


@command(app, formats=(Format.TEXT, Format.JSON, Format.NDJSON, Format.CSV), epilog=epilog("messages"))
def messages(
    options: Common,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH...", show_default=False, help="Files and directories of the tree. Default: all."),
    ] = None,
) -> int:
    """List every message that the kernel can print, without building or booting it.

    One record for each log call, or for each of the texts that it chooses from. Builds a missing index first.
    """
    from ksrcfind.output.listing import listing

    session = begin(options)
    with session.finder() as finder:
        wanted = [in_tree(path, finder.root, session.directory) for path in paths or ()]
        found = finder.messages(wanted)
        first = next(found, None)
        everything = chain([first] if first else [], found)
        for text in listing(options.format, everything, session.painter(finder)):
            session.terminal.write(text)
    return FOUND if first else NOTHING_FOUND


@command(app, formats=(Format.TEXT, Format.JSON, Format.NDJSON), epilog=epilog("life"))
def life(
    options: Common,
    words: Annotated[
        list[str],
        typer.Argument(metavar="LINE|PATH:LINE", show_default=False, help="A log line, or a place of the tree."),
    ],
) -> int:
    """Tell the life of a message: how it reads in which releases, to today or to the commit that removed it.

    A message that is gone from the tree is found in the older releases that are indexed (index --releases).
    """
    from ksrcfind.cli.lives import tell_life

    return tell_life(options, words)


@command(app, formats=(Format.TEXT, Format.JSON, Format.NDJSON, Format.CSV), epilog=epilog("diff"))
def diff(
    options: Common,
    old: Annotated[str, typer.Argument(metavar="REV1", show_default=False, help="The older tag, branch or commit.")],
    new: Annotated[str, typer.Argument(metavar="REV2", show_default=False, help="The newer one.")],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH...", show_default=False, help="Files and directories of the tree. Default: all."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Tell instead which rules match no message any more: one fixed string or regular expression a line.",
        ),
    ] = None,
) -> int:
    """Tell which messages two releases have not in common.

    A message was added, removed, reworded, moved, or its level changed. Builds missing indexes first.
    """
    from ksrcfind.cli.compare import compare

    return compare(options, old, new, paths or [], rules)


@command(app, formats=(Format.TEXT, Format.JSON), epilog=epilog("index"))
def index(
    options: Common,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Write a bundle: one file that answers without a tree and without git (--index FILE).",
        ),
    ] = None,
    with_history: Annotated[
        bool,
        typer.Option(
            "--with-history",
            help="Put the history of every message into it. That takes hours for all of Linux; "
            "a run that was ended goes on where it was.",
        ),
    ] = False,
    releases: Annotated[
        bool,
        typer.Option(
            "--releases",
            help="Index every release tag instead, so that find and life know messages that are gone. "
            "A run that was ended goes on where it was.",
        ),
    ] = False,
    candidates: Annotated[
        bool, typer.Option("--candidates", help="With --releases: release candidates (-rc) as well.")
    ] = False,
) -> int:
    """Index the whole tree, so that every later answer is fast and complete.

    Only what changed since the last time is read again. Nothing is written into the tree.
    """
    from ksrcfind.carried import carry
    from ksrcfind.output.checks import releases_json, report_json

    if with_history and output is None:
        raise KsrcfindError("--with-history is for a bundle", "Add --output FILE.")
    if candidates and not releases:
        raise KsrcfindError("--candidates chooses among releases", "Add --releases.")
    if releases and (output is not None or options.rev is not None):
        raise KsrcfindError("--releases goes with no --rev and no --output", "It indexes every release tag.")
    session = begin(options)
    # An index that the environment names is for asking.
    session = replace(session, settings=replace(session.settings, index=options.index))
    with session.finder() as finder:
        if releases:
            done = finder.index_releases(candidates=candidates)
            session.terminal.write(releases_json(done) if options.format is Format.JSON else str(done))
            return FOUND
        report = finder.build_index()
        if output is not None:
            carry(finder, output, session.terminal.progress, with_history=with_history)
            report = replace(report, size_bytes=output.stat().st_size)
    session.terminal.write(report_json(report) if options.format is Format.JSON else str(report))
    return FOUND


@command(app, formats=(Format.TEXT, Format.JSON), epilog=epilog("doctor"))
def doctor(options: Common) -> int:
    """Say which tree, tags, history and index are used, and what to do about each."""
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
            help="Listen at a port of this machine instead, to see what goes on.",
        ),
    ] = None,
) -> int:
    """Serve an editor: the language server, over standard input and output.

    In a log, a line knows the call that printed it; in a C file of the tree, a log call knows its releases.
    """
    from ksrcfind.cli.servers import serve_lsp

    return serve_lsp(options, tcp)


@command(app, formats=(Format.TEXT,), epilog=epilog("mcp"))
def mcp(options: Common) -> int:
    """Serve an assistant: tools of the Model Context Protocol, over standard input and output.

    find, at, batch_summary, life and diff; results are documents of the schema ksrcfind/1.
    """
    from ksrcfind.cli.servers import serve_mcp

    return serve_mcp(options)


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit status. Errors are shown here and nowhere else."""
    try:
        status = typer.main.get_command(app).main(list(arguments) or ["--help"], "ksrcfind", standalone_mode=False)
        flush()
    except KsrcfindError as error:
        show_error(error)
        return error.exit_code
    except typer.TyperException as error:
        show_error(_usage_error(error))
        return KsrcfindError.exit_code
    except typer.Exit as end:
        return end.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    return status if arguments else KsrcfindError.exit_code


def _usage_error(error: typer.TyperException) -> KsrcfindError:
    """Return typer's error in our words."""
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path if context else 'ksrcfind'} --help tells more."
    if hasattr(error, "option_name"):
        hint += "\nText that begins with a dash goes behind two dashes: ksrcfind -- -EIO"
    # "Value error, " is pydantic's, which typer asks.
    return KsrcfindError(error.format_message().rstrip(".").replace("Value error, ", ""), hint)


def _found(finder: Finder, options: Asking, words: list[str]) -> Iterator[Finding]:
    """Yield the findings of the lines that the words of the command line are."""
    limit, history = options.limit, options.history_mode
    if STDIN not in words and not any(map(has_blank, words)):
        words = [" ".join(words)]
    for word in words:
        if word == STDIN:
            rows = read_logs([STDIN], sys.stdin.buffer)
            yield from finder.lines(rows, limit=limit, history=history)
            continue
        # A pasted piece of a log may be several lines.
        for line in word.removesuffix("\n").split("\n"):
            yield finder.find(line, limit=limit, history=history)


def _show(findings: Iterable[Finding], writer: Writer) -> Finding | None:
    """Write findings; return the first that something matched."""
    first: Finding | None = None
    for finding in findings:
        writer.finding(finding)
        if first is None and finding.answer.matches:
            first = finding
    writer.end(None)
    return first


def _end(first: Finding | None, words: list[str] | None) -> int:
    """Return the exit status, unless an editor takes over."""
    if words is not None:
        become(words)
    return FOUND if first is not None else NOTHING_FOUND
