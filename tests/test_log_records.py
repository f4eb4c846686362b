"""Lines become rows, one for one; records of several lines are put together, whatever tears them apart."""

import json
import struct

import pytest

from ksrcfind.log.line import LIMIT
from ksrcfind.log.multiline import MOST_LINES
from ksrcfind.log.raw_lines import RawLine, split_lines
from ksrcfind.log.records import read_rows, rows_of_text


def split(*chunks):
    return list(split_lines(chunks))


def test_lines_end_at_newlines_only():
    assert split(b"a\rb\x0b\x0cc\xc2\x85d\xe2\x80\xa8e\nf") == [
        RawLine(1, b"a\rb\x0b\x0cc\xc2\x85d\xe2\x80\xa8e", 13),
        RawLine(2, b"f", 1),
    ]
    assert split() == split(b"") == []
    assert [raw.data for raw in split(b"a\n\n", b"b", b"c\n")] == [b"a", b"", b"bc"]


def test_a_pause_is_handed_on():
    assert split(b"a", None, b"b\n", None) == [None, RawLine(1, b"ab", 2), None]


@pytest.mark.parametrize("size", [1, 1000, LIMIT - 1, LIMIT, LIMIT + 1, 10 * LIMIT])
def test_a_long_line_is_cut_while_it_is_read(size):
    line = bytes(range(33, 127)) * (5 * LIMIT // 94)
    data = b"before\n" + line + b"\nafter\n"
    found = split(*(data[start : start + size] for start in range(0, len(data), size)))
    assert found == [RawLine(1, b"before", 6), RawLine(2, line[:LIMIT], len(line)), RawLine(3, b"after", 5)]
    assert found[1].truncated
    assert not found[2].truncated


def test_a_line_of_a_gigabyte_takes_no_memory():
    piece = b"x" * (1 << 20)
    [raw] = split_lines(piece for _ in range(1024))
    assert raw == RawLine(1, piece[:LIMIT], 1 << 30)


def test_text_behind_a_hole_of_nul_bytes_is_read():
    for size in (3, LIMIT - 1, 3 * LIMIT):
        [row] = read_rows(
            split_lines([b"\0" * (1 << 20) for _ in range(size >> 15)] + [b"\0" * 7 + b"[    1.000000] a\n"])
        )
        assert (row.log.text, row.log.body, row.log.truncated) == ("[    1.000000] a", "a", False)
    # As part of what is read at once, with lines before and behind.
    hole = b"\0" * (2 * LIMIT)
    rows = read_rows(split_lines([hole + b"[    1.000000] a\n" + hole + b"[    2.000000] b\n" + hole + b"c"]))
    assert [(row.line, row.log.body, row.log.truncated) for row in rows] == [
        (1, "a", False),
        (2, "b", False),
        (3, "c", False),
    ]


def test_invalid_bytes_and_cut_characters():
    [row] = read_rows(split_lines([b"usb: Caf\xe9 \xff"]))
    assert row.log.text == row.log.body == "usb: Caf\ufffd \ufffd"
    [row] = read_rows(split_lines([b"x" * (LIMIT - 1) + "é".encode()]))
    assert row.log.truncated
    assert row.log.text == "x" * (LIMIT - 1)


def shown(text):
    return [(row.line, row.part_of, row.log.format, row.log.body) for row in rows_of_text(text)]


def test_kmsg_records_with_dictionaries():
    text = (
        "7,160,424069,-;pci_root PNP0A03:00: host bridge window [io  0x0000-0x0cf7] (ignored)\n"
        " SUBSYSTEM=acpi\n"
        " DEVICE=+acpi:PNP0A03:00\n"
        "6,339,5140900,-;NET: Registered protocol family 10\n"
    )
    assert shown(text) == [
        (1, None, "kmsg", "pci_root PNP0A03:00: host bridge window [io  0x0000-0x0cf7] (ignored)"),
        (2, 1, "kmsg", ""),
        (3, 1, "kmsg", ""),
        (4, None, "kmsg", "NET: Registered protocol family 10"),
    ]
    first = next(iter(rows_of_text(text))).log
    assert (first.subsystem, first.device, first.level) == ("acpi", "+acpi:PNP0A03:00", "debug")


def test_dictionary_values_are_unescaped():
    row = next(iter(rows_of_text("6,1,1,-;x\n SUBSYSTEM=a\\x20b\n OTHER=c\n DEVICE=n8\r\n")))
    assert (row.log.subsystem, row.log.device) == ("a b", "n8")


def test_further_lines_of_a_message_belong_to_it():
    text = (
        "[   12.345678] first\n"
        "               second\n"
        "                 third, indented itself\n"
        "             not far enough\n"
        "[   12.345679] next\n"
    )
    assert shown(text) == [
        (1, None, "dmesg", "first"),
        (2, 1, "dmesg", "second"),
        (3, 1, "dmesg", "  third, indented itself"),
        (4, None, "plain", "             not far enough"),
        (5, None, "dmesg", "next"),
    ]


def test_further_lines_have_the_writer_of_the_first():
    text = (
        "Dec 07 18:34:02 host systemd-coredump[1133]: Process 1 dumped core.\n"
        + " " * 45
        + "Stack trace of thread 1:\n"
    )
    rows = list(rows_of_text(text))
    assert rows[1].log.is_userspace
    assert rows[1].log.body == "Stack trace of thread 1:"
    assert rows[1].log.host == "host"


def test_a_whole_document_of_dmesg():
    text = """{
   "dmesg": [
      {
         "pri": 5,
         "time":     0.000000,
         "msg": "Linux version \\"6.1\\""
      },{
         "pri": 3,
         "time":    12.345678,
         "msg": "usb 1-2: a {b} [c]"
      }
   ]
}
[   13.000000] and then
"""
    rows = shown(text)
    assert [body for *_, body in rows if body] == ['Linux version "6.1"', "usb 1-2: a {b} [c]", "and then"]
    assert [line for line, _, form, body in rows if body] == [6, 10, 14]
    assert [(line, carrier) for line, carrier, *_ in rows if carrier] == [
        (3, 6),
        (4, 6),
        (5, 6),
        (7, 10),
        (8, 10),
        (9, 10),
        (11, 10),
    ]
    assert {form for *_, form, _ in rows} == {"json", "dmesg-json", "dmesg"}


def test_braces_that_are_no_json_stay_text():
    text = '{\nint x;\n}\n{\n"not" json\n}\n'
    assert [(form, body) for *_, form, body in shown(text)] == [("plain", line) for line in text.split("\n")[:-1]]


def test_export_with_binary_fields():
    message = "a message\n\nof three lines=and \0 more\n"
    for filler in (b"", b"x" * (10 - 8), b"y" * 10, b"\n" * 300, b"z" * 5 * LIMIT):
        data = b"__CURSOR=s=0a;i=1\n_TRANSPORT=kernel\n"
        data += b"COREDUMP\n" + struct.pack("<Q", len(filler)) + filler + b"\n"
        data += (
            b"MESSAGE\n" + struct.pack("<Q", len(message)) + message.encode() + b"\nPRIORITY=3\n\n[    1.000000] next\n"
        )
        rows = list(read_rows(split_lines([data])))
        assert [row.line for row in rows] == list(range(1, data.count(b"\n") + 1))
        records = [row for row in rows if row.log.body]
        assert [row.log.body for row in records] == [message.replace("\0", ""), "next"]
        assert records[0].log.text == "MESSAGE"
        assert records[0].log.level == "err"
        assert {row.part_of for row in rows if row.part_of is not None} == {records[0].line}


def test_export_whose_length_is_nonsense_ends_with_the_input():
    data = b"__CURSOR=s=0a;i=1\nMESSAGE\n" + b"\xff" * 8 + b"abc\nMESSAGE=x\n"
    rows = list(read_rows(split_lines([data])))
    assert [row.line for row in rows] == [1, 2, 3, 4]
    assert {row.log.body for row in rows} == {""}


def test_records_without_a_message():
    assert [row.log.body for row in rows_of_text("__CURSOR=s=0a;i=1\nPRIORITY=3\n\n")] == ["", "", ""]
    assert [row.part_of for row in rows_of_text("__CURSOR=s=0a;i=1\nPRIORITY=3\n\n")] == [None, None, None]


def test_logcat_of_the_long_form():
    text = (
        "--------- beginning of kernel\n"
        "[ 05-23 02:06:26.123     0:    0 W/usb      ]\nnew device\nmore of it\n\n"
        "[ 05-23 02:06:26.124  1234: 1256 I/ActivityManager ]\nStart\n\n"
        "[ 05-23 02:06:26.125     0:    0 I/         ]\nbinder: x\n"
    )
    rows = list(rows_of_text(text))
    assert [(row.line, row.part_of, row.log.body) for row in rows] == [
        (1, None, ""),
        (2, 3, ""),
        (3, None, "usb: new device"),
        (4, 3, "more of it"),
        (5, 3, ""),
        (6, 7, ""),
        (7, None, "Start"),
        (8, 7, ""),
        (9, 10, ""),
        (10, None, "binder: x"),
    ]
    assert rows[2].log.level == "warn"
    assert rows[6].log.process == "ActivityManager"
    assert not rows[3].log.is_userspace


def test_a_record_is_held_back_only_until_a_pause():
    def pieces():
        yield b"6,1,1,-;a\n"
        yield None
        arrived.append("pause")
        yield b" DEVICE=c1\n6,2,1,-;b\n"

    arrived = []
    rows = read_rows(split_lines(pieces()))
    assert next(rows).log.body == "a"
    assert arrived == []
    # What comes too late for its record is a line by itself.
    assert [row.log.body for row in rows] == [" DEVICE=c1", "b"]


def test_an_unfinished_record_outlives_a_pause_where_its_end_is_marked():
    pieces = [b"{\n", None, b'  "MESSAGE" : "a"\n', None, b"}\n", b"__CURSOR=s=0a;i=1\n", None, b"MESSAGE=b\n\n"]
    assert [row.log.body for row in read_rows(split_lines(pieces)) if row.log.body] == ["a", "b"]


def test_a_record_without_end_is_passed_on():
    fields = [f"FIELD_{number}=x" for number in range(3 * MOST_LINES)]
    lines = ["__CURSOR=s=0a;i=1", "MESSAGE=early", *fields, "", "[    1.000000] next"]
    held = most = 0

    def pieces():
        nonlocal held
        for line in lines:
            held += 1
            yield line.encode() + b"\n"

    found = []
    for row in read_rows(split_lines(pieces())):
        held -= 1
        most = max(most, held)
        found.append(row)
    assert most <= MOST_LINES
    assert [row.line for row in found] == list(range(1, len(lines) + 1))
    assert [row.log.body for row in found if row.log.body] == ["early", "next"]
    assert {row.part_of for row in found if row.part_of} == {2}


def test_pretty_json_of_the_journal_with_bytes():
    record = {"MESSAGE": list("Café\n".encode("latin-1")), "_TRANSPORT": "kernel", "PRIORITY": "4"}
    rows = list(rows_of_text(json.dumps(record, indent="\t")))
    [log] = [row.log for row in rows if row.log.body]
    assert (log.body, log.level, log.text) == ("Caf\ufffd\n", "warn", '\t"MESSAGE": [')
