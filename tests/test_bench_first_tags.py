"""The generated history: as large as asked for, and its first tags are those that git tells."""

import random

from bench.first_tags import make

from ksrcfind.history.releases import Releases
from ksrcfind.tree.repository import open_repository


def test_first_tags_of_a_generated_history(tmp_path, git):
    directory = tmp_path / "history.git"
    make(directory, 1500, 60)
    every = git(directory, "rev-list", "--all").split()
    assert 1500 <= len(every) < 2500
    releases = Releases(open_repository(directory))
    assert 40 < len(releases.tags) <= 60
    releases.prepare()
    for commit in random.Random(1).sample(every, 60):
        names = git(directory, "tag", "--contains", commit).split()
        assert releases.of(commit).first_tag == min(names, key=releases.order.__getitem__, default=None)


def test_the_same_history_every_time(tmp_path, git):
    for name in ("one", "two"):
        make(tmp_path / name, 200, 14)
    assert git(tmp_path / "one", "show-ref") == git(tmp_path / "two", "show-ref")
