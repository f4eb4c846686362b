"""The examples that `--help` shows. A test runs every one of them through the parser."""

OOM = '"Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task"'

EXAMPLES: dict[str, list[tuple[str, str]]] = {
    "": [
        ("Paste a log line, whole or in part, inside a kernel tree:", 'ksrcfind "is already exiting. Skip killing"'),
        ("Another tree, as it was at a release:", 'ksrcfind -C ~/linux --rev v6.1 "invoked oom-killer"'),
        ("Make every later answer fast:", "ksrcfind index"),
    ],
    "find": [
        ("A line from a log, with or without its prefix:", f"ksrcfind {OOM}"),
        ("The last lines of the kernel log:", "dmesg | tail -5 | ksrcfind find -"),
        ("Output for a script:", 'ksrcfind --format json "invoked oom-killer"'),
        ("A line that equals a command's name, or begins with a dash:", "ksrcfind find -- index"),
    ],
    "at": [
        ("What a source line prints, and since which release:", "ksrcfind at mm/oom_kill.c:868"),
        ("The same for many source lines:", "grep -n pr_warn mm/*.c | ksrcfind at --format ndjson -"),
    ],
    "batch": [
        ("What happened to the machine, the worst first:", "ksrcfind batch /var/log/kern.log"),
        ("Answer with the named tree of the log's kernel:", "ksrcfind batch --rev auto kern.log"),
        ("Messages that are new after an upgrade:", "ksrcfind batch --journal --min-level warn --new-since v6.0"),
        ("Rotated logs, grouped by subsystem:", "ksrcfind batch --group-by subsystem kern.log kern.log.1.gz"),
        ("What happened to each host, from a directory of their logs:", "ksrcfind batch --group-by host logs/"),
        ("Follow a growing log:", "ksrcfind batch --follow --no-history --each /var/log/kern.log"),
        ("One record for each line, without history:", "dmesg | ksrcfind batch --each --no-history --format ndjson -"),
        ("Fill vim's quickfix list:", "ksrcfind batch --format quickfix kern.log > log.err; vim -q log.err"),
    ],
    "messages": [
        ("The messages of one subsystem:", "ksrcfind messages mm"),
        ("All messages of a release, as a table:", "ksrcfind messages --rev v6.1 --format csv > messages.csv"),
        ("Output for a script:", "ksrcfind messages --format ndjson fs/ext4/super.c"),
    ],
    "life": [
        ("When a message was added, changed and removed:", 'ksrcfind life "invoked oom-killer"'),
        ("The same for a source line, for a script:", "ksrcfind life --format json mm/oom_kill.c:868"),
    ],
    "explain": [
        ("What a log line means, and what to check:", 'ksrcfind explain "nginx invoked oom-killer: gfp_mask=0x201da"'),
        ("The same for a source line:", "ksrcfind explain mm/oom_kill.c:868"),
        ("Output for a script:", 'ksrcfind explain --format json "invoked oom-killer"'),
    ],
    "show": [
        ("A function with the messages that it prints:", "ksrcfind show dump_header"),
        ("A commit, its releases, and what it names:", "ksrcfind show 619b5b469bab"),
        ("Output for a script:", "ksrcfind show --format json oom_kill_process"),
    ],
    "diff": [
        ("How an upgrade changes the log:", "ksrcfind diff v6.1 v6.12"),
        ("The same for one subsystem, as a table:", "ksrcfind diff v6.1 v6.12 fs/ext4 --format csv > ext4.csv"),
        ("Which monitoring rules must change:", "ksrcfind diff v6.1 v6.12 --rules rules.txt"),
        ("Two unpacked tarballs, only what is severe:", "ksrcfind diff linux-6.1 linux-6.12 --min-level err"),
    ],
    "tree": [
        ("How to get the source of a log's kernel:", "ksrcfind tree for /var/log/kern.log"),
        ("The same for a banner:", 'ksrcfind tree for "Linux version 6.1.55"'),
        ("Name a tree, then use it from anywhere:", "ksrcfind tree add v6.1 ~/linux-6.1"),
        ("Unpack a tarball, and name it:", "ksrcfind tree add v6.1 linux-6.1.tar.xz"),
    ],
    "index": [
        ("Index the checked-out tree:", "ksrcfind index"),
        ("Also read the history of all messages once:", "ksrcfind index --with-history"),
        ("Index every release, to find removed messages:", "ksrcfind index --releases"),
        ("Index a release without checking it out:", "ksrcfind index -C ~/linux --rev v6.1"),
        ("Write a bundle for use on another machine:", "ksrcfind index --rev v6.1 --output v6.1.ksrcfind"),
    ],
    "lsp": [
        ("The command that an editor starts:", "ksrcfind lsp"),
        ("For debugging, from another terminal:", "ksrcfind -C ~/linux lsp --tcp 8765"),
    ],
    "mcp": [
        ("The command that an assistant starts, for one tree:", "ksrcfind -C ~/linux mcp"),
        ("The same with access to the logs of this machine:", "ksrcfind -C ~/linux mcp --allow /var/log"),
    ],
    "doctor": [
        ("Which tree, tags and index are used, and what to fix:", "ksrcfind doctor"),
        ("For a bug report:", "ksrcfind doctor --format json"),
    ],
    "help": [
        ("The help of batch:", "ksrcfind help batch"),
    ],
    "version": [
        ("The version of ksrcfind:", "ksrcfind version"),
    ],
}
"""Command (empty: the program itself) → pairs of a purpose and an example command line."""


def epilog(command: str) -> str:
    """Return the examples of a command, in the markup that typer shows below its help."""
    lines = ["[bold]Examples[/bold]"]
    for purpose, example in EXAMPLES[command]:
        lines += ["", f"  {purpose}", f"  [cyan]$ {example}[/cyan]".replace("[ ", r"\[ ")]
    return "\n".join(lines)
