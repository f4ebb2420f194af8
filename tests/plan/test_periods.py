"""Periods: their keys, their ends, and that together they leave no day out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.plan.periods import Period, fortnights, month_end, periods_of, split

DAY = timedelta(days=1)
UNITS = ["week", "half-month", "month", "two-months", "quarter", "half-year", "year"]
DATES = st.dates(date(2001, 1, 8), date(2098, 12, 20))


def written(periods: tuple[Period, ...]) -> list[str]:
    return [f"{p.key} {p.first:%m-%d}..{p.last:%m-%d}" for p in periods]


def test_the_keys_and_ends_of_every_unit() -> None:
    assert written(periods_of("month", 2024))[:3] == [
        "2024-01 01-01..01-31",
        "2024-02 02-01..02-29",
        "2024-03 03-01..03-31",
    ]
    assert written(periods_of("half-month", 2023))[2:4] == [
        "2023-02.1 02-01..02-15",
        "2023-02.2 02-16..02-28",
    ]
    assert written(periods_of("two-months", 2023)) == [
        "2023-M01 01-01..02-28",
        "2023-M03 03-01..04-30",
        "2023-M05 05-01..06-30",
        "2023-M07 07-01..08-31",
        "2023-M09 09-01..10-31",
        "2023-M11 11-01..12-31",
    ]
    assert written(periods_of("quarter", 2024))[0] == "2024-Q1 01-01..03-31"
    assert written(periods_of("half-year", 2023)) == [
        "2023-H1 01-01..06-30",
        "2023-H2 07-01..12-31",
    ]
    assert written(periods_of("year", 2023)) == ["2023 01-01..12-31"]


def test_weeks_are_those_of_iso_8601() -> None:
    assert periods_of("week", 2021)[0] == Period("2021-W01", date(2021, 1, 4), date(2021, 1, 10))
    assert periods_of("week", 2026)[-1] == Period("2026-W53", date(2026, 12, 28), date(2027, 1, 3))
    assert len(periods_of("week", 2020)) == 53
    assert len(periods_of("week", 2023)) == 52


@given(st.sampled_from(UNITS), DATES)
def test_every_day_lies_in_exactly_one_period_of_a_unit(unit: str, day: date) -> None:
    near = [p for year in range(day.year - 1, day.year + 2) for p in periods_of(unit, year)]
    assert sum(period.first <= day <= period.last for period in near) == 1
    assert len({period.key for period in near}) == len(near)
    assert all(before.last + DAY == after.first for before, after in pairwise(near))


@given(st.sampled_from(UNITS), st.integers(2001, 2098), st.integers(0, 52), st.integers(1, 400))
def test_a_split_period_has_that_many_stretches_without_gap_or_overlap(
    unit: str, year: int, index: int, times: int
) -> None:
    whole = periods_of(unit, year)[index % len(periods_of(unit, year))]
    times = (times - 1) % whole.days + 1
    parts = split(whole, times)
    assert [part.key for part in parts] == [f"{whole.key}.{n}" for n in range(1, times + 1)]
    assert parts[0].first == whole.first
    assert parts[-1].last == whole.last
    for before, after in pairwise(parts):
        assert before.last + DAY == after.first
    assert all(part.first <= part.last for part in parts)


@given(st.sampled_from(UNITS), st.integers(2001, 2098), st.integers(0, 52), st.integers(2, 31))
def test_the_stretches_of_a_split_period_are_of_nearly_equal_length(
    unit: str, year: int, index: int, times: int
) -> None:
    whole = periods_of(unit, year)[index % len(periods_of(unit, year))]
    times = min(times, whole.days)
    lengths = [part.days for part in split(whole, times)]
    assert max(lengths) - min(lengths) <= 4, "half-months have 13 to 16 days, months 28 to 31"


@pytest.mark.parametrize(
    "unit, index, times, ends",
    [
        ("year", 0, 3, "04-30 08-31 12-31"),
        ("year", 0, 8, "02-15 03-31 05-15 06-30 08-15 09-30 11-15 12-31"),
        ("half-year", 1, 4, "08-15 09-30 11-15 12-31"),
        ("quarter", 3, 2, "11-15 12-31"),
        ("month", 0, 3, "01-10 01-20 01-31"),
        ("week", 1, 2, "01-11 01-15"),
        ("week", 1, 7, "01-09 01-10 01-11 01-12 01-13 01-14 01-15"),
    ],
)
def test_a_period_is_split_at_whole_and_half_months_where_that_is_even(
    unit: str, index: int, times: int, ends: str
) -> None:
    parts = split(periods_of(unit, 2023)[index], times)
    assert " ".join(f"{part.last:%m-%d}" for part in parts) == ends


def test_fortnights_are_counted_from_the_week_of_their_anchor() -> None:
    found = list(fortnights(date(2026, 1, 7), date(2026, 1, 1), date(2026, 2, 10)))
    assert written(tuple(found)) == [
        "2025-W52 12-22..01-04",
        "2026-W02 01-05..01-18",
        "2026-W04 01-19..02-01",
        "2026-W06 02-02..02-15",
    ]


@given(DATES, st.integers(-3000, 3000))
def test_every_day_lies_in_exactly_one_fortnight_before_and_after_the_anchor(
    anchor: date, distance: int
) -> None:
    day = min(max(anchor + distance * DAY, date(2001, 1, 8)), date(2098, 12, 20))
    found = [p for p in fortnights(anchor, day, day) if p.first <= day <= p.last]
    assert len(found) == 1
    assert (found[0].first - anchor).days % 14 == -anchor.weekday() % 14
    assert found[0].days == 14


@pytest.mark.parametrize(
    "year, month, day", [(2023, 2, 28), (2024, 2, 29), (2100, 2, 28), (2023, 12, 31), (2023, 4, 30)]
)
def test_the_end_of_a_month(year: int, month: int, day: int) -> None:
    assert month_end(year, month) == date(year, month, day)
