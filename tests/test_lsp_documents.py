"""Logs as the language server keeps them: what is known about which line, whatever becomes of the text."""

import asyncio
import re

import pytest

pytest.importorskip("pygls", reason="the language server's packages are not installed")

from hypothesis import given
from hypothesis import strategies as st

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.lsp.background_matching import OpenLog, match_window
from ksrcfind.lsp.log_document import LogDocument
from ksrcfind.lsp.markdown import block, code
from ksrcfind.lsp.settings import ClientSettings
from ksrcfind.lsp.tree_service import History, TreeService
from ksrcfind.lsp.worker import Urgency, Worker
from ksrcfind.match.answer import Answer, Reason

TEXTS = st.lists(st.sampled_from(["a b", "[    1.0] c", "", "\r", "\x0b", "x\u2028y", '{"a":', "é"]), max_size=200).map(
    "\n".join
)


def nothing():
    return AnswerCache(lambda log: Answer("none", Reason("nothing_alike", log.body), (), 0))


def read(document, first=0):
    document.store(document.match_from(first, nothing()))
    document.matched_to = len(document.lines)


@given(TEXTS, TEXTS)
def test_after_a_change_each_line_is_known_as_if_it_had_been_read_alone(before, after):
    document = LogDocument.of(before)
    read(document)
    read(document, document.update(after))
    fresh = LogDocument.of(after)
    read(fresh)
    assert document.lines == after.split("\n")
    assert [item.row.log.text for _, item in document.matched()] == [item.row.log.text for _, item in fresh.matched()]


def test_a_log_that_grows_keeps_what_is_known():
    document = LogDocument.of("\n".join(map(str, range(1000))))
    read(document)
    first = document.update("\n".join(map(str, range(1001))))
    assert 900 < first < 1000
    assert document.at(first - 1) is not None
    assert document.at(first) is None


def test_unfinished_matching_continues_where_it_was():
    document = LogDocument.of("\n".join(map(str, range(1000))))
    document.store(document.match_window(900, 950, nothing()))
    document.matched_to = 300
    assert document.update("\n".join(map(str, range(1001)))) == 300
    assert document.at(920) is not None


@given(TEXTS, st.integers(-5, 210), st.integers(-5, 210))
def test_a_window_tells_of_its_lines_and_no_others(text, first, last):
    document = LogDocument.of(text)
    document.store(document.match_window(first, last, nothing()))
    assert all(first <= number <= last for number, _ in document.matched())


class Inline:
    """A service that answers at once, and runs something before it does."""

    def __init__(self, before):
        self.matching = self
        self.before = before
        self.remembered = nothing()

    def answers(self, _finder):
        return self.remembered

    async def ask(self, question, _urgency):
        found = question(None)
        self.before()
        return found


@pytest.mark.parametrize("lines", [["a"], ["a", "b", "c", "d", "e"]])
def test_a_window_of_a_text_that_is_being_replaced(lines):
    document = LogDocument.of("a\nb\nc")
    document.lines = lines  # As another thread finds it in the middle of an update.
    assert [item.row.line for item in document.match_window(0, 9, nothing())] == list(range(1, min(len(lines), 3) + 1))


def test_a_history_of_a_tree_that_changed_meanwhile_is_not_kept():
    service = TreeService(lambda: pytest.fail("nobody asks the tree"), ClientSettings(limit=1))
    (item,) = LogDocument.of("a b").match_window(0, 0, nothing())

    async def ask(_question, _urgency):
        service.reopen()
        return History((), None)

    service.tracing.ask = ask
    try:
        asyncio.run(service.history(item, Urgency.ASKED))
        assert service.cached_history(item) is None
    finally:
        service.end()


def test_a_question_to_a_thread_that_ended_is_cancelled_and_waits_for_nothing():
    async def ask():
        worker, done = Worker("test"), []
        worker.end(lambda: done.append("closed"))
        worker.end(lambda: done.append("twice"))
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(worker.run(lambda: done.append("asked"), Urgency.ASKED), 10)
        return done

    assert asyncio.run(ask()) in ([], ["closed"])


@pytest.mark.parametrize("change", ["text", "tree"])
def test_what_was_found_about_a_text_or_tree_that_is_gone_is_dropped_and_found_again(change):
    log = OpenLog(LogDocument.of("old line"))
    changes = [lambda: log.document.update("new line") if change == "text" else log.document.clear()]
    found = []

    def before():
        found.append(log.document.at(0))
        if changes:
            changes.pop()()

    asyncio.run(match_window(Inline(before), log, 0, 0))
    assert found[:2] == [None, None]
    assert log.document.at(0).row.log.text == ("new line" if change == "text" else "old line")


@given(st.text(alphabet="`|ab \n"))
def test_code_within_a_line_ends_where_it_should(text):
    shown = code(text)
    fence = re.match("`+", shown)[0]
    inside = shown[len(fence) : -len(fence)]
    assert shown.endswith(fence)
    assert "\n" not in shown
    assert fence not in re.findall("`+", inside)


@given(st.text(alphabet="`~ab\n"))
def test_no_line_of_a_block_ends_it(text):
    first, *lines, last = block(text, "c").split("\n")
    assert first == last + "c"
    assert not any(line.strip().startswith(last) for line in lines)
