"""Why: what the ledger says of each unit's part, and why the rest was not told.

The duty of these tests is monthly, led by 甲 and owed by 乙 too; January 2026 is due on Friday the
30th: T-7 is the 23rd, T-1 the 29th, T+1 Monday 2 February, T+3 the 4th.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dispatcher.dispatch import walk
from dispatcher.dispatch.events import Happened, record_event
from dispatcher.dispatch.walk import Asked
from dispatcher.ledger import history, installation, mending
from dispatcher.ledger.database import Engine
from dispatcher.plan.cadence import Event, Every
from dispatcher.plan.explain import find
from tests.building import Office, a_duty, a_unit, plan_with, trouble

pytestmark = pytest.mark.one_database

TWO = a_duty()


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine, plan_with(TWO))


def asked(office: Office, conn: Any, period: str = "2026-01") -> Asked:
    planned = None
    if "work" in office.plan.duties:
        day = office.now.date()
        planned = find(office.plan, office.plan.duties["work"], period, day)
    return Asked(office.plan, planned, history.recorded(conn, "work", period), office.now)


def short(office: Office, period: str = "2026-01") -> dict[str, str]:
    with office.conn() as conn:
        question = asked(office, conn, period)
        units = walk.units_of(conn, question)
        return {str(label): str(says) for label, says in walk.in_short(conn, question, units)}


def told(office: Office, unit: str = "乙", period: str = "2026-01") -> list[str]:
    """The whole walk of a unit, a line each, without the round's beginning."""
    with office.conn() as conn:
        question = asked(office, conn, period)
        assigned = walk.units_of(conn, question).get(unit)
        found = walk.at_length(conn, question, unit, assigned)
        lines = [f"{label}: {says}" for label, says in found]
    return [line for line in lines if "round 1 begins" not in line]


def test_each_unit_has_a_line(office: Office) -> None:
    office.daily("2026-01-20", "2026-01-29")
    office.say("ack", "work/2026-01@乙")
    assert short(office) == {
        "甲": "pending, due 2026-01-30, last told T-1 on 2026-01-29 09:00",
        "乙": "acknowledged, due 2026-01-30, last told T-1 on 2026-01-29 09:00,"
        " last answer: acknowledge, by 张三 on 2026-01-29 09:00",
    }


def test_every_step_says_when_and_how_it_was_told_and_what_is_to_come(office: Office) -> None:
    office.daily("2026-01-20", "2026-01-29")
    assert told(office) == [
        "stands: pending, due 2026-01-30",
        "2026-01-20 09:00: open told to 乙: message 2 on email to 乙@example.com, sent",
        "2026-01-23 09:00: T-7 told to 乙: message 4 on email to 乙@example.com, sent",
        "2026-01-29 09:00: T-1 told to 乙: message 6 on email to 乙@example.com, sent",
        "not told: T: still to come, on 2026-01-30",
        "not told: T+1: still to come, on 2026-02-02",
    ]


def test_what_was_superseded_says_by_what(office: Office) -> None:
    office.at("2026-01-30")
    assert "2026-01-30 09:00: T-7 not told to 乙: superseded by T" in told(office)


def test_an_answer_stands_in_its_place_and_explains_the_silence_after_it(office: Office) -> None:
    office.daily("2026-01-23", "2026-01-29")
    office.say("report", "work/2026-01@乙", note="已完成")
    office.daily("2026-01-30", "2026-02-10")
    lines = told(office)
    assert "2026-01-29 09:00: 张三: report; now reported; '已完成'" in lines
    assert lines[-1] == "not told: T to T+8: answered: reported"


def test_what_was_waived_says_why_in_the_offices_words(office: Office) -> None:
    office.at("2026-01-23")
    office.say("waive", "work/2026-01@乙", note="无此项工作")
    lines = told(office)
    assert (
        lines[0] == "stands: waived, closed by 张三 on 2026-01-23 09:00, 无此项工作, due 2026-01-30"
    )
    assert lines[-1] == "not told: T-1, T, T+1: waived: 无此项工作"


def test_who_is_at_work_is_left_alone_before_the_due_date(office: Office) -> None:
    office.at("2026-01-23")
    office.say("ack", "work/2026-01@乙")
    assert told(office)[-3:] == [
        "not told: T-1: acknowledged, so that nothing is told before the due date",
        "not told: T: still to come, on 2026-01-30",
        "not told: T+1: still to come, on 2026-02-02",
    ]


def test_a_copy_is_not_chased_and_the_walk_says_so(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty(expect="lead")))
    office.daily("2026-01-23", "2026-02-03")
    lines = told(office)
    assert lines[0] == "stands: pending, due 2026-01-30, gets a copy, owes no answer"
    assert lines[-1] == "not told: T+1, T+3: a copy is not chased"


def test_what_lapsed_names_its_successor(office: Office) -> None:
    office.at("2026-01-30")
    office.at("2026-02-27")
    lines = told(office)
    reason = "its successor work/2026-02 has fallen due"
    assert lines[0].startswith("stands: lapsed, closed by plan on 2026-02-27 09:00, " + reason)
    assert lines[-1] == f"not told: T+1 to T+23: lapsed: {reason}"


def test_a_message_that_failed_is_named_with_its_reason(office: Office) -> None:
    office.box.troubles["乙@example.com"] = [trouble("permanent")]
    office.at("2026-01-23")
    line = "2026-01-23 09:00: T-7 not told to 乙: the channel says permanent,"
    line += " message 2 on email to 乙@example.com, failed"
    assert line in told(office)
    with office.conn() as conn:
        mending.retry(conn, 2, "张三", "", office.now)
    assert any("T-7 waits for 乙: message 2" in line for line in told(office))


