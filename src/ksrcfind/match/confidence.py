"""The chance that the first match is right."""

from ksrcfind.match.answer import Tier
from ksrcfind.match.tuned_weights import RIGHT_LEAST, RIGHT_OF_TIER


def confidence(tier: Tier, share: float, likeness: float) -> float:
    """Return the chance that one of the best matches is right, from 0 to 1; `likeness` is that of the whole texts."""
    right, low, high = RIGHT_OF_TIER[tier]
    return right * likeness * min(1.0, max(RIGHT_LEAST, (share - low) / (high - low)))
