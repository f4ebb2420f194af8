"""The calendar against the naive enumeration of every day of twenty years, and dateutil's rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from dateutil import rrule
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from dispatcher.plan.occurrences import occurrences
from tests.plan.enumeration import (
    CHECKED,
    DAY,
    DAYS,
    FIRST,
    LAST,
    LAST_KNOWN_YEAR,
    MONTHS,
    Case,
    Naive,
    Range,
    Row,
    cases,
    entries,
    is_announced_workday,
    opened,
    plan_of,
    said,
)


@given(cases())
@settings(CHECKED, max_examples=1000, phases=[Phase.generate])  # shrinking would take minutes
def test_twenty_years_of_a_random_cadence_fall_due_as_a_day_by_day_enumeration_says(
    case: Case,
) -> None:
    expected, found = Naive(case).rows(), said(plan_of(f'"{case.phrase}"', case))
    for one, other in zip(found, expected, strict=False):
        assert (without_due(one) if other[2] is None else one) == other, case.phrase
    assert len(found) == len(expected)


def without_due(row: Row) -> Row:
    period, _opens, _due, nominal, _provisional, skipped = row
    return period, nominal, None, nominal, None, skipped


# ----------------------------------------------------------------------- dates and range ends


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(0, 28)), min_size=1, max_size=5, unique=True
    ),
    st.sampled_from(["preceding", "following", "none", "skip"]),
)
@settings(CHECKED, max_examples=200)
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
            expected.append((key, opened(opens, due, day), due, day, flag, skipped))
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
        opens = opened(first, due, last)
        expected.append((f"学期{number}", opens, due, last, provisional, False))
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
    start = options.get("dtstart", date(2009, 1, 1))
    found = [row[3] for row in said(plan_of(f'"{phrase}"', Case("年", roll="none")))]
    rule = rrule.rrule(**options | {"dtstart": midnight(start), "until": midnight(LAST)})
    assert found == [moment.date() for moment in rule if moment.date() >= FIRST]


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


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
    for moment in rrule.rrulestr(text, dtstart=midnight(FIRST)):
        day = moment.date()
        if day > LAST:
            break
        stretch = [opens + n * DAY for n in range((day - opens).days + 1)]
        due, skipped = naive.rolled(day)
        if len(stretch) <= 7 and not any(map(naive.is_workday, stretch)):
            due, skipped = day, True
        flag = max(day, due).year > LAST_KNOWN_YEAR
        expected.append((str(day), opened(opens, due, day), due, day, flag, skipped))
        opens = day + DAY
    assert said(plan_of(f"{{rrule: '{text}'}}", case)) == expected


# ------------------------------------------------------------------------------------------ windows


@given(cases(), st.dates(FIRST, LAST), st.integers(0, 800))
@settings(CHECKED, max_examples=150)
def test_a_window_shows_what_a_wider_one_shows_of_it(case: Case, first: date, length: int) -> None:
    plan = plan_of(f'"{case.phrase}"', case)
    duty, last = plan.duties["a"], first + length * DAY
    wide = occurrences(plan, duty, date(2009, 3, 1), date(2032, 11, 1))
    assert occurrences(plan, duty, first, last) == [o for o in wide if first <= o.due <= last]
