"""The command explain: the meaning of a message, and everything about its call."""

import json

import pytest

import golden
from commandline import ksrcfind

KILL = "invoked oom-killer: gfp_mask=0x0"


@pytest.mark.parametrize("name", ["line", "place"])
def test_a_message_is_explained(name, linux_mini):
    asked = {"line": KILL, "place": "mm/oom_kill.c:14"}[name]
    golden.check(f"cli/explain-{name}.txt", ksrcfind("explain", asked, directory=linux_mini).out)


def test_later_changes_are_listed(linux_mini):
    shown = ksrcfind("explain", "--rev", "v5.8", KILL, directory=linux_mini).out
    _, _, later = shown.partition("Later changes")
    assert "v5.10-rc1" in later
    assert "reworded to" in later


def test_a_record_has_meaning_and_callers(linux_mini):
    done = ksrcfind("explain", "--format", "json", KILL, directory=linux_mini)
    [match] = json.loads(done.out)["records"][0]["matches"][:1]
    assert match["meaning"]["id"] == "memory/invoked-oom-killer"
    assert match["callers"]


def test_a_message_without_an_entry_says_so(linux_mini, monkeypatch):
    monkeypatch.setattr("ksrcfind.knowledge.meaning.entry_for", lambda _message: None)
    shown = ksrcfind("explain", KILL, directory=linux_mini).out
    assert "The knowledge base has no entry for this message" in shown
    assert "mm/oom_kill.c" in shown


def test_nothing_matches(linux_mini):
    done = ksrcfind("explain", "disk 1 of 2 caught fire", directory=linux_mini)
    assert done.status == 1
    assert "No match" in done.out
