"""How long an editor waits: a log of 100,000 lines, opened in a server that has an index.

    python -m bench.editor --repo DIR LOG

LOG is repeated with other numbers until it is long enough. Told are the first answers after opening (the places behind
the lines of a screen in the middle), hovers once a line is matched, while the rest is read and afterwards, and the time
until everything is read. The index must be there (`ksrcfind index`).
"""

import argparse
import asyncio
import itertools
import re
import statistics
import sys
import time
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

LINES = 100_000
SCREEN = 50
HOVERS = 40


def long_log(path: Path) -> str:
    """Return a log with `LINES` lines, made from one."""
    lines = path.read_text("utf-8", "replace").splitlines()
    later = (re.sub(r"\d+(?=\.\d{6}\])", f"{number}", line) for number in itertools.count() for line in lines)
    return "\n".join(itertools.islice(later, LINES))


async def measure(repo: Path, text: str) -> None:
    """Drive a server and print what was measured."""
    client = LanguageClient("bench", "1")
    client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda _params: None)
    client.feature(types.WINDOW_LOG_MESSAGE)(lambda _params: None)
    await client.start_io(sys.executable, "-m", "ksrcfind", "lsp")
    options = {"repo": str(repo), "inlayHints": True, "buildIndex": False}
    await client.initialize_async(
        types.InitializeParams(types.ClientCapabilities(), root_uri=repo.as_uri(), initialization_options=options)
    )
    client.initialized(types.InitializedParams())
    uri = "file:///bench.dmesg"
    log = types.TextDocumentIdentifier(uri)

    async def hover(line: int) -> float:
        began = time.perf_counter()
        await client.text_document_hover_async(types.HoverParams(log, types.Position(line, 0)))
        return (time.perf_counter() - began) * 1000

    async def hovers(first: int) -> list[float]:
        await hover(first)  # Its history is told once.
        return [await hover(first + number % SCREEN) for number in range(HOVERS)]

    began = time.perf_counter()
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "dmesg", 1, text)))
    middle = LINES // 2
    screen = types.Range(types.Position(middle, 0), types.Position(middle + SCREEN, 0))
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(log, screen))
    tell("first answers after opening", [(time.perf_counter() - began) * 1000], f"{len(hints or ())} lines explained")
    for line in range(middle, middle + SCREEN):
        await hover(line)
    tell("hover while the rest is read", await hovers(middle))
    groups = await client.text_document_document_symbol_async(types.DocumentSymbolParams(log)) or ()
    whole = time.perf_counter() - began
    count = sum(len(group.children or ()) for group in groups)
    print(f"{'everything read':32} {whole:8.1f} s   {count} messages in {len(groups)} subsystems")
    tell("hover afterwards", await hovers(middle))
    began = time.perf_counter()
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, uri),
            [types.TextDocumentContentChangeWholeDocument(text + "\n" + text.split("\n", 1)[0])],
        )
    )
    await hover(LINES)
    tell("hover on a line that was added", [(time.perf_counter() - began) * 1000])
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()


def tell(what: str, times: list[float], more: str = "") -> None:
    """Print the median and the longest of some times in milliseconds."""
    print(f"{what:32} {statistics.median(times):8.1f} ms  longest {max(times):.1f} ms  {more}".rstrip())


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("log", type=Path)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.repo.resolve(), long_log(arguments.log)))


if __name__ == "__main__":
    main()
