"""Single lines of every form, documented or seen, and what is read from them."""

# ruff: noqa: E501 - a table is easiest to read with one case a line

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import fields

from ksrcfind.log.line import LIMIT, LogLine, cut, read_line
from ksrcfind.log.prefixes import formats

NOT_COMPARED = {"text", "truncated", "format", "body"}


def told(log):
    """The fields that a line told something about."""
    defaults = {field.name: field.default for field in fields(LogLine) if field.name not in NOT_COMPARED}
    return {name: getattr(log, name) for name, default in defaults.items() if getattr(log, name) != default}


KERNEL = {"process": "kernel", "facility": "kern"}
MOMENT = datetime(2023, 5, 23, 2, 6, 26, tzinfo=UTC)

# text, form, message, what else is told
LINES = [
    # The ring buffer: Linux kernel/printk/printk.c, info_print_prefix().
    ("[    0.000000] Linux version 6.1.0", "dmesg", "Linux version 6.1.0", {"uptime_s": 0.0}),
    ("[12345678.000001] x: y", "dmesg", "x: y", {"uptime_s": 12345678.000001}),
    ("[ 14.719551] UBSAN: array-index-out-of-bounds", "dmesg", "UBSAN: array-index-out-of-bounds", {"uptime_s": 14.719551}),
    ("[    0.031456] ", "dmesg", "", {"uptime_s": 0.031456}),
    ("[    0.031456]", "dmesg", "", {"uptime_s": 0.031456}),
    ("[    0.207174]  smp_call_function+0x11c/0x240", "dmesg", " smp_call_function+0x11c/0x240", {"uptime_s": 0.207174}),
    ("[  454.748236][T13716] EXT4-fs (sda4): x", "dmesg", "EXT4-fs (sda4): x", {"uptime_s": 454.748236, "caller": "T13716"}),
    ("[  142.080996][   C71] sched: RT", "dmesg", "sched: RT", {"uptime_s": 142.080996, "caller": "C71"}),
    ("[  142.080996] [   C71] sched: RT", "dmesg", "sched: RT", {"uptime_s": 142.080996, "caller": "C71"}),
    ("[  142.080996] [T1] sched: RT", "dmesg", "sched: RT", {"uptime_s": 142.080996, "caller": "T1"}),
    ("[   T123] sched: RT", "dmesg", "sched: RT", {"caller": "T123"}),
    ("<6>[   12.345678] a: b", "dmesg-r", "a: b", {"uptime_s": 12.345678, "level": "info", "facility": "kern"}),
    ("<4>[    2.298207][    T0] a", "dmesg-r", "a", {"uptime_s": 2.298207, "level": "warn", "facility": "kern", "caller": "T0"}),
    ("<30>[   13.000001] udevd[80]: up", "dmesg-r", "udevd[80]: up", {"uptime_s": 13.000001, "level": "info", "facility": "daemon", "process": "udevd"}),
    ("<14>[   13.000001] no tag", "dmesg-r", "no tag", {"uptime_s": 13.000001, "level": "info", "facility": "user"}),
    ("<3>usb 1-2: device descriptor read/64", "dmesg-r", "usb 1-2: device descriptor read/64", {"level": "err", "facility": "kern"}),
    # Vendors' printk.
    ("[    1.234567]  (0)[1:swapper/0]mtk: x", "dmesg", "mtk: x", {"uptime_s": 1.234567, "caller": "T1"}),
    ("<6>[12345.678901]-(2)[234:kworker/u8:3]mtk: x", "dmesg-r", "mtk: x", {"uptime_s": 12345.678901, "level": "info", "facility": "kern", "caller": "T234"}),
    ("[   12.345678]  [0:      swapper/0:    1] x: y", "dmesg", "x: y", {"uptime_s": 12.345678, "caller": "T1"}),
    ("[    0.000000@0] Linux version 4.9", "dmesg", "Linux version 4.9", {"uptime_s": 0.0, "caller": "C0"}),
    # util-linux sys-utils/dmesg.c, print_record(); the samples hold more.
    ("[Tue May 23 02:06:26 2023] a", "dmesg-T", "a", {"wallclock": "Tue May 23 02:06:26 2023"}),
    ("[Di Mai 23 02:06:26 2023] a", "dmesg-T", "a", {"wallclock": "Di Mai 23 02:06:26 2023"}),
    ("[Tue May 23 02:06:26 2023] [  T123] a", "dmesg-T", "a", {"wallclock": "Tue May 23 02:06:26 2023", "caller": "T123"}),
    ("[Tue May 23 02:06:26 2023 <    0.000012>] a", "dmesg-T", "a", {"wallclock": "Tue May 23 02:06:26 2023"}),
    ("[Tue May 23 02:06:26 CEST 2023] a", "dmesg-T", "a", {"wallclock": "Tue May 23 02:06:26 CEST 2023"}),
    ("[May23 02:06] a", "dmesg-H", "a", {"wallclock": "May23 02:06"}),
    ("[May 3 02:06] a", "dmesg-H", "a", {"wallclock": "May 3 02:06"}),
    ("[  +0.000012] a", "dmesg-H", "a", {}),
    ("[   12.345678] [Tue May 23 02:06:26 2023] [ T12] a", "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "Tue May 23 02:06:26 2023", "caller": "T12"}),
    ("kern  :err   : [    1.000000] a", "dmesg-x", "a", {"uptime_s": 1.0, "level": "err", "facility": "kern"}),
    ("kern  :err   : [Mon Jan  1 02:06:26 2024] a", "dmesg-x", "a", {"wallclock": "Mon Jan  1 02:06:26 2024", "level": "err", "facility": "kern"}),
    # The same with the blanks that web pages and forums leave.
    ("kern :info : [ 131.163351] usb 1-1: a", "dmesg-x", "usb 1-1: a", {"uptime_s": 131.163351, "level": "info", "facility": "kern"}),
    ("kern :err : [Mon Jan 1 02:06:26 2024] a", "dmesg-x", "a", {"wallclock": "Mon Jan 1 02:06:26 2024", "level": "err", "facility": "kern"}),
    ("kern :warn : 2024-01-01T02:06:26,000000+00:00 a", "dmesg-x", "a", {"wallclock": "2024-01-01T02:06:26,000000+00:00", "time": datetime(2024, 1, 1, 2, 6, 26, tzinfo=UTC), "level": "warn", "facility": "kern"}),
    ("kern :notice: [ 131.163351] a", "dmesg-x", "a", {"uptime_s": 131.163351, "level": "notice", "facility": "kern"}),
    ("daemon:info : [ 131.163351] a", "dmesg-x", "a", {"uptime_s": 131.163351, "level": "info", "facility": "daemon"}),
    ("kern :info :[ 131.163351] a", "dmesg-x", "a", {"uptime_s": 131.163351, "level": "info", "facility": "kern"}),
    ("kern:info: [ 131.163351] a", "dmesg-x", "a", {"uptime_s": 131.163351, "level": "info", "facility": "kern"}),
    ("kern:debug:[131.163351] a", "dmesg-x", "a", {"uptime_s": 131.163351, "level": "debug", "facility": "kern"}),
    ("kern :crit : usb 1-1: a", "dmesg-x", "usb 1-1: a", {"level": "crit", "facility": "kern"}),
    ("user  :info  : [    1.000000] a", "dmesg-x", "a", {"uptime_s": 1.0, "level": "info", "facility": "user"}),
    ("authpriv:notice: [    1.000000] a", "dmesg-x", "a", {"uptime_s": 1.0, "level": "notice", "facility": "authpriv"}),
    ('{"pri":6,"time":12.345678,"caller":"T1","msg":"a: b"}', "dmesg-json", "a: b", {"uptime_s": 12.345678, "level": "info", "caller": "T1"}),
    ('{"fac":"kern","pri":"warn","time":1.5,"msg":"a"},', "dmesg-json", "a", {"uptime_s": 1.5, "level": "warn", "facility": "kern"}),
    # What people and their tools put around a line.
    ("[  +0,004627] a", "dmesg-H", "a", {}),
    ("<4> [12345.678901] a: b", "dmesg-r", "a: b", {"uptime_s": 12345.678901, "level": "warn", "facility": "kern"}),
    ("2023-05-23 02:06:26 usb 1-2: without a host", "timestamped", "usb 1-2: without a host", {"wallclock": "2023-05-23 02:06:26"}),
    ("2023-05-23 02:06:26 BUG: KFENCE: x", "timestamped", "BUG: KFENCE: x", {"wallclock": "2023-05-23 02:06:26"}),
    ("2023-05-23T02:06:26Z BUG: KFENCE: x", "timestamped", "BUG: KFENCE: x", {"wallclock": "2023-05-23T02:06:26Z", "time": MOMENT}),
    ("May 23 02:06:26 nf_conntrack: nf_conntrack: table full", "syslog", "nf_conntrack: nf_conntrack: table full", {"wallclock": "May 23 02:06:26"}),
    ("May 23 02:06:26 WARNING: CPU: 1", "syslog", "WARNING: CPU: 1", {"wallclock": "May 23 02:06:26"}),
    ("May 23 02:06:26 sudo: peter", "syslog", "peter", {"wallclock": "May 23 02:06:26", "process": "sudo"}),
    ("May 23 02:06:26 host kernel: a#012b#011c", "syslog", "a\nb\tc", {**KERNEL, "wallclock": "May 23 02:06:26", "host": "host"}),
    ("`usb 1-1: dead`", "plain", "usb 1-1: dead", {}),
    ("```usb 1-1: dead```", "plain", "usb 1-1: dead", {}),
    ('"usb 1-1: dead"', "plain", "usb 1-1: dead", {}),
    ('"usb 1-1: dead".', "plain", "usb 1-1: dead", {}),
    ("“usb 1-1: dead”", "plain", "usb 1-1: dead", {}),
    ("- usb 1-1: dead", "quote", "usb 1-1: dead", {}),
    ("* `[   12.345678] usb 1-1: dead`", "dmesg", "usb 1-1: dead", {"uptime_s": 12.345678}),
    ("**[   12.345678] usb 1-1: dead**", "dmesg", "usb 1-1: dead", {"uptime_s": 12.345678}),
    ("1. [   12.345678] usb 1-1: dead", "dmesg", "usb 1-1: dead", {"uptime_s": 12.345678}),
    # Documentation/ABI/testing/dev-kmsg and Documentation/networking/netconsole.rst.
    ("6,339,5140900,-;NET: Registered protocol family 10", "kmsg", "NET: Registered protocol family 10", {"uptime_s": 5.1409, "level": "info", "facility": "kern"}),
    ("30,340,5690716,-;udevd[80]: starting version 181", "kmsg", "udevd[80]: starting version 181", {"uptime_s": 5.690716, "level": "info", "facility": "daemon", "process": "udevd"}),
    (r"4,1,2,c,caller=T12,new=1;caf\xc3\xa9 \x5c \x0a.", "kmsg", "café \\ \n.", {"uptime_s": 0.000002, "level": "warn", "facility": "kern", "caller": "T12", "fragment": True}),
    ("7,160,424069,-;a\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00", "kmsg", "a", {"uptime_s": 0.424069, "level": "debug", "facility": "kern", "subsystem": "acpi", "device": "+acpi:PNP0A03:00"}),
    ("6.4.0-rc1,6,444,501151268,-;netconsole: network logging started", "netconsole", "netconsole: network logging started", {"uptime_s": 501.151268, "level": "info", "facility": "kern"}),
    ("6,416,1758426,-,ncfrag=16/31; the 2nd chunk.", "netconsole", " the 2nd chunk.", {"uptime_s": 1.758426, "level": "info", "facility": "kern", "fragment": True}),
    # fs/pstore/platform.c and fs/pstore/ram.c.
    ("Panic#2 Part1", "pstore", "", {}),
    ("====1684807586.124456-D", "pstore", "", {}),
    # RFC 3164, and its relatives.
    ("May 23 02:06:26 host kernel: [40872.663481] a: b", "syslog", "a: b", {**KERNEL, "uptime_s": 40872.663481, "host": "host", "wallclock": "May 23 02:06:26"}),
    ("May  3 02:06:26 host kernel: a: b", "syslog", "a: b", {**KERNEL, "host": "host", "wallclock": "May  3 02:06:26"}),
    ("May 23 02:06:26 2001:db8::1 kernel: a", "syslog", "a", {**KERNEL, "host": "2001:db8::1", "wallclock": "May 23 02:06:26"}),
    ("<13>May 23 02:06:26 host sshd[123]: Accepted", "syslog", "Accepted", {"host": "host", "wallclock": "May 23 02:06:26", "process": "sshd", "level": "notice", "facility": "user"}),
    ("May 23 02:06:26 host sudo: peter : TTY=pts/0", "syslog", "peter : TTY=pts/0", {"host": "host", "wallclock": "May 23 02:06:26", "process": "sudo"}),
    ("May 23 02:06:26 host (sd-executor)[7]: x", "syslog", "x", {"host": "host", "wallclock": "May 23 02:06:26", "process": "(sd-executor)"}),
    ("May 23 02:06:26 host Web Content[7]: x", "syslog", "x", {"host": "host", "wallclock": "May 23 02:06:26", "process": "Web Content"}),
    ("May 23 02:06:26 host 83haiku[49241]: debug: x", "syslog", "debug: x", {"host": "host", "wallclock": "May 23 02:06:26", "process": "83haiku"}),
    ("May 23 02:06:26 10.0.0.1 [   12.345678] usb: x", "syslog", "usb: x", {"host": "10.0.0.1", "wallclock": "May 23 02:06:26", "uptime_s": 12.345678}),
    ("May 23 02:06:26 10.0.0.1 usb 1-2: x", "syslog", "10.0.0.1 usb 1-2: x", {"wallclock": "May 23 02:06:26"}),
    ("Jan  1 00:00:00 host kern.warn kernel: x", "syslog", "x", {**KERNEL, "level": "warn", "host": "host", "wallclock": "Jan  1 00:00:00"}),
    ("Tue May 23 02:06:26 2023 kern.info kernel: [   10.123456] x", "syslog", "x", {**KERNEL, "level": "info", "uptime_s": 10.123456, "wallclock": "Tue May 23 02:06:26 2023"}),
    ("Tue May 23 02:06:26 2023 daemon.notice netifd: up", "syslog", "up", {"process": "netifd", "facility": "daemon", "level": "notice", "wallclock": "Tue May 23 02:06:26 2023"}),
    ("Mai 23 02:06:26 host kernel: [    1.000000] x", "syslog", "x", {**KERNEL, "host": "host", "uptime_s": 1.0, "wallclock": "Mai 23 02:06:26"}),
    ("2023/05/23 02:06:26 host kernel: x", "syslog-iso", "x", {**KERNEL, "host": "host", "wallclock": "2023/05/23 02:06:26"}),
    (" kernel:[40872.663481] BUG: soft lockup", "syslog", "BUG: soft lockup", {**KERNEL, "uptime_s": 40872.663481}),
    ("kernel: usbcore: registered new driver", "syslog", "usbcore: registered new driver", KERNEL),
    ("May 23 02:06:26 h kernel: message repeated 5 times: [ [40872.663481] a: b]", "syslog", "a: b", {**KERNEL, "host": "h", "uptime_s": 40872.663481, "wallclock": "May 23 02:06:26", "repeats": 5}),
    ("2023-05-23T04:06:26.5+02:00 host kernel: x", "syslog-iso", "x", {**KERNEL, "host": "host", "wallclock": "2023-05-23T04:06:26.5+02:00", "time": MOMENT.replace(microsecond=500000)}),
    # RFC 5424, the examples of section 6.5 among them.
    ("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed", "syslog-5424", "'su root' failed", {"level": "crit", "facility": "auth", "host": "mymachine.example.com", "process": "su", "wallclock": "2003-10-11T22:14:15.003Z", "time": datetime(2003, 10, 11, 22, 14, 15, 3000, UTC)}),
    ("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.", "syslog-5424", "%% It's time.", {"level": "notice", "facility": "local4", "host": "192.0.2.1", "process": "myproc", "wallclock": "2003-08-24T05:14:15.000003-07:00", "time": datetime(2003, 8, 24, 5, 14, 15, 3, timezone(timedelta(hours=-7)))}),
    ('<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [ex@32473 iut="3" s="a \\] b"][y@1 z="1"] An application', "syslog-5424", "An application", {"level": "notice", "facility": "local4", "host": "h", "process": "evntslog", "wallclock": "2003-10-11T22:14:15.003Z", "time": datetime(2003, 10, 11, 22, 14, 15, 3000, UTC)}),
    ("2023-05-23T02:06:26Z host kernel - - - [    1.000000] x", "syslog-5424", "x", {**KERNEL, "host": "host", "uptime_s": 1.0, "wallclock": "2023-05-23T02:06:26Z", "time": MOMENT}),
    ("<6>1 - - kernel - - - x", "syslog-5424", "x", {**KERNEL, "level": "info"}),
    # journalctl.
    ("[    3.290442] lit.home.arpa kernel: e1000e 0000:00:19.0: up", "journal-monotonic", "e1000e 0000:00:19.0: up", {**KERNEL, "uptime_s": 3.290442, "host": "lit.home.arpa"}),
    ("[    3.290442] lit.home.arpa systemd[1]: Starting", "journal-monotonic", "Starting", {"uptime_s": 3.290442, "host": "lit.home.arpa", "process": "systemd"}),
    ("-- Boot 5f1a4f0b1c0f4d2b9d5e0c0f6a7b8c9d --", "journal", "", {"boot": "5f1a4f0b1c0f4d2b9d5e0c0f6a7b8c9d"}),
    ("-- Reboot --", "journal", "", {}),
    ("    MESSAGE=usb 1-2: x", "journal-verbose", "usb 1-2: x", {}),
    # AOSP liblog/logprint.cpp.
    ("05-23 02:06:26.123     0     0 I usb 1-2 : new device", "logcat", "usb 1-2: new device", {**KERNEL, "level": "info", "wallclock": "05-23 02:06:26.123"}),
    ("2023-05-23 02:06:26.123 +0200  root     0     0 E binder  : 1: 2", "logcat", "binder: 1: 2", {**KERNEL, "level": "err", "wallclock": "2023-05-23 02:06:26.123 +0200"}),
    ("05-23 02:06:26.123     0     0 W         : no tag", "logcat", "no tag", {**KERNEL, "level": "warn", "wallclock": "05-23 02:06:26.123"}),
    ("05-23 02:06:26.123  1234  1256 I ActivityManager: Start", "logcat", "Start", {"process": "ActivityManager", "level": "info", "wallclock": "05-23 02:06:26.123"}),
    ("05-23 02:06:26.123 D/usb     (    0): new", "logcat", "usb: new", {**KERNEL, "level": "debug", "wallclock": "05-23 02:06:26.123"}),
    ("W/usb     (    0): new", "logcat", "usb: new", {**KERNEL, "level": "warn"}),
    ("F(    0) new  (usb)", "logcat", "usb: new", {**KERNEL, "level": "crit"}),
    ("I(    0:    0) usb: new", "logcat", "usb: new", {**KERNEL, "level": "info"}),
    ("--------- beginning of kernel", "logcat", "", {}),
    # Wrappers.
    ("2023-05-23T02:06:26.000000000Z [   12.345678] a", "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "2023-05-23T02:06:26.000000000Z", "time": MOMENT}),
    ("2023-05-23T02:06:26.000000000Z usb 1-2: a", "docker", "usb 1-2: a", {"wallclock": "2023-05-23T02:06:26.000000000Z", "time": MOMENT}),
    ("2023-05-23T02:06:26.000000000Z May 23 02:06:26 h kernel: a", "syslog", "a", {**KERNEL, "host": "h", "wallclock": "2023-05-23T02:06:26.000000000Z", "time": MOMENT}),
    ("2023-05-23T02:06:26.000000000Z stdout F usb 1-2: a", "cri", "usb 1-2: a", {"wallclock": "2023-05-23T02:06:26.000000000Z", "time": MOMENT}),
    ("web-1  | 2023-05-23T02:06:26.000000000Z <4>[   12.345678] a", "dmesg-r", "a", {"uptime_s": 12.345678, "level": "warn", "facility": "kern", "wallclock": "2023-05-23T02:06:26.000000000Z", "time": MOMENT}),
    ("web-1  | thermal thermal_zone5: failed", "docker", "thermal thermal_zone5: failed", {}),
    ("[pod/web-abc/main] [   12.345678] a", "dmesg", "a", {"uptime_s": 12.345678}),
    ("2023-05-23T02:06:26.0000000Z [   12.345678] a", "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "2023-05-23T02:06:26.0000000Z", "time": MOMENT}),
    ("build\tRun tests\t\ufeff2023-05-23T02:06:26.0000000Z usb 1-2: a", "github", "usb 1-2: a", {"wallclock": "2023-05-23T02:06:26.0000000Z", "time": MOMENT}),
    ("2023-05-23T02:06:26.000000Z 00O usb 1-2: a", "gitlab", "usb 1-2: a", {"wallclock": "2023-05-23T02:06:26.000000Z", "time": MOMENT}),
    ("2023-05-23T02:06:26.000000Z 01E+[   12.345678] a", "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "2023-05-23T02:06:26.000000Z", "time": MOMENT}),
    ("[2023-05-23T02:06:26.000Z] [   12.345678] a", "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "2023-05-23T02:06:26.000Z", "time": MOMENT}),
    ("[2023-05-23 02:06:26] [   12.345678] a", "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "2023-05-23 02:06:26"}),
    ('{"log":"[   12.345678] a\\n","stream":"stdout","time":"2023-05-23T02:06:26Z"}', "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "2023-05-23T02:06:26Z", "time": MOMENT}),
    ('- {"dt": "2023-05-23T02:06:26.5", "lvl": "target", "msg": "[   12.345678] a"}', "dmesg", "a", {"uptime_s": 12.345678, "wallclock": "2023-05-23T02:06:26.5"}),
    # Consoles, quotes, colours.
    ("debian login: [   45.123456] usb 1-2: a", "console", "usb 1-2: a", {"uptime_s": 45.123456}),
    ("Starting kernel ...[    0.000000][    T0] Booting Linux", "console", "Booting Linux", {"uptime_s": 0.0, "caller": "T0"}),
    ("\x00\x00[    0.000000] Booting Linux", "dmesg", "Booting Linux", {"uptime_s": 0.0}),
    ("[  OK  ] Started OpenSSH.", "console", "[  OK  ] Started OpenSSH.", {"process": "systemd"}),
    ("[\xa0\xa0\xa0 3.000000] a", "dmesg", "a", {"uptime_s": 3.0}),
    ("> [    3.000000] a", "dmesg", "a", {"uptime_s": 3.0}),
    (">> > [    3.000000] a", "dmesg", "a", {"uptime_s": 3.0}),
    ("| [    3.000000] a", "dmesg", "a", {"uptime_s": 3.0}),
    ("    [    3.000000] a", "dmesg", "a", {"uptime_s": 3.0}),
    ("\t<6>[    3.000000] a", "dmesg-r", "a", {"uptime_s": 3.0, "level": "info", "facility": "kern"}),
    ("> usb 1-2: a", "quote", "usb 1-2: a", {}),
    ("\x1b[32m[   12.345678] \x1b[0m\x1b[33musb 1-2: \x1b[0m\x1b[31merror\x1b[0m", "dmesg", "usb 1-2: error", {"uptime_s": 12.345678}),
    ("\x1b]0;title\x07[   12.345678] a", "dmesg", "a", {"uptime_s": 12.345678}),
    (".345678] usb 1-2: cut", "dmesg", "usb 1-2: cut", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "form", "body", "expected"), LINES, ids=[line[0][:60] for line in LINES])
def test_line(text, form, body, expected):
    log = read_line(text)
    assert (log.format, log.body) == (form, body)
    assert told(log) == expected
    assert log.text == text
    assert not log.truncated
    assert form in formats()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_are_no_part_of_a_line(end):
    assert read_line("[    1.000000] a" + end) == read_line("[    1.000000] a")


# Messages that look as if something could be taken off.
WHOLE = [
    "**   NOTICE NOTICE   **",
    '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
    "'a' and 'b'",
    "",
    " ",
    "usb 1-2: device descriptor read/64, error -71",
    "is already exiting. Skip killing the task",
    "    leading blanks",
    "[drm] radeon: 2048M of VRAM memory ready",
    "[Firmware Bug]: TSC doesn't count with P0 frequency!",
    "[ BUG: Invalid wait context ]",
    "[  123]     0   123     1234",
    "[ffff8880] bad",
    "[<ffffffff81000000>] start+0x0/0x10",
    "[12] queue 3",
    "[0:1:2:3] scsi",
    "(0)[x]",
    "a\xa0b",
    "[C0] state",
    "[T1] train",
    "<6>",
    "<n>",
    "<IRQ>",
    " <TASK>",
    "<1234>x",
    "<999>x",
    "{1}[Hardware Error]: event severity: corrected",
    '{"no": "log"}',
    "{",
    "== check ==",
    "-- not a mark --",
    "I/O error, dev sda, sector 5",
    "I/O thread pid: 12",
    "E820: x",
    "0x000000000000-0x000000010000 : \"bootinfo\"",
    "00:04: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A",
    "10:20:30 later",
    "6,7,8 sheep",
    "1 2 3 - - -",
    "systemctl: unknown",
    "kern :info",
    "kern:info: a",
    "kern :fine : a",
    "core :info : a",
    "clock:err 5: a",
    "kernel BUG at mm/slub.c:305!",
    "Panic#1 Part1 and more",
    "May 23rd 02:06:26",
    "Tue morning",
    ">>> frame to be transmitted: ",
    "a | b",
    "SFF=%08x: MESSAGE=x",
    "time stamp [    1.5] x",
    "message repeated 2 times: [cut",
    "data: 00 11",
    "====",
    "----",
]  # fmt: skip


# Two consoles wrote one line; the second one begins again, with the same stamp.
DOUBLED = [
    ("usb 1-1: new [   12.345678] usb 1-1: new high-speed USB device", "usb 1-1: new high-speed USB device"),
    ("Modules linked in:[   12.345678] Modules linked in: a b", "Modules linked in: a b"),
    ("a [12.345678] a b", "a b"),
    ("a [   12.345678] a b [   12.345678] a b c", "a b c"),
    ("a <6>[   12.345678] a b", "a b"),
    ("a [   12.345678][  T123] a b", "a b"),
    ("[   12.345678] a", "a"),
]
NOT_DOUBLED = [
    "usb 1-1: new [   12.345679] usb 1-1: new high-speed USB device",  # another stamp
    "first: up[   12.345678] second: up",  # two messages without a line end between them
    "a [   12.345678]",
    "the record [   12.345678] is the first",
    "seconds 12.345678] a",
]


@pytest.mark.parametrize(
    "header",
    ["[   12.345678] ", "<6>[   12.345678] ", "May 23 02:06:26 h kernel: [   12.345678] ", "U-Boot [   12.345678] "],
)
@pytest.mark.parametrize(("text", "body"), [*DOUBLED, *((text, text) for text in NOT_DOUBLED)])
def test_of_a_line_that_two_consoles_wrote_the_whole_copy_is_the_message(header, text, body):
    assert read_line(header + text).body == body


@pytest.mark.parametrize("text", WHOLE)
def test_a_plain_text_is_kept_whole(text):
    log = read_line(text)
    assert (log.format, log.body, told(log)) == ("plain", text, {})


# Behind a stamp, the first two would be the caller's column.
@pytest.mark.parametrize("text", [text for text in WHOLE if text.strip() and text[:3] not in ("[C0", "[T1")])
@pytest.mark.parametrize(
    "header", ["[   12.345678] ", "May 23 02:06:26 host kernel: ", "May 23 02:06:26 h kernel: [    1.000000] "]
)
def test_a_message_keeps_its_beginning_behind_a_header(header, text):
    assert read_line(header + text).body == text


KERNEL_BODIES = [
    "a.out[5278]: segfault at 7fa7ddbf1000 ip 00007fa7ddb09665 sp 00007fff3138d170 error 4",
    "Web Content[1234]: segfault at 0 ip 00007f sp 00007f",
    "a.out[5278]: unhandled signal 11 code 0x1 at 0x0000000000000000",
    "a.out[5278]: unhandled exception: DABT (lower EL)",
    "a.out[5278]: bad frame in setup_rt_frame: 0000 nip 0000 lr 0000",
    "a.out[5278]: segfault (11) at 7fff nip 1000 lr 2000 code 1",
    "a.out[5278]: User access of kernel address (c000) - exploit attempt? (uid: 0)",
    "traps: a.out[5278] general protection fault ip:40 sp:7f error:0",
    "txd[3]: 0x0 0x0",
    "opcap[99]: 0x1",
    "kvm [4321]: vcpu0, guest rIP: 0xfff",
    "Booting kernel: Unknown parameter",
    "cam clk[csi_func]: 624000000",
    "IOAPIC[0]: apic_id 2, version 32",
    "mce: [Hardware Error]: CPU 0",
]
PROCESS_BODIES = [
    ("systemd[1]: Starting Load Kernel Module drm...", "systemd"),
    ("systemd-journald[45]: Received client request", "systemd-journald"),
    ("(-hwclock)[31]: fake-hwclock-load.service: x", "(-hwclock)"),
    ("dracut-cmdline[99]: dracut-057", "dracut-cmdline"),
    ("udevd[80]: starting version 181", "udevd"),
    ("some-daemon[4321]: x", "some-daemon"),
]


@pytest.mark.parametrize(
    "header", ["", "[   12.345678] ", "[   12.345678][    C0] ", "May 23 02:06:26 host kernel: [    1.000000] "]
)
def test_writers_of_the_ring_buffer_are_told_apart(header):
    for body in KERNEL_BODIES:
        log = read_line(header + body)
        assert not log.is_userspace, body
        assert log.body == body
    for body, process in PROCESS_BODIES:
        log = read_line(header + body)
        assert log.is_userspace, body
        assert (log.process, log.body) == (process, body)


def test_the_facility_settles_who_wrote():
    # Only the kernel can be `kern`, whatever the message looks like; nothing of it can be anything else.
    assert not read_line("kern  :info  : [    1.000000] systemd[1]: x").is_userspace
    assert not read_line("6,1,1,-;systemd[1]: x").is_userspace
    assert read_line("daemon:info  : [    1.000000] x").is_userspace
    assert read_line("12,1,1,-;x: y").is_userspace
    # How a syslog daemon received a message says nothing.
    assert not read_line("<13>May 23 02:06:26 10.0.0.1 [    1.000000] x").is_userspace
    assert not read_line("<13>May 23 02:06:26 h kernel: x").is_userspace


def test_a_process_that_calls_itself_kernel_is_told_by_the_transport():
    assert not read_line('{"MESSAGE":"x","SYSLOG_IDENTIFIER":"kernel","_TRANSPORT":"kernel"}').is_userspace
    log = read_line('{"MESSAGE":"x","SYSLOG_IDENTIFIER":"kernel","_TRANSPORT":"syslog","_COMM":"logger"}')
    assert log.is_userspace
    assert log.process == "logger"


def test_journal_values_of_all_shapes():
    assert read_line('{"MESSAGE":[67,97,102,233],"_TRANSPORT":"kernel"}').body == "Caf\ufffd"
    assert read_line('{"MESSAGE":["first","second"],"_TRANSPORT":"kernel"}').body == "first"
    assert read_line('{"MESSAGE":null}').format == "plain"
    assert read_line('{"MESSAGE":"x","PRIORITY":"9","__REALTIME_TIMESTAMP":"99999999999999999"}').level is None


def test_impossible_times_are_only_text():
    for clock in ("2023-02-30T02:06:26Z", "2023-05-23T02:06:60Z", "0000-05-23T02:06:26Z"):
        log = read_line(f"{clock} host kernel: x")
        assert (log.time, log.wallclock, log.body) == (None, clock, "x")


def test_numbers_that_are_no_priority():
    assert read_line("<192>[    1.000000] x").format != "dmesg-r"
    assert read_line("<191>[    1.000000] x").level == "debug"
    assert read_line("9999,1,1,-;x").format == "plain"


def test_text_is_cut_at_64_kib_of_utf_8():
    log = read_line("[    1.000000] " + "é" * LIMIT)
    assert log.truncated
    assert len(log.text.encode()) in (LIMIT, LIMIT - 1)
    assert log.text.endswith("é")
    assert log.body == log.text[15:]
    whole = "x" * LIMIT
    assert cut(whole) == (whole, False)
    assert cut(whole + "y") == (whole, True)


def test_bytes_of_the_command_line_that_are_not_utf_8():
    argument = b"usb: Caf\xe9".decode("utf-8", "surrogateescape")
    log = read_line(argument)
    assert log.text == log.body == "usb: Caf\ufffd"


@pytest.mark.parametrize(
    ("text", "form", "body"),
    [
        ("> BUG: KASAN: slab-out-of-bounds in foo+0x1/0x2", "quote", "BUG: KASAN: slab-out-of-bounds in foo+0x1/0x2"),
        (">  do_exit+0x1/0x2", "quote", " do_exit+0x1/0x2"),
        ("    > Call Trace:", "quote", "Call Trace:"),
        ("> > eth0: up", "quote", "eth0: up"),
        (">ffff88801b7b5f00: fb fb fb fb", "plain", ">ffff88801b7b5f00: fb fb fb fb"),
        (">>> eth0: up", "plain", ">>> eth0: up"),
    ],
)
def test_quoted_rows_of_reports(text, form, body):
    log = read_line(text)
    assert (log.format, log.body) == (form, body)
