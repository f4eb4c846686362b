"""The commands lsp and mcp: serve an editor or an assistant over standard input and output."""

import importlib
import importlib.metadata
import os
import shlex
import sys
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from ksrcfind.cli.options import Common
from ksrcfind.cli.session import begin
from ksrcfind.errors import KsrcfindError
from ksrcfind.mcp.access import Access, is_wide


def serve_lsp(options: Common, tcp: int | None) -> int:
    """Serve an editor until it disconnects; return the exit status."""
    serve = _extra("ksrcfind.lsp.serve", "lsp").serve
    session = begin(options)
    serve(session.settings, session.rev, session.directory, _channel(), tcp)
    return 0


def serve_mcp(options: Common, allow: Sequence[Path]) -> int:
    """Serve an AI assistant until it disconnects; return the exit status.

    The assistant may read logs below the directories in `allow`, and below the current directory. If the current
    directory is the home directory, one above it, or `/`, it is not added.
    """
    serve = _extra("ksrcfind.mcp.server", "mcp").serve
    session = begin(options)
    missing = next((directory for directory in allow if not directory.is_dir()), None)
    if missing is not None:
        raise KsrcfindError(f"no such directory: {missing}", "--allow needs a directory that holds logs.")
    here = [] if is_wide(session.directory, Path.home()) else [session.directory]
    serve(session.settings, session.rev, session.directory, Access.to(*allow, *here), _source(), _channel())
    return 0


def _source() -> FileIO:
    """Return standard input for the protocol alone: programs that are started later read nothing from it."""
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return source


def how_to_add(extra: str) -> str:
    """Return the command that installs the packages of an extra beside this installation.

    It names the packages themselves: ksrcfind is on no package index, and its sources may have been deleted.
    """
    try:
        requirements = importlib.metadata.requires("ksrcfind") or []
    except importlib.metadata.PackageNotFoundError:  # Run from its sources.
        return f"pip install '.[{extra}]'"
    packages = [one.partition(";")[0].strip() for one in requirements if one.endswith(f"extra == '{extra}'")]
    by_pipx = (Path(sys.prefix) / "pipx_metadata.json").exists()
    command = ["pipx", "inject", "ksrcfind"] if by_pipx else [sys.executable, "-m", "pip", "install"]
    return shlex.join([*command, *packages])


def _channel() -> BinaryIO:
    """Return standard output as a file that only the protocol writes: other output is redirected to standard error."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return channel


def _extra(module: str, extra: str) -> ModuleType:
    """Return a module that an extra installs. Raises `KsrcfindError` if the extra is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("ksrcfind"):
            raise
        raise KsrcfindError(
            f"ksrcfind {extra} needs a package that is not installed: {error.name}",
            f"Add it with: {how_to_add(extra)}",
        ) from error
