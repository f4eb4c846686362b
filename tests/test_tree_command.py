"""Names for trees, tarballs and bundles: `ksrcfind tree add`, `-C NAME`, and the tree for a log."""

import io
import json
import os
import tarfile
from concurrent.futures import ProcessPoolExecutor

import pytest

from commandline import DEMO, ksrcfind
from ksrcfind.bundle.at_path import kernel_at
from ksrcfind.config import resolve, user_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.progress import SILENT
from ksrcfind.settings_file import forget_tree, name_tree
from ksrcfind.tree import tarball
from ksrcfind.tree.tarball import unpack

BANNER = "[    0.000000] Linux version {} (a@b) (gcc) #1 SMP\n"


@pytest.fixture
def named(linux_mini):
    assert ksrcfind("tree", "add", "mini", linux_mini).status == 0


def settings():
    return resolve(os.environ)


def kernel(directory, sublevel=55):
    """Make a directory that looks like a kernel tree."""
    for name in ("include/linux", "kernel", "init"):
        (directory / name).mkdir(parents=True)
    (directory / "Makefile").write_text(f"VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = {sublevel}\nEXTRAVERSION =\n")
    code = '#include <linux/printk.h>\nvoid f(void)\n{\n\tpr_err("a wheel fell off %d\\n", 1);\n}\n'
    (directory / "kernel" / "wheel.c").write_text(code)
    return directory


def test_a_named_tree_answers_from_anywhere(named, tmp_path):
    done = ksrcfind("-C", "mini", "--no-history", DEMO, directory=tmp_path)
    assert done.status == 0
    assert "mm/oom_kill.c" in done.out


def test_the_environment_can_name_a_tree_too(named, tmp_path, monkeypatch):
    monkeypatch.setenv("KSRCFIND_REPO", "mini")
    assert ksrcfind("--no-history", DEMO, directory=tmp_path).status == 0


def test_a_directory_of_that_name_wins(named, tmp_path):
    (tmp_path / "mini").mkdir()
    done = ksrcfind("-C", "mini", DEMO, directory=tmp_path)
    assert done.status == 2
    assert "no kernel tree found" in done.err


def test_an_unknown_name_is_an_error(named, tmp_path):
    done = ksrcfind("-C", "other", DEMO, directory=tmp_path)
    assert done.status == 2
    assert "other" in done.err


def test_a_bundle_can_have_a_name(linux_mini, tmp_path):
    bundle = tmp_path / "mini.ksrcfind"
    assert ksrcfind("index", "--rev", "v5.9", "--output", bundle, directory=linux_mini).status == 0
    assert ksrcfind("tree", "add", "v5.9", bundle).status == 0
    done = ksrcfind("-C", "v5.9", DEMO, directory=tmp_path)
    assert done.status == 0
    assert "mm/oom_kill.c" in done.out


def test_names_are_listed_and_forgotten(named, linux_mini):
    listed = json.loads(ksrcfind("tree", "list", "--format", "json").out)
    assert [(one["name"], one["path"], one["kind"]) for one in listed["trees"]] == [
        ("mini", str(linux_mini), "git repository")
    ]
    assert "mini" in ksrcfind("tree", "list").out
    assert ksrcfind("tree", "remove", "mini").status == 0
    assert ksrcfind("tree", "list").status == 1
    assert linux_mini.is_dir()


