"""What every test stands on: a sealed environment, and the bundled repository."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from commandline import ksrcfind
from ksrcfind.tree.git import Git
from skips import pytest_addoption, pytest_configure, pytest_sessionfinish  # noqa: F401 - pytest finds hooks here

# No test fails because the machine is slow.
settings.register_profile("ksrcfind", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ksrcfind")

# A shell starts what runs in its background deaf to Ctrl-C, and so would be the programs that are interrupted here.
signal.signal(signal.SIGINT, signal.default_int_handler)

LINUX_MINI = Path(__file__).parent.parent / "fixtures" / "linux-mini"


def load(path):
    """Import a file that is part of no package, under its own name."""
    spec = importlib.util.spec_from_file_location(f"linux_mini_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


linux_mini_build = load(LINUX_MINI / "build.py")


@pytest.fixture(autouse=True)
def sealed(tmp_path_factory, monkeypatch):
    """Nothing of the user's reaches a test: no configuration, cache, identity, language or clock."""
    home = tmp_path_factory.mktemp("home")
    for name in os.environ:
        if name.startswith(("GIT_", "KSRCFIND_", "XDG_", "LC_")):
            monkeypatch.delenv(name)
    variables = {
        "HOME": home,
        "XDG_CONFIG_HOME": home / "config",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_DATA_HOME": home / "data",
        "XDG_STATE_HOME": home / "state",
        "KSRCFIND_SHARED_INDEXES": "",
        "GIT_CONFIG_NOSYSTEM": 1,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "A. Author",
        "GIT_AUTHOR_EMAIL": "author@example.org",
        "GIT_AUTHOR_DATE": "2020-09-13T12:26:40+0000",
        "GIT_COMMITTER_NAME": "C. Committer",
        "GIT_COMMITTER_EMAIL": "committer@example.org",
        "GIT_COMMITTER_DATE": "2020-09-13T12:26:40+0000",
        "LC_ALL": "C.UTF-8",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture(scope="session")
def linux_mini(tmp_path_factory):
    """Path of the bundled repository, master checked out. For reading only; the end of the session checks that."""
    repository = tmp_path_factory.mktemp("linux-mini") / "linux"
    linux_mini_build.build(repository)
    before = contents(repository)
    yield repository
    assert contents(repository) == before, "a test wrote into the linux_mini repository"


def contents(directory):
    """Every file of a directory with its bytes."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def git():
    """Run git in a directory: `git(directory, "log", ...)` gives what it prints, without the last newline."""

    def run(directory, *arguments, stdin=b"", okay=(0,)):
        done = subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode in okay, f"git {arguments}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    return run


@pytest.fixture(scope="session")
def mini_commits(tmp_path_factory):
    """Ids of the commits of the bundled repository by their numbers in its README: `mini_commits[23]`."""
    directory = tmp_path_factory.mktemp("linux-mini-marks")
    marks = directory / "marks"
    stream = linux_mini_build.stream()
    linux_mini_build.import_history(stream, directory / "repository", f"--export-marks={marks}")
    pairs = (line.split() for line in marks.read_text().splitlines())
    return {int(mark[1:]): object_id for mark, object_id in pairs}


@pytest.fixture
def ask(linux_mini):
    """Run a command inside the bundled repository."""

    def run(*arguments, **options):
        return ksrcfind(*arguments, directory=linux_mini, **options)

    return run


@pytest.fixture
def git_commands(monkeypatch):
    """The git commands that are started from here on."""
    commands = []
    argv = Git._argv

    def spy(git, arguments):
        commands.append(arguments[0])
        return argv(git, arguments)

    monkeypatch.setattr(Git, "_argv", spy)
    return commands
