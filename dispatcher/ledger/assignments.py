"""Assignments from entering to closing: what each unit owes of an occurrence."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, select, update

from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import audit, reminders
from dispatcher.ledger.tables import CHASED, OPEN, answer, assignment, occurrence, round_
from dispatcher.plan.model import Duty
from dispatcher.plan.occurrences import Occurrence


class Assigned(NamedTuple):
    """An assignment with the dates of its occurrence.

    ``due_on`` is the unit's own date, ``planned_on`` the occurrence's; they differ once the unit
    has been granted another.
    """

    id: int
    occurrence_id: int
    duty: str
    period: str
    unit: str
    role: str
    owes: bool
    state: str
    round: int
    opens_on: date
    due_on: date
    planned_on: date
    nominal_on: date
    provisional: bool
    closed_by: str | None

    @property
    def key(self) -> str:
        """``dropout-check/2023-03@区社管局``."""
        return f"{self.duty}/{self.period}@{self.unit}"

    @property
    def addressee(self) -> str:
        """As whom its unit is told."""
        return "owner" if self.owes else "copy"

    def of(self, duty: Duty) -> Occurrence:
        """The occurrence as this unit has it, to ask the plan about its steps."""
        return Occurrence(
            duty, self.period, self.opens_on, self.due_on, self.nominal_on, self.provisional
        )


_columns: tuple[ColumnElement[Any], ...] = (
    *assignment.c["id", "occurrence_id"],
    *occurrence.c["duty", "period"],
    *assignment.c["unit", "role", "owes", "state", "round"],
    occurrence.c.opens_on,
    assignment.c.due_on,
    occurrence.c.due_on,
    *occurrence.c["nominal_on", "provisional"],
    assignment.c.closed_by,
)
_assigned = select(*_columns).join_from(assignment, occurrence)


def select_assigned(
    conn: Connection,
    *,
    unit: str | None = None,
    duty: str | None = None,
    period: str | None = None,
    states: Collection[str] = (),
) -> list[Assigned]:
    """The assignments that fit everything given, by due date, then duty and unit."""
    query = _assigned.order_by(assignment.c.due_on, occurrence.c.duty, assignment.c.unit)
    given = ((assignment.c.unit, unit), (occurrence.c.duty, duty), (occurrence.c.period, period))
    query = query.where(*(column == value for column, value in given if value is not None))
    if states:
        query = query.where(assignment.c.state.in_(states))
    return [Assigned(*row) for row in conn.execute(query)]


def due_for_telling(conn: Connection, now: datetime) -> list[Assigned]:
    """The chased assignments to be looked at by ``now``: it costs what is due, not what is open."""
    due = _assigned.where(assignment.c.next_at <= now)
    # Sorted here: for rows in the order of their key SQLite would rather read them all.
    return sorted(Assigned(*row) for row in conn.execute(due))


def look_again(conn: Connection, instants: Iterable[tuple[int, datetime | None]]) -> None:
    """Sets when each assignment is to be looked at next; None is never."""
    rows = [{"key": key, "at": at} for key, at in instants]
    if rows:
        change = update(assignment).where(assignment.c.id == bindparam("key"))
        conn.execute(change.values(next_at=bindparam("at")), rows)


def look_at_all(conn: Connection, now: datetime) -> None:
    """Has every chased assignment looked at again: an edit may have changed any step."""
    chased = assignment.c.state.in_(CHASED)
    conn.execute(update(assignment).where(chased).values(next_at=now))


def begin_round(
    conn: Connection, assignment_id: int, number: int, cause: str, due: date, now: datetime
) -> None:
    """A fresh run of steps: what was told in the rounds before no longer counts as told."""
    values = {"number": number, "cause": cause, "due_on": due, "begun_at": now}
    conn.execute(insert(round_).values(assignment_id=assignment_id, **values))


def move(
    conn: Connection, assigned: Assigned, due: date, now: datetime, *, new_round: bool
) -> Assigned:
    """Another due date, by an edit of the plan or its calendar; looked at again by this pass."""
    number = assigned.round + new_round
    if new_round:
        begin_round(conn, assigned.id, number, "moved", due, now)
    again = now if assigned.state in CHASED else None
    _change(conn, assigned, due_on=due, round=number, next_at=again)
    audit.record(
        conn, now, audit.PLAN, "move", assigned.key,
        before=assigned.due_on.isoformat(), after=due.isoformat(),
    )  # fmt: skip
    return assigned._replace(due_on=due, round=number)


def change_part(conn: Connection, assigned: Assigned, role: str, owes: bool, now: datetime) -> None:
    """Another part in the duty, by an edit of the plan."""
    _change(conn, assigned, role=role, owes=owes)
    audit.record(
        conn, now, audit.PLAN, "part", assigned.key,
        before=[assigned.role, assigned.owes], after=[role, owes],
    )  # fmt: skip


def restore(conn: Connection, assigned: Assigned, due: date, now: datetime) -> None:
    """The plan has again what an edit had withdrawn: a new round begins."""
    number = assigned.round + 1
    begin_round(conn, assigned.id, number, "restored", due, now)
    opened = {"state": "pending", "reason": None, "closed_at": None, "closed_by": None}
    _change(conn, assigned, due_on=due, round=number, next_at=now, **opened)
    reminders.cancel(conn, assigned.id, _("the plan has it again"))
    audit.record(conn, now, audit.PLAN, "restore", assigned.key)


_later, _successor = occurrence.alias(), assignment.alias()
_lapsing = (
    _assigned.add_columns(_later.c.period, func.min(_successor.c.due_on))
    .join(_later, _later.c.duty == occurrence.c.duty)
    .join(
        _successor,
        and_(
            _successor.c.occurrence_id == _later.c.id,
            _successor.c.unit == assignment.c.unit,
            _successor.c.state != "withdrawn",
            _successor.c.due_on > assignment.c.due_on,
            _successor.c.due_on <= bindparam("today"),
        ),
    )
    .where(
        assignment.c.state.in_(CHASED),
        assignment.c.due_on < bindparam("today"),
        occurrence.c.event.is_(False),
    )
    .group_by(assignment.c.id)
    .order_by(assignment.c.id)
)


def lapsing(conn: Connection, today: date) -> list[tuple[Assigned, str]]:
    """The overdue assignments whose successor has fallen due, each with the successor's key."""
    rows = conn.execute(_lapsing, {"today": today})
    return [(Assigned(*row), f"{row[2]}/{period}") for *row, period, _due in rows]


