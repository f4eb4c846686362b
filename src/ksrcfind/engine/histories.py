"""Adds histories to answers: of the matching messages, and of the source location that a log line names."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.request import Request
from ksrcfind.source.message import Message

if TYPE_CHECKING:
    from ksrcfind.backend import Backend
    from ksrcfind.match.answer import Match, Place

TRACED_TOGETHER = 64
"""Number of findings that are traced in one batch: enough to keep all cores busy, few enough to stream results."""

NO_HISTORY_ASKED = Provenance("off")


class HistoryService:
    """Adds the histories of messages to answers, and returns commits."""

    def __init__(self, backend: "Backend") -> None:
        self._histories = backend.histories
        self._messages = backend.messages

    @property
    def known(self) -> bool:
        """Whether the data source has histories: a git repository has, and a bundle that was made with histories."""
        return self._histories.known

    def commit(self, commit_id: str) -> Commit:
        """Return the commit with a full id. Raises `KeyError` if it does not exist."""
        return self._histories.commits([commit_id])[commit_id]

    def commits(self, ids: Iterable[str]) -> list[Commit]:
        """Return the commits with these full ids. Commits that do not exist are left out."""
        return list(self._histories.commits(ids).values())

    def patch(self, commit_id: str) -> str:
        """Return the commit message and the diff of a commit, as `git show` prints them.

        Without git, return only the commit message.
        """
        patch = self._histories.patch(commit_id)
        return patch if patch is not None else self.commit(commit_id).message

    def build_index(self) -> None:
        """Build or extend the history index of the tree, so that histories take no git any more."""
        self._histories.build_index()

    def later(self, finding: Finding) -> Later:
        """Return what happened to the message of a finding's first match between the finding's revision and HEAD."""
        start = finding.tree.commit
        if start is None:
            return Later()
        return self._histories.later(start, Request(finding.answer.matches[0].message))

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each requested message, in the order of `requests`.

        Messages of one file share a run of `git blame`.
        """
        self._histories.expect(requests)
        return self._histories.trace(requests)

    def added_to(self, finding: Finding, history: HistoryMode) -> Finding:
        """Return a finding with histories: of its matches, and of the source location that its log line names."""
        matches = finding.answer.matches
        selected = matches[: _depth(history, matches)]
        traced = self._histories.trace([Request(match.message) for match in selected]) if selected else []
        pointed = self._of_place(finding.answer.points_to, history)
        return replace(finding, provenance=_for_each(matches, traced), points_to=pointed)

    def prepare(self, findings: Sequence[Finding], history: HistoryMode) -> None:
        """Prepare to trace the histories of these findings: read all commits once if that is faster than one by one.

        `traced` does this itself. Callers that trace the findings with several calls should call it first.
        """
        self._histories.expect(_requests(findings, history))

    def traced(self, findings: Sequence[Finding], history: HistoryMode) -> Iterator[tuple[int, Finding]]:
        """Yield (position in `findings`, finding with histories) for each finding with a match, sorted by file.

        Files are traced in batches: messages of one file share a run of `git blame`, and several runs are parallel.
        """
        matched = [position for position, finding in enumerate(findings) if finding.answer.matches]
        matched.sort(key=lambda position: findings[position].answer.matches[0].message.path)
        self.prepare(findings, history)
        for start in range(0, len(matched), TRACED_TOGETHER):
            positions = matched[start : start + TRACED_TOGETHER]
            traced = iter(self._histories.trace(_requests([findings[position] for position in positions], history)))
            for position in positions:
                answer = findings[position].answer
                provenance = _for_each(answer.matches, list(islice(traced, _depth(history, answer.matches))))
                pointed = self._of_place(answer.points_to, history)
                yield position, replace(findings[position], provenance=provenance, points_to=pointed)

    def _of_place(self, place: "Place | None", history: HistoryMode) -> Provenance | None:
        """Return the history of the source location that a log line names. None if no history is wanted or possible.

        It is the history of the message at the location, or without a message, that of the source line.
        """
        if place is None or place.call is None or history is HistoryMode.OFF:
            return None
        here = [m for m in self._messages.of(place.path) if m.line_start <= place.line <= m.line_end]
        line = place.line + (place.drift or 0)
        bare = Message(place.path, line, line, place.function, place.call, None, None, "", (), ())
        return self._histories.trace([Request(here[0] if here else bare, at=(place.path, line))])[0]


def _requests(findings: Iterable[Finding], history: HistoryMode) -> list[Request]:
    """Return a request for the history of each match that gets one, in the order of findings and matches."""
    matches = (finding.answer.matches for finding in findings)
    return [Request(match.message) for own in matches for match in own[: _depth(history, own)]]


def _depth(history: HistoryMode, matches: Sequence["Match"]) -> int:
    """Return how many of the matches, from the first one on, get a history."""
    return {HistoryMode.OFF: 0, HistoryMode.FIRST: min(1, len(matches)), HistoryMode.ALL: len(matches)}[history]


def _for_each(matches: Sequence["Match"], traced: Sequence[Provenance]) -> tuple[Provenance, ...]:
    """Return one history for each match: `traced` for the first matches, `NO_HISTORY_ASKED` for the others."""
    return (*traced, *(NO_HISTORY_ASKED for _ in matches[len(traced) :]))
