"""The history of messages: blame of their wording, followed to where it came from, and the commits that it names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ksrcfind.history.blame import Blame, blame
from ksrcfind.history.commits import RawCommit, describe, read_commits
from ksrcfind.history.follow import Answers, Follower, Following, Question, State, Story
from ksrcfind.history.provenance import Change, Commit, Event, Provenance, Release
from ksrcfind.history.releases import Releases
from ksrcfind.history.sightings import Sightings
from ksrcfind.history.wording import decoded
from ksrcfind.source.message import Message
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.git import GitError
from ksrcfind.tree.objects import ObjectReader
from ksrcfind.tree.revision import RevisionSnapshot

NO_GIT = "This tree is not the root of a git repository: it has no history to ask."
NOT_COMMITTED = "This line is not committed yet."
BEGINNING = "Present at or before {}, where this history begins."


@dataclass(frozen=True, slots=True)
class Request:
    """A message whose history is wanted."""

    message: Message
    at: tuple[str, int] | None = None
    """Path and 1-based line that were asked for, if the message was found by its place."""


class History:
    """The history of one snapshot's messages."""

    def __init__(
        self,
        snapshot: RevisionSnapshot | DirectorySnapshot,
        releases: Releases | None = None,
        *,
        follow: bool = True,
    ) -> None:
        """Ask `releases` for first tags; by default those that tags `v5.9` name, remembered for this run only.

        Without `follow` history ends at what git blame says.
        """
        self._snapshot = snapshot
        self._commits: dict[str, RawCommit] = {}
        self.releases: Releases | None = None
        if isinstance(snapshot, RevisionSnapshot):
            self.releases = releases or Releases(snapshot.repository)
            self._objects = ObjectReader(snapshot.repository.git)
            self._follower = Follower(Sightings(snapshot.repository)) if follow else None

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message, in order; blames of one file are asked for together.

        Raises `KsrcfindError` where the user has to mend the repository (partial clone).
        """
        snapshot = self._snapshot
        if not isinstance(snapshot, RevisionSnapshot):
            return [Provenance("unavailable", note=NO_GIT) for _ in requests]
        places = [wording_place(request) for request in requests]
        traces: dict[tuple[str, int], _Trace] = {}
        for place, request in zip(places, requests, strict=True):
            traces.setdefault(place, _Trace(text=bool(request.message.text_lines)))
        self._blame_all(snapshot, traces)
        if self._follower is not None:
            self._follow_all(snapshot, self._follower, traces)
        self._remember(traces.values())
        return [self._provenance(traces[place]) for place in places]

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits as the record shows them, by their full ids; those that are not there are left out."""
        raw = self._read(ids)
        releases = self.releases.of_many(raw) if self.releases is not None else {}
        return {commit_id: describe(commit, releases[commit_id]) for commit_id, commit in raw.items()}

    def _blame_all(self, snapshot: RevisionSnapshot, traces: "Mapping[tuple[str, int], _Trace]") -> None:
        for path in dict.fromkeys(path for path, _ in traces):
            lines = [line for other, line in traces if other == path]
            try:
                contents = None
                if isinstance(snapshot, CheckoutSnapshot) and path in snapshot.changes:
                    contents = snapshot.read(path)
                found = blame(snapshot.repository, snapshot.commit, path, lines, contents=contents)
                problem = None
            except (GitError, FileNotFoundError) as error:
                found, problem = {}, _problem(error, edited=path in getattr(snapshot, "changes", {}))
            for line in lines:
                trace = traces[path, line]
                trace.blame = found.get(line)
                if trace.blame is None:
                    trace.problem = problem or Provenance(
                        "unavailable", note=f"git blame is silent about {path}:{line}."
                    )
                elif trace.blame.commit is None:
                    trace.problem = Provenance("blame-only", note=NOT_COMMITTED)

    def _follow_all(
        self, snapshot: RevisionSnapshot, follower: Follower, traces: "Mapping[tuple[str, int], _Trace]"
    ) -> None:
        edited: Mapping[str, str | None] = snapshot.changes if isinstance(snapshot, CheckoutSnapshot) else {}
        waiting: list[tuple[_Trace, Following, Question]] = []
        for (path, line), trace in traces.items():
            if not trace.text or trace.blame is None or trace.blame.commit is None:
                continue
            # The text of an edited file is no version of it: there the story begins with the commit that is blamed.
            last = trace.blame
            start = (last.commit or "", last.path, last.line) if path in edited else (snapshot.commit, path, line)
            following = follower.follow(*start)
            _advance(trace, following, None, waiting)
        while waiting:
            answers = self._ask(snapshot, [question for _, _, question in waiting])
            asked, waiting = waiting, []
            for trace, following, question in asked:
                known = answers[question.commit, question.path]
                _advance(trace, following, {line: known[line] for line in question.lines if line in known}, waiting)

    def _ask(
        self, snapshot: RevisionSnapshot, questions: Iterable[Question]
    ) -> dict[tuple[str, str], dict[int, Blame]]:
        wanted: dict[tuple[str, str], set[int]] = {}
        for question in questions:
            wanted.setdefault((question.commit, question.path), set()).update(question.lines)
        return {
            (commit, path): blame(snapshot.repository, commit, path, lines) for (commit, path), lines in wanted.items()
        }

    def _remember(self, traces: "Iterable[_Trace]") -> None:
        """Read all commits and releases that the answers need at once."""
        ids = [commit for trace in traces for commit in trace.commits()]
        self._read(ids)
        if self.releases is not None:
            self.releases.of_many(ids)

    def _provenance(self, trace: "_Trace") -> Provenance:
        if trace.problem is not None or trace.blame is None or trace.blame.commit is None:
            return trace.problem or Provenance("unavailable")
        last = self._change(trace.blame.commit, trace.blame.path, trace.blame.line)
        story = trace.story
        if story is None:
            begins = trace.blame.boundary
            return Provenance("blame-only", last, note=self._beginning(trace.blame.commit) if begins else None)
        introduced, origin = (
            self._change(step.commit, step.path, step.line, decoded(step.text))
            for step in (story.steps[story.introduced], story.steps[-1])
        )
        note = self._beginning(origin.commit) if story.beginning else None
        return Provenance("traced", last, introduced, origin, tuple(self._events(story)), note)

    def _events(self, story: Story) -> Iterable[Event]:
        """Yield what happened to a message, oldest first."""
        for step in reversed(story.steps):
            tag = self._release(step.commit).first_tag
            if step.before is None:
                yield Event("introduced", step.commit, tag, None, decoded(step.text))
            for kind in step.kinds:
                before, after = change_of(kind, step.before, step.after) if step.before is not None else (None, None)
                yield Event(kind, step.commit, tag, before, after)

    def _change(self, commit: str, path: str, line: int, text: str | None = None) -> Change:
        return Change(commit, self._read([commit])[commit].subject, self._release(commit), path, line, text)

    def _release(self, commit: str) -> Release:
        return self.releases.of(commit) if self.releases is not None else Release(None, None)

    def _beginning(self, commit: str) -> str:
        return BEGINNING.format(self._release(commit).first_tag or commit[:12])

    def _read(self, ids: Iterable[str]) -> dict[str, RawCommit]:
        wanted = list(dict.fromkeys(ids))
        if isinstance(self._snapshot, RevisionSnapshot):
            new = [commit_id for commit_id in wanted if commit_id not in self._commits]
            self._commits.update((commit.id, commit) for commit in read_commits(self._objects, new))
        return {commit_id: self._commits[commit_id] for commit_id in wanted if commit_id in self._commits}


