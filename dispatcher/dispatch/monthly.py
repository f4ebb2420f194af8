"""The monthly table (月调度表): each project's money and progress, from a duty's measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from dispatcher.dispatch.sheets import value_of
from dispatcher.dispatch.wording import titled
from dispatcher.errors import DispatcherError, Refused
from dispatcher.i18n import _
from dispatcher.ledger import sheets
from dispatcher.ledger.database import Connection
from dispatcher.ledger.sheets import Kept
from dispatcher.plan.measures import measures_of
from dispatcher.plan.model import Duty, Measure, Plan
from dispatcher.plan.names import duty_called
from dispatcher.plan.periods import Period
from dispatcher.sheet import MonthlyLine

AMOUNT, PAID, UNIT = "项目资金", "已拨付", "万元"
"""The measures of each project, and their unit."""


def monthly_duty(plan: Plan, id: str | None) -> Duty:
    """The duty that ``id`` calls, else the one whose measures are each project's money.

    Raises DispatcherError when it has no such measures, or several have.
    """
    given = [duty_called(plan, id)] if id else plan.duties.values()
    found = [duty for duty in given if any(_projects(duty, unit) for unit in duty.owing)]
    if len(found) > 1:
        ids = [duty.id for duty in found]
        raise DispatcherError(_("several duties report on projects: {ids}; add --duty", ids=ids))
    if not found:
        raise DispatcherError(
            _("'{id}' reports on no projects: give it the measures {amount} and {paid}, unit "
              "{unit}, both with the projects in 'each'", id=id or plan.title, amount=AMOUNT,
              paid=PAID, unit=UNIT)
        )  # fmt: skip
    return found[0]


def monthly_title(duty: Duty, month: Period) -> str:
    """The table's heading, such as 衔接资金使用月调度表(2026年11月)."""
    return titled(f"{duty.title}表", month.key)


def monthly_lines(conn: Connection, duty: Duty, month: Period) -> list[MonthlyLine]:
    """A line for each project of each unit that reports on it.

    Figures are the latest of that month's occurrence, None where there is none; the rate is in per
    cent, to a tenth. Refused when the ledger has no such occurrence.
    """
    kept = sheets.of_period(conn, duty.id, month.key)
    if not kept:
        raise Refused(_("the ledger has no {key}", key=f"{duty.id}/{month.key}"))
    return [line for each in kept for line in _lines(duty, each)]


def _lines(duty: Duty, kept: Kept) -> Iterator[MonthlyLine]:
    unit = kept.assigned.unit
    for project, measures in _projects(duty, unit).items():
        amount, paid = (_figure(kept, measures.get(stem)) for stem in (AMOUNT, PAID))
        rate = None if paid is None or not amount else round(paid * 100 / amount, 1)
        yield MonthlyLine(project, unit, amount, paid, rate, kept.progress)


def _figure(kept: Kept, measure: Measure | None) -> Decimal | None:
    return value_of(measure, kept.figures.get(measure.name)) if measure else None


def _projects(duty: Duty, unit: str) -> dict[str, dict[str, Measure]]:
    """The measures of each project on which ``unit`` reports, by their stems."""
    found: dict[str, dict[str, Measure]] = defaultdict(dict)
    for measure in measures_of(duty, unit):
        if measure.subject and measure.stem in (AMOUNT, PAID) and measure.unit == UNIT:
            found[measure.subject][measure.stem] = measure
    return found
