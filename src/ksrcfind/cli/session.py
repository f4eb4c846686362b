"""Prepare a command: read settings from options, environment and files, open a tree, and create a writer."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind import config
from ksrcfind.cli.options import AUTO, Asking, Batching, Common
from ksrcfind.cli.terminal import Terminal, open_terminal, say, show_note
from ksrcfind.config import Settings
from ksrcfind.engine.engine import Engine
from ksrcfind.engine.open import answering_from, open_engine
from ksrcfind.errors import KsrcfindError
from ksrcfind.log.stream import is_directory, is_file
from ksrcfind.output.formats import Format, Output, writer_of
from ksrcfind.output.links import Links
from ksrcfind.output.style import Color, Painter
from ksrcfind.output.writer import Writer
from ksrcfind.tree.snapshot import TreeInfo


class Session(Struct, frozen=True):
    """One run of the program, with its options, settings and terminal."""

    settings: Settings
    rev: str | None
    terminal: Terminal
    directory: Path
    """The current directory."""

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Open the selected tree and close it at the end; write its notes to standard error."""
        engine = open_engine(self.settings, self.rev, self.directory, self.terminal.progress)
        shown = engine.notes
        try:
            for note in shown:
                show_note(self.terminal.painter.line(f"note: {note}"))
            yield engine
        finally:
            for note in engine.notes:
                if note not in shown:
                    show_note(self.terminal.painter.line(f"note: {note}"))
            if engine.releases.advice is not None:
                show_note(self.terminal.painter.line(f"note: {engine.releases.advice}"))
            engine.close()

    def painter(self, engine: Engine) -> Painter:
        """Return the painter for text about a tree, with links if the terminal supports them."""
        terminal, settings = self.terminal, self.settings
        linked = terminal.follows_links if settings.hyperlinks == "auto" else settings.hyperlinks == "always"
        links = (
            Links(settings.place_link, settings.commit_link, engine.source_root, engine.info.rev) if linked else None
        )
        return replace(terminal.painter, links=links)

    def writer(
        self,
        options: Asking,
        engine: Engine,
        *,
        callers: int = 0,
        logs: Sequence[str] = (),
        all_matches: bool = False,
        by_host: bool = False,
        everything: bool = False,
        only_incidents: bool = False,
    ) -> Writer:
        """Return the writer of the selected format. With `logs`, text output is the one for whole logs.

        `callers` is the number of levels of callers in a report. Of whole logs, text shows all matches of each message
        with `all_matches`, its hosts with `by_host` (and `everything`), and the worst incidents with `only_incidents`.
        """
        output = Output(
            self.terminal.write,
            self.painter(engine),
            engine,
            self.directory,
            callers,
            logs,
            partial(_tree_options, options, engine),
            all_matches,
            by_host,
            everything,
            only_incidents,
        )
        return writer_of(options.format, output)


def _tree_options(options: Common, engine: Engine, tree: TreeInfo) -> list[str]:
    """Return the options with which another command answers from a tree: those of this run, and its revision.

    A line that is not in the tree of the run can be answered from another release.
    """
    rev = options.rev if tree == engine.info else tree.rev
    given = (("-C", options.repo), ("--index", options.index), ("--rev", rev))
    return [word for name, value in given if value is not None for word in (name, str(value))]


def begin(options: Common) -> Session:
    """Return the session of a run: options override the environment, which overrides configuration files.

    Raises `KsrcfindError` for options that contradict each other and for a configuration that cannot be used.
    """
    settings = config.resolve(os.environ)
    if options.index is not None and (options.repo is not None or options.rev is not None):
        raise KsrcfindError("--index cannot be combined with --repo or --rev", "A bundle holds one revision.")
    if options.printk_index is not None and options.index is not None:
        raise KsrcfindError("--printk-index cannot be combined with --index", "Name a tree beside it, with --repo.")
    at = _named(options.repo if options.repo is not None else settings.repo, settings)
    if at.repo is not None and is_file(at.repo) and options.repo is not None:
        raise KsrcfindError(f"not a directory: {options.repo}", "--repo needs the directory of a kernel tree.")
    if options.rev == AUTO and not isinstance(options, Batching):
        raise KsrcfindError("--rev auto works only with batch", "Name a tag, branch or commit.")
    # --repo and --rev override a bundle that the environment names.
    bundle = (
        options.index
        or _own_list(options, settings)
        or at.index
        or (settings.index if at.repo is None and options.rev is None else None)
    )
    default = Color.NEVER if os.environ.get("NO_COLOR") else Color(settings.color)
    machine = options.format is not Format.TEXT
    return Session(
        settings=replace(
            settings,
            repo=at.repo,
            index=bundle,
            jobs=options.jobs or settings.jobs,
            follow=not (isinstance(options, Asking) and options.no_follow),
        ),
        rev=options.rev,
        terminal=open_terminal(options.color or default, quiet=options.quiet, machine=machine),
        directory=_current_directory(),
    )


def _own_list(options: Common, settings: Settings) -> Path | None:
    """Return a bundle of the kernel's own list of log calls, if the options ask for it and name no tree."""
    if options.printk_index is None or options.repo is not None or options.rev is not None:
        return None
    from ksrcfind.bundle.of_printk_index import NOTE, cached_list
    from ksrcfind.printk_index.read import read_lists

    bundle = cached_list(read_lists(options.printk_index), settings.cache_dir)
    say(NOTE)
    return bundle


def _named(repo: Path | None, settings: Settings) -> Settings:
    """Return settings for what `--repo` names, a path or a tree's name. An existing directory wins over a name."""
    path = settings.trees.get(str(repo)) if repo is not None and not is_directory(repo) else None
    return replace(settings, repo=repo, index=None) if path is None else answering_from(settings, path)


def _current_directory() -> Path:
    """Return the current directory. Raises `KsrcfindError` if it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise KsrcfindError("the current directory was removed", "Change to a directory that exists.") from None
