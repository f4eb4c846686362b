"""The history of messages: blame of their wording, followed to where it came from, and the commits that it names."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ksrcfind.history.cache import Cache
from ksrcfind.history.commits import RawCommit, describe, read_commits
from ksrcfind.history.ending import Endings
from ksrcfind.history.follow import Follower, State, Story
from ksrcfind.history.links import Kind, Links, Mention, upstream_of
from ksrcfind.history.places import NOT_COMMITTED, Place, Traced, Tracer
from ksrcfind.history.provenance import Change, Commit, Event, Provenance, Related, Release
from ksrcfind.history.releases import Releases
from ksrcfind.history.sightings import Sightings
from ksrcfind.history.stories import Stories
from ksrcfind.history.wording import decoded
from ksrcfind.source.message import Message
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.objects import ObjectReader
from ksrcfind.tree.revision import RevisionSnapshot

NO_GIT = "This tree is not the root of a git repository: it has no history to ask."
BEGINNING = "Present at or before {}, where this history begins."


@dataclass(frozen=True, slots=True)
class Request:
    """A message whose history is wanted."""

    message: Message
    at: Place | None = None
    """Path and line that were asked for, if the message was found by its place."""


@dataclass(frozen=True, slots=True)
class Later:
    """What happened to a message after the revision in which it was found."""

    events: tuple[Event, ...] = ()
    """Oldest first; the last one is of kind `removed` if it is gone."""
    removed: Change | None = None
    """The commit that removed it; None if it is still there, or nobody could look."""


class History:
    """The history of one snapshot's messages."""

    def __init__(
        self,
        snapshot: RevisionSnapshot | DirectorySnapshot,
        releases: Releases | None = None,
        cache: Cache | None = None,
        *,
        follow: bool = True,
        jobs: int | None = None,
    ) -> None:
        """Ask `releases` for first tags; by default those that tags `v5.9` name, remembered for this run only.

        `cache` keeps the stories of committed files, which cost from 0.1 s to a second each.
        Without `follow` history ends at what git blame says. `jobs` blames run at the same time, by default one for
        each processor.
        """
        self._commits: dict[str, RawCommit] = {}
        self.releases: Releases | None = None
        self._links: Links | None = None
        self._tracer: Tracer | None = None
        self._endings: Endings | None = None
        if isinstance(snapshot, RevisionSnapshot):
            self.releases = releases or Releases(snapshot.repository)
            self._links = Links(snapshot.repository, cache)
            self._endings = Endings(snapshot.repository)
            self._objects = ObjectReader(snapshot.repository.git)
            follower = Follower(Sightings(snapshot.repository)) if follow else None
            stories = Stories(snapshot.repository, cache) if follow and cache is not None else None
            self._tracer = Tracer(snapshot, follower, stories, jobs or os.cpu_count() or 1)

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message, in order; blames of one file are asked for together.

        Raises `KsrcfindError` where the user has to mend the repository (partial clone).
        """
        if self._tracer is None:
            return [Provenance("unavailable", note=NO_GIT) for _ in requests]
        places = [wording_place(request) for request in requests]
        with_text = {place: bool(request.message.text_lines) for place, request in zip(places, requests, strict=True)}
        traced = self._tracer.trace(with_text)
        self._read_all(traced.values())
        return [self._provenance(traced[place]) for place in places]

    def later(self, start: str, place: Place, end: str) -> Later:
        """Return what happened to the text at a place of one commit until another."""
        if self._endings is None:
            return Later()
        events: list[Event] = []
        for gone in self._endings.departures(start, *place, end):
            tag = self._release(gone.commit).first_tag
            was, now = gone.was, gone.now
            if now is None:
                events.append(Event(gone.kind, gone.commit, tag, decoded(was.text), None))
                change = self._change(gone.commit, was.path, was.wording.line_start, decoded(was.text))
                return Later(tuple(events), change)
            pair = (was.path, now.path) if gone.kind == "moved" else (decoded(was.text), decoded(now.text))
            events.append(Event(gone.kind, gone.commit, tag, *pair))
        return Later(tuple(events))

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits as the record shows them, by their full ids; those that are not there are left out."""
        raw = self._read(ids)
        if self.releases is not None:
            self.releases.of_many(raw)
        return {commit_id: self._described(commit) for commit_id, commit in raw.items()}

    def _described(self, commit: RawCommit) -> Commit:
        """Return a commit with what others have to do with it."""
        upstream = self._upstream(commit)
        naming = self._links.naming(commit.id) if self._links is not None else []
        fixes = [mention for mention in naming if mention.kind is Kind.FIX]
        if self._links is not None and upstream is not None:
            fixes += [mention for mention in self._links.naming(upstream.commit) if mention.kind is Kind.FIX]
        backports = self._related(mention for mention in naming if mention.kind is Kind.BACKPORT)
        order = self.releases.order if self.releases is not None else {}
        return replace(
            describe(commit, self._release(commit.id)),
            upstream=upstream,
            backports=tuple(sorted(backports, key=lambda item: -order.get(item.release.first_tag or "", -1))),
            fixed_by=tuple(self._related(fixes, originals=True)),
            reverted_by=tuple(
                self._related((mention for mention in naming if mention.kind is Kind.REVERT), originals=True)
            ),
        )

    def _related(self, mentions: Iterable[Mention], *, originals: bool = False) -> list[Related]:
        """Return commits in order of their dates; with `originals` without the backports of others among them."""
        raw = self._read(mention.commit for mention in mentions)
        if originals:
            raw = {name: commit for name, commit in raw.items() if not _copies(commit, raw)}
        if self.releases is not None:
            self.releases.of_many(raw)
        ordered = sorted(raw.values(), key=lambda commit: (commit.committer.date, commit.id))
        return [Related(commit.id, commit.subject, self._release(commit.id)) for commit in ordered]

    def _upstream(self, commit: RawCommit) -> Related | None:
        """Return the commit that a message says it is a backport of, if it is there."""
        name = self._links.upstream(commit.message) if self._links is not None else None
        found = self._read([name]).get(name) if name is not None else None
        return Related(found.id, found.subject, self._release(found.id)) if found is not None else None

    def _read_all(self, traced: Iterable[Traced]) -> None:
        """Read all commits and releases that the answers need at once."""
        ids: list[str] = []
        for item in traced:
            if item.blame is not None and item.blame.commit is not None:
                ids.append(item.blame.commit)
            if item.story is not None:
                ids += [step.commit for step in item.story.steps]
        self._read(ids)
        if self.releases is not None:
            self.releases.of_many(ids)

    def _provenance(self, traced: Traced) -> Provenance:
        if traced.blame is None or traced.blame.commit is None:
            return Provenance("blame-only" if traced.problem == NOT_COMMITTED else "unavailable", note=traced.problem)
        last = self._change(traced.blame.commit, traced.blame.path, traced.blame.line)
        story = traced.story
        if story is None:
            begins = traced.blame.boundary
            return Provenance("blame-only", last, note=self._beginning(last.commit) if begins else None)
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
                continue
            for kind in step.kinds:
                yield Event(kind, step.commit, tag, *change_of(kind, step.before, step.after))

    def _change(self, commit: str, path: str, line: int, text: str | None = None) -> Change:
        raw = self._read([commit])[commit]
        return Change(commit, raw.subject, self._release(commit), path, line, text, self._upstream(raw))

    def _release(self, commit: str) -> Release:
        return self.releases.of(commit) if self.releases is not None else Release(None, None)

    def _beginning(self, commit: str) -> str:
        return BEGINNING.format(self._release(commit).first_tag or commit[:12])

    def _read(self, ids: Iterable[str]) -> dict[str, RawCommit]:
        wanted = list(dict.fromkeys(ids))
        if self._tracer is not None:
            new = [commit_id for commit_id in wanted if commit_id not in self._commits]
            self._commits.update((commit.id, commit) for commit in read_commits(self._objects, new))
        return {commit_id: self._commits[commit_id] for commit_id in wanted if commit_id in self._commits}


def _copies(commit: RawCommit, others: Iterable[str]) -> bool:
    """Tell whether a commit says that it is a backport of one of the others."""
    names = tuple(upstream_of(commit.message))
    return bool(names) and any(other.startswith(names) for other in others)


def change_of(kind: str, before: State, after: State) -> tuple[str | None, str | None]:
    """Return what a kind of event changed: paths, functions, calls, levels or texts; None where nothing stood."""
    pairs = {
        "path": (before.path, after.path),
        "function": (before.function, after.function),
        "call": (before.call, after.call),
        "level": (before.level, after.level),
        "text": (decoded(before.text) or None, decoded(after.text) or None),
    }
    about = {
        "renamed": ("path",),
        "copied": ("path", "function"),
        "moved": ("path", "function"),
        "converted": ("call",),
        "level_changed": ("level",),
        "reverted": ("text", "call", "level", "path", "function"),
    }
    return next((pairs[name] for name in about.get(kind, ("text",)) if pairs[name][0] != pairs[name][1]), (None, None))


def wording_place(request: Request) -> Place:
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
