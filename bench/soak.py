"""Eight processes use one tree at once, at random, while they are killed and the disk fills; every answer is checked.

    python -m bench.soak [--seconds 600] [--processes 8] [--seed 1]

The tree is a clone of the bundled repository, the cache is shared. What happens: builds, questions, whole logs, a
checkout that moves between releases and is edited, saves in a language server, SIGKILL, runs of a version with another
format of the store, writes that fail as on a full disk. Checked: no traceback, exit status 0 (2 only where the disk is
full), each answer one that a quiet run gives for a state which the tree had meanwhile, and at the end an index that
equals a new one. The exit status is 1 if anything is wrong.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FIXTURE = Path(__file__).parent.parent / "fixtures" / "linux-mini"
RELEASES = ("v5.8", "v5.9", "v6.1")
EDIT = '\nvoid soak(void)\n{\n\tpr_info("soak: edit number %d of this file\\n", 1);\n}\n'
EDITED = "mm/oom_kill.c"
QUESTIONS = (
    "Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task",
    "mini_eth: no PHY found at address 7",
    "mini_eth 0000:02:00.0: port 1: link is down",
    "soak: edit number 5 of this file",
    "qqq wibble flurb",
)
KILLED = 0.15
"""Share of runs that get a SIGKILL at a random moment."""
FULL_DISK = 0.1
"""Share of runs whose files may not grow beyond `LARGEST_FILE`."""
LARGEST_FILE = 40_000  # bytes
PATIENCE_S = 120  # after which a run is taken for stuck

RUN = "from ksrcfind.__main__ import main; main()"
OTHER_FORMAT = "import ksrcfind.storage.store as store; store.FORMAT = '8.soak'; "
FULL = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({LARGEST_FILE}, {LARGEST_FILE})); "
"""Lets writes fail beyond a size, as on a full disk."""


def answer_of(record: Mapping[str, object]) -> str:
    """Return what is compared of the answer to a line: where its best match is."""
    matches = record["matches"]
    assert isinstance(matches, list)
    first = matches[0] if matches else None
    return f"{first['path']}:{first['line_start']}:{first['function']}" if first else "none"


@dataclass
class Tree:
    """The checkout that everybody asks, and which of its states are current."""

    root: Path
    expected: dict[str, dict[str, str]] = field(default_factory=dict)
    """State → question → answer of a quiet run."""
    log: list[tuple[float, str]] = field(default_factory=list)
    """When the tree began to change into which state."""

    def enter(self, state: str) -> None:
        """Change the checkout: `v6.1`, or `v6.1+edit`."""
        rev, _, edited = state.partition("+")
        self.log.append((time.monotonic(), state))
        git(self.root, "checkout", "-q", "--force", rev)
        if edited:
            path = self.root / EDITED
            path.write_text(path.read_text() + EDIT)
        self.log.append((time.monotonic(), state))

    def states(self, since: float) -> set[str]:
        """Return the states that the tree had, or was changed from or into, since some time."""
        before = [state for at, state in self.log if at < since][-3:]
        return {*before, *(state for at, state in self.log if at >= since)}


@dataclass
class Outcome:
    """What happened."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        """Count an event."""
        with self.lock:
            self.counts[what] += 1

    def fault(self, text: str) -> None:
        """Note something that must not happen."""
        with self.lock:
            self.faults.append(text)
            print(f"FAULT {text}", flush=True)


def git(root: Path, *arguments: str) -> None:
    """Run git, again while another one holds the lock of the repository's index."""
    for _ in range(200):
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError(done.stderr.decode())


