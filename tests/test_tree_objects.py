"""Objects and references as git's commands tell them, and as they are read in this process: always the same."""

import multiprocessing
import os
import pickle
import random
import subprocess
import sys
import threading
from functools import partial
from operator import methodcaller

import pygit2
import pytest

from ksrcfind.errors import KsrcfindError
from ksrcfind.tree import disk, libgit, references
from ksrcfind.tree.direct import DirectDatabase
from ksrcfind.tree.git import Git
from ksrcfind.tree.objects import GitDatabase
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.repository import open_repository
from repositories import KERNEL, VirtualDocuments, kernel, seal
from test_history_random import Drawn

ODD_NAMES = [
    *("HEAD", "master", "v5.9", "nothing", "", "-x", "a\nb", "x" * 9000, "HEAD~1", "HEAD^{tree}", "@", "v5.9^{}"),
    *("HEAD:Makefile", "HEAD:", "0" * 40, "deadbeef", "refs/heads/master", "heads/master", "origin", "config"),
]


def databases(repository, *, loaded=True):
    """Return the database that was chosen, which must be the direct one, and git's."""
    direct = repository.objects
    assert isinstance(direct, DirectDatabase)
    if loaded:
        direct.load()
        assert direct._libgit is not None
    return direct, GitDatabase(repository.git)


def outcome(question):
    """Return an answer, or the error."""
    try:
        return question()
    except (KsrcfindError, LookupError) as error:
        return type(error), str(error)


def compare(root, names=(), *, loaded=True):
    """Ask both databases everything about a repository."""
    repository = open_repository(root)
    direct, git = databases(repository, loaded=loaded)
    listed = subprocess.run(["git", "rev-list", "--all"], cwd=root, capture_output=True, check=True, text=True)
    commits = listed.stdout.split()
    assert list(direct.tags().items()) == list(git.tags().items())
    for question in ("head", "head_name", "tips"):
        assert outcome(getattr(direct, question)) == outcome(getattr(git, question)), question
    for prefix in ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/replace/"):
        assert direct.references(prefix) == git.references(prefix)
    shortened = [commit[:length] for commit in commits[:9] for length in (4, 7, 12, 39)]
    revisions = [*names, *ODD_NAMES, *commits[:20], *shortened, *git.tags()]
    for name in revisions:
        assert direct.commit(name) == git.commit(name), name
    paths: dict[str, None] = {}
    for commit in commits[:30]:
        listed = git.blobs(commit)
        assert list(direct.blobs(commit).items()) == list(listed.items())
        paths |= dict.fromkeys(listed)
    objects = [
        f"{commit}:{path}" for commit in commits[:9] for path in [*list(paths)[:40], "no/such", "init", "a//b", "init/"]
    ]
    objects += [*revisions, *commits]
    for path in [*list(paths)[:40], "no/such", "init", "init/", "a//b", "/init/main.c", ""]:
        for commit in commits[:5]:
            assert direct.blob(commit, path) == git.blob(commit, path) == git.blobs(commit).get(path), path
    assert list(direct.read_many(objects)) == list(git.read_many(objects))
    assert list(direct.ids(objects)) == list(git.ids(objects))
    chance = random.Random(5)
    for _ in range(40 if commits else 0):
        one, other = chance.choice(commits), chance.choice(commits)
        assert list(direct.changed(one, other)) == list(git.changed(one, other)), (one, other)
    for commit in commits[:5]:
        for directory in ("", "init", "kernel", "no/such"):
            for words in (["pr_info"], ["started", "start"], ["already", "exiting"]):
                asked = (commit, words, directory, (".c", ".h"), "main.c")
                assert direct.with_words(*asked) == git.with_words(*asked), asked
    direct.close()
    git.close()


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return kernel(tmp_path / "linux")


@pytest.mark.parametrize("loaded", [True, False])
def test_the_bundled_repository(linux_mini, loaded):
    compare(linux_mini, ["v5.9", "v5.9-rc1"], loaded=loaded)


