"""The three kinds of snapshot against what git and the disk say."""

import os
import pickle
import shutil

import pytest

from ksrcfind.errors import KsrcfindError
from ksrcfind.tree import checkout
from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.git import executable
from ksrcfind.tree.open import open_snapshot
from repositories import KERNEL, VirtualDocuments, kernel, seal

C = (".c", ".h")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return kernel(tmp_path / "linux", {"fs/a.c": 'x("already");\n', "fs/b.c": "already already\nexiting\n"})


def everything(snapshot):
    return dict(snapshot.read_many(snapshot.files(C, ["Makefile"])))


def test_a_revision_is_what_git_lists(scratch):
    scratch.git("tag", "v5.9")
    scratch.commit("later", {"fs/a.c": "int later;\n", "fs/new.c": ""})
    snapshot = open_snapshot(scratch.root, "v5.9")
    assert snapshot.info.rev == "v5.9"
    assert snapshot.info.source == "git"
    assert snapshot.key == snapshot.info.commit == scratch.git("rev-parse", "v5.9")
    listed = {}
    for line in scratch.git("ls-tree", "-r", "v5.9").splitlines():
        about, path = line.split("\t")
        listed[path] = about.split()[2]
    assert dict(snapshot.files(C, ["Makefile"])) == listed
    assert list(listed) == sorted(listed)
    assert snapshot.read("fs/a.c") == b'x("already");\n'
    with pytest.raises(FileNotFoundError):
        snapshot.read("fs/new.c")
    assert list(snapshot.read_many(["fs/b.c", "fs/none.c", "fs/a.c"])) == [
        ("fs/b.c", b"already already\nexiting\n"),
        ("fs/a.c", b'x("already");\n'),
    ]


@pytest.mark.parametrize("name", ["v5.9", "v5.9~0", "HEAD^", "side", "master~1"])
def test_revisions_by_any_name(scratch, name):
    scratch.git("tag", "-a", "-m", "five nine", "v5.9")
    scratch.git("branch", "side")
    scratch.commit("later", {"fs/new.c": ""})
    assert open_snapshot(scratch.root, name).commit == scratch.git("rev-parse", name + "^{commit}")


@pytest.mark.parametrize("name", ["v5.8", "--help", "-x", "", "v5.9:fs", "a\0b", "a\nb", "x" * 5000])
def test_an_unknown_revision_names_the_nearest(scratch, name):
    scratch.git("tag", "v5.9")
    scratch.git("tag", "v5.10")
    with pytest.raises(KsrcfindError, match="unknown revision") as caught:
        open_snapshot(scratch.root, name)
    assert caught.value.hint
    if name == "v5.8":
        assert caught.value.hint == "Nearest names: v5.9, v5.10"


@pytest.mark.parametrize("name", ["v5.9^{tree}", "of-a-tree"])
def test_a_revision_that_is_no_commit_says_what_it_is(scratch, name):
    scratch.git("tag", "v5.9")
    scratch.git("tag", "of-a-tree", "HEAD^{tree}")
    with pytest.raises(KsrcfindError, match="names a tree, not a commit"):
        open_snapshot(scratch.root, name)


def test_a_checkout_has_the_edits_of_the_disk(scratch):
    scratch.commit(
        "more", {"fs/gone.c": "", "fs/renamed.c": "int r;\n", "fs/link.c": "int l;\n", "fs/same.c": "same\n"}
    )
    scratch.write({"fs/a.c": "edited exiting\n", "fs/untracked.c": "exiting\n", "fs/added.c": "exiting\n"})
    scratch.git("add", "fs/added.c")
    scratch.git("mv", "fs/renamed.c", "fs/moved.c")
    (scratch.root / "fs/gone.c").unlink()
    (scratch.root / "fs/link.c").unlink()
    (scratch.root / "fs/link.c").symlink_to("/etc/passwd")
    os.utime(scratch.root / "fs/same.c", ns=(1, 1))

    snapshot = open_snapshot(scratch.root)
    assert snapshot.info.source == "checkout"
    assert snapshot.info.rev == "master"
    assert snapshot.key == str(scratch.root)
    files = snapshot.files(C)
    assert {path for path in files if path.startswith("fs/")} == {
        *("fs/a.c", "fs/added.c", "fs/b.c", "fs/moved.c", "fs/same.c")
    }
    assert {path for path, key in files.items() if key.startswith("stat:")} == {"fs/a.c", "fs/added.c", "fs/moved.c"}
    assert snapshot.read("fs/a.c") == b"edited exiting\n"
    assert dict(snapshot.read_many(["fs/added.c", "fs/gone.c", "fs/b.c", "fs/a.c"])) == {
        "fs/added.c": b"exiting\n",
        "fs/b.c": b"already already\nexiting\n",
        "fs/a.c": b"edited exiting\n",
    }
    assert snapshot.grep(["already", "exiting"], C) == {
        "fs/a.c": {"exiting"},
        "fs/added.c": {"exiting"},
        "fs/b.c": {"already", "exiting"},
        "kernel/panic.c": {"already", "exiting"},
    }
    with pytest.raises(FileNotFoundError):
        snapshot.read("fs/link.c")


