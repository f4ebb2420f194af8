"""What falls due when: keys, openings and due days, with dates worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.plan.occurrences import upcoming
from dispatcher.plan.reading import read_plan
from tests.plan.small import ROLLS, TERM_ONLY, between, calendar, due_days, in_year, one, plan, span

# ------------------------------------------------------------------------------- 2. period keys


@pytest.mark.parametrize(
    "when, first_keys",
    [
        ("每月", "2023-01 2023-02 2023-03"),
        ("每季度", "2023-Q1 2023-Q2 2023-Q3 2023-Q4"),
        ("每半年", "2023-H1 2023-H2"),
        ("每年", "2023"),
        ("年内", "2023"),
        ("每周", "2022-W52 2023-W01 2023-W02"),
        ("每半月", "2023-01.1 2023-01.2 2023-02.1"),
        ("双月", "2023-M01 2023-M03 2023-M05 2023-M07 2023-M09 2023-M11"),
        ("每年2次", "2023-H1 2023-H2"),
        ("每年4次", "2023-Q1 2023-Q2 2023-Q3 2023-Q4"),
        ("每年12次", "2023-01 2023-02"),
        ("每半年2次", "2023-Q1 2023-Q2"),
        ("每季度3次", "2023-01 2023-02"),
        ("每月2次", "2023-01.1 2023-01.2 2023-02.1"),
        ("每年3次", "2023.1 2023.2 2023.3"),
        ("每季度2次", "2023-Q1.1 2023-Q1.2 2023-Q2.1"),
        ("每月3次", "2023-01.1 2023-01.2 2023-01.3 2023-02.1"),
        ("6月底、11月底", "2023-06 2023-11"),
        ("6月10日、6月30日、11月30日", "2023-06.1 2023-06.2 2023-11"),
        ("每年3月31日前", "2023"),
    ],
)
def test_a_period_has_a_key_that_no_edit_of_a_day_changes(when: str, first_keys: str) -> None:
    expected = first_keys.split()
    found = [o.period for o in between(plan(when), date(2022, 12, 1), date(2023, 12, 31))]
    assert found[: len(expected)] == expected


def test_a_week_belongs_to_its_iso_year() -> None:
    assert [o.period for o in between(plan("每周"), date(2026, 12, 28), date(2027, 1, 10))] == [
        "2026-W53",
        "2027-W01",
    ]


def test_several_weekdays_are_numbered_and_each_opens_after_the_one_before() -> None:
    found = between(plan("每周一、四"), date(2024, 1, 8), date(2024, 1, 14))
    assert [f"{o.period} {span(o)}" for o in found] == [
        "2024-W02.1 01-08..01-08",
        "2024-W02.2 01-09..01-11",
    ]


def test_a_fortnight_is_named_by_its_first_week_and_counted_from_the_anchor() -> None:
    found = between(plan("每两周(2026-01-05起)"), date(2026, 1, 6), date(2026, 3, 1))
    assert [f"{o.period} {span(o)}" for o in found] == [
        "2026-W02 01-05..01-16",
        "2026-W04 01-19..01-30",
        "2026-W06 02-02..02-14",  # the 15th is a rest day, the 14th a make-up Saturday
        "2026-W08 02-16..02-28",
    ]


def test_a_weekday_of_a_fortnight_is_that_of_its_second_week() -> None:
    found = between(plan("每两周(2026-01-05起)周三"), date(2026, 1, 6), date(2026, 1, 31))
    assert [span(o) for o in found] == ["01-05..01-14", "01-19..01-28"]


# ------------------------------------------------------------------ 3. opening and nominal due


@pytest.mark.parametrize(
    "when, expected",
    [
        ("每季度", "01-01..03-31 04-01..06-30 07-01..09-28 10-01..12-29"),
        ("每半年", "01-01..06-30 07-01..12-29"),
        ("每年", "01-01..12-29"),
        ("年内", "01-01..12-29"),
        ("每年3次", "01-01..04-28 05-01..08-31 09-01..12-29"),
        ("每季度2次", "01-01..02-15 02-16..03-31 04-01..05-15 05-16..06-30"),
        ("每年2次", "01-01..06-30 07-01..12-29"),
        ("每季度末月25日前", "01-01..03-24 04-01..06-25 07-01..09-25 10-01..12-25"),
        ("每季度首月5日前", "01-01..01-05 04-01..04-04 07-01..07-05 09-24..09-28"),
        ("每季度第2个月底", "01-01..02-28 04-01..05-31 07-01..08-31 10-01..11-30"),
        ("每半年首月10日前", "01-01..01-10 07-01..07-10"),
        ("每年3月31日前", "01-01..03-31"),
        ("双月", "01-01..02-28 03-01..04-28 05-01..06-30"),
        ("双月10日前", "01-01..02-10 03-01..04-10 05-01..06-09"),
        ("6月底、11月底", "06-01..06-30 11-01..11-30"),
        ("9月底前/12月底前", "09-01..09-28 12-01..12-29"),
        ("6月10日、6月30日", "06-01..06-09 06-01..06-30"),
        ("10月5日", "09-24..09-28"),
        ("年底前", "12-01..12-29"),
        ("2023年9月30日前", "09-01..09-28"),
    ],
)
def test_an_occurrence_opens_on_its_first_day_and_is_due_as_the_cadence_says(
    when: str, expected: str
) -> None:
    found = [span(o) for o in in_year(plan(when), 2023)]
    assert found[: len(expected.split())] == expected.split()


def test_a_date_with_a_year_falls_due_in_that_year_only() -> None:
    assert due_days(plan("2023年9月30日前"), 2024) == []


@pytest.mark.parametrize(
    "when, year, days",
    [
        ("每月", 2023, "01-31 02-28 03-31 04-28 05-31 06-30 07-31 08-31 09-28 10-31 11-30 12-29"),
        ("每月", 2024, "01-31 02-29 03-29 04-30 05-31 06-28 07-31 08-30 09-30 10-31 11-29 12-31"),
        ("每月30日前", 2024, "01-30 02-29 03-29 04-30"),
        ("每月31日前", 2023, "01-31 02-28 03-31 04-28"),
        ("每季度31日前", 2023, "03-31 06-30 09-28 12-29"),
        ("2月29日", 2023, "02-28"),
        ("2月29日", 2024, "02-29"),
        ("2月底", 2024, "02-29"),
        ("每年2月29日前", 2023, "02-28"),
        ("每半月", 2024, "01-15 01-31 02-09 02-29"),
        ("每月3次", 2023, "01-10 01-20 01-31 02-09 02-17 02-28"),
    ],
)
def test_a_day_that_a_short_month_lacks_is_its_last_day(when: str, year: int, days: str) -> None:
    assert due_days(plan(when), year)[: len(days.split())] == days.split()


@pytest.mark.parametrize(
    "when, days",
    [
        ("每月最后一个工作日", "01-31 02-28 03-31 04-28 05-31 06-30 07-31 08-31 09-28"),
        ("每月第1个工作日前", "01-03 02-01 03-01 04-03 05-04 06-01 07-03 08-01 09-01 10-07"),
        ("每月第3个工作日前", "01-05 02-03 03-03 04-06 05-06 06-05"),
        ("每月第23个工作日前", "01-31 02-28 03-31"),
    ],
)
def test_a_workday_of_a_month_is_counted_over_holidays_and_make_up_days(
    when: str, days: str
) -> None:
    assert due_days(plan(when), 2023)[: len(days.split())] == days.split()


def test_the_last_workday_of_a_month_without_any_is_the_one_before_it() -> None:
    closed = ", ".join(f"2026-02-{day:02}" for day in range(1, 29))
    found = one(plan("每月最后一个工作日", days=f"off: [{closed}]"), "2026-02")
    assert found.due == date(2026, 1, 30)


@pytest.mark.parametrize(
    "when, days",
    [
        ("每月", "01-20 02-24 03-24 04-25 05-25 06-25"),
        ("每季度", "03-24 06-25 09-25 12-25"),
        ("全年", "03-24 06-25 09-25 12-25"),
        ("每年2次", "06-25 12-25"),
        ("每月10日前", "01-10 02-10 03-10"),
        ("每月底", "01-31 02-28 03-31"),
        ("每半月", "01-13 01-31 02-15 02-28"),
        ("每周", "01-06 01-13 01-20"),
    ],
)
def test_the_plans_own_due_day_holds_for_whole_months_that_name_no_day(
    when: str, days: str
) -> None:
    ours = plan(when, ranges="", defaults="due: 25日前")
    assert due_days(ours, 2023)[: len(days.split())] == days.split()


@pytest.mark.parametrize("when", ["每月2次", "每月3次", "每季度2次", "每季度6次", "每年8次"])
def test_the_plans_own_due_day_never_lies_behind_the_end_of_a_stretch(when: str) -> None:
    without = in_year(plan(when), 2026)
    with_due = in_year(plan(when, defaults="due: 25日前"), 2026)
    ends = {o.period: o.nominal for o in without}
    assert [o.period for o in with_due if o.nominal > ends[o.period]] == []


def test_a_named_period_is_due_on_the_last_workday_of_each_entry() -> None:
    terms = (
        "学期: [{name: 2023年秋季学期, from: 2023-09-01, to: 2024-01-25},"
        " {name: 2024年春季学期, from: 2024-02-25, to: 2024-06-30, provisional: true}]"
    )
    found = in_year(plan("学期结束前", ranges=terms), 2024)
    assert [(o.period, span(o), o.provisional) for o in found] == [
        ("2023年秋季学期", "09-01..01-25", False),
        ("2024年春季学期", "02-25..06-28", True),  # 30 June is a Sunday
    ]


@pytest.mark.parametrize("roll", ROLLS)
def test_a_named_period_is_due_on_its_last_workday_whatever_the_roll(roll: str) -> None:
    terms = "学期: [{name: 2024年春季学期, from: 2024-02-25, to: 2024-06-30}]"
    (found,) = in_year(plan("学期结束前", f"roll: {roll}", ranges=terms), 2024)
    assert (found.due, found.skipped) == (date(2024, 6, 28), None)


# ------------------------------------------------------------------------------------- together


def test_what_is_upcoming_stands_by_due_date_then_in_the_files_order_without_the_skips() -> None:
    text = calendar(TERM_ONLY) + "".join(
        f"  - {{id: {id}, title: {id}, responsible: 乙, when: {when}}}\n"
        for id, when in (("second", "每月"), ("first", "每周(星期五)"))
    )
    found = upcoming(read_plan("schedules.yaml", text), date(2023, 6, 21), date(2023, 7, 31))
    assert [(o.duty.id, f"{o.due:%m-%d}") for o in found] == [
        ("first", "06-21"),  # Friday the 23rd is a holiday
        ("work", "06-30"),
        ("second", "06-30"),
        ("first", "06-30"),
        ("first", "07-07"),
        ("first", "07-14"),
        ("first", "07-21"),
        ("first", "07-28"),
        ("second", "07-31"),
    ]


def test_a_due_date_rolled_into_the_asked_stretch_is_found_and_one_rolled_out_is_not() -> None:
    ours = plan("每月", "roll: following")
    assert [o.period for o in between(ours, date(2024, 1, 1), date(2024, 1, 30))] == ["2023-12"]
    assert [o.period for o in between(ours, date(2023, 12, 1), date(2023, 12, 31))] == []