@pytest.mark.parametrize("seed", range(6))
def test_random_histories(tmp_path, monkeypatch, seed):
    seal(monkeypatch, tmp_path)
    drawn = Drawn(tmp_path / "drawn", seed)
    if seed % 2:
        drawn.scratch.git("gc", "-q")
    compare(drawn.scratch.root)


def odd_files(scratch):
    """Commit links, submodules, files that become directories, and names that are no UTF-8."""
    inside = VirtualDocuments(scratch.root / "sub.c")
    inside.commit("one", {"a.c": "int a;\n"})
    name = b"fs/\xff\xfe \xc3\xa4\t.c".decode("utf-8", "surrogateescape")
    (scratch.root / "fs").mkdir()
    (scratch.root / "fs/link.c").symlink_to("a.c")
    scratch.commit(
        "one",
        {name: "int odd;\n", "fs/a.c": "int a;\n", "fs/x": "file\n", "fs/x.c": "", "fs/x0": "", "fs/was.c": "int a;\n"},
    )
    inside.commit("two", {"a.c": "int b;\n"})
    (scratch.root / "fs/a.c").chmod(0o755)
    (scratch.root / "fs/x").unlink()
    (scratch.root / "fs/was.c").unlink()
    (scratch.root / "fs/was.c").symlink_to("a.c")
    scratch.commit("two", {"fs/x/y.c": "int y;\n", "fs/link": "file\n"})
    subprocess.run(["rm", "-rf", str(scratch.root / "sub.c")], check=True)
    scratch.commit("three", {"sub.c": "now a file\n"}, remove=["fs/link.c"])
    return scratch


def test_links_submodules_modes_and_names(scratch):
    compare(odd_files(scratch).root)


def test_tags_of_everything_and_packed_references(scratch):
    first = scratch.git("rev-parse", "HEAD")
    second = scratch.commit("second", {"init/b.c": "int b;\n"})
    for name, target in (
        *(("v5.1", first), ("v5.2", second), ("tree", f"{first}^{{tree}}"), ("blob", f"{first}:Makefile")),
        *(("both/v5", second), (first[:8], second), ("master", first)),
    ):
        scratch.git("tag", name, target)
    for name, target in (("a1", first), ("a2", "a1"), ("a3", "a2"), ("atree", "tree"), ("ablob", "blob")):
        scratch.git("tag", "-m", name, name, target)
    scratch.git("branch", "v5.2", first)
    scratch.git("update-ref", "refs/remotes/origin/main", first)
    scratch.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    names = ["a1", "a2", "a3", "tree", "atree", "blob", "v5.2", "origin", "origin/main", "main", "both/v5", first[:8]]
    compare(scratch.root, names)
    scratch.git("pack-refs", "--all")
    compare(scratch.root, names)
    scratch.git("tag", "-f", "v5.1", second)
    scratch.git("tag", "-d", "a3")
    scratch.git("checkout", "-q", "--detach", first)
    compare(scratch.root, names)
    scratch.git("tag", "-m", "later", "z9", first)
    compare(scratch.root, names)


@pytest.mark.parametrize(
    "tags", [(), ("v1",), ("v2", "v1"), ("-m v3",), ("-m v3", "-m v4"), ("v1", "-m v5"), ("master",)]
)
@pytest.mark.parametrize("detached", [True, False])
def test_what_head_is_called(scratch, tags, detached):
    for number, tag in enumerate(tags):
        scratch.clock += number
        scratch.git("tag", *(["-m", "x"] if tag.startswith("-m") else []), tag.removeprefix("-m "))
    if detached:
        scratch.git("checkout", "-q", "--detach")
    compare(scratch.root)


def test_a_tag_under_another_name_and_a_branch_that_is_named_like_a_file(scratch):
    scratch.git("tag", "-m", "x", "v1")
    scratch.git("update-ref", "refs/tags/renamed", "refs/tags/v1")
    scratch.git("update-ref", "-d", "refs/tags/v1")
    compare(scratch.root)
    scratch.git("update-ref", "-d", "refs/tags/renamed")
    scratch.git("checkout", "-q", "-b", "config")
    compare(scratch.root)


