"""What a pass costs: what is due, and not what is open, was sent or has ever happened.

Of January 甲 has reported a figure that falls short, 乙 nothing, and 丁 cannot be reached. On 27
February, a Friday, February falls due and January lapses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.office import Office as Reports
from dispatcher.dispatch.office import Site
from dispatcher.ledger.database import Engine, backup, create_engine
from dispatcher.plan.model import Ladder, Measure, Offset, Rung, Target
from tests.building import MIGRATIONS, Office, a_duty, a_unit, plan_with

pytestmark = pytest.mark.sqlite
MOMENTS = ("2026-02-27 00:01", "2026-02-27 09:00", "2026-02-27 09:01")
"""A pass that begins a day, one with something due, and one with nothing to do."""
GROWING = (
    *("adoption", "answer", "assignment", "attempt", "audit", "message", "message_item"),
    *("occurrence", "reminder", "round"),
)
ACCESS = re.compile(
    r"(?:SCAN|SEARCH) (\w+?)(?:_\d+)?(?: USING (?:COVERING )?(.+?)(?: LEFT-JOIN)?)?$"
)
KEY = re.compile(r"INTEGER PRIMARY KEY|INDEX sqlite_autoindex|INDEX ux_")
GOOD = {
    "assignment: INDEX ix_assignment_due (next_at<?)": "what is due for telling",
    "assignment: INDEX ix_assignment_due (next_at>?)": "the first of them",
    "assignment: INDEX ix_assignment_state (state=? AND due_on<?)": "what the brief lists",
    "assignment: INDEX ix_assignment_state (state=?)": "what waits for the office",
    "assignment: INDEX ix_assignment_unit (unit=? AND due_on>? AND due_on<?)": "successors due now",
    "assignment: INDEX ix_assignment_asked": "extensions asked for",
    "assignment: INDEX ix_assignment_missed (missed=?)": "what falls short",
    "answer: INDEX ix_answer_assignment (assignment_id=?)": "what one was answered",
    "audit: INDEX ix_audit_at (at>?)": "what has changed since the last brief",
    "audit: ": "from the end, to the last row that is sealed",
    "message: INDEX ix_message_queued": "what waits to leave",
    "message: INDEX ix_message_leased (lease_until>? AND lease_until<?)": "what is being sent",
    "message: INDEX ix_message_report (kind=?)": "the last brief",
    "message: INDEX ix_message_settled (settled_at>?)": "what was sent since then",
    "message: INDEX ix_message_state (state=? AND rowid=?)": "whether it still waits",
    "message: INDEX ix_message_state (state=?)": "what is on its way",
    "message_item: INDEX ix_message_item_reminder (reminder_id=?)": "where one was sent",
    "occurrence: INDEX ix_occurrence_opens (opens_on>?)": "what opens",
    "reminder: INDEX ix_reminder_queued": "what waits to be told",
    "reminder: INDEX ix_reminder_failed (state=?)": "what reached nobody",
}
"""How a pass may look for rows otherwise than by their key, and what it finds so."""
OTHERS = """
    CREATE TEMP TABLE n AS WITH RECURSIVE n (n) AS (
        SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 1000 + {count}) SELECT n FROM n;
    INSERT INTO occurrence SELECT n, 'other', n, 'open', '2026-01-01', '2026-12-31', '2026-12-31',
        0, 0, 0, 't', 't', '[]', '', 'p', '[]', NULL, '2026-01-01' FROM n;
    INSERT INTO assignment (id, occurrence_id, unit, role, owes, state, due_on, round, next_at)
        SELECT n, n, '甲', 'lead', 1, 'pending', '2026-12-31', 1, '2026-11-01' FROM n;
    INSERT INTO round SELECT n, 1, 'opened', '2026-12-31', '2026-01-01' FROM n;
    INSERT INTO adoption SELECT 'other', n, '甲', '2026-01-01' FROM n;
    INSERT INTO answer (assignment_id, at, "by", kind, note, was, became)
        SELECT n, '2026-01-01', 'x', 'ack', 'x', 'acknowledged', 'acknowledged' FROM n;
    INSERT INTO reminder (id, assignment_id, round, step, addressee, unit, state, queued_at,
        told_at) SELECT n, n, 1, 'open', 'owner', '甲', 'told', '2026-01-01', '2026-01-01' FROM n;
    INSERT INTO message (channel, address, kind, at, state, attempts, subject, settled_at)
        SELECT 'email', n, 'digest', '2026-01-01', 'sent', 1, 'x', '2026-01-01' FROM n;
    INSERT INTO audit (at, actor, action, subject, detail)
        SELECT '2026-01-01', 'x', 'ack', n, '{{}}' FROM n
