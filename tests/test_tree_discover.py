"""Which tree is meant, from any place in or around it."""

import errno
import os
import shutil

import pytest

from ksrcfind.errors import KsrcfindError
from ksrcfind.tree.discover import find_tree, is_kernel
from ksrcfind.tree.git import executable
from ksrcfind.tree.open import open_snapshot
from repositories import KERNEL, VirtualDocuments, kernel, seal


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    return kernel(tmp_path / "linux")


def unpack(root):
    for path, text in KERNEL.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize("named", [True, False])
def test_from_inside_a_repository(scratch, named):
    for start in (scratch.root, scratch.root / "include/linux", scratch.root / "init/main.c", scratch.root / ".git"):
        place = find_tree(start, named=named)
        assert place.root == scratch.root
        assert place.repository is not None
        assert place.note is None


def test_a_directory_above_that_may_not_be_looked_into(scratch, monkeypatch):
    start = scratch.root / "closed" / "inside"
    start.mkdir(parents=True)
    look = os.stat

    def stat(path, *arguments, **options):
        if os.fspath(path) != str(start) and str(path).startswith(f"{start.parent}/") and start not in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat)
    assert find_tree(start, named=True).root == scratch.root


def test_through_a_symbolic_link(scratch, tmp_path):
    (tmp_path / "link").symlink_to(scratch.root)
    assert find_tree(tmp_path / "link/init", named=False).root == scratch.root


def test_a_tarball_inside_a_repository_is_a_plain_tree(scratch):
    plain = unpack(scratch.root / "downloads/linux-5.8")
    place = find_tree(plain / "kernel", named=True)
    assert place.root == plain
    assert place.repository is None
    assert str(scratch.root) in place.note
    with pytest.raises(KsrcfindError, match=r"no revision v5.8: the tree at .*linux-5.8 is not the root") as caught:
        open_snapshot(plain, "v5.8")
    assert "not its root" in caught.value.hint
    assert open_snapshot(plain).notes == (place.note,)


def test_a_kernel_committed_below_the_root_is_a_plain_tree(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    vendor = VirtualDocuments(tmp_path / "vendor")
    vendor.commit("import", {f"kernel-5.4/{path}": text for path, text in KERNEL.items()})
    place = find_tree(vendor.root / "kernel-5.4/init", named=False)
    assert place.root == vendor.root / "kernel-5.4"
    assert place.repository is None


def test_other_c_repositories(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    driver = VirtualDocuments(tmp_path / "driver")
    driver.commit("start", {"src/driver.c": "int d;\n", "doc/readme.txt": ""})
    for named in (True, False):
        assert find_tree(driver.root / "doc", named=named).repository is not None
    prose = VirtualDocuments(tmp_path / "prose")
    prose.commit("start", {"novel.txt": "It was a dark night.\n"})
    for named in (True, False):
        with pytest.raises(KsrcfindError, match="no kernel tree found"):
            find_tree(prose.root, named=named)


def test_a_directory_with_c_files_only_if_named(tmp_path, monkeypatch):
    seal(monkeypatch, tmp_path)
    (tmp_path / "driver/deep/deeper").mkdir(parents=True)
    (tmp_path / "driver/deep/deeper/d.c").write_text("int d;\n")
    assert find_tree(tmp_path / "driver", named=True).root == tmp_path / "driver"
    with pytest.raises(KsrcfindError, match=r"driver is not inside one") as caught:
        find_tree(tmp_path / "driver", named=False)
    assert "git clone" in caught.value.hint


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(KsrcfindError, match="no such directory"):
        find_tree(tmp_path / "nothing", named=True)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(KsrcfindError, match="no such directory"):
        find_tree(tmp_path / "loop", named=True)


def test_what_looks_like_a_kernel(tmp_path):
    root = unpack(tmp_path / "linux")
    assert is_kernel(root)
    (root / "Makefile").write_text("all:\n\tcc\n")
    assert not is_kernel(root)
    (root / "Makefile").unlink()
    assert not is_kernel(root)


def test_a_broken_repository(scratch):
    shutil.rmtree(scratch.root / ".git/refs")
    place = find_tree(scratch.root, named=True)
    assert place.repository is None
    (scratch.root / ".git").rename(scratch.root / "x")
    (scratch.root / ".git").write_text("gitdir: /nowhere\n")
    assert find_tree(scratch.root, named=True).repository is None


def test_a_broken_configuration_is_an_error(scratch):
    (scratch.root / ".git/config").write_text("[core\n")
    with pytest.raises(KsrcfindError, match="bad config"):
        find_tree(scratch.root, named=True)


def test_without_git_a_kernel_is_a_plain_tree(scratch, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    executable.cache_clear()
    place = find_tree(scratch.root, named=False)
    assert place.repository is None
    assert "git is not installed" in place.note
    assert open_snapshot(scratch.root).read("Makefile") == KERNEL["Makefile"].encode()
