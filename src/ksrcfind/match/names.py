"""Mistyped names: which of the names that exist was meant."""

from collections.abc import Iterable


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that is the fewest typing mistakes away, the first of several; None if none is close.

    A mistake is a letter too many, too few or wrong, or two letters swapped. One is forgiven in a name of up to five
    letters, and one more for every four letters beyond.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    forgiven = (len(name) + 2) // 4
    found = process.extractOne(name, list(candidates), scorer=OSA.distance, score_cutoff=forgiven)
    return found[0] if found is not None else None


def closest_path(path: str, paths: Iterable[str]) -> str | None:
    """Return the path that was most likely meant; None if no file has a similar name.

    A file with the same name in another directory comes first, then one with a similar name in the same directory,
    then one with a similar name anywhere. Of several, the one whose directory is most like that of `path` is returned.
    """
    directory, _, name = path.rpartition("/")
    by_name: dict[str, list[str]] = {}
    for known in paths:
        by_name.setdefault(known.rpartition("/")[2], []).append(known)
    if name in by_name:
        return min(by_name[name], key=lambda known: _distance(directory, known))
    here = [known for known, several in by_name.items() if any(_directory(one) == directory for one in several)]
    meant = closest(name, here) or closest(name, by_name)
    return min(by_name[meant], key=lambda known: _distance(directory, known)) if meant is not None else None


def _directory(path: str) -> str:
    return path.rpartition("/")[0]


def _distance(directory: str, path: str) -> tuple[int, str]:
    from rapidfuzz.distance import OSA

    return OSA.distance(directory, _directory(path)), path
