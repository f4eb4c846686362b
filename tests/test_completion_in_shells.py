"""The completion scripts work in real shells, which a test types into on a pseudo-terminal."""

import os
import pty
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ksrcfind

SCRIPTS = Path(ksrcfind.__file__).parent / "cli" / "completions"
PATIENCE = 60
"""Seconds after which a shell counts as stuck."""

SHELLS = {
    "bash": (["--norc", "--noprofile", "-i"], f"source {SCRIPTS}/ksrcfind.bash"),
    "zsh": (["-f", "-i"], f"fpath=({SCRIPTS} $fpath); autoload -Uz compinit; compinit -u -D"),
    "fish": (["-i"], f"source {SCRIPTS}/ksrcfind.fish"),
}
"""Shell → its arguments, and the line that loads the script."""

TYPED = {
    # What the program has.
    "ksrcfind ba": "ksrcfind batch ",
    "ksrcfind find --no-hi": "ksrcfind find --no-history ",
    "ksrcfind --color al": "ksrcfind --color always ",
    "ksrcfind --color=al": "ksrcfind --color=always ",
    "ksrcfind batch --group-by sub": "ksrcfind batch --group-by subsystem ",
    "ksrcfind find --source --call": "ksrcfind find --source --callers ",
    # What the tree has.
    "ksrcfind --rev v6.2": "ksrcfind --rev v6.2-rc1 ",
    "ksrcfind batch --new-since=v6.2": "ksrcfind batch --new-since=v6.2-rc1 ",
    "ksrcfind diff v5.9 v6.2": "ksrcfind diff v5.9 v6.2-rc1 ",
    "ksrcfind at mm/oo": "ksrcfind at mm/oom_kill.c:",
    "ksrcfind diff v5.9 v5.10 mm/oo": "ksrcfind diff v5.9 v5.10 mm/oom_kill.c ",
    "ksrcfind messages drivers/bl": "ksrcfind messages drivers/block/",
    # What only the shell knows: names of files.
    "ksrcfind batch ~/boot": "ksrcfind batch ~/boot.dmesg ",
    # Nothing.
    "ksrcfind --rev nothing-like-it": "ksrcfind --rev nothing-like-it",
    "ksrcfind at nothing/like": "ksrcfind at nothing/like",
    "ksrcfind --nothing": "ksrcfind --nothing",
}
"""What is typed before the tab → what the line is after it."""

BECOME = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Runs a command with standard input as its controlling terminal, without which fish ends."""

TO_THE_BEGINNING, TO_THE_END = b"\x01", b"\x05"


class Shell:
    """An interactive shell in a directory. Use it as a context."""

    def __init__(self, name, directory, home):
        arguments, self._load = SHELLS[name]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(home), "TERM": "xterm", "PS1": "$ ", "LC_ALL": "C.UTF-8"}
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", BECOME, name, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=directory,
            env=environment,
        )
        os.close(theirs)
        self._number = 0

    def __enter__(self):
        os.write(self._terminal, self._load.encode() + b"\n")
        return self

    def __exit__(self, *error):
        self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._terminal)

    def line_after(self, keys):
        """Return what the command line is after some keys and a dot: a quoted echo of it is run."""
        self._number += 1
        begin, end = f"<{self._number}:".encode(), f":{self._number}>".encode()
        # The quotes in the marks keep them apart from the echo of what is typed.
        wrapped = b"echo '<'" + begin[1:] + b"'" + TO_THE_END + end[:-1] + b"''>'" + b"\n"
        os.write(self._terminal, keys + b"." + TO_THE_BEGINNING + wrapped)
        return self._read(begin, end)

    def _read(self, begin, end):
        """Return what the terminal shows between two marks."""
        shown = b""
        while begin not in shown or end not in shown.partition(begin)[2]:
            ready, _, _ = select.select([self._terminal], [], [], PATIENCE)
            assert ready, shown
            shown += os.read(self._terminal, 1 << 16)
        return shown.partition(begin)[2].partition(end)[0].decode()


@pytest.fixture
def home(tmp_path):
    """A home directory with a log."""
    (tmp_path / "boot.dmesg").write_text("")
    return tmp_path


@pytest.mark.parametrize("name", SHELLS)
def test_a_tab_completes(name, linux_mini, home):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    with Shell(name, linux_mini, home) as shell:
        seen = {typed: shell.line_after(typed.encode() + b"\t").removesuffix(".") for typed in TYPED}
    assert seen == TYPED
