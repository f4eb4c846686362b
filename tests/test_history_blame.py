"""Blame against `git blame`, and what History tells from it."""

import pytest

from ksrcfind.errors import KsrcfindError
from ksrcfind.history.blame import blame, parse_porcelain, unquote
from ksrcfind.history.blame_and_follow import NOT_COMMITTED
from ksrcfind.history.provenance import Release
from ksrcfind.history.provenance_builder import BEGINNING
from ksrcfind.history.request import Request, wording_place
from ksrcfind.history.trace import NO_GIT, History
from ksrcfind.source.message import Definition, Form, Message, TextLine
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.open import open_snapshot
from repositories import kernel, seal


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return kernel(tmp_path / "linux", {"fs/a.c": "one\ntwo\nthree\nfour\n"})


def message(path, *lines, length=5, **changes):
    parts = tuple(TextLine(path, line, length) for line in lines)
    fields = {
        "path": path,
        "line_start": lines[0] if lines else 1,
        "line_end": lines[-1] if lines else 1,
        "function": "f",
        "call": "pr_info",
        "level": "info",
        "module": None,
        "format": "text\n",
        "forms": (Form("text", ()),),
        "text_lines": parts,
    }
    return Message(**(fields | changes))


def said_by_git(scratch, path, *options):
    """Line → commit, None for what is not committed."""
    commits = [line.split()[0] for line in scratch.git("blame", "-sl", "--root", *options, "--", path).splitlines()]
    return {number: commit if commit.strip("0") else None for number, commit in enumerate(commits, 1)}


def ids(found):
    return {line: item.commit for line, item in found.items()}


def test_every_line_as_git_says(scratch):
    scratch.commit("second", {"fs/a.c": "one\nTWO\nthree\nfour\nfive\n"})
    scratch.git("mv", "fs/a.c", 'fs/a "b"\tc.c')
    scratch.commit("renamed")
    snapshot = open_snapshot(scratch.root, "HEAD")
    path = 'fs/a "b"\tc.c'
    found = blame(snapshot.repository, snapshot.commit, path, range(1, 6))
    assert ids(found) == {
        line: scratch.git("rev-parse", commit) for line, commit in said_by_git(scratch, path, "HEAD").items()
    }
    assert {item.path for item in found.values()} == {"fs/a.c"}
    assert [found[line].boundary for line in (1, 2, 3)] == [True, False, True]
    assert ids(blame(snapshot.repository, snapshot.commit, path, [4, 2, 4])) == {
        line: ids(found)[line] for line in (2, 4)
    }
    assert blame(snapshot.repository, snapshot.commit, path, []) == {}


def test_lines_of_an_edited_file(scratch):
    scratch.commit("second", {"fs/a.c": "one\nTWO\nthree\nfour\n"})
    scratch.write({"fs/a.c": "zero\none\nTWO\nedited\nfour\n"})
    snapshot = open_snapshot(scratch.root)
    contents = snapshot.read("fs/a.c")
    found = blame(snapshot.repository, snapshot.commit, "fs/a.c", range(1, 6), contents=contents)
    expected = said_by_git(scratch, "fs/a.c")
    assert [line for line, commit in ids(found).items() if commit is None] == [1, 4]
    assert ids(found) == expected


def test_ignored_revisions_are_honoured(scratch):
    start = scratch.git("rev-parse", "HEAD")
    noise = scratch.commit("reindent", {"fs/a.c": "\tone\ntwo\nthree\nfour\n"})
    (scratch.root / "ignored").write_text(noise + "\n")
    scratch.git("config", "blame.ignoreRevsFile", str(scratch.root / "ignored"))
    snapshot = open_snapshot(scratch.root, "HEAD")
    assert ids(blame(snapshot.repository, snapshot.commit, "fs/a.c", [1])) == {1: start}
    assert ids(blame(snapshot.repository, snapshot.commit, "fs/a.c", [1], ignore_revs=False)) == {1: noise}
    (scratch.root / "ignored").unlink()
    with pytest.raises(KsrcfindError, match=r"ignoreRevsFile names a file .* open: .*/ignored") as caught:
        History(snapshot).trace([Request(message("fs/a.c", 1))])
    assert "git config --show-origin" in caught.value.hint


def test_lines_that_look_like_the_format_of_blame(scratch):
    evil = "filename x\n" + "0" * 40 + " 1 1 1\nboundary\n\tone\n"
    commit = scratch.commit("odd", {"fs/a.c": evil})
    snapshot = open_snapshot(scratch.root, "HEAD")
    found = blame(snapshot.repository, snapshot.commit, "fs/a.c", range(1, 5))
    assert set(ids(found).values()) == {commit}
    assert {item.path for item in found.values()} == {"fs/a.c"}


def test_quoted_names():
    assert unquote(b'"a\\tb\\"c\\\\\\303\\251"') == 'a\tb"c\\é'
    assert unquote(b"plain") == "plain"
    assert unquote(b'"') == '"'
    assert parse_porcelain(b"") == {}


