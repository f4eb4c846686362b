"""How similar two texts are: the one measure for wordings of a message in different versions."""

from rapidfuzz import fuzz


def similarity(one: str, other: str) -> float:
    """Return how similar two texts are, from 0 (nothing in common) to 1 (equal).

    This is the normalised indel similarity: twice the length of the longest common subsequence of characters, divided
    by the length of both texts together. The order of words counts, so does their case; the measure is symmetric.
    """
    return fuzz.ratio(one, other) / 100
