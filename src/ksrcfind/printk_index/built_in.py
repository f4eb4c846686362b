"""Say whether a kernel really has the call that a tree answers with."""

from collections.abc import Iterable, Sequence

from ksrcfind.printk_index.entry import Entry, in_tree
from ksrcfind.source.message import Message

SEVERAL = 5
"""Equal calls that a sentence names, at most."""


class BuiltIn:
    """The calls of a kernel's own list, for questions about the messages of a tree."""

    def __init__(self, entries: Iterable[Entry], name: str) -> None:
        """Use the entries of a list; `name` says in sentences whose list it is."""
        self._name = name
        self._modules: dict[tuple[str, str | None], dict[str, str | None]] = {}
        for entry in entries:
            key = in_tree(entry.path), entry.function or None
            self._modules.setdefault(key, {})[entry.format.removesuffix("\n")] = entry.module

    def sentence(self, messages: Sequence[Message]) -> str | None:
        """Return what the list says about the first of some equally likely messages; None without messages."""
        if not messages:
            return None
        has = [self._has(message) for message in messages]
        if has[0] is not None:
            where = "in its image" if has[0] == "" else f"in its module {has[0]}"
            return f"the kernel {self._name} has this call {where}"
        others = [one for one, known in zip(messages, has, strict=True) if known is not None][:SEVERAL]
        if others:
            places = ", ".join(f"{one.path}:{one.line_start}" for one in others)
            return f"the kernel {self._name} does not have this call; of the equally likely ones it has {places}"
        return (
            f"the list of the kernel {self._name} does not have this call: it was not built, its source differs, or "
            "its format is not constant"
        )

    def _has(self, message: Message) -> str | None:
        """Return the module that has a message's call, empty for the kernel image; None if the list does not have it.

        The line may differ: the kernel may be of another release than the tree.
        """
        formats = self._modules.get((message.path, message.function))
        for text in dict.fromkeys((message.format.removesuffix("\n"), *(form.printed for form in message.forms))):
            if formats is not None and text in formats:
                return formats[text] or ""
        return None
