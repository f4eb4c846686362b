"""Read-only documents that the server creates: old revisions of files, commits, answers."""

import shutil
import tempfile
from pathlib import Path

from ksrcfind.regex import regex

_UNSAFE = regex(r"[^\w.+-]")


class VirtualDocuments:
    """A temporary directory of documents, created with the first one and removed at the end."""

    def __init__(self) -> None:
        self._directory: Path | None = None

    def show(self, name: str, content: str, folder: str = "") -> Path:
        """Write a read-only document and return its path. A document of the same name is replaced."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="ksrcfind-"))
        directory = self._directory / _safe(folder) if folder else self._directory
        directory.mkdir(exist_ok=True)
        path = directory / _safe(name)
        path.unlink(missing_ok=True)
        path.write_text(content, encoding="utf-8", errors="replace")
        path.chmod(0o400)
        return path

    def end(self) -> None:
        """Remove all documents."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None


def _safe(name: str) -> str:
    """Return a file name that cannot leave its directory."""
    return _UNSAFE.sub("_", name).lstrip(".")[-120:] or "_"
