"""Feeds the parsers what nobody would write: `python -m bench.fuzz [--inputs N] [--seed S] [--only NAME]`.

Texts are put together from pieces of the language that a parser reads, from examples, and from what was made before
with parts repeated, swapped, cut or replaced. One process for each parser, one after the other; an input that takes
longer than the guard ends it with its text kept. Reported for each: inputs, exceptions, the longest time and the most
memory of one input. What fails is made as short as it goes and written to `--output`.
"""

import argparse
import multiprocessing
import random
import re
import resource
import shutil
import signal
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ksrcfind.bundle.format import Bundle
from ksrcfind.config import Settings, with_tree_file
from ksrcfind.errors import KsrcfindError
from ksrcfind.evolution.rules import _expression
from ksrcfind.history.commits import parse_commit
from ksrcfind.history.wording import SourceText
from ksrcfind.log.line import read_line
from ksrcfind.log.records import read_rows, split_lines
from ksrcfind.source import template
from ksrcfind.source.extract import extract
from ksrcfind.source.kbuild import module_names
from ksrcfind.source.parse import Parser
from ksrcfind.source.summary import summary
from ksrcfind.source.switched_off import switched_on
from ksrcfind.tree.maintainers import Maintainers
from ksrcfind.tree.versions import parse_tag

GUARD = 10
"""Seconds of processor time after which an input counts as one that never ends."""

LONGEST = 4_000
"""Characters of an input; one in a thousand is fifty times as long."""

NUMBERS = ("0", "1", "-1", "00", "4294967296", "18446744073709551616", "9" * 30, "9" * 5000, "0x" + "f" * 5000, "1e999")
ODD = (
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "é",
    "\u2028",
    "\ufeff",
    "\x1b[31m",
    "\x85",
    "\u0660",
    "\U0001f600",
    "\ud800",
    "\\",
)


@dataclass(frozen=True)
class Target:
    """A parser, and what its language is made of."""

    read: Callable[[str], object]
    pieces: str
    """Pieces of the language, one a line; `\\n` stands for a line end."""
    weight: int
    """Its share of the inputs."""


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _read_rows(text: str) -> object:
    return list(read_rows(split_lines([_data(text[:17]), _data(text[17:])]), "log"))


def _read_source(text: str) -> object:
    data = _data(text)
    facts = extract(data, _parser())
    list(SourceText(data).wordings)
    switched_on(data, 3)
    return summary(facts)


def _parser() -> Parser:
    if not _PARSER:
        _PARSER.append(Parser())
    return _PARSER[0]


_PARSER: list[Parser] = []


def _read_makefiles(text: str) -> object:
    first, _, second = text.partition("\f")
    return module_names({"a/Makefile": first, "a/b/Kbuild": second})


def _read_maintainers(text: str) -> object:
    found = Maintainers(text)
    return [found.subsystem(path) for path in ("mm/slab.c", "drivers/net/a/b.c", "a" * 200 + "/b.c")]


def _read_format(text: str) -> object:
    template.words(text)
    template.literal_words(text)
    return template.template(text)


def _read_settings(text: str) -> object:
    return with_tree_file(Settings(cache_dir=Path("cache")), _data(text), "tree")


def _read_commit(text: str) -> object:
    commit = parse_commit("0" * 40, _data(text))
    parse_tag(text, tail=True)
    return commit.subject


def _read_rule(text: str) -> object:
    return _expression(text)


