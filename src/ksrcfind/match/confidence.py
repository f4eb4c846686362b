"""The chance that the first match is right."""

import math

from ksrcfind.match.answer import Tier
from ksrcfind.match.tuned_weights import EQUAL_MANY, EQUAL_SHARE, RIGHT_LEAST, RIGHT_OF_TIER


def confidence(tier: Tier, share: float, likeness: float) -> float:
    """Return the chance that one of the best matches is right, from 0 to 1; `likeness` is that of the whole texts."""
    right, low, high = RIGHT_OF_TIER[tier]
    return right * likeness * min(1.0, max(RIGHT_LEAST, (share - low) / (high - low)))


def of_each(chance: float, equal: int) -> float:
    """Return the confidence in each of so many equal rivals, from the chance that one of them is right."""
    return chance * _share(equal)


def of_any(confidence: float, equal: int) -> float:
    """Return the chance that one of so many equal rivals is right, from the confidence in each."""
    return min(1.0, confidence / _share(equal))


def _share(equal: int) -> float:
    return EQUAL_SHARE / math.sqrt(max(1.0, equal / EQUAL_MANY)) if equal > 1 else 1.0
