"""What falls due when: a duty's cadence spread over the calendar, with every exception applied.

The way of a date: the cadence names a period and its nominal due date; days inside an excepted
range are taken away; a rest day rolls; a move by hand wins over all. What remains is an
Occurrence, due or skipped, and a skip says why.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from dispatcher.i18n import Text, _
from dispatcher.plan.cadence import Cadence, Dates, Event, Every, RangeEnd, Rule
from dispatcher.plan.model import Duty, Plan, Roll, Span
from dispatcher.plan.periods import DAY, periods_of
from dispatcher.plan.series import lacking
from dispatcher.plan.spread import RULE_HORIZON, Candidate, candidates, regular
from dispatcher.plan.workdays import Workdays

ROLL_ROOM = timedelta(days=31)
"""How far a roll or an exception may carry a due date from its nominal day."""
MOVE_ROOM = timedelta(days=800)
YEAR = timedelta(days=366) + ROLL_ROOM


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


Settled = tuple[str, date, date, date, bool, Text | None]
"""An Occurrence without its duty: period, opens, due, nominal, provisional, skipped."""


def occurrences(plan: Plan, duty: Duty, first: date, last: date) -> list[Occurrence]:
    """The occurrences of ``duty`` due from ``first`` to ``last``, skipped ones too, by due date.

    An occurrence belongs to the plan while its nominal due date lies in the plan's and the duty's
    ``from``..``until``. Event duties have none before somebody records an event.
    """
    room = MOVE_ROOM if duty.move or _has_exceptions(duty.cadence) else ROLL_ROOM
    start, end = max(first - room, duty.first), min(last + room, duty.last)
    if _shareable(duty):
        shared = _shared(duty.cadence, duty.roll, plan.workdays, start, end)
        found = [Occurrence(duty, *dates) for dates in shared]
    else:
        found = [settled(plan, duty, one) for one in candidates(plan, duty, start, end)]
    due = [occurrence for occurrence in found if first <= occurrence.due <= last]
    return sorted(due, key=attrgetter("due"))


def ahead(plan: Plan, duty: Duty) -> timedelta:
    """How long before it is due an occurrence may open: within it what opens on a day is found."""
    room = MOVE_ROOM if duty.move or _has_exceptions(duty.cadence) else timedelta()
    if isinstance(duty.cadence, Rule):
        return RULE_HORIZON + room
    if isinstance(duty.cadence, RangeEnd):
        spans = [span.last - span.first for span in plan.ranges[duty.cadence.name]]
        return max([YEAR, *spans]) + room
    return YEAR + room


def _shareable(duty: Duty) -> bool:
    """Whether its dates depend on nothing but its cadence, its roll and the workdays."""
    plain = isinstance(duty.cadence, Every | Dates) and not _has_exceptions(duty.cadence)
    return plain and not duty.skip and not duty.move


@lru_cache(maxsize=1024)
def _shared(
    cadence: Every | Dates, roll: str, workdays: Workdays, first: date, last: date
) -> tuple[Settled, ...]:
    """What the duties with one cadence and roll have in common, worked out once for all."""
    return tuple(
        _on_workdays(workdays, roll, candidate)
        for candidate in regular(cadence, workdays, first, last)
        if first <= candidate.nominal <= last
    )


def upcoming(plan: Plan, first: date, last: date) -> list[Occurrence]:
    """Everything due from ``first`` to ``last`` and not skipped, by due date, then plan order."""
    found = [
        occurrence
        for duty in plan.duties.values()
        for occurrence in occurrences(plan, duty, first, last)
        if not occurrence.skipped
    ]
    return sorted(found, key=attrgetter("due"))


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
    found = settled(plan, duty, Candidate(subject, happened, nominal))
    if found.due < happened and subject not in duty.move:
        due = plan.workdays.after(nominal)
        provisional = found.provisional or not plan.workdays.is_known(due)
        found = found._replace(due=due, provisional=provisional)
    # It opens on the event's own day, which the ledger keeps as such.
    return found._replace(opens=min(happened, found.due))


def settled(plan: Plan, duty: Duty, candidate: Candidate) -> Occurrence:
    """The occurrence that ``candidate`` becomes once every exception has been applied."""
    key, opens, nominal = candidate[:3]
    if key in duty.skip:
        return _skipped(duty, candidate, _("skipped by hand: {reason}", reason=duty.skip[key]))
    if key in duty.move:
        due = duty.move[key].to
        return Occurrence(duty, key, min(opens, due), due, nominal, False)
    if _has_exceptions(duty.cadence):
        return _around_exceptions(plan, duty, candidate)
    return Occurrence(duty, *_on_workdays(plan.workdays, roll_of(duty), candidate))


def unless_passed(after: Occurrence, before: Occurrence, today: date) -> Occurrence:
    """What has opened as ``before``, and is ``after`` an edit: with its old dates where the edit
    names an earlier day that has passed ``today``, for which nobody can be late."""
    if before.skipped or after.skipped or after.due >= min(today, before.due):
        return after
    opens, due, nominal, provisional = before[2:6]
    return after._replace(opens=opens, due=due, nominal=nominal, provisional=provisional)


def roll_of(duty: Duty) -> Roll:
    """Where its due date goes from a rest day; before the end of a range it is always earlier."""
    return "preceding" if isinstance(duty.cadence, RangeEnd) else duty.roll


def _on_workdays(workdays: Workdays, roll: str, candidate: Candidate) -> Settled:
    """The dates of ``candidate`` when nothing but rest days stands in its way."""
    key, opens, nominal, ends, provisional = candidate
    if ends and workdays.after(opens) > ends:
        reason = _("no workday from {first} to {last}", first=opens, last=ends)
        provisional = provisional or not workdays.is_known(ends)
        return key, opens, nominal, nominal, provisional, reason
    due = _rolled(nominal, workdays, roll)
    if not (workdays.is_known(nominal) and workdays.is_known(due)):
        provisional = True
    if roll == "skip" and not workdays.is_workday(nominal):
        return key, opens, nominal, nominal, provisional, _rest_day(nominal)
    return key, _opening(candidate, due), due, nominal, provisional, None


def _opening(candidate: Candidate, due: date) -> date:
    """A due date that rest days move before the opening takes it along: there is as much time as
    there would have been."""
    opens = candidate.opens
    return opens if due >= opens else opens - (candidate.nominal - due)


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


def ranges_incomplete(plan: Plan, every: Every, year: int) -> list[str]:
    """The excepted ranges that do not say all of ``year``, so that nobody knows their days."""
    return [name for name in every.excepted if lacking(plan.ranges[name], year)]


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
    provisional = _unsure(plan, every, spans, nominal.year)
    candidate = candidate._replace(provisional=provisional)
    if not spans:
        plain = Occurrence(duty, *_on_workdays(plan.workdays, duty.roll, candidate))
        if plain.skipped or duty.roll != "following":
            return plain
    provisional = provisional or not plan.workdays.is_known(nominal)
    candidate = candidate._replace(provisional=provisional)
    left = days_left(plan, duty, opens, nominal)
    if spans and len(left) < max(duty.min_workdays, 1):
        return _skipped(duty, candidate, _too_few(duty, candidate, spans, len(left)))
    excepted = any(span.first <= nominal <= span.last for span in spans)
    if duty.roll == "skip" and not excepted and not plan.workdays.is_workday(nominal):
        return _skipped(duty, candidate, _rest_day(nominal))
    due = left[-1] if excepted else _rolled_around(plan, duty, left, nominal)
    provisional = provisional or not plan.workdays.is_known(due)
    return Occurrence(duty, key, _opening(candidate, due), due, nominal, provisional)


def _unsure(plan: Plan, every: Every, spans: list[Span], year: int) -> bool:
    """Whether what the ranges say of a period may still change."""
    return any(span.provisional for span in spans) or bool(ranges_incomplete(plan, every, year))


def _too_few(duty: Duty, candidate: Candidate, spans: list[Span], left: int) -> Text:
    return _(
        "{names} leaves {count} workdays from {first} to {last}, fewer than {least}",
        names=[span.name for span in spans],
        count=left,
        first=candidate.opens,
        last=candidate.nominal,
        least=max(duty.min_workdays, 1),
    )


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
