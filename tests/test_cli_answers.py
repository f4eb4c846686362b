"""A miss while the checkout changes is asked again."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from ksrcfind.cli.answers import find_again
from ksrcfind.errors import KsrcfindError


class Engine:
    def __init__(self, verdict, source="checkout", current=True):
        self.info = SimpleNamespace(source=source)
        self._verdict, self._current = verdict, current

    def find(self, _line, **_how):
        return SimpleNamespace(answer=SimpleNamespace(verdict=self._verdict))

    def is_current(self):
        if self._current is None:
            raise KsrcfindError("git cannot answer")
        return self._current


class Session:
    @contextmanager
    def engine(self):
        yield Engine("exact")


@pytest.mark.parametrize(
    ("engine", "verdict"),
    [
        (Engine("none", current=False), "exact"),
        (Engine("none", current=None), "exact"),
        (Engine("none"), "none"),
        (Engine("none", source="directory", current=False), "none"),
        (Engine("fuzzy", current=False), "fuzzy"),
    ],
)
def test_only_a_miss_in_a_changed_checkout_is_asked_again(engine, verdict):
    assert find_again(Session(), engine, "a line", limit=5).answer.verdict == verdict
