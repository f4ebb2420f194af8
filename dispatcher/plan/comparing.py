"""Two plans compared by their consequences: what falls due otherwise, who is told what, and why."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from dispatcher.i18n import Text, _
from dispatcher.plan.edits import HOURS, Edit, called_anew, edits, edits_of_duty
from dispatcher.plan.model import Duty, Plan
from dispatcher.plan.occurrences import MOVE_ROOM, Occurrence, occurrences, unless_passed
from dispatcher.plan.steps import escalation_on, overdue_steps, steps_until_due
from dispatcher.plan.ways import ways

ESCALATED = "escalate"
DATING = ("when", "roll", "min_workdays", "from", "until", "skip", "move")
"""The fields of a duty by which its due dates are found."""
LONGEST = timedelta(days=400)
"""No step is told later than this after its due date: its successor has fallen due."""


class Change(NamedTuple):
    """An occurrence due on another day, or owed by other units: ``before`` and ``after`` are its
    due dates under the two plans, None where ``units`` are not told of it."""

    duty: str
    title: str
    period: str
    before: date | None
    after: date | None
    units: tuple[str, ...]
    why: tuple[Text, ...]

    @property
    def kind(self) -> str:
        """``added``, ``dropped`` or ``moved``."""
        if self.before is None:
            return "added"
        return "dropped" if self.after is None else "moved"


class Told(NamedTuple):
    """A step that is told on a day: as long as nobody answers, and ``every`` so often from then
    on. ``escalate`` tells those above ``about``, from that day on."""

    on: date
    duty: str
    period: str
    step: str
    every: str = ""
    about: str = ""

    @property
    def chases(self) -> bool:
        """Whether it comes after the due date."""
        return self.step.startswith("T+") or self.step == ESCALATED


Telling = tuple[Told, tuple[str, ...]]
"""What is told, and to whom."""


class Address(NamedTuple):
    """An address at which a unit is told: ``unit``, the channel, and where to on it."""

    unit: str
    channel: str
    address: str


class Difference(NamedTuple):
    """What a new plan changes from ``first`` to ``last``; ``silenced`` are the duties that had
    reminders within those days, and have none but for what is late already."""

    first: date
    last: date
    edits: tuple[Edit, ...]
    occurrences: tuple[Change, ...]
    gained: tuple[Telling, ...]
    lost: tuple[Telling, ...]
    addresses_gained: tuple[Address, ...]
    addresses_lost: tuple[Address, ...]
    silenced: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether anything is otherwise than before."""
        return any(self[2:])

    @property
    def retimed(self) -> bool:
        """Whether messages leave at other times of the day."""
        return any(edit.of == "plan" and edit.field in HOURS for edit in self.edits)

    @property
    def office(self) -> str | None:
        """The unit that is the office from now on, if that is another one."""
        found = (edit.after for edit in self.edits if edit.of == "plan" and edit.field == "office")
        return next(found, None)


def horizon(plan: Plan, today: date) -> tuple[date, date]:
    """The days that a comparison looks at unless it is told otherwise: ``today`` to the end of
    next year, so that what is owed once a year, and the warnings before it, are seen once."""
    return today, min(date(today.year + 1, 12, 31), max(plan.last, today))


def compare(old: Plan, new: Plan, first: date, last: date) -> Difference:
    """What ``new`` changes, of all that is due or told from ``first`` to ``last``."""
    renames, old = called_anew(old, new)
    affected = _affected(old, new)
    before = {id: _spread(old, id, first, last) for id in affected}
    after = {id: _kept(_spread(new, id, first, last), before[id], first) for id in affected}
    told = _told_of(old, before, first, last), _told_of(new, after, first, last, old)
    reached_before, reached_after = _addresses(old), _addresses(new)
    return Difference(
        first=first,
        last=last,
        edits=(*renames, *edits(old, new)),
        occurrences=tuple(
            sorted(
                (
                    change
                    for id in affected
                    for change in _changes(old, new, before[id], after[id])
                    if any(day and first <= day <= last for day in (change.before, change.after))
                ),
                key=lambda change: (change.before or change.after, change.after or date.max),
            )
        ),
        gained=_missing(told[1], told[0]),
        lost=_missing(told[0], told[1]),
        addresses_gained=tuple(sorted(reached_after - reached_before)),
        addresses_lost=tuple(sorted(reached_before - reached_after)),
        silenced=tuple(sorted(_duties(told[0]) - _duties(told[1]))),
    )


def _affected(old: Plan, new: Plan) -> list[str]:
    """The duties of either plan of which anything may be otherwise, in the new plan's order."""
    ids = list(dict.fromkeys((*new.duties, *old.duties)))
    if _ground(old) != _ground(new):
        return ids
    return [id for id in ids if _written(old.duties.get(id)) != _written(new.duties.get(id))]


def _ground(plan: Plan) -> object:
    """What all duties rest on."""
    units = {name: (unit.superior, bool(ways(plan, name))) for name, unit in plan.units.items()}
    days = plan.workdays
    return days.source, days.off, days.work, plan.ranges, plan.defaults, plan.office, units


def _written(duty: Duty | None) -> object:
    return duty and (duty._replace(place=None), *duty.skip.items())  # type: ignore[arg-type]


Spread = dict[str, Occurrence]
"""The occurrences of a duty by period, the skipped ones too."""


def _spread(plan: Plan, id: str, first: date, last: date) -> Spread:
    """So far beyond the days asked for that one that has been moved is found under both plans."""
    duty = plan.duties.get(id)
    if duty is None:
        return {}
    start, end = max(first, duty.first) - MOVE_ROOM, min(last, duty.last) + MOVE_ROOM
    return {one.period: one for one in occurrences(plan, duty, start, end)}


