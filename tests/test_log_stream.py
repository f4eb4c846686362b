"""Logs are read from wherever they are."""

import bz2
import errno
import gzip
import io
import lzma
import os
import sys
import threading
from pathlib import Path

import pytest

from ksrcfind import compressed
from ksrcfind.log import stream
from ksrcfind.log.stream import LogUnreadableError, follow_file, follow_pipe, log_files, read_log, read_logs

TEXT = b"[    1.000000] a\n[    2.000000] b\n"


def bodies(rows):
    return [(row.source, row.line, row.log.body) for row in rows]


class Failing(io.RawIOBase):
    """A file on a disk that fails behind the first bytes."""

    def __init__(self, good):
        self.left = [good]

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self.left:
            raise OSError(errno.EIO, "Input/output error")
        piece = self.left.pop()
        buffer[: len(piece)] = piece
        return len(piece)


def test_what_stands_before_a_failing_disk_is_read():
    found = []
    rows = (found.append(row.log.body) for row in read_log(Failing(TEXT), "a.log"))
    with pytest.raises(LogUnreadableError, match=r"cannot read a\.log: Input/output error"):
        list(rows)
    assert found == ["a", "b"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_a_followed_file_that_cannot_be_read_is_told():
    with pytest.raises(LogUnreadableError, match="cannot read /proc/self/mem"):
        list(follow_file("/proc/self/mem"))


def test_a_name_that_is_too_long_is_told():
    with pytest.raises(LogUnreadableError, match="File name too long"):
        list(read_logs(["a" * 5000], io.BytesIO()))


def test_files_directories_and_standard_input(tmp_path):
    (tmp_path / "logs" / "deep").mkdir(parents=True)
    (tmp_path / "one.log").write_bytes(TEXT)
    (tmp_path / "logs" / "kern.log").write_bytes(b"newest\n")
    (tmp_path / "logs" / "kern.log.1").write_bytes(b"older\n")
    (tmp_path / "logs" / "kern.log.2.gz").write_bytes(gzip.compress(b"old\n"))
    (tmp_path / "logs" / "kern.log.10.gz").write_bytes(gzip.compress(b"oldest\n"))
    (tmp_path / "logs" / "deep" / "x").write_bytes(b"deep")
    (tmp_path / "logs" / ".hidden").write_bytes(b"hidden\n")
    (tmp_path / "logs" / "system.journal").write_bytes(b"LPKSHHRH")
    (tmp_path / "logs" / "loop").symlink_to(tmp_path / "logs")
    one, logs = str(tmp_path / "one.log"), str(tmp_path / "logs")
    found = bodies(read_logs([one, "-", logs], io.BytesIO(b"stdin\n")))
    assert found == [
        (one, 1, "a"),
        (one, 2, "b"),
        ("-", 1, "stdin"),
        (f"{logs}/kern.log.10.gz", 1, "oldest"),
        (f"{logs}/kern.log.2.gz", 1, "old"),
        (f"{logs}/kern.log.1", 1, "older"),
        (f"{logs}/kern.log", 1, "newest"),
        (f"{logs}/deep/x", 1, "deep"),
    ]
    assert log_files(tmp_path / "one.log") == [tmp_path / "one.log"]


def zstd(data):
    return pytest.importorskip("zstandard").compress(data)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bz2.compress, zstd, bytes])
def test_compressed_logs(compress):
    data = compress(TEXT)
    assert [row.log.body for row in read_log(io.BytesIO(data))] == ["a", "b"]
    # Rotation tools append: one stream behind the other.
    assert [row.log.body for row in read_log(io.BytesIO(data + compress(b"c\n")))] == ["a", "b", "c"]
    # What cannot be sought, and comes in small pieces.
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file, os.fdopen(writer, "wb", buffering=0) as out:
        for start in range(0, len(data), 7):
            out.write(data[start : start + 7])
        out.close()
        assert [row.log.body for row in read_log(file)] == ["a", "b"]


def test_xz_with_padding_between_streams():
    data = lzma.compress(TEXT) + b"\0" * 8 + lzma.compress(b"c\n") + b"\0" * 4
    assert [row.log.body for row in read_log(io.BytesIO(data))] == ["a", "b", "c"]


