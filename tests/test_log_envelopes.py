"""Objects that log shippers put around a line: the line is read as ever, and the object says what the line does not."""

import json
from datetime import UTC, datetime

import pytest

from ksrcfind.log.formats.structured import LONGEST_NAME
from ksrcfind.log.line import LIMIT, read_line

MOMENT = datetime(2023, 5, 23, 2, 6, 26, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())
STAMP = "2023-05-23T02:06:26Z"
DMESG = "[   12.345678] usb 1-2: a"

ENVELOPES = {
    "loki": {"line": DMESG, "labels": {"job": "kernel", "hostname": "web1"}, "timestamp": STAMP},
    "loki, nanoseconds": {"line": DMESG, "labels": {"instance": "web1"}, "timestamp": f"{SECONDS}000000000"},
    "docker": {"log": DMESG + "\n", "stream": "stdout", "time": STAMP, "host": "web1"},
    "fluentd": {"log": DMESG, "time": STAMP, "kubernetes": {"host": "web1", "pod_name": "x"}},
    "fluent bit": {"date": float(SECONDS), "message": DMESG, "hostname": "web1"},
    "ecs": {"@timestamp": STAMP, "message": DMESG, "host": {"name": "web1", "ip": ["10.0.0.1"]}},
    "cloudwatch": {"timestamp": SECONDS * 1000, "message": DMESG, "logStreamName": "web1", "ingestionTime": 1},
    "google cloud, text": {"textPayload": DMESG, "timestamp": STAMP, "labels": {"node_name": "web1"}},
    "google cloud, json": {"jsonPayload": {"message": DMESG}, "timestamp": STAMP, "labels": {"node": "web1"}},
    "microseconds": {"message": DMESG, "timestamp": SECONDS * 1_000_000, "host": "web1"},
    "two": {"line": json.dumps({"log": DMESG, "time": STAMP}), "labels": {"host": "web1"}, "timestamp": 1},
}


@pytest.mark.parametrize("record", ENVELOPES.values(), ids=ENVELOPES)
def test_the_line_inside_is_read_with_the_host_and_the_time_of_the_object(record):
    log = read_line(json.dumps(record))
    assert (log.format, log.body, log.uptime_s) == ("dmesg", "usb 1-2: a", 12.345678)
    assert (log.host, log.time) == ("web1", MOMENT)


def test_what_the_line_says_itself_goes_first():
    inner = "2024-01-01T00:00:00+00:00 db1 kernel: usb 1-2: a"
    log = read_line(json.dumps({"line": inner, "labels": {"host": "web1"}, "timestamp": STAMP}))
    assert (log.host, log.process, log.time) == ("db1", "kernel", datetime(2024, 1, 1, tzinfo=UTC))
    assert log.body == "usb 1-2: a"


def test_an_incomplete_time_of_the_line_is_completed():
    log = read_line(json.dumps({"message": "May 23 02:06:25 db1 kernel: a", "@timestamp": STAMP}))
    assert (log.host, log.wallclock, log.time) == ("db1", "May 23 02:06:25", MOMENT)


def test_fields_of_the_journal_by_another_name_of_the_message():
    record = {"message": "usb 1-2: a", "_TRANSPORT": "kernel", "PRIORITY": "3", "_BOOT_ID": "1" * 32, "host": "web1"}
    log = read_line(json.dumps(record))
    assert (log.format, log.body, log.level, log.boot, log.host) == (
        "journal-json",
        "usb 1-2: a",
        "err",
        "1" * 32,
        "web1",
    )
    assert read_line(json.dumps({**record, "_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "sshd"})).is_userspace


@pytest.mark.parametrize(
    "text",
    [
        "{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 1",
        "{ 1-... } 21 jiffies s: 57 root: 0x2/.",
        '{"line": 5}',
        '{"line": ["a"]}',
        '{"line": "a", ',
        '{"labels": {"host": "web1"}, "timestamp": 1}',
        '{"jsonPayload": {"jsonPayload": {"message": "a"}}}',
        "{}",
        "[]",
    ],
)
def test_other_texts_are_no_envelopes(text):
    log = read_line(text)
    assert log.body == text
    assert (log.host, log.time) == (None, None)


@pytest.mark.parametrize(
    "record",
    [
        {"timestamp": 1e300},
        {"timestamp": -1},
        {"timestamp": True},
        {"timestamp": "9" * 40},
        {"timestamp": "٣٣"},
        {"timestamp": []},
        {"@timestamp": "yesterday"},
        {"host": []},
        {"host": {"name": {}}},
        {"labels": "web1"},
        {"host": ""},
    ],
    ids=repr,
)
def test_times_and_hosts_that_are_none_are_left_out(record):
    log = read_line(json.dumps({"message": DMESG, **record}))
    assert log.body == "usb 1-2: a"
    assert (log.host, log.time) == (None, None)


def test_a_long_name_is_cut():
    assert len(read_line(json.dumps({"message": "a", "host": "x" * 10_000})).host) == LONGEST_NAME


def test_nested_objects_and_long_lines_are_read_as_far_as_the_limits_go():
    text = "[    1.000000] a"
    for _ in range(12):
        text = json.dumps({"line": text})
        assert len(read_line(text).body) <= LIMIT
    read_line("{" * LIMIT)
    read_line('{"jsonPayload":' * 4000 + "1" + "}" * 4000)
    read_line('{"line":"a",' * 3000)


def test_the_last_of_equal_keys_counts():
    assert read_line('{"line": "[    1.000000] a", "line": "[    2.000000] b"}').body == "b"


@pytest.mark.parametrize(
    "text", ['{{"log":"x","time":{}}}', '{{"msg":"[ 1.0] x","pri":4,"time":{}}}', '{{"line":"x","timestamp":{}}}']
)
@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-" + "9" * 400, "1e400", "0"])
def test_a_number_that_is_no_time_is_none(text, number):
    from ksrcfind.log.line import read_line

    read_line(text.format(number))
