"""What the commands lsp and mcp do: they serve a program over standard input and output."""

import importlib
import os
import sys
from types import ModuleType
from typing import BinaryIO

from ksrcfind.cli.options import Common
from ksrcfind.cli.session import begin
from ksrcfind.errors import KsrcfindError

HOW_TO_ADD = """\
In the directory of ksrcfind's sources:
pipx install --force '.[{extra}]'    if pipx installed it
pip install '.[{extra}]'             if pip did"""
"""ksrcfind is on no package index: its extras come with its sources."""


def serve_lsp(options: Common, tcp: int | None) -> int:
    """Serve an editor until it goes away; return the exit status."""
    serve = _extra("ksrcfind.lsp.serve", "lsp").serve
    session = begin(options)
    serve(session.settings, session.rev, session.directory, _channel(), tcp)
    return 0


def serve_mcp(options: Common) -> int:
    """Serve an assistant until it goes away; return the exit status."""
    serve = _extra("ksrcfind.mcp.server", "mcp").serve
    session = begin(options)
    serve(session.settings, session.rev, session.directory)
    return 0


def _channel() -> BinaryIO:
    """Return standard output for the protocol alone: whatever else is written there goes to standard error."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return channel


def _extra(module: str, extra: str) -> ModuleType:
    """Import what needs an extra. Raises `KsrcfindError` if that is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("ksrcfind"):
            raise
        raise KsrcfindError(
            f"ksrcfind {extra} needs a package that is not installed: {error.name}",
            HOW_TO_ADD.format(extra=extra),
        ) from error
