"""The page of `batch --format html` in a real browser: Chromium, driven by chromedriver where both are installed."""

import json
import re
import shutil
import subprocess
import urllib.request
from datetime import datetime

import msgspec
import pytest
from msgspec.structs import replace

from example_findings import ALL, COMMITS, EXACT, RIVALS, fold, summary
from ksrcfind.batch.filters import GroupBy, grouped
from ksrcfind.match.answer import Answer, Reason
from ksrcfind.output.html import HtmlWriter
from ksrcfind.tree.maintainers import Subsystem

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")
ATTACK = '</script><script>window.owned = 1</script><img src=x onerror="window.owned = 1">{{ 7 * 7 }}'

UNKNOWN = replace(
    EXACT,
    log=msgspec.structs.replace(EXACT.log, body="no call says this"),
    answer=Answer("none", Reason("nothing_alike", "No message of this tree reads like this line."), (), 0),
    provenance=(),
)


def page(*findings):
    pieces = []
    writer = HtmlWriter(
        pieces.append,
        COMMITS.__getitem__,
        lambda *_: ["int a;", ATTACK],
        lambda finding, _: finding,
        lambda _: f"a.log {ATTACK}",
        f"v6.1 {ATTACK}",
    )
    for group in grouped(fold(*findings), GroupBy.MESSAGE):
        writer.group(group)
    writer.end(summary(*findings))
    return "".join(pieces)


def lines():
    return [finding for finding in ALL if finding.log is not None]


def hostile():
    message = msgspec.structs.replace(
        RIVALS.answer.matches[0].message, path=f"fs/{ATTACK}.c", call=ATTACK, format=ATTACK
    )
    match = replace(RIVALS.answer.matches[0], message=message)
    answer = replace(RIVALS.answer, matches=(match,), rivals=0)
    return replace(
        RIVALS, answer=answer, log=msgspec.structs.replace(RIVALS.log, body=ATTACK), provenance=RIVALS.provenance[:1]
    )


