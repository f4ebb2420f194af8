"""The outbox: what is queued to leave, once to each address at one time.

``leases`` has what happens to it then, ``outcomes`` how it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, and_, insert, or_, select, update

from dispatcher.ledger.tables import NO_SLIP, message, message_item

Kind = Literal["digest", "brief", "status", "test", "slip"]


URGENT, USUAL, LEAST = range(3)
"""Of what is due, the urgent leaves first, a report to the office last."""
WORDS = ("subject", "text", "html", "card")
MANY = 500
"""Addresses that are asked for in one query."""
NOT_IN_VAIN = message.c.state.not_in(("cancelled", "failed"))


class Address(NamedTuple):
    """Where a message goes."""

    channel: str
    address: str


class Content(NamedTuple):
    """What a message says, and the files that it carries, each with its name; ``card`` is the
    digest as data, for a channel that lays it out itself."""

    subject: str
    text: str
    html: str
    card: dict[str, Any] | None = None
    files: tuple[tuple[str, bytes], ...] = ()

    @property
    def words(self) -> dict[str, Any]:
        """The columns of a message."""
        return {name: getattr(self, name) for name in WORDS}


def queue(
    conn: Connection, to: Address, kind: Kind, at: datetime, *, content: Content
) -> int | None:
    """Queues a message, to leave from ``at`` on; gives its id, or None when the address has had
    such a message at this very instant."""
    key = {**to._asdict(), "kind": kind, "at": at}
    if conn.scalar(select(message.c.id).filter_by(**key).where(NO_SLIP)) is not None:
        return None
    return _queue(conn, key | content.words | {"urgency": LEAST})


class Pile(NamedTuple):
    """Reminders for one address: the ``urgent`` leave before the others, and all of them by
    ``delay`` later than they might."""

    reminders: Collection[int]
    urgent: bool = False
    delay: timedelta = timedelta()


def queue_digests(
    conn: Connection, waiting: Mapping[Address, Pile], at: datetime, since: datetime
) -> int:
    """Queues a digest of reminders for each address, or adds them to one that waits for its first
    attempt; gives how many digests.

    An address that has had a digest from ``since`` on is left out: its reminders wait for a later
    one. What a clock that was ahead has dated after ``at`` is none.
    """
    found = _waiting_digests(conn, at)
    fresh = [to for to in waiting if to not in found]
    had = _addressed(conn, fresh, at, since)
    fresh = [to for to in fresh if to not in had]
    hurried = [found[to] for to, pile in waiting.items() if pile.urgent and to in found]
    found |= _queue_digests(conn, {to: waiting[to] for to in fresh}, at)
    digests = {found[to]: pile.reminders for to, pile in waiting.items() if to in found}
    rows = [
        {"message_id": key, "reminder_id": item} for key, items in digests.items() for item in items
    ]
    if rows:
        conn.execute(insert(message_item), rows)
    if hurried:
        conn.execute(update(message).where(message.c.id.in_(hurried)).values(urgency=URGENT))
    return len(digests)


def _waiting_digests(conn: Connection, at: datetime) -> dict[Address, int]:
    """The digests that may still change, held until this transaction ends: nobody else claims
    them."""
    query = select(*message.c["channel", "address", "id"]).where(
        message.c.next_attempt_at.is_not(None),
        message.c.attempts == 0,
        message.c.kind == "digest",
        message.c.at <= at,
    )
    rows = conn.execute(query.with_for_update())
    return {Address(channel, address): key for channel, address, key in rows}


def _addressed(
    conn: Connection, to: Collection[Address], at: datetime, since: datetime
) -> set[Address]:
    """Those of the addresses that have had a digest from ``since`` on."""
    found: set[Address] = set()
    for channel in {each.channel for each in to}:
        names = [each.address for each in to if each.channel == channel]
        for first in range(0, len(names), MANY):
            query = select(message.c.address).where(
                NO_SLIP,
                message.c.channel == channel,
                message.c.address.in_(names[first : first + MANY]),
                message.c.kind == "digest",
                or_(message.c.at == at, and_(message.c.at.between(since, at), NOT_IN_VAIN)),
            )
            found |= {Address(channel, address) for address in conn.scalars(query)}
    return found


def _queue_digests(
    conn: Connection, piles: Mapping[Address, Pile], at: datetime
) -> dict[Address, int]:
    rows = [
        {**to._asdict(), "kind": "digest", "at": at, **_new(at + pile.delay)}
        | {"urgency": URGENT if pile.urgent else USUAL}
        for to, pile in piles.items()
    ]
    # Not in their order: for that SQLAlchemy would give SQLite one row at a time.
    keys = insert(message).returning(*message.c["channel", "address", "id"])
    found = conn.execute(keys, rows) if rows else ()
    return {Address(channel, address): key for channel, address, key in found}


def hurry(conn: Connection, now: datetime) -> None:
    """Has what is of ``now`` or before, and waits for a later moment, leave from ``now`` on."""
    later = update(message).where(message.c.next_attempt_at > now, message.c.at <= now)
    conn.execute(later.values(next_attempt_at=now))


def _queue(conn: Connection, values: Mapping[str, object]) -> int:
    done = conn.execute(insert(message).values({**_new(values["at"]), **values}))
    assert done.inserted_primary_key
    return int(done.inserted_primary_key[0])


def _new(at: object) -> dict[str, object]:
    """The columns of a message that waits for its first attempt."""
    return {"state": "queued", "attempts": 0, "next_attempt_at": at, "urgency": USUAL}


def queue_slip(conn: Connection, to: Address, slip_id: int, content: Content, at: datetime) -> None:
    """Queues a released slip, to leave from ``at`` on as it is; an address gets a slip once."""
    _queue(conn, {**to._asdict(), "kind": "slip", "slip_id": slip_id, "at": at, **content.words})
