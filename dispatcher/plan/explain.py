"""Why: the chain from a phrase to a date, to its reminders, to those who get them."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import NamedTuple

from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.plan.cadence import LAST, Cadence, Dates, Day, Due, Event, Every, RangeEnd
from dispatcher.plan.model import Duty, Plan, Span
from dispatcher.plan.occurrences import (
    Occurrence,
    exceptions,
    occurrences,
    ranges_incomplete,
    roll_of,
)
from dispatcher.plan.scalars import read_day
from dispatcher.plan.series import lacking
from dispatcher.plan.shape import nearest
from dispatcher.plan.steps import escalation_on, steps
from dispatcher.plan.workdays import WEEKDAYS

SHOWN_STEPS = 8
FAR = timedelta(days=366 * 3)
UNITS = {
    "week": _("week"),
    "fortnight": _("two weeks"),
    "half-month": _("half-month"),
    "month": _("month"),
    "two-months": _("two months"),
    "quarter": _("quarter"),
    "half-year": _("half-year"),
    "year": _("year"),
}
SPANS = {
    "days": _("days"),
    "workdays": _("workdays"),
    "weeks": _("weeks"),
    "months": _("months"),
    "years": _("years"),
}
ROLLS = {
    "preceding": _("moved to the workday before"),
    "following": _("moved to the workday after"),
    "none": _("kept on it"),
    "skip": _("skipped"),
}


class Reason(NamedTuple):
    """One link of the chain: what it is about, and what it says."""

    label: Text
    says: Text


def describe(cadence: Cadence) -> Text:
    """A cadence in words.

    >>> from dispatcher.plan.phrases import parse
    >>> str(describe(parse("每季度末月25日前"))), str(describe(parse("9月底前/12月底前")))
    ('once every quarter, by day 25 of its last month', 'on these days: 9/last, 12/last')
    """
    if isinstance(cadence, Every):
        return _describe_every(cadence)
    if isinstance(cadence, Dates):
        return _("on these days: {days}", days=[_describe_day(day) for day in cadence.days])
    if isinstance(cadence, RangeEnd):
        return _("by the end of each {range}", range=cadence.name)
    if isinstance(cadence, Event):
        return _(
            "within {number} {unit} after {event}",
            number=cadence.number,
            unit=SPANS[cadence.unit],
            event=cadence.name,
        )
    return _("{rule}", rule=str(cadence))


def _describe_day(day: Day) -> Text:
    if day.day == LAST:
        says = _("{month}/last", month=day.month)
    else:
        says = _("{month}/{day}", month=day.month, day=day.day)
    return _("{year}: {says}", year=day.year, says=says) if day.year else says


def _describe_every(every: Every) -> Text:
    unit = UNITS[every.unit]
    parts = [
        _("once every {unit}", unit=unit)
        if every.times == 1
        else _("{times} times every {unit}", times=every.times, unit=unit)
    ]
    if every.weekdays:
        parts.append(_("by {days}", days=[WEEKDAYS[day] for day in every.weekdays]))
    if every.due:
        parts.append(_describe_due(every.due, every.unit))
    if every.months:
        parts.append(_("in the months {months}", months=[str(month) for month in every.months]))
    if every.excepted:
        parts.append(_("except {ranges}", ranges=every.excepted))
    if every.anchor:
        parts.append(_("counted from {day}", day=every.anchor))
    return _("{parts}", parts=parts)


def _describe_due(due: Due, unit: str) -> Text:
    last_month = due.month == LAST
    if due.day == LAST:
        day = _("the last workday") if due.workday else _("the last day")
    else:
        day = _("workday {day}", day=due.day) if due.workday else _("day {day}", day=due.day)
    if unit == "month":
        return _("by {day}", day=day)
    if last_month:
        return _("by {day} of its last month", day=day)
    if unit == "year":
        return _("by {day} of month {month}", day=day, month=due.month)
    return _("by {day} of its month {month}", day=day, month=due.month)


def find(plan: Plan, duty: Duty, wanted: str, today: date) -> Occurrence:
    """The occurrence of ``duty`` that ``wanted`` names: a period key, a date in it, or nothing for
    the next one due; raises Refused with the nearest periods when there is none.

    The plan alone knows no event: for what one has opened, ask the ledger first.
    """
    first = max(min(duty.first, today), today - 10 * FAR)
    known = occurrences(plan, duty, first, min(duty.last, today + 2 * FAR) + FAR)
    day = read_day(wanted)
    for occurrence in known:
        if occurrence.period == wanted:
            return occurrence
    for occurrence in known:
        last = max(occurrence.due, occurrence.nominal)
        if (day and occurrence.opens <= day <= last) or (not wanted and last >= today):
            return occurrence
    if not wanted:
        raise Refused(_why_nothing(duty, today))
    if not known:
        why = _why_nothing(duty, today)
        raise Refused(_("no period '{period}': {why}", period=wanted, why=why))
    near = nearest(wanted, [occurrence.period for occurrence in known])
    raise Refused(
        _("'{id}' has no period '{period}'; nearest: {near}", id=duty.id, period=wanted, near=near)
    )


def _why_nothing(duty: Duty, today: date) -> Text:
    """Why a duty has nothing to come."""
    if isinstance(duty.cadence, Event):
        return _("'{id}' waits for an event: {event}", id=duty.id, event=duty.cadence.name)
    if duty.last < today:
        return _("'{id}' ended on {last}", id=duty.id, last=duty.last)
    return _("'{id}' has nothing to come", id=duty.id)


def why(plan: Plan, occurrence: Occurrence) -> list[Reason]:
    """The whole chain for one occurrence, in the order in which it was decided."""
    duty = occurrence.duty
    chain = [
        cadence_reason(duty),
        _period_reason(occurrence),
        *_exception_reasons(plan, occurrence),
    ]
    if occurrence.skipped:
        return [*chain, Reason(_("skipped"), occurrence.skipped)]
    return [
        *chain,
        *_due_reasons(plan, occurrence),
        *_reminder_reasons(plan, occurrence),
        *_escalation_reasons(plan, occurrence),
        *_party_reasons(duty),
        *_measure_reasons(occurrence),
    ]


def cadence_reason(duty: Duty) -> Reason:
    """How a duty's phrase is read."""
    says = _("'{phrase}': {cadence}", phrase=duty.phrase, cadence=_read_as(duty))
    return Reason(_("cadence"), says)


