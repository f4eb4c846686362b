"""The answer to a line: wordings are found and scored, their messages weighed and ordered.

A message's bits are those that its wording explains (`match.score`) and those of the evidence beyond the text
(`match.evidence`).
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile

from msgspec.structs import replace

from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Answer, Match, Reason, Tier, Value
from ksrcfind.match.body import Body
from ksrcfind.match.candidate import Candidate, merged, ordered
from ksrcfind.match.confidence import confidence, of_each
from ksrcfind.match.decode import decoded
from ksrcfind.match.discriminating_tokens import IndexedTokens
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.match.pattern import value
from ksrcfind.match.reasons import beyond_matching, of_any_text, row_of_report, unexplained
from ksrcfind.match.score import Score
from ksrcfind.match.tiers import TierSearch
from ksrcfind.match.tuned_weights import (
    ANY_TEXT_FACTOR,
    DISTINCTIVE_TEXT,
    JOINED_MOST,
    MODULE,
    OPPOSITE_FACTOR,
    OUTSIDE_TREE,
    RARE_PLACE_MOST,
    RARE_PLACE_SIMILAR,
    SCORE_HALVING,
    UNNAMED_MOST,
)
from ksrcfind.match.weigh import Weigher
from ksrcfind.match.wording_search import Wordings
from ksrcfind.source.message import Argument, Message

PASSED_ON = "this call prints whole audit records; the text of the record comes from elsewhere, perhaps from user space"
"""The note on an audit record."""


class Matcher:
    """Answers lines from one index. It caches what it reads of the index, from line to line."""

    def __init__(self, index: MessageIndex) -> None:
        self._index = index
        self._wordings = Wordings(index)
        self._tiers = TierSearch(index, self._wordings)
        self._weigher = Weigher(index, self._wordings)
        self.tokens = IndexedTokens(index, self._wordings)
        """Which names and numbers of a line can decide its answer."""

    def answer(self, line: LogLine, limit: int = 5) -> Answer:
        """Return the messages that explain a line, best first, or why there are none."""
        self._tiers.start()
        body = Body.of(line.body)
        answer = self._answered(body, line, limit)
        if answer.verdict != Tier.EXACT and body.relative is not None:
            relative = self._answered(body.relative, line, limit)
            answer = relative if relative.verdict == Tier.EXACT else answer
        return replace(answer, note=PASSED_ON) if body.is_audit_record and answer.matches else answer

    def printing(self, line: LogLine) -> set[int]:
        """Return the numbers of all messages that print the whole of a line, judged by its text alone."""
        self._tiers.start()
        body = Body.of(line.body)
        if beyond_matching(line, body) is not None:
            return set()
        found = self._printing(body)
        return found if body.relative is None else found | self._printing(body.relative)

    def _printing(self, body: Body) -> set[int]:
        scores = self._tiers.exact(body, self._wordings.known(body.words))
        return {
            occurrence.number
            for score in scores
            if score.counts(MODULE)
            for occurrence in self._wordings.occurrences(score.wording)
        }

    def _answered(self, body: Body, line: LogLine, limit: int) -> Answer:
        reason = beyond_matching(line, body)
        if reason is not None:
            return _none(reason)
        candidates = self._explaining(body, line)
        is_exact = bool(candidates) and candidates[0].is_exact
        # A wording of values alone fits rows of values by chance.
        row = None if is_exact and candidates[0].score.wording.all_words else row_of_report(line.body)
        if row is not None:
            return _none(row)
        if is_exact and candidates[0].is_anybodys:
            return self._of_anybody(candidates, body, limit)
        if candidates and (is_exact or candidates[0].score.tier is Tier.PARTIAL or candidates[0].named > 0):
            return self._answer(candidates, body, limit)
        general = self._general(body, line)
        if candidates and not _contradicts(general, candidates[0]):
            return self._answer(candidates, body, limit)
        message = self._weigher.origin(general[0].occurrence.number).message if general else None
        reason = unexplained(body, self._index, message, self._nearest(body))
        if reason.code != "any_text":
            return _none(reason)
        return _none(reason, tuple(map(_of_any_text, self._answer(general, body, limit).matches)))

    def _of_anybody(self, general: Sequence[Candidate], body: Body, limit: int) -> Answer:
        """Return messages that would accept any other text or name too, with the reason for it."""
        message = self._weigher.origin(general[0].occurrence.number).message
        return _none(of_any_text(message), tuple(map(_of_any_text, self._answer(general, body, limit).matches)))

    def _explaining(self, body: Body, line: LogLine) -> list[Candidate]:
        """Return the messages that explain a line, best first; values that somebody masked are unknown numbers."""
        known = self._wordings.known(body.words)
        found = self._begun(self._best(body, known, line), body, line)
        if body.unmasked is None or (found and found[0].is_exact):
            return found
        return self._weigher.candidates(self._tiers.exact(body.unmasked, known), body, line) or found

    def _best(self, body: Body, known: frozenset[str], line: LogLine) -> list[Candidate]:
        """Return the messages of the best tier, or of a later one that explains clearly more."""
        tiers = self._tiers
        whole = list(tiers.exact(body, known))
        judged = {score.wording for score in whole if not score.is_open}

        def candidates(scores: Iterable[Score], body: Body, line: LogLine) -> list[Candidate]:
            # A wording of typed values that fits whole is judged already, by its values too.
            others = [score for score in scores if score.wording not in judged]
            return self._weigher.candidates(others, body, line)

        found = self._weigher.candidates(whole, body, line)
        if found and found[0].is_strong and not (found[0].score.ends_in_any_text and body.is_cut(known)):
            return found
        for tier in (tiers.partial, tiers.fuzzy):
            first = found[0] if found else None
            if first is None or not first.is_exact or tiers.may_outdo(body, first.score.wording, judged):
                more = candidates(tier(body, known), body, line)
                found = merged(_better(more, first) if first else more, found)
            if found and found[0].is_strong:
                return found
        if found and found[0].is_exact and found[0].leaves_most:
            found = merged(_better(candidates(tiers.continued(body, known), body, line), found[0]), found)
        if found and found[0].is_weak_likeness:
            more = candidates(tiers.reworded(body, known), body, line)
            if more and more[0].beats(found[0]) and more[0].named >= found[0].named:
                found = merged(more, found)
        if found and not found[0].is_unlikely:
            return found
        found = merged(candidates(tiers.of_values(body), body, line), found)
        found = found or candidates(tiers.continued(body, known), body, line)
        found = found or candidates(tiers.reworded(body, known), body, line)
        return found or self._respelt(body, known, line)

    def _respelt(self, body: Body, known: frozenset[str], line: LogLine) -> list[Candidate]:
        """Return similar messages that write a word with a hyphen that the line has as one word, or the other way.

        Then those are tried that write the name in front in the other case.
        """
        for other in (body.joined, body.hyphenated):
            words = self._wordings.known(other.words) if other is not None else known
            if other is not None and not words <= known:
                found = self._weigher.candidates(self._tiers.fuzzy(other, words), other, line)
                if found:
                    return found
        if body.recased is None:
            return []
        return self._weigher.candidates(self._tiers.recased(body.recased, known), body.recased, line)

    def _begun(self, found: list[Candidate], body: Body, line: LogLine) -> list[Candidate]:
        """Put the call that begins a line (`pr_cont`) before one of the same file that only continues it."""
        first = found[0] if found else None
        if first is None or first.score.tier is not Tier.PARTIAL or not first.occurrence.joins.before:
            return found
        path = self._index.message(first.occurrence.number).path
        parts = self._weigher.candidates(self._tiers.continued(body, self._wordings.known(body.words)), body, line)
        begun = [
            one
            for one in parts
            if not one.occurrence.joins.before and self._index.message(one.occurrence.number).path == path
        ]
        return merged(begun, found)

    def _general(self, body: Body, line: LogLine) -> list[Candidate]:
        """Return the messages that name who prints and would accept any other text too, best first."""
        score = self._tiers.naming_prefix(body, self._wordings.known(body.words))
        return ordered(self._weigher.weighed(score, body, line)) if score is not None else []

    def _nearest(self, body: Body) -> Message | None:
        """Return a message that shares most words with a line; None if none shares enough of them."""
        similar = self._wordings.similar(self._wordings.known(body.words))
        occurrences = self._wordings.occurrences(similar[0].wording) if similar else ()
        return self._weigher.origin(occurrences[0].number).message if occurrences else None

    def _answer(self, candidates: Sequence[Candidate], body: Body, limit: int) -> Answer:
        first = candidates[0]
        equal = sum(candidate.ties(first) for candidate in candidates)
        chance = _chance(first, equal)
        matches: list[Match] = []
        for rank, candidate in enumerate(candidates[:limit]):
            behind = 2.0 ** min(0.0, (candidate.bits - first.bits) / SCORE_HALVING)
            message = self._weigher.origin(candidate.occurrence.number).message
            form = message.forms[candidate.occurrence.form]
            matches.append(
                Match(
                    tier=candidate.score.tier,
                    score=round(min(1.0, candidate.share * behind), 4),
                    confidence=round(chance if rank < equal else min(chance, (1 - chance) / 2) * behind, 4),
                    message=message,
                    form=form,
                    values=_values(candidate, body, form.arguments),
                )
            )
        return Answer(first.score.tier.value, None, tuple(matches), equal - 1)


def _better(candidates: Sequence[Candidate], first: Candidate) -> list[Candidate]:
    """Return the candidates of a later tier that beat the first one, up to its own wording."""
    own = first.score.wording
    return [one for one in takewhile(lambda one: one.score.wording is not own, candidates) if one.beats(first)]


def _none(reason: Reason, matches: tuple[Match, ...] = ()) -> Answer:
    return Answer("none", reason, matches, 0)


def _chance(first: Candidate, equal: int) -> float:
    """Return the chance that the best candidate printed the line, one of so many equal candidates."""
    score = first.score
    chance = of_each(confidence(score.tier, first.share, score.likeness), equal)
    if not first.is_exact and not first.score.explains_most:
        chance = min(chance, JOINED_MOST)
    if first.doubts.is_unnamed:
        chance = min(chance, UNNAMED_MOST)
    if first.doubts.is_others:
        chance *= min(1.0, score.explained / (2 * DISTINCTIVE_TEXT))
    if first.doubts.is_opposite:
        chance *= OPPOSITE_FACTOR
    if first.is_unlikely:
        chance *= 2.0 ** (first.place + OUTSIDE_TREE)
    elif first.is_rare:
        chance = min(chance, RARE_PLACE_MOST if first.is_exact else RARE_PLACE_SIMILAR)
    return chance


def _values(candidate: Candidate, body: Body, arguments: Sequence[Argument]) -> tuple[Value, ...]:
    """Return the arguments of the form, with the text of the line for those that this wording shows."""
    score, first = candidate.score, candidate.occurrence.first
    conversions = score.wording.values.conversions
    shown: dict[int, str | None] = {}
    for number, (conversion, span) in enumerate(zip(conversions, score.spans, strict=False)):
        shown[first + number] = value(conversion, body.text, span)
    values = [shown.get(number) for number in range(len(arguments))]
    return tuple(
        Value(argument.conversion, argument.expression, values[number], decoded(arguments, values, number))
        for number, argument in enumerate(arguments)
    )


def _contradicts(general: Sequence[Candidate], similar: Candidate) -> bool:
    """Return whether the line begins with a prefix of many messages that the similar text does not have."""
    if not general or not general[0].score.wording.is_prefix:
        return False
    return not general[0].score.wording.words <= similar.score.wording.words


def _of_any_text(match: Match) -> Match:
    return replace(match, confidence=round(ANY_TEXT_FACTOR * match.confidence, 4))
