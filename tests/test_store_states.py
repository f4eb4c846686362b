"""One store with several states of a tree answers for each state as a store that holds only that state."""

import os
import random
import subprocess
import sys

import pytest

from ksrcfind.index.build import BuildOptions, build
from ksrcfind.log.line import read_line
from ksrcfind.match.matcher import Matcher
from ksrcfind.progress import SILENT
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.sinks import BUILT_IN
from ksrcfind.storage.publishing import clean_up
from ksrcfind.storage.store import Store
from ksrcfind.tree.open import open_snapshot

FILES = 150
SUBJECTS = ("firmware", "channel", "descriptor", "mailbox", "queue")
VERBS = ("allocate", "register", "reset", "configure", "enable")

# Exact with many rivals; similar to many messages with equally many common words; only values; no answer.
LINES = (
    "failed to allocate firmware",
    "failed to reset mailbox",
    "acme0: failed to register channel timeout reported by supplier",
    "unable to configure descriptor 7 after reset, error -5",
    "could not enable queue twice",
    "mailbox reset failed: supplier reported timeout 12",
    "[ffff8880] <0000:00:1f.2>",
    "supplier reported timeout",
    "completely foreign text",
)


def c_file(number, edit=""):
    """Return a file whose messages share their words with those of many other files."""
    chance = random.Random(number)
    calls = [
        f'\tpr_err("failed to {chance.choice(VERBS)} {chance.choice(SUBJECTS)}{edit}\\n");',
        f'\tpr_err("%s: failed to {chance.choice(VERBS)} {chance.choice(SUBJECTS)}{edit} v{number}\\n", name);',
        f'\tpr_warn("unable to {chance.choice(VERBS)} {chance.choice(SUBJECTS)} %d, error %d\\n", one, error);',
        f'\tpr_info("supplier {number} reported {chance.choice(SUBJECTS)} timeout %d\\n", error);',
    ]
    return f"void probe_{number}(char *name, int one, int error)\n{{\n" + "\n".join(calls) + "\n}\n"


def write(root, numbers, edit=""):
    """Write files of a tree."""
    for number in numbers:
        path = root / f"drivers/part{number % 7}/acme{number}.c"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(c_file(number, edit))


@pytest.fixture
def tree(tmp_path, git):
    """A repository with two releases; the second one has edited, new and removed files."""
    root = tmp_path / "tree"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    write(root, range(FILES))
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    git(root, "tag", "v1.0")
    write(root, range(3, FILES, 31), " again")
    write(root, range(FILES, FILES + 4))
    git(root, "rm", "-q", "drivers/part5/acme5.c")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "second")
    git(root, "tag", "v2.0")
    return root


@pytest.fixture(params=["one segment", "several segments"])
def merging(request, monkeypatch):
    """Small trees are rewritten as one segment; large ones share the segments of earlier states."""
    if request.param == "several segments":
        monkeypatch.setattr("ksrcfind.storage.merging.SMALL", 0)


def index(root, directory, rev=None):
    """Index a state of a tree and return its key."""
    snapshot = open_snapshot(root, rev, named=True)
    store = Store.open(directory)
    with store.building():
        build(snapshot, store, BuildOptions(BUILT_IN, 1), SILENT)
    store.close()
    snapshot.close()
    return snapshot.key


def answers(directory, key):
    """Return all that a store answers to the lines for one state."""
    store = Store.open(directory)
    matcher = Matcher(RevisionIndex(store.view(key)))
    found = [matcher.answer(read_line(line), 20) for line in LINES]
    store.close()
    return found


def answers_alone(root, directory, rev=None):
    """Return what a store answers that holds no other state."""
    return answers(directory, index(root, directory, rev))


def test_each_of_two_states_answers_as_if_alone(tree, tmp_path, merging):
    both = tmp_path / "both"
    keys = {rev: index(tree, both, rev) for rev in ("v1.0", "v2.0")}
    for rev, key in keys.items():
        assert answers(both, key) == answers_alone(tree, tmp_path / rev, rev)


def test_a_state_answers_the_same_after_another_one_was_removed(tree, tmp_path, merging):
    both = tmp_path / "both"
    first, second = (index(tree, both, rev) for rev in ("v1.0", "v2.0"))
    store = Store.open(both)
    store.path_of(first).unlink()
    clean_up(store)
    store.close()
    assert answers(both, second) == answers_alone(tree, tmp_path / "alone", "v2.0")


def test_an_index_updated_in_place_answers_as_a_new_one(tree, tmp_path, merging):
    updated = tmp_path / "updated"
    for round_, numbers in enumerate((range(0, 20, 7), range(40, 44), range(90, 140, 13))):
        index(tree, updated)
        write(tree, numbers, f" {round_}")
    assert answers(updated, index(tree, updated)) == answers_alone(tree, tmp_path / "new")


def test_answers_do_not_depend_on_the_hash_seed(tree, tmp_path):
    log = tmp_path / "log"
    log.write_text("\n".join(LINES) + "\n")
    command = [
        sys.executable,
        "-m",
        "ksrcfind",
        "--repo",
        tree,
        "batch",
        "--each",
        "--no-history",
        "--format",
        "ndjson",
    ]
    found = {
        subprocess.run(
            [*command, log], env={**os.environ, "PYTHONHASHSEED": str(seed)}, capture_output=True, check=False
        ).stdout
        for seed in (1, 2)
    }
    assert len(found) == 1
