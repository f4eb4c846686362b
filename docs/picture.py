"""Renews docs/report.png: the report of the bundled log in Chromium, as docs/report.md and README.md show it.

    python docs/picture.py [CHROMIUM]

The picture is taken of the bundled repository and its log; nothing else of this machine is in it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "report.png"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SIZE = "1100,1180"


def main() -> None:
    """Take the picture."""
    sys.path[:0] = [str(ROOT / "fixtures" / "linux-mini"), str(ROOT / "docs")]
    from build import build
    from regenerate import furnish

    chromium = sys.argv[1] if len(sys.argv) > 1 else "chromium"
    with tempfile.TemporaryDirectory() as scratch:
        repository, home, page = Path(scratch, "linux"), Path(scratch, "home"), Path(scratch, "report.html")
        home.mkdir()
        build(repository)
        environment = furnish(home, repository)
        batch = ["ksrcfind", "-C", "linux", "batch", "--format", "html", "kern.log"]
        with page.open("w") as file:
            subprocess.run(batch, cwd=home, env=environment, stdout=file, check=True)
        look = [chromium, *FLAGS, f"--user-data-dir={scratch}/profile", f"--window-size={SIZE}"]
        subprocess.run([*look, f"--screenshot={PICTURE}", page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
