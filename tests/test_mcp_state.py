"""A server of tools that runs for days: it answers from the tree as it is, and reads only what it may."""

import asyncio
import json
import os
import shutil
import subprocess
import sys

import pytest

from commandline import DEMO, ksrcfind
from repositories import kernel

pytest.importorskip("mcp", reason="the SDK of the Model Context Protocol is not installed")

from mcp import Client

from ksrcfind.config import resolve
from ksrcfind.engine.open import open_engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.mcp.access import Access, is_wide
from ksrcfind.mcp.server import EngineThread, server

CALL = 'void f(void)\n{\n\tpr_info("%s\\n");\n}\n'
OLD, NEW = "the first widget did not answer", "a gadget went astray at night"


@pytest.fixture
def serve():
    """Start a server for a tree: `serve(root)(tool, **arguments)` gives the result of a call; none is started anew."""
    threads = []

    def start(root):
        settings = resolve(os.environ)
        thread = EngineThread(lambda progress: open_engine(settings, None, root, progress))
        threads.append(thread)
        tools = server(thread)

        def call(name, **arguments):
            async def ask():
                async with Client(tools) as client:
                    return await client.call_tool(name, arguments)

            return asyncio.run(ask())

        return call

    yield start
    for thread in threads:
        thread.end()


def verdict(result):
    [record] = result.structured_content["records"]
    return record["verdict"]


@pytest.mark.parametrize("indexed", [True, False])
def test_another_checkout_and_edits_are_answered_from(serve, tmp_path, indexed):
    scratch = kernel(tmp_path / "tree", {"fs/a.c": CALL % OLD})
    scratch.git("tag", "v5.9")
    scratch.commit("reword", {"fs/a.c": CALL % NEW})
    if indexed:
        assert ksrcfind("-C", scratch.root, "index").status == 0
    call = serve(scratch.root)
    assert [verdict(call("find", line=line)) for line in (OLD, NEW)] == ["none", "exact"]
    scratch.git("checkout", "-q", "v5.9")
    assert [verdict(call("find", line=line)) for line in (OLD, NEW)] == ["exact", "none"]
    scratch.write({"fs/a.c": "\n\n" + CALL % OLD})
    [record] = call("find", line=OLD).structured_content["records"]
    assert record["matches"][0]["line_start"] == 5
    scratch.write({"fs/a.c": CALL % "entirely different words"})
    assert verdict(call("find", line="entirely different words")) == "exact"
    assert verdict(call("find", line=OLD)) == "none"


def test_a_tag_and_a_setting_of_history_count_from_the_next_question_on(serve, tmp_path):
    scratch = kernel(tmp_path / "tree")
    first = scratch.commit("say it", {"fs/a.c": CALL % OLD})
    second = scratch.commit("indent it", {"fs/a.c": (CALL % OLD).replace("\t", "\t\t")})
    call = serve(scratch.root)

    def match():
        return call("find", line=OLD).structured_content["records"][0]["matches"][0]

    assert "first_tag" not in match()["introduced"]
    assert match()["last_changed"]["commit"] == second[:12]
    scratch.git("tag", "v6.1", first)
    assert match()["introduced"]["first_tag"] == "v6.1"
    (scratch.root / "ignored").write_text(f"{second}\n")
    scratch.git("config", "blame.ignoreRevsFile", "ignored")
    assert match()["introduced"]["commit"] == first[:12]
    assert "last_changed" not in match()


def test_an_index_that_another_process_makes_is_used(serve, tmp_path):
    scratch = kernel(tmp_path / "tree", {"fs/a.c": CALL % OLD})
    call = serve(scratch.root)
    line = OLD.replace("first", "third")
    assert "only the likeliest files" in call("find", line=line).content[0].text
    subprocess.run([sys.executable, "-m", "ksrcfind", "-C", scratch.root, "-q", "index"], check=True)
    assert "only the likeliest files" not in call("find", line=line).content[0].text
    # And one that is brought up to date while the server holds it open.
    scratch.write({"fs/a.c": CALL % NEW})
    subprocess.run([sys.executable, "-m", "ksrcfind", "-C", scratch.root, "-q", "index"], check=True)
    assert verdict(call("find", line=NEW)) == "exact"


@pytest.mark.parametrize("indexed", [True, False])
def test_files_of_a_plain_directory_that_are_edited_or_new_are_answered_from(serve, tmp_path, indexed):
    scratch = kernel(tmp_path / "tree", {"fs/a.c": CALL % OLD})
    shutil.rmtree(scratch.root / ".git")
    if indexed:
        assert ksrcfind("-C", scratch.root, "index").status == 0
    call = serve(scratch.root)
    assert [verdict(call("find", line=line)) for line in (OLD, NEW)] == ["exact", "none"]
    scratch.write({"fs/new.c": CALL % NEW})
    assert [verdict(call("find", line=line)) for line in (OLD, NEW)] == ["exact", "exact"]
    scratch.write({"fs/a.c": CALL % "entirely different words"})
    assert [verdict(call("find", line=line)) for line in (OLD, "entirely different words")] == ["none", "exact"]


def test_a_carried_index_that_is_replaced_is_answered_from(tmp_path, monkeypatch, serve):
    scratch = kernel(tmp_path / "tree", {"fs/a.c": CALL % OLD})
    carried = tmp_path / "carried"
    assert ksrcfind("-C", scratch.root, "index", "--output", carried).status == 0
    monkeypatch.setenv("KSRCFIND_INDEX", str(carried))
    call = serve(tmp_path)
    assert verdict(call("find", line=OLD)) == "exact"
    scratch.write({"fs/a.c": CALL % NEW})
    monkeypatch.delenv("KSRCFIND_INDEX")
    assert ksrcfind("-C", scratch.root, "index", "--output", carried).status == 0
    assert [verdict(call("find", line=line)) for line in (OLD, NEW)] == ["none", "exact"]


