"""Reading the calendar file: text in, Plan out, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher.errors import PhraseError, PlanError
from dispatcher.i18n import _
from dispatcher.plan.cadence import Due, Every
from dispatcher.plan.channels import read_channels
from dispatcher.plan.days import due_in
from dispatcher.plan.document import DOCUMENT
from dispatcher.plan.duties import DutyReader, read_offsets
from dispatcher.plan.ladder import read_ladder
from dispatcher.plan.model import (
    Contact,
    Defaults,
    Escalation,
    Group,
    Offset,
    Plan,
    Span,
    Unit,
)
from dispatcher.plan.names import Names
from dispatcher.plan.nodes import read_nodes
from dispatcher.plan.notices import read_notices
from dispatcher.plan.phrases import normalised, parse
from dispatcher.plan.shape import Entry, Report, Word
from dispatcher.plan.workdays import Workdays

FIRST, LAST = date(2000, 1, 1), date(2099, 12, 31)
BEFORE = {
    "week": (1,),
    "fortnight": (2,),
    "half-month": (2,),
    "month": (7, 1),
    "two-months": (15, 3),
    "quarter": (15, 3),
    "half-year": (30, 7),
    "year": (60, 15, 3),
    "dates": (15, 3),
}
OVERDUE = (Offset(1, True), Offset(3, True), Offset(5, True, every=True))


def read_plan(name: str, text: str) -> Plan:
    """The plan that ``text`` means; ``name`` is how errors call the file.

    Raises PlanError with every problem that could be found, each with its place.
    """
    report = Report()
    document = DOCUMENT.read(read_nodes(name, text), report)
    if document is None or not {"plan", "units", "duties"} <= document.keys():
        raise PlanError(name, report.problems)
    plan = _plan(document, report)
    if report.problems:
        raise PlanError(name, report.problems)
    return plan


def _plan(document: Entry, report: Report) -> Plan:
    head = document["plan"]
    calendar, given = document.get("calendar", {}), document.get("defaults", {})
    units = {name: _unit(name, entry) for name, entry in document["units"].items()}
    groups = {name: _group(name, entry) for name, entry in document.get("groups", {}).items()}
    names = Names(units, groups, report)
    plan = Plan(
        title=head.get("title", ""),
        zone=_zone(head, report),
        office=_office(head, names),
        first=head.get("from", FIRST),
        last=head.get("until", LAST),
        workdays=Workdays(
            calendar.get("holidays", "china"),
            calendar.get("off", ()),
            calendar.get("work", ()),
            read_notices(calendar, report),
        ),
        ranges=_ranges(calendar.get("ranges", {}), report),
        defaults=_defaults(given, report),
        channels=read_channels(document, report),
        units={
            unit.name: unit._replace(superior=names.one(unit.superior) or "")
            for unit in units.values()
        },
        groups={
            group.name: group._replace(members=tuple(names.each(group.members)))
            for group in groups.values()
        },
        duties={},
        ladder=read_ladder(document["ladder"], report) if "ladder" in document else None,
    )
    duties = DutyReader(plan, names, report).read_all(document["duties"])
    return plan._replace(duties=duties)


def _unit(name: str, entry: Entry) -> Unit:
    contacts = (
        Contact(*(str(contact.get(key, "")) for key in Contact._fields))
        for contact in entry.get("contacts", ())
    )
    return Unit(
        str(name),
        entry.get("level", "district"),
        entry.get("superior", ""),
        tuple(contacts),
        tuple(entry.get("channels", ("email",))),
        tuple(entry.get("aliases", ())),
        entry.get("sheet", False),
        entry.get("notify", "first-that-works"),
    )


def _group(name: str, entry: Entry | list[Word]) -> Group:
    if isinstance(entry, list):
        return Group(str(name), tuple(entry))
    return Group(
        str(name),
        tuple(entry.get("members", ())),
        tuple(entry.get("aliases", ())),
        entry.get("confirm", ""),
    )


def _zone(head: Entry, report: Report) -> ZoneInfo:
    try:
        return ZoneInfo(head.get("timezone", "Asia/Shanghai"))
    except (KeyError, ValueError, OSError):
        text = _("unknown time zone '{zone}'; write it like Asia/Shanghai", zone=head["timezone"])
        report(head.place("timezone"), text)
        return ZoneInfo("Asia/Shanghai")


def _office(head: Entry, names: Names) -> str:
    return (names.one(head["office"]) or "") if "office" in head else ""


def _ranges(given: Mapping[Word, list[Entry]], report: Report) -> dict[str, tuple[Span, ...]]:
    found = {}
    for name, entries in given.items():
        spans = sorted(_spans(entries, report), key=lambda span: span.first)
        seen: set[str] = set()
        for before, span in zip([None, *spans], spans, strict=False):
            if span.name in seen:
                text = _("'{name}' stands in range '{range}' twice", name=span.name, range=name)
                report(name.place, text)
            if before and before.last >= span.first:
                text = _("entries '{one}' and '{two}' overlap", one=before.name, two=span.name)
                report(name.place, text)
            seen.add(span.name)
        found[str(name)] = tuple(spans)
    return found


def _spans(entries: Iterable[Entry], report: Report) -> Iterator[Span]:
    for entry in entries:
        if not {"name", "from", "to"} <= entry.keys():
            continue
        if entry["to"] < entry["from"]:
            text = _("'{name}' ends before it begins", name=entry["name"])
            report(entry.place("to"), text)
            continue
        yield Span(
            str(entry["name"]),
            entry["from"],
            entry["to"],
            entry.get("source", ""),
            entry.get("provisional", False),
        )


def _defaults(given: Entry | dict[str, Any], report: Report) -> Defaults:
    before = {length: tuple(Offset(days) for days in offsets) for length, offsets in BEFORE.items()}
    for length, words in given.get("before", {}).items():
        before[length] = read_offsets(words, report)
    escalate = given.get("escalate", {})
    after = read_offsets([escalate["after"]], report) if "after" in escalate else ()
    at, window = given.get("at", time(9)), given.get("window", (time(9), time(18)))
    if isinstance(given, Entry) and not window[0] <= at < window[1]:
        text = _(
            "at {at} lies outside the window {first}-{last}",
            at=at.strftime("%H:%M"),
            first=window[0].strftime("%H:%M"),
            last=window[1].strftime("%H:%M"),
        )
        report(given.place("at" if "at" in given else "window"), text)
    return Defaults(
        roll=given.get("roll", "preceding"),
        due=_default_due(given["due"], report) if "due" in given else None,
        year_round=_year_round(given["year_round"], report)
        if "year_round" in given
        else Every("quarter"),
        at=at,
        window=window,
        open=given.get("open", True),
        min_workdays=given.get("min_workdays", 3),
        before=before,
        overdue=read_offsets(given["overdue"], report, repeating=True)
        if "overdue" in given
        else OVERDUE,
        escalate=Escalation(after[0] if after else Offset(3, True), escalate.get("to", "superior")),
    )


def _default_due(words: Word, report: Report) -> Due | None:
    due = due_in("month", normalised(words))
    if due is None:
        text = _("'{value}' is not a day of a period; write it like 25日前", value=words)
        report(words.place, text)
    return due


def _year_round(phrase: Word, report: Report) -> Every:
    try:
        cadence = parse(str(phrase))
    except PhraseError as error:
        report(phrase.place, error.text)
        return Every("quarter")
    if isinstance(cadence, Every):
        return cadence
    text = _("'{value}' is not a check-in; write it like 每季度", value=phrase)
    report(phrase.place, text)
    return Every("quarter")
