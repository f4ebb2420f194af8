"""The outbox: messages from queueing to their outcome, so that each leaves once and none is lost.

``queued`` -> ``claimed`` (leased, nothing written) -> ``sending`` (committed before content may be
written) -> an outcome. Leases live on the database's clock; ``now`` decides only backoff. Every
step names the state and the attempt that it goes on from, so that one who was overtaken changes
nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, select, update

from dispatcher.ledger.tables import attempt, message, message_item
from dispatcher.ledger.types import clock_seconds

LEASE = 300.0
"""Seconds; every channel's deadline for one attempt is shorter."""
Kind = Literal["digest", "brief", "status", "test"]


class Address(NamedTuple):
    """Where a message goes."""

    channel: str
    address: str


class Content(NamedTuple):
    """What a message says."""

    subject: str
    text: str
    html: str


class Claimed(NamedTuple):
    """A message that this process may begin to send; ``content`` is None while it may change."""

    id: int
    channel: str
    address: str
    kind: Kind
    at: datetime
    attempts: int
    content: Content | None


def queue(
    conn: Connection,
    to: Address,
    kind: Kind,
    at: datetime,
    *,
    items: Collection[int] = (),
    content: Content | None = None,
) -> int | None:
    """Queues a message, to leave from ``at`` on; gives its id.

    A digest that waits for its first attempt takes the reminders ``items`` of a later one. None
    when the address has had such a message at this very instant: what is left over waits for the
    next pass.
    """
    key = {**to._asdict(), "kind": kind}
    waiting = select(message.c.id).filter_by(**key, state="queued", attempts=0)
    found = conn.scalar(waiting) if items else None
    if found is None:
        if conn.scalar(select(message.c.id).filter_by(**key, at=at)) is not None:
            return None
        values = {**key, "at": at, "state": "queued", "attempts": 0, "next_attempt_at": at}
        said = content._asdict() if content else {}
        done = conn.execute(insert(message).values(values | said))
        assert done.inserted_primary_key
        found = int(done.inserted_primary_key[0])
    if items:
        rows = [{"message_id": found, "reminder_id": item} for item in items]
        conn.execute(insert(message_item), rows)
    return found


_due = (
    select(message.c.id)
    .where(
        message.c.next_attempt_at <= bindparam("now"),
        message.c.kind.in_(bindparam("kinds", expanding=True)),
    )
    .order_by(message.c.next_attempt_at, message.c.id)
    .limit(bindparam("most"))
)
_claim = (
    update(message)
    .where(message.c.id.in_(_due), message.c.state == "queued")
    .values(state="claimed", next_attempt_at=None, lease_until=clock_seconds() + LEASE)
    .returning(
        *message.c["id", "channel", "address", "kind", "at", "attempts"],
        *message.c["subject", "text", "html"],
    )
)


def claim(conn: Connection, now: datetime, kinds: Collection[str], limit: int) -> list[Claimed]:
    """Leases up to ``limit`` queued messages that are due, the longest due first."""
    claimed = conn.execute(_claim, {"now": now, "kinds": list(kinds), "most": limit})
    rows = []
    for key, channel, address, kind, at, attempts, *said in claimed:
        content = None if said[0] is None else Content(*said)
        rows.append(Claimed(key, channel, address, kind, at, attempts, content))
    return sorted(rows, key=lambda row: (row.at, row.id))


def begin_sending(
    conn: Connection, claimed: Claimed, content: Content, now: datetime
) -> int | None:
    """Freezes the bytes and begins an attempt, whose number it gives.

    To be committed before the channel is called. None when the claim has expired or somebody else
    has begun.
    """
    number = claimed.attempts + 1
    still_mine = and_(
        at_attempt(claimed.id, "claimed", claimed.attempts), message.c.lease_until > clock_seconds()
    )
    begun = update(message).where(still_mine).values(
        state="sending",
        attempts=number,
        lease_until=clock_seconds() + LEASE,
        **content._asdict(),
    )  # fmt: skip
    if conn.execute(begun).rowcount == 0:
        return None
    values = {"number": number, "started_at": now, "outcome": "sending"}
    conn.execute(insert(attempt).values(message_id=claimed.id, **values))
    return number


def release(conn: Connection, claimed: Claimed, at: datetime) -> None:
    """Gives a claim back with nothing written; the message is due again ``at``."""
    mine = at_attempt(claimed.id, "claimed", claimed.attempts)
    back = {"state": "queued", "lease_until": None, "next_attempt_at": at}
    conn.execute(update(message).where(mine).values(back))


def at_attempt(message_id: int, state: str, attempts: int) -> ColumnElement[bool]:
    """The message as it was when this process last saw it."""
    return and_(
        message.c.id == message_id, message.c.state == state, message.c.attempts == attempts
    )
