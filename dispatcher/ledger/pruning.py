"""Pruning: before a message leaves, what nobody needs to be told any more is dropped from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    update,
)

from dispatcher.i18n import Text, _
from dispatcher.ledger.leases import Claimed
from dispatcher.ledger.outcomes import end, unknowns
from dispatcher.ledger.reminders import CLOSING
from dispatcher.ledger.tables import (
    IS_QUEUED,
    assignment,
    message,
    message_item,
    reminder,
    slip,
)
from dispatcher.ledger.transitions import CHASED
from dispatcher.ledger.types import among


def prune(conn: Connection, claimed: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """Drops from claimed messages what nobody needs to be told any more; gives those that still
    have something to say, and ends the others.

    After its first attempt a digest keeps its bytes, and goes on while any part of it is needed.
    A slip goes out unless it has been made void; a brief unless a later one says it.
    """
    held = _items(conn, [each.id for each in claimed if each.kind == "digest"])
    latest = _latest(conn, [each for each in claimed if each.kind not in ("digest", "slip")])
    _drop_items(conn, claimed, held)
    wanted = []
    for each in claimed:
        if each.kind == "digest":
            why = _why_empty(held[each.id])
        elif each.kind == "slip":
            why = _why_void(conn, each.id)
        else:
            why = None if each.id in latest else _("a later one says it")
        if why:
            _drop(conn, each.id, why, now)
        else:
            wanted.append(each)
    return wanted


def _items(conn: Connection, message_ids: Sequence[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in conn.execute(_held, {"ids": message_ids}) if message_ids else ():
        found[row.message_id].append(row)
    return found


def _latest(conn: Connection, claimed: Sequence[Claimed]) -> set[int]:
    """Those of the messages after which their addresses have got no other of their kind."""
    return set(conn.scalars(_last, {"ids": [each.id for each in claimed]})) if claimed else set()


def _drop_items(
    conn: Connection, claimed: Sequence[Claimed], held: Mapping[int, list[Any]]
) -> None:
    """Cancels what is unwanted, and takes it out of the digests that may still change."""
    fresh = {each.id for each in claimed if each.content is None}
    unwanted = [(key, row) for key, rows in held.items() for row in rows if not row.wanted]
    if unwanted:
        conn.execute(_cancel, [{"key": row.id, "why": _why(held[key])} for key, row in unwanted])
    gone = [{"from": key, "key": row.id} for key, row in unwanted if key in fresh]
    if gone:
        conn.execute(_take_out, gone)


def _why(items: list[Any]) -> Text:
    return next((row.reason for row in items if row.reason), None) or _("no longer chased")


def _why_empty(items: list[Any]) -> Text | None:
    """Why a digest has nothing left to say, if so."""
    return None if any(row.wanted for row in items) else _why(items)


_cancel = (
    update(reminder)
    .where(reminder.c.id == bindparam("key"), IS_QUEUED)
    .values(state="cancelled", reason=bindparam("why"))
)
_take_out = delete(message_item).where(
    message_item.c.message_id == bindparam("from"), message_item.c.reminder_id == bindparam("key")
)


def _why_void(conn: Connection, message_id: int) -> Text | None:
    query = select(slip.c.reason).join_from(message, slip).where(message.c.id == message_id)
    why: Text | None = conn.scalar(query)
    return why


def cancel_slip(conn: Connection, slip_id: int, reason: Text, now: datetime) -> None:
    """Ends the messages of a slip that wait; one that is claimed is dropped when it is pruned."""
    waiting = select(message.c.id).filter_by(slip_id=slip_id, state="queued")
    for message_id in conn.scalars(waiting.with_for_update()).all():
        _drop(conn, message_id, reason, now)


def take_back(conn: Connection, message_ids: Collection[int], why: Text, now: datetime) -> None:
    """Ends those of the messages that wait: something else brings what they hold."""
    waiting = select(message.c.id).where(message.c.id.in_(message_ids), message.c.state == "queued")
    for message_id in conn.scalars(waiting.with_for_update()).all():
        _drop(conn, message_id, why, now)


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


_held = (
    select(message_item.c.message_id, *reminder.c["id", "reason"], _wanted.label("wanted"))
    .join_from(message_item, reminder)
    .join(assignment)
    .where(among(message_item.c.message_id))
    .order_by(reminder.c.id)
)
_newer = message.alias()
_last = select(message.c.id).where(
    among(message.c.id),
    ~exists().where(
        _newer.c.slip_id.is_(None),
        *(_newer.c[name] == message.c[name] for name in ("channel", "address", "kind")),
        _newer.c.id > message.c.id,
    ),
)


def _drop(conn: Connection, message_id: int, reason: Text, now: datetime) -> None:
    """Ends a message without sending it (again); one that may have arrived stays unknown."""
    if unknowns(conn, message_id):
        end(conn, message_id, "unknown", now)
    else:
        end(conn, message_id, "cancelled", now, reason=reason)
