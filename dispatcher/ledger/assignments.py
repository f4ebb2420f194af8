"""Assignments from entering to closing: what each unit owes of an occurrence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from dispatcher.i18n import Text, _
from dispatcher.ledger import audit, reminders
from dispatcher.ledger.tables import assignment, occurrence, reminder, round_
from dispatcher.ledger.transitions import CHASED, CLOSED, OPEN, STATE_WORDS, WITH_REASON
from dispatcher.plan.model import Duty
from dispatcher.plan.occurrences import Occurrence

MANY = 500
"""Assignments that are changed by one statement."""


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
    asked_on: date | None

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
    *assignment.c["closed_by", "asked_on"],
)
ASSIGNED = select(*_columns).join_from(assignment, occurrence)
"""Every assignment with its occurrence, as Assigned has them."""


def select_assigned(
    conn: Connection,
    *,
    unit: str | None = None,
    duty: str | None = None,
    period: str | None = None,
    states: Collection[str] = (),
) -> list[Assigned]:
    """The assignments that fit everything given, by due date, then duty and unit."""
    query = ASSIGNED.order_by(assignment.c.due_on, occurrence.c.duty, assignment.c.unit)
    given = ((assignment.c.unit, unit), (occurrence.c.duty, duty), (occurrence.c.period, period))
    query = query.where(*(column == value for column, value in given if value is not None))
    if states:
        query = query.where(assignment.c.state.in_(states))
    return [Assigned(*row) for row in conn.execute(query)]


def assigned_where(conn: Connection, *conditions: ColumnElement[bool]) -> list[Assigned]:
    """The assignments of which all ``conditions`` hold, by due date."""
    query = ASSIGNED.where(*conditions).order_by(assignment.c.due_on, assignment.c.id)
    return [Assigned(*row) for row in conn.execute(query)]


def due_for_telling(conn: Connection, now: datetime) -> list[Assigned]:
    """The chased assignments to be looked at by ``now``: it costs what is due, not what is open."""
    due = ASSIGNED.where(assignment.c.next_at <= now)
    # Sorted here: for rows in the order of their key SQLite would rather read them all.
    return sorted(Assigned(*row) for row in conn.execute(due))


def look_again(conn: Connection, instants: Iterable[tuple[int, datetime | None]]) -> None:
    """Sets when each assignment is to be looked at next; None is never."""
    by_instant: dict[datetime | None, list[int]] = defaultdict(list)
    for key, at in instants:
        by_instant[at].append(key)
    for at, keys in by_instant.items():
        for first in range(0, len(keys), MANY):
            these = assignment.c.id.in_(keys[first : first + MANY])
            conn.execute(update(assignment).where(these).values(next_at=at))


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
    # What was asked for may have been overtaken.
    asked = assigned.asked_on if assigned.asked_on and assigned.asked_on > due else None
    change(conn, assigned, due_on=due, round=number, next_at=again, asked_on=asked)
    audit.record(
        conn, now, audit.PLAN, "move", assigned.key,
        before=assigned.due_on.isoformat(), after=due.isoformat(),
    )  # fmt: skip
    return assigned._replace(due_on=due, round=number)


def change_part(conn: Connection, assigned: Assigned, role: str, owes: bool, now: datetime) -> None:
    """Another part in the duty, by an edit of the plan."""
    change(conn, assigned, role=role, owes=owes)
    audit.record(
        conn, now, audit.PLAN, "part", assigned.key,
        before=[assigned.role, assigned.owes], after=[role, owes],
    )  # fmt: skip


def begin_again(
    conn: Connection, assigned: Assigned, state: str, cause: str, due: date, now: datetime
) -> Assigned:
    """A new round in ``state``, due on ``due``; what was queued in the round before is taken back.

    Looked at again by the next pass.
    """
    number = assigned.round + 1
    begin_round(conn, assigned.id, number, cause, due, now)
    opened = {"state": state, "reason": None, "closed_at": None, "closed_by": None}
    change(conn, assigned, due_on=due, round=number, next_at=now, asked_on=None, **opened)
    reminders.cancel(conn, assigned.id, ROUNDS[cause])
    return assigned._replace(state=state, due_on=due, round=number, asked_on=None)


ROUNDS = {
    "restored": _("the plan has it again"),
    "extended": _("an extension was granted"),
    "returned": _("returned by the office"),
    "reopened": _("reopened by the office"),
}
"""Why a new round begins."""


def restore(conn: Connection, assigned: Assigned, due: date, now: datetime) -> None:
    """The plan has again what an edit had withdrawn: a new round begins."""
    begin_again(conn, assigned, "pending", "restored", due, now)
    audit.record(conn, now, audit.PLAN, "restore", assigned.key)


def notify(
    conn: Connection,
    assigned: Assigned,
    notice: str,
    now: datetime,
    *,
    old_due_on: date | None = None,
    remark: str = "",
) -> None:
    """Queues a notice, which is no step: what became of an assignment, and in whose words."""
    said = conn.scalar(
        select(func.count()).where(
            reminder.c.assignment_id == assigned.id,
            reminder.c.round == assigned.round,
            reminder.c.addressee == assigned.addressee,
            reminder.c.step.like(f"{notice}%"),
        )
    )
    step = f"{notice}.{said + 1}" if said else notice
    row = reminders.new(assigned.id, assigned.round, assigned.addressee, assigned.unit, step, now)
    reminders.record(conn, [row | {"old_due_on": old_due_on, "remark": remark or None}])


def close(
    conn: Connection,
    assigned: Assigned,
    state: str,
    by: str,
    now: datetime,
    note: Text | None = None,
    **detail: object,
) -> list[Assigned]:
    """Closes an assignment, and with the last one owed of an occurrence its copies; gives them all.

    ``note`` is the reason of whatever is not done; the audit keeps it and ``detail``. Reminders
    that have not left are cancelled. Nothing when it is no longer as ``assigned`` says.
    """
    reason = note if state in WITH_REASON else None
    values = {"state": state, "reason": reason, "closed_at": now, "closed_by": by}
    if not change(conn, assigned, **values, next_at=None, asked_on=None):
        return []
    reminders.cancel(conn, assigned.id, reason or answered(state, by))
    audit.record(conn, now, by, state if assigned.owes else "copy", assigned.key, note, **detail)
    copies = _copies_left_alone(conn, assigned.occurrence_id) if assigned.owes else []
    return [assigned] + [
        closed for copy in copies for closed in close(conn, copy, state, by, now, note)
    ]


def answered(state: str, by: str) -> Text:
    """Why what was queued is not told any more."""
    return _("answered: {state}, by {by}", state=STATE_WORDS[state], by=by)


def _copies_left_alone(conn: Connection, occurrence_id: int) -> list[Assigned]:
    left = still_open(conn, occurrence_id)
    return [] if any(assigned.owes for assigned in left) else left


def copies_of(conn: Connection, assigned: Assigned) -> list[Assigned]:
    """The closed copies of an assignment's occurrence."""
    mine = assignment.c.occurrence_id == assigned.occurrence_id
    return assigned_where(conn, mine, ~assignment.c.owes, assignment.c.state.in_(CLOSED))


def still_open(conn: Connection, occurrence_id: int) -> list[Assigned]:
    """The open assignments of an occurrence, copies too."""
    mine = assignment.c.occurrence_id == occurrence_id
    return assigned_where(conn, mine, assignment.c.state.in_(OPEN))


def change(conn: Connection, assigned: Assigned, **values: object) -> bool:
    """Changes an assignment if it still is in the state that was read."""
    same = and_(assignment.c.id == assigned.id, assignment.c.state == assigned.state)
    return conn.execute(update(assignment).where(same).values(values)).rowcount == 1
