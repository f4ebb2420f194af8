"""Reading the duties of the file: whom they bind, and which cadence their words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from dispatcher.errors import PhraseError, Place
from dispatcher.i18n import _
from dispatcher.plan.cadence import Cadence, Event, Every, RangeEnd, Rule, YearRound
from dispatcher.plan.model import Duty, Move, Offset, Plan
from dispatcher.plan.names import Names, split_names
from dispatcher.plan.occurrences import candidates
from dispatcher.plan.periods import MONTHS
from dispatcher.plan.phrases import UNITS, due_in, normalised, parse
from dispatcher.plan.shape import Entry, Report, Word, nearest

OFFSET = re.compile(r"(?P<every>every |每)?(?P<days>[0-9]{1,3})个?(?P<unit>d|天|日|wd|工作日)")
HORIZON = timedelta(days=366 * 30)
"""How far period keys of ``skip`` and ``move`` are looked for."""


def read_offsets(words: Iterable[Word], report: Report) -> tuple[Offset, ...]:
    """``7d``, ``3wd``, ``every 5wd`` (7天, 3个工作日, 每5个工作日) as Offsets."""
    found: list[Offset] = []
    for word in words:
        match = OFFSET.fullmatch(word.strip())
        if not match or not int(match["days"]):
            text = _("'{value}' is not a distance; write 7d, 3wd or every 5wd", value=word)
            report(word.place, text)
        elif found and found[-1].every:
            report(word.place, _("nothing can follow '{offset}'", offset=found[-1]))
        else:
            workdays = match["unit"] in ("wd", "工作日")
            found.append(Offset(int(match["days"]), workdays, bool(match["every"])))
    return tuple(found)


class CadenceReader:
    """Reads ``when`` and settles what it leaves to the rest of the file."""

    def __init__(self, plan: Plan, report: Report) -> None:
        self.plan = plan
        self.report = report

    def read(self, when: Word | Entry) -> tuple[Cadence, bool]:
        """The cadence, and whether it is a year-round one (then that of the check-ins)."""
        place = when.place if isinstance(when, Word) else when.node.place
        found = self._parsed(when) if isinstance(when, Word) else self._mapped(when)
        if found is None or isinstance(found, YearRound):
            return self._settled(self.plan.defaults.year_round, place), found is not None
        return self._settled(found, place), False

    def _parsed(self, phrase: Word) -> Cadence | None:
        try:
            return parse(str(phrase))
        except PhraseError as error:
            self.report(phrase.place, error.text)
            return None

    def _mapped(self, when: Entry) -> Cadence | None:
        if "rrule" in when:
            return self._rule(when)
        every = when.get("every", "")
        words = UNITS.get(every.removeprefix("每"), every if every in UNITS.values() else None)
        if words is None:
            text = _("'every' should be one of: {units}", units=[*MONTHS, "week", "half-month"])
            self.report(when.place("every"), text)
            return None
        due = due_in(words, _due_words(when["due"])) if "due" in when else None
        if "due" in when and due is None:
            text = _("'{value}' is not a day of a period; write it like 25日前", value=when["due"])
            self.report(when.place("due"), text)
        return Every(
            words,
            when.get("times", 1),
            due,
            excepted=tuple(when.get("except", ())),
            anchor=when.get("anchor"),
        )

    def _rule(self, when: Entry) -> Cadence | None:
        from dateutil.rrule import rrulestr

        text = when["rrule"].strip().removeprefix("RRULE:")
        try:
            rrulestr(text, dtstart=None)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            self.report(when.place("rrule"), _("not an RFC 5545 rule: {detail}", detail=error))
            return None
        if re.search("DTSTART|FREQ=(HOURLY|MINUTELY|SECONDLY)|BY(HOUR|MINUTE|SECOND)|\n", text):
            detail = _("a rule names days, by FREQ=DAILY or longer, and starts at 'from'")
            self.report(when.place("rrule"), detail)
            return None
        return Rule(text)

    def _settled(self, cadence: Cadence, place: Place) -> Cadence:
        """With the plan's own due day and with names of ranges as the plan has them."""
        if isinstance(cadence, RangeEnd):
            return RangeEnd(self._range(cadence.name, place) or "")
        if not isinstance(cadence, Every):
            return cadence
        if cadence.unit == "fortnight" and not cadence.anchor:
            text = _("a fortnight needs the week it is counted from: 每两周(2026-01-05起)")
            self.report(place, text)
            cadence = cadence._replace(anchor=date(2026, 1, 5))
        if cadence.unit in MONTHS and not cadence.due:
            cadence = cadence._replace(due=self.plan.defaults.due)
        names = (self._range(name, place) for name in cadence.excepted)
        return cadence._replace(excepted=tuple(name for name in names if name))

    def _range(self, name: str, place: Place) -> str | None:
        """A range's own name; documents say 寒暑假期 of what the file calls 寒暑假."""
        for called in (name, name.removesuffix("期间"), name.removesuffix("期")):
            if called in self.plan.ranges:
                return called
        near = nearest(name, list(self.plan.ranges))
        self.report(place, _("unknown range '{name}'; known: {near}", name=name, near=near))
        return None


