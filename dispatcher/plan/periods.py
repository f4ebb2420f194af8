"""Periods: the stretches of time that occurrences cover, and the names by which they are kept.

A key never contains a day that an edit may move, so that an occurrence keeps its identity when
its due date changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

DAY = timedelta(days=1)
MONTHS = {"month": 1, "two-months": 2, "quarter": 3, "half-year": 6, "year": 12}
WHOLE_MONTH = 28
NAMED_SPLITS = {
    ("year", 2): "half-year",
    ("year", 4): "quarter",
    ("year", 6): "two-months",
    ("year", 12): "month",
    ("half-year", 2): "quarter",
    ("half-year", 3): "two-months",
    ("half-year", 6): "month",
    ("quarter", 3): "month",
    ("two-months", 2): "month",
    ("month", 2): "half-month",
}


class Period(NamedTuple):
    """A stretch of days, both ends in it, under its key."""

    key: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def month_end(year: int, month: int) -> date:
    """The last day of a month.

    >>> month_end(2024, 2)
    datetime.date(2024, 2, 29)
    """
    return date(year + month // 12, month % 12 + 1, 1) - DAY


def day_of(year: int, month: int, day: int) -> date:
    """A day of a month, or the month's last day where the month is shorter.

    >>> day_of(2023, 2, 30), day_of(2023, 2, 10)
    (datetime.date(2023, 2, 28), datetime.date(2023, 2, 10))
    """
    return min(month_end(year, month), date(year, month, 1) + (day - 1) * DAY)


@cache
def periods_of(unit: str, year: int) -> tuple[Period, ...]:
    """The periods of ``unit`` in a year (for weeks: the year's ISO weeks), in order.

    >>> [p.key for p in periods_of("quarter", 2023)]
    ['2023-Q1', '2023-Q2', '2023-Q3', '2023-Q4']
    >>> periods_of("week", 2023)[4]
    Period(key='2023-W05', first=datetime.date(2023, 1, 30), last=datetime.date(2023, 2, 5))
    >>> [p.key for p in periods_of("half-month", 2023)][4:6]
    ['2023-03.1', '2023-03.2']
    """
    if unit == "week":
        return tuple(_weeks(year))
    if unit == "half-month":
        return tuple(half for month in periods_of("month", year) for half in _halves(month))
    span = MONTHS[unit]
    return tuple(
        Period(_key(unit, year, month), date(year, month, 1), month_end(year, month + span - 1))
        for month in range(1, 13, span)
    )


def _key(unit: str, year: int, month: int) -> str:
    names = {
        "month": f"-{month:02}",
        "two-months": f"-M{month:02}",
        "quarter": f"-Q{(month + 2) // 3}",
        "half-year": f"-H{(month + 5) // 6}",
        "year": "",
    }
    return f"{year}{names[unit]}"


def _weeks(year: int) -> Iterator[Period]:
    monday = date.fromisocalendar(year, 1, 1)
    number = 1
    while monday.isocalendar().year == year:
        yield Period(f"{year}-W{number:02}", monday, monday + 6 * DAY)
        monday += 7 * DAY
        number += 1


def _halves(month: Period) -> tuple[Period, Period]:
    middle = month.first.replace(day=15)
    return (
        Period(f"{month.key}.1", month.first, middle),
        Period(f"{month.key}.2", middle + DAY, month.last),
    )


def fortnights(anchor: date, first: date, last: date) -> Iterator[Period]:
    """The fortnights counted from the ISO week of ``anchor`` that touch ``first``..``last``.

    >>> [p.key for p in fortnights(date(2023, 1, 2), date(2023, 1, 20), date(2023, 2, 1))]
    ['2023-W03', '2023-W05']
    """
    monday = anchor - anchor.weekday() * DAY
    monday += (first - monday).days // 14 * 14 * DAY
    while monday <= last:
        iso = monday.isocalendar()
        yield Period(f"{iso.year}-W{iso.week:02}", monday, monday + 13 * DAY)
        monday += 14 * DAY


def split(period: Period, times: int) -> tuple[Period, ...]:
    """``period`` in ``times`` stretches: of whole or half months where that is even, else of days.

    >>> [p.last.isoformat() for p in split(periods_of("year", 2023)[0], 3)]
    ['2023-04-30', '2023-08-31', '2023-12-31']
    >>> [p.last.isoformat() for p in split(periods_of("quarter", 2023)[0], 2)]
    ['2023-02-15', '2023-03-31']
    >>> [p.last.isoformat() for p in split(periods_of("month", 2023)[1], 3)]
    ['2023-02-09', '2023-02-18', '2023-02-28']
    """
    starts = [_stretch_start(period, times, index) for index in range(times)]
    ends = [start - DAY for start in starts[1:]] + [period.last]
    return tuple(
        Period(f"{period.key}.{index}", first, last)
        for index, (first, last) in enumerate(zip(starts, ends, strict=True), start=1)
    )


def _stretch_start(period: Period, times: int, index: int) -> date:
    halves = 2 * (period.last.month - period.first.month + 1)
    if period.days < WHOLE_MONTH or halves % times:
        return period.first + period.days * index // times * DAY
    months, half = divmod(index * halves // times, 2)
    return date(period.first.year, period.first.month + months, 16 if half else 1)
