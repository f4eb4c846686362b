"""Blames by what every commit touched, against those of git, and stories that are told with both."""

import random

import pytest

from ksrcfind.history import git_history
from ksrcfind.history.blame import blame
from ksrcfind.history.commit_diff import changed_source_files
from ksrcfind.history.renames import Renames
from ksrcfind.history.simple_blame import SimpleBlame
from ksrcfind.history.trace import History
from ksrcfind.history.whole_history import WholeHistory
from ksrcfind.progress import SILENT
from ksrcfind.tree.open import open_snapshot
from repositories import VirtualDocuments, seal
from test_history_follow import STORIES, request


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return VirtualDocuments(tmp_path / "linux")


def read(scratch, *names):
    repository = open_snapshot(scratch.root, "HEAD").repository
    return repository, WholeHistory(repository.git, repository.head(), names, SILENT)


def assert_as_git_says(scratch, *names):
    """Every line of every file of these names, at every commit; returns how many blames took a shortcut."""
    repository, whole_history = read(scratch, *names)
    shortcuts, short = SimpleBlame(repository, whole_history, Renames(repository)), 0
    for commit in whole_history.ids:
        for path in scratch.git("ls-tree", "-r", "--name-only", "-z", commit).split("\0"):
            if path.rpartition("/")[2] in names:
                lines = range(1, scratch.git("cat-file", "blob", f"{commit}:{path}").count("\n") + 2)
                assert shortcuts.blame(commit, path, lines) == blame(repository, commit, path, lines), (commit, path)
                short += shortcuts.parents(commit, path) is not None
    return short


def text(*lines):
    return "".join(f"{line}\n" for line in lines)


ONE = [f"line {number} of the first" for number in range(12)]


def changed(lines, number, word="changed"):
    return [f"{line} {word}" if at == number else line for at, line in enumerate(lines)]


def test_a_line_of_commits(scratch):
    scratch.commit("first", {"a.c": text(*ONE)})
    scratch.commit("other", {"b.c": text(*ONE)})
    scratch.commit("second", {"a.c": text(*changed(ONE, 3))})
    scratch.commit("other", {"b.c": text(*changed(ONE, 2))})
    assert assert_as_git_says(scratch, "a.c", "b.c") == 7


def test_a_file_that_was_renamed_is_followed_to_its_old_name(scratch):
    first = scratch.commit("first", {"old.c": text(*ONE)})
    scratch.commit("renamed", {"dir/new.c": text(*changed(ONE, 3))}, remove=["old.c"])
    scratch.commit("later", {"dir/new.c": text(*changed(changed(ONE, 3), 9))})
    repository, whole_history = read(scratch, "new.c")
    found = SimpleBlame(repository, whole_history, Renames(repository)).blame(repository.head(), "dir/new.c", [1])
    assert (found[1].commit, found[1].path) == (first, "old.c")
    assert assert_as_git_says(scratch, "old.c", "new.c") == 3


def test_a_merge_that_drops_what_one_side_did(scratch):
    scratch.commit("first", {"a.c": text(*ONE)})
    scratch.git("checkout", "-q", "-b", "side")
    side = scratch.commit("side", {"a.c": text(*changed(ONE, 3))})
    scratch.git("checkout", "-q", "master")
    scratch.commit("other", {"b.c": ""})
    scratch.git("merge", "-q", "-s", "ours", "-m", "dropped", side)
    scratch.commit("other", {"b.c": text("b")})
    scratch.commit("later", {"a.c": text(*changed(ONE, 5))})
    assert_as_git_says(scratch, "a.c")


def test_what_a_branch_did_and_took_back_is_not_looked_at(scratch):
    scratch.commit("first", {"a.c": text(*ONE)})
    scratch.git("checkout", "-q", "-b", "side")
    scratch.commit("there", {"a.c": text(*changed(ONE, 3))})
    side = scratch.commit("and back", {"a.c": text(*ONE)})
    scratch.git("checkout", "-q", "master")
    scratch.commit("other", {"b.c": ""})
    scratch.merge(side)
    assert assert_as_git_says(scratch, "a.c")


def test_a_file_that_went_and_came_back_and_one_that_is_a_link(scratch):
    scratch.commit("first", {"a.c": text(*ONE), "l.c": text(*ONE)})
    scratch.commit("gone", {"b.c": ""}, remove=["a.c", "l.c"])
    (scratch.root / "l.c").symlink_to("b.c")
    scratch.commit("back", {"a.c": text(*changed(ONE, 3))})
    (scratch.root / "l.c").unlink()
    scratch.commit("no link", {"l.c": text(*ONE)})
    assert_as_git_says(scratch, "a.c", "l.c")


