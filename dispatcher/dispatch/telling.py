"""Telling: which step of which assignment is to be told now, and to which addresses.

The one rule: has the addressee been told the step that is reached by now, or a later one, in this
round? If not, it is told now, once. So it does not matter how long nobody looked.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date, datetime
from typing import NamedTuple

from dispatcher.i18n import _
from dispatcher.ledger import assignments, outbox, reminders
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.outbox import Address
from dispatcher.ledger.reminders import Reminder
from dispatcher.plan.model import Plan
from dispatcher.plan.steps import following, reached

STEP = re.compile(r"T(?:([+-]\d+)(wd|d)?)?")
OPENING, NOTICE = -1e6, -1e9
WORKDAY = 1.4
"""Calendar days of a workday, to compare offsets that are counted in different days."""


def rank(step: str) -> float:
    """The order of steps by their offset from the due date, whatever list they once stood in.

    >>> sorted(["T+3", "open", "T", "T-7", "T-3wd", "moved 2026-04-15"], key=rank)
    ['moved 2026-04-15', 'open', 'T-7', 'T-3wd', 'T', 'T+3']
    """
    found = STEP.fullmatch(step)
    if not found:
        return OPENING if step == "open" else NOTICE
    number, unit = int(found[1] or 0), found[2]
    in_workdays = unit == "wd" or (number > 0 and unit is None)
    return number * (WORKDAY if in_workdays else 1)


class Decision(NamedTuple):
    """What follows for an assignment: the step to tell, if any, the earlier ones that it makes
    superfluous, the reminders that it takes back, and when to look again."""

    step: str | None
    passed_over: list[str]
    taken_back: list[Reminder]
    next_at: datetime | None


def decide(plan: Plan, assigned: Assigned, told: list[Reminder], now: datetime) -> Decision:
    """What to tell of an assignment ``now``, given what its unit was told in this round.

    A copy is told up to the due date. An acknowledged one is left alone before it.
    """
    steps, next_at = _steps(plan, assigned, now)
    latest = steps[-1] if steps else None
    if latest is None or _is_told(assigned, latest, told):
        return Decision(None, [], [], next_at)
    recorded = {mark.step for mark in told}
    passed_over = [step for step in steps[:-1] if step not in recorded]
    queued = [mark for mark in told if mark.state == "queued" and rank(mark.step) > NOTICE]
    return Decision(latest, passed_over, queued, next_at)


def _steps(plan: Plan, assigned: Assigned, now: datetime) -> tuple[list[str], datetime | None]:
    """The steps of an assignment that are reached by ``now``, and when the next one is."""
    occurrence = assigned.of(plan.duties[assigned.duty])
    steps = [step.name for step in reached(plan, occurrence, now)]
    then = following(plan, occurrence, now)
    if not assigned.owes:
        steps = [step for step in steps if rank(step) <= 0]
        then = then if then and rank(then.name) <= 0 else None
    return steps, then.at(plan) if then else None


def _is_told(assigned: Assigned, step: str, told: list[Reminder]) -> bool:
    """Whether a step, or a later one, is told already, or is not to be told at all."""
    if assigned.state == "acknowledged" and rank(step) < 0:
        return True
    return any(rank(mark.step) >= rank(step) for mark in told)


def tell(conn: Connection, plan: Plan, now: datetime) -> Counter[str]:
    """Records what is to be told ``now``, and what that supersedes; counts both."""
    told = reminders.of_due(conn, now)
    rows, taken_back, looks = [], [], []
    for assigned in assignments.due_for_telling(conn, now):
        decision = decide(plan, assigned, told.get(assigned.id, []), now)
        looks.append((assigned.id, decision.next_at))
        if not decision.step:
            continue
        why = _("superseded by {step}", step=decision.step)
        for step in decision.passed_over:
            rows.append(_reminder(assigned, step, now) | {"state": "superseded", "reason": why})
        rows.append(_reminder(assigned, decision.step, now))
        taken_back += [(mark.id, why) for mark in decision.taken_back]
    reminders.supersede(conn, taken_back)
    reminders.record(conn, rows)
    assignments.look_again(conn, looks)
    superseded = sum(row["state"] == "superseded" for row in rows)
    return Counter(told=len(rows) - superseded, superseded=superseded + len(taken_back))


def _reminder(assigned: Assigned, step: str, now: datetime) -> dict[str, object]:
    return reminders.new(assigned.id, assigned.round, assigned.addressee, assigned.unit, step, now)


def notify(
    conn: Connection,
    assigned: Assigned,
    notice: str,
    now: datetime,
    old_due_on: date | None = None,
) -> None:
    """Queues a notice, which is no step: that an assignment was moved, or withdrawn."""
    reminders.record(conn, [_reminder(assigned, notice, now) | {"old_due_on": old_due_on}])


def post(conn: Connection, plan: Plan, now: datetime) -> Counter[str]:
    """Makes of the reminders that wait one digest for each address, and counts them.

    A reminder goes to every contact of its unit. One that can go to nobody fails, for the office
    to hear of.
    """
    waiting: dict[Address, list[int]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for untold in reminders.untold(conn):
        known = addresses(plan, untold.unit)
        if not known and not untold.tried:
            why = _("'{unit}' has no contact that can be reached", unit=untold.unit)
            reminders.fail(conn, untold.id, why)
            counts["unreachable"] += 1
        for address in known:
            if address not in untold.tried:
                waiting[address].append(untold.id)
    for address, items in waiting.items():
        counts["messages"] += outbox.queue(conn, address, "digest", now, items=items) is not None
    return counts


def addresses(plan: Plan, unit: str) -> list[Address]:
    """Where a unit is told: each of its contacts that its channels can reach, once."""
    if unit not in plan.units:
        return []
    found = plan.units[unit]
    if "email" not in found.channels:
        return []
    return list(
        dict.fromkeys(Address("email", each.email) for each in found.contacts if each.email)
    )