"""
"""Open assignments of which nothing is due, and what was done about them."""


def an_office(engine: Engine) -> Office:
    rung = Rung(
        "蓝", "提醒单", Offset(3, workdays=True), ("owner",), Offset(3), False, "请抓紧办理"
    )
    rate = Measure("参保率", "%", (Target(">=", Decimal(99)),), (), None)
    units = [*map(a_unit, "甲乙丙"), a_unit("丁", contacts=())]
    plan = plan_with(
        a_duty(units=("甲", "乙", "丁"), measures=(rate,)),
        units=units,
        ladder=Ladder("{year}-{number}", (rung,)),
    )
    found = Office(engine, plan)
    composer = Composer([MIGRATIONS.parent / "templates"], plan.workdays)
    found.queue_brief = Reports(plan, composer, Site(False, "")).queue_reports
    return found


@pytest.fixture
def office(engine: Engine) -> Office:
    found = an_office(engine)
    found.daily("2026-01-20", "2026-02-05")
    found.say("report", figures={"参保率": "98"})
    found.daily("2026-02-06", "2026-02-26")
    found.say("ask", "work/2026-02@乙", "等资金", to="2026-03-31")
    return found


@contextmanager
def plans(office: Office) -> Iterator[list[tuple[str, str]]]:
    """Every query that is asked, and each step of SQLite's plan for it."""
    found: list[tuple[str, str]] = []

    def explain(
        conn: Any, _cursor: Any, query: str, values: Any, _context: Any, many: bool
    ) -> None:
        if query.startswith(("SELECT", "UPDATE", "DELETE")):
            raw = conn.connection.driver_connection
            steps = raw.execute(f"EXPLAIN QUERY PLAN {query}", values[0] if many else values)
            found.extend((query, step[-1]) for step in steps)

    event.listen(office.engine, "before_cursor_execute", explain)
    yield found
    event.remove(office.engine, "before_cursor_execute", explain)


def test_a_pass_finds_what_it_needs_by_a_key_or_by_an_index_of_what_is_due(
    office: Office,
) -> None:
    with plans(office) as found:
        for moment in MOMENTS:
            office.at(moment)
    ways = [(query, ACCESS.fullmatch(step)) for query, step in found]
    used = {f"{way[1]}: {way[2] or ''}": query for query, way in ways if way and way[1] in GROWING}
    assert {way: query for way, query in used.items() if not (way in GOOD or KEY.search(way))} == {}


def test_a_pass_does_the_same_work_however_much_is_open_and_not_due(
    office: Office, tmp_path: Path
) -> None:
    backup(office.engine, tmp_path / "larger.db")
    larger = create_engine(f"sqlite:///{tmp_path / 'larger.db'}")
    few, many = (
        grown(office, engine, count) for engine, count in ((office.engine, 0), (larger, 2000))
    )
    assert [instructions(few, moment) for moment in MOMENTS] == [
        instructions(many, moment) for moment in MOMENTS
    ]


def grown(office: Office, engine: Engine, count: int) -> Office:
    """The office on a ledger with ``count`` more open assignments, a pass after they came."""
    raw: Any
    with engine.connect() as conn:
        raw = conn.connection.driver_connection
        for statement in OTHERS.format(count=count).split(";"):
            raw.execute(statement)
    found = an_office(engine)
    found.at("2026-02-26 17:00")
    return found


def instructions(office: Office, moment: str) -> int:
    """How many instructions SQLite's machine carries out in a pass."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1

    with office.engine.connect() as conn:
        raw: Any = conn.connection.driver_connection
        raw.set_progress_handler(count, 1)
    office.at(moment)
    raw.set_progress_handler(None, 1)
    return done
