"""Kinds of run that kill: at every boundary of a cycle, and at random moments."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import date
from itertools import islice

from campaign import oracle
from campaign.runs import Run, finished
from campaign.stage import Stage

SMALL, LARGE = 3, 60
"""Units of an office."""
EARLY = 0.7
"""The part of a pass in which the first process of a day is killed; those after it have less to do,
so that their ends are hit as well."""
SHORT_LEASE = {"lease": 1.5, "deadline": 1.0}


def failpoints(database: str, seed: int, count: int, mutant: str = "") -> Run:
    """Passes the ``seed``-th workday again and again, killed at one boundary after the other, at
    ``count`` of them or at all; each time started again until the day is over."""
    *before, day, after = islice(oracle.workdays(), seed + 1)
    with Stage(database, SMALL, mutant=mutant, **_leases(database)) as stage:
        for earlier in before:
            stage.whole(earlier)
        stage.put_away()
        names = stage.whole(day).boundaries
        found = finished(stage)
        for number in spread(len(names), count):
            stage.rewind(before)
            replica = stage.start(day, die_at=number)
            stage.killed(replica)
            stage.whole(day)
            stage.whole(after)
            found += finished(stage, f"killed at {number}, {names[number - 1]}")
    return found


def _leases(database: str) -> dict[str, float]:
    """On a file the next process knows that the last one is dead; on a server leases run out."""
    return {} if database == "sqlite" else SHORT_LEASE


def spread(last: int, count: int) -> list[int]:
    """``count`` of the numbers 1 to ``last`` at equal distances; all of them for 0."""
    count = min(count or last, last)
    return sorted({1 + number * last // count for number in range(count)})


def random_kills(seed: int, count: int, mutant: str = "") -> Run:
    """Kills the only process at random moments of a burst, on SQLite, until it has been killed
    ``count`` times; each day is carried to its end."""
    chance = random.Random(seed)
    with Stage("sqlite", LARGE, mutant=mutant) as stage:
        longest = length_of_a_pass(stage)
        for day in later_days():
            while len(stage.faults) < count:
                replica = stage.start(day)
                if replica.ended_within(chance.uniform(0, longest * EARLY)):
                    stage.wait(replica)
                    break
                stage.kill(replica)
            else:
                stage.whole(day)
            if len(stage.faults) >= count:
                break
        return finished(stage)


def replica_kills(seed: int, count: int, mutant: str = "") -> Run:
    """Kills one of three replicas at random moments, on PostgreSQL, and starts it again."""
    chance = random.Random(seed)
    with Stage("postgresql", LARGE, mutant=mutant, **SHORT_LEASE) as stage:
        longest = length_of_a_pass(stage)
        for day in later_days():
            replicas = [stage.start(day) for _number in range(3)]
            while len(stage.faults) < count:
                which = chance.randrange(3)
                if replicas[which].ended_within(chance.uniform(0, longest * EARLY / 3)):
                    break
                stage.kill(replicas[which])
                replicas[which] = stage.start(day)
            stage.wait(*replicas)
            if len(stage.faults) >= count:
                break
        return finished(stage)


def length_of_a_pass(stage: Stage) -> float:
    """Seconds, measured on the first day."""
    replica = stage.start(oracle.FIRST)
    stage.wait(replica)
    return time.monotonic() - replica.ready_at


def later_days() -> Iterator[date]:
    return islice(oracle.workdays(), 1, 240)
