"""Kinds of run that harm the system calls of a process, by strace: it dies at one, or one fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path

from campaign import oracle
from campaign.kills import SMALL, spread
from campaign.powercut import TRACED, cut
from campaign.runs import Run, finished
from campaign.stage import Replica, Stage

KILLED_AT = ("write", "pwrite64", "fdatasync", "sendto")
CALL = re.compile(r"(\d+) +(\w+)\(")
SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
LASTING = 1.0
"""Seconds after which a lasting failure goes away."""


def missing() -> str:
    """Why no process can be traced; empty if one can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    scope = SCOPE.read_text().strip() if SCOPE.exists() else "0"
    return "" if scope == "0" or os.geteuid() == 0 else f"tracing is restricted ({SCOPE})"


@contextmanager
def traced(stage: Stage, day: date, *options: str) -> Iterator[Replica]:
    """A replica that runs under strace until this ends."""
    replica = stage.start(day, waits=True)
    command = ["strace", "-f", *options, "-p", str(replica.pid)]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert strace.stderr
    assert "attached" in strace.stderr.readline()
    replica.go()
    try:
        yield replica
    finally:
        strace.terminate()
        strace.communicate()


def places(stage: Stage, day: date, calls: tuple[str, ...]) -> list[tuple[str, int]]:
    """Every system call of these names that a day makes, as name and number, counted in the thread
    that makes the most of them; the day is over then."""
    log = stage.home / "trace"
    with traced(stage, day, "-o", str(log), "-e", f"trace={','.join(calls)}") as replica:
        stage.wait(replica)
    found = (CALL.match(line) for line in log.read_text("latin-1").splitlines())
    counts = Counter((match[2], match[1]) for match in found if match)
    most = {name: max(n for (call, _t), n in counts.items() if call == name) for name, _ in counts}
    return [(name, number + 1) for name in calls for number in range(most.get(name, 0))]


def killed(seed: int, count: int, mutant: str = "") -> Run:
    """Killed at the entry of every write, fdatasync and send of the ``seed``-th workday, one after
    the other, on SQLite."""
    *before, day, after = islice(oracle.workdays(), seed + 1)
    with Stage("sqlite", SMALL, mutant=mutant) as stage:
        found = _prepared(stage, before)
        calls = places(stage, day, KILLED_AT)
        for number in spread(len(calls), count):
            name, which = calls[number - 1]
            stage.rewind(before)
            inject = f"inject={name}:signal=KILL:when={which}"
            with traced(stage, day, "-o", "/dev/null", "-e", inject) as replica:
                stage.killed(replica)
            stage.whole(day)
            stage.whole(after)
            found += finished(stage, f"killed at {name} {which}")
    return found


def failing(seed: int, count: int, mutant: str = "") -> Run:
    """A full or broken disk: ENOSPC or EIO at ``count`` places of a day on SQLite, each once, and
    each from there on until it heals while the process still tries."""
    *before, day, after = islice(oracle.workdays(), seed + 1)
    with Stage("sqlite", SMALL, mutant=mutant) as stage:
        found = _prepared(stage, before)
        calls = places(stage, day, ("pwrite64", "fdatasync"))
        for turn, number in enumerate(spread(len(calls), count)):
            name, which = calls[number - 1]
            error = "EIO" if name == "fdatasync" or turn % 4 > 1 else "ENOSPC"
            when = f"{which}+" if turn % 2 else f"{which}"
            stage.rewind(before)
            inject = f"inject={name}:error={error}:when={when}"
            with stage.fault(), traced(stage, day, "-o", "/dev/null", "-e", inject) as replica:
                replica.ended_within(LASTING)
            stage.wait(replica)
            stage.whole(after)
            found += finished(stage, f"{error} at {name} {when}")
    return found


def power_cuts(seed: int, count: int, mutant: str = "") -> Run:
    """The power fails at ``count`` places of a day on SQLite: what was written after a file's last
    fdatasync is gone, wholly or in part."""
    *before, day, after = islice(oracle.workdays(), seed + 1)
    with Stage("sqlite", SMALL, mutant=mutant) as stage:
        found = _prepared(stage, before)
        calls = places(stage, day, ("pwrite64", "fdatasync", "sendto"))
        for turn, number in enumerate(spread(len(calls), count)):
            name, which = calls[number - 1]
            stage.rewind(before)
            log = stage.home / "trace"
            log.unlink()
            options = ("-y", "-xx", "-s", "100000", "-o", str(log), "-e", f"trace={TRACED},{name}")
            inject = f"inject={name}:signal=KILL:when={which}"
            with traced(stage, day, *options, "-e", inject) as replica:
                stage.killed(replica)
            cut(stage.ledger, stage.saved, log, seed + turn)
            stage.whole(day)
            stage.whole(after)
            found += finished(stage, f"power cut at {name} {which}")
    return found


def _prepared(stage: Stage, before: list[date]) -> Run:
    """The days before the one that is harmed; nothing has been harmed yet."""
    for earlier in before:
        stage.whole(earlier)
    stage.put_away()
    return finished(stage)
