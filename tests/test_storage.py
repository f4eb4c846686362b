"""The store: readers never wait, builders agree, damage is found, nothing grows without end."""

import errno
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ksrcfind.index.build import BuildOptions, build
from ksrcfind.progress import SILENT
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.sinks import BUILT_IN
from ksrcfind.storage import retired, segment
from ksrcfind.storage.bits import is_live
from ksrcfind.storage.cache import DerivedCache
from ksrcfind.storage.lock import file_lock
from ksrcfind.storage.merging import SMALL, Usage, merged
from ksrcfind.storage.store import FORMAT, Store, store_path
from ksrcfind.tree.open import open_snapshot

LINE = "Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task"


def texts(store, key):
    """Return what every message of a revision prints, with its place."""
    view = store.view(key)
    return [
        (message.path, message.line_start, form.printed)
        for number in range(len(view.live) * 8)
        if is_live(view.live, number)
        for message in [view.message(number)]
        for form in message.forms
    ]


def indexed(root, directory, identity=""):
    """Build the index of a tree and return what its messages print, sorted."""
    snapshot = open_snapshot(root, None, named=True)
    store = Store.open(directory, identity)
    with store.building():
        build(snapshot, store, BuildOptions(BUILT_IN, 1), SILENT)
    found = sorted(texts(store, snapshot.key))
    store.close()
    snapshot.close()
    return found


@pytest.fixture
def tree(linux_mini, tmp_path):
    """A checkout that a test may edit."""
    copy = tmp_path / "tree"
    subprocess.run(["git", "clone", "-q", linux_mini, copy], check=True)
    return copy


