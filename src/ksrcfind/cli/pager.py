"""Show long output in a pager, as git does: only on a terminal, the one that PAGER names, else less."""

import io
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

DEFAULT = "less"

LESS = "FRX"
"""Options of less, unless LESS is set: end at once if all fits on one screen, show colours, leave the text there."""


class Pager:
    """Sends standard output through a pager, from `start` to `close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._paged: _Paged | None = None
        self._terminal: TextIO = sys.stdout

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
        self._terminal = sys.stdout
        self._paged = _Paged(self._process, sys.stdout)
        sys.stdout = self._paged

    def close(self) -> None:
        """Wait until the user leaves the pager, and give standard output back to the terminal.

        If the pager failed, the terminal gets the output: a user who leaves a pager ends it without an error.
        """
        process, paged = self._process, self._paged
        if process is None or paged is None:
            return
        self._process = self._paged = None
        sys.stdout = self._terminal
        paged.end()
        while process.poll() is None:
            with suppress(KeyboardInterrupt):  # Ctrl-C is for the pager.
                process.wait()
        if process.returncode > 0:
            for text in paged.written:
                sys.stdout.write(text)
            sys.stdout.flush()


class _Paged(io.TextIOBase):
    """A stream into a pager. What is written after the pager has ended is kept, and shown by nobody."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: TextIO) -> None:
        self._pipe = process.stdin
        self._encoding, self._errors = terminal.encoding, terminal.errors or "strict"
        self.written: list[str] = []
        """All output, for a pager that fails."""

    def write(self, text: str, /) -> int:
        """Write to the pager, if it still reads."""
        self.written.append(text)
        if self._pipe is not None:
            try:
                self._pipe.write(text.encode(self._encoding, self._errors))
            except OSError:  # It has ended.
                self._drop()
        return len(text)

    def flush(self) -> None:
        """Send to the pager what was written."""
        if self._pipe is not None:
            try:
                self._pipe.flush()
            except OSError:
                self._drop()

    def end(self) -> None:
        """Tell the pager that no more output comes."""
        self.flush()
        self._drop()

    def _drop(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            with suppress(OSError):  # Closing flushes what the pager did not read.
                pipe.close()


def pager_command(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command of the pager. None if PAGER is empty or `cat`, or cannot be parsed."""
    try:
        words = shlex.split(environment.get("PAGER", DEFAULT))
    except ValueError:
        return None
    return words if words and words != ["cat"] else None
