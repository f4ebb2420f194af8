"""The ledger and the one rule: has the step that is reached been told in this round?

The duty of these tests is monthly. January 2026 is due on Friday the 30th: it opens on the 1st, T-7
is the 23rd, T-1 the 29th, T+1 is Monday 2 February, T+3 the 4th, T+8 the 11th.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from dispatcher.dispatch.deciding import rank
from dispatcher.ledger import installation
from dispatcher.ledger.database import Engine
from dispatcher.plan.cadence import Due, Every
from dispatcher.plan.model import Offset, Plan, Unit
from dispatcher.plan.occurrences import occurrences
from dispatcher.plan.steps import reached
from dispatcher.plan.workdays import Workdays
from tests.building import Office, a_duty, a_ledger, a_unit, local, plan_with

ALONE = a_duty(units=("甲",))


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine, plan_with(ALONE))


def told(office: Office) -> list[tuple[object, ...]]:
    return office.ask("SELECT step, state FROM reminder ORDER BY id")


def test_a_month_is_told_step_by_step_until_its_successor_falls_due(office: Office) -> None:
    assert office.daily("2026-01-01", "2026-02-27") == {
        "2026-01-01": ["甲 work/2026-01 open"],
        "2026-01-23": ["甲 work/2026-01 T-7"],
        "2026-01-29": ["甲 work/2026-01 T-1"],
        "2026-01-30": ["甲 work/2026-01 T"],
        "2026-02-02": ["甲 work/2026-01 T+1", "甲 work/2026-02 open"],
        "2026-02-04": ["甲 work/2026-01 T+3"],
        "2026-02-11": ["甲 work/2026-01 T+8"],
        "2026-02-18": ["甲 work/2026-01 T+13"],
        "2026-02-20": ["甲 work/2026-02 T-7"],
        "2026-02-25": ["甲 work/2026-01 T+18"],
        "2026-02-26": ["甲 work/2026-02 T-1"],
        "2026-02-27": ["甲 work/2026-02 T"],
    }


def test_a_second_pass_at_the_same_time_tells_nothing(office: Office) -> None:
    office.at("2026-01-01")
    assert office.at("2026-01-01") == []
    assert office.at("2026-01-01 17:59") == []


def test_a_restart_tells_nothing_twice(office: Office) -> None:
    office.at("2026-01-23")
    again = Office(office.engine, office.plan)
    assert again.at("2026-01-23 09:01") == []
    assert again.at("2026-01-29") == ["甲 work/2026-01 T-1"]


def test_ten_days_off_become_one_message_and_the_missed_steps_are_on_record(office: Office) -> None:
    office.at("2026-01-20")
    assert office.at("2026-01-30") == ["甲 work/2026-01 T"]
    assert told(office) == [
        ("open", "told"),
        ("T-7", "superseded"),
        ("T-1", "superseded"),
        ("T", "told"),
    ]
    [(reason,)] = office.ask("SELECT reason FROM reminder WHERE step = 'T-7'")
    assert reason == '{"say": "superseded by {step}", "step": "T"}'


def test_a_year_off_tells_the_present_and_lets_the_past_lapse(office: Office) -> None:
    office.at("2026-01-05")
    assert office.at("2027-01-05") == ["甲 work/2026-12 T+3", "甲 work/2027-01 open"]
    counts = office.ask("SELECT state, count(*) FROM assignment GROUP BY state ORDER BY state")
    assert counts == [("lapsed", 11), ("pending", 2)]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.sets(st.integers(1, 119), max_size=20))
def test_it_does_not_matter_which_days_the_daemon_was_up(
    days: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever days it worked: at the end each step reached was told, or superseded by a later one,
    exactly once, and the last one was told."""
    plan = plan_with(ALONE)
    end = date(2026, 1, 1) + timedelta(days=120)
    with a_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db") as engine:
        office = Office(engine, plan)
        seen = office.at("2026-01-01")
        for day in sorted(days):
            seen += office.at(str(date(2026, 1, 1) + timedelta(days=day)))
        seen += office.at(str(end))
        assert len(seen) == len(set(seen))
        for occurrence in occurrences(plan, ALONE, date(2026, 1, 1), end):
            _check_told(office, plan, occurrence.period, [s.name for s in reached(
                plan, occurrence, local(str(end)))])  # fmt: skip


