"""The language server in a C file of the tree, driven over the wire."""

import json

import pytest
from lsprotocol import types

from commandline import DEMO, ksrcfind
from ksrcfind.lsp.c_document import line_here, line_in_tree
from language_client import at, change_document, hover, open_document, with_server

LOG = "file:///var/log/demo.log"
SUPERBLOCK = "MINIFS-fs (sda1): unable to read superblock"
CALL = "is already exiting"


@pytest.fixture
def indexed(linux_mini):
    assert ksrcfind("-C", linux_mini, "index").status == 0
    return linux_mini


def oom_kill(root):
    """The URI of a file, its text and the line of a call in it."""
    path = root / "mm/oom_kill.c"
    text = path.read_text()
    return path.as_uri(), text, next(n for n, line in enumerate(text.split("\n")) if CALL in line)


def test_hover_tells_where_a_call_came_from(indexed):
    uri, text, line = oom_kill(indexed)

    async def test(client):
        open_document(client, uri, text, "c")
        told = await hover(client, uri, line)
        assert "v5\\.9" in told
        assert "victim" in told
        assert await hover(client, uri, 0) is None

    with_server(indexed, settings={"historyWait": 30})(test)


def test_unsaved_edits_shift_lines_and_have_no_answer_themselves(indexed):
    uri, text, line = oom_kill(indexed)

    async def test(client):
        open_document(client, uri, f"/* new */\n\n{text}", "c")
        assert "v5\\.9" in await hover(client, uri, line + 2)
        assert await hover(client, uri, 0) is None

    with_server(indexed, settings={"historyWait": 30})(test)


def test_a_lens_stands_over_each_call(indexed):
    uri, text, line = oom_kill(indexed)

    async def test(client):
        open_document(client, uri, text, "c")
        lenses = await client.text_document_code_lens_async(types.CodeLensParams(types.TextDocumentIdentifier(uri)))
        [lens] = [lens for lens in lenses if lens.range.start.line == line]
        assert (await client.code_lens_resolve_async(lens)).command.title == "introduced in v5.9"
        titles = [(await client.code_lens_resolve_async(lens)).command.title for lens in lenses]
        assert "introduced in v2.6.12 · last changed in v5.8 · reworded 3 times" in titles

    with_server(indexed)(test)


def test_references_are_the_lines_of_the_open_logs(indexed):
    uri, text, line = oom_kill(indexed)

    async def test(client):
        open_document(client, uri, text, "c")
        open_document(client, LOG, f"{DEMO}\nfine\n{DEMO}")
        params = types.ReferenceParams(
            types.ReferenceContext(include_declaration=False),
            types.TextDocumentIdentifier(uri),
            types.Position(line, 5),
        )
        found = await client.text_document_references_async(params)
        assert [(one.uri, one.range.start.line) for one in found] == [(LOG, 0), (LOG, 2)]

    with_server(indexed)(test)


def test_a_line_that_fits_several_calls_is_a_reference_of_each(indexed):
    found = ksrcfind("-C", indexed, "find", "--format", "json", SUPERBLOCK)
    rivals = [(match["path"], match["line_start"]) for match in json.loads(found.out)["records"][0]["matches"]]
    assert len(rivals) > 1

    async def test(client):
        open_document(client, LOG, SUPERBLOCK)
        for path, line in rivals:
            uri = (indexed / path).as_uri()
            open_document(client, uri, (indexed / path).read_text(), "c")
            params = types.ReferenceParams(
                types.ReferenceContext(include_declaration=False),
                types.TextDocumentIdentifier(uri),
                types.Position(line - 1, 0),
            )
            [place] = await client.text_document_references_async(params)
            assert place.uri == LOG

    with_server(indexed)(test)


def test_outside_of_a_kernel_tree_c_files_are_left_in_peace(tmp_path):
    file = tmp_path / "hello.c"
    text = 'int main(void) { puts("hello"); }\n'
    file.write_text(text)

    async def test(client):
        open_document(client, file.as_uri(), text, "c")
        assert await hover(client, file.as_uri(), 0) is None
        assert not client.messages

    with_server(tmp_path)(test)


def test_a_file_that_is_closed_and_gone_has_no_answers(indexed):
    gone = [(indexed / "mm/gone.c").as_uri(), "file:///odd%00name.c", indexed.as_uri()]
    place = types.Range(types.Position(0, 0), types.Position(0, 0))

    async def test(client):
        for uri in gone:
            assert await hover(client, uri, 0) is None
            assert not await client.text_document_code_lens_async(
                types.CodeLensParams(types.TextDocumentIdentifier(uri))
            )
        for data in ({"uri": gone[0]}, {"uri": ""}, {"line": 1}, None):
            lens = await client.code_lens_resolve_async(types.CodeLens(place, data=data))
            assert lens.range == place

    with_server(indexed)(test)


def test_a_file_of_no_tree_has_no_answers(indexed, tmp_path):
    file = tmp_path / "other.c"

    async def test(client):
        open_document(client, file.as_uri(), "int main(void) { return 0; }\n", "c")
        assert await hover(client, file.as_uri(), 0) is None
        params = types.CodeLensParams(types.TextDocumentIdentifier(file.as_uri()))
        assert not await client.text_document_code_lens_async(params)
        assert await client.text_document_definition_async(at(file.as_uri(), 0, types.DefinitionParams)) is None

    with_server(indexed)(test)


@pytest.mark.parametrize(
    ("here", "line", "expected"),
    [("abcd", 2, 2), ("xabcd", 3, 2), ("abXcd", 2, None), ("abXcd", 3, 2), ("abd", 2, 3), ("", 0, 4)],
)
def test_lines_around_an_edit_are_found_again(here, line, expected):
    assert line_in_tree(line, [*here], [*"abcd"]) == expected
    if expected is not None:
        assert line_here(expected, [*here], [*"abcd"]) == line


def test_a_file_that_was_saved_is_read_anew(linux_mini, tmp_path, git):
    tree = tmp_path / "linux"
    git(tmp_path, "clone", "-q", str(linux_mini), str(tree))
    assert ksrcfind("-C", tree, "index").status == 0
    uri, text, line = oom_kill(tree)
    changed = text.replace(CALL, "was gone before it came")

    async def test(client):
        open_document(client, uri, text, "c")
        assert CALL in await hover(client, uri, line)
        change_document(client, uri, changed)
        assert await hover(client, uri, line) is None
        (tree / "mm/oom_kill.c").write_text(changed)
        client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))
        assert "was gone before it came" in await hover(client, uri, line)

    with_server(tree)(test)
