"""Backports, fixes and reverts: what the bundled repository tells, and how messages of all kinds are read."""

import pytest

from ksrcfind.caching import MemoryCache
from ksrcfind.history.provenance import Release
from ksrcfind.history.related_commits import NAME, Kind, Mention, RelatedCommits, upstream_of
from ksrcfind.history.trace import History
from ksrcfind.tree.open import open_snapshot
from repositories import VirtualDocuments

ONE, TWO = "1234567890ab" + "c" * 28, "abcdef012345" + "6" * 28


@pytest.fixture
def tell(linux_mini, mini_commits):
    history = History(open_snapshot(linux_mini, "master"))
    return lambda mark: history.commits([mini_commits[mark]])[mini_commits[mark]]


@pytest.mark.parametrize(("backport", "upstream", "tag"), [(29, 22, "v5.8.1"), (31, 23, "v5.8.2"), (32, 24, "v5.8.2")])
def test_backports_both_ways(backport, upstream, tag, tell, mini_commits):
    (found,) = tell(upstream).backports
    assert (found.commit, found.release) == (mini_commits[backport], Release(tag, tag))
    assert found.subject == tell(upstream).subject
    there = tell(backport).upstream
    assert (there.commit, there.release) == (mini_commits[upstream], Release("v5.9-rc1", "v5.9"))
    assert (tell(upstream).upstream, tell(backport).backports) == (None, ())


def test_fixes_are_told_once_for_the_commit_and_for_its_backports(tell, mini_commits):
    assert [other.commit for other in tell(15).fixed_by] == [mini_commits[22]]
    (fix,) = tell(36).fixed_by
    assert (fix.commit, fix.release) == (mini_commits[67], Release(None, None))
    assert tell(22).fixed_by == ()


@pytest.mark.parametrize(("undone", "by"), [(8, 9), (20, 27), (27, 35)])
def test_reverts(undone, by, tell, mini_commits):
    assert [other.commit for other in tell(undone).reverted_by] == [mini_commits[by]]


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (f"a\n\ncommit {ONE} upstream.\n\nb", [ONE]),
        (f"a\n\nCommit {ONE[:12]} upstream\n", [ONE[:12]]),
        (f"a\n\n[ Upstream commit {ONE} ]\n", [ONE]),
        (f"a\n\n[ commit {ONE} upstream ]\n", [ONE]),
        (f"a\n\nupstream commit {ONE}.\n", [ONE]),
        (f"a\n\n(cherry picked from commit {ONE})\n(cherry picked from commit {ONE})\n", [ONE]),
        (f"a\n\n(backported from commit {ONE} linux-next)\n", [ONE]),
        (f"a\n\nThis reverts commit {TWO} which is commit {ONE} upstream.\n", []),
        (f"a\n\nThis reverts commit {TWO} which is\ncommit {ONE} upstream.\n", []),
        (f"a\n\nSee commit {ONE} upstream for more.\n", []),
        ("a\n\ncommit 123456 upstream.\n", []),
        ("a\n\ncommit upstream.\n", []),
        # The time that this takes grows with the length, not with its square: hours.
        ("a\n\n" + " " * 1_000_000 + "x upstream\n", []),
    ],
)
def test_what_makes_a_backport(message, names):
    assert upstream_of(message) == names


@pytest.fixture
def scratch(tmp_path):
    return VirtualDocuments(tmp_path / "linux")


def naming(scratch, commit, cache=None):
    return set(RelatedCommits(open_snapshot(scratch.root, "HEAD").repository, cache).naming(commit))


def test_ways_of_naming_a_commit(scratch):
    first = scratch.commit("first", {"a.c": ""})
    said = {
        f'fix\n\nFixes: {first[:12]} ("first")': Kind.FIX,
        f"fix\n\nfixes: commit {first}": Kind.FIX,
        f'fix\n\nFixes: {first[:7]} ("first")': Kind.FIX,
        f'Revert "first"\n\nThis reverts commit {first}.': Kind.REVERT,
        f"wrapped\n\nThis partially reverts commit\n{first}.": Kind.REVERT,
        f"picked\n\n(cherry picked from commit {first})": Kind.BACKPORT,
        f"stable\n\n[ Upstream commit {first} ]\n\nFixes: {'0' * 12}": Kind.BACKPORT,
    }
    expected = {Mention(scratch.commit(message), kind) for message, kind in said.items()}
    for message in (
        f"about\n\nAs commit {first} says.",
        f"short\n\nFixes: {first[:6]}",
        f"other\n\nFixes: {'0' if first[7] != '0' else '1'}{first[1:12]}",
        f"quoted\n\n> This reverts commit {first}.",
    ):
        scratch.commit(message)
    assert naming(scratch, first) == expected


def test_what_is_kept_grows_and_shrinks_with_the_repository(scratch):
    cache = MemoryCache()
    first = scratch.commit("first", {"a.c": ""})
    assert naming(scratch, first, cache) == set()
    fix = scratch.commit(f"fix\n\nFixes: {first}")
    assert naming(scratch, first, cache) == {Mention(fix, Kind.FIX)}
    scratch.git("checkout", "-q", "-b", "side")
    revert = scratch.commit(f"revert\n\nThis reverts commit {first}.")
    assert naming(scratch, first, cache) == {Mention(fix, Kind.FIX), Mention(revert, Kind.REVERT)}
    scratch.git("checkout", "-q", "master")
    scratch.git("branch", "-q", "-D", "side")
    assert naming(scratch, first, cache) == {Mention(fix, Kind.FIX)}
    for damaged in (b"", b"\xc1", cache[NAME][:-1]):
        cache[NAME] = damaged
        assert naming(scratch, first, cache) == {Mention(fix, Kind.FIX)}


def test_a_fix_and_its_backport_on_a_branch_without_the_fix(scratch):
    first = scratch.commit("first", {"a.c": ""})
    fix = scratch.commit(f"fix\n\nFixes: {first}")
    scratch.git("checkout", "-q", "-b", "stable", first)
    backport = scratch.commit(f"fix\n\ncommit {fix} upstream.\n\nFixes: {first}")
    history = History(open_snapshot(scratch.root, "HEAD"))
    assert [other.commit for other in history.commits([first])[first].fixed_by] == [fix]
    scratch.git("branch", "-q", "-D", "master")
    history = History(open_snapshot(scratch.root, "HEAD"))
    assert [other.commit for other in history.commits([first])[first].fixed_by] == [backport]


def test_a_backport_has_the_fixes_of_its_upstream(scratch):
    first = scratch.commit("first", {"a.c": ""})
    scratch.git("checkout", "-q", "-b", "stable")
    backport = scratch.commit(f"first\n\ncommit {first} upstream.")
    scratch.git("checkout", "-q", "master")
    fix = scratch.commit(f"fix\n\nFixes: {first}")
    history = History(open_snapshot(scratch.root, "HEAD"))
    assert [other.commit for other in history.commits([backport])[backport].fixed_by] == [fix]


def test_newest_backports_come_first(scratch):
    first = scratch.commit("first", {"a.c": ""})
    for tag in ("v5.4.59", "v5.10.2", "v5.8.2", None):
        scratch.git("checkout", "-q", "--detach", first)
        scratch.commit(f"first\n\ncommit {first} upstream.\n\nFor {tag}.")
        if tag is not None:
            scratch.git("tag", tag)
        else:
            scratch.git("branch", "untagged")
    history = History(open_snapshot(scratch.root, "master"))
    tags = [other.release.first_tag for other in history.commits([first])[first].backports]
    assert tags == ["v5.10.2", "v5.8.2", "v5.4.59", None]
