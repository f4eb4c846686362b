"""What the command life does: a line or a place in, the life of its message out."""

from collections.abc import Callable, Sequence

from ksrcfind.cli.options import Common
from ksrcfind.cli.places import in_tree, parse_place
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import show_note
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.timelines import life_of
from ksrcfind.finding import Finding
from ksrcfind.output.lifetime import lifetime


def show_life(options: Common, words: Sequence[str]) -> int:
    """Write the life of the message that a line or PATH:LINE names; return the exit status."""
    session = begin(options)
    text = " ".join(words)
    with session.engine() as engine:
        engine.releases.check_lives()
        finding = _found(engine, text, lambda path: in_tree(path, engine.root, session.directory))
        if not finding.answer.matches:
            said = finding.answer.reason.text if finding.answer.reason else "Nothing matched."
            older = (
                "" if engine.releases.indexed() else " `ksrcfind index --releases` lets it be found in older releases."
            )
            show_note(session.terminal.painter.line(said + older))
            return 1
        life = life_of(finding, engine.histories.later(finding), [tag.name for tag in engine.releases.tags])
        for piece in lifetime(options.format, life, engine.histories.commit, session.painter(engine)):
            session.terminal.write(piece)
    return 0


def _found(engine: Engine, text: str, path_in_tree: Callable[[str], str]) -> Finding:
    """Return the finding of a place if the text is one of a file of the tree, else that of a line."""
    try:
        path, line = parse_place(text)
    except KsrcfindError:
        return engine.find(text, limit=1)
    if any(character.isspace() for character in text):
        return engine.find(text, limit=1)
    return next(iter(engine.at([(path_in_tree(path), line)])))
