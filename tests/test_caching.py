"""What is cached between runs so that git is not asked again: hits, stale entries, errors, other processes."""

import os
import subprocess
import sys
from contextlib import closing

import pytest

from ksrcfind.caching import MemoryCache, cached, store
from ksrcfind.errors import KsrcfindError
from ksrcfind.history.file_diffs import FileDiffs, Hunk, Version, older_line
from ksrcfind.search.unindexed import UnindexedSearch
from ksrcfind.source.sinks import BUILT_IN
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.tree import repository
from ksrcfind.tree.direct import DirectDatabase
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.repository import FILES_ENTRY, open_repository
from repositories import VirtualDocuments, kernel, seal

WRAPPER = (
    "#include <linux/kernel.h>\nvoid say(const char *fmt, ...)\n{\n\tva_start(args, fmt);\n\tvprintk(fmt, args);\n}\n"
)
CALLER = 'int start(void)\n{\n\tsay("an unusual sentence about porcupines\\n");\n\treturn 0;\n}\n'
LINE = "an unusual sentence about porcupines"


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    found = kernel(tmp_path / "linux", {"init/say.c": WRAPPER, "init/call.c": CALLER})
    found.git("tag", "v5.9")
    return found


def listing(scratch, cache, rev=None):
    with closing(open_snapshot(scratch.root, rev, cache_of=lambda _root: cache)) as snapshot:
        return snapshot.info, dict(snapshot.blobs)


def assert_current(scratch, cache, rev=None):
    """The cached listing and name of the tree are those that git gives without a cache."""
    assert listing(scratch, cache, rev) == listing(scratch, None, rev)


def test_a_value_is_computed_once_for_each_state():
    cache, computed = MemoryCache(), []

    def compute():
        computed.append(1)
        return len(computed)

    assert [cached(cache, "n", state, int, compute) for state in ("a", "a", "b", "a")] == [1, 1, 2, 3]
    assert [cached(cache, "n", None, int, compute), cached(None, "n", "a", int, compute)] == [4, 5]
    cache["n"] = b"damaged"
    assert cached(cache, "n", "a", int, compute) == 6
    assert cached(cache, "n", "a", str, lambda: "of another type") == "of another type"


