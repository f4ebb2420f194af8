"""When messages may leave: on workdays, inside the plan's window."""

from __future__ import annotations

from datetime import datetime

from dispatcher.plan.model import Plan
from dispatcher.plan.periods import DAY
from dispatcher.plan.steps import instant

AT_ANY_TIME = ("test", "status")
"""The kinds of messages that need not wait for the window."""
IN_WINDOW = ("digest", "brief", "slip")


def kinds_leaving(plan: Plan, now: datetime) -> tuple[str, ...]:
    """The kinds of messages that may leave ``now``."""
    return AT_ANY_TIME if opening(plan, now) > now else (*AT_ANY_TIME, *IN_WINDOW)


def opening(plan: Plan, now: datetime) -> datetime:
    """The first instant from ``now`` on at which a message may leave: ``now`` inside the window."""
    first, last = plan.defaults.window
    today = now.astimezone(plan.zone).date()
    if plan.workdays.is_workday(today) and now < instant(today, last, plan.zone):
        return max(now, instant(today, first, plan.zone))
    return instant(plan.workdays.after(today + DAY), first, plan.zone)


def next_opening(plan: Plan, now: datetime) -> datetime:
    """The first instant after ``now`` at which the window opens."""
    found = opening(plan, now)
    if found > now:
        return found
    today = now.astimezone(plan.zone).date()
    return instant(plan.workdays.after(today + DAY), plan.defaults.window[0], plan.zone)
