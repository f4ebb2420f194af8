"""A second, naive calendar: random cadences, and what each day of twenty years says to them.

Nothing of the program is used to work out what it should say: days are grouped into periods by
looking at each of them, workdays come from the holiday package's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from typing import NamedTuple

import chinese_calendar
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dispatcher.plan.model import Plan
from dispatcher.plan.occurrences import Occurrence, occurrences
from dispatcher.plan.reading import read_plan

FIRST, LAST = date(2010, 1, 1), date(2029, 12, 31)
DAY = timedelta(days=1)
DAYS = [date(2009, 1, 1) + n * DAY for n in range(22 * 366)]
LAST_KNOWN_YEAR = 2026
FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
Row = tuple[str, date, date | None, date, bool | None, bool]
"""Period, opens, due, nominal, provisional, skipped; due None where the rules leave it open."""
CHECKED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@cache
def is_announced_workday(day: date) -> bool:
    if day.year <= LAST_KNOWN_YEAR:
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5 and (day.month, day.day) not in FIXED


# -------------------------------------------------------------------------------- naive periods

KEYS: dict[str, Callable[[date], str]] = {
    "周": lambda d: "{}-W{:02}".format(*d.isocalendar()[:2]),
    "半月": lambda d: f"{d:%Y-%m}.{1 + (d.day > 15)}",
    "月": lambda d: f"{d:%Y-%m}",
    "两个月": lambda d: f"{d.year}-M{d.month - (d.month - 1) % 2:02}",
    "季度": lambda d: f"{d.year}-Q{(d.month - 1) // 3 + 1}",
    "半年": lambda d: f"{d.year}-H{1 + (d.month > 6)}",
    "年": lambda d: f"{d.year}",
}
MONTHS = {"月": 1, "两个月": 2, "季度": 3, "半年": 6, "年": 12}
MOST_TIMES = {"周": 3, "半月": 3, "月": 4, "两个月": 5, "季度": 6}
NAMED = {
    "年": {2: "半年", 4: "季度", 6: "两个月", 12: "月"},
    "半年": {2: "季度", 3: "两个月", 6: "月"},
    "季度": {3: "月"},
    "两个月": {2: "月"},
    "月": {2: "半月"},
}


@cache
def periods(unit: str) -> list[tuple[str, list[date]]]:
    """Every period with all of its days."""
    return [(key, list(days)) for key, days in groupby(DAYS, KEYS[unit])][1:-1]


@cache
def fortnights(monday: int) -> list[tuple[str, list[date]]]:
    """The fortnights counted from the week of a Monday, given by its ordinal."""
    grouped = groupby(DAYS, lambda d: (d.toordinal() - monday) // 14)
    whole = [list(days) for _number, days in grouped][1:-1]
    return [(KEYS["周"](days[0]), days) for days in whole]


@cache
def parts(unit: str, times: int) -> list[tuple[str, list[date]]]:
    """The stretches of every period of a unit."""
    named = NAMED.get(unit, {}).get(times)
    if named or times == 1:
        return periods(named or unit)
    return [part for key, days in periods(unit) for part in stretches(key, days, times)]


def stretches(key: str, days: list[date], times: int) -> Iterator[tuple[str, list[date]]]:
    halves = [KEYS["半月"](day) for day in days]
    names = list(dict.fromkeys(halves))
    if len(days) >= 28 and len(names) % times == 0:
        number = [names.index(half) * times // len(names) for half in halves]
    else:
        starts = [len(days) * index // times for index in range(times)]
        number = [sum(start <= place for start in starts) - 1 for place in range(len(days))]
    for index in range(times):
        yield f"{key}.{index + 1}", [d for d, n in zip(days, number, strict=True) if n == index]


# -------------------------------------------------------------------------------- random cadences


class Range(NamedTuple):
    """The entries of a named range: first day, last day, whether it is provisional."""

    name: str
    entries: list[tuple[date, date, bool]]


class Case(NamedTuple):
    """A cadence of a unit, with everything that changes its dates."""

    unit: str
    times: int = 1
    due: tuple[str, int, int, bool] = ("", 0, 0, False)
    weekdays: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    ranges: tuple[Range, ...] = ()
    anchor: date | None = None
    roll: str = "preceding"
    least: int = 3
    off: tuple[date, ...] = ()
    work: tuple[date, ...] = ()

    @property
    def phrase(self) -> str:
        tail = self.due[0] or (f"{self.times}次" if self.times > 1 else "")
        if self.unit == "两周":
            tail += f"(自{self.anchor}起)"
        if self.weekdays:
            tail += "、".join("周" + "一二三四五六日"[day] for day in self.weekdays)
        names = [r.name for r in self.ranges]
        if self.months:
            names = [f"{month}月" for month in range(1, 13) if month not in self.months]
        return f"除{'、'.join(names)}外每{self.unit}{tail}" if names else f"每{self.unit}{tail}"


def entries(draw: st.DrawFn) -> list[tuple[date, date, bool]]:
    """Stretches of days in order, without overlap."""
    found, day = [], draw(st.dates(FIRST, date(2028, 1, 1)))
    for gap, length, provisional in draw(
        st.lists(
            st.tuples(st.integers(1, 400), st.integers(0, 80), st.booleans()),
            min_size=1,
            max_size=8,
        )
    ):
        found.append((day, day + length * DAY, provisional))
        day += (gap + length) * DAY
    return found


def due_words(draw: st.DrawFn, unit: str) -> tuple[str, int, int, bool]:
    """A day within a period: words, month (0 last), day (0 last), whether workdays are counted."""
    if unit == "年" and draw(st.booleans()):
        month, day = draw(st.integers(1, 12)), draw(st.integers(1, 28))
        return f"{month}月{day}日前", month, day, False
    month = draw(st.integers(0, MONTHS[unit]))
    where = draw(st.sampled_from(["末月", ""])) if month == 0 else f"第{month}个月"
    if draw(st.integers(0, 3)) == 0:
        number = draw(st.integers(0, 22))
        words = f"第{number}个工作日前" if number else "最后一个工作日"
        return where + words, month, number, True
    number = draw(st.integers(0, 31))
    return where + (f"{number}日前" if number else "底"), month, number, False


@st.composite
def cases(draw: st.DrawFn) -> Case:
    unit = draw(st.sampled_from(["周", "两周", "半月", *MONTHS, *MONTHS, "半年", "年"]))
    case = Case(
        unit,
        roll=draw(st.sampled_from(["preceding", "following", "none", "skip"])),
        least=draw(st.integers(0, 6)),
        off=tuple(draw(st.lists(st.dates(FIRST, LAST), max_size=4, unique=True))),
    )
    at_work = draw(st.lists(st.dates(FIRST, LAST), max_size=4, unique=True))
    case = case._replace(work=tuple(day for day in at_work if day not in case.off))
    form = draw(st.sampled_from(["plain", "times", "due"]))
    if unit == "两周":
        case = case._replace(anchor=draw(st.dates(date(2009, 6, 1), LAST)))
    elif form == "times":
        case = case._replace(times=draw(st.integers(2, MOST_TIMES.get(unit, 12))))
    elif form == "due" and unit in MONTHS:
        case = case._replace(due=due_words(draw, unit))
    if unit in ("周", "两周") and case.times == 1 and draw(st.booleans()):
        days = draw(st.sets(st.integers(0, 6), min_size=1, max_size=3))
        case = case._replace(weekdays=tuple(sorted(days)))
    kind = draw(st.sampled_from(["none", "ranges", "months"]))
    if kind == "ranges":
        names = draw(st.sampled_from([["甲假"], ["乙假"], ["甲假", "乙假"]]))
        case = case._replace(ranges=tuple(Range(name, entries(draw)) for name in names))
    elif kind == "months":
        chosen = draw(st.sets(st.integers(1, 12), min_size=1, max_size=11))
        case = case._replace(months=tuple(sorted(chosen)))
    return case


def listed(days: Iterable[date]) -> str:
    return "[" + ", ".join(map(str, days)) + "]"


def plan_of(when: str, case: Case, ranges: Iterable[Range] | None = None) -> Plan:
    spans = "".join(
        f"{name}: ["
        + ", ".join(
            f"{{name: {name}{number}, from: {first}, to: {last}, provisional: {str(flag).lower()}}}"
            for number, (first, last, flag) in enumerate(found)
        )
        + "], "
        for name, found in (case.ranges if ranges is None else ranges)
    )
    return read_plan(
        "oracle.yaml",
        f"""\
