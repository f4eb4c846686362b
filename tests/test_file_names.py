"""Names that are not UTF-8: files are skipped, and the user is told; directories and branches may be called so."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from commandline import ksrcfind
from ksrcfind import Finder
from ksrcfind.config import Settings
from ksrcfind.tree.names import escaped, is_utf8, skipped_note
from repositories import KERNEL, VirtualDocuments

STRANGE = "kernel/caf\udce9.c"
NOTE = r"1 file is skipped because its name is not UTF-8: kernel/caf\xe9.c"
LINE = "started"
LOST = "espresso machine wobbles 3"
TREE = KERNEL | {
    STRANGE: 'void f(void)\n{\n\tpr_info("espresso machine wobbles %d\\n", 3);\n\tWARN_ON(1);\n}\n',
    # Directories of it that are no part of the kernel are not spoken of.
    "tools/\udcff.c": "int x;\n",
}
KINDS = ("checkout", "revision", "edited", "directory")


@pytest.fixture(params=KINDS)
def tree(request, tmp_path):
    """A tree with such files in a directory that is called so itself, and the options that name it."""
    root = tmp_path / "tr\udcc9e"
    if request.param == "directory":
        for path, text in TREE.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root, ()
    scratch = VirtualDocuments(root)
    scratch.commit("start", TREE)
    scratch.git("tag", "v5.9")
    scratch.git("checkout", "-q", "-b", "br\udce9")
    if request.param == "edited":
        (root / STRANGE).write_text(TREE[STRANGE] + "\n")
    return root, ("--rev", "v5.9") if request.param == "revision" else ()


def test_names():
    assert is_utf8("caf\u00e9.c")
    assert not is_utf8(STRANGE)
    assert escaped(STRANGE) == r"kernel/caf\xe9.c"
    assert escaped("caf\u00e9.c") == "caf\u00e9.c"
    assert skipped_note(list("abcd")).endswith("names are not UTF-8: a, b, c and 1 more")


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("form", ["text", "json", "ndjson", "quickfix"])
def test_an_answer_says_which_files_were_skipped(tree, indexed, form):
    root, rev = tree
    if indexed:
        assert ksrcfind("index", *rev, directory=root).status == 0
    for text, status in ((LINE, 0), (LOST, 1)):
        done = ksrcfind("--format", form, *rev, text, directory=root)
        assert done.status == status
        assert f"note: {NOTE}\n" in done.err
    assert done.err.count(NOTE) == 1


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("place", [STRANGE + ":3", "include/linux/\udcff.h:1", "no\udcff.c:1"])
def test_a_place_in_such_a_file_has_no_message(tree, indexed, place):
    root, rev = tree
    if indexed:
        assert ksrcfind("index", *rev, directory=root).status == 0
    done = ksrcfind("at", "--format", "json", *rev, place, directory=root)
    assert done.status == 1
    assert json.loads(done.out)["records"][0]["reason"]["code"] == "no_message_here"
    assert NOTE in done.err


def test_a_listing_leaves_such_files_out(tree):
    root, rev = tree
    done = ksrcfind("messages", "--format", "csv", *rev, directory=root)
    assert done.status == 0
    assert NOTE in done.err
    assert {row["path"] for row in csv.DictReader(io.StringIO(done.out))} == {"init/main.c", "kernel/panic.c"}
    done = ksrcfind("messages", *rev, STRANGE, directory=root)
    assert done.status == 2
    assert NOTE in done.err


def test_what_is_indexed_says_what_is_not(tree):
    root, rev = tree
    report = json.loads(ksrcfind("index", "--format", "json", *rev, directory=root).out)
    assert report["skipped"] == [r"kernel/caf\xe9.c"]
    doctor = json.loads(ksrcfind("doctor", "--format", "json", *rev, directory=root).out)
    [check] = [check for check in doctor["checks"] if check["name"] == "file names"]
    assert check["value"] == NOTE


@pytest.mark.parametrize("history", [(), ("--with-history",)])
def test_a_bundle_is_made_of_the_rest_and_says_so(tree, tmp_path, history):
    root, rev = tree
    bundle = tmp_path / "b\udce9.bundle"
    assert ksrcfind("index", "--output", bundle, *history, *rev, directory=root).status == 0
    done = ksrcfind("--index", bundle, "--format", "json", LINE, directory=tmp_path)
    assert json.loads(done.out)["records"][0]["verdict"] == "exact"
    assert f"note: {NOTE}" in done.err
    assert ksrcfind("--index", bundle, LOST, directory=tmp_path).status == 1


def test_the_library_says_so(tree):
    root, rev = tree
    settings = Settings(cache_dir=root.parent / "cache")
    with Finder.open(root, rev=rev[1] if rev else None, settings=settings) as finder:
        assert len(list(finder.messages())) == 2
        assert NOTE in finder.notes


@pytest.mark.parametrize("form", ["text", "json", "ndjson", "quickfix", "csv", "sarif", "html"])
def test_a_log_and_its_lines_may_hold_any_bytes(tree, form):
    root, rev = tree
    log = root.parent / "l\udcf6g"
    log.write_bytes(b"[    1.000000] started\n[    2.000000] caf\xe9 \xff\xfe\n")
    done = ksrcfind("batch", "--format", form, *rev, log, directory=root)
    assert done.status == 0
    assert "Traceback" not in done.err


def test_a_file_that_was_called_so_once_is_followed(tmp_path):
    root = tmp_path / "linux"
    scratch = VirtualDocuments(root)
    body = 'void g(void)\n{\n\tpr_info("kettle %d whistles along\\n", 3);\n}\n'
    scratch.commit("start", KERNEL | {"kernel/t\udce9.c": body})
    scratch.git("tag", "v5.8")
    scratch.commit("rename", {"kernel/tea.c": body}, remove=["kernel/t\udce9.c"])
    scratch.git("tag", "v5.9")
    line = "kettle 3 whistles along"
    tree = ksrcfind("--format", "json", line, directory=root)
    assert ksrcfind("index", "--output", tmp_path / "b", "--with-history", directory=root).status == 0
    bundle = ksrcfind("--index", tmp_path / "b", "--format", "json", line)
    told = [json.loads(done.out)["records"][0]["matches"][0]["introduced"] for done in (tree, bundle)]
    assert told[0] == told[1]
    assert told[0]["path"] == "kernel/t\ufffd.c"


def test_output_is_utf8_whatever_the_names(tree):
    """Written to a real pipe, where no test's stream helps."""
    root, rev = tree
    for arguments in (
        ("batch", "--format", "ndjson", "-"),
        ("messages", "--format", "ndjson"),
        ("find", "\udce9 \udcff"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ksrcfind", *arguments, *rev],
            cwd=os.fsencode(root),
            input=b"started\ncaf\xe9\n",
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        done.stdout.decode("utf-8")
        done.stderr.decode("utf-8")