class _Trace:
    """What is found out about one place."""

    def __init__(self, *, text: bool) -> None:
        self.text = text
        self.blame: Blame | None = None
        self.problem: Provenance | None = None
        self.story: Story | None = None

    def commits(self) -> Iterable[str]:
        if self.blame is not None and self.blame.commit is not None:
            yield self.blame.commit
        if self.story is not None:
            yield from (step.commit for step in self.story.steps)


def _advance(
    trace: _Trace,
    following: Following,
    answers: Answers | None,
    waiting: list[tuple[_Trace, Following, Question]],
) -> None:
    """Go on with a story until its next question, or to its end."""
    try:
        question = next(following) if answers is None else following.send(answers)
    except StopIteration as end:
        trace.story = end.value
    else:
        waiting.append((trace, following, question))


def _problem(error: Exception, *, edited: bool) -> Provenance:
    if not isinstance(error, GitError):
        return Provenance("unavailable", note="The file is gone.")
    if edited and "no such path" in error.stderr:  # Only added to the index.
        return Provenance("blame-only", note=NOT_COMMITTED)
    if error.hint:  # Something for the user to mend, not the fault of this file.
        raise error
    return Provenance("unavailable", note=error.title)


def change_of(kind: str, before: State, after: State) -> tuple[str | None, str | None]:
    """Return what a kind of event changed: paths, functions, calls, levels or texts."""
    match kind:
        case "renamed" | "copied":
            return before.path, after.path
        case "moved":
            return (before.path, after.path) if before.path != after.path else (before.function, after.function)
        case "converted":
            return before.call, after.call
        case "level_changed":
            return before.level, after.level
        case _:
            return decoded(before.text), decoded(after.text)


def wording_place(request: Request) -> tuple[str, int]:
    """Return path and line whose blame is the last change of a message.

    Of a wording over several lines: the line asked for if it holds part of it, else the line with most of the text,
    the first of equals. A message without a wording has only the line of its call.
    """
    message = request.message
    if not message.text_lines:
        return message.path, message.line_start
    for part in message.text_lines:
        if request.at == (part.path, part.line):
            return part.path, part.line
    longest = max(message.text_lines, key=lambda part: part.length)
    return longest.path, longest.line
