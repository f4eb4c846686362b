"""Runs git: the only module that starts it.

A repository is foreign ground. Its configuration may name programs (filters, text conversions, monitors, hooks), the
environment of the caller may point git elsewhere, and a partial clone would fetch what is missing. Every command runs
with all of that switched off and never writes, refreshes an index or talks to a network. What a command's output means
is the business of the modules that ask for it.

The child's environment is made here: of the parent's only the variables in `INHERITED` are passed on. Nothing else of
the environment is looked at.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from ksrcfind.errors import KsrcfindError

OLDEST = (2, 25)
"""The first git with everything that is asked of it."""

# Settings of every command: no program of the repository's choice runs, nothing is transferred or tidied up. And no
# answer depends on what a user likes to see otherwise: the order of files, a file followed under its earlier names,
# how lines of two versions are paired, for which blame asks since git 2.53 too.
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

# What settings do not switch off for good, since attributes or .gitmodules switch it on again, by command. These go
# before whatever else the command is called with. A submodule is a repository of its own: to see whether it changed,
# git would run `git status` in there, with the filters that its configuration names.
_DIFF = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "blame": ("--no-textconv",),
    "diff-index": _DIFF,
    "diff-tree": _DIFF,
    "grep": ("--no-textconv", "--no-recurse-submodules", "--text", "--full-name", "--no-column", "--no-color"),
    "log": (*_DIFF, "--no-notes", "--no-color"),
    "show": (*_DIFF, "--no-color"),
}

# Per-name settings that hold a command line; each one found in the configuration is emptied. Filters matter most: git
# runs `clean` when it compares a working tree file whose time stamp it cannot trust.
PROGRAM = re.compile(r"(?:filter\..*\.(?:clean|smudge|process)|diff\..*\.(?:command|textconv))", re.DOTALL)
REQUIRED = re.compile(r"filter\..*\.required", re.DOTALL)

# The variables of the caller that reach git; a variable that is not here does not. Each command must see the same
# configuration: a program that `git config --list` does not show (GIT_CONFIG makes it read one file only) would not be
# switched off. GIT_DIR, GIT_WORK_TREE and GIT_INDEX_FILE, which every hook has, would answer from another repository
# than the one that was named; GIT_TRACE… and GIT_EXEC_PATH name files to write and programs to run.
INHERITED = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|XDG_CONFIG_HOME|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH"
    r"|SUDO_UID"  # whose repositories root may read (git-config(1), safe.directory)
    # Which files are the configuration, and single settings as CI systems and `git -c` give them; `-c` overrides these.
    r"|GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|COUNT|KEY_\d{1,9}|VALUE_\d{1,9})"
    r"|GIT_CEILING_DIRECTORIES|GIT_DISCOVERY_ACROSS_FILESYSTEM"  # how far up a repository is looked for
    r"|GIT_NO_REPLACE_OBJECTS|GIT_ALTERNATE_OBJECT_DIRECTORIES"  # which objects there are
)

ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    # Known to git 2.44 and to the security releases of older ones; the empty list of protocols stops the rest.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
    "LANGUAGE": "",
}


class GitError(KsrcfindError):
    """A git command failed; `stderr` is what it said."""

    def __init__(self, title: str, hint: str = "", stderr: str = "") -> None:
        super().__init__(title, hint)
        self.stderr = stderr


class GitMissingError(KsrcfindError):
    """There is no git program, or one that is too old."""


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git commands in one directory. Holds no process: it can be pickled and used after a fork."""

    directory: Path
    """Where commands run: the root of a repository, or a plain directory."""
    settings: tuple[str, ...] = ()
    """Further `-c` settings, those that neutralise programs named by the configuration."""
    alone: bool = False
    """True for commands that need no repository: one around the directory must not be found."""

    @property
    def ignores_replacements(self) -> bool:
        """Whether the caller's environment switches replaced objects off (git-replace(1))."""
        return "GIT_NO_REPLACE_OBJECTS" in os.environ

    @property
    def borrows_objects(self) -> bool:
        """Whether the caller's environment names more places where objects are."""
        return bool(os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES"))

    def run(self, *arguments: str, stdin: bytes = b"", okay: tuple[int, ...] = (0,)) -> bytes:
        """Return what a command prints. Raises `GitError` when it ends with a status that is not `okay`."""
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
        """Return the output of a question without its line end, None if the command says no (any failure)."""
        try:
            text = self.run(*arguments)
        except GitError:
            return None
        return text.decode("utf-8", "surrogateescape").removesuffix("\n")

    def lines(self, *arguments: str, stdin: bytes = b"", separator: bytes = b"\n") -> Iterator[bytes]:
        """Yield the output piece by piece, without separators, while the command runs; `stdin` fits into a pipe."""
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
        """Start a command that is talked to through pipes; `errors` keeps what it says on standard error."""
        return Process(self._argv(arguments), self.directory, self._environment(), errors=errors)

    def configuration(self) -> dict[str, tuple[str, ...]]:
        """Return the settings that hold here, all values of each; section and variable names in lower case."""
        result: dict[str, tuple[str, ...]] = {}
        for entry in self.run("config", "-z", "--list").split(b"\0"):
            key, _, value = entry.decode("utf-8", "surrogateescape").partition("\n")
            if key:
                result[key] = (*result.get(key, ()), value)
        return result

    def configuration_with_origins(self) -> "Configuration | None":
        """Return the settings that hold here with the files that they come from.

        None for a git before 2.26, which does not know one of the options, and for a configuration with a mistake.
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
        # A ceiling would do as well, but is a list: no directory with a colon in its name can be one.
        return environment() | ({"GIT_DIR": os.devnull} if self.alone else {})


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings that hold in a directory, and where they come from."""

    settings: dict[str, tuple[str, ...]]
    """All values of each setting; section and variable names in lower case."""
    origins: frozenset[str]
    """As git prints them: `file:.git/config`, `command line:`."""

    def state(self, directory: Path) -> str | None:
        """Return a digest of the files that git reads settings from, as they are now; None if they are not all known.

        With an equal digest git reads the same settings as before. Which files are included can depend on the branch.
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
    """A running git command."""

    def __init__(self, argv: list[str], directory: Path, environment: dict[str, str], *, errors: bool) -> None:
        # Standard error goes to a file: a pipe that nobody reads would stop a command that has much to say.
        self._errors: IO[bytes] | None = tempfile.TemporaryFile() if errors else None  # noqa: SIM115 - closed with the process
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
        """What the command reads."""
        return cast(IO[bytes], self._process.stdin)

    @property
    def output(self) -> IO[bytes]:
        """What the command prints."""
        return cast(IO[bytes], self._process.stdout)

    @property
    def running(self) -> bool:
        """False if it has ended, or if it is the command of the process that this one was forked from."""
        return self._owner == os.getpid() and self._process.poll() is None

    def pieces(self, separator: bytes) -> Iterator[bytes]:
        """Yield the output cut at a separator of one byte; what follows the last one only if there is something."""
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
        """Wait for the end of a command whose output was read; return its status and what it said."""
        self.output.close()
        status = self._process.wait()
        said = ""
        if self._errors is not None:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace")
            self._errors.close()
        return status, said

    def end(self) -> None:
        """End the command; nothing happens to one that belongs to the process that this one was forked from."""
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        else:
            self._process.returncode = 0  # Here only the record of it is dropped.
        for pipe in (self.input, self.output, self._errors):
            if pipe is not None:
                with suppress(OSError):  # What was still to be written finds no reader.
                    pipe.close()


@contextmanager
def _in_directory(directory: Path) -> Iterator[None]:
    """Start a command in a directory. Raises `GitError` if that is not there any more."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise GitError(f"the directory {directory} no longer exists") from error


def neutral(configuration: Mapping[str, str]) -> tuple[str, ...]:
    """Return the settings that empty every command line of a configuration which git would run on reading."""
    result: list[str] = []
    for key in configuration:
        if PROGRAM.fullmatch(key) or REQUIRED.fullmatch(key):
            if "=" in key:
                # `-c` cannot name it, so it could not be switched off.
                raise KsrcfindError(
                    f"the git configuration names a program in a way that cannot be switched off: {key}",
                    "Remove or rename this setting; git config --show-origin --get-regexp '^(filter|diff)' shows "
                    "its file.",
                )
            result.append(f"{key}={'false' if REQUIRED.fullmatch(key) else ''}")
    return tuple(result)


def environment() -> dict[str, str]:
    """Return the environment of every git command."""
    return {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)} | ENVIRONMENT


