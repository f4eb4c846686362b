"""Run the server over standard input and output, or over TCP."""

import os
import socket
import sys
from pathlib import Path
from typing import BinaryIO

from ksrcfind.config import Settings
from ksrcfind.errors import KsrcfindError
from ksrcfind.lsp.features import register
from ksrcfind.lsp.server import Server

HOST = "127.0.0.1"
"""Only programs on this machine can connect."""


def serve(settings: Settings, rev: str | None, directory: Path, channel: BinaryIO, tcp: int | None) -> None:
    """Serve one client until it disconnects: over standard input and `channel`, or over a TCP port.

    Raises `KsrcfindError` if the port cannot be opened.
    """
    server = Server(settings, rev, directory)
    register(server)
    try:
        if tcp is None:
            server.run(sys.stdin.buffer, channel)
        else:
            _serve_at(server, tcp)
    finally:
        server.stop()


def _serve_at(server: Server, port: int) -> None:
    """Wait for one client on a port, and serve it."""
    try:
        with socket.create_server((HOST, port)) as listening:
            client, _ = listening.accept()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise KsrcfindError(f"cannot listen on port {port}: {reason}", "Name another port with --tcp.") from error
    with client, client.makefile("rb") as reader, client.makefile("wb") as writer:
        server.run(reader, writer)
