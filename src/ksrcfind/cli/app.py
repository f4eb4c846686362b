"""The commands. Each asks the Engine, hands the findings to a writer and returns its exit status.

What only one command needs is imported by it: an answer is wanted in less time than it takes to import everything.
"""

import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ksrcfind import __version__
from ksrcfind.cli.argv import HELP, Option, arrange, has_blank, query_words
from ksrcfind.cli.edit import editor_call, exec_editor
from ksrcfind.cli.examples import epilog
from ksrcfind.cli.options import LOG_FORMATS, Asking, Batching, Common, Format, command, shared_options
from ksrcfind.cli.places import Place, in_tree, parse_place, parse_places, place_in_source
from ksrcfind.cli.session import Session, begin
from ksrcfind.cli.terminal import INTERRUPTED, color_help, flush, say, say_how_to_end, show_error
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.finding import Finding
from ksrcfind.log.stream import STDIN, is_file, read_logs
from ksrcfind.match.answer import Tier
from ksrcfind.match.names import closest
from ksrcfind.mcp.catalogue import TOOLS
from ksrcfind.output.writer import Writer

FOUND, NOTHING_FOUND = 0, 1
"""Exit status; that of errors is theirs, 2."""

MORE = (
    "[bold]More[/bold]\n\n  ksrcfind COMMAND --help shows the options and examples of a command.\n"
    "  README.md and the folder docs/ of the sources explain everything else."
)


class Group(TyperGroup):
    """The program, with the rules of `arrange`."""

    def options(self) -> dict[str, Option]:
        """Return every option of the program and of its commands under each of its names."""
        known = {name: Option(False, for_all=True) for parameter in self.params for name in parameter.opts}
        for one in self.commands.values():
            for parameter in one.params:
                known |= dict.fromkeys(parameter.opts, Option(not getattr(parameter, "is_flag", False)))
        return known

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Bring the arguments into typer's order first."""
        arranged = arrange(args, {*self.commands}, self.options())
        if HELP & {*arranged}:
            color_help(args)
        return super().parse_args(ctx, arranged)


app = typer.Typer(
    name="ksrcfind",
    cls=Group,
    subcommand_metavar="[COMMAND] LINE...",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{epilog('')}\n\n{MORE}",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ksrcfind {__version__}")
        raise typer.Exit(FOUND)


@app.callback()
@shared_options
def program(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find the source line that printed a kernel log message, its commit, and the first release that has it.

    With no command, find is assumed. An argument that contains a blank is always text.

    Options may stand before and after the command; -- ends them.
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
            metavar="LINE", show_default=False, help="Log lines, whole or in part; - reads them from standard input."
        ),
    ],
    open_editor: Open = False,
) -> int:
    """Find the calls that printed a log line.

    Each argument is a line. Unquoted words without a blank in any of them are one line together.
    """
    session = begin(options)
    with session.engine() as engine:
        first = _show(_found(session, engine, options, lines), session.writer(options, engine))
        words = editor_call(engine, first, session.settings.editor) if first and open_editor else None
    return _end(first, words)


@command(app, epilog=epilog("at"))
def at(
    options: Asking,
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH:LINE", show_default=False, help="Places of the tree; - reads them from standard input."
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
            say_how_to_end()
            text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
            if not text.strip():
                say("standard input is empty")
            wanted += parse_places(text.split("\n"), "standard input")
        else:
            wanted.append(parse_place(place))
    with session.engine() as engine:
        wanted = [(in_tree(path, engine.root, session.directory), line) for path, line in wanted]
        findings = engine.at(wanted, history=options.history_mode)
        first = _show(findings, session.writer(options, engine))
        words = editor_call(engine, first, session.settings.editor) if first and open_editor else None
    return _end(first, words)


@command(app, formats=LOG_FORMATS, epilog=epilog("batch"))
def batch(
    options: Batching,
    logs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOG",
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
        typer.Argument(metavar="PATH", show_default=False, help="Files and directories of the tree. Default: all."),
    ] = None,
) -> int:
    """List every message that the kernel can print, without building or booting it.

    One record for each log call, or for each of the texts that it chooses from. Builds a missing index first.
    """
    from ksrcfind.output.listing import listing

    session = begin(options)
    with session.engine() as engine:
        wanted = [in_tree(path, engine.root, session.directory) for path in paths or ()]
        found = engine.messages(wanted)
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
        typer.Argument(metavar="LINE|PATH:LINE", show_default=False, help="A log line, or a place of the tree."),
    ],
) -> int:
    """Tell the life of a message: how it reads in which releases, to today or to the commit that removed it.

    A message that is gone from the tree is found in the older releases that are indexed (index --releases).
    """
    from ksrcfind.cli.life import show_life

    return show_life(options, words)


