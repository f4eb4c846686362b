"""What the user is told when something is wrong: text and exit status of each error."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from commandline import DEMO, ksrcfind
from ksrcfind.tree.git import executable
from repositories import KERNEL, VirtualDocuments

LINE = "victim 5 is already exiting"
TREE = KERNEL | {"mm/oom_kill.c": 'void f(int pid)\n{\n\tprintk("victim %d is already exiting\\n", pid);\n}\n'}


def kernel(root, files=()):
    """Return a repository of a small tree that can print `LINE`."""
    scratch = VirtualDocuments(root)
    scratch.commit("start", TREE | dict(files))
    return scratch


@pytest.fixture(autouse=True)
def _fresh_git():
    """What was found out about git in one test does not hold in the next."""
    executable.cache_clear()
    yield
    executable.cache_clear()


def error(done):
    """Return title and hints of the error that a command ended with."""
    assert done.status == 2, done
    assert done.out == ""
    title, *hints = done.err.splitlines()
    assert title.startswith("error: ")
    assert all(hint.startswith("  ") for hint in hints)
    return title.removeprefix("error: "), "\n".join(hint.strip() for hint in hints)


def doctor(directory):
    """Return what doctor prints."""
    return ksrcfind("doctor", directory=directory).out


def test_no_tree_here(tmp_path):
    title, hint = error(ksrcfind(DEMO, directory=tmp_path))
    assert title == f"no kernel tree found: {tmp_path} is not inside one"
    assert "--repo" in hint
    assert "git clone https://" in hint


def test_no_tree_where_it_was_said_to_be(tmp_path):
    title, _ = error(ksrcfind("-C", tmp_path, DEMO))
    assert title == f"no kernel tree found: no C source at {tmp_path}"
    title, hint = error(ksrcfind("-C", tmp_path / "nowhere", DEMO))
    assert title == f"no such directory: {tmp_path / 'nowhere'}"
    assert hint == "Check the path or the name given with --repo; ksrcfind tree list shows the names."


def test_a_tarball_inside_another_repository_is_a_plain_tree(tmp_path):
    VirtualDocuments(tmp_path).commit("notes", {"notes.txt": "x"})
    tree = tmp_path / "linux-6.1"
    for path, text in TREE.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    done = ksrcfind(LINE, directory=tree)
    assert done.status == 0
    assert "mm/oom_kill.c:3" in done.out
    assert "no history to ask" in done.out
    assert done.err == (
        f"note: This tree is inside the git repository at {tmp_path}, but is not its root: that history is not used.\n"
    )


def test_unknown_revision_with_the_nearest_names(linux_mini):
    title, hint = error(ksrcfind("--rev", "v5.90", DEMO, directory=linux_mini))
    assert title == "unknown revision: v5.90"
    assert hint.startswith("Nearest names: ")
    assert "v5.9" in hint


@pytest.mark.parametrize("rev", ["-x", "v5.9 ; rm", "--output=x"])
def test_a_strange_revision_is_only_unknown(linux_mini, rev):
    title, _ = error(
        ksrcfind(
            f"--rev={rev}" if " " not in rev else "--rev", *([rev] if " " in rev else []), DEMO, directory=linux_mini
        )
    )
    assert title == f"unknown revision: {rev}".rstrip()


def test_a_revision_of_a_plain_tree(tmp_path):
    for path, text in TREE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    title, hint = error(ksrcfind("--rev", "v5.9", LINE, directory=tmp_path))
    assert title == f"no revision v5.9: the tree at {tmp_path} is not the root of a git repository"
    assert hint == "Without --rev, the files on disk are used."


def test_no_release_tags(tmp_path):
    kernel(tmp_path)
    done = ksrcfind(LINE, directory=tmp_path)
    assert done.status == 0
    assert "First tag      none contains it" in done.out
    assert "release tags  none, so answers name no release" in doctor(tmp_path)
    assert f"git -C {tmp_path} fetch --tags" in doctor(tmp_path)


def test_a_shallow_clone_says_that_its_history_is_cut(linux_mini, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{linux_mini}", clone], check=True)
    before = sorted(clone.rglob("*"))
    done = ksrcfind(DEMO, directory=clone)
    assert done.status == 0
    assert done.err == (
        "note: This repository is shallow: history before its oldest commits is not there (git fetch --unshallow).\n"
    )
    assert re.search(r"history[a-z ]* begins", done.out)
    assert sorted(clone.rglob("*")) == before
    assert f"git -C {clone} fetch --unshallow" in doctor(clone)


def test_a_blobless_clone_fetches_nothing(linux_mini, tmp_path, git):
    served = tmp_path / "served"
    subprocess.run(["git", "clone", "-q", "--bare", linux_mini, served], check=True)
    git(served, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--filter=blob:none", f"file://{served}", clone], check=True)
    before = git(clone, "count-objects", "-v")
    # What is checked out is there; older versions of it are not.
    title, hint = error(ksrcfind("--rev", "v5.9", DEMO, directory=clone))
    assert title == f"this partial clone lacks a file that is needed, and nothing is fetched while looking: {clone}"
    assert hint == f"Get all files once: git -C {clone} fetch --refetch --no-filter"
    assert git(clone, "count-objects", "-v") == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_dubious_ownership(tmp_path):
    kernel(tmp_path / "linux")
    for path in (tmp_path / "linux", *(tmp_path / "linux").rglob("*")):
        os.lchown(path, 12345, 12345)
    title, hint = error(ksrcfind(LINE, directory=tmp_path / "linux"))
    assert title == f"git does not trust the repository at {tmp_path / 'linux'}: it belongs to another user"
    assert hint == f"If you trust it: git config --global --add safe.directory {tmp_path / 'linux'}"


def test_git_is_missing(tmp_path, monkeypatch, linux_mini):
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    done = ksrcfind(DEMO, directory=linux_mini)
    assert done.status == 0
    assert "mm/oom_kill.c:" in done.out
    assert done.err == "note: git is not installed: no history. Install it, on Debian and Ubuntu: apt install git\n"
    assert "git is not installed" in doctor(linux_mini)


def test_git_is_too_old(tmp_path, monkeypatch, linux_mini):
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.11.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    done = ksrcfind(DEMO, directory=linux_mini)
    assert done.status == 0
    assert done.err == "note: git is too old: git version 2.11.0: no history. Version 2.25 or newer is needed.\n"


@pytest.mark.parametrize("kind", ["file", "read-only"])
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch, linux_mini, kind):
    cache = tmp_path / "cache"
    if kind == "file":
        cache.write_text("")
        path = cache / "ksrcfind"
    else:
        path = "/proc/ksrcfind"
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(path))
    done = ksrcfind(DEMO, directory=linux_mini)
    assert done.status == 0
    assert "mm/oom_kill.c:" in done.out
    assert str(path) in done.err
    assert f"cannot write {path}" in doctor(linux_mini)


def test_a_damaged_index_is_replaced(linux_mini, tmp_path, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path))
    assert ksrcfind("index", directory=linux_mini).status == 0
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(b"no database" * 1000)
    done = ksrcfind(DEMO, directory=linux_mini)
    assert done.status == 0
    assert "mm/oom_kill.c:" in done.out


BROKEN = b"""\
#define X(
/* \xff\xfe */
void lost(void)
{
\tif (a) b ? ("x") : ;
}