LOG = r"""
[    1.000000]
[    1.000000][  T123]
[   12.345678] CPU: 1 PID: 7 Comm: a
<6>
<191>
<6>[    1.000000]
kern  :info  :
Jan  1 00:00:00 host kernel:
2024-01-01T00:00:00.000000+00:00 host kernel:
2024-01-01T00:00:00,000000+00:00
Mon 2024-01-01 00:00:00 UTC host kernel:
[Mon Jan  1 00:00:00 2024]
1700000000.123456 host kernel[12]:
01-01 00:00:00.000  1000  1000 I tag :
I/tag ( 100):
6,1,1,-;text\n SUBSYSTEM=a\n DEVICE=+a\n
{"MESSAGE":"a","PRIORITY":"6","__REALTIME_TIMESTAMP":"1","_TRANSPORT":"kernel"}
{"MESSAGE":[97,98,300],"_PID":1}
{"kernel":{"dmesg":[{"pri":"6","time":1.5,"msg":"a"}]}}
MESSAGE=text\nPRIORITY=6\n_TRANSPORT=kernel\n\n
MESSAGE\n
\0\0\0\0\0\0\0
__CURSOR=s=0;i=1;b=00;m=1;t=ff;x=0
-- Boot 00000000000000000000000000000000 --
-- Reboot --
message repeated 3 times: [ text]
[pod/a/b]
web_1  |
>
> >
\x1b[0m
nginx[12]:
Call Trace:
 ? foo+0x1/0x2
RIP: 0010:foo+0x1/0x2
------------[ cut here ]------------
---[ end trace 0000000000000000 ]---
Linux version 6.1.0-13-amd64 (a@b) #1
EXT4-fs (sda1): mounted
audit: type=1400 audit(1.1:1):
data:
,
"
{
}
[
]
:
"""
C = r"""
\nvoid f(void)\n{\n
\nint f(const char *fmt, ...)\n{\n
\n}\n
\n};\n
\tpr_err("a %s\n", b);\n
printk(KERN_ERR "text" " more %d", 1);
dev_err(&a->dev,
"text
text\n"
"a"
'"'
'\''
/*
*/
//
\\\n
\\
\n#if 0\n
\n#ifdef A\n
\n#else\n
\n#endif\n
\n#define A(a, b...) printk("x" a, ##b)\n
\n#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt\n
\n#define A
\n#undef A\n
\n#include "a.h"\n
\nstatic const char text[] = "text";\n
va_list args; va_start(args, fmt); vprintk(fmt, args);
struct va_format vaf = { .fmt = fmt };
if (a)
else
do {
} while (0)
__attribute__((format(printf, 1, 2)))
SYSCALL_DEFINE1(a,
##
#a
__stringify(A)
__VA_ARGS__
(
)
{
}
;
,
=
?
:
a
%s
%pV
0x12
"""
MAKE = r"""
obj-y += a.o\n
obj-$(CONFIG_A) += b.o c/\n
a-objs := a1.o a2.o\n
a-$(CONFIG_B) += a3.o\n
$(addprefix a/,b.o c.o)
$(patsubst %.c,%.o,
$(subst m,y,$(CONFIG_A))
$(a)
${a}
$(
)
a := $(b)\nb := $(a)\n
a = $(a) $(a)\n
include a/Makefile\n
include $(src)/Kbuild\n
ifeq ($(A),y)\n
endif\n
\\\n
#
\t
=
+=
:
%
.o
-objs
export A
\f
\n
"""
MAINTAINERS = r"""
\nACME SUBSYSTEM\n
M:\tA B <a@b.c>\n
L:\ta@b.c (moderated)\n
S:\tMaintained\n
F:\tmm/\n
F:\tdrivers/*/a*b?.c\n
F:\t
X:\tmm/slab*\n
N:\tslab\n
N:\t(a+)+[^x]{1,9}\n
N:\t
*a
*
?
[
]
(
)
|
+
{1,1000}
\\
/
a
\n
"""
FORMAT = r"""
%s
%-5.2lu
%*d
%.*s
%pI4
%pISpfsc
%*ph
%%
%
%l
%#
%0
%.
%-
*
.
text
a_b
\x01
\n
<6>
"""
TOML = r"""
release_tags = ["v[0-9]*"]\n
release_tags =
[[roots]]\n
name = "xen_printk"\n
format = 0\n
format =
level = "err"\n
prefix = "(XEN) "\n
a.b.c = 1\n
[a.b]\n
[[
]]
[
]
{
}
"
'''
\"\"\"
\\u0000
\\
=
,
.
#
\n
1979-05-27T07:32:00Z
inf
nan
true
0b1
1_0
"""
COMMIT = r"""
tree 0000000000000000000000000000000000000000\n
parent 0000000000000000000000000000000000000000\n
author A B <a@b.c> 1700000000 +0100\n
author  <> -1 +999999\n
encoding latin1\n
encoding
gpgsig a\n b\n
\n
\n\n
commit 0123456789abcdef0123456789abcdef01234567 upstream.\n
(cherry picked from commit 0123456789abcdef)\n
This reverts commit 0123456789abcdef0123456789abcdef01234567.\n
Fixes: 0123456789ab ("a")\n
Signed-off-by: A B <a@b.c>\n
Link: https://a/b\n
[ a@b.c: fixed ]\n
v6.1-rc1
1.2.3
-
:
<
>
"""
RULE = r"""
a
.*
(
)
[^a]
\\d
{1,1000}
|
^
$
(?i)
\\
+
*?
"""

