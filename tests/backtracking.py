"""A regular expression engine that does what `re` does and counts the characters that it looks at."""

import re


class Reader:
    """Reads a text as a regular expression does that backtracks, and counts the characters that it looks at."""

    def __init__(self, text):
        self.text = text
        self.read = 0

    def places(self, tree, place):
        """Yield where a match can end, the preferred first."""
        if not tree:
            yield place
            return
        (operation, argument), rest = tree[0], tree[1:]
        for end in self.one(str(operation), argument, place):
            yield from self.places(rest, end)

    def one(self, operation, argument, place):
        match operation:
            case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY" | "RANGE" | "CATEGORY":
                self.read += 1
                if place < len(self.text) and accepts(operation, argument, self.text[place]):
                    yield place + 1
            case "AT":
                if self.is_at(str(argument), place):
                    yield place
            case "SUBPATTERN":
                yield from self.places(list(argument[3]), place)
            case "BRANCH":
                for branch in argument[1]:
                    yield from self.places(list(branch), place)
            case "ATOMIC_GROUP":
                yield from self.first(self.places(list(argument), place))
            case "ASSERT" | "ASSERT_NOT":
                direction, tree = argument
                start = place if direction > 0 else place - tree.getwidth()[0]
                found = start >= 0 and any(True for _ in self.places(list(tree), start))
                if found == (operation == "ASSERT"):
                    yield place
            case "MAX_REPEAT":
                yield from self.repeated(*argument, place, greedy=True)
            case "MIN_REPEAT":
                yield from self.repeated(*argument, place, greedy=False)
            case "POSSESSIVE_REPEAT":
                yield from self.first(self.repeated(*argument, place, greedy=True))
            case _:
                raise NotImplementedError(operation)

    def is_at(self, what, place):
        before, behind = self.text[place - 1 : place] if place else "", self.text[place : place + 1]
        match what:
            case "AT_END_STRING":
                return not behind
            case "AT_END":
                return behind in ("", "\n")
            case "AT_BEGINNING":
                return before in ("", "\n")
            case "AT_BOUNDARY":
                return (before.isalnum() or before == "_") != (behind.isalnum() or behind == "_")
        raise NotImplementedError(what)

    @staticmethod
    def first(found):
        for place in found:
            yield place
            return

    def repeated(self, least, most, tree, place, *, greedy):
        if least <= 0 and not greedy:
            yield place
        if most > 0:
            for end in self.places(list(tree), place):
                if end > place or least > 0:
                    yield from self.repeated(least - 1, most - 1, tree, end, greedy=greedy)
        if least <= 0 and greedy:
            yield place


def accepts(operation, argument, character):
    """Whether an item of a regular expression takes a character."""
    match operation:
        case "ANY":
            return True
        case "LITERAL":
            return ord(character) == argument
        case "NOT_LITERAL":
            return ord(character) != argument
        case "RANGE":
            return argument[0] <= ord(character) <= argument[1]
        case "CATEGORY":
            kind = str(argument).removeprefix("CATEGORY_")
            found = re.match({"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[kind.removeprefix("NOT_")], character)
            return bool(found) != kind.startswith("NOT_")
    negated = str(argument[0][0]) == "NEGATE"
    return any(accepts(str(one), what, character) for one, what in argument[negated:]) != negated


def characters_read(pattern, text):
    """How many characters are looked at to match the beginning of a text."""
    reader = Reader(text)
    found = next(reader.places(parsed(pattern), 0), None)
    match = pattern.match(text)
    assert found == (None if match is None else match.end())
    return reader.read


def parsed(pattern):
    """The parts of a regular expression."""
    return list(re._parser.parse(pattern.pattern, pattern.flags))
