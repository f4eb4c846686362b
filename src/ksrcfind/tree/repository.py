"""A git repository: where it is, what it lacks, and its names for revisions."""

import difflib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ksrcfind.errors import KsrcfindError
from ksrcfind.tree import disk
from ksrcfind.tree.git import Git, GitError, neutral, not_fetched

COMMIT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that was looked at once; later changes of its configuration are not noticed."""

    root: Path
    """Top of the working tree, or the repository's own directory if it is bare."""
    git: Git
    bare: bool
    common_directory: Path
    """Where objects and references are: `.git`, or that of the main working tree."""
    has_index: bool
    """False for a bare repository and for one that was cloned without checking anything out."""
    shallow: bool
    """True if its history was cut by `git clone --depth`."""
    partial: bool
    """True if it was cloned with `--filter` and fetches objects on demand."""
    sparse: bool
    """True if only a part of the files is checked out."""
    configuration: dict[str, str]
    """Settings that hold here, the last value of each; section and variable names in lower case."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that an answer from this repository needs."""
        if self.shallow:
            return (
                "This repository is shallow: history before its oldest commits is not there (git fetch --unshallow).",
            )
        return ()

    def commit(self, rev: str) -> str:
        """Return the id of the commit that a revision names. Raises `KsrcfindError` with the nearest names."""
        # A dash in front would be an option, and no name begins with one.
        if rev and not rev.startswith("-") and "\0" not in rev:
            found = self.git.answer("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
            if found is not None and COMMIT_ID.fullmatch(found):
                return found
            kind = self.git.answer("cat-file", "-t", f"{rev}^{{}}")
            if kind is not None:  # v2.6.11 of Linux is a tag of a tree.
                raise KsrcfindError(f"{rev} names a {kind}, not a commit", self._nearest(rev))
        raise KsrcfindError(f"unknown revision: {rev}", self._nearest(rev))

    def head(self) -> str:
        """Return the id of the commit that is checked out. Raises `KsrcfindError` if there is none yet."""
        found = self.git.answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if found is None:
            raise KsrcfindError(f"the repository at {self.root} has no commit checked out", "Name one with --rev.")
        return found

    def head_name(self) -> str:
        """Return what HEAD is called: a tag on it, else its branch, else the beginning of its id."""
        # Without --exact-match git walks the history for a tag, up to half a second without a commit-graph.
        return (
            self.git.answer("describe", "--tags", "--exact-match", "HEAD")
            or self.git.answer("symbolic-ref", "--short", "--quiet", "HEAD")
            or self.head()[:12]
        )

    def missing(self, what: str) -> KsrcfindError:
        """Return the error for an object that should be there."""
        if self.partial:  # Versions of git that would fetch it, and are not let, call it missing.
            return not_fetched(self.root)
        return KsrcfindError(
            f"{what} is missing from the repository at {self.root}",
            f"git -C {shlex.quote(str(self.root))} fsck tells what else is.",
        )

    def _nearest(self, rev: str) -> str:
        listed = self.git.run("for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/heads", "refs/remotes")
        names = [name for name in listed.decode("utf-8", "surrogateescape").split("\n") if name not in ("", rev)]
        if not names:
            return "This repository has no tags and no branches."
        # The last part counts as well: `6.1` for `origin/linux-6.1.y`.
        close = difflib.get_close_matches(rev, names, n=5, cutoff=0.5)
        close += [name for name in names if rev and rev in name and name not in close][: 5 - len(close)]
        if close:
            return f"Nearest names: {', '.join(close)}"
        return f"git -C {shlex.quote(str(self.root))} tag lists {len(names)} names of tags and branches."


def open_repository(directory: Path) -> Repository | None:
    """Return the repository whose root a directory is; None if it is not the root of one.

    Raises `KsrcfindError` when it is one and git refuses it, `GitMissingError` when there is no git.
    """
    git = Git(directory)
    try:
        said = git.run("rev-parse", "--is-bare-repository", "--is-shallow-repository", "--absolute-git-dir")
        bare, shallow, git_directory = said.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n", 2)
    except GitError as error:
        if "not a git repository" in error.stderr:
            return None
        raise
    if bare == "true":
        root = Path(git_directory)
    else:
        top = git.answer("rev-parse", "--show-toplevel")
        if top is None:  # Inside the .git directory itself.
            return None
        root = Path(top)
    if root.resolve() != directory.resolve():
        return None
    common = git.run("rev-parse", "--git-common-dir").decode("utf-8", "surrogateescape").removesuffix("\n")
    configuration = git.configuration()
    return Repository(
        root=root,
        git=Git(root, neutral(configuration)),
        bare=bare == "true",
        common_directory=(directory / common).resolve(),
        has_index=bare != "true" and (Path(git_directory) / "index").exists(),
        shallow=shallow == "true",
        partial=any(key.endswith((".promisor", ".partialclonefilter")) for key in configuration)
        or "extensions.partialclone" in configuration,
        sparse=configuration.get("core.sparsecheckout", "false") == "true",
        configuration=configuration,
    )


def has_commit_graph(repository: Repository) -> bool:
    """Tell whether git finds its way through the history quickly."""
    return any(graph.is_file() for graph in commit_graphs(repository.common_directory / "objects"))


def commit_graphs(objects: Path) -> Iterator[Path]:
    """Yield where commit graph files may be: one file, a chain of them, and those of borrowed objects."""
    yield objects / "info" / "commit-graph"
    chain = objects / "info" / "commit-graphs"
    for name in _lines(chain / "commit-graph-chain"):
        yield chain / f"graph-{name}.graph"
    for borrowed in _lines(objects / "info" / "alternates"):
        yield objects / borrowed / "info" / "commit-graph"


def _lines(path: Path) -> list[str]:
    try:
        with disk.open_regular(path) as file:
            return file.read(disk.LARGEST).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
