"""Stories of messages: those that the bundled repository tells, and odd histories made on the spot."""

import subprocess

import pytest
from msgspec.structs import replace

from ksrcfind.caching import MemoryCache
from ksrcfind.history import blame as blame_module
from ksrcfind.history import blame_and_follow
from ksrcfind.history.blame_and_follow import NOT_COMMITTED
from ksrcfind.history.request import Request
from ksrcfind.history.trace import History
from ksrcfind.history.wording import SourceText
from ksrcfind.source.message import Form, Message, TextLine
from ksrcfind.tree.open import open_snapshot
from repositories import VirtualDocuments


def request(snapshot, path, part):
    """Ask for the line of a file on which a part of a text stands."""
    source = SourceText(snapshot.read(path))
    lines = snapshot.read(path).decode("latin-1").split("\n")
    wording = next(wording for wording in source.wordings if part in wording.text)
    line = next(line for line in range(wording.line_start, wording.line_end + 1) if part in lines[line - 1])
    return Request(
        Message(
            path,
            line,
            line,
            None,
            "pr_info",
            None,
            None,
            wording.text,
            (Form(wording.text, ()),),
            (TextLine(path, line, 9),),
        )
    )


def tell(root, path, part, rev="HEAD", **options):
    snapshot = open_snapshot(root, rev)
    (found,) = History(snapshot, **options).trace([request(snapshot, path, part)])
    return found


def summary(provenance):
    """Introduced, origin: first tag and subject; events: kind, before, after."""
    return (
        f"{provenance.introduced.release.first_tag} {provenance.introduced.subject}",
        f"{provenance.origin.release.first_tag} {provenance.origin.subject}",
        [(event.kind, event.before, event.after) for event in provenance.events],
    )


def test_names_that_git_could_take_for_patterns(tmp_path):
    scratch = VirtualDocuments(tmp_path)
    text = 'void f(void)\n{\n\tpr_info("hello from an odd place\\n");\n}\n'
    scratch.commit("one", {":(odd) [ab].c": text, "a.c": "int a;\n"})
    (tmp_path / ":(odd) [ab].c").rename(tmp_path / "[ab].c")
    renamed = scratch.commit("two")
    scratch.commit("three", {"b.c": "int b;\n"})
    told = tell(tmp_path, "[ab].c", "hello")
    assert [(event.kind, event.commit) for event in told.events][-1] == ("renamed", renamed)
    (tmp_path / "[ab].c").rename(tmp_path / ":(odd) two.c")
    again = scratch.commit("four")
    told = tell(tmp_path, ":(odd) two.c", "hello")
    assert [(event.kind, event.commit) for event in told.events][-2:] == [("renamed", renamed), ("renamed", again)]


