"""Kept histories are asked again when anything that they depend on changed; git without a cache is the judge."""

import pytest

from ksrcfind.caching import MemoryCache
from ksrcfind.history.related_commits import Kind, Mention, RelatedCommits
from ksrcfind.history.request import Request
from ksrcfind.history.state import history_state
from ksrcfind.history.trace import History
from ksrcfind.source.message import Form, Message, TextLine
from ksrcfind.tree.open import open_snapshot
from repositories import VirtualDocuments

TEXT = 'void say(void)\n{\n%sprintk("a device did not answer in time\\n");\n}\n'
PLACE = Message("a.c", 3, 3, "say", "printk", None, None, "", (Form("", ()),), (TextLine("a.c", 3, 30),))


@pytest.fixture
def scratch(tmp_path):
    """A repository whose one message was indented three times: commits 0 (first) to 3."""
    found = VirtualDocuments(tmp_path / "tree")
    found.commits = [found.commit(f"indent {depth}", {"a.c": TEXT % ("\t" * depth)}) for depth in range(1, 5)]
    return found


class Asked:
    """Asks with one cache for all questions, and checks each answer against git's own."""

    def __init__(self, root):
        self.root, self.cache = root, MemoryCache()

    def __call__(self):
        new = self.ask(MemoryCache())
        assert self.ask(self.cache) == new
        assert self.ask(self.cache) == new  # From the cache.
        return new.last_changed.commit

    def ask(self, cache):
        (found,) = History(open_snapshot(self.root, "HEAD"), cache=cache).trace([Request(PLACE)])
        return found


def ignore(scratch, name, *numbers):
    (scratch.root / name).write_text("".join(f"{scratch.commits[number]}\n" for number in numbers))


def test_every_value_of_ignore_revs_file_counts(scratch):
    asked = Asked(scratch.root)
    assert asked() == scratch.commits[3]
    ignore(scratch, "one", 3)
    ignore(scratch, "two")
    scratch.git("config", "--add", "blame.ignoreRevsFile", "one")
    assert asked() == scratch.commits[2]
    scratch.git("config", "--add", "blame.ignoreRevsFile", "two")
    assert asked() == scratch.commits[2]
    ignore(scratch, "two", 2)
    assert asked() == scratch.commits[1]
    ignore(scratch, "one", 3, 1)  # Of the value that is not the last one.
    assert asked() == scratch.commits[0]
    scratch.git("config", "--add", "blame.ignoreRevsFile", "")
    asked()
    scratch.git("config", "--add", "blame.ignoreRevsFile", "two")
    asked()
    scratch.git("config", "--unset-all", "blame.ignoreRevsFile")
    assert asked() == scratch.commits[3]


def test_an_ignored_revision_counts_where_the_last_value_is_empty(scratch, monkeypatch):
    monkeypatch.setattr("ksrcfind.history.git_history.MANY_FILES_WITHOUT_GRAPH", 0)
    asked = Asked(scratch.root)
    ignore(scratch, "one", 3)
    scratch.git("config", "--add", "blame.ignoreRevsFile", "one")
    scratch.git("config", "--add", "blame.ignoreRevsFile", "")
    history = History(open_snapshot(scratch.root, "HEAD"))
    history.expect([Request(PLACE)])
    assert history.trace([Request(PLACE)])[0].last_changed.commit == asked()


