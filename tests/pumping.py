"""Searches for texts on which a regular expression takes more than linear time, for every expression of the package.

An expression that backtracks reads the same characters again where two of its repetitions can share them, or where each
place that it starts at leads as far as the last. Both show on a text that repeats one piece: what a repetition takes,
what an expression begins with, or a single character. All these are taken from the expression itself; each is tried
with some ways to go on behind it.

Run as a program: `python tests/pumping.py FOLDER` prints a line of JSON for each text that hurts.
"""

import ast
import importlib
import importlib.util
import json
import pkgutil
import random
import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import _constants as constants
from re import _parser as parser

import ksrcfind

SHORT = 4_000
"""Characters of a text that every piece is tried with."""
SUSPECT = 1e-6
"""Seconds for a character of a short text from which on a long one is tried. No test fails by it."""
LONG = 150_000
"""Characters at which squares take minutes and straight lines fractions of a second."""
GUARD = 10.0
"""Seconds of processor time that no straight line takes for a long text."""
VARIANTS = 8
"""Texts that are made for one part of an expression."""

FUNCTIONS = frozenset(("compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"))
AT_ONE_PLACE = frozenset(("match", "fullmatch"))


@dataclass(frozen=True)
class Expression:
    """A regular expression of the package."""

    where: str
    """`source/scan.py:61`."""
    pattern: re.Pattern
    searched: bool
    """False if it is only matched at one place of a text."""


@dataclass(frozen=True)
class Generated:
    """A regular expression that a function makes from what it is given."""

    where: str
    """`source/scan.py:bodies`."""


def expressions() -> Iterator[Expression | Generated]:
    """Every regular expression in the source of the package."""
    sources = dict(_sources())
    used = _uses(sources)
    for name, tree in sources.items():
        module = importlib.import_module(name)
        for call, inside, assigned in _calls(tree):
            where = str(Path(module.__file__).relative_to(Path(ksrcfind.__file__).parent))
            try:
                pattern = re.compile(*(_evaluated(each, module) for each in _pattern_and_flags(call)))
            except NameError:
                yield Generated(f"{where}:{inside}")
                continue
            methods = used[name, assigned] if assigned else {_function(call)}
            grammar = assigned == "Grammar"
            yield Expression(
                f"{where}:{call.lineno}", pattern, searched=not grammar and not (methods and methods <= AT_ONE_PLACE)
            )


def _sources():
    for found in pkgutil.walk_packages(ksrcfind.__path__, "ksrcfind."):
        if found.name not in ("ksrcfind.__main__", "ksrcfind.regex"):
            spec = importlib.util.find_spec(found.name)
            yield found.name, ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _uses(sources):
    """Module and name of an expression → names of the methods that are called on it anywhere."""
    used = defaultdict(set)
    named = defaultdict(set)
    for name, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                used[name, owner].add(node.attr)
                if not owner.startswith("_"):
                    named[owner].add(node.attr)
    return defaultdict(
        set, {(name, owner): (methods | named[owner]) & FUNCTIONS for (name, owner), methods in used.items()}
    )


def _calls(tree):
    """Each call of `re` that takes an expression, with the function around it and the name that it is given."""

    def walk(node, inside, assigned):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside, assigned = node.name, ""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned = node.targets[0].id
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "Grammar":
                assigned = "Grammar"
            function = _function(node)
            if function in FUNCTIONS:
                yield node, inside, assigned if function == "compile" else ""
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside, assigned)

    yield from walk(tree, "", "")


def _function(call):
    """The function of `re` that a call calls; `regex()` of the package compiles as well."""
    match call.func:
        case ast.Attribute(ast.Name("re"), name):
            return name
        case ast.Name("regex"):
            return "compile"
    return ""


def _pattern_and_flags(call):
    flags = [each.value for each in call.keywords if each.arg == "flags"]
    place = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(_function(call), 2)
    return [call.args[0], *(flags or call.args[place : place + 1])]


def _evaluated(node, module):
    return eval(compile(ast.Expression(node), "", "eval"), vars(module))


