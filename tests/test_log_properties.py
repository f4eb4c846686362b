"""What holds for any message: each form gives it back, and no text is too odd, too long or too hostile to be read."""

import json
import re
import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ksrcfind.log import line, multiline, origin, prefixes, raw_lines, records, report
from ksrcfind.log.formats import daemon_headers, envelopes, grammar, logcat, ring_buffer, structured
from ksrcfind.log.formats.grammar import FACILITIES, LEVELS
from ksrcfind.log.line import LIMIT, read_line
from ksrcfind.log.raw_lines import split_lines
from ksrcfind.log.records import read_rows, rows_of_text
from ksrcfind.log.report import is_module_row, is_report_row, row_kind

# What the kernel prints: words, numbers, punctuation; no line ends and no control characters.
words = st.sampled_from(
    [
        "usb 1-2:",
        "error",
        "-110",
        "0x1f",
        "[drm]",
        "EXT4-fs (sda1):",
        "<6>",
        "[  12]",
        "host",
        "kernel:",
        "CPU:",
        "%",
        "é",
        "→",
    ]
)
free = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=("Cc", "Cs", "Cn")), max_size=40
)
bodies = st.one_of(st.lists(words, min_size=1, max_size=6).map(" ".join), free.map(lambda text: "msg: " + text))

uptimes = st.integers(0, 10**13).map(lambda microseconds: microseconds / 1_000_000)
levels = st.integers(0, 7)
callers = st.one_of(st.none(), st.builds("{}{}".format, st.sampled_from("TC"), st.integers(0, 4_194_304)))
names = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z]{2,5})?", fullmatch=True)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=timezone(timedelta(hours=2)))
)


def stamp(uptime):
    return f"[{uptime:12.6f}]"


def is_message(body):
    """Leave out texts that another reading claims with right: a process's tag, a host with its tag, a folded record."""
    return not re.search(r"\]: |^\S+ kernel:|^message repeated |^\[[TC]|\x1b", body)


@given(bodies, uptimes, callers)
def test_dmesg(body, uptime, caller):
    assume(is_message(body))
    column = f"[{caller:>6}]" if caller else ""
    for text in (f"{stamp(uptime)}{column} {body}", f"{stamp(uptime)} {column + ' ' if column else ''}{body}"):
        log = read_line(text)
        assert (log.body, log.uptime_s, log.caller) == (body, uptime, caller)
        assert log.format == ("journal-monotonic" if log.host else "dmesg")


@given(bodies, uptimes, levels, callers)
def test_raw_buffer(body, uptime, level, caller):
    assume(is_message(body))
    column = f"[{caller:>6}]" if caller else ""
    log = read_line(f"<{level}>{stamp(uptime)}{column} {body}")
    assert (log.format, log.body, log.uptime_s, log.caller) == ("dmesg-r", body, uptime, caller)
    assert (log.level, log.facility, log.is_userspace) == (LEVELS[level], "kern", False)


@given(bodies, uptimes, st.integers(0, 11), levels)
def test_decoded(body, uptime, facility, level):
    log = read_line(f"{FACILITIES[facility]:<6}:{LEVELS[level]:<6}: {stamp(uptime)} {body}")
    assume(is_message(body))
    assert (log.format, log.body, log.uptime_s) == ("dmesg-x", body, uptime)
    assert (log.level, log.facility) == (LEVELS[level], FACILITIES[facility])
    assert log.is_userspace == (facility != 0)


@given(bodies, moments)
def test_times_of_dmesg(body, moment):
    assume(is_message(body))
    clock = moment.strftime("%a %b %e %H:%M:%S %Y")
    log = read_line(f"[{clock}] {body}")
    assert (log.format, log.body, log.wallclock, log.time) == ("dmesg-T", body, clock, None)
    iso = moment.strftime("%Y-%m-%dT%H:%M:%S,%f+02:00")
    log = read_line(f"{iso} {body}")
    assert (log.format, log.body, log.wallclock, log.time) == ("dmesg-iso", body, iso, moment)
    log = read_line(f"[{moment.strftime('%b%e %H:%M')}] {body}")
    assert (log.format, log.body) == ("dmesg-H", body)


