"""What a calendar file says otherwise than another: field by field, in the file's own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from dispatcher.i18n import Text, _
from dispatcher.plan.model import Contact, Duty, Group, Plan, Span
from dispatcher.plan.notices import Notice

FIELDS = {
    "phrase": "when",
    "units": "responsible",
    "first": "from",
    "last": "until",
    "zone": "timezone",
}
"""The fields of a Plan or Duty that the file calls otherwise."""
HOURS = ("timezone", "defaults.at", "defaults.window")
"""The fields of a plan that say at what time of the day anything is told."""
DERIVED = ("id", "name", "place", "cadence", "progress", "duties", "workdays")
INHERITED = ("roll", "overdue", "open", "min_workdays")
"""What a duty takes from the defaults unless it says otherwise."""


class Edit(NamedTuple):
    """A field that says something else; of the plan itself, then ``name`` is empty, or of the duty
    or unit of that name. None: there is no such thing, or nothing is said."""

    of: Literal["plan", "unit", "duty"]
    name: str
    field: str
    before: str | None
    after: str | None

    @property
    def says(self) -> Text:
        """``when: 每季度 → 每月``."""
        if self.before is None:
            return _("{field}: now {value}", field=self.field, value=self.after)
        if self.after is None:
            return _("{field}: no longer {value}", field=self.field, value=self.before)
        return _("{field}: {before} → {after}", field=self.field, before=self.before,
                 after=self.after)  # fmt: skip


def called_anew(old: Plan, new: Plan) -> tuple[list[Edit], Plan]:
    """``old`` with the names that ``new`` gives to its units, and which these are: a unit is known
    again by its old name, when that is an alias now and nobody's name."""
    names = {
        alias: unit.name
        for unit in new.units.values()
        for alias in unit.aliases
        if alias in old.units and alias not in new.units and unit.name not in old.units
    }
    if not names:
        return [], old

    def known(units: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(unit, unit) for unit in units)

    units = (
        unit._replace(
            name=names.get(unit.name, unit.name), superior=names.get(unit.superior, unit.superior)
        )
        for unit in old.units.values()
    )
    return [
        Edit("unit", new_name, "name", name, new_name) for name, new_name in names.items()
    ], old._replace(
        office=names.get(old.office, old.office),
        units={unit.name: unit for unit in units},
        groups={
            name: group._replace(members=known(group.members)) for name, group in old.groups.items()
        },
        duties={
            id: duty._replace(lead=known(duty.lead), units=known(duty.units))
            for id, duty in old.duties.items()
        },
    )


def edits(old: Plan, new: Plan) -> Iterator[Edit]:
    """Everything that ``new`` says otherwise: the plan, the units, the duties."""
    yield from _of_plan(old, new)
    for name in dict.fromkeys((*old.units, *new.units)):
        before, after = old.units.get(name), new.units.get(name)
        if before and after:
            yield from _fields("unit", name, before, after, DERIVED)
        else:
            yield Edit("unit", name, "name", before and before.name, after and after.name)
    for id in dict.fromkeys((*old.duties, *new.duties)):
        was, now = old.duties.get(id), new.duties.get(id)
        if was and now:
            yield from edits_of_duty(old, new, was, now)
        else:
            yield Edit("duty", id, "title", was and was.title, now and now.title)


def edits_of_duty(
    old: Plan, new: Plan, before: Duty, after: Duty, *, inherited: bool = False
) -> Iterator[Edit]:
    """What is said otherwise of one duty; what it only inherits from the defaults, if asked for."""
    if before.phrase == after.phrase and before.cadence != after.cadence and inherited:
        yield Edit("duty", after.id, "when", str(before.cadence), str(after.cadence))
    skipped = (*DERIVED, *(() if inherited else _taken_over(old, new, before, after)))
    yield from _fields("duty", after.id, before, after, skipped)


def _taken_over(old: Plan, new: Plan, before: Duty, after: Duty) -> Iterator[str]:
    """The fields that a duty takes from the defaults, or the plan, under both plans."""
    for field in INHERITED:
        pairs = ((before, old.defaults), (after, new.defaults))
        if all(getattr(duty, field) == getattr(defaults, field) for duty, defaults in pairs):
            yield field
    for field in ("first", "last"):
        if all(getattr(duty, field) == getattr(plan, field)
               for duty, plan in ((before, old), (after, new))):  # fmt: skip
            yield field