class Browser:
    """A WebDriver session (https://www.w3.org/TR/webdriver2/)."""

    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", "--disable-gpu", "--no-sandbox", "--window-size=1300,900"]
        wanted = {"goog:chromeOptions": {"binary": CHROMIUM, "args": arguments}}
        created = self.ask("/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += f"/session/{created['sessionId']}"

    def ask(self, path, body=None, method="POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def run(self, script):
        return self.ask("/execute/sync", {"script": script, "args": []})

    def wait(self, script):
        return self.ask("/execute/async", {"script": f"setTimeout(() => arguments[0](({script})), 300)", "args": []})


@pytest.fixture(scope="module")
def browser():
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE) as driver:
        said = b""
        while not (port := re.search(rb"on port (\d+)", said)) or port[1] == b"0":
            line = driver.stdout.readline()
            assert line, said
            said = line
        session = Browser(int(port[1]))
        yield session
        session.ask("", method="DELETE")
        driver.terminate()


@pytest.fixture
def shown(browser, tmp_path):
    def show(*findings):
        (tmp_path / "report.html").write_text(page(*findings))
        browser.ask("/url", {"url": (tmp_path / "report.html").as_uri()})
        return browser

    return show


FIRST_CELLS = "return [...document.querySelectorAll('tr.message:not([hidden])')].map(row => row.cells[{}].textContent)"


@needs_browser
def test_it_renders(shown):
    browser = shown(*lines())
    assert browser.run("return document.querySelectorAll('tr.message').length") == 4
    assert browser.run("return document.querySelectorAll('svg.timeline rect').length") > 0
    assert browser.run("return performance.getEntriesByType('resource').length") == 0


@needs_browser
def test_columns_sort_both_ways(shown):
    browser = shown(EXACT, EXACT, RIVALS)
    assert browser.run(FIRST_CELLS.format(1)) == ["1", "2"]
    browser.run("document.querySelector('[data-sort=count]').click()")
    assert browser.run(FIRST_CELLS.format(1)) == ["1", "2"]
    browser.run("document.querySelector('[data-sort=count]').click()")
    assert browser.run(FIRST_CELLS.format(1)) == ["2", "1"]
    assert browser.run("return document.querySelector('th.c-count').ariaSort") == "descending"


@needs_browser
def test_search_and_filters(shown):
    browser = shown(EXACT, RIVALS)
    browser.run("search.value = 'victim skip'; search.dispatchEvent(new Event('input'))")
    assert browser.wait("document.querySelectorAll('tr.message:not([hidden])').length") == 1
    assert browser.run("return shown.textContent") == "1 of 2 shown"
    browser.run("document.querySelector('[type=reset]').click()")
    assert browser.wait("document.querySelectorAll('tr.message:not([hidden])').length") == 2
    browser.run(
        "const one = document.getElementById('f-level'); one.value = 'err'; one.dispatchEvent(new Event('change'))"
    )
    assert browser.run(FIRST_CELLS.format(0)) == ["err"]


@needs_browser
def test_a_name_with_several_blanks_can_be_chosen(shown):
    # As "DEVICE-MAPPER  (LVM)" of the kernel's MAINTAINERS: the text of an option loses one of them.
    browser = shown(replace(EXACT, subsystem=Subsystem("TWO  BLANKS", None, (), ())), RIVALS)
    browser.run("document.querySelector('[data-filter=subsystem]').click()")
    assert browser.run(FIRST_CELLS.format(5)) == ["TWO  BLANKS"]
    browser.run("document.querySelector('[type=reset]').click()")
    browser.wait("1")
    chosen = "const one = document.getElementById('f-subsystem'); one.selectedIndex = 1;"
    browser.run(f"{chosen} one.dispatchEvent(new Event('change'))")
    assert browser.run(FIRST_CELLS.format(5)) == ["TWO  BLANKS"]


@needs_browser
def test_what_nothing_explains_claims_no_match(shown):
    browser = shown(UNKNOWN)
    browser.run("document.querySelector('tr.message button').click()")
    detail = browser.run("return document.querySelector('tr.detail').textContent")
    assert "1 times" in detail
    assert UNKNOWN.answer.reason.text in detail
    assert "none match" not in detail
    assert "null" not in detail


def test_the_head_counts_what_the_table_shows():
    told = page(EXACT, EXACT, RIVALS, UNKNOWN)
    rows = told.count('<tr class="message">')
    head = re.search(r"<p>4 lines; (\d+) messages in the table, (\d+) of them match v6\.1", told)
    assert head, told[:3000]
    assert (int(head[1]), int(head[2])) == (rows, rows - 1)
    assert f'aria-live="polite">{rows} shown<' in told


@pytest.mark.parametrize(
    ("time", "shown"),
    [("9999-12-31T23:59:59+00:00", "9999-12-31 23:59:59"), ("0001-01-01T00:00:00+14:00", "1-01-01 00:00:00")],
)
def test_times_at_the_ends_of_the_calendar_are_told(time, shown):
    log = msgspec.structs.replace(EXACT.log, uptime_s=None, time=datetime.fromisoformat(time))
    assert shown in page(replace(EXACT, log=log))


@needs_browser
def test_a_message_opens_by_keyboard_and_tells_values_and_commit(shown):
    browser = shown(EXACT)
    browser.run("document.querySelector('tr.message button').focus()")
    element = browser.ask("/element/active", method="GET")
    browser.ask(f"/element/{next(iter(element.values()))}/value", {"text": "\ue007"})
    detail = browser.run("return document.querySelector('tr.detail').textContent")
    assert "task_pid_nr(victim)" in detail
    assert "46452" in detail
    assert "Readers of the log could not tell." in detail
    assert browser.run("return document.querySelector('tr.message button').ariaExpanded") == "true"
    browser.run("document.querySelector('tr.message button').click()")
    assert browser.run("return document.querySelector('tr.detail').hidden")


@needs_browser
def test_text_of_strangers_stays_text(shown):
    browser = shown(hostile(), *lines())
    browser.run("document.querySelectorAll('tr.message button').forEach(button => button.click())")
    assert browser.wait("[typeof window.owned, document.images.length, document.scripts.length]") == ["undefined", 0, 2]
    assert ATTACK in browser.run("return document.querySelector('tr.message .body').textContent")
    assert ATTACK in browser.run("return document.querySelector('tr.detail pre').textContent")


@needs_browser
@pytest.mark.parametrize("width", [360, 560, 760, 1100, 1900])
def test_messages_have_room_on_every_page(shown, width):
    """Narrow pages leave columns out; what is told of a message is never squeezed into a strip."""
    browser = shown(*lines())
    browser.ask("/window/rect", {"width": width, "height": 900})
    try:
        page, column, first = browser.run(
            "const cells = [...document.querySelector('tr.message').cells].filter(cell => cell.offsetWidth);"
            "return [document.body.clientWidth, document.querySelector('td.body').offsetWidth, cells.length]"
        )
        assert browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert column >= min(page * 0.25, 400)
        assert first == len(
            browser.run("return [...document.querySelectorAll('#messages thead th')].filter(c => c.offsetWidth)")
        )
    finally:
        browser.ask("/window/rect", {"width": 1300, "height": 900})


@needs_browser
def test_five_thousand_messages(shown):
    def one(number):
        message = msgspec.structs.replace(EXACT.answer.matches[0].message, line_start=number)
        match = replace(EXACT.answer.matches[0], message=message)
        answer = replace(EXACT.answer, matches=(match,))
        return replace(EXACT, answer=answer, log=msgspec.structs.replace(EXACT.log, body=f"zz{number}zz"))

    browser = shown(*map(one, range(1, 5001)))
    browser.run("document.querySelector('[data-sort=body]').click()")
    browser.run("search.value = 'zz4711zz'; search.dispatchEvent(new Event('input'))")
    assert browser.wait("document.querySelectorAll('tr.message:not([hidden])').length") == 1


def test_nothing_is_written_as_markup():
    text = page(hostile(), *lines())
    assert "<img" not in text
    assert text.count("<script") == 2
    assert "49" not in re.findall(r"<h1>.*?</h1>", text)[0]


def test_only_the_own_script_and_style_may_run():
    text = page(EXACT)
    policy = re.search(r'content="(default-src[^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r'(?:src|href|action)="', text)
