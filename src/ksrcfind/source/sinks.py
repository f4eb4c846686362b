"""Log sinks: the few functions that write text to the kernel's log.

This is the only list of names. Expansion finds all other log calls through the macros and functions that call these.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TypedDict

from msgspec import Struct

from ksrcfind.levels import LEVELS

VERSION = 9
"""Raised when linking makes other messages of the same facts; an index made by an older one is linked anew."""


class LogSink(Struct, frozen=True):
    """A function or macro that logs its format."""

    name: str
    format: int
    """Index of the format among the arguments, from 0; negative from the end."""
    level: str | None = None
    """Level of all its messages, if fixed."""
    level_argument: int | None = None
    """Index of the argument that is the level (`KERN_INFO`)."""
    prefix: str = ""
    """The text that it prints before the format, in printf syntax."""
    prefix_arguments: tuple[str, ...] = ()
    """C expressions of the prefix's conversions; `$0` is the call's first argument."""
    variable_list: bool = False
    """True if a `va_list` follows the format instead of the values."""
    is_format_struct: bool = False
    """True if the format is a `struct va_format *`."""
    weak: bool = False
    """True if a definition in the tree takes precedence."""
    text_macro: str = ""
    """A macro that is applied to the format in files that define it: `pr_fmt`."""


class _Prefix(TypedDict):
    prefix: str
    prefix_arguments: tuple[str, ...]


_WITHOUT_DEBUG = LEVELS[:-1]  # dynamic debug has functions of its own
_DEVICE: _Prefix = {"prefix": "%s %s: ", "prefix_arguments": ("dev_driver_string($0)", "dev_name($0)")}
_DEVICE_1: _Prefix = {"prefix": "%s %s: ", "prefix_arguments": ("dev_driver_string($1)", "dev_name($1)")}
_PANIC = "Kernel panic - not syncing: "

_NETWORK_DEVICE: _Prefix = {
    "prefix": "%s %s %s%s: ",
    "prefix_arguments": (
        "dev_driver_string($0->dev.parent)",
        "dev_name($0->dev.parent)",
        "netdev_name($0)",
        "netdev_reg_state($0)",
    ),
}


def _of_headers() -> Iterator[LogSink]:
    """Yield macros of include/linux/printk.h, dev_printk.h and netdevice.h: an out-of-tree driver has no headers."""
    for name, level in (*((level, level) for level in _WITHOUT_DEBUG), ("warning", "warn"), ("dbg", "debug")):
        for suffix in ("", "_once", "_ratelimited"):
            plain = "debug" if name == "dbg" else name
            yield LogSink(f"pr_{plain}{suffix}", 0, level=level, weak=True, text_macro="pr_fmt")
            if name != "warning":
                yield LogSink(f"dev_{name}{suffix}", 1, level=level, weak=True, text_macro="dev_fmt", **_DEVICE)
                yield LogSink(f"netdev_{name}{suffix}", 1, level=level, weak=True, **_NETWORK_DEVICE)
    yield LogSink("pr_devel", 0, level="debug", weak=True, text_macro="pr_fmt")
    yield LogSink("pr_cont", 0, level="cont", weak=True)
    yield LogSink(
        "dev_err_probe",
        2,
        weak=True,
        text_macro="dev_fmt",
        prefix=f"{_DEVICE['prefix']}error %pe: ",
        prefix_arguments=(*_DEVICE["prefix_arguments"], "ERR_PTR($1)"),
    )


BUILT_IN: tuple[LogSink, ...] = (
    *_of_headers(),
    # kernel/printk/printk.c
    LogSink("printk", 0),
    LogSink("_printk", 0),
    LogSink("printk_deferred", 0),
    LogSink("_printk_deferred", 0),
    LogSink("printk_sched", 0),
    LogSink("early_printk", 0),
    LogSink("vprintk", 0, variable_list=True),
    LogSink("vprintk_default", 0, variable_list=True),
    LogSink("vprintk_deferred", 0, variable_list=True),
    LogSink("early_vprintk", 0, variable_list=True),
    LogSink("vprintk_emit", -2, variable_list=True),
    LogSink("printk_emit", 4),
    # drivers/base/core.c: the names of driver and device are the prefix.
    LogSink("dev_printk_emit", 2),
    LogSink("dev_vprintk_emit", 2, variable_list=True),
    LogSink("_dev_printk", 2, level_argument=0, **_DEVICE_1),
    LogSink("__dev_printk", 2, level_argument=0, is_format_struct=True, **_DEVICE_1),
    *(LogSink(f"_dev_{level}", 1, level=level, **_DEVICE) for level in _WITHOUT_DEBUG),
    # lib/dynamic_debug.c: the matcher handles the prefix of dynamic debug, which is usually empty.
    LogSink("__dynamic_pr_debug", 1, level="debug"),
    LogSink("__dynamic_dev_dbg", 2, level="debug", **_DEVICE_1),
    # kernel/panic.c
    LogSink("panic", 0, level="emerg", prefix=_PANIC),
    LogSink("vpanic", 0, level="emerg", prefix=_PANIC, variable_list=True),
    LogSink("nmi_panic", 1, level="emerg", prefix=_PANIC),
    LogSink("WARN", 1, level="warn"),
    LogSink("WARN_ONCE", 1, level="warn"),
    LogSink("WARN_TAINT", 2, level="warn"),
    LogSink("WARN_TAINT_ONCE", 2, level="warn"),
    LogSink("__WARN_printf", 1, level="warn"),
    LogSink("__warn_printk", 0, level="warn"),
    LogSink("warn_slowpath_fmt", -1, level="warn"),
    # Consoles of the firmware and of the code that starts the kernel: they are in the logs of a serial line.
    LogSink("efi_printk", 0, prefix="EFI stub: "),
    LogSink("prom_printf", 0),
    LogSink("prom_print", 0),
    LogSink("udbg_printf", 0),
    LogSink("decompressor_printk", 0),
    LogSink("sclp_early_printk", 0),
    LogSink("srm_printk", 0),
    LogSink("__putstr", 0),
    LogSink("putstr", 0),
)

NOT_LOGGED = frozenset(
    (
        "no_printk",
        "trace_printk",
        "__trace_printk",
        "ftrace_vprintk",
        "seq_printf",
        "seq_vprintf",
        "snprintf",
        "vsnprintf",
        "scnprintf",
        "vscnprintf",
        "sprintf",
        "vsprintf",
        "kasprintf",
        "kvasprintf",
        "sysfs_emit",
        "request_module",
        "__request_module",
        "drm_printf",
        "kobject_set_name",
        "kobject_set_name_vargs",
        "audit_log_format",
        "audit_log_vformat",
    )
)
"""Functions that do not print to the log; a debugging build may define some of them as log calls."""

FORMAT_PASSED = frozenset({"printk_skip_level", "printk_skip_headers"})
"""Functions that return their argument without its level (include/linux/printk.h)."""

CONTINUED = frozenset({"pr_cont", "pr_cont_once"})
"""Calls that continue a line, even if their level does not show it."""


def identity(roots: Iterable[LogSink]) -> str:
    """Return a hash of roots and of `VERSION`: messages can differ between indexes with different hashes."""
    return hashlib.sha256(repr((VERSION, sorted(map(repr, roots)))).encode()).hexdigest()[:16]
