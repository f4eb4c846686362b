"""Show long output in a pager, as git does: only on a terminal, the one that PAGER names, else less."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

DEFAULT = "less"

LESS = "FRX"
"""Options of less, unless LESS is set: end at once if all fits on one screen, show colours, leave the text there."""


class Pager:
    """Sends standard output through a pager, from `start` to `close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._terminal = -1

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the pager if standard output is a terminal; without a pager, output stays as it is."""
        if self._process is not None or not sys.stdout.isatty():
            return
        command = pager_command(environment)
        if command is None:
            return
        sys.stdout.flush()
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env={"LESS": LESS, **environment})
        except OSError:  # There is no such program.
            return
        self._terminal = os.dup(1)
        if self._process.stdin is not None:
            os.dup2(self._process.stdin.fileno(), 1)
            self._process.stdin.close()

    def close(self) -> None:
        """Give standard output back to the terminal and wait until the user leaves the pager."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with suppress(OSError):  # The user left the pager before the end of the output.
            sys.stdout.flush()
        os.dup2(self._terminal, 1)
        os.close(self._terminal)
        while process.poll() is None:
            with suppress(KeyboardInterrupt):  # Ctrl-C is for the pager.
                process.wait()


def pager_command(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command of the pager. None if PAGER is empty or `cat`, or cannot be parsed."""
    try:
        words = shlex.split(environment.get("PAGER", DEFAULT))
    except ValueError:
        return None
    return words if words and words != ["cat"] else None
