"""Ends a run of the tests with what was skipped and why; `--allowed-skips FILE` fails it for any other skip.

A skip is easily overlooked: a package that is missing by mistake silences a whole file of tests. So CI names the skips
that it accepts, in `tests/allowed_skips.txt`. Its hooks are those of `conftest.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

BETWEEN = " -- "
"""What separates the pattern of a test's id from that of the reason."""


@dataclass(frozen=True, order=True)
class Skip:
    """A test, or a whole file of tests, that was not run."""

    reason: str
    test: str
    """Its id, `tests/test_editors.py::test_vim`."""


def read_allowed(text: str) -> list[tuple[str, str]]:
    """Return the patterns of test and reason of each line; comments and blank lines are passed over."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    wrong = [line for line in lines if BETWEEN not in line]
    if wrong:
        raise pytest.UsageError(f"an allowed skip is TEST{BETWEEN}REASON, not: {wrong[0]}")
    return [(test.strip(), reason.strip()) for test, _, reason in (line.partition(BETWEEN) for line in lines)]


def unlisted(skips: Iterable[Skip], allowed: Iterable[tuple[str, str]]) -> list[Skip]:
    """Return the skips that no pair of patterns covers."""
    allowed = list(allowed)
    return [
        skip
        for skip in skips
        if not any(fnmatchcase(skip.test, test) and fnmatchcase(skip.reason, reason) for test, reason in allowed)
    ]


def skipped(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> list[Skip]:
    """Return what was skipped, by reason. Several workers report a file that is skipped as a whole."""
    found = set()
    for report in reports:
        _, _, reason = report.longrepr
        found.add(Skip(reason.removeprefix("Skipped: "), report.nodeid))
    return sorted(found)


def pytest_addoption(parser):
    """Add the option that CI gives."""
    parser.addoption("--allowed-skips", metavar="FILE", help="fail if a test is skipped that this file does not list")


def pytest_configure(config):
    """Read the file before any test runs, so that a mistake in it is told at once."""
    file = config.getoption("--allowed-skips")
    try:
        config.allowed_skips = read_allowed(Path(file).read_text()) if file else None
    except OSError as error:
        raise pytest.UsageError(f"{file}: {error.strerror}") from error


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    """Write the last section, after everything else that pytest has to say."""
    result = yield
    config = session.config
    if hasattr(config, "workerinput"):
        return result
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skips = skipped(reporter.stats.get("skipped", ()))
    reporter.write_sep("=", f"skipped: {len(skips)}")
    reason = None
    for skip in skips:
        if skip.reason != reason:
            reason = skip.reason
            reporter.write_line(f"{reason}:")
        reporter.write_line(f"    {skip.test}")
    if config.allowed_skips is not None and (wrong := unlisted(skips, config.allowed_skips)):
        reporter.write_sep("=", f"skipped and not allowed: {len(wrong)}", red=True)
        for skip in wrong:
            reporter.write_line(f"{skip.test}{BETWEEN}{skip.reason}")
        reporter.write_line(f"Make them run, or list them in {config.getoption('--allowed-skips')}.")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    return result