def test_a_pause_is_the_reason_while_it_lasts(office: Office) -> None:
    office.at("2026-01-23")
    with office.conn() as conn:
        installation.pause(conn, "张三", "系统迁移", office.now)
    office.at("2026-01-29")
    assert "not told: T-1: paused by 张三: 系统迁移" in told(office)
    with office.conn() as conn:
        installation.resume(conn, "张三", office.now)
    assert any("T-1: the next pass tells it" in line for line in told(office))


def test_a_granted_extension_begins_a_round_with_steps_of_its_own(office: Office) -> None:
    office.daily("2026-01-23", "2026-01-30")
    office.say("ask", "work/2026-01@乙", note="大雪", to="2026-02-05")
    office.say("grant", "work/2026-01@乙")
    lines = told(office)
    assert lines[0] == "stands: pending, due 2026-02-05"
    begun = "2026-01-30 09:00: round 2 begins: an extension was granted; due 2026-02-05"
    assert begun in lines
    assert lines[lines.index(begun) - 1].endswith("grant an extension; now pending; to 2026-02-05")
    assert "not told: T: still to come, on 2026-02-05" in lines


def test_the_superior_that_was_told_is_named(engine: Engine) -> None:
    units = [a_unit("甲"), a_unit("乙", superior="丙"), a_unit("丙")]
    office = Office(engine, plan_with(TWO, units=units))
    office.daily("2026-01-23", "2026-02-04")
    assert any("2026-02-04 09:00: T+3 told to 丙" in line for line in told(office))


@pytest.mark.parametrize(
    "period, why",
    [
        ("2025-12", "due on 2025-12-31, before the unit took the duty over on 2026-01-20: "
                    "never chased"),
        ("2026-03", "enters the ledger when it opens, on 2026-03-01"),
    ],
)  # fmt: skip
def test_what_was_never_entered_says_why_once_for_all(
    office: Office, period: str, why: str
) -> None:
    office.at("2026-01-20")
    assert short(office, period) == {"2 units": why}
    assert told(office, "乙", period) == [f"not entered: {why}"]


def test_who_has_just_joined_has_a_line_beside_those_who_were_told(office: Office) -> None:
    office.at("2026-01-20")
    office.edit(plan_with(a_duty(units=("甲", "乙", "丙"))))
    lines = short(office)
    assert list(lines) == ["甲", "乙", "丙"]
    assert lines["丙"] == "open since 2026-01-01: the next pass enters it"


def test_what_has_opened_since_the_last_pass_is_entered_by_the_next(office: Office) -> None:
    office.at("2026-01-20")
    office.now = office.now.replace(month=2, day=3)
    assert short(office, "2026-02") == {"2 units": "open since 2026-02-01: the next pass enters it"}


def test_before_the_first_pass_nothing_is_entered(office: Office) -> None:
    assert short(office) == {"2 units": "the daemon has not run yet"}


def test_a_skipped_period_says_why_it_is_skipped(office: Office) -> None:
    office.edit(plan_with(a_duty(skip={"2026-01": "换届"})))
    office.at("2026-01-20")
    assert short(office) == {"2 units": "skipped: skipped by hand: 换届"}


def test_a_unit_that_has_no_part_in_it_is_told_so(office: Office) -> None:
    office.at("2026-01-20")
    assert told(office, "丙") == ["not entered: the duty is not this unit's"]


def test_what_the_plan_no_longer_has_is_still_explained(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(a_duty("other")))
    office.at("2026-01-26")
    lines = told(office)
    assert lines[0] == (
        "stands: withdrawn, closed by plan on 2026-01-26 09:00,"
        " the plan no longer has this duty, due 2026-01-30"
    )
    assert any("withdrawn told to 乙" in line for line in lines)
    assert set(short(office)) == {"甲", "乙"}


def test_a_period_that_the_duty_no_longer_has_is_explained_to_its_end(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(a_duty(cadence=Every("quarter"))))
    office.at("2026-01-26")
    with office.conn() as conn:
        question = Asked(office.plan, None, history.recorded(conn, "work", "2026-01"), office.now)
        units = walk.units_of(conn, question)
        lines = [str(says) for _l, says in walk.at_length(conn, question, "乙", units["乙"])]
    assert "the duty no longer has this period" in lines[0]
    assert "withdrawn told to 乙" in lines[-1]


def test_an_event_that_the_plan_cannot_foresee_is_explained_from_the_ledger(
    engine: Engine,
) -> None:
    duty = a_duty(cadence=Event("验收", 1, "months"))
    office = Office(engine, plan_with(duty))
    office.at("2026-01-20")
    with office.conn() as conn:
        happened = Happened(duty, "龙井村自来水", date(2026, 1, 20), "张三", "")
        record_event(conn, office.plan, happened, office.now)
        recorded = history.recorded(conn, "work", "龙井村自来水")
        question = Asked(office.plan, None, recorded, office.now)
        units = walk.units_of(conn, question)
        lines = [str(says) for _l, says in walk.at_length(conn, question, "乙", units["乙"])]
    assert "T: still to come, on 2026-02-20" in lines


def test_a_unit_that_has_left_the_duty_keeps_its_line(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(a_duty(units=("甲",))))
    office.at("2026-01-26")
    assert short(office)["乙"].startswith("withdrawn, closed by plan")


def test_the_latest_period_is_found_when_none_is_named(office: Office) -> None:
    office.at("2026-01-30")
    office.at("2026-02-27")
    with office.conn() as conn:
        latest = history.recorded(conn, "work", "")
        assert history.recorded(conn, "nothing", "") is None
    assert latest
    assert (latest.period, latest.title, latest.due_on) == (
        "2026-02",
        "work的工作",
        date(2026, 2, 27),
    )
