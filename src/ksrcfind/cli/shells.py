"""The completion scripts of shells: show or install the one of the current shell.

Packages install the scripts where the shells of the system look for them; `--install-completion` is for an installation
with pipx, whose directories no shell searches.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from ksrcfind.errors import KsrcfindError


class Shell(Struct, frozen=True):
    """A shell with completion."""

    script: str
    """File name of the script in the package."""
    variable: str
    """The environment variable that names the directory of the user's files."""
    default: str
    """That directory, below the home directory, if the variable is not set."""
    target: str
    """Where the shell expects the script, below that directory."""
    remaining: str
    """What the user has to do besides, with `{directory}` and `{file}`; empty if nothing."""


SHELLS = {
    "bash": Shell(
        "ksrcfind.bash",
        "XDG_DATA_HOME",
        ".local/share",
        "bash-completion/completions/ksrcfind",
        "New shells load it if the package bash-completion is installed. Otherwise add to ~/.bashrc: source {file}",
    ),
    "zsh": Shell(
        "_ksrcfind",
        "XDG_DATA_HOME",
        ".local/share",
        "zsh/site-functions/_ksrcfind",
        "Add to ~/.zshrc, before compinit: fpath=({directory} $fpath)",
    ),
    "fish": Shell("ksrcfind.fish", "XDG_CONFIG_HOME", ".config", "fish/completions/ksrcfind.fish", ""),
}
"""Name → shell."""


def script(environment: Mapping[str, str]) -> str:
    """Return the completion script of the current shell. Raises `KsrcfindError` for a shell without one."""
    return _file(_current(environment)).read_text()


def install(environment: Mapping[str, str], home: Path) -> str:
    """Write the completion script of the current shell into the user's files; return what was done and what is left.

    Raises `KsrcfindError` for a shell without a script, and if the file cannot be written.
    """
    shell = _current(environment)
    target = (Path(environment.get(shell.variable) or home / shell.default) / shell.target).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_file(shell).read_text())
    except OSError as error:
        raise KsrcfindError(f"cannot write {target}: {error.strerror}", "Write it by hand: --show-completion") from None
    left = shell.remaining.format(directory=shlex.quote(str(target.parent)), file=shlex.quote(str(target)))
    return "\n".join(filter(None, [f"wrote {target}", left])) + "\n"


def _current(environment: Mapping[str, str]) -> Shell:
    name = Path(environment.get("SHELL", "")).name
    if name not in SHELLS:
        problem = f"no completion for the shell {name}" if name else "the shell is unknown: SHELL is not set"
        raise KsrcfindError(problem, f"Name one of {', '.join(SHELLS)}, as in: SHELL=bash ksrcfind --show-completion")
    return SHELLS[name]


def _file(shell: Shell) -> Path:
    return Path(__file__).with_name("completions") / shell.script
