"""The language server in a log, driven over the wire."""

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types
from pygls import uris

from commandline import DEMO, ksrcfind
from ksrcfind.lsp.markdown import PENDING
from language_client import at, capabilities, hover, open_document, settled, with_server

LOG = "file:///var/log/demo.log"
PATIENT = {"historyWait": 30}
CHECKSUM = "[   12.5] eth0: hw csum failure"


@pytest.fixture
def indexed(linux_mini):
    """The bundled repository, indexed: what a client finds that was used before."""
    assert ksrcfind("-C", linux_mini, "index").status == 0
    return linux_mini


def test_hover_tells_place_function_values_commit_and_release(indexed):
    async def test(client):
        open_document(client, LOG, f"\n{DEMO}\n")
        text = await hover(client, LOG, 1)
        for part in ("oom\\_kill\\.c", "__oom_kill_process()", "46452", "nginx", "v5\\.9", "exact match"):
            assert part in text
        assert "say so when the victim is already exiting" in text
        assert "prints this when" in text
        assert "\tif (has_given_up_its_memory(victim)) {\n\t\tpr_info(" in text
        assert await hover(client, LOG, 0) is None
        assert await hover(client, LOG, 99) is None

    with_server(indexed, settings=PATIENT)(test)


def test_definition_leads_to_the_call(indexed):
    async def test(client):
        open_document(client, LOG, DEMO)
        [place] = await client.text_document_definition_async(at(LOG, 0, types.DefinitionParams, 40))
        path = Path(uris.to_fs_path(place.uri))
        assert path == indexed / "mm/oom_kill.c"
        assert "pr_info(" in path.read_text().split("\n")[place.range.start.line]

    with_server(indexed)(test)


def test_definition_in_a_revision_that_reads_otherwise_is_a_read_only_document(indexed):
    async def test(client):
        open_document(client, LOG, DEMO)
        [place] = await client.text_document_definition_async(at(LOG, 0, types.DefinitionParams))
        path = Path(uris.to_fs_path(place.uri))
        assert indexed not in path.parents
        assert path.parent.name == "v5.9"
        assert "is already exiting" in path.read_text().split("\n")[place.range.start.line]
        assert path.stat().st_mode & 0o222 == 0

    with_server(indexed, settings={"rev": "v5.9"})(test)


def test_rivals_are_several_locations(indexed):
    async def test(client):
        open_document(client, LOG, "MINIFS-fs (sda1): unable to read superblock")
        places = await client.text_document_definition_async(at(LOG, 0, types.DefinitionParams))
        assert len({(place.uri, place.range.start.line) for place in places}) == 2

    with_server(indexed)(test)


def test_rivals_are_several_locations_however_few_are_shown(indexed):
    async def test(client):
        open_document(client, LOG, "MINIFS-fs (sda1): unable to read superblock")
        assert len(await client.text_document_definition_async(at(LOG, 0, types.DefinitionParams))) == 2

    with_server(indexed, settings={"limit": 1})(test)


def test_a_lens_stands_over_each_message_once_and_tells_release_subject_and_repeats(indexed):
    async def test(client):
        open_document(client, LOG, f"{DEMO}\nsomething else\n{DEMO.replace('46452', '7')}\n{CHECKSUM}")
        await settled(client, LOG)
        lenses = await client.text_document_code_lens_async(types.CodeLensParams(types.TextDocumentIdentifier(LOG)))
        assert [lens.range.start.line for lens in lenses] == [0, 3]
        told = [await client.code_lens_resolve_async(lens) for lens in lenses]
        assert told[0].command.title == "v5.9 · mm, oom: say so when the victim is already exiting · 2 times"
        assert told[1].command.title.startswith("v5.8 · net:")

    with_server(indexed)(test)


def test_the_outline_groups_messages_by_subsystem(indexed):
    async def test(client):
        open_document(client, LOG, f"{DEMO}\n{CHECKSUM}\n{DEMO}")
        groups = await settled(client, LOG)
        found = {group.name: [(child.detail, len(child.children)) for child in group.children] for group in groups}
        assert any(name.startswith("MEMORY") for name in found)
        assert [("2 times" in detail, count) for own in found.values() for detail, count in own].count((True, 1)) == 1

    with_server(indexed)(test)


