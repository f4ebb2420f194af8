"""Colour slips are drafted once, by the highest rung that is reached and has cause."""

from __future__ import annotations

from datetime import date, time

import pytest

from dispatcher.dispatch.slips import draft, wanted
from dispatcher.ledger.database import Engine
from dispatcher.plan.model import Move, Offset
from tests.building import Office, a_duty, a_unit, local, plan_with
from tests.dispatch.ladders import (
    ALONE,
    BLUE,
    after,
    drafted,
    laddered,
    listed,
    released,
    standing,
    voided,
)

pytestmark = pytest.mark.one_database

REPORTED = "answered: reported, by 张三"


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine, laddered())


# --------------------------------------------------------------------------------- the ladder


def test_what_nobody_releases_climbs_no_further(office: Office) -> None:
    assert drafted(office, "2026-01-29", "2026-02-26") == {"2026-02-04": ["蓝色提醒单"]}
    assert standing(office) == [("蓝色提醒单", "draft")]


def test_each_rung_waits_for_the_answer_to_the_one_below(office: Office) -> None:
    assert drafted(office, "2026-01-29", "2026-02-04") == {"2026-02-04": ["蓝色提醒单"]}
    released(office, 1)  # to be answered by Monday the 9th
    assert drafted(office, "2026-02-05", "2026-02-15") == {"2026-02-11": ["黄色预警单"]}
    office.at("2026-02-16")
    released(office, 2)  # by Thursday the 19th, a day after red is reached
    assert drafted(office, "2026-02-17", "2026-02-26") == {"2026-02-20": ["红色督办单"]}
    released(office, 3)
    assert drafted(office, "2026-02-27", "2026-03-03") == {}


