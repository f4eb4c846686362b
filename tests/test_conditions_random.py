"""Listed conditions of generated functions, judged by running the functions."""

from random import Random

import pytest

from generated_functions import CALL, Generator, Run, TooLongError, listed_holds, source
from ksrcfind.conditions.circumstances import circumstances

FUNCTIONS = 60  # of one test
RUNS = 40  # of one function


def call_line(text):
    return text[: text.index(CALL)].count("\n") + 1


def judged(seed):
    """Return the source of a function, its circumstances, and its runs that ended."""
    body = Generator(seed).function()
    text = source(body)
    line = call_line(text)
    found = circumstances(text.encode(), line, line, CALL, "f")
    runs = []
    for number in range(RUNS):
        run = Run(Random(f"{seed}/{number}"))
        try:
            run.function(body)
        except TooLongError:
            continue
        runs.append(run)
    return text, found, runs


@pytest.mark.parametrize("start", range(0, 600, FUNCTIONS))
def test_conditions_hold_when_the_call_runs_and_one_fails_when_it_does_not(start):
    complete = reached = 0
    for seed in range(start, start + FUNCTIONS):
        text, found, runs = judged(seed)
        for run in runs:
            for last in run.at_call:
                for condition in found.conditions:
                    assert listed_holds(condition, last), (seed, condition, text)
            if not run.at_call and found.complete:
                assert not all(listed_holds(each, run.last) for each in found.conditions), (seed, found, text)
        if any(run.at_call for run in runs):
            reached += 1
            complete += found.complete
    assert reached > FUNCTIONS / 3
    assert complete >= 0.95 * reached
