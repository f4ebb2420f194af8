"""This ledger itself: when it went live, how far it has come, and whether it is paused."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import audit, revisions
from dispatcher.ledger.tables import installation


class Installation(NamedTuple):
    """``epoch`` names this ledger; ``hold`` is the reason of a pause, by whom, since when.

    ``watermark`` is the latest instant at which a pass has run; it never goes back.
    ``reconciled_on`` and ``revision`` are the day and the plan that the ledger agrees with.
    ``generation`` counts how often it was resumed after it had gone back to an older copy.
    """

    epoch: str
    go_live_on: date
    watermark: datetime
    reconciled_on: date | None
    revision: str | None
    hold: Text | None
    held_by: str | None
    held_at: datetime | None
    generation: int


_installation = select(*(installation.c[name] for name in Installation._fields))


def find(conn: Connection) -> Installation | None:
    """The installation; None before the first pass."""
    row = conn.execute(_installation).first()
    return Installation(*row) if row else None


def install(conn: Connection, today: date, now: datetime) -> Installation:
    """Goes live ``today``."""
    epoch = uuid4().hex
    conn.execute(insert(installation).values(id=1, epoch=epoch, go_live_on=today, watermark=now))
    return Installation(epoch, today, now, None, None, None, None, None, 1)


def advance(conn: Connection, now: datetime) -> None:
    """Moves the watermark to ``now``, never back."""
    conn.execute(update(installation).where(installation.c.watermark < now).values(watermark=now))


def apply_revision(conn: Connection, plan_hash: str, today: date, now: datetime) -> None:
    """Notes that the ledger now agrees with the plan ``plan_hash`` as of ``today``."""
    current = conn.scalar(select(installation.c.revision))
    if current != plan_hash:
        revisions.keep(conn, plan_hash, None, now)
        audit.record(conn, now, audit.PLAN, "revise", plan_hash, before=current)
    conn.execute(update(installation).values(reconciled_on=today, revision=plan_hash))


def look_back(conn: Connection, day: date) -> None:
    """The ledger agrees with its plan only up to ``day``: the next pass looks at all since then."""
    later = update(installation).where(installation.c.reconciled_on > day)
    conn.execute(later.values(reconciled_on=day))


def pause(conn: Connection, by: str, reason: str, at: datetime) -> bool:
    """Holds every message until ``resume``; False when it was paused already.

    Refused before the first pass, for there is nothing yet to hold.
    """
    found = find(conn)
    if found is None:
        raise Refused(_("nothing to pause: the daemon has never run on this database"))
    if found.hold is not None:
        return False
    conn.execute(update(installation).values(hold=reason, held_by=by, held_at=at))
    audit.record(conn, at, by, "pause", "dispatcher", Text("{note}", note=reason))
    return True


def resume(conn: Connection, by: str, at: datetime) -> bool:
    """Ends a pause; False when there was none."""
    held = update(installation).where(installation.c.hold.is_not(None))
    ended = conn.execute(held.values(hold=None, held_by=None, held_at=None)).rowcount > 0
    if ended:
        audit.record(conn, at, by, "resume", "dispatcher")
    return ended