START = "v2.6.12-rc2 Linux-2.6.12-rc2"
STORIES = {
    ("kernel/sched/core.c", "in_atomic()"): (
        "v2.6.13 sched: name the task that must not sleep",
        START,
        [
            ("introduced", None, "in_atomic():%d, irqs_disabled():%d"),
            (
                "reworded",
                "in_atomic():%d, irqs_disabled():%d",
                "in_atomic(): %d, irqs_disabled(): %d, pid: %d, name: %s",
            ),
            ("converted", "printk", "pr_err"),
            ("reverted", "pr_err", "printk"),
            ("renamed", "kernel/sched.c", "kernel/sched/core.c"),
            ("reformatted", None, None),
        ],
    ),
    ("mm/oom_kill.c", "invoked oom-killer"): (
        "v2.6.12 mm: say which task invoked the oom-killer",
        START,
        [
            ("introduced", None, "oom-killer: gfp_mask=0x%x"),
            ("reworded", "oom-killer: gfp_mask=0x%x", "%s invoked oom-killer: gfp_mask=0x%x, order=%d"),
            (
                "reworded",
                "%s invoked oom-killer: gfp_mask=0x%x, order=%d",
                "%s invoked oom-killer: gfp_mask=0x%x, order=%d, oom_adj=%d",
            ),
            ("moved", "out_of_memory", "dump_header"),
            ("converted", "printk", "pr_warn"),
            (
                "reworded",
                "%s invoked oom-killer: gfp_mask=0x%x, order=%d, oom_adj=%d",
                "%s invoked oom-killer: gfp_mask=%#x(%pGg), order=%d, oom_score_adj=%hd",
            ),
        ],
    ),
    ("mm/oom_kill.c", "OOM victim"): (
        "v5.9-rc1 mm, oom: say so when the victim is already exiting",
        "v5.9-rc1 mm, oom: say so when the victim is already exiting",
        [("introduced", None, "%s: OOM victim %d (%s) is already exiting. Skip killing the task")],
    ),
    ("drivers/block/mini/disk.c", "disks found"): (
        START,
        START,
        [
            ("introduced", None, "minidisk: %d disks found"),
            ("reformatted", None, None),
            ("converted", "printk", "pr_info"),
            ("renamed", "drivers/block/minidisk.c", "drivers/block/mini/disk.c"),
        ],
    ),
    # The prefix went into a wrapper, and the text was cut in two then: neither it nor its literal stood there before.
    ("fs/minifs/super.c", "mounting a file system with"): (
        "v5.9-rc1 minifs: one function for all messages",
        "v5.8-rc1 minifs: a file system with one superblock and no surprises",
        [
            ("introduced", None, "MINIFS-fs (%s): mounting a file system with %d errors, a check is recommended"),
            ("converted", "printk", "minifs_msg"),
            ("reformatted", None, None),
        ],
    ),
    ("net/core/dev.c", "no MAC address"): (
        "v5.9-rc1 net: tell when a device has no MAC address",
        "v5.9-rc1 net: tell when a device has no MAC address",
        [
            ("introduced", None, "%s: no MAC address, using the random one %pM"),
            ("reverted", "%s: no MAC address, using the random one %pM", None),
            ("reapplied", None, "%s: no MAC address, using the random one %pM"),
        ],
    ),
    ("net/core/datagram.c", "hw csum failure"): (
        "v5.8-rc1 net: the core of a device",
        "v5.8-rc1 net: the core of a device",
        [("introduced", None, "%s: hw csum failure"), ("moved", "net/core/dev.c", "net/core/datagram.c")],
    ),
    ("drivers/net/mini/phy-c45.c", "no PHY found"): (
        "v5.8-rc1 mini-eth: driver for the small Ethernet card",
        "v5.8-rc1 mini-eth: driver for the small Ethernet card",
        [
            ("introduced", None, "no PHY found at address %d"),
            ("reformatted", None, None),
            ("copied", "drivers/net/mini/phy.c", "drivers/net/mini/phy-c45.c"),
        ],
    ),
    ("drivers/usb/minihub.c", "probe failed with error"): (  # The floppy driver that said the same is no ancestor.
        "v5.15 usb: minihub, a hub with one port",
        "v5.15 usb: minihub, a hub with one port",
        [("introduced", None, "probe failed with error %d")],
    ),
    ("drivers/char/vendor_wdt.c", "no ping for"): (
        "v5.15 watchdog: add vendor driver version 1.0",
        "v5.15 watchdog: add vendor driver version 1.0",
        [("introduced", None, "no ping for %u seconds, resetting"), ("reformatted", None, None)],
    ),
    ("drivers/net/mini/main.c", "link is up"): (  # The merge reads as neither of its parents.
        "v6.1-rc1 Merge branch 'duplex' into master",
        "v5.8-rc1 mini-eth: driver for the small Ethernet card",
        [
            ("introduced", None, "link is up"),
            ("reworded", "link is up", "link is up at %d Mbps"),
            ("reworded", "link is up at %d Mbps", "link is up at %d Mbps, %s duplex"),
        ],
    ),
}


@pytest.mark.parametrize("place", STORIES, ids=lambda place: place[1])
def test_the_stories_of_the_bundled_repository(linux_mini, place):
    found = tell(linux_mini, *place, rev="master")
    assert found.status == "traced"
    assert summary(found) == STORIES[place]
    beginning = "Present at or before v2.6.12-rc2, where this history begins."
    assert found.note == (beginning if found.origin.subject == "Linux-2.6.12-rc2" else None)


def test_a_level_that_changed(linux_mini):
    found = tell(linux_mini, "fs/minifs/super.c", "unable to read superblock", rev="v5.9-rc1")
    assert ("level_changed", "err", "notice") in summary(found)[2]


