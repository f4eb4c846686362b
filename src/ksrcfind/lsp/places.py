"""Places of the tree as locations that an editor can open."""

from pathlib import Path

from lsprotocol import types

from ksrcfind.engine.engine import Engine
from ksrcfind.lsp.virtual_documents import VirtualDocuments
from ksrcfind.match.answer import Answer, Match, Tier
from ksrcfind.tree.disk import read_file

TO_THE_END = 10**9


def location(engine: Engine, scratch: VirtualDocuments, path: str, line: int) -> types.Location | None:
    """Return the location of a line, from 1; None if the file is not there.

    A file that reads otherwise in the revision than on disk is shown as a document of its own, which may only be read.
    """
    lines = engine.source.lines(path, 1, TO_THE_END)
    if not lines:
        return None
    file = engine.root / path
    if engine.info.source == "git" and _on_disk(engine.root, path) != lines:
        file = scratch.show(
            path.replace("/", "_"), "\n".join(lines), folder=engine.info.rev or engine.info.commit or ""
        )
    start = types.Position(min(line, len(lines)) - 1, 0)
    return types.Location(file.as_uri(), types.Range(start, start))


def best(answer: Answer) -> list[Match]:
    """Return the first match and those that fit as well."""
    return [match for match in answer.matches if _rank(match) == _rank(answer.matches[0])]


def _rank(match: Match) -> tuple[Tier, float]:
    return match.tier, match.score


def path_in_tree(engine: Engine, file: Path) -> str | None:
    """Return a file's path within the tree; None if it is not in there."""
    try:
        return file.resolve().relative_to(engine.root.resolve()).as_posix()
    except ValueError:
        return None


def _on_disk(root: Path, path: str) -> list[str] | None:
    try:
        return read_file(root, path).decode("utf-8", "replace").split("\n")
    except OSError:
        return None