def test_odd_names_of_files(scratch):
    names = ['a "b"\tc.c', "ä\udcff.c", "*.c", "-.c"]
    scratch.commit("first", {f"dir/{name}": text(*ONE) for name in names})
    scratch.commit("second", {f"dir/{name}": text(*changed(ONE, 3)) for name in names})
    assert assert_as_git_says(scratch, *names) == 8


@pytest.mark.parametrize("seed", range(4))
def test_random_histories(scratch, seed):
    chance = random.Random(seed)
    files = {name: list(ONE) for name in ("a.c", "b.c")}
    heads = {"master": scratch.commit("start", {name: text(*lines) for name, lines in files.items()})}
    for number in range(30):
        branch = chance.choice([*heads, f"branch{number}"])
        scratch.git("checkout", "-q", "-B", branch, heads.get(branch, chance.choice(list(heads.values()))))
        if len(heads) > 1 and chance.random() < 0.4:
            how = chance.choice(["ours", "recursive", "recursive"])
            options = ["-s", how, *(["-X", chance.choice(["ours", "theirs"])] if how != "ours" else [])]
            scratch.clock += 60
            scratch.git("merge", "-q", "--no-edit", *options, chance.choice(list(heads.values())), check=False)
            if scratch.git("status", "--porcelain"):
                scratch.commit("merged by hand")
        else:
            name = chance.choice(list(files))
            there = (scratch.root / name).read_text().splitlines()
            # Words are few, so that branches come to the same and go back to what was.
            scratch.commit(
                f"{number}",
                {name: text(*changed(ONE, chance.randrange(12), chance.choice("xy")))}
                if chance.random() < 0.3
                else {name: text(*changed(there, chance.randrange(12), "z"))},
            )
        heads[branch] = scratch.git("rev-parse", "HEAD")
    assert assert_as_git_says(scratch, "a.c", "b.c") >= 5


def test_what_commits_changed(scratch):
    scratch.commit("first", {"a.c": "a", "b.h": "b", "c.txt": "c", "d.S": "d"})
    scratch.commit("second", {"a.c": "aa", "c.txt": "cc", "e.c": "e"}, remove=["d.S"])
    scratch.commit("third", {"b.h": "bb"})
    repository, whole_history = read(scratch, "a.c")
    third, second, first = whole_history.ids
    for parent, commit in ((first, second), (second, third)):
        assert whole_history.changed(parent, commit) == changed_source_files(repository.objects, parent, commit, "DMT")
    assert whole_history.changed(first, third) is None
    assert whole_history.named("a.c") == ["a.c"]
    assert whole_history.named("b.h") is None


def test_stories_of_many_files_are_the_same_as_one_by_one(linux_mini, monkeypatch):
    snapshot = open_snapshot(linux_mini, "master")
    requests = [request(snapshot, *place) for place in STORIES]
    alone = [History(snapshot).trace([one])[0] for one in requests]
    monkeypatch.setattr(git_history, "MANY_FILES_WITHOUT_GRAPH", 2)
    together = History(snapshot)
    together.expect(requests)
    asked = []
    monkeypatch.setattr(WholeHistory, "changed", _noted(WholeHistory.changed, asked))
    assert together.trace(requests) == alone
    assert asked


def test_the_history_is_read_again_for_enough_further_files(linux_mini, monkeypatch):
    snapshot = open_snapshot(linux_mini, "master")
    requests = [request(snapshot, *place) for place in STORIES]
    monkeypatch.setattr(git_history, "MANY_FILES_WITHOUT_GRAPH", 2)
    alone = [History(snapshot).trace([one])[0] for one in requests]
    files = list(dict.fromkeys(one.message.path.rpartition("/")[2] for one in requests))
    parts = [[one for one in requests if one.message.path.rpartition("/")[2] in names] for names in (files[:2], files)]
    history, asked = History(snapshot), []
    monkeypatch.setattr(WholeHistory, "__init__", _noted(WholeHistory.__init__, asked))
    for part in [*parts, requests]:
        history.expect(part)
    assert [arguments[2] for arguments in asked] == [set(files[:2]), set(files)]
    assert history.trace(requests) == alone


def _noted(method, calls):
    def call(self, *arguments):
        calls.append(arguments)
        return method(self, *arguments)

    return call
