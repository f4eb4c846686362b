"""Check the rules of a monitoring system against the messages of two releases.

A rule is compared with what the calls can print (`ksrcfind.rules`): it matches a message if some text of the message's
template, with any values, matches the rule. Where the search gives no answer, an example of the rule is looked up like
a line of a log, so that no rule is called dead for a text that `find` explains.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

from msgspec import Struct
from msgspec.structs import replace

from ksrcfind.evolution.differences import Difference
from ksrcfind.levels import LEVELS, rank
from ksrcfind.rules.expression import ExpressionError, Node
from ksrcfind.rules.language import Line
from ksrcfind.rules.meeting import BudgetSpentError, Meeting, Search
from ksrcfind.rules.prefilter import Wordings
from ksrcfind.rules.program import Program, example
from ksrcfind.rules.record import Filter, Rule
from ksrcfind.source.message import Form, Message
from ksrcfind.source.template import lines, pieces

ANSWERS = ("matches", "debug_only", "reworded", "gone", "never", "cannot_tell")
"""The answers about a rule; `STATES` has the state of each, which older versions of the program know."""
STATES = {
    "matches": "matches",
    "debug_only": "matches",
    "reworded": "lost",
    "gone": "lost",
    "never": "never",
    "cannot_tell": "unknown",
}
STRINGS_OF_TREE = 1
"""Values of a message that are searched in the whole tree, at most: some file has every word, so three of them prove
nothing."""
LEAST_CONFIDENCE = 0.5
"""Confidence of an answer to an example of a rule, at least."""
SHORTEST_STRING = 8
"""Characters of a text that is searched in the strings of the source, at least."""
FEWEST_WORDS = 3
"""Words of a part of a rule that is searched in the strings of the source, at least."""
MOST_STRINGS = 64
"""Values of one rule whose strings are remembered."""
ESCAPES = frozenset(".^$*+?{}[]\\|()")


class Found(Struct, frozen=True):
    """A message that a rule matches."""

    message: Message
    text: str
    """A text that the rule matches and the message can print."""
    values: tuple[str, ...] = ()
    """The pieces of the text that must be values of the message."""
    tier: str = "exact"
    """`exact`: the message's own text has all that the rule asks for. `partial`: a value has a part of it. `string`: a
    string of the source has it, and the call that prints the string is not known. `looked up`: the text was found like
    a line of a log."""
    confidence: float | None = None
    """The confidence of the answer to the text that was looked up."""


class Outcome(Struct, frozen=True):
    """The result of checking a rule."""

    rule: Rule
    answer: str
    """One of `ANSWERS`."""
    old: tuple[Found, ...]
    """The messages of the older release that the rule matches, the most certain first."""
    new: tuple[Found, ...]
    """The messages of the newer release that the rule matches, the most certain first."""
    became: tuple[Difference, ...] = ()
    """If the rule matches nothing in the newer release: how the messages that it matched changed."""
    note: str | None = None
    """What the reader must know about the answer."""
    proposal: str | None = None
    """For a reworded message: an expression that matches the new text."""

    @property
    def state(self) -> str:
        """`matches` (something in the newer release), `lost` (only in the older release), `never` or `unknown`."""
        return STATES[self.answer]

    @property
    def worst_level(self) -> str | None:
        """The most severe level of the messages that the rule matches in the newer release."""
        known = [found.message.level for found in self.new if found.message.level in LEVELS]
        return min(known, key=rank, default=None)


Explained = tuple[Message, float]
"""A message that explains a text, with the confidence of the answer."""


class Evidence(Struct, frozen=True):
    """What else a release knows of a text, besides its messages."""

    explained: Callable[[str], Sequence[Explained]] = lambda _: ()
    """Returns the messages that match a text, like a log line, the best first."""
    has_string: Callable[[str, str], bool] = lambda _path, _text: False
    """Returns whether a file (its path) has a string with a text, which is a value in a message of this file."""
    string: Callable[[str], tuple[str, int] | None] = lambda _: None
    """Returns path and line of a string of the source that contains a text. None if there is none."""


def outcomes(
    rules: Iterable[Rule],
    old: Sequence[Message],
    new: Sequence[Message],
    changed: Callable[[], Sequence[Difference]],
    evidence: tuple[Evidence, Evidence],
) -> list[Outcome]:
    """Return the result for each rule, given all messages of both releases.

    `changed` returns the differences between both; it is asked for once, if a rule needs them.
    The `evidence` of each release is asked for only about rules that match no message with certainty.
    """
    both = _Releases(old, new, changed)
    known: dict[object, Outcome] = {}  # Files of many teams repeat each other's rules.
    found: list[Outcome] = []
    for rule in rules:
        key = rule.filters, rule.ignored
        outcome = known.get(key)
        if outcome is None:
            outcome = known[key] = _outcome(rule, both, evidence)
        found.append(replace(outcome, rule=rule))
    return found


def id_of(message: Message) -> tuple[str, int, str]:
    """Return a key that identifies a message within its release."""
    return message.path, message.line_start, message.forms[0].printed


def proposed(printed: str) -> str:
    """Return an expression for the texts of a message."""
    return "".join(
        "".join(f"\\{one}" if one in ESCAPES else one for one in piece)
        if isinstance(piece, str)
        else {"d": r"-?\d+", "i": r"-?\d+", "u": r"\d+", "x": "[0-9a-f]+"}.get(piece.kind, ".*")
        for piece in pieces(lines(printed)[0])
    )


class _Releases:
    """All messages of two releases by the lines that they print: most lines are printed in both."""

    def __init__(
        self, old: Sequence[Message], new: Sequence[Message], changed: Callable[[], Sequence[Difference]]
    ) -> None:
        self._changed = changed
        self.printing = (_by_line(old), _by_line(new))
        self.wordings = Wordings(sorted(self.printing[0].keys() | self.printing[1].keys()))

    @cached_property
    def became(self) -> dict[tuple[str, int, str], Difference]:
        """How the messages of the older release changed, by `id_of` the message."""
        return {id_of(difference.old): difference for difference in self._changed() if difference.old is not None}

    def matching(self, node: Node) -> tuple[dict[str, Meeting], str | None]:
        """Return line → meeting for the lines that a filter can match, and why the search ended early if it did."""
        search = Search(Program(node))
        if search.matches_all or search.matches_prefix:
            return dict.fromkeys(self.wordings.lines, Meeting("", 0, 0, ())), None
        found: dict[str, Meeting] = {}
        spent: str | None = None
        for candidates in self.wordings.candidates(node):
            for number in candidates:
                line = self.wordings.lines[number]
                try:
                    meeting = search.meeting(Line(line))
                except BudgetSpentError:
                    spent = "the search for a common text took too many steps"
                    if search.is_spent:
                        return found, spent
                    continue
                if meeting is not None:
                    found[line] = meeting
            if any(meeting.is_certain for meeting in found.values()):
                break  # The others have more of the text in their values.
        return found, spent


def _by_line(messages: Iterable[Message]) -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        for line in dict.fromkeys(part for form in message.forms for part in lines(form.printed)):
            if line:
                found[line].append(message)
    return dict(found)


class _Matched(Struct):
    """What a rule matches in each release, and what is uncertain about it."""

    releases: tuple[list[Found], list[Found]]
    loose: str | None = None
    spent: str | None = None


def _outcome(rule: Rule, both: _Releases, evidence: tuple[Evidence, Evidence]) -> Outcome:
    try:
        matched = _matched(rule, both, evidence)
    except ExpressionError as error:
        return Outcome(rule, "cannot_tell", (), (), note=str(error))
    was, now = matched.releases
    notes = [f"{matched.loose} was not compared: the rule may match less"] if matched.loose else []
    notes += [rule.ignored] if rule.ignored else []
    if was and now and was[0].tier == "exact" and not _go_on(was, now, both):
        notes.append(f"in the newer release, only values of messages could have the text (calls: {len(now):,})")
        now = []
    if now:
        quiet = all(one.message.level == "debug" for one in now)
        before = any(one.message.level != "debug" for one in was)
        answer = "debug_only" if quiet and before else "matches"
        notes += [matched.spent + ": there can be more messages"] if matched.spent else []
        return Outcome(rule, answer, tuple(was), tuple(now), note="; ".join(notes) or None)
    if matched.spent:
        return Outcome(rule, "cannot_tell", tuple(was), (), note="; ".join([*notes, matched.spent]))
    if not was or was[0].tier != "exact":
        asked = evidence[1:] if was else evidence  # What the older release had is no evidence for the newer one.
        doubt = _partial_string(rule, asked) or _weakly_explained(rule, asked)
        if doubt is not None:
            return Outcome(rule, "cannot_tell", tuple(was), (), note="; ".join([*notes, doubt]))
    if not was:
        return Outcome(rule, "never", (), (), note="; ".join(notes) or None)
    changes = tuple(both.became[id_of(one.message)] for one in was if id_of(one.message) in both.became)
    reworded = [change.new for change in changes if change.kind == "reworded" and change.new is not None]
    proposal = proposed(reworded[0].forms[0].printed) if reworded else None
    answer = "reworded" if reworded else "gone"
    return Outcome(rule, answer, tuple(was), (), changes, "; ".join(notes) or None, proposal)


def _go_on(was: Sequence[Found], now: Sequence[Found], both: _Releases) -> bool:
    """Return whether a rule that had a message of its own still has one, or a value that took the text over.

    A text that `find` explains, or another message with a value, is not enough: every text is a value of some message.
    """
    if now[0].tier == "exact":
        return True
    changed = [both.became[id_of(one.message)].new for one in was if id_of(one.message) in both.became]
    kept = {id_of(message) for message in changed if message is not None}
    return any(one.tier == "partial" and id_of(one.message) in kept for one in now)


def _matched(rule: Rule, both: _Releases, evidence: tuple[Evidence, Evidence]) -> _Matched:
    """Return the messages that match every filter of a rule. Raises `ExpressionError` for one that is too large."""
    common: dict[str, Meeting] | None = None
    result = _Matched(([], []))
    for one in rule.filters:
        node, loose = one.node()
        found, spent = both.matching(node)
        result.loose = result.loose or loose
        result.spent = result.spent or spent
        if common is not None:
            found = {line: _fewer(common[line], found[line]) for line in common if line in found}
        common = found
    meetings = common or {}
    for own, printing, known in zip(result.releases, both.printing, evidence, strict=True):
        anywhere = lru_cache(maxsize=MOST_STRINGS)(known.string)
        own.extend(
            _messages(meetings, printing, known.has_string)
            or _messages(
                {line: one for line, one in meetings.items() if len(_strings_of(one)) <= STRINGS_OF_TREE},
                printing,
                lambda _, text, ask=anywhere: ask(text) is not None,  # type: ignore[misc]
            )
            or _further(rule, known)
        )
    return result


def _messages(
    meetings: Mapping[str, Meeting], printing: Mapping[str, list[Message]], has_string: Callable[[str, str], bool]
) -> list[Found]:
    """Return the messages of a release that print lines with a text of a rule, the most certain first.

    An uncertain text counts if its values are strings of the source, given path and text.
    """
    found: dict[tuple[str, int, str], Found] = {}
    for line, meeting in meetings.items():
        for message in printing.get(line, ()):
            if not meeting.is_certain and not _has_strings(has_string, message, meeting):
                continue
            key = id_of(message)
            if key not in found or found[key].tier != "exact":
                tier = "partial" if meeting.valued else "exact"
                found[key] = Found(message, meeting.text, meeting.values, tier)
    return sorted(found.values(), key=lambda one: (_TIERS.index(one.tier), len("".join(one.values)), one.message.path))


def _has_strings(has_string: Callable[[str, str], bool], message: Message, meeting: Meeting) -> bool:
    return all(has_string(message.path, value) for value in _strings_of(meeting))


def _strings_of(meeting: Meeting) -> list[str]:
    """Return the values of a message that must be strings of the source; single characters are everywhere."""
    return [value.strip() for value in meeting.values if len(value.strip()) > 1]


def _further(rule: Rule, known: Evidence) -> list[Found]:
    """Return what else a release knows of the text of a rule that no message has."""
    texts = _examples(rule.filters)
    explained = [(text, *one) for text in texts for one in known.explained(text) if one[1] >= LEAST_CONFIDENCE]
    if explained:
        return [Found(message, text, (), "looked up", confidence) for text, message, confidence in explained]
    for text in texts:
        place = known.string(text) if len(text) >= SHORTEST_STRING else None
        if place is not None:
            path, line = place
            message = Message(path, line, line, None, "", None, None, text, (Form(text.replace("%", "%%"), ()),), ())
            return [Found(message, text, (), "string")]
    return []


def _weakly_explained(rule: Rule, evidence: Sequence[Evidence]) -> str | None:
    """Return a note if `find` has an answer to an example of a rule, though not a sure one; the newer release first."""
    for known in reversed(evidence):
        for text in _examples(rule.filters):
            for message, _confidence in known.explained(text)[:1]:
                return f"perhaps {message.path}:{message.line_start} prints it, which is similar to \u2018{text}\u2019"
    return None


def _partial_string(rule: Rule, evidence: Sequence[Evidence]) -> str | None:
    """Return a note if a string of the source has most of a rule's text: a call may print it together with the rest.

    That is all but one word, or a label in front of a value: `apparmor=`, `Tainted:`.
    """
    for text in _examples(rule.filters):
        words = text.split()
        labels = [part for part in (*text.split('"'), *words) if part.endswith((":", "="))]
        rests = [" ".join(some) for some in (words[1:], words[:-1]) if len(some) >= FEWEST_WORDS]
        for part in (*rests, *labels):
            if len(part) < SHORTEST_STRING:
                continue
            place = next(filter(None, (known.string(part) for known in reversed(evidence))), None)
            if place is not None:
                return f"‘{part}’ is a string at {place[0]}:{place[1]}, which a call may print as a value"
    return None


_TIERS = ("exact", "partial", "looked up", "string")


def _fewer(one: Meeting, other: Meeting) -> Meeting:
    """Return the meeting of two filters with a line whose text says less: it decides how certain the match is."""
    return min(one, other, key=lambda meeting: (meeting.own - meeting.valued) if meeting.text else 1 << 30)


def _examples(filters: Sequence[Filter]) -> list[str]:
    """Return texts to look up for a rule: its fixed string, or an example of its expression."""
    if len(filters) != 1:
        return []
    plain = filters[0].without_values
    shown = example(filters[0].node()[0])
    return list(dict.fromkeys(text for text in (plain, shown) if text))
