"""Prepares a release: `make release`. Checks, builds, installs and tries it; uploads nothing.

The version is `ksrcfind.__version__`. CHANGELOG.md needs a section `## VERSION (YYYY-MM-DD)` on top, debian/changelog
an entry of the same version. The files are in dist/ afterwards. `--draft` reports an unclean tree and missing changelog
entries, and goes on.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"

GENERATED_TESTS = ("test_docs.py", "test_manual.py", "test_cli_completion.py", "test_packaging.py")
"""They fail if a generated file is out of date."""

DEMO = "Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task"
ANSWER = "mm/oom_kill.c:14-15  __oom_kill_process()"

REQUIRED = (
    "ksrcfind/py.typed",
    "ksrcfind/cli/completions.json",
    "ksrcfind/knowledge/memory.toml",
    "ksrcfind/output/report/report.html",
    "ksrcfind/schema/ksrcfind-1.schema.json",
    "share/man/man1/ksrcfind.1",
    "share/man/man5/ksrcfind.toml.5",
    "share/bash-completion/completions/ksrcfind",
    "share/zsh/site-functions/_ksrcfind",
    "share/fish/vendor_completions.d/ksrcfind.fish",
    "share/vim/vimfiles/pack/ksrcfind/opt/ksrcfind/plugin/ksrcfind.vim",
    "share/nvim/site/pack/ksrcfind/opt/ksrcfind/lua/ksrcfind.lua",
    "share/emacs/site-lisp/ksrcfind/ksrcfind.el",
)
"""Files of the wheel that are not Python: the ends of their names."""

BY_HAND = """\
{files}
are built and tried. What remains by hand:

  git tag -s v{version} -m "ksrcfind {version}"
  git push origin v{version}
  {python} -m twine upload dist/*
  dpkg-buildpackage -us -uc -b     # on each release of Debian that gets a package; docs/installing.md

Then open the next version: a section "## Unreleased" in CHANGELOG.md, and __version__.
"""


class NotReadyError(Exception):
    """Something must be corrected before the release; the text says what."""


def changelog_problems(version: str, changelog: str, debian: str) -> Iterator[str]:
    """Yield what is wrong with the changelogs for a release of this version."""
    heading, _, rest = changelog.partition("\n## ")[2].partition("\n")
    if heading == "Unreleased" and rest.partition("\n## ")[0].strip():
        yield f'CHANGELOG.md: the section on top is "Unreleased"; it must be "{version} (YYYY-MM-DD)"'
    elif not re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heading):
        yield f'CHANGELOG.md: the section on top is "{heading}"; it must be "{version} (YYYY-MM-DD)"'
    entry = re.match(r"ksrcfind \(([^)]+)\)", debian)
    if entry is None or entry[1] != version:
        yield f"debian/changelog: the entry on top is of {entry[1] if entry else 'nothing'}, not of {version}"


def missing(names: Iterable[str]) -> list[str]:
    """Return the required files that a wheel with these names lacks."""
    names = list(names)
    return [one for one in REQUIRED if not any(name.endswith(one) for name in names)]


def run(*command: str | Path, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    """Return the output of a command. Raises `NotReadyError` if it fails."""
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shown = " ".join(map(str, command))
        raise NotReadyError(f"{shown} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def check_tree(version: str, *, draft: bool) -> None:
    """Check that the tree is clean and that both changelogs are of this version."""
    problems = list(
        changelog_problems(version, (ROOT / "CHANGELOG.md").read_text(), (ROOT / "debian" / "changelog").read_text())
    )
    if run("git", "status", "--porcelain"):
        problems.insert(0, "the tree is not clean: git status shows what to commit")
    if problems and not draft:
        raise NotReadyError("\n".join(problems))
    for problem in problems:
        print(f"draft: {problem}")


def build(python: Path) -> tuple[Path, Path]:
    """Return a source distribution and the wheel that was built from it; a wheel from the tree must be the same."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(python, "-m", "build", "--outdir", DIST, ROOT)
    [wheel], [source] = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as scratch:
        run(python, "-m", "build", "--wheel", "--outdir", scratch, ROOT)
        [direct] = Path(scratch).glob("*.whl")
        if _contents(direct) != _contents(wheel):
            raise NotReadyError("the wheel of the source distribution differs from the wheel of the tree")
    if lacking := missing(_contents(wheel)):
        raise NotReadyError(f"the wheel lacks {', '.join(lacking)}")
    run(python, "-m", "twine", "check", "--strict", wheel, source)
    return source, wheel


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def try_out(wheel: Path, version: str) -> None:
    """Install the wheel into an empty environment and run the demo there."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        run(sys.executable, "-m", "venv", home / "venv")
        programs = home / "venv" / "bin"
        run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel}[lsp,mcp,zstd]")
        run(sys.executable, ROOT / "fixtures" / "linux-mini" / "build.py", home / "linux")
        environment = {"PATH": os.environ["PATH"], "HOME": scratch, "LC_ALL": "C.UTF-8"}
        program = programs / "ksrcfind"
        expected = {
            ("--version",): f"ksrcfind {version}",
            ("-C", str(home / "linux"), DEMO): ANSWER,
            ("-C", str(home / "linux"), "batch", str(ROOT / "fixtures/linux-mini/kern.log")): "Out of memory",
        }
        for arguments, text in expected.items():
            if text not in run(program, *arguments, cwd=home, environment=environment):
                raise NotReadyError(f"the installed ksrcfind {' '.join(arguments)} does not print {text}")
        for name in (one for one in REQUIRED if one.startswith("share/")):
            if not (home / "venv" / name).is_file():
                raise NotReadyError(f"the installation lacks {name}")


def main() -> None:
    """Prepare the release of the version in the sources."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draft", action="store_true", help="report an unclean tree and changelogs, and go on")
    options = parser.parse_args()
    python = Path(sys.executable)
    try:
        found = re.search(r'^__version__ = "(.+)"$', (ROOT / "src/ksrcfind/__init__.py").read_text(), re.MULTILINE)
        assert found is not None
        version = found[1]
        print(f"ksrcfind {version}")
        check_tree(version, draft=options.draft)
        print("checking generated files")
        run(python, "-m", "pytest", "-q", "-n", "auto", *(ROOT / "tests" / name for name in GENERATED_TESTS))
        print("building")
        source, wheel = build(python)
        print("installing into an empty environment")
        try_out(wheel, version)
    except NotReadyError as problem:
        sys.exit(f"not ready for a release:\n{problem}")
    files = "\n".join(str(file.relative_to(ROOT)) for file in (source, wheel))
    print(BY_HAND.format(files=files, version=version, python=os.path.relpath(python, ROOT)))


if __name__ == "__main__":
    main()