def test_a_tree_that_goes_and_comes_back_is_told_and_answered_from(serve, tmp_path):
    scratch = kernel(tmp_path / "tree", {"fs/a.c": CALL % OLD})
    call = serve(scratch.root)
    assert verdict(call("find", line=OLD)) == "exact"
    scratch.root.rename(tmp_path / "away")
    gone = call("find", line=OLD)
    assert gone.is_error
    assert "no such directory" in gone.content[0].text
    (tmp_path / "away").rename(scratch.root)
    assert verdict(call("find", line=OLD)) == "exact"


def test_an_unforeseen_error_is_one_answer_and_not_the_next(serve, linux_mini, monkeypatch):
    call = serve(linux_mini)
    assert verdict(call("find", line=DEMO)) == "exact"
    with monkeypatch.context() as broken:
        broken.setattr("ksrcfind.engine.engine.Engine.find", lambda *_args, **_options: 1 // 0)
        assert call("find", line=DEMO).is_error
    assert verdict(call("find", line=DEMO)) == "exact"


@pytest.fixture
def files(tmp_path):
    """A tree, a directory of logs, and a secret outside of both."""
    for name in ("tree/.git", "logs/below", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "other/secret").write_text("the password is swordfish\n")
    for name in ("logs/kern.log", "logs/below/old.log", "tree/dmesg", "tree/.git/config"):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def read(access, path):
    return [row.log.text for row in access.rows(str(path))]


def test_logs_below_the_directories_are_read(files, monkeypatch):
    (files / "logs/link.log").symlink_to("kern.log")
    (files / "elsewhere").symlink_to("logs")
    access = Access.to(files / "elsewhere", files / "tree")
    assert read(access, files / "logs/kern.log") == ["logs/kern.log"]
    assert read(access, files / "logs/link.log") == ["logs/kern.log"]
    assert read(access, files / "elsewhere/below/../kern.log") == ["logs/kern.log"]
    assert sorted(read(access, files / "logs")) == ["logs/below/old.log", "logs/kern.log"]
    assert read(access, files / "tree") == ["tree/dmesg"]
    monkeypatch.chdir(files / "tree")
    assert read(access, "dmesg") == ["tree/dmesg"]


@pytest.mark.parametrize(
    "path",
    [
        "other/secret",
        "other/none",
        "logs/../other/secret",
        "logs/link",
        "logs/deep/secret",
        "logs2/kern.log",
        "logs2",
        "tree/.git/config",
        "tree/.git",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/stdin",
        "~/.ssh/id_rsa",
        "\0",
        "",
        ".",
        "\ud800",
    ],
)
def test_other_files_are_not_read_and_not_told_of(files, path):
    (files / "logs2").mkdir()
    (files / "logs2/kern.log").write_text("beside\n")
    (files / "logs/link").symlink_to("../other/secret")
    (files / "logs/deep").symlink_to("../other")
    access = Access.to(files / "logs", files / "tree")
    with pytest.raises(KsrcfindError, match="outside the allowed directories") as caught:
        read(access, files / path if path.startswith(("other", "logs", "tree")) else path)
    assert "--allow" in caught.value.hint
    assert "swordfish" not in str(caught.value)


def test_links_in_a_directory_of_logs_lead_nowhere(files):
    (files / "logs/link.log").symlink_to("../other/secret")
    (files / "logs/below/deep").symlink_to("../../other")
    assert "swordfish" not in " ".join(read(Access.to(files / "logs"), files / "logs"))


def test_what_is_no_log_is_told(files):
    os.mkfifo(files / "logs/fifo")
    (files / "logs/empty").mkdir()
    access = Access.to(files / "logs")
    for name, said in (("fifo", "neither a file nor a directory"), ("none", "No such file"), ("empty", "no logs in")):
        with pytest.raises(KsrcfindError, match=said):
            read(access, files / "logs" / name)
    assert "logs/fifo" not in read(access, files / "logs")


def test_the_home_directory_and_what_is_above_it_is_too_wide(tmp_path):
    home = tmp_path / "home"
    (home / "linux").mkdir(parents=True)
    assert [is_wide(directory, home) for directory in (home, tmp_path, tmp_path.root, home / "linux")] == [
        True,
        True,
        True,
        False,
    ]
    assert is_wide(type(home)("/"), home)


def test_the_server_reads_in_the_tree_and_where_it_is_allowed(files, linux_mini):
    def summary(*options, file, directory):
        requests = [
            {"id": 1, "method": "initialize", "params": INITIALIZE},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": "batch_summary", "arguments": {"file": str(file)}}},
        ]
        server = subprocess.Popen(
            [sys.executable, "-m", "ksrcfind", "-C", linux_mini, "mcp", *options],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with server:
            for request in requests:
                server.stdin.write(json.dumps({"jsonrpc": "2.0", **request}).encode() + b"\n")
            server.stdin.flush()
            answers = [json.loads(server.stdout.readline()) for _ in range(2)]
            server.stdin.close()
        return answers[1]["result"]["isError"]

    log = files / "logs/kern.log"
    assert summary(file=log, directory=files / "other") is True
    assert summary(file=log, directory=files / "logs") is False
    assert summary(file="kern.log", directory=files / "logs") is False
    assert summary("--allow", str(files / "logs"), file=log, directory=files / "other") is False
    assert summary(file=linux_mini / "Makefile", directory=files / "other") is False
    done = ksrcfind("-C", linux_mini, "mcp", "--allow", files / "none")
    assert done.status == 2
    assert "no such directory" in done.err


INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
