"""Edit the user's configuration file: the names of trees. Comments and the order of its lines stay."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import tomlkit

from ksrcfind.config import check_user_file
from ksrcfind.errors import KsrcfindError


def name_tree(file: Path, name: str, path: Path) -> None:
    """Write into the configuration file that `name` stands for a tree or bundle; an earlier meaning is replaced.

    Raises `KsrcfindError` if the file cannot be read or written.
    """

    def change(document: tomlkit.TOMLDocument) -> None:
        document.setdefault("trees", tomlkit.table())[name] = str(path)

    _edit(file, change)


def forget_tree(file: Path, name: str) -> None:
    """Remove the name of a tree from the configuration file. Raises `KsrcfindError` as `name_tree` does."""

    def change(document: tomlkit.TOMLDocument) -> None:
        trees = document.get("trees", {})
        trees.pop(name, None)
        if not trees:
            document.pop("trees", None)

    _edit(file, change)


def _edit(file: Path, change: Callable[[tomlkit.TOMLDocument], None]) -> None:
    if file.exists() and not file.is_file():
        raise KsrcfindError(f"{file} is not a regular file", "Name another configuration file with KSRCFIND_CONFIG.")
    file = file.resolve()  # A link to a file elsewhere, as people keep their settings in a repository, stays a link.
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _only_run(file):
            try:
                document = tomlkit.parse(file.read_bytes().decode())
            except FileNotFoundError:
                document = tomlkit.document()
            change(document)
            content = tomlkit.dumps(document).encode()
            check_user_file(content, str(file))
            _replace(file, content)
    except UnicodeEncodeError as error:
        raise KsrcfindError("the path is not UTF-8, as TOML needs it", "Name the tree by another path.") from error
    except (UnicodeDecodeError, tomlkit.exceptions.TOMLKitError) as error:
        raise KsrcfindError(f"{file}: not valid TOML: {error}", f"Correct {file}, or remove it.") from error
    except OSError as error:
        raise KsrcfindError(
            f"the configuration file {file} cannot be written: {error.strerror}",
            "Make it writable, or name another file with KSRCFIND_CONFIG.",
        ) from error


@contextmanager
def _only_run(file: Path) -> Iterator[None]:
    """Let runs change the file one after another."""
    with file.with_name(file.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(file: Path, content: bytes) -> None:
    half = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with half.open("wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        if file.exists():
            half.chmod(file.stat().st_mode & 0o777)
        half.rename(file)
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)
