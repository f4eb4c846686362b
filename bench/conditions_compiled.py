"""Check the interpreter of generated functions, and the listed conditions, against compiled C.

    PYTHONPATH=tests python -m bench.conditions_compiled [FUNCTIONS]

Needs `cc`. Each function runs with the same random values as in the interpreter (tests/generated_functions.py): both
must evaluate the same conditions with the same results and call in the same places. The listed conditions are judged
by these runs as in tests/test_conditions_random.py.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

from generated_functions import CALL, Generator, Run, TooLongError, listed_holds, source
from ksrcfind.conditions.circumstances import circumstances

RUNS = 20  # of one function
VALUES = 4000  # random numbers of a run

HEADER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
static jmp_buf stop;
static const int *draws;
static int drawn;
static int draw(int number, int value) { printf("%d:%d ", number, value); return value; }
static int t(int number) { return draw(number, draws[drawn++] & 1); }
static int v(int number) { return draw(number, draws[drawn++] % 5); }
static void s(int number) { (void)number; }
static int pr_info(const char *text) { (void)text; printf("0:1 "); return 1; }
static void panic(const char *text) { (void)text; longjmp(stop, 1); }
#define BUG_ON(condition) do { if (condition) longjmp(stop, 1); } while (0)
#define list_for_each_entry(p, condition, list) while (condition)
"""


class _Drawn(Random):
    """Hands out given numbers as `draw` in C does."""

    def __init__(self, numbers):
        super().__init__(0)
        self._numbers = iter(numbers)

    def randrange(self, values):
        number = next(self._numbers)
        return number & 1 if values == 2 else number % 5


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    functions, expected, program = [], [], [HEADER]
    complete = reached = wrong = 0
    for seed in range(count):
        body = Generator(seed).function()
        text = source(body)
        line = text[: text.index(CALL)].count("\n") + 1
        found = circumstances(text.encode(), line, line, CALL, "f")
        ran = False
        for number in range(RUNS):
            generator = Random(f"{seed}/{number}")
            numbers = [generator.randrange(1 << 20) for _ in range(VALUES)]
            run = Run(_Drawn(numbers))
            try:
                run.function(body)
            except TooLongError:
                continue
            used = len([1 for each, _ in run.trace if each])
            functions.append((seed, numbers[:used]))
            expected.append("".join(f"{each}:{value} " for each, value in run.trace))
            ran = ran or bool(run.at_call)
            wrong += any(not listed_holds(each, last) for last in run.at_call for each in found.conditions)
            if not run.at_call and found.complete:
                wrong += all(listed_holds(each, run.last) for each in found.conditions)
        reached += ran
        complete += ran and found.complete
        program.append(text.replace("int f(void)", f"static int f{seed}(void)"))
    cases = "".join(
        f"{{ static const int d[] = {{{','.join(map(str, [*numbers, 0]))}}}; draws = d; drawn = 0;"
        f' if (!setjmp(stop)) f{seed}(); puts(""); }}\n'
        for seed, numbers in functions
    )
    program.append(f"int main(void)\n{{\n{cases}\treturn 0;\n}}\n")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "functions.c"
        path.write_text("\n".join(program))
        subprocess.run(["cc", "-w", "-O0", "-o", str(path.with_suffix("")), str(path)], check=True)
        output = subprocess.run([str(path.with_suffix(""))], check=True, capture_output=True, text=True, timeout=600)
    differing = sum(one != other for one, other in zip(output.stdout.splitlines(), expected, strict=True))
    print(f"{count} functions, {len(expected)} runs")
    print(f"runs that differ between C and the interpreter: {differing}")
    print(f"runs against the listed conditions: {wrong}")
    print(f"functions whose call ran: {reached}, with complete conditions: {complete}")
    return 1 if differing or wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