@given(bodies, uptimes, levels, callers)
def test_kmsg(body, uptime, level, caller):
    assume(is_message(body))
    # printk_ringbuffer's escaping: everything but printable ASCII, and the backslash.
    escaped = "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in body.encode())
    extra = f",caller={caller}" if caller else ""
    header = f"{level},77,{round(uptime * 1_000_000)},-{extra}"
    log = read_line(f"{header};{escaped}")
    assert (log.format, log.body, log.uptime_s, log.caller) == ("kmsg", body, uptime, caller)
    assert (log.level, log.facility) == (LEVELS[level], "kern")
    rows = list(rows_of_text(f"{header};{escaped}\n SUBSYSTEM=usb\n DEVICE=c189:2\n"))
    assert [row.log.body for row in rows] == [body, "", ""]
    assert (rows[0].log.subsystem, rows[0].log.device) == ("usb", "c189:2")
    assert [row.part_of for row in rows] == [None, 1, 1]


@given(bodies, names, moments, uptimes, st.booleans())
def test_syslog(body, host, moment, uptime, stamped):
    assume(is_message(body))
    inner = f"{stamp(uptime)} {body}" if stamped else body
    headers = {
        "syslog": moment.strftime(f"%b %e %H:%M:%S {host} kernel: "),
        "journal-precise": moment.strftime(f"%b %d %H:%M:%S.%f {host} kernel: "),
        "syslog-iso": moment.strftime(f"%Y-%m-%dT%H:%M:%S.%f+02:00 {host} kernel: "),
        "syslog-5424": moment.strftime(f"<6>1 %Y-%m-%dT%H:%M:%S.%f+02:00 {host} kernel - - - "),
        "journal-full": moment.strftime(f"%a %Y-%m-%d %H:%M:%S CEST {host} kernel: "),
        "journal-unix": f"{moment.timestamp():.6f} {host} kernel: ",
    }
    for form, header in headers.items():
        if form == "journal-unix" and moment.timestamp() < 10**9:
            continue
        log = read_line(header + inner)
        assert (log.format, log.body, log.host, log.process) == (form, body, host, "kernel")
        assert log.uptime_s == (uptime if stamped else None)
        assert log.facility == "kern"
        if form in ("syslog-iso", "syslog-5424"):
            assert log.time == moment


@given(bodies, names, names, st.integers(1, 4_000_000))
def test_tags_of_processes(body, host, process, pid):
    assume(process != "kernel")
    for header in (f"May 23 02:06:26 {host} {process}[{pid}]: ", f"2023-05-23T02:06:26+0200 {host} {process}[{pid}]: "):
        log = read_line(header + body)
        assert (log.body, log.process, log.is_userspace) == (body, process, True)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60), levels, uptimes)
def test_journal_records(message, level, uptime):
    assume(is_message(message) and "\0" not in message and "\ufeff" not in message)
    microseconds = round(uptime * 1_000_000)
    record = {
        "__CURSOR": "s=0a;i=1",
        "__REALTIME_TIMESTAMP": "1684807586000000",
        "_SOURCE_MONOTONIC_TIMESTAMP": str(microseconds),
        "_TRANSPORT": "kernel",
        "SYSLOG_IDENTIFIER": "kernel",
        "PRIORITY": str(level),
        "MESSAGE": message,
    }
    exported = b""
    for name, value in record.items():
        raw = value.encode()
        if b"\n" in raw:
            exported += name.encode() + b"\n" + struct.pack("<Q", len(raw)) + raw + b"\n"
        else:
            exported += f"{name}={value}\n".encode()
    pretty = json.dumps(record, indent="\t", separators=(",", " : "))
    for data in (json.dumps(record).encode(), pretty.encode(), exported + b"\n"):
        logs = [row.log for row in read_rows(split_lines([data])) if row.log.body]
        assert len(logs) == 1
        assert (logs[0].body, logs[0].level, logs[0].uptime_s) == (message, LEVELS[level], uptime)
        assert logs[0].time == datetime(2023, 5, 23, 2, 6, 26, tzinfo=UTC)