class User:
    """Somebody who runs commands on the tree, one after another, and checks what they answer."""

    def __init__(self, tree: Tree, cache: Path, outcome: Outcome, chance: random.Random) -> None:
        self._tree = tree
        self._cache = cache
        self._outcome = outcome
        self._chance = chance

    def act(self) -> None:
        """Do one thing at random."""
        actions: Sequence[tuple[int, Callable[[], None]]] = (
            (2, self._index),
            (5, self._ask),
            (3, self._ask_release),
            (2, self._batch),
            (1, self._other_format),
        )
        (action,) = self._chance.choices([action for _, action in actions], [weight for weight, _ in actions])
        action()

    def _run(self, *arguments: str, before: str = "") -> tuple[int, str, bool] | None:
        """Return exit status, output and whether the disk was full; None for a run that was killed."""
        is_full = self._chance.random() < FULL_DISK
        started = time.monotonic()
        running = subprocess.Popen(
            [
                sys.executable,
                "-c",
                (FULL if is_full else "") + before + RUN,
                "--repo",
                str(self._tree.root),
                *arguments,
            ],
            env={**os.environ, "KSRCFIND_CACHE_DIR": str(self._cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self._chance.random() < KILLED:
            try:
                running.communicate(timeout=self._chance.random() * 2)
            except subprocess.TimeoutExpired:
                running.kill()
                running.communicate()
                self._outcome.count("killed")
                return None
            self._outcome.count("ended before the kill")
            return None
        try:
            said, errors = running.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            running.kill()
            self._outcome.fault(f"{arguments} is stuck")
            return None
        if "Traceback" in errors or running.returncode < 0:
            self._outcome.fault(
                f"{arguments} ended with {running.returncode} after {time.monotonic() - started:.1f} s: {errors}"
            )
            return None
        if "Traceback" not in errors and running.returncode == 2 and not is_full:
            self._outcome.fault(f"{arguments}: {errors}")
            return None
        self._outcome.count(f"{arguments[0]}{' on a full disk' if is_full else ''}")
        return running.returncode, said, is_full

    def _index(self) -> None:
        self._run("index")

    def _other_format(self) -> None:
        question = self._chance.choice(QUESTIONS)
        self._run("index", before=OTHER_FORMAT)
        self._check([question], "find", "--no-history", "--format", "ndjson", question, before=OTHER_FORMAT)

    def _ask(self) -> None:
        question = self._chance.choice(QUESTIONS)
        history = "--history=first" if self._chance.random() < 0.5 else "--no-history"
        self._check([question], "find", history, "--format", "ndjson", question)

    def _ask_release(self) -> None:
        rev = self._chance.choice(RELEASES)
        question = self._chance.choice(QUESTIONS)
        self._check([question], "find", "--rev", rev, "--format", "ndjson", question, states={rev})

    def _batch(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write("\n".join(QUESTIONS) + "\n")
            log.flush()
            self._check(QUESTIONS, "batch", "--each", "--no-history", "--format", "ndjson", log.name)

    def _check(
        self,
        questions: Sequence[str],
        *arguments: str,
        states: set[str] | None = None,
        before: str = "",
    ) -> None:
        started = time.monotonic()
        done = self._run(*arguments, before=before)
        if done is None:
            return
        status, said, is_full = done
        records = [record for record in map(json.loads, said.splitlines()) if record["type"] == "line"]
        if len(records) != len(questions):
            if not (is_full and status == 2):
                self._outcome.fault(f"{arguments}: {len(records)} answers, exit status {status}")
            return
        possible = states or self._tree.states(started)
        for question, record in zip(questions, records, strict=True):
            answer = answer_of(record)
            if answer not in {self._tree.expected[state][question] for state in possible}:
                self._outcome.fault(f"{arguments}: {answer} to {question!r}, with the tree in {possible}")


class Editor:
    """A language server with an open log, in a client that saves files and asks for hovers."""

    def __init__(self, tree: Tree, cache: Path, outcome: Outcome) -> None:
        self._tree = tree
        self._outcome = outcome
        self._number = 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "ksrcfind", "--repo", str(tree.root), "lsp"],
            env={**os.environ, "KSRCFIND_CACHE_DIR": str(cache)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        root = tree.root.as_uri()
        self._ask("initialize", {"processId": None, "rootUri": root, "capabilities": {}})
        self._tell("initialized", {})
        text = "\n".join(f"[    1.{n:06}] {line}" for n, line in enumerate(QUESTIONS * 20))
        self._document = {"uri": (tree.root.parent / "soak.log").as_uri()}
        self._tell(
            "textDocument/didOpen",
            {"textDocument": {**self._document, "languageId": "log", "version": 1, "text": text}},
        )

    def act(self, chance: random.Random) -> None:
        """Save a file, or ask what stands behind a line of the log."""
        if chance.random() < 0.3:
            self._tell("textDocument/didSave", {"textDocument": {"uri": (self._tree.root / EDITED).as_uri()}})
            self._outcome.count("saved in the editor")
            return
        started = time.monotonic()
        number = chance.randrange(len(QUESTIONS) * 20)
        place = {"line": number, "character": 20}
        reply = self._ask("textDocument/hover", {"textDocument": self._document, "position": place})
        if "error" in reply:
            self._outcome.fault(f"hover: {reply['error']}")
            return
        said = json.dumps(reply.get("result"))
        question = QUESTIONS[number % len(QUESTIONS)]
        states = self._tree.states(started - 10)
        places = {self._tree.expected[state][question].rpartition(":")[0] for state in states} - {"none", ""}
        if places and "none" not in {self._tree.expected[state][question] for state in states}:
            paths = {place.partition(":")[0] for place in places}
            if not any(path in said for path in paths):
                self._outcome.fault(f"hover on {question!r}: {said[:300]}, expected one of {places}")
        self._outcome.count("hovered")

    def close(self) -> None:
        """End the server as an editor does."""
        self._ask("shutdown", None)
        self._tell("exit", None)
        _said, errors = self._server.communicate(timeout=PATIENCE_S)
        if b"Traceback" in errors:
            self._outcome.fault(f"language server: {errors.decode()}")

    def _ask(self, method: str, params: object) -> dict[str, object]:
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        for message in self._messages():
            if message.get("id") == self._number and "method" not in message:
                return message
            if "id" in message and "method" in message:  # The server asks; nothing is configured.
                result = [None] * 10 if message["method"] == "workspace/configuration" else None
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        raise RuntimeError(
            "the language server ended: " + (self._server.stderr.read().decode() if self._server.stderr else "")
        )

    def _tell(self, method: str, params: object) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _send(self, message: Mapping[str, object]) -> None:
        data = json.dumps(message).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._server.stdin.flush()

    def _messages(self) -> Iterator[dict[str, object]]:
        out = self._server.stdout
        assert out is not None
        while header := out.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                header = out.readline()
            yield json.loads(out.read(length))


def quiet_answers(tree: Tree, directory: Path) -> None:
    """Write down what is answered in each state when nothing else runs."""
    for number, state in enumerate((*RELEASES, f"{RELEASES[-1]}+edit")):
        tree.enter(state)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ksrcfind",
                "--repo",
                str(tree.root),
                "find",
                "--no-history",
                "--format",
                "ndjson",
                *QUESTIONS,
            ],
            env={**os.environ, "KSRCFIND_CACHE_DIR": str(directory / str(number))},
            capture_output=True,
            text=True,
            check=False,
        )
        records = [record for record in map(json.loads, done.stdout.splitlines()) if record["type"] == "line"]
        tree.expected[state] = dict(zip(QUESTIONS, map(answer_of, records), strict=True))


def messages_of(tree: Tree, cache: Path) -> str:
    """Return all messages of the tree as text."""
    done = subprocess.run(
        [sys.executable, "-m", "ksrcfind", "--repo", str(tree.root), "messages", "--format", "csv"],
        env={**os.environ, "KSRCFIND_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@contextmanager
def threads(*targets: Callable[[], None]) -> Iterator[None]:
    """Run functions beside the block, and wait for them at its end."""
    running = [threading.Thread(target=target) for target in targets]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        for thread in running:
            thread.join()


def soak(directory: Path, seconds: float, processes: int, seed: int) -> Outcome:
    """Run everything for some time and return what happened."""
    outcome = Outcome()
    subprocess.run([sys.executable, str(FIXTURE / "build.py"), str(directory / "origin")], check=True)
    subprocess.run(["git", "clone", "-q", str(directory / "origin"), str(directory / "linux")], check=True)
    tree = Tree(directory / "linux")
    cache = directory / "cache"
    quiet_answers(tree, directory / "quiet")
    end = time.monotonic() + seconds

    def guarded(name: str, act: Callable[[], None], pause: float = 0.0) -> Callable[[], None]:
        def run() -> None:
            while time.monotonic() < end:
                try:
                    act()
                except Exception as error:  # noqa: BLE001 - a fault of what is tested, or of this program
                    outcome.fault(f"{name}: {error!r}")
                    return
                time.sleep(pause)

        return run

    def change() -> None:
        tree.enter(chance.choice(list(tree.expected)))
        outcome.count("checkout")
        time.sleep(chance.uniform(0.5, 4))

    chance = random.Random(seed)
    users = [User(tree, cache, outcome, random.Random(seed + n)) for n in range(1, processes - 1)]
    editor = Editor(tree, cache, outcome)
    try:
        own = random.Random(seed + processes)
        with threads(
            *(guarded("user", user.act) for user in users),
            guarded("checkout", change),
            guarded("editor", lambda: editor.act(own), 0.1),
        ):
            pass
    finally:
        editor.close()
    tree.enter(RELEASES[-1])
    if messages_of(tree, cache) != messages_of(tree, directory / "new"):
        outcome.fault("the index at the end is not the one that a new build makes")
    # What a killed run left goes with the next build in the same store; an empty cache that was not finished, later.
    stores = [path for path in cache.iterdir() if not path.name.endswith("8.soak")]
    left = [path.name for store in stores for kind in ("segment", "revision") for path in store.glob(f"*.{kind}.tmp")]
    if left:
        outcome.fault(f"unfinished files are left: {left}")
    return outcome


def main() -> int:
    """Read the options, run, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="ksrcfind-soak-") as directory:
        outcome = soak(Path(directory), options.seconds, options.processes, options.seed)
    for what, count in sorted(outcome.counts.items()):
        print(f"{count:6}  {what}")
    print(f"{len(outcome.faults):6}  faults")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
