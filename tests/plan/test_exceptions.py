"""Days that do not count: vacations and months left out, at either end of a period."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.plan.coverage import warnings
from dispatcher.plan.occurrences import ahead
from tests.plan.small import (
    ROLLS,
    TERM_ONLY,
    VACATIONS,
    between,
    due_days,
    in_year,
    one,
    plan,
    skips,
    work,
)


def test_excepted_days_at_the_end_bring_the_due_date_forward_to_the_last_workday_left() -> None:
    found = one(plan(TERM_ONLY), "2023-01")
    assert (found.opens, found.due, found.nominal) == (
        date(2023, 1, 1),
        date(2023, 1, 12),
        date(2023, 1, 31),
    )


@pytest.mark.parametrize("roll", ROLLS)
def test_a_nominal_day_inside_an_exception_comes_forward_whatever_the_roll(roll: str) -> None:
    assert one(plan(TERM_ONLY, f"roll: {roll}"), "2023-01").due == date(2023, 1, 12)


def test_excepted_days_at_the_beginning_leave_the_due_date_where_it_is() -> None:
    found = one(plan(TERM_ONLY), "2023-02")
    assert (found.opens, found.due) == (date(2023, 2, 1), date(2023, 2, 28))


def test_a_month_inside_the_vacation_is_skipped_and_the_reason_names_it() -> None:
    assert skips(in_year(plan(TERM_ONLY), 2023)) == {
        "2023-07": "2023年暑假 leaves 0 workdays from 2023-07-01 to 2023-07-31, fewer than 3",
        "2023-08": "2023年暑假 leaves 0 workdays from 2023-08-01 to 2023-08-31, fewer than 3",
    }


@pytest.mark.parametrize(
    "day, least, due",
    [
        (8, "", date(2023, 2, 8)),  # the 6th, 7th and 8th are left
        (7, "", None),
        (7, "min_workdays: 2", date(2023, 2, 7)),
        (6, "min_workdays: 1", date(2023, 2, 6)),
        (6, "min_workdays: 0", date(2023, 2, 6)),
        (5, "min_workdays: 0", None),  # nothing is left at all
        (8, "min_workdays: 4", None),
    ],
)
def test_fewer_workdays_than_the_least_skip_the_period(
    day: int, least: str, due: date | None
) -> None:
    found = one(plan(f"除寒暑假期外每月{day}日前", least), "2023-02")
    assert (None if found.skipped else found.due) == due


@pytest.mark.parametrize(
    "roll, due",
    [
        ("preceding", date(2023, 2, 10)),
        ("following", date(2023, 2, 13)),
        ("none", date(2023, 2, 11)),
        ("skip", None),
    ],
)
def test_a_nominal_day_after_the_exception_rolls_as_ever(roll: str, due: date | None) -> None:
    found = one(plan("除寒暑假期外每月11日前", f"roll: {roll}"), "2023-02")
    assert (None if found.skipped else found.due) == due


def test_weeks_keep_to_exceptions_too() -> None:
    found = between(plan("除寒暑假期外每周"), date(2023, 1, 9), date(2023, 2, 12))
    assert [(o.period, f"{o.due:%m-%d}") for o in found if not o.skipped] == [
        ("2023-W02", "01-12"),
        ("2023-W06", "02-10"),
    ]


@pytest.mark.parametrize(
    "when, stretch, period",
    [
        ("每月28日前", "from: 2023-05-29, to: 2023-06-04", "2023-05"),
        ("每月30日前", "from: 2026-08-31, to: 2026-09-06", "2026-08"),
        ("每季度", "from: 2024-07-01, to: 2024-08-31", "2024-Q2"),
        ("每周", "from: 2024-05-13, to: 2024-05-14", "2024-W19"),
    ],
)
def test_a_roll_to_the_workday_after_never_ends_on_an_excepted_day(
    when: str, stretch: str, period: str
) -> None:
    ranges = f"歇工: [{{name: 歇工, {stretch}}}]"
    ours = plan(f"除歇工外{when}", "roll: following", ranges=ranges)
    found = one(ours, period)
    (off,) = ours.ranges["歇工"]
    assert found.skipped or not off.first <= found.due <= off.last


def test_months_of_the_year_are_exceptions_like_any_other() -> None:
    assert list(skips(in_year(plan("3月至11月每月1次"), 2023))) == [
        "2023-01",
        "2023-02",
        "2023-12",
    ]
    assert list(skips(in_year(plan("除7、8月外每月"), 2023))) == ["2023-07", "2023-08"]
    assert one(plan("除3月外每季度"), "2023-Q1").due == date(2023, 2, 28)


def test_months_over_the_turn_of_the_year_are_those_on_both_sides() -> None:
    wanted = plan("11月至2月每月10日前")
    assert due_days(wanted, 2023) == ["01-10", "02-10", "11-10", "12-08"]


def test_a_range_without_an_entry_for_a_year_excepts_nothing_and_says_so() -> None:
    ours = plan(TERM_ONLY)
    found = in_year(ours, 2025)
    assert [o.period for o in found if o.skipped or not o.provisional] == []
    assert one(ours, "2025-07").due == date(2025, 7, 31)
    says = "range 寒暑假 lacks all of 2025; duties that need it: work"
    assert says in [str(text) for text in warnings(ours, 2025)]


def test_a_provisional_entry_makes_what_rests_on_it_provisional_and_nothing_else() -> None:
    found = in_year(plan(TERM_ONLY), 2023)
    assert [o.period for o in found if o.provisional] == ["2023-07", "2023-08"]


def test_a_range_that_lacks_one_of_the_entries_of_the_year_before_is_not_complete() -> None:
    winter = "{name: 2024年寒假, from: 2024-01-20, to: 2024-02-20}]"
    ours = plan(TERM_ONLY, ranges=VACATIONS.replace("]", f", {winter}"))
    assert all(found.provisional for found in in_year(ours, 2024))
    says = "range 寒暑假 lacks 2024年暑假; duties that need it: work"
    assert says in [str(text) for text in warnings(ours, 2024)]
    whole = plan(
        TERM_ONLY,
        ranges=VACATIONS.replace(
            "]", f", {{name: 2024年暑假, from: 2024-07-01, to: 2024-08-31}}, {winter}"
        ),
    )
    assert not any(found.provisional for found in in_year(whole, 2024))


# ------------------------------------------------------------------- what check says of skipping


BOTH = "skip: {2023-05: 停}, move: {2023-05: {to: 2023-06-02, reason: 晚}}"


@pytest.mark.parametrize(
    "parts, says",
    [
        (
            {"when": "每周", "duty": "roll: skip"},
            "duty 'work': 49 of its 53 periods of 2023 are skipped, as they end on a rest day"
            " (roll: skip)",
        ),
        ({"duty": BOTH}, "duty 'work': 2023-05 is both skipped and moved: it is skipped"),
        (
            {"days": "holidays: china, off: [2023-03-06], work: [2023-03-06]"},
            "2023-03-06 stands among the office's rest days and its workdays: it is a workday",
        ),
    ],
    ids=["seldom due", "skipped and moved", "rest and work"],
)
def test_check_names_what_contradicts_itself(parts: dict[str, str], says: str) -> None:
    assert says in [str(text) for text in warnings(plan(**parts), 2023)]


@pytest.mark.parametrize("when", ["每月", "每周五", "2023年6月底前"])
def test_a_roll_that_skips_some_periods_is_no_contradiction(when: str) -> None:
    found = [str(text) for text in warnings(plan(when, "roll: skip"), 2023)]
    assert not [text for text in found if "skipped" in text]


def test_what_is_due_long_after_it_opens_as_a_vacation_is_passed_over_is_found_when_it_opens() -> (
    None
):
    winter = "寒暑假: [{name: 2029年寒假, from: 2029-01-02, to: 2029-02-20}]"
    ours = plan("除寒暑假期外每年1次", "roll: following", since="2028-01-01", ranges=winter)
    opens = date(2028, 1, 1)
    found = between(ours, opens, opens + ahead(ours, work(ours)))
    assert date(2029, 2, 21) in [o.due for o in found if o.opens == opens]