def test_which_line_is_blamed():
    two = message("fs/a.c", 10, 11)
    assert wording_place(Request(two)) == ("fs/a.c", 10)
    assert wording_place(Request(two, at=("fs/a.c", 11))) == ("fs/a.c", 11)
    assert wording_place(Request(two, at=("fs/a.c", 9))) == ("fs/a.c", 10)
    assert wording_place(Request(two, at=("fs/b.c", 11))) == ("fs/a.c", 10)
    longer = message("fs/a.c", text_lines=(TextLine("fs/a.c", 10, 3), TextLine("fs/a.c", 11, 9), TextLine("x", 12, 9)))
    assert wording_place(Request(longer)) == ("fs/a.c", 11)
    header = message("fs/a.c", text_lines=(TextLine("fs/a.h", 7, 3),), defined_at=Definition("fs/a.h", 7, "M"))
    assert wording_place(Request(header)) == ("fs/a.h", 7)
    assert wording_place(Request(message("fs/a.c", line_start=5))) == ("fs/a.c", 5)


def test_the_last_change_of_messages(scratch):
    scratch.git("tag", "v5.8")
    second = scratch.commit("second\nline of the subject\n\nbody", {"fs/a.c": "one\nTWO\nthree\nfour\nfive\n"})
    scratch.git("tag", "v5.9-rc1")
    scratch.git("tag", "v5.9")
    scratch.commit("shift", {"fs/a.c": "zero\none\nTWO\nthree\nfour\nfive\n"})
    history = History(open_snapshot(scratch.root, "HEAD"), follow=False)
    requests = [Request(message("fs/a.c", line)) for line in (3, 2, 3)] + [Request(message("kernel/panic.c", 3))]
    new, old, again, other = history.trace(requests)
    assert new == again
    assert new.status == "blame-only"
    assert (new.introduced, new.origin, new.events, new.note) == (None, None, (), None)
    change = new.last_changed
    assert (change.commit, change.path, change.line) == (second, "fs/a.c", 2)
    assert change.subject == "second line of the subject"
    assert change.release == Release("v5.9-rc1", "v5.9")
    assert old.last_changed.release == other.last_changed.release == Release("v5.8", "v5.8")
    assert old.note == BEGINNING.format("v5.8")
    commits = history.commits([second, second, "0" * 40])
    assert list(commits) == [second]
    assert commits[second].message == "second\nline of the subject\n\nbody\n"
    assert commits[second].release == change.release


def test_edited_added_and_moved_files(scratch):
    start = scratch.git("rev-parse", "HEAD")
    scratch.git("mv", "init/main.c", "init/moved.c")
    scratch.write({"fs/a.c": "one\nedited\nthree\nfour\n", "fs/new.c": "one\n"})
    scratch.git("add", "fs/new.c")
    history = History(open_snapshot(scratch.root), follow=False)
    places = [("fs/a.c", 1), ("fs/a.c", 2), ("fs/new.c", 1), ("init/moved.c", 3)]
    kept, edited, added, moved = history.trace([Request(message(*place)) for place in places])
    assert kept.last_changed.commit == moved.last_changed.commit == start
    assert moved.last_changed.path == "init/main.c"
    for found in (edited, added):
        assert (found.status, found.last_changed, found.note) == ("blame-only", None, NOT_COMMITTED)


def test_a_plain_tree_has_no_history(scratch):
    history = History(DirectorySnapshot(scratch.root))
    (found,) = history.trace([Request(message("fs/a.c", 1))])
    assert (found.status, found.note, found.last_changed) == ("unavailable", NO_GIT, None)
    assert history.commits(["0" * 40]) == {}


def test_a_place_that_git_does_not_know(scratch):
    history = History(open_snapshot(scratch.root, "HEAD"), follow=False)
    gone, beyond, good = history.trace(
        [Request(message(*place)) for place in [("fs/x.c", 1), ("Makefile", 99), ("fs/a.c", 1)]]
    )
    assert (gone.status, beyond.status, good.status) == ("unavailable", "unavailable", "blame-only")
    assert "no such path" in gone.note
    assert "has only 3 lines" in beyond.note


def test_a_partial_clone_names_its_remedy(scratch, tmp_path):
    scratch.commit("second", {"fs/a.c": "one\nTWO\n"})
    scratch.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    scratch.git("clone", "-q", "--filter=blob:none", f"file://{scratch.root}", str(clone))
    with pytest.raises(KsrcfindError, match="partial clone") as caught:
        History(open_snapshot(clone)).trace([Request(message("fs/a.c", 1))])
    assert "fetch --refetch" in caught.value.hint


def test_a_shallow_clone_says_where_history_begins(scratch, tmp_path):
    scratch.commit("second", {"fs/b.c": "b\n"})
    head = scratch.commit("third", {"fs/c.c": "c\n"})
    scratch.git("clone", "-q", "--depth=1", f"file://{scratch.root}", str(tmp_path / "shallow"))
    (found,) = History(open_snapshot(tmp_path / "shallow")).trace([Request(message("fs/a.c", 1))])
    assert (found.last_changed.commit, found.note) == (head, BEGINNING.format(head[:12]))
