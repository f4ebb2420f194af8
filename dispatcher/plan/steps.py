"""Steps: the points at which an occurrence is told, and the instants they fall on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dispatcher.plan.cadence import Dates, Event, Every
from dispatcher.plan.model import Offset, Plan
from dispatcher.plan.occurrences import Occurrence
from dispatcher.plan.periods import DAY, NAMED_SPLITS
from dispatcher.plan.workdays import Workdays

LENGTHS = ((7, "week"), (16, "half-month"), (31, "month"), (92, "quarter"), (184, "half-year"))
DAYS_OF = {"days": 1, "workdays": 1.4, "weeks": 7, "months": 30, "years": 365}
PROGRESS_OVERDUE = 2
"""How often an unanswered check-in of a year-round duty is chased."""


class Step(NamedTuple):
    """A named point at which an occurrence is told, on a workday."""

    name: str
    on: date

    def at(self, plan: Plan) -> datetime:
        """The UTC instant at which it is told: the plan's ``at`` on its day."""
        return instant(self.on, plan.defaults.at, plan.zone)


@lru_cache(maxsize=4096)
def instant(day: date, clock_time: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a civil time.

    A time that does not exist becomes the first valid instant after it; one that comes twice is
    taken the first time.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> instant(date(2026, 3, 29), time(2, 30), berlin).isoformat()
    '2026-03-29T01:00:00+00:00'
    >>> instant(date(2026, 10, 25), time(2, 30), berlin).isoformat()
    '2026-10-25T00:30:00+00:00'
    """
    civil = datetime.combine(day, clock_time, zone)
    found = civil.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == civil.replace(tzinfo=None):
        return found
    return _transition(civil.replace(fold=1).astimezone(UTC), found, zone)


def _transition(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The instant between ``low`` and ``high`` at which the zone's offset changes."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def length(occurrence: Occurrence) -> str:
    """The length of an occurrence's period, by which ``defaults.before`` is chosen.

    Ranges, rules and stretches count by their days, events by their span in words: one month is
    a month, whichever it is.
    """
    cadence = occurrence.duty.cadence
    if isinstance(cadence, Dates):
        return "dates"
    if isinstance(cadence, Every):
        unit = NAMED_SPLITS.get((cadence.unit, cadence.times), cadence.unit)
        if cadence.times == 1 or unit != cadence.unit:
            return unit
    days: float = (occurrence.nominal - occurrence.opens).days + 1
    if isinstance(cadence, Event):
        days = cadence.number * DAYS_OF[cadence.unit]
    return next((name for limit, name in LENGTHS if days <= limit), "year")


def offsets_before(plan: Plan, occurrence: Occurrence) -> tuple[Offset, ...]:
    """How long before its due date an occurrence is told, farthest first."""
    offsets = occurrence.duty.before
    if offsets is None:
        offsets = plan.defaults.before[length(occurrence)]
    return offsets


def steps(plan: Plan, occurrence: Occurrence) -> Iterator[Step]:
    """Every step of an occurrence by its day, without end while it is chased.

    A step up to the due date that falls on a rest day moves to the workday before, one after it
    to the workday after. A step before the opening does not exist.
    """
    yield from steps_until_due(plan, occurrence)
    yield from overdue_steps(plan, occurrence)


def steps_until_due(plan: Plan, occurrence: Occurrence) -> list[Step]:
    """``open``, the warnings and ``T``, by day; of two on one day the nearer to ``T`` is later."""
    workdays, due, opens = plan.workdays, occurrence.due, occurrence.opens
    last = Step("T", workdays.before(due))
    found = []
    if occurrence.duty.open and not occurrence.progress:
        found.append((workdays.after(opens), date.min, "open"))
    for offset in offsets_before(plan, occurrence):
        raw = _counted(workdays, due, offset._replace(days=-offset.days))
        name = f"T-{offset.days}{'wd' * offset.workdays}"
        found.append((workdays.before(raw), raw, name))
    return [*(Step(name, day) for day, _raw, name in sorted(found) if opens <= day < last.on), last]


def overdue_steps(plan: Plan, occurrence: Occurrence) -> Iterator[Step]:
    """``T+1``, ``T+3``, ``T+8``, ...: counted in workdays after the due date, without end when the
    last offset repeats; two for progress items."""
    found = _overdue(plan, occurrence)
    if occurrence.progress:
        found = (step for _number, step in zip(range(PROGRESS_OVERDUE), found, strict=False))
    return found


def _overdue(plan: Plan, occurrence: Occurrence) -> Iterator[Step]:
    workdays, count = plan.workdays, 0
    for offset in occurrence.duty.overdue:
        count = offset.days + count * offset.every
        raw = _counted(workdays, occurrence.due, offset._replace(days=count))
        yield _overdue_step(workdays, offset, count, raw)
        while offset.every:
            # From the one before: counted from the due date, years of them would take hours.
            count, raw = count + offset.days, _counted(workdays, raw, offset)
            yield _overdue_step(workdays, offset, count, raw)


def _overdue_step(workdays: Workdays, offset: Offset, count: int, raw: date) -> Step:
    return Step(f"T+{count}{'d' * (not offset.workdays)}", workdays.after(raw))


def _counted(workdays: Workdays, day: date, offset: Offset) -> date:
    return workdays.add(day, offset.days) if offset.workdays else day + offset.days * DAY


def shifted(workdays: Workdays, day: date, offset: Offset) -> date:
    """The workday ``offset`` from ``day``, before it when negative.

    From a rest day it moves as steps do: on or before ``day`` to the workday before, else after.

    >>> shifted(Workdays("none"), date(2026, 5, 1), Offset(1))
    datetime.date(2026, 5, 4)
    >>> shifted(Workdays("none"), date(2026, 5, 4), Offset(-1))
    datetime.date(2026, 5, 1)
    """
    raw = _counted(workdays, day, offset)
    return workdays.after(raw) if offset.days > 0 else workdays.before(raw)


def escalation_on(plan: Plan, occurrence: Occurrence) -> date | None:
    """The workday on which an unanswered occurrence is taken to those above; None when it is
    skipped or its duty is never chased."""
    if occurrence.skipped or not occurrence.duty.overdue:
        return None
    return shifted(plan.workdays, occurrence.due, plan.defaults.escalate.after)


def reached(plan: Plan, occurrence: Occurrence, now: datetime) -> list[Step]:
    """The steps whose instants have come by ``now``, in order; the last one is to be told."""
    return around(plan, occurrence, now)[0]


def around(plan: Plan, occurrence: Occurrence, now: datetime) -> tuple[list[Step], Step | None]:
    """The steps that are reached by ``now``, and the first that is still to come, if any is."""
    found: list[Step] = []
    for step in steps(plan, occurrence):
        if step.at(plan) > now:
            return found, step
        found.append(step)
    return found, None