@command(app, formats=(Format.TEXT, Format.JSON, Format.NDJSON, Format.CSV), epilog=epilog("diff"))
def diff(
    options: Common,
    old: Annotated[str, typer.Argument(metavar="REV1", show_default=False, help="The older tag, branch or commit.")],
    new: Annotated[str, typer.Argument(metavar="REV2", show_default=False, help="The newer one.")],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", show_default=False, help="Files and directories of the tree. Default: all."),
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
    from ksrcfind.bundle.writer import write_bundle
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
    with session.engine() as engine:
        if releases:
            done = engine.releases.index_all(candidates)
            if engine.index.unsaved is not None:
                raise KsrcfindError(engine.index.unsaved, "Make room, or name another directory: KSRCFIND_CACHE_DIR.")
            session.terminal.write(releases_json(done) if options.format is Format.JSON else str(done))
            return FOUND
        report = engine.index.build()
        if output is None and engine.index.unsaved is not None:
            raise KsrcfindError(engine.index.unsaved, "Make room, or name another directory: KSRCFIND_CACHE_DIR.")
        if output is not None:
            write_bundle(engine.backend, output, session.terminal.progress, with_history=with_history)
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


@command(app, formats=(Format.TEXT,), epilog=epilog("mcp"), more=f"Tools: {', '.join(TOOLS)}.")
def mcp(
    options: Common,
    allow: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Let the assistant name logs below this directory too, besides those in the tree and in the current "
            "directory. May be given several times.",
        ),
    ] = None,
) -> int:
    """Serve an assistant: tools of the Model Context Protocol, over standard input and output."""
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
    return run([name, "--help"] if name is not None and _program().commands.get(name) else _no_such_command(name))


@command(app, formats=(Format.TEXT,), epilog=epilog("version"))
def version(options: Common) -> int:  # noqa: ARG001 - every command takes them
    """Show the version."""
    typer.echo(f"ksrcfind {__version__}")
    return FOUND


def _no_such_command(name: str | None) -> list[str]:
    """Return the arguments for the program's own help. Raises `KsrcfindError` if a name was given."""
    if name is None:
        return ["--help"]
    commands = [*_program().commands]
    meant = closest(name.lower(), commands)
    hint = f"Did you mean {meant}?" if meant is not None else f"Commands: {', '.join(commands)}"
    raise KsrcfindError(f"no such command: {name}", hint)


