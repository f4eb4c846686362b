"""Rows that belong together are found to."""

from pathlib import Path

import pytest

from ksrcfind.log.events import MOST_AHEAD, MOST_CONTEXTS, MOST_STRANGERS, Boots, _Grouper, group_events
from ksrcfind.log.records import rows_of_text
from ksrcfind.log.report import (
    RowKind,
    banner_version,
    faulted_at,
    is_headline,
    is_module_row,
    is_part,
    is_report_row,
    row_kind,
    suppressed,
)

SAMPLES = Path(__file__).parent / "log_samples"

# Rows as the architectures print them, shortened where their length says nothing.
STACK = [
    " do_walk_down.cold+0x5d/0x5d [btrfs 46f3e05e5edf89c8cf34ef7fd37a0f9da126f980]",
    " ? legacy_parse_param+0x27/0x230",
    " clean_dirty_subvols+0xd0/0x120 [btrfs]",
    "  dump_backtrace.part.0+0xe8/0xf4",
    "[c00000003ae5b860] [c00000000016ab98] panic+0x1cc/0x534",
    "[c00000003ae5b860] [c00000000016ab98] panic+0x1cc/0x534 (unreliable)",
    " [<ffffffff81069be1>] __schedule+0x2eb/0x740",
    " [<ffffffff81069be1>] ? __schedule+0x2eb/0x740",
    "[<c010cd90>] (unwind_backtrace) from [<c0108b44>] (show_stack+0x10/0x14)",
    " unwind_backtrace from show_stack+0x10/0x14",
    " kasan_save_stack+0x1c/0x40 mm/kasan/common.c:45",
    " __dump_stack lib/dump_stack.c:88 [inline]",
    " 0xffffffffc0123456",
    "    [<ffff800010123456>] 0xffff800010123456",
]
REGISTERS = [
    "RAX: 0000000000000073 RBX: ffff8d71d5aa4f00 RCX: 0000000000000000",
    "RSP: 0018:ffffa86183567930 EFLAGS: 00010246",
    "RSP: 002b:00007ffc94663748 EFLAGS: 00000246 ORIG_RAX: 000000000000013e",
    "FS:  00007f7b256c1840(0000) GS:ffff8d72c2a00000(0000) knlGS:0000000000000000",
    "CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033",
    "CR2: 0000000000000038 CR3: 0000000062dd8000 CR4: 00000000000006e0",
    "EAX: 00000000 EBX: c1a2b3c4 ECX: 00000001 EDX: 00000000",
    "PKRU: 55555554",
    "pc : dump_backtrace.part.0+0xe8/0xf4",
    "lr : show_stack+0x20/0x40 [mod]",
    "sp : ffff80000a9bbb60",
    "x29: ffff80000a9bbb60 x28: 0000000000000000 x27: ffff000000000000",
    "x8 : 0000000000000000",
    "pstate: 60000005 (nZCv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--)",
    "epc : ffffffff80008a3c ra : ffffffff80008a30 sp : ff2000000060bd40",
    " gp : ffffffff81a1b2c8 tp : ff60000001234567 t0 : 0000000000000000",
    "status: 0000000200000120 badaddr: 0000000000000000 cause: 000000000000000d",
    "pc : [<c010cd90>]    lr : [<c0108b44>]    psr: 60000013",
    "r10: 00000000  r9 : c1a2b3c4  r8 : 00000001",
    "GPR00: c000000000123456 c00000003ae5b860 c000000001a2b3c4 0000000000000001 ",
    "NIP:  c00000000016ab98 LR: c00000000016ab94 CTR: c000000000123456",
    "MSR:  8000000000029033 <SF,EE,ME,IR,DR,RI,LE>  CR: 28002222  XER: 20040000",
    "$ 0   : 00000000 10000400 80a1b2c4 00000001",
    "           0000000000000001 0000000000000002 0000000000000003 0000000000000004",
]
DUMPS = [
    "00000000: 45 00 00 54 00 00 40 00 40 01 00 00 7f 00 00 01  E..T..@.@.......",
    "00000010: 01 02",
    "foo: 00000020: 45 00 00 54 00 00 40 00 40 01 00 00 7f 00 00 01",
    "ll header: 00000000: ff ff ff ff ff ff 00 0c 29 80 ca 64 08 00",
    "0000000012345678: deadbeef cafebabe 00000001 00000002  ................",
    "xfs: 00000000: 4946 81a4 0301 0000  IF......",
    ">ffff88801b7b5f00: fb fb fb fb fc fc fc fc fc fc fc fc fc fc fc fc",
    " ffff88801b7b5e80: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
    "                                  ^",
    "Object   ffff8880123456f0: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b a5  kkkkkkkkkkkkkkk.",
    "\t00 ff ff ff ff ff ff 00 10 ac 2f a0 53 30 33 31",
]
CODE = [
    "Code: e8 e8 f9 ff ff be 3a 06 00 00 48 c7 c7 <0f> 0b ba 26 12",
    "Code: 910003fd f9000bf3 aa0003f3 (f9400000)",
    "a.out[4321]: code: 60000000 60000000 <7d2903a6> 4e800420",
]
TASKS = [
    "txg_sync        D    0  3259      2 0x00000000",
    "kworker/0:1     D    0  1234      2 0x80000000",
    "kworker/0:1 D 0 1234 2 0x80000000",
    "swapper/0       S c0532a8c     0     1      0 0x00000000",
    "systemd         S ffffffff8104e2b0     0     1      0 0x00000000",
    "Web Content     D12345  4321   4300 0x00000082",
    "worker          D12800  6102   3860 0x30020000 115507005282",
]
WITH_WORDS = [
    "",
    "Call Trace:",
    "RIP: 0010:__might_sleep+0x13a/0x190",
    "Modules linked in: btrfs xor raid6_pq",
    "CPU: 1 PID: 5931 Comm: syz-executor235 Tainted: G        W          6.3.0-rc7 #0",
    "BUG: KASAN: slab-out-of-bounds in kmalloc_oob_right+0xac/0xc3 [test_kasan]",
    "softirqs last  enabled at (27194592): [<ffffffff89000eaf>] asm_call_irq_on_stack+0xf/0x20",
    " #0: ffff888035a0e0e8 (&type->s_umount_key#50){++++}-{3:3}, at: deactivate_super+0x96/0xd0",
    "WARNING: CPU: 4 PID: 6239 at fs/btrfs/block-rsv.c:117 btrfs_block_rsv_release.cold+0x4/0x33 [btrfs]",
    "---[ end trace 43ef301ad4cafb23 ]---",
    "usb 1-2: device descriptor read/64, error -71",
    "pci 0000:00:14.2: reg 0x10: [mem 0xfeb40000-0xfeb43fff 64bit]",
    '0x000000000000-0x000000010000 : "bootinfo"',
    "mmc0: sdhci: Caps:      0x00fa0000 | Caps_1:   0x0000af00",
    "ACPI: SSDT 0xFFFF8B71410C6800 000317 (v02 PmRef  ApHwp    00003000 INTL 20160527)",
    "pcpu-alloc: [0] 0 1",
    "DMAR: dmar0: reg_base_addr fed90000 ver 1:0 cap 1c0000c40660462 ecap 19e2ff0505e",
    "initcall foo+0x0/0x10 returned 0 after 12 usecs",
    "add beef cafe",
    # A running task, whose row has words; rows of ps, and values that look like one.
    "kworker/0:1     R  running task        0  1234      2 0x80000000",
    "root      1234  0.0  0.0      0     0 ?        D    02:06   0:00 [kworker/0:1]",
    "1 D     0  1234     2  0  80   0 -     0 -      02:06 ?        00:00:00 kworker/0:1",
    "foo: mode D 0 1 2 3",
    "state D 0x00000000",
    "00:04: ttyS0 at I/O 0x3f8",
]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        *((body, RowKind.STACK) for body in STACK),
        *((body, RowKind.REGISTERS) for body in REGISTERS),
        *((body, RowKind.DUMP) for body in DUMPS),
        *((body, RowKind.CODE) for body in CODE),
        *((body, RowKind.TASK) for body in TASKS),
        *((body, None) for body in WITH_WORDS),
    ],
)
def test_row_kind(body, kind):
    assert row_kind(body) == kind
    if kind is not None:
        assert is_report_row(body)
        assert not is_headline(body)