def close(
    conn: Connection,
    assigned: Assigned,
    state: str,
    by: str,
    now: datetime,
    reason: Text | None = None,
) -> bool:
    """Closes an assignment, and with the last one owed of an occurrence its copies.

    Reminders that have not left are cancelled. False when it is no longer as ``assigned`` says.
    """
    closed = {"state": state, "reason": reason, "closed_at": now, "closed_by": by, "next_at": None}
    if not _change(conn, assigned, **closed):
        return False
    why = reason or _("answered: {state}, by {by}", state=state, by=by)
    reminders.cancel(conn, assigned.id, why)
    audit.record(conn, now, by, state, assigned.key, reason)
    if assigned.owes:
        for copy in _copies_left_alone(conn, assigned.occurrence_id):
            close(conn, copy, state, by, now, reason)
    return True


def _copies_left_alone(conn: Connection, occurrence_id: int) -> list[Assigned]:
    open_ones = _assigned.where(
        assignment.c.occurrence_id == occurrence_id, assignment.c.state.in_(OPEN)
    )
    left = [Assigned(*row) for row in conn.execute(open_ones)]
    return [] if any(assigned.owes for assigned in left) else left


def done(conn: Connection, assigned: Assigned, by: str, note: str, now: datetime) -> bool:
    """The office records that it is done; False when that was recorded already.

    Refused for a copy, and for what has been waived or withdrawn.
    """
    if assigned.state == "done":
        return False
    if not assigned.owes:
        raise Refused(_("{key}: this unit only gets copies and owes no answer", key=assigned.key))
    if assigned.state in ("waived", "withdrawn"):
        text = _("{key} is {state}; there is nothing to be done", key=assigned.key,
                 state=assigned.state)  # fmt: skip
        raise Refused(text)
    values = {"at": now, "by": by, "kind": "done", "note": note}
    conn.execute(insert(answer).values(assignment_id=assigned.id, **values))
    return close(conn, assigned, "done", by, now)


def _change(conn: Connection, assigned: Assigned, **values: object) -> bool:
    """Changes an assignment if it still is in the state that was read."""
    same = and_(assignment.c.id == assigned.id, assignment.c.state == assigned.state)
    return conn.execute(update(assignment).where(same).values(values)).rowcount == 1
