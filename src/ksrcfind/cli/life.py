"""The command life: show how a message changed from release to release, given a log line or a source line."""

from collections.abc import Sequence

from ksrcfind.cli.answers import answer_line_or_place
from ksrcfind.cli.options import Common
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import FOUND, NOTHING_FOUND, show_note
from ksrcfind.evolution.timelines import life_of
from ksrcfind.output.lifetime import lifetime


def show_life(options: Common, words: Sequence[str]) -> int:
    """Write the timeline of the message that a log line or PATH:LINE names; return the exit status."""
    session = begin(options)
    with session.engine() as engine:
        engine.releases.check_lives()
        finding = answer_line_or_place(session, engine, words, limit=1)
        if not finding.answer.matches:
            reason = finding.answer.reason.text if finding.answer.reason else "Nothing matched."
            older = "" if engine.releases.indexed() else " To search older releases too: ksrcfind index --releases"
            show_note(session.terminal.painter.line(reason + older))
            return NOTHING_FOUND
        life = life_of(finding, engine.histories.later(finding), [tag.name for tag in engine.releases.tags])
        for piece in lifetime(options.format, life, engine.histories.commit, session.painter(engine)):
            session.terminal.write(piece)
    return FOUND
