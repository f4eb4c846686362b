"""Commands that the output shows work when they are pasted."""

import io
import re
import shlex
from functools import partial
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from commandline import DEMO, ksrcfind
from example_findings import COMMITS, EXACT
from ksrcfind.cli.options import Common
from ksrcfind.cli.session import _tree_options
from ksrcfind.output.style import Painter
from ksrcfind.output.text import TextWriter

# The miniature repository does not have the place of the line in every release.
LATER = "v5.15"


@pytest.mark.parametrize(
    "options",
    [(), ("--rev", LATER), ("-C", "a tree"), ("-C", "a tree", "--rev", LATER)],
    ids=" ".join,
)
def test_the_command_for_more_asks_for_the_same_tree(linux_mini, tmp_path, options):
    (tmp_path / "a tree").symlink_to(linux_mini)
    directory = tmp_path if "-C" in options else linux_mini
    done = ksrcfind(*options, "--no-history", DEMO, directory=directory)
    [more] = re.findall(r"^ *More +ksrcfind (.*)$", done.out, re.MULTILINE)
    command, *words = shlex.split(more)
    assert (command, words[:-1]) == ("explain", list(options))
    assert ksrcfind(command, *words, directory=directory).status == 0


def test_the_command_for_more_names_the_release_that_answered():
    options = partial(_tree_options, Common(), SimpleNamespace(info=replace(EXACT.tree, rev="v5.8")))
    out = io.StringIO()
    TextWriter(out.write, COMMITS.__getitem__, Painter(False), tree_options=options).finding(EXACT)
    assert "ksrcfind explain --rev v5.9 mm/oom_kill.c:868" in out.getvalue()
