"""The recipes of docs/terminal.md, to the letter, in a real terminal: tmux."""

import re
import shutil
from pathlib import Path

import pytest

from conftest import load

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "terminal.md").read_text()
ANSWER = "__oom_kill_process()"

captures = load(ROOT / "docs" / "captures.py")


def recipe(heading):
    """Return the block of code under a heading."""
    return re.search(rf"^## {heading}.*?^```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]


def needs(*names):
    missing = [name for name in (*names, "tmux") if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture
def terminal(linux_mini, tmp_path):
    """Start a program in a terminal whose home has the tree and a log; ends it at last."""
    home = tmp_path / "me"
    environment = captures.home_with_tree(home, linux_mini) | {"EDITOR": "vi", "LESS": ""}
    (home / ".cache").mkdir(exist_ok=True)
    screens = []

    def start(command, configuration=""):
        (home / "tmux.conf").write_text(configuration)
        screens.append(captures.Screen(command, home, environment, home / "tmux.conf"))
        return screens[-1]

    yield start
    for screen in screens:
        screen.end()


@needs("fzf", "vi")
def test_fzf_previews_the_answer_and_opens_the_call(terminal):
    screen = terminal(f"sh -c {captures.shlex.quote(recipe('fzf').replace('dmesg |', 'cat ../server.dmesg |'))}")
    screen.wait_for("hw csum failure")
    screen.type("46452")
    assert "exact match" in screen.wait_for(ANSWER)
    screen.type("Enter")
    screen.wait_for("14,")


@needs("less")
def test_less_explains_what_is_on_the_screen(terminal):
    screen = terminal("less ../server.dmesg")
    screen.wait_for("hw csum failure")
    screen.type(f"{captures.shlex.quote(recipe('less').strip())} Enter")
    screen.wait_for("print_banner()")


@needs("less")
def test_tmux_explains_the_selected_line(terminal):
    screen = terminal("sh -c 'cat ../server.dmesg; exec sleep 600'", recipe("tmux"))
    screen.wait_for("hw csum failure")
    for command in (
        "copy-mode",
        "send-keys -X history-top",
        *["send-keys -X cursor-down"] * 2,
        "send-keys -X select-line",
    ):
        screen.tell(command)
    screen.tell("set-option -g mode-keys vi")
    screen.type("K")
    screen.wait_for("Introduced")
