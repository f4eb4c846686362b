"""Blames and stories of many places of one snapshot, with as few questions to git as possible."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ksrcfind.history.blame import Blame, blame
from ksrcfind.history.cache import Kept, Stories
from ksrcfind.history.follow import Answers, Follower, Following, Question, Story
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.git import GitError
from ksrcfind.tree.revision import RevisionSnapshot

Place = tuple[str, int]
"""Path and 1-based line."""

NOT_COMMITTED = "This line is not committed yet."


@dataclass(frozen=True, slots=True)
class Traced:
    """What was found out about a place."""

    blame: Blame | None
    """None if the line is not committed, or could not be blamed."""
    story: Story | None = None
    """None if it was not followed, or has no text."""
    problem: str | None = None
    """Why there is no blame."""


class Tracer:
    """Traces places of one snapshot."""

    def __init__(self, snapshot: RevisionSnapshot, follower: Follower | None, stories: Stories | None) -> None:
        """Ask without `follower` for blames only; `stories` keeps what was found."""
        self._snapshot = snapshot
        self._edited: Mapping[str, object] = snapshot.changes if isinstance(snapshot, CheckoutSnapshot) else {}
        self._follower = follower
        self._stories = stories

    def trace(self, places: Mapping[Place, bool]) -> dict[Place, Traced]:
        """Return what is known of each place; True stands by those that hold a text to follow.

        Raises `GitError` where the user has to mend the repository (partial clone).
        """
        known = {place: found for place in places if (found := self._recall(place)) is not None}
        new = self._blamed([place for place in places if place not in known])
        if self._follower is not None:
            committed = {place: item.blame for place, item in new.items() if item.blame is not None and places[place]}
            for place, story in self._told(self._follower, committed).items():
                new[place] = replace(new[place], story=story)
                self._keep(place, new[place])
        return known | new

    def _recall(self, place: Place) -> Traced | None:
        if self._stories is None or place[0] in self._edited:
            return None
        kept = self._stories.get(self._snapshot.commit, *place)
        return Traced(kept.blame, kept.story) if kept is not None else None

    def _keep(self, place: Place, traced: Traced) -> None:
        if self._stories is not None and place[0] not in self._edited and traced.blame is not None:
            self._stories.put(self._snapshot.commit, *place, Kept(traced.blame, traced.story))

    def _blamed(self, places: Iterable[Place]) -> dict[Place, Traced]:
        """Blame all lines of a file in one run."""
        lines: dict[str, list[int]] = {}
        for path, line in places:
            lines.setdefault(path, []).append(line)
        return {(path, line): found for path in lines for line, found in self._blamed_file(path, lines[path]).items()}

    def _blamed_file(self, path: str, lines: list[int]) -> dict[int, Traced]:
        try:
            contents = self._snapshot.read(path) if path in self._edited else None
            found = blame(self._snapshot.repository, self._snapshot.commit, path, lines, contents=contents)
        except FileNotFoundError:
            return dict.fromkeys(lines, Traced(None, problem=f"{path} is gone."))
        except GitError as error:
            if path in self._edited and "no such path" in error.stderr:  # Only added to the index.
                return dict.fromkeys(lines, Traced(None, problem=NOT_COMMITTED))
            if error.hint:  # Something for the user to mend, not the fault of this file.
                raise
            return dict.fromkeys(lines, Traced(None, problem=error.title))
        return {line: _traced(found.get(line), path, line) for line in lines}

    def _told(self, follower: Follower, places: Mapping[Place, Blame]) -> dict[Place, Story | None]:
        """Follow all stories at once, so that those that go through the same version of a file share a blame."""
        stories: dict[Place, Story | None] = {}
        waiting: list[tuple[Place, Following, Question]] = []

        def advance(place: Place, following: Following, answers: Answers | None) -> None:
            try:
                question = next(following) if answers is None else following.send(answers)
            except StopIteration as end:
                stories[place] = end.value
            else:
                waiting.append((place, following, question))

        for place, last in places.items():
            # The text of an edited file is no version of it: there the story begins with the commit that is blamed.
            start = (last.commit or "", last.path, last.line) if place[0] in self._edited else None
            advance(place, follower.follow(*(start or (self._snapshot.commit, *place))), None)
        while waiting:
            answers = self._ask(question for _, _, question in waiting)
            asked = waiting.copy()
            waiting.clear()
            for place, following, question in asked:
                found = answers[question.commit, question.path]
                advance(place, following, {line: found[line] for line in question.lines if line in found})
        return stories

    def _ask(self, questions: Iterable[Question]) -> dict[tuple[str, str], dict[int, Blame]]:
        wanted: dict[tuple[str, str], set[int]] = {}
        for question in questions:
            wanted.setdefault((question.commit, question.path), set()).update(question.lines)
        return {
            (commit, path): blame(self._snapshot.repository, commit, path, lines)
            for (commit, path), lines in wanted.items()
        }


def _traced(found: Blame | None, path: str, line: int) -> Traced:
    if found is None:
        return Traced(None, problem=f"git blame is silent about {path}:{line}.")
    if found.commit is None:
        return Traced(None, problem=NOT_COMMITTED)
    return Traced(found)
