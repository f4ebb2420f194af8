"""The kinds of run by name, with what the full campaign and its short form ask of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from campaign import clerk, cluster, databases, jumps, kills, servers, syscalls, times
from campaign.runs import Run

Runner = Callable[..., Run]


class Kind(NamedTuple):
    """How to run it with ``(seed, count, mutant)``, what it does, and how much of it: the seeds
    and the count of each in the full campaign and in the short one; why it cannot be run here, if
    so."""

    run: Runner
    does: str
    full: tuple[Sequence[int], int]
    short: tuple[Sequence[int], int] | None = None
    missing: Callable[[], str] = str


KINDS = {
    "failpoints-sqlite": Kind(
        partial(kills.failpoints, "sqlite"),
        "killed at each boundary of statements, commits and sends of one day",
        (range(1, 3), 0),
        short=((1,), 6),
    ),
    "failpoints-postgresql": Kind(
        partial(kills.failpoints, "postgresql"),
        "killed at each boundary of statements, commits and sends of one day",
        (range(1, 3), 0),
        short=((1,), 3),
        missing=databases.missing,
    ),
    "kills-sqlite": Kind(
        kills.random_kills,
        "killed at random moments",
        (range(1, 61), 50),
        short=((1,), 15),
    ),
    "kills-postgresql": Kind(
        kills.replica_kills,
        "one of three replicas killed at random moments",
        (range(1, 41), 25),
        short=((1,), 15),
        missing=databases.missing,
    ),
    "syscalls": Kind(
        syscalls.killed,
        "killed at each write, fdatasync and send of one day, by strace",
        (range(1, 3), 0),
        short=((1,), 3),
        missing=syscalls.missing,
    ),
    "disk": Kind(
        syscalls.failing,
        "ENOSPC and EIO at places of one day, once and lasting, by strace",
        (range(1, 3), 50),
        short=((1,), 3),
        missing=syscalls.missing,
    ),
    "power-cuts": Kind(
        syscalls.power_cuts,
        "the power cut at places of one day: what was not fdatasynced is gone",
        (range(1, 3), 100),
        short=((1,), 3),
        missing=syscalls.missing,
    ),
    "stopped": Kind(
        servers.stopped,
        "one of three replicas stopped (SIGSTOP) for twice its lease",
        (range(1, 9), 25),
        short=((1,), 1),
        missing=databases.missing,
    ),
    "slow-server": Kind(
        servers.slow,
        "no fault, but the mail server takes nearly as long as an attempt may last",
        (range(1, 3), 3),
        missing=databases.missing,
    ),
    "race": Kind(
        servers.race,
        "three replicas plan and send the same days, without a fault",
        (range(1, 3), 20),
        short=((1,), 1),
        missing=databases.missing,
    ),
    "dropped-replies": Kind(
        times.dropped,
        "the mail server keeps a message and hangs up instead of saying so",
        (range(1, 6), 40),
        short=((1,), 12),
    ),
    "asleep": Kind(
        times.asleep,
        "the machine sleeps for ten days",
        (range(1, 7), 10),
        short=((1,), 1),
    ),
    "clock-jumps": Kind(
        jumps.jumps,
        "the clock jumps by 1 second to 10 years, back or forward, under the daemon's own watch",
        (range(1, 6), 40),
        short=((1,), 6),
    ),
    "restarts": Kind(
        servers.restarted,
        "the database server restarted at once (-m immediate) under three replicas",
        (range(1, 5), 25),
        short=((1,), 1),
        missing=cluster.missing,
    ),
    "cut-commits": Kind(
        servers.cut_off,
        "connections cut after COMMIT was sent, under three replicas",
        (range(1, 5), 25),
        short=((1,), 2),
        missing=databases.missing,
    ),
    "race-of-messages": Kind(
        servers.many,
        "messages that wait at one moment, raced for by three replicas, without a fault",
        ((1,), 200_000),
        missing=databases.missing,
    ),
    "dead-server": Kind(
        times.dead_server,
        "nobody listens at the mail server's port for seven days",
        (range(1, 3), 10),
    ),
    "clerk": Kind(
        clerk.answered,
        "no fault, but a clerk writes answers all the while, on SQLite",
        (range(1, 3), 10),
        short=((1,), 1),
    ),
}
