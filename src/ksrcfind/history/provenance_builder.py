"""Convert histories of messages into the provenance that the output record shows."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from ksrcfind.history.blame_and_follow import NOT_COMMITTED, Traced
from ksrcfind.history.commit_info import CommitInfo
from ksrcfind.history.events import EventKind, shown_change
from ksrcfind.history.follow import MessageHistory, Step
from ksrcfind.history.provenance import Change, Event, Later, Provenance
from ksrcfind.history.removal import Removal
from ksrcfind.history.wording import decoded, differs_by_prefix, same, words
from ksrcfind.history.wording_releases import WordingReleases

BEGINNING = "Present at or before {}, where this history begins."


class ProvenanceBuilder:
    """Builds provenances: looks up the commits and releases of the steps of a history."""

    def __init__(self, commit_info: CommitInfo, wording_releases: WordingReleases) -> None:
        self._commit_info = commit_info
        self._wording_releases = wording_releases
        self.gives_lineages = False
        """Whether histories get a `lineage_id`: those from a history index do."""

    def provenances(self, traced: Sequence[Traced]) -> list[Provenance]:
        """Return the provenance of each traced line, in the order of `traced`."""
        ids: list[str] = []
        for item in traced:
            if item.blame is not None and item.blame.commit is not None:
                ids.append(item.blame.commit)
            if item.history is not None:
                ids += [step.commit for step in item.history.steps]
        self._commit_info.read(ids)  # One read for all commits is faster than one read for each.
        return [self._provenance(item) for item in traced]

    def later(self, removals: Iterable[Removal]) -> Later:
        """Return the later history of a message: what commits did to it after the release in which it was found."""
        events: list[Event] = []
        for removal in removals:
            tag = self._commit_info.release(removal.commit).first_tag
            was, now = removal.was, removal.now
            if now is None:
                events.append(Event(removal.kind, removal.commit, tag, decoded(was.text), None))
                change = self._change(removal.commit, was.path, was.wording.line_start, decoded(was.text))
                return Later(tuple(events), change)
            pair = (was.path, now.path) if removal.kind is EventKind.MOVED else (decoded(was.text), decoded(now.text))
            events.append(Event(removal.kind, removal.commit, tag, *pair))
        return Later(tuple(events))

    def _provenance(self, traced: Traced) -> Provenance:
        if traced.blame is None or traced.blame.commit is None:
            return Provenance("blame-only" if traced.problem == NOT_COMMITTED else "unavailable", note=traced.problem)
        last = self._change(traced.blame.commit, traced.blame.path, traced.blame.line)
        history = traced.history
        if history is None:
            begins = traced.blame.boundary
            return Provenance("blame-only", last, note=self._beginning(last.commit) if begins else None)
        introduced, origin = (
            self._change(step.commit, step.path, step.line, decoded(step.text))
            for step in (history.steps[history.introduced], history.steps[-1])
        )
        since = list(_with_wording(history.steps[: history.introduced + 1]))
        had = self._wording_releases.of(introduced.commit, (step.path for step in since), (step.text for step in since))
        introduced = replace(introduced, release=had)
        note = self._beginning(origin.commit) if history.beginning else None
        lineage = _lineage_id(history.steps[-1]) if self.gives_lineages else None
        return Provenance("traced", last, introduced, origin, tuple(self._events(history)), note, lineage)

    def _events(self, history: MessageHistory) -> Iterable[Event]:
        """Yield the events of a history, oldest first."""
        for step in reversed(history.steps):
            tag = self._commit_info.release(step.commit).first_tag
            if step.before is None:
                yield Event(EventKind.INTRODUCED, step.commit, tag, None, decoded(step.text))
                continue
            for kind in step.kinds:
                yield Event(kind, step.commit, tag, *shown_change(kind, step.before, step.after))

    def _change(self, commit: str, path: str, line: int, text: str | None = None) -> Change:
        raw = self._commit_info.read([commit])[commit]
        release, upstream = self._commit_info.release(commit), self._commit_info.upstream(raw)
        return Change(commit, raw.subject, release, path, line, text, upstream)

    def _beginning(self, commit: str) -> str:
        return BEGINNING.format(self._commit_info.release(commit).first_tag or commit[:12])


def _with_wording(since: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps after which the source has the current wording, oldest first.

    `since` are the steps from the one that introduced it, newest first. Others may have taken it back for a while.
    """
    current = since[-1].text
    is_away = False
    for step in reversed(since):
        if EventKind.REWORDED in step.kinds:
            text = step.text
            is_away = not (same(text, current) or differs_by_prefix(text, current) or words(text) == words(current))
        if not is_away:
            yield step


def _lineage_id(first: Step) -> str:
    """Return the id of a message whose history begins with a step."""
    origin = "\0".join((first.commit, first.path, first.text)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(origin).hexdigest()[:16]
