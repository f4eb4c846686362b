"""Every question to every backend: each is answered, or refused by an error that says what to do instead."""

import asyncio
import json
from importlib import import_module

import pytest

from backends import BACKENDS, BUNDLES, TREES, make_backends
from circumstances import without_circumstances
from commandline import DEMO, ksrcfind
from ksrcfind import Finder, HistoryMode, KsrcfindError
from ksrcfind.config import Settings
from ksrcfind.engine.open import open_engine

HIT = DEMO
PART = "no PHY found"
MISS = "qqq wibble flurb"
MISSPELT = "Memory cgrup out of memory: OOM victm 46452 (nginx) is alredy exitting. Skip kiling the tsk"
UNKNOWN = [
    MISS,
    MISSPELT,
    "zzyzx: frobnicated 3 wibbles",
    "nginx[7]: started",
    "",
    "   ",
    "0x0",
    "\udce9 \x1b[31m",
    "x" * 9000,
]

ANSWERED, NOTHING, REFUSED = 0, 1, 2

# For each case: what is typed and the exit status by backend; one number is for all of them.
EVERYWHERE = {
    "find hit": (["find", HIT], ANSWERED),
    "find part": (["find", "--history", "all", "-n", "9", PART], ANSWERED),
    "find miss": (["find", MISS], NOTHING),
    "find misspelt": (["find", MISSPELT], ANSWERED),
    "find error": (["find", "--limit", "0", HIT], REFUSED),
    "at hit": (["at", "mm/oom_kill.c:14"], ANSWERED),
    "at miss": (["at", "mm/oom_kill.c:1"], NOTHING),
    "at nowhere": (["at", "no/such.c:1"], NOTHING),
    "at error": (["at", "mm/oom_kill.c"], REFUSED),
    "batch hit": (["batch", "hit.log"], ANSWERED),
    "batch miss": (["batch", "miss.log"], NOTHING),
    "batch error": (["batch", "no-such.log"], REFUSED),
    "batch --each hit": (["batch", "--each", "hit.log"], ANSWERED),
    "batch --each miss": (["batch", "--each", "miss.log"], NOTHING),
    "batch by subsystem": (["batch", "--group-by", "subsystem", "hit.log"], ANSWERED),
    "explain hit": (["explain", HIT], ANSWERED),
    "explain place": (["explain", "mm/oom_kill.c:14"], ANSWERED),
    "explain miss": (["explain", MISS], NOTHING),
    "messages hit": (["messages"], ANSWERED),
    "messages part": (["messages", "mm"], ANSWERED),
    "messages error": (["messages", "no/such"], REFUSED),
    "doctor": (["doctor"], ANSWERED),
}
# What only some can answer: a repository, or any tree.
BY_REPOSITORY = {
    "life hit": (["life", HIT], ANSWERED),
    "life place": (["life", "mm/oom_kill.c:14"], ANSWERED),
    "life miss": (["life", MISS], NOTHING),
    "show commit": (["show", "v5.9"], ANSWERED),
}
BY_CHECKOUT = {
    "diff hit": (["diff", "v5.8", "v5.9"], ANSWERED),
    "diff miss": (["diff", "v5.9", "v5.9"], NOTHING),
    "index --releases": (["index", "--releases"], ANSWERED),
}
BY_TREE = {
    "show function": (["show", "dump_header"], ANSWERED),
    "show miss": (["show", "dump_heder"], NOTHING),
    "index": (["index"], ANSWERED),
    "index --output": (["index", "--output", "new.bundle"], ANSWERED),
}
FORMATS = {
    "find": ("text", "json", "ndjson", "quickfix"),
    "at": ("text", "json", "ndjson", "quickfix"),
    "batch": ("text", "json", "ndjson", "quickfix", "csv", "sarif", "html"),
    "messages": ("text", "json", "ndjson", "csv"),
    "life": ("text", "json", "ndjson"),
    "explain": ("text", "json"),
    "show": ("text", "json"),
    "diff": ("text", "json", "ndjson", "csv"),
    "index": ("text",),
    "doctor": ("text", "json"),
}


def expected(name):
    """Return what is typed, and the exit status by backend."""
    for table, able in (
        (EVERYWHERE, BACKENDS),
        (BY_REPOSITORY, ("checkout", "revision")),
        (BY_CHECKOUT, ("checkout",)),
        (BY_TREE, TREES),
    ):
        if name in table:
            arguments, status = table[name]
            return arguments, {backend: status if backend in able else REFUSED for backend in BACKENDS}
    raise KeyError(name)


def forms(arguments):
    """Return the formats that a command has."""
    return [form for form in FORMATS[arguments[0]] if form != "html" or "--each" not in arguments]


