"""First tags against `git tag --contains`, on histories with every odd shape."""

import random

import pytest

from ksrcfind.caching import MemoryCache
from ksrcfind.history.ancestry import FirstTags, first_tags
from ksrcfind.history.provenance import Release
from ksrcfind.history.releases import FEW, Releases
from ksrcfind.history.request import Request
from ksrcfind.history.trace import History
from ksrcfind.source.message import Form, Message, TextLine
from ksrcfind.tree.git import Git
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.versions import Version, parse_tag, release_versions
from repositories import VirtualDocuments, kernel, seal


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return kernel(tmp_path / "linux")


def releases(scratch, *patterns, cache=None):
    repository = open_snapshot(scratch.root, "HEAD").repository
    return Releases(repository, patterns, cache) if patterns else Releases(repository, cache=cache)


def expected_first(scratch, commit, order):
    """What git says: the first, in the order of versions, of the tags that contain a commit."""
    containing = scratch.git("tag", "--contains", commit).split()
    return next((tag for tag in order if tag in containing), None)


def test_a_tag_whose_name_holds_what_ends_lines_elsewhere(scratch):
    commit = scratch.git("rev-parse", "HEAD")
    for name in ("v5.9", "v5.9\u2028x", "odd\x85x", "\u2029"):
        scratch.git("tag", name)
    scratch.git("tag", "-a", "-m", "x", "v5.10\u2028")
    assert releases(scratch).of(commit) == Release("v5.9", "v5.9")
    assert releases(scratch, "*").of_many([commit] * (FEW + 1)) == {commit: Release("v5.9", "v5.9")}


def test_versions_are_ordered_by_number_with_candidates_before_finals():
    names = "v2.6.9 v2.6.12-rc2 v2.6.12 v2.6.12.1 v2.6.13-rc1 v3.0-rc1 v3.0 v3.0.1 v3.2 v3.10-rc2 v3.10-rc10 v3.10 v4.0"
    versions = release_versions(reversed(names.split()))
    assert sorted(versions, key=versions.__getitem__) == names.split()


@pytest.mark.parametrize(
    "name", ["v5.9-rc1-dontuse", "v4.9-rt1", "v", "v2.6.11-tree", "next-20200101x", "v5.9-rc", "v5.9 ", "v٣.٤"]
)
def test_names_that_are_no_releases(name):
    assert parse_tag(name) is None


@pytest.mark.parametrize(
    ("name", "numbers", "stage"),
    [
        ("RELEASE-4.17.0", (4, 17, 0), 9),
        ("drbd-9.0.10-0rc2", (9, 0, 10), 3),
        ("drbd-9.0.0pre1", (9, 0, 0), 2),
        ("v2023.01-rc1", (2023, 1), 3),
        ("debian/6.1.55-1", (6, 1, 55, 1), 9),
    ],
)
def test_versions_of_other_projects(name, numbers, stage):
    version = parse_tag(name)
    assert (version.numbers, version.stage) == (numbers, stage)


def test_which_tags_count():
    assert set(release_versions(["v5.9", "5.10", "next-1", "vendor-2"])) == {"v5.9"}
    assert set(release_versions(["RELEASE-4.17.0", "4.17.0-rc1", "staging"])) == {"RELEASE-4.17.0", "4.17.0-rc1"}
    assert set(release_versions(["kernel-5.14.0-362.el9", "kernel-5.14.0-80.el9", "pull-2"])) == {
        "kernel-5.14.0-362.el9",
        "kernel-5.14.0-80.el9",
    }
    assert set(release_versions(["android14-6.1-2023-10_r1", "debian/6.1_rc5-1_exp1", "for-linus"])) == {
        "android14-6.1-2023-10_r1",
        "debian/6.1_rc5-1_exp1",
    }
    tags = ["v5.4", "Ubuntu-5.4.0-42.46", "Ubuntu-5.4.0-9.12", "kernel-5.4.0-80.el8"]
    chosen = release_versions(tags, ("Ubuntu-*", "kernel-*"))
    assert sorted(chosen, key=chosen.__getitem__) == ["Ubuntu-5.4.0-9.12", "Ubuntu-5.4.0-42.46", "kernel-5.4.0-80.el8"]
    assert release_versions(tags, ("nothing*",)) == {}
    assert parse_tag("v5.9-rc3").final == Version((5, 9), 9, 0)


