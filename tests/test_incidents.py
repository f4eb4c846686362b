"""Lines of a log that belong together become one incident, with a title in plain words."""

import json

import pytest
from msgspec.structs import replace

from commandline import ksrcfind
from ksrcfind.incidents.collect import INCIDENTS_KEPT, LINES_KEPT, NAMES_KEPT, Collector
from ksrcfind.incidents.kinds import device_of, disks_of, link_of
from ksrcfind.incidents.record import Seen
from ksrcfind.incidents.title import Facts, entry_of, title_of, words
from ksrcfind.log.events import group_events
from ksrcfind.log.records import rows_of_text
from ksrcfind.match.answer import Answer, Match, Reason, Tier
from ksrcfind.source.message import Form
from test_knowledge import message

NOTHING = Answer("none", Reason("nothing_alike", "Nothing is alike."), (), 0)


def seen(text, level="err", boot=1, source="kern.log"):
    """The lines of a log as the collector sees them; `level` is that of all lines."""
    for row, event in group_events(rows_of_text(text, source)):
        yield Seen(row.source, row.line, event, boot, row.log, level, NOTHING, None)


def incidents(text, level="err"):
    collector = Collector()
    for line in seen(text, level):
        collector.add(line)
    return list(collector.incidents())


DISK = """\
[  100.000000] ata1.00: failed command: READ DMA
[  100.100000] sd 0:0:0:0: [sda] tag#0 FAILED Result: hostbyte=DID_OK driverbyte=DRIVER_OK
[  100.200000] blk_update_request: I/O error, dev sda, sector 2048
[  100.300000] Buffer I/O error on dev sda1, logical block 0, async page read
[  100.900000] EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0
[  101.000000] EXT4-fs (sda1): Remounting filesystem read-only
[  500.000000] blk_update_request: I/O error, dev sdb, sector 2048
"""


def test_the_errors_of_a_disk_and_the_reaction_of_its_file_system_are_one_incident():
    first, second = incidents(DISK)
    assert first.title == "I/O errors on sda, then ext4 went read-only"
    assert (first.severity, first.device, first.count, first.lines) == ("crit", "sda", 6, (1, 2, 3, 4, 5, 6))
    assert (second.title, second.lines) == ("I/O errors on sdb", (7,))


def test_a_failure_leads_the_incident_of_a_disk():
    lines = (
        "XFS (loop0): DAX unsupported by block device. Turning off DAX.\n",
        'XFS (loop0): metadata I/O error in "f"\n',
    )
    for order in (lines, lines[::-1]):
        [found] = incidents("".join(f"[    {n}.000000] {line}" for n, line in enumerate(order)), "alert")
        assert "I/O error" in found.lead.log.body


def test_a_panic_behind_thousands_of_single_warnings_is_an_incident():
    warnings = "".join(f"[{n * 60:6}.000000] vendor{n}: odd thing {n}\n" for n in range(INCIDENTS_KEPT + 50))
    rows = list(seen(warnings, "warn"))
    rows += seen("[999999.000000] Kernel panic - not syncing: Fatal exception\n", "emerg")
    collector = Collector()
    for row in rows:
        collector.add(row)
    assert [found.title for found in collector.incidents()] == ["Kernel panic - not syncing: Fatal exception"]


def test_the_same_report_a_day_later_is_another_incident():
    text = "[{}.000000] BUG: KASAN: slab-out-of-bounds in {}+0x10/0x20\n"
    found = incidents(text.format(10, "foo") + text.format(90000, "bar"))
    assert [one.count for one in found] == [1, 1]


def test_names_that_a_log_invents_are_forgotten():
    collector = Collector()
    for line in seen("".join(f"a{n}: I/O error, dev sda, sector 1\n" for n in range(NAMES_KEPT + 500))):
        collector.add(line)
    assert len(collector._last) <= NAMES_KEPT + 5
    assert [found.count for found in collector.incidents()] == [NAMES_KEPT + 500]


def test_a_file_system_without_a_name_has_a_title():
    [found] = incidents("[    1.000000] sd 0:0:0:0: [sda] I/O error, remounting read-only\n")
    assert "None" not in found.title


LINK = """\
[ 10.0] e1000e 0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps
[ 20.0] e1000e 0000:00:1f.6 eno1: NIC Link is Down
[ 25.0] e1000e 0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps
[ 30.0] e1000e 0000:00:1f.6 eno1: NIC Link is Down
[ 35.0] e1000e 0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps
[ 40.0] e1000e 0000:00:1f.6 eno1: NIC Link is Down
[ 41.0] eth1: link down
""".replace(".0]", ".000000]")