def test_the_list_of_tasks_of_older_kernels():
    rows = ["sysrq: Show State", "  task                        PC stack   pid father", TASKS[0], " schedule+0x1/0x2"]
    assert events("\n".join(rows)) == [None, 1, 1, 1]
    assert not is_report_row("task foo: PC stack pid father")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # print_kernel_ident() and print_lock() of lockdep, without the words around them.
        ("6.15.0-rc7-dirty #2 Not tainted", True),
        ("4.15.0+ #221 Not tainted", True),
        ("5.15.0-86-generic #96~20.04.1-Ubuntu Tainted: P           OE", True),
        ("ffff888106a71958 (&q->elevator_lock){+.+.}-{4:4}, at: foo+0x1/0x2", True),
        ("00000000abcd1234 (console_lock){+.+.}, at: foo+0x1/0x2", True),
        ("6.15.0-rc7 #2 SMP PREEMPT_DYNAMIC", False),
        ("driver 6.15.0 #2 Not tainted", False),
        ("ffff888106a71958 (foo) {1}", False),
    ],
)
def test_rows_of_lockdep(body, expected):
    assert is_report_row(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("em28xx_alsa em28xx elo elan_i2c ehset ehci_pci ehci_hcd efs efi_pstore", True),
        (" dib7000m dib3000mc dibx000_common(O) dib3000mb dib0090 dib0070 diag(PO+) tipc [last unloaded: foo]", True),
        ("no driver of this tree has all of these words", False),
        ("em28xx_alsa em28xx elo", False),
        ("i2c i2c-1: id_a id_b id_c id_d id_e id_f id_g", False),
    ],
)
def test_a_list_of_modules_without_its_beginning(body, expected):
    assert is_module_row(body) == expected


