"""Imports go one way: a module imports only from layers below its own."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "ksrcfind"

# From the bottom up. A package may import from itself and from any layer below.
LAYERS = [
    "regex",
    "errors",
    "levels",
    "progress",
    "caching",
    "compressed",
    "config",
    "log",
    "tree",
    "kernels",
    "source",
    "printk_index",
    "conditions",
    "callers",
    "documents",
    "match",
    "knowledge",
    "storage",
    "settings_file",
    "index",
    "search",
    "history",
    "finding",
    "backend",
    "bundle",
    "engine",
    "rules",
    "evolution",
    "incidents",
    "batch",
    "doctor",
    "output",
    "library",
    "lsp",
    "mcp",
    "cli",
    "__main__",
]

# The only modules that may import a library that talks to an outside world.
OWNERS = {
    "tree_sitter": {"source/parse.py"},
    "tree_sitter_c": {"source/parse.py"},
    "pygit2": {"tree"},
    "subprocess": {"tree/git.py", "log/journalctl.py", "index/separate_process.py", "cli/pager.py"},
    "sqlite3": {"storage", "bundle"},
    "typer": {"cli", "__main__.py"},
    "rich": {"output", "cli"},
    "mcp": {"mcp"},
    "pygls": {"lsp"},
    "elftools": {"printk_index/elf.py"},
    "tomlkit": {"settings_file.py"},
    "lsprotocol": {"lsp"},
    "yaml": {"rules/logql.py"},
}

# These are pure: bytes and text in, frozen records out.
PURE = {"source", "log", "match", "conditions", "callers", "documents", "knowledge", "incidents", "kernels", "rules"}
IMPURE_MODULES = {"os", "pathlib", "subprocess", "sqlite3", "pygit2", "tempfile", "shutil", "socket", "sys"}


def modules():
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def imports(relative):
    for node in ast.walk(ast.parse((PACKAGE / relative).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(relative):
    return relative.split("/")[0].removesuffix(".py")


@pytest.mark.parametrize("relative", modules())
def test_module_imports_only_from_below(relative):
    own = layer(relative)
    assert own in LAYERS, f"{relative} has no layer yet"
    for name in imports(relative):
        if name.startswith("ksrcfind."):
            other = name.split(".")[1]
            if other not in LAYERS:
                continue  # `from ksrcfind import __version__`
            assert LAYERS.index(other) <= LAYERS.index(own), f"{relative} imports {name} from above"


@pytest.mark.parametrize("relative", modules())
def test_outside_worlds_have_one_owner(relative):
    for name in imports(relative):
        owners = OWNERS.get(name.split(".")[0])
        if owners is not None:
            assert relative in owners or layer(relative) in owners, f"{relative} imports {name}"


@pytest.mark.parametrize("relative", [m for m in modules() if layer(m) in PURE])
def test_pure_layers_touch_no_files(relative):
    # log/stream.py opens the files that it is given, log/journalctl.py asks the journal; everything else sees text.
    if relative in ("log/stream.py", "log/journalctl.py"):
        return
    used = {name.split(".")[0] for name in imports(relative)}
    assert not used & IMPURE_MODULES
