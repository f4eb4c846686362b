"""Real editors, installed as their READMEs say, each with its own client: `make test-editors`.

Those that are not there are skipped, which the summary of the tests says.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import load

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(__file__).parent / "editors"
LOG = Path(__file__).parent / "log_samples" / "dmesg.log"
PATIENCE = 120

pytest.importorskip("pygls", reason="the language server's packages are not installed")

captures = load(ROOT / "docs" / "captures.py")


def installed(*names):
    missing = [name for name in names if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture
def edit(linux_mini, tmp_path):
    """Run an editor that was installed as its README says on what dmesg printed; gives what its script wrote."""
    home = tmp_path / "home"
    log = tmp_path / "dmesg.log"
    shutil.copy(LOG, log)
    [line] = [number for number, text in enumerate(LOG.read_text().splitlines(), 1) if "OOM victim" in text]
    result = tmp_path / "result.json"

    def run(editor, *command):
        environment = captures.settle(captures.EDITORS[editor], home, linux_mini) | {
            "KSRCFIND_LOG": str(log),
            "KSRCFIND_LINE": str(line),
            "KSRCFIND_RESULT": str(result),
            "TERM": "dumb",
        }
        done = subprocess.run(
            command,
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert result.exists(), done.stdout.decode() + done.stderr.decode()
        told = json.loads(result.read_text())
        assert "error" not in told, told
        assert Path(told["file"]) == home / "linux/mm/oom_kill.c"
        assert "pr_info(" in told["text"]
        assert told["line"] == 14
        return told

    return run


@installed("nvim")
def test_neovim(edit):
    told = edit("neovim", "nvim", "--headless", "-i", "NONE", "-n", "-c", f"luafile {SCRIPTS / 'neovim.lua'}")
    assert told["filetype"] == "dmesg"
    assert "__oom_kill_process()" in told["hover"]
    assert "v5\\.9" in told["hover"]
    assert any(title.startswith("v5.9 · mm, oom: say so") for title in told["lenses"])
    titles = ["Copy the answer", "Open the commit", "Show how the message changed", "Show what calls the function"]
    assert told["actions"] == titles
    assert "First release  v5.9" in told["copied"]
    assert told["c_lenses"] == "introduced in v5.9"
    assert told["references"] == [int(told["asked"])]
    assert "netdev_rx_csum_fault()" in told["grown"]


@installed("vim")
@pytest.mark.parametrize("command", ["Ksrcfind", "KsrcfindLog", "make"])
def test_vim(edit, tmp_path, command):
    script = f"let g:command = '{command}'"
    told = edit("vim", "vim", "-es", "-N", "-u", tmp_path / "home/.vimrc", "-i", "NONE", "-n", "--cmd", script,
                "-S", SCRIPTS / "vim.vim")  # fmt: skip
    assert told["filetype"] == "dmesg"
    assert told["entries"] == (1 if command == "Ksrcfind" else told["recognised"])


def has_eglot():
    if shutil.which("emacs") is None:
        return False
    done = subprocess.run(
        ["emacs", "--batch", "--eval", "(require 'eglot)"], capture_output=True, timeout=PATIENCE, check=False
    )
    return done.returncode == 0


def emacs(edit, tmp_path, script):
    init = tmp_path / "home/.emacs.d/init.el"
    return edit("emacs", "emacs", "--batch", "-l", init, "-l", SCRIPTS / script)


@pytest.mark.skipif(not has_eglot(), reason="not installed: emacs with eglot (Emacs 29, or the package elpa-eglot)")
def test_emacs_with_the_server(edit, tmp_path):
    told = emacs(edit, tmp_path, "emacs.el")
    assert told["mode"] == "ksrcfind-log-mode"
    assert "__oom_kill_process()" in told["hover"]
    assert "v5" in told["hover"]
    assert "netdev_rx_csum_fault()" in told["grown"]


@installed("emacs")
def test_emacs_with_the_program(edit, tmp_path):
    told = emacs(edit, tmp_path, "emacs-compilation.el")
    assert "__oom_kill_process(), v5.9]" in told["list"]


@installed("emacs")
def test_the_emacs_package_compiles_without_a_warning(tmp_path):
    source = tmp_path / "ksrcfind.el"
    source.write_text((ROOT / "editors/emacs/ksrcfind.el").read_text())
    # The width of docstrings is left out: Emacs itself makes some from the names of modes.
    strict = "(setq byte-compile-error-on-warn t byte-compile-warnings '(not docstrings))"
    command = ["emacs", "--batch", "--eval", strict, "-f", "batch-byte-compile", source]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr.decode()


LOOKS = ["dmesg-r.log", "dmesg-x.log", "dmesg-T.log", "rsyslog-traditional.log", "journal-short.log"]


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("editor", ["nvim", "vim", "emacs"])
def test_logs_are_known_by_how_they_look(editor, name, linux_mini, tmp_path):
    if shutil.which(editor) is None:
        pytest.skip(f"not installed: {editor}")
    # The client alone: no server is needed to know a log.
    vim = [editor, "-es", "-n", "-i", "NONE", "--cmd", f"set runtimepath^={ROOT}/editors/vim", "--cmd", "filetype on"]
    show = ["-c", "execute 'silent !echo' &filetype '> found'", "-c", "qall!", "app.log"]
    load = [
        "-l",
        ROOT / "editors/emacs/ksrcfind.el",
        "app.log",
        "--eval",
        '(write-region (symbol-name major-mode) nil "found")',
    ]
    (tmp_path / "app.log").write_bytes((LOG.parent / name).read_bytes())
    command = ["emacs", "--batch", *load] if editor == "emacs" else [*vim, *show]
    subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True)
    assert (tmp_path / "found").read_text().strip() in ("dmesg", "ksrcfind-log-mode")


@pytest.mark.parametrize("name", LOOKS)
def test_vs_code_knows_logs_by_their_first_line(name):
    [language] = json.loads((ROOT / "editors/vscode/package.json").read_text())["contributes"]["languages"]
    assert re.search(language["firstLine"], (LOG.parent / name).read_text("utf-8", "replace").split("\n")[0])


@pytest.mark.parametrize("name", captures.EDITORS)
def test_a_capture_is_what_the_editor_shows(name, linux_mini, tmp_path):
    editor = captures.EDITORS[name]
    version = captures.version(editor)
    if version is None or shutil.which("tmux") is None:
        pytest.skip(f"not installed: {editor.version[0]} or tmux")
    if version not in editor.readme.read_text():
        pytest.skip(f"the capture is of another version than {version}")
    home = tmp_path / "me"
    shown = captures.capture(editor, home, captures.settle(editor, home, linux_mini))
    assert captures.essence(shown, home) == captures.essence(captures.shown_in(editor)), shown


@installed("npm")
@pytest.mark.skipif(not (ROOT / "editors/vscode/node_modules").is_dir(), reason="not done: npm ci")
def test_the_extension_for_vs_code_compiles_and_passes_its_tests():
    command = ["npm", "test", "--silent"]
    done = subprocess.run(command, cwd=ROOT / "editors/vscode", capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_the_extension_comes_from_the_public_registry():
    lock = json.loads((ROOT / "editors/vscode/package-lock.json").read_text())
    resolved = [package["resolved"] for package in lock["packages"].values() if "resolved" in package]
    assert all(address.startswith("https://registry.npmjs.org/") for address in resolved)
    assert all("integrity" in package for path, package in lock["packages"].items() if path)
