"""What messages mean: entries fit their messages, and values of the log never become shell syntax."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from example_findings import COMMITS, EXACT, MATCH, UNEXPLAINED
from ksrcfind.knowledge import base
from ksrcfind.knowledge.base import FAMILIES, all_entries, entry_for, fits
from ksrcfind.knowledge.meaning import meaning_of, with_values
from ksrcfind.knowledge.record import Entry, MessageRule
from ksrcfind.lsp.markdown import hover
from ksrcfind.match.answer import Tier, Value
from ksrcfind.mcp import compact
from ksrcfind.output.record import finding_record
from ksrcfind.source.message import Form, Message

FACTS = Path(__file__).parent / "knowledge_messages.jsonl"
ENTRIES = list(all_entries())
HOSTILE = ["sda; reboot", "$(reboot)", "`id`", "a b", "--exec=x", "-rf", "sda\nreboot", "'", '"', "a|b", "a>b", "*", ""]


@dataclass(frozen=True)
class Fact:
    """A message of Linux 6.1 and the entry that explains it."""

    entry: str
    message: Message


def message(path, function, text, printed=None):
    """Return a message of a file."""
    return Message(path, 1, 1, function, "printk", None, None, text, (Form(printed or text, ()),), ())


def facts():
    """Return the messages of the fixture, which `python -m bench.knowledge --write` makes."""
    for line in FACTS.read_text().splitlines():
        entry, path, function, text, printed = json.loads(line)
        yield Fact(entry, message(path, function, text, printed))


ENTRY = Entry(
    id="test/one",
    title="A disk failed",
    means="It broke.",
    severity="error",
    causes=(),
    check=("smartctl -a /dev/{device}",),
    citation="a.c: f()",
    messages=(),
    values={"device": "disk_name"},
)


@pytest.mark.parametrize("fact", [pytest.param(fact, id=fact.entry) for fact in facts()])
def test_an_entry_fits_a_message_of_a_real_kernel(fact):
    entry = entry_for(fact.message)
    assert entry is not None
    assert entry.id == fact.entry


def test_every_entry_fits_some_message():
    assert {entry.id for entry in ENTRIES} == {fact.entry for fact in facts()}


def test_ids_are_unique():
    assert len({entry.id for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])
def test_an_entry_is_complete_and_short(entry):
    assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", entry.id)
    assert 0 < len(entry.title) <= 60
    assert not entry.title.endswith(".")
    assert 20 < len(entry.means) <= 500
    assert entry.means.endswith(".")
    assert entry.causes
    assert all(cause.endswith(".") and len(cause) <= 220 for cause in entry.causes)
    assert entry.check
    assert entry.citation
    assert all(document.startswith("Documentation/") for document in entry.documents)
    assert set(re.findall(r"\{(\w+)\}", " ".join(entry.check))) == {*entry.values}
    assert entry.messages


READS = {
    *("aa-status", "ausearch", "awk", "cat", "cut", "df", "dmidecode", "findmnt", "free", "getenforce", "grep"),
    *("head", "journalctl", "ls", "lsblk", "lscpu", "lsmod", "lspci", "lsusb", "lvs", "modinfo", "nfsstat", "nproc"),
    *("ping", "ps", "ras-mc-ctl", "readlink", "sensors", "sestatus", "smartctl", "sort", "ss", "sysctl"),
    *("systemd-cgtop", "tail", "uname", "uptime", "wc", "xfs_info"),
}
"""Programs that only read with the arguments that entries give them."""
READING_COMMANDS = (
    *("blockdev --get", "bluetoothctl show", "btrfs device stats", "btrfs filesystem show", "btrfs filesystem usage"),
    *("btrfs scrub status", "conntrack -C", "conntrack -S", "coredumpctl list", "coredumpctl info", "dmsetup status"),
    *("dmsetup table", "dumpe2fs -h", "ethtool -S", "ethtool -i", "ethtool {", "fwupdmgr get-devices", "ip -s link"),
    *("ip addr", "ip link show", "ip neigh show", "ip route show", "iw dev", "losetup -l", "mdadm --detail --scan"),
    *("mdadm --examine --scan", "mokutil --sb-state", "multipath -ll", "nvme error-log", "nvme list", "nvme smart-log"),
    *("rfkill list", "swapon --show", "systemctl status", "systemctl list-units", "tc -s qdisc show", "nft list"),
)
"""Beginnings of commands of programs that can also write."""


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])
def test_commands_only_read(entry):
    for command in entry.check:
        outside_quotes = re.sub(r"'[^']*'|\"[^\"]*\"", "''", command)
        assert not re.search(r"[<>&`]|\$\(|sysctl.*[=]", outside_quotes)
        for part in re.split(r"[|;]", outside_quotes):
            assert part.split()[0] in READS or part.strip().startswith(READING_COMMANDS), part


def test_a_value_of_the_line_enters_a_command():
    meaning = with_values(ENTRY, [Value("%s", "req->q->disk->disk_name", "nvme0n1")])
    assert meaning.check == ("smartctl -a /dev/nvme0n1",)


@pytest.mark.parametrize("value", [*HOSTILE, None])
def test_a_hostile_value_never_reaches_a_command(value):
    meaning = with_values(ENTRY, [Value("%s", "disk_name", value)])
    assert meaning.check == ("smartctl -a /dev/DEVICE",)


def test_a_value_is_found_by_a_whole_name():
    assert with_values(ENTRY, [Value("%s", "old_disk_name", "sda")]).check == ("smartctl -a /dev/DEVICE",)


@pytest.mark.parametrize(
    ("rule", "path", "function", "fitting"),
    [
        (MessageRule("mm/a.c"), "mm/a.c", "f", True),
        (MessageRule("mm/a.c"), "lib/a.c", "f", False),
        (MessageRule("mm/a.c", "f"), "lib/a.c", "f", True),
        (MessageRule("mm/a.c", "f"), "lib/b.c", "f", False),
        (MessageRule("mm/a.c", "f"), "mm/a.c", "g", False),
        (MessageRule("mm/"), "mm/kasan/a.c", "f", True),
        (MessageRule("mm/"), "mmc/a.c", "f", False),
        (MessageRule("mm/a.c", text="Out memory"), "mm/a.c", "f", True),
        (MessageRule("mm/a.c", text="memo"), "mm/a.c", "f", False),
    ],
)
def test_a_rule_needs_path_function_and_words(rule, path, function, fitting):
    assert fits(rule, message(path, function, "%s: out of memory\n")) is fitting


def test_words_of_wrappers_count():
    assert fits(MessageRule("fs/", text="EXT4-fs error"), message("fs/a.c", "f", "bad %s", "EXT4-fs error: bad %s"))


def test_the_most_specific_rule_wins(monkeypatch):
    entries = tuple(
        replace(ENTRY, id=f"test/{name}", messages=(rule,))
        for name, rule in {
            "directory": MessageRule("mm/", text="out of memory"),
            "file": MessageRule("mm/a.c"),
            "function": MessageRule("mm/a.c", "f"),
            "words": MessageRule("mm/a.c", "f", "out memory"),
        }.items()
    )
    for last, entry in enumerate(entries):
        monkeypatch.setattr(base, "_entries_about", lambda _path, last=last: entries[: last + 1])
        assert entry_for(message("mm/a.c", "f", "out of memory")) is entry


def test_no_entry_is_parsed_for_an_unknown_file(monkeypatch):
    monkeypatch.setattr(base, "_entry", None)
    assert entry_for(message("nowhere/unknown.c", "f", "text")) is None


def test_an_unknown_message_has_no_meaning():
    unknown = replace(MATCH, message=replace(MATCH.message, path="nowhere/unknown.c"))
    assert meaning_of(replace(EXACT.answer, matches=(unknown,))) is None
    assert meaning_of(UNEXPLAINED.answer) is None


def test_a_doubtful_match_has_no_meaning():
    doubtful = replace(MATCH, tier=Tier.FUZZY, confidence=0.3)
    assert meaning_of(replace(EXACT.answer, matches=(doubtful,))) is None


def test_equal_rivals_with_one_entry_have_its_meaning():
    half = replace(MATCH, confidence=0.45)
    found = meaning_of(replace(EXACT.answer, matches=(half, half), rivals=1))
    assert found is not None
    assert found.id == "memory/oom-victim-exiting"


def test_the_record_has_the_meaning_of_the_first_match():
    first, second = finding_record(replace(EXACT, answer=replace(EXACT.answer, matches=(MATCH, MATCH))), 1)["matches"]
    assert first["meaning"]["id"] == "memory/oom-victim-exiting"
    assert first["meaning"]["check"]
    assert second["meaning"] is None


def test_an_editor_shows_the_meaning():
    assert "**The process to be killed is already exiting**" in hover(EXACT, COMMITS.__getitem__, None)


def test_an_assistant_reads_the_meaning():
    assert compact.finding_record(EXACT)["meaning"]["severity"] == "notice"
    assert "meaning" not in compact.finding_record(UNEXPLAINED)


def test_every_file_of_the_folder_is_a_family():
    assert tuple(sorted(path.stem for path in Path(base.__file__).parent.glob("*.toml"))) == FAMILIES