@pytest.mark.parametrize("killed", ["Killed process 4242 (java)", "Out of memory: Killed process 4242 (java)"])
def test_the_message_of_a_kill_ends_the_report_and_is_no_part_of_it(killed):
    assert events(f"java invoked oom-killer: gfp_mask=0x201da\nMem-Info:\n{killed}\nusb 1-1: new") == [None, 1, 1, None]
    assert not is_part(killed)


def events(text):
    """The line of the headline for each line of a log."""
    return [event for _, event in group_events(rows_of_text(text))]


def log(*bodies, caller=""):
    return "".join(f"[  100.{number:06d}]{caller} {body}\n" for number, body in enumerate(bodies))


WARNING = [
    "------------[ cut here ]------------",
    "refcount_t: underflow; use-after-free.",
    "WARNING: CPU: 0 PID: 1 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110",
    "Modules linked in: btrfs",
    "CPU: 0 PID: 1 Comm: init Not tainted 6.1.0 #1",
    "Hardware name: QEMU",
    "RIP: 0010:refcount_warn_saturate+0xba/0x110",
    "Code: 00 c3 66 2e 0f 1f 84 00",
    "RSP: 0018:ffffa667c016fe48 EFLAGS: 00010246",
    "RAX: 0000000000001000 RBX: 0000565192a027e0 RCX: 0000000000000001",
    "Call Trace:",
    " <TASK>",
    " do_syscall_64+0x57/0x190",
    " </TASK>",
    "---[ end trace 43ef301ad4cafb23 ]---",
]


def test_a_warning_is_one_event_from_its_cut_on():
    text = log("before", *WARNING, "usb 1-2: new device")
    assert events(text) == [None, 4, 4, None, *[4] * 12, None]


def test_an_oops_goes_on_behind_its_end():
    # x86 prints the registers once more: arch/x86/kernel/dumpstack.c, oops_end().
    body = [
        "BUG: kernel NULL pointer dereference, address: 0000000000000038",
        "#PF: supervisor read access",
        "Oops: 0000 [#1] SMP",
    ]
    rows = [
        *body,
        *WARNING[4:],
        "RIP: 0010:x+0x1/0x2",
        "CR2: 0000000000000038",
        "eth0: link is up",
        "eth0: up",
        "eth0: up",
        "eth0: up",
    ]
    found = events(log(*rows, "PKRU: 55555554"))
    own = len(body) + len(WARNING[4:]) + 2
    assert found == [None, *[1] * (own - 1), *[None] * 5]


def test_reports_of_two_cpus_are_told_apart_by_their_callers():
    text = ""
    for number, body in enumerate(WARNING):
        text += f"[  100.{number:06d}][  T111] {body}\n"
        text += f"[  100.{number:06d}][    C1] {body}\n"
        text += f"[  100.{number:06d}][  T333] usb {number}-1: something else\n"
    found = events(text)
    headline = WARNING.index("WARNING: CPU: 0 PID: 1 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110")
    for caller in (0, 1):
        line = 3 * headline + caller + 1
        assert found[caller::3] == [None if index == headline else line for index in range(len(WARNING))]
    assert set(found[2::3]) == {None}