class Texts:
    """Texts that an expression, or a part of it, matches or nearly matches."""

    def __init__(self, pattern: re.Pattern) -> None:
        self.tree = parser.parse(pattern.pattern, pattern.flags)
        self.dice = random.Random(0)
        self._members: dict[int, list[str]] = {}
        self.classes = list(_classes(self.tree))
        kinds = {}
        candidates = [chr(number) for number in range(128)] + ["é", "\u0660", "\u2028"]
        if isinstance(pattern.pattern, bytes):
            candidates = candidates[:128]
        for character in candidates:
            kinds.setdefault(tuple(_accepts(each, character) for each in self.classes), character)
        self.characters = list(kinds.values())
        """One for each set of classes of the expression."""

    def pumps(self) -> Iterator[tuple[str, str]]:
        """Beginnings, each with a piece to repeat behind it."""
        found = {("", character): None for character in self.characters}
        for items, inside in _sequences(self.tree):
            for at, item in enumerate(items):
                for variant in range(VARIANTS):
                    before = self.text(inside) + self.text(items[:at])
                    found["", before + self.text([item])] = None
                    if (body := _repeated(item)) is not None:
                        found[before, self.text(body)] = None
                        found[before, self.text(body) + self.dice.choice(self.characters)] = None
                        after = self.text(items[at : at + 2])
                        found[before, after] = None
                        if variant < 2:
                            found |= dict.fromkeys((before, character) for character in self.characters)
        return (each for each in found if each[1])

    def text(self, items) -> str:
        """A text for some items, by chance."""
        return "".join(map(self._one, items))

    def _one(self, item):
        operation, argument = item
        match str(operation):
            case "LITERAL":
                return chr(argument)
            case "NOT_LITERAL" | "IN" | "ANY":
                if id(item) not in self._members:
                    self._members[id(item)] = _members(item, self.characters) or ["a"]
                return self.dice.choice(self._members[id(item)])
            case "SUBPATTERN":
                return self.text(argument[3])
            case "BRANCH":
                return self.text(self.dice.choice(argument[1]))
            case "GROUPREF_EXISTS":
                return self.text(self.dice.choice([body for body in argument[1:] if body is not None]))
            case "ATOMIC_GROUP":
                return self.text(argument)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, body = argument
                return "".join(self.text(body) for _ in range(min(most, least + self.dice.choice((0, 1, 1, 2)))))
            case "AT" | "ASSERT" | "ASSERT_NOT" | "GROUPREF":
                return ""
        raise NotImplementedError(operation)


def _repeated(item):
    """What an item repeats, if it repeats anything."""
    return item[1][2] if str(item[0]).endswith("_REPEAT") and item[1][1] > 1 else None


def _parts(item):
    """The sequences of items inside of an item."""
    operation, argument = str(item[0]), item[1]
    if operation == "SUBPATTERN":
        return [argument[3]]
    if operation == "BRANCH":
        return argument[1]
    if operation == "GROUPREF_EXISTS":
        return [body for body in argument[1:] if body is not None]
    if operation == "ATOMIC_GROUP":
        return [argument]
    if operation in ("ASSERT", "ASSERT_NOT"):
        return [argument[1]]
    return [argument[2]] if operation.endswith("_REPEAT") else []


def _sequences(tree, before=()):
    """Every sequence of items, with the items that lead to it."""
    items = list(tree)
    yield items, list(before)
    for at, item in enumerate(items):
        for part in _parts(item):
            yield from _sequences(part, [*before, *items[:at]])


def _classes(tree):
    for item in tree:
        if str(item[0]) in ("IN", "ANY", "LITERAL", "NOT_LITERAL"):
            yield item
        for part in _parts(item):
            yield from _classes(part)


@cache
def _category(name: str) -> re.Pattern:
    return re.compile({"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[name])


def _accepts(item, character):
    operation, argument = str(item[0]), item[1]
    match operation:
        case "ANY":
            return character != "\n"
        case "LITERAL":
            return ord(character) == argument
        case "NOT_LITERAL":
            return ord(character) != argument
        case "RANGE":
            return argument[0] <= ord(character) <= argument[1]
        case "CATEGORY":
            kind = str(argument).removeprefix("CATEGORY_")
            return bool(_category(kind.removeprefix("NOT_")).match(character)) != kind.startswith("NOT_")
    negated = argument[0][0] == constants.NEGATE
    return any(_accepts(each, character) for each in argument[negated:]) != negated


def _members(item, characters):
    if str(item[0]) == "ANY":
        return characters
    return [each for each in characters if _accepts(item, each)]


class Slow(Exception):  # noqa: N818 - it is a finding
    """A text takes too long."""


def hurting(expression: Expression) -> Iterator[tuple[str, str, str]]:
    """Yield beginning, repeated piece and end of the texts on which an expression takes more than linear time."""
    texts = Texts(expression.pattern)
    for before, piece in texts.pumps():
        for end in ("\0", "\n"):
            if is_slow(expression, before, piece, end):
                yield before, piece, end
                break


def is_slow(expression: Expression, before: str, piece: str, end: str) -> bool:
    """Whether an expression takes more than linear time on a text."""
    try:
        took = _took(expression, _text(expression, before, piece, end, SHORT))
        if took > SUSPECT * SHORT:
            _took(expression, _text(expression, before, piece, end, LONG))
    except Slow:
        return True
    return False


def _text(expression, before, piece, end, length):
    text = before + piece * (length // len(piece)) + end
    return text.encode("latin-1", "replace") if isinstance(expression.pattern.pattern, bytes) else text


def _took(expression, text) -> float:
    def stop(_number, _frame):
        raise Slow

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, GUARD)
    start = time.process_time()
    try:
        if expression.searched:
            for _ in expression.pattern.finditer(text):
                pass
        else:
            expression.pattern.match(text)
            expression.pattern.fullmatch(text)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.process_time() - start


def main(folder: str) -> None:
    """Print what hurts the expressions of a folder."""
    for expression in expressions():
        if isinstance(expression, Expression) and expression.where.startswith(folder):
            for before, piece, end in hurting(expression):
                found = [expression.where, str(expression.pattern.pattern), before, piece, end]
                sys.stdout.write(json.dumps(found) + "\n")
                sys.stdout.flush()
                break


if __name__ == "__main__":
    main(sys.argv[1])