def _kept(after: Spread, before: Spread, day: date) -> Spread:
    """With the dates that stay on ``day``, the one of the edit, with what has opened by then."""
    was = {period: one for period, one in before.items() if one.opens <= day}
    return {
        period: unless_passed(one, was[period], day) if period in was else one
        for period, one in after.items()
    }


# ------------------------------------------------------------------------------------ occurrences


def _changes(old: Plan, new: Plan, before: Spread, after: Spread) -> Iterator[Change]:
    """What is otherwise of one duty; units that share a change are together in it."""
    for period in dict.fromkeys((*before, *after)):
        was, now = before.get(period), after.get(period)
        units_before, units_after = _told(was), _told(now)
        shared: dict[tuple[date | None, date | None], list[str]] = defaultdict(list)
        for unit in dict.fromkeys((*units_before, *units_after)):
            due_before = was.due if was and unit in units_before else None
            due_after = now.due if now and unit in units_after else None
            if due_before != due_after:
                shared[due_before, due_after].append(unit)
        for (due_before, due_after), units in shared.items():
            duty = (now or was).duty  # type: ignore[union-attr]
            why = tuple(_why(old, new, was, now))
            yield Change(duty.id, duty.title, period, due_before, due_after, tuple(units), why)


def _told(occurrence: Occurrence | None) -> tuple[str, ...]:
    """The units that are told of it; none when it is skipped."""
    return () if occurrence is None or occurrence.skipped else occurrence.duty.told


def _why(old: Plan, new: Plan, was: Occurrence | None, now: Occurrence | None) -> Iterator[Text]:
    duty = (now or was).duty  # type: ignore[union-attr]
    before, after = old.duties.get(duty.id), new.duties.get(duty.id)
    if before is None or after is None:
        yield _("the duty is new") if before is None else _("the plan no longer has this duty")
        return
    if now and now.skipped:
        yield now.skipped
        return
    if was and was.skipped:
        yield _("no longer skipped: {reason}", reason=was.skipped)
    moved = (was and was.due) != (now and now.due)
    fields = DATING if moved else ("responsible", "lead", "when", "skip", "min_workdays")
    edited = edits_of_duty(old, new, before, after, inherited=True)
    found = [edit.says for edit in edited if edit.field in fields]
    yield from found or [_("the holidays or ranges of the calendar")]


# --------------------------------------------------------------------------------------- messages


def _told_of(
    plan: Plan, spreads: Mapping[str, Spread], first: date, last: date, old: Plan | None = None
) -> dict[Told, set[str]]:
    """To whom each step is told from ``first`` to ``last``.

    Of what ``plan`` changes against ``old`` on ``first``, nothing due before that day is chased.
    """
    found: dict[Told, set[str]] = defaultdict(set)
    reachable = {unit for unit in plan.units if ways(plan, unit)}
    for one, lapses in _open_between(spreads, first, last):
        adopted = reachable & _adopted(old, one.duty) if old and one.due < first else reachable
        for told, units in tellings(plan, one, lapses):
            if first <= told.on <= last and (not told.about or told.about in adopted):
                found[told] |= set(units) & (reachable if told.about else adopted)
    return found


def _open_between(
    spreads: Mapping[str, Spread], first: date, last: date
) -> Iterator[tuple[Occurrence, date]]:
    """What may be told of from ``first`` to ``last``, each with the day on which it lapses."""
    for spread in spreads.values():
        planned = [one for one in spread.values() if not one.skipped and one.opens <= last]
        dues = sorted(one.due for one in planned)
        for one in planned:
            if one.due > first - LONGEST:
                yield one, next(iter(dues[bisect_right(dues, one.due) :]), date.max)


def _adopted(old: Plan, duty: Duty) -> set[str]:
    """The units that had this duty, of this cadence, under ``old``."""
    before = old.duties.get(duty.id)
    return set(before.told) if before and before.cadence == duty.cadence else set()


def tellings(plan: Plan, occurrence: Occurrence, lapses: date) -> Iterator[Telling]:
    """All that is told of an occurrence when nobody answers before it ``lapses``, one step a day
    and each repeated one once; who owes no answer is told nothing after the due date."""
    duty, period = occurrence.duty, occurrence.period
    until_due = {step.on: step.name for step in steps_until_due(plan, occurrence)}
    for on, name in until_due.items():
        yield Told(on, duty.id, period, name), duty.told
    late = {
        step.on: (step.name, f"{offset}".removeprefix("every ") if offset.every else "")
        for offset, step in zip(duty.overdue, overdue_steps(plan, occurrence), strict=False)
    }
    for on, (name, every) in late.items():
        if on < lapses:
            yield Told(on, duty.id, period, name, every), duty.owing
    day = escalation_on(plan, occurrence)
    for unit in duty.owing if day and day < lapses else ():
        above = plan.office if plan.defaults.escalate.to == "office" else plan.units[unit].superior
        if day and above not in ("", unit):
            yield Told(day, duty.id, period, ESCALATED, about=unit), (above,)


def _missing(told: Mapping[Told, set[str]], other: Mapping[Told, set[str]]) -> tuple[Telling, ...]:
    """What is in ``told`` and not in ``other``, by day."""
    left = ((one, tuple(sorted(units - other.get(one, set())))) for one, units in told.items())
    return tuple(sorted((one, units) for one, units in left if units))


def _duties(told: Mapping[Told, Iterable[str]]) -> set[str]:
    """The duties that somebody is told of before they are late."""
    return {one.duty for one, units in told.items() if units and not one.chases}


def _addresses(plan: Plan) -> set[Address]:
    return {
        Address(unit, way.channel, address)
        for unit in plan.units
        for way in ways(plan, unit)
        for address in way.addresses
    }
