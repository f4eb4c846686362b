"""Completions without typer are those of typer."""

import os
import random
from contextlib import suppress

import msgspec
import pytest
import typer
from typer._completion_classes import completion_init

from ksrcfind.cli import completion
from ksrcfind.cli.app import group
from ksrcfind.cli.candidates import Kind
from test_docs import regenerate

SHELLS = ("bash", "zsh", "fish")
WORDS = (
    *(
        "find",
        "batch",
        "at",
        "index",
        "doctor",
        "help",
        "mcp",
        "diff",
        "life",
        "show",
        "ba",
        "x",
        "two words",
        "-",
        "--",
    ),
    *("--format", "--fo", "json", "--color", "auto", "--color=a", "--repo", ".", "-C", "-n", "3", "--history", "first"),
    *("--no-history", "--source", "--source=3", "--group-by", "file", "--level", "--version", "-h", "--help", "--open"),
    *("--min-level", "err", "--callers", "--each", "--rev", "v5.9", "--unknown", "", "--no", "-q", "--qu"),
)


def variables(shell, words):
    """Return what the script of a shell sets; the last word is completed."""
    quoted = [f'"{word}"' if " " in word else word for word in words]
    asked = {"_KSRCFIND_COMPLETE": f"complete_{shell}"}
    line = " ".join(["ksrcfind", *quoted])
    if shell == "bash":
        return asked | {"COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    return asked | {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}


def of_typer(environment, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        completion_init()
        with suppress(typer.Exit, SystemExit):
            group().main([], "ksrcfind", standalone_mode=False)
    return capsys.readouterr().out


def same(output):
    """Return what is compared: typer wraps help at the terminal's width; `--help` and `-h` have no order."""
    return sorted(output.replace("(", " ").replace(")", " ").split())


def test_the_table_is_up_to_date():
    assert regenerate.COMPLETIONS.read_text() == regenerate.completions(), "python docs/regenerate.py writes it"


@pytest.mark.parametrize("seed", range(8))
def test_completions_are_those_of_typer(seed, monkeypatch, capsys):
    chance = random.Random(seed)
    answered = 0
    for _ in range(40):
        words = chance.choices(WORDS, k=chance.randint(1, 4))
        environment = variables(chance.choice(SHELLS), words)
        found = completion.complete(environment)
        if found is not None:
            answered += 1
            assert same(found[0]) == same(of_typer(environment, monkeypatch, capsys)), words
    assert answered > 15


def test_what_the_tree_offers_is_completed(linux_mini, monkeypatch):
    monkeypatch.chdir(linux_mini)

    def values(line, **environment):
        asked = {"_KSRCFIND_COMPLETE": "words", "_KSRCFIND_LINE": line, "KSRCFIND_CONFIG": os.devnull, **environment}
        lines, status = completion.complete(asked)
        assert status == (0 if lines else 1)
        return [one.partition("\t")[0] for one in lines.splitlines()]

    assert values("ksrcfind --rev v5.8") == ["v5.8", "v5.8-rc1", "v5.8.1", "v5.8.2"]
    assert values("ksrcfind find --rev=v5.8.") == ["--rev=v5.8.1", "--rev=v5.8.2"]
    assert "master" in values("ksrcfind diff v5.8 ")
    assert values("ksrcfind diff v5.8 v5.9 mm/") == ["mm/Makefile", "mm/oom_kill.c"]
    assert values("ksrcfind at drivers/net/mini/p") == ["drivers/net/mini/phy-c45.c:", "drivers/net/mini/phy.c:"]
    assert values("ksrcfind at -- mm/oom") == ["mm/oom_kill.c:"]
    assert ".git/" not in values("ksrcfind messages ")
    monkeypatch.chdir(linux_mini / "mm")
    assert values("ksrcfind at oom") == ["oom_kill.c:"]
    assert values("ksrcfind at net/core/d") == ["net/core/datagram.c:", "net/core/dev.c:"]
    monkeypatch.chdir("/")
    assert values(f"ksrcfind -C {linux_mini} at mm/oom") == ["mm/oom_kill.c:"]
    assert values(f"ksrcfind --repo={linux_mini} --rev v5.8.2") == ["v5.8.2"]
    assert values("ksrcfind at mm/oom", KSRCFIND_REPO=str(linux_mini)) == ["mm/oom_kill.c:"]


def test_nothing_is_completed_without_a_tree_or_a_word(linux_mini, tmp_path, monkeypatch):
    def answer(line, **environment):
        asked = {"_KSRCFIND_COMPLETE": "words", "_KSRCFIND_LINE": line, "KSRCFIND_CONFIG": os.devnull, **environment}
        return completion.complete(asked)

    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("jobs = [")
    assert answer("ksrcfind --rev v") == ("", 1)
    assert answer("ksrcfind at m") == ("", 1)
    assert answer("ksrcfind -C missing at m") == ("", 1)
    assert answer(f"ksrcfind -C {linux_mini} at m", KSRCFIND_CONFIG=str(broken)) == ("", 1)
    assert answer(f"ksrcfind -C {linux_mini} at /etc/") == ("", 1), "the shell completes absolute paths"
    assert answer(f"ksrcfind -C {linux_mini} at mm/oom_kill.c/") == ("", 1)
    assert answer(f"ksrcfind -C {linux_mini} at nul\0") == ("", 1)
    assert answer('ksrcfind "BUG: un') == ("", 1), "a log line"
    assert answer("ksrcfind batch k") == ("", 1), "the shell completes files"
    assert completion.complete({"_KSRCFIND_COMPLETE": "words"}) == ("", 1)


def test_words_are_completed_where_typer_has_to_decide():
    def values(line):
        lines, _ = completion.complete({"_KSRCFIND_COMPLETE": "words", "_KSRCFIND_LINE": line})
        return [one.partition("\t")[0] for one in lines.splitlines()]

    assert values("ksrcfind --color=a") == ["--color=auto", "--color=always"]
    assert values("ksrcfind find --source --call") == ["--callers"]
    assert values("ksrcfind ba") == ["batch"]
    assert values("ksrcfind -- --call") == []
    assert values("ksrcfind find --quiet --qui") == [], "it was given"


def test_every_kind_is_of_some_argument_or_option():
    table = msgspec.json.decode(regenerate.COMPLETIONS.read_bytes(), type=dict[str, completion.CommandItems])
    kinds = {kind for own in table.values() for kind in (*own.kinds, *(one.kind for one in own.options))}
    assert kinds == {None, *Kind}


def test_odd_requests_are_left_to_typer():
    for environment in (
        {"_KSRCFIND_COMPLETE": "source_bash"},
        {"_KSRCFIND_COMPLETE": "complete_powershell"},
        {"_KSRCFIND_COMPLETE": "complete_bash"},
        {"_KSRCFIND_COMPLETE": "complete_bash", "COMP_WORDS": 'ksrcfind "half', "COMP_CWORD": "1"},
        {"_KSRCFIND_COMPLETE": "complete_bash", "COMP_WORDS": "ksrcfind", "COMP_CWORD": "one"},
        {"_KSRCFIND_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": "ksrcfind ba"},
    ):
        assert completion.complete(environment) is None


def test_fish_asks_whether_there_is_anything():
    asked = {"_KSRCFIND_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "is-args"}
    assert completion.complete(asked | {"_TYPER_COMPLETE_ARGS": "ksrcfind ba"}) == ("", 0)
    assert completion.complete(asked | {"_TYPER_COMPLETE_ARGS": "ksrcfind batch lo"}) == ("", 1)
