"""Logs written by the real programs give back the messages that were put in; see log_samples/README.md."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ksrcfind.log.line import read_line
from ksrcfind.log.stream import read_log

SAMPLES = Path(__file__).parent / "log_samples"

RING = [
    "Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld "
    "(GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)",
    "Command line: BOOT_IMAGE=/boot/vmlinuz quiet",
    "[Firmware Bug]: TSC doesn't count with P0 frequency!",
    "usb 1-2: device descriptor read/64, error -71",
    "[drm] radeon: 2048M of VRAM memory ready",
    "systemd[1]: Starting Load Kernel Module drm...",
    "select03[5278]: segfault at 7fa7ddbf1000 ip 00007fa7ddb09665 sp 00007fff3138d170 error 4 in "
    "libc.so.6[7fa7dda31000+155000]",
    "Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task",
    "usb 1-3: Product: Caf\ufffd",
    "  leading blanks, <6>, 12% and a \\ stay",
    "a message of",
    "two lines",
    "md/raid:md0: device sdf operational as raid disk 1",
    "NMI watchdog: Perf NMI watchdog permanently disabled",
]
LEVELS = [
    "notice",
    "info",
    "warn",
    "err",
    "info",
    "info",
    "info",
    "info",
    "info",
    "warn",
    "crit",
    "crit",
    "info",
    "debug",
]
UPTIMES = [
    *(0.0, 0.0, 0.113186, 12.345678, 12.999999, 13.000001, 223.522742, 40872.663481, 123456.000001, 123457.000001),
    *(1234567.000001, 1234567.000001, 1234570.000001, 1234571.000001),
]


def rows(name):
    with (SAMPLES / name).open("rb") as file:
        return list(read_log(file, name))


def records(name):
    return [row.log for row in rows(name) if row.log.body]


def ring(name, *, joined=False):
    """What a rendering of the ring buffer must give: dmesg writes the byte that is not UTF-8 as hex."""
    expected = list(RING)
    if name.startswith("dmesg") and "noescape" not in name and "json" not in name:
        expected[8] = "usb 1-3: Product: Caf\\xe9"
    if joined:
        expected[10:12] = ["a message of\ntwo lines"]
    return expected


DMESG = {
    "dmesg.log": "dmesg",
    "dmesg-d.log": "dmesg",
    "dmesg-noescape.log": "dmesg",
    "dmesg-color.log": "dmesg",
    "dmesg-x.log": "dmesg-x",
    "dmesg-p-x.log": "dmesg-x",
    "dmesg-x-T.log": "dmesg-x",
    "dmesg-T.log": "dmesg-T",
    "dmesg-H.log": "dmesg-H",
    "dmesg-e.log": "dmesg-H",
    "dmesg-delta.log": "dmesg-delta",
    "dmesg-iso.log": "dmesg-iso",
}


@pytest.mark.parametrize("name", DMESG)
def test_dmesg_gives_back_the_ring_buffer(name):
    found = records(name)
    assert [log.body for log in found] == ring(name)
    assert {log.format for log in found} == {DMESG[name]}
    assert [log.is_userspace for log in found] == [body.startswith("systemd[1]") for body in RING]
    assert [log.process for log in found if log.is_userspace] == ["systemd"]
    assert [log.caller for log in found] == [None] * 12 + ["T123", "C0"]


@pytest.mark.parametrize("name", ["dmesg-x.log", "dmesg-p-x.log", "dmesg-x-T.log"])
def test_dmesg_decoded_has_levels(name):
    assert [log.level for log in records(name)] == LEVELS
    assert [log.facility for log in records(name)] == ["daemon" if "systemd" in body else "kern" for body in RING]


@pytest.mark.parametrize("name", ["dmesg.log", "dmesg-d.log", "dmesg-noescape.log", "dmesg-color.log", "dmesg-x.log"])
def test_dmesg_stamps_are_uptimes(name):
    assert [log.uptime_s for log in records(name)] == UPTIMES


def test_the_raw_buffer_has_levels_and_uptimes():
    for name in ("ring-buffer.txt", "dmesg-r.log"):
        found = records(name)
        assert [log.body for log in found] == ring("ring-buffer.txt" if name == "ring-buffer.txt" else "dmesg-r.log")
        one_line = [log for log in found if log.body != "two lines"]
        assert [log.level for log in one_line] == LEVELS[:11] + LEVELS[12:]
        assert [log.uptime_s for log in one_line] == UPTIMES[:11] + UPTIMES[12:]
        assert [log.caller for log in one_line] == [None] * 11 + ["T123", "C0"]


def test_dmesg_without_time_is_plain():
    found = records("dmesg-t.log")
    assert [log.body for log in found] == ring("dmesg-t.log")
    assert [log.format for log in found] == ["plain"] * 12 + ["dmesg"] * 2
    assert [log.caller for log in found] == [None] * 12 + ["T123", "C0"]


def test_iso_stamps_are_moments():
    times = [log.time for log in records("dmesg-iso.log")]
    assert all(time is not None and time.tzinfo is not None for time in times)
    # The program computed them from the uptimes and the time of its own boot.
    assert [round((time - times[0]).total_seconds(), 6) for time in times] == UPTIMES


@pytest.mark.parametrize("name", ["dmesg-json.log", "dmesg-json-x.log"])
def test_dmesg_json(name):
    found = records(name)
    assert [log.body for log in found] == ring(name, joined=True)
    assert {log.format for log in found} == {"dmesg-json"}
    levels = LEVELS[:11] + LEVELS[12:]
    if name == "dmesg-json.log":
        # This version of dmesg joins the numbers of facility and level without shifting: 3 | 6.
        levels[5] = "debug"
    assert [log.level for log in found] == levels
    assert [log.uptime_s for log in found] == UPTIMES[:11] + UPTIMES[12:]
    assert [log.caller for log in found] == [None] * 11 + ["T123", "C0"]
    assert [log.process for log in found if log.is_userspace] == ["systemd"]
    assert all(row.log.text.lstrip().startswith('"msg"') for row in rows(name) if row.log.body)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("rsyslog-traditional.log", "syslog"),
        ("rsyslog-precise.log", "syslog-iso"),
        ("rsyslog-5424.log", "syslog-5424"),
        ("rsyslog-forward.log", "syslog-iso"),
    ],
)
def test_rsyslog(name, form):
    found = records(name)
    assert [log.body for log in found] == ring(name)
    assert {log.format for log in found} == {form}
    assert {log.host for log in found} == {"host"}
    assert [log.uptime_s for log in found if log.body != "two lines"] == UPTIMES[:11] + UPTIMES[12:]
    assert [log.process for log in found] == ["systemd" if "systemd" in body else "kernel" for body in RING]
    assert {log.facility for log in found if not log.is_userspace} == {"kern"}
    if form != "syslog":
        assert all(log.time is not None for log in found)


JOURNAL = [
    "Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP",
    "usb 1-2: device descriptor read/64, error -71",
    "Starting Load Kernel Module drm...",
    "Accepted publickey for root",
    "a message of\ntwo lines",
    "usb 1-3: Product: Caf\ufffd",
    "a colour red is not shown",
    "[Firmware Bug]: TSC doesn't count with P0 frequency!",
]
PROCESSES = ["kernel", "kernel", "systemd", "sshd", "kernel", "kernel", "kernel", "kernel"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("journal-short.log", "syslog"),
        ("journal-no-hostname.log", "syslog"),
        ("journal-short-precise.log", "journal-precise"),
        ("journal-short-iso.log", "syslog-iso"),
        ("journal-short-iso-precise.log", "syslog-iso"),
        ("journal-short-full.log", "journal-full"),
        ("journal-full-utc.log", "journal-full"),
        ("journal-with-unit.log", "journal-full"),
        ("journal-short-monotonic.log", "journal-monotonic"),
        ("journal-short-delta.log", "journal-monotonic"),
        ("journal-short-unix.log", "journal-unix"),
    ],
)
def test_journal_short_forms(name, form):
    found = records(name)
    assert [log.body for log in found] == [line for body in JOURNAL for line in body.split("\n")]
    assert {log.format for log in found} == {form}
    assert [log.process for log in found] == [*PROCESSES[:4], "kernel", *PROCESSES[4:]]
    assert {log.host for log in found} == ({None} if name == "journal-no-hostname.log" else {"host"})
    assert [log.is_userspace for log in found] == [False, False, True, True, False, False, False, False, False]


RECORDED = datetime(2023, 5, 23, 2, 6, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "microseconds"),
    [
        ("journal-short-iso.log", [0] * 9),
        ("journal-full-utc.log", [0] * 9),
        ("journal-short-iso-precise.log", [124456 + 1000 * i for i in (0, 1, 2, 3, 4, 4, 5, 6, 7)]),
        ("journal-short-unix.log", [124456 + 1000 * i for i in (0, 1, 2, 3, 4, 4, 5, 6, 7)]),
    ],
)
def test_journal_times(name, microseconds):
    assert [log.time for log in records(name)] == [RECORDED.replace(microsecond=part) for part in microseconds]


@pytest.mark.parametrize("name", ["journal-short.log", "journal-short-precise.log", "journal-short-full.log"])
def test_a_time_without_year_or_certain_zone_is_only_text(name):
    for log in records(name):
        assert log.time is None
        assert log.wallclock in log.text or log.body == "two lines"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("journal-json.log", "journal-json"),
        ("journal-json-pretty.log", "journal-json"),
        ("journal-json-sse.log", "journal-json"),
        ("journal-json-seq.log", "journal-json"),
        ("journal-export.log", "journal-export"),
        ("journal-verbose.log", "journal-verbose"),
    ],
)
def test_journal_fields(name, form):
    found = records(name)
    assert [log.body for log in found] == JOURNAL
    assert {log.format for log in found} == {form}
    assert [log.process for log in found] == PROCESSES
    assert [log.level for log in found] == ["notice", "err", "info", "info", "info", "info", "info", "warn"]
    assert [log.facility for log in found] == ["kern", "kern", "daemon", "auth", "kern", "kern", "kern", "kern"]
    uptimes = [0.0, 12.345678, 13.000001, 12.349678, 15.000001, 15.000002, 15.000003, 15.000004]
    if form == "journal-verbose":
        uptimes[3] = None  # the record has no time of its own, and the form shows none of its arrival
    assert [log.uptime_s for log in found] == uptimes
    assert [log.time for log in found] == [RECORDED.replace(microsecond=124456 + 1000 * i) for i in range(8)]
    assert [log.device for log in found] == [None, "c189:2", *[None] * 6]
    assert [log.subsystem for log in found] == [None, "usb", *[None] * 6]
    assert {log.boot for log in found} == {"5f1a4f0b1c0f4d2b9d5e0c0f6a7b8c9d"}
    assert {log.host for log in found} == {"host"}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.name)
def test_every_line_has_a_row_with_its_text(path):
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    found = rows(path.name)
    assert [row.line for row in found] == list(range(1, len(lines) + 1))
    texts = [line.lstrip(b"\0").decode("utf-8", "replace") for line in lines]
    assert [row.log.text for row in found] == texts
    carriers = {row.line for row in found if row.part_of is None}
    assert {row.part_of for row in found if row.part_of is not None} <= carriers


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.name)
def test_crlf_and_quoting_change_nothing(path):
    for row in rows(path.name):
        text = row.log.text
        if text and not text.startswith((" ", "\t", "{", "}", "data: ", "\x1e")):
            plain = read_line(text)
            assert read_line(text + "\r\n").body == plain.body
            quoted = read_line("> " + text)
            assert (quoted.body, quoted.process, quoted.level) == (plain.body, plain.process, plain.level)
