"""What a clerk changes in a calendar: a field of a duty or unit, a duty, a person, the holidays of
a year; text to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatcher.errors import DispatcherError
from dispatcher.i18n import _
from dispatcher.plan.document import CALENDAR, CONTACT, DUTY, UNIT
from dispatcher.plan.editing import Lines, Steps, Value, Verbatim, add, meaning, put, take
from dispatcher.plan.model import Plan
from dispatcher.plan.names import SEPARATOR, duty_called, unit_called
from dispatcher.plan.notices import Notice, stretches
from dispatcher.plan.shape import Either, Field, Many, Named, Record, nearest


def set_duty(text: str, plan: Plan, duty: str, field: str, words: Sequence[str]) -> str:
    """``text`` with a field of a duty set to ``words``; without the field when they are empty.

    ``skip`` and ``move`` take a period first: ``skip 2026-02 理由``, ``move 2026-Q1 日期 理由``.
    """
    return _set(text, _way_to(plan, duty), DUTY, field, words)


def set_unit(text: str, plan: Plan, unit: str, field: str, words: Sequence[str]) -> str:
    """``text`` with a field of a unit set to ``words``; without the field when they are empty."""
    return _set(text, ("units", unit_called(plan, unit)), UNIT, field, words)


def add_duty(text: str, plan: Plan, id: str, fields: Mapping[str, str]) -> str:
    """``text`` with a new duty at its end, its fields in the usual order."""
    if id in plan.duties:
        raise DispatcherError(_("there is a duty '{id}' already", id=id))
    given: dict[str, Value] = {"id": id}
    for name in sorted(fields, key=lambda name: [*DUTY.fields].index(_known(DUTY, name))):
        given[name] = _value(DUTY.fields[name], name, [fields[name]])
    return add(text, ("duties",), given)


def remove_duty(text: str, plan: Plan, duty: str) -> str:
    """``text`` without a duty; comments above it stay, for they may be a heading."""
    return take(text, _way_to(plan, duty))


def hand_over(text: str, plan: Plan, unit: str, person: str, changed: Mapping[str, str]) -> str:
    """``text`` with other values of a unit's contact, by field: a name, an email, ..."""
    name = unit_called(plan, unit)
    names = [contact.name for contact in plan.units[name].contacts]
    if person not in names:
        raise DispatcherError(_("'{unit}' has no contact called '{name}'; it has: {names}",
                                unit=name, name=person, names=names))  # fmt: skip
    if names.count(person) > 1:
        raise DispatcherError(_("'{unit}' has {count} contacts called '{name}': edit the file",
                                unit=name, count=names.count(person), name=person))  # fmt: skip
    for field, value in changed.items():
        way = ("units", name, "contacts", names.index(person), field)
        text = put(text, way, value, [*CONTACT.fields])
    return text


def announce(text: str, plan: Plan, year: int, notice: Notice) -> str:
    """``text`` with the holiday notice of ``year``; of one that stands there, what is otherwise."""
    way: Steps = ("calendar", "notices", str(year))
    old = plan.workdays.notices.get(year)
    kinds = {kind: stretches(getattr(notice, kind)) for kind in ("off", "work")}
    if old is None:
        days = {kind: Lines(found) for kind, found in kinds.items() if found}
        years = sorted({year, *plan.workdays.notices})
        order = [*CALENDAR.fields, *map(str, years)]
        return put(text, way, Lines(source=notice.source, **days), order)
    if old.source != notice.source:
        text = put(text, (*way, "source"), notice.source)
    for kind, found in kinds.items():
        was = stretches(getattr(old, kind))
        for name, days_of in found.items():
            if was.get(name) != days_of:
                text = put(text, (*way, kind, name), days_of, [*found])
        for name in was.keys() - found.keys():
            text = take(text, (*way, kind, name))
    return text


def _way_to(plan: Plan, duty: str) -> Steps:
    return "duties", [*plan.duties].index(duty_called(plan, duty).id)


def _set(text: str, record: Steps, kind: Record, field: str, words: Sequence[str]) -> str:
    order = [*kind.fields]
    described = kind.fields[_known(kind, field)]
    way: Steps = (*record, field)
    if isinstance(described.kind, Named) and any(words) and not _is_yaml(words[0]):
        way, words = (*way, words[0]), words[1:]
        if not words:
            raise DispatcherError(
                _("'{field} {key}' needs more: what it is to be, or '' to take it out",
                  field=field, key=way[-1])
            )  # fmt: skip
    if any(words):
        return put(text, way, _value(described, field, words), order)
    there = meaning(text)
    for step in way[:-1]:
        there = there[step] if isinstance(step, int) else there.get(step) or {}
    if way[-1] not in there:
        return text
    # Of a period that was the only one, the field goes too.
    return take(text, way[:-1] if len(there) == 1 and field == way[-2] else way)


def _known(record: Record, field: str) -> str:
    if field not in record.fields:
        near = nearest(field, [*record.fields])
        raise DispatcherError(_("unknown key '{key}'; did you mean: {near}", key=field, near=near))
    return field


def _value(field: Field, name: str, words: Sequence[str]) -> Value:
    """What ``words`` say, by the kind of the field: in brackets, YAML; of a list, its items."""
    if len(words) == 1 and _is_yaml(words[0]) and isinstance(field.kind, Many | Named | Either):
        return Verbatim(words[0])
    if isinstance(field.kind, Many):
        return [item.strip() for word in words for item in SEPARATOR.split(word) if item.strip()]
    if name == "move" and len(words) == 2:
        return {"to": words[0], "reason": words[1]}
    if len(words) > 1 or name == "move":
        raise DispatcherError(
            _("'{field}' takes one value, in quotes where it has blanks; move takes a period, "
              "a date and a reason", field=name)
        )  # fmt: skip
    return words[0]


def _is_yaml(word: str) -> bool:
    return word.startswith(("[", "{"))