@given(bodies)
def test_logcat(body):
    assume(is_message(body) and body == body.strip())
    for pid, kernel in ((0, True), (1234, False)):
        for text in (
            f"05-23 02:06:26.123 {pid:5d} {pid:5d} W         : {body}",
            f"05-23 02:06:26.123 W/        ({pid:5d}): {body}",
            f"W/        ({pid:5d}): {body}",
        ):
            log = read_line(text)
            assert (log.format, log.body, log.level, log.is_userspace) == ("logcat", body, "warn", not kernel)


WRAPPERS = [
    "2023-05-23T02:06:26.123456789Z ",
    "2023-05-23T02:06:26.1234567Z ",
    "2023-05-23T02:06:26.123456Z 00O ",
    "2023-05-23T02:06:26.123456789Z stderr F ",
    "job\tstep\t2023-05-23T02:06:26.1234567Z ",
    "[pod/a/b] ",
    "web-1  | ",
    "db  | ",
    "[2023-05-23T02:06:26.123Z] ",
    "02:06:26 ",
    "> ",
    "> > ",
    "    ",
    "| ",
    "\x1b[1m",
]


@given(bodies, uptimes, st.lists(st.sampled_from(WRAPPERS), max_size=3))
def test_wrappers_change_no_message(body, uptime, wrappers):
    assume(is_message(body))
    wrapped = "".join(wrappers)
    for inner in (
        f"{stamp(uptime)} {body}",
        f"<3>{stamp(uptime)} {body}",
        f"May 23 02:06:26 h kernel: {stamp(uptime)} {body}",
    ):
        bare, log = read_line(inner), read_line(wrapped + inner)
        assert (log.format, log.body, log.uptime_s) == (bare.format, bare.body, uptime)
        assert (log.level, log.host, log.process) == (bare.level, bare.host, bare.process)


@given(st.text(max_size=200))
def test_any_text_is_read(text):
    log = read_line(text)
    assert isinstance(log.body, str)
    assert isinstance(log.is_userspace, bool)
    row_kind(log.body)
    is_report_row(log.body)


@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(1, 20))
def test_any_bytes_give_one_row_a_line(pieces, size):
    data = b"\n".join(pieces)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    rows = list(read_rows(split_lines(chunks)))
    count = data.count(b"\n") + (not data.endswith(b"\n") if data else 0)
    assert [row.line for row in rows] == list(range(1, count + 1))
    assert rows == list(read_rows(split_lines([data])))


# Pieces that begin, continue and end records of several lines, and what may come between.
FRAGMENTS = [
    *("6,1,2,-;x", " DEVICE=c1", " A=b", "__CURSOR=s=0a;i=1", "MESSAGE=x", "MESSAGE", "PRIORITY=3", "", "{", "},{"),
    *("}", "]", '   "dmesg": [', '  "msg": "x"', '  "MESSAGE" : "x",', '  "pri": 1,', "\t\t98,", "    MESSAGE=x"),
    *("    A=b", "            y", "Tue 2023-05-23 04:06:26.1 CEST [s=0a;i=1;b=0b;t=5fc52d5af92a8]", "[    1.000000] x"),
    *("[ 05-23 02:06:26.123     0:    0 I/usb      ]", "               y", "\0\0\0", "\3\0\0\0\0\0\0\0abc"),
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14), st.integers(1, 30))
def test_torn_records_lose_no_line(lines, size):
    data = "\n".join(lines).encode()
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    rows = list(read_rows(split_lines(chunks)))
    expected = data.split(b"\n") if data else []
    if expected and not expected[-1]:
        expected.pop()
    assert [row.line for row in rows] == list(range(1, len(expected) + 1))
    assert [row.log.text for row in rows] == [line.lstrip(b"\0").decode() for line in expected]
    carriers = {row.line for row in rows if row.part_of is None}
    assert all(row.part_of in carriers for row in rows if row.part_of is not None)


