"""Runs the server, over standard input and output or over TCP."""

import errno
import os
from pathlib import Path
from typing import BinaryIO

from ksrcfind.config import Settings
from ksrcfind.errors import KsrcfindError
from ksrcfind.lsp.features import register
from ksrcfind.lsp.server import Server

HOST = "127.0.0.1"
"""Only programs of this machine may connect."""


def serve(settings: Settings, rev: str | None, directory: Path, channel: BinaryIO, tcp: int | None) -> None:
    """Serve one client, until it goes away: from standard input to a channel, or at a port.

    Raises `KsrcfindError` for a port that cannot be had.
    """
    server = Server(settings, rev, directory)
    register(server)
    try:
        if tcp is None:
            server.start_io(stdout=channel)
        else:
            try:
                server.start_tcp(HOST, tcp)
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                raise KsrcfindError(
                    f"cannot listen at port {tcp}: {os.strerror(error.errno)}", "Name another port with --tcp."
                ) from error
    finally:
        server.stop()
