"""Real editors without a screen, each with its own client: `make test-editors`. Those not installed are skipped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commandline import DEMO, ksrcfind

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(__file__).parent / "editors"
PATIENCE = 120

pytest.importorskip("pygls", reason="the language server's packages are not installed")


def installed(*names):
    missing = [name for name in names if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture
def edit(linux_mini, tmp_path):
    """Run an editor on a log whose third line is the demo's; gives what its script wrote."""
    assert ksrcfind("-C", linux_mini, "index").status == 0
    log = tmp_path / "server.dmesg"
    log.write_text(f"[    0.000000] Linux version 6.1.0\n[    1.000000] fine – 𝄞\n{DEMO}\n")
    result = tmp_path / "result.json"
    environment = os.environ | {
        "KSRCFIND_SERVER": json.dumps([sys.executable, "-m", "ksrcfind", "lsp"]),
        "KSRCFIND_TREE": str(linux_mini),
        "KSRCFIND_LOG": str(log),
        "KSRCFIND_LINE": "3",
        "KSRCFIND_RESULT": str(result),
        "TERM": "dumb",
    }

    def run(*command):
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
        assert result.exists(), done.stdout.decode() + done.stderr.decode()
        told = json.loads(result.read_text())
        assert "error" not in told, told
        return told

    return run


def leads_to_the_call(told, linux_mini):
    return Path(told["file"]) == linux_mini / "mm/oom_kill.c" and "pr_info(" in told["text"]


@installed("nvim")
def test_neovim(edit, linux_mini):
    told = edit(
        "nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n",
        "--cmd", f"set runtimepath^={ROOT / 'editors/neovim'} | filetype plugin on",
        "--cmd", "runtime plugin/ksrcfind.lua",
        "-c", f"luafile {SCRIPTS / 'neovim.lua'}",
    )  # fmt: skip
    assert told["filetype"] == "dmesg"
    assert "__oom_kill_process()" in told["hover"]
    assert "v5\\.9" in told["hover"]
    assert leads_to_the_call(told, linux_mini)


@installed("vim")
def test_vim(edit, linux_mini):
    told = edit(
        "vim", "-es", "-N", "-u", "NONE", "-i", "NONE", "-n",
        "--cmd", f"set runtimepath^={ROOT / 'editors/vim'} | filetype plugin on",
        "-c", "runtime plugin/ksrcfind.vim",
        "-S", str(SCRIPTS / "vim.vim"),
    )  # fmt: skip
    assert told["filetype"] == "dmesg"
    assert told["entries"] == 1
    assert leads_to_the_call(told, linux_mini)


def has_eglot():
    if shutil.which("emacs") is None:
        return False
    done = subprocess.run(
        ["emacs", "--batch", "--eval", "(require 'eglot)"], capture_output=True, timeout=PATIENCE, check=False
    )
    return done.returncode == 0


@pytest.mark.skipif(not has_eglot(), reason="not installed: emacs with eglot (Emacs 29, or the package elpa-eglot)")
def test_emacs(edit, linux_mini):
    told = edit("emacs", "--batch", "-L", str(ROOT / "editors/emacs"), "-l", str(SCRIPTS / "emacs.el"))
    assert told["mode"] == "ksrcfind-log-mode"
    assert "__oom_kill_process()" in told["hover"]
    assert "v5" in told["hover"]
    assert leads_to_the_call(told, linux_mini)


@installed("emacs")
def test_the_emacs_package_compiles_without_a_warning(tmp_path):
    source = tmp_path / "ksrcfind.el"
    source.write_text((ROOT / "editors/emacs/ksrcfind.el").read_text())
    # The width of docstrings is left out: Emacs itself makes some from the names of modes.
    strict = "(setq byte-compile-error-on-warn t byte-compile-warnings '(not docstrings))"
    command = ["emacs", "--batch", "--eval", strict, "-f", "batch-byte-compile", source]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr.decode()


@installed("npm")
@pytest.mark.skipif(not (ROOT / "editors/vscode/node_modules").is_dir(), reason="not done: npm install")
def test_the_extension_for_vs_code_compiles_and_passes_its_tests():
    command = ["npm", "test", "--silent"]
    done = subprocess.run(command, cwd=ROOT / "editors/vscode", capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
