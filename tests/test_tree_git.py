"""git is run so that nothing of the repository's choice runs with it and nothing is written."""

import multiprocessing
import pickle
from contextlib import closing

import pytest

from commandline import ksrcfind
from ksrcfind.config import Settings
from ksrcfind.engine.open import open_engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.history import git_history
from ksrcfind.progress import SILENT
from ksrcfind.tree import disk
from ksrcfind.tree import git as git_module
from ksrcfind.tree.git import Git, GitError, GitMissingError, executable, neutral, version
from ksrcfind.tree.objects import MissingObjectError, ObjectReader
from ksrcfind.tree.open import open_snapshot
from ksrcfind.tree.repository import open_repository
from repositories import VirtualDocuments, kernel, seal

PROGRAMS = (
    *("filter.odd.name.clean", "filter.odd.name.smudge", "filter.proc.process", "diff.odd.textconv"),
    *("diff.odd.command", "diff.external", "core.fsmonitor", "core.pager", "core.sshCommand", "core.editor"),
    *("gpg.program", "core.askPass", "pager.grep", "pager.blame", "alias.ls-tree", "alias.grep"),
    *("core.alternateRefsCommand", "core.gitProxy", "diff.odd.xfuncname", "gpg.ssh.program", "credential.helper"),
    *("pager.log", "pager.show", "pager.tag", "alias.log", "alias.blame", "merge.odd.driver", "trailer.odd.command"),
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


def open_tree(root, cache):
    return closing(open_engine(Settings(cache_dir=cache, repo=root), None, root, SILENT))


def ask_for_history(root, cache):
    """Ask for the history of every message, one by one and of all at once, and for the commits that it names."""
    told = []
    for many in (git_history.MANY_FILES, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(git_history, "MANY_FILES", many)
            patch.setattr(git_history, "MANY_FILES_WITHOUT_GRAPH", many)
            with open_tree(root, cache / str(many)) as engine:
                places = [(message.path, message.line_start) for message in engine.messages()]
                found = list(engine.at(places))
                named = sorted({commit for one in found if one.history for commit in one.history.commits()})
                assert all(engine.histories.patch(commit) for commit in named)
                told.append((found, engine.histories.commits(named), engine.histories.later(found[0])))
    assert told[0] == told[1]
    return told[0]


@pytest.fixture
def trap(tmp_path):
    """A program that leaves a mark when it runs, and the mark."""
    marker = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $@" >> {marker}\ncat\n')
    evil.chmod(0o755)
    return evil, marker


def test_no_program_of_the_repository_runs(scratch, trap, tmp_path):
    evil, marker = trap
    scratch.git("tag", "v5.9")
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
    ask_for_history(scratch.root, tmp_path / "cache")
    assert not marker.exists()
    assert "EXITING" in open_snapshot(scratch.root).read("kernel/panic.c").decode()
    scratch.git("status", "--porcelain", check=False)
    assert marker.exists()  # The trap would have worked.


COMMANDS = [
    ("find", "--history", "all", "Kernel panic already exiting"),
    ("find", "--rev", "HEAD", "Kernel panic already exiting"),
    ("at", "kernel/panic.c:3"),
    ("batch", "{log}"),
    ("messages", "kernel"),
    ("life", "Kernel panic already exiting"),
    ("show", "panic"),
    ("show", "HEAD"),
    ("diff", "v5.8", "v5.9"),
    ("index",),
    ("index", "--output", "{bundle}", "--with-history"),
    ("doctor",),
]
VARIABLES = {
    "GIT_CONFIG": "/dev/null",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "{evil}",
    "GIT_CONFIG_PARAMETERS": "'core.pager'='{evil}' 'diff.external'='{evil}'",
    "GIT_EXEC_PATH": "{directory}",
    "GIT_TEMPLATE_DIR": "{directory}",
    **dict.fromkeys(("GIT_TRACE", "GIT_TRACE2", "GIT_TRACE2_EVENT", "GIT_TRACE_SETUP", "GIT_TRACE_PACKET"), "{mark}"),
    **dict.fromkeys(("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_SSH", "GIT_PROXY_COMMAND", "GIT_ASKPASS"), "{evil}"),
    **dict.fromkeys(
        ("GIT_PAGER", "PAGER", "GIT_EDITOR", "EDITOR", "VISUAL", "GIT_SEQUENCE_EDITOR", "SSH_ASKPASS"), "{evil}"
    ),
}


@pytest.mark.parametrize("name", ["GIT_CONFIG", "GIT_TRACE", "all"])
def test_no_variable_makes_a_program_run(scratch, trap, tmp_path, monkeypatch, name):
    """`git config --list` with GIT_CONFIG reads one file: what the repository names would not be switched off."""
    evil, marker = trap
    scratch.git("tag", "v5.8")
    scratch.commit("another", {"kernel/other.c": 'void other(void)\n{\n\tpr_info("Other text\\n");\n}\n'})
    scratch.git("tag", "v5.9")
    (scratch.root / ".git/info/attributes").write_text("*.c filter=odd diff=odd\n*.h filter=proc\n")
    included = tmp_path / "included"
    included.write_text(f'[filter "odd"]\n\tclean = {evil}\n[diff "odd"]\n\ttextconv = {evil}\n\tcommand = {evil}\n')
    scratch.git("config", "include.path", str(included))
    scratch.git("config", f"includeIf.gitdir:{scratch.root}/.path", str(included))
    scratch.git("config", "filter.proc.process", str(evil))
    log = tmp_path / "log"
    log.write_text("[    1.000000] Kernel panic already exiting\n")
    words = {"evil": evil, "directory": evil.parent, "mark": marker, "log": log, "bundle": tmp_path / "bundle"}
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / "cache"))
    for variable, value in VARIABLES.items():
        if name in (variable, "all") or variable.startswith("GIT_CONFIG_"):
            monkeypatch.setenv(variable, value.format_map(words))
    executable.cache_clear()
    before = _files(scratch.root / ".git")
    for command in COMMANDS:
        (scratch.root / "kernel/panic.c").touch()
        done = ksrcfind("-C", scratch.root, *(word.format_map(words) for word in command))
        assert done.status in (0, 1), done.err
        assert not marker.exists(), command
    assert _files(scratch.root / ".git") == before


