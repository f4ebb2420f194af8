"""Events: recorded once, due a month later, told and chased like any other; and taken back."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.dispatch.events import Happened, record_event, registered, undo_event
from dispatcher.errors import DispatcherError, Refused
from dispatcher.ledger.database import Engine
from dispatcher.plan.cadence import Event
from dispatcher.plan.occurrences import Occurrence
from tests.building import Office, a_duty, plan_with

pytestmark = pytest.mark.one_database

SETTLED = a_duty("handover", Event("验收结算", 1, "months"))
PROJECT = "龙井村自来水项目"


@pytest.fixture
def office(engine: Engine) -> Office:
    """Live since 5 January 2026; nothing has happened yet."""
    office = Office(engine, plan_with(SETTLED, a_duty("work", units=("丙",), lead=("丙",))))
    office.at("2026-01-05")
    return office


def happen(
    office: Office, on: str, subject: str = PROJECT, duty: str = "handover"
) -> Occurrence | None:
    event = Happened(office.plan.duties[duty], subject, date.fromisoformat(on), "张三", "")
    with office.conn() as conn:
        return record_event(conn, office.plan, event, office.now)


def undo(office: Office, note: str = "记错了", subject: str = PROJECT) -> int:
    event = Happened(SETTLED, subject, date(2026, 1, 1), "张三", note)
    with office.conn() as conn:
        return undo_event(conn, office.plan, event, office.now)


def about(lines: list[str]) -> list[str]:
    return [line for line in lines if PROJECT in line]


def test_an_event_opens_an_occurrence_that_is_due_a_month_after_it(office: Office) -> None:
    found = happen(office, "2026-01-02")
    assert found
    assert (found.period, found.opens, found.due) == (PROJECT, date(2026, 1, 2), date(2026, 2, 2))
    rows = office.ask("SELECT a.unit, role, a.due_on FROM assignment a JOIN occurrence o"
                      " ON o.id = occurrence_id WHERE o.event ORDER BY unit")  # fmt: skip
    assert rows == [("乙", "responsible", "2026-02-02"), ("甲", "lead", "2026-02-02")]


def test_it_is_told_at_once_and_chased_like_any_other(office: Office) -> None:
    happen(office, "2026-01-05")
    told = office.daily("2026-01-06", "2026-02-06")
    steps = {day: about(lines)[0].split()[-1] for day, lines in told.items() if about(lines)}
    assert steps == {
        "2026-01-06": "open",
        "2026-01-29": "T-7",
        "2026-02-04": "T-1",
        "2026-02-05": "T",
        "2026-02-06": "T+1",
    }


def test_the_same_event_twice_is_recorded_once(office: Office) -> None:
    assert happen(office, "2026-01-05")
    assert happen(office, "2026-01-05") is None
    assert office.ask("SELECT count(*) FROM occurrence WHERE event") == [(1,)]
    assert office.ask("SELECT count(*) FROM audit WHERE action = 'event'") == [(1,)]


def test_the_same_subject_on_another_day_is_refused_with_the_day_that_is_recorded(
    office: Office,
) -> None:
    happen(office, "2026-01-05")
    with pytest.raises(Refused, match=f"handover/{PROJECT} is recorded with 2026-01-05"):
        happen(office, "2026-01-04")


def test_two_subjects_are_two_occurrences(office: Office) -> None:
    happen(office, "2026-01-05")
    assert happen(office, "2026-01-04", "江坝村自来水项目")
    assert office.ask("SELECT count(*) FROM occurrence WHERE event") == [(2,)]


def test_a_duty_that_has_its_dates_waits_for_no_event(office: Office) -> None:
    with pytest.raises(Refused, match="'work' waits for no event"):
        happen(office, "2026-01-05", duty="work")


def test_what_is_still_to_come_is_no_event_yet(office: Office) -> None:
    with pytest.raises(Refused, match="2026-01-06 is still to come; today is 2026-01-05"):
        happen(office, "2026-01-06")


@pytest.mark.parametrize("subject", ["a/b", "a@b", "a#b", "a\nb", " ", ""])
def test_a_subject_that_would_break_a_key_is_wrong_usage(office: Office, subject: str) -> None:
    with pytest.raises(DispatcherError, match="cannot be a subject") as wrong:
        happen(office, "2026-01-05", subject)
    assert wrong.value.exit_code == 2
    assert office.ask("SELECT count(*) FROM occurrence WHERE event") == [(0,)]


def test_an_event_that_is_taken_back_withdraws_what_is_open_and_the_units_hear_of_it(
    office: Office,
) -> None:
    happen(office, "2026-01-05")
    office.at("2026-01-06")
    assert undo(office) == 2
    assert about(office.at("2026-01-07")) == [
        f"乙 handover/{PROJECT} withdrawn",
        f"甲 handover/{PROJECT} withdrawn",
    ]
    assert office.state(f"handover/{PROJECT}@甲") == "withdrawn"
    assert office.ask("SELECT actor, reason FROM audit WHERE action = 'undo-event'") == [
        ("张三", '{"say": "{note}", "note": "记错了"}')
    ]


def test_what_was_answered_before_the_event_was_taken_back_stays(office: Office) -> None:
    happen(office, "2026-01-05")
    office.say("done", f"handover/{PROJECT}@乙")
    assert undo(office) == 1
    assert office.state(f"handover/{PROJECT}@乙") == "done"
    assert undo(office) == 0


def test_taking_back_needs_a_reason_and_something_recorded(office: Office) -> None:
    with pytest.raises(Refused, match="'handover' has no event '没有'; recorded: none"):
        undo(office, subject="没有")
    happen(office, "2026-01-05")
    with pytest.raises(Refused, match="undone with a reason: add --note"):
        undo(office, note=" ")
    assert office.state(f"handover/{PROJECT}@甲") == "pending"


def test_what_was_taken_back_can_be_recorded_again_with_the_right_day(office: Office) -> None:
    happen(office, "2026-01-05")
    undo(office)
    found = happen(office, "2026-01-02")
    assert found
    assert found.due == date(2026, 2, 2)
    assert office.ask("SELECT DISTINCT a.state, a.due_on, a.round FROM assignment a"
                      " JOIN occurrence o ON o.id = occurrence_id WHERE o.event") == [
        ("pending", "2026-02-02", 2)
    ]  # fmt: skip


def test_an_edit_of_the_span_moves_what_is_open(office: Office) -> None:
    happen(office, "2026-01-05")
    office.at("2026-01-06")
    office.edit(plan_with(SETTLED._replace(cadence=Event("验收结算", 2, "months"))))
    assert f"甲 handover/{PROJECT} moved 2026-03-05" in office.at("2026-01-07")


def test_passes_of_later_days_neither_withdraw_nor_repeat_it(office: Office) -> None:
    happen(office, "2026-01-05")
    office.at("2026-01-06")
    assert about(office.at("2026-01-07")) == []
    assert office.state(f"handover/{PROJECT}@甲") == "pending"


def test_an_event_that_the_calendar_skips_is_refused_with_its_reason(office: Office) -> None:
    office.edit(plan_with(SETTLED._replace(skip={PROJECT: "已并入其他项目"})))
    for _time in range(2):
        with pytest.raises(Refused, match=r"is skipped: .*已并入其他项目"):
            happen(office, "2026-01-05")
    assert office.ask("SELECT count(*) FROM occurrence WHERE event") == [(0,)]


def test_what_is_recorded_is_listed_by_due_date_as_the_ledger_has_it(office: Office) -> None:
    happen(office, "2026-01-05")
    happen(office, "2026-01-02", "江坝村自来水项目")
    undo(office)
    longer = SETTLED._replace(cadence=Event("验收结算", 2, "months"))
    with office.conn() as conn:
        found = registered(conn, plan_with(longer), longer)
    assert [(each.period, each.opens, each.due) for each in found] == [
        ("江坝村自来水项目", date(2026, 1, 2), date(2026, 2, 2)),
        (PROJECT, date(2026, 1, 5), date(2026, 2, 5)),
    ]


def test_what_an_event_opens_is_never_due_before_it(engine: Engine) -> None:
    at_once = SETTLED._replace(cadence=Event("验收结算", 1, "days"))
    office = Office(engine, plan_with(at_once))
    office.at("2026-02-02")
    happen(office, "2026-01-31")
    assert office.ask("SELECT opens_on, due_on FROM occurrence WHERE event") == [
        ("2026-01-31", "2026-02-02")
    ]


def test_a_period_is_no_event_though_its_duty_waits_for_one_by_now(office: Office) -> None:
    work = office.plan.duties["work"]
    waiting = work._replace(cadence=Event("验收结算", 1, "months"))
    with office.conn() as conn:
        assert registered(conn, office.plan, work) == []
        assert registered(conn, plan_with(waiting), waiting) == []
