"""Logs of many hosts: a directory with a log of each, and a central syslog in which their lines alternate."""

import csv
import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from commandline import ksrcfind
from conftest import LINUX_MINI
from ksrcfind import Finder
from ksrcfind.batch import fold
from ksrcfind.batch.analysis import LogAnalysis
from ksrcfind.finding import HistoryMode
from ksrcfind.log.events import Boots, group_events
from ksrcfind.log.hosts import hosts_of_files
from ksrcfind.log.records import rows_of_text
from ksrcfind.output.json import schema
from ksrcfind.output.names import tree_title
from ksrcfind.tree.snapshot import TreeInfo

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


def test_files_of_a_directory_that_are_no_text_are_left_out(batch, answered, directory):
    (directory / "wtmp").write_bytes(bytes([7, 0, 0, 0, 12, 0, 65, 0, 0, 66, 0, 1]) * 100)
    (directory / "lastlog").write_bytes(bytes(10_000))
    (directory / "logs.tar.gz").write_bytes(gzip.compress(b"PK\3\4\0a\0b\0c\0d\0e\0f"))
    (directory / "old.journal-file").write_bytes(b"LPKSHHRH" + bytes(100))
    (directory / ".hidden").write_text(ERROR)
    (directory / "crashed.log").write_bytes(f"{ERROR}\n".encode() + bytes(3000) + f"{ERROR}\n".encode())
    summary = answered(directory)[1]
    assert sorted(host["host"] for host in summary["hosts"]) == ["crashed", "db1", "web1", "web2"]
    notes = batch(directory).err
    assert all(f"{name} is left out" in notes for name in ("wtmp", "lastlog", "logs.tar.gz", "old.journal-file"))
    assert notes.count("is left out") == 4
    named = batch("--only", "unmatched", directory / "wtmp")
    assert "is left out" not in named.err  # The user wants it.


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


def test_logs_whose_hosts_have_no_names_are_of_different_hosts(linux_mini):
    rows = [row for source in ("a", "b") for row in rows_of_text(ERROR, source)]
    with Finder.open(linux_mini) as finder:
        analysis = LogAnalysis(finder._engine, history=HistoryMode.OFF)
        for _ in analysis.folding(rows):
            pass
        assert [folded.occurrences.hosts for folded in analysis.messages()] == [2]
        assert [host.name for host in analysis.summary().hosts] == [None, None]


def test_the_library_names_hosts_after_files(linux_mini, directory):
    with Finder.open(linux_mini) as finder:
        report = finder.report(directory, history=HistoryMode.OFF)
    assert [host.name for host in report.summary.hosts] == ["db1", "web1", "web2"]


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


def test_text_names_the_host_of_an_incident(batch, directory):
    out = batch(directory).out
    assert "on db1 and 2 further hosts, 3 messages" in out
    assert "boots in all" not in out  # one of each host


def test_text_counts_the_boots_of_an_incident(batch):
    text = "\n".join([f"[  900.000000] {ERROR}", "[    0.000000] Linux version 6.1.0 (x)", f"[    1.000000] {ERROR}"])
    out = batch("-", stdin=text).out
    assert "line 1\n       1 more like this, in boot 2" in out


def test_incidents_of_one_log_name_no_host(batch):
    assert "on web1" not in batch("-", stdin=central("web1")).out


def test_grouped_by_host_the_worst_host_comes_first(batch):
    quiet = central("a1", "a2", lines=[LINES[1], ERROR])
    out = batch("--group-by", "host", "-", stdin=quiet + central("web1") + central("a3", lines=[LINES[1]] * 3)).out
    titles = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert titles == [
        "syslog of 4 hosts (standard input), 48 lines, against Linux v6.1",
        "web1  11 incidents, 39 kernel lines, 20 messages",
        "a1  1 incident, 2 kernel lines, 2 messages",
        "a2  1 incident, 2 kernel lines, 2 messages",
        "a3  0 incidents, 3 kernel lines, 1 message",
        "4 hosts, 13 incidents; --all lists every host and incident.",
    ]
    assert "  and 8 further incidents\n" in out


