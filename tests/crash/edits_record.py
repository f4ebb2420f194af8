"""What the ledger of a race holds, and what the database itself has witnessed of it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dispatcher.ledger.database import Engine
from tests.crash.edits import ask
from tests.crash.edits_calendar import Calendar

ZONE = ZoneInfo("Asia/Shanghai")
SQLITE = """\
CREATE TABLE witness (id INTEGER PRIMARY KEY, what TEXT, ref INTEGER, revision TEXT);
CREATE TRIGGER witness_revision AFTER UPDATE OF revision ON installation
 WHEN NEW.revision IS NOT OLD.revision
 BEGIN INSERT INTO witness (what, revision) VALUES ('revision', NEW.revision); END;
CREATE TRIGGER witness_applied AFTER INSERT ON edit WHEN NEW.state = 'applied'
 BEGIN INSERT INTO witness (what, ref, revision) VALUES ('applied', NEW.id, NEW.hash); END;
CREATE TRIGGER witness_agreed AFTER UPDATE ON edit WHEN NEW.state = 'applied'
 BEGIN INSERT INTO witness (what, ref, revision) VALUES ('applied', NEW.id, NEW.hash); END;
CREATE TRIGGER witness_reminder AFTER INSERT ON reminder
 BEGIN INSERT INTO witness (what, ref, revision)
 SELECT 'reminder', NEW.id, revision FROM installation; END;
CREATE TRIGGER witness_attempt AFTER INSERT ON attempt
 BEGIN INSERT INTO witness (what, ref, revision)
 SELECT 'attempt', NEW.message_id, revision FROM installation; END;
"""
POSTGRESQL = """\
CREATE TABLE witness (id serial PRIMARY KEY, what text, ref bigint, revision text);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 INSERT INTO witness (what, ref, revision)
 VALUES (TG_ARGV[0], (to_jsonb(NEW) ->> TG_ARGV[1])::bigint,
 coalesce(to_jsonb(NEW) ->> TG_ARGV[2], (SELECT revision FROM installation)));
 RETURN NULL; END $$;
CREATE TRIGGER witness_revision AFTER UPDATE ON installation FOR EACH ROW
 WHEN (NEW.revision IS DISTINCT FROM OLD.revision)
 EXECUTE FUNCTION witness('revision', 'id', 'revision');
CREATE TRIGGER witness_applied AFTER INSERT OR UPDATE ON edit FOR EACH ROW
 WHEN (NEW.state = 'applied') EXECUTE FUNCTION witness('applied', 'id', 'hash');
CREATE TRIGGER witness_reminder AFTER INSERT ON reminder FOR EACH ROW
 EXECUTE FUNCTION witness('reminder', 'id', '');
CREATE TRIGGER witness_attempt AFTER INSERT ON attempt FOR EACH ROW
 EXECUTE FUNCTION witness('attempt', 'message_id', '')
"""
GONE = "DROP TABLE witness CASCADE; DROP FUNCTION witness CASCADE"


@contextmanager
def witness(engine: Engine) -> Iterator[None]:
    """The database itself writes down which revision was in force when a reminder was recorded and
    when a message began to leave, and each change of it, in the order of their commits."""
    postgresql = engine.dialect.name == "postgresql"
    parts = [POSTGRESQL] if postgresql else SQLITE.split(";\nCREATE")
    with engine.begin() as conn:
        for number, part in enumerate(parts):
            conn.exec_driver_sql(("CREATE" if number else "") + part)
    try:
        yield
    finally:
        if postgresql:
            with engine.begin() as conn:
                conn.exec_driver_sql(GONE)


class Assignment(NamedTuple):
    """A row of the ledger; ``skipped`` is the state of its occurrence."""

    id: int
    duty: str
    period: str
    unit: str
    state: str
    round: int
    due: date
    closed_at: datetime | None
    skipped: str


class Reminder(NamedTuple):
    """A row of the ledger."""

    id: int
    assignment: int
    round: int
    step: str
    addressee: str
    unit: str
    state: str
    queued_at: datetime
    told_at: datetime | None
    reason: str

    @property
    def is_step(self) -> bool:
        return self.step == "open" or self.step.startswith("T")


ASSIGNMENTS = (
    "SELECT assignment.id, duty, period, unit, assignment.state, round, assignment.due_on,"
    " closed_at, occurrence.state FROM assignment JOIN occurrence ON occurrence.id = occurrence_id"
)
REMINDERS = (
    "SELECT id, assignment_id, round, step, addressee, unit, state, queued_at, told_at, reason"
    " FROM reminder ORDER BY id"
)


def moment(value: Any) -> datetime:
    """An instant, local; SQLite gives a text."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo("UTC"))).astimezone(ZONE)


