"""The chance that the first match is right."""

from ksrcfind.match.answer import Tier

_RIGHT = {Tier.EXACT: 0.97, Tier.PARTIAL: 0.88, Tier.FUZZY: 0.8}
"""Share of right first answers of each tier that explain their line whole, on labelled lines (docs/accuracy.md)."""


def confidence(tier: Tier, share: float, likeness: float) -> float:
    """Return the chance that one of the best matches is right, from 0 to 1; `likeness` is that of the whole texts."""
    return _RIGHT[tier] * min(1.0, 0.3 + share) * likeness**2
