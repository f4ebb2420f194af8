"""Leases: a message in one process's hands, from the claim to the attempt.

``queued`` -> ``claimed`` (leased, nothing written) -> ``sending`` (committed before content may be
written) -> an outcome. Leases live on the database's clock; ``now`` decides only backoff. Every
step names the state and the attempt that it goes on from, so that one who was overtaken changes
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    Connection,
    Executable,
    Select,
    bindparam,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from dispatcher.ledger.outbox import WORDS, Content, Kind
from dispatcher.ledger.tables import attachment, attempt, message
from dispatcher.ledger.types import among, clock_seconds

LEASE = 150.0
"""Seconds; every channel's deadline for one attempt is shorter. Renewed while a message is in
hand."""


class Claimed(NamedTuple):
    """A message that this process may begin to send; ``content`` is None while it may change."""

    id: int
    channel: str
    address: str
    kind: Kind
    at: datetime
    attempts: int
    urgency: int
    content: Content | None


FACTS = Claimed._fields[:-1]


def _due(suspect: bool) -> CTE:
    """The queued messages that may leave, the longest due first; those that another process is
    taking at this moment are passed over.

    Named, so that PostgreSQL asks for them once: as a plain subquery it may ask for each row that
    it looks at, and take more than the limit.
    """
    return (
        select(message.c.id)
        .where(
            message.c.next_attempt_at <= bindparam("now"),
            message.c.kind.in_(bindparam("kinds", expanding=True)),
            message.c.channel.not_in(bindparam("busy", expanding=True)),
            message.c.rescues > 0 if suspect else message.c.rescues == 0,
        )
        .order_by(*[message.c.rescues] * suspect, *message.c["urgency", "next_attempt_at", "id"])
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("due")
    )


def _claim(suspect: bool) -> ReturningUpdate[Any]:
    due = _due(suspect)
    return (
        update(message)
        .where(message.c.id.in_(select(due.c.id)), message.c.state == "queued")
        .values(
            state="claimed", next_attempt_at=None, lease_until=clock_seconds() + bindparam("lease")
        )
        .returning(
            *message.c[FACTS],
            *message.c[WORDS],
        )
    )


_claim_sound, _claim_suspect = _claim(suspect=False), _claim(suspect=True)


def claim(
    conn: Connection,
    now: datetime,
    kinds: Collection[str],
    limit: int,
    *,
    busy: Collection[str] = (),
    lease: float = LEASE,
) -> list[Claimed]:
    """Leases up to ``limit`` queued messages that are due, the longest due first, for ``lease``
    seconds; none of the channels ``busy``, and none that a process has died with."""
    wanted = {"now": now, "kinds": list(kinds), "busy": list(busy), "lease": lease}
    return _taken(conn, _claim_sound, wanted | {"most": limit})


def claim_suspect(
    conn: Connection,
    now: datetime,
    kinds: Collection[str],
    *,
    busy: Collection[str] = (),
    lease: float = LEASE,
) -> list[Claimed]:
    """Leases one of those that a process has died with. They come last and one by one: the next
    death tells which it was."""
    wanted = {"now": now, "kinds": list(kinds), "busy": list(busy), "lease": lease}
    return _taken(conn, _claim_suspect, wanted | {"most": 1})


def _taken(
    conn: Connection, statement: ReturningUpdate[Any], wanted: Mapping[str, object]
) -> list[Claimed]:
    rows = []
    for row in conn.execute(statement, wanted):
        said = row[len(FACTS) :]
        content = None if row.subject is None else Content(*said)
        rows.append(Claimed._make((*row[: len(FACTS)], content)))
    return sorted(rows, key=lambda row: (row.urgency, row.at, row.id))


class Begun(NamedTuple):
    """A message whose attempt ``number`` has been recorded, so that it may be handed over."""

    claimed: Claimed
    content: Content
    number: int

    @property
    def key(self) -> tuple[int, int]:
        """Names the attempt."""
        return self.claimed.id, self.number


def still_claimed(conn: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those that are still this process's, each of them once. They stay so until this transaction
    ends."""
    mine = _still(conn, _claimed, {each.id: each.attempts for each in claimed})
    return [*{each.id: each for each in claimed if each.id in mine}.values()]


