"""Rows that cannot exist, and records that cannot be rewritten."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from dispatcher.i18n import Text, _
from dispatcher.ledger import audit
from dispatcher.ledger.database import Connection, Engine
from dispatcher.ledger.tables import metadata, revision
from dispatcher.ledger.transitions import ANSWERS, STATES
from tests.building import local

NOW = "2026-01-01 00:00:00"
REASON = '{"say": "why"}'
ROWS: dict[str, dict[str, Any]] = {
    "installation": {"id": 1, "epoch": "e", "go_live_on": "2026-01-01", "watermark": NOW},
    "occurrence": {
        "id": 1, "duty": "work", "period": "2026-01", "state": "open", "opens_on": "2026-01-01",
        "due_on": "2026-01-30", "nominal_on": "2026-01-31", "provisional": False, "progress": False,
        "event": False, "title": "t", "task": "t", "rows": "[]", "clause": "", "phrase": "p",
        "lead": "[]", "entered_at": NOW,
    },
    "assignment": {
        "id": 1, "occurrence_id": 1, "unit": "甲", "role": "lead", "owes": True, "state": "pending",
        "due_on": "2026-01-30", "round": 1, "next_at": NOW,
    },
    "round": {
        "assignment_id": 1, "number": 1, "cause": "opened", "due_on": "2026-01-30", "begun_at": NOW
    },
    "reminder": {
        "id": 1, "assignment_id": 1, "round": 1, "step": "T", "addressee": "owner", "unit": "甲",
        "state": "queued", "queued_at": NOW,
    },
    "message": {
        "id": 1, "channel": "email", "address": "a@example.com", "kind": "digest", "at": NOW,
        "state": "queued", "attempts": 0, "next_attempt_at": NOW,
    },
    "message_item": {"message_id": 1, "reminder_id": 1},
    "attempt": {"message_id": 1, "number": 1, "started_at": NOW, "outcome": "sending"},
    "attachment": {"message_id": 1, "name": "台账.xlsx", "content": b"x"},
    "answer": {
        "id": 1, "assignment_id": 1, "at": NOW, "by": "张三", "kind": "done", "note": "",
        "was": "reported", "became": "done",
    },
    "slip": {
        "id": 1, "assignment_id": 1, "round": 1, "rung": 1, "colour": "蓝", "name": "蓝色提醒单",
        "state": "draft", "drafted_at": NOW,
    },
    "audit": {
        "id": 1, "at": NOW, "actor": "张三", "action": "done", "subject": "s", "detail": "{}"
    },
    "adoption": {"duty": "work", "cadence": "month", "unit": "甲", "adopted_on": "2026-01-01"},
}  # fmt: skip
ALLOWED = {
    "ack": dict.fromkeys(["pending", "acknowledged", "returned"], "acknowledged"),
    "report": dict.fromkeys("pending acknowledged returned reported lapsed".split(), "reported"),
    "done": dict.fromkeys("pending acknowledged returned reported lapsed".split(), "done"),
    "return": {"reported": "returned"},
    "ask": {"pending": "pending", "acknowledged": "acknowledged", "returned": "returned"},
    "grant": {"pending": "pending", "acknowledged": "acknowledged", "returned": "returned"},
    "refuse": {"pending": "pending", "acknowledged": "acknowledged", "returned": "returned"},
    "waive": dict.fromkeys("pending acknowledged returned reported lapsed".split(), "waived"),
    "withdraw": dict.fromkeys(["pending", "acknowledged", "returned", "reported"], "withdrawn"),
    "reopen": dict.fromkeys(["done", "waived", "withdrawn", "lapsed"], "pending"),
}  # fmt: skip
"""The transition table of docs/design.md, written down once more."""
PLAN = {"pending": "lapsed", "acknowledged": "lapsed", "returned": "lapsed"}
CLOSED = {"next_at": None, "closed_at": NOW, "closed_by": "x"}
RELEASED = {
    "released_at": NOW, "released_by": "张三", "answer_due_on": "2026-02-03", "year": 2026,
    "number": 1, "code": "〔2026〕1号", "subject": "s", "text": "t",
}  # fmt: skip
SENT = {"next_attempt_at": None, "settled_at": NOW}
IMPOSSIBLE: list[tuple[str, dict[str, Any]]] = [
    ("installation", {"id": 2}),
    ("installation", {"hold": "why", "held_at": None}),
    ("occurrence", {"state": "skipped"}),
    ("occurrence", {"reason": REASON}),
    ("occurrence", {"state": "closed"}),
    ("assignment", {"state": "finished"}),
    ("assignment", {"role": "helper"}),
    ("assignment", {"round": 0}),
    ("assignment", {"occurrence_id": 7}),
    ("assignment", {"reason": REASON}),
    ("assignment", {"state": "reported"}),
    ("assignment", {"state": "done", "next_at": None}),
    ("assignment", {"state": "done", **CLOSED, "reason": REASON}),
    ("assignment", {"state": "done", **CLOSED, "next_at": NOW}),
    *(("assignment", {"state": state, **CLOSED}) for state in ("waived", "withdrawn", "lapsed")),
    ("round", {"number": 0}),
    ("round", {"cause": "whim"}),
    ("reminder", {"round": 2}),
    ("reminder", {"addressee": "mayor"}),
    ("reminder", {"state": "told"}),
    ("reminder", {"told_at": NOW}),
    ("reminder", {"reason": REASON}),
    ("reminder", {"state": "sent"}),
    *(("reminder", {"state": state}) for state in ("superseded", "cancelled", "failed")),
    ("message", {"kind": "letter"}),
    ("message", {"next_attempt_at": None}),
    ("message", {"attempts": -1, "subject": "s"}),
    ("message", {"attempts": 1}),
    ("message", {"lease_until": 1.0}),
    ("message", {"reason": REASON}),
    ("message", {"state": "claimed", "next_attempt_at": None}),
    ("message", {"state": "sending", "next_attempt_at": None}),
    ("message", {"state": "sent", **SENT, "lease_until": 1.0}),
    ("message", {"state": "sent", "next_attempt_at": None}),
    ("message", {"state": "failed", **SENT}),
    ("message", {"state": "cancelled", **SENT}),
    ("message", {"state": "unknown", **SENT, "reason": REASON}),
    ("attempt", {"number": 0}),
    ("attempt", {"outcome": "lost", "finished_at": NOW}),
    ("attempt", {"outcome": "sent"}),
    ("attempt", {"finished_at": NOW}),
    ("assignment", {"state": "reported", "next_at": None, "asked_on": "2026-02-03"}),
    ("message", {"kind": "slip"}),
    ("message", {"slip_id": 1}),
    ("answer", {"kind": "shrug"}),
    ("slip", {"state": "sent"}),
    ("slip", {"rung": 0}),
    ("slip", {"round": 2}),
    ("slip", RELEASED),
    ("slip", {"state": "released"}),
    *(("slip", {"state": "released", **RELEASED, key: None}) for key in RELEASED),
    ("slip", {"state": "released", **RELEASED, "number": 0}),
    ("slip", {"state": "void"}),
    ("slip", {"reason": REASON, "voided_at": NOW}),
    ("audit", {"prev_hash": "x"}),
]
UNIQUE: list[tuple[str, dict[str, Any]]] = [
    ("occurrence", {"id": 2}),
    ("assignment", {"id": 2}),
    ("round", {}),
    ("reminder", {"id": 2}),
    ("message", {"id": 2}),
    ("message_item", {}),
    ("attempt", {}),
    ("attachment", {}),
    ("slip", {"id": 2}),
    ("adoption", {}),
]


def add(conn: Connection, table: str, **changes: Any) -> None:
    """Adds the table's good row, changed."""
    row = ROWS[table] | changes
    columns = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    conn.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({values})'), row)