def test_a_path_that_is_gone_is_listed_as_missing(tmp_path):
    tree = kernel(tmp_path / "tree")
    ksrcfind("tree", "add", "gone", tree)
    tree.rename(tmp_path / "elsewhere")
    assert "missing" in ksrcfind("tree", "list").out
    assert ksrcfind("-C", "gone", DEMO).status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "x"),
        ("add", "x", "y", "z"),
        ("add", "../x", "."),
        ("add", "-x", "."),
        ("add", "a b", "."),
        ("add", "x", "/nonexistent"),
        ("remove", "x"),
        ("remove",),
        ("list", "x"),
        ("grow",),
        (),
    ],
)
def test_mistakes_are_errors_that_say_what_to_do(arguments, tmp_path):
    done = ksrcfind("tree", *arguments, directory=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_a_tarball_is_unpacked_and_removed_with_its_name(tmp_path):
    kernel(tmp_path / "linux-6.1.55")
    archive = tmp_path / "linux-6.1.55.tar.xz"
    with tarfile.open(archive, "w:xz") as file:
        file.add(tmp_path / "linux-6.1.55", "linux-6.1.55")
    done = ksrcfind("tree", "add", "six", archive)
    assert done.status == 0
    assert "6.1.55" in done.out
    unpacked = settings().trees["six"]
    assert (unpacked / "kernel" / "wheel.c").is_file()
    assert ksrcfind("-C", "six", "a wheel fell off 1").status == 0
    assert ksrcfind("tree", "add", "six", archive).status == 2  # It would replace files.
    assert ksrcfind("tree", "remove", "six").status == 0
    assert not unpacked.exists()
    assert archive.exists()


def test_a_hostile_tarball_writes_nothing_outside(tmp_path):
    archive = tmp_path / "bad.tar"
    with tarfile.open(archive, "w") as file:
        for name in ("../escaped.c", "/tmp/escaped-absolute.c", "a/../../escaped.c", "good/x.c"):
            member = tarfile.TarInfo(name)
            member.size = 7
            file.addfile(member, io.BytesIO(b"int x;\n"))
        link = tarfile.TarInfo("good/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        file.addfile(link)
        device = tarfile.TarInfo("good/device")
        device.type = tarfile.CHRTYPE
        file.addfile(device)
    unpack(archive, tmp_path / "out" / "tree", SILENT)
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")] == [
        "tree",
        "tree/x.c",
    ]
    assert not (tmp_path / "escaped.c").exists()


def test_a_tarball_without_end_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(tarball, "MOST_BYTES", 100)
    archive = tmp_path / "bomb.tar.gz"
    (tmp_path / "zeros.c").write_bytes(bytes(1000))
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "zeros.c", "linux/zeros.c")
    with pytest.raises(KsrcfindError, match="too large"):
        unpack(archive, tmp_path / "tree", SILENT)
    assert not (tmp_path / "tree").exists()
    assert not list(tmp_path.glob(".unpacking-*"))


@pytest.mark.parametrize("content", [b"", b"no tarball", b"\x1f\x8b\x08" + bytes(40), b"\x28\xb5\x2f\xfd" + bytes(40)])
def test_a_file_that_is_no_tarball_is_an_error(content, tmp_path):
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(content)
    done = ksrcfind("tree", "add", "x", archive)
    assert done.status == 2
    assert "x.tar.gz" in done.err
    assert not settings().trees


def test_the_users_comments_and_settings_stay(tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text('# mine\njobs = 3  # cores\n\n[trees]\nother = "sub"  # beside this file\n')
    monkeypatch.setenv("KSRCFIND_CONFIG", str(config))
    name_tree(config, "new", tmp_path)
    assert config.read_text().startswith('# mine\njobs = 3  # cores\n\n[trees]\nother = "sub"  # beside this file\n')
    assert settings().trees == {"other": tmp_path / "sub", "new": tmp_path}
    forget_tree(config, "new")
    forget_tree(config, "other")
    assert config.read_text().startswith("# mine\njobs = 3  # cores\n")
    assert settings().trees == {}


def test_a_linked_configuration_file_stays_a_link(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "config.toml").write_text("jobs = 3\n")
    link = tmp_path / "config.toml"
    link.symlink_to("dotfiles/config.toml")
    name_tree(link, "x", tmp_path)
    assert link.is_symlink()
    assert "trees" in (tmp_path / "dotfiles" / "config.toml").read_text()


def test_a_damaged_configuration_file_is_not_replaced(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("jobs = [")
    with pytest.raises(KsrcfindError, match="not valid TOML"):
        name_tree(config, "x", tmp_path)
    assert config.read_text() == "jobs = ["


def test_a_configuration_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KsrcfindError, match="cannot be written"):
        name_tree(tmp_path / "file" / "config.toml", "x", tmp_path)


def add(arguments):
    name_tree(*arguments)


def test_many_runs_at_once_lose_no_name(tmp_path):
    config = tmp_path / "config.toml"
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(add, [(config, f"t{number}", tmp_path) for number in range(20)]))
    assert len(resolve({**os.environ, "KSRCFIND_CONFIG": str(config)}).trees) == 20


