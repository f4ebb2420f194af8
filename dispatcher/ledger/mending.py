"""Mending: what a person decides of a message that failed, or of which nobody knows the outcome."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, select, update

from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import audit, messages
from dispatcher.ledger.leases import FACTS, Claimed
from dispatcher.ledger.outbox import Content
from dispatcher.ledger.outcomes import fail_reminders
from dispatcher.ledger.pruning import prune
from dispatcher.ledger.queries import Sent
from dispatcher.ledger.tables import ALIVE, message, message_item, reminder
from dispatcher.ledger.terms import MESSAGE_STATES


def retry(conn: Connection, message_id: int, by: str, note: str, now: datetime) -> bool:
    """Queues a failed or unknown message again, to leave from ``now`` on; False when it is on its
    way already.

    It leaves as it was written, one more time, however often its outcome was unknown. What failed
    with it is to be told again. Refused, and nothing changed, in any other state, and when a later
    message has said it or nobody needs it any more.
    """
    found = messages.sent(conn, message_id)
    if found.state in ALIVE:
        return False
    if found.state not in ("failed", "unknown"):
        raise _refusal(found, _("only a failed or unknown one is sent again"))
    with conn.begin_nested():
        _queue_what_failed_with(conn, message_id)
        again = {"state": "queued", "next_attempt_at": now, "settled_at": None, "reason": None}
        _change(conn, message_id, **again)
        if not prune(conn, [_as_claimed(conn, message_id)], now):
            raise Refused(
                _("message {id} is no longer needed: it was answered, or a later one says it",
                  id=message_id)
            )  # fmt: skip
    _record(conn, now, by, "retry", found, note)
    return True


def _as_claimed(conn: Connection, message_id: int) -> Claimed:
    row = conn.execute(select(message).where(message.c.id == message_id)).one()
    facts = {name: getattr(row, name) for name in FACTS}
    return Claimed(**facts, content=Content(row.subject, row.text, row.html))


def _queue_what_failed_with(conn: Connection, message_id: int) -> None:
    """What failed with a message is to be told again, save where something later was told."""
    later = reminder.alias()
    followed = exists().where(
        later.c.assignment_id == reminder.c.assignment_id,
        later.c.addressee == reminder.c.addressee,
        later.c.id > reminder.c.id,
        later.c.state.in_(("queued", "told")),
    )
    lost = update(reminder).where(_in(message_id), reminder.c.state == "failed", ~followed)
    conn.execute(lost.values(state="queued", reason=None))


def resolve(
    conn: Connection, message_id: int, by: str, note: str, now: datetime, *, arrived: bool
) -> bool:
    """Records what somebody found out of a message of unknown outcome; False when that is its
    state already.

    One that arrived counts as sent. One that was lost has failed, and with it what no other
    message may have told, so that the office sees it and may send it again. Refused in any other
    state.
    """
    found = messages.sent(conn, message_id)
    if found.state == ("sent" if arrived else "failed"):
        return False
    if found.state != "unknown":
        raise _refusal(found, _("only one of unknown outcome is resolved"))
    if arrived:
        _change(conn, message_id, state="sent")
    else:
        reason = _("lost, as {by} found out", by=by)
        _change(conn, message_id, state="failed", settled_at=now, reason=reason)
        fail_reminders(conn, message_id, reason)
    _record(conn, now, by, "arrived" if arrived else "lost", found, note)
    return True


def _in(message_id: int) -> ColumnElement[bool]:
    mine = select(message_item.c.reminder_id).where(message_item.c.message_id == message_id)
    return reminder.c.id.in_(mine)


def _change(conn: Connection, message_id: int, **values: object) -> None:
    conn.execute(update(message).where(message.c.id == message_id).values(values))


def _record(conn: Connection, now: datetime, by: str, action: str, found: Sent, note: str) -> None:
    reason = _("{note}", note=note) if note else None
    detail = {"address": found.address, "was": found.state}
    audit.record(conn, now, by, action, f"message#{found.id}", reason, **detail)


def _refusal(found: Sent, rule: Text) -> Refused:
    return Refused(
        _(
            "message {id} is {state}: {rule}",
            id=found.id,
            state=MESSAGE_STATES[found.state],
            rule=rule,
        )
    )
