"""What taking up an edited plan would do to the ledger: asked of it, with nothing changed.

The same questions that ``follow`` and ``telling`` put to the plan decide here, so that what is
foreseen is what the next pass does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Literal, NamedTuple

from dispatcher.dispatch.deciding import dates_of, decide, rank, says
from dispatcher.dispatch.follow import HORIZON, planned, why_gone
from dispatcher.i18n import Text
from dispatcher.ledger import assignments, audit, entering, reminders
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.entering import AdoptionKey, Known
from dispatcher.ledger.reminders import Reminder
from dispatcher.ledger.transitions import CHASED, OPEN
from dispatcher.plan.comparing import Spread
from dispatcher.plan.edits import called_anew
from dispatcher.plan.model import Plan
from dispatcher.plan.occurrences import Occurrence, occurrences, unless_passed
from dispatcher.plan.steps import reached

Becomes = Literal["moved", "withdrawn", "restored"]


class Fate(NamedTuple):
    """What becomes of an assignment: ``told`` says whether its unit hears of it."""

    assignment: str
    becomes: Becomes
    before: date
    after: date | None
    told: bool
    why: Text | None


class AtOnce(NamedTuple):
    """A step that the next pass tells to ``unit`` because of the edit."""

    assignment: str
    unit: str
    step: str


class Foreseen(NamedTuple):
    """What comes of an edit: to ``kept`` open assignments nothing but steps; None without a
    ledger."""

    fates: tuple[Fate, ...]
    kept: int | None
    at_once: tuple[AtOnce, ...]


def presume(old: Plan, new: Plan, now: datetime) -> tuple[AtOnce, ...]:
    """The steps that come at once where there is no ledger to ask: as if everything had been told
    under ``old``, and nothing answered that is due today or later."""
    _renames, old = called_anew(old, new)
    today = now.astimezone(new.zone).date()
    found = []
    for one, earlier in _open(old, new, today):
        for unit in one.duty.told:
            knew = earlier and not earlier.skipped and unit in earlier.duty.told
            told = _reached(old, earlier, unit, now) if earlier and knew else []
            steps = _reached(new, one, unit, now)
            if steps and not (told and says(told[-1], steps)):
                found.append(AtOnce(f"{one.key}@{unit}", unit, steps[-1]))
    return tuple(found)


def _open(old: Plan, new: Plan, today: date) -> Iterator[tuple[Occurrence, Occurrence | None]]:
    """What is open under ``new`` and not late under either plan, with what it was under ``old``."""
    for duty in new.duties.values():
        was = _around(old, duty.id, today) if duty.id in old.duties else {}
        for period, after in _around(new, duty.id, today).items():
            earlier = was.get(period)
            kept = earlier and earlier.opens <= today
            one = unless_passed(after, earlier, today) if earlier and kept else after
            since = max(one.due, earlier.due) if earlier else one.due
            if since >= today >= one.opens and not one.skipped:
                yield one, earlier


def _around(plan: Plan, id: str, today: date) -> Spread:
    found = occurrences(plan, plan.duties[id], today - HORIZON, today + HORIZON)
    return {one.period: one for one in found}


def _reached(plan: Plan, occurrence: Occurrence, unit: str, now: datetime) -> list[str]:
    """The steps of a unit that are reached by ``now``."""
    owes = unit in occurrence.duty.owing
    names = (step.name for step in reached(plan, occurrence, now))
    return [name for name in names if owes or rank(name) <= 0]


def foresee(conn: Connection, old: Plan, new: Plan, now: datetime) -> Foreseen:
    """What the first pass under ``new`` does to what is in the ledger, at ``now``."""
    today = now.astimezone(new.zone).date()
    known = entering.known(conn, None)
    first = (entering.first_adoption(conn) or today) - HORIZON
    found, days = planned(new, known, first, None, today), entering.adoptions(conn)
    ahead = _Ahead(conn, old, new, known, found, days, today, now)
    names = {edit.before: edit.name for edit in called_anew(old, new)[0]}
    fates, at_once = [], []
    carried = 0
    for assigned in assignments.select_assigned(conn, states=(*OPEN, "withdrawn")):
        called = assigned._replace(unit=names.get(assigned.unit, assigned.unit))
        fate, then = ahead.carried(called)
        fates += [fate] if fate else []
        carried += then is not None and fate is None
        if then and then.state in CHASED:
            at_once += ahead.told(assigned, then)
    for assigned in ahead.entered(names):
        at_once += ahead.at_once(new, assigned, [])
    return Foreseen(tuple(fates), carried, tuple(at_once))


class _Ahead(NamedTuple):
    """What the ledger holds and what the new plan says, by duty and period; adoptions."""

    conn: Connection
    old: Plan
    new: Plan
    known: dict[tuple[str, str], Known]
    planned: dict[tuple[str, str], Occurrence]
    days: dict[AdoptionKey, date]
    today: date
    now: datetime

    def carried(self, assigned: Assigned) -> tuple[Fate | None, Assigned | None]:
        """What becomes of an assignment, and how it stands then; None when it is closed."""
        occurrence = self.planned.get((assigned.duty, assigned.period))
        gone = why_gone(self.new, assigned, occurrence)
        if assigned.state == "withdrawn":
            return self._restored(assigned, None if gone else occurrence)
        if gone or occurrence is None:
            return self._fate(assigned, "withdrawn", None, gone), None
        moves = assigned.due_on == assigned.planned_on != occurrence.due
        due = occurrence.due if moves else assigned.due_on
        then = _as_planned(assigned, occurrence, due)
        if not moves:
            return None, then
        marks = reminders.of_round(self.conn, assigned.id, assigned.round)
        was_due = any(rank(mark.step) >= 0 and mark.state in ("queued", "told") for mark in marks)
        then = then._replace(round=assigned.round + (was_due and due >= self.today))
        return self._fate(assigned, "moved", due, None), then

    def _restored(
        self, assigned: Assigned, occurrence: Occurrence | None
    ) -> tuple[Fate | None, Assigned | None]:
        if assigned.closed_by != audit.PLAN or occurrence is None:
            return None, None
        if self._adopted(assigned.duty, assigned.unit, {}) > occurrence.due:
            return None, None
        then = _as_planned(assigned, occurrence, occurrence.due)
        then = then._replace(state="pending", round=assigned.round + 1)
        return self._fate(assigned, "restored", occurrence.due, None), then

    def _fate(
        self, assigned: Assigned, becomes: Becomes, after: date | None, why: Text | None
    ) -> Fate:
        told = reminders.was_told(self.conn, assigned.id)
        return Fate(assigned.key, becomes, assigned.due_on, after, told, why)

    def told(self, assigned: Assigned, then: Assigned) -> list[AtOnce]:
        """What is told of an open assignment, that would not be told without the edit."""
        marks = reminders.of_round(self.conn, assigned.id, assigned.round)
        anyway = self.at_once(self.old, assigned, marks) if assigned.state in CHASED else []
        after = [] if then.round > assigned.round else marks
        return [one for one in self.at_once(self.new, then, after) if one not in anyway]

    def at_once(self, plan: Plan, assigned: Assigned, marks: list[Reminder]) -> list[AtOnce]:
        """What is told of an assignment under ``plan``."""
        dates = dates_of(plan, assigned, self.now)
        tellings = decide(plan, assigned, marks, dates, self.now).tellings
        return [AtOnce(assigned.key, telling.unit, telling.step) for telling in tellings]

    def entered(self, names: Mapping[str | None, str]) -> Iterator[Assigned]:
        """The assignments that come into the ledger because of the edit."""
        before = planned(self.old, self.known, self.today - HORIZON, None, self.today)
        for key, one in self.planned.items():
            if one.opens <= self.today and not one.skipped:
                entry, was = self.known.get(key), before.get(key)
                anyway = was.duty.told if was and not was.skipped and not entry else ()
                units = self._joining(one, entry, names)
                yield from (_new(one, unit) for unit in units if unit not in anyway)

    def _joining(
        self, one: Occurrence, entry: Known | None, names: Mapping[str | None, str]
    ) -> list[str]:
        """The units for which an occurrence comes into the ledger."""
        if entry and entry.skipped and one.due < self.today:
            return []  # It stays so: nobody could have done it.
        there = {names.get(unit, unit) for unit in entry.units} if entry else set()
        units = [
            unit
            for unit in one.duty.told
            if unit not in there and self._adopted(one.duty.id, unit, names) <= one.due
        ]
        mere_copies = set(one.duty.owing).isdisjoint(units)
        if entry and mere_copies and not assignments.still_open(self.conn, entry.id):
            return []
        return units

    def _adopted(self, duty: str, unit: str, names: Mapping[str | None, str]) -> date:
        """The day on which a unit will have adopted a duty of the new plan: today, if not yet."""
        cadence = str(self.new.duties[duty].cadence)
        called = {unit, *(old for old, new in names.items() if new == unit and old)}
        days = (self.days.get((duty, cadence, name)) for name in called)
        return min(filter(None, days), default=self.today)


def _as_planned(assigned: Assigned, occurrence: Occurrence, due: date) -> Assigned:
    role, owes = entering.part(occurrence.duty, assigned.unit)
    return assigned._replace(
        role=role,
        owes=owes,
        opens_on=occurrence.opens,
        due_on=due,
        planned_on=occurrence.due,
        nominal_on=occurrence.nominal,
        provisional=occurrence.provisional,
    )


def _new(one: Occurrence, unit: str) -> Assigned:
    role, owes = entering.part(one.duty, unit)
    return Assigned(
        id=0,
        occurrence_id=0,
        duty=one.duty.id,
        period=one.period,
        unit=unit,
        role=role,
        owes=owes,
        state="pending",
        round=1,
        opens_on=one.opens,
        due_on=one.due,
        planned_on=one.due,
        nominal_on=one.nominal,
        provisional=one.provisional,
        closed_by=None,
        asked_on=None,
    )
