"""What a calendar amounts to, and what in it the office should look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from dispatcher.i18n import Text, _
from dispatcher.plan.cadence import Cadence, Every, RangeEnd
from dispatcher.plan.model import Duty, Offset, Plan
from dispatcher.plan.occurrences import Occurrence, occurrences, upcoming
from dispatcher.plan.series import lacking
from dispatcher.plan.steps import offsets_before, steps_until_due
from dispatcher.plan.ways import ways


class Coverage(NamedTuple):
    """A year of a calendar in figures.

    ``messages`` counts one digest a day for each address, when everybody answers on the due day.
    """

    year: int
    rows: tuple[int, ...]
    last_row: int
    clauses: tuple[str, ...]
    duties: int
    units: int
    occurrences: int
    assignments: int
    messages: int
    provisional: int


def coverage(plan: Plan, year: int) -> Coverage:
    """The figures of ``year``."""
    found = upcoming(plan, date(year, 1, 1), date(year, 12, 31))
    rows = sorted({row for duty in plan.duties.values() for row in duty.rows})
    days = {
        (unit, step.on)
        for occurrence in found
        for step in steps_until_due(plan, occurrence)
        for unit in occurrence.duty.told
    }
    return Coverage(
        year=year,
        rows=tuple(rows),
        last_row=max(rows, default=0),
        clauses=tuple(dict.fromkeys(d.clause for d in plan.duties.values() if d.clause)),
        duties=len(plan.duties),
        units=len(plan.units),
        occurrences=len(found),
        assignments=sum(len(occurrence.duty.told) for occurrence in found),
        messages=sum(_messages(plan, unit) for unit, _day in days),
        provisional=sum(occurrence.provisional for occurrence in found),
    )


def _messages(plan: Plan, unit: str) -> int:
    """How many messages tell a unit once."""
    found = ways(plan, unit)
    if plan.units[unit].notify == "first-that-works":
        found = found[:1]
    return sum(len(way.addresses) for way in found)


def warnings(plan: Plan, year: int) -> list[Text]:
    """What works, but deserves a look: in the order in which a clerk would go through it."""
    return [
        *_rows(plan),
        *_contacts(plan),
        *_groups(plan),
        *_missing_bases(plan),
        *_contradictions(plan),
        *dead_steps(plan, year),
        *_seldom_due(plan, year),
        *_provisional_spans(plan, year),
        *_missing_spans(plan, year),
        *_horizon(plan, year),
    ]


def _rows(plan: Plan) -> Iterator[Text]:
    rows = {row for duty in plan.duties.values() for row in duty.rows}
    gaps = sorted(set(range(1, max(rows, default=0))) - rows)
    if gaps:
        yield _("no duty covers row {rows}", rows=[str(row) for row in gaps])


def _contacts(plan: Plan) -> Iterator[Text]:
    told = {unit for duty in plan.duties.values() for unit in duty.told} | {plan.office}
    for name in plan.units:
        if name in told and not ways(plan, name):
            yield _("unit '{unit}' has no contact that can be reached", unit=name)


def _groups(plan: Plan) -> Iterator[Text]:
    for group in plan.groups.values():
        if group.confirm:
            yield _(
                "group '{group}' is to be confirmed: {why}", group=group.name, why=group.confirm
            )


def _missing_bases(plan: Plan) -> Iterator[Text]:
    for duty in plan.duties.values():
        missing = [
            measure.stem
            for measure in duty.measures
            if measure.base is None and any(target.number is None for target in measure.targets)
        ]
        if missing:
            yield _("duty '{duty}': last year's figure ('base') is missing: {measures}",
                    duty=duty.id, measures=list(dict.fromkeys(missing)))  # fmt: skip


def _contradictions(plan: Plan) -> Iterator[Text]:
    for day in sorted(plan.workdays.off & plan.workdays.work):
        yield _("{day} stands among the office's rest days and its workdays: it is a workday",
                day=day)  # fmt: skip
    for duty in plan.duties.values():
        for period in sorted(duty.skip.keys() & duty.move.keys()):
            yield _("duty '{duty}': {period} is both skipped and moved: it is skipped",
                    duty=duty.id, period=period)  # fmt: skip


def dead_steps(plan: Plan, year: int) -> Iterator[Text]:
    """Warnings that lie before the opening of every occurrence, so that nobody ever gets them."""
    by_duty: dict[str, list[Occurrence]] = {}
    for occurrence in upcoming(plan, date(year, 1, 1), date(year, 12, 31)):
        by_duty.setdefault(occurrence.duty.id, []).append(occurrence)
    for id, found in by_duty.items():
        fired = {step.name for occurrence in found for step in steps_until_due(plan, occurrence)}
        for offset in offsets_before(plan, found[0]):
            if _name(offset) not in fired:
                yield _("duty '{duty}': step {step} lies before every opening, so it never fires",
                        duty=id, step=_name(offset))  # fmt: skip


def _seldom_due(plan: Plan, year: int) -> Iterator[Text]:
    """Duties whose roll skips most periods: a week without a weekday is due on its Sunday."""
    for duty in plan.duties.values():
        found = occurrences(plan, duty, date(year, 1, 1), date(year, 12, 31))
        rested = [o for o in found if o.skipped and not plan.workdays.is_workday(o.nominal)]
        if duty.roll == "skip" and len(rested) > len(found) / 2:
            yield _("duty '{duty}': {count} of its {all} periods of {year} are skipped, as they end"
                    " on a rest day (roll: skip)", duty=duty.id, year=year,
                    count=len(rested), all=len(found))  # fmt: skip


def _name(offset: Offset) -> str:
    return f"T-{offset.days}{'wd' * offset.workdays}"


def _provisional_spans(plan: Plan, year: int) -> Iterator[Text]:
    for name, spans in plan.ranges.items():
        found = [s.name for s in spans if s.provisional and s.first.year <= year <= s.last.year]
        if found:
            yield _("range {name}: {entries} not confirmed yet", name=name, entries=found)


def _missing_spans(plan: Plan, year: int) -> Iterator[Text]:
    for name, duties in ranges_missing(plan, year).items():
        yield _("range {name} lacks {entries}; duties that need it: {duties}", name=name,
                entries=lacking(plan.ranges[name], year),
                duties=[duty.id for duty in duties])  # fmt: skip


def ranges_missing(plan: Plan, year: int) -> dict[str, list[Duty]]:
    """The named ranges that do not say all of ``year``, and the duties that need them in it."""
    missing: dict[str, list[Duty]] = {}
    for duty in plan.duties.values():
        if duty.first.year <= year <= duty.last.year:
            for name in _needed(duty.cadence):
                if lacking(plan.ranges[name], year):
                    missing.setdefault(name, []).append(duty)
    return missing


def _needed(cadence: Cadence) -> tuple[str, ...]:
    if isinstance(cadence, RangeEnd):
        return (cadence.name,)
    return cadence.excepted if isinstance(cadence, Every) else ()


def _horizon(plan: Plan, year: int) -> Iterator[Text]:
    for wanted in (year, year + 1):
        if not plan.workdays.is_known(date(wanted, 1, 1)):
            yield _("the holidays of {year} have not been announced: its dates are provisional",
                    year=wanted)  # fmt: skip