plan: {{title: 测试, office: 甲, from: {FIRST}, until: {LAST}}}
calendar: {{off: {listed(case.off)}, work: {listed(case.work)}, ranges: {{{spans}}}}}
units: {{甲: {{}}}}
duties:
  - {{id: a, title: 工作, responsible: 甲, when: {when}, roll: {case.roll},
      min_workdays: {case.least}}}
""",
    )


def opened(opens: date, due: date, nominal: date) -> date:
    """The opening, which goes with a due date that falls before it."""
    if due < opens:
        while due < nominal:
            opens, nominal = opens - DAY, nominal - DAY
    return opens


def said(plan: Plan) -> list[Row]:
    """What the program says, sorted by nominal date and key."""
    found = occurrences(plan, plan.duties["a"], date(2009, 3, 1), date(2030, 11, 1))
    return sorted((row_of(o) for o in found), key=lambda row: (row[3], row[1], row[0]))


def row_of(o: Occurrence) -> Row:
    return o.period, o.opens, o.due, o.nominal, o.provisional, bool(o.skipped)


# -------------------------------------------------------------------------------- the naive answer


class Naive:
    """Looks at one day after another."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.off, self.work = set(case.off), set(case.work)
        self.free_months = set(range(1, 13)) - set(case.months) if case.months else set()
        self.free = {
            first + n * DAY: flag
            for each in case.ranges
            for first, last, flag in each.entries
            for n in range((last - first).days + 1)
        }
        # A day in entries of two ranges is provisional when either is.
        for each in case.ranges:
            for first, last, flag in each.entries:
                if flag:
                    self.free |= {first + n * DAY: True for n in range((last - first).days + 1)}

    def is_workday(self, day: date) -> bool:
        return day in self.work or (day not in self.off and is_announced_workday(day))

    def is_free(self, day: date) -> bool:
        return day in self.free or day.month in self.free_months

    def counts(self, day: date) -> bool:
        return self.is_workday(day) and not self.is_free(day)

    def rows(self) -> list[Row]:
        found = [
            self.settled(*candidate)
            for candidate in self.candidates()
            if FIRST <= candidate[2] <= LAST
        ]
        return sorted(found, key=lambda row: (row[3], row[1], row[0]))

    def candidates(self) -> Iterator[tuple[str, date, date, list[date]]]:
        """Key, opening, nominal due date, and the days of the period."""
        case = self.case
        if case.unit in ("周", "两周") and case.times == 1:
            yield from self.weekly()
            return
        for key, days in parts(case.unit, case.times):
            yield key, days[0], self.nominal(days), days

    def weekly(self) -> Iterator[tuple[str, date, date, list[date]]]:
        case = self.case
        weeks = periods("周")
        if case.anchor:
            weeks = fortnights((case.anchor.toordinal() - case.anchor.weekday()) % 14)
        for key, days in weeks:
            opens = days[0]
            for number, weekday in enumerate(case.weekdays or (6,), start=1):
                nominal = [day for day in days if day.weekday() == weekday][-1]
                suffix = f".{number}" if len(case.weekdays) > 1 else ""
                yield key + suffix, opens, nominal, days
                opens = nominal + DAY

    def nominal(self, days: list[date]) -> date:
        words, month, number, workdays = self.case.due
        if not words:
            return days[-1]
        months = list(dict.fromkeys(day.month for day in days))
        within = [day for day in days if day.month == months[month - 1]]
        if workdays:
            within = [day for day in within if self.is_workday(day)]
        return within[-1] if number == 0 else within[min(number, len(within)) - 1]

    def meets_an_exception(self, nominal: date) -> bool:
        """Whether a roll to the workday after would end on, or step over, an excepted day."""
        if self.case.roll != "following":
            return False
        day = nominal
        while not self.is_workday(day) and not self.is_free(day):
            day += DAY
        return self.is_free(day)

    def settled(self, key: str, opens: date, nominal: date, days: list[date]) -> Row:
        case = self.case
        stretch = [day for day in days if opens <= day <= nominal]
        due, skipped = nominal, False
        if (self.free or self.free_months) and any(self.is_free(day) for day in stretch):
            left = [day for day in stretch if self.counts(day)]
            skipped = len(left) < max(case.least, 1)
            if skipped or self.is_free(nominal) or case.roll == "preceding":
                due = left[-1] if left else nominal
            else:
                due, skipped = self.rolled(nominal)
        elif len(days) <= 7 and not any(self.is_workday(day) for day in days if day >= opens):
            skipped = True
        else:
            due, skipped = self.rolled(nominal)
        if not skipped and not self.is_free(nominal) and self.meets_an_exception(nominal):
            return key, nominal, None, nominal, None, False
        due = nominal if skipped else due
        provisional = self.is_provisional(stretch, nominal, due)
        opens = opens if skipped else opened(opens, due, nominal)
        return key, opens, due, nominal, provisional, skipped

    def rolled(self, nominal: date) -> tuple[date, bool]:
        roll, day = self.case.roll, nominal
        if roll == "skip":
            return nominal, not self.is_workday(nominal)
        if roll != "none":
            while not self.is_workday(day):
                day += DAY if roll == "following" else -DAY
        return day, False

    def is_provisional(self, stretch: list[date], nominal: date, due: date) -> bool:
        if max(nominal, due).year > LAST_KNOWN_YEAR:
            return True
        for each in self.case.ranges:
            if not any(f.year <= nominal.year <= t.year for f, t, _flag in each.entries):
                return True
        return any(self.free.get(day) for day in stretch)
