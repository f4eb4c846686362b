"""Completions are those of typer, and what the tree offers."""

import os
import random
import shlex

import msgspec
import pytest
from typer._completion_classes import BashComplete

from ksrcfind.cli import completion
from ksrcfind.cli.app import group
from ksrcfind.cli.candidates import Kind
from ksrcfind.cli.main import run
from ksrcfind.cli.shells import SHELLS
from test_docs import regenerate

UNUSUAL = {"--", "--source", "--source=3", "--callers", "--color=a", "-h", "--help", "--version"}
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


def of_typer(words):
    """Return typer's answer; the last word is completed."""
    found = BashComplete(group(), {}, "ksrcfind", "").get_completions(words[:-1], words[-1])
    return sorted(item.value for item in found)


def asked(line, **environment):
    """Return the candidates for a command line, without their help, and the exit status."""
    lines, status = completion.complete({"_KSRCFIND_LINE": line, "KSRCFIND_CONFIG": os.devnull, **environment})
    assert status == (0 if lines else 1)
    return [one.partition("\t")[0] for one in lines.splitlines()]


def test_the_table_is_up_to_date():
    assert regenerate.COMPLETIONS.read_text() == regenerate.completions(), "python docs/regenerate.py writes it"


@pytest.mark.parametrize("seed", range(8))
def test_completions_are_those_of_typer(seed, monkeypatch):
    monkeypatch.setattr("ksrcfind.cli.candidates.candidates", lambda *_: [])  # typer knows no tree
    chance = random.Random(seed)
    answered = 0
    for _ in range(40):
        words = chance.sample(WORDS, k=chance.randint(1, 4))
        # Typer knows no option that may stand without a value, and completes nothing behind an equals sign.
        if "" not in words and not {*words[:-1]} & UNUSUAL and "=" not in words[-1]:
            answered += 1
            assert sorted(asked(shlex.join(["ksrcfind", *words]))) == of_typer(words), words
    assert answered > 8


def test_what_the_tree_offers_is_completed(linux_mini, monkeypatch):
    monkeypatch.chdir(linux_mini)

    values = asked
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
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("jobs = [")
    assert asked("ksrcfind --rev v") == []
    assert asked("ksrcfind at m") == []
    assert asked("ksrcfind -C missing at m") == []
    assert asked(f"ksrcfind -C {linux_mini} at m", KSRCFIND_CONFIG=str(broken)) == []
    assert asked(f"ksrcfind -C {linux_mini} at /etc/") == [], "the shell completes absolute paths"
    assert asked(f"ksrcfind -C {linux_mini} at mm/oom_kill.c/") == []
    assert asked(f"ksrcfind -C {linux_mini} at nul\0") == []
    assert asked('ksrcfind "BUG: un') == [], "a log line"
    assert asked("ksrcfind batch k") == [], "the shell completes files"
    assert completion.complete({}) == ("", 1)


def test_words_are_completed_where_typer_has_to_decide():
    values = asked
    assert values("ksrcfind --color=a") == ["--color=auto", "--color=always"]
    assert values("ksrcfind find --source --call") == ["--callers"]
    assert values("ksrcfind ba") == ["batch"]
    assert values("ksrcfind -- --call") == []
    assert values("ksrcfind find --quiet --qui") == [], "it was given"


def test_every_kind_is_of_some_argument_or_option():
    table = msgspec.json.decode(regenerate.COMPLETIONS.read_bytes(), type=dict[str, completion.CommandItems])
    kinds = {kind for own in table.values() for kind in (*own.kinds, *(one.kind for one in own.options))}
    assert kinds == {None, *Kind}


def in_shell(tmp_path, monkeypatch, capsys, shell, option):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("SHELL", shell)
    status = run([option])
    return status, *capsys.readouterr()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_shown_and_installed(shell, tmp_path, monkeypatch, capsys):
    status, script, err = in_shell(tmp_path, monkeypatch, capsys, f"/usr/bin/{shell}", "--show-completion")
    assert (status, err) == (0, "")
    assert "ksrcfind" in script
    status, out, err = in_shell(tmp_path, monkeypatch, capsys, f"/usr/bin/{shell}", "--install-completion")
    assert (status, err) == (0, "")
    [written] = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert written.read_text() == script
    assert out.startswith(f"wrote {written}\n")
    assert (str(written.parent) in out.partition("\n")[2]) == (shell != "fish"), "the user is told what is left to do"


def test_a_shell_without_completion_is_an_error(tmp_path, monkeypatch, capsys):
    status, out, err = in_shell(tmp_path, monkeypatch, capsys, "/bin/tcsh", "--show-completion")
    assert (status, out) == (2, "")
    assert "no completion for the shell tcsh" in err
    assert "bash, zsh, fish" in err
    status, out, err = in_shell(tmp_path, monkeypatch, capsys, "", "--install-completion")
    assert (status, out) == (2, "")
    assert "SHELL is not set" in err


def test_a_script_that_cannot_be_written_is_an_error(tmp_path, monkeypatch, capsys):
    (tmp_path / ".config").write_text("a file")
    status, out, err = in_shell(tmp_path, monkeypatch, capsys, "fish", "--install-completion")
    assert (status, out) == (2, "")
    assert "cannot write" in err