def test_strangers_between_the_rows_are_left_out():
    rows = list(WARNING)
    rows.insert(6, "usb 1-2.4: New USB device found, idVendor=2560")
    found = events(log(*rows))
    assert found[6] is None
    assert found.count(None) == 2


def test_an_event_ends_when_other_messages_follow():
    head = WARNING[2:5]
    assert events(log(*head, *["eth0: link is up"] * (MOST_STRANGERS + 1), "Call Trace:"))[-1] != 1
    later = log(*head) + "[  200.000000] PKRU: 55555554\n"
    assert events(later) == [None, 1, 1, None]


KASAN = [
    "==================================================================",
    "BUG: KASAN: slab-out-of-bounds in kmalloc_oob_right+0xac/0xc3 [test_kasan]",
    "Read of size 1 at addr ffff88801b7b5f7b by task kunit_try_catch/131",
    "",
    "CPU: 1 PID: 131 Comm: kunit_try_catch Not tainted 6.1.0 #1",
    "Call Trace:",
    " kasan_report+0xad/0x130",
    "a line of the report that nobody knows",
    "Memory state around the buggy address:",
    ">ffff88801b7b5f00: fb fb fb fb fc fc fc fc fc fc fc fc fc fc fc fc",
    "                                                                ^",
    "==================================================================",
]


def test_a_report_between_rules_has_all_that_stands_between_them():
    found = events(log("before", *KASAN, "after"))
    assert found == [None, 3, None, 3, None, *[3] * 8, None]  # the empty row is nobody's


def test_a_rule_without_a_headline_is_an_ordinary_row():
    rows = ["=" * 55, "WARN: the mand mount option is deprecated", "and ignored", "=" * 55, "after", "more", "more"]
    assert events(log(*rows)) == [None] * len(rows)


def test_an_out_of_memory_report():
    rows = [
        "nginx invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0",
        "CPU: 0 PID: 1 Comm: nginx",
        "Mem-Info:",
        "active_anon:1 inactive_anon:2",
        "[  12345]     0 12345     1234      567    45056        0             0 nginx",
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null)",
        "Out of memory: Killed process 12345 (nginx) total-vm:216868kB",
        "oom_reaper: reaped process 12345 (nginx)",
    ]
    assert events(log(*rows)) == [None, *[1] * 6, None]


def test_a_stack_without_a_known_headline_belongs_to_the_message_before():
    rows = [
        "unchecked MSR access error: WRMSR to 0x38f",
        "Call Trace:",
        " <TASK>",
        " x86_pmu_enable+0x46a/0x5a0",
        "after",
    ]
    assert events(log("before", *rows)) == [None, None, 2, 2, 2, None]
    assert events("Call Trace:\n foo+0x1/0x2\n") == [None, 1]


def test_processes_have_no_part_in_events():
    text = log(*WARNING[2:6]) + "[  100.000004] systemd[1]: Call Trace:\n"
    assert events(text) == [None, 1, 1, 1, None]


def test_fragments_join_the_row_that_they_continue():
    text = (
        "6,1,100,c;CPU features: \n6,2,101,-;usb 1-2: between\n"
        "6,3,102,c,caller=T1;a\n6,4,103,c,caller=T2;x\n6,5,104,c,caller=T1;b\n6,6,105,c,caller=T2;y\n6,7,106,-,caller=T1;new\n"
    )
    assert events(text) == [None, None, None, None, 3, 4, None]


def test_further_lines_belong_where_their_first_line_does():
    text = log(*WARNING[2:4]) + " " * 14 + "  more modules\n[  100.000003] after\n"
    assert events(text) == [None, 1, 1, None]


def test_few_rows_are_held_back():
    taken = 0

    def rows():
        nonlocal taken
        for row in rows_of_text(log("=" * 60, *["eth0: up"] * 500)):
            taken += 1
            yield row

    for given, _ in enumerate(group_events(rows()), 1):
        assert taken - given <= MOST_AHEAD