def add_all_before(conn: Connection, table: str) -> None:
    for name in ROWS:
        if name == table:
            return
        add(conn, name)


def test_the_good_rows_are_good(engine: Engine) -> None:
    with engine.begin() as conn:
        for table in ROWS:
            add(conn, table)


@pytest.mark.parametrize("table, changes", IMPOSSIBLE)
def test_an_illegal_row_is_refused(engine: Engine, table: str, changes: dict[str, Any]) -> None:
    with engine.begin() as conn:
        add_all_before(conn, table)
        with pytest.raises(IntegrityError, match=r"(?i)check|foreign key"):
            add(conn, table, **changes)


@pytest.mark.parametrize("table, changes", UNIQUE)
def test_the_same_thing_cannot_be_recorded_twice(
    engine: Engine, table: str, changes: dict[str, Any]
) -> None:
    with engine.begin() as conn:
        add_all_before(conn, table)
        add(conn, table)
        with pytest.raises(IntegrityError, match=r"(?i)unique"):
            add(conn, table, **changes)


@pytest.mark.parametrize("kind", [*ANSWERS, "lapse"])
def test_an_answer_is_recorded_only_with_a_transition_that_it_can_make(
    engine: Engine, kind: str
) -> None:
    recorded = {}
    with engine.begin() as conn:
        add_all_before(conn, "answer")
        for number, (was, became) in enumerate(product(STATES, STATES)):
            row = {"id": number, "kind": kind, "was": was, "became": became}
            with suppress(IntegrityError), conn.begin_nested():
                add(conn, "answer", **row)
                recorded[was] = became
    assert recorded == ALLOWED.get(kind, {})


