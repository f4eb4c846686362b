"""An index of the same source in another store is used instead of building it again."""

import json
import os
import shutil
from pathlib import Path

import pytest

from commandline import DEMO, ksrcfind
from ksrcfind.storage import sharing
from ksrcfind.storage.sharing import is_trusted

SHARED = "the index is shared with"


@pytest.fixture
def clones(linux_mini, tmp_path, git):
    """Three clones of the bundled repository; the first one is indexed."""
    made = [tmp_path / name for name in ("one", "two", "three")]
    for directory in made:
        git(tmp_path, "clone", "-q", str(linux_mini), str(directory))
    assert ksrcfind("index", directory=made[0]).status == 0
    return made


def stores():
    return sorted(Path(os.environ["XDG_CACHE_HOME"], "ksrcfind").iterdir())


def parsed(directory):
    return json.loads(ksrcfind("index", "--format", "json", directory=directory).out)["parsed"]


def test_a_clone_uses_the_index_of_another_one(clones):
    done = ksrcfind("--no-history", DEMO, directory=clones[1])
    assert done.status == 0
    assert SHARED in done.err
    assert SHARED not in ksrcfind("--no-history", DEMO, directory=clones[1]).err
    assert parsed(clones[1]) == 0


def test_a_worktree_uses_the_index_of_the_repository(clones, git, tmp_path):
    git(clones[0], "worktree", "add", "-q", "--detach", str(tmp_path / "worktree"))
    assert SHARED in ksrcfind("--no-history", DEMO, directory=tmp_path / "worktree").err


def test_a_revision_uses_the_index_of_a_checkout_of_it(clones):
    assert SHARED in ksrcfind("--rev", "HEAD", "--no-history", DEMO, directory=clones[1]).err


def test_answers_are_the_same(clones):
    questions = ("--format", "json", DEMO)
    shared = ksrcfind(*questions, directory=clones[1])
    own = ksrcfind(*questions, directory=clones[0])
    assert shared.out == own.out


def test_another_commit_is_not_shared(clones, git):
    git(clones[1], "checkout", "-q", "v5.8")
    done = ksrcfind("--no-history", "invoked oom-killer", directory=clones[1])
    assert SHARED not in done.err


def test_an_edited_clone_builds_only_what_differs(clones):
    file = clones[1] / "mm" / "oom_kill.c"
    file.write_text(file.read_text().replace("is already exiting", "has gone already"))
    done = ksrcfind("--no-history", "OOM victim 1 (a) has gone already. Skip killing the task", directory=clones[1])
    assert "mm/oom_kill.c" in done.out
    assert parsed(clones[1]) == 0
    # The clone whose index was used still answers for its own files.
    assert "mm/oom_kill.c" in ksrcfind("--no-history", DEMO, directory=clones[0]).out


def test_a_third_clone_gets_the_facts_of_the_first(clones):
    ksrcfind("--no-history", DEMO, directory=clones[1])
    shutil.move(stores()[0], stores()[0].with_name("zz" + stores()[0].name))  # The second store is found first now.
    ksrcfind("--no-history", DEMO, directory=clones[2])
    assert parsed(clones[2]) == 0


def test_the_index_stays_when_the_other_store_is_removed(clones):
    ksrcfind("--no-history", DEMO, directory=clones[1])
    first = next(store for store in stores() if store.name.startswith("one-"))
    shutil.rmtree(first)
    done = ksrcfind("--no-history", DEMO, directory=clones[1])
    assert done.status == 0
    assert parsed(clones[1]) == 0


@pytest.fixture
def shared(clones, tmp_path, monkeypatch):
    """A directory of indexes that an administrator filled, and no other index."""
    directory = tmp_path / "shared"
    shutil.move(Path(os.environ["XDG_CACHE_HOME"], "ksrcfind"), directory)
    monkeypatch.setenv("KSRCFIND_SHARED_INDEXES", f"{tmp_path / 'missing'}:{directory}")
    return directory


def state(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.suffix != ".sqlite"}


def test_a_shared_directory_is_read_and_never_written(shared, clones, monkeypatch):
    # As for files of somebody else: the system refuses hard links to them.
    monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no")))
    before = state(shared)
    for directory in clones:
        assert SHARED in ksrcfind("--no-history", DEMO, directory=directory).err
        assert parsed(directory) == 0
    assert state(shared) == before
    assert any(path.is_symlink() for path in stores()[0].iterdir())


def test_a_shared_directory_that_was_copied_is_checked_and_used(shared, clones):
    for path in shared.rglob("*.segment"):
        os.utime(path)
    assert SHARED in ksrcfind("--no-history", DEMO, directory=clones[1]).err


@pytest.mark.parametrize("suffix", [".segment", ".revision"])
def test_a_damaged_shared_index_is_not_used(shared, clones, suffix):
    for path in shared.rglob(f"*{suffix}"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        os.utime(path)
    done = ksrcfind("--no-history", DEMO, directory=clones[1])
    assert done.status == 0
    assert SHARED not in done.err


@pytest.mark.parametrize("mode", [0o775, 0o777])
def test_an_index_that_others_can_change_is_not_used(shared, clones, mode):
    for store in shared.iterdir():
        store.chmod(mode)
    assert SHARED not in ksrcfind("--no-history", DEMO, directory=clones[1]).err


def test_an_index_of_another_user_is_not_used(shared, clones, monkeypatch):
    monkeypatch.setattr(sharing.os, "geteuid", lambda: 12345)
    if os.getuid() != 0:
        assert SHARED not in ksrcfind("--no-history", DEMO, directory=clones[1]).err


def test_only_files_of_root_and_oneself_are_trusted(tmp_path, monkeypatch):
    file = tmp_path / "x"
    file.write_text("")
    assert is_trusted(file)
    assert not is_trusted(tmp_path)
    assert not is_trusted(tmp_path / "missing")
    file.chmod(0o666)
    assert not is_trusted(file)
    file.chmod(0o644)
    tmp_path.chmod(0o777)
    assert not is_trusted(file)


def test_settings_are_part_of_what_must_be_the_same(clones, git):
    (clones[1] / ".ksrcfind.toml").write_text('[[roots]]\nname = "my_log"\nformat = 0\n')
    git(clones[1], "add", ".ksrcfind.toml")
    assert SHARED not in ksrcfind("--no-history", DEMO, directory=clones[1]).err


def test_a_pipe_in_another_store_holds_nobody_up(clones):
    os.mkfifo(stores()[0] / "aaaa.revision")
    assert SHARED in ksrcfind("--no-history", DEMO, directory=clones[1]).err


def test_doctor_says_which_shared_index_is_used(shared, clones):
    assert "which the next question uses" in ksrcfind("doctor", directory=clones[1]).out
    for store in shared.iterdir():
        store.chmod(0o777)
    done = ksrcfind("doctor", directory=clones[1])
    assert "is not used: it cannot be read, or others" in done.out
    assert "chmod -R go+rX,go-w" in done.out
