"""Earlier names of files, found in this process; git itself is the judge."""

import random

import pytest

from ksrcfind.history.blame import blame
from ksrcfind.history.renames import Rename, Renames, UnclearRenameError, best_source, similarity
from ksrcfind.history.simple_blame import SimpleBlame
from ksrcfind.history.whole_history import WholeHistory
from ksrcfind.progress import SILENT
from ksrcfind.tree.repository import open_repository
from repositories import VirtualDocuments, seal

ONE = [f"line {number} of the first file" for number in range(30)]
TWO = [f"another line {number}, of the second" for number in range(30)]


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return VirtualDocuments(tmp_path / "linux")


def opened(scratch):
    repository = open_repository(scratch.root)
    repository.objects.load()
    return repository


def text(lines):
    return "".join(f"{line}\n" for line in lines)


def edited(lines, count, word="edited"):
    return [*(f"{word} {line}" for line in lines[:count]), *lines[count:]]


@pytest.mark.parametrize("seed", range(8))
def test_similarity_is_that_of_git(scratch, seed):
    chance = random.Random(seed)
    old = [chance.choice("abc") * chance.choice([0, 3, 40, 63, 64, 65, 130]) + f"{n % 7}" for n in range(60)]
    new = [line for line in old if chance.random() < 0.9] + [f"new {n}" for n in range(chance.randrange(40))]
    before, after = text(old), text(new).removesuffix("\n")
    scratch.commit("first", {"old.c": before})
    scratch.commit("renamed", {"new.c": after}, remove=["old.c"])
    printed = scratch.git("diff-tree", "-r", "-M1%", "--name-status", "HEAD^", "HEAD").split("\n")[-1]
    assert printed.startswith("R")
    assert similarity(before.encode(), after.encode()) == pytest.approx(int(printed[1:4]) / 100, abs=0.011)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({}, None),
        ({"a/x.c": 0.44}, None),
        ({"a/x.c": 0.9, "a/y.c": 0.8}, "a/x.c"),
        ({"a/x.c": 0.9, "a/new.c": 0.6}, "a/x.c"),
        ({"a/x.c": 0.52}, UnclearRenameError),  # Git's limit is near.
        ({"a/x.c": 0.9, "a/y.c": 0.88}, UnclearRenameError),
        ({"a/x.c": 0.9, "a/new.c": 0.8}, UnclearRenameError),  # Newer versions of git prefer the same name.
    ],
)
def test_a_source_is_chosen_only_where_all_versions_of_git_agree(scores, expected):
    if expected is UnclearRenameError:
        with pytest.raises(UnclearRenameError):
            best_source(scores, "dir/new.c")
    else:
        assert best_source(scores, "dir/new.c") == expected


def test_the_source_of_a_file_needs_no_process(scratch, git_commands):
    scratch.commit("first", {"a/one.c": text(ONE), "a/two.c": text(TWO), "b/other.c": "something else\n"})
    parent = scratch.git("rev-parse", "HEAD")
    commit = scratch.commit(
        "moved",
        {"c/one.c": text(ONE), "c/second.c": text(edited(TWO, 4)), "c/new.c": "int new;\n"},
        remove=["a/one.c", "a/two.c", "b/other.c"],
    )
    renames = Renames(opened(scratch))
    git_commands.clear()
    assert renames.source(parent, commit, "c/one.c") == "a/one.c"
    assert renames.source(parent, commit, "c/second.c") == "a/two.c"
    assert renames.source(parent, commit, "c/new.c") is None
    assert git_commands == []
    assert renames.between(commit, "c/second.c", "a/two.c") == [Rename(commit, "a/two.c", "c/second.c")]
    assert git_commands == ["log"]


def test_git_chooses_between_equal_sources(scratch):
    parent = scratch.commit("first", {"a/one.c": text(ONE), "b/two.c": text(ONE)})
    commit = scratch.commit("moved", {"c/new.c": text(ONE)}, remove=["a/one.c", "b/two.c"])
    renames = Renames(opened(scratch))
    with pytest.raises(UnclearRenameError):
        renames.source(parent, commit, "c/new.c")
    said = scratch.git("diff-tree", "-r", "-M", "--name-status", parent, commit).split()
    before = said[said.index("R100") + 1]
    assert renames.between(commit, "c/new.c", before) == [Rename(commit, before, "c/new.c")]


