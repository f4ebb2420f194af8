"""Telling: which step of which assignment is to be told now, and to which addresses.

The one rule: has the addressee been told the step that is reached by now, or a later one, in this
round? If not, it is told now, once. So it does not matter how long nobody looked.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import datetime, time
from typing import NamedTuple

from dispatcher.dispatch.window import next_opening
from dispatcher.i18n import _
from dispatcher.ledger import assignments, outbox, reminders
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.outbox import Address
from dispatcher.ledger.reminders import Reminder
from dispatcher.plan.model import Plan
from dispatcher.plan.steps import escalation_on, following, instant, reached

STEP = re.compile(r"T(?:([+-]\d+)(wd|d)?)?")
OPENING, NOTICE = -1e6, -1e9
OWN = ("owner", "copy")
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


class Telling(NamedTuple):
    """What is to be told of an assignment: to whom, which step, the earlier ones that it makes
    superfluous, and the reminders that it takes back."""

    addressee: str
    unit: str
    step: str
    passed_over: list[str]
    taken_back: list[Reminder]


class Decision(NamedTuple):
    """What follows for an assignment, and when to look at it again."""

    tellings: list[Telling]
    next_at: datetime | None


def decide(plan: Plan, assigned: Assigned, told: list[Reminder], now: datetime) -> Decision:
    """What to tell of an assignment ``now``, given what was told of it in this round.

    A copy is told up to the due date. An acknowledged one is left alone before it. After the
    escalation day the superior is told as well, if the unit itself was on an earlier workday.
    """
    if assigned.duty not in plan.duties or assigned.unit not in plan.units:
        # Answered by an edited calendar that the daemon has yet to take up; then all is looked at.
        return Decision([], None)
    steps, next_at = _steps(plan, assigned, now)
    above, escalate_at = _escalation(plan, assigned, told, steps, now)
    own = _telling(assigned, steps, told)
    looks = [instant for instant in (next_at, escalate_at) if instant]
    return Decision([one for one in (own, above) if one], min(looks, default=None))


def _telling(assigned: Assigned, steps: list[str], told: list[Reminder]) -> Telling | None:
    """What the unit itself is told."""
    # As owner or as copy: an edit may have changed its part.
    mine = [mark for mark in told if mark.addressee in OWN]
    if not steps or _is_told(assigned, steps[-1], mine):
        return None
    recorded = {mark.step for mark in mine}
    passed_over = [step for step in steps[:-1] if step not in recorded]
    return Telling(assigned.addressee, assigned.unit, steps[-1], passed_over, _taken_back(mine))


def _taken_back(told: list[Reminder]) -> list[Reminder]:
    return [mark for mark in told if mark.state == "queued" and rank(mark.step) > NOTICE]


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


def _escalation(
    plan: Plan, assigned: Assigned, told: list[Reminder], steps: list[str], now: datetime
) -> tuple[Telling | None, datetime | None]:
    """What the superior is told, or when to see again whether it is to be told."""
    to = plan.defaults.escalate.to
    unit = superior_of(plan, assigned.unit)
    day = escalation_on(plan, assigned.of(plan.duties[assigned.duty]))
    if not (unit and day and assigned.owes):
        return None, None
    begins = instant(day, plan.defaults.at, plan.zone)
    if now < begins:
        return None, begins
    theirs = [mark for mark in told if mark.addressee == to]
    if not steps or rank(steps[-1]) <= 0 or _is_told(assigned, steps[-1], theirs):
        return None, None
    if not _urged_before(plan, assigned, told, now):
        return None, next_opening(plan, now)
    return Telling(to, unit, steps[-1], [], _taken_back(theirs)), None


def _urged_before(plan: Plan, assigned: Assigned, told: list[Reminder], now: datetime) -> bool:
    """Whether the unit was told an overdue step on an earlier day, which was a workday."""
    today = now.astimezone(plan.zone).date()
    return any(
        mark.addressee in OWN
        and rank(mark.step) > 0
        and mark.told_at is not None
        and mark.told_at.astimezone(plan.zone).date() < today
        for mark in told
    )


def superior_of(plan: Plan, unit: str) -> str | None:
    """Who is told when a unit does not answer; None where nobody stands above it."""
    to = plan.office if plan.defaults.escalate.to == "office" else plan.units[unit].superior
    return to if to not in ("", unit) else None


def tell(conn: Connection, plan: Plan, now: datetime) -> Counter[str]:
    """Records what is to be told ``now``, and what that supersedes; counts both."""
    told = reminders.of_due(conn, now)
    rows, taken_back, looks = [], [], []
    for assigned in assignments.due_for_telling(conn, now):
        decision = decide(plan, assigned, told.get(assigned.id, []), now)
        looks.append((assigned.id, decision.next_at))
        for telling in decision.tellings:
            why = _("superseded by {step}", step=telling.step)
            for step in telling.passed_over:
                row = _reminder(assigned, telling, step, now)
                rows.append(row | {"state": "superseded", "reason": why})
            rows.append(_reminder(assigned, telling, telling.step, now))
            taken_back += [(mark.id, why) for mark in telling.taken_back]
    reminders.supersede(conn, taken_back)
    reminders.record(conn, rows)
    assignments.look_again(conn, looks)
    superseded = sum(row["state"] == "superseded" for row in rows)
    return Counter(told=len(rows) - superseded, superseded=superseded + len(taken_back))


def _reminder(assigned: Assigned, telling: Telling, step: str, now: datetime) -> dict[str, object]:
    return reminders.new(assigned.id, assigned.round, telling.addressee, telling.unit, step, now)


def post(conn: Connection, plan: Plan, now: datetime) -> Counter[str]:
    """Makes of the reminders that wait one digest for each address, and counts them.

    A reminder goes to every contact of its unit. One that can go to nobody fails, for the office
    to hear of. An address has one digest a day: what comes up after it waits for the next one.
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
    today = instant(now.astimezone(plan.zone).date(), time.min, plan.zone)
    counts["messages"] = outbox.queue_digests(conn, waiting, now, today)
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


def names_by_address(plan: Plan) -> dict[Address, str]:
    """Who is told at each address: ``甲、乙``."""
    found: dict[Address, list[str]] = defaultdict(list)
    for unit in plan.units:
        for address in addresses(plan, unit):
            found[address].append(unit)
    return {address: "、".join(units) for address, units in found.items()}


def office_contact(plan: Plan) -> str:
    """Whom a unit asks: the name and mobile of the office's first contact."""
    contacts = plan.units[plan.office].contacts
    return f"{contacts[0].name} {contacts[0].mobile}".strip() if contacts else ""
