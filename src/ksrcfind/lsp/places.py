"""Convert paths and lines of the tree into locations that an editor can open."""

from pathlib import Path

from lsprotocol import types

from ksrcfind.engine.engine import Engine
from ksrcfind.lsp.virtual_documents import VirtualDocuments
from ksrcfind.match.answer import Answer, Match, Tier
from ksrcfind.tree.disk import read_file

TO_THE_END = 10**9


def location(engine: Engine, documents: VirtualDocuments, path: str, line: int) -> types.Location | None:
    """Return the location of a line, counted from 1; None if the file does not exist.

    If the file on disk differs from the revision, the location is in a read-only document with the revision's text.
    """
    lines = engine.source.lines(path, 1, TO_THE_END)
    if not lines:
        return None
    file = engine.root / path
    if engine.info.source == "git" and _on_disk(engine.root, path) != lines:
        file = documents.show(
            path.replace("/", "_"), "\n".join(lines), folder=engine.info.rev or engine.info.commit or ""
        )
    start = types.Position(min(line, len(lines)) - 1, 0)
    return types.Location(file.as_uri(), types.Range(start, start))


def best(answer: Answer) -> list[Match]:
    """Return the first match of an answer and all matches that are equally good."""
    return [match for match in answer.matches if _rank(match) == _rank(answer.matches[0])]


def _rank(match: Match) -> tuple[Tier, float]:
    return match.tier, match.score


def path_in_tree(engine: Engine, file: Path) -> str | None:
    """Return the path of a file relative to the tree; None if it is outside the tree."""
    try:
        return file.resolve().relative_to(engine.root.resolve()).as_posix()
    except ValueError:
        return None


def _on_disk(root: Path, path: str) -> list[str] | None:
    try:
        return read_file(root, path).decode("utf-8", "replace").split("\n")
    except OSError:
        return None
