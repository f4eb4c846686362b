"""The search of a tree for words: what a word finds, and that git and this process find the same."""

import pytest

from ksrcfind.tree.directory import DirectorySnapshot
from ksrcfind.tree.git import executable
from ksrcfind.tree.grep import Words

C = (".c", ".h")


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("already", b"x already_done already\n", {"already"}),
        ("eth%d: up", b'"eth%02x: up"', {"eth%02x: up"}),
        ("eth%d", b"myeth%d eth%i", {"eth%i"}),
        ('"lock', b'pr_info("\\n  %slock %d")', {'"\\n  %slock'}),
        ('"lock', b'pr_info("unlock") pr_info("a lock")', set()),
        ('gone\\n"', b'"it is gone\\n"', {'gone\\n"'}),
        ("(v%d", b"f(v%d) (v1)", set()),
        ("(v%d", b"(v%d) (v1)", {"(v%d"}),
        ("read/%d", b"a.read/%u", {"read/%u"}),
        ("caf\u00e9", "caf\u00e9".encode(), {"caf\u00e9"}),
    ],
)
def test_what_a_word_finds(word, text, found):
    words = Words([word])
    assert words.in_bytes(text) == found
    assert not found or any(piece.encode() in text for piece in words.pieces())


def test_of_overlapping_words_the_longest_is_found():
    words = Words(["read", "descriptor read", "descriptor read/%d"])
    assert words.in_bytes(b'"descriptor read/%s, read"') == {"descriptor read/%s", "read"}


def test_git_looks_for_few_pieces():
    assert Words(["read", "descriptor read/%d", 'error -%d\\n"', '"%d: error -%d', "a error -x"]).pieces() == [
        "read",
        "error -%",
        "a error -x",
    ]


@pytest.mark.parametrize("further", [(), tuple(f"name_{number}" for number in range(40))])
def test_git_and_this_process_find_the_same(tmp_path, monkeypatch, further):
    (tmp_path / "a.c").write_text('pr_info("  %slock taken by %d");\n')
    (tmp_path / "b.h").write_text("#define WHO unlock\n")
    (tmp_path / "c.c").write_text("name_17(); name_1x();\n")
    words = ('"lock', "taken by %d", "WHO", *further)
    found = DirectorySnapshot(tmp_path).grep(words, C)
    assert found == {
        "a.c": {'"  %slock', "taken by %d"},
        "b.h": {"WHO"},
        **({"c.c": {"name_17"}} if further else {}),
    }
    monkeypatch.setenv("PATH", "/nowhere")
    executable.cache_clear()
    assert DirectorySnapshot(tmp_path).grep(words, C) == found
