"""The ledger in figures, for those who watch it from outside."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from dispatcher.ledger.tables import ALIVE, assignment, attempt, message, occurrence, reminder
from dispatcher.ledger.transitions import CHASED


class Due(NamedTuple):
    """How many are due and not yet dealt with, and since when the oldest is."""

    number: int
    oldest_at: datetime | None


class Figures(NamedTuple):
    """``told`` counts reminders by step, ``attempts`` by channel and outcome; ``provisional`` are
    the open assignments whose dates rest on what has not been announced."""

    steps: Due
    messages: Due
    told: dict[str, int]
    attempts: dict[tuple[str, str], int]
    provisional: int


def figures(conn: Connection, now: datetime, leaving: Collection[str]) -> Figures:
    """All of them, as of ``now``, when messages of the kinds ``leaving`` may leave.

    What is due costs what is due: some milliseconds. The others read every reminder, every attempt
    and every open assignment once, about half a second for a million of each; an index for it
    would be written by every pass, for one who asks once a minute.
    """
    return Figures(
        steps=_due(conn, assignment.c.next_at, assignment.c.next_at <= now),
        messages=_due(
            conn,
            message.c.at,
            *(message.c.state.in_(ALIVE), message.c.at <= now, message.c.kind.in_(leaving)),
        ),
        told=_told(conn),
        attempts=_attempts(conn),
        provisional=_provisional(conn),
    )


def _due(
    conn: Connection, instant: ColumnElement[datetime | None], *which: ColumnElement[bool]
) -> Due:
    return Due(*conn.execute(select(func.count(), func.min(instant)).where(*which)).one())


def _told(conn: Connection) -> dict[str, int]:
    query = select(reminder.c.step, func.count()).where(reminder.c.state == "told")
    told: dict[str, int] = dict(conn.execute(query.group_by(reminder.c.step)).all())
    return told


def _attempts(conn: Connection) -> dict[tuple[str, str], int]:
    kinds = (message.c.channel, attempt.c.outcome)
    query = select(*kinds, func.count()).join_from(attempt, message).group_by(*kinds)
    return {(channel, outcome): count for channel, outcome, count in conn.execute(query)}


def _provisional(conn: Connection) -> int:
    query = select(func.count()).join_from(assignment, occurrence)
    return conn.scalar(query.where(occurrence.c.provisional, assignment.c.state.in_(CHASED))) or 0
