"""--open hands over to an editor; places and commits are links on a terminal."""

import os

import pytest

from commandline import DEMO, ksrcfind
from ksrcfind.output.links import Links, linked
from ksrcfind.output.style import Painter


@pytest.fixture
def started(monkeypatch):
    """The words of the editor that was started, instead of starting it."""
    words = []
    monkeypatch.setattr(os, "execvp", lambda program, arguments: words.extend([program, *arguments]))
    return words


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"EDITOR": "nano"}, ["nano", "nano", "+14", "{file}"]),
        ({"EDITOR": "nano", "VISUAL": "emacs -nw"}, ["emacs", "emacs", "-nw", "+14", "{file}"]),
        ({"EDITOR": "code --goto {file}:{line}"}, ["code", "code", "--goto", "{file}:14"]),
        ({}, ["vi", "vi", "+14", "{file}"]),
    ],
)
@pytest.mark.parametrize("command", [("find", DEMO), ("at", "mm/oom_kill.c:15")])
def test_open_starts_the_editor_at_the_call(linux_mini, monkeypatch, started, command, variables, expected):
    for name in ("EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = ksrcfind("-C", linux_mini, *command, "--open", "--no-history")
    assert "__oom_kill_process()" in done.out
    assert started == [word.replace("{file}", str(linux_mini / "mm/oom_kill.c")) for word in expected]


def test_the_configuration_names_an_editor_before_the_environment(linux_mini, monkeypatch, tmp_path, started):
    config = tmp_path / "config.toml"
    config.write_text('editor = "gvim"\n')
    monkeypatch.setenv("KSRCFIND_CONFIG", str(config))
    monkeypatch.setenv("EDITOR", "nano")
    ksrcfind("-C", linux_mini, DEMO, "--open", "--no-history")
    assert started[0] == "gvim"


@pytest.mark.parametrize(
    ("editor", "said"), [('vi "', "cannot parse the editor command"), (" ", "the editor command is blank")]
)
def test_an_editor_that_is_no_command_is_told(linux_mini, monkeypatch, started, editor, said):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    done = ksrcfind("-C", linux_mini, DEMO, "--open", "--no-history")
    assert done.status == 2
    assert said in done.err
    assert "VISUAL, EDITOR" in done.err
    assert started == []


def test_nothing_is_opened_where_nothing_matched(linux_mini, started):
    assert ksrcfind("-C", linux_mini, "zzyzx frobnicates", "--open").status == 1
    assert started == []


def test_a_file_that_reads_otherwise_in_the_revision_is_not_opened(linux_mini, started):
    done = ksrcfind("-C", linux_mini, "--rev", "v3.3", "invoked oom-killer", "--open", "--no-history")
    assert done.status == 2
    assert "differs from v3.3" in done.err
    assert started == []


def test_an_editor_that_is_not_there_is_named(linux_mini, monkeypatch):
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    done = ksrcfind("-C", linux_mini, DEMO, "--open", "--no-history")
    assert done.status == 2
    assert "cannot start the editor /no/such/editor" in done.err


PLACE, COMMIT = "ed://{file}:{line}", "https://git/?id={commit}"


@pytest.fixture
def configured(tmp_path, monkeypatch):
    config = tmp_path / "config.toml"

    def write(hyperlinks):
        config.write_text(f'hyperlinks = "{hyperlinks}"\nplace_link = "{PLACE}"\ncommit_link = "{COMMIT}"\n')
        monkeypatch.setenv("KSRCFIND_CONFIG", str(config))
        monkeypatch.setenv("TERM", "xterm-256color")

    return write


@pytest.mark.parametrize(
    ("hyperlinks", "terminal", "expected"),
    [("auto", True, True), ("auto", False, False), ("always", False, True), ("never", True, False)],
)
def test_places_and_commits_are_links_where_they_can_be_followed(
    linux_mini, configured, hyperlinks, terminal, expected
):
    configured(hyperlinks)
    out = ksrcfind("-C", linux_mini, DEMO, terminal=terminal).out
    assert (f"\x1b]8;;ed://{linux_mini}/mm/oom_kill.c:14\x1b\\" in out) is expected
    assert ("\x1b]8;;https://git/?id=f18369643e0c\x1b\\" in out) is expected


def test_json_has_no_links(linux_mini, configured):
    configured("always")
    assert "\x1b" not in ksrcfind("-C", linux_mini, DEMO, "--format", "json", terminal=True).out


@pytest.mark.parametrize("link", ["ed:// {file}", "ed://{password}", "ed://\\u001b]8", ""])
def test_a_template_that_makes_no_address_is_a_mistake(linux_mini, monkeypatch, tmp_path, link):
    config = tmp_path / "config.toml"
    config.write_text(f'place_link = "{link}"\n')
    monkeypatch.setenv("KSRCFIND_CONFIG", str(config))
    done = ksrcfind("-C", linux_mini, DEMO)
    assert done.status == 2
    assert "place_link" in done.err


def test_hostile_names_stay_within_the_address(tmp_path):
    links = Links("ed://{file}:{line}", COMMIT, tmp_path, "v1")
    line = Painter(color=False, links=links).line(("a\x1b]8;;evil:\x07 b/x.c:3", "place"))
    before, address, rest = line.split("\x1b]8;;", 1)[0], *line.split("\x1b]8;;", 1)[1].split("\x1b\\", 1)
    assert before == ""
    assert address.isprintable()
    assert " " not in address
    assert rest.count("\x1b") == 2


def test_without_files_there_are_only_links_that_need_none():
    assert Links("ed://{file}", None, None, "v1").address("a.c:3", "place") is None
    assert (
        Links("https://x/{rev}/{path}#L{line}", None, None, "v1").address("a.c:3-4", "place") == "https://x/v1/a.c#L3"
    )
    assert Links("https://x/{rev}", None, None, None).address("a.c:3", "place") is None
    assert linked("text", None) == "text"
