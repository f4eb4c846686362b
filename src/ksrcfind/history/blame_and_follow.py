"""Compute blames and histories for many source lines of a snapshot; lines of one file version share a run of blame."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.history.blame import Blame, blame
from ksrcfind.history.follow import Answers, Follower, Following, MessageHistory, Question
from ksrcfind.history.index.answers import IndexedHistories
from ksrcfind.history.message_histories import MessageHistories, StoredHistory
from ksrcfind.history.request import Place
from ksrcfind.history.simple_blame import SimpleBlame
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.git import GitError
from ksrcfind.tree.revision import RevisionSnapshot

if TYPE_CHECKING:
    from concurrent.futures import Executor

MANY = 8
"""Number of lines from which on loading a library that reads objects pays."""

NOT_COMMITTED = "This line is not committed yet."


class Traced(Struct, frozen=True):
    """The blame and history of one source line."""

    blame: Blame | None
    """None if the line is not committed, or if git could not blame it."""
    history: MessageHistory | None = None
    """None if the history was not asked for, or if the line has no text."""
    problem: str | None = None
    """Why there is no blame."""


class Tracer:
    """Computes the blame and history of source lines of one snapshot."""

    def __init__(
        self, snapshot: RevisionSnapshot, follower: Follower | None, histories: MessageHistories | None, jobs: int
    ) -> None:
        """Without `follower`, lines only get a blame. `histories` is the cache. At most `jobs` blames run at a time."""
        self._snapshot = snapshot
        self._edited: Mapping[str, object] = snapshot.changes if isinstance(snapshot, CheckoutSnapshot) else {}
        self._follower = follower
        self._histories = histories
        self._jobs = jobs
        self.simple_blame: SimpleBlame | None = None
        """Blames lines by the simplified histories of files; set only if the whole history was read."""
        self.indexed: IndexedHistories | None = None
        """Answers from the history index; None if there is none for the commit."""

    def trace(self, places: Mapping[Place, bool]) -> dict[Place, Traced]:
        """Return the blame and history of each source line. The line's value in `places` is True to follow its text.

        Raises `GitError` for an error that the user must fix in the repository (partial clone).
        """
        if len(places) >= MANY:
            self._snapshot.repository.objects.load()
        known = {place: found for place in places if (found := self._recall(place, places[place])) is not None}
        new = [place for place in places if place not in known]
        if not new:
            return known
        if self._follower is not None:
            self._snapshot.repository.objects.load()
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self._jobs) as pool:
            return known | self._traced(new, places, pool)

    def unknown(self, places: Mapping[Place, bool]) -> list[Place]:
        """Return the source lines whose histories are not cached."""
        if len(places) >= MANY and self.indexed is not None:
            self._snapshot.repository.objects.load()
        return [place for place, with_text in places.items() if self._recall(place, with_text) is None]

    def _recall(self, place: Place, with_text: bool) -> Traced | None:
        """Return the answer of the history index, or else of the cache; None if both have none."""
        if self.indexed is not None and with_text and place[0] not in self._edited:
            answer = self.indexed.answer(*place)
            if answer is not None:
                return Traced(*answer)
        if self._histories is None or place[0] in self._edited:
            return None
        kept = self._histories.get(self._snapshot.commit, *place)
        if kept is None or (with_text and not kept.followed):
            return None
        return Traced(kept.blame, kept.history if with_text else None)

    def _traced(self, new: list[Place], with_text: Mapping[Place, bool], pool: "Executor") -> dict[Place, Traced]:
        histories = _Following()
        lines: dict[str, set[int]] = {}
        for path, line in new:
            lines.setdefault(path, set()).add(line)
            if self._follower is not None and path not in self._edited and with_text[path, line]:
                # The first question is about lines of this same file version: one run of blame serves both.
                histories.advance((path, line), self._follower.follow(self._snapshot.commit, path, line), None)
        for _, _, question in histories.waiting:
            lines[question.path].update(question.lines)
        blamed = dict(zip(lines, pool.map(self._blamed_file, lines, lines.values()), strict=True))
        for place, following, question in histories.taken():
            histories.advance(place, following, _blames(blamed[question.path], question.lines))
        for path, line in new:
            last = blamed[path][line].blame
            if self._follower is not None and path in self._edited and last is not None and with_text[path, line]:
                # An edited file is in no commit: the history of its text begins with the blamed commit.
                following = self._follower.follow(last.commit or "", last.path, last.line)
                histories.advance((path, line), following, None)
        self._follow_all(histories, pool)
        result = {place: replace(blamed[place[0]][place[1]], history=histories.finished.get(place)) for place in new}
        if self._histories is not None and result and self._histories.may_store():
            for place, found in result.items():
                if place[0] not in self._edited and found.blame is not None:
                    kept = StoredHistory(found.blame, found.history, followed=place in histories.finished)
                    self._histories.put(self._snapshot.commit, *place, kept)
        return result

    def _blamed_file(self, path: str, lines: set[int]) -> dict[int, Traced]:
        """Return the blames of lines of one file of the snapshot, by line number. They have no history yet."""
        try:
            if path in self._edited:
                contents = self._snapshot.read(path)
                found = blame(self._snapshot.repository, self._snapshot.commit, path, lines, contents=contents)
            else:
                found = self._ask((self._snapshot.commit, path), lines)
        except FileNotFoundError:
            return dict.fromkeys(lines, Traced(None, problem=f"{path} is gone."))
        except GitError as error:
            if path in self._edited and "no such path" in error.stderr:  # Only added to the index.
                return dict.fromkeys(lines, Traced(None, problem=NOT_COMMITTED))
            if error.hint:  # The user has to repair the repository; the file is not at fault.
                raise
            return dict.fromkeys(lines, Traced(None, problem=error.title))
        return {line: _traced(found.get(line), path, line) for line in lines}

    def _follow_all(self, histories: "_Following", pool: "Executor") -> None:
        """Follow all histories step by step: in each step those with the same version of a file share a blame."""
        while histories.waiting:
            wanted: dict[tuple[str, str], set[int]] = {}
            for _, _, question in histories.waiting:
                wanted.setdefault((question.commit, question.path), set()).update(question.lines)
            answers = dict(zip(wanted, pool.map(self._ask, wanted, wanted.values()), strict=True))
            for place, following, question in histories.taken():
                found = answers[question.commit, question.path]
                histories.advance(place, following, {line: found[line] for line in question.lines if line in found})

    def _ask(self, version: tuple[str, str], lines: set[int]) -> Answers:
        if self.simple_blame is not None:
            return self.simple_blame.blame(*version, lines)
        return blame(self._snapshot.repository, *version, lines)


class _Following:
    """Histories in progress: those that wait for a blame, and finished ones."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Place, Following, Question]] = []
        self.finished: dict[Place, MessageHistory | None] = {}

    def taken(self) -> list[tuple[Place, Following, Question]]:
        """Remove and return all histories that wait for a blame."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def advance(self, place: Place, following: Following, answers: Answers | None) -> None:
        """Continue a history with the blames that it waited for, up to its next question or its end."""
        try:
            question = next(following) if answers is None else following.send(answers)
        except StopIteration as end:
            self.finished[place] = end.value
        else:
            self.waiting.append((place, following, question))


def _blames(traced: Mapping[int, Traced], lines: Iterable[int]) -> Answers:
    found = {line: traced[line].blame for line in lines}
    return {line: item for line, item in found.items() if item is not None}


def _traced(found: Blame | None, path: str, line: int) -> Traced:
    if found is None:
        return Traced(None, problem=f"git blame printed nothing for {path}:{line}.")
    if found.commit is None:
        return Traced(None, problem=NOT_COMMITTED)
    return Traced(found)
