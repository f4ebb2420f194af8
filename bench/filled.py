"""A ledger of very many open assignments, as passes and answers would have left it by a Sunday."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import ROOT

if TYPE_CHECKING:
    from dispatcher.plan.model import Plan
    from dispatcher.plan.occurrences import Occurrence

LARGEST = 1_000_000
UNITS, FEW = 2_000, 100
DUE = 10_000
"""The assignments that are told on the Tuesday: five of every unit."""
OVERDUE = 2 * FEW
"""Of the duty ``late``, on which slips are drafted on the Monday, and of ``left``, which lapse
then, for what followed them falls due and is done."""
GO_LIVE, SUNDAY = date(2026, 1, 5), date(2026, 6, 21)
MONDAY, TUESDAY = date(2026, 6, 22), date(2026, 6, 23)
DONE_AT = "2026-06-18 02:00:00.000000"
COMING_DAYS = 100
"""The other duties came into the plan five at a time, on one of so many days."""
HEAD = """\
plan: {title: 任务清单, timezone: Asia/Shanghai, office: 区农办, from: 2026-01-01}
ladder:
  number: 农督〔{year}〕{number}号
  rungs:
    - {colour: 蓝, name: 蓝色提醒单, after: 7d, to: [owner], answer: 3wd, demand: 请抓紧办理。}
units:
  区农办: {contacts: [{name: 值班员, email: office@example.com}]}
"""
FILL = f"""
    CREATE TEMP TABLE unit AS WITH RECURSIVE n (n) AS (
        SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {UNITS - 1})
        SELECT n, printf('单位%04d', n) AS name, printf('u%04d@example.com', n) AS email FROM n;
    CREATE TEMP TABLE part AS
        SELECT id * {UNITS} + n AS id, id AS occurrence_id, duty || '/' || period || '@' || name
            AS key, duty, name, n, due_on, entered_at, looks_at, CASE
                WHEN duty = 'left' AND due_on > '{SUNDAY}' THEN 'done'
                WHEN duty LIKE 'other%' AND n % 10 = 0 THEN 'acknowledged'
                ELSE 'pending' END AS state
        FROM occurrence JOIN owed USING (id) CROSS JOIN unit WHERE n < units;
    CREATE TEMP TABLE digest AS
        SELECT row_number() OVER (ORDER BY at) AS number, at, max(units) AS units
        FROM told JOIN owed USING (id) GROUP BY at;

    INSERT INTO revision (hash, kept_at) VALUES ('bench', '{GO_LIVE} 01:00:00.000000');
    INSERT INTO installation (id, epoch, go_live_on, watermark, reconciled_on, revision)
        VALUES (1, 'bench', '{GO_LIVE}', '{SUNDAY} 10:00:00.000000', '{SUNDAY}', 'bench');
    INSERT INTO adoption SELECT DISTINCT duty, cadence, name, adopted_on
        FROM occurrence JOIN owed USING (id) CROSS JOIN unit WHERE n < units;
    INSERT INTO assignment (id, occurrence_id, unit, role, owes, state, due_on, round, next_at,
            closed_at, closed_by)
        SELECT id, occurrence_id, name, iif(n, 'responsible', 'lead'), 1, state, due_on, 1,
            iif(state <> 'done', looks_at, NULL), iif(state = 'done', '{DONE_AT}', NULL),
            iif(state = 'done', '张三', NULL)
        FROM part;
    INSERT INTO round SELECT id, 1, 'opened', due_on, entered_at FROM part;
    INSERT INTO answer (assignment_id, at, "by", kind, note, was, became)
        SELECT part.id, iif(state = 'done', '{DONE_AT}', entered_at), '张三',
            iif(state = 'done', 'done', 'ack'), '', 'pending', state
        FROM part WHERE state <> 'pending' ORDER BY 2;
    INSERT INTO audit (at, actor, action, subject, detail)
        SELECT at, "by", kind, key, '{{}}' FROM answer JOIN part ON part.id = assignment_id;
    INSERT INTO slip (assignment_id, round, rung, colour, name, state, drafted_at)
        SELECT id, 1, 1, '蓝', '蓝色提醒单', 'draft',
            date(due_on, '+7 days') || ' 01:00:00.000000'
        FROM part WHERE duty = 'left' AND state = 'pending';
    INSERT INTO reminder (assignment_id, round, step, addressee, unit, state, queued_at, told_at)
        SELECT part.id, 1, step, 'owner', name, 'told', at, at
        FROM part CROSS JOIN told ON told.id = occurrence_id;
    INSERT INTO message
            (id, channel, address, kind, at, state, attempts, subject, text, html, settled_at)
        SELECT id, 'email', email, kind, at, 'sent', 1, '提醒', printf('%.800c', '-'), '', at FROM (
            SELECT number * {UNITS + 1} + n AS id, email, 'digest' AS kind, at
                FROM digest CROSS JOIN unit WHERE n < units
            UNION ALL
            SELECT number * {UNITS + 1} + {UNITS}, 'office@example.com', 'brief', at FROM digest
            UNION ALL
            SELECT 1, 'office@example.com', 'status', min(at) FROM digest)
        ORDER BY id;
    INSERT INTO attempt SELECT id, 1, at, at, 'sent', 'accepted' FROM message;
    INSERT INTO message_item
        SELECT number * {UNITS + 1} + assignment_id % {UNITS}, reminder.id
        FROM reminder JOIN digest ON at = told_at;
