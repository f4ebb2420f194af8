"""Reading the duties of the file: whom they bind, and which cadence their words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from dispatcher.i18n import _
from dispatcher.plan.cadence import Event, Rule
from dispatcher.plan.model import Duty, Measure, Move, Offset, Plan
from dispatcher.plan.names import Names, split_names
from dispatcher.plan.occurrences import MOVE_ROOM
from dispatcher.plan.shape import Entry, Report, Word, nearest
from dispatcher.plan.spread import RULE_HORIZON, candidates
from dispatcher.plan.steps import DAYS_OF
from dispatcher.plan.when import CadenceReader

OFFSET = re.compile(r"(?P<every>every |每)?(?P<days>[0-9]{1,3})个?(?P<unit>d|天|日|wd|工作日)")
CLASSIFIED = re.compile(r"(绝密|机密|秘密)\s*★|[【\[](绝密|机密|秘密)[】\]]")
"""How a text is marked that may not leave: 密级★保密期限, as official documents bear it."""
WITHHELD = "(内容涉密,不在此发送,请到{office}查阅)"
HORIZON = timedelta(days=366 * 30)
"""How far period keys of ``skip`` and ``move`` are looked for."""


def read_offsets(
    words: Iterable[Word], report: Report, *, repeating: bool = False
) -> tuple[Offset, ...]:
    """``7d``, ``3wd``, ``every 5wd`` (7天, 3个工作日, 每5个工作日) as Offsets, each once, in order.

    Only what is ``repeating`` may end with ``every``.
    """
    found: list[Offset] = []
    for word in words:
        match = OFFSET.fullmatch(word.strip())
        if not match or not int(match["days"]) or (match["every"] and not repeating):
            text = _("'{value}' is not a distance; write 7d, 3wd or every 5wd", value=word)
            report(word.place, text)
        elif found and found[-1].every:
            report(word.place, _("nothing can follow '{offset}'", offset=str(found[-1])))
        else:
            workdays = match["unit"] in ("wd", "工作日")
            found.append(Offset(int(match["days"]), workdays, bool(match["every"])))
    return tuple(sorted(dict.fromkeys(found), key=nearness))


def nearness(offset: Offset) -> tuple[bool, float]:
    """What orders offsets by how far they reach."""
    return offset.every, offset.days * (DAYS_OF["workdays"] if offset.workdays else 1)


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
            if not {"id", "when", "responsible"} <= entry.keys():
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
        duty = Duty(
            id=str(entry["id"]),
            title=str(entry.get("title", "")),
            task=self._task(entry),
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
            measures=(),
            note=str(entry.get("note", "")),
            place=entry.node.place,
        )
        return duty._replace(measures=self._measures(entry, duty))

    def _task(self, entry: Entry) -> str:
        """The text; of a secret one only where to read it: what was never read in cannot leave."""
        task = str(entry.get("task", ""))
        if entry.get("secret") or CLASSIFIED.search(task):
            return WITHHELD.format(office=self.plan.office)
        return task

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
            return read_offsets(entry["overdue"], self.report, repeating=True)
        return self.plan.defaults.overdue

    def _moves(self, entry: Entry) -> dict[str, Move]:
        return {
            str(key): Move(move["to"], str(move["reason"]))
            for key, move in entry.get("move", {}).items()
            if {"to", "reason"} <= move.keys()
        }

    def _measures(self, entry: Entry, duty: Duty) -> tuple[Measure, ...]:
        if "measures" not in entry:
            return ()
        from dispatcher.plan.targets import MeasureReader

        return MeasureReader(self.names, self.report).read(entry["measures"], duty.owing)

    def _check(self, duty: Duty, entry: Entry) -> None:
        if isinstance(duty.cadence, Event):
            return
        last = duty.last
        if isinstance(duty.cadence, Rule):
            last = min(last, duty.first + RULE_HORIZON)
        if duty.last < duty.first:
            self.report(entry.place("until"), _("'until' lies before 'from'"))
        elif next(candidates(self.plan, duty, duty.first, last), None) is None:
            text = _(
                "'{phrase}' never falls due from {first} to {last}",
                phrase=duty.phrase,
                first=duty.first,
                last=last,
            )
            self.report(entry.place("when"), text)
        if duty.skip or duty.move:
            self._check_periods(duty, entry)

    def _check_periods(self, duty: Duty, entry: Entry) -> None:
        last = min(duty.last, duty.first + HORIZON)
        found = {one.key: one.nominal for one in candidates(self.plan, duty, duty.first, last)}
        for key in (*entry.get("skip", {}), *entry.get("move", {})):
            if key not in found:
                near = nearest(key, [each for each in found if each[:4] == key[:4]] or [*found])
                self.report(key.place, _("no period '{key}'; nearest: {near}", key=key, near=near))
        for key in entry.get("move", {}):
            move, nominal = duty.move.get(str(key)), found.get(str(key))
            if move and nominal and abs(move.to - nominal) > MOVE_ROOM:
                text = _("{day} is too far from {nominal}, when '{key}' would be due: at most "
                         "{days} days", day=move.to, nominal=nominal, key=key,
                         days=MOVE_ROOM.days)  # fmt: skip
                self.report(key.place, text)
