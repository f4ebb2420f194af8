"""The judge: sorts what happened into classes, from the oracle, the mail server's log and, for what
the product has to own up to, its own list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from itertools import pairwise
from statistics import quantiles
from typing import Any, NamedTuple

from campaign.oracle import Item
from campaign.sink import Arrival

SLACK = 0.5
"""Seconds by which the server may have written a message down after its sender was gone."""
SHOWN = 5
WRONG = ("lost", "unexpected", "unflagged", "stuck", "failed", "unprovoked")
"""The classes that must be empty, always."""


class Fault(NamedTuple):
    """When something was harmed: from ``begun`` to ``ended`` by the monotonic clock."""

    begun: float
    ended: float


class Evidence(NamedTuple):
    """What there is to judge by: what had to arrive, what did, the messages of which the product
    lists a second copy, those that it lists as unknown by address and day, what it still had to
    send, the passes that failed, the faults, and when each day began."""

    expected: set[Item]
    arrivals: Sequence[Arrival]
    listed: Sequence[int]
    unknown: Set[tuple[str, date]]
    stuck: int
    failed: int
    faults: Sequence[Fault]
    begun: Mapping[date, float]


class Verdict(NamedTuple):
    """Counts by class, and examples of what is wrong."""

    counts: dict[str, Any]
    examples: list[str]

    @property
    def wrong(self) -> list[str]:
        """The classes that should be empty and are not."""
        return [name for name in WRONG if self.counts[name]]


def judge(found: Evidence) -> Verdict:
    """The verdict over a run."""
    messages = _by_message(found.arrivals)
    told = Counter(item for copies in messages.values() for item in copies[0].items())
    missing = found.expected - told.keys()
    given_up = {item for item in missing if (item.address, item.day) in found.unknown}
    lost = missing - given_up
    unexpected = {item for item, times in told.items() if item not in found.expected or times > 1}
    listed = Counter(found.listed)
    copies = {key: len(arrived) for key, arrived in messages.items()}
    excess = {key: count - 1 - listed[_number(key)] for key, count in copies.items()}
    unflagged = [key for key, more in excess.items() if more > 0]
    dropped = [Fault(each.at, each.at) for each in found.arrivals if each.dropped]
    blamed = Counter(_blamed(messages, [*found.faults, *dropped]))
    counts = {
        "messages": len(messages),
        "lost": len(lost),
        "given_up": len(given_up),
        "unexpected": len(unexpected),
        "duplicated": len(found.arrivals) - len(messages),
        "unflagged": len(unflagged),
        "false_flagged": max(0, len(found.listed) - len(found.arrivals) + len(messages)),
        "stuck": found.stuck,
        "failed": 0 if found.faults or dropped else found.failed,
        "unprovoked": blamed.pop(None, 0),
        "most_copies": max(copies.values(), default=0),
        "most_per_fault": max(blamed.values(), default=0),
        "late": _late(messages, found.begun),
    }
    examples = [
        *(f"lost {tuple(item)}" for item in sorted(lost)[:SHOWN]),
        *(f"unexpected {tuple(item)} x{told[item]}" for item in sorted(unexpected)[:SHOWN]),
        *(f"unflagged {key} x{copies[key]}" for key in unflagged[:SHOWN]),
    ]
    return Verdict(counts, examples)


def _by_message(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    found: dict[str, list[Arrival]] = defaultdict(list)
    for each in arrivals:
        found[each.message_id].append(each)
    return found


def _number(message_id: str) -> int:
    """A message's own number, which its Message-ID begins with."""
    return int(message_id.lstrip("<").partition(".")[0])


def _blamed(
    messages: Mapping[str, Sequence[Arrival]], faults: Sequence[Fault]
) -> Iterator[Fault | None]:
    """For each second copy the fault that it may be blamed on, which hit after the copy before had
    arrived; None where there was none. A message blames no fault twice."""
    for copies in messages.values():
        free = list(faults)
        for before, after in pairwise(copies):
            fit = [
                each for each in free if each.ended >= before.at - SLACK and each.begun <= after.at
            ]
            fault = min(fit, key=lambda each: abs(each.begun - before.at), default=None)
            if fault is not None:
                free.remove(fault)
            yield fault


def _late(
    messages: Mapping[str, Sequence[Arrival]], begun: Mapping[date, float]
) -> dict[str, float]:
    """Seconds from the first pass of its day to the first copy of a message."""
    waits = [
        max(0.0, copies[0].at - begun[on])
        for copies in messages.values()
        if (on := copies[0].items()[0].day) in begun
    ]
    if len(waits) < 2:
        return {}
    parts = quantiles(waits, n=100)
    return {"p50": round(parts[49], 3), "p99": round(parts[98], 3), "max": round(max(waits), 3)}
