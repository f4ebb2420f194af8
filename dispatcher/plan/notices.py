"""Holiday notices of the State Council, as a calendar has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import count, takewhile
from typing import Any, NamedTuple

from dispatcher.errors import Place
from dispatcher.i18n import _
from dispatcher.plan.shape import Entry, Report
from dispatcher.plan.workdays import DAY, SATURDAY

SURE = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
"""Rest days of every year: a notice without them is not complete."""
HOLIDAYS = ("元旦", "春节", "清明", "劳动", "端午", "中秋", "国庆")
"""What the notice of every year names from ``ALL_SEVEN`` on (the State Council's order 513)."""
ALL_SEVEN = 2008


class Notice(NamedTuple):
    """What the State Council announced for a year: its rest days and make-up workdays, each with
    its holiday. Days of the December before may be among them."""

    source: str
    off: Mapping[date, str]
    work: Mapping[date, str]

    @property
    def lines(self) -> dict[str, str]:
        """What it says by the keys under which a calendar has it: ``off.元旦``."""
        return {
            "source": self.source,
            **{
                f"{kind}.{name}": days if isinstance(days, str) else ", ".join(days)
                for kind in ("off", "work")
                for name, days in stretches(getattr(self, kind)).items()
            },
        }


class Said(NamedTuple):
    """What a line of a notice says of the days from ``first`` to ``last``."""

    first: date
    last: date
    off: bool
    name: str
    place: Place

    @property
    def days(self) -> Iterator[date]:
        """Its days."""
        days = (self.first + timedelta(number) for number in count())
        return takewhile(lambda day: day <= self.last, days)


def read_notices(calendar: Entry | dict[str, Any], report: Report) -> dict[int, Notice]:
    """The notices in a calendar's section, by year."""
    found = {}
    for year, entry in calendar.get("notices", {}).items():
        if calendar.get("holidays") == "none":
            text = _("'holidays: none' knows weekends alone: write holidays: china, or no notices")
            report(year.place, text)
        if {"source", "off"} <= entry.keys():
            said = [*_said(entry, "off"), *_said(entry, "work")]
            found[int(year)] = noticed(int(year), entry["source"], said, year.place, report)
    return found


def _said(entry: Entry, kind: str) -> Iterator[Said]:
    for name, stretches in entry.get(kind, {}).items():
        for first, last in stretches:
            yield Said(first, last, kind == "off", str(name), name.place)


def noticed(year: int, source: str, said: Iterable[Said], place: Place, report: Report) -> Notice:
    """The notice that says this, after a report of all that cannot be meant."""
    said, of_day = [*said], dict[date, Said]()
    for one in said:
        for day in one.days:
            before = of_day.setdefault(day, one)
            _check(year, day, one, before, report)
    missing = _missing(year, of_day, said)
    if missing:
        text = _("the notice of {year} is not complete: it says nothing of {days}",
                 year=year, days=missing)  # fmt: skip
        report(place, text)
    off, work = (
        {day: one.name for day, one in of_day.items() if one.off == kind} for kind in (True, False)
    )
    return Notice(str(source), off, work)


def _missing(year: int, of_day: Mapping[date, Said], said: Iterable[Said]) -> list[str]:
    """What a notice of that year has to speak of, and does not; a day may be of two holidays."""
    days = [str(day) for day in (date(year, *sure) for sure in SURE) if day not in of_day]
    if days or year < ALL_SEVEN:
        return days
    found = (one.name for one in said if one.off and year in (one.first.year, one.last.year))
    names = " ".join(found)
    return [each for each in HOLIDAYS if each not in names]


def _check(year: int, day: date, one: Said, before: Said, report: Report) -> None:
    if day.year != year and (day.year, day.month) != (year - 1, 12):
        text = _("{day} is no day of {year}, nor of the December before", day=day, year=year)
        report(one.place, text)
    elif one.off != before.off:
        text = _("{day} is a rest day and a workday: see line {line}",
                 day=day, line=before.place.line)  # fmt: skip
        report(one.place, text)
    elif not one.off and day.weekday() < SATURDAY:
        text = _("{day} is no Saturday or Sunday: there is no work to be made up for", day=day)
        report(one.place, text)


def stretches(days: Mapping[date, str]) -> dict[str, str | list[str]]:
    """Days with their holidays as a calendar has them: each holiday with its days on end.

    >>> stretches({date(2026, 1, 1): "元旦", date(2026, 1, 2): "元旦"})
    {'元旦': '2026-01-01..2026-01-02'}
    """
    found: dict[str, list[list[date]]] = {}
    for day, name in sorted(days.items()):
        of_name = found.setdefault(name, [])
        if of_name and of_name[-1][-1] + DAY == day:
            of_name[-1].append(day)
        else:
            of_name.append([day])
    written = {name: [_stretch(each) for each in of_name] for name, of_name in found.items()}
    return {name: each[0] if len(each) == 1 else each for name, each in written.items()}


def _stretch(days: list[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]}..{days[-1]}"