def test_blame_follows_a_file_through_directories_without_a_process_for_each(scratch, git_commands):
    scratch.commit("first", {"a/one.c": text(ONE), "a/two.c": text(TWO)})
    names = ("one.c", "two.c")
    for number, directory in enumerate("bcd", 1):
        before = [str(path.relative_to(scratch.root)) for path in scratch.root.glob("*/*.c")]
        moved = {f"{directory}/one.c": text(edited(ONE, 3 * number)), f"{directory}/two.c": text(TWO)}
        head = scratch.commit("moved", moved, remove=before)
    repository = opened(scratch)
    shared = SimpleBlame(repository, WholeHistory(repository.git, head, names, SILENT), Renames(repository))
    git_commands.clear()
    found = {path: shared.blame(head, path, range(1, 31)) for path in ("d/one.c", "d/two.c")}
    assert git_commands == ["diff-tree"]
    assert found == {path: blame(repository, head, path, range(1, 31)) for path in found}


def test_where_a_file_begins_follows_from_the_shared_history(scratch, git_commands):
    first = scratch.commit("first", {"a/one.c": text(ONE)})
    moved = scratch.commit("moved", {"b/one.c": text(edited(ONE, 3))}, remove=["a/one.c"])
    head = scratch.commit("later", {"b/one.c": text(edited(ONE, 6))})
    repository = opened(scratch)
    renames = Renames(repository)
    shared = SimpleBlame(repository, WholeHistory(repository.git, head, ["one.c"], SILENT), renames)
    assert shared.beginning(head, "b/one.c") == (moved, first)
    assert shared.beginning(first, "a/one.c") is None
    git_commands.clear()
    assert renames.between(head, "b/one.c", "a/one.c", shared.beginning) == [Rename(moved, "a/one.c", "b/one.c")]
    assert git_commands == []


def test_blame_follows_a_file_that_changed_its_name(scratch, git_commands):
    scratch.commit("first", {"a/old.c": text(ONE)})
    scratch.commit("edited", {"a/old.c": text(edited(ONE, 5))})
    scratch.commit("renamed", {"b/new.c": text(edited(ONE, 5))}, remove=["a/old.c"])
    head = scratch.commit("later", {"b/new.c": text(edited(ONE, 8))})
    repository = opened(scratch)
    changes = WholeHistory(repository.git, head, ["new.c"], SILENT)
    assert (changes.names, changes.earlier_names) == ({"new.c"}, ["old.c"])
    shared = SimpleBlame(repository, changes, Renames(repository))
    git_commands.clear()
    found = shared.blame(head, "b/new.c", range(1, 31))
    assert git_commands == ["diff-tree"]
    assert found == blame(repository, head, "b/new.c", range(1, 31))


def test_an_earlier_name_is_known_only_before_the_rename(scratch):
    """On a branch beside the rename, the changes of the file with the earlier name may not have been read."""
    scratch.commit("first", {"old.c": text(ONE)})
    scratch.git("checkout", "-q", "-b", "side")
    scratch.commit("there", {"old.c": text(edited(ONE, 5))})
    side = scratch.commit("and back", {"old.c": text(ONE)})
    scratch.git("checkout", "-q", "master")
    scratch.commit("renamed", {"new.c": text(ONE)}, remove=["old.c"])
    scratch.commit("changed", {"new.c": text(edited(ONE, 2))})
    head = scratch.merge(side)
    repository = opened(scratch)
    changes = WholeHistory(repository.git, head, ["new.c"], SILENT)
    shared = SimpleBlame(repository, changes, Renames(repository))
    for commit in changes.ids:
        for path in scratch.git("ls-tree", "-r", "--name-only", commit).split():
            assert shared.blame(commit, path, range(1, 31)) == blame(repository, commit, path, range(1, 31))