def test_introduced_is_never_before_its_text(linux_mini):
    """The text that was asked for is at its place right after the commit, and not in the file's parent version."""
    snapshot = open_snapshot(linux_mini, "master")
    history = History(snapshot)
    for path, part in STORIES:
        (found,) = history.trace([request(snapshot, path, part)])
        change = found.introduced
        show = ["git", "-C", str(linux_mini), "show", f"{change.commit}:{change.path}"]
        lines = subprocess.run(show, capture_output=True, check=True).stdout.decode("latin-1").split("\n")
        assert part in lines[change.line - 1]


@pytest.fixture
def scratch(tmp_path):
    return VirtualDocuments(tmp_path / "linux")


def call(text, function="start", macro="pr_info", indent=1):
    return f'void {function}(void)\n{{\n{chr(9) * indent}{macro}("{text}\\n");\n}}\n'


TEXT = "cannot read the sector table"


def test_moved_between_files_of_one_commit(scratch):
    first = scratch.commit("first", {"drivers/a/one.c": call(TEXT)})
    moved = scratch.commit("move", {"drivers/a/one.c": "", "lib/b/two.c": call(TEXT)})
    found = tell(scratch.root, "lib/b/two.c", TEXT)
    assert found.last_changed.commit == moved
    assert found.introduced.commit == first
    assert found.introduced.path == "drivers/a/one.c"


def test_a_stranger_elsewhere_is_no_ancestor(scratch):
    scratch.commit("first", {"drivers/a/one.c": call(TEXT)})
    second = scratch.commit("second", {"lib/b/two.c": call(TEXT)})
    assert tell(scratch.root, "lib/b/two.c", TEXT).introduced.commit == second


@pytest.mark.parametrize("path", ["drivers/a/two.c", "drivers/b/one.c"])
def test_a_copy_from_the_same_directory_or_name(scratch, path):
    first = scratch.commit("first", {"drivers/a/one.c": call(TEXT)})
    scratch.commit("second", {path: call(TEXT)})
    found = tell(scratch.root, path, TEXT)
    assert found.introduced.commit == first
    assert found.events[-1].kind == "copied"


def test_one_word_is_said_by_strangers_of_the_same_directory_as_well(scratch):
    scratch.commit("first", {"drivers/a/one.c": call("failed")})
    second = scratch.commit("second", {"drivers/a/two.c": call("failed")})
    assert tell(scratch.root, "drivers/a/two.c", "failed").introduced.commit == second


def test_names_with_pattern_characters(scratch):
    first = scratch.commit("first", {"drivers/a[b]*/one?.c": call(TEXT)})
    scratch.commit("second", {"drivers/a[b]*/two.c": call(TEXT)})
    assert tell(scratch.root, "drivers/a[b]*/two.c", TEXT).introduced.commit == first


def test_split_and_joined_and_switched_off_and_on(scratch):
    first = scratch.commit("first", {"a.c": call(TEXT)})
    scratch.commit("split", {"a.c": call('cannot read "\n\t\t"the sector table')})
    scratch.commit("comment", {"a.c": call(TEXT).replace("\tpr_info", "\t// pr_info")})
    scratch.commit("on again, joined", {"a.c": call(TEXT, indent=2)})
    found = tell(scratch.root, "a.c", TEXT)
    assert found.introduced.commit == first
    assert [event.kind for event in found.events] == ["introduced", *["reformatted"] * 3]


def test_a_prefix_that_a_wrapper_takes_over(scratch):
    first = scratch.commit("first", {"a.c": call(f"foo: {TEXT}.", macro="printk")})
    scratch.commit("convert", {"a.c": call(TEXT, macro="dev_err")})
    found = tell(scratch.root, "a.c", TEXT)
    assert found.introduced.commit == first
    assert [(event.kind, event.before, event.after) for event in found.events[1:]] == [
        ("converted", "printk", "dev_err")
    ]


def test_a_text_that_is_not_alike_is_no_earlier_wording(scratch):
    scratch.commit("first", {"a.c": call("all is well")})
    second = scratch.commit("second", {"a.c": call(TEXT)})
    assert tell(scratch.root, "a.c", TEXT).origin.commit == second


