"""Bundles as an attacker would write them: whole by their checksum, with rows that nothing ever wrote.

Run as a program, it asks the bundles that standard input names every question, in memory that is limited, and writes
what came of it as JSON.
"""

import json
import lzma
import random
import resource
import shutil
import sqlite3
import sys
import traceback
import zlib
from contextlib import closing, suppress
from functools import cache

import msgspec

from commandline import DEMO, ksrcfind

COLUMNS = {
    "about": ("data",),
    "units": ("first", "count", "path", "data"),
    "words": ("word", "containing", "anchored", "marks"),
    "extras": ("name", "data"),
}
NUMBERED = ("containing", "anchored")
"""Columns with packed steps of numbers."""

MOST_MEMORY = 4 << 30
"""Bytes of address space, beyond which Python raises MemoryError."""

ODD_VALUES = (None, True, 0, -1, 1.5, 2**31, 2**63 - 1, "", "x", "x" * 70_000, "..", "/etc/passwd", "a\0b", "\x1b[31m",
              "%d %s %999999999d %*d %", [], [[]], [None], {}, {"a": []}, "v9", "%%%s" * 2000)  # fmt: skip
SQL_VALUES = (None, 0, -1, 2**62, 5_000_000_000, 1.5, "", "text", b"", b"\0", b"\xff" * 40, b"x" * 100_000)

LOG = f"""{DEMO}
Memory cgrup out of memory: OOM victm 46452 (nginx) is alredy exitting. Skip kiling the tsk
[    0.104712] mini_eth: no PHY found at address 3
[    7.000000] nginx invoked oom-killer: gfp_mask=0xd0(GFP_KERNEL), order=0, oom_score_adj=0
WARNING: CPU: 1 PID: 7 at net/core/dev.c:22 free_netdev+0x1/0x2
kernel BUG at include/linux/mini_assert.h:3!
qqq wibble flurb
"""
QUESTIONS = (
    ("find", "--history", "all", "-n", "9", "no PHY found"),
    ("find", "Memory cgrup out of memory: OOM victm 46452 (nginx) is alredy exitting."),
    ("at", "--format", "json", "mm/oom_kill.c:14", "no/such.c:1"),
    ("batch", "--format", "ndjson", "-"),
    ("batch", "--each", "--format", "json", "-"),
    ("batch", "--color", "always", "--group-by", "subsystem", "-"),
    ("messages", "--format", "csv"),
    ("messages", "--format", "json", "mm"),
    ("doctor",),
    ("life", DEMO),
    ("find", "--source=function", "no PHY found"),
    ("show", "dump_header"),
    ("diff", "v5.8", "v5.9"),
)


def rewritten(bundle, target, change):
    """Copy a bundle, change the database in it, and make its checksum right again."""
    shutil.copy(bundle, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        change(connection)
        [(size,)] = connection.execute("SELECT page_size * page_count FROM pragma_page_size, pragma_page_count")
    return sealed(target, target.read_bytes()[:size])


def sealed(target, database):
    """Write a database as a bundle with the right checksum."""
    target.write_bytes(database + zlib.crc32(database).to_bytes(4, "big"))
    return target


@cache
def bomb():
    """A small value that unpacks to 400 MB."""
    return zlib.compress(bytes(400 << 20), 9)


def set_value(table, column, value, where="1"):
    """Return a change that gives rows a value."""

    def change(connection):
        with suppress(sqlite3.IntegrityError):  # A key that the database itself refuses.
            connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}", (value,))

    return change


def each_packed(table, where, edit):
    """Return a change that edits the unpacked values of rows."""

    def change(connection):
        key = {"about": "rowid", "units": "first", "extras": "name"}[table]
        for name, data in connection.execute(f"SELECT {key}, data FROM {table} WHERE {where}").fetchall():
            new = zlib.compress(edit(zlib.decompress(data)))
            connection.execute(f"UPDATE {table} SET data = ? WHERE {key} = ?", (new, name))

    return change


