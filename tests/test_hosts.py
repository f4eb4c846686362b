"""Logs of many hosts: a directory with a log of each, and a central syslog in which their lines alternate."""

import json

import jsonschema
import pytest

from commandline import ksrcfind
from conftest import LINUX_MINI
from ksrcfind.batch import fold
from ksrcfind.log.events import Boots, group_events
from ksrcfind.log.hosts import hosts_of_files
from ksrcfind.log.records import rows_of_text
from ksrcfind.output.json import schema

LINES = (LINUX_MINI / "kern.log").read_text().splitlines()
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema()))
ERROR = "minidisk1: cannot read sector 781440, error -5"


def central(*hosts, lines=LINES):
    """Return a syslog in which each line stands once for every host."""
    return "".join(f"May 23 02:06:26 {host} kernel: {line}\n" for line in lines for host in hosts)


@pytest.fixture
def batch(linux_mini, tmp_path, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / "cache"))

    def run(*arguments, stdin=""):
        return ksrcfind("batch", "--no-history", *arguments, stdin=stdin.encode(), directory=linux_mini)

    return run


@pytest.fixture
def answered(batch):
    """Return the records of messages by their text, and the summary."""

    def run(*logs, stdin=""):
        found = [json.loads(line) for line in batch("--format", "ndjson", *logs, stdin=stdin).out.splitlines()]
        for record in found:
            VALIDATOR.validate(record)
        return {record["log"]["body"]: record for record in found if record["type"] == "line"}, found[-1]

    return run


