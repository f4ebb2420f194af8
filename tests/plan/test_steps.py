"""Steps: when an occurrence is told, in which order, and never on a rest day."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

import chinese_calendar
import pytest

from dispatcher.errors import PlanError
from dispatcher.plan.model import Offset, Plan
from dispatcher.plan.occurrences import Occurrence, event_occurrence, upcoming
from dispatcher.plan.reading import read_plan
from dispatcher.plan.steps import (
    Step,
    around,
    overdue_steps,
    reached,
    shifted,
    steps,
    steps_until_due,
)
from tests.plan.small import one, plan, work

DAY = timedelta(days=1)
SHIPPED = Path(__file__).parents[2] / "schedules.yaml"
TERM = "学期: [{name: 2023年春季学期, from: 2023-02-06, to: 2023-06-30}]"


def written(found: list[Step]) -> str:
    return " ".join(f"{step.name}={step.on:%m-%d}" for step in found)


def until_due(ours: Plan, period: str) -> str:
    return written(steps_until_due(ours, one(ours, period)))


def after_due(ours: Plan, period: str, count: int = 4) -> str:
    return written(list(islice(overdue_steps(ours, one(ours, period)), count)))


# ------------------------------------------------------------------------ 8. which steps there are


@pytest.mark.parametrize(
    "when, period, expected",
    [
        ("每周", "2023-W10", "open=03-06 T-1=03-09 T=03-10"),
        ("每半月", "2023-03.1", "open=03-01 T-2=03-13 T=03-15"),
        ("每月", "2023-09", "open=09-01 T-7=09-21 T-1=09-27 T=09-28"),
        ("双月", "2023-M03", "open=03-01 T-15=04-13 T-3=04-25 T=04-28"),
        ("每季度", "2023-Q1", "open=01-03 T-15=03-16 T-3=03-28 T=03-31"),
        ("每半年", "2023-H1", "open=01-03 T-30=05-31 T-7=06-21 T=06-30"),
        ("每年", "2023", "open=01-03 T-60=10-30 T-15=12-14 T-3=12-26 T=12-29"),
        ("年内", "2023", "open=01-03 T-60=10-30 T-15=12-14 T-3=12-26 T=12-29"),
        ("6月底、11月底", "2023-06", "open=06-01 T-15=06-15 T-3=06-27 T=06-30"),
        ("每年2次", "2023-H1", "open=01-03 T-30=05-31 T-7=06-21 T=06-30"),
        ("每年3次", "2023.1", "open=01-03 T-30=03-29 T-7=04-21 T=04-28"),
        ("每季度2次", "2023-Q1.1", "open=01-03 T-15=01-31 T-3=02-10 T=02-15"),
        ("每月3次", "2023-05.2", "open=05-11 T-2=05-17 T=05-19"),
        ("学期结束前", "2023年春季学期", "open=02-06 T-30=05-31 T-7=06-21 T=06-30"),
        ("全年", "2023-Q1", "T-15=03-16 T-3=03-28 T=03-31"),
    ],
)
def test_the_length_of_a_period_says_how_early_it_is_told(
    when: str, period: str, expected: str
) -> None:
    assert until_due(plan(when, ranges=TERM), period) == expected


@pytest.mark.parametrize(
    "span, names",
    [
        ("1周", "open T-1 T"),
        ("1个月", "open T-7 T-1 T"),
        ("3个月", "open T-15 T-3 T"),
        ("6个月", "open T-30 T-7 T"),
        ("1年", "open T-60 T-15 T-3 T"),
    ],
)
def test_an_event_is_told_as_early_as_a_period_of_its_span_in_every_month(
    span: str, names: str
) -> None:
    ours = plan(f"验收结算后{span}内")
    for month in range(1, 13):
        found = event_occurrence(ours, work(ours), "一号项目", date(2023, month, 15))
        told = " ".join(step.name for step in steps_until_due(ours, found))
        assert told == names, month


def test_the_plan_and_the_duty_may_have_steps_of_their_own() -> None:
    assert until_due(plan(defaults="before: {month: [5d]}"), "2023-09") == (
        "open=09-01 T-5=09-22 T=09-28"
    )
    own = plan(duty="before: [10d, 3wd]", defaults="before: {month: [5d]}")
    assert until_due(own, "2023-09") == "open=09-01 T-10=09-18 T-3wd=09-25 T=09-28"
    assert until_due(plan(duty="before: []"), "2023-09") == "open=09-01 T=09-28"


def test_chinese_words_for_distances_are_the_same_steps() -> None:
    own = plan(duty="before: [10天, 3个工作日], overdue: [1个工作日, 每5个工作日]")
    assert until_due(own, "2023-09") == "open=09-01 T-10=09-18 T-3wd=09-25 T=09-28"
    assert after_due(own, "2023-09", 3) == "T+1=10-07 T+6=10-12 T+11=10-19"


def test_overdue_steps_are_counted_in_workdays_and_go_on() -> None:
    assert after_due(plan(), "2023-09", 6) == (
        "T+1=10-07 T+3=10-09 T+8=10-16 T+13=10-23 T+18=10-30 T+23=11-06"
    )


def test_overdue_steps_in_calendar_days_move_to_the_workday_after_a_rest_day() -> None:
    own = plan(duty="overdue: [3d, 30d]")
    assert after_due(own, "2023-09") == "T+3d=10-07 T+30d=10-30"  # 28 October is a Saturday


@pytest.mark.parametrize(
    "overdue, expected",
    [
        ("[]", ""),
        ("[2wd]", "T+2=07-04"),
        ("[every 2wd]", "T+2=07-04 T+4=07-06 T+6=07-10 T+8=07-12"),
        ("[1wd, every 3wd]", "T+1=07-03 T+4=07-06 T+7=07-11 T+10=07-14"),
    ],
)
def test_overdue_steps_end_unless_the_last_one_repeats(overdue: str, expected: str) -> None:
    assert after_due(plan(duty=f"overdue: {overdue}"), "2023-06") == expected


@pytest.mark.parametrize("overdue", ["[1wd, every 3wd]", "[4wd, every 3d]", "[2d, every 5wd]"])
@pytest.mark.parametrize("period", ["2023-06", "2023-09", "2023-12"])
def test_overdue_steps_of_years_stand_where_they_would_counted_from_the_due_date(
    overdue: str, period: str
) -> None:
    ours = plan(duty=f"overdue: {overdue}")
    due = one(ours, period).due
    for step in islice(overdue_steps(ours, one(ours, period)), 300):
        count, workdays = int(step.name.strip("T+d")), not step.name.endswith("d")
        assert step.on == shifted(ours.workdays, due, Offset(count, workdays)), step


@pytest.mark.parametrize(
    "overdue, expected",
    [
        ("[1wd, 3wd, every 5wd]", "T+1=04-03 T+3=04-06"),  # 5 April is a holiday
        ("[every 2wd]", "T+2=04-04 T+4=04-07"),
        ("[2wd]", "T+2=04-04"),
    ],
)
def test_a_progress_report_is_chased_twice_and_no_more(overdue: str, expected: str) -> None:
    ours = plan("全年", f"overdue: {overdue}")
    assert written(list(overdue_steps(ours, one(ours, "2023-Q1")))) == expected


def test_progress_items_have_no_opening_even_where_the_duty_asks_for_one() -> None:
    assert until_due(plan("全年", "open: true"), "2023-Q1").startswith("T-15")


@pytest.mark.parametrize("where", ["duty", "defaults"])
def test_an_opening_that_is_not_wanted_is_not_told(where: str) -> None:
    assert until_due(plan(**{where: "open: false"}), "2023-09") == "T-7=09-21 T-1=09-27 T=09-28"


# ------------------------------------------------------------------------------------- 8. in order


def test_steps_come_by_their_offsets_and_not_by_their_place_in_the_list() -> None:
    assert until_due(plan(duty="before: [1d, 7d, 3d]"), "2023-09") == (
        "open=09-01 T-7=09-21 T-3=09-25 T-1=09-27 T=09-28"
    )
    assert after_due(plan(duty="overdue: [3wd, 1wd, 2wd]"), "2023-06") == (
        "T+1=07-03 T+2=07-04 T+3=07-05"
    )


def test_a_step_is_reached_in_time_wherever_it_stands_in_the_list() -> None:
    ours = plan(duty="overdue: [3wd, 1wd]")
    now = datetime(2023, 7, 3, 2, tzinfo=UTC)
    assert reached(ours, one(ours, "2023-06"), now)[-1].name == "T+1"


@pytest.mark.parametrize("list_", ["before: [7d, 7d, 1d]", "overdue: [1wd, 1wd, every 5wd]"])
def test_an_offset_that_stands_twice_is_one_step_or_refused(list_: str) -> None:
    with suppress(PlanError):
        ours = plan(duty=list_)
        names = [step.name for step in islice(steps(ours, one(ours, "2023-09")), 8)]
        assert len(set(names)) == len(names)


def test_of_two_steps_on_one_day_the_nearer_to_the_due_day_is_the_later() -> None:
    # Due on Monday 2023-05-22: two and three days before are both told on Friday.
    own = plan("每月22日前", "before: [2d, 3d]")
    assert until_due(own, "2023-05") == "open=05-04 T-3=05-19 T-2=05-19 T=05-22"


def test_the_opening_comes_before_any_step_of_the_same_day() -> None:
    assert until_due(plan("每月8日前", "before: [4d]"), "2023-05") == (
        "open=05-04 T-4=05-04 T=05-08"
    )


def test_a_step_before_the_opening_does_not_exist() -> None:
    assert until_due(plan("每月5日前"), "2023-03") == "open=03-01 T-1=03-02 T=03-03"
    assert until_due(plan("每月1日前"), "2023-03") == "T=03-01"
    assert until_due(plan("每月1日前"), "2023-10") == "T=09-28"


def test_a_step_moved_before_the_opening_by_a_rest_day_does_not_exist() -> None:
    # T-1 of Thursday 2023-05-04 is a holiday; the workday before it lies in April.
    assert until_due(plan("每月4日前"), "2023-05") == "T=05-04"


# -------------------------------------------------------------------------------- 9. on workdays


def test_a_step_up_to_the_due_day_moves_to_the_workday_before_a_rest_day() -> None:
    assert until_due(plan(), "2023-06") == "open=06-01 T-7=06-21 T-1=06-29 T=06-30"


def test_a_due_day_that_stays_on_a_rest_day_is_told_on_the_workday_before() -> None:
    ours = plan(duty="roll: none")
    assert until_due(ours, "2023-04") == "open=04-03 T-7=04-23 T=04-28"
    assert after_due(ours, "2023-04", 3) == "T+1=05-04 T+3=05-06 T+8=05-12"


def test_the_opening_is_told_on_the_first_workday_of_its_month() -> None:
    assert until_due(plan(), "2023-10").startswith("open=10-07")
    assert until_due(plan(), "2023-01").startswith("open=01-03")
    assert until_due(plan("除寒暑假期外每月10日前"), "2023-02").startswith("open=02-01")


def is_workday(day: date) -> bool:
    """Not the program's: the package's own answer, and the provisional rule behind its horizon."""
    if day.year <= 2026:
        return bool(chinese_calendar.is_workday(day))
    fixed = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
    return day.weekday() < 5 and (day.month, day.day) not in fixed


def back(day: date) -> date:
    return day if is_workday(day) else back(day - DAY)


def forth(day: date, count: int) -> date:
    """The ``count``-th workday after ``day``."""
    while count:
        day += DAY
        count -= is_workday(day)
    return day


LENGTHS = {7: [1], 16: [2], 31: [7, 1], 92: [15, 3], 184: [30, 7], 400: [60, 15, 3]}


def expected_steps(occurrence: Occurrence) -> str:
    """A second enumeration of the steps up to T+8, for the defaults of the shipped calendar."""
    opens, due, progress = occurrence.opens, occurrence.due, occurrence.progress
    days = (occurrence.nominal - opens).days + 1
    before = next(offsets for limit, offsets in LENGTHS.items() if days <= limit)
    if occurrence.duty.phrase in ("6月底、11月底", "9月底前/12月底前"):
        before = [15, 3]
    told = [(f"T-{k}", back(due - k * DAY)) for k in before]
    if not progress:
        told.insert(0, ("open", forth(opens - DAY, 1)))
    told = [(name, day) for name, day in told if opens <= day < due]
    told += [(f"T+{k}" if k else "T", forth(due, k)) for k in ([0, 1, 3] + [8] * (not progress))]
    return " ".join(f"{name}={day:%m-%d}" for name, day in told)


@pytest.fixture(scope="module")
def shipped() -> tuple[Plan, list[Occurrence]]:
    ours = read_plan("schedules.yaml", SHIPPED.read_text("utf-8"))
    return ours, upcoming(ours, date(2023, 1, 1), date(2026, 12, 31))


def test_four_years_of_the_shipped_calendar_are_told_as_a_second_enumeration_says(
    shipped: tuple[Plan, list[Occurrence]],
) -> None:
    ours, occurrences = shipped
    assert len(occurrences) > 1200
    for occurrence in occurrences:
        last = "T+3" if occurrence.progress else "T+8"
        found = []
        for step in steps(ours, occurrence):
            found.append(step)
            if step.name == last:
                break
        assert written(found) == expected_steps(occurrence), occurrence.key


def test_no_step_of_four_years_of_the_shipped_calendar_falls_on_a_rest_day(
    shipped: tuple[Plan, list[Occurrence]],
) -> None:
    ours, occurrences = shipped
    for occurrence in occurrences:
        found = list(islice(steps(ours, occurrence), 12))
        assert all(is_workday(step.on) for step in found), occurrence.key
        assert found == sorted(found, key=lambda step: step.on), occurrence.key
        assert [step.name for step in found].count("T") == 1


# ------------------------------------------------------------------------------------ 9. the time


def test_a_step_is_told_at_the_plans_time_in_the_plans_zone() -> None:
    ours = plan()
    (*_, due) = steps_until_due(ours, one(ours, "2023-09"))
    assert due.at(ours) == datetime(2023, 9, 28, 1, tzinfo=UTC)
    earlier = plan(defaults="at: 08:30, window: 08:00-17:00")
    assert due.at(earlier) == datetime(2023, 9, 28, 0, 30, tzinfo=UTC)


def test_a_step_is_reached_at_its_instant_and_not_a_second_before() -> None:
    ours = plan()
    found = one(ours, "2023-09")
    instant = datetime(2023, 9, 21, 1, tzinfo=UTC)
    before = instant - timedelta(seconds=1)
    assert [step.name for step in reached(ours, found, before)] == ["open"]
    assert [step.name for step in reached(ours, found, instant)] == ["open", "T-7"]
    assert around(ours, found, before)[1] == Step("T-7", date(2023, 9, 21))
    assert around(ours, found, instant)[1] == Step("T-1", date(2023, 9, 27))


def test_nothing_is_reached_before_the_opening_and_everything_long_after() -> None:
    ours = plan(duty="overdue: [1wd, 3wd]")
    found = one(ours, "2023-09")
    assert reached(ours, found, datetime(2023, 8, 31, tzinfo=UTC)) == []
    late = datetime(2025, 1, 1, tzinfo=UTC)
    assert [step.name for step in reached(ours, found, late)][-2:] == ["T+1", "T+3"]
    assert around(ours, found, late)[1] is None


def test_one_that_is_chased_without_end_always_has_a_step_to_come() -> None:
    ours = plan()
    now = datetime(2025, 9, 28, tzinfo=UTC)
    last, to_come = (
        reached(ours, one(ours, "2023-09"), now)[-1],
        around(ours, one(ours, "2023-09"), now)[1],
    )
    assert to_come is not None
    assert last.at(ours) <= now < to_come.at(ours)
