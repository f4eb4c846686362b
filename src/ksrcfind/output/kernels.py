"""Write the kernels that a log names, with the commands that bring their source, and the named trees."""

import shlex
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from ksrcfind.kernels.banner import spelled_version
from ksrcfind.kernels.in_log import RUNNING, Named
from ksrcfind.kernels.recipes import Recipe, Way
from ksrcfind.output.json import encode
from ksrcfind.output.record import SCHEMA, Record
from ksrcfind.output.style import Painter


class KernelSource(Struct, frozen=True):
    """A kernel of a log with the ways to get its source."""

    named: Named
    recipe: Recipe
    name: str
    """The name that its tree should get."""
    trees: tuple[str, ...]
    """Names of trees that have this source already."""


class NamedTree(Struct, frozen=True):
    """A tree or bundle that has a name."""

    name: str
    path: str
    kind: str
    """`git repository`, `directory`, `bundle`, or `missing`."""
    release: str | None
    """The release of Linux: `6.1.192`."""
    is_indexed: bool


def kernels(chosen: str, found: Sequence[KernelSource], painter: Painter) -> Iterator[str]:
    """Yield the commands for each kernel, as text or as the document that the schema calls `kernels`."""
    if chosen == "json":
        yield _document({"schema": SCHEMA, "type": "kernels", "kernels": list(map(_kernel_fields, found))})
        return
    for number, kernel in enumerate(found):
        if number:
            yield painter.line()
        yield from _kernel(kernel, painter)


def _kernel(kernel: KernelSource, painter: Painter) -> Iterator[str]:
    named, recipe = kernel.named, kernel.recipe
    source = f"{named.source}:{named.line}" if named.source is not None else ""
    boots = f", {named.boots:,} boots" if named.boots > 1 else ""
    yield painter.line((f"{recipe.distribution}: {recipe.kernel}", "title"), f"  {source}{boots}" if source else "")
    yield painter.line((named.text, "label"), indent=2)
    if kernel.trees:
        yield painter.line(f"You have it: -C {kernel.trees[0]}", indent=2)
        return
    if not recipe.is_exact:
        yield painter.line(("not exact  ", "warn"), recipe.note or "", indent=2)
    elif recipe.note is not None:
        yield painter.line(recipe.note, indent=2)
    for way in recipe.ways:
        yield painter.line()
        yield painter.line((f"# {way.title}", "label"), indent=2)
        for command in (*way.commands, then(kernel, way)[0]):
            yield painter.line(command, indent=2)
    yield painter.line()
    yield painter.line(("# then", "label"), indent=2)
    yield painter.line(then(kernel, recipe.ways[0])[1], indent=2)


def then(kernel: KernelSource, way: Way) -> tuple[str, ...]:
    """Return the commands that give the tree a name and use it."""
    log = kernel.named.source
    use = ["ksrcfind", "-C", kernel.name, "LINE"]
    if log is not None and log not in ("-", RUNNING):
        use = ["ksrcfind", "batch", "-C", kernel.name, log]
    return shlex.join(["ksrcfind", "tree", "add", kernel.name, way.directory]), shlex.join(use)


def _kernel_fields(kernel: KernelSource) -> Record:
    named, recipe = kernel.named, kernel.recipe
    return {
        "release": named.banner.release,
        "version": spelled_version(named.banner.version),
        "text": named.text,
        "source": named.source,
        "line": named.line,
        "boots": named.boots,
        "distribution": recipe.distribution,
        "kernel": recipe.kernel,
        "exact": recipe.is_exact,
        "note": recipe.note,
        "ways": [asdict(way) | {"then": then(kernel, way)} for way in recipe.ways],
        "trees": kernel.trees,
    }


def named_trees(chosen: str, found: Sequence[NamedTree], painter: Painter) -> Iterator[str]:
    """Yield one line for each named tree, or the document that the schema calls `trees`."""
    if chosen == "json":
        listed: list[Record] = [
            {"name": one.name, "path": one.path, "kind": one.kind, "release": one.release, "indexed": one.is_indexed}
            for one in found
        ]
        yield _document({"schema": SCHEMA, "type": "trees", "trees": listed})
        return
    width = max((len(tree.name) for tree in found), default=0)
    for tree in found:
        about = [tree.kind, *([tree.release] if tree.release else []), *(["indexed"] if tree.is_indexed else [])]
        yield painter.line((f"{tree.name:<{width}}  ", "title"), tree.path, (f"  {', '.join(about)}", "label"))


def _document(document: Record) -> str:
    return msgspec.json.format(encode(document), indent=2) + "\n"
