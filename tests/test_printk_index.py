"""The kernel's own list of its log calls answers without a tree."""

import contextlib
import gzip
import json
import lzma
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandline import ksrcfind
from elf_images import image, module
from ksrcfind.errors import KsrcfindError
from ksrcfind.printk_index import elf
from ksrcfind.printk_index.built_in import BuiltIn
from ksrcfind.printk_index.debugfs import read_list
from ksrcfind.printk_index.entry import Entry, messages_of, without_level
from ksrcfind.printk_index.read import read_lists

ENTRIES = [
    ("\x013wheel %d of %s fell off\n", "drive", "drivers/cart/wheel.c", 12, None, None),
    ("brake is stuck\n", "stop", "./drivers/cart/brake.c", 7, "\x014", "%s %s: "),
    ("\x01cand again\n", "stop", "drivers/cart/brake.c", 8, None, None),
    ("50%% done\n", "load", "drivers/cart/load.c", 3, "\x016", None),
]
AS_READ = [
    Entry("drivers/cart/wheel.c", 12, "drive", "err", "wheel %d of %s fell off\n", None),
    Entry("./drivers/cart/brake.c", 7, "stop", "warn", "%s %s: brake is stuck\n", None),
    Entry("drivers/cart/brake.c", 8, "stop", "cont", "and again\n", None),
    Entry("drivers/cart/load.c", 3, "load", "info", "50%% done\n", None),
]
LIST = r"""# <level/flags> filename:line function "format"
<3> drivers/cart/wheel.c:12 drive "wheel %d of %s fell off\n"
<4> ./drivers/cart/brake.c:7 stop "%s %s: brake is stuck\n"
<c> drivers/cart/brake.c:8 stop "and again\n"
<6> drivers/cart/load.c:3 load "50%% done\n"
"""


@pytest.fixture
def kernel(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(image(ENTRIES))
    return path


def of_module(entries, name):
    return [Entry(*(getattr(one, field) for field in one.__struct_fields__[:-1]), name) for one in entries]


def test_the_running_kernels_list_is_read():
    assert list(read_list(LIST, None)) == AS_READ


def test_escapes_are_those_of_the_kernel():
    (entry,) = read_list('<6> a.c:1 f "say \\"hi\\" \\\\ \\t\\303\\251\\x01\\n"', None)
    assert entry.format == 'say "hi" \\ \t\u00e9\x01\n'


@pytest.mark.parametrize(
    ("level", "name"), [("<6>", "info"), ("<c>", "cont"), ("<4,c>", "cont"), ("<-1>", None), ("<9>", None)]
)
def test_levels_of_the_running_kernels_list(level, name):
    (entry,) = read_list(f'{level} a.c:1 f "x"', None)
    assert entry.level == name


@given(st.text())
def test_no_text_breaks_the_reader_of_lists(text):
    for entry in read_list(text, None):
        messages_of([entry])


def test_an_image_is_read(kernel):
    lists = read_lists(kernel)
    assert list(lists.entries) == AS_READ
    assert lists.name == "6.1.55-test"


def test_a_module_is_read(tmp_path):
    path = tmp_path / "cart-core.ko"
    path.write_bytes(module(ENTRIES))
    assert list(read_lists(path).entries) == of_module(AS_READ, "cart_core")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_packed_modules_are_read(pack, tmp_path):
    path = tmp_path / "cart.ko.xz"
    path.write_bytes(pack(module(ENTRIES)))
    assert len(read_lists(path).entries) == len(ENTRIES)


def test_a_directory_has_the_image_and_the_modules(tmp_path, kernel):
    (tmp_path / "kernel" / "drivers").mkdir(parents=True)
    (tmp_path / "kernel" / "drivers" / "cart.ko").write_bytes(module(ENTRIES[:1]))
    (tmp_path / "kernel" / "drivers" / "other.o").write_bytes(b"nothing")
    (tmp_path / "kernel" / "drivers" / "broken.ko").write_bytes(b"\x7fELF nothing")
    assert list(read_lists(tmp_path).entries) == [*AS_READ, *of_module(AS_READ[:1], "cart")]


def test_a_directory_of_lists_is_read(tmp_path):
    (tmp_path / "vmlinux").write_text(LIST)
    (tmp_path / "cart").write_text(LIST)
    assert list(read_lists(tmp_path).entries) == [*AS_READ, *of_module(AS_READ, "cart")]


def test_an_image_without_a_list_is_an_error(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(image(ENTRIES).replace(b".printk_index", b".printk_inbox"))
    with pytest.raises(KsrcfindError, match="no section"):
        read_lists(path)


@pytest.mark.parametrize("content", [b"", b"MZ\0packed", b"\x7fELF", b"\x1f\x8b\x08broken", b"\xfd7zXZbroken"])
def test_other_files_are_errors(content, tmp_path):
    path = tmp_path / "vmlinuz"
    path.write_bytes(content)
    done = ksrcfind("--printk-index=" + str(path), "wheel 1 of cart fell off")
    assert (done.status, done.out) == (2, "")
    assert "vmlinuz" in done.err


@given(st.binary(min_size=1, max_size=40), st.integers(0, 2000))
def test_no_damage_breaks_the_reader_of_images(tmp_path_factory, noise, at):
    path = tmp_path_factory.mktemp("image") / "vmlinux"
    for content in (image(ENTRIES), module(ENTRIES)):
        path.write_bytes(content[:at] + noise + content[at + len(noise) :])
        with contextlib.suppress(KsrcfindError):
            messages_of(read_lists(path).entries)


def test_a_line_is_answered_without_a_tree(kernel, tmp_path):
    done = ksrcfind("--format", "json", "--printk-index=" + str(kernel), "wheel 3 of cart fell off", directory=tmp_path)
    assert done.status == 0
    (record,) = json.loads(done.out)["records"]
    match = record["matches"][0]
    assert (match["path"], match["line_start"], match["function"]) == ("drivers/cart/wheel.c", 12, "drive")
    assert (match["level"], match["template"]) == ("err", "wheel %d of %s fell off")
    assert [one["value"] for one in match["arguments"]] == ["3", "cart"]
    assert "no source, no conditions, no history" in done.err


def test_a_line_that_is_not_in_the_list_is_a_miss(kernel):
    assert ksrcfind("--printk-index=" + str(kernel), "quantum flux exceeded by pangolin").status == 1


def test_a_log_is_answered_without_a_tree(kernel, tmp_path):
    log = tmp_path / "kern.log"
    log.write_text("[    1.000000] cart 1-1: brake is stuck\n[    2.000000] wheel 1 of cart fell off\n")
    done = ksrcfind("batch", "--all", "--printk-index=" + str(kernel), log)
    assert done.status == 0
    assert "drivers/cart/brake.c:7" in done.out


def test_a_bundle_is_made_of_a_list(kernel, tmp_path):
    bundle = tmp_path / "test.ksrcfind"
    done = ksrcfind("index", "--printk-index=" + str(kernel), "--output", bundle)
    assert (done.status, done.out) == (0, "4 messages of 6.1.55-test\n")
    assert ksrcfind("--index", bundle, "wheel 3 of cart fell off").status == 0


def test_a_list_is_turned_into_an_index_once(kernel, tmp_path, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / "cache"))
    for _ in range(2):
        assert ksrcfind("--printk-index=" + str(kernel), "wheel 3 of cart fell off").status == 0
    (bundle,) = (tmp_path / "cache").glob("printk-index-*.ksrcfind")
    kernel.write_bytes(image(ENTRIES[1:]))
    assert ksrcfind("--printk-index=" + str(kernel), "wheel 3 of cart fell off").status == 1
    assert bundle.exists()


def test_a_list_replaces_a_bundle(kernel):
    done = ksrcfind("--printk-index=" + str(kernel), "--index", "x", "wheel 3 of cart fell off")
    assert done.status == 2
    assert "--printk-index cannot be combined" in done.err


VICTIM = "Memory cgroup out of memory: OOM victim 1 (a) is already exiting. Skip killing the task"
FORMAT = "%s: OOM victim %d (%s) is already exiting. Skip killing the task\n"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ((FORMAT, "__oom_kill_process", "mm/oom_kill.c", 1, "\x016", None), "has this call in its image"),
        ((FORMAT, "other", "mm/oom_kill.c", 1, "\x016", None), "does not have this call: it was not built"),
    ],
)
def test_a_list_beside_a_tree_says_what_is_built_in(entry, says, tmp_path, linux_mini):
    path = tmp_path / "vmlinux"
    path.write_bytes(image([entry]))
    done = ksrcfind("-C", linux_mini, "--no-history", "--printk-index=" + str(path), VICTIM)
    assert done.status == 0
    assert f"kernel 6.1.55-test {says}" in " ".join(done.out.split())
    assert "mm/oom_kill.c" in done.out


