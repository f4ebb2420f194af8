"""How the plan comes into the ledger: adoption, occurrences as they open, units as they join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)

from dispatcher.errors import Refused
from dispatcher.i18n import Text, _
from dispatcher.ledger import audit
from dispatcher.ledger.assignments import Assigned, begin_round, select_assigned
from dispatcher.ledger.tables import adoption, assignment, occurrence, reminder
from dispatcher.ledger.transitions import OPEN
from dispatcher.plan.cadence import Event
from dispatcher.plan.model import Duty
from dispatcher.plan.occurrences import Occurrence

AdoptionKey = tuple[str, str, str]
"""A duty, the normal form of its cadence, and a unit."""
OccurrenceKey = tuple[str, str]
"""A duty and a period."""


def adoptions(conn: Connection) -> dict[AdoptionKey, date]:
    """The day on which each was adopted."""
    rows = conn.execute(select(*adoption.c["duty", "cadence", "unit", "adopted_on"]))
    return {(duty, cadence, unit): day for duty, cadence, unit, day in rows}


def adopted(conn: Connection, duties: Collection[str]) -> dict[str, dict[str, date]]:
    """The day on which each unit adopted each of ``duties``, by duty and unit."""
    query = select(*adoption.c["duty", "unit", "adopted_on"]).where(adoption.c.duty.in_(duties))
    found: dict[str, dict[str, date]] = defaultdict(dict)
    for duty, unit, day in conn.execute(query):
        found[duty][unit] = day
    return found


def first_adoption(conn: Connection) -> date | None:
    """The day of the oldest adoption, if there is any."""
    found: date | None = conn.scalar(select(func.min(adoption.c.adopted_on)))
    return found


def adopted_on(conn: Connection, key: AdoptionKey) -> date | None:
    """The day on which one was adopted; None before the first pass that knew it."""
    columns = tuple_(adoption.c.duty, adoption.c.cadence, adoption.c.unit)
    found: date | None = conn.scalar(select(adoption.c.adopted_on).where(columns == key))
    return found


def adopt(conn: Connection, keys: Collection[AdoptionKey], today: date) -> None:
    """Adopts each ``today``: nothing due before it will be chased."""
    rows = [
        {"duty": duty, "cadence": cadence, "unit": unit, "adopted_on": today}
        for duty, cadence, unit in keys
    ]
    if rows:
        conn.execute(insert(adoption), rows)


def forget(conn: Connection, keys: Collection[AdoptionKey]) -> None:
    """Forgets adoptions; what the plan has again one day is adopted on that day."""
    columns = tuple_(adoption.c.duty, adoption.c.cadence, adoption.c.unit)
    for key in keys:
        conn.execute(delete(adoption).where(columns == key))


def rename(conn: Connection, old: str, new: str, now: datetime) -> None:
    """A unit now called ``new`` keeps what it had as ``old``, save where it has its own."""
    other, adopted = assignment.alias(), adoption.alias()
    own_assignment = exists().where(
        other.c.occurrence_id == assignment.c.occurrence_id, other.c.unit == new
    )
    own_adoption = exists().where(
        adopted.c.duty == adoption.c.duty,
        adopted.c.cadence == adoption.c.cadence,
        adopted.c.unit == new,
    )
    renamed = 0
    for table, has_own in ((assignment, own_assignment), (adoption, own_adoption)):
        change = update(table).where(table.c.unit == old, ~has_own).values(unit=new)
        renamed += conn.execute(change).rowcount
    # What has left was told to the old name; what waits is to find the way to the new one.
    waits = reminder.c.state == "queued"
    conn.execute(update(reminder).where(reminder.c.unit == old, waits).values(unit=new))
    if renamed:
        audit.record(conn, now, audit.PLAN, "rename", new, before=old)


class Known(NamedTuple):
    """An occurrence in the ledger, with the units that have an assignment of it, and those of them
    whose part is open."""

    units: set[str]
    open: set[str]
    id: int
    skipped: Text | None
    opens_on: date
    due_on: date
    nominal_on: date
    provisional: bool
    event: bool
    lead: list[str]


def known(conn: Connection, since: date | None) -> dict[OccurrenceKey, Known]:
    """The occurrences that opened from ``since`` on (None: every one)."""
    return _known(conn, occurrence.c.opens_on >= (since or date.min))


def known_as(conn: Connection, keys: Collection[OccurrenceKey]) -> dict[OccurrenceKey, Known]:
    """Those of ``keys`` that the ledger has, whenever they opened by what it says."""
    duties, periods = ({key[part] for key in keys} for part in (0, 1))
    found = _known(conn, occurrence.c.duty.in_(duties) & occurrence.c.period.in_(periods))
    return {key: entry for key, entry in found.items() if key in keys}


def _known(conn: Connection, which: ColumnElement[bool]) -> dict[OccurrenceKey, Known]:
    columns = occurrence.c[
        *("duty", "period", "id", "reason", "opens_on", "due_on", "nominal_on", "provisional"),
        *("event", "lead"),
    ]
    by_id: dict[int, Known] = {}
    found = {}
    for row in conn.execute(select(*columns).where(which)):
        entry = Known(set(), set(), *row[2:])
        found[row.duty, row.period] = by_id[entry.id] = entry
    parts = select(*assignment.c["occurrence_id", "unit", "state"])
    for part in conn.execute(parts.join_from(occurrence, assignment).where(which)):
        entry = by_id[part.occurrence_id]
        entry.units.add(part.unit)
        if part.state in OPEN:
            entry.open.add(part.unit)
    return found


def enter(conn: Connection, found: Occurrence, units: Iterable[str], now: datetime) -> None:
    """Enters an occurrence that is not in the ledger yet, and the part of each of ``units``.

    A skipped one is entered with its reason, and nobody owes it.
    """
    duty = found.duty
    values = {
        "duty": duty.id,
        "period": found.period,
        "progress": found.progress,
        "event": isinstance(duty.cadence, Event),
        "title": duty.title,
        "task": duty.task,
        "rows": list(duty.rows),
        "clause": duty.clause,
        "phrase": duty.phrase,
        "entered_at": now,
    }
    done = conn.execute(insert(occurrence).values(values | _as_planned(found)))
    assert done.inserted_primary_key
    if not found.skipped:
        assign(conn, done.inserted_primary_key[0], found, units, now)


def assign(
    conn: Connection, occurrence_id: int, found: Occurrence, units: Iterable[str], now: datetime
) -> None:
    """Gives ``units`` an occurrence that is in the ledger; they are looked at by the next pass."""
    for unit in units:
        role, owes = part(found.duty, unit)
        done = conn.execute(
            insert(assignment).values(
                occurrence_id=occurrence_id,
                unit=unit,
                role=role,
                owes=owes,
                state="pending",
                due_on=found.due,
                round=1,
                next_at=now,
            )
        )
        assert done.inserted_primary_key
        begin_round(conn, done.inserted_primary_key[0], 1, "opened", found.due, now)


def redate(conn: Connection, occurrence_id: int, found: Occurrence) -> None:
    """The occurrence follows the plan: its dates, who leads, and whether it is skipped."""
    change = update(occurrence).where(occurrence.c.id == occurrence_id)
    conn.execute(change.values(_as_planned(found)))


def entered(conn: Connection, found: Occurrence, unit: str, now: datetime) -> Assigned:
    """The assignment of ``unit``, entered first when it is acted on before it has opened.

    Refused for a skipped occurrence, which nobody owes.
    """
    duty, period = found.duty.id, found.period
    existing = select_assigned(conn, unit=unit, duty=duty, period=period)
    if existing:
        return existing[0]
    if found.skipped:
        raise Refused(_("{key} is skipped: {reason}", key=found.key, reason=found.skipped))
    occurrence_id = conn.scalar(select(occurrence.c.id).filter_by(duty=duty, period=period))
    if occurrence_id is None:
        enter(conn, found, [unit], now)
    else:
        assign(conn, occurrence_id, found, [unit], now)
    return select_assigned(conn, unit=unit, duty=duty, period=period)[0]


def part(duty: Duty, unit: str) -> tuple[str, bool]:
    """A unit's role in a duty, and whether it owes an answer."""
    return "lead" if unit in duty.lead else "responsible", unit in duty.owing


def _as_planned(found: Occurrence) -> dict[str, object]:
    return {
        "state": "skipped" if found.skipped else "open",
        "reason": found.skipped,
        "opens_on": found.opens,
        "due_on": found.due,
        "nominal_on": found.nominal,
        "provisional": found.provisional,
        "lead": list(found.duty.lead),
    }