def test_lines_that_are_never_ended_are_bounded():
    grouper = _Grouper()
    for row in rows_of_text("".join(f"6,{n},{n},c,caller=T{n};part of a line\n" for n in range(2 * MOST_CONTEXTS))):
        list(grouper.take(row))
    assert 0 < len(grouper.fragments) <= MOST_CONTEXTS
    (rest,) = rows_of_text(f"6,9999,9999,c,caller=T{2 * MOST_CONTEXTS - 1};the rest of the last one\n")
    assert [event for _, event in grouper.take(rest)] == [2 * MOST_CONTEXTS]


def test_order_and_number_of_rows_stay():
    for path in sorted(SAMPLES.glob("*.log")):
        rows = list(rows_of_text(path.read_bytes().decode("utf-8", "replace")))
        assert [row for row, _ in group_events(rows)] == rows
        boots = Boots()
        assert all(boots.of(row).line <= row.line for row in rows)


def test_suppressed_messages_are_counted():
    assert suppressed("__ext4_warning: 12 callbacks suppressed") == ("__ext4_warning", 12)
    assert suppressed("12 callbacks") is None


def test_banner():
    assert (
        banner_version("Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14)")
        == "6.1.0-13-amd64"
    )
    assert banner_version("Linux agpgart interface v0.103") is None


def boots(text):
    return [(boot.number, boot.line, boot.version) for boot in map(Boots().of, rows_of_text(text))]


BANNER = "[    0.000000] Linux version {} (x@y) #1 SMP\n"


def test_boots_by_banner_and_by_falling_uptime():
    text = (
        "[ 5000.000000] late\n" + BANNER.format("6.1.1") + "[    1.000000] a\n" * 6 + BANNER.format("6.1.2")
        + "[ 9000.000000] b\n[ 8999.000000] a little out of order\n[   12.000000] a boot without banner\n"
    )  # fmt: skip
    assert boots(text) == [
        (1, 1, None),
        *[(2, 2, "6.1.1")] * 7,
        *[(3, 9, "6.1.2")] * 3,
        (4, 12, None),
    ]


def test_boots_of_the_journal():
    line = '{{"MESSAGE":"{}","_BOOT_ID":"{}","_TRANSPORT":"kernel"}}\n'
    text = line.format("a", "1" * 32) + line.format("b", "1" * 32) + line.format("c", "2" * 32)
    assert [number for number, *_ in boots(text)] == [1, 1, 2]
    text = (
        "May 23 02:06:26 h kernel: a\n-- Boot " + "3" * 32 + " --\nMay 23 02:07:26 h kernel: Linux version 6.1.2 (x)\n"
    )
    assert boots(text) == [(1, 1, None), (2, 2, None), (2, 2, "6.1.2")]


def test_a_process_that_names_a_version_starts_no_boot():
    text = "May 23 02:06:26 h app[1]: Linux version 6.1.2 (x)\n" * 9
    assert {boot[0] for boot in boots(text)} == {1}
    assert boots(text)[0][2] is None


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("RIP: 0010:__kmalloc+0x1/0x2 [mod]", "__kmalloc+0x1/0x2 [mod]"),
        ("RIP: 0010:[<ffffffff8100a0b0>]  [<ffffffff8100a0b0>] native_safe_halt+0x6/0x10", "native_safe_halt+0x6/0x10"),
        ("EIP: foo+0x1/0x2", "foo+0x1/0x2"),
        ("pc : foo.isra.0+0x1/0x2", "foo.isra.0+0x1/0x2"),
        ("PC is at foo+0x1/0x2", "foo+0x1/0x2"),
        ("epc : foo+0x1/0x2", "foo+0x1/0x2"),
        ("NIP [c000000000123456] foo+0x1/0x2", "foo+0x1/0x2"),
        ("RIP: 0033:0x7f0000000000", None),
        (" foo+0x1/0x2", None),
        ("lr : foo+0x1/0x2", None),
    ],
)
def test_where_the_processor_was(row, place):
    assert faulted_at(row) == place


def events_of(text):
    """Line of the headline of each row with text."""
    return [event for row, event in group_events(rows_of_text(text)) if row.log.body]


