"""Expected outputs as files that a reviewer can read: `UPDATE_GOLDENS=1 pytest` writes them anew."""

import os
from pathlib import Path

DIRECTORY = Path(__file__).parent / "goldens"


def check(name, actual):
    """Compare with the golden file of that name."""
    path = DIRECTORY / name
    if os.environ.get("UPDATE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual)
    assert actual == path.read_text(), f"differs from {path}; UPDATE_GOLDENS=1 writes it anew"
