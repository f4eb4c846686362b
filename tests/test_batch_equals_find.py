"""`batch --each` answers each line as `find` does, unless the record says what else decided.

Batch shares answers between lines that differ only in values. The lines here are made from all messages of the bundled
repository, with values that can be taken for names: drivers and devices with digits, numbers, hex, paths.
"""

import io
import json
import random

import pytest

from commandline import ksrcfind
from ksrcfind.finding import HistoryMode
from ksrcfind.library import Finder
from ksrcfind.source.template import CONVERSION

NAMES = [
    *("eth0", "enp3s0f1", "wlp0s20f3", "nvme0n1", "sda1", "dm-0", "tun0", "veth12ab", "mmcblk0p2", "card1", "cpu3"),
    *("r8169", "mt7921e", "iwl3945", "ext4", "i915", "snd_hda_codec_hdmi", "e1000e", "b43", "sha256", "x2apic"),
    *("0000:00:1f.6", "0003:1038:1410.00A7", "usb 1-2", "1-2:1.0", "a.out", "Web Content", "systemd-udevd", "nginx"),
    *(
        "/dev/sda1",
        "/etc/modules-load.d/x.conf",
        "mm/oom_kill.c:450",
        "fs/ext4/super.c",
        "lib/",
        "foo+0x1a/0x2b0 [bar]",
    ),
    *("ok", "not found", "Killed", "beef", "deadbeef", "0x1f", "", "-", "(null)", "100", "3.14", "é"),
]
NUMBERS = [0, 1, 2, 3, 7, 10, 16, 42, 99, 100, 255, 450, 4096, 12345, 65535, 2**31 - 1, 2**32, 2**63]
PREFIXES = [
    "",
    "",
    "",
    "[   12.345678] ",
    "<6>[   12.345678][  T123] ",
    "May 23 02:06:26 host kernel: ",
    "r8169 0000:02:00.0 eth0: ",
]

EACH = 6
"""Lines made from each text that a message prints."""
GENERATED = 200
"""Lines made of words of messages, names and numbers, which few messages explain."""


def rendered(text, choose):
    """Return a format with values in place of its conversions."""

    def value(conversion):
        kind = conversion[0].lstrip("%0123456789.*-+ #lhzjt")
        if conversion[0] == "%%":
            return "%"
        if kind.startswith(("d", "i", "u")):
            return str(choose.choice(NUMBERS) * choose.choice([1, 1, 1, -1 if kind[0] != "u" else 1]))
        if kind.startswith(("x", "X", "p")):
            return f"{choose.choice(NUMBERS):{choose.choice(['x', '08x', '016x', '#x'])}}"
        if kind.startswith("c"):
            return choose.choice("aZ3-")
        return choose.choice(NAMES)

    return CONVERSION.sub(value, text)


def lines_of(finder, seed):
    """Return lines that the messages of a tree print, in any order, and some that are like them."""
    choose = random.Random(seed)
    texts = sorted({line for one in finder.messages() for form in one.forms for line in form.printed.split("\n")})
    lines = []
    for text in texts:
        for _ in range(EACH):
            line = rendered(text, choose)
            lines.append(line)
            words = line.split()
            if len(words) > 3 and choose.random() < 0.3:  # a line of another kernel
                words[choose.randrange(len(words))] = choose.choice(["wobbles", *NAMES[:20]])
                lines.append(" ".join(words))
    vocabulary = sorted({word for text in texts for word in text.split()})
    for _ in range(GENERATED):
        words = choose.choices([*vocabulary, *NAMES, *map(str, NUMBERS)], k=choose.randint(2, 9))
        lines.append(rendered(" ".join(words), choose))
    lines = [choose.choice(PREFIXES) + line for line in lines if line.strip() and line.isprintable()]
    return choose.sample(lines, len(lines))


def told(finding):
    """Return what must not depend on other lines."""
    first = finding.match
    reason = finding.answer.reason
    return (
        finding.answer.verdict,
        finding.answer.rivals,
        reason and reason.code,
        first and (first.message.path, first.message.line_start, first.tier, first.confidence, first.values),
    )


def differences(finder, lines):
    """Return lines to which a log's answer is not that of the line alone, although nothing says what decided it."""
    log = io.BytesIO("".join(line + "\n" for line in lines).encode())
    found = list(finder.log(log, history=HistoryMode.OFF))
    assert [one.input.text for one in found] == lines
    return [
        (line, told(one), alone)
        for line, one in zip(lines, found, strict=True)
        if one.answer.decided_by is None
        and (one.event is None or one.answer.reason is None)
        and told(one) != (alone := told(finder.find(line, history=HistoryMode.OFF)))
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_line_of_a_log_is_answered_as_alone(linux_mini, seed):
    with Finder.open(linux_mini) as finder:
        lines = lines_of(finder, seed)
        assert len(lines) > GENERATED + 200
        assert not differences(finder, lines)


WHY = {"conditions", "conditions_complete", "assignments", "configuration", "runtime", "documented_in"}
"""What `find` also says about the call of a match, and `batch` does not."""


def without_why(match):
    return {key: value for key, value in match.items() if key not in WHY}


def test_the_commands_agree(linux_mini, tmp_path):
    with Finder.open(linux_mini) as finder:
        lines = lines_of(finder, 7)[:6]
    log = tmp_path / "log"
    log.write_text("".join(line + "\n" for line in lines), "utf-8")

    def records(*arguments):
        done = ksrcfind("--no-history", "--format", "json", *arguments, directory=linux_mini)
        return [record for record in json.loads(done.out)["records"] if record["type"] == "line"]

    each = records("batch", "--each", str(log))
    for line, record in zip(lines, each, strict=True):
        if record.get("decided_by") is None:
            (alone,) = records("find", "--", line)
            assert record["verdict"] == alone["verdict"]
            assert [without_why(match) for match in record["matches"]] == list(map(without_why, alone["matches"]))
