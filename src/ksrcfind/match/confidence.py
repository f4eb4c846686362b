"""The chance that the first match is right."""

from ksrcfind.match.answer import Tier

# (share of right first answers where all is explained, what remains of it where nothing is). Taken from labelled lines,
# and from lines whose file was left out of the index, as one line in sixteen is of no tree (docs/accuracy.md).
_RIGHT = {Tier.EXACT: (0.98, 0.8), Tier.PARTIAL: (0.95, 0.4), Tier.FUZZY: (0.8, 0.3)}


def confidence(tier: Tier, share: float, likeness: float) -> float:
    """Return the chance that one of the best matches is right, from 0 to 1; `likeness` is that of the whole texts."""
    right, least = _RIGHT[tier]
    return right * min(1.0, least + share) * likeness**2
