"""What has happened: to an assignment, round by round, and what was changed by whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, exists, select, type_coerce

from dispatcher.i18n import Text
from dispatcher.ledger.slips import Slip, select_slips
from dispatcher.ledger.tables import (
    assignment,
    audit,
    message,
    message_item,
    occurrence,
    reminder,
    round_,
    slip,
)
from dispatcher.ledger.types import Json


class Recorded(NamedTuple):
    """An occurrence in the ledger, its title as it was; ``skipped`` says why nobody owes it."""

    duty: str
    period: str
    title: str
    opens_on: date
    due_on: date
    skipped: Text | None


def recorded(conn: Connection, duty: str, period: str) -> Recorded | None:
    """The occurrence of a period; without a period the one that falls due last."""
    columns = occurrence.c["duty", "period", "title", "opens_on", "due_on", "reason"]
    query = select(*columns).where(occurrence.c.duty == duty)
    if period:
        query = query.where(occurrence.c.period == period)
    row = conn.execute(query.order_by(occurrence.c.due_on.desc()).limit(1)).first()
    return Recorded(*row) if row else None


def has_unit(conn: Connection, unit: str) -> bool:
    """Whether the ledger knows a unit of this name, whatever the plan calls it today."""
    return bool(conn.scalar(select(exists().where(assignment.c.unit == unit))))


def has_duty(conn: Connection, duty: str) -> bool:
    """Whether the ledger knows a duty of this id."""
    return bool(conn.scalar(select(exists().where(occurrence.c.duty == duty))))


class Closing(NamedTuple):
    """How an assignment was closed; all None while it is open."""

    reason: Text | None
    at: datetime | None
    by: str | None


def closing(conn: Connection, assignment_id: int) -> Closing:
    """How an assignment was closed."""
    query = select(*assignment.c["reason", "closed_at", "closed_by"])
    return Closing(*conn.execute(query.where(assignment.c.id == assignment_id)).one())


class Round(NamedTuple):
    """A round of an assignment, and why it began."""

    number: int
    cause: str
    due_on: date
    begun_at: datetime


def rounds(conn: Connection, assignment_id: int) -> list[Round]:
    """The rounds of an assignment, in order."""
    query = select(*(round_.c[name] for name in Round._fields)).order_by(round_.c.number)
    return [
        Round(*row) for row in conn.execute(query.where(round_.c.assignment_id == assignment_id))
    ]


class Carried(NamedTuple):
    """A message that holds a reminder."""

    id: int
    channel: str
    address: str
    state: str


class Mark(NamedTuple):
    """A reminder, why it was not told if so, and the messages that hold it."""

    id: int
    round: int
    step: str
    addressee: str
    unit: str
    state: str
    reason: Text | None
    queued_at: datetime
    told_at: datetime | None
    old_due_on: date | None
    remark: str | None
    messages: tuple[Carried, ...] = ()

    @property
    def at(self) -> datetime:
        """When it was told, or else recorded."""
        return self.told_at or self.queued_at


_mark: tuple[ColumnElement[Any], ...] = (
    *(reminder.c[name] for name in Mark._fields[:-1]),
    *message.c["id", "channel", "address", "state"],
)


def marks(conn: Connection, assignment_id: int) -> list[Mark]:
    """Everything that was or is to be told of an assignment, to whomever, in order."""
    query = (
        select(*_mark)
        .join_from(reminder, message_item, isouter=True)
        .join(message, isouter=True)
        .where(reminder.c.assignment_id == assignment_id)
        .order_by(reminder.c.id, message.c.id)
    )
    found: dict[int, Mark] = {}
    for *own, id, channel, address, state in conn.execute(query):
        mark = found.setdefault(own[0], Mark(*own))
        if id is not None:
            carried = Carried(id, channel, address, state)
            found[mark.id] = mark._replace(messages=(*mark.messages, carried))
    return list(found.values())


def slips(conn: Connection, assignment_id: int) -> list[Slip]:
    """The colour slips on an assignment."""
    return select_slips(conn, slip.c.assignment_id == assignment_id)


class Change(NamedTuple):
    """A row of the audit: who did what to what, why, and with what detail."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: Text | None
    detail: dict[str, Any]


_change = select(*(audit.c[name] for name in Change._fields))


class Sought(NamedTuple):
    """Which rows of the audit are asked for; ``subject`` is any part of one."""

    subject: str | None = None
    by: str | None = None
    since: datetime | None = None


def latest_changes(conn: Connection, sought: Sought, limit: int) -> list[Change]:
    """The newest ``limit`` rows that fit, the newest last."""
    query = _sought(sought).order_by(audit.c.id.desc()).limit(limit)
    return [Change(*row) for row in conn.execute(query)][::-1]


def _sought(sought: Sought) -> Select[Any]:
    query = _change
    if sought.subject:
        query = query.where(audit.c.subject.contains(sought.subject, autoescape=True))
    if sought.by:
        query = query.where(audit.c.actor == sought.by)
    if sought.since:
        query = query.where(audit.c.at >= sought.since)
    return query


class Sealed(NamedTuple):
    """A row of the audit with its place in the chain, and its reason as it is stored and hashed."""

    change: Change
    packed: Any
    prev_hash: str | None
    hash: str | None


def every_change(conn: Connection) -> Iterator[Sealed]:
    """The whole audit, in order, row by row."""
    packed = type_coerce(audit.c.reason, Json)
    query = _change.add_columns(packed, *audit.c["prev_hash", "hash"]).order_by(audit.c.id)
    for row in conn.execute(query, execution_options={"yield_per": 1000}):
        own, place = row[: len(Change._fields)], row[len(Change._fields) :]
        yield Sealed(Change(*own), *place)
