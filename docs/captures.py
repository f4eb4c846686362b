"""Renews the captures in the READMEs of the editors: real editors in tmux, installed as the READMEs say.

    python docs/captures.py [EDITOR...]

An editor gets a home directory with nothing in it but the bundled repository as `~/linux` and a log. The README's
blocks are followed to the letter: `sh` in the shell, without its first line, which installs ksrcfind; those in the
editor's own language go into its settings. The capture is the last block of `text`. `tests/test_editors.py` calls the
same functions and fails where a README differs from what the version of the editor shows that it names.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 104, 44
QUIET = "(setq native-comp-deferred-compilation nil native-comp-async-report-warnings-errors nil)"
"""Emacs in an empty home compiles Debian's packages and warns about them whenever that is done."""

SHOWN_HOME = "/home/me"
PATIENCE = 60
"""Seconds after which what was waited for will not come."""

LOG = """\
[    0.000000] Linux version 6.1.0 (me@host)
[    2.131017] mini_eth: no PHY found at address 3
[40872.663481] Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task
[40873.000126] eth0: hw csum failure
"""

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Editor:
    """An editor, what is typed into it, and what of the screen is shown."""

    folder: str
    version: tuple[str, ...]
    """The command that prints its version in the first line."""
    language: str
    """Of the block that goes into the file of settings."""
    settings: str
    start: str
    keys: tuple[tuple[str, str], ...]
    """Pairs: text that is on the screen before, keys in tmux's words."""
    shown: str
    """Text that is on the screen at the end."""
    rows: int = HEIGHT
    """Rows that are shown: the last one of Emacs has its messages, which come and go."""

    @property
    def readme(self) -> Path:
        """Its README."""
        return ROOT / "editors" / self.folder / "README.md"


EDITORS = {
    "neovim": Editor(
        "neovim", ("nvim", "--version"), "lua", ".config/nvim/init.lua", "nvim -n ../server.dmesg",
        (("v2.6.12 · Linux-2.6.12-rc2", ":3 Enter"), ("3,1", ":lua Space vim.lsp.buf.hover() Enter")),
        "Signed-off-by: Akira Moreno",
    ),
    "vim": Editor(
        "vim", ("vim", "--version"), "vim", ".vimrc", "vim -n ../server.dmesg",
        (("hw csum failure", ":%Ksrcfind Enter"),),
        "__oom_kill_process(), v5.9]",
    ),
    "emacs": Editor(
        "emacs", ("emacs", "--version"), "elisp", ".emacs.d/init.el", f"emacs -nw --eval '{QUIET}' ../server.dmesg",
        (("(Kernel-Log", "C-x h M-x ksrcfind Enter"),),
        "ksrcfind:exit [0]", HEIGHT - 1,
    ),
}  # fmt: skip


def blocks(readme: Path) -> list[tuple[str, str]]:
    """Return the blocks of code of a README: language and text."""
    return _FENCE.findall(readme.read_text())


def home_with_tree(home: Path, linux_mini: Path) -> dict[str, str]:
    """Make a home directory with an indexed tree and a log; return the environment of who lives there."""
    home.mkdir(exist_ok=True)
    shutil.copytree(linux_mini, home / "linux", symlinks=True)
    (home / "server.dmesg").write_text(LOG)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TERM": "tmux-256color",
    }
    subprocess.run(["ksrcfind", "-q", "-C", home / "linux", "index"], env=environment, check=True, capture_output=True)
    return environment


def settle(editor: Editor, home: Path, linux_mini: Path) -> dict[str, str]:
    """Make a home directory, follow the README in it, and return the environment of the editor."""
    environment = home_with_tree(home, linux_mini)
    for language, text in blocks(editor.readme):
        if language == "sh":
            commands = "\n".join(line for line in text.splitlines() if not line.startswith("pipx "))
            subprocess.run(["sh", "-e", "-c", commands], cwd=ROOT, env=environment, check=True)
        elif language == editor.language:
            settings = home / editor.settings
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text(text)
    return environment


