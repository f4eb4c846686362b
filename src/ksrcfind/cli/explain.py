"""The command explain: what a message means, with everything that is known about its call."""

from collections.abc import Sequence

from ksrcfind.cli.answers import answer_line_or_place
from ksrcfind.cli.options import Common
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import FOUND, NOTHING_FOUND
from ksrcfind.knowledge.meaning import meaning_of
from ksrcfind.output.formats import Format
from ksrcfind.output.json import JsonWriter
from ksrcfind.output.lifetime import later_changes
from ksrcfind.output.text import TextWriter

NO_MEANING = "The knowledge base has no entry for this message, or the match is too doubtful for one."


def explain_message(options: Common, words: Sequence[str]) -> int:
    """Write everything about the message that a log line or PATH:LINE names; return the exit status."""
    session = begin(options)
    with session.engine() as engine:
        # A bundle has no code in which callers could be searched for.
        callers = 0 if engine.source_root is None else 1
        finding = answer_line_or_place(session, engine, words, callers=callers)
        write, commits = session.terminal.write, engine.histories.commit
        if options.format is Format.JSON:
            document = JsonWriter(write, commits)
            document.finding(finding)
            document.end(None)
        else:
            painter = session.painter(engine)
            TextWriter(write, commits, painter, full=True).finding(finding)
            if finding.answer.matches:
                for line in later_changes(engine.histories.later(finding), commits, painter):
                    write(line)
                if meaning_of(finding.answer) is None:
                    write(painter.line())
                    write(painter.line(NO_MEANING, indent=2))
    return FOUND if finding.answer.matches else NOTHING_FOUND