def test_a_file_of_the_home_directory_and_one_of_the_callers_settings_count(scratch, tmp_path, monkeypatch):
    asked = Asked(scratch.root)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ignored").write_text("")
    scratch.git("config", "blame.ignoreRevsFile", "~/ignored")
    assert asked() == scratch.commits[3]
    (tmp_path / "ignored").write_text(f"{scratch.commits[3]}\n")
    assert asked() == scratch.commits[2]
    ignore(scratch, "more", 2)
    for name, value in {"COUNT": "1", "KEY_0": "blame.ignoreRevsFile", "VALUE_0": "more"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert asked() == scratch.commits[1]


def test_replaced_commits_count_only_where_git_looks_at_them(scratch, monkeypatch):
    asked = Asked(scratch.root)
    assert asked() == scratch.commits[3]
    scratch.git("replace", "--graft", scratch.commits[3])
    cut = asked.ask(MemoryCache())
    asked()
    monkeypatch.setenv("GIT_NO_REPLACE_OBJECTS", "1")
    assert asked.ask(MemoryCache()) != cut
    asked()
    monkeypatch.delenv("GIT_NO_REPLACE_OBJECTS")
    asked()
    scratch.git("config", "core.useReplaceRefs", "false")
    asked()


def test_grafts_and_a_history_that_is_fetched_count(scratch, tmp_path):
    clone = tmp_path / "clone"
    scratch.git("clone", "-q", "--depth=2", f"file://{scratch.root}", str(clone))
    asked = Asked(clone)
    before = asked.ask(asked.cache)
    VirtualDocuments(clone).git("fetch", "-q", "--unshallow")
    asked()
    assert asked.ask(asked.cache) != before
    (clone / ".git/info").mkdir(exist_ok=True)
    (clone / ".git/info/grafts").write_text(f"{scratch.commits[3]}\n")
    asked()


def test_links_of_a_shallow_clone_are_read_again_when_the_history_is_fetched(scratch, tmp_path):
    first, *_ = scratch.commits
    fix = scratch.commit(f"mend it\n\nFixes: {first[:12]}")
    scratch.commit("another one")
    clone = tmp_path / "clone"
    scratch.git("clone", "-q", "--depth=1", f"file://{scratch.root}", str(clone))
    cache = MemoryCache()
    assert RelatedCommits(open_snapshot(clone).repository, cache).naming(first) == []
    VirtualDocuments(clone).git("fetch", "-q", "--unshallow")
    assert RelatedCommits(open_snapshot(clone).repository, cache).naming(first) == [Mention(fix, Kind.FIX)]


def test_an_answer_that_was_found_after_a_change_is_not_kept_for_the_state_before(scratch):
    asked = Asked(scratch.root)
    history = History(open_snapshot(scratch.root, "HEAD"), cache=asked.cache)
    ignore(scratch, "one", 3)
    scratch.git("config", "blame.ignoreRevsFile", "one")
    assert history.trace([Request(PLACE)])[0].last_changed.commit == scratch.commits[2]
    scratch.git("config", "--unset", "blame.ignoreRevsFile")
    assert asked() == scratch.commits[3]


def test_what_a_partial_clone_fetches_later_counts(scratch, tmp_path):
    moved = {"b.c": (scratch.root / "a.c").read_text(), "a.c": "int a;\n"}
    scratch.commit("move", moved)
    scratch.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    scratch.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{scratch.root}", str(clone))
    repository = open_snapshot(clone, "HEAD").repository
    assert repository.partial
    before = history_state(repository)
    VirtualDocuments(clone).git("cat-file", "-p", "HEAD:b.c")
    assert history_state(repository) != before


def test_how_a_user_likes_differences_is_no_part_of_an_answer(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    block = "/*\n * %s\n */\nstatic int %s;\n\n"
    scratch.commit("one", {"a.c": block % ("a", "a") + block % ("c", "c")})
    scratch.commit("two", {"a.c": "".join(block % (name, name) for name in "abc")})

    def blamed():
        history = History(open_snapshot(scratch.root, "HEAD"), follow=False)
        lines = [Message("a.c", n, n, None, "printk", None, None, "", (Form("", ()),), ()) for n in range(1, 15)]
        return [one.last_changed.commit for one in history.trace([Request(line) for line in lines])]

    before = blamed()
    scratch.git("config", "diff.indentHeuristic", "false")
    scratch.git("config", "diff.algorithm", "patience")
    assert blamed() == before
