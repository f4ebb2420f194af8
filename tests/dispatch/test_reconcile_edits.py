"""Edits of the plan: they move or withdraw what is open, and never what is closed."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.errors import Refused
from dispatcher.ledger import entering
from dispatcher.ledger.assignments import select_assigned
from dispatcher.ledger.database import Engine
from dispatcher.plan.cadence import Cadence, Due, Event, Every, RangeEnd, Rule
from dispatcher.plan.model import Move, Offset, Span
from dispatcher.plan.occurrences import event_occurrence, occurrences
from dispatcher.plan.workdays import Workdays
from tests.building import Office, a_duty, a_unit, local, plan_with

ALONE = a_duty(units=("甲",))
BOTH = a_duty()


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine, plan_with(ALONE))


def moved_to(day: str) -> dict[str, Move]:
    return {"2026-01": Move(date.fromisoformat(day), "开会")}


def states(office: Office) -> dict[str, str]:
    with office.conn() as conn:
        return {assigned.key: assigned.state for assigned in select_assigned(conn)}


def done(office: Office, unit: str = "甲", period: str = "2026-01", duty: str = "work") -> bool:
    return office.say("done", f"{duty}/{period}@{unit}", "电话", despite="x" * (unit == "甲"))


def test_a_duty_added_today_that_is_due_tomorrow_is_told_today(office: Office) -> None:
    office.at("2026-01-20")
    office.edit(plan_with(ALONE, a_duty("new", units=("甲",))))
    assert office.at("2026-01-29") == ["甲 new/2026-01 T-1", "甲 work/2026-01 T-1"]


def test_a_duty_added_after_its_due_date_begins_with_the_next_period(office: Office) -> None:
    office.at("2026-01-20")
    early = ALONE._replace(id="new", cadence=Every("month", due=Due(day=10)))
    office.edit(plan_with(ALONE, early))
    assert office.at("2026-01-23") == ["甲 work/2026-01 T-7"]
    assert "甲 new/2026-02 open" in office.at("2026-02-02")


def test_a_unit_added_to_a_duty_joins_what_is_open(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(BOTH))
    assert office.at("2026-01-26") == ["乙 work/2026-01 T-7"]
    assert office.report
    assert office.report.counts["joined"] == 1


def test_a_moved_date_is_told_once_with_the_old_one_and_no_step_comes_twice(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-02-06"))))
    assert office.daily("2026-01-24", "2026-02-07") == {
        "2026-01-26": ["甲 work/2026-01 moved 2026-02-06"],
        "2026-02-02": ["甲 work/2026-02 open"],
        "2026-02-05": ["甲 work/2026-01 T-1"],
        "2026-02-06": ["甲 work/2026-01 T"],
    }
    rows = office.ask("SELECT due_on, old_due_on FROM assignment JOIN reminder"
                      " ON assignment_id = assignment.id WHERE step LIKE 'moved%'")  # fmt: skip
    assert rows == [("2026-02-06", "2026-01-30")]
    assert office.ask("SELECT subject, detail FROM audit WHERE action = 'move'") == [
        ("work/2026-01@甲", '{"before": "2026-01-30", "after": "2026-02-06"}')
    ]


@pytest.mark.parametrize("today", ["2026-01-23", "2026-02-02"])
def test_an_edit_moves_nothing_back_to_a_day_that_has_passed(office: Office, today: str) -> None:
    office.daily("2026-01-23", today)
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-01-09"))))
    days = office.daily(today, "2026-02-06").values()
    assert not any("moved" in one for told in days for one in told)
    query = (
        "SELECT assignment.due_on, occurrence.due_on FROM assignment"
        " JOIN occurrence ON occurrence_id = occurrence.id WHERE period = '2026-01'"
    )
    assert office.ask(query) == [("2026-01-30", "2026-01-30")]
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-02-13"))))
    assert office.at("2026-02-09") == ["甲 work/2026-01 moved 2026-02-13"]


def test_what_is_reopened_does_not_go_back_to_a_day_that_has_passed(office: Office) -> None:
    office.daily("2026-01-05", "2026-01-20")
    assert done(office)
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-01-09"))))
    office.at("2026-01-21")
    assert office.say("reopen", note="不实")
    days = office.daily("2026-01-21", "2026-01-30")
    assert days["2026-01-30"] == ["甲 work/2026-01 T"]
    assert not any("T+" in one for told in days.values() for one in told)


def test_what_was_withdrawn_and_is_back_with_a_day_that_has_passed_stays_so(office: Office) -> None:
    office.at("2026-01-05")
    office.edit(plan_with())
    office.at("2026-01-09")
    early = ALONE._replace(cadence=Every("month", due=Due(day=10)))
    office.edit(plan_with(early))
    assert not any("2026-01" in one for one in office.at("2026-01-20"))
    assert states(office)["work/2026-01@甲"] == "withdrawn"


def test_what_is_late_is_less_so_where_its_date_was_meant_to_be_later(office: Office) -> None:
    office.daily("2026-01-23", "2026-02-10")
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-02-06"))))
    assert office.at("2026-02-11") == ["甲 work/2026-01 moved 2026-02-06"]


def test_a_moved_date_is_not_spoken_of_when_nothing_was_told(office: Office) -> None:
    office.at("2026-01-02 20:00")
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-01-20"))))
    assert office.at("2026-01-05") == ["甲 work/2026-01 open"]


def test_a_date_moved_and_moved_back_overnight_is_not_spoken_of(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-02-06"))))
    office.at("2026-01-23 20:00")
    office.edit(plan_with(ALONE))
    assert office.at("2026-01-26") == []


def test_two_moves_of_one_night_are_told_as_one(office: Office) -> None:
    office.at("2026-01-23")
    for hour, day in ((20, "2026-02-06"), (21, "2026-02-13")):
        office.edit(plan_with(ALONE._replace(move=moved_to(day))))
        office.at(f"2026-01-23 {hour}:00")
    assert office.at("2026-01-26") == ["甲 work/2026-01 moved 2026-02-13"]
    assert office.ask("SELECT step, state, old_due_on FROM reminder WHERE step LIKE 'moved%'") == [
        ("moved 2026-02-06", "superseded", "2026-01-30"),
        ("moved 2026-02-13", "told", "2026-01-30"),
    ]


def test_a_date_moved_to_and_fro_over_days_is_told_each_time(office: Office) -> None:
    office.at("2026-01-23")
    there, back = plan_with(ALONE._replace(move=moved_to("2026-02-06"))), plan_with(ALONE)
    found = []
    for day, plan in ((26, there), (27, back), (28, there)):
        office.edit(plan)
        found += office.at(f"2026-01-{day}")
    assert found == [
        "甲 work/2026-01 moved 2026-02-06",
        "甲 work/2026-01 moved 2026-01-30",
        "甲 work/2026-01 moved 2026-02-06.2",
    ]


def test_a_step_before_one_that_was_told_is_not_told_after_a_move(office: Office) -> None:
    office.at("2026-01-29")
    later = ALONE._replace(move=moved_to("2026-02-10"), before=(Offset(5), Offset(1)))
    office.edit(plan_with(later))
    assert office.daily("2026-01-30", "2026-02-10") == {
        "2026-01-30": ["甲 work/2026-01 moved 2026-02-10"],
        "2026-02-02": ["甲 work/2026-02 open"],
        "2026-02-10": ["甲 work/2026-01 T"],
    }


def test_a_date_moved_ahead_after_it_was_due_begins_a_new_round(office: Office) -> None:
    office.at("2026-01-30")
    office.at("2026-02-02")
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-02-12"))))
    assert office.daily("2026-02-03", "2026-02-13") == {
        "2026-02-03": ["甲 work/2026-01 moved 2026-02-12"],
        "2026-02-05": ["甲 work/2026-01 T-7"],
        "2026-02-11": ["甲 work/2026-01 T-1"],
        "2026-02-12": ["甲 work/2026-01 T"],
        "2026-02-13": ["甲 work/2026-01 T+1"],
    }
    assert office.ask("SELECT number, cause, due_on FROM round WHERE assignment_id = 1") == [
        (1, "opened", "2026-01-30"),
        (2, "moved", "2026-02-12"),
    ]


def test_a_holiday_announced_between_two_steps_sends_neither_twice(office: Office) -> None:
    office.at("2026-01-23")
    off = {date(2026, 1, 30)}
    office.edit(plan_with(ALONE, workdays=Workdays("none", off=off)))
    assert office.daily("2026-01-24", "2026-02-02") == {
        "2026-01-26": ["甲 work/2026-01 moved 2026-01-29"],
        "2026-01-28": ["甲 work/2026-01 T-1"],
        "2026-01-29": ["甲 work/2026-01 T"],
        "2026-02-02": ["甲 work/2026-01 T+1", "甲 work/2026-02 open"],
    }


def test_an_edit_of_the_steps_counts_at_once(office: Office) -> None:
    office.at("2026-01-02")
    before = {**office.plan.defaults.before, "month": office.plan.defaults.before["dates"]}
    office.edit(office.plan._replace(defaults=office.plan.defaults._replace(before=before)))
    assert list(office.daily("2026-01-03", "2026-01-30")) == [
        "2026-01-15", "2026-01-27", "2026-01-30"
    ]  # fmt: skip


def test_an_edited_cadence_withdraws_the_old_periods_and_opens_the_new(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(ALONE._replace(cadence=Every("quarter"))))
    assert office.at("2026-01-26") == [
        "甲 work/2026-01 withdrawn",
        "甲 work/2026-Q1 open",
    ]
    assert states(office) == {"work/2026-01@甲": "withdrawn", "work/2026-Q1@甲": "pending"}


def test_a_removed_duty_is_withdrawn_with_a_word_to_the_unit(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with())
    assert office.at("2026-01-26") == ["甲 work/2026-01 withdrawn"]
    assert office.at("2026-01-27") == []
    assert office.ask("SELECT actor, action, reason FROM audit WHERE subject LIKE 'work%'") == [
        ("plan", "withdrawn", '{"say": "the plan no longer has this duty"}')
    ]


def test_a_removed_duty_that_nobody_heard_of_goes_without_a_word(office: Office) -> None:
    office.at("2026-01-02 20:00")
    office.edit(plan_with())
    assert office.at("2026-01-05") == []
    assert states(office) == {"work/2026-01@甲": "withdrawn"}


def test_a_duty_removed_and_put_back_is_chased_again(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with())
    office.at("2026-01-26")
    office.edit(plan_with(ALONE))
    assert office.at("2026-01-27") == ["甲 work/2026-01 T-7"]
    assert office.at("2026-01-29") == ["甲 work/2026-01 T-1"]


def test_a_duty_put_back_a_year_later_begins_anew(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with())
    office.at("2026-01-26")
    office.edit(plan_with(ALONE))
    assert office.at("2027-01-26") == ["甲 work/2027-01 T-7"]
    assert states(office) == {"work/2026-01@甲": "withdrawn", "work/2027-01@甲": "pending"}


def test_what_is_skipped_by_an_edit_is_withdrawn_for_the_same_reason(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(ALONE._replace(skip={"2026-01": "放假"})))
    assert office.at("2026-01-26") == ["甲 work/2026-01 withdrawn"]
    [(occurrence, assignment)] = office.ask(
        "SELECT o.reason, a.reason FROM assignment a JOIN occurrence o ON o.id = occurrence_id"
    )
    assert occurrence == assignment
    assert "skipped by hand" in occurrence


def test_what_is_skipped_no_more_is_chased_while_there_is_time(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE._replace(skip={"2026-01": "放假"})))
    office.at("2026-01-20")
    office.edit(plan_with(ALONE))
    assert office.at("2026-01-23") == ["甲 work/2026-01 T-7"]


def test_what_was_skipped_until_it_was_due_is_never_chased(engine: Engine) -> None:
    office = Office(engine, plan_with(ALONE._replace(skip={"2026-01": "放假"})))
    office.at("2026-01-20")
    office.edit(plan_with(ALONE))
    assert office.at("2026-02-02") == ["甲 work/2026-02 open"]


def test_a_skip_taken_back_after_the_due_date_goes_on_chasing(office: Office) -> None:
    office.at("2026-01-20")
    office.edit(plan_with(ALONE._replace(skip={"2026-01": "放假"})))
    office.at("2026-01-26")
    office.edit(plan_with(ALONE))
    assert office.at("2026-02-02") == ["甲 work/2026-01 T+1", "甲 work/2026-02 open"]
    assert office.ask("SELECT state FROM occurrence WHERE period = '2026-01'") == [("open",)]


def test_an_edit_never_touches_what_is_closed(office: Office) -> None:
    office.at("2026-01-23")
    done(office)
    for plan in (plan_with(ALONE._replace(move=moved_to("2026-02-06"))), plan_with()):
        office.edit(plan)
        assert office.at("2026-01-26") == []
        office.now = local("2026-01-26 10:00")
    assert states(office) == {"work/2026-01@甲": "done"}
    assert office.ask("SELECT due_on FROM assignment") == [("2026-01-30",)]


@pytest.mark.parametrize("closed", ["done", "skipped"])
def test_what_was_closed_early_is_not_entered_again_when_an_edit_moves_its_opening(
    office: Office, closed: str
) -> None:
    early = {"2026-03": Move(date(2026, 2, 24), "开会")}
    skip = {"2026-03": "开会"} if closed == "skipped" else {}
    office.edit(plan_with(ALONE._replace(move=early, skip=skip)))
    office.at("2026-02-24")
    if not skip:
        done(office, period="2026-03")
    office.edit(plan_with(ALONE._replace(skip=skip)))
    told = office.daily("2026-02-27", "2026-04-02")
    assert [day for day, lines in told.items() if any("2026-03" in line for line in lines)] == []
    assert "甲 work/2026-04 open" in told["2026-04-01"]
    assert states(office).get("work/2026-03@甲") == (None if skip else "done")


@pytest.mark.parametrize(
    "cadence, period, opens",
    [
        (Rule("FREQ=YEARLY;INTERVAL=2;BYMONTH=6;BYMONTHDAY=30"), "2028-06-30", "2026-07-01"),
        (RangeEnd("行动"), "三年行动", "2026-02-02"),
    ],
)
@pytest.mark.parametrize("live", ["before", "after"])
def test_what_opens_years_before_it_is_due_enters_on_that_day(
    engine: Engine, cadence: Cadence, period: str, opens: str, live: str
) -> None:
    span = Span("三年行动", date(2026, 2, 2), date(2028, 12, 29))
    duty = ALONE._replace(cadence=cadence, first=date(2026, 7, 1), before=())
    office = Office(engine, plan_with(duty)._replace(ranges={"行动": (span,)}))
    if live == "before":
        office.at("2026-01-20")
    office.at(opens)
    assert states(office)[f"work/{period}@甲"] == "pending"


def test_a_new_lead_keeps_the_copies_open(engine: Engine) -> None:
    lead = BOTH._replace(expect="lead")
    office = Office(engine, plan_with(lead))
    office.at("2026-01-23")
    office.edit(plan_with(lead._replace(lead=("乙",), units=("乙", "丙"))))
    assert office.at("2026-01-26") == ["丙 work/2026-01 T-7", "甲 work/2026-01 withdrawn"]
    assert office.at("2026-01-29") == ["丙 work/2026-01 T-1", "乙 work/2026-01 T-1"]
    assert office.ask(
        "SELECT unit, role, owes FROM assignment WHERE state = 'pending' ORDER BY role"
    ) == [
        ("乙", "lead", 1),
        ("丙", "responsible", 0),
    ]


def test_a_renamed_unit_keeps_what_it_had_under_its_old_name(office: Office) -> None:
    office.at("2026-01-23")
    renamed = a_unit("甲局", aliases=("甲",))
    duty = ALONE._replace(lead=("甲局",), units=("甲局",))
    office.edit(plan_with(duty, units=[renamed, a_unit("丙")]))
    assert office.at("2026-01-26") == []
    assert office.at("2026-01-29") == ["甲局 work/2026-01 T-1"]
    assert states(office) == {"work/2026-01@甲局": "pending"}


def test_a_unit_merged_into_another_that_has_its_own_part_is_withdrawn(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH))
    office.at("2026-01-23")
    office.edit(plan_with(ALONE, units=[a_unit("甲", aliases=("乙",)), a_unit("丙")]))
    assert office.at("2026-01-26") == []
    assert states(office) == {"work/2026-01@甲": "pending", "work/2026-01@乙": "withdrawn"}
    [(reason,)] = office.ask("SELECT reason FROM reminder WHERE state = 'failed'")
    assert '"unit": "乙"' in reason


def test_copies_hear_of_a_withdrawal_too(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH._replace(expect="lead")))
    office.at("2026-01-23")
    office.edit(plan_with())
    assert office.at("2026-01-26") == ["乙 work/2026-01 withdrawn", "甲 work/2026-01 withdrawn"]


def test_a_successor_that_was_withdrawn_lets_nothing_lapse(office: Office) -> None:
    office.at("2026-01-30")
    office.at("2026-02-02")
    office.edit(plan_with(ALONE._replace(skip={"2026-02": "放假"})))
    office.at("2026-02-27")
    office.at("2026-03-02")
    assert states(office)["work/2026-01@甲"] == "pending"


def test_a_notice_of_what_has_been_reported_meanwhile_is_not_sent(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-02-06"))))
    office.at("2026-01-23 20:00")
    office.ask("UPDATE assignment SET state = 'reported', next_at = NULL RETURNING id")
    assert office.at("2026-01-26") == []
    assert office.ask("SELECT state FROM reminder WHERE step LIKE 'moved%'") == [("cancelled",)]


def test_a_pass_by_the_old_plan_again_is_another_revision(office: Office) -> None:
    office.at("2026-01-05")
    office.revision = "r2"
    office.at("2026-01-06")
    office.revision = "r1"
    office.at("2026-01-07")
    assert office.ask("SELECT subject FROM audit WHERE action = 'revise' ORDER BY id") == [
        ("r1",), ("r2",), ("r1",)
    ]  # fmt: skip
    assert office.ask("SELECT hash FROM revision ORDER BY hash") == [("r1",), ("r2",)]


def test_what_is_done_is_chased_no_more(office: Office) -> None:
    office.at("2026-01-23")
    assert done(office)
    assert office.daily("2026-01-24", "2026-02-01") == {}
    assert office.ask("SELECT kind, by, note FROM answer") == [("done", "张三", "电话")]
    assert office.ask("SELECT actor, subject FROM audit WHERE action = 'done'") == [
        ("张三", "work/2026-01@甲")
    ]


def test_done_again_is_nothing_new(office: Office) -> None:
    office.at("2026-01-23")
    assert [done(office), done(office)] == [True, False]
    assert office.ask("SELECT count(*) FROM answer") == [(1,)]


def test_each_unit_answers_for_itself(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH))
    office.at("2026-01-23")
    done(office, "乙")
    assert office.at("2026-01-29") == ["甲 work/2026-01 T-1"]


def test_the_copies_close_with_the_lead(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH._replace(expect="lead")))
    office.at("2026-01-23")
    done(office, "甲")
    assert office.at("2026-01-29") == []
    assert states(office) == {"work/2026-01@甲": "done", "work/2026-01@乙": "done"}


def test_who_only_gets_copies_has_nothing_to_be_done(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH._replace(expect="lead")))
    office.at("2026-01-23")
    with pytest.raises(Refused, match="only gets copies"):
        done(office, "乙")


def test_what_is_withdrawn_cannot_be_done(office: Office) -> None:
    office.at("2026-01-23")
    office.edit(plan_with())
    office.at("2026-01-26")
    with pytest.raises(Refused, match="work/2026-01@甲 is withdrawn"):
        done(office)


def test_what_has_lapsed_can_still_be_done(office: Office) -> None:
    office.at("2026-01-30")
    office.at("2026-02-27")
    assert states(office)["work/2026-01@甲"] == "lapsed"
    assert done(office)


def test_what_is_done_before_it_opens_enters_the_ledger_for_that_unit(engine: Engine) -> None:
    office = Office(engine, plan_with(BOTH))
    office.at("2026-01-23")
    [march] = occurrences(office.plan, BOTH, date(2026, 3, 1), date(2026, 3, 31))
    with office.conn() as conn:
        assigned = entering.entered(conn, march, "乙", office.now)
        assert entering.entered(conn, march, "乙", office.now) == assigned
    assert done(office, "乙", "2026-03")
    assert not any("2026-03" in line for line in office.at("2026-01-29"))
    office.at("2026-02-27")
    assert "甲 work/2026-03 open" in office.at("2026-03-02")
    assert states(office)["work/2026-03@乙"] == "done"


def test_what_is_skipped_cannot_be_done(engine: Engine) -> None:
    skipping = BOTH._replace(skip={"2026-03": "放假"})
    office = Office(engine, plan_with(skipping))
    office.at("2026-01-23")
    [march] = occurrences(office.plan, skipping, date(2026, 3, 1), date(2026, 3, 31))
    with office.conn() as conn, pytest.raises(Refused, match=r"work/2026-03 is skipped: .*放假"):
        entering.entered(conn, march, "乙", office.now)


def test_an_event_is_chased_moved_with_its_rule_and_never_lapses(engine: Engine) -> None:
    event = ALONE._replace(cadence=Event("验收结算", 1, "months"))
    office = Office(engine, plan_with(event))
    office.at("2026-01-05")
    for subject, day in (("龙井村", date(2026, 1, 5)), ("东村", date(2026, 2, 5))):
        with office.conn() as conn:
            found = event_occurrence(office.plan, event, subject, day)
            entering.enter(conn, found, event.told, office.now)
    assert office.at("2026-02-05") == ["甲 work/东村 open", "甲 work/龙井村 T"]
    office.edit(plan_with(event._replace(cadence=Event("验收结算", 2, "months"))))
    assert office.at("2026-02-06") == ["甲 work/东村 moved 2026-04-03",
                                       "甲 work/龙井村 moved 2026-03-05"]  # fmt: skip
    assert "甲 work/龙井村 T+20" not in office.at("2026-04-03")
    assert states(office)["work/龙井村@甲"] == "pending"


def test_what_is_acknowledged_is_left_alone_until_it_is_due(office: Office) -> None:
    office.at("2026-01-20")
    office.ask("UPDATE assignment SET state = 'acknowledged' RETURNING id")
    assert office.daily("2026-01-21", "2026-02-01") == {"2026-01-30": ["甲 work/2026-01 T"]}


def test_what_is_reported_waits_for_the_office_and_does_not_lapse(office: Office) -> None:
    office.at("2026-01-20")
    office.ask("UPDATE assignment SET state = 'reported', next_at = NULL RETURNING id")
    office.at("2026-01-30")
    office.edit(plan_with(ALONE._replace(move=moved_to("2026-02-06"))))
    office.at("2026-02-05")
    office.at("2026-03-30")
    assert states(office)["work/2026-01@甲"] == "reported"
    assert office.ask("SELECT due_on FROM assignment WHERE id = 1") == [("2026-02-06",)]


def test_a_unit_that_joins_as_a_lead_is_named_as_one_in_its_letter(office: Office) -> None:
    office.at("2026-01-05")
    duty = office.plan.duties["work"]
    both = duty._replace(lead=("甲", "乙"), units=("甲", "乙"))
    office.edit(office.plan._replace(duties={"work": both}))
    office.at("2026-01-06")
    assert office.ask("SELECT lead FROM occurrence WHERE period = '2026-01'") == [('["甲", "乙"]',)]
