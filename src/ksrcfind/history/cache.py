"""What history remembers between runs, and what the commits alone do not say of it."""

import hashlib
from pathlib import Path
from typing import Protocol

from ksrcfind.tree.repository import Repository


class Cache(Protocol):
    """Keeps bytes under a name, for as long as it likes."""

    def get(self, name: str) -> bytes | None:
        """Return what was kept, None if it is not there (any more)."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep it."""
        ...


class MemoryCache(dict[str, bytes]):
    """A cache for one run."""

    def put(self, name: str, data: bytes) -> None:
        """Keep it."""
        self[name] = data


def parents_state(repository: Repository) -> str:
    """Return a digest of everything beside the commits that says what the parents of a commit are."""
    state = hashlib.sha256()
    state.update(repository.git.run("for-each-ref", "--format=%(refname) %(objectname)", "refs/replace"))
    for name in ("shallow", "info/grafts"):
        state.update(_content(repository.common_directory / name))
    return state.hexdigest()


def ignored_state(repository: Repository) -> str:
    """Return a digest of the revisions that blame passes over."""
    name = repository.configuration.get("blame.ignorerevsfile", "")
    content = _content(repository.root / Path(name).expanduser()) if name else b""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape") + b"\0" + content).hexdigest()


def is_plain(repository: Repository) -> bool:
    """Tell whether the commits alone say what their parents are, and blame passes over none."""
    cut = repository.shallow or (repository.common_directory / "info/grafts").exists()
    replaced = repository.git.run("for-each-ref", "--count=1", "refs/replace") != b""
    return not cut and not replaced and not repository.configuration.get("blame.ignorerevsfile")


def _content(path: Path) -> bytes:
    try:
        return b"+" + path.read_bytes()
    except OSError:
        return b"-"