def program() -> str:
    """Return the path of git, of whatever version. Raises `GitMissingError`."""
    path = shutil.which("git")
    if path is None:
        raise GitMissingError("git is not installed", "Install it, on Debian and Ubuntu: apt install git")
    return path


@lru_cache(maxsize=1)
def executable() -> str:
    """Return the path of a git that is new enough. Raises `GitMissingError`."""
    path = program()
    said = subprocess.run([path, "version"], env=environment(), capture_output=True, check=False).stdout.decode(
        errors="replace"
    )
    if version(said) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise GitMissingError(f"git is too old: {said.strip() or path}", f"Version {needed} or newer is needed.")
    return path


def version(said: str) -> tuple[int, ...]:
    """Return the numbers of what `git version` says: `git version 2.39.5 (Apple …)` → (2, 39, 5)."""
    found = re.search(r"\d{1,9}(?:\.\d{1,9})+", said)
    return tuple(int(number) for number in found[0].split(".")) if found else ()


def not_fetched(directory: Path, stderr: str = "") -> GitError:
    """Return the error for what a partial clone has not fetched."""
    return GitError(
        f"this partial clone lacks a file that is needed, and nothing is fetched while looking: {directory}",
        f"Get all files once: git -C {shlex.quote(str(directory))} fetch --refetch --no-filter",
        stderr,
    )


def failure(directory: Path, arguments: tuple[str, ...], stderr: str) -> GitError:
    """Return the error that tells the user what a failed command means."""
    if "dubious ownership" in stderr or "unsafe repository" in stderr:
        line = re.search(r"git config --global --add safe\.directory .*", stderr)
        remedy = line[0] if line else f"git config --global --add safe.directory {shlex.quote(str(directory))}"
        return GitError(
            f"git does not trust the repository at {directory}: it belongs to another user",
            f"If you trust it: {remedy}",
            stderr,
        )
    if "promisor remote" in stderr:
        return not_fetched(directory, stderr)
    said = [line for line in stderr.splitlines() if line.strip()]
    first = next(
        (line for line in said if line.startswith(("fatal:", "error:"))), said[0] if said else "no reason given"
    )
    command = next((word for word in arguments if not word.startswith("-")), "git")
    return GitError(f"git {command} failed in {directory}: {first.removeprefix('fatal: ')}", stderr=stderr)