def test_a_flapping_link_is_an_incident_also_at_level_info():
    [flapping] = incidents(LINK, "info")
    assert (flapping.title, flapping.kind) == ("Link of eno1 went down 3 times", "link")
    assert flapping.lines == (2, 3, 4, 5, 6)


def test_a_link_that_went_down_once_is_one_only_as_a_warning():
    down = "[   20.000000] eth1: link down\n"
    assert incidents(down, "info") == []
    assert [found.title for found in incidents(down, "warn")] == ["Link of eth1 went down"]


MEMORY = """\
[    7.000000] nginx invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[    7.000001] CPU: 1 PID: 4711 Comm: nginx Not tainted 6.1.0 #1
[    7.000002] Call Trace:
[    7.000003]  dump_header+0x4a/0x1b0
[    7.000004] Mem-Info:
[    7.100000] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task_memcg=/a,task=mysqld,pid=12,uid=0
[    7.100001] Memory cgroup out of memory: Killed process 12 (mysqld) total-vm:1kB, anon-rss:1kB
"""


def test_out_of_memory_names_the_victim():
    [found] = incidents(MEMORY)
    assert found.title == "Out of memory in a control group: the kernel killed mysqld"
    assert found.task == "mysqld:12"
    assert found.lines == tuple(range(1, 8))


OOPS = """\
[    1.000000] assertion failed: a == b, in fs/acme/tree.c:10
[    1.000001] ------------[ cut here ]------------
[    1.000002] kernel BUG at fs/acme/tree.h:37!
[    1.000003] invalid opcode: 0000 [#1] SMP
[    1.000004] CPU: 1 PID: 9 Comm: mount Not tainted 6.1.0 #1
[    1.000005] RIP: 0010:acme_fail+0x1/0x2 [acme]
[    1.000006] Call Trace:
[    1.000007]  acme_mount+0x1/0x2 [acme]
[    1.000008] ---[ end trace 0000000000000000 ]---
[    1.000009] Kernel panic - not syncing: Fatal exception
"""


def test_a_report_has_its_assertion_its_stack_and_its_panic():
    [found] = incidents(OOPS)
    assert found.title == "kernel BUG at fs/acme/tree.h:37; the kernel panicked"
    assert (found.severity, found.task) == ("emerg", "mount:9")
    assert {1, 3, 6, 8} <= set(found.lines)
    assert [frame.function for frame in found.frames] == ["acme_fail", "acme_mount"]


def test_the_wording_of_a_healthy_log_is_no_incident():
    assert incidents("[    1.000000] eth0: link up\n[    2.000000] systemd[1]: Started.\n", "info") == []
    assert incidents("[    1.000000] reboot: Power down\n", "emerg") == []
    assert incidents("[    1.000000] acme: a single warning\n", "warn") == []


def test_a_storm_of_one_warning_is_an_incident():
    text = "".join(f"[{number:5}.000000] acme 0000:01:00.0: queue full\n" for number in range(1, 31))
    [storm] = incidents(text, "warn")
    assert (storm.count, storm.title) == (30, "acme 0000:01:00.0: queue full")


def test_an_incident_of_a_later_boot_is_new_or_known():
    collector = Collector()
    for boot, text in (
        (1, "[ 1.000000] acme: it broke\n"),
        (2, "[ 1.000000] acme: it broke\n[ 9.000000] other: bad\n"),
    ):
        for line in seen(text, boot=boot):
            collector.add(line)
    found = {(each.boot, each.title): each.new_in_boot for each in collector.incidents()}
    assert found == {(1, "acme: it broke"): None, (2, "acme: it broke"): False, (2, "other: bad"): True}


def test_logs_do_not_share_incidents():
    collector = Collector()
    for source in ("a.log", "b.log"):
        for line in seen("[ 1.000000] blk_update_request: I/O error, dev sda, sector 1\n", source=source):
            collector.add(line)
    assert [found.first.source for found in collector.incidents()] == ["a.log", "b.log"]


def test_memory_is_bounded():
    collector = Collector()
    for line in seen(
        "".join(f"[{number}.000000] part{number}: it broke\n" for number in range(1, INCIDENTS_KEPT + 100))
    ):
        collector.add(line)
    assert len(list(collector.incidents())) == INCIDENTS_KEPT
    assert collector.omitted == 99
    [one] = incidents("".join(f"[ 1.{number:06}] I/O error, dev sda, sector 1\n" for number in range(500)))
    assert (one.count, len(one.lines)) == (500, LINES_KEPT)


