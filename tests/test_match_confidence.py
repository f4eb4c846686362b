"""Tests of confidence: how far an answer can be believed."""

import pytest

from ksrcfind.match.answer import Tier
from ksrcfind.match.confidence import confidence, of_any, of_each
from test_match import answer, message


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


@pytest.mark.parametrize("equal", [1, 2, 5, 8, 9, 200])
def test_equal_rivals_have_one_confidence_from_which_that_of_all_follows(equal: int):
    assert of_any(of_each(0.9, equal), equal) == pytest.approx(0.9)
    assert 0.9 / equal <= of_each(0.9, equal) <= 0.9
    assert of_any(0.98, equal) <= 1.0


def test_the_first_of_a_few_equal_rivals_is_right_in_three_of_four_lines_however_many_they_are():
    few = [of_each(0.98, equal) for equal in (2, 3, 4, 5, 8)]
    assert len(set(few)) == 1
    assert few[0] == pytest.approx(0.75, abs=0.02)
    assert 0.98 > few[0] > of_each(0.98, 20) > of_each(0.98, 200) > 0.98 / 200


def test_a_similar_text_without_its_prefix_may_be_a_programs():
    kernel = message("ZEBRAFS error: stripe count verify failed on logical %llu wanted %llu", "fs/zebrafs/disk-io.c")
    line = "stripe count verify failed on 687454329734 wanted 20204"
    plain, logged = answer(line, kernel), answer(f"[   12.345678] {line}", kernel)
    assert (plain.verdict, logged.verdict) == ("fuzzy", "fuzzy")
    assert plain.matches[0].confidence < 0.5 < logged.matches[0].confidence
