"""Finds the messages that may have printed a log line: with the index, without one, or in other indexed releases."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ksrcfind.match.answer import Answer, Tier
from ksrcfind.match.body import Body
from ksrcfind.match.discriminating_tokens import AllNames, DiscriminatingTokens
from ksrcfind.match.matcher import Matcher

if TYPE_CHECKING:
    from ksrcfind.backend import Backend
    from ksrcfind.engine.places import PlaceResolver
    from ksrcfind.history.releases import ReleaseTag
    from ksrcfind.log.line import LogLine

INCOMPLETE = "only the likeliest files were searched; to search every file, run: ksrcfind index"


class LineMatcher:
    """Finds the messages of one revision that may have printed a log line."""

    def __init__(self, backend: "Backend", places: "PlaceResolver") -> None:
        self._backend = backend
        self._places = places

    def answer(self, log: "LogLine", limit: int) -> tuple[Answer, tuple[str, ...]]:
        """Return the answer to a log line, and notes for the user.

        The answer has at most `limit` matches, and the source location that the line itself names, if any.
        """
        answer, notes = self._matched(log, limit)
        return (replace(answer, points_to=self._places.named_by(log, answer)) if answer.matches else answer), notes

    def tokens(self) -> DiscriminatingTokens:
        """Return an object that finds the names and numbers of a line that can decide which message printed it."""
        indexed = self._backend.index.current()
        return indexed.matcher.tokens if indexed is not None else AllNames()

    def in_other_release(self, log: "LogLine", limit: int) -> tuple["ReleaseTag", Answer] | None:
        """Return the latest other indexed release that has an exact match for a line, with its answer.

        None if no other indexed release has one.
        """
        for tag, indexed in self._backend.releases.printing(log):
            answer = indexed.matcher.answer(log, limit)
            if answer.verdict == Tier.EXACT:
                return tag, answer
        return None

    def _matched(self, log: "LogLine", limit: int) -> tuple[Answer, tuple[str, ...]]:
        index = self._backend.index
        indexed = index.current()
        if indexed is None:
            return self._without_index(log, limit)
        answer = indexed.matcher.answer(log, limit)
        if index.refresh([match.message.path for match in answer.matches]) and (updated := index.current()):
            answer = updated.matcher.answer(log, limit)
        return answer, ()

    def _without_index(self, log: "LogLine", limit: int) -> tuple[Answer, tuple[str, ...]]:
        """Return the answer to a log line without an index, and notes for the user.

        The line is matched with the likeliest messages, and with more of them until a match is exact or partial.
        """
        messages = self._backend.messages
        if log.is_userspace or not log.body.strip():
            return Matcher(next(messages.likely(""))).answer(log, limit), ()
        body = Body.of(log.body)
        text = body.text if body.relative is None else body.relative.text
        answers: list[Answer] = []
        for likely in messages.likely(text):
            answer = Matcher(likely).answer(log, limit)
            if answer.verdict == Tier.EXACT:
                return answer, ()
            answers.append(answer)
            if answer.verdict == Tier.PARTIAL:
                break  # Reading more files would double the time and hardly ever finds a better match.
        answer = next((answer for answer in reversed(answers) if answer.matches), answers[0])
        return answer, (INCOMPLETE,)


def is_weak(answer: Answer, log: "LogLine") -> bool:
    """Return whether a line that the kernel printed has neither an exact nor a partial match in an answer."""
    return answer.verdict not in (Tier.EXACT, Tier.PARTIAL) and not log.is_userspace and bool(log.body.strip())
