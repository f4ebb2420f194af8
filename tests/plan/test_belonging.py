"""Who owes what from when to when: progress, events, rules, from and until, skip and move."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.plan.occurrences import event_occurrence
from dispatcher.plan.reading import read_plan
from tests.plan.small import TERM_ONLY, between, calendar, due_days, in_year, one, plan, span, work


def keys(when: str, year: int, **parts: str) -> list[str]:
    return [occurrence.period for occurrence in in_year(plan(when, **parts), year)]


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
