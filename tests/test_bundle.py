"""A bundle answers as the tree does, and a file that is not one, or not whole, is refused."""

import json
import os
import re
import shutil
import sqlite3
import zlib
from contextlib import closing

import msgspec
import pytest

from circumstances import without_circumstances
from commandline import DEMO, ksrcfind
from hostile_bundles import rewritten
from ksrcfind.bundle import code, writer
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


def same_tree(out):
    """Return an output whose commands ask for the tree, not for the bundle."""
    return out.replace("ksrcfind explain --index mini.ksrcfind ", "ksrcfind explain ")


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
    assert without_circumstances(same_tree(from_file.out)) == without_circumstances(from_tree.out)
    assert from_file.status == from_tree.status


@pytest.fixture(scope="module")
def with_code(linux_mini, tmp_path_factory):
    """A directory with a bundle that has code."""
    directory = tmp_path_factory.mktemp("code")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KSRCFIND_CACHE_DIR", str(directory / "cache"))
        done = ksrcfind("index", "--output", directory / "mini.ksrcfind", "--with-code", directory=linux_mini)
    assert (done.status, done.err) == (0, "")
    return directory


@pytest.mark.parametrize("source", ["--source=function", "--no-history"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_with_code_it_says_why_as_the_tree_does(source, form, linux_mini, with_code):
    places = [
        f"{one['path']}:{one['line_start']}"
        for one in json.loads(ksrcfind("messages", "--format", "json", directory=linux_mini).out)["records"]
    ]
    asked = ("at", *dict.fromkeys(places), source, "--no-history", "--format", form)
    from_tree = ksrcfind(*asked, directory=linux_mini)
    from_file = ksrcfind(*asked, "--index", "mini.ksrcfind", directory=with_code)
    assert from_file.status == from_tree.status == 0
    assert same_tree(from_file.out) == from_tree.out


def test_code_ends_where_the_bundle_has_no_more(with_code):
    done = ksrcfind(
        *("at", "mm/oom_kill.c:14", "--source=400", "--format", "json", "--index", "mini.ksrcfind"), directory=with_code
    )
    code = json.loads(done.out)["records"][0]["matches"][0]["code"]
    assert code["lines"][0]
    assert code["lines"][-1] == "}"
    assert set(code["marked"]) <= set(range(code["line_start"], code["line_start"] + len(code["lines"])))


def test_without_code_it_says_so_once(elsewhere):
    done = ksrcfind("find", "--source", "--index", "mini.ksrcfind", DEMO, directory=elsewhere)
    assert done.status == 0
    assert done.out.count("The bundle has no code. Add it with: ksrcfind index --output FILE --with-code") == 1
    assert "has no code" not in ksrcfind("find", "--index", "mini.ksrcfind", DEMO, directory=elsewhere).out


def test_a_bundle_of_an_earlier_version_has_no_code(elsewhere):
    def forget(connection):
        [(packed,)] = connection.execute("SELECT data FROM about")
        about = msgspec.msgpack.decode(zlib.decompress(packed))
        del about["code"]
        connection.execute("UPDATE about SET data = ?", (zlib.compress(msgspec.msgpack.encode(about)),))

    rewritten(elsewhere / "mini.ksrcfind", elsewhere / "early", forget)
    done = ksrcfind("find", "--source", "--index", "early", DEMO, directory=elsewhere)
    assert done.status == 0
    assert "The bundle has no code" in done.out


def test_doctor_says_that_it_has_code(with_code, elsewhere):
    assert ", no history, with code" in ksrcfind("doctor", "--index", "mini.ksrcfind", directory=with_code).out
    assert "code" not in ksrcfind("doctor", "--index", "mini.ksrcfind", directory=elsewhere).out


def test_code_needs_a_file_to_be_written_to(linux_mini):
    done = ksrcfind("index", "--with-code", directory=linux_mini)
    assert done.status == 2
    assert "--with-code is for a bundle" in done.err


SOURCE = b"""#include <linux/kernel.h>

struct unused {
\tint a;
};

#if defined(CONFIG_A) && \\
\tdefined(CONFIG_B)
/**
 * first - it prints;
 */
static int
first(void)
{
\tpr_info("first\\n");
}

static void silent(void)
{
}
#endif

#define LOUD(x) \\
\tpr_err("loud\\n")

void third(void) { pr_info("third\\n"); }
"""


def test_of_a_file_the_functions_that_print_are_kept():
    file = code.File("a.c", code.kept(SOURCE, [15, 26], [24]))
    kept = code.as_file(file).split(b"\n")
    source = SOURCE.split(b"\n")
    assert all(line in (b"", source[number]) for number, line in enumerate(kept))
    assert b"silent" not in code.as_file(file)
    assert b"unused" not in code.as_file(file)
    for number in (7, 8, 9, 10, 12, 15, 16, 21, 23, 24, 26):
        assert kept[number - 1] == source[number - 1]
        assert number in code.kept_lines(file, number)
    assert not code.kept_lines(file, 18)
    assert not code.kept_lines(file, 4)


def test_a_file_that_is_too_large_is_left_out():
    large = code.File("b", ((1, bytes(code.LARGEST_BLOCK)),))
    small = [code.File(name, ((1, bytes(code.BLOCK // 2 + 1)),)) for name in "acd"]
    assert list(code.in_blocks([small[0], large, *small[1:]])) == [(one,) for one in small]
    blocks = [code.unpack(code.pack(block)) for block in code.in_blocks(small)]
    found = code.Code([block[0].path for block in blocks], blocks.__getitem__)
    assert [found.file(name) for name in "acd"] == small
    assert found.file("b") is found.file("") is found.file("e") is None


def test_it_says_that_callers_need_a_tree(elsewhere):
    for asked in (["find", DEMO], ["batch", "--format", "html", "-"]):
        done = ksrcfind(*asked, "--callers", "--index", "mini.ksrcfind", stdin=LOG, directory=elsewhere)
        assert (done.status, done.out) == (2, "")
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
