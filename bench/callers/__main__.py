"""Compare the callers of functions with those that cscope finds: `python -m bench.callers --tree LINUX`.

`verdicts.jsonl` has functions of Linux 6.1 with all differences and the reason of each. This program asks both again
and reports what differs from the file: a difference without a reason, and a reason whose difference is gone.
`--sample N --seed S` asks about N random functions instead and writes them as lines of the file, the reasons empty.

cscope must be installed. It indexes the files below `DIRECTORIES` first (2 minutes); both look only there.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shutil import which

from ksrcfind.callers.source_file import SourceFile

from ksrcfind.caching import MemoryCache
from ksrcfind.callers.resolve import Target, callers_of
from ksrcfind.engine.source_view import TreeSource
from ksrcfind.tree.open import open_snapshot

VERDICTS = Path(__file__).parent / "verdicts.jsonl"
DIRECTORIES = ("fs/", "kernel/", "mm/", "drivers/net/")

Place = tuple[str, str]
"""Path and name of a calling function."""


class Part:
    """The files below `DIRECTORIES` of a tree."""

    def __init__(self, tree: Path) -> None:
        self._source = TreeSource(open_snapshot(tree, None), MemoryCache())
        self.paths = [path for path in self._source.paths() if path.startswith(DIRECTORIES)]

    def with_words(self, words: Sequence[str], /) -> Mapping[str, Iterable[str]]:
        """Return path → words for the files of the part that contain one of some words."""
        return {path: held for path, held in self._source.with_words(words).items() if path.startswith(DIRECTORIES)}

    def read_many(self, paths: Iterable[str], /) -> Iterable[tuple[str, bytes]]:
        """Return path and content of files."""
        return self._source.read_many(paths)

    def ours(self, path: str, function: str) -> set[Place]:
        """Return the functions that call one, by ksrcfind; at most 50."""
        found = callers_of(self, Target(function, path, {}), 1).found
        return {(each.path, each.function or "") for each in found if each.via == "call"}

    def sample(self, count: int, seed: int) -> Iterator[Place]:
        """Yield random functions that other files can call."""
        chance = random.Random(seed)
        while count:
            path = chance.choice(self.paths)
            [(_, data)] = self.read_many([path])
            names = [each.name for each in SourceFile(path, data).functions if not each.is_static]
            if path.endswith(".c") and names:
                count -= 1
                yield path, chance.choice(names)


class Cscope:
    """cscope with an index of some files of a tree."""

    def __init__(self, tree: Path, paths: Sequence[str], directory: Path) -> None:
        self._tree = tree
        self._index = directory / "cscope.out"
        listed = directory / "files"
        listed.write_text("\n".join(paths))
        subprocess.run(["cscope", "-b", "-q", "-k", "-i", listed, "-f", self._index], cwd=tree, check=True)

    def callers(self, function: str) -> set[Place]:
        """Return the functions that call one."""
        asked = ["cscope", "-d", "-L", "-3", function, "-f", self._index]
        lines = subprocess.run(asked, cwd=self._tree, capture_output=True, check=True).stdout.decode("utf-8", "replace")
        return {(path, name) for path, name, *_ in map(str.split, lines.splitlines())}


def compared(part: Part, cscope: Cscope, path: str, function: str) -> dict[str, object]:
    """Return how the callers of a function differ, as a line of the file of verdicts."""
    ours, theirs = part.ours(path, function), cscope.callers(function)
    return {
        "path": path,
        "function": function,
        "both": len(ours & theirs),
        "only_ksrcfind": [{"path": one, "function": name, "why": ""} for one, name in sorted(ours - theirs)],
        "only_cscope": [{"path": one, "function": name, "why": ""} for one, name in sorted(theirs - ours)],
    }


def places(verdict: Mapping[str, object], side: str) -> set[Place]:
    """Return the callers in a verdict that only one side has."""
    listed = verdict[side]
    assert isinstance(listed, list)
    return {(each["path"], each["function"]) for each in listed}


def checked(part: Part, cscope: Cscope) -> int:
    """Compare the functions of the file of verdicts again; print what is new; return the exit status."""
    counts = {"both": 0, "only_ksrcfind": 0, "only_cscope": 0}
    status = 0
    for verdict in map(json.loads, VERDICTS.read_text().splitlines()):
        now = compared(part, cscope, verdict["path"], verdict["function"])
        counts["both"] += int(str(now["both"]))
        for side in ("only_ksrcfind", "only_cscope"):
            known, found = places(verdict, side), places(now, side)
            counts[side] += len(found)
            for what, differing in (("new", found - known), ("gone", known - found)):
                for place in sorted(differing):
                    print(f"{what}: {side} of {verdict['function']}: {' '.join(place)}")
                    status = 1
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return status


def main() -> int:
    """Run the comparison; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, required=True, help="a tree of Linux 6.1")
    parser.add_argument("--sample", type=int, metavar="N", help="compare N random functions instead")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if which("cscope") is None:
        print("cscope is not installed", file=sys.stderr)
        return 2
    part = Part(given.tree)
    with tempfile.TemporaryDirectory() as directory:
        cscope = Cscope(given.tree, part.paths, Path(directory))
        if given.sample is None:
            return checked(part, cscope)
        for path, function in dict.fromkeys(part.sample(given.sample, given.seed)):
            print(json.dumps(compared(part, cscope, path, function)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
