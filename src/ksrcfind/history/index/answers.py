"""Blames and histories of source lines from a history index."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from ksrcfind.history.blame import Blame
from ksrcfind.history.commits import RawCommit
from ksrcfind.history.follow import MessageHistory
from ksrcfind.history.index.follow import Among, IndexFollower, Position, UndecidedError
from ksrcfind.history.index.graph import unpack_graph
from ksrcfind.history.index.location import index_path
from ksrcfind.history.index.lookup import TextHistory
from ksrcfind.history.state import ignores_commits
from ksrcfind.history.wording import GLUE, SourceText, Wording, normalised
from ksrcfind.storage.damage import DamagedIndexError
from ksrcfind.storage.history_file import HistoryFile, remove_history_file
from ksrcfind.tree.database import MissingObjectError
from ksrcfind.tree.repository import Repository

WINDOW_LINES = 12
"""Lines before and after a line that are searched for its text; a text that goes beyond takes the whole file."""


class IndexedHistories:
    """Answers for the lines of one commit's files, as far as the history index knows them."""

    def __init__(
        self,
        repository: Repository,
        commit: str,
        path: Path,
        file: HistoryFile,
        commit_of: Callable[[str], RawCommit | None],
    ) -> None:
        """Use `open_histories` instead."""
        number = file.commit(bytes.fromhex(commit))
        if number is None:
            raise KeyError(commit)
        graph = unpack_graph(file.part)
        self._objects = repository.objects
        self._commit = commit
        self._number = number
        self._path = path
        self._texts = TextHistory(file, graph)
        self._graph = graph
        self._follower = IndexFollower(self._texts, commit_of)
        self._data = lru_cache(maxsize=64)(self._read)
        self._source = lru_cache(maxsize=64)(lambda name: SourceText(self._data(name)))
        self.answer = lru_cache(maxsize=4096)(self._find)
        self.undecided: Counter[str] = Counter()
        """Why lines were left to git, with the number of lines."""

    def removing(self, path: str, text: str, start: str, end: str) -> list[str] | None:
        """Return the commits after `start`, up to `end`, that may have removed a text from a file; the newest first.

        None if the index does not have both commits.
        """
        try:
            first, last = self._texts.commit(start), self._texts.commit(end)
            if first is None or last is None:
                return None
            return [self._graph.id(number) for number in self._texts.removing(path, text, first, last)]
        except (DamagedIndexError, ValueError):
            remove_history_file(self._path)
            return None

    def contains(self, later: str, earlier: str) -> bool | None:
        """Return whether a commit is another one or an ancestor of it. None if the index does not have both."""
        try:
            one, other = self._texts.commit(later), self._texts.commit(earlier)
        except (DamagedIndexError, ValueError):
            remove_history_file(self._path)
            return None
        return self._graph.contains(one, other) if one is not None and other is not None else None

    def has_text(self, commit: str, path: str, text: str) -> bool:
        """Return whether a file of a commit has a text. False if the index does not have the commit."""
        try:
            number = self._texts.commit(commit)
            return number is not None and bool(self._texts.standing(path, text, number))
        except (DamagedIndexError, ValueError):
            remove_history_file(self._path)
            return False

    def _find(self, path: str, line: int) -> tuple[Blame, MessageHistory] | None:
        """Return the blame of a line and the history of its text; None if the index does not decide them."""
        try:
            return self._answer(path, line)
        except UndecidedError as error:
            self.undecided[str(error)] += 1
        except (DamagedIndexError, ValueError):
            remove_history_file(self._path)
            self.undecided["damaged"] += 1
        return None

    def _answer(self, path: str, line: int) -> tuple[Blame, MessageHistory]:
        source, wording, first = self._text_at(path, line)
        literal = source.literal(line - first) or wording.text

        piece = normalised(literal)
        own = Position(self._number, path, piece, partial(self._among, path, line, piece, piece=True))
        last = self._follower.last_touch(own, piece=True)
        among = partial(self._among, path, line, wording.text, piece=False)
        whole = Position(self._number, path, wording.text, among)
        history = self._follower.follow(whole, literal)
        name = self._graph.id(last.change.commit)
        root = not self._graph.parents(last.change.commit)
        return Blame(name, last.change.path, last.edit.line, boundary=root), history

    def _among(self, path: str, line: int, text: str, *, piece: bool) -> Among:
        """Return which of several equal texts of a file is on a line. With `piece`, the text is one literal."""
        source = self._source(path)
        here = source.at(line)
        if here is None:
            raise UndecidedError("no text")
        if not piece:
            equal = [(wording, wording.line_start) for wording in source.same(text)]
            line = here.line_start
        else:
            needle = text.encode("utf-8", "surrogateescape")
            equal = [
                (wording, at)
                for wording in source.wordings
                for at, literal in source.pieces(wording)
                if needle in literal and normalised(literal.decode("utf-8", "surrogateescape")) == text
            ]
        function = source.function(here)
        own = [at for wording, at in equal if source.function(wording) == function]
        every = [at for _, at in equal]
        if line not in own:
            raise UndecidedError("ambiguous")
        return Among(function, own.index(line), len(own), every.index(line), len(every))

    def _text_at(self, path: str, line: int) -> tuple[SourceText, Wording, int]:
        """Return the text on a line, in a part of the file, and the number of lines before that part."""
        lines = self._data(path).split(b"\n")
        first = max(0, line - 1 - WINDOW_LINES)
        last = min(len(lines), line + WINDOW_LINES)
        source = SourceText(b"\n".join(lines[first:last]))
        wording = source.at(line - first)
        if wording is None:
            raise UndecidedError("no text")
        before, after = GLUE.fullmatch(source.data, 0, wording.start), GLUE.fullmatch(source.data, wording.end)
        if (before and first) or (after and last < len(lines)):
            source, first = self._source(path), 0
            wording = source.at(line)
            if wording is None:
                raise UndecidedError("no text")
        return source, wording, first

    def _read(self, path: str) -> bytes:
        try:
            return self._objects.read(f"{self._commit}:{path}")
        except MissingObjectError as error:
            raise UndecidedError("no file") from error


def open_histories(
    repository: Repository, commit: str, directory: Path, commit_of: Callable[[str], RawCommit | None]
) -> IndexedHistories | None:
    """Return the histories of a commit's lines from the index in a store's directory; None if it has none.

    A repository whose settings make git blame ignore commits has none.
    """
    path = index_path(directory, repository)
    if not path.exists() or ignores_commits(repository):
        return None
    try:
        return IndexedHistories(repository, commit, path, HistoryFile(path), commit_of)
    except (FileNotFoundError, KeyError):
        return None
    except (DamagedIndexError, ValueError):
        remove_history_file(path)
        return None