def test_a_checkout_that_was_copied_still_knows_its_blobs(scratch, tmp_path, monkeypatch):
    shutil.copytree(scratch.root, tmp_path / "copy", symlinks=True)
    assert not open_snapshot(tmp_path / "copy").changes
    monkeypatch.setattr(checkout, "COMPARED_BYTES", 0)
    snapshot = open_snapshot(tmp_path / "copy")
    assert snapshot.changes
    assert everything(snapshot) == everything(open_snapshot(scratch.root))


def test_a_file_behind_a_linked_directory_is_gone(scratch, tmp_path):
    shutil.move(scratch.root / "fs", tmp_path / "elsewhere")
    (scratch.root / "fs").symlink_to(tmp_path / "elsewhere")
    snapshot = open_snapshot(scratch.root)
    assert "fs/a.c" not in snapshot.files(C)
    with pytest.raises(FileNotFoundError):
        snapshot.read("fs/a.c")


def test_a_sparse_checkout_reads_the_rest_from_objects(scratch):
    whole = everything(open_snapshot(scratch.root))
    scratch.git("sparse-checkout", "init", "--cone")
    scratch.git("sparse-checkout", "set", "fs")
    assert not (scratch.root / "kernel/panic.c").exists()
    snapshot = open_snapshot(scratch.root)
    assert everything(snapshot) == whole
    scratch.write({"fs/a.c": "exiting\n"})
    assert open_snapshot(scratch.root).grep(["already", "exiting"], C) == {
        "fs/a.c": {"exiting"},
        "fs/b.c": {"already", "exiting"},
        "kernel/panic.c": {"already", "exiting"},
    }


def test_bare_worktree_and_not_checked_out(scratch, tmp_path):
    scratch.git("tag", "v5.9")
    expected = everything(open_snapshot(scratch.root, "v5.9"))
    scratch.git("clone", "-q", "--bare", str(scratch.root), str(tmp_path / "bare.git"))
    scratch.git("clone", "-q", "--no-checkout", str(scratch.root), str(tmp_path / "empty"))
    scratch.git("worktree", "add", "-q", str(tmp_path / "tree"), "v5.9")
    for name, source in (("bare.git", "git"), ("empty", "git"), ("tree", "checkout")):
        snapshot = open_snapshot(tmp_path / name)
        assert snapshot.info.source == source, name
        assert snapshot.info.rev == "v5.9"
        assert everything(snapshot) == expected
        assert everything(open_snapshot(tmp_path / name, "master")) == expected