CASES = [*EVERYWHERE, *BY_REPOSITORY, *BY_CHECKOUT, *BY_TREE]


@pytest.fixture(scope="module")
def backends(linux_mini, tmp_path_factory):
    return make_backends(linux_mini, tmp_path_factory.mktemp("backends"))


@pytest.fixture
def backend(request, backends, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(backends["bundle"].path.parent / "cache"))
    return backends[request.param]


@pytest.fixture
def here(tmp_path):
    """A directory with logs and without a tree."""
    (tmp_path / "hit.log").write_text(f"{HIT}\n{MISS}\n{PART}\n{MISSPELT}\n")
    (tmp_path / "miss.log").write_text(f"{MISS}\n")
    return tmp_path


every_backend = pytest.mark.parametrize("backend", BACKENDS, indirect=True)


@pytest.mark.parametrize("name", CASES)
@every_backend
def test_a_command_answers_or_says_what_to_do(backend, name, here):
    arguments, statuses = expected(name)
    for form in forms(arguments):
        done = ksrcfind(*arguments, *backend.options, "--format", form, directory=here)
        assert done.status == statuses[backend.name], done.err
        assert (done.err.count("error: ") == 1) == (done.status == REFUSED)
        if backend.is_bundle and name not in EVERYWHERE:
            assert done.out == ""
            assert f"error: the bundle {backend.path} cannot " in done.err
            assert "  This needs a kernel tree" in done.err


@pytest.mark.parametrize("text", UNKNOWN, ids=range(len(UNKNOWN)))
@every_backend
def test_any_line_can_be_asked(backend, text, here):
    found = [json.loads(ksrcfind("find", "--format", "json", *backend.options, "--", text, directory=here).out)]
    found.append(
        json.loads(
            ksrcfind(
                "batch",
                "--format",
                "json",
                "--each",
                *backend.options,
                "-",
                stdin=f"{text}\n".encode("utf-8", "surrogateescape"),
                directory=here,
            ).out
        )
    )
    verdicts = {record["verdict"] for document in found for record in document["records"]}
    assert len(verdicts) == 1


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_answers_as_the_tree_does(backends, name, here, monkeypatch):
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(here / "cache"))
    tree, bundle = backends["checkout"], backends[name]
    assert ksrcfind("index", "--with-history", *tree.options).status == 0
    for case, (arguments, status) in EVERYWHERE.items():
        if status == REFUSED or arguments[0] in ("doctor", "explain"):
            continue
        history = ["--no-history"] if name != "bundle" and arguments[0] != "messages" else []
        # Quickfix begins with where the tree is; html shows its source, which a bundle does not hold.
        for form in [form for form in forms(arguments) if form not in ("quickfix", "html")]:
            one, other = (
                ksrcfind(*arguments, *history, *backend.options, "--format", form, directory=here)
                for backend in (tree, bundle)
            )
            assert without_circumstances(one.out) == without_circumstances(other.out), (case, form)


def test_the_places_of_a_bundle_start_nowhere(backends, here):
    done = ksrcfind("find", *backends["bundle"].options, "--format", "quickfix", HIT, directory=here)
    assert done.out.startswith("mm/oom_kill.c:")


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_has_no_file_to_open(backends, name, here):
    done = ksrcfind("find", "--open", *backends[name].options, HIT, directory=here)
    assert done.status == REFUSED
    assert "--open needs a kernel tree" in done.err


# How the library is asked, by the name of the method. Each is asked of every backend.
LIBRARY = {
    "tree": lambda finder: finder.tree.source,
    "notes": lambda finder: list(finder.notes),
    "is_current": lambda finder: finder.is_current,
    "index": lambda finder: finder.index(),
    "find": lambda finder: [finder.find(text, history=mode) for text in (HIT, PART, *UNKNOWN) for mode in HistoryMode],
    "at": lambda finder: [
        finder.at(*place) for place in (("mm/oom_kill.c", 14), ("mm/oom_kill.c", 1), ("no/such.c", 1))
    ],
    "log": lambda finder: [*finder.log("hit.log"), *finder.log("miss.log", history=HistoryMode.ALL)],
    "report": lambda finder: finder.report("hit.log", "miss.log").summary.lines,
    "messages": lambda finder: [*finder.messages(), *finder.messages(["mm"])],
    "commit": lambda finder: [
        finder.commit(change.commit)
        for history in finder.find(HIT).provenance
        if (change := history.introduced) is not None
    ],
    "commits": lambda finder: finder.commits(["0" * 40, "\udce9"]),
    "source": lambda finder: [*finder.source("mm/oom_kill.c", 1, 9), *finder.source("no/such.c", 1, 9)],
    "open": lambda finder: type(finder).open("no/such"),
    "close": lambda finder: finder.close(),
}


