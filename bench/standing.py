"""Asking a ledger of 1,000,000 assignments how things stand: each filter, its time and its plan."""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import ROOT, Table, output

if TYPE_CHECKING:
    from dispatcher.ledger.database import Connection
    from dispatcher.ledger.standing import Selection

UNITS, DUTIES, MONTHS = 2000, 20, 25
COUNT = UNITS * DUTIES * MONTHS
TODAY = date(2026, 11, 23)
ROUNDS = 3
TARGET = 200
SHOWN = 50
FILL = f"""
    CREATE TEMP TABLE number AS WITH RECURSIVE n (n) AS (
        SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {UNITS - 1}) SELECT n FROM n;
    INSERT INTO occurrence
        SELECT d.n * {MONTHS} + m.n + 1, printf('duty-%02d', d.n),
            strftime('%Y-%m', '{TODAY}', 'start of month', (m.n + 1 - {MONTHS}) || ' months'),
            'open',
            date('{TODAY}', 'start of month', (m.n + 1 - {MONTHS}) || ' months'),
            date('{TODAY}', 'start of month', (m.n + 2 - {MONTHS}) || ' months', -d.n || ' days'),
            date('{TODAY}', 'start of month', (m.n + 2 - {MONTHS}) || ' months', '-1 day'),
            0, 0, 0, 'some duty', 'what is to be done', '[1]', '', 'monthly', '[]', NULL,
            '2024-01-01 01:00:00.000000'
        FROM number d, number m WHERE d.n < {DUTIES} AND m.n < {MONTHS};
    CREATE TEMP TABLE fate AS
        SELECT o.id * {UNITS} + n AS id, o.id AS occurrence_id, n, o.due_on,
            (o.id * {UNITS} + n) * 2654435761 % 1000003 % 1000 AS luck,
            o.due_on >= date('{TODAY}', '-20 days') AS recent
        FROM occurrence o, number;
    INSERT INTO assignment (id, occurrence_id, unit, role, owes, state, due_on, round, next_at,
            reason, closed_at, closed_by, missed)
        SELECT id, occurrence_id, printf('unit-%04d', n),
            CASE n WHEN 0 THEN 'lead' ELSE 'responsible' END, 1, state, due_on, 1,
            CASE WHEN state IN ('pending', 'acknowledged', 'returned') THEN due_on END,
            CASE WHEN state IN ('waived', 'withdrawn', 'lapsed') THEN '"x"' END,
            CASE WHEN state IN ('done', 'waived', 'withdrawn', 'lapsed') THEN due_on END,
            CASE WHEN state IN ('done', 'waived', 'withdrawn', 'lapsed') THEN 'x' END,
            luck % 100 = 7
        FROM (SELECT *, CASE
            WHEN luck < 12 OR recent AND luck < 950 THEN CASE luck % 8
                WHEN 0 THEN 'acknowledged' WHEN 1 THEN 'reported' WHEN 2 THEN 'returned'
                ELSE 'pending' END
            WHEN luck > 990 THEN 'lapsed' WHEN luck > 985 THEN 'waived'
            WHEN luck > 980 THEN 'withdrawn' ELSE 'done' END AS state FROM fate);
    INSERT INTO answer (assignment_id, at, "by", kind, note, was, became)
        SELECT id, due_on, 'x', 'done', '', 'pending', 'done' FROM assignment WHERE state = 'done';
    INSERT INTO reminder (assignment_id, round, step, addressee, unit, state, queued_at, told_at)
        SELECT a.id, 1, step, 'owner', unit, 'told', due_on, due_on
        FROM assignment a, (SELECT 'T' AS step UNION SELECT 'T+1' UNION SELECT 'T+3')
        WHERE next_at IS NOT NULL;
"""
"""About one in twenty is open: most of what falls due these days, and a few old ones."""


def bench() -> list[Table]:
    """The table of every filter, measured in a process of its own."""
    found = json.loads(output([sys.executable, "-m", __name__]))
    rows = [(asked, f"{milliseconds:.1f} ms", plan) for asked, milliseconds, plan in found["rows"]]
    slowest, combination, number = found["slowest"]
    return [
        Table(
            f"Asking how things stand: a page of {SHOWN} out of {COUNT:,} assignments, "
            f"{found['open']:,} of them open",
            ("`dispatcher status`", "time", "plan of the page"),
            rows,
            [
                f"Target: under {TARGET} ms. The slowest of {number} combinations of filters took "
                f"{slowest:.1f} ms: `{combination}`.",
                "The query alone, the median of three; made in "
                f"{found['seconds']:.0f} s, {found['size'] / 1e6:.0f} MB on disk.",
            ],
        )
    ]