def test_of_two_new_texts_the_more_alike_has_the_earlier_wording(scratch):
    scratch.commit("first", {"a.c": call("cannot read block %d of the disk")})
    read, write = "cannot read block %u of the disk", "cannot write block %u to the disk"
    second = scratch.commit("second", {"a.c": call(read) + call(write, "other")})
    assert tell(scratch.root, "a.c", "read block").origin.subject == "first"
    assert tell(scratch.root, "a.c", "write block").origin.commit == second


def test_one_of_several_copies_of_a_text_is_reworded(scratch):
    kept = call(TEXT, "other")
    scratch.commit("first", {"a.c": call(TEXT) + kept})
    second = scratch.commit("second", {"a.c": call(f"{TEXT} of %s") + kept})
    found = tell(scratch.root, "a.c", f"{TEXT} of")
    assert (found.introduced.commit, found.origin.subject) == (second, "first")


def test_a_blank_between_two_literals_is_text(scratch):
    scratch.commit("first", {"a.c": call('cannot get memory for"\n\t"the sector table')})
    second = scratch.commit("second", {"a.c": call('cannot get memory for "\n\t"the sector table')})
    scratch.commit("third", {"a.c": call('cannot get memory for "\n\t"the sector table', indent=2)})
    assert tell(scratch.root, "a.c", "memory for").introduced.commit == second


def test_a_part_of_a_longer_text(scratch):
    before = f"version %d.%d of the driver for cards that nobody has any more, on bus %s: {TEXT} of the drive"
    first = scratch.commit("first", {"a.c": call(before)})
    scratch.commit("second", {"a.c": call(f"{TEXT} of the drive", "other")})
    found = tell(scratch.root, "a.c", TEXT)
    assert found.introduced.commit == first
    assert found.introduced.format == before


def test_a_text_that_left_another_file_goes_before_a_part_of_a_text_that_stood_here(scratch):
    here, there = "lib/b/two.c", "drivers/a/one.c"
    scratch.commit("here", {here: call(f"for whom it may concern: {TEXT}", "other")})
    first = scratch.commit("there", {there: call(TEXT)})
    scratch.commit("move", {there: "", here: call(TEXT)})
    found = tell(scratch.root, here, TEXT)
    assert (found.introduced.commit, found.introduced.path) == (first, there)


def test_a_copy_of_what_the_commit_touches(scratch):
    first = scratch.commit("first", {"drivers/a/one.c": call(TEXT)})
    scratch.commit("copy", {"drivers/a/one.c": call(TEXT) + call("more", "more"), "lib/b/two.c": call(TEXT)})
    found = tell(scratch.root, "lib/b/two.c", TEXT)
    assert found.introduced.commit == first
    assert [(event.kind, event.before, event.after) for event in found.events[1:]] == [
        ("copied", "drivers/a/one.c", "lib/b/two.c")
    ]


@pytest.mark.parametrize("mine", ["aaa/two.c", "zzz/two.c"])
def test_of_two_files_that_lost_a_text_the_one_of_the_same_name_goes_first(mine, scratch):
    scratch.commit("other", {"mmm/one.c": call(TEXT)})
    first = scratch.commit("mine", {mine: call(TEXT)})
    scratch.commit("move", {"mmm/one.c": "", mine: "", "lib/two.c": call(TEXT)})
    assert tell(scratch.root, "lib/two.c", TEXT).introduced.commit == first


def test_a_conversion_on_the_line_above_the_text(scratch):
    first = scratch.commit("first", {"a.c": call(TEXT).replace("pr_info(", "printk(KERN_INFO\n\t\t")})
    second = scratch.commit("second", {"a.c": call(TEXT).replace("pr_info(", "pr_info(\n\t\t")})
    found = tell(scratch.root, "a.c", TEXT)
    assert found.last_changed.commit == found.introduced.commit == first
    assert [(event.kind, event.commit) for event in found.events[1:]] == [("converted", second)]