# zstd is not among them: its reader takes a cut end for the end.
@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bz2.compress])
def test_damaged_archives_give_what_they_can(compress):
    data = compress(b"".join(b"[%12d.000000] line %d\n" % (n, n * 7919) for n in range(60_000)))
    for broken in (data[: len(data) // 2], data[: len(data) // 2] + b"\xff" * 64 + data[len(data) // 2 + 64 :]):
        rows = []
        with pytest.raises(LogUnreadableError, match="x is damaged") as error:
            rows.extend(read_log(io.BytesIO(broken), "x"))
        assert error.value.hint
        assert rows


def test_a_damaged_zstd_archive():
    data = zstd(b"".join(b"[%12d.000000] line %d\n" % (n, n * 7919) for n in range(20_000)))
    assert len(list(read_log(io.BytesIO(data[: len(data) // 2])))) > 1000
    with pytest.raises(LogUnreadableError, match="x is damaged"):
        list(read_log(io.BytesIO(data[:4] + b"\xff" * 64), "x"))


def test_a_bomb_is_read_piece_by_piece():
    data = lzma.compress(bytes(1 << 24) + b"\n[    1.000000] a\n")
    rows = list(read_log(io.BytesIO(data)))
    assert [row.log.body for row in rows] == ["", "a"]
    assert len(rows[0].log.text) == 0


def test_an_xz_file_that_wants_too_much_memory(monkeypatch):
    monkeypatch.setattr(compressed, "MOST_MEMORY", 1 << 20)
    data = lzma.compress(TEXT, preset=9)
    with pytest.raises(LogUnreadableError):
        list(read_log(io.BytesIO(data)))


def test_zstd_without_its_package(monkeypatch):
    data = zstd(TEXT)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(LogUnreadableError) as error:
        list(read_log(io.BytesIO(data), "a.zst"))
    assert "zstd -dc a.zst" in error.value.hint


def test_journal_files_are_left_to_journalctl():
    with pytest.raises(LogUnreadableError) as error:
        list(read_log(io.BytesIO(b"LPKSHHRH" + bytes(100)), "system.journal"))
    assert "journalctl --file system.journal" in error.value.hint
    with pytest.raises(LogUnreadableError) as error:
        list(read_log(io.BytesIO(b"LPKSHHRH" + bytes(100)), "a;b.journal"))
    assert "journalctl --file 'a;b.journal' -o" in error.value.hint


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(LogUnreadableError, match="No such file"):
        list(read_logs([str(tmp_path / "none")], io.BytesIO()))


@pytest.mark.parametrize(
    "encoded",
    [
        ("\ufeff" + TEXT.decode()).encode("utf-16-le"),
        ("\ufeff" + TEXT.decode()).encode("utf-16-be"),
        ("\ufeff" + TEXT.decode()).encode(),
        TEXT.replace(b"\n", b"\r\n"),
    ],
)
def test_encodings_of_other_systems(encoded):
    assert [row.log.body for row in read_log(io.BytesIO(encoded))] == ["a", "b"]
    assert [row.log.text for row in read_log(io.BytesIO(encoded))] == TEXT.decode().split("\n")[:2]


def test_half_of_a_utf_16_character():
    rows = list(read_log(io.BytesIO(("\ufeff" + "a\n").encode("utf-16-le") + b"\x00\xd8x")))
    assert rows[0].log.body == "a"


def test_a_growing_file(tmp_path):
    path = tmp_path / "kern.log"
    path.write_bytes(b"[    1.000000] a\n[    2.0000")
    steps = iter(
        [
            lambda: append(path, b"00] b\n"),
            lambda: append(path, b"[    3.000000] c\n"),
            lambda: None,
            lambda: rotate(path, b"[    0.000000] new file\n"),
            lambda: append(path, b"[    1.000000] d\n"),
            lambda: path.write_bytes(b"cut\n"),
            lambda: None,
        ]
    )

    def wait():
        step = next(steps, None)
        if step is not None:
            step()
        return step is not None

    assert [(row.line, row.log.body) for row in follow_file(str(path), wait)] == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
        (4, "last of the old one"),
        (1, "new file"),
        (2, "d"),
        (1, "cut"),
    ]


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def rotate(path, data):
    append(path, b"[    9.000000] last of the old one")
    path.rename(path.with_suffix(".1"))
    path.write_bytes(data)


def test_a_pipe_gives_rows_as_they_come(monkeypatch):
    monkeypatch.setattr(stream, "INTERVAL", 0.01)
    reader, writer = os.pipe()
    seen = threading.Event()

    def write():
        os.write(writer, b"6,1,1,-;held back for its dictionary\n")
        seen.wait(10)
        os.write(writer, b"6,2,1,-;second\n")
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reader, "rb") as file:
        rows = follow_pipe(file)
        assert next(rows).log.body == "held back for its dictionary"
        seen.set()
        assert [row.log.body for row in rows] == ["second"]
    thread.join()