def _program() -> Group:
    program = typer.main.get_command(app)
    assert isinstance(program, Group)  # noqa: S101 - as `app` declares it
    return program


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit status. Errors are shown here and nowhere else."""
    try:
        status: int = _program().main(list(arguments) or ["--help"], "ksrcfind", standalone_mode=False)
        flush()
    except KsrcfindError as error:
        return _fail(error, arguments)
    except typer.TyperException as error:
        return _fail(_usage_error(error, arguments), arguments)
    except typer.Exit as end:
        status = end.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    if status == NOTHING_FOUND:
        for advice in _advice(arguments):
            say(advice)
    return status if arguments else KsrcfindError.exit_code


def _fail(error: KsrcfindError, arguments: Sequence[str]) -> int:
    """Show an error with what was probably meant, and return its exit status."""
    show_error(KsrcfindError(error.title, "\n".join([*_advice(arguments), *filter(None, [error.hint])])))
    return error.exit_code


def _advice(arguments: Sequence[str]) -> Iterator[str]:
    """Yield what was probably meant by a query without a command word that has no answer."""
    program = _program()
    with suppress(KsrcfindError):
        words = query_words(arguments, {*program.commands}, program.options())
        if not words or any(map(has_blank, words)):
            return
        meant = closest(words[0].lower(), program.commands)
        if meant is not None:
            position = list(arguments).index(words[0])
            corrected = ["ksrcfind", *arguments[:position], meant, *arguments[position + 1 :]]
            yield f"Did you mean the command {meant}? {shlex.join(corrected)}"
        elif all(is_file(Path(word)) for word in words):
            yield f"To explain a whole log: {shlex.join(['ksrcfind', 'batch', *words])}"


def _usage_error(error: typer.TyperException, arguments: Sequence[str]) -> KsrcfindError:
    """Return typer's error in our words."""
    context = getattr(error, "ctx", None)
    program = _program()
    command = context.info_name if context is not None and context.info_name in program.commands else None
    if command is None:  # A value is missing: typer says so before it comes to the command.
        command = next((word for word in arguments if word in program.commands), "find")
    hints = [f"ksrcfind {command} --help shows its options and examples."]
    option = getattr(error, "option_name", None)
    title = error.format_message().rstrip(".")
    if title.startswith("No such option"):
        having = [name for name, one in program.commands.items() if any(option in param.opts for param in one.params)]
        if having:
            hints.insert(0, f"{option} is an option of {' and '.join(having)}.")
        hints.append("Text that begins with a dash goes after two dashes: ksrcfind -- -EIO")
    elif title.startswith("Got unexpected extra argument"):
        hints.append(f"A log line that begins with {command}: ksrcfind find {shlex.join(arguments)}")
    return KsrcfindError(_in_our_words(title), "\n".join(hints))


_AT_LEAST = re.compile(r"Input should be greater than or equal to (\d+)\Z")
_AT_MOST = re.compile(r"Input should be less than or equal to (\d+)\Z")


def _in_our_words(title: str) -> str:
    """Return an error of typer, or of pydantic which typer asks, as the rest of the program would say it."""
    title = title.replace("Value error, ", "")
    title = _AT_LEAST.sub(r"it must be \1 or more", title)
    title = _AT_MOST.sub(r"it must be \1 or less", title)
    before, found, _rest = title.partition("Input should be a valid integer")
    return f"{before}it must be a whole number" if found else title


def _found(session: Session, engine: Engine, options: Asking, words: list[str]) -> Iterator[Finding]:
    """Yield the findings of the lines that the words of the command line are."""
    limit, history = options.limit, options.history_mode
    if STDIN not in words and not any(map(has_blank, words)):
        finding = engine.find(" ".join(words), limit=limit, history=history)
        place = place_in_source(words[0]) if len(words) == 1 else None
        if place is None or finding.answer.verdict in (Tier.EXACT, Tier.PARTIAL):
            yield finding
            return
        say(f"answered as a place of the source: {shlex.join(['ksrcfind', 'at', words[0]])}")
        yield from engine.at([(in_tree(place[0], engine.root, session.directory), place[1])], history=history)
        return
    for word in words:
        if word == STDIN:
            yield from _lines_of_stdin(engine, options)
            continue
        # A pasted piece of a log may be several lines.
        for line in word.removesuffix("\n").split("\n"):
            yield engine.find(line, limit=limit, history=history)


def _lines_of_stdin(engine: Engine, options: Asking) -> Iterator[Finding]:
    say_how_to_end()
    rows = read_logs([STDIN], sys.stdin.buffer)
    first = next(rows, None)
    if first is None:
        say("standard input is empty")
        return
    yield from engine.lines(chain([first], rows), limit=options.limit, history=options.history_mode)


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
        exec_editor(words)
    return FOUND if first is not None else NOTHING_FOUND