def _check_told(office: Office, plan: Plan, period: str, steps: list[str]) -> None:
    rows = office.ask(
        "SELECT step, r.state, a.state FROM reminder r JOIN assignment a ON a.id = assignment_id"
        " JOIN occurrence o ON o.id = occurrence_id WHERE period = :period ORDER BY r.id",
        period=period,
    )
    names = [step for step, _state, _assignment in rows]
    assert names == steps[: len(names)]
    assert {state for _step, state, _assignment in rows} <= {"told", "superseded"}
    if rows and rows[-1][2] != "lapsed":
        assert names == steps
        assert rows[-1][1] == "told"


def test_nothing_is_told_at_night_or_on_a_rest_day_and_then_it_is_told_once(office: Office) -> None:
    office.at("2026-01-20")
    assert office.at("2026-01-23 08:59") == []
    assert office.report
    assert office.report.next_at == local("2026-01-23 09:00")
    assert office.at("2026-01-23 18:00") == []
    assert office.report.next_at == local("2026-01-26 09:00")
    assert office.at("2026-01-25 10:00") == []
    assert office.at("2026-01-26 09:00") == ["甲 work/2026-01 T-7"]


def test_a_late_pass_tells_as_soon_as_the_window_is_open(office: Office) -> None:
    assert office.at("2026-01-23 16:20") == ["甲 work/2026-01 T-7"]


def test_a_pause_holds_everything_and_what_was_missed_is_told_once(office: Office) -> None:
    office.at("2026-01-01")
    with office.conn() as conn:
        assert installation.pause(conn, "张三", "迁移", office.now)
        assert not installation.pause(conn, "李四", "again", office.now)
    assert office.daily("2026-01-02", "2026-01-29") == {}
    assert office.report
    assert str(office.report.held) == "迁移"
    assert told(office) == [("open", "told")]
    with office.conn() as conn:
        assert installation.resume(conn, "张三", office.now)
        assert not installation.resume(conn, "张三", office.now)
    assert office.at("2026-01-30") == ["甲 work/2026-01 T"]
    assert office.ask("SELECT action, actor FROM audit WHERE action <> 'revise' ORDER BY id") == [
        ("pause", "张三"),
        ("resume", "张三"),
    ]


def test_what_was_due_before_going_live_is_never_chased(office: Office) -> None:
    assert office.at("2026-01-30") == ["甲 work/2026-01 T"]
    other = [key for (key,) in office.ask("SELECT period FROM occurrence")]
    assert other == ["2026-01"]


def test_going_live_after_the_due_date_says_nothing_of_that_month(office: Office) -> None:
    assert office.at("2026-01-31 10:00") == []
    assert office.at("2026-02-02") == ["甲 work/2026-02 open"]


def test_an_occurrence_enters_the_ledger_when_it_opens(office: Office) -> None:
    office.at("2026-01-31 23:59")
    assert office.ask("SELECT count(*) FROM occurrence") == [(0,)]
    office.at("2026-02-01 00:00")
    assert office.ask("SELECT duty, period, state, opens_on FROM occurrence") == [
        ("work", "2026-02", "open", "2026-02-01")
    ]


def test_a_skipped_period_is_on_record_with_its_reason(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE._replace(skip={"2026-01": "放假"})))
    assert office.daily("2026-01-01", "2026-02-02") == {"2026-02-02": ["甲 work/2026-02 open"]}
    assert office.ask("SELECT state, reason FROM occurrence WHERE period = '2026-01'") == [
        ("skipped", '{"say": "skipped by hand: {reason}", "reason": "放假"}')
    ]


def test_a_skipped_successor_lets_nothing_lapse(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE._replace(skip={"2026-02": "放假"})))
    office.at("2026-01-05")
    assert "甲 work/2026-01 T+23" in office.at("2026-03-04")
    assert office.at("2026-03-31") == ["甲 work/2026-03 T"]
    assert office.ask("SELECT state FROM assignment") == [("lapsed",), ("pending",)]


def test_what_lapses_names_its_successor(office: Office) -> None:
    office.at("2026-01-30")
    office.at("2026-02-26")
    assert office.ask("SELECT state FROM assignment") == [("pending",), ("pending",)]
    assert office.at("2026-02-27") == ["甲 work/2026-02 T"]
    assert office.ask("SELECT state, reason FROM assignment WHERE state <> 'pending'") == [
        ("lapsed", '{"say": "its successor {key} has fallen due", "key": "work/2026-02"}')
    ]
    assert office.ask("SELECT actor, subject FROM audit WHERE action = 'lapsed'") == [
        ("plan", "work/2026-01@甲")
    ]