@pytest.mark.parametrize("name", ["../x", "", "a/b", "a b"])
def test_a_name_that_means_something_else_is_refused_in_the_file_too(name, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(f'[trees]\n"{name}" = "x"\n')
    with pytest.raises(KsrcfindError):
        resolve({"KSRCFIND_CONFIG": str(config), "HOME": str(tmp_path)})


def test_kinds_of_paths(linux_mini, tmp_path):
    assert kernel_at(linux_mini).kind == "git repository"
    assert kernel_at(kernel(tmp_path / "k")).release == "6.1.55"
    assert kernel_at(tmp_path / "missing").kind == "missing"
    (tmp_path / "file").write_text("x")
    assert kernel_at(tmp_path / "file").kind == "missing"


@pytest.fixture
def log(tmp_path):
    def write(release):
        path = tmp_path / "kern.log"
        path.write_text(BANNER.format(release) + "[    1.000000] a wheel fell off 1\n")
        return path

    return write


@pytest.mark.parametrize(
    ("release", "name", "how"),
    [
        ("6.1.55", "b", ""),
        ("6.1.56", "b", ", the nearest release"),
        ("6.1.20-own", "a", ", the nearest release"),
        ("named-like-uname", "named", None),
    ],
)
def test_batch_chooses_among_the_named_trees(release, name, how, log, tmp_path):
    ksrcfind("tree", "add", "a", kernel(tmp_path / "one", 10))
    ksrcfind("tree", "add", "b", kernel(tmp_path / "two", 55))
    if how is None:
        release, name, how = "6.6.1-own", "6.6.1-own", ""
        ksrcfind("tree", "add", name, kernel(tmp_path / "three", 1))
    done = ksrcfind("batch", "--rev", "auto", log(release), directory=tmp_path)
    assert f"answers are for the tree {name}{how}\n" in done.err
    assert done.status == 0


def test_batch_without_a_fitting_tree_is_an_error(log, tmp_path):
    ksrcfind("tree", "add", "a", kernel(tmp_path / "one", 10))
    done = ksrcfind("batch", "--rev", "auto", log("5.4.0"), directory=tmp_path)
    assert done.status == 2


def test_batch_keeps_the_tree_that_is_named(named, log, linux_mini, tmp_path):
    ksrcfind("tree", "add", "a", kernel(tmp_path / "one", 55))
    done = ksrcfind("batch", "--rev", "auto", "-C", "mini", log("6.1.55"), directory=tmp_path)
    assert "for the tree a" not in done.err


def test_the_tree_for_a_log_says_that_there_is_one(tmp_path, log):
    ksrcfind("tree", "add", "6.1.55", kernel(tmp_path / "one", 55))
    assert "You have it: -C 6.1.55" in ksrcfind("tree", "for", log("6.1.55")).out


def test_the_users_file_need_not_exist(tmp_path):
    assert not user_file(os.environ).exists()


def test_diff_compares_named_trees(tmp_path):
    ksrcfind("tree", "add", "old", kernel(tmp_path / "one", 1))
    new = kernel(tmp_path / "two", 2)
    code = (new / "kernel" / "wheel.c").read_text()
    (new / "kernel" / "wheel.c").write_text(code.replace("a wheel fell off", "a wheel has fallen off"))
    ksrcfind("tree", "add", "new", new)
    done = ksrcfind("diff", "old", "new", directory=tmp_path)
    assert done.status == 0
    assert "a wheel has fallen off" in done.out
    assert ksrcfind("diff", "old", "other", directory=tmp_path).status == 2


def archive_of(directory, target, mode="w:gz"):
    with tarfile.open(target, mode) as file:
        file.add(directory, "linux")
    return target


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_tarball_is_no_tree(mode, damage, tmp_path):
    tree = kernel(tmp_path / "tree")
    for number in range(40):
        (tree / "kernel" / f"f{number}.c").write_bytes(os.urandom(3000))
    archive = archive_of(tree, tmp_path / "linux.tar", mode)
    content = archive.read_bytes()
    half = len(content) // 2 // 512 * 512
    headers = [at for at in range(half, len(content), 512) if content[at : at + 12] == b"linux/kernel"]
    at = headers[0] if headers else half  # A header of the tarball itself is what a checksum of its own protects.
    archive.write_bytes(content[:at] if damage == "cut" else content[:at] + b"\xff" * 8 + content[at + 8 :])
    done = ksrcfind("tree", "add", "x", archive)
    assert done.status == 2
    assert "damaged" in done.err
    assert not settings().trees


def test_git_settings_of_a_tarball_are_left_out(tmp_path):
    tree = kernel(tmp_path / "tree")
    (tree / ".git").mkdir()
    (tree / ".git" / "config").write_text("[core]\n\tfsmonitor = false\n")
    assert "directory" in ksrcfind("tree", "add", "x", archive_of(tree, tmp_path / "linux.tar.gz")).out
    assert not (settings().trees["x"] / ".git").exists()


def test_unpacked_files_go_with_their_name(tmp_path):
    archive = archive_of(kernel(tmp_path / "tree"), tmp_path / "linux.tar.gz")
    ksrcfind("tree", "add", "x", archive)
    unpacked = settings().trees["x"]
    assert ksrcfind("tree", "add", "x", tmp_path / "tree").status == 0
    assert not unpacked.exists()
    assert ksrcfind("tree", "remove", "x").status == 0
    assert ksrcfind("tree", "add", "x", archive).status == 0


def test_a_tarball_that_is_no_kernel_leaves_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme").write_text("x")
    assert ksrcfind("tree", "add", "x", archive_of(tmp_path / "empty", tmp_path / "a.tar.gz")).status == 2
    assert ksrcfind("tree", "add", "x", archive_of(kernel(tmp_path / "tree"), tmp_path / "b.tar.gz")).status == 0


def test_a_tree_may_be_named_like_scratch(tmp_path):
    archive = archive_of(kernel(tmp_path / "tree"), tmp_path / "linux.tar.gz")
    for name in ("x.unpacking", "x"):
        assert ksrcfind("tree", "add", name, archive).status == 0
    assert all(path.is_dir() for path in settings().trees.values())


def test_a_name_that_is_too_long_is_refused(tmp_path):
    assert ksrcfind("tree", "add", "a" * 101, kernel(tmp_path / "tree")).status == 2
    assert ksrcfind("tree", "add", "a" * 100, tmp_path / "tree").status == 0
    assert ksrcfind("tree", "list").status == 0


def test_a_configuration_that_would_be_invalid_is_not_written(tmp_path):
    config = tmp_path / "config.toml"
    with pytest.raises(KsrcfindError):
        name_tree(config, "a" * 101, tmp_path)
    assert not config.exists()


def test_a_path_that_toml_cannot_hold_is_an_error(tmp_path):
    with pytest.raises(KsrcfindError, match="not UTF-8"):
        name_tree(tmp_path / "config.toml", "x", tmp_path / "a\udcff")


def test_a_pipe_is_no_configuration_and_no_tree(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(KsrcfindError, match="not a regular file"):
        name_tree(tmp_path / "pipe", "x", tmp_path)
    assert kernel_at(tmp_path / "pipe").kind == "missing"


def test_a_tree_of_exactly_the_release_is_found_under_any_name(tmp_path, log):
    ksrcfind("tree", "add", "mine", kernel(tmp_path / "one", 55))
    assert "You have it: -C mine" in ksrcfind("tree", "for", log("6.1.55")).out
