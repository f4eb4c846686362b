"""Whole commands with all that they print, as files under goldens/cli that a reviewer can read."""

import re
import shlex

import pytest

import golden
from commandline import DEMO, ksrcfind

LOG = f"""\
[    0.104712] mini_eth: no PHY found at address 3
May 23 02:06:25 host sshd[811]: Accepted publickey for root
{DEMO}
[    0.104712] mini_eth: no PHY found at address 4

[    7.000000] nginx invoked oom-killer: gfp_mask=0xd0(GFP_KERNEL), order=0, oom_score_adj=0
"""

CASES = {
    "find-exact": [DEMO],
    "find-fragment": ["already exiting. Skip"],
    "find-split-literal": ["nginx invoked oom-killer: gfp_mask=0xd0(GFP_KERNEL), order=0, oom_score_adj=0"],
    "find-rivals": ["no PHY found at address 3"],
    "find-all-histories": ["no PHY found at address 3", "--history", "all"],
    "find-in-another-revision": ["--rev", "v2.6.13", "Out of Memory: Killed process 5 (init)."],
    "find-nothing": ["this is said nowhere"],
    "find-userspace": ["May 23 02:06:25 host sshd[811]: Accepted publickey for root"],
    "find-json": ["--format", "json", "already exiting. Skip"],
    "batch": ["batch", "-"],
    "batch-all": ["batch", "--all", "-"],
    "batch-each": ["batch", "--each", "-"],
    "batch-no-history": ["batch", "--all", "--no-history", "-"],
    "batch-ndjson": ["batch", "--format", "ndjson", "-"],
    "batch-quickfix": ["batch", "--format", "quickfix", "-"],
    "messages": ["messages", "mm", "drivers/net/mini/phy.c"],
    "messages-csv": ["messages", "--rev", "v5.9", "mm", "--format", "csv"],
    "messages-ndjson": ["messages", "--format", "ndjson", "drivers/net/mini/phy.c"],
    "messages-elsewhere": ["messages", "no/such"],
    "doctor": ["doctor"],
    "error-revision": ["--rev", "v5.90", "x"],
}


def without_host_facts(text, directory):
    """Return output with what differs between machines, runs and versions of the ranking replaced."""
    text = text.replace(str(directory), "LINUX")
    text = re.sub(r"Python [\d.]+\w*", "Python VERSION", text)
    text = re.sub(r"(?m)^(ok +git +).*$", r"\1VERSION", text)
    text = re.sub(r"(?m)^(ok +cache +).*$", r"\1DIRECTORY", text)
    # How sure an answer is, is judged elsewhere, on many lines.
    return re.sub(r'(confidence |"(?:confidence|score)": ?)[\d.]+', r"\1N", text)


@pytest.mark.parametrize("name", CASES)
def test_command(name, linux_mini):
    arguments = CASES[name]
    stdin = LOG if arguments[-1] == "-" else ""
    done = ksrcfind(*arguments, stdin=stdin.encode(), directory=linux_mini)
    parts = [f"$ ksrcfind {shlex.join(arguments)}\n", done.out]
    if done.err:
        parts += ["--- standard error\n", done.err]
    parts += [f"--- exit status {done.status}\n"]
    golden.check(f"cli/{name}.txt", without_host_facts("".join(parts), linux_mini))
