"""Deciding what is to be told of an assignment: the last step that is reached by now, once.

The one rule: has the addressee been told the step that is reached by now, or a later one, in this
round? If not, it is told now, once. So it does not matter how long nobody looked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from dispatcher.dispatch.window import next_opening
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.reminders import Reminder
from dispatcher.plan.model import Plan
from dispatcher.plan.steps import Step, around, escalation_on, instant

STEP = re.compile(r"T(?:([+-]\d+)(wd|d)?)?")
OPENING, NOTICE = -1e6, -1e9
OWN = ("owner", "copy")
WORKDAY = 1.4
"""Calendar days of a workday, to compare offsets that are counted in different days."""


@lru_cache(1000)
def rank(step: str) -> float:
    """The order of steps by their offset from the due date, whatever list they once stood in. Of
    two that the plan has, their days say which is later: a holiday may turn round the order of one
    that is counted in workdays and one that is not.

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


class Dates(NamedTuple):
    """What the plan says of an occurrence by now: the steps that are reached, the one that is to
    come, and the day from which the superior is told."""

    reached: list[str]
    then: Step | None
    escalation: date | None


def dates_of(plan: Plan, assigned: Assigned, now: datetime) -> Dates | None:
    """The same for all assignments of an occurrence that are due on one day; None where the plan
    has no such duty."""
    if assigned.duty not in plan.duties:
        return None
    occurrence = assigned.of(plan.duties[assigned.duty])
    passed, then = around(plan, occurrence, now)
    return Dates([step.name for step in passed], then, escalation_on(plan, occurrence))


def decide(
    plan: Plan, assigned: Assigned, told: list[Reminder], dates: Dates | None, now: datetime
) -> Decision:
    """What to tell of an assignment ``now``, given what was told of it in this round.

    A copy is told up to the due date. An acknowledged one is left alone before it. After the
    escalation day the superior is told as well, if the unit itself was on an earlier workday.
    """
    if dates is None or assigned.unit not in plan.units:
        # Answered by an edited calendar that the daemon has yet to take up; then all is looked at.
        return Decision([], None)
    steps, next_at = _steps(plan, assigned, dates)
    above, escalate_at = _escalation(plan, assigned, told, steps, dates.escalation, now)
    own = _telling(assigned, steps, told)
    looks = [instant for instant in (next_at, escalate_at) if instant]
    return Decision([one for one in (own, above) if one], min(looks, default=None))


def _telling(assigned: Assigned, steps: list[str], told: list[Reminder]) -> Telling | None:
    """What the unit itself is told."""
    # As owner or as copy: an edit may have changed its part.
    mine = [mark for mark in told if mark.addressee in OWN]
    if not steps or _is_told(assigned, steps, mine):
        return None
    recorded = {mark.step for mark in mine}
    passed_over = [step for step in steps[:-1] if step not in recorded]
    return Telling(assigned.addressee, assigned.unit, steps[-1], passed_over, _taken_back(mine))


def _taken_back(told: list[Reminder]) -> list[Reminder]:
    return [mark for mark in told if mark.state == "queued" and rank(mark.step) > NOTICE]


def _steps(plan: Plan, assigned: Assigned, dates: Dates) -> tuple[list[str], datetime | None]:
    """The steps of an assignment that are reached, and when the next one is."""
    steps, then, _escalation = dates
    if not assigned.owes:
        steps = [step for step in steps if rank(step) <= 0]
        then = then if then and rank(then.name) <= 0 else None
    return steps, then.at(plan) if then else None


def _is_told(assigned: Assigned, steps: Sequence[str], told: list[Reminder]) -> bool:
    """Whether the last of the steps that are reached is told already, or a later one, or it is not
    to be told at all."""
    if assigned.state == "acknowledged" and rank(steps[-1]) < 0:
        return True
    return any(says(mark.step, steps) for mark in told)


def says(step: str, steps: Sequence[str]) -> bool:
    """Whether ``step`` says the last of ``steps``, which are in the order of their days, or more.

    One that the plan does not have among them, after an edit, is placed by its offset.

    >>> says("T-5wd", ["open", "T-5wd", "T-10"]), says("T-9", ["open", "T-5wd", "T-10"])
    (False, True)
    """
    return step == steps[-1] if step in steps else rank(step) >= rank(steps[-1])


def _escalation(
    plan: Plan,
    assigned: Assigned,
    told: list[Reminder],
    steps: list[str],
    day: date | None,
    now: datetime,
) -> tuple[Telling | None, datetime | None]:
    """What the superior is told from ``day`` on, or when to see again whether it is to be told."""
    to = plan.defaults.escalate.to
    unit = superior_of(plan, assigned.unit)
    if not (unit and day and assigned.owes):
        return None, None
    begins = instant(day, plan.defaults.at, plan.zone)
    if now < begins:
        return None, begins
    theirs = [mark for mark in told if mark.addressee == to]
    if not steps or rank(steps[-1]) <= 0 or _is_told(assigned, steps, theirs):
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