def test_a_working_tree_of_its_own_borrowed_objects_a_bare_and_a_shallow_clone(scratch, tmp_path):
    scratch.git("tag", "v5.9")
    scratch.commit("second", {"init/b.c": "int b;\n"})
    scratch.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side", "v5.9")
    scratch.git("clone", "-q", "--shared", str(scratch.root), str(tmp_path / "shared"))
    scratch.git("clone", "-q", "--bare", str(scratch.root), str(tmp_path / "bare"))
    scratch.git("clone", "-q", "--depth=1", f"file://{scratch.root}", str(tmp_path / "shallow"))
    for name in ("tree", "shared", "bare", "shallow"):
        compare(tmp_path / name, ["side", "origin/master"])


def chosen(root):
    return type(open_repository(root).objects)


def test_git_takes_over_where_it_alone_knows(scratch, tmp_path, monkeypatch):
    first = scratch.git("rev-parse", "HEAD")
    scratch.commit("second")
    assert chosen(scratch.root) is DirectDatabase
    scratch.git("replace", "--graft", "HEAD")
    assert chosen(scratch.root) is GitDatabase
    scratch.git("pack-refs", "--all")
    assert chosen(scratch.root) is GitDatabase
    scratch.git("replace", "-d", scratch.git("rev-parse", "HEAD"))
    assert chosen(scratch.root) is DirectDatabase
    grafts = scratch.root / ".git/info/grafts"
    grafts.write_text(f"{first}\n")
    assert chosen(scratch.root) is GitDatabase
    grafts.unlink()
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(tmp_path))
    assert chosen(scratch.root) is GitDatabase
    monkeypatch.delenv("GIT_ALTERNATE_OBJECT_DIRECTORIES")
    scratch.git("config", "uploadpack.allowFilter", "true")
    scratch.git("clone", "-q", "--filter=blob:none", "-n", f"file://{scratch.root}", str(tmp_path / "partial"))
    assert chosen(tmp_path / "partial") is GitDatabase


def test_other_hashes_and_forms_of_references_are_left_to_git(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    scratch = kernel(tmp_path / "linux")
    assert chosen(scratch.root) is GitDatabase
    assert open_snapshot(scratch.root, "HEAD").read("Makefile") == KERNEL["Makefile"].encode()
    monkeypatch.delenv("GIT_DEFAULT_HASH")
    other = kernel(tmp_path / "other")
    (other.root / ".git/refs/heads/master").write_bytes(b"garbage\n")
    with pytest.raises(references.OddReferencesError):
        references.read(other.root / ".git", other.root / ".git")


def test_no_configuration_but_the_repositorys_own_is_read_by_libgit2(scratch, tmp_path):
    """Not even the one that says whose repositories are trusted: what libgit2 refuses, git is asked for."""
    assert libgit.library() is pygit2
    level = pygit2.enums.ConfigLevel
    assert {pygit2.settings.search_path[place] for place in (level.SYSTEM, level.XDG, level.GLOBAL)} == {""}
    assert pygit2.settings.owner_validation


def test_what_libgit2_refuses_is_read_by_git(scratch, monkeypatch):
    expected = GitDatabase(Git(scratch.root)).read("HEAD:Makefile")
    head = scratch.git("rev-parse", "HEAD")
    monkeypatch.setattr(libgit.LibgitObjects, "_open", lambda _: None)
    objects = open_repository(scratch.root).objects
    objects.load()
    assert objects.read("HEAD:Makefile") == expected
    assert objects.head() == head
    assert objects.changed(head, head) == []
    objects.close()


def test_a_huge_object_reads_as_empty(scratch, monkeypatch):
    head = scratch.git("rev-parse", "HEAD")
    monkeypatch.setattr(disk, "LARGEST", 40)
    direct, git = databases(open_repository(scratch.root))
    names = [f"{head}:kernel/panic.c", f"{head}:Makefile", f"{head}:init/main.c"]
    ids = list(git.ids(names))
    assert [len(data) for _, data in direct.read_many(ids)] == [0, 40, 0]
    assert list(direct.read_many(ids)) == list(git.read_many(ids))


def test_damaged_objects_are_what_git_says(scratch):
    blob = scratch.git("rev-parse", "HEAD:init/main.c")
    tree = scratch.git("rev-parse", "HEAD:init")
    head = scratch.git("rev-parse", "HEAD")
    for broken in (blob, tree):
        path = scratch.root / ".git/objects" / broken[:2] / broken[2:]
        path.chmod(0o644)
        path.write_bytes(b"\x00garbage")
        direct, git = databases(open_repository(scratch.root))
        for question in (
            methodcaller("read", broken),
            methodcaller("read", f"{head}:init/main.c"),
            methodcaller("blobs", head),
            lambda one: list(one.ids([f"{head}:init/main.c"])),
        ):
            assert outcome(partial(question, direct)) == outcome(partial(question, git))
        git.close()


def tree_object(scratch, data):
    return scratch.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)