def test_wrong_clocks(scratch):
    halves = 'pr_info("cannot read "\n\n\n\t\t"the sector table\\n");\n'
    body = f"void f(void)\n{{\n\t{halves}}}\n"
    scratch.commit("first", {"a.c": body.replace("read", "see").replace("table", "list")})
    late = {"GIT_COMMITTER_DATE": "2000000000 +0000"}
    scratch.commit("from the future", {"a.c": body.replace("read", "see")}, **late)
    last = scratch.commit("last", {"a.c": body})
    found = tell(scratch.root, "a.c", "cannot read")
    assert found.introduced.commit == last
    assert [event.commit for event in found.events][-1] == last


def test_a_merge_rewords_what_its_second_parent_brought(scratch):
    scratch.commit("first", {"a.c": call("something else")})
    scratch.git("checkout", "-q", "-b", "side")
    side = scratch.commit("side", {"a.c": call("something else") + call(TEXT, "side")})
    scratch.git("checkout", "-q", "master")
    scratch.commit("main", {"c.c": ""})
    merge = scratch.merge("side", resolve={"a.c": call("something else") + call(f"{TEXT} of %s", "side")})
    found = tell(scratch.root, "a.c", "table of %s")
    assert (found.introduced.commit, found.origin.commit) == (merge, side)
    assert [event.kind for event in found.events] == ["introduced", "reworded"]


def test_a_revert_of_a_rewording_goes_back_to_the_first_wording(scratch):
    first = scratch.commit("first", {"a.c": call(TEXT)})
    change = scratch.commit("reword", {"a.c": call("sector table: cannot be read")})
    scratch.commit(f'Revert "reword"\n\nThis reverts commit {change}.', {"a.c": call(TEXT)})
    found = tell(scratch.root, "a.c", TEXT)
    assert found.introduced.commit == first
    assert found.events[-1].kind == "reapplied"


def test_a_wording_that_came_back_was_introduced_when_it_first_came(scratch):
    scratch.commit("first", {"a.c": call("cannot read the table")})
    second = scratch.commit("reword", {"a.c": call(TEXT)})
    scratch.commit("reword it again", {"a.c": call("cannot read the table of sectors")})
    back = scratch.commit("better as it was", {"a.c": call(TEXT)})
    found = tell(scratch.root, "a.c", TEXT)
    assert (found.last_changed.commit, found.introduced.commit, found.origin.subject) == (back, second, "first")
    assert [event.kind for event in found.events] == ["introduced", "reworded", "reworded", "reworded"]


def test_two_sides_of_a_merge_change_one_message(scratch):
    split = 'pr_info("cannot read "\n\t\t"the sector "\n\n\n\t\t"table of %s\\n");\n'
    scratch.commit("first", {"a.c": f"void f(void)\n{{\n\t{split}}}\n"})
    scratch.git("checkout", "-q", "-b", "side")
    scratch.commit("side", {"a.c": f"void f(void)\n{{\n\t{split.replace('table', 'list')}}}\n"})
    scratch.git("checkout", "-q", "master")
    scratch.commit("main", {"a.c": f"void f(void)\n{{\n\t{split.replace('read', 'write')}}}\n"})
    scratch.merge("side")
    found = tell(scratch.root, "a.c", "cannot write")
    assert found.last_changed.subject == "main"
    assert found.introduced.subject == "main"
    assert found.origin.subject == "first"


def test_octopus_and_criss_cross_merges(scratch):
    first = scratch.commit("first", {"a.c": call(TEXT), "x.c": "1\n"})
    for name in ("one", "two", "three"):
        scratch.git("checkout", "-q", "-b", name, first)
        scratch.commit(name, {f"{name}.c": call(f"{name} says something new"), "b.c": f"{name}\n"})
        scratch.commit(f"{name} again", {"b.c": "same\n"})
    scratch.git("checkout", "-q", "master")
    scratch.merge("one", "two", "three", message="octopus", resolve={"a.c": call(TEXT, indent=3)})
    scratch.git("checkout", "-q", "-b", "left")
    left = scratch.commit("left", {"left.c": call("left of the middle")})
    scratch.git("checkout", "-q", "-b", "right", "master")
    right = scratch.commit("right", {"right.c": call("right of the middle")})
    scratch.merge(left)
    scratch.git("checkout", "-q", "left")
    scratch.merge(right)
    scratch.git("checkout", "-q", "master")
    scratch.merge("left", "right", message="criss-cross")
    assert tell(scratch.root, "a.c", TEXT).introduced.commit == first
    assert tell(scratch.root, "left.c", "left of").introduced.commit == left
    assert tell(scratch.root, "two.c", "two says").introduced.subject == "two"


