"""The bundled repository is the same everywhere, and tells each story that its README promises: git is the judge."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import tree_sitter
import tree_sitter_c

from conftest import LINUX_MINI, contents, linux_mini_build

README = (LINUX_MINI / "README.md").read_text()
NAMES = re.compile(rb"^# names (?P<names>:.+)\ncommit .+\nmark :(?P<mark>\d+)\n", re.MULTILINE)
OBJECT_ID = re.compile(r"\b(?:[0-9a-f]{40}|[0-9a-f]{12})\b")

OOM_TEXT = '"%s: OOM victim %d (%s) is already exiting. Skip killing the task\\n"'

REFS = {
    "refs/heads/master": "4feb478ab397fd850b140189099895cbd721ed18",
    "refs/heads/linux-5.8.y": "ff6338147880aafd917a7c6959bb5c705de2567e",
    "refs/heads/next": "9e1dae5bd1edad1825520b1412da4c3ef1b80e4d",
    "refs/tags/v2.6.11": "6520cc2b0e4cfefa9d7981c473b6b8201b0d4f23",
    "refs/tags/v2.6.12-rc2": "e1021bf92d51c43b2bf30f658a93a7e3a08199ec",
    "refs/tags/v3.3": "1d50779f04a96d23721854d213f99336d9383a7f",
    "refs/tags/v5.8": "b8f53cc03adc7477c41ca5488d1101352f5bc2c6",
    "refs/tags/v5.8.2": "3321f1789e4fb6d39e4fdda15843a52a698cbe9e",
    "refs/tags/v5.9-rc1": "8690e28bb365937effd903ee486140d5cc86c286",
    "refs/tags/v5.9": "38c33e8868603e62194def19427240d9fb5f8c2b",
    "refs/tags/v6.1": "0902e74726d476a458c8b69a2ce20eff1804a828",
    "refs/tags/mini-backup": "709b464d65d385340ce75c65fc44e4941d46b40d",
}
OOM_COMMIT = "f18369643e0c4d504079c3b489f6b1af5ad1d933"
OOM_BACKPORT = "20889ee05b6fe7911e5cf584a97f0175c7fc4534"


def run(program, *arguments, **environment):
    """Run one of the fixture's programs as a user does."""
    command = [sys.executable, program, *arguments]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


@pytest.fixture
def ask(linux_mini, git):
    """Run git in the bundled repository."""
    return lambda *arguments, **more: git(linux_mini, *arguments, **more)


@pytest.fixture
def holders(ask):
    """Paths of the files that hold a text at a revision."""
    return lambda text, rev: {
        line.partition(":")[2] for line in ask("grep", "-l", "-F", "-e", text, rev, okay=(0, 1)).splitlines()
    }


@pytest.fixture
def blame(ask):
    """Id of the commit that blame names for the line that holds a text."""

    def ask_blame(path, text, rev, *options):
        numbers = [n for n, line in enumerate(ask("show", f"{rev}:{path}").split("\n"), 1) if text in line]
        assert len(numbers) == 1, numbers
        return ask("blame", "--porcelain", f"-L{numbers[0]},+1", *options, rev, "--", path).split()[0]

    return ask_blame


# The build


def test_ids_are_constants(ask, mini_commits):
    refs = dict(reversed(line.split()) for line in ask("show-ref").splitlines())
    assert {name: refs[name] for name in REFS} == REFS
    assert (mini_commits[23], mini_commits[31]) == (OOM_COMMIT, OOM_BACKPORT)


def test_plain_git_makes_the_same_of_the_text(tmp_path, git):
    git(tmp_path, "init", "-q", "--bare")
    git(tmp_path, "fast-import", "--quiet", stdin=linux_mini_build.stream())
    assert linux_mini_build.refs(tmp_path) == linux_mini_build.REFS.read_text()