def test_a_plain_directory(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    root = tmp_path / "linux-5.9"
    VirtualDocuments.write(type("Plain", (), {"root": root})(), KERNEL | {".git/x.c": "", "drivers/d.c": "exiting\n"})
    (root / "loop").symlink_to(root)
    (root / "drivers/link.c").symlink_to("/etc/passwd")
    os.mkfifo(root / "drivers/pipe.c")
    snapshot = open_snapshot(root / "drivers")
    assert isinstance(snapshot, DirectorySnapshot)
    assert snapshot.info.source == "files"
    assert snapshot.repository is None
    files = snapshot.files(C, ["Makefile"])
    assert list(files) == ["Makefile", "drivers/d.c", "include/linux/printk.h", "init/main.c", "kernel/panic.c"]
    before = files["drivers/d.c"]
    (root / "drivers/d.c").write_text("exiting, already\n")
    assert snapshot.files(C)["drivers/d.c"] != before
    for path in ("drivers/link.c", "drivers/pipe.c", "../linux-5.9/Makefile", "/etc/passwd", "", "a\0b", "drivers"):
        with pytest.raises(FileNotFoundError):
            snapshot.read(path)
    expected = {
        "drivers/d.c": {"exiting", "already"},
        "kernel/panic.c": {"already", "exiting"},
    }
    assert snapshot.grep(["already", "exiting"], C) == expected
    monkeypatch.setenv("PATH", "/nowhere")
    executable.cache_clear()
    assert open_snapshot(root).grep(["already", "exiting"], C) == expected


def test_grep_finds_whole_words(scratch):
    text = b"OOM oom OOM_KILL oomph\nOOM OOM\n\0 OOM \xff\n" + b"x " * 100000 + b"OOM\n-e OOM"
    scratch.commit("odd", {"fs/odd.c": text, "fs/a b\n\tc.h": "OOM\n", "fs/o.txt": "OOM\n"})
    shutil.copytree(scratch.root, scratch.root.parent / "plain", ignore=lambda *_: [".git"])
    expected = {"fs/odd.c": {"OOM", "OOM_KILL"}, "fs/a b\n\tc.h": {"OOM"}}
    for snapshot in (
        open_snapshot(scratch.root),
        open_snapshot(scratch.root, "HEAD"),
        open_snapshot(scratch.root.parent / "plain"),
    ):
        assert snapshot.grep(["OOM", "OOM_KILL", "nothing"], C) == expected
        assert snapshot.grep(["nothing"], C) == {}
        assert snapshot.grep([], C) == {}


@pytest.mark.parametrize("name", ["outer", "with:colon", "with blank"])
def test_grep_of_a_plain_tree_inside_a_repository(scratch, tmp_path, name):
    outer = VirtualDocuments(tmp_path / name)
    shutil.copytree(scratch.root, outer.root / "inner", ignore=lambda *_: [".git"])
    outer.commit("a tree")
    snapshot = open_snapshot(outer.root / "inner")
    assert isinstance(snapshot, DirectorySnapshot)
    assert snapshot.grep(["Kernel"], C) == {"kernel/panic.c": {"Kernel"}}


def test_grep_ignores_the_users_settings(scratch):
    for key, value in (
        *(
            ("grep.patternType", "perl"),
            ("grep.lineNumber", "true"),
            ("grep.column", "true"),
            ("grep.fullName", "false"),
        ),
        *(("color.grep", "always"), ("grep.fallbackToNoIndex", "true"), ("core.quotePath", "true")),
    ):
        scratch.git("config", key, value)
    (scratch.root / ".gitattributes").write_text("*.c binary\n")
    for rev in (None, "HEAD"):
        assert set(open_snapshot(scratch.root / "fs", rev).grep(["already"], C)) == {
            *("fs/a.c", "fs/b.c", "kernel/panic.c")
        }


def test_names_that_are_not_utf8(scratch):
    name = b"fs/\xff\xfe.c".decode("utf-8", "surrogateescape")
    scratch.write({name: "already\n"})
    scratch.commit("odd name")
    for rev in (None, "HEAD"):
        snapshot = open_snapshot(scratch.root, rev)
        assert name in snapshot.files(C)
        assert snapshot.read(name) == b"already\n"
        assert snapshot.grep(["already"], C)[name] == {"already"}
    (scratch.root / name).write_text("edited\n")
    assert open_snapshot(scratch.root).read(name) == b"edited\n"


def test_links_and_submodules_are_left_out(scratch, tmp_path):
    other = kernel(tmp_path / "other")
    (scratch.root / "fs/link.c").symlink_to("a.c")
    scratch.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "sub.c")
    scratch.commit("odd entries")
    for rev in (None, "HEAD"):
        assert not {"fs/link.c", "sub.c"} & set(open_snapshot(scratch.root, rev).files(C))


def test_snapshots_are_pickled(scratch):
    for snapshot in (open_snapshot(scratch.root), open_snapshot(scratch.root, "HEAD"), DirectorySnapshot(scratch.root)):
        expected = everything(snapshot)
        copy = pickle.loads(pickle.dumps(snapshot))
        assert everything(copy) == expected
        assert copy.info == snapshot.info


def test_a_partial_clone_fetches_nothing(scratch, tmp_path):
    scratch.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    scratch.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{scratch.root}", str(clone))
    snapshot = open_snapshot(clone)
    assert "fs/a.c" in snapshot.files(C)
    for ask in (
        lambda: snapshot.read("fs/a.c"),
        lambda: everything(snapshot),
        lambda: snapshot.grep(["already"], C),
    ):
        with pytest.raises(KsrcfindError, match="partial clone") as caught:
            ask()
        assert "fetch --refetch" in caught.value.hint
    assert not list((clone / ".git/objects").rglob("*.tmp"))
    scratch.git("-C", str(clone), "fetch", "-q", "--refetch", "--no-filter")
    assert open_snapshot(clone).read("fs/a.c") == b'x("already");\n'


def test_a_missing_object_is_said(scratch):
    blob = scratch.git("rev-parse", "HEAD:fs/a.c")
    (scratch.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(KsrcfindError, match=r"fs/a\.c is missing") as caught:
        open_snapshot(scratch.root, "HEAD").read("fs/a.c")
    assert "fsck" in caught.value.hint


def test_a_shallow_clone_is_noted(scratch, tmp_path):
    scratch.commit("second", {"fs/a.c": "int second;\n"})
    scratch.git("clone", "-q", "--depth=1", f"file://{scratch.root}", str(tmp_path / "shallow"))
    snapshot = open_snapshot(tmp_path / "shallow")
    assert "shallow" in snapshot.notes[0]
    assert snapshot.read("fs/a.c") == b"int second;\n"
    assert open_snapshot(scratch.root).notes == ()


def test_a_repository_without_commits(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    scratch = VirtualDocuments(tmp_path / "new")
    scratch.write(KERNEL)
    with pytest.raises(KsrcfindError, match="no commit"):
        open_snapshot(scratch.root)
    with pytest.raises(KsrcfindError, match=r"unknown revision: v5\.9") as caught:
        open_snapshot(scratch.root, "v5.9")
    assert caught.value.hint == "This repository has no tags and no branches."
