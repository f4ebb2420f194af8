"""What has happened to an assignment, and what was changed by whom."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from dispatcher.i18n import _
from dispatcher.ledger import audit, history
from dispatcher.ledger.assignments import select_assigned
from dispatcher.ledger.database import Engine
from dispatcher.ledger.history import Change, Sought
from dispatcher.ledger.sealing import seal
from tests.building import Office, a_duty, local, plan_with

NOW = local("2026-01-05")


@pytest.fixture
def office(engine: Engine) -> Office:
    found = Office(engine, plan_with(a_duty(units=("甲",))))
    found.daily("2026-01-23", "2026-01-30")
    return found


def test_every_mark_comes_with_the_messages_that_hold_it(office: Office) -> None:
    with office.conn() as conn:
        marks = history.marks(conn, 1)
    assert [(mark.step, mark.state) for mark in marks] == [
        ("open", "superseded"), ("T-7", "told"), ("T-1", "told"), ("T", "told"),
    ]  # fmt: skip
    assert [[carried.id for carried in mark.messages] for mark in marks] == [[], [1], [2], [3]]
    assert marks[1].messages[0][1:] == ("email", "甲@example.com", "sent")
    assert (marks[0].at, marks[1].at) == (local("2026-01-23"), local("2026-01-23"))


def test_rounds_come_in_order_with_their_causes(office: Office) -> None:
    office.say("ask", note="大雪", to="2026-02-05")
    office.say("grant")
    office.say("report")
    office.say("return", note="不完整")
    with office.conn() as conn:
        rounds = history.rounds(conn, 1)
    assert [(each.number, each.cause) for each in rounds] == [
        (1, "opened"), (2, "extended"), (3, "returned"),
    ]  # fmt: skip
    assert rounds[1].due_on == date(2026, 2, 5)


def test_an_assignment_that_is_open_has_no_closing(office: Office) -> None:
    with office.conn() as conn:
        assert history.closing(conn, 1) == (None, None, None)
    office.say("waive", note="不涉及")
    with office.conn() as conn:
        reason, at, by = history.closing(conn, 1)
    assert (str(reason), at, by) == ("不涉及", office.now, "张三")


def test_the_slips_on_an_assignment_are_found(office: Office) -> None:
    with office.conn() as conn:
        [assigned] = select_assigned(conn)
        conn.execute(text(
            "INSERT INTO slip (assignment_id, round, rung, colour, name, state, drafted_at)"
            " VALUES (1, 1, 1, '蓝', '蓝色提醒单', 'draft', '2026-01-30 01:00:00.000000')"
        ))  # fmt: skip
        [found] = history.slips(conn, assigned.id)
        assert history.slips(conn, 2) == []
    assert (found.name, found.state, found.key) == ("蓝色提醒单", "draft", assigned.key)


def test_the_ledger_knows_units_and_duties_that_the_plan_may_have_forgotten(
    office: Office,
) -> None:
    with office.conn() as conn:
        assert history.has_unit(conn, "甲")
        assert not history.has_unit(conn, "乙")
        assert history.has_duty(conn, "work")
        assert not history.has_duty(conn, "other")


@pytest.fixture
def changes(engine: Engine) -> Engine:
    """Three rows of the audit, an hour apart."""
    with engine.begin() as conn:
        for hour, (by, subject) in enumerate(
            [("张三", "work/2026-01@甲"), ("李四", "work/2026-01@乙"), ("张三", "message#100%")]
        ):
            at = NOW + timedelta(hours=hour)
            audit.record(conn, at, by, "done", subject, _("{note}", note=f"因{hour}"), n=hour)
    return engine


def listed(engine: Engine, limit: int = 9, **sought: Any) -> list[int]:
    with engine.begin() as conn:
        return [each.id for each in history.latest_changes(conn, Sought(**sought), limit)]


def test_the_newest_changes_come_last(changes: Engine) -> None:
    assert (listed(changes), listed(changes, 2)) == ([1, 2, 3], [2, 3])
    with changes.begin() as conn:
        [first, *_rest] = history.latest_changes(conn, Sought(), 9)
    assert first == Change(
        1, NOW, "张三", "done", "work/2026-01@甲", _("{note}", note="因0"), {"n": 0}
    )


def test_changes_are_found_by_subject_by_person_and_by_day(changes: Engine) -> None:
    assert listed(changes, subject="work/2026-01") == [1, 2]
    assert listed(changes, subject="%") == [3]
    assert listed(changes, by="张三") == [1, 3]
    assert listed(changes, since=NOW + timedelta(hours=1)) == [2, 3]


def test_every_change_comes_with_its_place_in_the_chain(changes: Engine) -> None:
    with changes.begin() as conn:
        seal(conn)
        found = list(history.every_change(conn))
    assert [each.change.id for each in found] == [1, 2, 3]
    assert [each.prev_hash for each in found] == [None, found[0].hash, found[1].hash]
    assert json.dumps(found[0].packed, ensure_ascii=False) == '{"say": "{note}", "note": "因0"}'
