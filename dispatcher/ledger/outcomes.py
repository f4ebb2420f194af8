"""How messages end: what their attempts came to, and what then counts as told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, update

from dispatcher.i18n import Text, _
from dispatcher.ledger.outbox import Claimed, at_attempt
from dispatcher.ledger.reminders import CLOSING
from dispatcher.ledger.tables import (
    ALIVE,
    DELIVERED,
    IS_QUEUED,
    IS_UNKNOWN,
    NO_SLIP,
    assignment,
    attempt,
    message,
    message_item,
    reminder,
    slip,
)
from dispatcher.ledger.transitions import CHASED
from dispatcher.ledger.types import clock_seconds

MAX_UNKNOWN = 3
"""A message is not sent again after so many attempts of which nobody knows the outcome."""

Outcome = Literal["sent", "temporary", "permanent", "unknown"]


class Settled(NamedTuple):
    """How an attempt ended: why, the other side's own word, and its name for the message."""

    outcome: Outcome
    reason: Text = _("accepted")
    detail: str = ""
    receipt: str = ""


def settle(
    conn: Connection,
    message_id: int,
    number: int,
    settled: Settled,
    now: datetime,
    again_at: datetime | None = None,
) -> str | None:
    """Records the outcome of an attempt; gives the message's new state.

    ``again_at`` is when a message not sent, or of unknown outcome, is tried again; None when a
    person has to look. None, and nothing changed, when the attempt has been settled meanwhile,
    because its lease had expired.
    """
    if conn.scalar(select(message.c.id).where(at_attempt(message_id, "sending", number))) is None:
        return None
    mine = and_(attempt.c.message_id == message_id, attempt.c.number == number)
    ended = {
        "finished_at": now,
        "outcome": settled.outcome,
        "detail": settled.detail or str(settled.reason),
    }
    conn.execute(update(attempt).where(mine).values(ended))
    if settled.outcome in ("sent", "unknown"):
        _tell(conn, message_id, now)
    if settled.outcome == "unknown" and _unknowns(conn, message_id) >= MAX_UNKNOWN:
        again_at = None
    if settled.outcome in ("temporary", "unknown") and again_at:
        return _end(conn, message_id, "queued", None, next_attempt_at=again_at)
    if settled.outcome in ("temporary", "permanent"):
        _fail_reminders(conn, message_id, settled.reason)
        return _end(conn, message_id, "failed", now, reason=settled.reason)
    return _end(conn, message_id, settled.outcome, now, receipt=settled.receipt or None)


def _end(
    conn: Connection, message_id: int, state: str, settled_at: datetime | None, **values: object
) -> str:
    """Puts a message into a state in which nobody holds it."""
    row = {"state": state, "lease_until": None, "next_attempt_at": None, "settled_at": settled_at}
    conn.execute(update(message).where(message.c.id == message_id).values(row | values))
    return state


def _tell(conn: Connection, message_id: int, now: datetime) -> None:
    """What the message holds has been told, as far as anybody knows."""
    mine = select(message_item.c.reminder_id).where(message_item.c.message_id == message_id)
    told = update(reminder).where(reminder.c.id.in_(mine), IS_QUEUED)
    conn.execute(told.values(state="told", told_at=now))


def _fail_reminders(conn: Connection, message_id: int, reason: Text) -> None:
    """Fails what the message holds and no other message may still bring."""
    mine = select(message_item.c.reminder_id).where(message_item.c.message_id == message_id)
    other, elsewhere = message.alias(), message_item.alias()
    hope = exists().where(
        elsewhere.c.reminder_id == reminder.c.id,
        other.c.id == elsewhere.c.message_id,
        other.c.id != message_id,
        other.c.state.in_((*ALIVE, *DELIVERED)),
    )
    lost = update(reminder).where(reminder.c.id.in_(mine), IS_QUEUED, ~hope)
    conn.execute(lost.values(state="failed", reason=reason))


_leased = select(*message.c["id", "state", "attempts", "channel"]).where(
    message.c.lease_until.is_not(None)
)
_expired = _leased.where(message.c.lease_until < clock_seconds())


