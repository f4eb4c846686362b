"""Generated C functions with one log call, and an interpreter that runs them.

Each condition has a number of its own, as in `if (t(7) && !t(8))`, and `switch` tests values `v(9)`. A run draws the
value of every evaluation from a seed and remembers the last one, so that listed conditions can be checked.
"""

import ast
import contextlib
import re
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random

CALL = "pr_info"
MAX_STEPS = 400


@dataclass(frozen=True)
class Condition:
    """`t(1)`, `!t(1)`, `t(1) && t(2)` or `t(1) || t(2)`: numbers and whether each is negated."""

    operator: str
    operands: tuple[tuple[int, bool], ...]

    def __str__(self):
        return f" {self.operator} ".join(f"{'!' * negated}t({number})" for number, negated in self.operands)


@dataclass(frozen=True)
class Statement:
    """A statement; which fields it uses depends on its kind."""

    kind: str
    condition: Condition | None = None
    parts: tuple[tuple["Statement", ...], ...] = ()
    name: str = ""
    number: int = 0
    labels: tuple[tuple[int | None, ...], ...] = ()


class Generator:
    """Makes one function from a seed."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.number = 0
        self.labels = []  # that statements here may jump to
        self.label_count = 0
        self.has_call = False
        self.budget = 24

    def function(self):
        """Return the statements of a function that contains the call once."""
        while True:
            self.has_call, self.budget, self.number, self.label_count = False, 24, 0, 0
            body = self.statements(0, loop=False, switch=False)
            before = None
            while body != before:
                before, body = body, _without_labels(body, set(_targets(body)))
            if CALL in source(body):
                return body

    def condition(self):
        operator = self.random.choice(["", "", "", "&&", "||"])
        count = self.random.choice([2, 3]) if operator else 1
        return Condition(operator, tuple((self.next(), self.random.random() < 0.3) for _ in range(count)))

    def next(self):
        self.number += 1
        return self.number

    def statements(self, depth, *, loop, switch):
        """Return the statements of a block, perhaps with labels behind them that they jump to."""
        labels = []
        if self.random.random() < (0.5 if depth == 0 else 0.15):
            for _ in range(self.random.choice([1, 1, 2])):
                self.label_count += 1
                labels.append(f"out{self.label_count}")
        self.labels += labels
        block = [
            self.statement(depth, loop=loop, switch=switch) for _ in range(self.random.randint(1, 5 - min(depth, 3)))
        ]
        for label in labels:
            if block and self.random.random() < 0.6:
                block.append(Statement("return"))
            self.labels.remove(label)
            block.append(Statement("label", name=label))
            block += [self.statement(depth, loop=loop, switch=switch) for _ in range(self.random.randint(1, 2))]
        return tuple(_without_dead(block))

    def statement(self, depth, *, loop, switch):
        self.budget -= 1
        if not self.has_call and self.random.random() < 0.12:
            self.has_call = True
            form = self.random.choice(
                ["plain", "plain", "plain", "and", "or", "then", "else", "in_if", "return", "while"]
            )
            return Statement("call", name=form, condition=self.condition(), number=self.next())
        choices = ["plain"]
        if depth < 4 and self.budget > 0:
            choices += ["if"] * 4 + ["else"] * 3 + ["while", "for", "each", "do", "forever"] + ["switch"] * 2
        choices += ["exit_if"] * 4 + ["bug_on"]
        if depth > 0:
            choices += ["exit"]
        kind = self.random.choice(choices)
        inner = depth + 1
        match kind:
            case "if":
                return Statement("if", self.condition(), (self.statements(inner, loop=loop, switch=switch),))
            case "else":
                parts = tuple(self.statements(inner, loop=loop, switch=switch) for _ in range(2))
                return Statement("if", self.condition(), parts)
            case "while" | "for" | "each" | "do":
                condition = self.condition()
                return Statement(kind, condition, (self.statements(inner, loop=True, switch=False),))
            case "forever":
                leave = Statement("if", self.condition(), ((Statement(self.random.choice(["break", "return"])),),))
                body = self.statements(inner, loop=True, switch=False)
                return Statement("forever", None, (_without_dead([*body, leave]),))
            case "switch":
                return self.switch(inner, loop=loop)
            case "exit_if":
                return Statement("if", self.condition(), ((self.exit(loop=loop, switch=switch),),))
            case "exit":
                return self.exit(loop=loop, switch=switch)
            case "bug_on":
                return Statement("bug_on", self.condition())
        return Statement("plain", number=self.next())

    def exit(self, *, loop, switch):
        choices = ["return", "return", "panic"]
        choices += ["goto"] * 3 if self.labels else []
        choices += ["break"] if loop or switch else []
        choices += ["continue"] if loop else []
        kind = self.random.choice(choices)
        return Statement(kind, name=self.random.choice(self.labels) if kind == "goto" else "")

    def switch(self, depth, *, loop):
        values = self.random.sample(range(5), self.random.randint(1, 4))
        labels, parts = [], []
        has_default = False
        while values:
            own = [values.pop()]
            if values and self.random.random() < 0.3:
                own.append(values.pop())
            if not has_default and self.random.random() < 0.25:
                has_default = True
                own.append(None)
            self.random.shuffle(own)
            labels.append(tuple(own))
            part = list(self.statements(depth, loop=loop, switch=True))
            if self.random.random() < 0.6:
                part.append(Statement("break"))
            parts.append(tuple(_without_dead(part)))
        return Statement("switch", None, tuple(parts), number=self.next(), labels=tuple(labels))


def _without_dead(block):
    """Return statements without those that control cannot reach, up to the next label."""
    result = []
    dead = False
    for statement in block:
        if statement.kind == "label":
            dead = False
        if not dead:
            result.append(statement)
        dead = dead or statement.kind in ("return", "panic", "goto", "break", "continue")
    return tuple(result)


def _targets(block):
    for statement in block:
        if statement.kind == "goto":
            yield statement.name
        for part in statement.parts:
            yield from _targets(part)


@cache
def _numbers(block):
    """Return the numbers of the conditions in statements."""
    numbers = set()
    for statement in block:
        numbers.add(statement.number)
        numbers.update(number for number, _ in (statement.condition.operands if statement.condition else ()))
        numbers.update(*map(_numbers, statement.parts))
    return numbers


def _without_labels(block, targets):
    """Return statements without the labels that nothing jumps to, and without what is dead then."""
    kept = []
    for statement in block:
        parts = tuple(_without_labels(part, targets) for part in statement.parts)
        if statement.kind != "label" or statement.name in targets:
            kept.append(replace(statement, parts=parts))
    return _without_dead(kept)


def source(body):
    """Return the C source of a function."""
    lines = ["int f(void)", "{", "\tint x = 0;"]
    _render(body, 1, lines)
    return "\n".join([*lines, "\treturn x;", "}", ""])


def _render(block, depth, lines):
    tab = "\t" * depth

    def part(number, header, tail=""):
        lines.append(f"{tab}{header} {{")
        _render(statement.parts[number], depth + 1, lines)
        lines.append(f"{tab}}}{tail}")

    for statement in block:
        condition = statement.condition
        match statement.kind:
            case "plain":
                lines.append(f"{tab}s({statement.number});")
            case "if":
                only = statement.parts[0]
                if len(statement.parts) == 1 and len(only) == 1 and only[0].kind in ("return", "goto", "break"):
                    lines.append(f"{tab}if ({condition})")
                    _render(only, depth + 1, lines)
                    continue
                part(0, f"if ({condition})")
                if len(statement.parts) > 1:
                    part(1, "else")
            case "while":
                part(0, f"while ({condition})")
            case "for":
                part(0, f"for (x = 0; {condition}; x++)")
            case "forever":
                part(0, "for (;;)")
            case "each":
                part(0, f"list_for_each_entry(p, {condition}, list)")
            case "do":
                part(0, "do", f" while ({condition});")
            case "switch":
                lines.append(f"{tab}switch (v({statement.number})) {{")
                for labels, inner in zip(statement.labels, statement.parts, strict=True):
                    lines += [f"{tab}default:" if value is None else f"{tab}case {value}:" for value in labels]
                    _render(inner, depth + 1, lines)
                    lines.append(f"{tab}\t;")
                lines.append(f"{tab}}}")
            case "label":
                lines.append(f"{statement.name}:")
                lines.append(f"{tab};")
            case "goto":
                lines.append(f"{tab}goto {statement.name};")
            case "return":
                lines.append(f"{tab}return x;")
            case "panic":
                lines.append(f'{tab}panic("no");')
            case "bug_on":
                lines.append(f"{tab}BUG_ON({condition});")
            case "call":
                lines.append(tab + _call(statement))
            case kind:
                lines.append(f"{tab}{kind};")


def _call(statement):
    printed, condition = f'{CALL}("here")', statement.condition
    whole = f"({condition})" if len(condition.operands) > 1 else condition
    return {
        "plain": f"{printed};",
        "and": f"{whole} && {printed};",
        "or": f"{whole} || {printed};",
        "then": f"x = {condition} ? {printed} : 0;",
        "else": f"x = {condition} ? 0 : {printed};",
        "in_if": f"if ({whole} && {printed})\n\t\ts(0);",
        "return": f"return {whole} && {printed};",
        "while": f"while (({whole}) && {printed})\n\t\ts(0);",
    }[statement.name]


class LeaveError(Exception):
    """Control leaves a statement: by `break`, `continue`, `goto`, or out of the function."""

    def __init__(self, kind, name=""):
        self.kind, self.name = kind, name


class TooLongError(Exception):
    """A run takes too many steps."""


@dataclass
class Run:
    """One run of a function. `at_call` has the last values of all conditions for each time that the call ran."""

    random: Random
    last: dict = field(default_factory=dict)
    at_call: list = field(default_factory=list)
    trace: list = field(default_factory=list)
    steps: int = 0

    def function(self, body):
        with contextlib.suppress(LeaveError):
            self.block(body)

    def draw(self, number, values):
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLongError
        self.last[number] = self.random.randrange(values)
        self.trace.append((number, self.last[number]))
        return self.last[number]

    def holds(self, condition):
        for number, negated in condition.operands:
            value = bool(self.draw(number, 2)) != negated
            if condition.operator == "||" and value:
                return True
            if condition.operator != "||" and not value:
                return False
        return condition.operator != "||"

    def block(self, block, start=0):
        at = start
        while at < len(block):
            try:
                self.statement(block[at])
            except LeaveError as leave:
                names = [each.name if each.kind == "label" else "" for each in block]
                if leave.kind != "goto" or leave.name not in names:
                    raise
                at = names.index(leave.name)
            at += 1

    def loop(self, body):
        """Run the body of a loop once; return whether the loop goes on.

        Values of earlier passes are forgotten: a listed condition is about the pass that the call runs in.
        """
        for number in _numbers(body):
            self.last.pop(number, None)
        try:
            self.block(body)
        except LeaveError as leave:
            if leave.kind not in ("break", "continue"):
                raise
            return leave.kind == "continue"
        return True

    def statement(self, statement):
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLongError
        condition, parts = statement.condition, statement.parts
        match statement.kind:
            case "if":
                holds = self.holds(condition)
                if holds or len(parts) > 1:
                    self.block(parts[0 if holds else 1])
            case "while" | "for" | "each":
                while self.holds(condition) and self.loop(parts[0]):
                    pass
            case "forever":
                while self.loop(parts[0]):
                    self.steps += 1
                    if self.steps > MAX_STEPS:
                        raise TooLongError
            case "do":
                while self.loop(parts[0]) and self.holds(condition):
                    pass
            case "switch":
                self.switch(statement)
            case "bug_on":
                if self.holds(condition):
                    raise LeaveError("panic")
            case "call":
                self.call(statement)
            case "return" | "panic" | "break" | "continue" | "goto":
                raise LeaveError(statement.kind, statement.name)

    def switch(self, statement):
        value = self.draw(statement.number, 5)
        starts = [at for at, labels in enumerate(statement.labels) if value in labels]
        starts += [at for at, labels in enumerate(statement.labels) if None in labels]
        try:
            for part in statement.parts[starts[0] :] if starts else ():
                self.block(part)
        except LeaveError as leave:
            if leave.kind != "break":
                raise

    def call(self, statement):
        match statement.name:
            case "plain":
                self.printed()
            case "and" | "then" | "in_if":
                if self.holds(statement.condition):
                    self.printed()
            case "or" | "else":
                if not self.holds(statement.condition):
                    self.printed()
            case "return":
                if self.holds(statement.condition):
                    self.printed()
                raise LeaveError("return")
            case "while":
                while self.holds(statement.condition):
                    self.printed()

    def printed(self):
        """The call: it returns 1."""
        self.at_call.append(dict(self.last))
        self.trace.append((0, 1))


def listed_holds(condition, last):
    """Return whether a listed condition holds with the last values of the function's conditions.

    An exit that was not evaluated was not taken; anything else that was not evaluated does not hold.
    """
    value = _value(condition.expression, last)
    if condition.kind == "guard":
        return value is not condition.negated
    return value is (not condition.negated)


def _value(expression, last):
    """Return an expression's value: True, False, or None if it depends on a condition that was not evaluated."""
    text = re.sub(r"!(?!=)", " not ", expression).replace("&&", " and ").replace("||", " or ")

    def value(node):
        match node:
            case ast.Call(func=ast.Name(id="list_for_each_entry"), args=[_, inner, _]):
                return value(inner)
            case ast.Call(args=[ast.Constant(value=number)]):
                known = last.get(number)
                return known if node.func.id == "v" or known is None else bool(known)
            case ast.Compare(left=left, comparators=[ast.Constant(value=number)]):
                known = value(left)
                return None if known is None else known == number
            case ast.UnaryOp(operand=operand):
                known = value(operand)
                return None if known is None else not known
            case ast.BoolOp(op=operator, values=values):
                known = [value(each) for each in values]
                decisive = isinstance(operator, ast.Or)
                if decisive in known:
                    return decisive
                return None if None in known else not decisive
            case ast.Constant(value=number):
                return bool(number)
        raise AssertionError(ast.dump(node))

    return value(ast.parse(text.strip(), mode="eval").body)
