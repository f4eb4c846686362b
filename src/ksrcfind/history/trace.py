"""The history of messages: where their wording came from, what became of it, and the commits that it names."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ksrcfind.history.cache import Cache
from ksrcfind.history.catalogue import Catalogue
from ksrcfind.history.ending import Endings
from ksrcfind.history.follow import Follower
from ksrcfind.history.links import Links
from ksrcfind.history.places import Place, Tracer
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.releases import Releases
from ksrcfind.history.sightings import Sightings
from ksrcfind.history.stories import Stories
from ksrcfind.history.telling import Teller
from ksrcfind.source.message import Message
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.objects import ObjectReader
from ksrcfind.tree.revision import RevisionSnapshot

NO_GIT = "This tree is not the root of a git repository: it has no history to ask."


@dataclass(frozen=True, slots=True)
class Request:
    """A message whose history is wanted."""

    message: Message
    at: Place | None = None
    """Path and line that were asked for, if the message was found by its place."""


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
        self._git: _GitHistory | None = None
        if isinstance(snapshot, RevisionSnapshot):
            jobs = jobs or os.cpu_count() or 1
            self._git = _GitHistory(
                snapshot, releases or Releases(snapshot.repository), cache, follow=follow, jobs=jobs
            )

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message, in order; blames of one file are asked for together.

        Raises `KsrcfindError` where the user has to mend the repository (partial clone).
        """
        if self._git is None:
            return [Provenance("unavailable", note=NO_GIT) for _ in requests]
        places = [wording_place(request) for request in requests]
        with_text = {place: bool(request.message.text_lines) for place, request in zip(places, requests, strict=True)}
        traced = self._git.tracer.trace(with_text)
        return self._git.teller.provenances([traced[place] for place in places])

    def later(self, start: str, place: Place, end: str) -> Later:
        """Return what happened to the text at a place of one commit until another."""
        if self._git is None:
            return Later()
        return self._git.teller.later(self._git.endings.departures(start, *place, end))

    def commits(self, ids: Iterable[str]) -> dict[str, Commit]:
        """Return commits as the record shows them, by their full ids; those that are not there are left out."""
        return self._git.catalogue.describe(ids) if self._git is not None else {}


class _GitHistory:
    """What a history is told from where there is git."""

    def __init__(
        self, snapshot: RevisionSnapshot, releases: Releases, cache: Cache | None, *, follow: bool, jobs: int
    ) -> None:
        repository = snapshot.repository
        follower = Follower(Sightings(repository)) if follow else None
        stories = Stories(repository, cache) if follow and cache is not None else None
        self.tracer = Tracer(snapshot, follower, stories, jobs)
        self.endings = Endings(repository)
        self.catalogue = Catalogue(ObjectReader(repository.git), releases, Links(repository, cache))
        self.teller = Teller(self.catalogue)


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