class Screen:
    """A program in a terminal of its own."""

    def __init__(
        self, command: str, home: Path, environment: dict[str, str], configuration: Path = Path(os.devnull)
    ) -> None:
        self._tmux = ["tmux", "-S", str(home / "tmux"), "-f", str(configuration)]
        self._environment = environment
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        self._run("new-session", "-d", *size, "-c", str(home / "linux"), f"exec {command}")
        self._run("set-option", "-g", "status", "off")
        self._run("resize-window", *size)

    def type(self, keys: str) -> None:
        """Type keys in tmux's words: `Enter`, `C-x`, a text."""
        self._run("send-keys", *shlex.split(keys))

    def tell(self, command: str) -> None:
        """Give tmux a command of its own."""
        self._run(*shlex.split(command))

    def text(self) -> str:
        """Return what is on the screen."""
        return self._run("capture-pane", "-p")

    def wait_for(self, text: str) -> str:
        """Return the screen once a text is on it and nothing changes any more. Raises `TimeoutError`."""
        until = time.monotonic() + PATIENCE
        before = ""
        while time.monotonic() < until:
            now = self.text()
            if text in now and now == before:
                return now
            before = now
            time.sleep(0.3)
        raise TimeoutError(f"no {text!r} on the screen:\n{before}")

    def end(self) -> None:
        """End the program."""
        self._run("kill-server")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._environment, capture_output=True, check=True, timeout=PATIENCE
        )
        return done.stdout.decode()


def shown_in(editor: Editor) -> str:
    """Return the capture that a README has."""
    return [text for language, text in blocks(editor.readme) if language == "text"][-1]


def capture(editor: Editor, home: Path, environment: dict[str, str]) -> str:
    """Return what an editor shows at the end, with another home and without the time."""
    screen = Screen(editor.start, home, environment)
    try:
        for before, keys in editor.keys:
            screen.wait_for(before)
            screen.type(keys)
        shown = screen.wait_for(editor.shown)
    finally:
        screen.end()
    lines = (re.sub(r"(started|finished) at .*", r"\1", line.rstrip()) for line in shown.splitlines()[: editor.rows])
    text = re.sub(r"(^~\n){2,}", "~\n", "\n".join(lines), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).replace(str(home), SHOWN_HOME).strip("\n") + "\n"


def essence(shown: str, home: Path | None = None) -> str:
    """Return what of a capture is the same wherever the home is: where lines are broken depends on its length."""
    lines = (line.strip(" \\") for line in shown.splitlines())
    shown = "".join("".join(line.split()) for line in lines if line not in ("~", "@"))
    shown = re.sub(r"[─-]{3,}|ksrcfind-\w{6}\.log|(?<=confidence)[\d.]+", "", shown)
    return shown.replace(str(home), SHOWN_HOME) if home else shown


def version(editor: Editor) -> str | None:
    """Return the version of an editor, None if it is not installed."""
    if shutil.which(editor.version[0]) is None:
        return None
    done = subprocess.run(editor.version, capture_output=True, check=True, env=os.environ | {"HOME": "/"})
    found = re.search(r"\d+(\.\d+)+", done.stdout.decode().splitlines()[0])
    return found[0] if found else None


def with_capture(readme: str, shown: str) -> str:
    """Return a README with a capture instead of the one that it has."""
    *_, last = re.finditer(r"(?<=^```text\n).*?(?=^```$)", readme, re.DOTALL | re.MULTILINE)
    return readme[: last.start()] + shown + readme[last.end() :]


def main(names: list[str]) -> None:
    """Take captures."""
    for name in names or EDITORS:
        editor = EDITORS[name]
        with tempfile.TemporaryDirectory(prefix="me-") as home:
            tree = Path(home) / "tree" / "linux"
            subprocess.run([sys.executable, ROOT / "fixtures/linux-mini/build.py", tree], check=True)
            own = Path(home) / "me"
            shown = capture(editor, own, settle(editor, own, tree))
        editor.readme.write_text(with_capture(editor.readme.read_text(), shown))


if __name__ == "__main__":
    main(sys.argv[1:])
