"""Findings made by hand, for testing what is shown of them."""

from datetime import datetime, timedelta, timezone

import msgspec
from msgspec.structs import replace

from ksrcfind.batch.answer_cache import AnswerCache
from ksrcfind.batch.coverage import Statistics
from ksrcfind.batch.fold import Aggregator
from ksrcfind.batch.matched_row import MatchedRow
from ksrcfind.finding import Finding, Input
from ksrcfind.history.provenance import Change, Commit, Event, Person, Provenance, Release
from ksrcfind.log.events import Boot
from ksrcfind.log.line import LogLine
from ksrcfind.log.records import Row
from ksrcfind.match.answer import Answer, Match, Place, Reason, Tier, Value
from ksrcfind.source.message import Argument, Definition, Form, Message, TextLine
from ksrcfind.tree.snapshot import TreeInfo

TREE = TreeInfo("v5.9", "b" * 40, "git")
SUBJECT = "mm, oom: say when the victim is on its way out"
AUTHOR = Person(
    "Ada Example", "ada@example.org", datetime(2020, 8, 11, 18, 35, 14, tzinfo=timezone(-timedelta(hours=7)))
)
COMMIT = Commit(
    id="1" * 40,
    subject=SUBJECT,
    message=f"{SUBJECT}\n\nReaders of the log could not tell.\n\nNow they can.\n\nLink: https://example.org/1\n",
    author=AUTHOR,
    committer=replace(AUTHOR, name="Bo Example", email="bo@example.org"),
    release=Release("v5.9-rc1", "v5.9"),
    trailers={"Link": ["https://example.org/1"]},
    links=("https://example.org/1",),
)
OLDER = replace(
    COMMIT, id="2" * 40, subject="mm: first wording", message="mm: first wording\n", release=Release("v5.1-rc3", None)
)
COMMITS = {COMMIT.id: COMMIT, OLDER.id: OLDER}

BODY = "Memory cgroup out of memory: OOM victim 46452 (nginx) is already exiting. Skip killing the task"
MESSAGE = Message(
    path="mm/oom_kill.c",
    line_start=868,
    line_end=869,
    function="__oom_kill_process",
    call="pr_info",
    level="info",
    module=None,
    format="%s: OOM victim %d (%s) is already exiting. Skip killing the task\n",
    forms=(
        Form(
            "%s: OOM victim %d (%s) is already exiting. Skip killing the task",
            (Argument("%s", "message"), Argument("%d", "task_pid_nr(victim)"), Argument("%s", "victim->comm")),
        ),
    ),
    text_lines=(TextLine("mm/oom_kill.c", 868, 60),),
)
VALUES = (
    Value("%s", "message", "Memory cgroup out of memory"),
    Value("%d", "task_pid_nr(victim)", "46452"),
    Value("%s", "victim->comm", "nginx"),
)
MATCH = Match(Tier.EXACT, 0.98, 0.97, MESSAGE, MESSAGE.forms[0], VALUES)
LAST_CHANGED = Change(COMMIT.id, SUBJECT, COMMIT.release, "mm/oom_kill.c", 868)
BLAMED = Provenance("blame-only", last_changed=LAST_CHANGED)

LOG = LogLine(
    text=f"May 23 02:06:26 host kernel: [40872.663481] {BODY}",
    truncated=False,
    format="syslog",
    body=BODY,
    facility="kern",
    uptime_s=40872.663481,
    wallclock="May 23 02:06:26",
    host="host",
    process="kernel",
)


def found(*matches, text=LOG.text, provenance=(BLAMED,), rivals=0, notes=(), points_to=None, **log):
    """Return the finding of a log line."""
    line = msgspec.structs.replace(LOG, text=text, **log)
    return Finding(
        input=Input("dmesg.log", 12, text, False),
        log=line,
        tree=TREE,
        answer=Answer(matches[0].tier.value, None, matches, rivals, points_to),
        provenance=provenance,
        notes=notes,
    )


