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
    def run(*arguments, pager=MARKED, piped=False, log=LOG):
        environment = {**os.environ, "PAGER": pager, "KSRCFIND_CACHE_DIR": str(tmp_path)}
        call = ("batch", "--no-history", *arguments, str(log))
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


@pytest.mark.parametrize("arguments", [("--all",), (), ("--group-by", "host")])
def test_text_is_shown_in_the_pager(shown, arguments):
    done = shown(*arguments)
    assert all(line.startswith("PAGED:") for line in done.out.splitlines())
    assert done.status == 0


@pytest.mark.parametrize(
    "arguments", [("--all", "--no-pager"), ("--no-pager",), ("--each",), ("--all", "--format", "csv")]
)
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


@pytest.mark.parametrize("pager", ["false", "sh -c 'exec <&-; sleep 0.1; exit 3'", "sh -c 'cat >/dev/null; exit 1'"])
def test_the_terminal_gets_the_output_that_a_failing_pager_did_not_show(shown, pager):
    done = shown("--all", pager=pager)
    assert "41 lines, 20 messages" in done.out
    assert done.status == 0


@pytest.mark.parametrize("pager", ["true", "sh -c 'head -n 1; exit 0'"])
def test_leaving_the_pager_early_is_no_error(shown, pager):
    done = shown("--all", "--fail-on", "err", pager=pager)
    assert "41 lines" not in done.out
    assert done.status == 3


def test_notes_come_also_after_the_pager_was_left(shown, tmp_path):
    empty = tmp_path / "empty.log"
    empty.touch()
    done = shown("--all", pager="true", log=empty)
    assert "the log is empty" in done.err
    assert done.status == 1
