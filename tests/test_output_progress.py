"""Progress: nothing for quick work, a bar for slow work, nothing left behind, and no threads."""

import io
import threading

import pytest

from ksrcfind.output import progress
from ksrcfind.output.progress import Bars
from ksrcfind.progress import SILENT


class Screen(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setenv("TERM", "xterm")
    return clock


def test_quick_work_shows_nothing(clock):
    screen = Screen()
    with Bars(screen).task("parsing", 3) as task:
        for _ in range(3):
            clock.now += 0.3
            task.advance()
    assert screen.getvalue() == ""


def test_slow_work_shows_how_far_it_is(clock):
    screen = Screen()
    with Bars(screen).task("parsing", 300) as task:
        task.advance(100)
        assert screen.getvalue() == ""
        clock.now += progress.DELAY_S
        task.advance(20)
        assert "parsing" in screen.getvalue()
        assert "120/300" in screen.getvalue()


def test_a_bar_is_not_drawn_for_every_step(clock):
    screen = Screen()
    with Bars(screen).task("parsing", 10_000) as task:
        clock.now += 2
        task.advance()
        drawn = len(screen.getvalue())
        for _ in range(5000):
            task.advance()
        assert len(screen.getvalue()) == drawn
        clock.now += progress.INTERVAL_S
        task.advance()
        assert "5002/10000" in screen.getvalue()


def test_work_of_unknown_length(clock):
    screen = Screen()
    with Bars(screen).task("reading lines", None) as task:
        clock.now += 2
        task.advance(7)
    assert "7/?" in screen.getvalue()


def test_the_bar_goes_away_also_after_an_error(clock):
    screen = Screen()
    with pytest.raises(ValueError, match="stop"), Bars(screen).task("parsing", 3) as task:  # noqa: PT012
        clock.now += 2
        task.advance()
        raise ValueError("stop")
    assert screen.getvalue().endswith("\x1b[2K")  # The line is erased,
    assert "\x1b[?25h" in screen.getvalue()  # and the cursor is back.


def test_descriptions_of_strangers_are_harmless(clock):
    screen = Screen()
    with Bars(screen).task("log\x1b]0;x\x07[red]", 3) as task:
        clock.now += 2
        task.advance()
    assert r"log\x1b]0;x\x07[red]" in screen.getvalue()


def test_no_thread_is_started(clock):
    before = threading.active_count()
    with Bars(Screen()).task("parsing", 3) as task:
        clock.now += 2
        task.advance()
        assert threading.active_count() == before


def test_silence():
    with SILENT.task("parsing", 3) as task:
        task.advance()
