"""Completions without typer are those of typer."""

import random
from contextlib import suppress

import pytest
import typer
from typer._completion_classes import completion_init

from ksrcfind.cli import completion
from ksrcfind.cli.app import group
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
