"""Runs commands on a real pseudo-terminal of a given width, each in a process of its own.

One helper process imports the program once and forks for each command: that is several times as fast as starting
Python, and the tests' own process, which may have threads, never forks.
"""

import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import threading
from dataclasses import dataclass

# What commands import when they need it: here once, before the first fork.
import ksrcfind.cli.logs
import ksrcfind.index.build
import ksrcfind.search.unindexed  # noqa: F401
from ksrcfind.cli.main import run

PATIENCE = 120
"""Seconds after which a command counts as stuck."""

LARGEST = 1 << 16
"""Bytes of a request."""


@dataclass(frozen=True)
class Shown:
    """What a command left behind."""

    status: int
    out: str
    """What the terminal got from standard output, with newlines as the program wrote them."""
    err: str
    """What another terminal got from standard error."""


class PseudoTerminals:
    """The helper process. Use it as a context."""

    def __enter__(self):
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE)
        self._helper = subprocess.Popen([sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()])
        theirs.close()
        return self

    def __exit__(self, *error):
        self._helper.kill()
        self._helper.wait(PATIENCE)
        self._socket.close()

    def run(self, *arguments, columns=80, directory=".", piped=False, environment=None):
        """Run `ksrcfind ARGUMENTS`; `piped` leaves the terminal out."""
        masters, slaves = zip(*(os.pipe() if piped else _terminal(columns) for _ in range(2)), strict=True)
        texts = [b"", b""]
        readers = [threading.Thread(target=_drain, args=(masters[n], texts, n)) for n in range(2)]
        for reader in readers:
            reader.start()
        request = {
            "arguments": [str(argument) for argument in arguments],
            "directory": str(directory),
            "environment": _own_environment() | {"TERM": "xterm-256color", "PAGER": "cat", **(environment or {})},
        }
        socket.send_fds(self._socket, [json.dumps(request).encode()], slaves)
        for slave in slaves:
            os.close(slave)
        status = int(self._socket.recv(LARGEST))
        for reader, master in zip(readers, masters, strict=True):
            reader.join(PATIENCE)
            os.close(master)
        return Shown(status, *(text.decode("utf-8", "replace").replace("\r\n", "\n") for text in texts))


def _own_environment():
    """The test's, without what would go before the terminal's own size: pytest-xdist sets it."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}


def _terminal(columns):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return master, slave


def _drain(master, texts, number):
    while True:
        try:
            block = os.read(master, 1 << 16)
        except OSError:  # EIO: nobody has the terminal open any more.
            return
        if not block:
            return
        texts[number] += block


def _become(request, streams):
    """Run the command in this process and end with its status."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    for number, opened in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    sys.exit(run(request["arguments"]))


def _serve(requests):
    """Fork for each request; answer with the exit status."""
    while True:
        message, streams, _, _ = socket.recv_fds(requests, LARGEST, 2)
        if os.fork() == 0:
            requests.close()
            _become(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        _, status = os.wait()
        requests.send(str(os.waitstatus_to_exitcode(status)).encode())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
