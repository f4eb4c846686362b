"""Random histories, with reverts, octopus and criss-cross merges, told as git tells them."""

import random
from dataclasses import dataclass, replace
from itertools import combinations

import pytest

from ksrcfind.history.request import Request
from ksrcfind.history.trace import History
from ksrcfind.source.message import Form, Message, TextLine
from ksrcfind.tree.open import open_snapshot
from repositories import VirtualDocuments, seal

FILES = ("one.c", "two.c", "three.c")
WORDS = (
    "sector",
    "table",
    "queue",
    "buffer",
    "firmware",
    "broken",
    "timeout",
    "reset",
    "lost",
    "stale",
    "full",
    "door",
)


@dataclass(frozen=True)
class Said:
    """A message at one commit of the history."""

    text: str
    path: str
    call: str
    indent: int
    age: int
    """Number of the commit that touched it last: where the sides of a merge differ, the later one has its way."""
    removed: int | None = None
    """Number of the commit that took it away."""


class Drawn:
    """A history drawn by chance: one function for each message, all in a few files of one directory."""

    def __init__(self, root, seed, commits=45):
        self._chance = random.Random(seed)
        self.scratch = VirtualDocuments(root)
        self.ids = []
        self.merges = []
        self.states = []
        self._commit([], "start", {})
        heads = [0]
        while len(self.ids) < commits:
            if len(heads) < 2 or self._chance.random() < 0.7:
                parent = self._chance.choice(heads)
                self._add([parent])
                # Some parents stay heads: branches begin there.
                heads = [head for head in heads if head != parent or self._chance.random() < 0.5]
            elif self._chance.random() < 0.5:
                one, other = self._chance.sample(heads, 2)
                self._add([one, other])
                self._add([other, one])
                heads = [len(self.ids) - 2, *(head for head in heads if head not in (one, other))]
            else:
                parents = self._chance.sample(heads, min(3, len(heads)))
                self._add(parents)
                heads = [head for head in heads if head not in parents]
            heads = [*heads[-4:], len(self.ids) - 1]
        self._add(heads)
        self.scratch.git("update-ref", "refs/heads/master", self.ids[-1])

    def _add(self, parents):
        state = {}
        for parent in parents:
            for name, said in self.states[parent].items():
                state[name] = max(state.get(name, said), said, key=lambda one: one.age)
        if len(parents) > 1:
            self.merges.append([self.ids[parent] for parent in parents])
        message = "merge" if len(parents) > 1 else self._change(state)
        self._commit(parents, message, state)

    def _change(self, state):
        """Change something in a state; return what the commit says."""
        number = len(self.ids)
        there = sorted(name for name, said in state.items() if said.removed is None)
        gone = sorted(name for name, said in state.items() if said.removed is not None)
        what = self._chance.choice(["new", "new", "reindent", "convert", "move", "remove", "revert"])
        if what == "revert" and gone:
            name = self._chance.choice(gone)
            undone = self.ids[state[name].removed]
            state[name] = replace(state[name], age=number, removed=None)
            return f"Revert\n\nThis reverts commit {undone}."
        if what == "new" or not there:
            text = f"{' '.join(self._chance.sample(WORDS, 5))} {number}x"
            state[f"f{number}"] = Said(text, self._chance.choice(FILES), "pr_err", 1, number)
            return "new"
        name = self._chance.choice(there)
        said = replace(state[name], age=number)
        if what == "remove":
            said = replace(said, removed=number)
        elif what == "move":
            said = replace(said, path=self._chance.choice([path for path in FILES if path != said.path]))
        elif what == "convert":
            said = replace(said, call="pr_info" if said.call == "pr_err" else "pr_err")
        else:
            said = replace(said, indent=said.indent % 3 + 1)
        state[name] = said
        return what

    def _commit(self, parents, message, state):
        self.scratch.clock += 60
        names = ""
        for path in FILES:
            blob = self.scratch.git("hash-object", "-w", "--stdin", stdin=rendered(state, path)[0].encode())
            names += f"100644 blob {blob}\t{path}\n"
        tree = self.scratch.git("mktree", stdin=names.encode())
        options = [word for parent in parents for word in ("-p", self.ids[parent])]
        self.ids.append(self.scratch.git("commit-tree", tree, *options, "-m", message))
        self.states.append(state)


def rendered(state, path):
    """Return the text of a file, and the line of each of its messages."""
    lines = ["/* A file. */"]
    at = {}
    for name, said in state.items():
        if said.path == path and said.removed is None:
            lines += [f"void {name}(void)", "{", f'{chr(9) * said.indent}{said.call}("{said.text}\\n");', "}", ""]
            at[name] = len(lines) - 2
    return "\n".join(lines) + "\n", at


@pytest.mark.parametrize("seed", range(4, 8))
def test_introduced_is_the_first_commit_that_git_finds_with_the_text(tmp_path, monkeypatch, seed):
    seal(monkeypatch, tmp_path)
    drawn = Drawn(tmp_path / "linux", seed)
    assert max(map(len, drawn.merges)) > 2
    pairs = [pair for parents in drawn.merges for pair in combinations(parents, 2)]
    bases = [drawn.scratch.git("merge-base", "--all", *pair).split() for pair in pairs]
    assert max(map(len, bases)) > 1, "no criss-cross merge"
    state = drawn.states[-1]
    asked = {name: (path, line) for path in FILES for name, line in rendered(state, path)[1].items()}
    assert len(asked) > 3
    requests = [
        Request(Message(path, line, line, name, "", None, None, "", (Form("", ()),), (TextLine(path, line, 9),)))
        for name, (path, line) in asked.items()
    ]
    told = History(open_snapshot(drawn.scratch.root, "master")).trace(requests)
    for name, (path, line), provenance in zip(asked, asked.values(), told, strict=True):
        text = state[name].text
        first = drawn.scratch.git("log", "--topo-order", "--reverse", "--format=%H", f"-S{text}", "master").split()[0]
        assert (provenance.introduced.commit, provenance.introduced.format) == (first, text), name
        blamed = drawn.scratch.git("blame", "-s", "-l", f"-L{line},{line}", "master", "--", path).split()[0]
        assert provenance.last_changed.commit == blamed.removeprefix("^")
