"""The examples that `--help` shows. A test takes every one of them through the parser."""

OOM = '"Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task"'

EXAMPLES: dict[str, list[tuple[str, str]]] = {
    "": [
        ("Paste a log line, whole or in part, inside a kernel tree:", 'ksrcfind "is already exiting. Skip killing"'),
        ("Another tree, as it was at a release:", 'ksrcfind -C ~/linux --rev v6.1 "invoked oom-killer"'),
        ("Make every later answer fast:", "ksrcfind index"),
    ],
    "find": [
        ("A line as the log has it, with whatever stands in front:", f"ksrcfind {OOM}"),
        ("The last lines of the kernel's log:", "dmesg | tail -5 | ksrcfind find -"),
        ("For a script:", 'ksrcfind --format json "invoked oom-killer"'),
        ("A line that is also the name of a command, or begins with a dash:", "ksrcfind find -- index"),
    ],
    "at": [
        ("What a line of source prints and since when:", "ksrcfind at mm/oom_kill.c:868"),
        ("The same for many:", "grep -n pr_warn mm/*.c | ksrcfind at --format ndjson -"),
    ],
    "batch": [
        ("What a log says, the most severe first:", "ksrcfind batch /var/log/kern.log"),
        ("What an upgrade from 6.0 brought:", "ksrcfind batch --journal --min-level warn --new-since v6.0"),
        ("Rotated logs by subsystem, as they are:", "ksrcfind batch --group-by subsystem kern.log kern.log.1.gz"),
        ("While it grows:", "ksrcfind batch --follow --no-history --each /var/log/kern.log"),
        ("One record for each line, without history:", "dmesg | ksrcfind batch --each --no-history --format ndjson -"),
        ("Into vim's quickfix list:", "ksrcfind batch --format quickfix kern.log > log.err; vim -q log.err"),
    ],
    "messages": [
        ("What one subsystem can say:", "ksrcfind messages mm"),
        ("Everything that a release can say, as a table:", "ksrcfind messages --rev v6.1 --format csv > messages.csv"),
        ("For a script:", "ksrcfind messages --format ndjson fs/ext4/super.c"),
    ],
    "life": [
        ("How a message came, changed and went:", 'ksrcfind life "invoked oom-killer"'),
        ("The same for a place of the source, for a script:", "ksrcfind life --format json mm/oom_kill.c:868"),
    ],
    "diff": [
        ("What an upgrade changes in the log:", "ksrcfind diff v6.1 v6.12"),
        ("In one subsystem, as a table:", "ksrcfind diff v6.1 v6.12 fs/ext4 --format csv > ext4.csv"),
        ("Which rules of the monitoring have to change:", "ksrcfind diff v6.1 v6.12 --rules rules.txt"),
    ],
    "index": [
        ("Index the checked-out tree:", "ksrcfind index"),
        ("Index every release, for messages that are gone:", "ksrcfind index --releases"),
        ("Index a release without checking it out:", "ksrcfind index -C ~/linux --rev v6.1"),
        ("Write a bundle, and ask it elsewhere:", "ksrcfind index --rev v6.1 --output v6.1.ksrcfind"),
    ],
    "lsp": [
        ("What an editor starts:", "ksrcfind lsp"),
        ("To see what goes on, from another terminal:", "ksrcfind -C ~/linux lsp --tcp 8765"),
    ],
    "mcp": [
        ("What an assistant starts, for one tree:", "ksrcfind -C ~/linux mcp"),
        ("With logs of this machine:", "ksrcfind -C ~/linux mcp --allow /var/log"),
    ],
    "doctor": [
        ("Which tree, tags and index are used, and what to mend:", "ksrcfind doctor"),
        ("For a bug report:", "ksrcfind doctor --format json"),
    ],
    "help": [
        ("What batch can do:", "ksrcfind help batch"),
    ],
    "version": [
        ("Which version this is:", "ksrcfind version"),
    ],
}
"""Command (empty: the program itself) → what to do, and how."""


def epilog(command: str) -> str:
    """Return the examples of a command in the markup that typer shows below its help."""
    lines = ["[bold]Examples[/bold]"]
    for purpose, example in EXAMPLES[command]:
        lines += ["", f"  {purpose}", f"  [cyan]$ {example}[/cyan]".replace("[ ", r"\[ ")]
    return "\n".join(lines)
