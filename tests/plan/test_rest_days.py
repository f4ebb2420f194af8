"""Rest days: rolls, periods without a workday, years whose holidays nobody knows yet."""

from __future__ import annotations

from datetime import date

import pytest

from tests.plan.small import between, in_year, one, plan, skips

# --------------------------------------------------------------------- 4. rest days and rolls


@pytest.mark.parametrize(
    "roll, april, september, december",
    [
        ("preceding", date(2023, 4, 28), date(2023, 9, 28), date(2023, 12, 29)),
        ("following", date(2023, 5, 4), date(2023, 10, 7), date(2024, 1, 2)),
        ("none", date(2023, 4, 30), date(2023, 9, 30), date(2023, 12, 31)),
    ],
)
def test_a_month_end_on_a_holiday_rolls_as_the_duty_says(
    roll: str, april: date, september: date, december: date
) -> None:
    ours = plan("每月", f"roll: {roll}")
    dues = [one(ours, period).due for period in ("2023-04", "2023-09", "2023-12")]
    assert dues == [april, september, december]
    assert one(ours, "2023-05").due == date(2023, 5, 31)


def test_a_roll_of_skip_leaves_out_what_falls_on_a_rest_day_and_says_so() -> None:
    assert skips(in_year(plan("每月", "roll: skip"), 2023)) == {
        "2023-04": "2023-04-30 is a rest day, and the duty's roll is skip",
        "2023-09": "2023-09-30 is a rest day, and the duty's roll is skip",
        "2023-12": "2023-12-31 is a rest day, and the duty's roll is skip",
    }


def test_the_plans_roll_holds_where_a_duty_has_none_of_its_own() -> None:
    assert one(plan(defaults="roll: following"), "2023-04").due == date(2023, 5, 4)
    own = plan(duty="roll: preceding", defaults="roll: following")
    assert one(own, "2023-04").due == date(2023, 4, 28)


def test_a_make_up_workday_on_a_sunday_is_a_due_day_like_any_other() -> None:
    assert one(plan("每月25日前"), "2023-06").due == date(2023, 6, 25)


def test_a_roll_may_leave_the_period_and_the_key_stays() -> None:
    found = one(plan("每月1日前"), "2023-10")
    assert (found.opens, found.due, found.nominal) == (
        date(2023, 9, 28),
        date(2023, 9, 28),
        date(2023, 10, 1),
    )
    later = one(plan("每月", "roll: following"), "2023-12")
    assert (later.opens, later.due) == (date(2023, 12, 1), date(2024, 1, 2))


def test_a_week_without_any_workday_is_skipped_with_the_reason() -> None:
    weeks = in_year(plan("每周"), 2026)
    assert skips(weeks) == {"2026-W08": "no workday from 2026-02-16 to 2026-02-22"}


def test_a_holiday_week_with_a_make_up_day_is_due_on_it() -> None:
    found = one(plan("每周"), "2023-W40")
    assert (found.due, found.skipped) == (date(2023, 10, 8), None)


def test_a_monday_in_a_holiday_rolls_out_of_its_week() -> None:
    found = one(plan("每周一"), "2023-W40")
    assert (found.opens, found.due) == (date(2023, 9, 28), date(2023, 9, 28))


def test_a_stretch_of_days_without_any_workday_is_skips() -> None:
    found = between(plan("每周2次"), date(2024, 2, 5), date(2024, 2, 18))
    assert [(o.period, f"{o.due:%m-%d}", bool(o.skipped)) for o in found] == [
        ("2024-W06.1", "02-07", False),
        ("2024-W06.2", "02-09", False),
        ("2024-W07.1", "02-14", True),  # Monday to Wednesday of the Spring Festival
        ("2024-W07.2", "02-18", False),  # a make-up Sunday
    ]


def test_a_longer_period_without_any_workday_is_not_skipped_but_rolls_out_of_it() -> None:
    found = one(plan("每半月", days="off: [2026-02-24, 2026-02-25, 2026-02-26, 2026-02-27,"
                                   " 2026-02-28]"), "2026-02.2")  # fmt: skip
    assert (found.opens, found.due, found.skipped) == (
        date(2026, 2, 2),
        date(2026, 2, 14),
        None,
    )


def test_the_offices_own_rest_and_work_days_move_a_due_date() -> None:
    assert one(plan("每月", days="off: [2023-05-31]"), "2023-05").due == date(2023, 5, 30)
    assert one(plan("每月", days="work: [2023-04-29]"), "2023-04").due == date(2023, 4, 29)


# ------------------------------------------------------------------------- 6. the holiday horizon


def test_every_date_of_a_year_not_announced_is_provisional() -> None:
    found = between(plan("每月"), date(2026, 10, 1), date(2027, 12, 31))
    assert [o.period for o in found if not o.provisional] == ["2026-10", "2026-11", "2026-12"]


def test_a_year_not_announced_is_computed_from_weekends_and_fixed_holidays() -> None:
    ours = plan("每月2日前")
    assert one(ours, "2027-10").due == date(2027, 9, 30)
    assert one(ours, "2027-02").due == date(2027, 2, 2)
    assert one(ours, "2027-05").due == date(2027, 4, 30)


@pytest.mark.parametrize("when", ["每月", "除歇工外每月"])
def test_a_due_date_that_rolls_into_a_year_not_announced_is_provisional(when: str) -> None:
    rest = "歇工: [{name: 一, from: 2026-12-01, to: 2026-12-05}]"
    ours = plan(when, "roll: following", ranges=rest, days="off: [2026-12-31]")
    found = one(ours, "2026-12")
    assert (found.due, found.provisional) == (date(2027, 1, 4), True)


def test_without_statutory_holidays_nothing_is_provisional() -> None:
    assert not any(o.provisional for o in in_year(plan(days="holidays: none"), 2027))
