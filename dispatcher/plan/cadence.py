"""Cadences: when a duty falls due, as data, whatever words it was written in."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

LAST = 0
"""As a day of a month or a month of a period: the last one."""


class Due(NamedTuple):
    """A day within a period: the ``day``-th of the period's ``month``-th month.

    ``month`` counts from 1, ``LAST`` is the last; ``day`` is a civil day, or with ``workday`` the
    day-th workday; ``LAST`` is the last one.
    """

    month: int = LAST
    day: int = LAST
    workday: bool = False

    def __str__(self) -> str:
        month = "last" if self.month == LAST else str(self.month)
        day = "last" if self.day == LAST else str(self.day)
        return f"month {month}, {'work' * self.workday}day {day}"


class Every(NamedTuple):
    """Once, or ``times`` times, in each period of ``unit``.

    ``weekdays`` (0 is Monday) only for weeks; ``months`` limits it to some months of the year;
    ``excepted`` names ranges whose days do not count; ``anchor`` starts the count of fortnights.
    """

    unit: str
    times: int = 1
    due: Due | None = None
    weekdays: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    excepted: tuple[str, ...] = ()
    anchor: date | None = None

    def __str__(self) -> str:
        parts = [self.unit]
        if self.times > 1:
            parts.append(f"x{self.times}")
        if self.due:
            parts.append(f"due {self.due}")
        parts += [f"weekdays {_joined(self.weekdays)}"] if self.weekdays else []
        parts += [f"months {_joined(self.months)}"] if self.months else []
        parts += [f"except {_joined(self.excepted)}"] if self.excepted else []
        parts += [f"from {self.anchor}"] if self.anchor else []
        return "; ".join(parts)


class Day(NamedTuple):
    """A day of a year, or of one year only; ``day`` ``LAST`` is the month's last."""

    month: int
    day: int = LAST
    year: int | None = None

    def __str__(self) -> str:
        day = "last" if self.day == LAST else f"{self.day:02}"
        return f"{self.year}-" * bool(self.year) + f"{self.month:02}-{day}"


class Dates(NamedTuple):
    """On these days, every year or in the year that they name."""

    days: tuple[Day, ...]

    def __str__(self) -> str:
        return "dates " + _joined(self.days)


class RangeEnd(NamedTuple):
    """By the end of each entry of a named range (学期结束前)."""

    name: str

    def __str__(self) -> str:
        return f"end of {self.name}"


class YearRound(NamedTuple):
    """All year, reported at each check-in of the plan (全年)."""

    def __str__(self) -> str:
        return "year-round"


class Event(NamedTuple):
    """Within ``number`` days, workdays, weeks, months or years after something has happened."""

    name: str
    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.number} {self.unit} after {self.name}"


class Rule(NamedTuple):
    """A recurrence rule in the words of RFC 5545 (``FREQ=MONTHLY;BYMONTHDAY=10``).

    Its end is kept apart: how many times, or until which day, this day included.
    """

    text: str
    times: int | None = None
    until: date | None = None

    def __str__(self) -> str:
        ends = f";COUNT={self.times}" * bool(self.times) + f";UNTIL={self.until}" * bool(self.until)
        return f"rrule {self.text}{ends}"


Cadence = Every | Dates | RangeEnd | YearRound | Event | Rule
"""``str(cadence)`` is its normal form: two phrases that mean the same have the same one."""


def _joined(items: tuple[object, ...]) -> str:
    return ",".join(str(item) for item in items)