def _due_words(due: str) -> str:
    return f"{due}日前" if due.isdigit() else normalised(due)


class DutyReader:
    """Makes Duties of the entries of the file, and checks each against the whole plan."""

    def __init__(self, plan: Plan, names: Names, report: Report) -> None:
        self.plan = plan
        self.names = names
        self.report = report
        self.cadences = CadenceReader(plan, report)

    def read_all(self, entries: Iterable[Entry]) -> dict[str, Duty]:
        """The duties by id, in the file's order."""
        found: dict[str, Duty] = {}
        for entry in entries:
            if not {"id", "title", "when", "responsible"} <= entry.keys():
                continue
            self.report.duty = str(entry["id"])
            if self.report.duty in found:
                line = found[self.report.duty].place.line
                text = _(
                    "id '{id}' stands here twice; first on line {line}", id=entry["id"], line=line
                )
                self.report(entry["id"].place, text)
            before = len(self.report.problems)
            duty = self._duty(entry)
            if len(self.report.problems) == before:
                self._check(duty, entry)
            found[duty.id] = duty
        self.report.duty = ""
        return found

    def _duty(self, entry: Entry) -> Duty:
        defaults = self.plan.defaults
        cadence, progress = self.cadences.read(entry["when"])
        lead, units = self._parties(entry)
        when = entry["when"]
        return Duty(
            id=str(entry["id"]),
            title=str(entry["title"]),
            task=str(entry.get("task", "")),
            rows=tuple(entry.get("rows", ())),
            clause=str(entry.get("clause", "")),
            phrase=str(when) if isinstance(when, Word) else str(cadence),
            cadence=cadence,
            progress=progress,
            lead=lead,
            units=units,
            expect=entry.get("expect", "all"),
            roll=entry.get("roll", defaults.roll),
            before=read_offsets(entry["before"], self.report) if "before" in entry else None,
            overdue=self._overdue(entry),
            open=entry.get("open", defaults.open),
            min_workdays=entry.get("min_workdays", defaults.min_workdays),
            first=max(entry.get("from", self.plan.first), self.plan.first),
            last=min(entry.get("until", self.plan.last), self.plan.last),
            skip={str(key): str(reason) for key, reason in entry.get("skip", {}).items()},
            move=self._moves(entry),
            note=str(entry.get("note", "")),
            place=entry.node.place,
        )

    def _parties(self, entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The leads, and every unit that is told, leads first."""
        named = split_names(entry["responsible"])
        responsible = tuple(self.names.each(named))
        lead = split_names(entry["lead"]) if "lead" in entry else named[:1]
        leads = tuple(self.names.each(lead))
        if not named:
            self.report(entry.place("responsible"), _("nobody is responsible"))
        return leads, leads + tuple(unit for unit in responsible if unit not in leads)

    def _overdue(self, entry: Entry) -> tuple[Offset, ...]:
        if "overdue" in entry:
            return read_offsets(entry["overdue"], self.report)
        return self.plan.defaults.overdue

    def _moves(self, entry: Entry) -> dict[str, Move]:
        return {
            str(key): Move(move["to"], str(move["reason"]))
            for key, move in entry.get("move", {}).items()
            if {"to", "reason"} <= move.keys()
        }

    def _check(self, duty: Duty, entry: Entry) -> None:
        if isinstance(duty.cadence, Event):
            return
        if duty.last < duty.first:
            self.report(entry.place("until"), _("'until' lies before 'from'"))
        elif next(candidates(self.plan, duty, duty.first, duty.last), None) is None:
            text = _(
                "'{phrase}' never falls due from {first} to {last}",
                phrase=duty.phrase,
                first=duty.first,
                last=duty.last,
            )
            self.report(entry.place("when"), text)
        if duty.skip or duty.move:
            self._check_periods(duty, entry)

    def _check_periods(self, duty: Duty, entry: Entry) -> None:
        last = min(duty.last, duty.first + HORIZON)
        keys = [found.key for found in candidates(self.plan, duty, duty.first, last)]
        for key in (*entry.get("skip", {}), *entry.get("move", {})):
            if key not in keys:
                near = nearest(key, keys)
                self.report(key.place, _("no period '{key}'; nearest: {near}", key=key, near=near))