def test_a_list_beside_a_tree_chooses_among_equal_calls():
    one, other = (
        messages_of([Entry(f"drivers/{name}.c", 5, "f", "err", "link is up\n", None)])[0][1][0] for name in "ab"
    )
    built_in = BuiltIn([Entry("drivers/b.c", 9, "f", "err", "link is up\n", "b")], "6.1")
    assert built_in.sentence([other, one]) == "the kernel 6.1 has this call in its module b"
    assert "of the equally likely ones it has drivers/b.c:5" in built_in.sentence([one, other])
    assert built_in.sentence([]) is None


def test_an_index_of_a_list_needs_a_name(kernel):
    assert ksrcfind("index", "--printk-index=" + str(kernel)).status == 2


def test_a_kernel_without_lists_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("ksrcfind.printk_index.read._RUNNING", tmp_path / "missing")
    with pytest.raises(KsrcfindError) as error:
        read_lists(tmp_path / "missing")
    assert "mount -t debugfs" in error.value.hint


def test_paths_never_leave_the_tree():
    paths = ["../../etc/passwd", "/abs/x.c", "./a/./b.c", "..", "", "x" * 5000]
    found = [path for path, _ in messages_of(Entry(path, 1, "f", None, "some text\n", None) for path in paths)]
    assert all(not path.startswith(("/", "..")) and len(path) <= 1000 for path in found)


def test_the_last_level_of_a_format_counts():
    assert without_level("\x016\x013text") == ("err", "text")
    assert without_level("text") == (None, "text")


def test_pipes_in_a_directory_are_left_out(tmp_path, kernel):
    os.mkfifo(tmp_path / "a.ko")
    assert list(read_lists(tmp_path).entries) == AS_READ


def test_a_damaged_module_does_not_hide_the_others(tmp_path, kernel):
    packed = bytearray(gzip.compress(module(ENTRIES)))
    packed[40:60] = b"\xff" * 20
    (tmp_path / "a.ko.gz").write_bytes(packed)
    assert list(read_lists(tmp_path).entries) == AS_READ


def test_a_text_that_many_entries_share_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "vmlinux"
    path.write_bytes(image([("x" * 5000, "f", "a.c", 1, None, None)] * 500))
    monkeypatch.setattr(elf, "MOST_TEXT", 20_000)
    assert len(read_lists(path).entries) == 500
    monkeypatch.setattr(elf, "MOST_TEXT", 4000)
    with pytest.raises(KsrcfindError, match="too much text"):
        read_lists(path)
