"""The meaning of values: error numbers, allocation flags, taint letters.

Only the line and the call are used. Flags have changed their bits between releases, so a mask is decoded with the
names of flags that the line itself shows.
"""

from collections.abc import Sequence

from ksrcfind.regex import regex
from ksrcfind.source.message import Argument

# include/uapi/asm-generic/errno-base.h and errno.h, from 1 on; alpha, mips, parisc and sparc have some others.
_ERRNO_ROWS = """
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST
    EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM
    ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG
    EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET
    ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG
    ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE
    EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE
    EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN
    ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL
    EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD
    ENOTRECOVERABLE ERFKILL -
"""
_ERRNO = dict(enumerate(_ERRNO_ROWS.split(), 1))

# include/linux/errno.h: numbers that only the kernel itself uses.
_INTERNAL = {
    512: "ERESTARTSYS",
    513: "ERESTARTNOINTR",
    514: "ERESTARTNOHAND",
    515: "ENOIOCTLCMD",
    516: "ERESTART_RESTARTBLOCK",
    517: "EPROBE_DEFER",
    518: "EOPENSTALE",
    519: "ENOPARAM",
    521: "EBADHANDLE",
    522: "ENOTSYNC",
    523: "EBADCOOKIE",
    524: "ENOTSUPP",
    525: "ETOOSMALL",
    526: "ESERVERFAULT",
    527: "EBADTYPE",
    528: "EJUKEBOX",
    529: "EIOCBQUEUED",
    530: "ERECALLCONFLICT",
}

# kernel/panic.c, taint_flags
_TAINTS = {
    "P": "proprietary module",
    "F": "module loaded by force",
    "S": "processor out of specification",
    "R": "module unloaded by force",
    "M": "machine check",
    "B": "bad page",
    "U": "set from user space",
    "D": "died before",
    "A": "ACPI table replaced",
    "W": "warned before",
    "C": "staging driver",
    "I": "firmware bug worked around",
    "O": "out-of-tree module",
    "E": "unsigned module",
    "L": "soft lockup before",
    "K": "live patch",
    "X": "auxiliary",
    "T": "randomised structures",
    "N": "in-kernel test",
    "J": "mutating firmware call",
}

_SAYS_ERROR = regex(r"(?i)err|ret\b|\brc\b|status|result|\bres\b")
_NUMBER = regex(r"-(\d{1,4})$")
_TAINTED = regex(r"(?:.{0,40}\b)?Tainted: ([A-Z ]{1,40})$")


def decoded(arguments: Sequence[Argument], values: Sequence[str | None], number: int) -> str | None:
    """Return what the value of one of a message's arguments means, None if it has no further meaning."""
    argument, value = arguments[number], values[number]
    if not value:
        return None
    kind = argument.conversion.lstrip("%-+ #0123456789.*hlLzjt")
    if kind in ("d", "i") or kind == "pe":
        return _errno(value, argument.expression, certain=kind == "pe")
    if kind in ("x", "X"):
        return _named_by_next(arguments, values, number)
    tainted = _TAINTED.match(value) if kind == "s" else None
    if tainted is None:
        return None
    return ", ".join(_TAINTS[letter] for letter in tainted[1] if letter in _TAINTS) or None


def errno_name(number: int) -> str | None:
    """Return the name of an error number (positive)."""
    name = _ERRNO.get(number)
    return name if name != "-" and name is not None else _INTERNAL.get(number)


def _errno(value: str, expression: str, *, certain: bool) -> str | None:
    found = _NUMBER.match(value)
    if found is None or not (certain or found[1] != "1" or _SAYS_ERROR.search(expression)):
        return None
    return errno_name(int(found[1]))


def _named_by_next(arguments: Sequence[Argument], values: Sequence[str | None], number: int) -> str | None:
    """A mask that is printed again with names: `mode:%#x(%pGg)` of `gfp_mask, &gfp_mask`."""
    following = arguments[number + 1] if number + 1 < len(arguments) else None
    if following is None or not following.conversion.startswith("%pG"):
        return None
    return values[number + 1] if following.expression.lstrip("&") == arguments[number].expression else None
