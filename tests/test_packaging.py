"""What is installed beside the Python package, bounds of dependencies, the page of a package index, and releases."""

import ast
import importlib.util
import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import ksrcfind

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SHARED = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
REQUIREMENTS = [
    *PROJECT["project"]["dependencies"],
    *(one for extra in ("zstd", "lsp", "mcp") for one in PROJECT["project"]["optional-dependencies"][extra]),
]


def load_release():
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


release = load_release()


def test_everything_shared_is_there():
    for source in SHARED:
        assert (ROOT / source).exists(), source
    installed = {
        f"{target}/{file.relative_to(ROOT / source).as_posix()}" if (ROOT / source).is_dir() else target
        for source, target in SHARED.items()
        for file in ([ROOT / source] if (ROOT / source).is_file() else (ROOT / source).rglob("*"))
    }
    assert not [one for one in release.REQUIRED if one.startswith("share/") and one not in installed]


@pytest.mark.parametrize("directory", ["docs/man", "src/ksrcfind/cli/completions"])
def test_every_manual_page_and_completion_is_shared(directory):
    assert {f"{directory}/{file.name}" for file in (ROOT / directory).iterdir()} <= {*SHARED}


def test_files_of_the_package_that_a_wheel_must_have_are_there():
    for one in release.REQUIRED:
        assert one.startswith("share/") or (ROOT / "src" / one).is_file(), one


PUBLIC = {
    "lsprotocol.types",
    "mcp.types",
    "msgspec.structs",
    "rapidfuzz.distance",
    "rich.color",
    "rich.console",
    "rich.progress",
    "rich.style",
}
"""Submodules that their packages document and keep."""

UNSTABLE = {"tree-sitter", "tree-sitter-c"}
"""Packages whose whole interface changes from one minor version to the next."""


def deep_imports():
    """Yield each submodule of a library that the program imports and that its package may move."""
    ours = {re.match(r"[\w-]+", one)[0].replace("-", "_") for one in REQUIREMENTS}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name.partition(".")[0] in ours and "." in name and name not in PUBLIC:
                    yield name


def test_packages_with_deep_imports_have_an_upper_bound():
    deep = {name.partition(".")[0] for name in deep_imports()}
    assert {"mcp", "pygls", "typer"} <= deep
    bounded = {re.match(r"[\w-]+", one)[0] for one in REQUIREMENTS if "<" in one}
    assert bounded == deep | UNSTABLE
    explained = (ROOT / "docs" / "dependencies.md").read_text().partition("## Upper bounds")[2]
    for name in bounded:
        assert f"| {name} |" in explained, name


def test_development_has_the_same_bounds():
    for one in PROJECT["project"]["optional-dependencies"]["dev"]:
        name = re.match(r"[\w-]+", one)[0]
        [same] = [other for other in REQUIREMENTS if re.match(r"[\w-]+", other)[0] == name] or [one]
        assert one == same


def test_tools_of_a_release_are_explained():
    text = (ROOT / "docs" / "dependencies.md").read_text()
    for one in [*PROJECT["project"]["optional-dependencies"]["release"], *PROJECT["build-system"]["requires"]]:
        assert f"| {re.match(r'[-a-z]+', one)[0]} |" in text, one


def test_the_page_of_an_index_has_no_link_into_the_sources():
    text = (ROOT / "README.md").read_text()
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    assert hook["fragments"][0]["path"] == "README.md"
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    assert not [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert "`docs/commands.md` lists every option" in text
    assert "`docs/report.png`" in text


def test_the_changelog_of_the_package_is_of_this_version():
    entry = re.match(r"ksrcfind \((.+)\)", (ROOT / "debian" / "changelog").read_text())
    assert entry[1] == ksrcfind.__version__


DEBIAN = "ksrcfind (1.2.0) unstable; urgency=medium\n"


def test_changelogs_that_are_ready():
    assert not list(release.changelog_problems("1.2.0", "# Changelog\n\n## 1.2.0 (2026-12-01)\n\n- x\n", DEBIAN))


@pytest.mark.parametrize(
    ("changelog", "debian", "problem"),
    [
        ("# Changelog\n\n## Unreleased\n\n- x\n", DEBIAN, 'on top is "Unreleased"'),
        ("# Changelog\n\n## 1.1.0 (2026-12-01)\n", DEBIAN, 'on top is "1.1.0 (2026-12-01)"; it must be "1.2.0'),
        ("# Changelog\n\n## 1.2.0\n", DEBIAN, "YYYY-MM-DD"),
        ("# Changelog\n\n## 1.2.0 (2026-12-01)\n", "ksrcfind (1.1.0) unstable\n", "is of 1.1.0, not of 1.2.0"),
        ("# Changelog\n\n## 1.2.0 (2026-12-01)\n", "", "is of nothing"),
        ("", DEBIAN, 'on top is ""'),
    ],
)
def test_changelogs_that_are_not_ready(changelog, debian, problem):
    [found] = release.changelog_problems("1.2.0", changelog, debian)
    assert problem in found


def test_a_wheel_that_lacks_files_is_noticed(tmp_path):
    assert release.missing(f"ksrcfind-1.data/data/{one}" for one in release.REQUIRED) == []
    wheel = tmp_path / "ksrcfind.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ksrcfind/py.typed", "")
    assert "share/man/man1/ksrcfind.1" in release.missing(release._contents(wheel))
    assert "ksrcfind/py.typed" not in release.missing(release._contents(wheel))


def test_a_step_that_fails_ends_the_release():
    with pytest.raises(release.NotReadyError, match=r"failed:\nwhy it failed"):
        release.run(sys.executable, "-c", "import sys; sys.exit('why it failed')")
    assert release.run(sys.executable, "-c", "print(3)") == "3\n"


def test_an_installed_program_that_answers_wrongly_ends_the_release(monkeypatch, tmp_path):
    monkeypatch.setattr(release, "run", lambda *_, **__: "something else")
    with pytest.raises(release.NotReadyError, match=r"ksrcfind --version does not print ksrcfind 1\.2\.0"):
        release.try_out(tmp_path / "ksrcfind.whl", "1.2.0")
