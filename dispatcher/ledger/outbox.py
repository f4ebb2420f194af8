"""The outbox: messages from queueing to their outcome, so that each leaves once and none is lost.

``queued`` -> ``claimed`` (leased, nothing written) -> ``sending`` (committed before content may be
written) -> an outcome. Leases live on the database's clock; ``now`` decides only backoff. Every
step names the state and the attempt that it goes on from, so that one who was overtaken changes
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, or_, select, update

from dispatcher.ledger.tables import NO_SLIP, attachment, attempt, message, message_item
from dispatcher.ledger.types import clock_seconds

LEASE = 300.0
"""Seconds; every channel's deadline for one attempt is shorter."""
Kind = Literal["digest", "brief", "status", "test", "slip"]


NOT_IN_VAIN = message.c.state.not_in(("cancelled", "failed"))


class Address(NamedTuple):
    """Where a message goes."""

    channel: str
    address: str


class Content(NamedTuple):
    """What a message says, and the files that it carries, each with its name."""

    subject: str
    text: str
    html: str
    files: tuple[tuple[str, bytes], ...] = ()

    @property
    def words(self) -> dict[str, str]:
        """The columns of a message."""
        return {"subject": self.subject, "text": self.text, "html": self.html}


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
    conn: Connection, to: Address, kind: Kind, at: datetime, *, content: Content
) -> int | None:
    """Queues a message, to leave from ``at`` on; gives its id, or None when the address has had
    such a message at this very instant."""
    key = {**to._asdict(), "kind": kind, "at": at}
    if conn.scalar(select(message.c.id).filter_by(**key).where(NO_SLIP)) is not None:
        return None
    return _queue(conn, key | content.words)


def queue_digest(
    conn: Connection, to: Address, at: datetime, since: datetime, items: Collection[int]
) -> int | None:
    """Queues a digest of the reminders ``items``, or adds them to one that waits for its first
    attempt; gives its id.

    None when the address has had a digest from ``since`` on: they wait for a later one.
    """
    key = {**to._asdict(), "kind": "digest"}
    digest = select(message.c.id).filter_by(**key).where(NO_SLIP)
    found = conn.scalar(digest.filter_by(state="queued", attempts=0))
    if found is None:
        had = or_(message.c.at == at, and_(message.c.at >= since, NOT_IN_VAIN))
        if conn.scalar(digest.where(had).limit(1)) is not None:
            return None
        found = _queue(conn, key | {"at": at})
    rows = [{"message_id": found, "reminder_id": item} for item in items]
    conn.execute(insert(message_item), rows)
    return found


def _queue(conn: Connection, values: Mapping[str, object]) -> int:
    waiting = {"state": "queued", "attempts": 0, "next_attempt_at": values["at"]}
    done = conn.execute(insert(message).values({**values, **waiting}))
    assert done.inserted_primary_key
    return int(done.inserted_primary_key[0])


def queue_slip(conn: Connection, to: Address, slip_id: int, content: Content, at: datetime) -> None:
    """Queues a released slip, to leave from ``at`` on as it is; an address gets a slip once."""
    _queue(conn, {**to._asdict(), "kind": "slip", "slip_id": slip_id, "at": at, **content.words})


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
        **content.words,
    )  # fmt: skip
    if conn.execute(begun).rowcount == 0:
        return None
    values = {"number": number, "started_at": now, "outcome": "sending"}
    conn.execute(insert(attempt).values(message_id=claimed.id, **values))
    if claimed.content is None and content.files:
        rows = [
            {"message_id": claimed.id, "name": name, "content": file}
            for name, file in content.files
        ]
        conn.execute(insert(attachment), rows)
    return number


def frozen(conn: Connection, claimed: Claimed) -> Content | None:
    """What a message said at its first attempt, files and all; None while it may change."""
    if claimed.content is None:
        return None
    query = select(*attachment.c["name", "content"]).order_by(attachment.c.name)
    files = conn.execute(query.where(attachment.c.message_id == claimed.id))
    return claimed.content._replace(files=tuple((name, file) for name, file in files))


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