def begin_sending(
    conn: Connection,
    written: Sequence[tuple[Claimed, Content]],
    now: datetime,
    *,
    lease: float = LEASE,
) -> list[Begun]:
    """Freezes the bytes of claimed messages and begins an attempt of each.

    To be committed before their channels are called. Left out is what was overtaken: its claim has
    expired, or somebody else has begun.
    """
    mine = _still(conn, _claimed, {claimed.id: claimed.attempts for claimed, _said in written})
    begun = [
        Begun(claimed, content, claimed.attempts + 1)
        for claimed, content in written
        if claimed.id in mine
    ]
    fresh = [each for each in begun if each.claimed.content is None]
    again = [each.claimed.id for each in begun if each.claimed.content is not None]
    words = [{"key": each.claimed.id, "lease": lease} | each.content.words for each in fresh]
    _many(conn, _begin_fresh, words)
    if again:
        conn.execute(_begin, {"ids": again, "lease": lease})
    _many(conn, _attach, [file for each in fresh for file in _files(each)])
    if begun:
        conn.execute(_attempt, {"ids": [each.claimed.id for each in begun], "now": now})
    return begun


_these = among(message.c.id)
_start = update(message).values(
    state="sending",
    attempts=message.c.attempts + 1,
    lease_until=clock_seconds() + bindparam("lease"),
)
_begin = _start.where(_these)
_begin_fresh = _start.where(message.c.id == bindparam("key")).values(
    {name: bindparam(name) for name in WORDS}
)
_attempt = insert(attempt).from_select(
    ["message_id", "number", "started_at", "outcome"],
    select(
        *message.c["id", "attempts"],
        bindparam("now", type_=attempt.c.started_at.type),
        literal_column("'sending'"),
    ).where(_these),
)
_attach = insert(attachment)


def _files(begun: Begun) -> list[dict[str, Any]]:
    return [
        {"message_id": begun.claimed.id, "name": name, "content": file}
        for name, file in begun.content.files
    ]


def _many(conn: Connection, statement: Executable, rows: list[dict[str, Any]]) -> None:
    if rows:
        conn.execute(statement, rows)


def still_sending(conn: Connection, attempts: Mapping[int, int]) -> set[int]:
    """Of the messages by id, those whose attempt of this number is still under way. They stay so
    until this transaction ends."""
    return _still(conn, _sending, attempts)


def _still(conn: Connection, query: Select[Any], attempts: Mapping[int, int]) -> set[int]:
    if not attempts:
        return set()
    rows = conn.execute(query, {"ids": list(attempts)})
    return {key for key, number in rows if attempts[key] == number}


# Built once: to build a statement costs more than to run it.
_seen = select(*message.c["id", "attempts"]).where(_these).order_by(message.c.id).with_for_update()
_claimed = _seen.where(message.c.state == "claimed", message.c.lease_until > clock_seconds())
_sending = _seen.where(message.c.state == "sending")


_renew = (
    update(message)
    .where(
        message.c.id == bindparam("key"),
        message.c.state == bindparam("was"),
        message.c.attempts == bindparam("number"),
    )
    .values(lease_until=clock_seconds() + bindparam("lease"))
)


def renew(
    conn: Connection, claimed: Iterable[Claimed], begun: Iterable[Begun], lease: float
) -> None:
    """The heartbeat: what this process has in hand stays its own for another ``lease`` seconds."""
    rows = [{"key": each.id, "was": "claimed", "number": each.attempts} for each in claimed]
    rows += [{"key": each.claimed.id, "was": "sending", "number": each.number} for each in begun]
    _many(conn, _renew, [row | {"lease": lease} for row in rows])


_files_of = (
    select(*attachment.c["message_id", "name", "content"])
    .where(among(attachment.c.message_id))
    .order_by(attachment.c.name)
)


def frozen(conn: Connection, claimed: Sequence[Claimed]) -> dict[int, Content]:
    """What messages said at their first attempt, files and all, by id; what may still change is
    left out."""
    said = {each.id: each.content for each in claimed if each.content is not None}
    tried = [each.id for each in claimed if each.attempts]
    for key, name, file in conn.execute(_files_of, {"ids": tried}) if tried else ():
        said[key] = said[key]._replace(files=(*said[key].files, (name, file)))
    return said


_release = (
    update(message)
    .where(
        message.c.id == bindparam("key"),
        message.c.state == "claimed",
        message.c.attempts == bindparam("number"),
    )
    .values(state="queued", lease_until=None, next_attempt_at=bindparam("again"))
)


def release(conn: Connection, claimed: Iterable[Claimed], at: datetime) -> None:
    """Gives claims back with nothing written; the messages are due again ``at``."""
    rows = [{"key": each.id, "number": each.attempts, "again": at} for each in claimed]
    _many(conn, _release, rows)
