"""Kinds of run in which time passes: nobody awake, a mail server that is dead or drops replies."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice

from campaign import oracle, sink
from campaign.kills import LARGE
from campaign.oracle import Item
from campaign.runs import Run, finished
from campaign.sink import Manners
from campaign.stage import Stage

MIDDLE = 10
"""Units of an office that lives for long."""
ASLEEP, DEAD = 7, 5
"""Workdays of ten days asleep, and of seven days without a mail server."""
GIVES_UP = 1.5
"""Seconds after which a day without a mail server is over."""


def dropped(seed: int, count: int, mutant: str = "") -> Run:
    """The mail server says 451 each tenth time, and each tenth time keeps a message and hangs up
    instead of saying so, until it has done that about ``count`` times."""
    manners = Manners(drop=0.1, refuse=0.1, seed=seed)
    with Stage("sqlite", LARGE, manners=manners, mutant=mutant) as stage:
        for day in islice(oracle.workdays(), max(1, count * 10 // LARGE)):
            stage.whole(day)
        return finished(stage)


def asleep(seed: int, count: int, mutant: str = "") -> Run:
    """The machine sleeps for ten days, ``count`` times, with one to five workdays in between."""
    chance = random.Random(seed)
    days = oracle.workdays()
    with Stage("sqlite", MIDDLE, mutant=mutant) as stage:
        for _time in range(count):
            for day in islice(days, chance.randint(1, 5)):
                stage.whole(day)
            list(islice(days, ASLEEP))
        stage.whole(next(days))
        return finished(stage)._replace(faults=count)


def dead_server(seed: int, count: int, mutant: str = "") -> Run:
    """Nobody listens at the mail server's port for seven days, ``count`` times, each time in an
    office that has worked for some weeks; then it is back."""
    chance = random.Random(seed)
    found = None
    for _time in range(count):
        days = list(islice(oracle.workdays(), chance.randint(3, 25) + DEAD + 1))
        with Stage("sqlite", MIDDLE, mutant=mutant) as stage:
            one = _outage(stage, days)
        found = one if found is None else found + one
    assert found
    return found


def _outage(stage: Stage, days: Sequence[date]) -> Run:
    """The last of ``days`` is the one on which the server is back, after those without it."""
    *before, back = days[: -DEAD - 1] + days[-1:]
    for day in before:
        stage.whole(day)
    without = days[-DEAD - 1 : -1]
    stage.close()
    for day in without:
        stage.start(day, patience=GIVES_UP).process.join()
        del stage.begun[day]
    stage.open()
    stage.whole(back)
    found = finished(stage)
    counts, examples = _after(stage, without, back)
    return Run(1, found.counts | counts, examples)


def _after(stage: Stage, without: Sequence[date], back: date) -> tuple[dict[str, int], list[str]]:
    """What an outage did: everything that was still wanted came, as of its own day or of the last;
    what came of an old day had been due on it, and came once. What was not told was
    not urged, so that the last day's digest does not count it."""
    days = {*without, back}
    awake = {*stage.begun}
    wanted = {
        (item.address, item.title) for item in oracle.expected(MIDDLE, awake) if item.day == back
    }
    allowed = _plain(oracle.expected(MIDDLE, awake | days))
    told = Counter(item for each in sink.arrivals(stage.log) for item in _plain(each.items()))
    came = {(item.address, item.title) for item in told if item.day in days}
    strange = [item for item, times in told.items() if item not in allowed or times > 1]
    last = {item for each in sink.arrivals(stage.log) for item in each.items() if item.day == back}
    strange += last - oracle.expected(MIDDLE, awake)
    counts = {"lost": len(wanted - came), "unexpected": len(strange)}
    return counts, [f"lost {each}" for each in wanted - came] + [
        f"unexpected {each}" for each in strange
    ]


def _plain(items: Iterable[Item]) -> set[Item]:
    return {item._replace(times=0) for item in items}