@pytest.mark.parametrize("method", LIBRARY)
@every_backend
def test_the_library_answers_or_raises_its_own_error(backend, method, here, monkeypatch):
    assert {name for name in vars(Finder) if not name.startswith("_")} == set(LIBRARY)
    monkeypatch.chdir(here)
    settings = Settings(cache_dir=backend.path.parent / "cache")
    with Finder.open(backend.path, rev=backend.rev, settings=settings) as finder:
        if method == "open" or (method == "index" and backend.is_bundle):
            with pytest.raises(KsrcfindError):
                LIBRARY[method](finder)
        else:
            LIBRARY[method](finder)


@pytest.mark.parametrize("name", BUNDLES)
def test_the_library_says_that_a_bundle_has_one_revision(backends, name, tmp_path):
    with pytest.raises(KsrcfindError, match=r"cannot answer for v5\.9"):
        Finder.open(backends[name].path, rev="v5.9", settings=Settings(cache_dir=tmp_path))


TOOLS = {
    "find": [{"line": text, "limit": 3} for text in (HIT, PART, MISS, MISSPELT)],
    "at": [{"path": "mm/oom_kill.c", "line": 14}, {"path": "no/such.c", "line": 1}],
    "batch_summary": [{"text": f"{HIT}\n{MISS}\n{MISSPELT}\n"}, {"text": MISS}],
    "messages": [{}, {"paths": ["mm"]}],
    "life": [{"line": HIT}],
    "diff": [{"old": "v5.8", "new": "v5.9"}],
    "show": [{"name": "dump_header"}],
}
TOOLS_OF_REPOSITORIES = {"life", "diff"}
TOOLS_OF_TREES = {"show"}


@pytest.mark.parametrize("tool", TOOLS)
@every_backend
def test_a_tool_answers_or_says_what_to_do(backend, tool):
    client_of = pytest.importorskip("mcp", reason="the SDK of the Model Context Protocol is not installed").Client
    serving = import_module("ksrcfind.mcp.server")
    settings = Settings(cache_dir=backend.path.parent / "cache", repo=backend.path)
    if backend.is_bundle:
        settings = Settings(cache_dir=backend.path.parent / "cache", index=backend.path)
    thread = serving.EngineThread(lambda told: open_engine(settings, backend.rev, backend.path, told))

    async def ask():
        async with client_of(serving.server(thread)) as client:
            assert {one.name for one in (await client.list_tools()).tools} == set(TOOLS)
            return [await client.call_tool(tool, arguments) for arguments in TOOLS[tool]]

    try:
        results = asyncio.run(ask())
    finally:
        thread.end()
    needed = TOOLS_OF_TREES if backend.is_bundle else set()
    if backend.is_bundle or backend.name == "directory":
        needed = needed | TOOLS_OF_REPOSITORIES
    for result in results:
        assert result.is_error == (tool in needed), result.content
        if result.is_error and backend.is_bundle:
            assert f"the bundle {backend.path} cannot " in result.content[0].text


@pytest.mark.parametrize("name", [*BUNDLES, "directory"])
def test_an_editor_is_answered_from_a_bundle(backends, name, tmp_path, monkeypatch):
    pytest.importorskip("pytest_lsp", reason="the language server's packages are not installed")
    editor, types = import_module("language_client"), import_module("lsprotocol.types")
    backend = backends[name]
    monkeypatch.setenv("KSRCFIND_CACHE_DIR", str(tmp_path / "cache"))
    log = "file:///var/log/demo.log"

    async def test(client):
        editor.open_document(client, log, f"{HIT}\n{MISS}\n{MISSPELT}\n")
        assert "__oom_kill_process" in await editor.hover(client, log, 0)
        for line in range(3):
            await editor.hover(client, log, line)
            await client.text_document_definition_async(editor.at(log, line, types.DefinitionParams))
        await editor.settled(client, log)
        for command in ("copyAnswer", "openCommit", "showLife", "showCallers"):
            arguments = types.ExecuteCommandParams(f"ksrcfind.{command}", [log, 0])
            await client.workspace_execute_command_async(arguments)
        shown = [message.message for message in client.messages]
        refused = "cannot show how a message changed" if backend.is_bundle else "`life` needs"
        assert any(refused in one for one in shown)
        assert not any("Traceback" in one or "rror: '" in one for one in shown)

    editor.with_server(tmp_path, *backend.options, settings={"historyWait": 30})(test)
