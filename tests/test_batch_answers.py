"""Lines of one shape share an answer, each with its own values."""

import pytest

from ksrcfind.batch.answers import Answers, shape
from ksrcfind.index.memory import MemoryIndex
from ksrcfind.log.line import read_line
from ksrcfind.match.rank import Matcher
from ksrcfind.source.message import Argument, Form, Message


def message(path, printed, *expressions):
    conversions = [part.split(" ")[0] for part in expressions]
    arguments = tuple(Argument(c, e) for c, e in zip(conversions, expressions, strict=True))
    return Message(path, 1, 1, "f", "pr_err", "err", None, printed, (Form(printed, arguments),), ())


INDEX = MemoryIndex(
    [
        message("a.c", "frobnicator %d overheated at %x degrees", "%d number", "%x degrees"),
        message("b.c", "frobnicator jammed\nshaft %d bent by %u micrometers", "%d shaft", "%u by"),
        message("c.c", "unrelated wibble of %s exhausted", "%s name"),
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
]


def test_answers_are_those_of_the_matcher():
    asked, alone = Asked(), Matcher(INDEX)
    answers = Answers(asked)
    for line in LINES:
        known, values = answers(read_line(line))
        assert known.answer_with(values) == alone.answer(read_line(line))
    assert len(asked.lines) < len(LINES)


def test_one_question_for_a_shape():
    asked = Asked()
    answers = Answers(asked)
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


def test_few_shapes_are_remembered():
    asked = Asked()
    answers = Answers(asked, kept=2)
    for word in ("aaa", "bbb", "ccc", "aaa"):
        answers(read_line(f"nobody {word}"))
    assert len(asked.lines) == 4