def test_hostile_trees_end_no_process(scratch):
    head = scratch.git("rev-parse", "HEAD")
    blob = bytes.fromhex(scratch.git("rev-parse", "HEAD:Makefile"))
    deep = tree_object(scratch, b"100644 a.c\0" + blob)
    for _ in range(300):
        deep = tree_object(scratch, b"40000 d\0" + bytes.fromhex(deep))
    hostile = [
        tree_object(scratch, data)
        for data in (
            b"100644 a.c\0" + blob + b"100644 a.c\0" + blob,
            b"100644 a/b.c\0" + blob,
            b"100664 a.c\0" + blob + b"040000 d\0" + bytes.fromhex(scratch.git("rev-parse", "HEAD:init")),
            b"100644 a.c",
            b"999999 a.c\0" + blob,
            b"",
        )
    ]
    direct, git = databases(open_repository(scratch.root))
    for tree in [*hostile, deep]:
        for question in (methodcaller("blobs", tree), methodcaller("changed", head, tree)):
            assert outcome(partial(question, direct)) == outcome(partial(question, git))


def test_objects_written_later_are_found(scratch):
    direct, _ = databases(open_repository(scratch.root))
    before = direct.state("refs/heads/")
    later = scratch.commit("later", {"init/later.c": "int later;\n"})
    assert direct.state("refs/heads/") != before
    assert direct.head() == later
    scratch.git("gc", "-q", "--prune=now")
    assert direct.read(f"{later}:init/later.c") == b"int later;\n"
    assert direct.state("refs/tags/") == open_repository(scratch.root).objects.state("refs/tags/")


def read_there(objects, name):
    assert objects.read(name) == KERNEL["Makefile"].encode()


def test_copies_forks_and_threads_open_their_own(scratch):
    direct, _ = databases(open_repository(scratch.root))
    name = f"{scratch.git('rev-parse', 'HEAD')}:Makefile"
    read_there(direct, name)
    read_there(pickle.loads(pickle.dumps(direct)), name)
    child = multiprocessing.get_context("fork").Process(target=read_there, args=(direct, name))
    child.start()
    child.join()
    assert child.exitcode == 0
    failed = []
    threads = [
        threading.Thread(target=lambda: [read_there(direct, name) for _ in range(50)] or failed) for _ in range(4)
    ]
    opened = []
    original = direct._libgit._open
    direct._libgit._open = lambda: opened.append(threading.get_ident()) or original()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4


def test_libgit2_is_imported_only_where_a_history_is_followed(scratch, tmp_path):
    script = (
        "import sys; from pathlib import Path; from ksrcfind.tree.open import open_snapshot;"
        "one = open_snapshot(Path(sys.argv[1]));"
        "one.read('Makefile'), one.files(('.c',)), one.repository.objects.tags(), one.repository.objects.tips();"
        "assert 'pygit2' not in sys.modules; one.repository.objects.load(); assert 'pygit2' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(scratch.root)], env=os.environ, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
