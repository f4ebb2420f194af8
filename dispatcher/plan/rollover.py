"""The next edition of a calendar: what follows from the last one is carried forward, and what
somebody has to decide is marked on its line, in Chinese. Nothing is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal, NamedTuple

from dispatcher.plan.cadence import Event
from dispatcher.plan.document import DUTY, PLAN
from dispatcher.plan.editing import Steps, add, put
from dispatcher.plan.marking import free_line, marked
from dispatcher.plan.measures import half_width
from dispatcher.plan.model import Duty, Plan, Span
from dispatcher.plan.nodes import Node, read_nodes
from dispatcher.plan.periods import DAY, day_of
from dispatcher.plan.reading import read_plan
from dispatcher.plan.scalars import read_day
from dispatcher.plan.series import called, series, year_of
from dispatcher.plan.shape import Record
from dispatcher.plan.spread import RULE_HORIZON, candidates

Kind = Literal[
    "until", "when", "base", "skip", "move", "provisional", "range", "confirm", "old-year"
]
_NAMED_YEAR = re.compile(r"(?<!\d)20\d\d(?=年|[〕\]】)）])")
"""A year that a document is of: 2026年工作要点, 〔2026〕3号; and no number of households."""
DOCUMENTED = ("title", "clause", "task")
"""The fields of a duty that quote the document, and may name its year."""


class Carried(NamedTuple):
    """What was added by itself: ``field`` as an Edit names it, on ``line`` of the draft."""

    line: int
    field: str
    value: str


class Decision(NamedTuple):
    """What is marked on ``line`` of the draft, about the duty, group or range entry of a name, or
    the plan itself, then ``about`` is empty; ``mark`` is what the line says."""

    line: int
    kind: Kind
    about: str
    mark: str


class Edition(NamedTuple):
    """A draft of the next edition, and what is in it."""

    text: str
    carried: tuple[Carried, ...]
    decisions: tuple[Decision, ...]


def roll_over(text: str, plan: Plan, year: int) -> Edition:
    """The edition for ``year`` of the calendar whose ``text`` means ``plan``: the same text, but
    for what is carried forward, and for the marks. Rolled over again it stays as it is.

    Raises DispatcherError where the text cannot be edited in place.
    """
    edited, added = _carry(text, plan, year)
    root, rolled = read_nodes("", edited), read_plan("", edited)
    free = free_line(edited)
    decisions = [each._replace(line=free(each.line)) for each in _decisions(root, rolled, year)]
    return Edition(
        marked(edited, ((each.line, each.mark) for each in decisions), year),
        tuple(Carried(_found(root, *way).place.line, *said) for way, said in added),
        tuple(sorted(decisions, key=lambda each: each.line)),
    )


# ---------------------------------------------------------------------------------- carried forward

Added = tuple[Steps, tuple[str, str]]
"""The way to what was added; its field, and its value in words."""


def _carry(text: str, plan: Plan, year: int) -> tuple[str, list[Added]]:
    added: list[Added] = []
    if plan.last.year < year:
        last = f"{year}-12-31"
        text = put(text, ("plan", "until"), last)
        added.append((("plan", "until"), ("until", last)))
    for name, spans in plan.ranges.items():
        for number, (span, pattern) in enumerate(_following(spans, year), start=len(spans)):
            list_: Steps = ("calendar", "ranges", name)
            text = add(text, list_, _entry(span, pattern))
            value = f"{span.name} {span.first}..{span.last}"
            added.append(((*list_, number), (f"ranges.{name}", value)))
    return text, added


def _following(spans: Iterable[Span], year: int) -> Iterator[tuple[Span, Span]]:
    """The entries that a range lacks for ``year``, each with the one whose days it takes over; not
    those that would meet another."""
    known = list(spans)
    for pattern in _without_successor(known, year):
        years = year - year_of(pattern)
        first, last = (
            day_of(day.year + years, day.month, day.day) for day in (pattern.first, pattern.last)
        )
        span = Span(called(pattern, years), first, last, provisional=True)
        if not any(
            span.name == other.name or (first <= other.last and other.first <= last)
            for other in known
        ):
            known.append(span)
            yield span, pattern


def _without_successor(spans: Iterable[Span], year: int) -> list[Span]:
    """Of what comes again each year and has no entry for ``year``, the last entry before it: the
    last published one, where there is any."""
    found = []
    for entries in series(spans):
        before = [span for own, span in entries.items() if own < year]
        if before and year not in entries:
            found.append(max(before, key=lambda span: (not span.provisional, span.first)))
    return sorted(found, key=lambda span: (span.first.month, span.first.day))


def _entry(span: Span, pattern: Span) -> dict[str, str]:
    return {
        "name": span.name,
        "from": f"{span.first}",
        "to": f"{span.last}",
        "source": f"按{pattern.name}推算",
        "provisional": "true",
        "note": f"安排尚未公布，月、日同{pattern.name}",
    }


# ---------------------------------------------------------------------------------------- decisions


def _decisions(root: Node, plan: Plan, year: int) -> Iterator[Decision]:
    yield from _old_years(_at(root, "plan"), ("title",), PLAN, "", year)
    for name, entries in _pairs(_at(root, "calendar", "ranges")):
        for entry in entries.value:
            yield from _of_span(entry, plan.ranges[name.value], year)
    for name, group in _pairs(_at(root, "groups")):
        confirm = _at(group, "confirm")
        if confirm and not confirm.empty:
            mark = f"{name.value}的名单还没有核对，请照{year}年的文件核对"
            yield Decision(confirm.place.line, "confirm", name.value, mark)
    for entry in _found(root, "duties").value:
        yield from _of_duty(entry, plan, plan.duties[_found(entry, "id").value], year)


def _of_span(entry: Node, spans: tuple[Span, ...], year: int) -> Iterator[Decision]:
    name = _found(entry, "name")
    span = next(span for span in spans if span.name == name.value)
    if span.provisional and span.first.year <= year <= span.last.year:
        mark = f"{span.name}的日期是暂定的，通知公布后改日期、换出处，删去provisional"
        yield Decision(_found(entry, "provisional").place.line, "provisional", span.name, mark)
    if span in _without_successor(spans, year):
        mark = f"{year}年的没有写，照{span.name}推算会与别的重叠，请补上"
        yield Decision(name.place.line, "range", span.name, mark)


def _of_duty(entry: Node, plan: Plan, duty: Duty, year: int) -> Iterator[Decision]:
    """Of one that has nothing due from ``year`` on that alone is asked."""
    until, when = _at(entry, "until"), _found(entry, "when")
    last = read_day(until.value) if until else None
    if until and last and last.year < year:
        mark = f"到{last}为止，{year}年还要做的改日期和目标，不再做的不改"
        yield Decision(until.place.line, "until", duty.id, mark)
    elif _is_over(plan, duty, date(year, 1, 1)):
        mark = f"{year}年起没有到期的日子，还要做的改日子，不再做的不改"
        yield Decision(when.place.line, "when", duty.id, mark)
    else:
        yield from _old_years(entry, DOCUMENTED, DUTY, duty.id, year)
        yield from _of_measures(entry, duty, year)
        yield from _of_exceptions(entry, plan, duty, year)


def _is_over(plan: Plan, duty: Duty, first: date) -> bool:
    """Whether nothing falls due from ``first`` on; what an event opens still may."""
    last = min(duty.last, first + RULE_HORIZON)
    due = next(candidates(plan, duty, first, last), None)
    return due is None and not isinstance(duty.cadence, Event)


def _of_measures(entry: Node, duty: Duty, year: int) -> Iterator[Decision]:
    """The targets that are held against last year's figure."""
    relative = {
        measure.stem
        for measure in duty.measures
        if any(target.number is None for target in measure.targets)
    }
    for measure in _items(_at(entry, "measures")):
        if half_width(_found(measure, "name").value) in relative:
            base = _at(measure, "base")
            wanted = f"的数改为{year - 1}年的数"
            if base is None or base.empty:
                base, wanted = _found(measure, "target"), f"没有写，查实{year - 1}年的数加上"
            mark = f"{_found(measure, 'name').value}的上年数(base){wanted}"
            yield Decision(base.place.line, "base", duty.id, mark)


