"""Why, as far as the plan alone can say it."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.errors import Refused
from dispatcher.plan.explain import find, why
from dispatcher.plan.occurrences import event_occurrence
from tests.plan.small import plan, work


def chain(when: str, happened: str, duty: str = "") -> list[str]:
    """The links of the chain of an event up to the due date."""
    ours = plan(when, duty)
    opened = event_occurrence(ours, work(ours), "龙井村", date.fromisoformat(happened))
    says = [f"{reason.label}: {reason.says}" for reason in why(ours, opened)]
    return says[1 : 1 + next(i for i, line in enumerate(says) if line.startswith("due: "))]


def test_an_event_is_named_with_its_day_the_span_after_it_and_the_holiday_in_the_way() -> None:
    assert chain("验收结算后1个月内", "2026-09-05") == [
        "event: 龙井村: 验收结算 on 2026-09-05; 1 months later is 2026-10-05 (Monday)",
        "rest day: 2026-10-05 is National Day; moved to the workday before",
        "due: 2026-09-30 (Wednesday)",
    ]


def test_an_event_whose_span_ends_on_a_weekend_names_the_day_of_the_week() -> None:
    assert chain("验收结算后1个月内", "2026-05-06", "roll: following") == [
        "event: 龙井村: 验收结算 on 2026-05-06; 1 months later is 2026-06-06 (Saturday)",
        "rest day: 2026-06-06 is Saturday; moved to the workday after",
        "due: 2026-06-08 (Monday)",
    ]


def test_an_event_whose_span_ends_on_a_workday_is_due_then() -> None:
    assert chain("验收结算后10个工作日内", "2026-03-02") == [
        "event: 龙井村: 验收结算 on 2026-03-02; 10 workdays later is 2026-03-16 (Monday)",
        "due: 2026-03-16 (Monday)",
    ]


@pytest.mark.parametrize("wanted", ["龙井村", "2026-09", "2026-09-05"])
def test_where_there_are_no_periods_the_refusal_says_why_and_names_no_nearest(wanted: str) -> None:
    ours = plan("验收结算后1个月内")
    with pytest.raises(Refused) as refused:
        find(ours, work(ours), wanted, date(2026, 9, 7))
    assert str(refused.value.text) == f"no period '{wanted}': 'work' waits for an event: 验收结算"
