"""Hovers as a renderer of Markdown reads them: nothing that strangers wrote formats, links or runs anything."""

import re

import pytest
from msgspec.structs import replace

pytest.importorskip("pygls", reason="the language server's packages are not installed")

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec import structs

from example_findings import ALL, BLAMED, COMMIT, COMMITS, LAST_CHANGED, MATCH, MESSAGE, found
from ksrcfind.conditions.record import Circumstances, Condition, Excerpt
from ksrcfind.history.provenance import Mentioned, Person, Provenance
from ksrcfind.lsp.markdown import hover
from ksrcfind.match.answer import Place, Value

ROOT = "file:///home/me/linux"
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
RENDERER.disable("text_join")  # What was escaped stays apart from what was not.
RENDERER.validateLink = lambda _address: True  # It would leave files alone, which editors do not.
MINE = {
    "paragraph",
    "inline",
    "text",
    "text_special",
    "code_inline",
    "fence",
    "link",
    "strong",
    "em",
    "bullet_list",
    "list_item",
}
"""What the hovers are made of."""
SHOWN = ("text", "text_special", "code_inline", "fence")

PIECES = [
    "[x](command:evil)", "<img src=x onerror=y>", "<https://evil.example>", "https://evil.example", "www.evil.example",
    "me@evil.example", "![i](https://evil.example/i.png)", "[x]: https://evil.example", "[x]", "```", "~~~", "`", "``",
    "# h", "* * *", "---", "===", "1. one", "- one", "> q", "| a | b |", "|---|---|", "**b**", "_i_", "~~s~~", "&lt;",
    "&#x5b;", "\\", "$(alert)", "$x^2$", "\n", "\n\n", "    ", "\t", "\r", " ", "a", "é", "𝄞", "\u202e", "\x1b[31m",
    "\0", ":smile:", "<!--", "-->", "]]>", ")", "(", "]", "[^1]",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join) | st.text(max_size=30)


def hostile_hover(text):
    """Return the hover of a finding in which everything that strangers write is a text, and its commits."""
    path = text.replace("\0", "") or "a"
    change = replace(LAST_CHANGED, commit="4" * 40, subject=text)
    person = Person(text, text, COMMIT.author.date)
    commit = replace(COMMIT, id="4" * 40, subject=text, message=f"{text}\n\n{text}\n", author=person, committer=person)
    message = structs.replace(MESSAGE, path=path, function=text, call=text, format=text)
    match = replace(MATCH, message=message, values=(Value("%s", text, text, text),))
    finding = found(
        match,
        match,
        text=text,
        body=text,
        notes=(text,),
        provenance=(Provenance("blame-only", change, note=text),) * 2,
    )
    commit = replace(
        commit, mentions=(Mentioned(text, "function", path, 3), Mentioned(text, "commit", None, None, text))
    )
    finding = replace(finding, points_to=Provenance("blame-only", change, note=text), code=Excerpt(1, (text,), ()))
    finding = replace(finding, answer=replace(finding.answer, points_to=Place(path, 9, text, text)))
    return hover(finding, lambda _id: commit, ROOT, pending=True)


def test_a_path_that_is_not_utf8_keeps_its_bytes():
    match = replace(MATCH, message=structs.replace(MESSAGE, path="drivers/caf\udce9.c"))
    assert f"{ROOT}/drivers/caf%E9.c#L" in hover(found(match), COMMITS.__getitem__, ROOT)


def test_it_begins_with_when_the_call_prints():
    err = Condition("if", "*err", False, 867)
    circumstances = Circumstances("probe", (err,), True, (), (), (), (850, 880), (868, 869))
    markdown = hover(replace(found(MATCH), circumstances=circumstances), COMMITS.__getitem__, ROOT)
    assert markdown.startswith(r"\`probe\(\)\` prints this when \`\*err\`\.")


def test_it_shows_code_and_links_what_the_commit_names():
    commit = replace(
        COMMIT, mentions=(Mentioned("dump_tasks", "function", "mm/oom.c", 7), Mentioned("1a2b3c4d", "commit"))
    )
    finding = replace(found(MATCH, provenance=(BLAMED,)), code=Excerpt(867, ("if (err)", "\tpr_info(text);"), (867,)))
    markdown = hover(finding, lambda _: commit, ROOT)
    assert "```c\nif (err)\n\tpr_info(text);\n```" in markdown
    assert f"Mentions: `dump_tasks` [mm/oom\\.c\\:7]({ROOT}/mm/oom.c#L7), `1a2b3c4d` in no release" in markdown


def tokens(markdown):
    """Yield every token of a text, those within lines too."""
    for token in RENDERER.parse(markdown):
        yield token
        yield from token.children or ()


def judge(markdown):
    """Fail if a text holds what no hover does, or a link out of the tree."""
    for token in tokens(markdown):
        assert re.sub(r"_(open|close)$", "", token.type) in MINE, token
        if token.type == "link_open":
            assert token.attrs["href"].startswith(f"{ROOT}/"), token.attrs
            assert re.fullmatch(r"[\w.~%/#:+-]+", token.attrs["href"]), token.attrs
        if token.type == "text":  # What others than this renderer make links of without being asked.
            assert not re.search(r"https?://|www\.|@", token.content), token


@given(HOSTILE)
@example("[x](command:evil) <b> `` ``` https://evil.example")
@example("a\n```\n[x](command:evil)")
def test_what_strangers_wrote_is_text(text):
    judge(hostile_hover(text))


@pytest.mark.parametrize("finding", ALL)
def test_what_is_shown_can_be_read(finding):
    markdown = hover(finding, COMMITS.__getitem__, ROOT)
    judge(markdown)
    shown = "".join(token.content for token in tokens(markdown) if token.type in SHOWN)
    if finding.answer.matches and finding.answer.matches[0].message is MESSAGE:
        for part in ("mm/oom_kill.c:868", "__oom_kill_process()"):
            assert part in shown
        assert any(token.type == "link_open" for token in tokens(markdown))
