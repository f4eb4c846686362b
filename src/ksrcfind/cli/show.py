"""The command show: print a function with its log messages, or a commit with what it names."""

from ksrcfind.cli.options import Common
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import FOUND, NOTHING_FOUND, show_note
from ksrcfind.output.formats import Format
from ksrcfind.output.shown import commit_json, commit_text, functions_json, functions_text


def show_name(options: Common, name: str) -> int:
    """Write the functions of a name, else the commit that it names; return the exit status."""
    session = begin(options)
    as_json = options.format is Format.JSON
    with session.engine() as engine:
        painter = session.painter(engine)
        functions = list(engine.show.functions(name))
        commit = None if functions else engine.show.commit(name)
        if functions:
            pieces = functions_json(functions, engine.info) if as_json else functions_text(functions, painter)
        elif commit is not None:
            pieces = commit_json(commit) if as_json else commit_text(commit, painter)
        else:
            meant = engine.show.similar(name)
            show_note(session.terminal.painter.line(f"no function, macro or commit is named {name}"))
            advice = f"Did you mean {meant}?" if meant else "Name a function, as in dump_header, or a commit by its id."
            show_note(session.terminal.painter.line(advice, indent=2))
            return NOTHING_FOUND
        for piece in pieces:
            session.terminal.write(piece)
    return FOUND
