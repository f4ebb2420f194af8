"""Revisions of the calendar: their texts, and what became of each edit of the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, insert, select, update

from dispatcher.i18n import Text
from dispatcher.ledger.tables import EDIT_OPEN, edit, installation, revision

State = Literal["held", "refused", "agreed", "applied", "dropped"]
PROGRAM = "dispatcher"
"""By whom an edit is settled that no person was asked about."""


class Edit(NamedTuple):
    """What was found in the file, and what became of it; ``hash`` names its revision.

    ``reason`` says why it was held or refused, ``consequences`` counts what it changes.
    """

    id: int
    hash: str
    noticed_at: datetime
    state: State
    reason: Text | None
    consequences: Mapping[str, int] | None
    settled_at: datetime | None
    settled_by: str | None


_edits = select(*(edit.c[name] for name in Edit._fields)).order_by(edit.c.id)


def keep(conn: Connection, plan_hash: str, calendar: str | None, now: datetime) -> None:
    """Keeps a revision, and its text if it is known by now."""
    known = conn.execute(select(revision.c.calendar).where(revision.c.hash == plan_hash)).first()
    if known is None:
        row = {"hash": plan_hash, "kept_at": now, "calendar": calendar}
        conn.execute(insert(revision).values(row))
    elif known.calendar is None and calendar is not None:
        this = revision.c.hash == plan_hash
        conn.execute(update(revision).where(this).values(calendar=calendar))


def running(conn: Connection) -> str | None:
    """The hash of the revision in force; None before the first pass."""
    found: str | None = conn.scalar(select(installation.c.revision))
    return found


def calendar(conn: Connection, plan_hash: str) -> str | None:
    """The text of a revision, where it was kept."""
    found: str | None = conn.scalar(select(revision.c.calendar).where(revision.c.hash == plan_hash))
    return found


def in_force(conn: Connection) -> tuple[str, str] | None:
    """The hash and the text of the revision in force, where that was kept."""
    hash = running(conn)
    text = calendar(conn, hash) if hash else None
    return None if hash is None or text is None else (hash, text)


def edits(conn: Connection) -> list[Edit]:
    """Every edit, the oldest first."""
    return [Edit(*row) for row in conn.execute(_edits)]


def was_in_force(conn: Connection, text: str) -> bool:
    """Whether a calendar was applied before, however it was read then: another version of the
    program gives the same text another hash."""
    kept = select(edit.c.id).join(revision, revision.c.hash == edit.c.hash)
    applied = kept.where(revision.c.calendar == text, edit.c.state == "applied")
    return conn.execute(applied).first() is not None


def waiting(conn: Connection) -> Edit | None:
    """The edit that is held or refused, if there is one."""
    row = conn.execute(_edits.where(edit.c.state.in_(EDIT_OPEN))).first()
    return Edit(*row) if row else None


def agreed(conn: Connection) -> Edit | None:
    """The edit that somebody has agreed to, and no pass has taken up yet."""
    row = conn.execute(_edits.where(edit.c.state == "agreed")).first()
    return Edit(*row) if row else None


def record(
    conn: Connection,
    plan_hash: str,
    state: State,
    now: datetime,
    reason: Text | None = None,
    consequences: Mapping[str, int] | None = None,
) -> None:
    """Adds an edit; what waited before it is dropped."""
    drop(conn, now)
    settled = state not in EDIT_OPEN
    conn.execute(
        insert(edit).values(
            hash=plan_hash,
            noticed_at=now,
            state=state,
            reason=reason,
            consequences=consequences,
            settled_at=now if settled else None,
            settled_by=PROGRAM if settled else None,
        )
    )


def refuse_again(conn: Connection, waits: Edit, plan_hash: str, reason: Text) -> None:
    """The file that was refused holds something else, which is refused too."""
    change = update(edit).where(edit.c.id == waits.id)
    conn.execute(change.values(hash=plan_hash, reason=reason))


def settle(conn: Connection, waits: Edit, state: State, by: str, now: datetime) -> None:
    """Says what became of an edit, by whom."""
    change = update(edit).where(edit.c.id == waits.id)
    conn.execute(change.values(state=state, settled_at=now, settled_by=by))


def hold_again(conn: Connection, agreed_to: Edit, reason: Text) -> None:
    """An edit that somebody has agreed to cannot be taken up."""
    change = update(edit).where(edit.c.id == agreed_to.id)
    conn.execute(change.values(state="held", reason=reason, settled_at=None, settled_by=None))


def drop(conn: Connection, now: datetime) -> None:
    """The file no longer holds what waited, if anything did."""
    waits = waiting(conn)
    if waits:
        settle(conn, waits, "dropped", PROGRAM, now)
