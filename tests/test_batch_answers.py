"""Lines of one shape share an answer, each with its own values."""

import random

import pytest

from ksrcfind.batch.answer_cache import AnswerCache, shape
from ksrcfind.log.line import read_line
from ksrcfind.match.matcher import Matcher
from ksrcfind.search.memory_index import MemoryIndex
from ksrcfind.source.message import Argument, Form, Message
from ksrcfind.source.printed_lines import origin_names


def message(path, printed, *expressions):
    conversions = [part.split(" ")[0] for part in expressions]
    arguments = tuple(Argument(c, e) for c, e in zip(conversions, expressions, strict=True))
    return Message(path, 1, 1, "f", "pr_err", "err", None, printed, (Form(printed, arguments),), ())


INDEX = MemoryIndex(
    [
        message("a.c", "frobnicator %d overheated at %x degrees", "%d number", "%x degrees"),
        message("b.c", "frobnicator jammed\nshaft %d bent by %u micrometers", "%d shaft", "%u by"),
        message("c.c", "unrelated wibble of %s exhausted", "%s name"),
        message("d.c", "band 40 MHz refused by %d", "%d by"),
        message("e.c", "band 80 MHz refused by %d", "%d by"),
        message("f.c", "%s:%d: lost its way", "%s __func__", "%d __LINE__"),
    ]
)


class Asked:
    def __init__(self):
        self.matcher = Matcher(INDEX)
        self.lines = []

    def __call__(self, log):
        self.lines.append(log.body)
        return self.matcher.answer(log)


LINES = [
    "frobnicator 1 overheated at 5f degrees",
    "frobnicator 22 overheated at 6a degrees",
    "frobnicator 3 overheated at 600 degrees",
    "frobnicator 4 overheated at 700 degrees",
    "shaft 5 bent by 17 micrometers",
    "shaft 6 bent by 180 micrometers",
    "unrelated wibble of pool0 exhausted",
    "unrelated wibble of pool77 exhausted",
    "nobody says 1",
    "nobody says 2",
    "sda: cut: frobnicator 9 overheated",
    "sda: cut: frobnicator 10 overheated",
    "frobnicator -5 overheated at 1 degrees",
    "band 40 MHz refused by 1",
    "band 80 MHz refused by 2",
    "band 20 MHz refused by 3",
    "band 40 MHz refused by 4",
    "band 80 MHz refused by 5",
    "band 20 MHz refused by 6",
    "band 20 MHz refused by 3",
    "f:12: lost its way",
    "f:13: lost its way",
    f"shaft 5 bent by 17 micrometers {'and ' * 400}",
    f"shaft 6 bent by 18 micrometers {'and ' * 400}",
]


def test_answers_are_those_of_the_matcher():
    asked, alone = Asked(), Matcher(INDEX)
    answers = AnswerCache(asked)
    for line in LINES:
        known, values = answers(read_line(line))
        assert known.answer_with(values) == alone.answer(read_line(line))
    assert len(asked.lines) < len(LINES)


def test_numbers_that_stand_in_formats_are_asked_for_once():
    asked = Asked()
    answers = AnswerCache(asked)
    for number in (1, 2, 3):
        paths = [
            answers(read_line(f"band {n} MHz refused by {number}"))[0].answer.matches[0].message.path for n in (40, 80)
        ]
        assert paths == ["d.c", "e.c"]
    assert len(asked.lines) == 2


def test_a_line_that_fits_nothing_known_of_its_shape_is_asked_for_once():
    asked = Asked()
    answers = AnswerCache(asked)
    for _ in range(3):
        for number in (40, 20):
            answers(read_line(f"band {number} MHz refused by 1"))
    assert len(asked.lines) == 2


