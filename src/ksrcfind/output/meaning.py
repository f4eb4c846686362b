"""Write what a message means as text: in short below an answer, in full for `explain`."""

import shlex
from collections.abc import Iterator, Sequence

from ksrcfind.knowledge.record import Meaning
from ksrcfind.output.style import Painter

_STYLES = {"critical": "error", "error": "error", "warning": "warn", "notice": "label", "info": "label"}


def brief_meaning(meaning: Meaning, place: str, painter: Painter, options: Sequence[str] = ()) -> Iterator[str]:
    """Yield what a message means, its first cause, and the command that tells more about `place` (PATH:LINE).

    `options` select the tree of the place in that command.
    """
    yield from painter.paragraph("Means", meaning.means)
    for cause in meaning.causes[:1]:
        yield from painter.paragraph("Usual cause", cause)
    yield painter.fact("More", shlex.join(["ksrcfind", "explain", *options, place]))


def full_meaning(meaning: Meaning, painter: Painter) -> Iterator[str]:
    """Yield an entry of the knowledge base: the causes, the commands to check, and where to read on."""
    yield painter.fact(meaning.severity.capitalize(), (meaning.title, _STYLES[meaning.severity]))
    yield from painter.paragraph("Means", meaning.means)
    for number, cause in enumerate(meaning.causes):
        yield from painter.paragraph("" if number else "Usual causes", f"- {cause}", hanging=2)
    for number, command in enumerate(meaning.check):
        yield painter.fact("" if number else "Check with", (command, "code"))
    for number, document in enumerate(meaning.documents):
        yield painter.fact("" if number else "Read", (document, "place"))
    yield painter.fact("Source", meaning.citation)