def test_an_edited_file(scratch):
    first = scratch.commit("first", {"a.c": call(TEXT, macro="printk") + call("second thing to say", "other")})
    second = scratch.commit("second", {"a.c": call(TEXT) + call("second thing to say", "other")})
    scratch.write({"a.c": "int new;\n" + call(TEXT) + call("not committed yet", "other")})
    snapshot = open_snapshot(scratch.root)
    requests = [request(snapshot, "a.c", part) for part in (TEXT, "not committed yet")]
    kept, new = History(snapshot, cache=MemoryCache()).trace(requests)
    assert (kept.last_changed.commit, kept.introduced.commit) == (second, first)
    assert (new.status, new.note, new.introduced) == ("blame-only", NOT_COMMITTED, None)


def test_a_shallow_clone_ends_where_it_is_cut(scratch, tmp_path):
    scratch.commit("first", {"a.c": call(TEXT, macro="printk")})
    second = scratch.commit("second", {"a.c": call(TEXT)})
    scratch.commit("third", {"b.c": ""})
    scratch.git("clone", "-q", "--depth=2", f"file://{scratch.root}", str(tmp_path / "shallow"))
    found = tell(tmp_path / "shallow", "a.c", TEXT)
    assert found.introduced.commit == second
    assert found.note == f"Present at or before {second[:12]}, where this history begins."


def test_without_following(linux_mini):
    found = tell(linux_mini, "net/core/datagram.c", "hw csum failure", rev="master", follow=False)
    assert (found.status, found.introduced, found.origin, found.events) == ("blame-only", None, None, ())
    assert found.last_changed.subject == "net: report checksum faults where they are found"


def test_many_at_once_are_the_same_as_one_by_one(linux_mini):
    snapshot = open_snapshot(linux_mini, "master")
    requests = [request(snapshot, *place) for place in STORIES]
    together = History(snapshot).trace([*requests, *requests])
    alone = [History(snapshot).trace([one])[0] for one in requests]
    assert together == alone * 2


def test_answers_are_kept(linux_mini, monkeypatch):
    snapshot = open_snapshot(linux_mini, "master")
    requests = [request(snapshot, *place) for place in STORIES]
    cache = MemoryCache()
    first = History(snapshot, cache=cache).trace(requests)
    monkeypatch.setattr(blame_and_follow, "blame", None)
    assert History(snapshot, cache=cache).trace(requests) == first
    for name in cache:
        cache[name] = b"\xc1damaged"
    monkeypatch.setattr(blame_and_follow, "blame", blame_module.blame)
    assert History(snapshot, cache=cache).trace(requests) == first


def test_a_blame_without_a_text_is_kept_and_is_no_story(scratch, monkeypatch):
    scratch.commit("first", {"a.c": call(TEXT)})
    snapshot = open_snapshot(scratch.root, "HEAD")
    with_text = request(snapshot, "a.c", TEXT)
    without = Request(replace(with_text.message, text_lines=()))
    cache = MemoryCache()
    alone = History(snapshot, cache=cache).trace([without])
    assert [found.status for found in alone] == ["blame-only"]
    with monkeypatch.context() as patch:
        patch.setattr(blame_and_follow, "blame", None)
        assert History(snapshot, cache=cache).trace([without]) == alone
    assert [found.status for found in History(snapshot, cache=cache).trace([with_text])] == ["traced"]
    monkeypatch.setattr(blame_and_follow, "blame", None)
    assert History(snapshot, cache=cache).trace([without]) == alone


def test_a_commit_graph_changes_nothing(linux_mini, tmp_path, git):
    snapshot = open_snapshot(linux_mini, "master")
    requests = [request(snapshot, *place) for place in STORIES]
    git(tmp_path, "clone", "-q", str(linux_mini), "copy")
    git(tmp_path / "copy", "commit-graph", "write", "--reachable", "--changed-paths")
    assert History(open_snapshot(tmp_path / "copy", "master")).trace(requests) == History(snapshot).trace(requests)


