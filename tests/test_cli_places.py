"""Places as people and tools write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksrcfind.cli.places import in_tree, parse_place, parse_places
from ksrcfind.errors import KsrcfindError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("mm/oom_kill.c:868", ("mm/oom_kill.c", 868)),
        ("./mm/oom_kill.c:868", ("mm/oom_kill.c", 868)),
        ("  mm/oom_kill.c:868\r\n", ("mm/oom_kill.c", 868)),
        ("mm/oom_kill.c:868:12", ("mm/oom_kill.c", 868)),
        ('mm/oom_kill.c:868:\tpr_info("%s: 5:6");', ("mm/oom_kill.c", 868)),
        ("mm/oom_kill.c:868: warning: it's late", ("mm/oom_kill.c", 868)),
        ("/src/linux/mm/oom_kill.c:868", ("/src/linux/mm/oom_kill.c", 868)),
        ("a:b.c:1", ("a:b.c", 1)),
    ],
)
def test_places(text, place):
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text", ["", "mm/oom_kill.c", "mm/oom_kill.c:", ":5", "mm/oom_kill.c:0", "mm/oom_kill.c:x", "x:9999999999", "./:1"]
)
def test_what_is_no_place(text):
    with pytest.raises(KsrcfindError, match="not a source line: ") as caught:
        parse_place(text)
    assert caught.value.hint == "Write PATH:LINE, as in mm/oom_kill.c:868."
    assert caught.value.exit_code == 2


def test_a_name_that_is_too_long_is_no_file(tmp_path):
    (tmp_path / "mm").mkdir()
    assert in_tree("a" * 5000, tmp_path, tmp_path / "mm") == "a" * 5000


def test_many_places_in_order():
    assert parse_places(["b.c:2", "", "a.c:1\r"], "standard input") == [("b.c", 2), ("a.c", 1)]


def test_a_mistake_among_many_is_named_by_its_line():
    with pytest.raises(KsrcfindError, match=r"^standard input, line 3: not a source line: 'nonsense'$"):
        parse_places(["b.c:2", "", "nonsense"], "standard input")


@given(
    st.text(st.characters(exclude_characters=":./")).map(str.strip).filter(bool), st.integers(1, 10**9 - 1), st.text()
)
def test_path_and_line_come_back(path, line, rest):
    assert parse_place(f"{path}:{line}:{rest}") == (path, line)


@given(st.text(max_size=30))
def test_any_text_is_a_place_or_refused(text):
    try:
        path, line = parse_place(text)
    except KsrcfindError:
        return
    assert path
    assert line >= 1


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [
        ("mm/oom_kill.c", ".", "mm/oom_kill.c"),
        ("oom_kill.c", "mm", "mm/oom_kill.c"),
        ("../kernel/fork.c", "mm", "kernel/fork.c"),
        ("mm/oom_kill.c", "mm", "mm/oom_kill.c"),
        ("{root}/mm/oom_kill.c", "..", "mm/oom_kill.c"),
        ("{root}/mm/gone.c", "..", "mm/gone.c"),
        ("/etc/passwd", "mm", "/etc/passwd"),
        ("../../outside.c", "mm", "../../outside.c"),
        ("mm/oom_kill.c", "..", "mm/oom_kill.c"),
    ],
)
def test_paths_as_the_tree_has_them(tmp_path, path, directory, expected):
    root = tmp_path / "linux"
    for name in ("mm/oom_kill.c", "kernel/fork.c", "../outside.c"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert in_tree(path.format(root=root), root, (root / directory).resolve()) == expected