def test_the_story_of_a_release(scratch):
    first = scratch.commit("first")
    scratch.git("tag", "-a", "-m", "rc", "v5.9-rc1")
    second = scratch.commit("second")
    scratch.git("tag", "v5.9")
    scratch.git("branch", "linux-5.9.y")
    third = scratch.commit("third")
    scratch.git("tag", "v5.10-rc1")
    never_final = scratch.commit("after the last tag")
    scratch.git("checkout", "-q", "linux-5.9.y")
    backport = scratch.commit("backport")
    scratch.git("tag", "v5.9.1")
    known = releases(scratch).of_many([first, second, third, never_final, backport, "0" * 40])
    assert known == {
        first: Release("v5.9-rc1", "v5.9"),
        second: Release("v5.9", "v5.9"),
        third: Release("v5.10-rc1", None),
        never_final: Release(None, None),
        backport: Release("v5.9.1", "v5.9.1"),
        "0" * 40: Release(None, None),
    }


def test_tags_of_another_project(scratch):
    """As Xen has them: candidates and releases are named differently."""
    first = scratch.commit("first")
    scratch.git("tag", "4.17.0-rc1")
    second = scratch.commit("second")
    scratch.git("tag", "RELEASE-4.17.0")
    third = scratch.commit("third")
    scratch.git("tag", "RELEASE-4.17.1")
    assert releases(scratch).of_many([first, second, third]) == {
        first: Release("4.17.0-rc1", "RELEASE-4.17.0"),
        second: Release("RELEASE-4.17.0", "RELEASE-4.17.0"),
        third: Release("RELEASE-4.17.1", "RELEASE-4.17.1"),
    }
    scratch.git("tag", "v1", first)
    assert releases(scratch).of(third) == Release(None, None)
    assert releases(scratch, "v[0-9]*", "RELEASE-*").of(third).first_tag == "RELEASE-4.17.1"


def test_a_merge_brings_in_what_was_committed_before_an_older_tag(scratch):
    scratch.git("checkout", "-q", "-b", "topic")
    early = scratch.commit("early", {"fs/topic.c": "int t;\n"})
    scratch.git("checkout", "-q", "master")
    scratch.commit("other")
    scratch.git("tag", "v5.8")  # Its date is later than that of `early`, which it does not contain.
    scratch.merge("topic")
    scratch.git("tag", "v5.9-rc1")
    assert releases(scratch).of(early) == Release("v5.9-rc1", None)


def test_tags_that_lead_to_no_commit_are_ignored_and_named(scratch):
    scratch.git("tag", "v2.6.11", "HEAD^{tree}")
    scratch.git("tag", "-a", "-m", "a tree", "v2.6.10", "HEAD^{tree}")
    scratch.git("tag", "-a", "-m", "a blob", "v2.6.9", "HEAD:Makefile")
    scratch.git("tag", "-a", "-m", "inner", "inner")
    scratch.git("tag", "-a", "-m", "a tag of a tag", "v2.6.12", "inner")
    found = releases(scratch)
    assert found.ignored == ("v2.6.10", "v2.6.11", "v2.6.9")
    assert [tag.name for tag in found.tags] == ["v2.6.12"]
    assert found.of(scratch.git("rev-parse", "HEAD")) == Release("v2.6.12", "v2.6.12")


def test_without_release_tags(scratch):
    head = scratch.git("rev-parse", "HEAD")
    scratch.git("tag", "nightly")
    for cache in (None, MemoryCache()):
        found = releases(scratch, cache=cache)
        assert found.tags == ()
        assert found.of(head) == Release(None, None)
        found.prepare()


