"""The index: the same messages however it came to be."""

import os
import signal
import subprocess
import sys
import time

import pytest

from ksrcfind.index.build import build
from ksrcfind.index.narrow import Narrow
from ksrcfind.index.search import RevisionIndex
from ksrcfind.index.store import Store
from ksrcfind.progress import SILENT
from ksrcfind.source.roots import BUILT_IN
from ksrcfind.tree.open import open_snapshot


def index(root, path, rev=None):
    """Build and return what every message of the revision says, and the report."""
    snapshot = open_snapshot(root, rev, named=True)
    store = Store.open(path)
    report = build(snapshot, store, BUILT_IN, 1, SILENT)
    found = RevisionIndex(store, snapshot.key)
    messages = [message for p in snapshot.files((".c", ".h")) for message in found.messages_of(p)]
    store.close()
    return messages, report


def test_a_second_run_has_nothing_to_do(linux_mini, tmp_path):
    first, report = index(linux_mini, tmp_path / "i.sqlite")
    again, second = index(linux_mini, tmp_path / "i.sqlite")
    assert first == again
    assert len(first) == report.messages == second.messages > 20
    assert (second.parsed, second.linked) == (0, 0)


@pytest.mark.parametrize("rev", ["v5.8", "v5.9", "linux-5.8.y"])
def test_a_revision_after_another_is_as_if_alone(linux_mini, tmp_path, rev):
    alone, whole = index(linux_mini, tmp_path / "alone.sqlite", rev)
    index(linux_mini, tmp_path / "both.sqlite", "v6.1")
    after, part = index(linux_mini, tmp_path / "both.sqlite", rev)
    assert after == alone
    assert part.parsed < whole.parsed


def test_a_changed_header_relinks_who_uses_it(linux_mini, tmp_path):
    tree = tmp_path / "tree"
    subprocess.run(["git", "clone", "-q", linux_mini, tree], check=True)
    index(tree, tmp_path / "i.sqlite")
    header = tree / "include/linux/printk.h"
    header.write_text(header.read_text().replace("#define pr_info(", "#define pr_info_gone("))
    changed, report = index(tree, tmp_path / "i.sqlite")
    fresh, _ = index(tree, tmp_path / "fresh.sqlite")
    assert changed == fresh
    # What is left is what every kernel's header says, whatever this one did: no call goes through it any more.
    assert report.parsed == 1
    assert report.linked > 1


def test_reading_piece_by_piece_gives_the_same_messages(linux_mini, tmp_path):
    whole, _ = index(linux_mini, tmp_path / "i.sqlite")
    narrow = Narrow(open_snapshot(linux_mini, named=True), Store.open(tmp_path / "n.sqlite"), BUILT_IN)
    for path in ("mm/oom_kill.c", "fs/minifs/super.c"):
        expected = [message for message in whole if message.path == path]
        assert expected
        assert narrow.messages_of([path]) == expected


def test_a_killed_run_loses_nothing(linux_mini, tmp_path):
    undisturbed, _ = index(linux_mini, tmp_path / "whole.sqlite")
    program = [sys.executable, "-m", "ksrcfind", "--repo", str(linux_mini), "index"]
    environment = {**os.environ, "KSRCFIND_CACHE_DIR": str(tmp_path / "cache")}
    for delay in (0.3, 0.6, 0.9):
        running = subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        running.wait()
    subprocess.run(program, env=environment, check=True, stdout=subprocess.DEVNULL)
    (path,) = (tmp_path / "cache").glob("*.sqlite")
    assert index(linux_mini, path)[0] == undisturbed


def test_a_damaged_file_is_made_anew(linux_mini, tmp_path):
    whole, _ = index(linux_mini, tmp_path / "i.sqlite")
    (tmp_path / "i.sqlite").write_bytes(b"no database" * 1000)
    assert index(linux_mini, tmp_path / "i.sqlite")[0] == whole


def test_what_cannot_be_written_is_kept_in_memory(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    store = Store.open(blocked / "i.sqlite")
    assert store.path is None
    assert "cannot be used" in store.note
