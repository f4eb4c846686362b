"""The rules of the command line, one test each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksrcfind.cli.argv import Option, is_text, query_words, reorder
from ksrcfind.errors import KsrcfindError

COMMANDS = {"find", "at", "index", "life"}
OPTIONS = {
    "-C": Option(takes_value=True),
    "--repo": Option(takes_value=True),
    "-n": Option(takes_value=True),
    "-q": Option(takes_value=False),
    "--no-history": Option(takes_value=False),
    "--version": Option(takes_value=False, for_all=True),
    "--help": Option(takes_value=False),
    "--source": Option(takes_value=True, without_value="5"),
}


def reordered(*arguments):
    return reorder(arguments, COMMANDS, OPTIONS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_name_of_a_command_is_that_command(command):
    assert reordered(command, "x") == [command, "--", "x"]


@pytest.mark.parametrize("word", ["Find", "fin", "finds", "index ", " at", "oom-killer", ""])
def test_what_is_not_exactly_a_name_begins_a_query(word):
    assert reordered(word, "x") == ["find", "--", word, "x"]


def test_only_the_first_word_names_a_command():
    assert reordered("at", "index") == ["at", "--", "index"]
    assert reordered("invoked", "at") == ["find", "--", "invoked", "at"]


def test_options_may_stand_before_the_command():
    assert reordered("-C", "linux", "--no-history", "at", "x") == ["at", "-C", "linux", "--no-history", "--", "x"]
    assert reordered("--repo=linux", "index") == ["index", "--repo=linux"]


def test_options_may_stand_after_and_between_words():
    assert reordered("at", "x", "-n", "3", "y", "-q") == ["at", "-n", "3", "-q", "--", "x", "y"]


def test_options_may_stand_around_a_query_without_command():
    assert reordered("-q", "some text", "-C", "linux") == ["find", "-q", "-C", "linux", "--", "some text"]


def test_the_value_of_an_option_is_not_the_command():
    assert reordered("-C", "index", "at", "x") == ["at", "-C", "index", "--", "x"]
    assert reordered("--repo", "index", "x") == ["find", "--repo", "index", "--", "x"]


def test_an_option_may_stand_without_its_value():
    assert reordered("--source", "x") == ["find", "--source=5", "--", "x"]
    assert reordered("at", "x", "--source=function") == ["at", "--source=function", "--", "x"]


def test_the_value_of_an_option_may_hold_blanks_or_begin_with_a_dash():
    assert reordered("-C", "my tree", "x") == ["find", "-C", "my tree", "--", "x"]
    assert reordered("-C", "-odd", "x") == ["find", "-C", "-odd", "--", "x"]


def test_short_options_together():
    assert reordered("-qn", "5", "x") == ["find", "-qn", "5", "--", "x"]
    assert reordered("-qn5", "index") == ["index", "-qn5"]
    assert reordered("-Clinux", "at") == ["at", "-Clinux"]


@pytest.mark.parametrize(
    "text",
    ["------------[ cut here ]------------", "-110 is an error", "--repo is a word of it", "--version 2", "-\tx"],
)
def test_an_argument_with_a_blank_is_query_text(text):
    assert reordered(text) == ["find", "--", text]
    assert reordered("-q", text) == ["find", "-q", "--", text]
    assert reordered("at", text) == ["at", "--", text]


def test_dashes_end_options():
    assert reordered("--", "--version") == ["find", "--", "--version"]
    assert reordered("at", "-q", "--", "-C", "x") == ["at", "-q", "--", "-C", "x"]
    assert reordered("x", "--", "--", "-q") == ["find", "--", "x", "--", "-q"]


def test_after_dashes_a_command_name_is_text():
    assert reordered("--", "index") == ["find", "--", "index"]


def test_a_dash_alone_is_a_word():
    assert reordered("-") == ["find", "--", "-"]
    assert reordered("at", "-", "-q") == ["at", "-q", "--", "-"]


def test_options_of_the_program():
    assert reordered("--version") == ["--version"]
    assert reordered("at", "--version") == ["--version", "at"]


def test_help_is_that_of_the_command():
    assert reordered("--help", "at") == ["at", "--help"]
    assert reordered("some text", "--help") == ["find", "--help", "--", "some text"]


def test_help_without_a_word_is_that_of_the_program():
    assert reordered("--help") == ["--help"]


def test_nothing_stays_nothing():
    assert reordered() == []


def test_an_option_alone_means_find():
    assert reordered("-q") == ["find", "-q"]


def test_dashes_alone_are_a_query_without_text():
    assert reordered("--") == ["find"]


@pytest.mark.parametrize("arguments", [("-C", "", "x"), ("--repo=", "x"), ("at", "x", "-n", "")])
def test_an_empty_value_is_refused(arguments):
    with pytest.raises(KsrcfindError, match="has an empty value"):
        reordered(*arguments)


def test_words_of_a_query_without_a_command():
    assert query_words(["indx", "-q", "x"], COMMANDS, OPTIONS) == ["indx", "x"]
    assert query_words(["find", "indx"], COMMANDS, OPTIONS) == []
    assert query_words(["--", "indx"], COMMANDS, OPTIONS) == []
    assert query_words(["-C", "indx"], COMMANDS, OPTIONS) == []


def test_an_unknown_option_is_left_for_typer_to_refuse():
    assert reordered("-110", "x") == ["find", "-110", "--", "x"]
    assert reordered("--frobnicate", "at") == ["at", "--frobnicate"]


def test_a_missing_value_is_left_for_typer_to_refuse():
    assert reordered("x", "-q", "-n") == ["find", "-q", "-n"]


@given(st.lists(st.text(min_size=1, max_size=5) | st.sampled_from([*COMMANDS, *OPTIONS, "--", "-"]), max_size=6))
def test_no_argument_is_lost_or_invented(arguments):
    arguments.append("x")  # So that no option lacks its value.
    before = sorted(a for a in arguments if a != "--")
    after = ["--source" if a == "--source=5" else a for a in reordered(*arguments) if a != "--"]
    if sorted(after) != before:
        after.remove("find")
    assert sorted(after) == before


@given(st.lists(st.text(max_size=8).filter(is_text), min_size=1))
def test_words_keep_their_order(words):
    assert reordered("find", *words)[2:] == words