def _files(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_objects_that_the_caller_borrows_are_read(scratch, tmp_path, monkeypatch):
    blob = kernel(tmp_path / "other", {"init/other.c": "int other;\n"}).git("rev-parse", "HEAD:init/other.c")
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(tmp_path / "other/.git/objects"))
    with closing(ObjectReader(Git(scratch.root))) as objects:
        assert objects.read(blob) == b"int other;\n"


def test_a_huge_object_reads_as_empty_and_the_next_one_whole(scratch, monkeypatch):
    monkeypatch.setattr(disk, "LARGEST", 40)
    with closing(ObjectReader(Git(scratch.root))) as objects:
        found = list(objects.read_many(["HEAD:kernel/panic.c", "HEAD:Makefile", "HEAD:init/main.c"]))
    assert [len(data) for _, data in found] == [0, 40, 0]


def test_no_program_of_a_submodule_runs(scratch, trap, tmp_path):
    evil, marker = trap
    inside = VirtualDocuments(scratch.root / "tools/inside")
    inside.commit("one", {"a.c": "int a;\n", ".gitattributes": "* filter=odd diff=odd\n"})
    scratch.commit("with a submodule", {".gitmodules": '[submodule "x"]\n\tpath = tools/inside\n\tignore = none\n'})
    inside.commit("two", {"a.c": "int b;\n"})
    last = scratch.commit("another state of the submodule")
    for key in ("filter.odd.clean", "diff.odd.command", "diff.odd.textconv", "core.fsmonitor", "diff.external"):
        inside.git("config", key, str(evil))
    scratch.git("config", "diff.submodule", "diff")
    (inside.root / "a.c").write_text("int c;\n")

    use_everything(scratch.root)
    with open_tree(scratch.root, tmp_path / "cache") as engine:
        assert "another state" in engine.histories.patch(last)
    assert not marker.exists()
    scratch.git("show", last)
    assert marker.exists()  # The trap would have worked.


def test_a_partial_clone_runs_no_transport(scratch, trap, tmp_path, monkeypatch):
    evil, marker = trap
    evil.write_text(f"#!/bin/sh\necho ran >> {marker}\nexit 1\n")
    # What older versions of git do not know.
    monkeypatch.delitem(git_module.ENVIRONMENT, "GIT_NO_LAZY_FETCH")
    blob = scratch.git("rev-parse", "HEAD:init/main.c")
    for key, value in (
        *(
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
        ),
        *(
            ("remote.origin.url", f"ext::{evil}"),
            ("protocol.ext.allow", "always"),
            ("remote.origin.uploadpack", str(evil)),
        ),
    ):
        scratch.git("config", key, value)
    (scratch.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(KsrcfindError, match="this partial clone lacks a file"):
        open_snapshot(scratch.root, "HEAD").read("init/main.c")
    assert not marker.exists()
    scratch.git("cat-file", "-p", blob, check=False)
    assert marker.exists()  # The trap would have worked.


SHOWN_OTHERWISE = (
    *(("log.follow", "true"), ("blame.showRoot", "true"), ("diff.orderFile", "scripts/git.orderFile")),
    *(("diff.renames", "copies"), ("diff.relative", "true"), ("log.showRoot", "false"), ("log.diffMerges", "separate")),
    *(("color.ui", "always"), ("color.grep", "always"), ("grep.column", "true"), ("grep.patternType", "fixed")),
    *(("format.pretty", "fuller"), ("log.decorate", "full"), ("core.abbrev", "7"), ("core.quotePath", "true")),
    *(("column.ui", "always"), ("tag.sort", "-version:refname"), ("i18n.logOutputEncoding", "latin1")),
)


def test_what_a_user_likes_to_see_otherwise_changes_no_answer(scratch, tmp_path):
    text = (scratch.root / "init/main.c").read_text()
    scratch.git("tag", "v5.9")
    (scratch.root / "init/begin.c").write_text(text.replace("started", "begins"))
    scratch.commit("init: a new name", remove=["init/main.c"])
    scratch.commit(
        "init: a file of its own", {"init/other.c": text, "kernel/panic2.c": text.replace("started", "over")}
    )
    scratch.commit("init: back again", {"init/main.c": text}, remove=["init/begin.c"])
    scratch.git("mv", "init/main.c", "kernel/start.c")
    scratch.commit("init: moved")
    plain = ask_for_history(scratch.root, tmp_path / "plain")
    for number, (key, value) in enumerate(SHOWN_OTHERWISE):
        scratch.git("config", key, value)
        assert ask_for_history(scratch.root, tmp_path / str(number)) == plain, key
        scratch.git("config", "--unset", key)


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
