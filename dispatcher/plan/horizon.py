"""How far a calendar knows its days: the holidays by year, the named ranges by entry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal, NamedTuple

from dispatcher.plan.coverage import ranges_missing
from dispatcher.plan.model import Plan

Origin = Literal["file", "package", "provisional"]


class Years(NamedTuple):
    """Years on end whose holidays come from the same: the calendar file and its ``source``, the
    package, or the provisional rule. ``off`` and ``work`` count a notice's days."""

    first: int
    last: int
    origin: Origin
    source: str = ""
    off: int = 0
    work: int = 0


class Entry(NamedTuple):
    """An entry of a named range; or, without a name, that none is there for a year in which
    ``duties`` need it."""

    range: str
    year: int
    name: str = ""
    first: date | None = None
    last: date | None = None
    source: str = ""
    provisional: bool = False
    duties: tuple[str, ...] = ()


def holidays(plan: Plan, today: date) -> list[Years]:
    """The holidays from the first year that is known to the last, or to the next if that is later;
    years of the file each by itself."""
    days = plan.workdays
    ahead = {today.year, today.year + 1}
    found: list[Years] = []
    for year in range(min(days.known | ahead), max(days.known | ahead) + 1):
        origin = _origin(plan, year)
        notice = days.notices.get(year)
        if notice:
            found.append(
                Years(year, year, origin, notice.source, len(notice.off), len(notice.work))
            )
        elif found and found[-1].origin == origin:
            found[-1] = found[-1]._replace(last=year)
        else:
            found.append(Years(year, year, origin))
    return found


def _origin(plan: Plan, year: int) -> Origin:
    if year in plan.workdays.notices:
        return "file"
    return "package" if year in plan.workdays.known else "provisional"


def entries(plan: Plan, today: date) -> Iterator[Entry]:
    """The entries of each named range, by year; what is missing this year and the next among
    them."""
    missing = {year: ranges_missing(plan, year) for year in (today.year, today.year + 1)}
    for name, spans in plan.ranges.items():
        there = [
            Entry(name, s.first.year, s.name, s.first, s.last, s.source, s.provisional)
            for s in spans
        ]
        lacking = [
            Entry(name, year, duties=tuple(duty.id for duty in found[name]))
            for year, found in missing.items()
            if name in found
        ]
        yield from sorted([*there, *lacking], key=lambda entry: entry.year)
