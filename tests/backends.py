"""What questions are answered from: the bundled tree in git, at a revision, as plain files, and as bundles."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from commandline import ksrcfind

TREES = ("checkout", "revision", "directory")
BUNDLES = ("bundle", "bundle without history")
BACKENDS = (*TREES, *BUNDLES)


@dataclass(frozen=True)
class Backend:
    """One of them."""

    name: str
    options: tuple[str, ...]
    """What names it on the command line."""
    path: Path
    """What the library opens."""
    rev: str | None = None

    @property
    def is_bundle(self):
        return self.name in BUNDLES


def make_backends(linux_mini, directory):
    """Return every backend by its name; made below a directory, which is their cache too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KSRCFIND_CACHE_DIR", str(directory / "cache"))
        plain, bundle, bare = directory / "plain", directory / "mini.bundle", directory / "bare.bundle"
        shutil.copytree(linux_mini, plain, ignore=shutil.ignore_patterns(".git"))
        for arguments in (["--output", bundle, "--with-history"], ["--output", bare], ["--rev", "v5.9"]):
            done = ksrcfind("index", *arguments, directory=linux_mini)
            assert (done.status, done.err) == (0, "")
    made = (
        Backend("checkout", ("--repo", str(linux_mini)), linux_mini),
        Backend("revision", ("--repo", str(linux_mini), "--rev", "v5.9"), linux_mini, "v5.9"),
        Backend("directory", ("--repo", str(plain)), plain),
        Backend("bundle", ("--index", str(bundle)), bundle),
        Backend("bundle without history", ("--index", str(bare)), bare),
    )
    assert tuple(one.name for one in made) == BACKENDS
    return {one.name: one for one in made}
