"""What a sheet (台账) tells: assignments with what was said to them, and which files came back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select, union

from dispatcher.i18n import Text
from dispatcher.ledger import answers, audit
from dispatcher.ledger.assignments import Assigned, assigned_where
from dispatcher.ledger.tables import answer, assignment, occurrence, reminder, slip
from dispatcher.ledger.tables import audit as audit_table
from dispatcher.ledger.transitions import OPEN
from dispatcher.plan.periods import Period

IMPORT = "import"
"""The audit's word for a sheet that was taken in; its detail has the file's digest."""


class Kept(NamedTuple):
    """An assignment with the words it had when it opened, and all that became of it.

    ``told_at`` is when its unit was first told, ``acknowledged_at`` when it first acknowledged.
    ``progress`` are the last words of an acknowledgement or a report, ``returned`` those of the
    last return, ``code`` the number of the last slip that is not void; each empty when there is
    none. ``figures`` are the latest of each measure.
    """

    assigned: Assigned
    figures: Mapping[str, str]
    title: str
    task: str
    rows: tuple[int, ...]
    clause: str
    lead: tuple[str, ...]
    missed: bool
    entered_at: datetime
    told_at: datetime | None
    acknowledged_at: datetime | None
    progress: str
    returned: str
    code: str
    closed_at: datetime | None
    reason: Text | None


def of_stretch(conn: Connection, stretch: Period, unit: str | None = None) -> list[Kept]:
    """What ``unit``, or every unit, owes in ``stretch``, by due date, duty and unit.

    That is what is due in it by the unit's own date, what has it as its period, and what is still
    open from before.
    """
    due = assignment.c.due_on
    mine = [assignment.c.unit == unit] if unit else []
    owed = select(assignment.c.id).where(assignment.c.owes, *mine)
    named = occurrence.c.period == stretch.key
    ids = union(
        owed.where(due.between(stretch.first, stretch.last)),
        owed.where(due < stretch.first, assignment.c.state.in_(OPEN)),
        owed.where(assignment.c.occurrence_id.in_(select(occurrence.c.id).where(named))),
    )
    found = _kept(conn, assignment.c.id.in_(ids))
    return sorted(found, key=lambda kept: (kept.assigned.due_on, kept.assigned.key))


def of_period(conn: Connection, duty: str, period: str, unit: str | None = None) -> list[Kept]:
    """What ``unit``, or every unit, owes or is told of an occurrence."""
    occurrence_id = select(occurrence.c.id).filter_by(duty=duty, period=period).scalar_subquery()
    mine = [assignment.c.unit == unit] if unit else []
    return _kept(conn, assignment.c.occurrence_id == occurrence_id, *mine)


def _last_words(*kinds: str) -> ScalarSelect[str]:
    said = answer.alias()
    return (
        select(said.c.note)
        .where(said.c.assignment_id == assignment.c.id, said.c.kind.in_(kinds), said.c.note != "")
        .order_by(said.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


_told_at = (
    select(func.min(reminder.c.told_at))
    .where(reminder.c.assignment_id == assignment.c.id, reminder.c.addressee == "owner")
    .scalar_subquery()
)
_acknowledged_at = (
    select(func.min(answer.c.at))
    .where(answer.c.assignment_id == assignment.c.id, answer.c.kind == "ack")
    .scalar_subquery()
)
_code = (
    select(slip.c.code)
    .where(slip.c.assignment_id == assignment.c.id, slip.c.state == "released")
    .order_by(slip.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_columns: tuple[ColumnElement[Any], ...] = (
    *occurrence.c["title", "task", "rows", "clause", "lead"],
    assignment.c.missed,
    occurrence.c.entered_at,
    _told_at,
    _acknowledged_at,
    func.coalesce(_last_words("ack", "report"), ""),
    func.coalesce(_last_words("return"), ""),
    func.coalesce(_code, ""),
    *assignment.c["closed_at", "reason"],
)


def _kept(conn: Connection, *conditions: ColumnElement[bool]) -> list[Kept]:
    """Three queries, however many rows."""
    query = select(assignment.c.id, *_columns).join_from(assignment, occurrence).where(*conditions)
    told = {key: values for key, *values in conn.execute(query)}
    figures = answers.figures_of(conn, told)
    found = []
    for assigned in assigned_where(conn, *conditions):
        kept = Kept(assigned, figures[assigned.id], *told[assigned.id])
        found.append(kept._replace(rows=tuple(kept.rows), lead=tuple(kept.lead)))
    return found


def is_imported(conn: Connection, digest: str) -> bool:
    """Whether a file with this digest was taken in before."""
    details = conn.scalars(select(audit_table.c.detail).where(audit_table.c.action == IMPORT))
    return any(detail.get("digest") == digest for detail in details)


def record_import(
    conn: Connection, file: str, digest: str, keys: list[str], by: str, now: datetime
) -> None:
    """Notes in the audit which file ``by`` took in, and the assignments that it answered."""
    audit.record(conn, now, by, IMPORT, file, digest=digest, assignments=keys)
