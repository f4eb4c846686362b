"""What programs get from `from ksrcfind import Finder`: what they pass in stays theirs, and misuse is told."""

import bz2
import gzip
import io
import lzma
import threading

import pytest

from commandline import DEMO
from ksrcfind import Finder, HistoryMode, KsrcfindError, Settings

OFF = HistoryMode.OFF
TEXT = f"{DEMO}\nno such message\n".encode()


@pytest.fixture
def finder(linux_mini, tmp_path):
    with Finder.open(linux_mini, settings=Settings(cache_dir=tmp_path / "cache")) as opened:
        yield opened


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("read", ["to its end", "in part", "in a report"])
def test_a_log_that_is_passed_as_an_open_file_stays_open(finder, tmp_path, pack, read):
    data, path = pack(TEXT), tmp_path / "kern.log"
    path.write_bytes(data)

    def use(file):
        if read == "in a report":
            assert finder.report(file, history=OFF).summary.lines == 2
            return
        findings = finder.log(file, history=OFF)
        assert next(findings).match.message.path == "mm/oom_kill.c"
        if read == "to its end":
            assert [finding.answer.verdict for finding in findings] == ["none"]

    for file in (io.BytesIO(data), path.open("rb"), path.open("rb", buffering=0)):
        with file:
            use(file)
            assert not file.closed
            file.seek(0)
            assert file.read() == data


def test_a_log_that_cannot_be_read_stays_open_too(finder):
    damaged = io.BytesIO(gzip.compress(TEXT * 100)[:40])
    with pytest.raises(KsrcfindError, match="damaged"):
        list(finder.log(damaged, history=OFF))
    assert not damaged.closed


def test_a_file_of_text_is_refused_at_once(finder, tmp_path):
    for wrong in (io.StringIO("text"), 7, [DEMO]):
        with pytest.raises(TypeError, match="must be a path or a binary file"):
            finder.log(wrong)
        with pytest.raises(TypeError, match="must be a path or a binary file"):
            finder.report(io.BytesIO(TEXT), wrong)


def test_the_code_around_a_call(finder):
    found = finder.find(DEMO, history=OFF, code=1)
    assert (found.code.line_start, len(found.code.lines), found.code.marked) == (13, 4, (13, 14, 15))
    assert finder.at("mm/oom_kill.c", 14, history=OFF, code="function").code.line_start < 13
    assert finder.find(DEMO, history=OFF).code is None


def test_one_path_or_commit_need_not_be_a_list(finder):
    assert {one.path for one in finder.messages("mm/oom_kill.c")} == {"mm/oom_kill.c"}
    commit = finder.find(DEMO).history.introduced.commit
    assert [one.id for one in finder.commits(commit)] == [commit]
    assert [one.id for one in finder.commits(one for one in [commit])] == [commit]
    with pytest.raises(KsrcfindError, match="no C files at mn"):
        finder.messages("mn")


def in_a_thread(use):
    """Return what a call in another thread raises."""
    raised = []

    def run():
        try:
            use()
        except KsrcfindError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


CALLS = {
    "find": lambda finder: finder.find(DEMO),
    "at": lambda finder: finder.at("mm/oom_kill.c", 14),
    "log": lambda finder: finder.log(io.BytesIO(TEXT)),
    "report": lambda finder: finder.report(io.BytesIO(TEXT)),
    "messages": lambda finder: finder.messages(),
    "index": lambda finder: finder.index(),
    "commits": lambda finder: finder.commits([]),
    "source": lambda finder: finder.source("Makefile", 1, 2),
    "tree": lambda finder: finder.tree,
    "notes": lambda finder: finder.notes,
}


@pytest.mark.parametrize("name", CALLS)
def test_another_thread_and_a_closed_finder_are_told(finder, name):
    [error] = in_a_thread(lambda: CALLS[name](finder))
    assert isinstance(error, KsrcfindError)
    assert "another thread" in error.title
    CALLS[name](finder)
    finder.close()
    finder.close()
    with pytest.raises(KsrcfindError, match="closed"):
        CALLS[name](finder)


def test_an_iterator_belongs_to_the_thread_and_ends_with_the_finder(finder):
    findings, messages = finder.log(io.BytesIO(TEXT * 9), history=OFF), finder.messages()
    assert next(findings).match
    assert next(messages).path
    for items in (findings, messages):
        [error] = in_a_thread(lambda items=items: next(items))
        assert "another thread" in error.title
    findings, messages = finder.log(io.BytesIO(TEXT * 9), history=OFF), finder.messages()
    next(findings)
    next(messages)
    finder.close()
    for items in (findings, messages):
        with pytest.raises(KsrcfindError, match="closed"):
            next(items)


def test_threads_with_a_finder_each_answer_at_the_same_time(linux_mini, tmp_path):
    settings, found = Settings(cache_dir=tmp_path), []
    with Finder.open(linux_mini, settings=settings) as first:
        first.index()

    def ask():
        with Finder.open(linux_mini, settings=settings) as own:
            found.extend(one.answer.verdict for one in own.log(io.BytesIO(TEXT)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["exact"] * 4 + ["none"] * 4