def random_history(scratch, seed):
    """Branches, merges of two and three parents, criss-cross merges, clocks that are wrong, tags anywhere."""
    luck = random.Random(seed)
    tips = [scratch.git("rev-parse", "HEAD")]
    tree = scratch.git("rev-parse", "HEAD^{tree}")
    for number in range(60):
        parents = luck.sample(tips, min(len(tips), luck.choice([1, 1, 1, 2, 2, 3])))
        stamp = f"{1_500_000_000 + luck.randrange(-(10**6), 10**6)} +0000"
        arguments = [argument for parent in parents for argument in ("-p", parent)]
        tips.append(scratch.git("commit-tree", tree, *arguments, "-m", str(number), GIT_COMMITTER_DATE=stamp))
        if luck.random() < 0.3:
            tips.pop(luck.randrange(len(tips)))
    scratch.git("update-ref", "refs/heads/tip", tips[-1])
    commits = set(scratch.git("rev-list", *tips).split())
    versions = [f"v{5 + n // 10}.{n % 10}" + luck.choice(["", "", "-rc1", "-rc2", ".1"]) for n in range(20)]
    for version in dict.fromkeys(versions):
        scratch.git("tag", version, luck.choice(sorted(commits)))
    return sorted(commits), sorted(set(versions), key=parse_tag)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("graph", [False, True])
def test_random_histories(scratch, seed, graph):
    commits, order = random_history(scratch, seed)
    if graph:
        scratch.git("commit-graph", "write", "--reachable")
    expected = {commit: expected_first(scratch, commit, order) for commit in commits}
    assert len(set(expected.values())) > 3
    cache = MemoryCache()
    together = releases(scratch, cache=cache).of_many(commits)
    assert {commit: release.first_tag for commit, release in together.items()} == expected
    assert len([name for name in cache if name.startswith("first-tags-")]) == 1
    kept = releases(scratch, cache=cache)
    one_by_one = releases(scratch)  # No table: git is asked for each.
    for commit in commits:
        assert kept.of(commit).first_tag == one_by_one.of(commit).first_tag == expected[commit]


def test_the_table_is_made_again_when_tags_move_and_when_it_is_damaged(scratch):
    head = scratch.commit("one")
    cache = MemoryCache()

    def ask():
        found = releases(scratch, cache=cache)
        found.prepare()
        return found.of(head).first_tag

    scratch.git("tag", "v5.9")
    assert ask() == "v5.9"
    scratch.git("tag", "v5.8")
    assert ask() == "v5.8"
    scratch.git("tag", "-d", "v5.8")
    assert ask() == "v5.9"
    assert len([name for name in cache if name.startswith("first-tags-")]) == 2
    for cut in (slice(0, 0), slice(0, 30), slice(0, -1), slice(1, None)):
        for name in list(cache):
            cache[name] = cache[name][cut]
        assert ask() == "v5.9"


def test_git_is_asked_for_a_few_commits_only(scratch, monkeypatch):
    commits = [scratch.commit(f"number {number}") for number in range(2 * FEW)]
    scratch.git("tag", "v5.0")
    asked = []
    ask = Releases._ask
    monkeypatch.setattr(Releases, "_ask", lambda self, commit: asked.append(commit) or ask(self, commit))
    found = releases(scratch)
    assert {found.of(commit).first_tag for commit in commits} == {"v5.0"}
    assert asked == commits[:FEW]


def test_replaced_parents_count(scratch):
    old = scratch.git("rev-parse", "HEAD")
    tree = scratch.git("rev-parse", "HEAD^{tree}")
    root = scratch.git("commit-tree", tree, "-m", "a history of its own")
    scratch.git("tag", "v5.9", root)
    cache = MemoryCache()
    assert releases(scratch, cache=cache).of(old).first_tag is None
    scratch.git("replace", "--graft", root, old)
    assert releases(scratch, cache=cache).of(old).first_tag == "v5.9"


