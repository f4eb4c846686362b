"""Runs the command line inside the test's process, as fast as a call, with streams of its own."""

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest import mock

from ksrcfind.cli.main import run

DEMO = (
    "May 23 02:06:26 host kernel: [40872.663481] Memory cgroup out of memory: OOM victim 46452 (nginx) is already "
    "exiting. Skip killing the task"
)


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def ksrcfind(*arguments, stdin=b"", directory=".", terminal=False, typed=False):
    """Run `ksrcfind ARGUMENTS` in a directory; `terminal` says that its output is one, `typed` that its input is."""
    kind = Terminal if terminal else io.TextIOWrapper
    out, err = (kind(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    source = (Terminal if typed else io.TextIOWrapper)(io.BytesIO(stdin), encoding="utf-8")
    with (
        contextlib.chdir(directory),
        mock.patch.object(sys, "stdin", source),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = run([str(argument) for argument in arguments])
    return Done(
        status, *(stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err) if not stream.flush())
    )
