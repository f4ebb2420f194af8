"""Reminders: that a unit is to be told a step, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from dispatcher.i18n import Text
from dispatcher.ledger.tables import IS_QUEUED, assignment, message, message_item, reminder
from dispatcher.ledger.transitions import CHASED

WITHDRAWN, WAIVED, MOVED = "withdrawn", "waived", "moved"
EXTENDED, REFUSED, RETURNED, REOPENED = "extended", "refused", "returned", "reopened"
"""Notices: they are no steps. The step of a move is ``moved 2026-04-15``; a notice that comes
again in one round is ``refused.2``."""
CLOSING = (WITHDRAWN, WAIVED)
"""Notices that nothing is owed any more."""


class Reminder(NamedTuple):
    """A reminder of an assignment in one of its rounds; ``told_at`` only once it is told."""

    id: int
    step: str
    state: str
    old_due_on: date | None
    addressee: str
    told_at: datetime | None


_columns = reminder.c["id", "step", "state", "old_due_on", "addressee", "told_at"]
_left = exists().where(
    message_item.c.reminder_id == reminder.c.id,
    message.c.id == message_item.c.message_id,
    # As literals, so that many rows can be changed by one statement.
    message.c.state.in_([literal_column(f"'{state}'") for state in ("sending", "sent", "unknown")]),
)
"""Its content may be on the way already, so it can no longer be taken back."""


def new(
    assignment_id: int, round_: int, addressee: str, unit: str, step: str, now: datetime
) -> dict[str, Any]:
    """A queued reminder, to be recorded."""
    return {
        "assignment_id": assignment_id,
        "round": round_,
        "step": step,
        "addressee": addressee,
        "unit": unit,
        "state": "queued",
        "reason": None,
        "queued_at": now,
        "old_due_on": None,
        "remark": None,
    }


def record(conn: Connection, rows: list[dict[str, Any]]) -> None:
    """Records reminders; the same step of a round can be recorded only once."""
    if rows:
        conn.execute(insert(reminder), rows)


def of_round(conn: Connection, assignment_id: int, round_: int) -> list[Reminder]:
    """What an assignment's unit was or is to be told in a round, in order."""
    query = select(*_columns).filter_by(assignment_id=assignment_id, round=round_)
    return [Reminder(*row) for row in conn.execute(query.order_by(reminder.c.id))]


def of_due(conn: Connection, now: datetime) -> dict[int, list[Reminder]]:
    """``of_round`` of every assignment that is due for telling, by its id."""
    query = (
        select(reminder.c.assignment_id, *_columns)
        .join_from(
            assignment,
            reminder,
            and_(
                reminder.c.assignment_id == assignment.c.id,
                reminder.c.round == assignment.c.round,
            ),
        )
        .where(assignment.c.next_at <= now)
    )
    found = defaultdict(list)
    # Sorted here, as in due_for_telling.
    for assignment_id, *values in sorted(conn.execute(query), key=lambda row: row.id):
        found[assignment_id].append(Reminder(*values))
    return found


def was_told(conn: Connection, assignment_id: int) -> bool:
    """Whether an assignment's unit has been told anything of it, in whatever round."""
    mine = and_(reminder.c.assignment_id == assignment_id, or_(reminder.c.state == "told", _left))
    return conn.scalar(select(reminder.c.id).where(mine).limit(1)) is not None


def supersede(conn: Connection, reasons: Iterable[tuple[int, Text]]) -> None:
    """Takes back queued reminders whose content has not left, each for its reason."""
    rows = [{"key": key, "why": why} for key, why in reasons]
    if rows:
        mine = and_(reminder.c.id == bindparam("key"), IS_QUEUED, ~_left)
        change = update(reminder).where(mine)
        conn.execute(change.values(state="superseded", reason=bindparam("why")), rows)


def cancel(conn: Connection, assignment_id: int, reason: Text) -> None:
    """Takes back all queued reminders of an assignment whose content has not left."""
    mine = and_(reminder.c.assignment_id == assignment_id, IS_QUEUED, ~_left)
    conn.execute(update(reminder).where(mine).values(state="cancelled", reason=reason))


def cancel_warnings(conn: Connection, assignment_id: int, reason: Text) -> None:
    """Takes back the queued steps before the due date whose content has not left."""
    before = or_(reminder.c.step == "open", reminder.c.step.like("T-%"))
    mine = and_(reminder.c.assignment_id == assignment_id, IS_QUEUED, before, ~_left)
    conn.execute(update(reminder).where(mine).values(state="cancelled", reason=reason))


def fail(conn: Connection, reminder_id: int, reason: Text) -> None:
    """Nobody can be told: the office hears of it in its brief."""
    mine = and_(reminder.c.id == reminder_id, IS_QUEUED)
    conn.execute(update(reminder).where(mine).values(state="failed", reason=reason))


class Tried(NamedTuple):
    """A message that holds a reminder: when it was to leave, and what has become of it."""

    id: int
    state: str
    at: datetime
    attempts: int


class Untold(NamedTuple):
    """A reminder that still has to reach its unit; ``tried`` is its latest message to each
    address."""

    id: int
    unit: str
    step: str
    tried: dict[tuple[str, str], Tried]


def untold(conn: Connection) -> list[Untold]:
    """The queued reminders; those that nobody needs any more are dropped before they leave."""
    return _with_tried(conn, IS_QUEUED)


def failed(conn: Connection) -> list[Untold]:
    """The failed reminders that are still the last word of a chased assignment."""
    later = reminder.alias()
    followed = exists().where(
        later.c.assignment_id == reminder.c.assignment_id,
        later.c.addressee == reminder.c.addressee,
        later.c.id > reminder.c.id,
    )
    wanted = and_(reminder.c.state == "failed", assignment.c.state.in_(CHASED), ~followed)
    return _with_tried(conn, wanted)


def failed_in(conn: Connection, message_ids: Collection[int]) -> list[Untold]:
    """The failed reminders that messages hold."""
    held = select(message_item.c.reminder_id).where(message_item.c.message_id.in_(message_ids))
    return _with_tried(conn, and_(reminder.c.state == "failed", reminder.c.id.in_(held)))


_tried = message.c["channel", "address", "id", "state", "at", "attempts"]


def _with_tried(conn: Connection, wanted: ColumnElement[bool]) -> list[Untold]:
    query = (
        select(*reminder.c["id", "unit", "step"], *_tried)
        .join_from(reminder, assignment)
        .outerjoin(message_item, message_item.c.reminder_id == reminder.c.id)
        .outerjoin(message)
        .where(wanted)
        .order_by(reminder.c.id, message.c.id)
    )
    found: dict[int, Untold] = {}
    for key, unit, step, channel, address, *tried in conn.execute(query):
        entry = found.setdefault(key, Untold(key, unit, step, {}))
        if channel:
            entry.tried[channel, address] = Tried(*tried)
    return list(found.values())


def queue_again(conn: Connection, reminder_id: int) -> None:
    """A failed reminder has a new address to go to."""
    mine = and_(reminder.c.id == reminder_id, reminder.c.state == "failed")
    conn.execute(update(reminder).where(mine).values(state="queued", reason=None))
