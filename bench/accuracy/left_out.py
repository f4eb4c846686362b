"""Asks for lines whose call is not in the tree: `python -m bench.accuracy.left_out --tree DIRECTORY LOG…`.

Logs need no labels for this. Of every line with an exact answer, the messages of the answering file are taken out of
the index and the line is asked again: whatever is named then is another call, unless two files print the same text. So
the figures tell how often ksrcfind names a call for a line that none printed, where near relatives abound.
"""

import argparse
import io
import os
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.accuracy.__main__ import share
from ksrcfind import config
from ksrcfind.engine.context import open_tree, roots_of
from ksrcfind.log.line import LogLine
from ksrcfind.log.stream import read_logs
from ksrcfind.match.answer import Answer
from ksrcfind.match.matcher import Matcher
from ksrcfind.match.message_index import MessageIndex
from ksrcfind.search.revision_index import RevisionIndex
from ksrcfind.source.message import Message
from ksrcfind.source.printed_lines import PrintedLine
from ksrcfind.source.sinks import identity
from ksrcfind.storage.store import Store, store_path

_VALUE = re.compile(r"[0-9a-f]{2,}|\d", re.IGNORECASE)


class Without:
    """An index without some of its messages."""

    def __init__(self, index: MessageIndex, left_out: frozenset[int]) -> None:
        """Leave out messages by their numbers."""
        self._index = index
        self._left_out = left_out

    @property
    def size(self) -> int:
        """Messages in all."""
        return self._index.size

    def contains(self, word: str) -> bool:
        """Tell whether some message contains the word."""
        return bool(self.containing(word))

    def frequency(self, word: str) -> int:
        """Messages that contain the word."""
        return len(self.containing(word))

    def anchored(self, word: str) -> Mapping[int, Sequence[int]]:
        """Messages with a line whose rarest word this is, by the mark of the next."""
        found = self._index.anchored(word).items()
        return {mark: [number for number in numbers if number not in self._left_out] for mark, numbers in found}

    def containing(self, word: str) -> Sequence[int]:
        """Messages that contain the word."""
        return [number for number in self._index.containing(word) if number not in self._left_out]

    def printed(self, numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[PrintedLine]]]:
        """Yield messages with the lines that they print."""
        return self._index.printed(numbers)

    def knows(self, name: str) -> bool:
        """Tell whether a module, file or directory is called so."""
        return self._index.knows(name)

    def message(self, number: int) -> Message:
        """Return one message."""
        if number in self._left_out:
            raise KeyError(number)
        return self._index.message(number)


def distinct(logs: Sequence[Path]) -> list[LogLine]:
    """Return kernel lines of logs, one of each shape."""
    found: dict[str, LogLine] = {}
    for row in read_logs(map(str, logs), io.BytesIO()):
        if not row.log.is_userspace:
            found.setdefault(_VALUE.sub("#", row.log.body), row.log)
    return [found[shape] for shape in sorted(found)]


def asked_again(index: RevisionIndex, lines: Sequence[LogLine]) -> Iterator[tuple[Answer, Answer]]:
    """Yield the answers to lines with exact ones, from the whole index and without the file that answers."""
    matcher = Matcher(index)
    for line in lines:
        answer = matcher.answer(line)
        if answer.verdict != "exact":
            continue
        numbers = frozenset(index.numbers_of(answer.matches[0].message.path))
        yield answer, Matcher(Without(index, numbers)).answer(line)


def main() -> None:
    """Print how lines are answered whose file is left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=300, help="how many lines are drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("logs", type=Path, nargs="+")
    options = parser.parse_args()
    snapshot, settings = open_tree(options.tree, options.tree, None, config.resolve(os.environ))
    store = Store.open(store_path(settings.cache_dir, snapshot.root), identity(roots_of(settings)))
    lines = distinct(options.logs)
    random.Random(options.seed).shuffle(lines)
    verdicts: Counter[str] = Counter()
    for whole, rest in asked_again(RevisionIndex(store.view(snapshot.key)), lines[: options.lines]):
        same = bool(rest.matches) and rest.matches[0].form.printed == whole.matches[0].form.printed
        verdicts["same text in another file" if same else rest.verdict] += 1
    print("answers to lines whose file is left out")
    for verdict in ("same text in another file", "exact", "partial", "fuzzy", "none"):
        print(share(verdict, [True] * verdicts[verdict] + [False] * (verdicts.total() - verdicts[verdict])))


if __name__ == "__main__":
    main()