def test_a_check_in_is_chased_twice_and_lapses_all_the_same(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty(cadence=Every("quarter"), progress=True)))
    assert office.daily("2026-03-01", "2026-06-30") == {
        "2026-03-16": ["甲 work/2026-Q1 T-15"],
        "2026-03-27": ["甲 work/2026-Q1 T-3"],
        "2026-03-31": ["甲 work/2026-Q1 T"],
        "2026-04-01": ["甲 work/2026-Q1 T+1"],
        "2026-04-03": ["甲 work/2026-Q1 T+3"],
        "2026-06-15": ["甲 work/2026-Q2 T-15"],
        "2026-06-26": ["甲 work/2026-Q2 T-3"],
        "2026-06-30": ["甲 work/2026-Q2 T"],
    }
    assert office.ask("SELECT state FROM assignment ORDER BY id") == [("lapsed",), ("pending",)]


def test_copies_are_told_up_to_the_due_date_and_never_after(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty(expect="lead")))
    found = office.daily("2026-01-29", "2026-02-04")
    assert found == {
        "2026-01-29": ["乙 work/2026-01 T-1", "甲 work/2026-01 T-1"],
        "2026-01-30": ["乙 work/2026-01 T", "甲 work/2026-01 T"],
        "2026-02-02": ["乙 work/2026-02 open", "甲 work/2026-01 T+1", "甲 work/2026-02 open"],
        "2026-02-04": ["甲 work/2026-01 T+3"],
    }
    assert office.ask("SELECT DISTINCT unit, addressee FROM reminder ORDER BY unit") == [
        ("乙", "copy"),
        ("甲", "owner"),
    ]


def test_copies_lapse_with_the_lead(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty(expect="lead")))
    office.at("2026-01-30")
    office.at("2026-02-27")
    assert office.ask(
        "SELECT unit, state FROM assignment WHERE due_on < '2026-02-01' ORDER BY id"
    ) == [
        ("甲", "lapsed"),
        ("乙", "lapsed"),
    ]


def test_one_address_gets_one_digest_of_all_its_units_and_items(engine: Engine) -> None:
    shared = [a_unit("甲", "one@example.com"), a_unit("乙", "one@example.com"), a_unit("丙")]
    office = Office(engine, plan_with(a_duty(), a_duty("other"), units=shared))
    assert len(office.at("2026-01-23")) == 4
    assert [sent.address for sent in office.box.sent] == ["one@example.com"]
    assert office.box.sent[0].recipient_name == "甲、乙"


def test_every_contact_of_a_unit_gets_the_same_digest(engine: Engine) -> None:
    units = [a_unit("甲", "one@example.com", "two@example.com"), a_unit("丙")]
    office = Office(engine, plan_with(ALONE, units=units))
    office.at("2026-01-23")
    assert {sent.address: sent.text for sent in office.box.sent} == {
        "one@example.com": "甲 work/2026-01 T-7",
        "two@example.com": "甲 work/2026-01 T-7",
    }
    assert told(office) == [("open", "superseded"), ("T-7", "told")]


@pytest.mark.parametrize("unit", [a_unit("甲", contacts=()), a_unit("甲", channels=("wecom",))])
def test_a_unit_that_cannot_be_reached_is_on_record_for_the_office(
    engine: Engine, unit: Unit
) -> None:
    office = Office(engine, plan_with(ALONE, units=[unit, a_unit("丙")]))
    assert office.at("2026-01-23") == []
    assert told(office) == [("open", "superseded"), ("T-7", "failed")]
    assert office.at("2026-01-26") == []
    office.edit(plan_with(ALONE))
    assert office.at("2026-01-26 10:00") == ["甲 work/2026-01 T-7"]


def test_two_contacts_with_one_address_get_one_digest(engine: Engine) -> None:
    units = [a_unit("甲", "one@example.com", "one@example.com"), a_unit("丙")]
    office = Office(engine, plan_with(ALONE, units=units))
    office.at("2026-01-23")
    assert [sent.address for sent in office.box.sent] == ["one@example.com"]


def test_a_later_step_replaces_one_that_could_not_leave(office: Office) -> None:
    office.stop.set()
    assert office.at("2026-01-23") == []
    office.stop.clear()
    assert office.at("2026-01-29") == ["甲 work/2026-01 T-1"]
    assert told(office) == [("open", "superseded"), ("T-7", "superseded"), ("T-1", "told")]


def test_the_watermark_never_goes_back(office: Office) -> None:
    office.at("2026-01-23")
    assert office.at("2026-01-10") == []
    with office.conn() as conn:
        found = installation.find(conn)
    assert found
    assert found.watermark == local("2026-01-23")
    assert found.go_live_on == date(2026, 1, 23)
    assert office.at("2026-01-29") == ["甲 work/2026-01 T-1"]


