"""The systemd journal as a log: journalctl writes its records as JSON. No other module of `log` starts a program."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast

from ksrcfind.errors import KsrcfindError
from ksrcfind.log.stream import LogUnreadableError

SOURCE = "journal"
"""Name of the journal as the source of a log."""


def arguments(boot: str | None, since: str | None, until: str | None, *, follow: bool) -> list[str]:
    """Return what journalctl is called with; without a boot or a time that is the kernel's log of this boot."""
    # -k alone means this boot, also where times reach further back; and it undoes a --boot=all in front of it.
    chosen = ["_TRANSPORT=kernel"] if boot is None and (since or until) else ["-k"]
    options = [("--boot", boot), ("--since", since), ("--until", until)]
    given = [f"{name}={value}" for name, value in options if value is not None]
    return ["--no-pager", "--quiet", "--output=json", *(["--follow", "--lines=all"] if follow else []), *chosen, *given]


@contextmanager
def journal(call: Sequence[str]) -> Iterator[BinaryIO]:
    """Run journalctl and hand out what it writes. Raises LogUnreadableError when it fails or is not there."""
    program = shutil.which("journalctl")
    if program is None:
        raise KsrcfindError("there is no journalctl to ask", "Name a file, or read standard input: dmesg | … batch -")
    with subprocess.Popen(
        [program, *call], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        output, errors = cast(BinaryIO, process.stdout), cast(BinaryIO, process.stderr)
        try:
            yield output
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            if process.wait() and said:
                raise LogUnreadableError(f"journalctl: {said[-1]}")
        finally:
            process.terminate()
