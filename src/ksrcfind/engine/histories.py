"""Histories of the matches of an answer, and of the source location that a line names."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from ksrcfind.backend import Backend
from ksrcfind.finding import Finding, HistoryMode
from ksrcfind.history.provenance import Commit, Later, Provenance
from ksrcfind.history.trace import Request
from ksrcfind.match.answer import Match, Place
from ksrcfind.source.message import Message

TRACED_TOGETHER = 64
"""Findings in one batch: enough to keep all processors busy, few enough to stream results."""

NO_HISTORY_ASKED = Provenance("off")


class HistoryService:
    """Adds history to answers."""

    def __init__(self, backend: Backend) -> None:
        self._histories = backend.histories
        self._messages = backend.messages

    @property
    def known(self) -> bool:
        """Whether commits and releases are known: of a git repository, and of a bundle with history."""
        return self._histories.known

    def commit(self, commit_id: str) -> Commit:
        """Return a commit that an answer names. Raises `KeyError` if it is not there."""
        return self._histories.commits([commit_id])[commit_id]

    def commits(self, ids: Iterable[str]) -> list[Commit]:
        """Return the commits that answers name, without unknown ones."""
        return list(self._histories.commits(ids).values())

    def patch(self, commit_id: str) -> str:
        """Return message and diff of a commit, as `git show` prints them; without git, only the message."""
        patch = self._histories.patch(commit_id)
        return patch if patch is not None else self.commit(commit_id).message

    def later(self, finding: Finding) -> Later:
        """Return what happened to the first match of a finding after the revision of its tree, until HEAD."""
        start = finding.tree.commit
        if start is None:
            return Later()
        return self._histories.later(start, Request(finding.answer.matches[0].message))

    def trace(self, requests: Sequence[Request]) -> list[Provenance]:
        """Return the history of each message, in order; messages of one file share a run of blame."""
        self._histories.expect(requests)
        return self._histories.trace(requests)

    def added_to(self, finding: Finding, history: HistoryMode) -> Finding:
        """Return a finding with the history of its matches, and of the place that the line names."""
        matches = finding.answer.matches
        selected = matches[: _depth(history, matches)]
        traced = self._histories.trace([Request(match.message) for match in selected]) if selected else []
        pointed = self._of_place(finding.answer.points_to, history)
        return replace(finding, provenance=_for_each(matches, traced), points_to=pointed)

    def prepare(self, findings: Sequence[Finding], history: HistoryMode) -> None:
        """Read the commits once if that is faster than tracing the histories of these findings one by one.

        `traced` does so itself; this is for callers that add histories with several calls.
        """
        self._histories.expect(_requests(findings, history))

    def traced(self, findings: Sequence[Finding], history: HistoryMode) -> Iterator[tuple[int, Finding]]:
        """Yield findings with history added, file by file, each with its position.

        Neighbouring files are traced in one batch: messages of one file share a run of blame, and several runs are
        parallel.
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

    def _of_place(self, place: Place | None, history: HistoryMode) -> Provenance | None:
        """Return the history of the location that a line names: of the message there, or of the bare line."""
        if place is None or place.call is None or history is HistoryMode.OFF:
            return None
        here = [m for m in self._messages.of(place.path) if m.line_start <= place.line <= m.line_end]
        line = place.line + (place.drift or 0)
        bare = Message(place.path, line, line, place.function, place.call, None, None, "", (), ())
        return self._histories.trace([Request(here[0] if here else bare, at=(place.path, line))])[0]


def _requests(findings: Iterable[Finding], history: HistoryMode) -> list[Request]:
    """Return a request for each match whose history is wanted, in order."""
    matches = (finding.answer.matches for finding in findings)
    return [Request(match.message) for own in matches for match in own[: _depth(history, own)]]


def _depth(history: HistoryMode, matches: Sequence[Match]) -> int:
    """Return for how many of the best matches a history is wanted."""
    return {HistoryMode.OFF: 0, HistoryMode.FIRST: min(1, len(matches)), HistoryMode.ALL: len(matches)}[history]


def _for_each(matches: Sequence[Match], traced: Sequence[Provenance]) -> tuple[Provenance, ...]:
    """Return a history for each match: the traced ones for the first matches, `NO_HISTORY_ASKED` for the others."""
    return (*traced, *(NO_HISTORY_ASKED for _ in matches[len(traced) :]))