def test_an_error_is_not_cached():
    cache = MemoryCache()
    with pytest.raises(ZeroDivisionError):
        cached(cache, "n", "a", int, lambda: 1 // 0)
    assert cached(cache, "n", "a", int, lambda: 7) == 7


def test_a_tree_that_was_listed_before_needs_two_processes(scratch, git_commands):
    cache = MemoryCache()
    first = listing(scratch, cache)
    git_commands.clear()
    assert listing(scratch, cache) == first
    assert sorted(git_commands) == ["config", "diff-index"]


def test_listings_follow_references(scratch):
    cache = MemoryCache()
    assert_current(scratch, cache)
    scratch.git("tag", "-d", "v5.9")
    assert listing(scratch, cache)[0].rev == "master"
    assert_current(scratch, cache)
    scratch.commit("another file", {"init/other.c": "int other;\n"})
    assert_current(scratch, cache)
    scratch.git("commit", "-q", "--amend", "-m", "amended")
    assert_current(scratch, cache)
    scratch.git("checkout", "-q", "HEAD~1")
    assert_current(scratch, cache)
    assert_current(scratch, cache, "master")
    scratch.git("pack-refs", "--all")
    assert_current(scratch, cache)


def test_a_listing_is_made_from_that_of_another_commit(scratch, monkeypatch):
    cache = MemoryCache()
    assert_current(scratch, cache)
    scratch.commit("added", {"init/a/b.c": "int b;\n", "init/a-b.c": "int c;\n", "init/a.c": "int a;\n"})
    (scratch.root / "init/link.c").symlink_to("a.c")
    (scratch.root / "init/call.c").chmod(0o755)
    scratch.commit("edited", {"init/a/b.c": "int d;\n"})
    (scratch.root / "init/a-b.c").unlink()
    (scratch.root / "init/a.c").unlink()
    (scratch.root / "init/a.c").symlink_to("call.c")
    scratch.git("mv", "init/a", "init/z")
    scratch.commit("removed, moved and of another kind")
    revs = ["HEAD", "HEAD~1", "HEAD~2", "HEAD~3", "HEAD~1"]
    wanted = [list(listing(scratch, None, rev)[1].items()) for rev in revs]

    def fail(*_arguments):
        raise AssertionError("all files are listed")

    monkeypatch.setattr(DirectDatabase, "blobs", fail)
    assert [list(listing(scratch, cache, rev)[1].items()) for rev in revs] == wanted


def test_a_listing_of_a_commit_that_is_gone_or_far_away_is_not_used(scratch, monkeypatch):
    cache = MemoryCache()
    wanted = listing(scratch, cache)
    store(cache, FILES_ENTRY, "1" * 40, {"init/gone.c": "2" * 40})
    assert listing(scratch, cache) == wanted
    monkeypatch.setattr(repository, "MOST_CHANGED", 0)
    scratch.commit("another file", {"init/other.c": "int other;\n"})
    assert_current(scratch, cache)


def test_an_error_of_a_repository_without_commits_is_not_cached(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    new, cache = VirtualDocuments(tmp_path / "new"), MemoryCache()
    opened = open_repository(new.root)
    with pytest.raises(KsrcfindError, match="no commit"):
        opened.head_with_name(cache)
    commit = new.commit("start", {"a.c": "int a;\n"})
    assert opened.head_with_name(cache) == (commit, "master")


def test_replaced_objects_switch_the_cache_off(scratch):
    cache = MemoryCache()
    old = scratch.git("rev-parse", "HEAD")
    assert_current(scratch, cache)
    new = scratch.commit("another file", {"init/other.c": "int other;\n"})
    scratch.git("checkout", "-q", old)
    scratch.git("replace", old, new)
    assert open_snapshot(scratch.root, old).state is None
    assert "init/other.c" in listing(scratch, cache, old)[1]


def test_another_process_uses_what_was_cached(scratch, tmp_path):
    def ask():
        program = tmp_path / "spy"
        program.mkdir(exist_ok=True)
        log = program / "calls"
        log.write_text("")
        real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
        (program / "git").write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {real} "$@"\n')
        (program / "git").chmod(0o755)
        variables = {
            "PATH": f"{program}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "KSRCFIND_CACHE_DIR": str(tmp_path / "c"),
        }
        question = ["-C", scratch.root, "find", "--no-history", "--format", "json", LINE]
        done = subprocess.run(
            [sys.executable, "-m", "ksrcfind", *question], env=variables, capture_output=True, text=True, check=True
        )
        return done.stdout, len(log.read_text().splitlines())

    (first, many), (second, few) = ask(), ask()
    assert first == second
    assert few == many == 3  # settings, the comparison with HEAD, and one process for objects


def search(scratch, cache):
    with closing(open_snapshot(scratch.root, None)) as snapshot:
        found = next(UnindexedSearch(snapshot, cache, BUILT_IN).likely(LINE))
        return [found.message(number).path for number in range(found.size)]


@pytest.fixture
def derived(tmp_path):
    with closing(DerivedCache(tmp_path / "cache.sqlite")) as cache:
        yield cache


def test_one_search_serves_a_line_and_the_next_run_needs_none(scratch, derived, git_commands):
    assert "init/call.c" in search(scratch, derived)
    assert git_commands.count("grep") == 1
    git_commands.clear()
    assert "init/call.c" in search(scratch, derived)
    assert git_commands.count("grep") == 0


def test_searches_follow_edits_and_commits(scratch, derived):
    assert "init/call.c" in search(scratch, derived)
    (scratch.root / "init/call.c").write_text("int nothing;\n")
    assert search(scratch, derived) == []
    (scratch.root / "init/call.c").write_text(CALLER)
    assert "init/call.c" in search(scratch, derived)
    scratch.commit("gone", remove=["init/call.c"])
    assert search(scratch, derived) == []
    scratch.git("checkout", "-q", "HEAD~1")
    assert "init/call.c" in search(scratch, derived)


def test_a_search_that_met_a_later_edit_is_not_used_once_the_edit_is_gone(scratch, derived):
    """The state is read before the files: a file that changes in between must not be cached as if it had not."""
    file = scratch.root / "init/call.c"
    with closing(open_snapshot(scratch.root, None)) as snapshot:
        file.write_text("int nothing;\n")
        assert next(UnindexedSearch(snapshot, derived, BUILT_IN).likely(LINE)).size == 0
    file.write_text(CALLER)
    os.utime(file, (2_000_000_000, 2_000_000_000))  # Git compares whole seconds.
    assert "init/call.c" in search(scratch, derived)
    scratch.git("update-index", "--refresh")
    assert "init/call.c" in search(scratch, derived)


def test_settings_are_read_again_only_if_a_file_of_the_configuration_changed(scratch, git_commands, tmp_path):
    repository = open_repository(scratch.root)
    git_commands.clear()
    assert repository.current_settings() == repository.settings
    assert git_commands == []
    scratch.git("config", "blame.ignoreRevsFile", "one")
    assert repository.current_settings()["blame.ignorerevsfile"] == ("one",)
    assert git_commands == ["config"]


def test_settings_that_depend_on_the_branch_are_read_each_time(scratch, git_commands, tmp_path):
    scratch.git("config", "includeIf.onbranch:other.path", str(tmp_path / "more"))
    repository = open_repository(scratch.root)
    git_commands.clear()
    repository.current_settings()
    assert git_commands == ["config"]


def test_clean_files_are_read_from_the_disk_only_with_the_bytes_of_the_commit(scratch, git_commands):
    scratch.commit("line ends", {".gitattributes": "init/call.c text eol=crlf\n"})
    scratch.git("rm", "-q", "--cached", "init/call.c")
    scratch.git("reset", "-q", "--hard")
    (scratch.root / "init/call.c").unlink()
    scratch.git("checkout", "-q", "init/call.c")
    assert b"\r\n" in (scratch.root / "init/call.c").read_bytes()
    with closing(open_snapshot(scratch.root)) as snapshot:
        assert not snapshot.changes
        assert dict(snapshot.read_many(["init/call.c", "init/say.c"])) == {
            "init/call.c": CALLER.encode(),
            "init/say.c": WRAPPER.encode(),
        }
        assert snapshot.read("init/call.c") == CALLER.encode()


def test_lines_of_an_older_version():
    hunks = (Hunk(0, 2, 2), Hunk(3, 6, 0), Hunk(1, 9, 1))  # 2 lines put in at 2, 3 gone behind 6, line 9 changed.
    assert [older_line(hunks, line) for line in range(1, 11)] == [1, None, None, 2, 3, 4, 8, 9, None, 11]


def test_differences_of_many_files_take_one_process(scratch, git_commands):
    old = scratch.git("rev-parse", "HEAD")
    new = scratch.commit("both", {"init/say.c": "/* new */\n" + WRAPPER, "init/call.c": CALLER + "int more;\n"})
    repository = open_repository(scratch.root)
    repository.objects.load()

    def version(commit, path):
        return Version(commit, path, scratch.git("rev-parse", f"{commit}:{path}"))

    with closing(FileDiffs(repository.git, repository.objects, ["say.c", "call.c"])) as changes:
        git_commands.clear()
        for path, hunk in (("init/say.c", Hunk(0, 1, 1)), ("init/call.c", Hunk(0, 6, 1))):
            assert changes.between(version(old, path), version(new, path)) == (hunk,)
        assert git_commands == ["diff-tree"]
        missing = Version("0" * 40, "init/say.c", "0" * 40)
        assert changes.between(missing, version(new, "init/say.c")) is None
        elsewhere = Version(old, "no/such.c", version(old, "init/say.c").blob)
        assert changes.between(elsewhere, version(new, "init/call.c")) is None
