"""The end of batch: an interrupt loses nothing that is known, and the tree is searched once."""

import json
from functools import partial

import pytest

from commandline import ksrcfind
from conftest import LINUX_MINI
from ksrcfind.batch.analysis import LogAnalysis
from ksrcfind.engine.about import AboutService
from ksrcfind.output.json import JsonWriter

LOG = LINUX_MINI / "kern.log"


@pytest.fixture
def batch(linux_mini, tmp_path, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / "cache"))
    return partial(ksrcfind, "batch", directory=linux_mini)


def interrupt(*_arguments, **_options):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("of", "name"),
    [(AboutService, "prepare"), (JsonWriter, "group"), (LogAnalysis, "messages")],
    ids=["while it looks up", "while it writes", "while it traces"],
)
def test_ctrl_c_at_the_end_writes_what_is_known(batch, monkeypatch, of, name):
    monkeypatch.setattr(of, name, interrupt)
    done = batch("--format", "json", LOG)
    document = json.loads(done.out)
    assert done.status == 130
    assert document["summary"]["interrupted"]
    assert (document["summary"]["lines"], len(document["summary"]["incidents"])) == (41, 11)


def test_ctrl_c_while_incidents_are_looked_up_shows_them(batch, monkeypatch):
    monkeypatch.setattr(AboutService, "prepare", interrupt)
    done = batch("--no-history", LOG)
    assert done.status == 130
    assert "Out of memory: the kernel killed nginx" in done.out
    assert "The run was interrupted." in done.out


@pytest.mark.parametrize("options", [(), ("--all",), ("--format", "json")], ids=repr)
def test_the_tree_is_searched_once_for_messages_and_incidents(batch, monkeypatch, options):
    prepared = []
    monkeypatch.setattr(AboutService, "prepare", lambda _self, stacks: prepared.append(len(list(stacks))))
    batch("--no-history", *options, LOG)
    assert len(prepared) == 1
    assert prepared[0] >= 9


@pytest.mark.parametrize("options", [("--limit", "3"), ("--history", "all")], ids=" ".join)
def test_options_about_further_matches_list_the_messages_with_them(batch, options):
    # Two calls print this text.
    done = batch(*options, "-", stdin=b"mini_disk: 2 disks found\n" + b"minihub 1-1: hub: 1 port ready\n")
    assert "2 lines, 2 messages" in done.out


def test_the_list_shows_all_matches_only_if_they_are_asked_for(batch):
    text = b"mini_eth: no PHY found at address 7\n"  # a text of two calls
    plain, limited, one = (batch("--all", *options, "-", stdin=text).out for options in ((), ("-n", "4"), ("-n", "1")))
    assert plain == one
    assert "or 1 more" in plain
    assert "or 1 more" not in limited
    assert sum(line.strip().startswith("or ") for line in limited.splitlines()) == 1