@pytest.mark.parametrize(
    ("body", "disks"),
    [
        ("EXT4-fs (sda1): warning", ["sda"]),
        ("nvme0n1p2: I/O error", ["nvme0n1", "nvme0"]),
        ("sd 0:0:0:0: [sdb] FAILED", ["sdb", "0:0:0:0"]),
        ("Aborting journal on device dm-0-8.", ["dm-0"]),
        ("I/O error, dev mtdblock5, sector 1", ["mtdblock5"]),
        ("sdhci: nothing", []),
    ],
)
def test_a_partition_is_its_disk(body, disks):
    assert [name for _, name in disks_of(body)] == disks


def test_the_device_and_the_link_in_front_of_a_message():
    assert device_of("xhci_hcd 0000:3b:00.0: it died") == "xhci_hcd 0000:3b:00.0"
    assert device_of("nothing here") is None
    assert link_of("IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready") == "eth0"
    assert link_of("mini_eth 0000:02:00.0: port 1: link is down") == "mini_eth 0000:02:00.0: port 1"
    assert link_of("NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out") == "eth0"


BROKEN = b"<3>[    1.000000] minidisk1: cannot read sector 781440, error -5\n"


@pytest.fixture
def batch(linux_mini):
    def run(*arguments, stdin=BROKEN):
        return ksrcfind("batch", *arguments, "-", stdin=stdin, directory=linux_mini)

    return run


def test_the_worst_incident_is_in_the_first_line(batch):
    done = batch()
    assert done.out.splitlines()[0] == "err    I/O errors on minidisk1"
    assert "--all lists everything." in done.out.splitlines()[-1]
    assert "x minidisk1: cannot read" in batch("--all").out


def test_a_healthy_log_says_so_in_one_line(batch):
    [line] = batch(stdin=b"<6>[    1.000000] mini_disk: 2 disks found\n").out.splitlines()
    name = "dmesg from standard input, 1 line, against Linux v6.1"
    assert line == f"{name}. No incident in 1 kernel line: 1 message; --all lists everything."


def test_an_empty_log_has_no_kernel_message(batch):
    name = "log from standard input, 0 lines, against Linux v6.1"
    assert batch(stdin=b"").out == f"{name}. No kernel message in 0 lines.\n"


@pytest.mark.parametrize(("level", "status"), [("err", 3), ("warning", 3), ("crit", 0)])
@pytest.mark.parametrize("form", ["text", "json", "ndjson"])
def test_fail_on_ends_with_status_3_at_a_level_or_above(batch, level, status, form):
    assert batch("--fail-on", level, "--format", form).status == status


def test_a_wrong_level_is_an_error(batch):
    assert batch("--fail-on", "loud").status == 2


def test_names_in_a_log_cannot_control_the_terminal(batch):
    hostile = b"<3>[    1.000000] mini\x1b[31m 0000:01:00.0\x9b: it \x07broke\n<3>[ 2.000000] evil\x1b]0;x\x07: no\n"
    done = batch(stdin=hostile)
    assert not set(done.out) & {"\x1b", "\x07", "\x9b"}


def test_the_summary_has_the_incidents(batch):
    summary = json.loads(batch("--format", "json").out)["summary"]
    [found] = summary["incidents"]
    assert (found["title"], found["device"], found["lines"]) == ("I/O errors on minidisk1", "minidisk1", [1])
    assert found["about"]["path"].endswith(".c")
    assert found["about"]["subsystem"]


def test_the_report_begins_with_the_incidents_and_folds_the_statistics(batch):
    page = batch("--format", "html").out
    order = [page.index(part) for part in ("I/O errors on minidisk1", 'id="messages"', '<details class="statistics">')]
    assert order == sorted(order)
    assert "<details open" not in page


def matched(tier):
    """Return a line about connection tracking that is answered with a match of this tier."""
    text = "nf_conntrack: table full, dropping packet"
    path, function = "net/netfilter/nf_conntrack_core.c", "__nf_conntrack_alloc"
    match = Match(tier, 0.9, 0.9, message(path, function, text), Form(text, ()), ())
    [line] = seen(text, "warn")
    return replace(line, answer=Answer(tier, None, (match,), 0))


def test_the_knowledge_base_gives_the_title_of_a_message_that_is_sure():
    line, similar = matched(Tier.EXACT), matched(Tier.FUZZY)
    known = entry_of(line.answer).title
    assert title_of(line, "message", None, None, 1, Facts(), ()) == known
    assert title_of(line, "message", "eth0", None, 1, Facts(), ()) == f"{known}: eth0"
    assert title_of(similar, "message", None, None, 1, Facts(), ()) == words(similar.log.body)
