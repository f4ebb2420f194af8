"""What falls due when: a duty's cadence spread over the calendar, with every exception applied.

The way of a date: the cadence names a period and its nominal due date; days inside an excepted
range are taken away; a rest day rolls; a move by hand wins over all. What remains is an
Occurrence, due or skipped, and a skip says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dispatcher.i18n import Text, _
from dispatcher.plan.cadence import LAST, Cadence, Dates, Due, Event, Every, RangeEnd, Rule
from dispatcher.plan.model import Duty, Plan, Span
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
ROLL_ROOM = timedelta(days=31)
"""How far a roll or an exception may carry a due date from its nominal day."""
MOVE_ROOM = timedelta(days=800)


class Occurrence(NamedTuple):
    """A duty in a period: opens on a day and is due on a day, or is skipped with a reason.

    ``nominal`` is the due date before exceptions and rolls; a skipped occurrence has it as its
    due date too.
    """

    duty: Duty
    period: str
    opens: date
    due: date
    nominal: date
    provisional: bool
    skipped: Text | None = None

    @property
    def key(self) -> str:
        """Its identity in the ledger: ``dropout-check/2023-03``."""
        return f"{self.duty.id}/{self.period}"

    @property
    def progress(self) -> bool:
        """Whether it is a check-in of a year-round duty."""
        return self.duty.progress


class Candidate(NamedTuple):
    """A period of a duty with its nominal due date, before any exception.

    ``ends`` is given for a period of a week or less, which is skipped when it has no workday.
    """

    key: str
    opens: date
    nominal: date
    ends: date | None = None
    provisional: bool = False


def occurrences(plan: Plan, duty: Duty, first: date, last: date) -> list[Occurrence]:
    """The occurrences of ``duty`` due from ``first`` to ``last``, skipped ones too, by due date.

    An occurrence belongs to the plan while its nominal due date lies in the plan's and the duty's
    ``from``..``until``. Event duties have none before somebody records an event.
    """
    room = MOVE_ROOM if duty.move or _has_exceptions(duty.cadence) else ROLL_ROOM
    found = []
    for candidate in candidates(plan, duty, first - room, last + room):
        if duty.first <= candidate.nominal <= duty.last:
            occurrence = settled(plan, duty, candidate)
            if first <= occurrence.due <= last:
                found.append(occurrence)
    found.sort(key=lambda occurrence: occurrence.due)
    return found


def upcoming(plan: Plan, first: date, last: date) -> list[Occurrence]:
    """Everything due from ``first`` to ``last`` and not skipped, by due date, then plan order."""
    found = [
        occurrence
        for duty in plan.duties.values()
        for occurrence in occurrences(plan, duty, first, last)
        if not occurrence.skipped
    ]
    return sorted(found, key=lambda occurrence: occurrence.due)


def event_occurrence(plan: Plan, duty: Duty, subject: str, happened: date) -> Occurrence:
    """The occurrence that an event opens: due the cadence's span after ``happened``.

    Months and years are civil: one month after 31 January is the last day of February.
    """
    from dateutil.relativedelta import relativedelta

    event = duty.cadence
    assert isinstance(event, Event)
    if event.unit == "workdays":
        nominal = plan.workdays.add(happened, event.number)
    else:
        nominal = happened + relativedelta(None, None, **{event.unit: event.number})
    return settled(plan, duty, Candidate(subject, happened, nominal))


def candidates(plan: Plan, duty: Duty, first: date, last: date) -> Iterator[Candidate]:
    """The periods of ``duty`` nominally due from ``first`` to ``last``, in order."""
    for candidate in _spread(duty.cadence, plan, duty, first, last):
        if first <= candidate.nominal <= last:
            yield candidate


def _spread(
    cadence: Cadence, plan: Plan, duty: Duty, first: date, last: date
) -> Iterator[Candidate]:
    if isinstance(cadence, Every):
        return _every(cadence, plan.workdays, first, last)
    if isinstance(cadence, Dates):
        return _dates(cadence, first.year, last.year)
    if isinstance(cadence, RangeEnd):
        return _range_ends(plan, cadence.name)
    if isinstance(cadence, Rule):
        return _rule(cadence.text, duty.first, last)
    return iter(())


def _every(every: Every, workdays: Workdays, first: date, last: date) -> Iterator[Candidate]:
    if every.unit == "fortnight":
        assert every.anchor
        for period in fortnights(every.anchor, first, last):
            yield from _weekly(every, period)
        return
    unit = NAMED_SPLITS.get((every.unit, every.times), every.unit)
    times = every.times if unit == every.unit else 1
    for year in range(first.year, last.year + 1 + (unit == "week")):
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
    return days[-1 if due.day == LAST else min(due.day, len(days)) - 1]


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


def _rule(text: str, start: date, last: date) -> Iterator[Candidate]:
    """An occurrence covers the days since the one before, the first one those since ``start``."""
    from dateutil.rrule import rrulestr

    opens = start
    for moment in rrulestr(text, dtstart=datetime.combine(start, datetime.min.time())):
        nominal = moment.date()
        if nominal > last:
            return
        ends = nominal if (nominal - opens).days < WEEK else None
        yield Candidate(nominal.isoformat(), opens, nominal, ends)
        opens = nominal + DAY


def settled(plan: Plan, duty: Duty, candidate: Candidate) -> Occurrence:
    """The occurrence that ``candidate`` becomes once every exception has been applied."""
    key, opens, nominal, ends, provisional = candidate
    if key in duty.skip:
        return _skipped(duty, candidate, _("skipped by hand: {reason}", reason=duty.skip[key]))
    if key in duty.move:
        due = duty.move[key].to
        return Occurrence(duty, key, min(opens, due), due, nominal, False)
    if _has_exceptions(duty.cadence):
        return _around_exceptions(plan, duty, candidate)
    workdays = plan.workdays
    if ends and workdays.after(opens) > ends:
        reason = _("no workday from {first} to {last}", first=opens, last=ends)
        return _skipped(duty, candidate, reason)
    due = _rolled(nominal, workdays, duty.roll)
    if not (workdays.is_known(nominal) and workdays.is_known(due)):
        provisional = True
    if duty.roll == "skip" and not workdays.is_workday(nominal):
        return _skipped(duty, candidate._replace(provisional=provisional), _rest_day(nominal))
    return Occurrence(duty, key, min(opens, due), due, nominal, provisional)


def _skipped(duty: Duty, candidate: Candidate, reason: Text) -> Occurrence:
    key, opens, nominal, _ends, provisional = candidate
    return Occurrence(duty, key, opens, nominal, nominal, provisional, reason)


def _rest_day(day: date) -> Text:
    return _("{day} is a rest day, and the duty's roll is skip", day=day)


def _has_exceptions(cadence: Cadence) -> bool:
    return isinstance(cadence, Every) and bool(cadence.excepted or cadence.months)


def exceptions(plan: Plan, every: Every, first: date, last: date) -> list[Span]:
    """The stretches touching ``first``..``last`` whose days do not count for ``every``."""
    spans = [span for name in every.excepted for span in plan.ranges[name]]
    if every.months:
        spans += [
            Span(month.key, month.first, month.last)
            for year in range(first.year, last.year + 1)
            for month in periods_of("month", year)
            if month.first.month not in every.months
        ]
    return [span for span in spans if span.first <= last and span.last >= first]


def ranges_without_entry(plan: Plan, every: Every, year: int) -> list[str]:
    """The excepted ranges that say nothing of ``year``, so that nobody knows their days."""
    return [
        name
        for name in every.excepted
        if not any(span.first.year <= year <= span.last.year for span in plan.ranges[name])
    ]


def days_left(plan: Plan, duty: Duty, first: date, last: date) -> list[date]:
    """The workdays from ``first`` to ``last`` that no exception takes away."""
    assert isinstance(duty.cadence, Every)
    spans = exceptions(plan, duty.cadence, first, last)
    return [
        day
        for day in plan.workdays.within(first, last)
        if not any(span.first <= day <= span.last for span in spans)
    ]


def _around_exceptions(plan: Plan, duty: Duty, candidate: Candidate) -> Occurrence:
    key, opens, nominal, _ends, _given = candidate
    every = duty.cadence
    assert isinstance(every, Every)
    spans = exceptions(plan, every, opens, nominal)
    provisional = (
        any(span.provisional for span in spans)
        or bool(ranges_without_entry(plan, every, nominal.year))
        or not plan.workdays.is_known(nominal)
    )
    candidate = candidate._replace(provisional=provisional)
    if not spans:
        plain = duty._replace(cadence=every._replace(excepted=(), months=()))
        return settled(plan, plain, candidate)._replace(duty=duty)
    left = days_left(plan, duty, opens, nominal)
    if len(left) < max(duty.min_workdays, 1):
        reason = _(
            "{names} leaves {count} workdays from {first} to {last}, fewer than {least}",
            names=[span.name for span in spans],
            count=len(left),
            first=opens,
            last=nominal,
            least=max(duty.min_workdays, 1),
        )
        return _skipped(duty, candidate, reason)
    excepted = any(span.first <= nominal <= span.last for span in spans)
    if duty.roll == "skip" and not excepted and not plan.workdays.is_workday(nominal):
        return _skipped(duty, candidate, _rest_day(nominal))
    due = left[-1] if excepted else _rolled_around(plan, duty, left, nominal)
    return Occurrence(duty, key, min(opens, due), due, nominal, provisional)


def _rolled_around(plan: Plan, duty: Duty, left: list[date], nominal: date) -> date:
    """The roll, to which excepted days are rest days."""
    if duty.roll == "none":
        return nominal
    if duty.roll == "following":
        assert isinstance(duty.cadence, Every)
        day = plan.workdays.after(nominal)
        while exceptions(plan, duty.cadence, day, day):
            day = plan.workdays.after(day + DAY)
        return day
    return left[-1]


def _rolled(day: date, workdays: Workdays, roll: str) -> date:
    if roll == "preceding":
        return workdays.before(day)
    return workdays.after(day) if roll == "following" else day