def by_column():
    """Yield a name and a change for each column and each odd value that a database can hold."""
    for table, columns in COLUMNS.items():
        for column in columns:
            for number, value in enumerate(SQL_VALUES):
                yield f"{table}.{column} {number}", set_value(table, column, value)
            if column not in ("first", "count", "path", "word", "name"):
                yield f"{table}.{column} bomb", set_value(table, column, bomb())
                yield f"{table}.{column} garbage", set_value(table, column, zlib.compress(b"\xc1\0{["))
                yield f"{table}.{column} empty", set_value(table, column, zlib.compress(b""))
                yield (
                    f"{table}.{column} truncated",
                    lambda connection, table=table, column=column: connection.execute(
                        f"UPDATE {table} SET {column} = substr({column}, 1, length({column}) / 2)"
                    ),
                )
            if column in NUMBERED:
                for number, step in enumerate((0, 1, 99_999, 2**32 - 1)):
                    data = zlib.compress(step.to_bytes(4, sys.byteorder) * 3)
                    yield f"words.{column} step {number}", set_value("words", column, data)
    # Steps and marks that fit each other, so that only the numbers are wrong.
    for number in (35, 99_999, 2**31):
        steps, marks = zlib.compress(number.to_bytes(4, sys.byteorder)), zlib.compress(bytes(2))

        def dangle(connection, steps=steps, marks=marks):
            connection.execute("UPDATE words SET containing = ?, anchored = ?, marks = ?", (steps, steps, marks))

        yield f"words dangling {number}", dangle


def by_structure():
    """Yield changes of whole tables."""
    for table in COLUMNS:
        yield f"{table} emptied", lambda connection, table=table: connection.execute(f"DELETE FROM {table}")
        yield f"{table} missing", lambda connection, table=table: connection.execute(f"DROP TABLE {table}")
    yield (
        "units swapped",
        lambda c: c.executescript(
            "UPDATE units SET count = count + 1; UPDATE units SET first = first + 100000 WHERE first > 5"
        ),
    )
    yield "a unit missing", lambda c: c.execute("DELETE FROM units WHERE first = (SELECT max(first) FROM units)")
    yield "a gap", lambda c: c.execute("DELETE FROM units WHERE first = (SELECT min(first) FROM units WHERE first > 1)")
    yield "messages of others", lambda c: c.execute("UPDATE units SET data = (SELECT data FROM units LIMIT 1)")
    yield "commits missing", lambda c: c.execute("DELETE FROM extras WHERE name LIKE 'commit:%'")
    yield "code missing", lambda c: c.execute("DELETE FROM extras WHERE name = 'code'")
    yield "blocks missing", lambda c: c.execute("DELETE FROM extras WHERE name LIKE 'code:%'")
    blocks = {
        "bomb": lzma.compress(bytes(400 << 20), preset=0),
        "cut off": lzma.compress(b"\x90")[:-1],
        "with a large dictionary": with_large_dictionary(lzma.compress(b"\x90")),
        "of many lines": CodeBlock.encode([["a.c", [[number << 20, b""] for number in range(1, 100_000)]]]),
    }
    for name, block in blocks.items():
        yield f"block {name}", set_value("extras", "data", zlib.compress(block), "name LIKE 'code:%'")
    yield (
        "commits of others",
        lambda c: c.execute(
            "UPDATE extras SET data = (SELECT data FROM extras WHERE name LIKE 'commit:%') WHERE name LIKE 'commit:%'"
        ),
    )
    for count in (-1, 0, 2**31, 2**63 - 1, 2**64 - 1, 10**9):
        yield (
            f"about counts {count}",
            each_packed("about", "1", lambda data, count=count: _edited(data, "messages", count)),
        )
        yield f"one unit counts {count}", set_value("units", "count", count if count < 2**63 else None, "first = 1")
    # Counts that agree with each other, and with nothing else.
    for count in (10**6, 10**9, 2**40):

        def grow(connection, count=count):
            added = connection.execute("SELECT sum(count) FROM units").fetchone()[0] + count
            connection.execute(
                "UPDATE units SET count = count + ? WHERE first = (SELECT max(first) FROM units)", (count,)
            )
            each_packed("about", "1", lambda data: _edited(data, "messages", added))(connection)

        yield f"counts agree on {count} more", grow


