"""A bundle answers as the tree does, and a file that is not one, or not whole, is refused."""

import json
import os
import re
import shutil
import sqlite3
import zlib
from contextlib import closing

import pytest

from circumstances import without_circumstances
from commandline import DEMO, ksrcfind
from ksrcfind.bundle import writer
from ksrcfind.bundle.format import FORMAT, Bundle

LOG = f"""[    0.104712] mini_eth: no PHY found at address 3
{DEMO}
[    7.000000] nginx invoked oom-killer: gfp_mask=0xd0(GFP_KERNEL), order=0, oom_score_adj=0
WARNING: CPU: 1 PID: 7 at net/core/dev.c:22 free_netdev+0x1/0x2
WARNING: CPU: 1 PID: 7 at /build/net/core/dev.c:9 dev_open+0x1/0x2
kernel BUG at include/linux/mini_assert.h:3!
kernel BUG at nowhere.c:3!
nobody prints this
""".encode()


@pytest.fixture(scope="module")
def carried(linux_mini, tmp_path_factory):
    file = tmp_path_factory.mktemp("carried") / "mini.ksrcfind"
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KSRCFIND_CACHE_DIR", str(home))
        done = ksrcfind("index", "--output", file, "--with-history", directory=linux_mini)
    assert (done.status, done.err) == (0, "")
    return file


@pytest.fixture
def elsewhere(carried, tmp_path):
    """A directory with the file and without a tree."""
    shutil.copy(carried, tmp_path / "mini.ksrcfind")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("find", DEMO),
        ("find", "no PHY found"),
        ("find", "no PHX fuond at addres 7"),
        ("find", "a gadget went astray at night"),
        ("at", "mm/oom_kill.c:14"),
        ("at", "mm/oom_kill.c:3"),
        ("batch", "-"),
        ("batch", "--each", "--no-history", "-"),
        ("messages", "mm"),
        ("messages",),
    ],
)
@pytest.mark.parametrize("form", ["text", "ndjson"])
def test_it_answers_as_the_tree_does(arguments, form, linux_mini, elsewhere):
    ksrcfind("index", "--with-history", directory=linux_mini)  # Like the bundle, with the ids of lineages.
    from_tree = ksrcfind(*arguments, "--format", form, stdin=LOG, directory=linux_mini)
    from_file = ksrcfind(*arguments, "--format", form, "--index", "mini.ksrcfind", stdin=LOG, directory=elsewhere)
    assert without_circumstances(from_file.out) == without_circumstances(from_tree.out)
    assert from_file.status == from_tree.status


def test_it_says_that_callers_need_a_tree(elsewhere):
    done = ksrcfind("find", "--callers", "--index", "mini.ksrcfind", DEMO, directory=elsewhere)
    assert done.status == 2
    assert "look for callers" in done.err
    assert "Traceback" not in done.err


def test_the_environment_names_it(elsewhere, monkeypatch):
    monkeypatch.setenv("KSRCFIND_INDEX", str(elsewhere / "mini.ksrcfind"))
    done = ksrcfind("--format", "json", DEMO, directory=elsewhere)
    assert json.loads(done.out)["records"][0]["verdict"] == "exact"
    assert "made from master" in done.err or "made from v" in done.err


def test_a_tree_that_is_named_goes_before_the_environment(elsewhere, linux_mini, monkeypatch):
    monkeypatch.setenv("KSRCFIND_INDEX", str(elsewhere / "gone"))
    assert ksrcfind("-C", linux_mini, DEMO, directory=elsewhere).status == 0


def test_one_revision_at_a_time(elsewhere):
    done = ksrcfind("--index", "mini.ksrcfind", "--rev", "v5.9", DEMO, directory=elsewhere)
    assert done.status == 2
    assert "--index cannot be combined with --repo or --rev" in done.err


def test_without_history_it_says_so(linux_mini, tmp_path):
    assert ksrcfind("index", "--output", tmp_path / "bare", directory=linux_mini).status == 0
    done = ksrcfind("--index", "bare", DEMO, directory=tmp_path)
    assert "The bundle has no history" in done.out


def refused(directory, *arguments):
    done = ksrcfind("--index", "mini.ksrcfind", *arguments, DEMO, directory=directory)
    assert done.status == 2, done.out
    assert done.out == ""
    assert "Traceback" not in done.err
    return done.err


def test_a_missing_file(tmp_path):
    assert "cannot read the bundle mini.ksrcfind" in refused(tmp_path)


def test_another_file(tmp_path):
    (tmp_path / "mini.ksrcfind").write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert "is not a usable ksrcfind bundle: it is another file" in refused(tmp_path)


