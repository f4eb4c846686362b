"""The history index gives the same answers as following by git, which is the judge."""

import pytest

from ksrcfind.history.index.build import build_history_index
from ksrcfind.history.trace import History
from ksrcfind.progress import SILENT
from ksrcfind.tree.open import open_snapshot
from repositories import VirtualDocuments, seal
from test_history_follow import STORIES, request
from test_history_random import FILES, Drawn, rendered


def indexed(root, directory, rev="HEAD", jobs=1):
    """Return the histories of a commit with the history index, which must be there afterwards."""
    snapshot = open_snapshot(root, rev)
    directory.mkdir(exist_ok=True)
    build_history_index(snapshot.repository, snapshot.commit, directory, jobs, SILENT)
    history = History(snapshot, index_directory=directory)
    assert history._git.tracer.indexed is not None
    return snapshot, history


def undecided(history):
    return dict(history._git.tracer.indexed.undecided)


def equal(root, directory, places, rev="HEAD"):
    """Compare the index with following for the texts at some places; return the answers."""
    snapshot, history = indexed(root, directory, rev)
    requests = [request(snapshot, *place) for place in places]
    found = history.trace(requests)
    assert found == History(snapshot).trace(requests)
    assert undecided(history) == {}
    return found


def test_every_story_of_the_bundled_repository(linux_mini, tmp_path):
    snapshot, history = indexed(linux_mini, tmp_path / "index", "master")
    requests = [request(snapshot, *place) for place in STORIES]
    assert history.trace(requests) == History(snapshot).trace(requests)


@pytest.mark.parametrize("seed", range(10, 16))
def test_random_histories(tmp_path, monkeypatch, seed):
    seal(monkeypatch, tmp_path)
    drawn = Drawn(tmp_path / "linux", seed)
    state = drawn.states[-1]
    names = [name for path in FILES for name in rendered(state, path)[1]]
    equal(drawn.scratch.root, tmp_path / "index", [(state[name].path, state[name].text) for name in names], "master")


def call(text, function="f", name="pr_info"):
    return f'void {function}(void)\n{{\n\t{name}("{text}\\n");\n}}\n'


def test_a_text_of_several_literals_of_which_a_commit_changes_one(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    text = 'void f(void)\n{\n\tpr_err("the first part of it "\n\t       "%s\\n");\n}\n'
    scratch.commit("one", {"a.c": text % "and the end"})
    scratch.commit("two", {"a.c": text % "and another end"})
    (first,) = equal(scratch.root, tmp_path / "index", [("a.c", "the first")])
    assert [event.kind for event in first.events] == ["introduced", "reworded"]
