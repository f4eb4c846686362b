"""Regular expressions that look into what others wrote: what they take grows with the text, not with its square."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import pumping
from ksrcfind.source import extract

FOLDERS = (
    "log/",
    "source/",
    "history/",
    "index/",
    "kernels/",
    "printk_index/",
    "search/",
    "storage/",
    "mcp/",
    "tree/",
    "match/",
    "batch/",
    "incidents/",
    "knowledge/",
    "bundle/",
    "documents/",
    "engine/",
    "evolution/",
    "rules/",
    "lsp/",
    "output/",
    "cli/",
    "c",
)
GENERATED = {
    "callers/resolve.py:_is_resolved": "the name of a file, escaped",
    "callers/uses.py:_in_assembly": "the name of a function, escaped",
    "callers/uses.py:_is_local": "the name of a function",
    "callers/uses.py:uses_of": "the name of a function, escaped",
    "evolution/log_release.py:tag_of": "the name of a tag, escaped",
    "history/wording_releases.py:has": "a text of a log call, escaped",
    "log/report.py:_any": "rows of tables of this package",
    "match/conversions.py:compiled": "bounded, and matched at one place: tests/test_match_bounds.py counts its steps",
    "source/extract.py:_generated": "the name of a macro, escaped",
    "source/extract.py:_named_texts": "names of texts, escaped",
    "source/definitions.py:definitions": "a name that a commit or a person wrote, escaped",
    "source/definitions.py:similar_names": "the beginning and the end of such a name, escaped",
    "tree/directory.py:files_with": "such names, escaped",
    "source/extract.py:_parameters_in_body": "names of the parameters of a macro, escaped",
    "source/scan.py:bodies": "names of functions, escaped",
}
"""Expressions that are made while the program runs, and of what. Each needs an example below."""
EXAMPLES = [
    re.compile(b'"' + re.escape(b"out of memory") + rb'(?:\\n|\s)*+"'),
    re.compile(rf"(?<![\w.]){re.escape('6.1.55-1')}(?![\w.-])"),
    re.compile(rb"^" + re.escape(b"DEFINE") + rb"[ \t]*+\(([^()]*+)\)", re.MULTILINE),
    extract._named_texts([], [("BANNER", '"text"'), ("BAN", '"text"')], b""),
    extract._parameters_in_body(("name", "na")),
    re.compile(rb"\b(?:first|fir)[ \t]*\("),
]
SLOW = [
    rb'"[^"\\\n]*(?:\\(?:.|\n)[^"\\\n]*)*"',  # `\` and a line end, again and again
    rb"#[ \t]*(?!define[ \t]+\w+[ \t]+[0-9 \t]*(?:/\*[^\n*]*\*/[ \t]*)?\r?\n)(\w+)",  # many blanks
    r"mm/[^/]*a[^/]*a[^/]*a[^/]*a[^/]*a[^/]*ab$",
    *(
        r"[a-z]\w*\(",
        r"\s+\Z",
        r"\S*\d\S*",
        r"^[ \t]*\[?[ \t]*commit",
        r"(a|aa)+$",
        r"(?:x+x+)+y",
    ),
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_expression_takes_linear_time(folder):
    """In a process of its own: it can be ended whatever an expression does."""
    found = subprocess.run(
        [sys.executable, Path(pumping.__file__), folder],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (600, 600)),
    )
    assert [json.loads(line) for line in found.stdout.splitlines()] == []


def test_every_expression_is_known():
    found = list(pumping.expressions())
    assert {one.where for one in found if isinstance(one, pumping.Generated)} == set(GENERATED)
    tried = [one for one in found if isinstance(one, pumping.Expression)]
    assert len(tried) > 200
    assert all(one.where.startswith(FOLDERS) for one in tried)


@pytest.mark.parametrize("pattern", EXAMPLES, ids=lambda pattern: str(pattern.pattern)[:40])
def test_expressions_made_of_names_take_linear_time(pattern):
    assert list(pumping.hurting(pumping.Expression("", pattern, searched=True))) == []


@pytest.mark.parametrize("pattern", SLOW, ids=lambda pattern: str(pattern)[:40])
def test_what_grows_with_the_square_is_seen(pattern):
    pattern = re.compile(pattern, re.DOTALL)
    assert next(pumping.hurting(pumping.Expression("", pattern, searched=True)), None) is not None