def test_the_users_git_makes_no_difference(tmp_path, linux_mini):
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
    (hooks / "post-checkout").chmod(0o755)
    settings = f"[init]\n defaultBranch = trunk\n templateDir = {hooks.parent}\n[core]\n autocrlf = true\n"
    (tmp_path / ".gitconfig").write_text(settings)
    odd = {
        "GIT_CONFIG_GLOBAL": f"{tmp_path}/.gitconfig",
        "GIT_DIR": f"{tmp_path}/elsewhere",
        "GIT_DEFAULT_HASH": "sha256",
    }
    done = run(LINUX_MINI / "build.py", tmp_path / "linux", HOME=str(tmp_path), TZ="Asia/Kolkata", **odd)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    same = {path.relative_to(linux_mini): data for path, data in contents(linux_mini).items() if path.name != "index"}
    built = {path.relative_to(tmp_path / "linux"): data for path, data in contents(tmp_path / "linux").items()}
    assert {path: data for path, data in built.items() if path.name != "index"} == same
    assert not (tmp_path / "hook-ran").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_second_build_touches_nothing(tmp_path):
    target = tmp_path / "linux"
    assert linux_mini_build.build(target)
    (target / "COPYING").write_text("edited\n")
    before = contents(target)
    assert not linux_mini_build.build(target)
    assert contents(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["linux"]


def test_bare(tmp_path, git):
    done = run(LINUX_MINI / "build.py", "--bare", tmp_path / "new" / "linux.git")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    repository = tmp_path / "new" / "linux.git"
    assert git(repository, "rev-parse", "--is-bare-repository", "master").split() == ["true", REFS["refs/heads/master"]]
    assert not (repository / "Makefile").exists()
    assert not linux_mini_build.build(repository, bare=True)


def test_an_older_build_is_replaced(tmp_path, git):
    target = tmp_path / "linux"
    linux_mini_build.build(target)
    git(target, "tag", "-d", "v6.1")
    (target / ".git" / linux_mini_build.STAMP).write_text(linux_mini_build.refs(target / ".git"))
    assert linux_mini_build.build(target)
    assert git(target, "rev-parse", "v6.1") == REFS["refs/tags/v6.1"]


@pytest.mark.parametrize("kind", ["file", "directory", "repository", "built and committed to"])
def test_nothing_of_the_user_is_overwritten(kind, tmp_path, git):
    target = tmp_path / "linux"
    if kind == "file":
        target.write_text("mine\n")
    elif kind == "built and committed to":
        linux_mini_build.build(target)
        git(target, "commit", "-q", "--allow-empty", "-m", "mine")
    else:
        target.mkdir()
        (target / "notes").write_text("mine\n")
    if kind == "repository":
        git(target, "init", "-q")
    before = contents(tmp_path)
    done = run(LINUX_MINI / "build.py", target)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"build.py: {target} exists and holds something else: name another directory\n"
    assert contents(tmp_path) == before


def test_without_git(tmp_path):
    done = run(LINUX_MINI / "build.py", tmp_path / "linux", PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "build.py: git is not installed. On Debian or Ubuntu: sudo apt-get install git\n"
    assert list(tmp_path.iterdir()) == []


def test_an_edit_without_refresh_is_refused_and_refresh_mends_it(tmp_path):
    copy = tmp_path / "linux-mini"
    shutil.copytree(LINUX_MINI, copy)
    before = contents(copy)
    first = copy / "history" / "10-beginning.fi"
    first.write_bytes(first.read_bytes().replace(b"The small tree enters", b"The tiny tree enters"))
    done = run(copy / "build.py", tmp_path / "linux")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "linux").exists()

    done = run(copy / "refresh.py", PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert (copy / "refs.txt").read_bytes() != before[copy / "refs.txt"]
    assert run(copy / "build.py", tmp_path / "linux").returncode == 0

    # And back: every id that a message names is written anew, nothing else.
    first.write_bytes(first.read_bytes().replace(b"The tiny tree enters", b"The small tree enters"))
    assert run(copy / "refresh.py", PYTHONDONTWRITEBYTECODE="1").returncode == 0
    assert contents(copy) == before


def test_sound(ask):
    assert ask("fsck", "--full", "--no-dangling") == ""
    assert ask("status", "--porcelain") == ""
    assert ask("symbolic-ref", "HEAD") == "refs/heads/master"


def test_looks_like_a_kernel_tree(linux_mini, ask):
    for name in ("COPYING", "Kbuild", "MAINTAINERS", "Makefile"):
        assert (linux_mini / name).is_file()
    for name in ("arch", "drivers", "fs", "include/linux", "init", "kernel", "mm", "net"):
        assert (linux_mini / name).is_dir()
    for tag in ask("tag", "--list", "v*").split():
        version = re.fullmatch(r"v(\d+)\.(\d+)(?:\.(\d+))?(-rc\d+)?", tag)
        if version and tag != "v2.6.11":
            numbers = [part or "0" for part in version.groups("0")[:3]]
            values = re.findall(r"^[A-Z]+ =(?: (.*))?$", ask("show", f"{tag}:Makefile"), re.MULTILINE)
            assert values[:4] == [*numbers, version[4] or ""], tag


# The README


def test_readme_tells_every_commit(mini_commits, ask):
    rows = {int(mark): subject for mark, subject in re.findall(r"^\| :(\d+) \| (.+?) \| ", README, re.MULTILINE)}
    subjects = dict(line.split(" ", 1) for line in ask("log", "--all", "--format=%H %s").splitlines())
    assert rows == {mark: subjects[commit] for mark, commit in mini_commits.items() if commit in subjects}
    assert len(rows) == len(subjects)
    assert f"{len(subjects)} commits, {len(ask('ls-tree', '-r', 'HEAD').splitlines())} files" in README


def test_readme_tells_every_tag_and_branch(mini_commits, ask):
    told = {}
    for row in README[README.index("| tag | on |") :].splitlines()[2:]:
        tags, places = row.split("|")[1:3]
        marks = (int(mark) for mark in re.findall(r":(\d+)", places))
        told |= dict(zip(tags.strip().split(", "), marks, strict=True))
    assert set(told) == set(ask("tag").split())
    for tag, mark in told.items():
        kind = "tree" if tag == "v2.6.11" else "commit"
        assert ask("rev-parse", f"{tag}^{{{kind}}}") == ask("rev-parse", f"{mini_commits[mark]}^{{{kind}}}"), tag
    for branch in ask("for-each-ref", "--format=%(refname:short)", "refs/heads").split():
        assert f"| `{branch}` |" in README


# The stories


def test_the_line_of_the_demo(ask, blame, mini_commits):
    commit = mini_commits[23]
    assert blame("mm/oom_kill.c", OOM_TEXT, "master") == commit
    assert blame("mm/oom_kill.c", OOM_TEXT, "linux-5.8.y") == mini_commits[31]
    body = ask("show", "master:mm/oom_kill.c")
    function = body[body.index("__oom_kill_process(") : body.index("void out_of_memory(")]
    assert f"pr_info({OOM_TEXT},\n\t\t\tmessage, task_pid_nr(victim), victim->comm);" in function
    held_by = set(ask("tag", "--contains", commit).split())
    assert {"v5.9-rc1", "v5.9", "v6.1"} <= held_by
    assert not held_by & {"v5.8", "v5.8.1", "v5.8.2"}
    assert len(ask("show", "-s", "--format=%b", commit).splitlines()) > 8


# Each row: a message at master, what blame says of it, and the commit that brought its text in.
BLAME_IS_NOT_THE_WHOLE_STORY = [
    ("kernel/sched/core.c", "BUG: sleeping function called from invalid context", 44, 4),
    ("kernel/sched/core.c", "in_atomic(): %d, irqs_disabled(): %d, pid: %d", 44, 4),
    ("drivers/block/mini/disk.c", "cannot read sector %lu", 39, 1),
    ("drivers/block/mini/disk.c", "%d disks found", 39, 1),
    ("drivers/char/vendor_wdt.c", "no ping for %u seconds, resetting", 54, 52),
    ("drivers/net/mini/phy.c", "no PHY found at address %d", 22, 15),
    ("drivers/net/mini/phy-c45.c", "no PHY found at address %d", 38, 15),
    ("fs/minifs/inode.c", "block %llu is outside of the file system", 25, 14),
    ("net/core/datagram.c", "hw csum failure", 36, 16),
    ("net/core/dev.c", "no MAC address, using the random one", 35, 20),
    ("mm/oom_kill.c", "invoked oom-killer", 13, 2),
]


@pytest.mark.parametrize(("path", "text", "blamed", "introduced"), BLAME_IS_NOT_THE_WHOLE_STORY)
def test_blame_names_a_later_commit(path, text, blamed, introduced, blame, holders, ask, mini_commits):
    assert blame(path, text, "master") == mini_commits[blamed]
    commit = mini_commits[introduced]
    assert holders(text, commit)
    for parent in ask("show", "-s", "--format=%P", commit).split():
        assert not holders(text, parent)


@pytest.mark.parametrize(
    ("text", "mark", "has", "lacks"),
    [
        ("oom-killer: gfp_mask=0x%x\\n", 2, "v2.6.12-rc2", "v2.6.12"),
        ("Debug: sleeping function called", 4, "v2.6.12", "v2.6.13"),
        ("gfp_mask=0x%x, order=%d\\n", 5, "v2.6.12", "v2.6.13"),
        ("Out of Memory: Killed process", 13, "v3.3", "v5.8-rc1"),
        ("no MAC address", 27, "v5.9-rc1", "v5.9"),
        ("oom_adj=%d", 34, "v5.9", "v5.10-rc1"),
        ("Dead loop on virtual device", 37, "v5.9", "v5.10-rc1"),
        ("minifloppy: drive is ready", 41, "v5.9", "v5.10-rc1"),
        ("probe failed with error %d", 41, "v5.9", "v5.10-rc1"),
        ("link is up\\n", 59, "v6.0", "v6.1-rc1"),
        ("minitty: %d serial lines", 63, "v6.1-rc1", "v6.1"),
    ],
)
def test_messages_that_end(text, mark, has, lacks, holders, ask, mini_commits):
    commit = mini_commits[mark]
    assert holders(text, has)
    assert holders(text, f"{commit}^")
    assert not holders(text, commit)
    assert not holders(text, lacks)
    assert lacks in ask("tag", "--contains", commit).split()
    assert has not in ask("tag", "--contains", commit).split()


def test_a_stranger_says_the_same(holders):
    text = "probe failed with error %d"
    assert [holders(text, rev) for rev in ("v5.9", "v5.10", "v5.15")] == [
        {"drivers/block/minifloppy.c"},
        set(),
        {"drivers/usb/minihub.c"},
    ]


def test_the_two_lines_of_a_split_literal_have_two_commits(ask, blame, mini_commits):
    def lines(rev, second):
        return [blame("mm/oom_kill.c", text, rev) for text in ('"%s invoked oom-killer: "', second)]

    assert lines("v2.6.13", '"gfp_mask=') == [mini_commits[2], mini_commits[5]]
    assert lines("v5.9", '"gfp_mask=') == [mini_commits[13], mini_commits[13]]
    assert lines("master", '"gfp_mask=') == [mini_commits[13], mini_commits[34]]


@pytest.mark.parametrize(
    ("mark", "path", "like"),
    [(9, "kernel/sched.c", 4), (27, "net/core/dev.c", 16), (35, "net/core/dev.c", 20)],
)
def test_reverts_give_the_old_file_back(mark, path, like, ask, mini_commits):
    commit = mini_commits[mark]
    assert ask("rev-parse", f"{commit}:{path}") == ask("rev-parse", f"{mini_commits[like]}:{path}")
    assert ask("rev-parse", f"{commit}^:{path}") != ask("rev-parse", f"{commit}:{path}")


@pytest.mark.parametrize(
    ("mark", "status"),
    [
        (10, "R100\tkernel/sched.c\tkernel/sched/core.c"),
        (40, "R100\tdrivers/block/minidisk.c\tdrivers/block/mini/disk.c"),
        (41, "D\tdrivers/block/minifloppy.c"),
    ],
)
def test_files_that_move_and_go(mark, status, ask, mini_commits):
    assert status in ask("show", "--format=", "--name-status", "-M", mini_commits[mark]).splitlines()


def test_the_copy_is_recognised(ask, mini_commits):
    found = ask("show", "--format=", "--name-status", "-C", "--find-copies-harder", mini_commits[38])
    assert re.search(r"^C\d+\tdrivers/net/mini/phy.c\tdrivers/net/mini/phy-c45.c$", found, re.MULTILINE)


def test_white_space_alone_changes(ask, mini_commits):
    assert ask("show", "--format=", "-w", mini_commits[11]) == ""
    assert ask("show", "--format=", "--name-only", mini_commits[11]) == "drivers/block/minidisk.c"
    only = ask("show", "--format=", "--unified=0", "--ignore-cr-at-eol", mini_commits[54]).split("\n")
    assert [line for line in only if line.startswith(("+/", "-/"))] == [
        "-/* Watchdog, version 1.0 */",
        "+/* Watchdog, version 1.1 */\r",
    ]
    assert sum(line.startswith(("+", "-")) for line in only) == 4


def test_crlf_is_on_disk_too(linux_mini):
    data = (linux_mini / "drivers/char/vendor_wdt.c").read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") > 5


def test_a_commit_dated_before_a_tag_that_lacks_it(ask, mini_commits):
    commit = mini_commits[20]
    dates = [int(ask("show", "-s", "--format=%ct", rev)) for rev in (commit, "v5.8^{commit}")]
    assert dates == sorted(dates)
    tags = ask("tag", "--contains", commit).split()
    assert "v5.8" not in tags
    assert "v5.9-rc1" in tags


def test_a_clock_that_was_wrong(ask, mini_commits):
    dates = [int(ask("show", "-s", "--format=%ct", mini_commits[mark])) for mark in (52, 1)]
    assert dates == sorted(dates)


def test_merges(ask, mini_commits):
    def parents(mark):
        return ask("show", "-s", "--format=%P", mini_commits[mark]).split()

    def ids(*marks):
        return [mini_commits[mark] for mark in marks]

    assert parents(21) == ids(19, 20)
    assert parents(57) == ids(53, 54, 55, 56)
    assert sorted(ask("merge-base", "--all", *ids(48, 50)).split()) == sorted(ids(46, 47))
    assert ask("rev-parse", f"{mini_commits[51]}^{{tree}}") == ask("rev-parse", f"{mini_commits[50]}^{{tree}}")


def test_an_evil_merge(blame, holders, ask, mini_commits):
    text = "link is up at %d Mbps, %s duplex"
    assert blame("drivers/net/mini/main.c", text, "master") == mini_commits[61]
    assert holders(text, mini_commits[61])
    assert not any(holders(text, parent) for parent in ask("show", "-s", "--format=%P", mini_commits[61]).split())


def test_tags_of_every_kind(ask, mini_commits):
    kinds = dict(
        line.split()
        for line in ask("for-each-ref", "--format=%(refname:short) %(objecttype)", "refs/tags").splitlines()
    )
    assert {tag for tag, kind in kinds.items() if kind == "commit"} == {"v3.3", "mini-backup"}
    assert ask("cat-file", "-t", "v2.6.11^{}") == "tree"
    assert "tagger" not in ask("cat-file", "tag", "v2.6.11")
    assert ask("tag", "--contains", mini_commits[65]) == "v6.2-rc1"
    assert ask("tag", "--contains", mini_commits[67]) == ""
    assert ask("tag", "--contains", mini_commits[68]) == "mini-backup"
    assert ask("branch", "--contains", mini_commits[68]) == ""
    contained = ask("tag", "--contains", mini_commits[34]).split()
    assert {"v5.10-rc1-dontuse", "v5.10-rc1"} <= set(contained)


def test_an_author_who_is_not_utf8(ask, mini_commits):
    raw = ask("cat-file", "commit", mini_commits[43]).encode("utf-8", "surrogateescape")
    assert b"\nencoding ISO-8859-1\n" in raw
    assert "author Jörg Müßig <".encode("latin-1") in raw
    assert "Größ".encode("latin-1") in raw
    assert ask("show", "-s", "--format=%an", mini_commits[43]) == "Jörg Müßig"
    assert ask("show", "-s", "--format=%an", mini_commits[46]) == "Łukasz Żak"


def test_messages_name_the_commits_that_they_mean(ask, mini_commits):
    meant = {
        int(found["mark"]): [mini_commits[int(mark)] for mark in re.findall(rb":(\d+)", found["names"])]
        for found in NAMES.finditer(linux_mini_build.stream())
    }
    named = {}
    for mark, commit in mini_commits.items():
        if mark < 100:  # further marks are files
            text = ask("show", "-s", "--format=%B", commit)
            ids = [ask("rev-parse", "--verify", f"{short}^{{commit}}") for short in OBJECT_ID.findall(text)]
            named |= {mark: ids} if ids else {}
            for short, subject in re.findall(r"^Fixes: (\w{12}) \(\"(.*)\"\)$", text, re.MULTILINE):
                assert ask("show", "-s", "--format=%s", short) == subject
    assert named == meant
    assert sorted(named) == [9, 22, 27, 29, 31, 32, 35, 67]


@pytest.mark.parametrize(("backport", "upstream"), [(29, 22), (31, 23), (32, 24)])
def test_backports(backport, upstream, ask, mini_commits):
    both = [mini_commits[backport], mini_commits[upstream]]
    assert len({ask("show", "-s", "--format=%s %an %ad", commit) for commit in both}) == 1
    assert both[1] in ask("show", "-s", "--format=%b", both[0])
    stable = {"v5.8.1", "v5.8.2"}
    assert set(ask("tag", "--contains", both[0]).split()) <= stable
    assert not stable & set(ask("tag", "--contains", both[1]).split())


@pytest.mark.parametrize("path", ["drivers/char/minitty.c", "arch/x86/kernel/traps.c"])
def test_files_that_tree_sitter_cannot_parse(path, linux_mini):
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
    assert parser.parse((linux_mini / path).read_bytes()).root_node.has_error
