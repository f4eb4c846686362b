"""Where a store keeps the history index of a repository."""

import hashlib
from pathlib import Path

from ksrcfind.history.state import parents_state
from ksrcfind.tree.repository import Repository

VERSION = 2
"""Version of what an index holds. A new version makes every history index be built again."""


def index_path(directory: Path, repository: Repository) -> Path:
    """Return the path of the history index in a store's directory.

    The name depends on what determines the parents of commits: replaced objects, grafts, and the edge of a shallow
    clone.
    """
    state = hashlib.sha256(f"{VERSION} {parents_state(repository, repository.current_settings())}".encode())
    return directory / f"history-{state.hexdigest()[:16]}.sqlite"