MODULES = (
    *(line, multiline, origin, prefixes, raw_lines, records, report),
    *(daemon_headers, grammar, logcat, ring_buffer, structured, envelopes),
)
PATTERNS = {
    pattern.pattern: pattern
    for pattern in (
        *(form.pattern for form in prefixes.GRAMMARS),
        *(value for module in MODULES for value in vars(module).values() if isinstance(value, re.Pattern)),
    )
}
SEARCHED = {
    prefixes._ESCAPES,
    line._STAMP_INSIDE,
    line._COPY,
    line._SURROGATES,
    ring_buffer._HEX,
    daemon_headers._CLOCK,
}


def backtracking(tree):
    """Unbounded repetitions of a pattern that can be tried at more than one length, one behind the other.

    One makes the work linear in the text, two square. One inside of another is worse than any number.
    """
    count = 0
    for operation, argument in tree:
        if operation in (re._constants.MAX_REPEAT, re._constants.MIN_REPEAT):
            _, most, inner = argument
            within = backtracking(inner)
            if most == re._constants.MAXREPEAT:
                count += 100 if within else 1
            else:
                assert most <= 300, "not short enough to be taken for bounded"
                count += within
        elif operation == re._constants.POSSESSIVE_REPEAT:
            count += backtracking(argument[2])
        elif operation == re._constants.BRANCH:
            count += max(backtracking(branch) for branch in argument[1])
        elif operation == re._constants.SUBPATTERN:
            count += backtracking(argument[3])
        elif operation in (re._constants.ASSERT, re._constants.ASSERT_NOT):
            count += backtracking(argument[1])
        elif operation == re._constants.ATOMIC_GROUP:
            count += backtracking(argument)
    return count


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=lambda pattern: pattern.pattern[:50])
def test_no_pattern_does_more_than_linear_work(pattern):
    tree = re._parser.parse(pattern.pattern, pattern.flags)
    assert backtracking(tree) <= (0 if pattern in SEARCHED else 1)


def test_the_measure_of_work_sees_what_is_square():
    assert backtracking(re._parser.parse(r"\s*\s*$")) == 2
    assert backtracking(re._parser.parse(r"(?:a*)*b")) >= 100
    assert backtracking(re._parser.parse(r"(?:a*+)*+b\s*+$")) == 0


# Repetitions that make a careless pattern try every way to split them.
SEEDS = [
    " ",
    "[",
    "a ",
    "a: ",
    "[1.000000] ",
    "[    1.000000] a ",
    "kern :info : ",
    "a_b ",
    "> ",
    "02:06:26 ",
    "{",
    '{"',
    "} ",
    "ff ",
    "R10: 00000000 ",
    "\x1b[0;",
    "\0",
    "é",
]
HEADS = [
    "",
    "[",
    "[    1.000000] ",
    "<6>",
    "May 23 02:06:26 h ",
    "<6>1 2023-05-23T02:06:26Z h a - - [",
    "6,1,1,-",
    '{"',
    "\x1b]",
]


@pytest.mark.parametrize("head", HEADS)
def test_a_megabyte_is_read(head):
    for seed in SEEDS:
        log = read_line(head + seed * ((1 << 20) // len(seed)))
        assert log.truncated
        assert len(log.body) <= LIMIT
        row_kind(log.body)
        is_report_row(log.body)
        is_module_row(log.body)


@settings(max_examples=30)
@given(st.text(max_size=30))
def test_reading_does_not_depend_on_what_was_read_before(text):
    before = read_line(text)
    for other in ("[    1.000000] x", "May 23 02:06:26 h kernel: x", "{", "6,1,1,-;x"):
        read_line(other)
    assert read_line(text) == before
