"""git is run so that nothing of the repository's choice runs with it and nothing is written."""

import multiprocessing
import pickle

import pytest

from ksrcfind.errors import KsrcfindError
from ksrcfind.tree import git as git_module
from ksrcfind.tree.git import Git, GitError, GitMissingError, executable, neutral, version
from ksrcfind.tree.objects import MissingObjectError, ObjectReader
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.repository import open_repository
from repositories import kernel, seal

PROGRAMS = (
    *("filter.odd.name.clean", "filter.odd.name.smudge", "filter.proc.process", "diff.odd.textconv"),
    *("diff.odd.command", "diff.external", "core.fsmonitor", "core.pager", "core.sshCommand", "core.editor"),
    *("gpg.program", "core.askPass", "pager.grep", "pager.blame", "alias.ls-tree", "alias.grep"),
    "core.alternateRefsCommand",
)


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return kernel(tmp_path / "linux")


def use_everything(root):
    """Ask a checkout and a revision all that a snapshot answers."""
    for rev in (None, "HEAD"):
        snapshot = open_snapshot(root, rev)
        paths = snapshot.files((".c", ".h"), ("Makefile",))
        assert list(snapshot.read_many(paths))
        assert snapshot.grep(["already"], (".c",))


def test_no_program_of_the_repository_runs(scratch, tmp_path):
    marker = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $@" >> {marker}\ncat\n')
    evil.chmod(0o755)
    for hook in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        (scratch.root / ".git/hooks" / hook).write_bytes(evil.read_bytes())
        (scratch.root / ".git/hooks" / hook).chmod(0o755)
    (scratch.root / ".gitattributes").write_text("*.c filter=odd.name diff=odd\n*.h filter=proc\n")
    for key in PROGRAMS:
        scratch.git("config", key, str(evil))
    scratch.git("config", "filter.odd.name.required", "true")
    scratch.git("config", "log.showSignature", "true")
    # The same size and a time stamp that git cannot trust: it has to look at the bytes, through the filter.
    panic = scratch.root / "kernel/panic.c"
    panic.write_text(panic.read_text().replace("exiting", "EXITING"))
    (scratch.root / "include/linux/printk.h").touch()

    use_everything(scratch.root)
    assert not marker.exists()
    assert "EXITING" in open_snapshot(scratch.root).read("kernel/panic.c").decode()
    scratch.git("status", "--porcelain", check=False)
    assert marker.exists()  # The trap would have worked.


def test_a_filter_that_cannot_be_switched_off_is_refused():
    with pytest.raises(KsrcfindError, match="cannot be switched off"):
        neutral({"filter.a=b.clean": "/bin/evil"})
    assert neutral({"filter.a b.clean": "x", "user.name": "y", "filter.l.required": "true"}) == (
        "filter.a b.clean=",
        "filter.l.required=false",
    )


def test_nothing_is_written(scratch):
    (scratch.root / "init/main.c").touch()  # The index has something to refresh.

    def state():
        inside = sorted((scratch.root / ".git").rglob("*"))
        return [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in inside if path.is_file()]

    before = state()
    use_everything(scratch.root)
    assert state() == before


def test_the_callers_git_variables_do_not_lead_elsewhere(scratch, tmp_path, monkeypatch):
    other = kernel(tmp_path / "other", {"init/other.c": "int other;\n"})
    for name, value in (
        ("GIT_DIR", other.root / ".git"),
        ("GIT_WORK_TREE", other.root),
        ("GIT_INDEX_FILE", other.root / ".git/index"),
        ("GIT_EXTERNAL_DIFF", "/bin/false"),
        ("GIT_LITERAL_PATHSPECS", "1"),
    ):
        monkeypatch.setenv(name, str(value))
    assert "init/other.c" not in open_snapshot(scratch.root).files((".c",))
    use_everything(scratch.root)


def test_dubious_ownership_names_its_remedy(scratch, monkeypatch):
    monkeypatch.setitem(git_module.ENVIRONMENT, "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(KsrcfindError, match="belongs to another user") as caught:
        open_repository(scratch.root)
    assert f"git config --global --add safe.directory {scratch.root}" in caught.value.hint


def test_git_missing_and_too_old(tmp_path, monkeypatch):
    executable.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitMissingError, match="not installed"):
        executable()
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.17.1\n")
    old.chmod(0o755)
    with pytest.raises(GitMissingError, match=r"too old: git version 2\.17\.1") as caught:
        executable()
    assert "2.25" in caught.value.hint
    monkeypatch.undo()
    assert version("git version 2.39.5 (Apple Git-154)") == (2, 39, 5)


def test_a_failure_says_what_git_said(scratch):
    with pytest.raises(GitError, match=r"git blame failed in .*no such path"):
        Git(scratch.root).run("blame", "HEAD", "--", "nothing.c")
    with pytest.raises(GitError, match="git ls-tree failed"):
        list(Git(scratch.root).lines("ls-tree", "nothing"))


def test_lines_can_be_left_early(scratch):
    git = Git(scratch.root)
    assert next(git.lines("ls-files")) == b"Makefile"
    assert next(git.lines("ls-files", "-z", separator=b"\0")) == b"Makefile"


def test_objects_by_any_name(scratch):
    reader = ObjectReader(Git(scratch.root))
    assert reader.read_typed("HEAD")[0] == "commit"
    assert reader.read("HEAD:init/main.c") == (scratch.root / "init/main.c").read_bytes()
    odd = ["HEAD:nothing", "a\nb", "x" * 10000, "HEAD:Makefile", "", "deadbeef"]
    assert [item and item[0] for item in reader.read_many(odd)] == [None, None, None, "blob", None, None]
    with pytest.raises(MissingObjectError):
        reader.read("HEAD:nothing")
    reader.close()


def test_objects_in_any_number_and_interleaved(scratch):
    names = [f"HEAD:{path}" for path in scratch.git("ls-files").split()] * 300
    reader = ObjectReader(Git(scratch.root))
    together = reader.read_many(names)
    for name in names:
        (_, data) = next(together)
        assert data == reader.read(name)


def child(reader, answers):
    answers.put(reader.read("HEAD:Makefile"))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_objects_after_a_fork_and_pickled(scratch):
    reader = ObjectReader(Git(scratch.root))
    expected = reader.read("HEAD:Makefile")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=child, args=(reader, answers))
    process.start()
    assert answers.get(timeout=30) == expected
    process.join()
    assert process.exitcode == 0
    assert reader.read("HEAD:Makefile") == expected
    assert pickle.loads(pickle.dumps(reader)).read("HEAD:Makefile") == expected
