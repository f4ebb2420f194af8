"""Counting what was owed in a stretch of time and what became of it: the figures of a 通报."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from dispatcher.ledger.tables import assignment, occurrence
from dispatcher.ledger.transitions import CHASED
from dispatcher.plan.periods import Period


class Tally(NamedTuple):
    """How many assignments a unit owed, and how many of them are done, waived, reported and not
    yet closed, being worked on (``overdue`` of these are late), or lapsed unanswered.

    What was withdrawn is not counted.
    """

    unit: str
    owed: int
    done: int
    waived: int
    reported: int
    open: int
    overdue: int
    lapsed: int

    @property
    def rate(self) -> float:
        """The share that is done of what had to be done, in per cent, rounded to 0.1; what was
        waived did not have to be."""
        wanted = self.owed - self.waived
        return round(100 * self.done / wanted, 1) if wanted else 100.0


def together(name: str, tallies: Sequence[Tally]) -> Tally:
    """The sum of ``tallies``, under a name of its own."""
    return Tally(
        name, *(sum(column) for column in zip(*(each[1:] for each in tallies), strict=True))
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def tallies(conn: Connection, stretch: Period, today: date) -> list[Tally]:
    """A tally for each unit of what the plan had it owe in ``stretch``: by the plan's due dates,
    so that an extension takes nothing out of its quarter."""
    state, due = assignment.c.state, assignment.c.due_on
    query = (
        select(
            assignment.c.unit,
            func.count(),
            *(_count(state == each) for each in ("done", "waived", "reported")),
            _count(state.in_(CHASED)),
            _count(and_(state.in_(CHASED), due < today)),
            _count(state == "lapsed"),
        )
        .join_from(assignment, occurrence)
        .where(
            assignment.c.owes,
            state != "withdrawn",
            occurrence.c.due_on.between(stretch.first, stretch.last),
        )
        .group_by(assignment.c.unit)
        .order_by(func.min(assignment.c.id))
    )
    return [Tally(*row) for row in conn.execute(query)]