@pytest.fixture
def directory(tmp_path):
    """A directory with the logs of three hosts, one of them compressed by another name."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("web1.dmesg", "web2.log", "db1.txt"):
        (logs / name).write_text("\n".join(LINES) + "\n")
    return logs


def test_each_file_of_a_directory_is_a_host(answered, directory):
    records, summary = answered(directory)
    assert (records[ERROR]["hosts"], records[ERROR]["boots"]) == (3, 3)
    by_host = records[ERROR]["occurrences"]["by_host"]
    assert by_host["complete"]
    assert {each["value"]: each["count"] for each in by_host["values"]} == {"web1": 2, "web2": 2, "db1": 2}
    assert sorted(host["host"] for host in summary["hosts"]) == ["db1", "web1", "web2"]


def test_hosts_that_alternate_in_one_log_have_boots_and_incidents_of_their_own(answered):
    alone = answered("-", stdin=central("web1"))[1]
    records, summary = answered("-", stdin=central("web1", "web2", "db1"))
    assert (records[ERROR]["hosts"], records[ERROR]["boots"]) == (3, 3)
    assert [(boot["host"], boot["number"]) for boot in summary["boots"]] == [("web1", 1), ("web2", 1), ("db1", 1)]
    for host in ("web1", "web2", "db1"):
        own = [incident for incident in summary["incidents"] if incident["host"] == host]
        assert [(each["title"], each["count"], each["boot"]) for each in own] == [
            (each["title"], each["count"], each["boot"]) for each in alone["incidents"]
        ]
        assert {(each["hosts"], each["boots"]) for each in own} == {(3, 3)}


def test_rows_of_reports_stay_with_the_headline_of_their_host():
    alternating = list(group_events(rows_of_text(central("a", "b"))))
    events = {host: [event and (event + 1) // 2 for row, event in alternating if row.host == host] for host in "ab"}
    assert events["a"] == events["b"] == [event for _, event in group_events(rows_of_text(central("a")))]
    assert [row.line for row, _ in alternating] == list(range(1, 2 * len(LINES) + 1))


def test_a_restart_of_one_host_is_no_boot_of_another():
    text = central("a", "b", lines=["[ 900.000000] x"]) + central("a", lines=["[   1.000000] y"])
    text += central("b", "a", lines=["[ 901.000000] z"])
    boots = [(boot.host.name, boot.number) for boot in map(Boots().of, rows_of_text(text))]
    assert boots == [("a", 1), ("b", 1), ("a", 2), ("b", 1), ("a", 2)]


def test_the_line_between_two_boots_of_a_journal_is_for_all_hosts():
    text = central("a", "b", lines=["x"]) + "-- Boot " + "3" * 32 + " --\n" + central("a", "b", lines=["x"])
    boots = [(boot.host.name, boot.number) for boot in map(Boots().of, rows_of_text(text))]
    assert boots == [("a", 1), ("b", 1), ("b", 2), ("a", 2), ("b", 2)]


@pytest.mark.parametrize("nameless", ["localhost", "(none)", "localhost.localdomain"])
def test_the_name_before_a_host_knows_its_own_is_no_host(answered, nameless):
    summary = answered("-", stdin=central(nameless, lines=LINES[:20]) + central("web1", lines=LINES[20:]))[1]
    assert [(host["host"], host["boots"]) for host in summary["hosts"]] == [("web1", 1)]


def test_a_journal_names_a_boot_also_if_its_host_gets_another_name():
    def line(host, boot, text):
        return json.dumps({"MESSAGE": text, "_TRANSPORT": "kernel", "_HOSTNAME": host, "_BOOT_ID": boot}) + "\n"

    text = line("archiso", "1" * 32, "x") + line("web1", "1" * 32, "y") + line("db1", "2" * 32, "x")
    boots = [(boot.host.name, boot.number, boot.id[:1]) for boot in map(Boots().of, rows_of_text(text))]
    assert boots == [("archiso", 1, "1"), ("archiso", 1, "1"), ("db1", 1, "2")]


def test_a_boot_in_two_journals_is_one_boot(answered, tmp_path):
    record = {"MESSAGE": ERROR, "_TRANSPORT": "kernel", "_HOSTNAME": "web1", "_BOOT_ID": "1" * 32}
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(record) + "\n")
    records, summary = answered(tmp_path / "a.json", tmp_path / "b.json")
    assert (records[ERROR]["hosts"], records[ERROR]["boots"]) == (1, 1)
    assert [(host["host"], host["boots"]) for host in summary["hosts"]] == [("web1", 1)]


def test_a_single_log_without_names_is_of_one_host_without_a_name(answered):
    records, summary = answered(LINUX_MINI / "kern.log")
    assert (records[ERROR]["hosts"], records[ERROR]["boots"], records[ERROR]["hosts_complete"]) == (1, 1, True)
    assert [host["host"] for host in summary["hosts"]] == [None]


def test_a_count_at_the_limit_is_a_lower_bound(answered, batch, monkeypatch):
    monkeypatch.setattr(fold, "HOSTS_KEPT", 2)
    log = central("a", "b", "c", lines=[ERROR])
    records, _ = answered("-", stdin=log)
    record = records[ERROR]
    assert (record["hosts"], record["hosts_complete"]) == (2, False)
    assert (record["boots"], record["boots_complete"]) == (2, False)
    assert not record["occurrences"]["by_host"]["complete"]
    assert "on 2+ hosts, in 2+ boots" in batch("--all", "-", stdin=log).out
    assert ",2+,2+," in batch("--format", "csv", "-", stdin=log).out


def test_text_and_csv_count_hosts_and_boots(batch):
    log = central("web1", "web2", lines=[ERROR, LINES[1]]) + central("web1", lines=[ERROR])
    assert "on 2 hosts, in 2 boots" in batch("--all", "-", stdin=log).out
    header, *rows = batch("--format", "csv", "-", stdin=log).out.splitlines()
    assert header.endswith("hosts,boots,host")
    assert all(row.endswith(",2,2,") for row in rows)
    assert "hosts" not in batch("--all", "-", stdin="\n".join(LINES)).out


def test_single_lines_have_no_counts(batch):
    record = json.loads(batch("--each", "--format", "ndjson", "-", stdin=ERROR).out.splitlines()[0])
    assert (record["hosts"], record["boots"]) == (None, None)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/l/web1.dmesg", "/l/web2.log.gz", "db1"], ["web1", "web2", "db1"]),
        (["/l/web1/kern.log", "/l/web2/kern.log"], ["web1/kern", "web2/kern"]),
        (["/l/web1/kern.log.2.gz", "/l/web1/kern.log.1", "/l/web1/kern.log"], ["kern"] * 3),
        (["a/kern.log", "/b/kern.log"], ["a/kern", "/b/kern"]),
        (["10.0.0.1.log", "10.0.0.2.log.1", "dmesg-6.1.11"], ["10.0.0.1", "10.0.0.2", "dmesg-6.1.11"]),
        ([".log", "messages-20240101", "syslog.1"], [".log", "messages", "syslog"]),
    ],
)
def test_names_of_files(paths, names):
    assert list(hosts_of_files(paths).values()) == names
