"""Compute digests of everything except commits that histories depend on. A cached history is valid for one digest."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from ksrcfind.tree.repository import Repository

Settings = Mapping[str, tuple[str, ...]]
"""Name of a git setting, in lower case → all values of the setting."""


def parents_state(repository: Repository, settings: Settings | None = None) -> str:
    """Return a digest of everything except commit objects that determines the parents of a commit.

    `settings` are the current git settings; by default, those that held when the repository was opened.
    """
    settings = repository.settings if settings is None else settings
    state = hashlib.sha256()
    replaced = repository.objects.references("refs/replace/")
    state.update("".join(f"{name} {other}\n" for name, other in replaced.items()).encode("utf-8", "surrogateescape"))
    # The setting and the variable disable replaced objects.
    state.update(_values(settings, "core.usereplacerefs") + b"\0")
    state.update(b"off" if repository.git.ignores_replacements else b"on")
    for name in ("shallow", "info/grafts"):
        state.update(_content(repository.common_directory / name))
    return state.hexdigest()


def history_state(repository: Repository, settings: Settings | None = None) -> str:
    """Return a digest of everything that the history of a line depends on, except its commit, path and line number."""
    settings = repository.settings if settings is None else settings
    state = hashlib.sha256(parents_state(repository, settings).encode())
    values = _values(settings, _IGNORED)
    state.update(values)
    # Every file counts, whatever the other values: how an empty value acts depends on the version of git.
    for name in _paths(repository, _IGNORED) if values else ():
        state.update(_content(repository.root / os.fsdecode(name)) if name else b"")
    if repository.partial:  # Objects that are fetched later may contain an earlier place of a text.
        packs = repository.common_directory / "objects" / "pack"
        state.update("\n".join(sorted(path.name for path in packs.glob("*.pack"))).encode("utf-8", "surrogateescape"))
    return state.hexdigest()


def is_plain(repository: Repository) -> bool:
    """Return whether only commit objects determine parents, and git blame ignores no commit."""
    cut = repository.shallow or (repository.common_directory / "info/grafts").exists()
    replaced = bool(repository.objects.references("refs/replace/"))
    return not cut and not replaced and not ignores_commits(repository)


def ignores_commits(repository: Repository) -> bool:
    """Return whether the settings make git blame ignore commits."""
    return bool(_values(repository.current_settings(), _IGNORED).strip(b"\0"))


_IGNORED = "blame.ignorerevsfile"
"""The git setting that names files of revisions which git blame ignores. All its values count."""


def _values(settings: Settings, name: str) -> bytes:
    """Return all values of a setting, with a NUL behind each; empty bytes if the setting is not set."""
    return b"".join(value.encode("utf-8", "surrogateescape") + b"\0" for value in settings.get(name, ()))


def _paths(repository: Repository, name: str) -> list[bytes]:
    """Return all values of a setting that names files, with `~` expanded."""
    return repository.git.run("config", "-z", "--type=path", "--get-all", name, okay=(0, 1, 128)).split(b"\0")


def _content(path: Path) -> bytes:
    try:
        return b"+" + path.read_bytes()
    except OSError:
        return b"-"