EXACT = found(MATCH)
FILES_ONLY = replace(
    found(MATCH, provenance=(Provenance("unavailable"),)),
    input=Input(None, None, BODY, False),
    tree=TreeInfo(None, None, "files"),
)
UNEXPLAINED = replace(
    EXACT,
    input=Input("-", 13, "sshd[1]: session opened", False),
    log=LogLine("sshd[1]: session opened", False, "syslog", "session opened", process="sshd"),
    answer=Answer("none", Reason("userspace", "The line was logged by sshd, a user-space process."), (), 0),
    provenance=(),
    notes=("ksrcfind index may know more.",),
)
PLACE = Finding(
    input=Input("-", 1, "mm/oom_kill.c:869", False),
    log=None,
    tree=TREE,
    answer=Answer(
        "place",
        None,
        (replace(MATCH, score=1.0, confidence=1.0, values=()),),
        0,
    ),
    provenance=(BLAMED,),
)
NO_PLACE = replace(
    PLACE,
    answer=Answer("place", Reason("no_message_here", "No log call stands on this line."), (), 0),
    provenance=(),
)
RIVAL = replace(
    MATCH,
    message=msgspec.structs.replace(
        MESSAGE,
        path="fs/x/super.c",
        line_start=10,
        line_end=10,
        call="x_err",
        level="err",
        module="x",
        format='lost "%s"\n',
        forms=(Form('X-fs (%s): lost "%s"', (Argument("%s", "sb->s_id"), Argument("%s", "name"))),),
        defined_at=Definition("fs/x/x.h", 33, "x_err"),
    ),
)
RIVAL = replace(
    RIVAL,
    form=RIVAL.message.forms[0],
    values=(Value("%s", "sb->s_id", "sda1"), Value("%d", "ret", "-110", "ETIMEDOUT")),
)
RIVALS = found(
    RIVAL,
    MATCH,
    replace(MATCH, tier=Tier.FUZZY, score=0.5, confidence=0.02),
    provenance=(BLAMED, BLAMED, Provenance("off")),
    rivals=3,
    body='X-fs (sda1): lost "a"',
)
TRACED = Provenance(
    "traced",
    last_changed=LAST_CHANGED,
    introduced=Change(OLDER.id, OLDER.subject, OLDER.release, "mm/oom.c", 5, "OOM victim %d\n"),
    origin=Change(OLDER.id, OLDER.subject, OLDER.release, "mm/oom.c", 5, "OOM victim %d\n"),
    events=(
        Event("introduced", OLDER.id, "v5.1-rc3", None, None),
        Event("moved", COMMIT.id, "v5.9-rc1", "mm/oom.c", "mm/oom_kill.c"),
    ),
)
POINTING = replace(
    found(MATCH, provenance=(TRACED,), points_to=Place("kernel/fork.c", 99, "copy_process", "WARN_ON")),
    points_to=BLAMED,
)
HOSTILE = "\x1b]0;owned\x07\x9b2J\u202etxt.exe\x7f"
STRANGE = found(
    replace(
        MATCH,
        message=msgspec.structs.replace(MESSAGE, path=f"a{HOSTILE}.c", function=HOSTILE, format=HOSTILE, call=HOSTILE),
        values=(Value("%s", HOSTILE, HOSTILE, HOSTILE),),
    ),
    text=HOSTILE,
    body=HOSTILE,
    notes=(HOSTILE,),
    provenance=(Provenance("blame-only", replace(LAST_CHANGED, commit="3" * 40, subject=HOSTILE), note=HOSTILE),),
    host=HOSTILE,
)
COMMITS["3" * 40] = replace(
    COMMIT,
    id="3" * 40,
    subject=HOSTILE,
    message=f"{HOSTILE}\n\n{HOSTILE}\n",
    author=Person(HOSTILE, HOSTILE, AUTHOR.date),
    trailers={HOSTILE: [HOSTILE]},
)
ALL = (EXACT, FILES_ONLY, UNEXPLAINED, PLACE, NO_PLACE, RIVALS, POINTING, STRANGE)


def explained(finding, event=None, boot=Boot(1, 1, "5.9.0")):  # noqa: B008 - frozen
    """Return the row of a log that a finding is about."""
    known, texts = AnswerCache(lambda _log: finding.answer)(finding.log)
    return MatchedRow(Row(finding.input.source, finding.input.line or 1, finding.log), event, boot, known, texts)


def fold(*findings):
    """Return the messages of a log of these lines, with the history that the findings have."""
    fold = Aggregator(TREE)
    for finding in findings:
        fold.add(explained(finding))
    history = {finding.answer: finding for finding in reversed(findings)}
    return [replace(one, finding=history[one.finding.answer]) for one in fold.folded()]


def summary(*findings, interrupted=False):
    """Return the summary of a log of these lines."""
    statistics = Statistics()
    for finding in findings:
        statistics.add(explained(finding))
    return statistics.summary(interrupted=interrupted)
