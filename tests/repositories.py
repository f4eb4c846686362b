"""Small git repositories made on the spot, for tests that use git itself as the judge."""

import os
import subprocess
from pathlib import Path

KERNEL = {
    "Makefile": "VERSION = 5\nPATCHLEVEL = 9\nSUBLEVEL = 0\n",
    "include/linux/printk.h": "#define pr_info(fmt, ...) printk(fmt, ##__VA_ARGS__)\n",
    "init/main.c": 'void start(void)\n{\n\tpr_info("started\\n");\n}\n',
    "kernel/panic.c": 'void panic(void)\n{\n\tpr_info("Kernel panic already exiting\\n");\n}\n',
}


def seal(monkeypatch, home):
    """Keep the user's git configuration, time zone and language out of a test."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")


class VirtualDocuments:
    """A repository to commit into; ids are the same in every run."""

    def __init__(self, root, *, bare=False):
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.clock = 1_600_000_000
        self.git("init", "-q", "-b", "master", *(["--bare"] if bare else []))

    def git(self, *arguments, stdin=None, check=True, **environment):
        stamp = f"{self.clock} +0000"
        names = {
            "GIT_AUTHOR_NAME": "A. Author",
            "GIT_AUTHOR_EMAIL": "author@example.org",
            "GIT_COMMITTER_NAME": "C. Committer",
            "GIT_COMMITTER_EMAIL": "committer@example.org",
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_DATE": stamp,
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=os.environ | names | environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {arguments}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files):
        for path, text in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, message="change", files=None, *, remove=(), **environment):
        """Commit everything that is there; returns the id. Every commit is a minute later than the one before."""
        self.clock += 60
        self.write(files or {})
        for path in remove:
            (self.root / path).unlink()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, **environment)
        return self.git("rev-parse", "HEAD")

    def merge(self, *others, message="merge", resolve=None):
        """Merge branches or commits into HEAD; `resolve` gives the content of files in conflict."""
        self.clock += 60
        self.git("merge", "-q", "--no-ff", "--no-commit", *others, check=False)
        self.write(resolve or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


def kernel(root, files=None, message="start"):
    """Return a repository that looks like a kernel tree, with one commit."""
    scratch = VirtualDocuments(root)
    scratch.commit(message, KERNEL | (files or {}))
    return scratch