def _of_exceptions(entry: Node, plan: Plan, duty: Duty, year: int) -> Iterator[Decision]:
    """What was skipped or moved of periods before ``year``."""
    if not (duty.skip or duty.move):
        return
    start = date(year, 1, 1)
    ahead = {key for key, move in duty.move.items() if move.to >= start}
    past = {each.key for each in candidates(plan, duty, duty.first, start - DAY)} - ahead
    fields: tuple[Literal["skip", "move"], ...] = ("skip", "move")
    for field in fields:
        for key, _value in _pairs(_at(entry, field)):
            if key.value in past:
                mark = f"{key.value}在{year}年以前，过后可以删去"
                yield Decision(key.place.line, field, duty.id, mark)


def _old_years(
    record: Node | None, fields: Iterable[str], kind: Record, about: str, year: int
) -> Iterator[Decision]:
    """The texts of ``record`` that name a year before ``year``."""
    for field in fields:
        text = _at(record, field)
        named = sorted(set(_NAMED_YEAR.findall(text.value))) if text else []
        old = [each for each in named if int(each) < year]
        if text and old:
            called = kind.fields[field].title
            mark = f"{called}写着{'、'.join(old)}年，照{year}年的文件改，或者不改"
            yield Decision(text.place.line, "old-year", about, mark)


# -------------------------------------------------------------------------------------------- nodes


def _at(node: Node | None, *way: str | int) -> Node | None:
    """What stands at ``way``; None where nothing does."""
    for step in way:
        if node is None or node.kind == "scalar":
            return None
        if isinstance(step, int):
            node = node.value[step]
        else:
            node = node.value[step][1] if step in node.value else None
    return node


def _found(node: Node, *way: str | int) -> Node:
    """What must stand at ``way`` in a calendar that could be read."""
    found = _at(node, *way)
    assert found
    return found


def _pairs(node: Node | None) -> Iterable[tuple[Node, Node]]:
    return node.value.values() if node and node.kind == "mapping" else ()


def _items(node: Node | None) -> Iterable[Node]:
    return node.value if node and node.kind == "sequence" else ()
