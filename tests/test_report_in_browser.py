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

from example_findings import ALL, COMMITS, EXACT, POINTING, RIVALS, fold, summary
from ksrcfind.batch.coverage import BootSeen
from ksrcfind.batch.filters import GroupBy, grouped
from ksrcfind.log.events import Boot
from ksrcfind.match.answer import Answer, Reason
from ksrcfind.output.boots import SHOWN
from ksrcfind.output.html import MOST_ROWS, HtmlWriter
from ksrcfind.tree.maintainers import Subsystem
from test_incidents import incidents

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")
ATTACK = '</script><script>window.owned = 1</script><img src=x onerror="window.owned = 1">{{ 7 * 7 }}'

UNKNOWN = replace(
    EXACT,
    log=msgspec.structs.replace(EXACT.log, body="no call says this"),
    answer=Answer("none", Reason("nothing_alike", "No message of this tree reads like this line."), (), 0),
    provenance=(),
)


def page(*findings, **parts):
    """The page of a log of these lines; `parts` are further fields of its summary."""
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
    writer.end(replace(summary(*findings), **parts))
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

    def resize(self, width, height, *, mobile=False):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.ask("/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})

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
    def show(*findings, **parts):
        (tmp_path / "report.html").write_text(page(*findings, **parts))
        browser.ask("/url", {"url": (tmp_path / "report.html").as_uri()})
        return browser

    browser.resize(1300, 900)
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
    assert detail.startswith("once; ")
    assert UNKNOWN.answer.reason.text in detail
    assert "none match" not in detail
    assert "null" not in detail


def test_the_head_counts_what_the_table_shows():
    told = page(EXACT, EXACT, RIVALS, UNKNOWN)
    rows = told.count('<tr class="message"')
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
    browser.resize(width, 900)
    page, column, first = browser.run(
        "const cells = [...document.querySelector('tr.message').cells].filter(cell => cell.offsetWidth);"
        "return [document.body.clientWidth, document.querySelector('td.body').offsetWidth, cells.length]"
    )
    assert browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert column >= min(page * 0.25, 400)
    assert first == len(
        browser.run("return [...document.querySelectorAll('#messages thead th')].filter(c => c.offsetWidth)")
    )


@needs_browser
def test_five_thousand_messages(shown):
    def one(number):
        message = msgspec.structs.replace(EXACT.answer.matches[0].message, line_start=number)
        match = replace(EXACT.answer.matches[0], message=message)
        answer = replace(EXACT.answer, matches=(match,))
        return replace(EXACT, answer=answer, log=msgspec.structs.replace(EXACT.log, body=f"zz{number}zz"))

    browser = shown(*map(one, range(1, 5001)))
    in_sight = "document.querySelectorAll('tr.message:not([hidden])').length"
    assert browser.run(f"return [{in_sight}, shown.textContent]") == [MOST_ROWS, f"{MOST_ROWS:,} of 5,000 shown"]
    browser.run("document.getElementById('all').click()")
    assert browser.run(f"return [{in_sight}, shown.textContent]") == [5000, "5,000 shown"]
    assert browser.run("return document.getElementById('all').hidden")
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


def died(findings, **fields):
    """An incident of the line of the first finding."""
    [one] = incidents("[    1.000000] a_disk_with_a_very_long_name_that_has_no_blank_in_it_at_all: died\n")
    lead = replace(one.lead, source=findings[0].input.source, line=findings[0].input.line)
    return replace(one, first=replace(one.first, source=lead.source), lead=lead, **fields)


def boots(*severities):
    """The boots of a log and their incidents, one of each severity."""
    source = EXACT.input.source
    seen = [BootSeen(source, Boot(number, number, "6.1"), 1) for number in range(1, len(severities) + 1)]
    found = [died([EXACT], severity=severity, boot=number) for number, severity in enumerate(severities, 1) if severity]
    return {"boots": tuple(seen), "incidents": tuple(found)}


def test_several_boots_are_a_strip():
    text = page(EXACT, **boots(None, "err", "emerg"))
    assert "3 boots" in text
    assert re.findall(r'<li class="(h\d \w+)" title="boot (\d), Linux 6.1', text) == [
        ("h0 none", "1"),
        ("h2 err", "2"),
        ("h3 emerg", "3"),
    ]
    assert "boot 1, Linux 6.1, line 1: no incident" in text
    assert 'class="boots"' not in page(EXACT)


def test_the_strip_is_of_limited_length():
    text = page(EXACT, **boots(*[None] * 2 * SHOWN))
    assert text.count('<li class="h0 none"') == SHOWN
    assert f"and {SHOWN} earlier" in text


def test_the_place_of_a_row_is_what_the_line_is_about():
    text = page(POINTING)
    [place] = re.findall(r'<td class="place">(.*?)</td>', text)
    pointed, message = POINTING.answer.points_to, POINTING.answer.matches[0].message
    assert place.startswith(f"{pointed.path}:{pointed.line}")
    assert f'"printed_by":"{message.path}:{message.line_start}' in text


def channel(value):
    value /= 255
    return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    red, green, blue = (channel(int(digits[n : n + 2], 16)) for n in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_has_contrast_in_light_and_dark():
    """At least 4.5, as the Web Content Accessibility Guidelines ask (https://www.w3.org/TR/WCAG21/#contrast-minimum)."""
    schemes = re.findall(r":root \{([^}]*)\}", page(EXACT))
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#\w+)", scheme))
        for text in ("ink", "soft", "bad", "warn", "quiet"):
            for ground in ("paper", "tint"):
                light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


SCREENS = [(1440, 900, False), (390, 844, True)]


@needs_browser
@pytest.mark.parametrize(("width", "height", "mobile"), SCREENS)
def test_the_first_incident_is_on_the_first_screen(shown, width, height, mobile):
    browser = shown(*lines(), **boots(*["err"] * SHOWN))
    browser.resize(width, height, mobile=mobile)
    bottom = browser.run("return document.querySelector('.incidents h3').getBoundingClientRect().bottom")
    assert bottom < height / 2


@needs_browser
def test_a_phone_shows_a_message_and_its_details_in_full_width(shown):
    browser = shown(*lines(), **boots("err", "warn"))
    browser.resize(390, 844, mobile=True)
    browser.run("document.querySelectorAll('tr.message .body button').forEach(button => button.click())")
    page, *widths = browser.run(
        "return [document.documentElement.scrollWidth, ...['td.body', 'tr.detail > td', '.incidents li']"
        ".map(one => document.querySelector(one).offsetWidth)]"
    )
    assert page <= 390
    assert min(widths) >= 350


@needs_browser
def test_a_finger_hits_every_control_of_a_phone(shown):
    browser = shown(*lines(), **boots("err", "warn"))
    browser.resize(390, 844, mobile=True)
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    low = browser.run(
        "return [...document.querySelectorAll('button, input, select, summary, a')]"
        ".filter(one => one.offsetWidth && Math.min(one.offsetHeight, one.offsetWidth) < 40).map(one => one.outerHTML)"
    )
    assert low == []


@needs_browser
def test_an_incident_leads_to_its_message_whatever_the_filters_hide(shown):
    browser = shown(EXACT, RIVALS, **boots("err"))
    browser.run("search.value = 'no such words'; search.dispatchEvent(new Event('input'))")
    assert browser.wait("document.querySelectorAll('tr.message:not([hidden])').length") == 0
    browser.run("document.querySelector('.incidents a').click()")
    assert "task_pid_nr(victim)" in browser.wait("document.querySelector('tr.detail:not([hidden])').textContent")
