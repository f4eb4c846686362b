"""The hosts of logs: a central syslog has the lines of many hosts, a directory has a log of each.

A line belongs to the host that it names. Lines that name none, such as further lines of a message, belong to the host
of the line before them. A log without any name has one host, which is named after the file.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from ksrcfind.regex import regex

NAMELESS = frozenset({"", "-", "(none)", "localhost", "localhost.localdomain", "localhost6", "unknown"})
"""What a log has instead of a host's name before the host knows it; many hosts have it, so it names none."""

HOSTS_KEPT = 10_000
"""Limit of named hosts of a run that are recognised again in another log."""


@dataclass(slots=True, eq=False)
class Host:
    """A host of a log. Two hosts with equal names are one host."""

    name: str | None = None
    """None if neither the log nor the name of its file says it. It is set late: the first lines may not have it."""

    @property
    def key(self) -> object:
        """Equal for the same host: its name, or without a name, the host itself."""
        return self.name if self.name is not None else self


NO_HOST = Host()
"""The host of lines that are not read from a log."""


class Hosts:
    """The hosts of all logs of a run by their names."""

    def __init__(self) -> None:
        self._named: dict[str, Host] = {}

    def named(self, name: str | None) -> Host:
        """Return the host of a name; without a name, a new one."""
        if name is None:
            return Host()
        host = self._named.get(name)
        if host is None:
            host = Host(name)
            if len(self._named) < HOSTS_KEPT:
                self._named[name] = host
        return host


# A number behind a digit is a part of an address or a release: 10.0.0.1, dmesg-6.1.11.
_ENDING = regex(
    r"\.(?:gz|xz|zst|bz2|log|txt|dmesg|out|json|jsonl|ndjson|old)$"
    r"|(?<!\d)\.\d{1,6}$|[.-](?:\d{4}-\d\d-\d\d|\d{8})$"
)


def hosts_of_files(paths: Iterable[str]) -> dict[str, str]:
    """Return file → the name of the host whose log it is, if its lines do not name one.

    That is the file's name without the usual endings, `web1` for `web1.dmesg.gz`. Files of one name in several
    directories are told apart by the directories: `web1/kern` and `web2/kern`.
    """
    stems = {path: _stem(path) for path in paths}
    directories: dict[str, set[str]] = {}
    for stem in stems.values():
        directories.setdefault(posixpath.basename(stem), set()).add(posixpath.dirname(stem))
    names = {}
    for path, stem in stems.items():
        name = posixpath.basename(stem)
        own = directories[name]
        shared = posixpath.commonpath(own) if len({directory.startswith("/") for directory in own}) == 1 else None
        if len(own) == 1:
            names[path] = name
        else:
            names[path] = posixpath.relpath(stem, shared) if shared else stem
    return names


def _stem(path: str) -> str:
    """Return a path without the endings of its file's name; a name keeps at least one character."""
    directory, name = posixpath.split(path)
    while (found := _ENDING.search(name)) is not None and found.start() > 0:
        name = name[: found.start()]
    return posixpath.join(directory, name)
