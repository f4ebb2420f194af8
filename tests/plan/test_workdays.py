"""Workdays and rest days: the State Council's notices, the office's own days, unknown years."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.plan.workdays import Workdays

DAY = timedelta(days=1)
NOTICES = {
    2022: (
        "01-01..03 01-31..02-06 04-03..05 04-30..05-04 06-03..05 09-10..12 10-01..07",
        "01-29 01-30 04-02 04-24 05-07 10-08 10-09",
        116,
    ),
    2023: (
        "01-01..02 01-21..27 04-05..05 04-29..05-03 06-22..24 09-29..10-06",
        "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
        116,
    ),
    2024: (
        "01-01..01 02-10..17 04-04..06 05-01..05 06-10..10 09-15..17 10-01..07",
        "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
        115,
    ),
    2025: (
        "01-01..01 01-28..02-04 04-04..06 05-01..05 05-31..06-02 10-01..08",
        "01-26 02-08 04-27 09-28 10-11",
        117,
    ),
    2026: (
        "01-01..03 02-15..23 04-04..06 05-01..05 06-19..21 09-25..27 10-01..07",
        "01-04 02-14 02-28 05-09 09-20 10-10",
        117,
    ),
}
"""Of each year: holidays, make-up workdays, and how many days are off. Typed from the notices."""

china = Workdays("china")


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + n * DAY for n in range((date(year + 1, 1, 1) - first).days)]


def day(year: int, text: str) -> date:
    return date.fromisoformat(f"{year}-{text}")


def is_workday_by_the_notice(of: date) -> bool:
    holidays, makeup, _total = NOTICES[of.year]
    stretches = [stretch.split("..") for stretch in holidays.split()]
    if any(
        day(of.year, first) <= of <= day(of.year, (first[:3] + last)[-5:])
        for first, last in stretches
    ):
        return False
    return of.weekday() < 5 or f"{of:%m-%d}" in makeup.split()


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_year_is_what_the_notice_says(year: int) -> None:
    for of in days_of(year):
        assert china.is_workday(of) == is_workday_by_the_notice(of), of


@pytest.mark.parametrize("year", NOTICES)
def test_as_many_days_are_off_as_the_notice_gives(year: int) -> None:
    assert sum(not china.is_workday(of) for of in days_of(year)) == NOTICES[year][2]


@pytest.mark.parametrize("year", NOTICES)
def test_make_up_days_are_the_workdays_on_weekends(year: int) -> None:
    found = [f"{of:%m-%d}" for of in days_of(year) if of.weekday() >= 5 and china.is_workday(of)]
    assert found == NOTICES[year][1].split()


@pytest.mark.parametrize("year", range(2004, 2027))
def test_every_announced_year_agrees_with_the_package(year: int) -> None:
    for of in days_of(year):
        assert china.is_workday(of) == chinese_calendar.is_workday(of), of


def test_a_year_is_known_from_2004_to_the_last_one_announced() -> None:
    assert not china.is_known(date(2003, 12, 31))
    assert china.is_known(date(2004, 1, 1))
    assert china.is_known(date(2026, 12, 31))
    assert not china.is_known(date(2027, 1, 1))


@pytest.mark.parametrize("year", [2003, 2027, 2028, 2060])
def test_an_unknown_year_rests_on_weekends_and_fixed_holidays_alone(year: int) -> None:
    fixed = {"01-01", "05-01", "05-02", "10-01", "10-02", "10-03"}
    for of in days_of(year):
        expected = of.weekday() < 5 and f"{of:%m-%d}" not in fixed
        assert china.is_workday(of) == expected, of


def test_without_holidays_only_weekends_are_off_and_every_year_is_known() -> None:
    plain = Workdays("none")
    for of in days_of(2023) + days_of(2027):
        assert plain.is_workday(of) == (of.weekday() < 5)
        assert plain.is_known(of)


def test_the_offices_own_days_win_over_weekdays_weekends_holidays_and_make_up_days() -> None:
    own = Workdays(
        "china",
        off=[date(2026, 10, 9), date(2026, 10, 10), date(2027, 3, 1)],
        work=[date(2026, 10, 11), date(2026, 10, 1), date(2027, 1, 1)],
    )
    assert not own.is_workday(date(2026, 10, 9))  # a Friday
    assert not own.is_workday(date(2026, 10, 10))  # a make-up Saturday
    assert own.is_workday(date(2026, 10, 11))  # a Sunday
    assert own.is_workday(date(2026, 10, 1))  # National Day
    assert not own.is_workday(date(2027, 3, 1))  # a Monday of a year not announced
    assert own.is_workday(date(2027, 1, 1))
    assert own.is_workday(date(2026, 10, 12))
    assert china.is_workday(date(2026, 10, 9)), "one office's days are no other's"


def test_the_workday_before_and_after_a_long_holiday_step_over_all_of_it() -> None:
    inside = date(2023, 10, 3)
    assert china.before(inside) == date(2023, 9, 28)
    assert china.after(inside) == date(2023, 10, 7), "a make-up Saturday"
    assert china.before(date(2023, 9, 28)) == china.after(date(2023, 9, 28)) == date(2023, 9, 28)


def test_workdays_are_counted_over_holidays_and_make_up_days() -> None:
    assert china.add(date(2023, 9, 28), 1) == date(2023, 10, 7)
    assert china.add(date(2023, 9, 28), 3) == date(2023, 10, 9)
    assert china.add(date(2023, 9, 30), 1) == date(2023, 10, 7), "from a rest day"
    assert china.add(date(2023, 10, 9), -3) == date(2023, 9, 28)
    assert china.add(date(2023, 10, 3), -1) == date(2023, 9, 28)
    assert china.add(date(2023, 10, 3), 0) == date(2023, 10, 3)


@given(st.dates(date(2015, 1, 1), date(2029, 12, 31)), st.integers(-40, 40))
def test_counting_agrees_with_walking_day_by_day(start: date, count: int) -> None:
    walked, left = start, abs(count)
    while left:
        walked += DAY if count > 0 else -DAY
        left -= china.is_workday(walked)
    assert china.add(start, count) == walked


@given(st.dates(date(2015, 1, 1), date(2029, 12, 31)), st.integers(0, 90))
def test_the_workdays_within_a_stretch_are_all_of_them_in_order(first: date, length: int) -> None:
    stretch = [first + n * DAY for n in range(length)]
    expected = [of for of in stretch if china.is_workday(of)]
    assert china.within(first, first + (length - 1) * DAY) == expected


@pytest.mark.parametrize(
    "of, says",
    [
        (date(2023, 10, 1), "National Day"),
        (date(2023, 9, 29), "Mid-autumn Festival"),
        (date(2023, 6, 25), "a make-up workday"),
        (date(2023, 6, 23), "Dragon Boat Festival"),
        (date(2023, 6, 17), "Saturday"),
        (date(2023, 6, 19), "Monday"),
        (date(2027, 5, 1), "Saturday"),
        (date(2027, 10, 1), "a public holiday"),
        (date(2027, 10, 7), "Thursday"),
    ],
)
def test_a_day_says_why_it_is_a_workday_or_a_rest_day(of: date, says: str) -> None:
    assert str(china.describe(of)) == says


def test_the_offices_own_days_say_so() -> None:
    own = Workdays("china", off=[date(2026, 10, 9)], work=[date(2026, 10, 11)])
    assert str(own.describe(date(2026, 10, 9))) == "a rest day by the office's own list"
    assert str(own.describe(date(2026, 10, 11))) == "a workday by the office's own list"