def test_a_table_of_many_commits_finds_each_and_no_other(scratch):
    head = scratch.git("rev-parse", "HEAD")
    table = first_tags(Git(scratch.root), [head])
    assert len(table) == 1
    assert table.get(head) == 0
    for other in ("0" * 40, "f" * 40):
        assert table.get(other) is None
    assert FirstTags(table.data).get(head) == 0


def test_a_sha256_repository(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    scratch = VirtualDocuments(tmp_path / "linux")
    head = scratch.commit("start", {"init/main.c": "int m;\n"})
    assert len(head) == 64
    scratch.git("tag", "v5.9")
    cache = MemoryCache()
    assert releases(scratch, cache=cache).of_many([head]) == {head: Release("v5.9", "v5.9")}


def test_a_long_history_without_a_commit_graph_is_hinted_at_once(scratch, monkeypatch):
    monkeypatch.setattr("ksrcfind.history.releases.LONG", 2)
    first = scratch.commit("one", {"a.c": "1"})
    scratch.commit("two", {"a.c": "2"})
    scratch.git("tag", "v5.9")
    cache = MemoryCache()
    for hinted in (True, False):
        asked = releases(scratch, cache=cache)
        assert asked.advice is None
        assert asked.of(first).first_tag == "v5.9"
        assert ("commit-graph write --reachable --changed-paths" in (asked.advice or "")) is hinted
    scratch.git("commit-graph", "write", "--reachable", "--changed-paths")
    asked = releases(scratch, cache=MemoryCache())
    asked.prepare()
    assert asked.advice is None


def history_of(root, path):
    """Return the history of the text on line 3 of a file."""
    message = Message(path, 3, 3, "f", "printk", None, None, "", (Form("", ()),), (TextLine(path, 3, 30),))
    (found,) = History(open_snapshot(root, "HEAD")).trace([Request(message)])
    return found


def test_a_release_with_another_wording_in_between_does_not_count(tmp_path):
    scratch = VirtualDocuments(tmp_path)
    text = 'void f(void)\n{\n\tprintk("queue is full, %s=%%d\\n");\n}\n'
    scratch.commit("one", {"a.c": text % "left"})
    added = scratch.commit("two", {"a.c": text % "free_slots"})
    scratch.git("tag", "v6.1-rc1")
    scratch.commit("back to the old name", {"a.c": text % "left"})
    scratch.git("tag", "v6.1")
    scratch.commit("the new name again", {"a.c": text % "free_slots"})
    scratch.git("tag", "v6.2")
    found = history_of(tmp_path, "a.c")
    assert found.introduced.commit == added
    assert found.introduced.release == Release("v6.1-rc1", "v6.2")


def test_the_first_release_of_a_wording_is_the_first_final_one_that_has_it(tmp_path):
    scratch = VirtualDocuments(tmp_path)
    text = 'void f(void)\n{\n\tprintk("queue %%d%s\\n");\n}\n'
    scratch.commit("one", {"a.c": text % ""})
    added = scratch.commit("two", {"a.c": text % " of %s"})
    scratch.git("tag", "v6.1-rc1")
    scratch.commit("three", {"a.c": text % ""})
    scratch.git("tag", "v6.1-rc2")
    scratch.git("tag", "v6.1")
    scratch.git("tag", "v6.1.1")
    again = scratch.commit(f"four\n\nThis reverts commit {scratch.git('rev-parse', 'v6.1')}.", {"a.c": text % " of %s"})
    scratch.git("tag", "v6.2-rc1")
    scratch.git("mv", "a.c", "b.c")
    scratch.commit("five")
    scratch.git("tag", "v6.2")
    scratch.git("tag", "v6.3")
    found = history_of(tmp_path, "b.c")
    assert (found.introduced.commit, found.last_changed.commit) == (added, again)
    assert found.introduced.release == Release("v6.1-rc1", "v6.2")
    assert found.origin.release == Release("v6.1-rc1", "v6.1")  # By ancestry.
