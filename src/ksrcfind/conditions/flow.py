"""The control flow of a function: its statements are read into a graph of blocks.

Each whole condition of an `if`, loop or `switch` is one branch: `a && b` is not split, so that conditions read as the
source has them.
"""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from ksrcfind.conditions.function_tokens import NAME, Code
from ksrcfind.conditions.graph import DEFAULT, Block, Branch, Outcome, Span, reachable
from ksrcfind.regex import regex

_NEVER_RETURN = frozenset(
    [
        "panic",
        "BUG",
        "do_exit",
        "make_task_dead",
        "kthread_complete_and_exit",
        "kthread_exit",
        "module_put_and_kthread_exit",
        "unreachable",
        "__builtin_unreachable",
        "machine_restart",
        "nmi_panic",
        "do_group_exit",
        "complete_and_exit",
        "die_kernel_fault_and_exit",
        "prom_halt",
        "xmon_die",
    ]
)
_BUG_ON = frozenset(("BUG_ON", "VM_BUG_ON", "VM_BUG_ON_PAGE", "VM_BUG_ON_VMA", "VM_BUG_ON_MM", "VM_BUG_ON_FOLIO"))
_REPEATS = regex(r"(?:for|FOR|while|repeat)_\w++")
_REPEATING = ("for_each", "foreach", "FOR_EACH", "FOREACH", "_for_all", "_iterate")
_STATEMENT = frozenset(
    ["if", "while", "for", "do", "switch", "case", "default", "goto", "return", "break", "continue", "else"]
)
_UPPER = regex(r"[A-Z][A-Z0-9_]+")
_OPENS = frozenset("([{")
_CLOSES = frozenset(")]}")
_DEEPEST = 200  # nested statements


def repeats(name: str) -> bool:
    """Return whether a macro repeats the statement after it, judged by its name: `list_for_each_entry` does."""
    if NAME.fullmatch(name) is None:
        return False
    return _REPEATS.fullmatch(name) is not None or any(part in name for part in _REPEATING)


