"""The id of a message: the same in every run, on every machine, in every tree that has the message unchanged."""

import hashlib

from ksrcfind.source.message import Form, Message
from ksrcfind.source.template import template


def message_id(message: Message, form: Form) -> str:
    """Return 16 hexadecimal digits that identify one text of a message: a hash of path, function and template."""
    named = "\0".join((message.path, message.function or "", template(form.printed)))
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:16]