def _of_plan(old: Plan, new: Plan) -> Iterator[Edit]:
    skipped = ("units", "groups", "ranges", "defaults", "ladder", *DERIVED)
    yield from _fields("plan", "", old, new, skipped)
    for field in ("source", "off", "work"):
        name = "holidays" if field == "source" else field
        yield from _field("plan", "", f"calendar.{name}",
                          getattr(old.workdays, field), getattr(new.workdays, field))  # fmt: skip
    was, now = old.workdays.notices, new.workdays.notices
    for year in sorted({*was, *now}):
        yield from _of_notice(f"calendar.notices.{year}", was.get(year), now.get(year))
    yield from _field("plan", "", HOURS[1], f"{old.defaults.at:%H:%M}", f"{new.defaults.at:%H:%M}")
    yield from _field("plan", "", HOURS[2], _hours(old), _hours(new))
    for field in old.defaults._fields:
        if f"defaults.{field}" not in HOURS:
            values = getattr(old.defaults, field), getattr(new.defaults, field)
            yield from _field("plan", "", f"defaults.{field}", *values)
    for name in dict.fromkeys((*old.ranges, *new.ranges)):
        spans = old.ranges.get(name), new.ranges.get(name)
        yield from _field("plan", "", f"ranges.{name}", *spans)
    for name in dict.fromkeys((*old.groups, *new.groups)):
        yield from _of_group(f"groups.{name}", old.groups.get(name), new.groups.get(name))
    yield from _field("plan", "", "ladder", old.ladder, new.ladder)


def _hours(plan: Plan) -> str:
    """The window as the file has it: ``09:00-18:00``."""
    first, last = plan.defaults.window
    return f"{first:%H:%M}-{last:%H:%M}"


def _of_group(field: str, before: Group | None, after: Group | None) -> Iterator[Edit]:
    yield from _field("plan", "", field, before and before.members, after and after.members)
    if before and after:
        yield from _field("plan", "", f"{field}.aliases", before.aliases, after.aliases)
        yield from _field("plan", "", f"{field}.confirm", before.confirm, after.confirm)


def _of_notice(field: str, before: Notice | None, after: Notice | None) -> Iterator[Edit]:
    if not (before and after):
        yield from _field("plan", "", field, before and before.source, after and after.source)
        return
    was, now = before.lines, after.lines
    for key in dict.fromkeys((*was, *now)):
        yield from _field("plan", "", f"{field}.{key}", was.get(key), now.get(key))


def _fields(
    of: Literal["plan", "unit", "duty"],
    name: str,
    before: Any,
    after: Any,
    skipped: tuple[str, ...],
) -> Iterator[Edit]:
    for field in before._fields:
        if field not in skipped:
            called = FIELDS.get(field, field)
            yield from _field(of, name, called, getattr(before, field), getattr(after, field))


def _field(
    of: Literal["plan", "unit", "duty"], name: str, field: str, before: object, after: object
) -> Iterator[Edit]:
    if before == after:
        return
    if type(before) is type(after) is tuple and {*before} != {*after}:
        gone = tuple(item for item in before if item not in after)
        before, after = gone, tuple(item for item in after if item not in before)
    yield Edit(of, name, field, _shown(before), _shown(after))


def _shown(value: Any) -> str | None:
    """A value much as the file has it; None for nothing."""
    if isinstance(value, Contact):
        return " ".join(filter(None, value))
    if isinstance(value, Span):
        days = f"{value.first}..{value.last}"
        said = (value.name, days, value.source, "provisional" * value.provisional)
        return " ".join(filter(None, said))
    if isinstance(value, Mapping):
        items: Iterable[object] = (f"{key} {_shown(item)}" for key, item in value.items())
    elif isinstance(value, frozenset):
        items = sorted(map(str, value))
    elif isinstance(value, tuple) and type(value).__str__ is tuple.__str__:
        items = value
    else:
        return None if value in (None, "") else str(value)
    return ", ".join(filter(None, map(_shown, items))) or None