TARGETS = {
    "line": Target(read_line, LOG, 30),
    "stream": Target(_read_rows, LOG, 15),
    "source": Target(_read_source, C, 15),
    "makefile": Target(_read_makefiles, MAKE, 4),
    "maintainers": Target(_read_maintainers, MAINTAINERS, 7),
    "format": Target(_read_format, FORMAT, 10),
    "configuration": Target(_read_settings, TOML, 7),
    "commit": Target(_read_commit, COMMIT, 5),
    "rule": Target(_read_rule, RULE, 2),
}
CARRIED = "carried"
CARRIED_WEIGHT = 1


class Author:
    """Makes texts of a language, right, wrong and in between."""

    def __init__(self, pieces: str, seed: int) -> None:
        self.dice = random.Random(seed)
        lines = [line for line in pieces.split("\n") if line]
        self._pieces = [line.encode("latin-1", "replace").decode("unicode_escape", "replace") for line in lines]
        self._written: list[str] = ["".join(self._pieces)]

    def text(self) -> str:
        """The next text."""
        dice = self.dice
        most = LONGEST * 50 if dice.random() < 0.001 else LONGEST if dice.random() < 0.1 else 200
        kind = dice.random()
        if kind < 0.4:
            text = "".join(self._piece() for _ in range(dice.randint(1, 12)))
        elif kind < 0.8:
            text = dice.choice(self._written)
            for _ in range(dice.randint(1, 4)):
                text = self._changed(text, most)
        else:
            piece = "".join(self._piece() for _ in range(dice.randint(1, 3)))
            text = self._piece() + piece * (most // max(1, len(piece))) + self._piece()
        text = text[:most]
        if len(text) < LONGEST:
            if len(self._written) < 500:
                self._written.append(text)
            else:
                self._written[dice.randrange(500)] = text
        return text

    def _piece(self) -> str:
        kind = self.dice.random()
        if kind < 0.8:
            return self.dice.choice(self._pieces)
        return self.dice.choice(ODD if kind < 0.95 else NUMBERS)

    def _changed(self, text: str, most: int) -> str:
        dice = self.dice
        first, last = sorted(dice.randint(0, len(text)) for _ in range(2))
        part = text[first:last]
        match dice.randrange(7):
            case 0:
                return text[:first] + text[last:]
            case 1:
                return text[:first] + self._piece() + text[first:]
            case 2:
                return text[:first] + part * dice.choice((2, 3, max(1, most // max(1, len(part))))) + text[last:]
            case 3:
                return text[:first] + self._piece() + text[last:]
            case 4:
                return text[last:] + part + text[:first]
            case 5:
                return re.sub(r"\d+", lambda _: dice.choice(NUMBERS), text, count=dice.randint(1, 3))
            case _:
                return text[:first] + dice.choice(self._written) + text[first:]


class EndlessError(Exception):
    """An input takes longer than the guard."""


@dataclass
class Outcome:
    """What a parser made of its inputs."""

    inputs: int = 0
    slowest: float = 0.0
    slowest_text: str = ""
    memory: int = 0
    failures: int = 0


def tried(read: Callable[[str], object], text: str) -> BaseException | None:
    """Return what goes wrong with an input; an error in the program's own words is none."""
    signal.setitimer(signal.ITIMER_VIRTUAL, GUARD)
    try:
        read(text)
    except KsrcfindError:
        return None
    except Exception as error:  # noqa: BLE001 - all of them are looked for
        return error
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def shortened(read: Callable[[str], object], text: str, error: BaseException) -> str:
    """Return a shorter text that fails in the same way."""
    size = len(text) // 2
    while size:
        at = 0
        while at < len(text):
            shorter = text[:at] + text[at + size :]
            if type(tried(read, shorter)) is type(error):
                text = shorter
            else:
                at += size
        size //= 2
    return text


def fuzz(name: str, read: Callable[[str], object], texts: Iterator[str], output: Path) -> Outcome:
    """Feed a parser, and keep what fails."""
    signal.signal(signal.SIGVTALRM, _endless)
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    outcome = Outcome()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen: set[str] = set()
    for text in texts:
        start = time.process_time()
        error = tried(read, text)
        took = time.process_time() - start
        outcome.inputs += 1
        if took > outcome.slowest:
            outcome.slowest, outcome.slowest_text = took, text
        if error is not None:
            outcome.failures += 1
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
            if where not in seen:
                seen.add(where)
                short = text if isinstance(error, EndlessError) else shortened(read, text, error)
                (output / f"{name}-{len(seen)}").write_bytes(_data(short))
                print(f"{name}: {where}: {error!s:.100}: {short!r:.300}", flush=True)
    outcome.memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    (output / f"{name}-slowest").write_bytes(_data(outcome.slowest_text))
    return outcome


def _endless(_number: int, _frame: object) -> None:
    raise EndlessError


def _carried(example: Path, directory: Path, dice: random.Random) -> Callable[[str], object]:
    """A reader of a carried index with some bytes replaced, its checksum put right."""
    data = example.read_bytes()

    def read(_text: str) -> None:
        file = directory / "mutated"
        changed = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(100, len(changed) - 4)
            changed[at : at + dice.choice((1, 1, 4))] = dice.choice(
                (b"\0", b"\xff", b"\x80", b"[", b"\xff\xff\xff\xff")
            )
        del changed[len(data) :]
        changed[-4:] = zlib.crc32(changed[:-4]).to_bytes(4, "big")
        file.write_bytes(changed)
        index = Bundle(file)
        try:
            for path in index.paths():
                for first, count in index.spans_of(path):
                    index.messages(first, count)
            index.word("panic")
        finally:
            index.close()

    return read


def _run(name: str, inputs: int, seed: int, output: Path, example: Path | None, queue: multiprocessing.Queue) -> None:
    if name == CARRIED:
        assert example is not None
        directory = Path(tempfile.mkdtemp())
        read = _carried(example, directory, random.Random(seed))
        texts: Iterator[str] = ("" for _ in range(inputs))
        queue.put(fuzz(name, read, texts, output))
        shutil.rmtree(directory)
        return
    author = Author(TARGETS[name].pieces, seed)
    queue.put(fuzz(name, TARGETS[name].read, (author.text() for _ in range(inputs)), output))


def main() -> None:
    """Run all parsers, or one."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--inputs", type=int, default=20_000, help="of all parsers together")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", choices=[*TARGETS, CARRIED])
    options.add_argument("--carried", type=Path, help="an index to carry, whose file is changed")
    options.add_argument("--output", type=Path, default=Path(tempfile.gettempdir()) / "ksrcfind-fuzz")
    given = options.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    weights = {name: target.weight for name, target in TARGETS.items()}
    if given.carried:
        weights[CARRIED] = CARRIED_WEIGHT
    names = [given.only] if given.only else list(weights)
    whole = sum(weights[name] for name in names)
    fork = multiprocessing.get_context("fork")
    for name in names:
        queue = fork.Queue()
        share = max(1, given.inputs * weights[name] // whole)
        process = fork.Process(target=_run, args=(name, share, given.seed, given.output, given.carried, queue))
        start = time.monotonic()
        process.start()
        while process.is_alive() and queue.empty():
            process.join(0.5)
        if queue.empty():
            print(f"{name}: ended with status {process.exitcode}")
            continue
        outcome = queue.get()
        process.join()
        print(
            f"{name}: {outcome.inputs:,} inputs in {time.monotonic() - start:.0f} s, {outcome.failures} exceptions, "
            f"longest {outcome.slowest:.3f} s ({len(outcome.slowest_text):,} characters), {outcome.memory} MB more",
            flush=True,
        )


if __name__ == "__main__":
    main()
