"""How messages end: what their attempts came to, and what then counts as told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Literal, NamedTuple

from sqlalchemy import Connection, bindparam, exists, func, literal_column, select, update

from dispatcher.i18n import Text, _
from dispatcher.ledger.channels import Closing
from dispatcher.ledger.leases import still_sending
from dispatcher.ledger.tables import (
    ALIVE,
    DELIVERED,
    IS_QUEUED,
    IS_UNKNOWN,
    attempt,
    message,
    message_item,
    reminder,
)
from dispatcher.ledger.types import among, clock_seconds

MAX_UNKNOWN = 3
"""A message is not sent again after so many attempts to which no answer came: whoever takes it and
never says so would get it for ever."""
MAX_DEATHS = 10
"""Nor after so many with which the process ended: it may be the message that ends it."""
MAX_RESCUES = 20
"""A message that a process has died with so often, before it began to send it, is given up."""
TELLING = ("sent", "unknown")

DIED = _("the process ended while this was being sent")

Outcome = Literal["sent", "temporary", "permanent", "unknown", "released"]


class Settled(NamedTuple):
    """How an attempt ended: why, the other side's own word, and its name for the message; and that
    its channel cannot be called for a while, if so."""

    outcome: Outcome
    reason: Text = _("accepted")
    detail: str = ""
    receipt: str = ""
    closing: Closing | None = None


class Ended(NamedTuple):
    """How attempt ``number`` of a message ended. ``again_at`` is when one that was not sent, or of
    unknown outcome, is tried again; None when a person has to look, as it is after too many of
    them. ``died`` says that the process ended with it, and not that no answer came."""

    message_id: int
    number: int
    settled: Settled
    again_at: datetime | None = None
    died: bool = False


def settle(conn: Connection, ended: Collection[Ended], now: datetime) -> dict[int, str]:
    """Records outcomes; gives the new state of each message by its id.

    Left out, and unchanged, is what has been settled meanwhile because its lease had expired.
    """
    latest = {each.message_id: each.number for each in sorted(ended, key=attrgetter("number"))}
    mine = still_sending(conn, latest)
    found = [each for each in ended if each.message_id in mine
             and each.number == latest[each.message_id]]  # fmt: skip
    if not found:
        return {}
    _end_attempts(conn, found, now)
    _tell(conn, [each.message_id for each in found if each.settled.outcome in TELLING], now)
    _end_sent(conn, [each for each in found if each.settled.outcome == "sent"], now)
    return {
        each.message_id: "sent" if each.settled.outcome == "sent" else _end_unsent(conn, each, now)
        for each in found
    }


_end_attempt = (
    update(attempt)
    .where(
        among(attempt.c.message_id),
        attempt.c.outcome == literal_column("'sending'"),
    )
    .values(finished_at=bindparam("now"), outcome=bindparam("became"), detail=bindparam("said"))
)
_settle_sent = (
    update(message)
    .where(message.c.id == bindparam("key"))
    .values(state="sent", lease_until=None, settled_at=bindparam("now"), receipt=bindparam("said"))
)


def _end_sent(conn: Connection, sent: Sequence[Ended], now: datetime) -> None:
    rows = [
        {"key": each.message_id, "said": each.settled.receipt or None, "now": now} for each in sent
    ]
    if rows:
        conn.execute(_settle_sent, rows)


def _end_attempts(conn: Connection, ended: Sequence[Ended], now: datetime) -> None:
    """Those that ended in the same way by one statement: a message has one attempt under way."""
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in ended:
        settled = each.settled
        alike[settled.outcome, settled.detail or str(settled.reason)].append(each.message_id)
    for (became, said), ids in alike.items():
        conn.execute(_end_attempt, {"ids": ids, "became": became, "said": said, "now": now})


def _end_unsent(conn: Connection, ended: Ended, now: datetime) -> str:
    key, _number, settled, again_at, died = ended
    if settled.outcome == "unknown" and _is_enough(conn, key, died=died):
        again_at = None
    if again_at and settled.outcome != "permanent":
        return end(conn, key, "queued", None, next_attempt_at=again_at)
    if settled.outcome == "unknown":
        return end(conn, key, "unknown", now)
    fail_reminders(conn, key, settled.reason)
    return end(conn, key, "failed", now, reason=settled.reason)


def _is_enough(conn: Connection, message_id: int, *, died: bool) -> bool:
    """Whether an attempt of unknown outcome was the last. Who never answers is one thing, and a
    process that ends another: its deaths say nothing of the addressee."""
    if died:
        return unknowns(conn, message_id) >= MAX_DEATHS
    return (conn.scalar(_unanswered, {"key": message_id}) or 0) >= MAX_UNKNOWN


def end(
    conn: Connection, message_id: int, state: str, settled_at: datetime | None, **values: object
) -> str:
    """Puts a message into a state in which nobody holds it."""
    row = {"state": state, "lease_until": None, "next_attempt_at": None, "settled_at": settled_at}
    conn.execute(update(message).where(message.c.id == message_id).values(row | values))
    return state


def _tell(conn: Connection, message_ids: Collection[int], now: datetime) -> None:
    """What the messages hold has been told, as far as anybody knows."""
    if message_ids:
        conn.execute(_told, {"ids": list(message_ids), "now": now})


_held = select(message_item.c.reminder_id).where(among(message_item.c.message_id))
_told = (
    update(reminder)
    .where(reminder.c.id.in_(_held), IS_QUEUED)
    .values(state="told", told_at=bindparam("now"))
)


def fail_reminders(conn: Connection, message_id: int, reason: Text) -> None:
    """Fails what a message holds that has failed, save what another one may bring or has brought.

    What counted as told since its outcome was unknown at first is told no longer.
    """
    mine = select(message_item.c.reminder_id).where(message_item.c.message_id == message_id)
    other, elsewhere = message.alias(), message_item.alias()
    hope = exists().where(
        elsewhere.c.reminder_id == reminder.c.id,
        other.c.id == elsewhere.c.message_id,
        other.c.id != message_id,
        other.c.state.in_((*ALIVE, *DELIVERED)),
    )
    open_or_told = reminder.c.state.in_(("queued", "told"))
    lost = update(reminder).where(reminder.c.id.in_(mine), open_or_told, ~hope)
    conn.execute(lost.values(state="failed", told_at=None, reason=reason))


# Held until the transaction ends: what is found in a state is freed from that very state.
_leased = (
    select(*message.c["id", "state", "attempts", "channel", "rescues"])
    .where(message.c.lease_until.is_not(None))
    .with_for_update(skip_locked=True)
)
_expired = _leased.where(message.c.lease_until < clock_seconds())


def rescue(
    conn: Connection,
    now: datetime,
    resend: Collection[str],
    mine: Collection[int] = (),
    *,
    orphans: bool = False,
) -> tuple[int, int]:
    """Frees what a dead process held: how many claims were released, and how many attempts became
    unknown. Those of the channels ``resend`` are sent again; what this process has in its own
    hands, ``mine``, it knows better.

    ``orphans`` says that every lease is a dead process's, expired or not: for the holder of the
    single daemon's lock, at its start.
    """
    rows = conn.execute(_leased if orphans else _expired).all()
    rows = [row for row in rows if row.id not in mine]
    claimed = [row for row in rows if row.state == "claimed"]
    for row in claimed:
        _free(conn, row.id, row.rescues + 1, now)

    def again(channel: str) -> datetime | None:
        return now if channel in resend else None

    lost = [
        Ended(row.id, row.attempts, Settled("unknown", DIED), again(row.channel), died=True)
        for row in rows
        if row.state == "sending"
    ]
    settle(conn, lost, now)
    return len(claimed), len(lost)


def _free(conn: Connection, message_id: int, rescues: int, now: datetime) -> None:
    if rescues < MAX_RESCUES:
        end(conn, message_id, "queued", None, next_attempt_at=now, rescues=rescues)
        return
    why = _("the process ended {count} times while it prepared this message", count=rescues)
    fail_reminders(conn, message_id, why)
    end(conn, message_id, "failed", now, reason=why, rescues=rescues)


_unanswered = select(func.count()).where(
    attempt.c.message_id == bindparam("key"), IS_UNKNOWN, attempt.c.detail != str(DIED)
)


def unknowns(conn: Connection, message_id: int) -> int:
    """How many attempts of a message ended without anybody knowing how."""
    count = select(func.count()).select_from(attempt)
    return conn.scalar(count.where(attempt.c.message_id == message_id, IS_UNKNOWN)) or 0
