"""Makes kernel images and modules, with nothing in them but the list of their log calls."""

import struct


class _Strings:
    """A section of strings that end in zero bytes."""

    def __init__(self):
        self.data = b"\0"

    def add(self, text):
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def _file(kind, sections):
    """Return an ELF file of 64 bits; a section is (name, type, address, data, link, info, size of an entry)."""
    names = _Strings()
    headers, body, offset = [struct.pack("<IIQQQQIIQQ", *[0] * 10)], b"", 64
    named = [(name, names.add(name)) for name, *_ in sections]
    at_names = names.add(".shstrtab")
    sections = [*sections, (".shstrtab", 3, 0, names.data, 0, 0, 0)]
    for (_, kind_of, address, data, link, info, entry), (_, name) in zip(
        sections, [*named, (".shstrtab", at_names)], strict=True
    ):
        flags = 2 if address else 0
        headers.append(
            struct.pack("<IIQQQQIIQQ", name, kind_of, flags, address, offset, len(data), link, info, 8, entry)
        )
        body += data
        offset += len(data)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", kind, 62, 1, 0, 0, offset, 0, 64, 0, 0, 64, len(headers), len(headers) - 1)
    return ident + head + body + b"".join(headers)


ENTRY = 44  # bytes of a packed struct pi_entry: three pointers, an int, two pointers


def image(entries, banner="Linux version 6.1.55-test (a@b) #1\n"):
    """Return a vmlinux with these (format, function, file, line, level, prefix); level and prefix may be None."""
    base = 0xFFFFFFFF81000000
    strings = _Strings()
    strings.add(banner)
    texts = dict.fromkeys(text for entry in entries for text in entry if isinstance(text, str))
    pointer = {text: base + strings.add(text) for text in texts}
    table_at = base + 0x100000
    table = b"".join(
        struct.pack("<QQQIQQ", *(pointer.get(one, 0) for one in (form, function, file)), line, pointer.get(level, 0),
                    pointer.get(prefix, 0))
        for form, function, file, line, level, prefix in entries
    )  # fmt: skip
    index = b"".join(struct.pack("<Q", table_at + ENTRY * number) for number in range(len(entries)))
    return _file(
        2,
        [
            (".rodata", 1, base, strings.data, 0, 0, 0),
            (".data", 1, table_at, table, 0, 0, 0),
            (".printk_index", 1, base + 0x200000, index, 0, 0, 0),
        ],
    )


def module(entries):
    """Return a module with such entries: not linked, so every pointer is a relocation and reads as 0."""
    strings = _Strings()
    index_moves, table_moves, table = b"", b"", b""
    for number, (form, function, file, line, level, prefix) in enumerate(entries):
        index_moves += struct.pack("<QQq", 8 * number, 2 << 32 | 1, ENTRY * number)
        for offset, text in ((0, form), (8, function), (16, file), (28, level), (36, prefix)):
            if text is not None:
                table_moves += struct.pack("<QQq", ENTRY * number + offset, 1 << 32 | 1, strings.add(text))
        table += bytes(24) + struct.pack("<I", line) + bytes(16)
    # Symbols of the sections 1 (.rodata.str1.1) and 2 (.data).
    symbols = bytes(24) + struct.pack("<IBBHQQ", 0, 3, 0, 1, 0, 0) + struct.pack("<IBBHQQ", 0, 3, 0, 2, 0, 0)
    return _file(
        1,
        [
            (".rodata.str1.1", 1, 0, strings.data, 0, 0, 0),
            (".data", 1, 0, table, 0, 0, 0),
            (".printk_index", 1, 0, bytes(8 * len(entries)), 0, 0, 0),
            (".symtab", 2, 0, symbols, 5, 3, 24),
            (".strtab", 3, 0, b"\0", 0, 0, 0),
            (".rela.printk_index", 4, 0, index_moves, 4, 3, 24),
            (".rela.data", 4, 0, table_moves, 4, 2, 24),
        ],
    )
