"""The chance that the first match is right."""

from ksrcfind.match.answer import Tier
from ksrcfind.match.thresholds import LIKENESS_POWER, RIGHT_OF_TIER

# (share of right first answers where all is explained, what remains of it where nothing is). Taken from labelled lines,
# and from lines whose file was left out of the index, as one line in sixteen is of no tree (docs/accuracy.md).


def confidence(tier: Tier, share: float, likeness: float) -> float:
    """Return the chance that one of the best matches is right, from 0 to 1; `likeness` is that of the whole texts."""
    right, least = RIGHT_OF_TIER[tier]
    return right * min(1.0, least + share) * likeness**LIKENESS_POWER