def _period_reason(occurrence: Occurrence) -> Reason:
    event = occurrence.duty.cadence
    dates = {
        "period": occurrence.period,
        "opens": occurrence.opens,
        "nominal": occurrence.nominal,
        "weekday": WEEKDAYS[occurrence.nominal.weekday()],
    }
    if isinstance(event, Event):
        span = {"number": event.number, "unit": SPANS[event.unit]}
        says = _("{period}: {event} on {opens}; {number} {unit} later is {nominal} ({weekday})",
                 event=event.name, **span, **dates)  # fmt: skip
        return Reason(_("event"), says)
    says = _("{period}: opens {opens}, nominally due {nominal} ({weekday})", **dates)
    return Reason(_("period"), says)


def _read_as(duty: Duty) -> Text:
    cadence = describe(duty.cadence)
    if duty.progress:
        return _("all year; progress is reported {cadence}", cadence=cadence)
    return cadence


def _exception_reasons(plan: Plan, occurrence: Occurrence) -> list[Reason]:
    every = occurrence.duty.cadence
    if not isinstance(every, Every) or not (every.excepted or every.months):
        return []
    spans = exceptions(plan, every, occurrence.opens, occurrence.nominal)
    found = [Reason(_("exception"), _span(span)) for span in spans]
    for name in ranges_incomplete(plan, every, occurrence.nominal.year):
        entries = lacking(plan.ranges[name], occurrence.nominal.year)
        says = _("range {name} lacks {entries}, which takes nothing away yet: provisional",
                 name=name, entries=entries)  # fmt: skip
        found.append(Reason(_("exception"), says))
    return found or [Reason(_("exception"), _("none falls into this period"))]


def _span(span: Span) -> Text:
    says = _("{name}, {first} to {last}, does not count",
             name=span.name, first=span.first, last=span.last)  # fmt: skip
    if span.provisional:
        says = _("{says} (provisional)", says=says)
    return _("{says}; source: {source}", says=says, source=span.source) if span.source else says


def _due_reasons(plan: Plan, occurrence: Occurrence) -> list[Reason]:
    duty, due, nominal = occurrence.duty, occurrence.due, occurrence.nominal
    found = []
    if occurrence.period in duty.move:
        reason = duty.move[occurrence.period].reason
        found.append(Reason(_("moved"), _("to {due} by hand: {reason}", due=due, reason=reason)))
    elif not plan.workdays.is_workday(nominal):
        says = _("{day} is {what}; {roll}", day=nominal, what=plan.workdays.describe(nominal),
                 roll=ROLLS[roll_of(duty)])  # fmt: skip
        found.append(Reason(_("rest day"), says))
    weekday = WEEKDAYS[due.weekday()]
    found.append(Reason(_("due"), _("{due} ({weekday})", due=due, weekday=weekday)))
    if occurrence.provisional:
        found.append(Reason(_("provisional"), _provisional(plan, occurrence)))
    return found


def _provisional(plan: Plan, occurrence: Occurrence) -> Text:
    for day in (occurrence.nominal, occurrence.due):
        if not plan.workdays.is_known(day):
            return _("the holidays of {year} have not been announced", year=day.year)
    return _("the range that it rests on is provisional")


def _reminder_reasons(plan: Plan, occurrence: Occurrence) -> list[Reason]:
    found = list(islice(steps(plan, occurrence), SHOWN_STEPS))
    at = plan.defaults.at.strftime("%H:%M")
    says = [_("{step} on {day}", step=step.name, day=step.on) for step in found]
    return [Reason(_("reminders"), _("at {at}: {steps}", at=at, steps=says))]


def _escalation_reasons(plan: Plan, occurrence: Occurrence) -> list[Reason]:
    day = escalation_on(plan, occurrence)
    if day is None:
        return []
    whom = [plan.office]
    if plan.defaults.escalate.to == "superior":
        above = (plan.units[unit].superior for unit in occurrence.duty.owing)
        whom = list(dict.fromkeys(unit or plan.office for unit in above))
    says = _("unanswered on {day}, told to {units} as well", day=day, units=whom)
    return [Reason(_("escalation"), says)]


def _measure_reasons(occurrence: Occurrence) -> list[Reason]:
    from dispatcher.plan.measures import target_words

    duty, found = occurrence.duty, []
    for measure in duty.measures:
        target = target_words(measure, occurrence.nominal)
        says = _("{measure}: {target}; from {units}", measure=measure.name,
                 target=target if measure.targets else _("recorded only"),
                 units=measure.by or duty.owing)  # fmt: skip
        found.append(Reason(_("measure"), says))
    return found


def _party_reasons(duty: Duty) -> list[Reason]:
    copies = tuple(unit for unit in duty.told if unit not in duty.owing)
    found = [
        Reason(_("lead"), _("{units}", units=duty.lead)),
        Reason(_("owe an answer"), _("{units}", units=duty.owing)),
    ]
    return [*found, Reason(_("get copies"), _("{units}", units=copies))] if copies else found
