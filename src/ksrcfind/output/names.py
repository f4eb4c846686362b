"""Names of logs and trees as people would say them."""

import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ksrcfind.log.hosts import hosts_of_files
from ksrcfind.log.stream import STDIN

if TYPE_CHECKING:
    from ksrcfind.batch.coverage import Summary
    from ksrcfind.engine.engine import Engine

SHORT_ID = 12
"""Characters of a commit id that are shown."""


def log_title(logs: Sequence[str], summary: "Summary") -> str:
    """Return what logs are: `dmesg of web1 (6.1.1-arch1-1)`, `syslog of 4 hosts (central.log)`."""
    kind = summary.kind if len(logs) == 1 else "logs"
    hosts = [host.name for host in summary.hosts]
    if len(hosts) > 1:
        count = f"{len(hosts):,}" if summary.hosts_complete else f"{len(hosts):,}+"
        return f"{kind} of {count} hosts ({_files(logs)})"
    name = (hosts[0] if hosts else None) or _host_of_file(logs)
    kernels = list(dict.fromkeys(seen.boot.version for seen in summary.boots if seen.boot.version is not None))
    kernel = f" ({kernels[0]})" if len(kernels) == 1 else f" ({len(kernels):,} kernels)" if kernels else ""
    return f"{kind} of {name}{kernel}" if name is not None else f"{kind} from standard input{kernel}"


def tree_title(engine: "Engine") -> str:
    """Return a tree's name: `Linux v6.1`, or for a plain directory `Linux 6.1.192 (linux-6.1)`."""
    rev = engine.info.rev or (engine.info.commit or "")[:SHORT_ID]
    if engine.source_root is None or (rev[:1] == "v" and rev[1:2].isdecimal()):
        return f"Linux {rev}"
    release, name = engine.source.release, rev or engine.root.name
    return f"Linux {release} ({name})" if release is not None else name


def _files(logs: Sequence[str]) -> str:
    names = ["standard input" if log == STDIN else posixpath.basename(posixpath.normpath(log)) or log for log in logs]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"


def _host_of_file(logs: Sequence[str]) -> str | None:
    """Return the host that the name of a log says; None for standard input."""
    if not logs or logs[0] == STDIN:
        return None
    return next(iter(hosts_of_files(logs).values()))
