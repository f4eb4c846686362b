"""Run the program: returns one exit status for every way in which a run can end, and shows all errors.

The usual questions are parsed by `quick_parser.py`, everything else by typer.
"""

import os
from collections.abc import Sequence

from ksrcfind import __version__
from ksrcfind.cli.argv import has_blank
from ksrcfind.cli.terminal import FOUND, INTERRUPTED, NOTHING_FOUND, Ended, flush, say, show_error, write
from ksrcfind.errors import KsrcfindError

_VERSION = (["--version"], ["-V"], ["version"])


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit status. Errors are shown here and nowhere else."""
    try:
        status = _answer(arguments)
        flush()
    except KsrcfindError as error:
        show_error(KsrcfindError(error.title, "\n".join([*_advice(arguments), *filter(None, [error.hint])])))
        return error.exit_code
    except Ended as end:
        return end.status
    except KeyboardInterrupt:
        return INTERRUPTED
    if status == NOTHING_FOUND:
        for advice in _advice(arguments):
            say(advice)
    return status


def _answer(arguments: Sequence[str]) -> int:
    """Run the command of the arguments and return its exit status. Raises `KsrcfindError`."""
    # Each parser is imported when it is needed, to start faster.
    if "_KSRCFIND_LINE" in os.environ:
        from ksrcfind.cli.completion import complete

        lines, status = complete(os.environ)
        write(f"{lines}\n" if lines else "")
        raise Ended(status)  # without the advice for a query that got no answer
    if list(arguments) in _VERSION:
        write(f"ksrcfind {__version__}\n")
        return FOUND
    from ksrcfind.cli import quick_parser

    question = quick_parser.read(arguments)
    if question is not None:
        from ksrcfind.cli.answers import explain_lines, explain_places

        explain = explain_places if question.command == "at" else explain_lines
        return explain(question.options, question.words, open_editor=question.open_editor)
    from ksrcfind.cli.typer_parser import run_command

    return run_command(arguments)


def _advice(arguments: Sequence[str]) -> list[str]:
    """Return hints with the command that the user probably meant by a query that got no answer."""
    from ksrcfind.cli import quick_parser

    question = quick_parser.read(arguments)
    if question is not None and any(map(has_blank, question.words)):
        return []  # It was a log line.
    from ksrcfind.cli.typer_parser import advice

    return list(advice(arguments))
