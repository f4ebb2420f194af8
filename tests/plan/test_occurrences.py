"""What falls due when: the rules of time, one by one, with dates worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.plan.coverage import warnings
from dispatcher.plan.occurrences import Occurrence, event_occurrence, upcoming
from dispatcher.plan.reading import read_plan
from tests.plan.small import between, calendar, due_days, in_year, one, plan, work

ROLLS = ["preceding", "following", "none", "skip"]


def keys(when: str, year: int, **parts: str) -> list[str]:
    return [occurrence.period for occurrence in in_year(plan(when, **parts), year)]


def span(occurrence: Occurrence) -> str:
    """``opens..due`` as ``MM-DD..MM-DD``."""
    return f"{occurrence.opens:%m-%d}..{occurrence.due:%m-%d}"


def skipped(found: list[Occurrence]) -> dict[str, str]:
    return {o.period: str(o.skipped) for o in found if o.skipped}


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
        ("每季度首月5日前", "01-01..01-05 04-01..04-04 07-01..07-05 09-28..09-28"),
        ("每季度第2个月底", "01-01..02-28 04-01..05-31 07-01..08-31 10-01..11-30"),
        ("每半年首月10日前", "01-01..01-10 07-01..07-10"),
        ("每年3月31日前", "01-01..03-31"),
        ("双月", "01-01..02-28 03-01..04-28 05-01..06-30"),
        ("双月10日前", "01-01..02-10 03-01..04-10 05-01..06-09"),
        ("6月底、11月底", "06-01..06-30 11-01..11-30"),
        ("9月底前/12月底前", "09-01..09-28 12-01..12-29"),
        ("6月10日、6月30日", "06-01..06-09 06-01..06-30"),
        ("10月5日", "09-28..09-28"),
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
    assert skipped(in_year(plan("每月", "roll: skip"), 2023)) == {
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
    assert skipped(weeks) == {"2026-W08": "no workday from 2026-02-16 to 2026-02-22"}


def test_a_holiday_week_with_a_make_up_day_is_due_on_it() -> None:
    found = one(plan("每周"), "2023-W40")
    assert (found.due, found.skipped) == (date(2023, 10, 8), None)


def test_a_monday_in_a_holiday_rolls_out_of_its_week() -> None:
    found = one(plan("每周一"), "2023-W40")
    assert (found.opens, found.due) == (date(2023, 9, 28), date(2023, 9, 28))


def test_a_stretch_of_days_without_any_workday_is_skipped() -> None:
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
        date(2026, 2, 14),
        date(2026, 2, 14),
        None,
    )


def test_the_offices_own_rest_and_work_days_move_a_due_date() -> None:
    assert one(plan("每月", days="off: [2023-05-31]"), "2023-05").due == date(2023, 5, 30)
    assert one(plan("每月", days="work: [2023-04-29]"), "2023-04").due == date(2023, 4, 29)


# --------------------------------------------------------------------------------- 5. exceptions

TERM_ONLY = "除寒暑假期外每月1次"


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
    assert skipped(in_year(plan(TERM_ONLY), 2023)) == {
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
    "when, roll, stretch, period",
    [
        ("每月28日前", "following", "from: 2023-05-29, to: 2023-06-04", "2023-05"),
        ("每月30日前", "following", "from: 2026-08-31, to: 2026-09-06", "2026-08"),
        ("每月1日前", "preceding", "from: 2024-07-01, to: 2024-08-31", "2024-09"),
        ("每周一", "preceding", "from: 2024-04-29, to: 2024-04-30", "2024-W18"),
        ("每月3日前", "preceding", "from: 2026-12-28, to: 2026-12-31", "2027-01"),
    ],
)
def test_a_roll_never_ends_on_an_excepted_day(
    when: str, roll: str, stretch: str, period: str
) -> None:
    ranges = f"歇工: [{{name: 歇工, {stretch}}}]"
    ours = plan(f"除歇工外{when}", f"roll: {roll}", ranges=ranges)
    found = one(ours, period)
    (off,) = ours.ranges["歇工"]
    assert found.skipped or not off.first <= found.due <= off.last


def test_months_of_the_year_are_exceptions_like_any_other() -> None:
    assert list(skipped(in_year(plan("3月至11月每月1次"), 2023))) == [
        "2023-01",
        "2023-02",
        "2023-12",
    ]
    assert list(skipped(in_year(plan("除7、8月外每月"), 2023))) == ["2023-07", "2023-08"]
    assert one(plan("除3月外每季度"), "2023-Q1").due == date(2023, 2, 28)


def test_months_over_the_turn_of_the_year_are_those_on_both_sides() -> None:
    wanted = plan("11月至2月每月10日前")
    assert due_days(wanted, 2023) == ["01-10", "02-10", "11-10", "12-08"]


def test_a_range_without_an_entry_for_a_year_excepts_nothing_and_says_so() -> None:
    ours = plan(TERM_ONLY)
    found = in_year(ours, 2025)
    assert [o.period for o in found if o.skipped or not o.provisional] == []
    assert one(ours, "2025-07").due == date(2025, 7, 31)
    says = "range 寒暑假 has no entry for 2025; duties that need it: work"
    assert says in [str(text) for text in warnings(ours, 2025)]


def test_a_provisional_entry_makes_what_rests_on_it_provisional_and_nothing_else() -> None:
    found = in_year(plan(TERM_ONLY), 2023)
    assert [o.period for o in found if o.provisional] == ["2023-07", "2023-08"]


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


# -------------------------------------------------------------------------------- 7. year-round


def test_year_round_work_is_reported_at_each_check_in_by_its_lead_only() -> None:
    found = in_year(plan("全年"), 2023)
    assert [o.period for o in found] == ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4"]
    assert all(o.progress for o in found)
    duty = work(plan("全年", "lead: 乙"))
    assert duty.owing == duty.told == ("乙",)


def test_the_check_in_is_the_plans_own() -> None:
    assert keys("常年", 2023, defaults="year_round: 每半年") == ["2023-H1", "2023-H2"]
    ours = plan("长期坚持", defaults="year_round: 每季度末月25日前")
    assert due_days(ours, 2023) == ["03-24", "06-25", "09-25", "12-25"]


def test_year_round_and_quarterly_is_quarterly_and_no_progress_report() -> None:
    found = in_year(plan("全年、每季度"), 2023)
    assert [o.period for o in found] == ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4"]
    assert not any(o.progress for o in found)
    assert work(plan("全年、每季度")).owing == ("甲", "乙", "丙")


def test_who_only_knows_of_it_is_told_and_owes_nothing() -> None:
    duty = work(plan("每月", "expect: lead, lead: 乙"))
    assert duty.lead == duty.owing == ("乙",)
    assert duty.told == ("乙", "甲", "丙")


# ------------------------------------------------------------------------------------ 11. events


@pytest.mark.parametrize(
    "when, happened, due",
    [
        ("验收结算后1个月内", date(2023, 1, 31), date(2023, 2, 28)),
        ("验收结算后1个月内", date(2024, 1, 31), date(2024, 2, 29)),
        ("验收结算后1个月内", date(2023, 5, 15), date(2023, 6, 15)),
        ("验收结算后1个月内", date(2023, 8, 31), date(2023, 9, 28)),  # 30 September is a holiday
        ("验收结算后3个月内", date(2023, 11, 30), date(2024, 2, 29)),
        ("验收结算后30日内", date(2023, 5, 15), date(2023, 6, 14)),
        ("验收结算后10个工作日内", date(2023, 9, 27), date(2023, 10, 17)),
        ("验收结算后2周内", date(2023, 5, 15), date(2023, 5, 29)),
        ("验收结算后1年内", date(2024, 2, 29), date(2025, 2, 28)),
    ],
)
def test_an_event_opens_on_its_day_and_is_due_after_its_span(
    when: str, happened: date, due: date
) -> None:
    ours = plan(when)
    found = event_occurrence(ours, work(ours), "坳上污水处理站", happened)
    assert (found.period, found.opens, found.due) == ("坳上污水处理站", happened, due)
    assert found.key == "work/坳上污水处理站"


def test_an_event_duty_has_no_occurrence_before_somebody_records_one() -> None:
    assert between(plan("验收结算后1个月内"), date(2000, 1, 1), date(2099, 12, 31)) == []


def test_an_event_due_in_a_year_not_announced_is_provisional() -> None:
    ours = plan("验收结算后1个月内")
    assert event_occurrence(ours, work(ours), "甲", date(2026, 12, 15)).provisional


# ------------------------------------------------------------------------------------- 2. rrule


def test_a_rule_is_named_by_its_nominal_dates_and_covers_the_days_since_the_last() -> None:
    ours = plan("{rrule: FREQ=MONTHLY;BYDAY=-1FR}")
    found = between(ours, date(2023, 1, 1), date(2023, 4, 30))
    assert [f"{o.period} {span(o)}" for o in found] == [
        "2023-01-27 01-01..01-20",  # the Spring Festival
        "2023-02-24 01-28..02-24",
        "2023-03-31 02-25..03-31",
        "2023-04-28 04-01..04-28",
    ]


def test_a_rule_that_names_day_31_falls_due_in_long_months_only() -> None:
    ours = plan("{rrule: FREQ=MONTHLY;BYMONTHDAY=31}")
    assert keys("{rrule: FREQ=MONTHLY;BYMONTHDAY=31}", 2023)[:2] == ["2023-01-31", "2023-03-31"]
    assert due_days(ours, 2023)[-1] == "12-29"


# ------------------------------------------------------------- 12. from, until, skip and move


def test_an_occurrence_belongs_while_its_nominal_day_lies_between_from_and_until() -> None:
    ours = plan("每月", "from: 2023-03-15, until: 2023-12-31")
    found = between(ours, date(2022, 1, 1), date(2025, 1, 1))
    assert [found[0].period, found[-1].period] == ["2023-03", "2023-12"]
    assert found[0].opens == date(2023, 3, 1)
    earlier = plan("每月", "until: 2023-12-30")
    assert between(earlier, date(2022, 1, 1), date(2025, 1, 1))[-1].period == "2023-11"


def test_a_due_date_that_rolls_behind_until_still_belongs() -> None:
    ours = plan("每月", "roll: following, until: 2023-12-31")
    assert between(ours, date(2024, 1, 1), date(2024, 1, 31))[0].due == date(2024, 1, 2)


def test_a_due_date_that_rolls_before_the_plans_beginning_still_belongs() -> None:
    found = between(plan("每月1日前"), date(2022, 1, 1), date(2023, 2, 28))
    assert [(o.period, o.due) for o in found] == [
        ("2023-01", date(2022, 12, 30)),
        ("2023-02", date(2023, 2, 1)),
    ]


def test_a_duty_does_not_begin_before_the_plan_nor_last_longer() -> None:
    text = calendar(duty="from: 2020-01-01, until: 2090-01-01").replace(
        "from: 2023-01-01}", "from: 2023-01-01, until: 2024-06-30}"
    )
    found = between(read_plan("schedules.yaml", text), date(2000, 1, 1), date(2099, 12, 31))
    assert [found[0].period, found[-1].period] == ["2023-01", "2024-06"]


def test_a_period_skipped_by_hand_says_why() -> None:
    found = one(plan("每月", "skip: {2023-02: 春节期间不开展}"), "2023-02")
    assert str(found.skipped) == "skipped by hand: 春节期间不开展"
    assert not one(plan("每月", "skip: {2023-02: 春节期间不开展}"), "2023-03").skipped


@pytest.mark.parametrize(
    "when, period, to, opens",
    [
        ("每季度", "2023-Q1", date(2023, 4, 15), date(2023, 1, 1)),  # later, and on a Saturday
        ("每季度", "2023-Q2", date(2023, 3, 20), date(2023, 3, 20)),  # before it opened
        ("每月", "2023-05", date(2024, 8, 1), date(2023, 5, 1)),  # into another year
        (TERM_ONLY, "2023-07", date(2023, 7, 14), date(2023, 7, 1)),  # would have been skipped
        ("6月底、11月底", "2023-06", date(2023, 7, 5), date(2023, 6, 1)),
    ],
)
def test_a_period_moved_by_hand_is_due_on_that_very_day(
    when: str, period: str, to: date, opens: date
) -> None:
    ours = plan(when, f"move: {{{period}: {{to: {to}, reason: 区里统一安排}}}}")
    found = one(ours, period)
    assert (found.due, found.opens, found.skipped) == (to, opens, None)
    assert period in [o.period for o in between(ours, to, to)]


# ------------------------------------------------------------------------------------- together


def test_what_is_upcoming_stands_by_due_date_then_in_the_files_order_without_the_skipped() -> None:
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
