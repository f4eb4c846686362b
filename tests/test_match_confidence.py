"""Tests of confidence: how far an answer can be believed."""

import pytest

from ksrcfind.match.answer import Tier
from ksrcfind.match.confidence import confidence


def test_a_similar_text_is_believed_from_two_thirds_of_the_line_on():
    assert confidence(Tier.FUZZY, 0.9, 1.0) > 0.8
    assert confidence(Tier.FUZZY, 0.75, 0.75) > 0.6  # Each has text in place of a part of the other.
    assert confidence(Tier.FUZZY, 0.5, 1.0) < 0.5
    assert confidence(Tier.FUZZY, 0.3, 0.8) < 0.2


@pytest.mark.parametrize("tier", [Tier.EXACT, Tier.PARTIAL, Tier.FUZZY])
def test_confidence_rises_with_what_a_text_explains(tier: Tier):
    found = [confidence(tier, share / 20, 0.9) for share in range(21)]
    assert found == sorted(found)
    assert all(0 < each < 1 for each in found)