def rescue(
    conn: Connection, now: datetime, resend: Collection[str], *, orphans: bool = False
) -> tuple[int, int]:
    """Frees what a dead process held: how many claims were released, and how many attempts became
    unknown. Those of the channels ``resend`` are sent again.

    ``orphans`` says that every lease is a dead process's, expired or not: for the holder of the
    single daemon's lock, at its start.
    """
    rows = conn.execute(_leased if orphans else _expired).all()
    for key, state, number, channel in rows:
        if state == "claimed":
            _end(conn, key, "queued", None, next_attempt_at=now)
        else:
            lost = Settled("unknown", _("the process ended while this was being sent"))
            settle(conn, key, number, lost, now, now if channel in resend else None)
    released = sum(state == "claimed" for _key, state, _number, _channel in rows)
    return released, len(rows) - released


def prune(conn: Connection, claimed: Claimed, now: datetime) -> bool:
    """Drops from a claimed message what nobody needs to be told any more.

    After its first attempt a digest keeps its bytes, and goes on while any part of it is needed.
    A slip goes out unless it has been made void. Ends the message and gives False when nothing is
    left to say.
    """
    if claimed.kind == "slip":
        why = _why_void(conn, claimed.id)
        return why is None or _drop(conn, claimed.id, why, now)
    if claimed.kind != "digest":
        return _is_latest(conn, claimed) or _drop(conn, claimed.id, _("a later one says it"), now)
    rows = conn.execute(
        select(*reminder.c["id", "reason"], _wanted.label("wanted"))
        .join_from(message_item, reminder)
        .join(assignment)
        .where(message_item.c.message_id == claimed.id)
        .order_by(reminder.c.id)
    ).all()
    unwanted = [row.id for row in rows if not row.wanted]
    reason = next((row.reason for row in rows if row.reason), None) or _("no longer chased")
    stale = and_(reminder.c.id.in_(unwanted), IS_QUEUED)
    conn.execute(update(reminder).where(stale).values(state="cancelled", reason=reason))
    if claimed.content is None:
        items = message_item.c
        gone = and_(items.message_id == claimed.id, items.reminder_id.in_(unwanted))
        conn.execute(delete(message_item).where(gone))
    return len(unwanted) < len(rows) or _drop(conn, claimed.id, reason, now)


def _why_void(conn: Connection, message_id: int) -> Text | None:
    query = select(slip.c.reason).join_from(message, slip).where(message.c.id == message_id)
    why: Text | None = conn.scalar(query)
    return why


def cancel_slip(conn: Connection, slip_id: int, reason: Text, now: datetime) -> None:
    """Ends the messages of a slip that wait; one that is claimed is dropped when it is pruned."""
    waiting = select(message.c.id).filter_by(slip_id=slip_id, state="queued")
    for message_id in conn.scalars(waiting).all():
        _drop(conn, message_id, reason, now)


def _is_latest(conn: Connection, claimed: Claimed) -> bool:
    same = {"channel": claimed.channel, "address": claimed.address, "kind": claimed.kind}
    query = select(func.max(message.c.id)).filter_by(**same).where(NO_SLIP)
    latest: int | None = conn.scalar(query)
    return latest == claimed.id


_later, _with_it = reminder.alias(), message_item.alias()
_in_this_message = (
    exists()
    .where(
        _with_it.c.message_id == message_item.c.message_id, _with_it.c.reminder_id == _later.c.id
    )
    .correlate_except(_with_it)
)
_later_elsewhere = (
    exists()
    .where(
        _later.c.assignment_id == reminder.c.assignment_id,
        _later.c.addressee == reminder.c.addressee,
        _later.c.id > reminder.c.id,
        _later.c.state.in_(("queued", "told")),
        ~_in_this_message,
    )
    .correlate_except(_later)
)
_wanted = and_(
    or_(assignment.c.state.in_(CHASED), reminder.c.step.in_(CLOSING)),
    or_(IS_QUEUED, and_(reminder.c.state == "told", ~_later_elsewhere)),
)
"""Told at one address, a reminder is still wanted at the unit's others, until a later one comes."""


def _drop(conn: Connection, message_id: int, reason: Text, now: datetime) -> bool:
    """Ends a message without sending it (again); one that may have arrived stays unknown."""
    if _unknowns(conn, message_id):
        _end(conn, message_id, "unknown", now)
    else:
        _end(conn, message_id, "cancelled", now, reason=reason)
    return False


def _unknowns(conn: Connection, message_id: int) -> int:
    count = select(func.count()).select_from(attempt)
    return conn.scalar(count.where(attempt.c.message_id == message_id, IS_UNKNOWN)) or 0
