"""The chance that the first match is right."""

from ksrcfind.match.answer import Tier


def confidence(tier: Tier, share: float) -> float:
    """Return the chance that one of the best matches is right, from 0 to 1."""
    return {Tier.EXACT: 0.97, Tier.PARTIAL: 0.85, Tier.FUZZY: 0.6}[tier] * min(1.0, 0.3 + share)
