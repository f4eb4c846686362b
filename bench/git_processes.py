"""Counts the processes of git that questions start, and the processor time of everything that runs for them.

    python -m bench.git_processes --repo DIR [--places FILE] [--program PROGRAM] [--cache DIR] [--list] [TEXT]

A program named `git` stands first in PATH, writes down what it is called with, and becomes the real one. Asked are a
line of a log with nothing cached, the same again, the same without history, and, with a file of places (`PATH:LINE`),
where the messages there came from. `--program` names another ksrcfind to compare with; each needs a cache of its own.
"""

import argparse
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

LINE = "Out of memory: kill process 4242 (nginx) score 46452 or a child"


@dataclass(frozen=True)
class Spent:
    """What a question took."""

    commands: Counter[str]
    """How often each command of git ran."""
    seconds: float
    """Processor time of the program and everything that it started."""


def spy(directory: Path) -> Path:
    """Make the program that counts; return the file that it writes to."""
    real = shutil.which("git")
    if real is None:
        sys.exit("git is not installed")
    log = directory / "calls"
    log.touch()
    program = directory / "git"
    program.write_text(f'#!/bin/sh\necho "$*" >> {shlex.quote(str(log))}\nexec {shlex.quote(real)} "$@"\n')
    program.chmod(0o755)
    return log


def ask(command: list[str], cache: Path, stdin: bytes = b"") -> Spent:
    """Run a command and see what it takes."""
    with tempfile.TemporaryDirectory() as name:
        log = spy(Path(name))
        path = os.pathsep.join([name, os.environ.get("PATH", "")])
        variables = os.environ | {"PATH": path, "KSRCFIND_CACHE_DIR": str(cache)}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, env=variables, input=stdin, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in (0, 1):
            sys.exit(done.stderr.decode(errors="replace"))
        calls = log.read_text(errors="replace").splitlines()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(Counter(filter(None, map(command_of, calls))), seconds)


def command_of(call: str) -> str:
    """Return the command of git in what it was called with; nothing for a line that goes on with an argument."""
    words = iter(call.split(" "))
    for word in words:
        if word == "-c":
            next(words, None)
        elif not word.startswith("-"):
            return word if call.startswith("--no-pager ") or word == "version" else ""
    return ""


def main() -> None:
    """Ask, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--places", type=Path, help="a file of places, one on a line")
    parser.add_argument("--program", help="another ksrcfind")
    parser.add_argument("--cache", type=Path, help="where to keep what is cached, by default for this run only")
    parser.add_argument("--list", action="store_true", help="say how often each command ran")
    parser.add_argument("text", nargs="?", default=LINE)
    arguments = parser.parse_args()
    program = [arguments.program] if arguments.program else [sys.executable, "-m", "ksrcfind"]
    program += ["-C", str(arguments.repo)]
    questions = {
        "first answer": ["find", arguments.text],
        "the same again": ["find", arguments.text],
        "without history": ["find", "--no-history", arguments.text],
    }
    with tempfile.TemporaryDirectory() as name:
        cache = arguments.cache or Path(name)
        for title, question in questions.items():
            show(title, ask([*program, *question], cache), each=arguments.list)
        if arguments.places is not None:
            places = arguments.places.read_bytes()
            for title in (f"{len(places.splitlines())} places", "the same places again"):
                show(title, ask([*program, "at", "--format", "ndjson", "-"], cache, places), each=arguments.list)


def show(title: str, spent: Spent, *, each: bool) -> None:
    """Print a line about a question."""
    print(f"{title:<24}{spent.commands.total():>6} processes of git {spent.seconds:>9.2f} s", flush=True)
    if each:
        print("".join(f"{count:>30} {command}\n" for command, count in spent.commands.most_common()), end="")


if __name__ == "__main__":
    main()