def ksrcfind(tree, *arguments, cache=None, preexec=None, okay=(0,)):
    """Run the command in a process of its own; return its standard output."""
    environment = {**os.environ, **({"KSRCFIND_CACHE_DIR": str(cache)} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-m", "ksrcfind", "--repo", str(tree), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=preexec,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in okay, done.stderr
    return done


# Many processes


def test_eight_builders_at_once_end_well_and_equal_one_alone(tree, tmp_path):
    alone = indexed(tree, tmp_path / "alone")
    environment = {**os.environ, "KSRCFIND_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "ksrcfind", "--repo", str(tree), "index"]
    running = [subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True) for _ in range(8)]
    for one in running:
        said = one.communicate()
        assert one.returncode == 0, said
    (directory,) = (tmp_path / "cache").iterdir()
    store = Store.open(directory)
    assert len(list(directory.glob("*.segment"))) == 1
    store.close()
    answer = ksrcfind(tree, "--format", "quickfix", LINE, cache=tmp_path / "cache").stdout
    assert "\nmm/oom_kill.c:14:" in answer
    assert indexed(tree, tmp_path / "again") == alone


def test_a_reader_goes_on_with_its_state_while_another_run_builds(tree, tmp_path):
    directory = tmp_path / "store"
    before = indexed(tree, directory)
    reader = Store.open(directory)
    key = open_snapshot(tree, None, named=True).key
    view = reader.view(key)
    source = tree / "mm/oom_kill.c"
    source.write_text(source.read_text().replace("is already exiting", "has left"))
    after = indexed(tree, directory)
    assert before != after
    index = RevisionIndex(view)
    assert [message for message in index.messages_of("mm/oom_kill.c") if "is already exiting" in message.format]
    assert sorted(texts(reader, key)) == after
    reader.close()


def test_a_question_neither_waits_for_a_build_nor_is_refused(tree, tmp_path):
    cache = tmp_path / "cache"
    ksrcfind(tree, "index", cache=cache)
    (directory,) = cache.iterdir()
    source = tree / "mm/oom_kill.c"
    source.write_text("\n" + source.read_text())  # The index is stale now.
    held = threading.Event()
    done = threading.Event()

    def hold():
        with file_lock(directory / "lock", wait=True) as is_held:
            assert is_held
            held.set()
            done.wait()

    builder = threading.Thread(target=hold)
    builder.start()
    held.wait()
    try:
        answer = ksrcfind(tree, "--format", "quickfix", "--no-history", LINE, cache=cache)
    finally:
        done.set()
        builder.join()
    assert "\nmm/oom_kill.c:14:" in answer.stdout
    assert "another run is updating the index" in answer.stderr
    later = ksrcfind(tree, "--format", "quickfix", "--no-history", LINE, cache=cache)
    assert "\nmm/oom_kill.c:15:" in later.stdout


def test_a_question_needs_no_lock_on_the_cache_either(tree, tmp_path):
    cache = tmp_path / "cache"
    ksrcfind(tree, "index", cache=cache)
    (directory,) = cache.iterdir()
    writer = sqlite3.connect(directory / "cache.sqlite", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        assert "introduced" in ksrcfind(tree, LINE, cache=cache).stdout.lower()
    finally:
        writer.close()


def test_the_lock_is_between_threads_too_and_ends_with_its_process(tmp_path):
    path = tmp_path / "lock"
    with file_lock(path, wait=False) as first:
        assert first
        seen = []

        def ask():
            with file_lock(path, wait=False) as second:
                seen.append(second)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert seen == [False]
    program = (
        "import os, pathlib, sys; from ksrcfind.storage.lock import file_lock\n"
        "with file_lock(pathlib.Path(sys.argv[1]), wait=False) as held: os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, path], check=False)
    with file_lock(path, wait=False) as held:
        assert held


# What an index depends on


def test_other_roots_are_another_index(tree, tmp_path, git):
    cache = tmp_path / "cache"
    source = tree / "mm/oom_kill.c"
    source.write_text(source.read_text() + '\nvoid shout_loud(void)\n{\n\tshout("very loud indeed %d\\n", 1);\n}\n')
    ksrcfind(tree, "index", cache=cache)
    ksrcfind(tree, "very loud indeed 7", cache=cache, okay=(1,))
    (tree / ".ksrcfind.toml").write_text('[[roots]]\nname = "shout"\nformat = 0\n')
    git(tree, "add", ".")
    for command in (["very loud indeed 7"], ["index"], ["very loud indeed 7"]):
        ksrcfind(tree, *command, cache=cache)
    git(tree, "rm", "-q", "-f", ".ksrcfind.toml")
    ksrcfind(tree, "very loud indeed 7", cache=cache, okay=(1,))


def test_two_identities_do_not_see_each_others_revisions(tree, tmp_path):
    indexed(tree, tmp_path / "store", "one")
    store = Store.open(tmp_path / "store", "two")
    key = open_snapshot(tree, None, named=True).key
    assert store.revision(key) is None
    assert store.revisions() == []
    with pytest.raises(KeyError):
        store.view(key)
    indexed(tree, tmp_path / "store", "two")
    assert sorted(texts(store, key)) == indexed(tree, tmp_path / "alone")
    store.close()


def test_another_format_is_another_directory_and_goes_after_a_month_without_use(tmp_path):
    root, cache = tmp_path / "linux", tmp_path / "cache"
    root.mkdir()
    current = store_path(cache, root)
    assert current.name.endswith(f".index-{FORMAT}")
    stem = current.name.removesuffix(f".index-{FORMAT}")
    old = [cache / f"{stem}.sqlite", cache / f"{stem}.sqlite-wal", cache / f"{stem}.index-8.1" / "x.segment"]
    strange = cache / "notes.sqlite"
    for path in (*old, current / "x.segment", strange):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    retired.remove_unused(cache, FORMAT)
    assert all(path.exists() for path in old)
    past = time.time() - 2 * retired.UNUSED_S
    for path in cache.rglob("*"):
        os.utime(path, (past, past))
    retired.remove_unused(cache, FORMAT)
    assert sorted(path.name for path in cache.iterdir()) == sorted([current.name, strange.name])


# Damage


def damage(path, seed):
    """Damage a file in one of several ways."""
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    kind = seed % 4
    if not data:
        data += b"x"
    elif kind == 0:
        del data[chance.randrange(len(data)) :]
    elif kind == 1:
        for _ in range(chance.randrange(1, 40)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 2:
        start = chance.randrange(len(data)) // 512 * 512
        data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    else:
        start = chance.randrange(len(data))
        data[start : start + 100] = chance.randbytes(100)
    path.write_bytes(data)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_store_never_gives_a_wrong_answer(tree, tmp_path, seed):
    intact = indexed(tree, tmp_path / "store")
    key = open_snapshot(tree, None, named=True).key
    files = sorted(path for path in (tmp_path / "store").iterdir() if path.stat().st_size)
    damage(files[seed // 4 % len(files)], seed)
    store = Store.open(tmp_path / "store")
    try:
        assert sorted(texts(store, key)) == intact
    except KeyError:
        assert store.was_damaged
        assert any("damaged" in note for note in store.notes)
    store.close()
    assert indexed(tree, tmp_path / "store") == intact
    assert indexed(tree, tmp_path / "store") == intact


def test_damage_is_said_and_mended_by_the_next_question(tree, tmp_path):
    cache = tmp_path / "cache"
    ksrcfind(tree, "index", cache=cache)
    (directory,) = cache.iterdir()
    for path in directory.glob("*.segment"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    first = ksrcfind(tree, "--format", "quickfix", LINE, cache=cache)
    assert "\nmm/oom_kill.c:14:" in first.stdout
    assert "damaged" in first.stderr
    assert "damaged" not in ksrcfind(tree, LINE, cache=cache).stderr


def test_a_copied_store_is_read_once_and_believed(tree, tmp_path):
    intact = indexed(tree, tmp_path / "store")
    shutil.copytree(tmp_path / "store", tmp_path / "copy", copy_function=shutil.copy)  # With other times.
    store = Store.open(tmp_path / "copy")
    key = open_snapshot(tree, None, named=True).key
    assert sorted(texts(store, key)) == intact
    assert not store.was_damaged
    store.close()


@pytest.mark.parametrize("statement", ["UPDATE {} SET checksum = 1", "UPDATE {} SET data = x'00'", "DROP TABLE {}"])
def test_a_changed_row_of_the_cache_is_a_miss(tmp_path, statement):
    path = tmp_path / "cache.sqlite"
    cache = DerivedCache(path)
    cache.put("name", b"value")
    assert cache.get("name") == b"value"
    cache.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(statement.format("named"))
    other.close()
    cache = DerivedCache(path)
    assert cache.get("name") is None
    cache.put("name", b"other")
    assert cache.get("name") == b"other"
    cache.close()


def test_a_cache_that_is_damaged_while_it_is_open_is_replaced(tmp_path):
    path = tmp_path / "cache.sqlite"
    cache = DerivedCache(path)
    values = [os.urandom(300) for _ in range(400)]
    for number, value in enumerate(values):
        cache.put(f"name {number}", value)
    cache.close()
    cache = DerivedCache(path)
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    assert all(cache.get(f"name {number}") in (None, value) for number, value in enumerate(values))
    assert None in [cache.get(f"name {number}") for number in range(400)]
    cache.put("name", b"value")
    assert cache.get("name") == b"value"
    assert any("damaged" in note for note in cache.notes)
    cache.close()


# No space, no permission


@pytest.mark.parametrize("size", [1_000, 5_000, 9_000, 13_000, 20_000, 30_000])
def test_a_cache_on_a_full_disk_is_no_damaged_one(tmp_path, size):
    program = (
        "import pathlib, resource, sys; from ksrcfind.storage.cache import DerivedCache\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
        "cache = DerivedCache(pathlib.Path(sys.argv[1]))\n"
        "cache.put('name', bytes(40_000)); cache.put('name', b'value'); print(cache.get('name'))\n"
        "assert not any('damaged' in note for note in cache.notes), cache.notes; cache.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "cache.sqlite"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    cache = DerivedCache(tmp_path / "cache.sqlite")
    cache.put("other", b"1")
    assert cache.get("other") == b"1"
    assert cache.notes == []
    cache.close()


def test_what_cannot_be_written_is_kept_in_memory(tree, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    key = open_snapshot(tree, None, named=True).key
    store = Store.open(blocked / "store")
    assert any("no index is kept" in note for note in store.notes)
    with store.building() as held:
        assert held
        build(open_snapshot(tree, None, named=True), store, BuildOptions(BUILT_IN, 1), SILENT)
    assert store.unsaved
    assert sorted(texts(store, key)) == indexed(tree, tmp_path / "store")
    store.close()


def test_an_index_on_a_full_disk_is_kept_in_memory_and_leaves_nothing_behind(tree, tmp_path, monkeypatch):
    whole = indexed(tree, tmp_path / "whole")
    directory = tmp_path / "store"
    source = tree / "mm/oom_kill.c"
    indexed(tree, directory)
    source.write_text(source.read_text().replace("is already exiting", "has left"))

    def full(path, units, first):
        path.with_name(path.name + ".tmp").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ksrcfind.storage.publishing.write_segment", full)
    store = Store.open(directory)
    snapshot = open_snapshot(tree, None, named=True)
    with store.building():
        build(snapshot, store, BuildOptions(BUILT_IN, 1), SILENT)
    assert "No space left" in store.unsaved
    changed = sorted(texts(store, snapshot.key))
    assert changed != whole
    store.close()
    monkeypatch.undo()
    assert indexed(tree, directory) == changed
    assert not list(directory.glob("*.tmp"))


def test_the_reason_is_that_of_the_system(tmp_path, monkeypatch):
    def refused(*_arguments, **_named):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(OSError, match="Read-only file system"):
        segment.write_segment(tmp_path / "none" / "a.segment", [], 1)


def test_an_index_that_cannot_be_written_is_read(tree, tmp_path, monkeypatch):
    whole = indexed(tree, tmp_path / "store")
    (tmp_path / "store" / "lock").unlink()

    def refused(*_arguments, **_named):
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("mkdir", "touch", "unlink", "rename", "hardlink_to"):
        monkeypatch.setattr(Path, name, refused)
    monkeypatch.setattr(os, "utime", refused)
    store = Store.open(tmp_path / "store")
    assert sorted(texts(store, open_snapshot(tree, None, named=True).key)) == whole
    assert store.notes == ()
    store.close()


# Growth


def test_a_hundred_edits_leave_a_store_of_at_most_twice_the_size(tree, tmp_path):
    indexed(tree, tmp_path / "fresh")
    source = tree / "mm/oom_kill.c"
    text = source.read_text()
    for number in range(100):
        source.write_text(f'{text}\nvoid f{number}(void)\n{{\n\tpr_info("edit number {number}\\n");\n}}\n')
        found = indexed(tree, tmp_path / "edited")
    assert found == indexed(tree, tmp_path / "last")
    sizes = [sum(path.stat().st_size for path in (tmp_path / name).iterdir()) for name in ("edited", "last")]
    assert sizes[0] <= 2 * sizes[1]
    assert len(list((tmp_path / "edited").glob("*.segment"))) == 1


def test_revisions_share_segments_and_keep_them(linux_mini, tmp_path, monkeypatch):
    monkeypatch.setattr("ksrcfind.storage.merging.SMALL", 0)
    store = Store.open(tmp_path / "store")
    keys = []
    for rev in ("v5.8", "v5.9", "v6.1"):
        snapshot = open_snapshot(linux_mini, rev, named=True)
        with store.building():
            build(snapshot, store, BuildOptions(BUILT_IN, 1), SILENT)
        keys.append(snapshot.key)
    for key, rev in zip(keys, ("v5.8", "v5.9", "v6.1"), strict=True):
        alone = Store.open(tmp_path / rev)
        build(open_snapshot(linux_mini, rev, named=True), alone, BuildOptions(BUILT_IN, 1), SILENT)
        assert sorted(texts(store, key)) == sorted(texts(alone, key))
        alone.close()
    assert [revision.key for revision in store.revisions()] == keys[::-1]
    view = store.view(*keys)
    for key, live in zip(keys, view.lives, strict=True):
        assert live == store.view(key).live.ljust(len(live), b"\0")[: len(live)]
    store.close()


@pytest.mark.parametrize("seed", range(20))
def test_merging_keeps_few_segments_that_are_in_use(seed):
    chance = random.Random(seed)
    segments, total, written = [], 0, 0
    for _ in range(300):
        new = chance.choice([1, 10, 1000, 20_000])
        segments = [
            Usage(one.messages, one.live * chance.choice([1, 1, 1, 95]) // max(1, 100))
            if chance.random() < 0.02
            else one
            for one in segments
        ]
        again = merged(segments, new)
        size = new + sum(segments[place].live for place in again)
        segments = [one for place, one in enumerate(segments) if place not in again] + [Usage(size, size)]
        total += new
        written += size
        assert all(one.live * 3 >= one.messages * 2 for one in segments)
        assert sum(one.live <= SMALL for one in segments) <= 1
        assert len(segments) <= 12
    assert written < 12 * total


def test_numbers_of_removed_segments_are_used_again(tree, tmp_path):
    source = tree / "mm/oom_kill.c"
    for number in range(5):
        source.write_text(source.read_text() + f"\n/* {number} */\n")
        indexed(tree, tmp_path / "store")
    store = Store.open(tmp_path / "store")
    (revision,) = store.revisions()
    assert revision.segments[-1].first <= 2 * revision.size + 1
    store.close()


def test_a_segment_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    def broken(connection, units, first):
        connection.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(segment, "_write", broken)
    with pytest.raises(sqlite3.OperationalError):
        segment.write_segment(tmp_path / "a.segment", [], 1)
    assert list(tmp_path.iterdir()) == []