OOM_REPORT = """\
java invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0
java cpuset=/ mems_allowed=0
memory+swap: usage 512000kB, limit 9007199254740988kB, failcnt 0
anon 1062739968
[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[   4242]     0  4242    26000    25000   245760        0             0 java
Out of memory: Kill process 4242 (java) score 900 or sacrifice child
Killed process 4242 (java) total-vm:104000kB, anon-rss:100000kB, file-rss:1000kB, shmem-rss:0kB
"""
KASAN_REPORT = """\
BUG: KASAN: slab-out-of-bounds in foo_write+0x1a/0x40 [foo]
Write of size 8 at addr ffff8880123456c0 by task insmod/123
freed 192-byte region [ffff888012345600, ffff8880123456c0)
page_type: 0xffffffff()
memcg:ffff888001041a01
"""
LOCKDEP_REPORT = """\
WARNING: possible circular locking dependency detected
syz-executor/123 is trying to acquire lock:
Showing all locks held in the system:
"""
STALL_REPORT = """\
[  300.000001][    C1] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
[  300.000002][    C1] Sending NMI from CPU 1 to CPUs 0:
[  300.000003][    C0] NMI backtrace for cpu 0
[  300.000004][    C0] RIP: 0010:spin_it+0x1/0x10 [spin]
[  300.000005][    C1] rcu: rcu_preempt kthread starved for 21002 jiffies!
[  300.000006][    C1] rcu: RCU grace-period kthread stack dump:
"""


@pytest.mark.parametrize(
    "report", [OOM_REPORT, KASAN_REPORT, LOCKDEP_REPORT, STALL_REPORT], ids=["oom", "kasan", "lockdep", "rcu stall"]
)
def test_all_rows_belong_to_the_headline(report):
    first, *others = events_of(report)
    assert (first, set(others)) == (None, {1})


def test_two_hung_tasks_are_two_events():
    hung = "INFO: task a:1 blocked for more than 120 seconds.\n      Not tainted 6.1.0 #1\n"
    assert events_of(hung * 2) == [None, 1, None, 3]


def test_the_backtrace_of_a_cpu_that_nobody_asked_stands_alone():
    rows = STALL_REPORT.splitlines(keepends=True)
    assert events_of("".join(rows[:1] + rows[2:3])) == [None, None]