def test_severe_lines_are_diagnostics_with_ranges_in_utf_16(indexed):
    async def test(client):
        text = "<3>[    1.0] Grüße 𝄞: no PHY found"
        open_document(client, LOG, f"{DEMO}\n{text}\n<6>[    2.0] fine")
        await settled(client, LOG)
        while not client.diagnostics.get(LOG):
            await client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        [found] = client.diagnostics[LOG]
        assert (found.range.start.line, found.severity, found.code) == (1, types.DiagnosticSeverity.Error, "err")
        assert found.range.end.character == len(text) + 1

    able = capabilities()
    able.general.position_encodings = [types.PositionEncodingKind.Utf16]
    with_server(indexed, able=able)(test)


def test_hints_stand_behind_the_lines_of_the_range_that_is_shown(indexed):
    async def test(client):
        open_document(client, LOG, f"{DEMO}\nelse\n{DEMO}")
        lines = types.Range(types.Position(1, 0), types.Position(2, 0))
        hints = await client.text_document_inlay_hint_async(
            types.InlayHintParams(types.TextDocumentIdentifier(LOG), lines)
        )
        [hint] = hints
        assert (hint.position.line, hint.position.character) == (2, len(DEMO))
        assert hint.label.startswith("mm/oom_kill.c:")

    with_server(indexed, settings={"inlayHints": True})(test)


@pytest.mark.parametrize(
    ("command", "name", "part"),
    [
        ("ksrcfind.copyAnswer", "answer.txt", "Introduced     "),
        ("ksrcfind.openCommit", ".patch", "\n+"),
        ("ksrcfind.showLife", "life.txt", "v5.9-rc1 … today"),
        ("ksrcfind.showCallers", "callers.txt", "\n  out_of_memory()  mm/oom_kill.c:27"),
    ],
)
def test_actions_show_documents(indexed, command, name, part):
    async def test(client):
        open_document(client, LOG, DEMO)
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(LOG),
            types.Range(types.Position(0, 0), types.Position(0, 0)),
            types.CodeActionContext([]),
        )
        actions = {one.command: one for one in await client.text_document_code_action_async(params)}
        done = await client.workspace_execute_command_async(
            types.ExecuteCommandParams(command, actions[command].arguments)
        )
        assert done["name"].endswith(name)
        assert part in done["text"]
        [shown] = client.shown_documents
        assert Path(uris.to_fs_path(shown.uri)).read_text() == done["text"]

    with_server(indexed)(test)


def test_a_line_that_nothing_explains_says_why(indexed):
    async def test(client):
        open_document(client, LOG, "zzyzx frobnicates the blorbs")
        assert "No match" in await hover(client, LOG, 0)
        assert await client.text_document_definition_async(at(LOG, 0, types.DefinitionParams)) is None

    with_server(indexed)(test)


def test_an_answer_that_the_client_copies_is_not_shown(indexed):
    async def test(client):
        open_document(client, LOG, DEMO)
        done = await client.workspace_execute_command_async(types.ExecuteCommandParams("ksrcfind.copyAnswer", [LOG, 0]))
        assert "__oom_kill_process()" in done["text"]
        assert not client.shown_documents

    with_server(indexed, settings={"copies": True})(test)


def test_history_comes_later_where_the_client_does_not_wait(indexed):
    async def test(client):
        open_document(client, LOG, DEMO)
        first = await hover(client, LOG, 0)
        assert "__oom_kill_process()" in first
        assert PENDING in first
        assert "v5\\.9" not in first
        while PENDING in (told := await hover(client, LOG, 0)):
            await asyncio.sleep(0.02)
        assert "v5\\.9" in told

    with_server(indexed, settings={"historyWait": 0})(test)


def test_without_history_there_is_none(indexed):
    async def test(client):
        open_document(client, LOG, DEMO)
        told = await hover(client, LOG, 0)
        assert "__oom_kill_process()" in told
        assert "v5\\.9" not in told
        assert PENDING not in told

    with_server(indexed, settings=PATIENT | {"history": False})(test)
