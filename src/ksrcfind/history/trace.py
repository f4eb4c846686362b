"""The history of messages: blame of their wording, and the commits that it names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ksrcfind.history.blame import Blame, blame
from ksrcfind.history.commits import RawCommit, describe, read_commits
from ksrcfind.history.provenance import Change, Commit, Provenance
from ksrcfind.history.releases import Releases
from ksrcfind.source.message import Message
from ksrcfind.tree.checkout import CheckoutSnapshot
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.git import GitError
from ksrcfind.tree.objects import ObjectReader
from ksrcfind.tree.revision import RevisionSnapshot

NO_GIT = "This tree is not the root of a git repository: it has no history to ask."
NOT_COMMITTED = "This line is not committed yet."
BEGINNING = "The history in this repository begins with this commit: the line may be older."


@dataclass(frozen=True, slots=True)
class Request:
    """A message whose history is wanted."""

    message: Message
    at: tuple[str, int] | None = None
    """Path and 1-based line that were asked for, if the message was found by its place."""


class History:
    """The history of one snapshot's messages."""

    def __init__(self, snapshot: RevisionSnapshot | DirectorySnapshot, releases: Releases | None = None) -> None:
        """Ask `releases` for first tags; by default those that tags `v5.9` name, remembered for this run only."""
        self._snapshot = snapshot
        self._commits: dict[str, RawCommit] = {}
        if isinstance(snapshot, RevisionSnapshot):
            self.releases: Releases | None = releases or Releases(snapshot.repository)
            self._objects: ObjectReader | None = ObjectReader(snapshot.repository.git)
        else:
            self.releases = None
            self._objects = None

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message, in order; those of one file share one blame.

        Raises `KsrcfindError` where the user has to mend the repository (partial clone).
        """
        if not isinstance(self._snapshot, RevisionSnapshot):
            return [Provenance("unavailable", note=NO_GIT) for _ in requests]
        places = [wording_place(request) for request in requests]
        blames: dict[tuple[str, int], Blame | Provenance] = {}
        for path in dict.fromkeys(path for path, _ in places):
            lines = {line for other, line in places if other == path}
            blames.update(((path, line), found) for line, found in self._blame(self._snapshot, path, lines).items())
        found = [blames[place] for place in places]
        changes = self._changes([item for item in found if isinstance(item, Blame)])
        return [item if isinstance(item, Provenance) else self._provenance(item, changes) for item in found]

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits as the record shows them, by their full ids; those that are not there are left out."""
        wanted = list(dict.fromkeys(ids))
        raw = self._read(wanted)
        releases = self.releases.of_many(raw) if self.releases is not None else {}
        return {commit_id: describe(commit, releases[commit_id]) for commit_id, commit in raw.items()}

    def _blame(self, snapshot: RevisionSnapshot, path: str, lines: set[int]) -> dict[int, Blame | Provenance]:
        contents = None
        if isinstance(snapshot, CheckoutSnapshot) and path in snapshot.changes:
            contents = snapshot.read(path)
        try:
            found = blame(snapshot.repository, snapshot.commit, path, lines, contents=contents)
        except GitError as error:
            if contents is not None and "no such path" in error.stderr:  # Only added to the index.
                return {line: Provenance("blame-only", note=NOT_COMMITTED) for line in lines}
            if error.hint:  # Something for the user to mend, not the fault of this file.
                raise
            return {line: Provenance("unavailable", note=error.title) for line in lines}
        missing = Provenance("unavailable", note=f"git blame says nothing about this line of {path}.")
        return {line: found.get(line, missing) for line in lines}

    def _changes(self, blames: Iterable[Blame]) -> dict[Blame, Change]:
        committed = {item: item.commit for item in blames if item.commit is not None}
        raw = self._read(committed.values())
        releases = self.releases.of_many(committed.values()) if self.releases is not None else {}
        return {
            item: Change(commit, raw[commit].subject, releases[commit], item.path, item.line)
            for item, commit in committed.items()
        }

    def _provenance(self, found: Blame, changes: dict[Blame, Change]) -> Provenance:
        if found.commit is None:
            return Provenance("blame-only", note=NOT_COMMITTED)
        return Provenance("blame-only", last_changed=changes[found], note=BEGINNING if found.boundary else None)

    def _read(self, ids: Iterable[str]) -> dict[str, RawCommit]:
        wanted = list(dict.fromkeys(ids))
        if self._objects is not None:
            new = [commit_id for commit_id in wanted if commit_id not in self._commits]
            self._commits.update((commit.id, commit) for commit in read_commits(self._objects, new))
        return {commit_id: self._commits[commit_id] for commit_id in wanted if commit_id in self._commits}


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
