"""What history remembers between runs, and what the commits alone do not say of it."""

import hashlib
import os
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
    # The setting and the variable switch these references off.
    state.update(_settings(repository, "core.useReplaceRefs") + b"\0")
    state.update(b"off" if repository.git.ignores_replacements else b"on")
    for name in ("shallow", "info/grafts"):
        state.update(_content(repository.common_directory / name))
    return state.hexdigest()


def story_state(repository: Repository) -> str:
    """Return a digest of everything beside commit, path and line that the history of a line depends on."""
    state = hashlib.sha256(parents_state(repository).encode())
    values = _settings(repository, _IGNORED)
    state.update(values)
    # Every file counts, whatever the other values: how an empty value acts depends on the version of git.
    for name in _settings(repository, _IGNORED, "--type=path").split(b"\0") if values else ():
        state.update(_content(repository.root / os.fsdecode(name)) if name else b"")
    if repository.partial:  # What is fetched later may hold where a text came from.
        packs = repository.common_directory / "objects" / "pack"
        state.update("\n".join(sorted(path.name for path in packs.glob("*.pack"))).encode("utf-8", "surrogateescape"))
    return state.hexdigest()


def is_plain(repository: Repository) -> bool:
    """Tell whether the commits alone say what their parents are, and blame ignores none."""
    cut = repository.shallow or (repository.common_directory / "info/grafts").exists()
    replaced = repository.git.run("for-each-ref", "--count=1", "refs/replace") != b""
    return not cut and not replaced and not _settings(repository, _IGNORED).strip(b"\0")


_IGNORED = "blame.ignoreRevsFile"
"""Names files of revisions that git blame ignores; every value of it counts."""


def _settings(repository: Repository, name: str, *options: str) -> bytes:
    """Return all values of a setting as they are now, with a NUL behind each; nothing if it is not set or invalid."""
    return repository.git.run("config", "-z", *options, "--get-all", name, okay=(0, 1, 128))


def _content(path: Path) -> bytes:
    try:
        return b"+" + path.read_bytes()
    except OSError:
        return b"-"
