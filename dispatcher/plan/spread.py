"""A cadence spread over the calendar: its periods, each with its nominal due date.

What comes out are Candidates: no exception, holiday or roll has been applied to them yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from dispatcher.plan.cadence import LAST, Dates, Due, Every, RangeEnd, Rule
from dispatcher.plan.model import Duty, Plan
from dispatcher.plan.periods import (
    DAY,
    NAMED_SPLITS,
    Period,
    day_of,
    fortnights,
    month_end,
    periods_of,
    split,
)
from dispatcher.plan.workdays import Workdays

WEEK = 7
RULE_HORIZON = timedelta(days=366 * 9)
"""How far a rule's next day is looked for: 29 February may be eight years away."""


class Candidate(NamedTuple):
    """A period of a duty with its nominal due date, before any exception.

    ``ends`` is given for a period of a week or less, which is skipped when it has no workday.
    """

    key: str
    opens: date
    nominal: date
    ends: date | None = None
    provisional: bool = False


def candidates(plan: Plan, duty: Duty, first: date, last: date) -> Iterator[Candidate]:
    """The periods of ``duty`` nominally due from ``first`` to ``last``, in order."""
    for candidate in _spread(plan, duty, first, last):
        if first <= candidate.nominal <= last:
            yield candidate


def _spread(plan: Plan, duty: Duty, first: date, last: date) -> Iterator[Candidate]:
    cadence = duty.cadence
    if isinstance(cadence, Every | Dates):
        return regular(cadence, plan.workdays, first, last)
    if isinstance(cadence, RangeEnd):
        return _range_ends(plan, cadence.name)
    if isinstance(cadence, Rule):
        return _rule(cadence, duty.first, last)
    return iter(())


def regular(
    cadence: Every | Dates, workdays: Workdays, first: date, last: date
) -> Iterator[Candidate]:
    """The periods of a cadence that depends on nothing but the calendar."""
    if isinstance(cadence, Dates):
        return _dates(cadence, first.year, last.year)
    return _every(cadence, workdays, first, last)


def _every(every: Every, workdays: Workdays, first: date, last: date) -> Iterator[Candidate]:
    if every.unit == "fortnight":
        assert every.anchor
        for period in fortnights(every.anchor, first, last):
            yield from _weekly(every, period)
        return
    unit = NAMED_SPLITS.get((every.unit, every.times), every.unit)
    times = every.times if unit == every.unit else 1
    around = unit == "week"
    for year in range(first.year - around, last.year + 1 + around):
        for period in periods_of(unit, year):
            if period.last < first or period.first > last:
                continue
            if unit == "week":
                yield from _weekly(every, period)
                continue
            for part in split(period, times) if times > 1 else (period,):
                nominal = due_day(every.due, part, workdays) if every.due else part.last
                yield Candidate(part.key, part.first, nominal, _short_end(part))


def _short_end(period: Period) -> date | None:
    return period.last if (period.last - period.first).days < WEEK else None


def _weekly(every: Every, period: Period) -> Iterator[Candidate]:
    if every.times > 1:
        for part in split(period, every.times):
            yield Candidate(part.key, part.first, part.last, _short_end(part))
        return
    last_week = period.last - 6 * DAY
    opens = period.first
    for number, weekday in enumerate(every.weekdays or (6,), start=1):
        nominal = last_week + weekday * DAY
        key = f"{period.key}.{number}" if len(every.weekdays) > 1 else period.key
        yield Candidate(key, opens, nominal, _short_end(period))
        opens = nominal + DAY


def due_day(due: Due, period: Period, workdays: Workdays) -> date:
    """The day of ``period`` that ``due`` names, before any roll.

    >>> quarter = periods_of("quarter", 2023)[0]
    >>> due_day(Due(LAST, 25), quarter, Workdays()), due_day(Due(1, 5), quarter, Workdays())
    (datetime.date(2023, 3, 25), datetime.date(2023, 1, 5))
    >>> due_day(Due(LAST, LAST, workday=True), periods_of("month", 2023)[8], Workdays())
    datetime.date(2023, 9, 28)
    """
    month = period.first.month + due.month - 1 if due.month else period.last.month
    year = period.first.year
    if not due.workday:
        return day_of(year, month, due.day) if due.day else month_end(year, month)
    days = workdays.within(date(year, month, 1), month_end(year, month))
    if due.day == LAST or due.day > len(days):
        return workdays.before(month_end(year, month))
    return days[due.day - 1]


def _dates(dates: Dates, first_year: int, last_year: int) -> Iterator[Candidate]:
    for year in range(first_year, last_year + 1):
        days = [day for day in dates.days if day.year in (None, year)]
        in_month: dict[int, int] = {}
        for day in days:
            number = in_month[day.month] = in_month.get(day.month, 0) + 1
            several = sum(other.month == day.month for other in days) > 1
            key = f"{year}-{day.month:02}" + f".{number}" * several
            nominal = day_of(year, day.month, day.day) if day.day else month_end(year, day.month)
            yield Candidate(key, nominal.replace(day=1), nominal)


def _range_ends(plan: Plan, name: str) -> Iterator[Candidate]:
    for span in plan.ranges[name]:
        yield Candidate(span.name, span.first, span.last, provisional=span.provisional)


def _rule(rule: Rule, start: date, last: date) -> Iterator[Candidate]:
    """An occurrence covers the days since the one before, the first one those since ``start``."""
    from dateutil.rrule import rrulestr

    # Bounded, for a rule that never fires would be looked for until the year 9999.
    text = f"{rule.text};UNTIL={min(rule.until or last, last):%Y%m%d}T235959"
    moments = rrulestr(text, dtstart=datetime.combine(start, datetime.min.time()))
    opens = start
    for moment in islice(moments, rule.times):
        nominal = moment.date()
        ends = nominal if (nominal - opens).days < WEEK else None
        yield Candidate(nominal.isoformat(), opens, nominal, ends)
        opens = nominal + DAY
