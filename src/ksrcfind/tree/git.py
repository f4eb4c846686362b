"""Runs git; no other module starts it.

A repository is not trusted. Its configuration may name programs (filters, text conversions, monitors, hooks), the
caller's environment may point git to another repository, and a partial clone would fetch missing objects. Every command
runs with all of this disabled: git starts no other program, writes nothing and uses no network. The modules that call
git parse its output.

This module makes the environment of every command: it passes on only the variables in `INHERITED`, and reads no others.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from msgspec import Struct

from ksrcfind.errors import KsrcfindError
from ksrcfind.regex import regex

OLDEST = (2, 25)
"""The oldest version of git that has all options that ksrcfind uses."""

# Settings of every command. They keep git from running programs that the repository names, from fetching objects and
# from housekeeping. They also override a user's settings that change output: the order of files, `log.follow`, and the
# diff algorithm, which `git blame` uses too since git 2.53.
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.quotePath=false",
    "core.alternateRefsCommand=",
    "core.askPass=",
    "credential.helper=",
    "protocol.allow=never",
    "diff.algorithm=default",
    "diff.external=",
    "diff.indentHeuristic=true",
    "diff.orderFile=/dev/null",
    "diff.renameLimit=1000",
    "diff.submodule=short",
    "log.follow=false",
    "blame.showRoot=false",
    "submodule.recurse=false",
    "log.showSignature=false",
    "color.ui=false",
    "gc.auto=0",
    "maintenance.auto=false",
)

# Options by command, for features that no setting disables reliably, because attributes or .gitmodules enable them
# again. They precede the caller's arguments. A submodule is a repository of its own: to see whether it changed, git
# would run `git status` in it, with the filters that the submodule's configuration names.
_DIFF = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "blame": ("--no-textconv",),
    "diff-index": _DIFF,
    "diff-tree": _DIFF,
    "grep": ("--no-textconv", "--no-recurse-submodules", "--text", "--full-name", "--no-column", "--no-color"),
    "log": (*_DIFF, "--no-notes", "--no-color"),
    "show": (*_DIFF, "--no-color"),
}

# Settings with a name in the middle whose value is a command line. Each one in the configuration is set to an empty
# value. Filters matter most: git runs `clean` to compare a file of the working tree whose time stamp is not reliable.
PROGRAM = regex(r"(?:filter\..*\.(?:clean|smudge|process)|diff\..*\.(?:command|textconv))", re.DOTALL)
REQUIRED = regex(r"filter\..*\.required", re.DOTALL)

# The only variables of the caller's environment that git gets. Each command must see the same configuration: a program
# that `git config --list` does not show would not be disabled (with GIT_CONFIG, that command reads only one file).
# GIT_DIR, GIT_WORK_TREE and GIT_INDEX_FILE, which git sets for every hook, would make git read another repository than
# the named one. GIT_TRACE… names files to write, and GIT_EXEC_PATH names programs to run.
INHERITED = regex(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|XDG_CONFIG_HOME|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH"
    r"|SUDO_UID"  # the user whose repositories root may read (git-config(1), safe.directory)
    # The names of configuration files, and single settings that CI systems and `git -c` set; our `-c` overrides them.
    r"|GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|COUNT|KEY_\d{1,9}|VALUE_\d{1,9})"
    r"|GIT_CEILING_DIRECTORIES|GIT_DISCOVERY_ACROSS_FILESYSTEM"  # how far up git looks for a repository
    r"|GIT_NO_REPLACE_OBJECTS|GIT_ALTERNATE_OBJECT_DIRECTORIES"  # which objects git sees
)

ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    # Git 2.44 and security releases of older versions know this variable. For other versions, GIT_ALLOW_PROTOCOL, which
    # allows no protocol, prevents a fetch.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
    "LANGUAGE": "",
}


class GitError(KsrcfindError):
    """A git command failed. `stderr` has the command's error output."""

    def __init__(self, title: str, hint: str = "", stderr: str = "") -> None:
        super().__init__(title, hint)
        self.stderr = stderr


class GitMissingError(KsrcfindError):
    """No git program is installed, or the installed version is too old."""


