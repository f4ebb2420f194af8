"""Lapsing: what is overdue gives way once its successor has fallen due."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam

from dispatcher.ledger.assignments import ASSIGNED, Assigned
from dispatcher.ledger.tables import assignment, occurrence, round_
from dispatcher.ledger.transitions import CHASED

_later, _successor = occurrence.alias(), assignment.alias()
_lapsing = (
    ASSIGNED.add_columns(_later.c.period, _successor.c.due_on, round_.c.begun_at)
    .join(
        _later,
        and_(_later.c.duty == occurrence.c.duty, _later.c.nominal_on > occurrence.c.nominal_on),
    )
    .join(
        _successor,
        and_(
            _successor.c.occurrence_id == _later.c.id,
            _successor.c.unit == assignment.c.unit,
            _successor.c.state != "withdrawn",
            _successor.c.due_on > assignment.c.due_on,
            _successor.c.due_on.between(bindparam("since"), bindparam("today")),
        ),
    )
    .join(
        round_,
        and_(round_.c.assignment_id == assignment.c.id, round_.c.number == assignment.c.round),
    )
    .where(
        assignment.c.state.in_(CHASED),
        assignment.c.due_on < bindparam("today"),
        # Copies are not overdue: they close with the last one that is owed.
        assignment.c.owes,
        occurrence.c.event.is_(False),
    )
    .order_by(assignment.c.id, _successor.c.due_on)
)


class Lapsing(NamedTuple):
    """An overdue assignment, a successor of it that has fallen due, and the start of its round."""

    assigned: Assigned
    successor: str
    successor_due: date
    begun_at: datetime


def lapsing(conn: Connection, since: date, today: date) -> list[Lapsing]:
    """The overdue assignments with each successor due from ``since`` to ``today``, in order."""
    rows = conn.execute(_lapsing, {"since": since, "today": today})
    return [
        Lapsing(Assigned(*row), f"{row[2]}/{period}", due, begun)
        for *row, period, due, begun in rows
    ]
