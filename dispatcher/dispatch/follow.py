"""The ledger follows the plan: adopts, enters what has opened, and carries edits through.

Nothing here depends on what an earlier pass did or missed: each rule compares what the plan says
today with what the ledger holds.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dispatcher.dispatch.deciding import rank
from dispatcher.dispatch.telling import try_again
from dispatcher.i18n import Text, _
from dispatcher.ledger import assignments, audit, entering, lapsing, reminders
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.entering import AdoptionKey, Known
from dispatcher.ledger.transitions import OPEN
from dispatcher.plan.cadence import Event
from dispatcher.plan.model import Plan
from dispatcher.plan.occurrences import (
    Occurrence,
    ahead,
    event_occurrence,
    occurrences,
    unless_passed,
)

HORIZON = timedelta(days=400)
"""Longer than any period of the calendar: how far back what is due now may have opened."""


class _Following(NamedTuple):
    """What the plan says and what the ledger holds, by duty and period; adoption days by duty and
    unit. ``since`` is the day from which on anything may have happened; None for all days."""

    conn: Connection
    plan: Plan
    planned: dict[tuple[str, str], Occurrence]
    known: dict[tuple[str, str], Known]
    adopted: dict[str, dict[str, date]]
    since: date | None
    today: date
    now: datetime
    counts: Counter[str]


def follow(
    conn: Connection, plan: Plan, since: date | None, today: date, now: datetime
) -> Counter[str]:
    """Brings the ledger to what ``plan`` says ``today``; counts what changed, by what it was.

    ``since`` is the day up to which the ledger agrees with this very plan, so that only what
    opened or fell due from it on is looked at. None says that the plan has been edited: then
    everything is.
    """
    edited = since is None
    if edited:
        _rename(conn, plan, now)
        _adopt(conn, plan, today)
    known = entering.known(conn, since)
    first = since or (entering.first_adoption(conn) or today) - HORIZON
    found = planned(plan, known, first, since, today)
    if since:
        # What is closed keeps its dates when an edit moves them: it may have opened earlier.
        known |= entering.known_as(conn, found.keys() - known.keys())
    adopted = entering.adopted(conn, {duty for duty, _period in found})
    following = _Following(conn, plan, found, known, adopted, since, today, now, Counter())
    gone = _carry_edits(following) if edited else []
    _enter(following)
    # Last, so that the copies of an occurrence stay open when its lead has only changed.
    _withdraw(following, gone)
    _lapse(following)
    if edited:
        assignments.look_at_all(conn, now)
        try_again(conn, plan)
    return following.counts


def _rename(conn: Connection, plan: Plan, now: datetime) -> None:
    for unit in plan.units.values():
        for alias in unit.aliases:
            if alias not in plan.units:
                entering.rename(conn, alias, unit.name, now)


def _adopt(conn: Connection, plan: Plan, today: date) -> None:
    """Adopts what is new, and forgets what the plan no longer has, to be adopted anew one day."""
    days = entering.adoptions(conn)
    wanted: list[AdoptionKey] = [
        (duty.id, str(duty.cadence), unit) for duty in plan.duties.values() for unit in duty.told
    ]
    entering.adopt(conn, [key for key in wanted if key not in days], today)
    entering.forget(conn, days.keys() - set(wanted))


def planned(
    plan: Plan,
    known: dict[tuple[str, str], Known],
    first: date,
    since: date | None,
    today: date,
) -> dict[tuple[str, str], Occurrence]:
    """Every occurrence due from ``first`` on that may be open by now, or has opened from ``since``
    on; those of events as the ledger knows them."""
    last = today
    if since is None:
        # Somebody may have answered far ahead, or to what had been due long ago.
        days = [today, *(day for entry in known.values() for day in (entry.opens_on, entry.due_on))]
        first, last = min(first, min(days) - HORIZON), max(days)
    found = {
        (duty.id, occurrence.period): occurrence
        for duty in plan.duties.values()
        for occurrence in occurrences(plan, duty, first, last + ahead(plan, duty))
        if since is None or since <= occurrence.opens <= today
    }
    for key, entry in known.items():
        duty = plan.duties.get(key[0])
        if entry.event and duty and isinstance(duty.cadence, Event):
            found[key] = event_occurrence(plan, duty, key[1], entry.opens_on)
        if key in found and entry.open:
            found[key] = unless_passed(found[key], _as_it_was(found[key], entry), today)
    return found


def _as_it_was(occurrence: Occurrence, entry: Known) -> Occurrence:
    """With the dates that the ledger has."""
    return occurrence._replace(
        opens=entry.opens_on,
        due=entry.due_on,
        nominal=entry.nominal_on,
        provisional=entry.provisional,
    )


def _enter(f: _Following) -> None:
    """Enters what has opened, for the units that had adopted it by its due date."""
    for key, occurrence in f.planned.items():
        if occurrence.opens > f.today:
            continue
        entry = f.known.get(key)
        units = _newcomers(f, entry, occurrence)
        if units and not entry:
            entering.enter(f.conn, occurrence, units, f.now)
            f.counts["skipped" if occurrence.skipped else "entered"] += 1
        elif units and entry and _may_join(f, entry, occurrence, units):
            entering.assign(f.conn, entry.id, occurrence, units, f.now)
            f.counts["joined"] += len(units)


def _newcomers(f: _Following, entry: Known | None, occurrence: Occurrence) -> list[str]:
    """Who had adopted an occurrence by its due date and is not in it."""
    days, there = f.adopted[occurrence.duty.id], entry.units if entry else ()
    return [
        unit for unit in occurrence.duty.told if days[unit] <= occurrence.due and unit not in there
    ]


def _may_join(f: _Following, entry: Known, occurrence: Occurrence, units: list[str]) -> bool:
    """Whether ``units`` join an occurrence that has been entered: none that is skipped, nor as mere
    copies of what has been closed already."""
    if entry.skipped or occurrence.skipped:
        return False
    owing = set(occurrence.duty.owing)
    return not owing.isdisjoint(units) or bool(assignments.still_open(f.conn, entry.id))


def _carry_edits(f: _Following) -> list[tuple[Assigned, Text]]:
    """Carries an edit through to what is open; gives what the plan no longer has, and why."""
    for key, entry in f.known.items():
        occurrence = f.planned.get(key)
        # What was skipped and due in the past stays so: nobody could have done it.
        if entry.skipped and occurrence and not occurrence.skipped and occurrence.due >= f.today:
            _redate(f, key, occurrence)
    gone = []
    for assigned in assignments.select_assigned(f.conn, states=OPEN):
        key = (assigned.duty, assigned.period)
        why = why_gone(f.plan, assigned, f.planned.get(key))
        if why:
            gone.append((assigned, why))
        else:
            _carry_edit(f, assigned, f.planned[key])
    _restore(f)
    return gone


def why_gone(plan: Plan, assigned: Assigned, occurrence: Occurrence | None) -> Text | None:
    """Why an assignment is no longer in the plan; None while it is."""
    if assigned.duty not in plan.duties:
        return _("the plan no longer has this duty")
    if occurrence is None:
        return _("the duty no longer has this period")
    if assigned.unit not in occurrence.duty.told:
        return _("the duty is no longer this unit's")
    return occurrence.skipped


def _carry_edit(f: _Following, assigned: Assigned, occurrence: Occurrence) -> None:
    key = (assigned.duty, assigned.period)
    entry = f.known[key]
    dates = (entry.opens_on, entry.due_on, entry.nominal_on, entry.provisional)
    if dates != occurrence[2:6] or entry.lead != list(occurrence.duty.lead):
        _redate(f, key, occurrence)
    role, owes = entering.part(occurrence.duty, assigned.unit)
    if (role, owes) != (assigned.role, assigned.owes):
        assignments.change_part(f.conn, assigned, role, owes, f.now)
        assigned = assigned._replace(role=role, owes=owes)
    # A unit that was granted a date of its own keeps it.
    if assigned.due_on == assigned.planned_on != occurrence.due:
        _move(f, assigned, occurrence.due)


def _redate(f: _Following, key: tuple[str, str], occurrence: Occurrence) -> None:
    entering.redate(f.conn, f.known[key].id, occurrence)
    duty, _period, opens, due, nominal, provisional, skipped = occurrence
    f.known[key] = f.known[key]._replace(
        skipped=skipped,
        opens_on=opens,
        due_on=due,
        nominal_on=nominal,
        provisional=provisional,
        lead=list(duty.lead),
    )


def _move(f: _Following, assigned: Assigned, due: date) -> None:
    """Moves an open assignment; its unit hears of it if it has been told anything before."""
    marks = reminders.of_round(f.conn, assigned.id, assigned.round)
    queued = [mark for mark in marks if mark.state == "queued"]
    was_due = any(rank(mark.step) >= 0 and mark.state in ("queued", "told") for mark in marks)
    new_round = was_due and due >= f.today
    told = reminders.was_told(f.conn, assigned.id)
    assignments.move(f.conn, assigned, due, f.now, new_round=new_round)
    f.counts["moved"] += 1
    notices = [mark for mark in queued if mark.step.startswith(reminders.MOVED)]
    old = next((mark.old_due_on for mark in notices), assigned.due_on)
    why = _("moved to {day}", day=due)
    stale = queued if new_round else notices
    reminders.supersede(f.conn, [(mark.id, why) for mark in stale])
    if told and old != due:
        moved = assigned._replace(round=assigned.round + new_round)
        assignments.notify(f.conn, moved, f"{reminders.MOVED} {due}", f.now, old_due_on=old)


def _restore(f: _Following) -> None:
    """What an edit withdrew and the plan has again is chased again, unless it was due before the
    plan had it again."""
    for assigned in assignments.select_assigned(f.conn, states=["withdrawn"]):
        occurrence = f.planned.get((assigned.duty, assigned.period))
        if assigned.closed_by != audit.PLAN or why_gone(f.plan, assigned, occurrence):
            continue
        assert occurrence
        if f.adopted[assigned.duty][assigned.unit] <= occurrence.due:
            _redate(f, (assigned.duty, assigned.period), occurrence)
            assignments.restore(f.conn, assigned, occurrence.due, f.now)
            f.counts["restored"] += 1


def _withdraw(f: _Following, gone: list[tuple[Assigned, Text]]) -> None:
    """Withdraws what the plan no longer has; a unit that has been told anything hears of it."""
    for assigned, why in gone:
        told = reminders.was_told(f.conn, assigned.id)
        assignments.close(f.conn, assigned, "withdrawn", audit.PLAN, f.now, why)
        f.counts["withdrawn"] += 1
        if told:
            assignments.notify(f.conn, assigned, reminders.WITHDRAWN, f.now)
        occurrence = f.planned.get((assigned.duty, assigned.period))
        if occurrence and occurrence.skipped:
            _redate(f, (assigned.duty, assigned.period), occurrence)


def _lapse(f: _Following) -> None:
    """A round that was begun anew once a successor had fallen due is chased until the next one
    falls due."""
    lapsed = set()
    for assigned, successor, due, begun in lapsing.lapsing(f.conn, f.since or date.min, f.today):
        begun_late = assigned.round > 1 and begun.astimezone(f.plan.zone).date() >= due
        if assigned.id in lapsed or begun_late:
            continue
        why = _("its successor {key} has fallen due", key=successor)
        lapsed.add(assigned.id)
        assignments.close(f.conn, assigned, "lapsed", audit.PLAN, f.now, why)
        f.counts["lapsed"] += 1