class Git(Struct, frozen=True):
    """Runs git commands in one directory.

    The object keeps no process, so it can be pickled and used after a fork.
    """

    directory: Path
    """The directory in which commands run: the root of a repository, or a plain directory."""
    settings: tuple[str, ...] = ()
    """Additional `-c` settings, which disable the programs that the repository's configuration names."""
    alone: bool = False
    """True for commands that need no repository: git then ignores a repository around the directory."""

    @property
    def ignores_replacements(self) -> bool:
        """Whether the caller's environment disables replaced objects (git-replace(1))."""
        return "GIT_NO_REPLACE_OBJECTS" in os.environ

    @property
    def borrows_objects(self) -> bool:
        """Whether the caller's environment names additional directories of objects."""
        return bool(os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES"))

    def run(self, *arguments: str, stdin: bytes = b"", okay: tuple[int, ...] = (0,)) -> bytes:
        """Return the output of a git command. Raises `GitError` if its exit status is not in `okay`."""
        with _in_directory(self.directory):
            done = subprocess.run(
                self._argv(arguments),
                cwd=self.directory,
                env=self._environment(),
                input=stdin,
                capture_output=True,
                check=False,
            )
        if done.returncode not in okay:
            raise failure(self.directory, arguments, done.stderr.decode(errors="replace"))
        return done.stdout

    def answer(self, *arguments: str) -> str | None:
        """Return the output of a git command without its final line end. None if the command fails."""
        try:
            text = self.run(*arguments)
        except GitError:
            return None
        return text.decode("utf-8", "surrogateescape").removesuffix("\n")

    def lines(self, *arguments: str, stdin: bytes = b"", separator: bytes = b"\n") -> Iterator[bytes]:
        """Yield the output of a git command while it runs, split at `separator`, without the separators.

        `stdin` must fit into a pipe's buffer.
        """
        process = self.start(*arguments, errors=True)
        try:
            process.input.write(stdin)
            process.input.close()
            yield from process.pieces(separator)
        except BaseException:
            process.end()
            raise
        status, stderr = process.finish()
        if status:
            raise failure(self.directory, arguments, stderr)

    def start(self, *arguments: str, errors: bool = False) -> "Process":
        """Start a git command and return it as a running process. With `errors`, its error output is kept."""
        return Process(self._argv(arguments), self.directory, self._environment(), errors=errors)

    def configuration(self) -> dict[str, tuple[str, ...]]:
        """Return setting → all its values, as git reads them in this directory.

        Section and variable names are in lower case.
        """
        result: dict[str, tuple[str, ...]] = {}
        for entry in self.run("config", "-z", "--list").split(b"\0"):
            key, _, value = entry.decode("utf-8", "surrogateescape").partition("\n")
            if key:
                result[key] = (*result.get(key, ()), value)
        return result

    def configuration_with_origins(self) -> "Configuration | None":
        """Return the settings that git reads in this directory, and the files that they come from.

        None for git before 2.26, which lacks an option for this. None also for a configuration with a syntax error.
        """
        printed = self.run("config", "-z", "--list", "--show-scope", "--show-origin", okay=(0, 3, 128, 129))
        fields = printed.decode("utf-8", "surrogateescape").split("\0")
        settings: dict[str, tuple[str, ...]] = {}
        origins: set[str] = set()
        for _scope, origin, entry in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
            key, _, value = entry.partition("\n")
            settings[key] = (*settings.get(key, ()), value)
            origins.add(origin)
        return Configuration(settings, frozenset(origins)) if settings else None

    def _argv(self, arguments: tuple[str, ...]) -> list[str]:
        # Whether git is new enough is checked when a repository is opened.
        argv = [executable() if self.alone else program(), "--no-pager"]
        for setting in SETTINGS + self.settings:
            argv += ("-c", setting)
        command, *rest = arguments
        return [*argv, command, *OPTIONS.get(command, ()), *rest]

    def _environment(self) -> dict[str, str]:
        # GIT_CEILING_DIRECTORIES would do as well, but is a list that cannot contain a directory with a colon.
        return environment() | ({"GIT_DIR": os.devnull} if self.alone else {})


class Configuration(Struct, frozen=True):
    """The settings that git reads in a directory, and the files that they come from."""

    settings: dict[str, tuple[str, ...]]
    """Setting → all its values. Section and variable names are in lower case."""
    origins: frozenset[str]
    """The origins of the settings as git prints them: `file:.git/config`, `command line:`."""

    def state(self, directory: Path) -> str | None:
        """Return a digest of the present state of all files from which git reads settings.

        While the digest is equal, git reads the same settings. None if some of these files are not known, for example
        because a file is included depending on the branch.
        """
        if any(key.startswith("includeif.") for key in self.settings):
            return None
        home = Path(os.environ.get("HOME", ""))
        paths = {directory / origin[5:] for origin in self.origins if origin.startswith("file:")}
        paths |= {directory / ".git" / name for name in ("config", "config.worktree")}
        paths |= {
            Path(os.environ.get("GIT_CONFIG_GLOBAL") or home / ".gitconfig"),
            Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config",
            Path(os.environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig"),
        }
        digest = hashlib.sha256()
        for path in sorted(paths):
            try:
                content = b"+" + path.read_bytes()
            except OSError:
                content = b"-"
            digest.update(b"%d " % len(content) + content)
        return digest.hexdigest()


class Process:
    """A git command that runs, with pipes to its input and output."""

    def __init__(self, argv: list[str], directory: Path, environment: dict[str, str], *, errors: bool) -> None:
        # Standard error goes to a file: a full pipe that nobody reads would block a command with long error output.
        self._errors: IO[bytes] | None = _unnamed_file() if errors else None
        with _in_directory(directory):
            self._process = subprocess.Popen(
                argv,
                cwd=directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors or subprocess.DEVNULL,
                bufsize=1 << 16,
            )
        self._owner = os.getpid()

    @property
    def input(self) -> IO[bytes]:
        """The pipe to the standard input of the command."""
        return cast(IO[bytes], self._process.stdin)

    @property
    def output(self) -> IO[bytes]:
        """The pipe from the standard output of the command."""
        return cast(IO[bytes], self._process.stdout)

    @property
    def running(self) -> bool:
        """Whether the command still runs and belongs to this process.

        False after a fork: the command then belongs to the parent process.
        """
        return self._owner == os.getpid() and self._process.poll() is None

    def pieces(self, separator: bytes) -> Iterator[bytes]:
        """Yield the output of the command, split at a separator of one byte.

        An empty piece after the last separator is left out.
        """
        if separator == b"\n":
            for line in self.output:
                yield line.removesuffix(b"\n")
            return
        rest = b""
        while block := self.output.read1(1 << 16):  # type: ignore[attr-defined]  # a BufferedReader, bufsize being set
            *whole, rest = (rest + block).split(separator)
            yield from whole
        if rest:
            yield rest

    def finish(self) -> tuple[int, str]:
        """Wait for the end of the command and return (exit status, error output). Its output must have been read."""
        self.output.close()
        status = self._process.wait()
        said = ""
        if self._errors is not None:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace")
            self._errors.close()
        return status, said

    def end(self) -> None:
        """End the command. After a fork, do nothing: the command belongs to the parent process."""
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        else:
            self._process.returncode = 0  # Python forgets the process; the parent of the fork goes on with it.
        for pipe in (self.input, self.output, self._errors):
            if pipe is not None:
                with suppress(OSError):  # Closing flushes buffered input, which the ended command does not read.
                    pipe.close()


def _unnamed_file() -> IO[bytes]:
    import tempfile

    return tempfile.TemporaryFile()


@contextmanager
def _in_directory(directory: Path) -> Iterator[None]:
    """Turn the error of starting a command into `GitError` if its directory does not exist any more."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise GitError(f"the directory {directory} no longer exists") from error


def neutral(configuration: Mapping[str, str]) -> tuple[str, ...]:
    """Return `-c` settings that disable the programs that a configuration makes git run while it reads a repository."""
    result: list[str] = []
    for key in configuration:
        if PROGRAM.fullmatch(key) or REQUIRED.fullmatch(key):
            if "=" in key:
                # `-c` cannot express this name, so the program could not be disabled.
                raise KsrcfindError(
                    f"the git configuration names a program in a way that cannot be switched off: {key}",
                    "Remove or rename this setting; git config --show-origin --get-regexp '^(filter|diff)' shows "
                    "its file.",
                )
            result.append(f"{key}={'false' if REQUIRED.fullmatch(key) else ''}")
    return tuple(result)


def environment() -> dict[str, str]:
    """Return the environment variables of every git command."""
    return {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)} | ENVIRONMENT


def program() -> str:
    """Return the path of the git program, of any version. Raises `GitMissingError` if there is none."""
    path = shutil.which("git")
    if path is None:
        raise GitMissingError("git is not installed", "Install it, on Debian and Ubuntu: apt install git")
    return path


@lru_cache(maxsize=1)
def executable() -> str:
    """Return the path of the git program. Raises `GitMissingError` if it is missing or older than `OLDEST`."""
    path = program()
    said = subprocess.run([path, "version"], env=environment(), capture_output=True, check=False).stdout.decode(
        errors="replace"
    )
    if version(said) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise GitMissingError(f"git is too old: {said.strip() or path}", f"Version {needed} or newer is needed.")
    return path


def version(said: str) -> tuple[int, ...]:
    """Return the version in the output of `git version`: `git version 2.39.5 (Apple …)` → (2, 39, 5)."""
    found = re.search(r"\d{1,9}(?:\.\d{1,9})+", said)
    return tuple(int(number) for number in found[0].split(".")) if found else ()


def not_fetched(directory: Path, stderr: str = "") -> GitError:
    """Return the error for objects that a partial clone has not fetched."""
    return GitError(
        f"this partial clone lacks a file that is needed, and nothing is fetched while looking: {directory}",
        f"Get all files once: git -C {shlex.quote(str(directory))} fetch --refetch --no-filter",
        stderr,
    )


def failure(directory: Path, arguments: tuple[str, ...], stderr: str) -> GitError:
    """Return the error that explains to the user why a git command failed."""
    if "dubious ownership" in stderr or "unsafe repository" in stderr:
        line = re.search(r"git config --global --add safe\.directory .*", stderr)
        remedy = line[0] if line else f"git config --global --add safe.directory {shlex.quote(str(directory))}"
        return GitError(
            f"git does not trust the repository at {directory}: it belongs to another user",
            f"If you trust it: {remedy}",
            stderr,
        )
    # Only a fetch uses a transport, and `protocol.allow` forbids all. Git may end before it names the promisor remote:
    # the fetch that it started no longer reads its input.
    if "promisor remote" in stderr or re.search(r"transport '[^']*' not allowed", stderr):
        return not_fetched(directory, stderr)
    said = [line for line in stderr.splitlines() if line.strip()]
    first = next(
        (line for line in said if line.startswith(("fatal:", "error:"))), said[0] if said else "no reason given"
    )
    command = next((word for word in arguments if not word.startswith("-")), "git")
    return GitError(f"git {command} failed in {directory}: {first.removeprefix('fatal: ')}", stderr=stderr)
