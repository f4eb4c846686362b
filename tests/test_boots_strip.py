"""A log of several boots begins with a row of bars, one for each boot: the worse the boot, the higher its bar."""

import pytest
from msgspec.structs import replace

from example_findings import EXACT, summary
from ksrcfind.batch.coverage import BootSeen
from ksrcfind.log.events import Boot
from ksrcfind.log.hosts import Host
from ksrcfind.output.boots import ASCII, BLOCKS, SHOWN, states, write_strip
from ksrcfind.output.style import Painter
from test_incidents import incidents


def log_of(*severities):
    """The summary of a log with a boot for each severity; None for a boot without an incident."""
    [one] = incidents("[    1.000000] disk: died\n")
    boots = [BootSeen("a.log", Boot(number, number * 10, "6.1"), 10) for number in range(1, len(severities) + 1)]
    found = [
        replace(one, boot=number, severity=severity, title=f"{severity} of boot {number}", first=first_of(one, "a.log"))
        for number, severity in enumerate(severities, 1)
        if severity is not None
    ]
    return replace(summary(EXACT), boots=tuple(boots), incidents=tuple(found))


def first_of(incident, source):
    return replace(incident.first, source=source)


def strip(summary, encoding="utf-8"):
    pieces = []
    write_strip(pieces.append, Painter(color=False, encoding=encoding), summary)
    return "".join(pieces)


MIXED = (None, "warn", "err", "crit", "emerg", None, "debug")


@pytest.mark.parametrize(
    ("encoding", "bars"), [("utf-8", "▁▃▅██▁▃"), ("ascii", ".-=##.-"), ("iso-8859-1", ".-=##.-"), ("cp437", ".-=##.-")]
)
def test_each_boot_is_a_bar_that_the_terminal_can_show(encoding, bars):
    assert strip(log_of(*MIXED), encoding) == f"Boots: 7  {bars}\n"
    assert len(BLOCKS) == len(ASCII)


def test_a_single_boot_has_no_strip():
    assert strip(log_of("err")) == ""


def test_the_last_boots_are_shown():
    many = log_of("emerg", *[None] * (SHOWN + 1))
    assert strip(many) == f"Boots: {SHOWN + 2}  {'▁' * SHOWN}  and 2 earlier\n"
    assert len(strip(many)) <= 80


def test_hosts_of_one_log_have_boots_of_their_own():
    log = log_of("err")
    other = BootSeen("a.log", Boot(1, 500, "6.1", host=Host("web2")), 10)
    assert [state.severity for state in states(replace(log, boots=(*log.boots, other)))] == ["err", None]
    there = replace(log.incidents[0], host="web2", severity="crit")
    found = states(replace(log, boots=(*log.boots, other), incidents=(*log.incidents, there)))
    assert [state.severity for state in found] == ["err", "crit"]


def test_the_worst_incident_of_a_boot_counts():
    log = log_of("err", None)
    worse = replace(log.incidents[0], severity="emerg", title="it burned")
    first, second = states(replace(log, incidents=(*log.incidents, worse)))
    assert (first.severity, first.title, first.incidents, first.height) == ("emerg", "it burned", 2, 3)
    assert (second.severity, second.incidents, second.height) == (None, 0, 0)


def test_boots_of_another_log_are_other_boots():
    log = log_of("err", None)
    other = replace(log.incidents[0], first=first_of(log.incidents[0], "b.log"), boot=2)
    assert [state.incidents for state in states(replace(log, incidents=(other,)))] == [0, 0]