def test_the_next_look_is_at_the_next_step_or_window(office: Office) -> None:
    office.at("2026-01-23")
    assert office.report
    assert office.report.next_at == local("2026-01-26")
    late = office.plan.defaults._replace(at=time(11, 30))
    office.edit(office.plan._replace(defaults=late))
    office.at("2026-01-29 09:00")
    assert office.report.next_at == local("2026-01-29 11:30")


def test_a_pass_in_the_plans_zone_opens_a_day_by_its_midnight(office: Office) -> None:
    """Midnight in Shanghai is four in the afternoon in UTC, the day before."""
    office.at("2026-02-01 00:00")
    assert office.ask("SELECT go_live_on FROM installation") == [("2026-02-01",)]


def test_holidays_move_what_is_told(engine: Engine) -> None:
    off = {date(2026, 1, 29), date(2026, 1, 30)}
    office = Office(engine, plan_with(ALONE, workdays=Workdays("none", off=off)))
    assert office.daily("2026-01-21", "2026-02-02") == {
        "2026-01-21": ["甲 work/2026-01 T-7"],
        "2026-01-27": ["甲 work/2026-01 T-1"],
        "2026-01-28": ["甲 work/2026-01 T"],
        "2026-02-02": ["甲 work/2026-01 T+1", "甲 work/2026-02 open"],
    }


def test_a_holiday_that_turns_two_steps_round_hides_neither(engine: Engine) -> None:
    """Five workdays before 30 January are then twelve days, more than ten."""
    off = {date(2026, 1, day) for day in range(21, 28)}
    duty = ALONE._replace(before=(Offset(10), Offset(5, workdays=True)))
    office = Office(engine, plan_with(duty, workdays=Workdays("none", off=off)))
    assert office.daily("2026-01-14", "2026-01-29") == {
        "2026-01-14": ["甲 work/2026-01 open"],
        "2026-01-16": ["甲 work/2026-01 T-5wd"],
        "2026-01-20": ["甲 work/2026-01 T-10"],
    }
    assert told(office)[1:] == [("T-5wd", "told"), ("T-10", "told")]


@pytest.mark.sqlite
def test_a_pass_costs_what_is_due_and_not_what_is_open(office: Office) -> None:
    """Between the days, no query of a pass scans a table that grows."""
    office.at("2026-01-23")
    seen: list[tuple[str, Any]] = []
    event.listen(
        office.engine,
        "before_cursor_execute",
        lambda conn, cursor, query, values, context, many: seen.append((query, values)),
    )
    office.at("2026-01-23 10:00")
    queries = [each for each in seen if each[0].startswith(("SELECT", "UPDATE"))]
    assert len(queries) > 5
    with office.conn() as conn:
        for query, values in queries:
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
            scans = [row[-1] for row in plan if row[-1].startswith("SCAN")]
            # The last sealed row of the audit is found from its end.
            known = (
                "installation",
                "SCAN channel",
                " ix_",
                *["audit"] * ("audit.id DESC" in query),
            )
            assert all(any(name in scan for name in known) for scan in scans), query


def test_steps_are_ordered_by_their_offset() -> None:
    steps = ["withdrawn", "open", "T-60", "T-7", "T-3wd", "T-1", "T", "T+1", "T+3d", "T+3"]
    assert sorted(sorted(steps), key=rank) == steps


def test_a_due_day_inside_the_month_is_followed_too(engine: Engine) -> None:
    early = ALONE._replace(cadence=Every("month", due=Due(day=10)))
    office = Office(engine, plan_with(early))
    assert list(office.daily("2026-01-01", "2026-01-31")) == [
        "2026-01-01", "2026-01-02", "2026-01-08", "2026-01-09", "2026-01-12", "2026-01-14",
        "2026-01-21", "2026-01-28",
    ]  # fmt: skip


def test_what_the_running_plan_does_not_know_stops_nobody_elses_telling(engine: Engine) -> None:
    """A command reads an edited calendar before the daemon has taken it up."""
    office = Office(engine, plan_with(ALONE))
    office.at("2026-01-05")
    known, office.plan = office.plan, plan_with(ALONE, a_duty("new"))
    office.say("ack", "new/2026-01@甲", "在办")
    office.plan = known
    assert "甲 work/2026-01 T-7" in office.at("2026-01-23")
    office.edit(plan_with(ALONE, a_duty("new")))
    assert "甲 new/2026-01 T" in office.at("2026-01-30")