def day(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


class Record:
    """A ledger as it was left; ``written`` are the calendars that a clerk has saved, by text."""

    def __init__(self, engine: Engine, written: Mapping[str, Calendar]) -> None:
        self.engine, self.written = engine, written

    @cached_property
    def assignments(self) -> dict[int, Assignment]:
        found = {}
        for *row, due, closed_at, state in ask(self.engine, ASSIGNMENTS):
            closed = moment(closed_at) if closed_at else None
            found[row[0]] = Assignment._make([*row, day(due), closed, state])
        return found

    @cached_property
    def reminders(self) -> list[Reminder]:
        found = []
        for *row, queued_at, told_at, reason in ask(self.engine, REMINDERS):
            told = moment(told_at) if told_at else None
            found.append(Reminder._make([*row, moment(queued_at), told, str(reason)]))
        return found

    @cached_property
    def calendars(self) -> dict[str, Calendar]:
        """Those of the ledger's revisions that the clerk has saved."""
        rows = ask(self.engine, "SELECT hash, calendar FROM revision")
        return {hash: self.written[text] for hash, text in rows if text in self.written}

    @cached_property
    def applied(self) -> list[tuple[str, datetime]]:
        """Each revision that came into force, with its moment."""
        query = (
            "SELECT hash, settled_at FROM edit JOIN witness ON ref = edit.id"
            " WHERE what = 'applied' ORDER BY witness.id"
        )
        return [(hash, moment(at)) for hash, at in ask(self.engine, query)]

    def seen(self, what: str) -> list[tuple[int, Calendar]]:
        query = f"SELECT ref, revision FROM witness WHERE what = '{what}' ORDER BY id"
        return [(ref, self.calendars[hash]) for ref, hash in ask(self.engine, query)]

    @cached_property
    def told(self) -> dict[int, list[Reminder]]:
        found = defaultdict(list)
        for each in self.reminders:
            if each.state == "told":
                found[each.assignment].append(each)
        return found

    def named(self, key: int) -> str:
        found = self.assignments[key]
        return f"{found.duty}/{found.period}@{found.unit}"

    @cached_property
    def last(self) -> Calendar:
        return self.calendars[self.applied[-1][0]]

    def is_known(self, unit: str, since: datetime) -> bool:
        """Whether every calendar in force from then on has the unit, by whatever name."""
        later = [self.calendars[hash] for hash, at in self.applied if at >= since]
        return all(
            any(unit in names for names in calendar.called.values())
            for calendar in [*later, self.last]
        )

    def key(self, each: Reminder) -> str:
        found = self.assignments[each.assignment]
        return f"{found.duty}/{found.period}"

    def twins(self, key: int) -> list[Assignment]:
        """What the same unit owes of the same by another of its names, which it had got again."""
        mine = self.assignments[key]
        return [
            each
            for each in self.assignments.values()
            if each.id != key
            and (each.duty, each.period, each.unit[0]) == (mine.duty, mine.period, mine.unit[0])
        ]

    def was_open(self, assigned: Assignment, at: datetime) -> bool:
        """Whether it was open just before an instant, by the audit."""
        key = (assigned.duty, assigned.period, assigned.unit[0])
        before = [action for when, action in self.closings[key] if when < at]
        return not before or before[-1] == "restore"

    @cached_property
    def closings(self) -> dict[tuple[str, str, str], list[tuple[datetime, str]]]:
        """When each assignment was closed, and restored."""
        query = (
            "SELECT subject, at, action FROM audit"
            " WHERE action IN ('withdrawn', 'lapsed', 'restore') ORDER BY id"
        )
        found = defaultdict(list)
        for subject, at, action in ask(self.engine, query):
            duty, period, unit = re.split("[/@]", subject)
            found[duty, period, unit[0]].append((moment(at), action))
        return found

    @cached_property
    def moves(self) -> dict[tuple[str, str, str], list[tuple[datetime, date]]]:
        """The date before each move, with its moment."""
        query = "SELECT subject, at, detail FROM audit WHERE action = 'move' ORDER BY id"
        found = defaultdict(list)
        for subject, at, detail in ask(self.engine, query):
            values = json.loads(detail) if isinstance(detail, str) else detail
            duty, period, unit = re.split("[/@]", subject)
            before = date.fromisoformat(values["before"])
            found[duty, period, unit[0]].append((moment(at), before))
        return found