def test_of_many_hosts_only_the_worst_are_shown(batch):
    log = central(*(f"web{number}" for number in range(12)), lines=[ERROR])
    out = batch("--group-by", "host", "-", stdin=log).out
    assert out.count("I/O errors on minidisk1") == 10
    assert "12 hosts, 12 incidents; 2 further hosts; --all lists every host and incident." in out
    everything = batch("--group-by", "host", "--all", "-", stdin=log).out
    assert everything.count("I/O errors on minidisk1") == 12
    assert everything.endswith("\n12 hosts, 12 incidents.\n")


def test_hosts_as_a_table(batch, directory):
    rows = list(csv.DictReader(io.StringIO(batch("--group-by", "host", "--format", "csv", directory).out)))
    assert [row["host"] for row in rows] == ["db1", "web1", "web2"]
    assert {(row["lines"], row["messages"], row["boots"], row["incidents"]) for row in rows} == {
        ("39", "20", "1", "11")
    }
    assert {row["worst_severity"] for row in rows} == {"err"}


def test_records_are_the_same_however_they_are_grouped(batch, directory):
    plain, by_host = (batch("--format", "ndjson", *how, directory).out for how in ((), ("--group-by", "host")))
    assert plain == by_host


def test_a_log_without_kernel_lines_has_no_hosts(batch):
    done = batch("--group-by", "host", "-", stdin="May 23 02:06:26 web1 sshd[1]: x\n")
    assert done.out.endswith("\n\nNo kernel message in 1 line.\n")
    assert done.status == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--each"], "--each answers line by line"),
        (["--follow"], "--follow never ends"),
        (["--min-level", "err"], "select messages"),
        (["--format", "csv", "--only", "matched"], "select messages"),
    ],
)
def test_options_that_hosts_do_not_have(batch, options, error):
    done = batch("--group-by", "host", *options, LINUX_MINI / "kern.log")
    assert done.status == 2
    assert error in done.err


def test_hostile_names_of_hosts(batch, answered):
    names = ["web\x1b[31m", "=cmd", "x" * 5000, "\u202eweb"]
    log = "".join(json.dumps({"message": f"[    1.000000] {ERROR}", "host": name}) + "\n" for name in names)
    out = batch("--group-by", "host", "-", stdin=log).out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\n=cmd" not in batch("--group-by", "host", "--format", "csv", "-", stdin=log).out
    assert answered("-", stdin=log)[0][ERROR]["hosts"] == 4


@pytest.mark.parametrize(
    ("arguments", "stdin", "head"),
    [
        ([LINUX_MINI / "kern.log"], "", "dmesg of kern (6.1.0-mini), 41 lines, against "),
        (["-"], LINES[0], "dmesg from standard input (6.1.0-mini), 1 line, against "),
        (["-"], central("web1"), "syslog of web1 (6.1.0-mini), 41 lines, against "),
        (["-"], "no kernel message", "log from standard input, 1 line, against "),
    ],
)
@pytest.mark.parametrize("options", [(), ("--all",), ("--group-by", "host")], ids=" ".join)
def test_text_says_what_log_it_is(batch, arguments, stdin, head, options):
    assert any(line.startswith(head) for line in batch(*options, *arguments, stdin=stdin).out.splitlines())


def test_the_report_says_what_log_it_is(batch, directory):
    page = batch("--format", "html", directory).out
    assert "<title>dmesg of 3 hosts (logs)</title>" in page
    assert "on db1 and 2 further hosts" in page
    assert "on 3 hosts, in 3 boots" in page


@pytest.mark.parametrize(
    ("info", "release", "title"),
    [
        (TreeInfo("v6.1", "a" * 40, "git"), None, "Linux v6.1"),
        (TreeInfo("master", "a" * 40, "git"), "6.2.0", "Linux 6.2.0 (master)"),
        (TreeInfo(None, "a" * 40, "git"), None, "a" * 12),
        (TreeInfo(None, None, "files"), "6.1.192", "Linux 6.1.192 (linux-6.1)"),
        (TreeInfo(None, None, "files"), None, "linux-6.1"),
    ],
)
def test_names_of_trees(info, release, title):
    source, root = SimpleNamespace(release=release), Path("/src/linux-6.1")
    assert tree_title(SimpleNamespace(info=info, source=source, source_root=root, root=root)) == title
