"""A message that may have printed a line, with all that counts for it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from ksrcfind.match.answer import Tier
from ksrcfind.match.score import Score
from ksrcfind.match.tuned_weights import (
    COMMON_TEXT,
    COMMON_WORD,
    COMMON_WORDS,
    DISTINCTIVE_TEXT,
    LEAD_OVER_EXACT,
    LEAD_OVER_PARTIAL,
    RARE_PLACE,
    TIE,
    UNLIKELY_PLACE,
)
from ksrcfind.match.word_weights import bits
from ksrcfind.match.wording_search import Occurrence
from ksrcfind.source.printed_lines import ALONE


class Doubts(NamedTuple):
    """What makes it less certain that a message is the answer, without a better one."""

    is_opposite: bool = False
    """True if the line says the opposite of the text."""
    is_unnamed: bool = False
    """True if a similar text names who prints it, and the line, without a prefix of any log, has nothing of that."""
    is_others: bool = False
    """True if the text is only similar, and the line names who prints it, but not the code of the message."""


CERTAIN = Doubts()
"""None of these."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A message, the score of its wording, and the evidence beyond the text."""

    score: Score
    occurrence: Occurrence
    bits: float
    """Score and evidence together: candidates are ordered by it."""
    named: float
    """Evidence: bits for the names in the line's prefix."""
    beyond: float
    """Evidence that decides whether this is an answer at all: the prefix, and all that is negative."""
    place: float
    """Evidence: bits for the directory of the call; negative for code that few machines run."""
    doubts: Doubts = CERTAIN
    """What makes the answer less certain."""

    @property
    def is_exact(self) -> bool:
        """True if the whole line is a rendering of the wording."""
        return self.score.tier is Tier.EXACT

    @property
    def is_unlikely(self) -> bool:
        """True if hardly any machine runs the code, and the text is short enough to have been in other code before."""
        return self.place <= UNLIKELY_PLACE and self.score.explained < DISTINCTIVE_TEXT

    @property
    def is_rare(self) -> bool:
        """True if few machines run the code, and the text is weak: more usual code may print the like."""
        score = self.score
        is_weak = score.is_open or not self.is_exact or score.explained < 2 * DISTINCTIVE_TEXT
        return self.place <= RARE_PLACE and is_weak

    @property
    def is_strong(self) -> bool:
        """True if no other wording can explain clearly more, and the code is not unlikely."""
        return not self.is_unlikely and self.score.is_strong(self.occurrence.joins)

    @property
    def is_anybodys(self) -> bool:
        """True if few common words behind a name, not the driver's, are all of the text: `zebra: initialized`."""
        score, wording = self.score, self.score.wording
        is_weak = score.explained < COMMON_TEXT and all(bits(word) < COMMON_WORD for word in wording.words)
        is_short = len(wording.words) <= COMMON_WORDS and len(wording.pattern.texts) == wording.pattern.named
        return (
            (self.is_exact and is_weak and is_short)
            and bool(wording.pattern.prefix)
            and self.named <= 0
            and not any(map(str.isdigit, score.prefix))
        )

    @property
    def is_weak_likeness(self) -> bool:
        """True if a similar text leaves and lacks more than it explains."""
        return self.score.tier is Tier.FUZZY and self.leaves_most

    @property
    def leaves_most(self) -> bool:
        """True if the wording leaves and lacks more than it explains."""
        return self.score.bits(self.occurrence.joins) < 0

    @property
    def share(self) -> float:
        """Explained part of all that the message should explain, from 0 to 1."""
        return self.score.share(self.occurrence.joins)

    def beats(self, other: "Candidate") -> bool:
        """Return whether this explains clearly more than a candidate of a better tier.

        A wording that fits whole is only beaten by one that has all of its words.
        """
        mine, others = self.score.wording, other.score.wording
        if mine is others or (other.is_exact and not others.words <= mine.words):
            return False
        lead = LEAD_OVER_EXACT if other.is_exact else LEAD_OVER_PARTIAL
        return self.bits > other.bits + (0.0 if other.score.is_open and self.score.goes_on else lead)

    def ties(self, first: "Candidate") -> bool:
        """Return whether this is an equal rival of the best candidate."""
        is_alike = self.score.tier is first.score.tier and self.is_unlikely == first.is_unlikely
        return is_alike and (self.bits > first.bits - TIE or self._explains_all_like(first))

    def _explains_all_like(self, first: "Candidate") -> bool:
        """Return whether both texts contain the line, and only what they have besides makes a difference."""
        mine, others = self.score, first.score
        if mine.tier is not Tier.PARTIAL or mine.unexplained(ALONE) or others.unexplained(ALONE):
            return False
        evidence = self.bits - mine.bits(self.occurrence.joins) - (first.bits - others.bits(first.occurrence.joins))
        return mine.explained > others.explained - TIE and evidence > -TIE


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates, the best first."""
    return sorted(candidates, key=lambda candidate: (-candidate.bits, candidate.occurrence.number))


def distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates in their order, only the first one of each message."""
    first: dict[int, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.occurrence.number, candidate)
    return list(first.values())


def merged(better: Sequence[Candidate], others: Sequence[Candidate]) -> list[Candidate]:
    """Return the better candidates and then the others, each message once."""
    numbers = {candidate.occurrence.number for candidate in better}
    return [*better, *(candidate for candidate in others if candidate.occurrence.number not in numbers)]
