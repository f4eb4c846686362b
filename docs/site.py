"""Write the documentation as a site into `site/`: `make site`.

The pages are those of `docs/` and the READMEs of the editors' plug-ins, under the names that their links then have. The
build fails for every link that leads nowhere.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = ROOT / "docs" / "site.yml"


def collect(pages: Path) -> None:
    """Copy everything that the site consists of into a directory."""
    for page in (ROOT / "docs").iterdir():
        if page.suffix == ".png":
            shutil.copy(page, pages)
        elif page.suffix == ".md":
            text = re.sub(r"\]\(\.\./editors/(\w+)/README\.md", r"](editor-\1.md", page.read_text())
            (pages / page.name).write_text(text)
    for readme in ROOT.glob("editors/*/README.md"):
        text = readme.read_text().replace("](../../docs/", "](")
        for picture in readme.parent.glob("*.png"):
            name = f"{readme.parent.name}-{picture.name}"
            shutil.copy(picture, pages / name)
            text = text.replace(f"]({picture.name})", f"]({name})")
        (pages / f"editor-{readme.parent.name}.md").write_text(text)


def main() -> int:
    """Build the site; return the exit status of the builder."""
    with tempfile.TemporaryDirectory() as directory:
        pages = Path(directory, "docs")
        pages.mkdir()
        collect(pages)
        shutil.copy(CONFIGURATION, Path(directory, "mkdocs.yml"))
        done = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict"], cwd=directory, check=False)
        if done.returncode == 0:
            shutil.rmtree(ROOT / "site", ignore_errors=True)
            shutil.copytree(Path(directory, "site"), ROOT / "site")
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