void one(int x)
{
\tprintk("before the damage\\n");
\tif (x ( {
}

void two(void)
{
\tprintk("behind the damage\\n");
}
"""


def test_a_file_that_cannot_be_parsed_is_used_as_far_as_it_goes(tmp_path):
    kernel(tmp_path, {"kernel/broken.c": BROKEN})
    for _ in range(2):
        done = ksrcfind("before the damage", "behind the damage", directory=tmp_path)
        assert "kernel/broken.c:10  one()" in done.out
        assert "kernel/broken.c:16  two()" in done.out
        assert ksrcfind("index", directory=tmp_path).status == 0
    assert re.search(r"^ok +parsing +0 calls read from text .* 1 function not parsed$", doctor(tmp_path), re.MULTILINE)


def test_a_log_that_is_not_there(linux_mini, tmp_path):
    title, _ = error(ksrcfind("batch", tmp_path / "kern.log", directory=linux_mini))
    assert title == f"cannot read {tmp_path / 'kern.log'}: No such file or directory"


def test_no_place(linux_mini):
    title, hint = error(ksrcfind("at", "mm/oom_kill.c", directory=linux_mini))
    assert title == "not a source line: 'mm/oom_kill.c'"
    assert hint == "Write PATH:LINE, as in mm/oom_kill.c:868."
    title, _ = error(ksrcfind("at", "-", directory=linux_mini, stdin=b"a.c:1\nb.c\n"))
    assert title == "standard input, line 2: not a source line: 'b.c'"


@pytest.mark.parametrize(
    ("arguments", "named", "hint"),
    [
        (("--frobnicate", "x"), "--frobnicate", "ksrcfind find --help shows its options and examples."),
        (("-110",), "-1", "Put text that begins with a dash after two dashes: ksrcfind -- -EIO"),
        (("find",), "LINE", "ksrcfind find --help shows its options and examples."),
        (("x", "-n"), "-n", "ksrcfind find --help shows its options and examples."),
        (("at", "x:1", "-n", "many"), "--limit", "ksrcfind at --help shows its options and examples."),
        (("x", "--format", "xml"), "find has no format xml", "It has text, json, ndjson and quickfix."),
        (("doctor", "--format", "quickfix"), "doctor has no format quickfix", "It has text and json."),
        (("index", "extra"), "extra", "ksrcfind index --help shows its options and examples."),
    ],
)
def test_usage(linux_mini, arguments, named, hint):
    title, advice = error(ksrcfind(*arguments, directory=linux_mini))
    assert named in title
    assert hint in advice


def test_configuration(linux_mini, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text("reop = 1")
    monkeypatch.setenv("KSRCFIND_CONFIG", str(config))
    title, hint = error(ksrcfind(DEMO, directory=linux_mini))
    assert title == f"{config}: unknown key reop"
    assert hint.startswith("Valid keys: repo, cache_dir, release_tags, jobs, color, hyperlinks, ")


def test_configuration_of_the_tree(tmp_path):
    kernel(tmp_path, {".ksrcfind.toml": 'cache_dir = "/etc"'})
    title, hint = error(ksrcfind(LINE, directory=tmp_path))
    assert title.endswith(".ksrcfind.toml: unknown key cache_dir")
    assert hint == "Valid keys: release_tags, roots."


def test_controls_in_an_error_are_shown_by_number(linux_mini):
    title, _ = error(ksrcfind("--rev", "\x1b]0;x\x07\x1b[2J", DEMO, directory=linux_mini))
    assert title == r"unknown revision: \x1b]0;x\x07\x1b[2J"


def test_nothing_is_ever_written_into_the_repository(tmp_path):
    scratch = kernel(tmp_path / "linux")
    for path in (tmp_path / "linux").rglob("*"):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = {path: path.stat().st_mtime_ns for path in scratch.root.rglob("*")}
    for arguments in ((LINE,), ("index",), ("doctor",), ("at", "mm/oom_kill.c:3"), ("batch", "-")):
        ksrcfind(*arguments, directory=scratch.root, stdin=LINE.encode())
    assert {path: path.stat().st_mtime_ns for path in scratch.root.rglob("*")} == before
    for path in (tmp_path / "linux").rglob("*"):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    shutil.rmtree(scratch.root)


@pytest.mark.parametrize("command", ["find text", "batch log", "at a.c:1", "index", "lsp", "mcp"])
def test_a_current_directory_that_was_removed_is_an_error(command, tmp_path, monkeypatch):
    def removed():
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("pathlib.Path.cwd", removed)
    done = ksrcfind(*command.split(), directory=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert done.err == "error: the current directory was removed\n  Change to a directory that exists.\n"