"""
"""Ids say what belongs together: an assignment's is that of its occurrence and the unit's number,
a message's that of its day and the unit's number."""


class Owed(NamedTuple):
    """A duty of the first ``units`` units, which the plan has since ``adopted``."""

    id: str
    when: str
    units: int
    adopted: date


def duties() -> list[Owed]:
    """The duties of every plan."""
    month, day = date(2026, 6, 1), timedelta(days=1)
    found = [Owed(f"due-{number}", "每月", UNITS, month) for number in range(DUE // UNITS)]
    found.append(Owed("late", "每月15日前", FEW, month))
    found.append(Owed("left", "每月22日前", FEW, date(2026, 5, 6)))
    for number in range((LARGEST - DUE) // UNITS):
        when = f"每年{9 + number % 4}月{number % 28 + 1}日前"
        came = GO_LIVE + number // 5 % COMING_DAYS * day
        found.append(Owed(f"other-{number}", when, UNITS, came))
    return found


def begun(size: int) -> int:
    """How many of the duties leave ``size`` open assignments, and OVERDUE more; the plan has the
    others only from the next year on."""
    return len(duties()) - (LARGEST - size) // UNITS


def plan_of(size: int) -> Plan:
    """The plan, read from a file as an office writes it."""
    from dispatcher.plan.reading import read_plan

    names = [f"单位{number:04}" for number in range(UNITS)]
    lines = [
        f"  {name}: {{contacts: [{{name: 联络员, email: u{name[-4:]}@example.com}}]}}"
        for name in names
    ]
    lines += ["groups:", f"  各单位: [{', '.join(names)}]", f"  试点: [{', '.join(names[:FEW])}]"]
    lines += ["duties:"]
    for number, duty in enumerate(duties(), start=1):
        group = "各单位" if duty.units == UNITS else "试点"
        first = date(2026 + (number > begun(size)), 1, 1)
        lines += [
            f"  - {{id: {duty.id}, title: 第{number}项工作, when: {duty.when}, from: {first},",
            f"     responsible: {group}, lead: 单位0000, task: 按要求做好第{number}项工作。}}",
        ]
    return read_plan("schedules.yaml", HEAD + "\n".join(lines) + "\n")


def make_ledger(path: Path, size: int) -> None:
    """Fills a new ledger in one transaction, its indexes made last."""
    from dispatcher.ledger.database import create_engine, migrate
    from dispatcher.ledger.sealing import seal

    engine = create_engine(f"sqlite:///{path}")
    migrate(engine, ROOT / "db")
    engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
            raw.execute(f"PRAGMA {pragma}")
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        indexes = raw.execute(query).fetchall()
        raw.execute("BEGIN")
        for name, _sql in indexes:
            raw.execute(f"DROP INDEX {name}")
        _enter(raw, size)
        for statement in FILL.split(";\n"):
            raw.execute(statement)
        for _name, sql in indexes:
            raw.execute(sql)
        raw.execute("COMMIT")
    with engine.begin() as conn:
        seal(conn)
    engine.dispose()


def _enter(raw: sqlite3.Connection, size: int) -> None:
    """Enters the occurrences, and notes how many units have each and what they were told when."""
    from dispatcher.plan.steps import following, reached

    raw.execute("CREATE TEMP TABLE owed (id INTEGER PRIMARY KEY, units, cadence, adopted_on,"
                " looks_at)")  # fmt: skip
    raw.execute("CREATE TEMP TABLE told (id INTEGER, step, at, PRIMARY KEY (id, step))")
    plan = plan_of(size)
    for id, (owed, found) in enumerate(_opened(plan), start=1):
        now = instant(SUNDAY, 18)
        came = max(instant(owed.adopted, 9), instant(found.opens, 9))
        then, duty = following(plan, found, now), found.duty
        assert then
        raw.execute(
            "INSERT INTO occurrence VALUES"
            " (?, ?, ?, 'open', ?, ?, ?, 0, 0, 0, ?, ?, '[]', '', ?, '[\"单位0000\"]', NULL, ?)",
            (id, duty.id, found.period, str(found.opens), str(found.due), str(found.nominal),
             duty.title, duty.task, duty.phrase, _stored(came)),
        )  # fmt: skip
        looks = _stored(then.at(plan))
        values = (id, owed.units, str(duty.cadence), str(owed.adopted), looks)
        raw.execute("INSERT INTO owed VALUES (?, ?, ?, ?, ?)", values)
        for step in reached(plan, found, now):
            told = (id, step.name, _stored(max(step.at(plan), came)))
            raw.execute("INSERT INTO told VALUES (?, ?, ?)", told)


def _opened(plan: Plan) -> Iterator[tuple[Owed, Occurrence]]:
    """What has opened by the Sunday and was not due before its duty was adopted."""
    from dispatcher.plan.occurrences import occurrences

    for owed in duties():
        for found in occurrences(plan, plan.duties[owed.id], owed.adopted, date(2026, 12, 31)):
            if found.opens <= SUNDAY:
                yield owed, found


def instant(day: date, hour: int, minute: int = 0) -> datetime:
    """The instant of a time in China."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def _stored(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S.000000")
