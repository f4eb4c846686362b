"""The list of all messages is shown in a pager on a terminal, and only there."""

import os

import pytest

from conftest import LINUX_MINI
from ksrcfind.cli.pager import Pager, pager_command
from pseudoterminal import PseudoTerminals

LOG = LINUX_MINI / "kern.log"
MARKED = "sed s/^/PAGED:/"


@pytest.fixture(scope="module")
def terminals():
    with PseudoTerminals() as helper:
        yield helper


@pytest.fixture
def shown(terminals, linux_mini, tmp_path):
    def run(*arguments, pager=MARKED, piped=False):
        environment = {**os.environ, "PAGER": pager, "KSRCFIND_CACHE_DIR": str(tmp_path)}
        call = ("batch", "--no-history", *arguments, str(LOG))
        return terminals.run(*call, directory=linux_mini, environment=environment, piped=piped)

    return run


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, ["less"]),
        ({"PAGER": "more -s"}, ["more", "-s"]),
        ({"PAGER": ""}, None),
        ({"PAGER": "cat"}, None),
        ({"PAGER": 'less "'}, None),
    ],
)
def test_the_pager_is_the_one_that_the_environment_names(environment, command):
    assert pager_command(environment) == command


def test_all_is_shown_in_the_pager(shown):
    done = shown("--all")
    assert all(line.startswith("PAGED:") for line in done.out.splitlines())
    assert done.status == 0


@pytest.mark.parametrize("arguments", [("--all", "--no-pager"), (), ("--all", "--format", "csv")])
def test_other_output_is_not(shown, arguments):
    assert "PAGED:" not in shown(*arguments).out


def test_a_pipe_has_no_pager(shown):
    assert "PAGED:" not in shown("--all", piped=True).out


def test_without_the_program_the_output_stays_as_it_is(shown):
    done = shown("--all", pager="no-such-pager-anywhere")
    assert "messages" in done.out
    assert done.status == 0


def test_closing_a_pager_that_was_not_started_does_nothing():
    Pager().close()
