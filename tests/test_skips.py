"""The end of a run says what was skipped, and CI fails on a skip that nobody allowed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skips import Skip, read_allowed, unlisted

TESTS = Path(__file__).parent
ALLOWED = TESTS / "allowed_skips.txt"
EXAMPLE = """\
import pytest

@pytest.mark.parametrize("editor", ["vi", "ed"])
def test_editor(editor):
    pytest.skip(f"not installed: {editor}")

@pytest.mark.skipif(True, reason="needs the moon")
def test_moon():
    pass

def test_sun():
    pass
"""
WHOLE_FILE = "import pytest\npytest.importorskip('no_such_package', reason='no package')\n"
ALL_SKIPPED = """\
= skipped: 4 =
needs the moon:
    test_example.py::test_moon
no package:
    test_whole.py
not installed: ed:
    test_example.py::test_editor[ed]
not installed: vi:
    test_example.py::test_editor[vi]
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest on some tests that are skipped; gives exit status and everything below its line of counts."""
    (tmp_path / "test_example.py").write_text(EXAMPLE)
    (tmp_path / "test_whole.py").write_text(WHOLE_FILE)

    def run(*options, allowed=None):
        if allowed is not None:
            (tmp_path / "allowed.txt").write_text(allowed)
            options = (*options, "--allowed-skips", "allowed.txt")
        call = [sys.executable, "-m", "pytest", "-p", "skips", "-p", "no:cacheprovider", *options]
        environment = os.environ | {"PYTHONPATH": str(TESTS), "COLUMNS": "80", "PYTEST_ADDOPTS": ""}
        environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_XDIST")}
        done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        _, _, last = done.stdout.rpartition(" passed, ")
        lines = last.partition("\n")[2].splitlines()
        return done.returncode, "".join(
            f"{' '.join(['=', *line.strip('= ').split(' '), '='])}\n" if "=" * 5 in line else f"{line}\n"
            for line in lines
        )

    return run


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_last_section_lists_what_was_skipped(run, workers):
    assert run("-n", workers) == (0, ALL_SKIPPED)


def test_skips_that_are_allowed_are_no_failure(run):
    allowed = (
        "# editors\ntest_example.py::test_editor* -- not installed: *\n\n*::test_moon -- needs *\n*whole.py -- no p*\n"
    )
    assert run(allowed=allowed) == (0, ALL_SKIPPED)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_skip_that_is_not_allowed_fails_the_run(run, workers):
    status, end = run("-n", workers, allowed="test_example.py::test_editor* -- not installed: vi\n*::test_moon -- *\n")
    assert status == 1
    assert end.removeprefix(ALL_SKIPPED) == (
        "= skipped and not allowed: 2 =\n"
        "test_whole.py -- no package\n"
        "test_example.py::test_editor[ed] -- not installed: ed\n"
        "Make them run, or list them in allowed.txt.\n"
    )


def test_another_reason_is_another_skip():
    skip = Skip("no package", "tests/test_mcp.py")
    assert unlisted([skip], [("tests/test_mcp.py", "another reason"), ("tests/test_lsp.py", "no package")]) == [skip]
    assert unlisted([skip], [("tests/test_mcp.py", "no *")]) == []


def test_a_list_with_a_mistake_is_refused():
    with pytest.raises(pytest.UsageError, match="an allowed skip is TEST -- REASON"):
        read_allowed("tests/test_mcp.py\n")


def test_packages_of_the_project_are_never_allowed_to_be_missing():
    allowed = read_allowed(ALLOWED.read_text())
    files = ["test_mcp", "test_lsp_logs", "test_lsp_markdown", "test_lsp_documents", "test_editors"]
    reasons = [
        "the SDK of the Model Context Protocol is not installed",
        "the language server's packages are not installed",
        "could not import 'zstandard': No module named 'zstandard'",
    ]
    skips = [
        Skip(reason, f"tests/{file}.py{test}") for file in files for reason in reasons for test in ("", "::test_x")
    ]
    assert unlisted(skips, allowed) == skips


def test_every_allowed_skip_names_tests_that_exist():
    for pattern, _ in read_allowed(ALLOWED.read_text()):
        file, _, test = pattern.partition("::")
        text = (TESTS.parent / file).read_text()
        assert f"def {test.rstrip('*')}" in text or test == "*", pattern
