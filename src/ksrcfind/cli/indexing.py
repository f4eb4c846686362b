"""The command index: build the index of a tree, write a bundle, or index every release."""

from contextlib import nullcontext, suppress
from pathlib import Path

from msgspec.structs import replace

from ksrcfind.bundle.writer import check_output, write_bundle
from ksrcfind.cli.options import Common
from ksrcfind.cli.session import begin
from ksrcfind.cli.terminal import FOUND, say, write
from ksrcfind.engine.engine import Engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.output.checks import releases_json, report_json
from ksrcfind.output.formats import Format
from ksrcfind.storage.store import UNSAVED_HINT


def build_index(
    options: Common, output: Path | None, *, with_history: bool, with_code: bool, releases: bool, candidates: bool
) -> int:
    """Answer `index`: build the index, bundle or release indexes that the options ask for; return the exit status.

    Raises `KsrcfindError` for options that contradict each other and for an index that cannot be written.
    """
    if with_code and output is None:
        raise KsrcfindError("--with-code is for a bundle", "Add --output FILE.")
    if with_history and releases:
        raise KsrcfindError("--with-history cannot be combined with --releases", "Run both commands one after another.")
    if candidates and not releases:
        raise KsrcfindError("--candidates needs --releases", "Add --releases.")
    if releases and (output is not None or options.rev is not None):
        raise KsrcfindError("--releases cannot be combined with --rev or --output", "It indexes every release tag.")
    if options.printk_index is not None:
        return _bundle_of_list(options, output)
    if output is not None:
        check_output(output)  # Indexing takes minutes.
    session = begin(options)
    # An index named by the environment answers questions; it does not change what is indexed.
    session = replace(session, settings=replace(session.settings, index=options.index))
    as_json = options.format is Format.JSON
    with session.engine() as engine:
        if releases:
            done = engine.releases.index_all(candidates)
            _check_saved(engine)
            session.terminal.write(releases_json(done) if as_json else str(done))
            return FOUND
        report = engine.index.build()
        if with_history:
            # A bundle can also be written with histories that git computes one by one.
            with nullcontext() if output is None else suppress(KsrcfindError):
                engine.histories.build_index()
        if output is None:
            _check_saved(engine)
        else:
            progress = session.terminal.progress
            write_bundle(engine.backend, output, progress, with_history=with_history, with_code=with_code)
            report = replace(report, size_bytes=output.stat().st_size)
    session.terminal.write(report_json(report) if as_json else str(report))
    return FOUND


def _check_saved(engine: Engine) -> None:
    """Raise `KsrcfindError` if the index could not be written to the cache directory."""
    if engine.index.unsaved is not None:
        raise KsrcfindError(engine.index.unsaved, UNSAVED_HINT)


def _bundle_of_list(options: Common, output: Path | None) -> int:
    """Write a bundle of the kernel's own list of log calls."""
    from ksrcfind.bundle.of_printk_index import NOTE, write_list
    from ksrcfind.printk_index.read import read_lists

    if options.printk_index is None or output is None:
        raise KsrcfindError("--printk-index needs no index", "Add --output FILE to write a bundle.")
    about = write_list(read_lists(options.printk_index), output)
    say(NOTE)
    write(f"{about.messages:,} messages of {about.rev}\n")
    return FOUND
