"""Answers one line: from the index, without an index, or from other indexed releases."""

from dataclasses import replace

from ksrcfind.backend import Backend
from ksrcfind.engine.places import PlaceResolver
from ksrcfind.history.releases import ReleaseTag
from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Tier
from ksrcfind.match.body import Body
from ksrcfind.match.discriminating_tokens import AllNames, DiscriminatingTokens
from ksrcfind.match.rank import Matcher

INCOMPLETE = "only the likeliest files were searched; to search every file, run: ksrcfind index"


class LineMatcher:
    """Answers lines from one revision."""

    def __init__(self, backend: Backend, places: PlaceResolver) -> None:
        self._backend = backend
        self._places = places

    def answer(self, log: LogLine, limit: int) -> tuple[Answer, tuple[str, ...]]:
        """Return the answer to a line, with the source location that the line names, and notes for the user."""
        answer, notes = self._matched(log, limit)
        return (replace(answer, points_to=self._places.named_by(log, answer)) if answer.matches else answer), notes

    def tokens(self) -> DiscriminatingTokens:
        """Return which names and numbers of a line can decide its answer."""
        indexed = self._backend.index.current()
        return indexed.matcher.tokens if indexed is not None else AllNames()

    def in_other_release(self, log: LogLine, limit: int) -> tuple[ReleaseTag, Answer] | None:
        """Return the latest other indexed release that prints the whole line, with its answer; None without one."""
        for tag, indexed in self._backend.releases.printing(log):
            answer = indexed.matcher.answer(log, limit)
            if answer.verdict == Tier.EXACT:
                return tag, answer
        return None

    def _matched(self, log: LogLine, limit: int) -> tuple[Answer, tuple[str, ...]]:
        index = self._backend.index
        indexed = index.current()
        if indexed is None:
            return self._without_index(log, limit)
        answer = indexed.matcher.answer(log, limit)
        if index.refresh([match.message.path for match in answer.matches]) and (updated := index.current()):
            answer = updated.matcher.answer(log, limit)
        return answer, ()

    def _without_index(self, log: LogLine, limit: int) -> tuple[Answer, tuple[str, ...]]:
        """Match a line with the files that contain phrases of it, then with those that contain its rarest words."""
        messages = self._backend.messages
        if log.is_userspace or not log.body.strip():
            return Matcher(messages.near_words("")).answer(log, limit), ()
        body = Body.of(log.body)
        text = body.text if body.relative is None else body.relative.text
        answers: list[Answer] = []
        for messages_near in (messages.near_phrases, messages.near_words):
            answer = Matcher(messages_near(text)).answer(log, limit)
            if answer.verdict == Tier.EXACT:
                return answer, ()
            answers.append(answer)
            if answer.verdict == Tier.PARTIAL:
                break  # Reading other files takes as long again and hardly ever finds a better match.
        answer = next((answer for answer in reversed(answers) if answer.matches), answers[0])
        return answer, (INCOMPLETE,)


def is_weak(answer: Answer, log: LogLine) -> bool:
    """Return whether a line of the kernel has no exact and no partial match."""
    return answer.verdict not in (Tier.EXACT, Tier.PARTIAL) and not log.is_userspace and bool(log.body.strip())