@pytest.mark.parametrize("was", STATES)
@pytest.mark.parametrize("became", STATES)
def test_an_assignment_goes_only_where_an_answer_or_the_plan_takes_it(
    engine: Engine, was: str, became: str
) -> None:
    with engine.begin() as conn:
        add(conn, "occurrence")
        add(conn, "assignment", **in_state(was))
        change = "UPDATE assignment SET state = :state, next_at = NULL, reason = :reason, " \
            "closed_at = :closed_at, closed_by = :closed_by"  # fmt: skip
        allowed = was == became or any(way.get(was) == became for way in (*ALLOWED.values(), PLAN))
        if allowed:
            conn.execute(text(change), in_state(became))
        else:
            with pytest.raises(IntegrityError, match="does not go from"):
                conn.execute(text(change), in_state(became))


def in_state(state: str) -> dict[str, Any]:
    closed = state in ("done", "waived", "withdrawn", "lapsed")
    return {
        "state": state,
        "next_at": None,
        "reason": REASON if closed and state != "done" else None,
        "closed_at": NOW if closed else None,
        "closed_by": "x" if closed else None,
    }


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as conn:
        conn.execute(text(statement))


def test_an_outcome_is_settled_once_and_never_changed(engine: Engine) -> None:
    with engine.begin() as conn:
        add_all_before(conn, "answer")
    change(engine, f"UPDATE attempt SET outcome = 'unknown', finished_at = '{NOW}'")
    with pytest.raises(IntegrityError, match="settled once and never changed"):
        change(engine, "UPDATE attempt SET outcome = 'sent'")


@pytest.mark.parametrize("column, value", [("number", 2), ("started_at", "'2027-01-01'")])
def test_an_attempt_under_way_keeps_what_it_is(engine: Engine, column: str, value: object) -> None:
    with engine.begin() as conn:
        add_all_before(conn, "answer")
    with pytest.raises(IntegrityError, match="never changed"):
        change(engine, f"UPDATE attempt SET {column} = {value}")


@pytest.mark.parametrize("table", ["attempt", "audit"])
def test_a_record_is_never_deleted(engine: Engine, table: str) -> None:
    with engine.begin() as conn:
        for name in ROWS:
            add(conn, name)
    with pytest.raises(IntegrityError, match="never deleted"):
        change(engine, f"DELETE FROM {table}")


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "detail", "reason"])
def test_an_audit_row_is_never_changed_not_even_while_it_is_sealed(
    engine: Engine, column: str
) -> None:
    value = "2027-01-01" if column == "at" else "2027"
    with engine.begin() as conn:
        add(conn, "audit")
    for statement in (f"{column} = '{value}'", f"hash = 'h', {column} = '{value}'"):
        with pytest.raises(IntegrityError, match="sealed once and never changed"):
            change(engine, f"UPDATE audit SET {statement}")


def test_an_audit_row_is_sealed_once(engine: Engine) -> None:
    with engine.begin() as conn:
        add(conn, "audit")
    change(engine, "UPDATE audit SET prev_hash = 'g', hash = 'h'")
    with pytest.raises(IntegrityError, match="sealed once"):
        change(engine, "UPDATE audit SET hash = 'i'")


def test_a_message_id_never_comes_again(engine: Engine) -> None:
    row = {name: value for name, value in ROWS["message"].items() if name != "id"}
    columns = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    with engine.begin() as conn:
        ids = []
        for _time in range(2):
            conn.execute(text(f"INSERT INTO message ({columns}) VALUES ({values})"), row)
            ids.append(conn.execute(text("SELECT id FROM message")).scalar())
            conn.execute(text("DELETE FROM message"))
    assert ids == [1, 2]


def test_an_instant_without_a_zone_is_refused(engine: Engine) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with engine.begin() as conn, pytest.raises(StatementError, match="has no zone"):
        conn.execute(insert(revision).values(hash="a", kept_at=naive))


def test_an_instant_comes_back_in_utc_from_whatever_zone_it_was(engine: Engine) -> None:
    nine = datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=8)))
    with engine.begin() as conn:
        conn.execute(insert(revision).values(hash="a", kept_at=nine))
        found = conn.scalar(select(revision.c.kept_at))
    assert found == nine
    assert found.tzinfo is UTC


def test_a_reason_is_kept_as_a_sentence_that_can_still_be_translated(engine: Engine) -> None:
    why = _("{names} leaves {count} workdays", names=["a", Text("x {y}", y=1)], count=2)
    with engine.begin() as conn:
        audit.record(conn, local("2026-01-01"), "plan", "move", "work/2026-01@甲", why, before=1)
        reason, detail = conn.execute(select(metadata.tables["audit"].c["reason", "detail"])).one()
    assert reason == why
    assert reason.render(lambda msgid: "{names}只剩{count}天" if "leaves" in msgid else msgid) == (
        "a, x 1只剩2天"
    )
    assert detail == {"before": 1}
