"""What lies on the office's desk: reports to look at, extensions to decide, figures that fall
short, and what has changed since it last looked."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from dispatcher.ledger.assignments import Assigned, assigned_where
from dispatcher.ledger.tables import IS_MISSED, assignment, audit, occurrence
from dispatcher.ledger.transitions import OPEN

CHANGES = ("move", "withdrawn", "lapsed", "restore")


class Waiting(NamedTuple):
    """An assignment that waits for the office; ``asked_on`` the date of an extension asked for."""

    unit: str
    title: str
    period: str
    due_on: date
    asked_on: date | None


_waiting = (
    select(
        assignment.c.unit,
        *occurrence.c["title", "period"],
        *assignment.c["due_on", "asked_on"],
    )
    .join_from(assignment, occurrence)
    .order_by(assignment.c.due_on, occurrence.c.duty, assignment.c.id)
)


def reported(conn: Connection) -> list[Waiting]:
    """What units have reported and nobody has closed or sent back."""
    return [Waiting(*row) for row in conn.execute(_waiting.where(assignment.c.state == "reported"))]


def extensions_asked(conn: Connection) -> list[Waiting]:
    """The extensions that nobody has granted or refused; only what is chased has one."""
    asked = assignment.c.asked_on.is_not(None)
    return [Waiting(*row) for row in conn.execute(_waiting.where(asked))]


def missed(conn: Connection) -> list[Assigned]:
    """The open assignments of which the latest figures fall short."""
    return assigned_where(conn, IS_MISSED, assignment.c.state.in_(OPEN))


def changes_since(conn: Connection, since: datetime) -> Counter[str]:
    """How many assignments edits and time have moved, withdrawn, restored or let lapse."""
    query = (
        select(audit.c.action, func.count())
        .where(audit.c.at > since, audit.c.action.in_(CHANGES))
        .group_by(audit.c.action)
    )
    return Counter(dict(conn.execute(query).all()))
