"""Edit the user's configuration file: the names of trees. Comments and the order of its lines stay."""

from collections.abc import Callable
from pathlib import Path

import tomlkit

from ksrcfind.config import check_user_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.storage.lock import file_lock
from ksrcfind.storage.publishing import replace_file


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
        with file_lock(file.with_name(file.name + ".lock"), wait=True):
            try:
                document = tomlkit.parse(file.read_bytes().decode())
            except FileNotFoundError:
                document = tomlkit.document()
            change(document)
            content = tomlkit.dumps(document).encode()
            check_user_file(content, str(file))
            replace_file(file, content, file.stat().st_mode & 0o777 if file.exists() else None)
    except UnicodeEncodeError as error:
        raise KsrcfindError("the path is not UTF-8, as TOML needs it", "Name the tree by another path.") from error
    except (UnicodeDecodeError, tomlkit.exceptions.TOMLKitError) as error:
        raise KsrcfindError(f"{file}: not valid TOML: {error}", f"Correct {file}, or remove it.") from error
    except OSError as error:
        raise KsrcfindError(
            f"the configuration file {file} cannot be written: {error.strerror}",
            "Make it writable, or name another file with KSRCFIND_CONFIG.",
        ) from error
