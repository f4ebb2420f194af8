"""What was sent, to whom, and what became of it: messages as a person asks for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, tuple_

from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger.outbox import Address
from dispatcher.ledger.queries import Sent
from dispatcher.ledger.tables import (
    assignment,
    attachment,
    attempt,
    message,
    message_item,
    occurrence,
    reminder,
)

_sent = select(*(message.c[name] for name in Sent._fields))


class Wanted(NamedTuple):
    """Which messages are asked for; what is not given does not matter.

    ``to`` are the addresses of ``unit``; ``before`` is the id below which all of them lie.
    """

    state: str | None = None
    kind: str | None = None
    unit: str | None = None
    to: Collection[Address] = ()
    before: int | None = None


def latest(conn: Connection, wanted: Wanted, limit: int) -> list[Sent]:
    """The newest ``limit`` messages that fit, the newest last."""
    query = _sent.where(*_conditions(wanted)).order_by(message.c.id.desc()).limit(limit)
    return [Sent(*row) for row in conn.execute(query)][::-1]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found = []
    if wanted.state:
        found.append(message.c.state == wanted.state)
    if wanted.kind:
        found.append(message.c.kind == wanted.kind)
    if wanted.unit:
        found.append(_tells(wanted.unit, wanted.to))
    if wanted.before is not None:
        found.append(message.c.id < wanted.before)
    return found


def _tells(unit: str, to: Collection[Address]) -> ColumnElement[bool]:
    """It holds something for the unit, or holds no items and went to one of its addresses."""
    held = exists().where(
        message_item.c.message_id == message.c.id,
        reminder.c.id == message_item.c.reminder_id,
        reminder.c.unit == unit,
    )
    address = tuple_(*message.c["channel", "address"]).in_([tuple(each) for each in to])
    return or_(held, and_(message.c.kind != "digest", address))


def sent(conn: Connection, message_id: int) -> Sent:
    """The message of an id; Refused when there is none."""
    row = conn.execute(_sent.where(message.c.id == message_id)).first()
    if row is None:
        raise Refused(_("there is no message {id}", id=message_id))
    return Sent(*row)


class Told(NamedTuple):
    """A reminder in a message: of which assignment, which step, to whom, and what became of it."""

    key: str
    step: str
    addressee: str
    unit: str
    state: str
    reason: Text | None


class Tried(NamedTuple):
    """An attempt; ``detail`` is the other side's own word."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    detail: str | None


class Letter(NamedTuple):
    """A message with all that it says and all that was tried.

    ``text`` and ``html`` are None before it is composed; ``attachments`` are names with their size
    in bytes; ``receipt`` is the other side's name for it.
    """

    sent: Sent
    text: str | None
    html: str | None
    receipt: str | None
    attachments: list[tuple[str, int]]
    items: list[Told]
    attempts: list[Tried]


def letter(conn: Connection, message_id: int) -> Letter:
    """The whole of a message; Refused when there is none."""
    said = select(*message.c["text", "html", "receipt"]).where(message.c.id == message_id)
    found = sent(conn, message_id)
    text, html, receipt = conn.execute(said).one()
    return Letter(
        found,
        text,
        html,
        receipt,
        _attachments(conn, message_id),
        _items(conn, message_id),
        _attempts(conn, message_id),
    )


def _attachments(conn: Connection, message_id: int) -> list[tuple[str, int]]:
    query = select(attachment.c.name, func.length(attachment.c.content))
    mine = query.where(attachment.c.message_id == message_id).order_by(attachment.c.name)
    return [(name, size) for name, size in conn.execute(mine)]


def _items(conn: Connection, message_id: int) -> list[Told]:
    query = (
        select(
            *occurrence.c["duty", "period"],
            assignment.c.unit,
            *reminder.c["step", "addressee", "unit", "state", "reason"],
        )
        .join_from(message_item, reminder)
        .join(assignment)
        .join(occurrence)
        .where(message_item.c.message_id == message_id)
        .order_by(reminder.c.id)
    )
    return [
        Told(f"{duty}/{period}@{unit}", *rest) for duty, period, unit, *rest in conn.execute(query)
    ]


def _attempts(conn: Connection, message_id: int) -> list[Tried]:
    columns = (attempt.c[name] for name in Tried._fields)
    query = select(*columns).where(attempt.c.message_id == message_id)
    return [Tried(*row) for row in conn.execute(query.order_by(attempt.c.number))]