def test_an_evil_merge_brings_a_message_of_its_own(scratch):
    scratch.commit("first", {"a.c": call(TEXT), "b.c": ""})
    scratch.git("checkout", "-q", "-b", "side")
    scratch.commit("side", {"b.c": call("said by the side alone", "side")})
    scratch.git("checkout", "-q", "master")
    scratch.commit("main", {"c.c": ""})
    merge = scratch.merge("side", resolve={"a.c": call(TEXT) + call("what neither parent says", "merge")})
    found = tell(scratch.root, "a.c", "neither parent")
    assert found.last_changed.commit == found.introduced.commit == found.origin.commit == merge
    assert tell(scratch.root, "a.c", TEXT).introduced.subject == "first"
    assert tell(scratch.root, "b.c", "side alone").introduced.subject == "side"


def test_an_evil_merge_moves_a_message_that_one_side_brought(scratch):
    scratch.commit("first", {"a.c": call("something else"), "b.c": ""})
    scratch.git("checkout", "-q", "-b", "side")
    side = scratch.commit("side", {"a.c": call("something else") + call(TEXT, "side")})
    scratch.git("checkout", "-q", "master")
    scratch.commit("main", {"c.c": ""})
    merge = scratch.merge("side", resolve={"a.c": call("something else"), "b.c": call(TEXT, "side")})
    found = tell(scratch.root, "b.c", TEXT)
    assert (found.last_changed.commit, found.introduced.commit) == (merge, side)
    assert [(event.kind, event.commit) for event in found.events] == [("introduced", side), ("moved", merge)]


def test_of_two_sides_the_one_whose_wording_the_merge_took_is_followed(scratch):
    scratch.commit("first", {"a.c": call(TEXT)})
    scratch.git("checkout", "-q", "-b", "side")
    side = scratch.commit("side", {"a.c": call("cannot read the sector table of %s")})
    scratch.git("checkout", "-q", "master")
    scratch.commit("main", {"a.c": call("cannot read the table of sectors")})
    scratch.merge("side", resolve={"a.c": call("cannot read the sector table of %s", indent=2)})
    found = tell(scratch.root, "a.c", "table of %s")
    assert found.introduced.commit == side
    assert found.origin.subject == "first"


def test_the_upstream_of_a_backport_that_brought_a_message(scratch):
    scratch.commit("first", {"a.c": ""})
    scratch.git("tag", "v6.1")
    scratch.git("branch", "linux-6.1.y")
    upstream = scratch.commit("say more", {"a.c": call(TEXT)})
    scratch.git("tag", "v6.4")
    scratch.git("checkout", "-q", "linux-6.1.y")
    backport = scratch.commit(f"say more\n\ncommit {upstream} upstream.", {"a.c": call(TEXT)})
    scratch.git("tag", "v6.1.30")
    change = tell(scratch.root, "a.c", TEXT).introduced
    assert (change.commit, change.release.first_release) == (backport, "v6.1.30")
    assert (change.upstream.commit, change.upstream.release.first_release) == (upstream, "v6.4")


def test_what_was_kept_is_told_anew_when_blame_or_the_history_changes(scratch):
    first = scratch.commit("first", {"a.c": call(TEXT)})
    noise = scratch.commit("reindent", {"a.c": call(TEXT, indent=2)})
    cache = MemoryCache()
    assert tell(scratch.root, "a.c", TEXT, cache=cache).last_changed.commit == noise
    (scratch.root / ".git-ignored").write_text(f"{noise}\n")
    scratch.git("config", "blame.ignoreRevsFile", ".git-ignored")
    assert tell(scratch.root, "a.c", TEXT, cache=cache).last_changed.commit == first
    (scratch.root / ".git-ignored").write_text("")
    assert tell(scratch.root, "a.c", TEXT, cache=cache).last_changed.commit == noise
    assert tell(scratch.root, "a.c", TEXT, cache=cache).introduced.commit == first
    scratch.git("replace", "--graft", noise)
    found = tell(scratch.root, "a.c", TEXT, cache=cache)
    assert found.introduced.commit == noise
    assert found.note == f"Present at or before {noise[:12]}, where this history begins."
