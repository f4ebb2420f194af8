"""The calendar against a second, naive one: every day of twenty years, and dateutil's rules.

Nothing of the program is used to work out what it should say: days are grouped into periods by
looking at each of them, workdays come from the holiday package's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

import chinese_calendar
from dateutil import rrule
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dispatcher.plan.model import Plan
from dispatcher.plan.occurrences import Occurrence, occurrences
from dispatcher.plan.reading import read_plan

FIRST, LAST = date(2010, 1, 1), date(2029, 12, 31)
DAY = timedelta(days=1)
DAYS = [date(2009, 1, 1) + n * DAY for n in range(22 * 366)]
LAST_KNOWN_YEAR = 2026
FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
Row = tuple[str, date, date, date, bool, bool]
"""Period, opens, due, nominal, provisional, skipped."""
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


def fortnights(anchor: date) -> list[tuple[str, list[date]]]:
    monday = anchor.toordinal() - anchor.weekday()
    grouped = groupby(DAYS, lambda d: (d.toordinal() - monday) // 14)
    whole = [list(days) for _number, days in grouped][1:-1]
    return [(KEYS["周"](days[0]), days) for days in whole]


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
    unit = draw(st.sampled_from(["周", "两周", "半月", *MONTHS]))
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
        case = case._replace(times=draw(st.integers(2, 7 if unit in ("周", "半月") else 12)))
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
        return day in self.free or bool(self.case.months and day.month not in self.case.months)

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
        named = NAMED.get(case.unit, {}).get(case.times)
        for key, days in periods(named or case.unit):
            parts = [(key, days)]
            if case.times > 1 and not named:
                parts = list(stretches(key, days, case.times))
            for part, its_days in parts:
                yield part, its_days[0], self.nominal(its_days), its_days

    def weekly(self) -> Iterator[tuple[str, date, date, list[date]]]:
        case = self.case
        weeks = fortnights(case.anchor) if case.anchor else periods("周")
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

    def settled(self, key: str, opens: date, nominal: date, days: list[date]) -> Row:
        case = self.case
        stretch = [opens + n * DAY for n in range((nominal - opens).days + 1)]
        due, skipped = nominal, False
        if any(self.is_free(day) for day in stretch):
            left = [day for day in stretch if self.counts(day)]
            skipped = len(left) < max(case.least, 1)
            if not skipped and self.is_free(nominal):
                due = left[-1]
            elif not skipped:
                due, skipped = self.rolled(nominal)
        elif len(days) <= 7 and not any(self.is_workday(day) for day in days if day >= opens):
            skipped = True
        else:
            due, skipped = self.rolled(nominal)
        due = nominal if skipped else due
        provisional = self.is_provisional(stretch, nominal, due)
        return key, opens if skipped else min(opens, due), due, nominal, provisional, skipped

    def rolled(self, nominal: date) -> tuple[date, bool]:
        roll, day = self.case.roll, nominal
        if roll == "skip":
            return nominal, not self.is_workday(nominal)
        if roll != "none":
            while not self.counts(day):
                day += DAY if roll == "following" else -DAY
        return day, False

    def is_provisional(self, stretch: list[date], nominal: date, due: date) -> bool:
        if max(nominal, due).year > LAST_KNOWN_YEAR:
            return True
        for each in self.case.ranges:
            if not any(f.year <= nominal.year <= t.year for f, t, _flag in each.entries):
                return True
        between = [nominal + n * DAY for n in range((due - nominal).days + 1)]
        back = [due + n * DAY for n in range((stretch[0] - due).days)]
        return any(self.free.get(day) for day in stretch + between + back)


@given(cases())
@settings(CHECKED, max_examples=2500)
def test_twenty_years_of_a_random_cadence_fall_due_as_a_day_by_day_enumeration_says(
    case: Case,
) -> None:
    expected, found = Naive(case).rows(), said(plan_of(f'"{case.phrase}"', case))
    for one, other in zip(found, expected, strict=False):
        assert one == other, case.phrase
    assert len(found) == len(expected)


# ----------------------------------------------------------------------- dates and range ends


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(0, 28)), min_size=1, max_size=5, unique=True
    ),
    st.sampled_from(["preceding", "following", "none", "skip"]),
)
@settings(CHECKED, max_examples=300)
def test_dates_fall_due_every_year_as_a_day_by_day_enumeration_says(
    days: list[tuple[int, int]], roll: str
) -> None:
    case = Case("年", roll=roll)
    naive, expected = Naive(case), []
    phrase = "、".join(f"{month}月{day}日" if day else f"{month}月底" for month, day in days)
    for day in [d for d in DAYS if FIRST <= d <= LAST]:
        ends = (day + DAY).month != day.month
        names = [day.day] * ((day.month, day.day) in days) + [99] * (
            ends and (day.month, 0) in days
        )
        for named in names:
            several = [d for m, d in days if m == day.month]
            place = 1 + sorted(d or 99 for d in several).index(named)
            key = f"{day:%Y-%m}" + f".{place}" * (len(several) > 1)
            opens = day.replace(day=1)
            due, skipped = naive.rolled(day)
            flag = max(day, due).year > LAST_KNOWN_YEAR
            expected.append((key, min(opens, due), due, day, flag, skipped))
    assert said(plan_of(f'"{phrase}"', case)) == expected


@st.composite
def one_range(draw: st.DrawFn) -> Range:
    return Range("学期", entries(draw))


@given(one_range())
@settings(CHECKED, max_examples=200)
def test_range_ends_fall_due_on_the_last_workday_of_each_entry(terms: Range) -> None:
    case = Case("年")
    expected: list[Any] = []
    for number, (first, last, flag) in enumerate(terms.entries):
        if not FIRST <= last <= LAST:
            continue
        due = last
        while not is_announced_workday(due):
            due -= DAY
        provisional = flag or last.year > LAST_KNOWN_YEAR
        expected.append((f"学期{number}", min(first, due), due, last, provisional, False))
    if expected:
        assert said(plan_of("学期结束前", case, [terms])) == expected


# ------------------------------------------------------------------------------- dateutil's rules

YEARLY, MONTHLY, WEEKLY = rrule.YEARLY, rrule.MONTHLY, rrule.WEEKLY


def by_day(day: int) -> dict[str, Any]:
    """The day of a month, or its last where it is shorter."""
    if day == 0:
        return {"bymonthday": -1}
    return {"bymonthday": list(range(min(day, 28), day + 1)), "bysetpos": -1}


@st.composite
def twins(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A phrase and the rule of RFC 5545 that means the same."""
    unit = draw(st.sampled_from(["周", "两周", *MONTHS]))
    day = draw(st.integers(0, 31))
    words = f"{day}日前" if day else "底"
    if unit == "周":
        weekday = draw(st.integers(0, 6))
        return f"每周{'一二三四五六日'[weekday]}", {"freq": WEEKLY, "byweekday": weekday}
    if unit == "两周":
        anchor = draw(st.dates(FIRST, LAST))
        monday = anchor - anchor.weekday() * DAY
        start = monday - ((monday - date(2009, 6, 1)).days // 14) * 14 * DAY
        return f"每两周({anchor}起)", {
            "freq": WEEKLY,
            "interval": 2,
            "byweekday": 6,
            "dtstart": start + 7 * DAY,
        }
    months = MONTHS[unit]
    which = draw(st.integers(1, months))
    by_month = list(range(which, 13, months))
    return f"每{unit}第{which}个月{words}", {"freq": MONTHLY, "bymonth": by_month, **by_day(day)}


@given(twins())
@example(("每月31日前", {"freq": MONTHLY, **by_day(31)}))
@example(("每年2月29日前", {"freq": YEARLY, "bymonth": 2, **by_day(29)}))
@example(("每季度", {"freq": MONTHLY, "bymonth": [3, 6, 9, 12], **by_day(0)}))
@settings(CHECKED, max_examples=600)
def test_nominal_dates_are_those_of_the_rule_that_means_the_same(
    twin: tuple[str, dict[str, Any]],
) -> None:
    phrase, options = twin
    start = options.pop("dtstart", date(2009, 1, 1))
    found = [row[3] for row in said(plan_of(f'"{phrase}"', Case("年", roll="none")))]
    rule = rrule.rrule(dtstart=_midnight(start), until=_midnight(LAST), **options)
    assert found == [moment.date() for moment in rule if moment.date() >= FIRST]
    options["dtstart"] = start


def _midnight(day: date) -> Any:
    from datetime import datetime

    return datetime(day.year, day.month, day.day)  # noqa: DTZ001


@given(
    st.sampled_from(
        [
            "FREQ=MONTHLY;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=-1FR",
            "FREQ=WEEKLY;BYDAY=TU,TH",
            "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=31",
            "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=10",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "RRULE:FREQ=YEARLY;BYYEARDAY=100;COUNT=7",
            "FREQ=DAILY;INTERVAL=10;UNTIL=20191231",
        ]
    ),
    st.sampled_from(["preceding", "following", "none", "skip"]),
)
@settings(CHECKED, max_examples=100)
def test_a_rule_gives_its_own_dates_each_covering_the_days_since_the_last(
    text: str, roll: str
) -> None:
    case = Case("年", roll=roll)
    naive, opens, expected = Naive(case), FIRST, []
    for moment in rrule.rrulestr(text, dtstart=_midnight(FIRST)):
        day = moment.date()
        if day > LAST:
            break
        stretch = [opens + n * DAY for n in range((day - opens).days + 1)]
        due, skipped = naive.rolled(day)
        if len(stretch) <= 7 and not any(map(naive.is_workday, stretch)):
            due, skipped = day, True
        flag = max(day, due).year > LAST_KNOWN_YEAR
        expected.append((str(day), min(opens, due), due, day, flag, skipped))
        opens = day + DAY
    assert said(plan_of(f"{{rrule: '{text}'}}", case)) == expected


# ------------------------------------------------------------------------------------------ windows


@given(cases(), st.dates(FIRST, LAST), st.integers(0, 800))
@settings(CHECKED, max_examples=300)
def test_a_window_shows_what_a_wider_one_shows_of_it(case: Case, first: date, length: int) -> None:
    plan = plan_of(f'"{case.phrase}"', case)
    duty, last = plan.duties["a"], first + length * DAY
    wide = occurrences(plan, duty, date(2009, 3, 1), date(2032, 11, 1))
    assert occurrences(plan, duty, first, last) == [o for o in wide if first <= o.due <= last]
