"""Read the systemd journal: journalctl writes its records as JSON. No other module of `log` starts a program."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast

from ksrcfind.errors import KsrcfindError
from ksrcfind.log.stream import LogUnreadableError

HOW_TO_CHOOSE = "`journalctl --list-boots` lists the boots. Times are written as in: yesterday, -2h, 2024-05-23 02:00."

SOURCE = "journal"
"""Name of the journal as the source of a log."""


def arguments(boot: str | None, since: str | None, until: str | None, *, follow: bool) -> list[str]:
    """Return the arguments of journalctl; without a boot or a time, they select the kernel's log of this boot."""
    # -k implies this boot, even with times of earlier boots, and overrides a --boot=all before it.
    chosen = ["_TRANSPORT=kernel"] if boot is None and (since or until) else ["-k"]
    options = [("--boot", boot), ("--since", since), ("--until", until)]
    given = [f"{name}={value}" for name, value in options if value is not None]
    return ["--no-pager", "--quiet", "--output=json", *(["--follow", "--lines=all"] if follow else []), *chosen, *given]


@contextmanager
def journal(call: Sequence[str]) -> Iterator[BinaryIO]:
    """Run journalctl and return its output as a file. Raises KsrcfindError if it fails or is not installed."""
    program = shutil.which("journalctl")
    if program is None:
        raise KsrcfindError("journalctl is not installed", "Name a log file, or use: dmesg | ksrcfind batch -")
    # A pipe for its errors, which nothing reads, would block a journalctl that reports many damaged files.
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen([program, *call], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            yield cast(BinaryIO, process.stdout)
            status = process.wait()
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            if status and said:
                raise LogUnreadableError(f"journalctl: {said[-1]}", HOW_TO_CHOOSE)
        finally:
            process.terminate()