def make_ledger(path: Path) -> None:
    """Fills a new ledger, its indexes made last."""
    from dispatcher.ledger.database import create_engine, migrate

    engine = create_engine(f"sqlite:///{path}")
    migrate(engine, ROOT / "db")
    engine.dispose()
    with closing(sqlite3.connect(path)) as raw:
        for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
            raw.execute(f"PRAGMA {pragma}")
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        indexes = raw.execute(query).fetchall()
        drops = ";".join(f"DROP INDEX {name}" for name, _sql in indexes)
        makes = ";".join(sql for _name, sql in indexes)
        raw.executescript(f"BEGIN; {drops}; {FILL} {makes}; COMMIT")


def asked() -> dict[str, Selection]:
    """What a person asks, as the words of the command."""
    from dispatcher.ledger.standing import Cursor, Selection
    from dispatcher.ledger.transitions import STATES

    states = {"": {}, "--state all ": {"states": STATES}}
    states |= {f"--state {state} ": {"states": (state,)} for state in STATES}
    units = {"": {}, "--unit U ": {"unit": "unit-0123"}}
    duties = {"": {}, "--duty D ": {"duty": "duty-03"}}
    periods = {"": {}, "--period P ": {"period": "2026-10"}}
    colours = {"": {}} | {
        f"--colour {colour} ": {"colour": colour} for colour in ("red", "yellow", "blue")
    }
    places = {"": {}, "--after C ": {"after": Cursor(date(2026, 10, 15), COUNT // 2)}}
    found = {}
    for parts in product(
        *(each.items() for each in (units, duties, periods, states, colours, places))
    ):
        words = "".join(word for word, _values in parts).strip()
        values: dict[str, Any] = {}
        for _word, part in parts:
            values |= part
        found[words] = Selection(**values)
    return found


def measure(conn: Connection, selection: Selection) -> float:
    """Milliseconds for a page, the median of some rounds."""
    from dispatcher.ledger.standing import page

    times = []
    for _round in range(ROUNDS):
        start = time.perf_counter()
        page(conn, selection, TODAY, SHOWN)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[ROUNDS // 2]


def plan_of(conn: Connection, selection: Selection) -> str:
    """How SQLite finds the page: the steps before those that read its few rows."""
    from sqlalchemy import event

    from dispatcher.ledger.standing import page

    said: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        said.append((statement, values))

    event.listen(conn, "before_cursor_execute", note)
    page(conn, selection, TODAY, SHOWN)
    event.remove(conn, "before_cursor_execute", note)
    statement, values = said[0]
    rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    [page_id] = [row[0] for row in rows if "page" in row[3] and row[1] == 0][:1]
    return "; ".join(_inside(rows, page_id))


def _inside(rows: Any, parent: int) -> Iterator[str]:
    for row in rows:
        if row[1] == parent:
            yield row[3]
            yield from _inside(rows, row[0])


SHOWN_IN_FULL = (
    *("", "--colour red", "--colour yellow", "--colour blue", "--after C"),
    *("--unit U", "--unit U --state all", "--unit U --colour red"),
    *("--duty D", "--duty D --state all", "--duty D --colour red", "--duty D --period P"),
    *("--period P", "--period P --state all", "--unit U --duty D"),
    *("--state all", "--state done", "--state reported", "--state withdrawn"),
)


def main() -> None:
    """A child's part: makes the ledger, asks it, and prints what that took as JSON."""
    from dispatcher.ledger.reading import reading

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.db")
        start = time.perf_counter()
        make_ledger(path)
        seconds = time.perf_counter() - start
        with reading(f"sqlite:///{path}", ROOT / "db") as conn:
            assert conn
            query = "SELECT count(*) FROM assignment WHERE closed_at IS NULL"
            still_open = conn.exec_driver_sql(query).scalar()
            selections = asked()
            times = {words: measure(conn, each) for words, each in selections.items()}
            rows = [
                (words or "(nothing)", times[words], plan_of(conn, selections[words]))
                for words in SHOWN_IN_FULL
            ]
        slowest = max(times, key=times.__getitem__)
        found = {
            "rows": rows,
            "open": still_open,
            "slowest": (times[slowest], slowest, len(times)),
            "seconds": seconds,
            "size": path.stat().st_size,
        }
        print(json.dumps(found))


if __name__ == "__main__":
    main()
