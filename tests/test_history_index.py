"""The history index gives the same answers as following by git, which is the judge."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from ksrcfind.errors import KsrcfindError
from ksrcfind.history.index import build, graph
from ksrcfind.history.index.build import build_history_index
from ksrcfind.history.index.edits import AFTER, Edit, keys_of, unprefixed_key
from ksrcfind.history.index.location import index_path
from ksrcfind.history.releases import Releases
from ksrcfind.history.request import Request, wording_place
from ksrcfind.history.trace import History
from ksrcfind.progress import SILENT
from ksrcfind.source.message import Form, Message, TextLine
from ksrcfind.tree.git import Git
from ksrcfind.tree.open import open_snapshot
from repositories import VirtualDocuments, seal
from test_history_follow import STORIES, request
from test_history_random import FILES, Drawn, rendered


def indexed(root, directory, rev="HEAD", jobs=1):
    """Return the histories of a commit with the history index, which must be there afterwards."""
    snapshot = open_snapshot(root, rev)
    directory.mkdir(exist_ok=True)
    build_history_index(snapshot.repository, snapshot.commit, directory, jobs, SILENT)
    history = History(snapshot, index_directory=directory)
    assert history._git.tracer.indexed is not None
    return snapshot, history


def plain(answers):
    """Leave out the field that only an index fills."""
    assert all(answer.lineage_id for answer in answers if answer.status == "traced")
    return [replace(answer, lineage_id=None) for answer in answers]


def undecided(history):
    return dict(history._git.tracer.indexed.undecided)


def equal(root, directory, places, rev="HEAD", *, decided=True):
    """Compare the index with following for the texts at some places; return the answers."""
    snapshot, history = indexed(root, directory, rev)
    requests = [request(snapshot, *place) for place in places]
    found = history.trace(requests)
    assert plain(found) == History(snapshot).trace(requests)
    assert not (decided and undecided(history))
    return found


def test_every_story_of_the_bundled_repository(linux_mini, tmp_path):
    snapshot, history = indexed(linux_mini, tmp_path / "index", "master")
    requests = [request(snapshot, *place) for place in STORIES]
    assert plain(history.trace(requests)) == History(snapshot).trace(requests)


@pytest.mark.parametrize("seed", range(10, 16))
def test_random_histories(tmp_path, monkeypatch, seed):
    seal(monkeypatch, tmp_path)
    drawn = Drawn(tmp_path / "linux", seed)
    state = drawn.states[-1]
    names = [name for path in FILES for name in rendered(state, path)[1]]
    snapshot, history = indexed(drawn.scratch.root, tmp_path / "index", "master")
    requests = [request(snapshot, state[name].path, state[name].text) for name in names]
    for found, wanted in zip(plain(history.trace(requests)), History(snapshot).trace(requests), strict=True):
        assert without_reverts(found) == without_reverts(wanted)


def without_reverts(provenance):
    """Leave out what reverts did: if only one side of a merge took a text away and back, both sides are its history."""
    reverts = ("reverted", "reapplied")
    return replace(provenance, events=tuple(event for event in provenance.events if event.kind not in reverts))


def call(text, function="f", name="pr_info"):
    return f'void {function}(void)\n{{\n\t{name}("{text}\\n");\n}}\n'


def test_a_text_of_several_literals_of_which_a_commit_changes_one(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    text = 'void f(void)\n{\n\tpr_err("the first part of it "\n\t       "%s\\n");\n}\n'
    scratch.commit("one", {"a.c": text % "and the end"})
    scratch.commit("two", {"a.c": text % "and another end"})
    (first,) = equal(scratch.root, tmp_path / "index", [("a.c", "the first")])
    assert [event.kind for event in first.events] == ["introduced", "reworded"]


def kinds(provenance):
    return [event.kind for event in provenance.events]


def test_a_text_that_goes_to_another_file_and_function_and_comes_back(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    text = "the controller of the bus does not answer"
    scratch.commit("one", {"d/a.c": call(text), "e/b.c": call("another thing", "g")})
    scratch.commit("two", {"d/a.c": "int a;\n", "e/b.c": call("another thing", "g") + call(text, "h")})
    scratch.commit("three", {"d/a.c": call(text, "f", "pr_err"), "e/b.c": call("another thing", "g")})
    (found,) = equal(scratch.root, tmp_path / "index", [("d/a.c", text)])
    assert kinds(found) == ["introduced", "moved", "moved", "converted", "level_changed"]


def test_a_copied_text_and_a_second_copy_in_the_same_file(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    text = "cannot map the registers of the device"
    scratch.commit("one", {"d/a.c": call(text, "probe_a")})
    scratch.commit("two", {"d/b.c": call(text, "probe_b")})
    scratch.commit("three", {"d/b.c": call(text, "probe_b") + call("something else", "g") + call(text, "probe_c")})
    snapshot, history = indexed(scratch.root, tmp_path / "index")
    lines = snapshot.read("d/b.c").decode().split("\n")
    places = [number for number, line in enumerate(lines, 1) if text in line]
    requests = [at("d/b.c", number) for number in places]
    found = history.trace(requests)
    assert plain(found) == History(snapshot).trace(requests)
    assert [kinds(one) for one in found] == [["introduced", "copied"], ["introduced", "copied", "copied"]]


def at(path, line):
    return Request(Message(path, line, line, None, "", None, None, "", (Form("", ()),), (TextLine(path, line, 9),)))


def test_a_directory_that_is_renamed_with_its_files(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    text = "firmware of the adapter is too old"
    filler = "".join(f"int value{number};\n" for number in range(40))
    scratch.commit("one", {"drivers/old/a.c": filler + call(text), "drivers/old/b.c": filler + call("b is there")})
    (scratch.root / "drivers/old").rename(scratch.root / "drivers/new")
    moved = scratch.commit("two")
    scratch.commit("three", {"drivers/new/a.c": filler + call(text, name="pr_err")})
    found = equal(scratch.root, tmp_path / "index", [("drivers/new/a.c", text), ("drivers/new/b.c", "b is there")])
    assert [kinds(one) for one in found] == [
        ["introduced", "renamed", "converted", "level_changed"],
        ["introduced", "renamed"],
    ]
    assert found[1].events[1].commit == moved


def test_a_file_that_is_renamed_and_changed_in_one_commit(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    filler = "".join(f"int value{number};\n" for number in range(40))
    scratch.commit("one", {"a.c": filler + call("the old text of a message")})
    scratch.commit("two", {"c.c": filler + call("the new text of a message")}, remove=["a.c"])
    (found,) = equal(scratch.root, tmp_path / "index", [("c.c", "the new text")])
    assert kinds(found)[0] == "introduced"
    assert "reworded" in kinds(found)


def test_a_file_that_is_removed_and_added_again(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    text = "the queue of the device is stuck"
    scratch.commit("one", {"a.c": call(text), "b.c": "int b;\n"})
    undone = scratch.commit("two", {}, remove=["a.c"])
    scratch.commit(f"Revert two\n\nThis reverts commit {undone}.", {"a.c": call(text)})
    scratch.commit("four", {}, remove=["a.c"])
    scratch.commit("five", {"a.c": call(text)})
    equal(scratch.root, tmp_path / "index", [("a.c", text)])


def test_a_revert_and_what_it_brings_back(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    old, new = "link of port is down now", "the link is down"
    scratch.commit("one", {"a.c": call(old)})
    changed = scratch.commit("two", {"a.c": call(new)})
    scratch.commit(f"Revert two\n\nThis reverts commit {changed}.", {"a.c": call(old)})
    (found,) = equal(scratch.root, tmp_path / "index", [("a.c", old)])
    assert kinds(found)[0] == "introduced"


def test_a_text_that_only_a_merge_brought(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    scratch.commit("one", {"a.c": call("the first text of all")})
    scratch.git("checkout", "-q", "-b", "side")
    scratch.commit("side", {"a.c": call("a text of the side")})
    scratch.git("checkout", "-q", "master")
    scratch.commit("main", {"a.c": call("a text of the main line")})
    merge = scratch.merge("side", resolve={"a.c": call("what only the merge says")})
    (found,) = equal(scratch.root, tmp_path / "index", [("a.c", "only the merge")])
    assert found.introduced.commit == merge


def test_names_and_bytes_that_are_odd(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    names = ["with blank.c", 'quote".c', "tab\t.c", "ümlaut.c", ":(top) [a].c", "diff --git a b.c"]
    broken = b'\xff"open\nvoid f(void)\n{\n\tpr_info("a text with \xe9 in a byte\\n");\n}\n\0/* end'
    scratch.commit("one", {name: call(f"a text in file number {number}") for number, name in enumerate(names)})
    scratch.commit("two", {"bytes.c": broken, "empty.c": "", "new\nline.c": call("a text in file")})
    scratch.commit("three", {"bytes.c": broken.replace(b"\tpr", b"\t\tpr"), "empty.c": call("not empty any more")})
    places = [(name, f"file number {number}") for number, name in enumerate(names)]
    equal(scratch.root, tmp_path / "index", [*places, ("bytes.c", "in a byte"), ("empty.c", "not empty")])
    # Git's object names cannot express this one.
    equal(scratch.root, tmp_path / "index", [("new\nline.c", "in file")], decided=False)


def test_lines_that_look_like_the_head_of_a_diff(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    odd = "\ndiff --git a/x.c b/x.c\n@@ -1 +1 @@\n" + "0" * 40 + '\n-- "a"\n++ "b"\n'
    scratch.commit("one", {"a.c": odd + call("first text")})
    scratch.commit("two", {"a.c": call("second text", "g") + odd + call("first text")})
    equal(scratch.root, tmp_path / "index", [("a.c", "first text"), ("a.c", "second text")])


# The file of the index


def test_further_commits_are_added_to_the_index(tmp_path, monkeypatch):
    scratch = VirtualDocuments(tmp_path / "tree")
    text = "number %d of the device"
    for number in range(5):
        scratch.commit(f"{number}", {f"f{number}.c": call(text), "a.c": call(f"{text} {number}")})
    equal(scratch.root, tmp_path / "index", [("a.c", text)])
    scratch.git("checkout", "-q", "-b", "side", "HEAD~2")
    scratch.commit("side", {"side.c": call("the side has this")})
    scratch.git("checkout", "-q", "master")
    scratch.merge("side")
    scratch.commit("last", {"a.c": call("number %d of the devices")})
    read = []
    real = build.read_diffs
    monkeypatch.setattr(build, "read_diffs", lambda git, ids, **options: read.extend(ids) or real(git, ids, **options))
    equal(scratch.root, tmp_path / "index", [("a.c", "devices"), ("side.c", "the side has")])
    assert len(read) == 3
    # An earlier commit and another branch are in it as well.
    equal(scratch.root, tmp_path / "index", [("a.c", text)], "HEAD~2")
    equal(scratch.root, tmp_path / "index", [("side.c", "the side has")], "side")
    assert len(read) == 3


def test_an_interrupted_pass_goes_on_where_it_stopped(tmp_path, monkeypatch):
    scratch = VirtualDocuments(tmp_path / "tree")
    for number in range(6):
        scratch.commit(f"{number}", {"a.c": call(f"number {number} of the device")})
    monkeypatch.setattr(build, "COMMITS_PER_PROCESS", 2)
    real, read = build.read_diffs, []

    def read_diffs(git, ids, *, merges):
        if len(read) == 2:
            raise KeyboardInterrupt
        read.append(ids)
        return real(git, ids, merges=merges)

    monkeypatch.setattr(build, "read_diffs", read_diffs)
    with pytest.raises(KeyboardInterrupt):
        indexed(scratch.root, tmp_path / "index")
    first = list(read)
    monkeypatch.setattr(build, "read_diffs", lambda git, ids, merges: read.append(ids) or real(git, ids, merges=merges))
    equal(scratch.root, tmp_path / "index", [("a.c", "number 5")])
    assert len(read) == len(set(read)) == 3
    assert read[:2] == first
    assert [path.suffix for path in (tmp_path / "index").iterdir() if path.suffix != ".lock"] == [".sqlite"]


def test_a_part_that_was_not_written_to_its_end_is_read_again(tmp_path, monkeypatch):
    """A process that is killed leaves a temporary file; only a renamed one counts."""
    scratch = VirtualDocuments(tmp_path / "tree")
    scratch.commit("one", {"a.c": call("a text of the device")})
    snapshot = open_snapshot(scratch.root, "HEAD")
    parts = index_path(tmp_path / "index", snapshot.repository).with_suffix(".parts")
    parts.mkdir(parents=True)
    (parts / "x.part.123.tmp").write_bytes(b"half")
    equal(scratch.root, tmp_path / "index", [("a.c", "a text")])


def test_two_processes_read_the_same_as_one(tmp_path, monkeypatch):
    scratch = VirtualDocuments(tmp_path / "tree")
    for number in range(12):
        scratch.commit(f"{number}", {"a.c": call(f"number {number} of the device"), f"{number}.c": call("same text")})
    monkeypatch.setattr(build, "COMMITS_PER_PROCESS", 3)
    snapshot, one = indexed(scratch.root, tmp_path / "one", jobs=1)
    _, two = indexed(scratch.root, tmp_path / "two", jobs=2)
    requests = [request(snapshot, "a.c", "number 11"), request(snapshot, "3.c", "same text")]
    assert one.trace(requests) == two.trace(requests)
    assert plain(one.trace(requests)) == History(snapshot).trace(requests)
    files = [next((tmp_path / name).glob("*.sqlite")).read_bytes() for name in ("one", "two")]
    assert files[0] == files[1]


def test_two_builds_at_once(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    for number in range(6):
        scratch.commit(f"{number}", {"a.c": call(f"number {number} of the device")})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: indexed(scratch.root, tmp_path / "index"), range(4)))
    equal(scratch.root, tmp_path / "index", [("a.c", "number 5")])


def test_a_damaged_index_is_not_used_and_built_again(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    scratch.commit("one", {"a.c": call("a text of the device")})
    scratch.commit("two", {"a.c": call("a text of the device", name="pr_err")})
    snapshot, _ = indexed(scratch.root, tmp_path / "index")
    file = next((tmp_path / "index").glob("*.sqlite"))
    whole = file.read_bytes()
    want = History(snapshot).trace([request(snapshot, "a.c", "a text")])
    for start in range(0, len(whole), 997):
        file.write_bytes(whole[:start] + bytes(64) + whole[start + 64 :])
        history = History(snapshot, index_directory=tmp_path / "index")
        (found,) = history.trace([request(snapshot, "a.c", "a text")])
        assert replace(found, lineage_id=None) == want[0], start
    file.write_bytes(whole[:1000])
    assert History(snapshot, index_directory=tmp_path / "index").trace([request(snapshot, "a.c", "a text")]) == want
    equal(scratch.root, tmp_path / "index", [("a.c", "a text")])


def test_replaced_commits_and_ignored_ones_have_another_index(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    first = scratch.commit("one", {"a.c": call("a text of the device")})
    second = scratch.commit("two", {"a.c": call("a text of the device", name="pr_err")})
    snapshot, _ = indexed(scratch.root, tmp_path / "index")
    assert History(snapshot, index_directory=tmp_path / "index")._git.tracer.indexed is not None
    (scratch.root / "ignored").write_text(f"{second}\n")
    scratch.git("config", "blame.ignoreRevsFile", "ignored")
    again = open_snapshot(scratch.root, "HEAD")
    assert History(again, index_directory=tmp_path / "index")._git.tracer.indexed is None
    scratch.git("config", "--unset", "blame.ignoreRevsFile")
    scratch.git("replace", "--graft", second)
    replaced = open_snapshot(scratch.root, "HEAD")
    assert History(replaced, index_directory=tmp_path / "index")._git.tracer.indexed is None
    (found,) = equal(scratch.root, tmp_path / "index", [("a.c", "a text")])
    assert (found.introduced.commit, first != second) == (second, True)


def test_edited_files_are_answered_as_before(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    scratch.commit("one", {"a.c": call("a text of the device"), "b.c": call("another text")})
    snapshot, _ = indexed(scratch.root, tmp_path / "index")
    scratch.write({"a.c": "\n\n" + call("a text of the device") + call("not committed", "g")})
    edited = open_snapshot(scratch.root)
    history = History(edited, index_directory=tmp_path / "index")
    requests = [request(edited, "a.c", "a text"), request(edited, "a.c", "not comm"), request(edited, "b.c", "another")]
    assert plain(history.trace(requests)) == History(edited).trace(requests)
    assert snapshot.commit == edited.commit


def test_a_lineage_is_the_same_over_rewordings_moves_and_releases(tmp_path):
    scratch = VirtualDocuments(tmp_path / "tree")
    first = scratch.commit("one", {"a.c": call("the first text of a message"), "b.c": call("another message", "g")})
    scratch.commit("two", {"a.c": call("the second text of a message", name="pr_err")})
    scratch.git("mv", "a.c", "c.c")
    scratch.commit("three", {"b.c": call("another message", "g") + call("the first text of a message", "h")})
    ids = []
    for rev, path, text in ((first, "a.c", "first"), ("HEAD~1", "a.c", "second"), ("HEAD", "c.c", "second")):
        snapshot, history = indexed(scratch.root, tmp_path / "index", rev)
        ids.append(history.trace([request(snapshot, path, text)])[0].lineage_id)
    assert ids[0] is not None
    assert len(set(ids)) == 1
    snapshot, history = indexed(scratch.root, tmp_path / "index")
    (other,) = history.trace([request(snapshot, "b.c", "another")])
    assert other.lineage_id not in ids
    assert History(snapshot).trace([request(snapshot, "b.c", "another")])[0].lineage_id is None


def test_which_releases_contain_a_commit_is_known_without_git(tmp_path, monkeypatch):
    scratch = VirtualDocuments(tmp_path / "tree")
    first = scratch.commit("one", {"a.c": call("the first text of a message")})
    scratch.git("tag", "v1.0")
    scratch.git("checkout", "-q", "-b", "side")
    side = scratch.commit("two", {"b.c": call("a text of the side", "g")})
    scratch.git("tag", "v1.1")
    scratch.git("checkout", "-q", "master")
    third = scratch.commit("three", {"c.c": call("a third text", "h")})
    scratch.git("tag", "v1.2")
    scratch.git("merge", "-q", "--no-edit", "side")
    scratch.git("tag", "v1.3")
    commits = [first, side, third, scratch.git("rev-parse", "HEAD")]
    by_git = [list(Releases(open_snapshot(scratch.root, "HEAD").repository).finals_containing(one)) for one in commits]
    assert by_git == [["v1.0", "v1.1", "v1.2", "v1.3"], ["v1.1", "v1.3"], ["v1.2", "v1.3"], ["v1.3"]]
    _, history = indexed(scratch.root, tmp_path / "index")
    releases = history._git._releases
    monkeypatch.setattr(releases, "_names_containing", None)
    assert [list(releases.finals_containing(one)) for one in commits] == by_git
    monkeypatch.undo()
    later = scratch.commit("four", {"d.c": call("a fourth text", "k")})
    scratch.git("tag", "v1.4")
    snapshot = open_snapshot(scratch.root, "v1.3")
    old = History(snapshot, index_directory=tmp_path / "index")._git._releases  # the index lacks the last tag
    assert [list(old.finals_containing(one)) for one in (*commits, later)] == [
        *([*names, "v1.4"] for names in by_git),
        ["v1.4"],
    ]


def test_the_main_line_of_an_index_is_stored(tmp_path, monkeypatch):
    scratch = VirtualDocuments(tmp_path / "tree")
    for number in range(4):
        scratch.commit(f"commit {number}", {"a.c": call(f"text {number} of the device")})
    indexed(scratch.root, tmp_path / "index")
    monkeypatch.setattr(graph, "_main_line", None)
    snapshot = open_snapshot(scratch.root, "HEAD")
    (found,) = History(snapshot, index_directory=tmp_path / "index").trace([request(snapshot, "a.c", "text 3")])
    assert found.status == "traced"


def test_a_prefix_before_a_lone_colon_is_left_out_of_the_key():
    edit = Edit(AFTER, 1, (b"spectre_v2 : mitigation of the device",), "f", "pr_info", "info", 0)
    assert unprefixed_key("mitigation of the device") in set(keys_of(edit))


def test_what_happened_later_is_found_in_the_index(tmp_path, monkeypatch):
    scratch = VirtualDocuments(tmp_path / "tree")
    filler = "".join(f"int value{number};\n" for number in range(40))
    texts = ["a text that is removed", "a text that is reworded", "a text that moves away", "a text that stays"]
    start = scratch.commit("one", {"a.c": filler + "".join(call(text, f"f{n}") for n, text in enumerate(texts))})
    scratch.commit("two", {"a.c": filler + "".join(call(text, f"f{n}") for n, text in enumerate(texts) if n)})
    scratch.commit("three", {"b.c": call(texts[2]), "a.c": filler + call("a text that is worded anew", "f1")})
    scratch.git("mv", "b.c", "c.c")
    end = scratch.commit("four", {"c.c": call(texts[2])})
    snapshot, history = indexed(scratch.root, tmp_path / "index")
    source = open_snapshot(scratch.root, start)
    places = [wording_place(request(source, "a.c", text)) for text in texts]
    wanted = [History(snapshot).later(start, place, end) for place in places]
    monkeypatch.setattr(Git, "lines", None)
    assert [history.later(start, place, end) for place in places] == wanted
    assert [[event.kind for event in later.events] for later in wanted][:2] == [["removed"], ["reworded"]]


KILLED = """
import os, signal, sys, time
from pathlib import Path
from ksrcfind.history.index import build, graph
from ksrcfind.progress import SILENT
from ksrcfind.storage import history_file
from ksrcfind.tree.open import open_snapshot

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def slow(*arguments):
    time.sleep(0.3)
    return real(*arguments)