# Rows of reports as kernels 4.x to 6.x print them; the second of each kind is the older one.
HUNG = [
    "INFO: task worker:101 blocked for more than 120 seconds.",
    "      Tainted: G        W          6.1.0 #1",
    '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
    "task:worker          state:D stack:26848 pid:101   ppid:2      flags:0x00004000",
    "Workqueue: writeback wb_workfn (flush-8:1)",
    "Call Trace:",
    " <TASK>",
    " __schedule+0x1/0x2",
    "Showing all locks held in the system:",
    "1 lock held by worker/101:",
    " #0: ffff888012345678 (&a->lock){+.+.}-{3:3}, at: worker_fn+0x1/0x2",
    "=============================================",
    "NMI backtrace for cpu 1",
    "CPU: 1 PID: 27 Comm: khungtaskd Not tainted 6.1.0 #1",
    "Sending NMI from CPU 1 to CPUs 0:",
    "NMI backtrace for cpu 0 skipped: idling at default_idle+0x1/0x2",
    "Kernel panic - not syncing: hung_task: blocked tasks",
    "CPU: 1 PID: 27 Comm: khungtaskd Not tainted 6.1.0 #1",
    "Kernel Offset: disabled",
    "Rebooting in 86400 seconds..",
]
HUNG_OLD = [
    "INFO: task worker:101 blocked for more than 120 seconds.",
    "      Not tainted 4.19.0+ #7",
    '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
    "worker          D29880   101      2 0x00000004",
    "Call Trace:",
    " schedule+0x77/0x1a0",
]
STALL = [
    "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
    "rcu: \t1-...!: (0 ticks this GP) idle=cf8/0/0x0 softirq=20/20 fqs=0",
    "\t(detected by 0, t=38227 jiffies, g=-1127, q=10)",
    "Sending NMI from CPU 0 to CPUs 1:",
    "NMI backtrace for cpu 1 skipped: idling at default_idle+0x1e/0x130",
    "rcu: RCU grace-period kthread stack dump:",
    "task:rcu_sched       state:I stack:    0 pid:   13 ppid:     2 flags:0x00004000",
    "Kernel panic - not syncing: RCU Stall",
]
STALL_OLD = [
    "INFO: rcu_sched self-detected stall on CPU",
    "        1-...: (4 GPs behind) idle=aec/0/0 softirq=2209/2209 fqs=0",
    "All QSes seen, last rcu_sched kthread activity 5252 (4294991138-4294866124), jiffies_till_next_fqs=3",
    "worker          R  running task    21280   101      2 0x00000008",
    "rcu_sched kthread starved for 5252 jiffies! g133525 c133524 f0x0 RCU_GP_WAIT_FQS(3) ->state=0x402 ->cpu=3",
    "RCU grace-period kthread stack dump:",
    "rcu_sched       I    0     9      2 0x80000000",
]
LOCKUP = [
    "watchdog: BUG: soft lockup - CPU#3 stuck for 27s! [swapper/3:0]",
    "Modules linked in: " + " ".join(f"module_{number}" for number in range(100)),
    " more_module(O) even_more(PO+) last_of_them [last unloaded: another]",
    "irq event stamp: 92",
    "CPU: 3 PID: 0 Comm: swapper/3 Not tainted 6.1.0 #1",
    "RIP: 0010:spin+0x1/0x2",
    "Call Trace:",
    " spin+0x1/0x2",
    "Kernel panic - not syncing: softlockup: hung tasks",
    "CPU: 3 PID: 0 Comm: swapper/3 Tainted: G             L     6.1.0 #1",
    "Call Trace:",
    " dump_stack_lvl+0x47/0x60",
    "Shutting down cpus with NMI",
    "---[ end Kernel panic - not syncing: softlockup: hung tasks ]---",
]
OOPS = [
    "BUG: kernel NULL pointer dereference, address: 0000000000000078",
    "#PF: supervisor read access in kernel mode",
    "PGD 0 P4D 0",
    "Oops: 0000 [#1] PREEMPT SMP NOPTI",
    "CPU: 2 UID: 0 PID: 3166 Comm: a.out Not tainted 6.12.0 #1",
    "Tainted: [D]=DIE, [O]=OOT_MODULE",
    "RIP: 0010:foo+0x1/0x2 [bar]",
    "Call Trace:",
    " foo+0x1/0x2 [bar]",
    "---[ end trace 0000000000000000 ]---",
    "RIP: 0010:foo+0x1/0x2 [bar]",
    "RAX: 0000000000000000 RBX: ffff8882b9c06640 RCX: 000000000000d54c",
    "Kernel panic - not syncing: Fatal exception",
    "Kernel Offset: 0x1000000 from 0xffffffff81000000",
]
OOPS_ARM = [
    "8<--- cut here ---",
    "Unable to handle kernel NULL pointer dereference at virtual address 00000028",
    "pgd = 6f458410",
    "[00000028] *pgd=0d3e2831, *pte=00000000, *ppte=00000000",
    "Internal error: Oops: 17 [#1] ARM",
    "CPU: 0 PID: 101 Comm: a.out Not tainted 5.4.79+ #1",
    "PC is at foo+0x18/0x64",
    "Flags: nZCv  IRQs on  FIQs on  Mode SVC_32  ISA ARM  Segment user",
    "Control: 10c5387d  Table: 8a80006a  DAC: 00000051",
    "Register r0 information: NULL pointer",
    "Exception stack(0x826a7fb0 to 0x826a7ff8)",
    "7fa0:                                     00000000 00000000 00000000 00000000",
    "7fe0: 00000000 00000000 00000000 00000000 00000013 00000000",
    "[<80144e6c>] (kthread) from [<801000d4>] (ret_from_fork+0x14/0x20)",
    " r4:85e09e80",
]
LOCKS = [
    "======================================================",
    "WARNING: possible circular locking dependency detected",
    "6.1.0 #1 Not tainted",
    "------------------------------------------------------",
    "worker/101 is trying to acquire lock:",
    "ffff8b1654603e08 (&c->lock){++++}-{0:0}, at: foo+0x1/0x2 [bar]",
    "but task is already holding lock:",
    "stack backtrace:",
    "CPU: 3 PID: 101 Comm: worker Not tainted 6.1.0 #1",
    "Call Trace:",
    " foo+0x1/0x2",
]
KASAN_DECODED = [
    "==================================================================",
    "BUG: KASAN: slab-use-after-free in foo (fs/bar/foo.c:286)",
    "Read of size 8 at addr ffff88800853aa88 by task a.out/101",
    "CPU: 1 PID: 101 Comm: a.out Tainted: G                 N 6.5.0 #1",
    "Call Trace:",
    "dump_stack_lvl (lib/dump_stack.c:107)",
    "? foo (fs/bar/foo.c:286)",
    "Allocated by task 101:",
    "kasan_save_stack (mm/kasan/common.c:46)",
    "page_type: 0xffffffff()",
    "memcg:ffff888001041a01",
    "==================================================================",
    "Disabling lock debugging due to kernel taint",
    "Kernel panic - not syncing: KASAN: panic_on_warn set ...",
]
MEMCG = [
    "a.out invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    "CPU: 1 PID: 101 Comm: a.out Not tainted 6.1.0 #1",
    "memory: usage 102400kB, limit 102400kB, failcnt 6402",
    "Memory cgroup stats for /a.slice:",
    "anon 98742272",
    "Tasks state (memory values in pages):",
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    "[ 181505] 65535 181505      243        1    28672        0          -998 pause",
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=a.scope,task=a.out,pid=101,uid=0",
    "Memory cgroup out of memory: Killed process 101 (a.out) total-vm:299192kB, anon-rss:93176kB",
]
MEMORY_PARTS = [
    "a.out: page allocation failure: order:5, mode:0x14040c0(GFP_KERNEL|__GFP_COMP)",
    "Mem-Info:",
    "active_anon:1 inactive_anon:2 isolated_anon:0",
    " slab_reclaimable:8928 slab_unreclaimable:84120",
    "Node 0 DMA:",
    "1*4kB ",
    "(U) ",
    "= 15908kB",
    " 0",
]
REPORTS = {
    "hung task": HUNG,
    "hung task, old": HUNG_OLD,
    "RCU stall": STALL,
    "RCU stall, old": STALL_OLD,
    "soft lockup": LOCKUP,
    "oops": OOPS,
    "oops, arm": OOPS_ARM,
    "lockdep": LOCKS,
    "KASAN, decoded": KASAN_DECODED,
    "memory cgroup": MEMCG,
    "parts of a memory report": MEMORY_PARTS,
}
WRAPPERS = {
    "dmesg": lambda number, body: f"[  100.{number:06d}] {body}\n",
    "dmesg -T": lambda _, body: f"[Thu Oct 12 19:00:20 2023] {body}\n",
    "journalctl": lambda _, body: f"Oct 12 19:00:20 host kernel: {body}\n",
    "serial console": lambda number, body: f"[  100.{number:06d}][   T12] {body}\r\n",
    "bare": lambda _, body: body + "\n",
    "quoted": lambda _, body: f"> {body}\n",
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_a_whole_report_is_one_event(report, wrap):
    rows = ["usb 1-2: new device", *report, "usb 1-2: new device"]
    found = list(group_events(rows_of_text("".join(wrap(number, body) for number, body in enumerate(rows)))))
    headline = next(number for number, body in enumerate(report) if is_headline(body)) + 2
    # A row of an open block that another task printed looks like one of the report.
    belongs = [event == headline or row.line == headline for row, event in found if row.line != len(rows)]
    assert belongs == [False, *[True] * len(report)]
    assert found[headline - 1][1] is None


def test_a_panic_without_a_report_before_it_is_an_event_of_its_own():
    rows = [
        "usb 1-2: new device",
        "Kernel panic - not syncing: No working init found.",
        "CPU: 0 PID: 1 Comm: init",
        "Call Trace:",
    ]
    assert events(log(*rows)) == [None, None, 2, 2]


def test_a_second_oops_is_a_second_event():
    found = events(log(*OOPS[:10], *OOPS[:10]))
    assert found == [None, *[1] * 9, None, *[11] * 9]


def test_a_stack_behind_a_report_has_a_headline_of_its_own():
    rows = [*KASAN_DECODED[:12], "a driver says something", "CPU: 1 PID: 101 Comm: a.out", "Call Trace:"]
    assert events(log(*rows)) == [2, None, *[2] * 10, None, 13, 13]
    assert events(log(*OOPS[:10], "CPU: 1 PID: 101 Comm: a.out", "Call Trace:"))[-2:] == [None, 11]


def test_a_list_of_modules_ends_with_its_rows():
    rows = ["WARNING: CPU: 0 PID: 1 at lib/a.c:1 f+0x1/0x2", "Modules linked in: a b", " c d(O)", "eth0 up", " e f"]
    assert events(log(*rows)) == [None, 1, 1, None, None]