def test_values_are_read_alike_however_many_lines_came_before():
    lines = [
        read_line(f"unrelated wibble of pool {number}{end} exhausted") for number in range(300) for end in ("", " x")
    ]
    answers = AnswerCache(Asked())
    for line in lines:
        known, texts = answers(line)
        value = known.answer_with(texts).matches[0].values[0].value
        assert value == line.body.removeprefix("unrelated wibble of ").removesuffix(" exhausted")


def test_one_question_for_a_shape():
    asked = Asked()
    answers = AnswerCache(asked)
    found = [answers(read_line(f"shaft {n} bent by {n * n} micrometers")) for n in range(100)]
    assert len(asked.lines) == 1
    shown = [known.answer_with(values).matches[0].values for known, values in found]
    assert [tuple(value.value for value in values) for values in shown] == [(str(n), str(n * n)) for n in range(100)]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("took 12 of 345", "took 0 of 0"),
        ("at 0x1f and ffff8881", "at 0x and 0x"),
        ("usb 1-1.4: dead", "usb 0-0.0: dead"),
        ("bad face", "bad face"),
    ],
)
def test_shape(text, masked):
    assert shape(text) == masked


NAMED = MemoryIndex(
    [
        message("drivers/net/wireless/iwl3945.c", "%s: Copyright of the frobnicator firm", "%s name"),
        message("drivers/net/wireless/iwl4965.c", "%s: Copyright of the frobnicator firm", "%s name"),
        message("drivers/net/e1000/main.c", "%s %s: gasket leaks", "%s driver", "%s device"),
        message("drivers/net/e1000e/main.c", "%s %s: gasket leaks", "%s driver", "%s device"),
        message("band.c", "band %d MHz refused", "%d band"),
        message("band40.c", "band 40 MHz refused"),
        message("drivers/b43/main.c", "%s: oscillator tumbles", "%s name"),
        message("drivers/b44/main.c", "%s: oscillator tumbles", "%s name"),
    ]
)
NAMING = [
    *(f"{driver}: Copyright of the frobnicator firm" for driver in ("iwl3945", "iwl4965")),
    *(f"{driver} 0000:00:1{slot}.0: gasket leaks" for driver in ("e1000", "e1000e") for slot in range(3)),
    *(f"band {band} MHz refused" for band in (20, 40, 80)),
    *(f"{driver}: oscillator tumbles" for driver in ("b43", "b44")),
]


class NamesOf:
    """An index that knows the names of its files, as one of a whole tree does."""

    def __init__(self, index):
        self._names = set().union(*(origin_names(index.message(number)) for number in range(index.size)))
        self._index = index

    def knows(self, name):
        return name in self._names

    def __getattr__(self, name):
        return getattr(self._index, name)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("index", [NAMED, NamesOf(NAMED)], ids=["few files", "whole tree"])
def test_a_name_or_number_that_decides_is_not_taken_for_a_value(index, seed):
    matcher = Matcher(index)
    answers = AnswerCache(matcher.answer, lambda: matcher.tokens)
    for line in random.Random(seed).sample(NAMING, len(NAMING)):
        known, texts = answers(read_line(line))
        found, alone = known.answer_with(texts), Matcher(index).answer(read_line(line))
        assert (found.verdict, found.rivals, found.matches[0]) == (alone.verdict, alone.rivals, alone.matches[0]), line


def test_names_of_devices_are_values():
    matcher = Matcher(NamesOf(NAMED))
    asked = []

    def ask(log):
        asked.append(log.body)
        return matcher.answer(log)

    answers = AnswerCache(ask, lambda: matcher.tokens)
    for number in range(100):
        answers(read_line(f"veth{number}f{number}: Copyright of the frobnicator firm"))
        answers(read_line(f"e1000e 0000:00:{number:02}.0: gasket leaks"))
    assert len(asked) == 2


def test_few_shapes_are_remembered():
    asked = Asked()
    answers = AnswerCache(asked, kept=2)
    for word in ("aaa", "bbb", "ccc", "aaa"):
        answers(read_line(f"nobody {word}"))
    assert len(asked.lines) == 4
