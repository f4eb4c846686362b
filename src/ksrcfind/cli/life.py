"""The command life: show how a message changed from release to release, given a log line or a source line."""

from collections.abc import Callable, Sequence

from ksrcfind.cli.options import Common
from ksrcfind.cli.places import in_tree, parse_place
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import FOUND, NOTHING_FOUND, show_note
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.timelines import life_of
from ksrcfind.finding import Finding
from ksrcfind.output.lifetime import lifetime


def show_life(options: Common, words: Sequence[str]) -> int:
    """Write the timeline of the message that a log line or PATH:LINE names; return the exit status."""
    session = begin(options)
    text = " ".join(words)
    with session.engine() as engine:
        engine.releases.check_lives()
        finding = _found(engine, text, lambda path: in_tree(path, engine.root, session.directory))
        if not finding.answer.matches:
            reason = finding.answer.reason.text if finding.answer.reason else "Nothing matched."
            older = "" if engine.releases.indexed() else " To search older releases too: ksrcfind index --releases"
            show_note(session.terminal.painter.line(reason + older))
            return NOTHING_FOUND
        life = life_of(finding, engine.histories.later(finding), [tag.name for tag in engine.releases.tags])
        for piece in lifetime(options.format, life, engine.histories.commit, session.painter(engine)):
            session.terminal.write(piece)
    return FOUND


def _found(engine: Engine, text: str, path_in_tree: Callable[[str], str]) -> Finding:
    """Return the finding of a source line if the text is PATH:LINE, else the finding of the text as a log line."""
    try:
        path, line = parse_place(text)
    except KsrcfindError:
        return engine.find(text, limit=1)
    if any(character.isspace() for character in text):
        return engine.find(text, limit=1)
    return next(iter(engine.at([(path_in_tree(path), line)])))
