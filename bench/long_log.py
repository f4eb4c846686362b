"""How fast a whole log is: real logs, repeated with other numbers and later times until they are long enough.

    python -m bench.long_log --repo DIR [--lines N] LOG...

Told are lines a second and the highest memory of `batch --no-history`, of the same as single records, of a run that is
interrupted in the middle, and of one that follows the log while it is written. The index must be there.
"""

import argparse
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_STAMP = re.compile(r"^(\[ *)(\d+)(\.\d{6}\])")
_CLOCK = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ")
_NUMBER = re.compile(r"(?<![\w.:-])\d{2,7}(?![\w.:-])")


def repeated(logs: Sequence[Path]) -> Iterator[str]:
    """Yield the lines of logs for ever; from the second time on with other numbers and later times.

    Times grow within a log, as they do on a machine that stays up: a boot does not begin anew with each repetition.
    """
    chance = random.Random(20)
    texts = [path.read_text("utf-8", "replace").splitlines() for path in logs]
    for lines in texts:
        yield from lines
    for later in itertools.count(1):
        for lines in texts:
            for line in lines:
                stamp, clock = _STAMP.match(line), _CLOCK.match(line)
                head = f"{stamp[1]}{int(stamp[2]) + 100_000 * later}{stamp[3]}" if stamp else clock[0] if clock else ""
                rest = line[stamp.end() :] if stamp else line[len(head) :]
                yield head + _NUMBER.sub(lambda number: _other(number[0], chance), rest)


def _other(number: str, chance: random.Random) -> str:
    """Return a number of as many digits."""
    return str(chance.randrange(10 ** (len(number) - 1), 10 ** len(number)))


def timed(name: str, lines: int, command: Sequence[str], *, stop_after: float | None = None) -> None:
    """Run a command and print what it took; after `stop_after` seconds it gets what Ctrl-C sends."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        if stop_after is not None:
            time.sleep(stop_after)
            process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(process.pid, 0)
        size = output.seek(0, os.SEEK_END)
    tell(
        name, lines, time.perf_counter() - began, used, f"exit {os.waitstatus_to_exitcode(status)}, {size:,} bytes out"
    )


def tell(name: str, lines: int, seconds: float, used: "os.struct_rusage", more: str) -> None:  # type: ignore[name-defined]
    """Print a row of figures."""
    processor = used.ru_utime + used.ru_stime
    print(
        f"{name:28}{seconds:8.1f} s  {processor:8.1f} s processor  {lines / seconds:9,.0f} lines/s"
        f"  {used.ru_maxrss / 1024:6.0f} MB  {more}",
        flush=True,
    )


def followed(lines: int, command: Sequence[str], log: Path, growing: Path) -> None:
    """Write a log while it is followed, and end with what Ctrl-C sends once the last line is answered."""
    began = time.perf_counter()
    growing.write_bytes(b"")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([*command, str(growing)], stdout=output, stderr=subprocess.DEVNULL)
        writer = threading.Thread(target=_write, args=(log, growing))
        writer.start()
        writer.join()
        written = time.perf_counter() - began
        # It has read everything when it stops taking processor time.
        while _busy(process.pid):
            pass
        seconds = time.perf_counter() - began
        process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(process.pid, 0)
        size = output.seek(0, os.SEEK_END)
    code = os.waitstatus_to_exitcode(status)
    tell("followed", lines, seconds, used, f"written in {written:.1f} s, exit {code}, {size:,} bytes out")


def _write(log: Path, growing: Path) -> None:
    with log.open("rb") as source, growing.open("ab") as target:
        while piece := source.read(1 << 20):
            target.write(piece)
            target.flush()


def _busy(pid: int) -> bool:
    """Tell whether a process took more than a tenth of the time of one second."""

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(1)
    return ticks() - before > os.sysconf("SC_CLK_TCK") / 10


def main() -> None:
    """Make the log and time everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("logs", type=Path, nargs="+", metavar="LOG")
    options = parser.parse_args()
    batch = [sys.executable, "-m", "ksrcfind", "--repo", str(options.repo.resolve()), "batch", "--no-history"]
    batch += ["--jobs", str(options.jobs)]
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "long.log")
        with log.open("w") as file:
            file.writelines(f"{line}\n" for line in itertools.islice(repeated(options.logs), options.lines))
        print(f"{options.lines:,} lines, {log.stat().st_size / 1e6:.0f} MB, {options.jobs} jobs")
        began = time.perf_counter()
        timed("folded, text", options.lines, [*batch, str(log)])
        whole = time.perf_counter() - began
        timed("folded, html", options.lines, [*batch, "--format", "html", str(log)])
        timed("each line, ndjson", options.lines, [*batch, "--each", "--format", "ndjson", str(log)])
        timed("interrupted in the middle", options.lines // 2, [*batch, str(log)], stop_after=whole / 2)
        followed(options.lines, [*batch, "--follow", "--format", "ndjson"], log, Path(scratch, "growing.log"))


if __name__ == "__main__":
    main()