root, directory, moment = sys.argv[1:]
snapshot = open_snapshot(Path(root), "HEAD")
build.COMMITS_PER_PROCESS = 2
left = iter(range(2))
real = build._write_part
if moment == "parts":
    build._write_part = lambda *arguments: real(*arguments) if next(left, None) is not None else kill()
elif moment == "part":
    build.msgspec.msgpack.encode = kill
elif moment == "file":
    history_file.os.fsync = kill
elif moment == "workers":
    build.may_fork = lambda: True
    build._write_part = slow
    type(SILENT.task("", None).__enter__()).advance = kill
else:
    build.shutil.rmtree = kill
jobs = 2 if moment == "workers" else 1
build.build_history_index(snapshot.repository, snapshot.commit, Path(directory), jobs, SILENT)
"""


@pytest.mark.parametrize("moment", ["parts", "part", "file", "workers", "end"])
def test_a_run_that_was_killed_changes_no_later_answer(tmp_path, moment):
    scratch = VirtualDocuments(tmp_path / "tree")
    for number in range(7):
        scratch.commit(f"{number}", {"a.c": call(f"number {number} of the device")})
    directory = tmp_path / "index"
    directory.mkdir()
    command = [sys.executable, "-c", KILLED, scratch.root, directory, moment]
    done = subprocess.run(command, check=False, capture_output=True)  # waits for the workers, too
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")
    equal(scratch.root, directory, [("a.c", "number 6")])
    build_again(scratch, directory)


def build_again(scratch, directory):
    scratch.commit("last", {"a.c": call("the last number of the device")})
    equal(scratch.root, directory, [("a.c", "the last")])
    left = [path.name for path in directory.iterdir() if path.suffix not in (".sqlite", ".lock")]
    assert left == []


def test_a_damaged_part_of_an_interrupted_run_is_read_again(tmp_path, monkeypatch):
    scratch = VirtualDocuments(tmp_path / "tree")
    scratch.commit("one", {"a.c": 'void f(void)\n{\n\tprintk("queue is full\\n");\n}\n'})
    snapshot = open_snapshot(scratch.root, "HEAD")
    directory = tmp_path / "index"
    directory.mkdir()
    monkeypatch.setattr(build, "write_history_file", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(KsrcfindError, match="no space"):
        build_history_index(snapshot.repository, snapshot.commit, directory, 1, SILENT)
    monkeypatch.undo()
    (part,) = directory.glob("*.parts/*")
    part.write_bytes(b"")  # As after a loss of power.
    with pytest.raises(KsrcfindError, match="is damaged"):
        build_history_index(snapshot.repository, snapshot.commit, directory, 1, SILENT)
    build_history_index(snapshot.repository, snapshot.commit, directory, 1, SILENT)
    assert History(snapshot, index_directory=directory)._git.tracer.indexed is not None