def _edited(data, field, value):
    return msgspec.msgpack.encode(msgspec.msgpack.decode(data) | {field: value})


def with_large_dictionary(packed):
    """Return xz data that says it needs a dictionary of 2 GiB; https://tukaani.org/xz/xz-file-format.txt, 3.1."""
    changed = bytearray(packed)
    end = 12 + (changed[12] + 1) * 4
    changed[16] = 38
    changed[end - 4 : end] = zlib.crc32(changed[12 : end - 4]).to_bytes(4, "little")
    return bytes(changed)


class CodeBlock:
    """How a block of code is packed."""

    @staticmethod
    def decode(data):
        return msgspec.msgpack.decode(lzma.decompress(data))

    @staticmethod
    def encode(value):
        return lzma.compress(msgspec.msgpack.encode(value), preset=0)


def by_content(seed, count):
    """Yield changes of what is packed in the rows: one part of a message, a history, a commit becomes something odd."""
    chance = random.Random(seed)
    kinds = (
        ("about", "1", msgspec.msgpack),
        ("units", "1", msgspec.msgpack),
        ("extras", "name LIKE 'story:%'", msgspec.json),
        ("extras", "name LIKE 'commit:%'", msgspec.json),
        ("extras", "name = 'place-calls'", msgspec.json),
        ("extras", "name = 'code'", msgspec.json),
        ("extras", "name LIKE 'code:%'", CodeBlock),
    )
    for number in range(count):
        table, where, coding = kinds[number % len(kinds)]
        fork = random.Random(chance.random())
        value, path = fork.choice(ODD_VALUES), fork.random()

        # The same part in every row, as far as they are alike.
        def edit(data, coding=coding, seed=path, value=value):
            return coding.encode(spoilt(coding.decode(data), random.Random(seed), value))

        yield f"{table} {where} {number}", each_packed(table, where, edit)


def spoilt(part, chance, value):
    """Return a structure in which one part, at any depth, is another value."""
    if isinstance(part, list) and part and chance.random() < 0.9:
        at = chance.randrange(len(part))
        return [*part[:at], spoilt(part[at], chance, value), *part[at + 1 :]]
    if isinstance(part, dict) and part and chance.random() < 0.9:
        key = chance.choice(sorted(part))
        return part | {key: spoilt(part[key], chance, value)}
    return value


def by_bytes(seed, count):
    """Yield names and functions from the bytes of a database to others: flipped bits, pages that lead to each other."""
    chance = random.Random(seed)
    for number in range(count):
        fork = random.Random(chance.random())

        def spoil(database, fork=fork):
            changed = bytearray(database)
            for _ in range(fork.choice((1, 8, 64))):
                changed[fork.randrange(100, len(changed))] = fork.randrange(256)
            return bytes(changed)

        yield f"bytes {number}", spoil
    for number in range(count):
        fork = random.Random(chance.random())

        def lead_astray(database, fork=fork):
            size = int.from_bytes(database[16:18], "big")
            changed = bytearray(database)
            for start in range(size, len(changed), size):
                if changed[start] in (2, 5):  # the inside of a tree: the page on the right, then those of the cells
                    pages = len(changed) // size
                    changed[start + 8 : start + 12] = fork.choice((start // size + 1, fork.randint(1, pages))).to_bytes(
                        4, "big"
                    )
                elif fork.random() < 0.3:
                    source = fork.randrange(1, len(changed) // size) * size
                    changed[start : start + size] = changed[source : source + size]
            return bytes(changed)

        yield f"pages {number}", lead_astray


def ask_all(names):
    """Ask each bundle every question; return what came of those that no user should see, and the memory it took."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    crashes, refused = [], {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in names:
        refused[name] = []
        for question in QUESTIONS:
            try:
                done = ksrcfind(*question, "--index", name, stdin=LOG.encode())
            except BaseException:  # noqa: BLE001 - which none is
                crashes.append([name, question[0], traceback.format_exc()[-1500:]])
                continue
            if done.status == 2:
                refused[name].append([question[0], done.out, done.err])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"crashes": crashes, "refused": refused, "grown_kb": grown}


if __name__ == "__main__":
    json.dump(ask_all(json.load(sys.stdin)), sys.stdout)
