"""Ranks the files that may contain the call that printed a line, by the words of the line that each file contains."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

from ksrcfind.regex import regex
from ksrcfind.tree.grep import Found

_FILES = 24  # most files that are read for the words of one line
_COMMON = 3000  # files; a word in more files than this says nothing about which file is meant
_FILES_WITH_PHRASES = 16  # most files that are read for the phrases of one line
_FILES_WITH_A_PHRASE = 3  # the best files with each phrase are read: a call may contain only one phrase of its line
_LEAST_SHARE = 0.2  # files with a smaller share of the best file's weight are not read
_NAMED = 3.0  # additional weight of a file if the line names it or its directory
_MOST_NAMED = 2  # most names of a file or its directories that add this weight
_NAME = regex(r"[a-z]+")


def with_words(found: Found, files: int) -> list[str]:
    """Return the files that contain the rarest words of a search result, the best file first.

    `files` is the number of files that were searched. At most 24 files are returned.
    """
    spread = _spread(found)
    weight = _rarity({word: count for word, count in spread.items() if count <= _COMMON} or spread, files)
    return _ranked(_scores(found, weight))[:_FILES]


def with_phrases(found: Found, files: int, body: str) -> list[str]:
    """Return the files that contain the rarest phrases of a search result, the best file first.

    For each phrase, the best three files that contain it come before the other files. `files` is the number of files
    that were searched; `body` is the log line, which may name a file. At most 16 files are returned.
    """
    weight = _rarity(_spread(found), files)
    names = frozenset(_NAME.findall(body.lower()))
    scores = {path: score + _bonus(path, names) for path, score in _scores(found, weight).items()}
    ranked = _ranked(scores)
    rarest_first = sorted(weight, key=lambda phrase: (-weight[phrase], phrase))
    some = ([path for path in ranked if phrase in found[path]][:_FILES_WITH_A_PHRASE] for phrase in rarest_first)
    return list(dict.fromkeys([*ranked[:1], *chain.from_iterable(some), *ranked]))[:_FILES_WITH_PHRASES]


def _spread(found: Found) -> Mapping[str, int]:
    """Return word or phrase → number of files that contain it."""
    return Counter(chain.from_iterable(found.values()))


def _rarity(spread: Mapping[str, int], files: int) -> Mapping[str, float]:
    return {text: math.log((files + 1) / count) for text, count in spread.items()}


def _scores(found: Found, weight: Mapping[str, float]) -> Mapping[str, float]:
    scores = {path: math.fsum(weight.get(text, 0.0) for text in held) for path, held in found.items()}
    enough = _LEAST_SHARE * max(scores.values(), default=0.0)
    return {path: score for path, score in scores.items() if score > enough}


def _ranked(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda path: (-scores[path], path))


def _bonus(path: str, names: Iterable[str]) -> float:
    """Return the additional weight of a file for `names`, the words of a line, that are in the file's path.

    For example, a line with `rtc0` names the directory of drivers/rtc/class.c.
    """
    directories = {part for part in path.rpartition(".")[0].split("/")[1:] if len(part) > 1}
    return _NAMED * min(len(directories.intersection(names)), _MOST_NAMED)
