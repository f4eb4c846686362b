"""Output without what only a tree can say: a bundle holds no source, so it does not know when a call runs."""

import re

_SENTENCE = re.compile(r"\n  (?:`\w+\(\)`|This code) prints this[^\n]*\n")
_FACTS = re.compile(r"\n(?:  (?:Condition|Assigned|Configuration|At run time) +[^\n]+\n)+")
_HINT = re.compile(r"(ksrcfind explain) (?:-C|--index) \S+")
_FIELDS = re.compile(r'"conditions":.*?"code": ?null|"documented_in": ?(?:null|\[[^]]*\])', re.DOTALL)


def without_circumstances(text):
    """Return output of find and at, as text or as JSON, without the circumstances of calls and the tree of a hint."""
    return _HINT.sub(r"\1", _FIELDS.sub("", _FACTS.sub("", _SENTENCE.sub("", text))))
