"""Say what is at a path: a kernel tree, a bundle, or neither."""

from pathlib import Path

from msgspec import Struct

from ksrcfind.bundle.format import HEADER, is_bundle
from ksrcfind.tree import disk
from ksrcfind.tree.discover import is_kernel
from ksrcfind.tree.versions import MAKEFILE, makefile_release


class KernelAt(Struct, frozen=True):
    """What is at a path."""

    kind: str
    """`git repository`, `directory`, `bundle`, or `missing`."""
    release: str | None = None
    """The release that the tree's Makefile names: `6.1.192`. None for other trees and for bundles."""


def kernel_at(path: Path) -> KernelAt:
    """Return what is at a path. It starts no git and reads only the first bytes of a file."""
    try:
        if path.is_dir():
            is_repository = (path / ".git").exists() or ((path / "HEAD").exists() and (path / "objects").is_dir())
            release = _release(path)
            if is_repository:
                return KernelAt("git repository", release)
            holds_source = is_kernel(path) or any(one.suffix in (".c", ".h") or one.is_dir() for one in path.iterdir())
            return KernelAt("directory", release) if holds_source else KernelAt("missing")
        with disk.open_regular(path) as file:
            return KernelAt("bundle" if is_bundle(file.read(HEADER)) else "missing")
    except (OSError, ValueError):
        return KernelAt("missing")


def _release(directory: Path) -> str | None:
    try:
        with disk.open_regular(directory / MAKEFILE) as file:
            return makefile_release(file.read(4096).decode("utf-8", "replace"))
    except OSError:
        return None
