"""What a unit hears after each answer, and how chasing goes on or ends with it.

The duty of these tests is monthly. January 2026 is due on Friday the 30th: T-7 is the 23rd, T-1 the
29th, T+1 Monday 2 February, T+3 the 4th, T+8 the 11th. February is due on Friday the 27th, March on
Tuesday the 31st.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from dispatcher.ledger.database import Engine
from dispatcher.ledger.items import Item
from dispatcher.ledger.transitions import Kind
from dispatcher.plan.cadence import Every
from tests.building import Office, a_duty, plan_with, trouble

ALONE = a_duty(units=("甲",))


@pytest.fixture
def office(engine: Engine) -> Office:
    """On 23 January, when T-7 has been told."""
    office = Office(engine, plan_with(ALONE))
    office.at("2026-01-23")
    return office


def counted(items: Sequence[Item], _at: datetime) -> tuple[str, str, str]:
    """A line for each item: ``2026-01 T+3 第2次 另有1期``."""
    lines = [f"{each.period} {each.step} 第{each.times}次 另有{each.lapsed}期" for each in items]
    return "subject", "\n".join(lines), ""


def reminders(office: Office, round_: int) -> list[tuple[object, ...]]:
    query = "SELECT step, state FROM reminder WHERE round = :round ORDER BY id"
    return office.ask(query, round=round_)


# ------------------------------------------------------------------------------- what stops what


def test_an_acknowledgement_stops_the_steps_before_the_due_date_and_no_other(
    office: Office,
) -> None:
    office.say("ack")
    assert office.daily("2026-01-24", "2026-02-04") == {
        "2026-01-30": ["甲 work/2026-01 T"],
        "2026-02-02": ["甲 work/2026-01 T+1", "甲 work/2026-02 open"],
        "2026-02-04": ["甲 work/2026-01 T+3"],
    }


def test_an_acknowledgement_after_the_due_date_stops_nothing(office: Office) -> None:
    office.at("2026-02-02")
    office.say("ack")
    assert office.at("2026-02-04") == ["甲 work/2026-01 T+3"]


def test_an_acknowledgement_takes_back_a_warning_that_has_not_left(office: Office) -> None:
    office.stop.set()
    office.at("2026-01-29")
    office.stop.clear()
    office.say("ack")
    assert office.at("2026-01-29 10:00") == []
    assert reminders(office, 1)[-1] == ("T-1", "cancelled")


@pytest.mark.parametrize("kind", ["report", "done"])
def test_an_answered_item_is_heard_of_no_more(office: Office, kind: Kind) -> None:
    office.say(kind)
    assert office.daily("2026-01-24", "2026-02-13") == {"2026-02-02": ["甲 work/2026-02 open"]}


def test_what_is_reported_before_its_first_step_was_told_is_never_told(office: Office) -> None:
    office.say("report", "work/2026-02@甲")
    assert office.daily("2026-02-03", "2026-03-01") == {
        "2026-02-03": ["甲 work/2026-01 T+1"],
        "2026-02-04": ["甲 work/2026-01 T+3"],
        "2026-02-11": ["甲 work/2026-01 T+8"],
        "2026-02-18": ["甲 work/2026-01 T+13"],
        "2026-02-25": ["甲 work/2026-01 T+18"],
    }


def test_a_report_takes_back_what_has_not_left(office: Office) -> None:
    office.stop.set()
    office.at("2026-01-29")
    office.stop.clear()
    office.say("report")
    assert office.at("2026-01-29 10:00") == []
    assert reminders(office, 1)[-1] == ("T-1", "cancelled")


def test_a_report_ends_the_trying_of_a_message_that_was_put_off(office: Office) -> None:
    office.box.troubles["*"] = [trouble("temporary")]
    assert office.at("2026-01-29") == []
    office.say("report")
    assert office.at("2026-01-29 10:00") == []
    [(state, reason)] = office.ask("SELECT state, reason FROM message ORDER BY id DESC LIMIT 1")
    assert state == "cancelled"
    assert '"state": {"say": "reported"}, "by": "张三"' in reason


def test_asking_does_not_stop_the_clock(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    assert list(office.daily("2026-01-24", "2026-02-02")) == [
        "2026-01-29", "2026-01-30", "2026-02-02"
    ]  # fmt: skip


# ------------------------------------------------------------------------------ what it hears of


def test_after_a_granted_extension_a_unit_hears_of_it_and_of_all_steps_anew(
    office: Office,
) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    office.say("grant")
    assert office.daily("2026-01-24", "2026-02-13") == {
        "2026-01-26": ["甲 work/2026-01 extended"],
        "2026-02-02": ["甲 work/2026-02 open"],
        "2026-02-03": ["甲 work/2026-01 T-7"],
        "2026-02-09": ["甲 work/2026-01 T-1"],
        "2026-02-10": ["甲 work/2026-01 T"],
        "2026-02-11": ["甲 work/2026-01 T+1"],
        "2026-02-13": ["甲 work/2026-01 T+3"],
    }


def test_an_acknowledged_extension_is_heard_of_and_left_alone_until_its_new_date(
    office: Office,
) -> None:
    office.say("ack")
    office.say("ask", note="忙", to="2026-02-10")
    office.say("grant")
    told = office.daily("2026-01-24", "2026-02-10")
    assert list(told) == ["2026-01-26", "2026-02-02", "2026-02-10"]
    assert told["2026-02-10"] == ["甲 work/2026-01 T"]


def test_an_extension_granted_after_the_due_date_ends_the_urging_until_the_new_one(
    office: Office,
) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    office.at("2026-02-02")
    office.say("grant")
    assert office.daily("2026-02-03", "2026-02-10") == {
        "2026-02-03": ["甲 work/2026-01 extended"],
        "2026-02-09": ["甲 work/2026-01 T-1"],
        "2026-02-10": ["甲 work/2026-01 T"],
    }


def test_after_a_refusal_a_unit_hears_of_it_and_its_steps_go_on(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-10")
    office.say("refuse", note="不行")
    assert office.daily("2026-01-24", "2026-01-30") == {
        "2026-01-26": ["甲 work/2026-01 refused"],
        "2026-01-29": ["甲 work/2026-01 T-1"],
        "2026-01-30": ["甲 work/2026-01 T"],
    }


def test_a_second_refusal_in_a_round_is_heard_of_too(office: Office) -> None:
    found = []
    for day in ("2026-01-26", "2026-01-27"):
        office.say("ask", note="忙", to="2026-02-10")
        office.say("refuse", note="不行")
        found += office.at(day)
    assert found == ["甲 work/2026-01 refused", "甲 work/2026-01 refused.2"]


def test_a_return_before_the_due_date_is_heard_of_and_chased_on(office: Office) -> None:
    office.say("report")
    office.say("return", note="缺附件")
    assert office.daily("2026-01-24", "2026-01-30") == {
        "2026-01-26": ["甲 work/2026-01 returned"],
        "2026-01-29": ["甲 work/2026-01 T-1"],
        "2026-01-30": ["甲 work/2026-01 T"],
    }


def test_a_return_with_a_date_is_told_by_that_date(office: Office) -> None:
    office.say("report")
    office.at("2026-02-05")
    office.say("return", note="缺附件", to="2026-02-12")
    assert office.daily("2026-02-06", "2026-02-13") == {
        "2026-02-06": ["甲 work/2026-01 returned"],
        "2026-02-11": ["甲 work/2026-01 T-1"],
        "2026-02-12": ["甲 work/2026-01 T"],
        "2026-02-13": ["甲 work/2026-01 T+1"],
    }


def test_a_return_after_the_due_date_is_one_item_and_its_missed_steps_are_on_record(
    office: Office,
) -> None:
    office.say("report")
    office.at("2026-02-05")
    office.say("return", note="缺附件")
    assert office.at("2026-02-06") == ["甲 work/2026-01 returned"]
    assert reminders(office, 2) == [
        ("returned", "told"),
        ("open", "superseded"),
        ("T-7", "superseded"),
        ("T-1", "superseded"),
        ("T", "superseded"),
        ("T+1", "superseded"),
        ("T+3", "told"),
    ]
    assert office.daily("2026-02-07", "2026-02-11") == {"2026-02-11": ["甲 work/2026-01 T+8"]}


def test_what_is_reopened_is_heard_of_and_chased_on(office: Office) -> None:
    office.say("done")
    office.at("2026-01-26")
    office.say("reopen", note="不实")
    assert office.daily("2026-01-27", "2026-01-30") == {
        "2026-01-27": ["甲 work/2026-01 reopened"],
        "2026-01-29": ["甲 work/2026-01 T-1"],
        "2026-01-30": ["甲 work/2026-01 T"],
    }


@pytest.mark.parametrize("kind, notice", [("waive", "waived"), ("withdraw", "withdrawn")])
def test_of_a_waiver_or_a_withdrawal_a_unit_hears_once_if_it_was_told_anything(
    office: Office, kind: Kind, notice: str
) -> None:
    office.say(kind, note="不涉及")
    office.say(kind, "work/2026-03@甲", "不涉及")
    assert office.daily("2026-01-24", "2026-02-02") == {
        "2026-01-26": [f"甲 work/2026-01 {notice}"],
        "2026-02-02": ["甲 work/2026-02 open"],
    }


def test_what_is_waived_and_opened_again_overnight_is_heard_of_as_open(office: Office) -> None:
    office.say("waive", note="不涉及")
    office.say("reopen", note="又涉及")
    assert office.at("2026-01-26") == ["甲 work/2026-01 reopened"]
    assert ("waived", "cancelled") in reminders(office, 1)


def test_a_return_that_is_answered_overnight_is_not_heard_of(office: Office) -> None:
    for kind in ("report", "return", "report"):
        office.say(kind, note="话")
    assert office.at("2026-01-26") == []
    assert reminders(office, 2) == [("returned", "cancelled")]


# ------------------------------------------------------------------------- counts, and new rounds


def test_the_count_of_urging_grows_in_a_round_and_begins_anew_with_the_next(
    office: Office,
) -> None:
    office.compose = counted
    office.daily("2026-01-30", "2026-02-02")
    assert office.at("2026-02-04") == ["2026-01 T+3 第2次 另有0期"]
    assert office.at("2026-02-11") == ["2026-01 T+8 第3次 另有0期"]
    office.say("report")
    office.say("return", note="缺附件")
    assert office.at("2026-02-12") == ["2026-01 returned 第1次 另有0期"]
    assert office.at("2026-02-18") == ["2026-01 T+13 第2次 另有0期"]


def test_a_step_that_could_not_leave_is_not_counted(office: Office) -> None:
    office.compose = counted
    office.at("2026-01-30")
    office.stop.set()
    office.at("2026-02-02")
    office.stop.clear()
    assert "2026-01 T+3 第1次 另有0期" in office.at("2026-02-04")
    assert ("T+1", "superseded") in reminders(office, 1)


def test_the_periods_that_a_unit_let_lapse_are_counted_until_it_answers_them(
    office: Office,
) -> None:
    office.compose = counted
    office.daily("2026-01-30", "2026-04-01")
    assert "2026-03 T+3 第2次 另有2期" in office.at("2026-04-03")
    office.say("report", note="迟了")
    assert office.at("2026-04-10") == ["2026-03 T+8 第3次 另有1期"]


def test_a_check_in_is_chased_at_most_twice_in_each_round(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty(cadence=Every("quarter"), progress=True)))
    office.daily("2026-03-31", "2026-04-10")
    office.say("report", "work/2026-Q1@甲")
    office.say("return", "work/2026-Q1@甲", "不清楚")
    assert office.daily("2026-04-11", "2026-06-14") == {"2026-04-13": ["甲 work/2026-Q1 returned"]}
    office.say("report", "work/2026-Q1@甲")
    office.say("return", "work/2026-Q1@甲", "不清楚", to="2026-06-22")
    told = office.daily("2026-06-20", "2026-06-29")
    assert [line for lines in told.values() for line in lines if "Q1" in line] == [
        "甲 work/2026-Q1 returned",
        "甲 work/2026-Q1 T+1",
        "甲 work/2026-Q1 T+3",
    ]


# ------------------------------------------------------------------------------------- lapsing


def test_a_round_begun_after_the_successor_fell_due_is_chased_until_the_next_does(
    office: Office,
) -> None:
    office.say("report")
    office.daily("2026-02-27", "2026-03-04")
    office.say("return", note="缺附件")
    told = office.daily("2026-03-05", "2026-04-01")
    january = {day: line for day, lines in told.items() for line in lines if "-01 " in line}
    assert january == {
        "2026-03-05": "甲 work/2026-01 returned",
        "2026-03-11": "甲 work/2026-01 T+28",
        "2026-03-18": "甲 work/2026-01 T+33",
        "2026-03-25": "甲 work/2026-01 T+38",
    }
    assert office.state() == "lapsed"
    [(reason,)] = office.ask("SELECT reason FROM assignment WHERE id = 1")
    assert '"key": "work/2026-03"' in reason


def test_an_edit_does_not_let_such_a_round_lapse_early(office: Office) -> None:
    office.say("report")
    office.at("2026-03-04")
    office.say("return", note="缺附件")
    office.edit(plan_with(ALONE, a_duty("new")))
    assert "甲 work/2026-01 returned" in office.at("2026-03-05")
    assert office.state() == "returned"


@pytest.mark.parametrize("kind", ["report", "reopen"])
def test_what_is_taken_up_again_on_the_day_its_successor_falls_due_does_not_lapse_the_next(
    office: Office, kind: Kind
) -> None:
    office.at("2026-02-27")
    assert office.state() == "lapsed"
    office.say(kind, note="迟了")
    if kind == "report":
        office.say("return", note="缺附件")
    office.at("2026-03-02")
    assert office.state() in ("returned", "pending")


def test_a_late_report_on_what_has_lapsed_never_lapses_again(office: Office) -> None:
    office.at("2026-02-27")
    office.say("report", note="迟了")
    office.daily("2026-03-30", "2026-04-30")
    assert office.state() == "reported"


def test_an_extension_beyond_the_successor_lapses_with_the_one_after(office: Office) -> None:
    office.say("ask", note="忙", to="2026-03-10")
    office.say("grant")
    office.at("2026-02-27")
    assert office.state() == "pending"
    office.at("2026-03-31")
    assert office.state() == "lapsed"


def test_an_extension_that_was_asked_for_lapses_with_its_item(office: Office) -> None:
    office.say("ask", note="忙", to="2026-03-10")
    office.at("2026-02-27")
    assert office.ask("SELECT state, asked_on FROM assignment WHERE id = 1") == [("lapsed", None)]


def test_a_successor_reopened_after_its_due_date_lets_the_overdue_one_before_it_lapse(
    engine: Engine,
) -> None:
    office = Office(engine, plan_with(ALONE))
    for day in ("2026-01-30", "2026-02-05"):
        office.at(day)
    office.say("withdraw", "work/2026-02@甲", "合并办理")
    office.at("2026-03-05")
    assert office.state("work/2026-01@甲") == "pending"
    office.say("reopen", "work/2026-02@甲", "还是要办")
    office.at("2026-03-06")
    assert office.state("work/2026-01@甲") == "lapsed"
    assert office.state("work/2026-02@甲") == "pending"


def test_what_comes_up_after_the_days_digest_waits_for_the_next_workday(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE, a_duty("other", units=("甲",))))
    office.at("2026-01-23")
    office.say("report", note="好了")
    office.say("return", note="不全")
    assert office.at("2026-01-23 15:00") == []
    assert office.at("2026-01-26") == ["甲 work/2026-01 returned"]