def test_the_day_of_the_answer_has_to_pass(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-06")
    released(office, 1)  # on Friday: to be answered by Wednesday the 11th, when yellow is reached
    assert drafted(office, "2026-02-07", "2026-02-26") == {"2026-02-12": ["黄色预警单"]}


def test_a_report_in_between_ends_the_climb(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    released(office, 1)
    office.now = local("2026-02-09 15:00")
    office.say("report")
    assert drafted(office, "2026-02-10", "2026-03-03") == {}
    assert standing(office) == [("蓝色提醒单", "released")]


def test_being_at_work_on_it_is_no_answer(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    released(office, 1)
    office.say("ack")
    assert drafted(office, "2026-02-05", "2026-02-12") == {"2026-02-11": ["黄色预警单"]}


def test_a_slip_made_void_after_its_release_gives_the_next_rung_no_cause(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    released(office, 1)
    voided(office, 1)
    assert drafted(office, "2026-02-05", "2026-02-26") == {}


def test_a_draft_that_a_person_made_void_does_not_come_back(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    voided(office, 1, "已电话沟通")
    assert drafted(office, "2026-02-05", "2026-02-26") == {}
    assert standing(office) == [("蓝色提醒单", "李四: 已电话沟通")]


# ---------------------------------------------------------------------- however long nobody looked


def test_after_ten_days_off_only_the_slip_that_is_due_is_drafted(office: Office) -> None:
    office.at("2026-01-30")
    assert drafted(office, "2026-02-20", "2026-02-24") == {"2026-02-20": ["蓝色提醒单"]}


def test_without_a_condition_it_is_the_highest_rung_that_is_reached(engine: Engine) -> None:
    rungs = after("级", *(Offset(days, workdays=True) for days in (1, 3, 8)))
    office = Office(engine, laddered(*rungs))
    office.at("2026-01-30")
    assert drafted(office, "2026-02-06", "2026-02-10") == {"2026-02-06": ["级2单"]}


def test_a_milder_draft_makes_room_for_the_next(engine: Engine) -> None:
    office = Office(engine, laddered(*after("级", Offset(1), Offset(4))))
    assert drafted(office, "2026-01-30", "2026-02-10") == {
        "2026-02-02": ["级1单"],
        "2026-02-03": ["级2单"],
    }
    assert standing(office) == [("级1单", "superseded by 级2单"), ("级2单", "draft")]


def test_no_milder_slip_follows_a_sharper_one(engine: Engine) -> None:
    office = Office(engine, laddered(*after("级", Offset(1), Offset(4))))
    drafted(office, "2026-01-30", "2026-02-03")
    sharper = listed(office)[-1]
    moved_ahead = wanted(office.plan, date(2026, 2, 4), {2: sharper}, date(2026, 2, 5))
    assert moved_ahead is None


def test_a_second_pass_and_a_restart_draft_nothing_twice(engine: Engine) -> None:
    first, second = Office(engine, laddered()), Office(engine, laddered())
    first.at("2026-01-30")
    first.at("2026-02-04")
    first.at("2026-02-04")
    second.at("2026-02-04 09:01", orphans=True)
    second.at("2026-02-05")
    assert standing(second) == [("蓝色提醒单", "draft")]


def test_drafting_waits_for_the_hour_of_the_plan(engine: Engine) -> None:
    plan = laddered()
    plan = plan._replace(defaults=plan.defaults._replace(at=time(10)))
    office = Office(engine, plan)
    for moment in ("2026-01-30", "2026-02-04 09:59"):
        office.at(moment)
        assert listed(office) == []
    office.at("2026-02-04 10:00")
    assert standing(office) == [("蓝色提醒单", "draft")]


def test_what_the_hour_of_yesterday_brought_is_drafted_this_morning(engine: Engine) -> None:
    plan = laddered()
    plan = plan._replace(defaults=plan.defaults._replace(at=time(10)))
    office = Office(engine, plan)
    for moment in ("2026-01-30", "2026-02-04 09:00", "2026-02-05 09:00"):
        office.at(moment)
    assert standing(office) == [("蓝色提醒单", "draft")]


def test_it_is_looked_once_a_day_at_what_is_overdue(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    office.say("report")
    office.say("return", note="数据不全")
    office.at("2026-02-04 17:00")
    assert len(listed(office)) == 1
    office.at("2026-02-05")
    assert [(each.round, each.state) for each in listed(office)] == [(1, "void"), (2, "draft")]


def test_a_clock_that_was_ahead_stops_nothing(office: Office) -> None:
    office.at("2026-01-30")
    with office.conn() as conn:
        draft(conn, office.plan, local("2027-01-01"), local("2026-02-04"))
    assert standing(office) == [("蓝色提醒单", "draft")]


# ------------------------------------------------------------------------------ who gets slips


def test_a_rung_before_the_due_date_is_reached_before_it(engine: Engine) -> None:
    office = Office(engine, laddered(*after("预", Offset(-3), Offset(0))))
    assert drafted(office, "2026-01-20", "2026-02-05") == {
        "2026-01-27": ["预1单"],
        "2026-01-30": ["预2单"],
    }


def test_a_rung_before_a_due_date_after_a_holiday_is_found_in_time(engine: Engine) -> None:
    plan = laddered(*after("预", Offset(-2)))
    office = Office(engine, plan._replace(duties={"work": ALONE._replace(
        move={"2026-01": Move(date(2026, 2, 2), "顺延")})}))  # fmt: skip
    assert drafted(office, "2026-01-26", "2026-02-03") == {"2026-01-30": ["预1单"]}


def test_copies_and_progress_items_get_none(engine: Engine) -> None:
    copies = a_duty("copies", expect="lead")
    progress = a_duty("progress", units=("甲",), progress=True)
    office = Office(engine, laddered(BLUE, duties={"copies": copies, "progress": progress}))
    drafted(office, "2026-01-29", "2026-02-10")
    assert [each.key for each in listed(office)] == ["copies/2026-01@甲"]


def test_a_plan_without_a_ladder_drafts_nothing(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE))
    assert drafted(office, "2026-01-29", "2026-02-20") == {}


def test_what_was_due_before_go_live_gets_none(office: Office) -> None:
    assert drafted(office, "2026-02-02", "2026-02-26") == {}


# -------------------------------------------------------------------- drafts that lose their cause


def test_an_answer_takes_its_draft_back(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    office.say("report")
    office.at("2026-02-04 09:30")
    [slip] = listed(office)
    assert (str(slip.reason), slip.number, slip.code) == (REPORTED, None, None)
    assert office.report
    assert office.report.counts["voided"] == 1


def test_lapsing_takes_a_draft_back(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-27")
    assert standing(office) == [("蓝色提醒单", "its successor work/2026-02 has fallen due")]


def test_an_extension_takes_a_draft_back_and_begins_the_ladder_anew(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-01-30")
    office.say("ask", note="缺材料", to="2026-02-20")
    drafted(office, "2026-01-31", "2026-02-05")
    office.say("grant")
    assert drafted(office, "2026-02-06", "2026-02-26") == {"2026-02-25": ["蓝色提醒单"]}
    assert standing(office) == [
        ("蓝色提醒单", "an extension was granted"),
        ("蓝色提醒单", "draft"),
    ]


def moved(office: Office, to: date) -> None:
    duty = ALONE._replace(move={"2026-01": Move(to, "上级通知")})
    office.edit(office.plan._replace(duties={"work": duty}))


def test_a_move_that_begins_a_round_takes_a_draft_back(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-05")
    moved(office, date(2026, 2, 20))
    office.at("2026-02-05 10:00")
    assert standing(office) == [("蓝色提醒单", "moved to 2026-02-20")]


def test_a_draft_taken_back_is_drafted_again_in_its_round_when_there_is_cause(
    engine: Engine,
) -> None:
    silent = a_unit("甲", "", superior="乙")  # it was told nothing, so that a move keeps its round
    plan = laddered()
    office = Office(engine, plan._replace(units={**plan.units, "甲": silent}))
    drafted(office, "2026-01-29", "2026-02-05")
    moved(office, date(2026, 2, 20))
    office.at("2026-02-06")
    assert standing(office) == [("蓝色提醒单", "moved to 2026-02-20")]
    drafted(office, "2026-02-07", "2026-02-25")
    [slip] = listed(office)
    assert (slip.id, slip.round, slip.state, slip.drafted_at) == (
        *(1, 1, "draft"),
        local("2026-02-25"),
    )


@pytest.mark.parametrize(
    "edit, why",
    [
        ({"ladder": None}, "the plan's ladder no longer has this rung"),
        ({"duties": {"work": a_duty(lead=("乙",), expect="lead")}}, "the unit no longer owes it"),
        ({"duties": {}}, "the plan no longer has this duty"),
    ],
)
def test_an_edit_takes_back_what_it_leaves_without_cause(
    office: Office, edit: dict[str, object], why: str
) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    office.edit(office.plan._replace(**edit))
    office.at("2026-02-04 11:00")
    assert standing(office) == [("蓝色提醒单", why)]


def test_a_ladder_that_comes_back_brings_its_draft_back(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    plan = office.plan
    office.edit(plan._replace(ladder=None))
    office.at("2026-02-04 11:00")
    office.edit(plan)
    office.at("2026-02-04 12:00")
    assert standing(office) == [("蓝色提醒单", "draft")]


def test_what_is_drafted_and_taken_back_is_audited(office: Office) -> None:
    drafted(office, "2026-01-29", "2026-02-04")
    office.say("report")
    office.at("2026-02-05")
    rows = office.ask(
        "SELECT actor, action, subject FROM audit WHERE action LIKE '%slip' ORDER BY id"
    )
    assert rows == [
        ("plan", "draft-slip", "work/2026-01@甲"),
        ("plan", "void-slip", "work/2026-01@甲"),
    ]
