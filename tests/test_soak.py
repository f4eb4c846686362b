"""The short form of `bench.soak`: many processes at once, killed and without space, and no wrong answer."""

from bench import soak


def test_half_a_minute_of_everything_at_once(tmp_path):
    outcome = soak.soak(tmp_path, seconds=30, processes=8, seed=7)
    assert outcome.faults == []
    assert outcome.counts["killed"]
    assert outcome.counts["checkout"]
    assert outcome.counts["hovered"]