@pytest.mark.parametrize(("version", "age"), [(FORMAT - 1, "an older"), (FORMAT + 1, "a newer")])
def test_another_format(elsewhere, version, age):
    with closing(sqlite3.connect(elsewhere / "mini.ksrcfind")) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    assert f"is not a usable ksrcfind bundle: it has {age} format" in refused(elsewhere)


def test_a_file_that_was_cut_off(elsewhere):
    file = elsewhere / "mini.ksrcfind"
    file.write_bytes(file.read_bytes()[:-5000])
    assert "is damaged" in refused(elsewhere)


def test_a_file_with_something_to_run_in_it(elsewhere):
    with closing(sqlite3.connect(elsewhere / "mini.ksrcfind")) as connection:
        connection.execute("CREATE VIEW v AS SELECT load_extension('evil')")
        connection.commit()
        [(size,)] = connection.execute("SELECT page_size * page_count FROM pragma_page_size, pragma_page_count")
    database = (elsewhere / "mini.ksrcfind").read_bytes()[:size]
    (elsewhere / "mini.ksrcfind").write_bytes(database + zlib.crc32(database).to_bytes(4, "big"))
    assert "it has other tables" in refused(elsewhere)


def test_lists_that_differ_in_length(elsewhere):
    with closing(sqlite3.connect(elsewhere / "mini.ksrcfind")) as connection:
        connection.execute("UPDATE words SET marks = ?", (zlib.compress(bytes(9)),))
        connection.commit()
        [(size,)] = connection.execute("SELECT page_size * page_count FROM pragma_page_size, pragma_page_count")
    database = (elsewhere / "mini.ksrcfind").read_bytes()[:size]
    (elsewhere / "mini.ksrcfind").write_bytes(database + zlib.crc32(database).to_bytes(4, "big"))
    assert "is not a usable ksrcfind bundle: it is damaged: lists" in refused(elsewhere)


def test_damage_is_noticed_wherever_it_is(elsewhere, carried):
    file, whole = elsewhere / "mini.ksrcfind", carried.read_bytes()
    for position in range(100, len(whole), len(whole) // 60):
        spoilt = bytearray(whole)
        spoilt[position : position + 40] = bytes(byte ^ 0x55 for byte in spoilt[position : position + 40])
        file.write_bytes(spoilt)
        assert "is damaged" in refused(elsewhere)


def test_a_run_that_fails_leaves_the_file_that_was_there(linux_mini, tmp_path):
    done = ksrcfind("index", "--output", tmp_path / "none" / "x", directory=linux_mini)
    assert done.status == 2
    assert "cannot write" in done.err


def test_what_stands_in_the_way_is_an_error(linux_mini, tmp_path):
    (tmp_path / "x.part" / "inside").mkdir(parents=True)
    done = ksrcfind("index", "--output", tmp_path / "x", directory=linux_mini)
    assert done.status == 2
    assert done.err.startswith(f"error: cannot write {tmp_path / 'x'}: Is a directory\n")
    assert "Traceback" not in done.err


def test_a_directory_that_is_not_writable_is_refused_before_the_work(linux_mini, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("ksrcfind.engine.index_manager.IndexManager.build", lambda _: pytest.fail("it was indexed"))
    done = ksrcfind("index", "--output", tmp_path / "x", directory=linux_mini)
    assert done.status == 2
    assert f"the directory {tmp_path} is not writable" in done.err


def test_nothing_but_a_file_is_replaced(linux_mini, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = ksrcfind("index", "--output", tmp_path / "pipe", directory=linux_mini)
    assert done.status == 2
    assert "it is not a regular file" in done.err
    assert (tmp_path / "pipe").is_fifo()


def test_a_place_that_is_not_there_is_told_before_the_work(linux_mini, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_histories", lambda *_: pytest.fail("it began"))
    done = ksrcfind("index", "--with-history", "--output", tmp_path / "none" / "x", directory=linux_mini)
    assert done.status == 2
    assert f"there is no directory {tmp_path / 'none'}" in done.err


def test_doctor_tells_of_the_index_that_answers(elsewhere, carried):
    done = ksrcfind("--index", carried, "doctor", directory=elsewhere)
    assert done.status == 0
    assert re.search(
        rf"^ok +index +{re.escape(str(carried))}, made from v6\.1 on [\d-]+: \d+ messages$", done.out, re.MULTILINE
    )
    (elsewhere / "broken").write_bytes(carried.read_bytes()[:100])
    done = ksrcfind("--index", elsewhere / "broken", "doctor", directory=elsewhere)
    assert done.status == 2
    assert re.search(r"^error +index +\S+broken is ", done.out, re.MULTILINE)


def test_what_it_was_made_of(carried):
    index = Bundle(carried)
    try:
        assert index.about.history
        assert index.about.messages == sum(count for path in index.paths() for _, count in index.spans_of(path))
    finally:
        index.close()
