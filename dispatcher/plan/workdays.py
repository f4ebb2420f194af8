"""Workdays and rest days: statutory holidays, make-up days, and the office's own overrides.

Holidays and make-up workdays (调休) come from the package chinesecalendar, which carries the
State Council's yearly notices, and from the notices in the calendar file, which win. A year that
neither knows is computed by the provisional rule: weekends, and the fixed-date statutory holidays
of the 2024 revision of 全国年节及纪念日放假办法 (1 January, 1-2 May, 1-3 October), without make-up
days.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from dispatcher.i18n import Text, _

if TYPE_CHECKING:
    from dispatcher.plan.notices import Notice

DAY = timedelta(days=1)
SATURDAY = 5
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
AWAITED, WANTED = (11, 1), (12, 15)
"""The month and day from which the next year's holidays are asked for, and must be known."""
NEW_YEAR = "New Year's Day"
HOLIDAYS = {
    NEW_YEAR: _("New Year's Day"),
    "Spring Festival": _("Spring Festival"),
    "Tomb-sweeping Day": _("Tomb-sweeping Day"),
    "Labour Day": _("Labour Day"),
    "Dragon Boat Festival": _("Dragon Boat Festival"),
    "National Day": _("National Day"),
    "Mid-autumn Festival": _("Mid-autumn Festival"),
}


class Workdays:
    """Tells workdays from rest days, and walks from one to the next.

    ``source`` is ``china`` or ``none`` (weekends only); ``notices``, by year, stand in the place
    of what the package says of their years; ``off`` and ``work`` are days that the office declares
    itself, and win over everything. All years up to ``last_year`` are known.

    >>> days = Workdays("china")
    >>> days.is_workday(date(2023, 6, 25)), days.is_workday(date(2023, 6, 22))
    (True, False)
    >>> days.before(date(2023, 9, 30)), days.after(date(2023, 9, 30))
    (datetime.date(2023, 9, 28), datetime.date(2023, 10, 7))
    """

    def __init__(
        self,
        source: Literal["china", "none"] = "china",
        off: Collection[date] = (),
        work: Collection[date] = (),
        notices: Mapping[int, Notice] | None = None,
    ) -> None:
        self.source = source
        self.off, self.work = frozenset(off), frozenset(work)
        self.notices = notices or {}
        self.holidays: Mapping[date, str] = {}
        self.makeup: Mapping[date, str] = {}
        if source == "china":
            from chinese_calendar import constants

            self.holidays, self.makeup = constants.holidays, constants.workdays
        packaged = {day.year for day in self.holidays}
        self.known = frozenset(packaged | self.notices.keys())
        self.last_year = max(packaged, default=9999)
        while self.last_year + 1 in self.known:
            self.last_year += 1
        if self.notices:
            self.holidays = self._announced("off", self.holidays)
            self.makeup = self._announced("work", self.makeup)
        self._before: dict[date, date] = {}
        self._after: dict[date, date] = {}

    def _announced(
        self, kind: Literal["off", "work"], packaged: Mapping[date, str]
    ) -> dict[date, str]:
        """The days of a ``kind``: of the file's notices, of the package in other years; of two
        that speak of a day of December, the later notice has the last word."""
        found = {
            day: name
            for day, name in packaged.items()
            if day.year + (day.month == 12 and name == NEW_YEAR) not in self.notices
        }
        for _year, notice in sorted(self.notices.items()):
            for day in (*notice.off, *notice.work):
                found.pop(day, None)
            found |= getattr(notice, kind)
        return found

    def is_known(self, day: date) -> bool:
        """Whether the holidays of ``day``'s year have been announced."""
        return day.year in self.known or self.source == "none"

    def missing(self, today: date, since: tuple[int, int] = AWAITED) -> tuple[int, ...]:
        """The years whose holidays should be known ``today`` and are not: this one, and from
        ``since`` on the next.

        >>> days = Workdays("china")
        >>> [days.missing(date(days.last_year, *day)) == () for day in ((10, 31), (11, 1))]
        [True, False]
        """
        years = range(today.year, today.year + 1 + ((today.month, today.day) >= since))
        return tuple(year for year in years if not self.is_known(date(year, 1, 1)))

    def is_workday(self, day: date) -> bool:
        """Whether offices work on ``day``; in a year not announced, by the provisional rule."""
        if day in self.work or day in self.off:
            return day in self.work
        if day in self.holidays or day in self.makeup:
            return day in self.makeup
        if not self.is_known(day) and (day.month, day.day) in FIXED_HOLIDAYS:
            return False
        return day.weekday() < SATURDAY

    def before(self, day: date) -> date:
        """The last workday on or before ``day``."""
        found = self._before.get(day)
        if found is None:
            found = day
            while not self.is_workday(found):
                found -= DAY
            self._before[day] = found
        return found

    def after(self, day: date) -> date:
        """The first workday on or after ``day``."""
        found = self._after.get(day)
        if found is None:
            found = day
            while not self.is_workday(found):
                found += DAY
            self._after[day] = found
        return found

    def add(self, day: date, count: int) -> date:
        """The ``count``-th workday after ``day`` (before it, when ``count`` is negative).

        >>> Workdays("none").add(date(2026, 5, 1), 3), Workdays("none").add(date(2026, 5, 1), -1)
        (datetime.date(2026, 5, 6), datetime.date(2026, 4, 30))
        """
        for _step in range(abs(count)):
            day = self.after(day + DAY) if count > 0 else self.before(day - DAY)
        return day

    def within(self, first: date, last: date) -> list[date]:
        """The workdays from ``first`` to ``last``, both included, in order."""
        found = []
        day = self.after(first)
        while day <= last:
            found.append(day)
            day = self.after(day + DAY)
        return found

    @staticmethod
    def _holiday(name: str) -> Text:
        """The package's name for a holiday in words; one of a notice as it stands there."""
        rare = _("a public holiday") if name.isascii() else Text("{name}", name=name)
        return HOLIDAYS.get(name, rare)

    def describe(self, day: date) -> Text:
        """Why ``day`` is a workday or a rest day, in words."""
        if day in self.work:
            return _("a workday by the office's own list")
        if day in self.off:
            return _("a rest day by the office's own list")
        if day in self.makeup:
            return _("a make-up workday")
        if day in self.holidays:
            return self._holiday(self.holidays[day])
        if day.weekday() >= SATURDAY:
            return WEEKDAYS[day.weekday()]
        return WEEKDAYS[day.weekday()] if self.is_workday(day) else _("a public holiday")


WEEKDAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
