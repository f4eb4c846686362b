"""An index is built without forking a process that has threads, and the answers are those of any other index."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from ksrcfind.config import Settings
from ksrcfind.engine.open import open_engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.index import separate_process
from ksrcfind.progress import SILENT
from repositories import kernel

FILES = separate_process.SMALL + 50
LINE = "widget 7 did not answer in time"


@pytest.fixture
def large(tmp_path):
    """A repository with more files than are indexed in the process itself, and messages in each."""
    code = 'void report_%d(int n)\n{\n\tpr_info("widget %%d did not answer in time\\n", n);\n}\n'
    return kernel(tmp_path / "tree", {f"drivers/widget/w{n}.c": code % n for n in range(FILES)})


@pytest.fixture
def open_large(large, tmp_path):
    opened = []

    def new(progress=SILENT):
        settings = Settings(cache_dir=tmp_path / "cache", jobs=2)
        opened.append(open_engine(replace(settings, repo=large.root), None, large.root, progress))
        return opened[-1]

    yield new
    for engine in opened:
        engine.close()


@contextmanager
def a_thread():
    """Keep a thread alive."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


# Without the guard that `multiprocessing` asks for: the programs that use the library need none.
PROGRAM = """
import json, os, sys, threading
from msgspec.structs import replace
from pathlib import Path
from ksrcfind import Finder, HistoryMode, Settings

tree, cache, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
forks = []
os.register_at_fork(before=lambda: forks.append(threading.active_count()))
print("begun", file=sys.stderr)
done = threading.Event()
for _ in range(threads):
    threading.Thread(target=done.wait).start()
with Finder.open(tree, settings=Settings(cache_dir=cache, jobs=2)) as finder:
    finder.index()
    found = finder.find(sys.argv[4], history=HistoryMode.OFF)
    messages = sum(1 for _ in finder.messages())
done.set()
print(json.dumps([forks, found.answer.verdict, found.answer.rivals, messages]))
"""


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_a_program_with_threads_is_not_forked_and_gets_the_same_answers(large, tmp_path, threads):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, program, large.root, tmp_path / f"cache{threads}", str(threads), LINE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    forks, verdict, rivals, messages = json.loads(done.stdout)
    assert bool(forks) == (threads == 0)
    assert (verdict, rivals, messages) == ("exact", FILES - 1, FILES + 2)
    assert done.stderr == "begun\n"


class Steps:
    """A progress that remembers what it is told, and calls something at each step."""

    def __init__(self, at_step=lambda: None):
        self.told, self.at_step = {}, at_step

    @contextmanager
    def task(self, description, total):
        self.told[description] = 0, total
        yield type("Task", (), {"advance": lambda _, amount=1: self.add(description, amount)})()

    def add(self, description, amount):
        done, total = self.told[description]
        self.told[description] = done + amount, total
        self.at_step()


def test_progress_comes_from_the_other_process(open_large):
    steps = Steps()
    with a_thread():
        assert open_large(steps).index.build().messages == FILES + 2
    assert steps.told[f"parsing {FILES + 3} files"] == (FILES + 3, FILES + 3)
    assert all(total in (None, done) for done, total in steps.told.values())


def test_a_build_ends_with_what_its_progress_raises_and_can_be_done_later(open_large, monkeypatch):
    processes = []
    started = separate_process._started
    monkeypatch.setattr(
        separate_process, "_started", lambda *ordered: processes.append(started(*ordered)) or processes[-1]
    )

    def stop():
        raise KeyError("enough")

    with a_thread():
        with pytest.raises(KeyError, match="enough"):
            open_large(Steps(stop)).index.build()
        assert [process.returncode is not None for process in processes] == [True]
        assert open_large().index.build().messages == FILES + 2


def test_an_error_of_the_other_process_is_that_of_the_caller(open_large, large, tmp_path):
    clone = tmp_path / "clone"
    large.git("config", "uploadpack.allowFilter", "true")
    large.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{large.root}", str(clone))
    settings = Settings(cache_dir=tmp_path / "cache")
    engine = open_engine(replace(settings, repo=clone), "HEAD", clone, SILENT)
    with a_thread(), pytest.raises(KsrcfindError, match="partial clone") as caught:
        engine.index.build()
    assert "fetch --refetch" in caught.value.hint
    engine.close()


@pytest.mark.parametrize(
    ("python", "said"), [("/bin/false", "ended with status 1"), ("/no/such/python", "cannot start /no/such/python")]
)
def test_a_process_that_does_not_start_or_ends_without_a_word_is_told(open_large, monkeypatch, python, said):
    monkeypatch.setattr(separate_process.spawn, "get_executable", lambda: python)
    with a_thread(), pytest.raises(KsrcfindError, match=said):
        open_large().index.build()


def test_without_a_cache_an_index_is_built_in_the_process_itself(large, tmp_path):
    (tmp_path / "cache").write_text("no directory")
    settings = Settings(cache_dir=tmp_path / "cache", jobs=2)
    with a_thread():
        engine = open_engine(replace(settings, repo=large.root), None, large.root, SILENT)
        assert engine.index.build().messages == FILES + 2
        engine.close()