class Flow:
    """The blocks of a span of statements."""

    def __init__(self, code: Code, span: Span) -> None:
        self._code = code
        self._tokens = code.tokens
        self._high = span[1]
        self.blocks: list[Block] = []
        self.hidden = False
        """True if some jumps may be unknown: of macros, or in code that could not be read."""
        self._labels: dict[str, Block] = {}
        self._jumps: list[tuple[Block, str]] = []
        self._breaks: list[Block] = []
        self._continues: list[Block] = []
        self._switches: list[tuple[Block, Branch]] = []
        self.entry = self._block()
        self.exit = self._block()
        last = self._statements(span[0], span[1], self.entry)
        self._edge(last, self.exit)
        self._resolve_jumps()

    def block_of(self, index: int) -> Block | None:
        """Return the block whose code contains a token."""
        starts, owners = self._owners
        position = bisect_right(starts, index) - 1
        if position < 0:
            return None
        high, block = owners[position]
        return block if index < high else None

    @cached_property
    def _owners(self) -> tuple[list[int], list[tuple[int, Block]]]:
        """The starts of all spans of code, and for each its end and its block."""
        spans = sorted((low, high, block.number) for block in self.blocks for low, high in block.spans() if low < high)
        return [low for low, _, _ in spans], [(high, self.blocks[number]) for _, high, number in spans]

    # Parsing: each method reads from token `at`, with control in `block`, and returns where it stopped.

    def _statements(self, at: int, high: int, block: Block, depth: int = 0) -> Block:
        while at < high:
            before = at
            at, block = self._statement(at, block, depth)
            at = max(at, before + 1)
        return block

    def _statement(self, at: int, block: Block, depth: int = 0) -> tuple[int, Block]:
        if at >= self._high or depth > _DEEPEST:
            self.hidden = self.hidden or depth > _DEEPEST
            return self._high, block
        if block.at < 0:
            block.at = at
        text = self._tokens[at].text
        match text:
            case "{":
                close = self._code.closing(at)
                return close + 1, self._statements(at + 1, close, block, depth + 1)
            case ";" | "}":
                return at + 1, block
            case "else":  # its `if` is hidden in a macro
                self.hidden = True
                return at + 1, block
            case "if":
                return self._if(at, block, depth)
            case "while":
                return self._while(at, block, depth)
            case "for":
                return self._for(at, block, depth)
            case "do":
                return self._do(at, block, depth)
            case "switch":
                return self._switch(at, block, depth)
            case "case" | "default":
                return self._case(at, block)
            case "goto":
                end = self._end(at)
                self._jumps.append((block, self._text(at + 1)))
                return end, self._block()
            case "return":
                end = self._end(at)
                block.steps.append((at, end))
                self._edge(block, self.exit)
                return end, self._block()
            case "break" | "continue" if self._text(at + 1) == ";":
                targets = self._breaks if text == "break" else self._continues
                self._edge(block, targets[-1] if targets else self.exit)
                return at + 2, self._block()
        if NAME.fullmatch(text) and self._text(at + 1) == ":" and self._text(at + 2) != ":":
            label = self._labels.setdefault(text, self._block())
            label.label, label.at = text, at
            self._edge(block, label)
            return at + 2, label
        return self._simple(at, block, depth)

    def _simple(self, at: int, block: Block, depth: int) -> tuple[int, Block]:
        """Read an expression statement, a declaration, or a macro that looks like a loop."""
        text = self._text(at)
        if NAME.fullmatch(text) and self._text(at + 1) == "(":
            close = self._code.closing(at + 1)
            follows = self._text(close + 1)
            if repeats(text) and follows and follows not in (";", ",", ")", "=", ".", "->", "?"):
                return self._loop_macro(at, close, block, depth, uncertain=False)
            if follows == "{":
                return self._loop_macro(at, close, block, depth, uncertain=True)
            next_line = close + 1 < len(self._tokens) and self._code.line(close + 1) > self._code.line(close)
            if follows in _STATEMENT or (next_line and (NAME.fullmatch(follows) or follows == "}")):
                block.steps.append((at, close + 1))  # a macro without a semicolon
                return close + 1, block
            if follows == ";" and text in _BUG_ON and at != self._code.target:
                branch = self._decide("if", (at + 2, self._end_of_argument(at + 2, close)), block)
                branch.following = following = self._block()
                self._edge(block, self.exit, True)
                self._edge(block, following, False)
                return close + 2, following
            if follows == ";" and text in _NEVER_RETURN and at != self._code.target:
                block.steps.append((at, close + 2))
                self._edge(block, self.exit)
                return close + 2, self._block()
        end = self._end(at)
        block.steps.append((at, end))
        return end, block

    def _if(self, at: int, block: Block, depth: int) -> tuple[int, Block]:
        opening = self._condition_start(at)
        close = self._code.closing(opening)
        branch = self._decide("if", (opening + 1, close), block)
        then, other, following = self._block(), self._block(), self._block()
        self._edge(block, then, True)
        self._edge(block, other, False)
        at, last = self._statement(close + 1, then, depth + 1)
        self._edge(last, following)
        if self._text(at) == "else":
            at, other = self._statement(at + 1, other, depth + 1)
        self._edge(other, following)
        branch.inside, branch.following = (close + 1, at), following
        return at, following

    def _while(self, at: int, block: Block, depth: int) -> tuple[int, Block]:
        opening = self._condition_start(at)
        close = self._code.closing(opening)
        return self._loop((opening + 1, close), None, close + 1, block, depth)

    def _for(self, at: int, block: Block, depth: int) -> tuple[int, Block]:
        close = self._code.closing(at + 1)
        first = self._semicolon(at + 2, close)
        second = self._semicolon(first + 1, close)
        block.steps.append((at + 2, first))
        return self._loop((first + 1, second), (second + 1, close), close + 1, block, depth)

    def _loop_macro(self, at: int, close: int, block: Block, depth: int, *, uncertain: bool) -> tuple[int, Block]:
        return self._loop((at, close + 1), None, close + 1, block, depth, uncertain=uncertain)

    def _loop(
        self, span: Span, each: Span | None, body: int, block: Block, depth: int, *, uncertain: bool = False
    ) -> tuple[int, Block]:
        """Read the body of a loop; `each` runs after each pass."""
        head, first, again, following = self._block(), self._block(), self._block(), self._block()
        head.at, following.label = span[0], "loop"
        self._edge(block, head)
        branch = self._decide("loop", span, head)
        branch.uncertain = branch.uncertain or uncertain
        condition = [token.text for token in self._tokens[span[0] : span[1]]]
        self._edge(head, first, True if condition and condition not in (["1"], ["true"]) else None)
        if condition and condition not in (["1"], ["true"]):
            self._edge(head, following, False)
        self._breaks.append(following)
        self._continues.append(again)
        at, last = self._statement(body, first, depth + 1)
        self._breaks.pop()
        self._continues.pop()
        self._edge(last, again)
        if each is not None:
            again.steps.append(each)
        self._edge(again, head)
        branch.inside = (body, at)
        return at, following

    def _do(self, at: int, block: Block, depth: int) -> tuple[int, Block]:
        first, again, following = self._block(), self._block(), self._block()
        following.label = "loop"
        self._edge(block, first)
        self._breaks.append(following)
        self._continues.append(again)
        body = at + 1
        at, last = self._statement(body, first, depth + 1)
        self._breaks.pop()
        self._continues.pop()
        self._edge(last, again)
        if self._text(at) != "while":
            self.hidden = True
            self._edge(again, following)
            return at, following
        again.at = at
        close = self._code.closing(at + 1)
        condition = [token.text for token in self._tokens[at + 2 : close]]
        if condition in (["0"], ["false"]):
            self._edge(again, following)
        else:
            branch = self._decide("loop", (at + 2, close), again)
            branch.inside = (body, at)
            self._edge(again, first, True)
            if condition not in (["1"], ["true"]):
                self._edge(again, following, False)
        return close + 2, following

    def _switch(self, at: int, block: Block, depth: int) -> tuple[int, Block]:
        close = self._code.closing(at + 1)
        branch = self._decide("switch", (at + 2, close), block)
        following = self._block()
        self._breaks.append(following)
        self._switches.append((block, branch))
        start = close + 1
        at, last = self._statement(start, self._block(), depth + 1)
        self._breaks.pop()
        self._switches.pop()
        self._edge(last, following)
        branch.inside = (start, at)
        if not any(outcome == frozenset((DEFAULT,)) for _, outcome in block.after):
            self._edge(block, following, frozenset((DEFAULT,)))
        return at, following

    def _case(self, at: int, block: Block) -> tuple[int, Block]:
        end, questions, nested = at + 1, 0, 0
        while end < self._high:
            text = self._text(end)
            nested += (text in _OPENS) - (text in _CLOSES)
            questions += text == "?"
            if text == ":" and nested <= 0:
                if not questions:
                    break
                questions -= 1
            end += 1
        label = self._block()
        label.label, label.at = "case", at
        self._edge(block, label)
        if self._switches:
            head, branch = self._switches[-1]
            number = DEFAULT
            if self._text(at) == "case":
                number = len(branch.cases)
                branch.cases.append(self._code.source(at + 1, end))
                branch.case_lines.append(self._code.line(at))
            label.uncertain = self._code.is_uncertain(at)
            self._edge(head, label, frozenset((number,)))
        else:
            self.hidden = True
        return end + 1, label

    def _decide(self, kind: str, span: Span, block: Block) -> Branch:
        """Return a new branch that ends a block."""
        uncertain = span[0] < len(self._tokens) and self._code.is_uncertain(span[0])
        block.branch = Branch(kind, span, uncertain)
        return block.branch

    def _condition_start(self, at: int) -> int:
        """Return the opening parenthesis of `if (` or of `if likely(`."""
        return at + 1 if self._text(at + 1) == "(" else at + 2

    def _end(self, at: int) -> int:
        """Return the index after the semicolon that ends a statement; at most that of the block's closing brace."""
        while at < self._high:
            text = self._text(at)
            if text == ";":
                return at + 1
            if text in _OPENS:
                at = self._code.closing(at)
            elif text == "}":
                return at
            at += 1
        return self._high

    def _semicolon(self, at: int, high: int) -> int:
        while at < high and self._text(at) != ";":
            at = self._code.closing(at) + 1 if self._text(at) in _OPENS else at + 1
        return at

    def _end_of_argument(self, at: int, high: int) -> int:
        while at < high and self._text(at) != ",":
            at = self._code.closing(at) + 1 if self._text(at) in _OPENS else at + 1
        return at

    def _text(self, at: int) -> str:
        return self._tokens[at].text if at < len(self._tokens) else ""

    def _block(self) -> Block:
        block = Block(len(self.blocks))
        self.blocks.append(block)
        return block

    def _edge(self, start: Block, end: Block, outcome: Outcome = None) -> None:
        start.after.append((end, outcome))
        end.before.append((start, outcome))

    def _resolve_jumps(self) -> None:
        for block, name in self._jumps:
            target = self._labels.get(name)
            if target is None:
                self.hidden = True
            self._edge(block, target or self.exit)
        for name, label in self._labels.items():
            for block in self._macros_that_name(name):
                label.uncertain = True
                self._edge(block, label)
        reached = reachable(self.entry)
        for label in self._labels.values():
            if label not in reached:
                label.uncertain = True
                self._edge(self.entry, label)

    @cached_property
    def _positions(self) -> dict[str, list[int]]:
        """Where each label's name occurs."""
        found: dict[str, list[int]] = {}
        for at in range(2, self._high):
            if self._tokens[at].text in self._labels:
                found.setdefault(self._tokens[at].text, []).append(at)
        return found

    def _macros_that_name(self, label: str) -> Iterator[Block]:
        """Yield the blocks with macros that seem to jump to a label: `GET_OR_GOTO(x, out)`."""
        for at in self._positions.get(label, ()):
            if self._text(at - 1) in ("(", ",") and self._text(at + 1) in (")", ","):
                opening = at - 1
                while opening > 0 and self._text(opening) not in ("(", ";", "{", "}"):
                    opening -= 1
                block = self.block_of(at)
                if self._text(opening) == "(" and _UPPER.fullmatch(self._text(opening - 1)) and block is not None:
                    yield block
