"""How many lines of a log the messages of several indexed revisions can print."""

from collections.abc import Iterable, Sequence

from ksrcfind.index.search import RevisionIndex
from ksrcfind.index.store import Store
from ksrcfind.log.line import LogLine
from ksrcfind.match.answer import Tier
from ksrcfind.match.rank import Matcher


def lines_known(store: Store, keys: Sequence[str], lines: Iterable[LogLine]) -> list[int]:
    """Return for each revision how many of the lines one of its messages can print as a whole.

    Neighbours go best side by side: what printed a line in one revision is looked for in the next before it is asked
    for an answer. Raises `KeyError` for a revision that is not indexed.
    """
    indexes = [RevisionIndex(store, key) for key in keys]
    matchers = [Matcher(index) for index in indexes]
    counts = [0] * len(keys)
    for line in lines:
        printed: set[tuple[str, str]] = set()
        for number, (index, matcher) in enumerate(zip(indexes, matchers, strict=True)):
            if not any(_prints(index, path, text) for path, text in printed):
                first = next(iter(matcher.answer(line, 1).matches), None)
                if first is None or first.tier is not Tier.EXACT:
                    continue
                printed.add((first.message.path, first.form.printed))
            counts[number] += 1
    return counts


def _prints(index: RevisionIndex, path: str, text: str) -> bool:
    return any(form.printed == text for message in index.messages_of(path) for form in message.forms)
