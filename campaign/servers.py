"""Kinds of run with several replicas on PostgreSQL: stopped, cut off, their server restarted, and
racing without any fault."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import islice

from campaign import databases, oracle
from campaign.cluster import cluster, cut_after_commit
from campaign.judge import Fault
from campaign.kills import EARLY, LARGE, SHORT_LEASE, SMALL, later_days, length_of_a_pass
from campaign.oracle import Item
from campaign.runs import Run, finished
from campaign.sink import Manners
from campaign.stage import CONTEXT, Replica, Stage
from dispatcher.ledger.database import create_engine
from dispatcher.ledger.outbox import Address, Content, queue

REPLICAS = 3
Harm = Callable[[Stage, list[Replica]], None]


def stopped(seed: int, count: int, mutant: str = "") -> Run:
    """One of three replicas is stopped (SIGSTOP) for twice its lease, and goes on as if nothing
    had happened."""
    chance = random.Random(seed)

    def stop(stage: Stage, replicas: list[Replica]) -> None:
        pid = chance.choice(replicas).pid
        # It may have come to its end at this very moment.
        with suppress(ProcessLookupError), stage.fault():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(2 * SHORT_LEASE["lease"])
            os.kill(pid, signal.SIGCONT)

    manners = Manners(delay=0.02, seed=seed)
    with Stage("postgresql", LARGE, mutant=mutant, manners=manners, **SHORT_LEASE) as stage:
        return _harmed(stage, chance, count, stop)


def restarted(seed: int, count: int, mutant: str = "") -> Run:
    """The database server is restarted at once, without a farewell (``-m immediate``)."""
    chance = random.Random(seed)
    with (
        cluster() as own,
        Stage(own.url, LARGE, mutant=mutant, **SHORT_LEASE) as stage,
    ):

        def restart(stage: Stage, _replicas: list[Replica]) -> None:
            with stage.fault():
                own.control("restart", "-m", "immediate")

        return _harmed(stage, chance, count, restart)


def cut_off(seed: int, count: int, mutant: str = "") -> Run:
    """Connections to the database are cut after COMMIT was sent, so that nobody knows whether it
    was done, until it was so often."""
    with Stage("postgresql", LARGE, mutant=mutant, **SHORT_LEASE) as stage:
        stage.whole(oracle.FIRST)
        log = stage.home / "cuts"
        log.touch()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            given = (listener, databases.place(stage.url), str(log), seed)
            proxy = CONTEXT.Process(target=cut_after_commit, args=given)
            proxy.start()
            through = databases.through(stage.url, listener.getsockname()[1])
        try:
            for day in later_days():
                stage.wait(*[stage.start(day, url=through) for _number in range(REPLICAS)])
                times = [float(line) for line in log.read_text().split()]
                if len(times) >= count:
                    break
        finally:
            proxy.kill()
        stage.faults = [Fault(at, at) for at in times]
        return finished(stage)


def _harmed(stage: Stage, chance: random.Random, count: int, harm: Harm) -> Run:
    """Three replicas work day by day, and are harmed at random moments until it was so often."""
    longest = length_of_a_pass(stage)
    for day in later_days():
        replicas = [stage.start(day) for _number in range(REPLICAS)]
        time.sleep(chance.uniform(0, longest * EARLY / REPLICAS))
        busy = [each for each in replicas if each.process.is_alive()]
        if busy:
            harm(stage, busy)
        stage.wait(*replicas)
        if len(stage.faults) >= count:
            break
    return finished(stage)


def slow(seed: int, count: int, mutant: str = "") -> Run:
    """Nobody is harmed, but the mail server takes its time, nearly as long as an attempt may last:
    ``count`` days of two replicas."""
    times = {"lease": 2.5, "deadline": 2.0, "connections": 8}
    with Stage(
        "postgresql", 20, mutant=mutant, manners=Manners(delay=1.0, seed=seed), **times
    ) as stage:
        return _unharmed(stage, count, replicas=2)


def race(seed: int, count: int, mutant: str = "") -> Run:
    """Three replicas at once on the same day, nobody harmed: ``count`` days of 200 units."""
    with Stage("postgresql", 200, mutant=mutant, manners=Manners(seed=seed)) as stage:
        return _unharmed(stage, count, replicas=REPLICAS)


def _unharmed(stage: Stage, count: int, replicas: int) -> Run:
    for day in islice(oracle.workdays(), count):
        stage.wait(*[stage.start(day) for _number in range(replicas)])
    return finished(stage)


def many(seed: int, count: int, mutant: str = "") -> Run:
    """``count`` messages that wait at one moment, raced for by three replicas, nobody harmed."""
    with Stage("postgresql", SMALL, mutant=mutant, manners=Manners(seed=seed)) as stage:
        first, day = islice(oracle.workdays(), 2)
        stage.whole(first)
        stage.extra = _queued(stage.url, day, count)
        hours = 6 * 3600.0
        replicas = [stage.start(day, patience=hours) for _number in range(REPLICAS)]
        stage.wait(*replicas, limit=hours)
        return finished(stage)


def _queued(url: str, day: date, count: int) -> set[Item]:
    """Queues reports for so many addresses by the product's own function."""
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    said = Content(f"【督办日报】{day.month}月{day.day}日", "竞赛", "")
    addresses = [f"x{number}@example.com" for number in range(count)]
    engine = create_engine(url)
    with engine.begin() as conn:
        for address in addresses:
            queue(conn, Address("email", address), "test", at, content=said)
    engine.dispose()
    return {Item(day, address, "督办日报") for address in addresses}
