"""Returned sheets (台账): what units filled in becomes answers, or a list of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from dispatcher.dispatch import answering
from dispatcher.dispatch.sheets import ALL
from dispatcher.errors import DispatcherError
from dispatcher.i18n import Text, _
from dispatcher.ledger import sheets
from dispatcher.ledger.answers import Said
from dispatcher.ledger.assignments import Assigned
from dispatcher.ledger.database import Connection
from dispatcher.ledger.sheets import Kept
from dispatcher.ledger.transitions import ANSWERS, STATE_WORDS
from dispatcher.plan.model import Plan
from dispatcher.plan.names import unit_called
from dispatcher.sheet import Entry, Place, Problem, Returned, SheetError
from dispatcher.sheet.columns import EXTEND, FIGURE, KEY, NOTE, PROGRESS, STATUS
from dispatcher.sheet.content import excerpt, spelled

NOT_BEGUN, AT_WORK, DONE, NOT_OURS = "未启动", "正在办理", "已办结", "不涉及"
"""What the column 完成情况 may say of an open item."""
HEADED = {"ack": STATUS, "report": STATUS, "waive": STATUS, "ask": EXTEND}
"""The column by which each answer is given."""


class Received(NamedTuple):
    """A sheet that came back, and the digest of its file."""

    sheet: Returned
    digest: str


class Change(NamedTuple):
    """An answer that a sheet gives: to what, as it was, and the state that it leads to.

    ``missed`` has a sentence for each figure that falls short.
    """

    assigned: Assigned
    said: Said
    became: str
    missed: tuple[Text, ...]


class Outcome(NamedTuple):
    """What returned sheets changed, and how many rows said only what was recorded already."""

    changes: tuple[Change, ...]
    known: int


def received(files: Sequence[tuple[str, bytes]]) -> list[Received]:
    """The sheets in ``files``, given by name and content.

    Raises SheetError with everything that is wrong with any of them.
    """
    from dispatcher.sheet.reading import read_sheet

    found: list[Received] = []
    problems: list[Problem] = []
    for name, content in files:
        try:
            found.append(Received(read_sheet(name, content), sha256(content).hexdigest()))
        except SheetError as error:
            problems += error.problems
    if problems:
        raise SheetError(problems)
    return found


def take_in(
    conn: Connection, plan: Plan, given: Sequence[Received], by: str, now: datetime
) -> Outcome:
    """Records what the sheets say, as said by ``by``; only rows that were changed count.

    正在办理 acknowledges, 已办结 reports with the figures, 不涉及 waives, a date in 申请延期至 asks
    for an extension, 未启动 says nothing. A file taken in before says nothing new. Raises
    SheetError with every row that cannot be recorded; the caller then rolls back.
    """
    intake = _Intake(conn, plan, by, now)
    for each in given:
        intake.take(each)
    if intake.problems:
        raise SheetError(intake.problems)
    return Outcome(tuple(intake.changes), intake.known)


class _Misfit(Exception):
    """An item cannot be recorded for what stands in the column ``heading``, in the row of
    ``measure`` or else in its own."""

    def __init__(self, heading: str, text: Text, measure: str = "") -> None:
        super().__init__(str(text))
        self.heading, self.text, self.measure = heading, text, measure


class _Intake:
    """Takes in one sheet after the other, and gathers what is wrong with them."""

    def __init__(self, conn: Connection, plan: Plan, by: str, now: datetime) -> None:
        self.conn, self.plan, self.by, self.now = conn, plan, by, now
        self.problems: list[Problem] = []
        self.changes: list[Change] = []
        self.known = 0
        self.seen: dict[str, Entry] = {}

    def take(self, given: Received) -> None:
        entries = [entry for entry in given.sheet.entries if entry.changed]
        if sheets.is_imported(self.conn, given.digest):
            self.known += len(entries)
            return
        before = len(self.changes)
        for entry in entries:
            try:
                self._take_row(entry, given.sheet.unit)
            except _Misfit as misfit:
                self.problems.append(_problem(entry, misfit))
        keys = [change.assigned.key for change in self.changes[before:]]
        if keys:
            answered = list(dict.fromkeys(keys))
            sheets.record_import(
                self.conn, given.sheet.file, given.digest, answered, self.by, self.now
            )

    def _take_row(self, entry: Entry, sheet_unit: str) -> None:
        kept = self._kept(entry, sheet_unit)
        self._refuse_another_answer(entry)
        row = Row(entry, kept, self._figures(entry, kept))
        found = [_problem(entry, misfit) for misfit in row.contradictions()]
        self.problems += found
        if not found:
            new = [self._answer(kept.assigned, said) for said in row.says(self.by)]
            self.known += not any(new)

    def _kept(self, entry: Entry, sheet_unit: str) -> Kept:
        """The assignment of a row, if it is one of the unit whose sheet this is."""
        duty, _slash, rest = entry.key.partition("/")
        period, _at, name = rest.rpartition("@")
        unit = self._own_name(name)
        if sheet_unit != ALL and unit != self._own_name(sheet_unit):
            text = _("{key} is not of {unit}, whose sheet this is", key=entry.key, unit=sheet_unit)
            raise _Misfit(KEY, text)
        found = sheets.of_period(self.conn, duty, period, unit)
        if not found:
            text = _("{key} is not in the ledger; export the sheet again", key=entry.key)
            raise _Misfit(KEY, text)
        return found[0]

    def _own_name(self, name: str) -> str:
        """A unit's name today; one that the plan no longer has keeps its own."""
        try:
            return unit_called(self.plan, name)
        except DispatcherError:
            return name

    def _refuse_another_answer(self, entry: Entry) -> None:
        """Two files, or a unit's sheet and the office's, may answer the same only in one way."""
        first = self.seen.setdefault(entry.key, entry)
        if first.answer != entry.answer:
            place = Place(first.file, first.sheet, first.row).text
            text = _("{place} gives another answer; keep the right one", place=place)
            raise _Misfit(KEY, text)

    def _figures(self, entry: Entry, kept: Kept) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, figure in entry.figures:
            try:
                found |= answering.read_figures(self.plan, kept.assigned, {name: figure})
            except DispatcherError as error:
                raise _Misfit(FIGURE, error.text, name) from None
        return found

    def _answer(self, assigned: Assigned, said: Said) -> bool:
        """Records an answer; False when it was recorded already."""
        try:
            new = answering.answer(self.conn, self.plan, assigned, said, self.now)
        except DispatcherError as error:
            raise _Misfit(HEADED[said.kind], error.text) from None
        if new:
            found = answering.verdicts(self.plan, assigned, said.figures)
            missed = tuple(verdict.says for verdict in found if verdict.met is False)
            became = ANSWERS[said.kind][assigned.state]
            self.changes.append(Change(assigned, said, became, missed))
        return new


class Row(NamedTuple):
    """What a changed row says, beside what the ledger has; ``figures`` are in normal form."""

    entry: Entry
    kept: Kept
    figures: Mapping[str, str]

    @property
    def news(self) -> str:
        """The progress, if it is not what is recorded."""
        return self.entry.progress if self.entry.progress != spelled(self.kept.progress) else ""

    @property
    def words(self) -> str:
        """The progress, and behind it a remark that is no reason for an extension."""
        remark = "" if self.entry.extend_to else self.entry.note
        return ";备注:".join(filter(None, [self.entry.progress, remark]))

    @property
    def reason(self) -> str:
        """For what needs one: the remark, or else the news."""
        return self.entry.note or self.news

    @property
    def new_figures(self) -> dict[str, str]:
        known = self.kept.figures
        return {name: value for name, value in self.figures.items() if known.get(name) != value}

    def says(self, by: str) -> Iterator[Said]:
        """The answers that it gives beyond what is recorded."""
        state, status = self.kept.assigned.state, self.entry.status
        new_words = self.words not in ("", spelled(self.kept.progress))
        # Asked first, for that leaves the state as it was read.
        if self.entry.extend_to not in (None, self.kept.assigned.asked_on):
            yield Said("ask", by, self.reason, self.entry.extend_to)
        if status == AT_WORK and (state == "pending" or new_words):
            yield Said("ack", by, self.words)
        if status == DONE and (state not in ("reported", "done") or new_words or self.new_figures):
            yield Said("report", by, self.words, figures=self.figures)
        if status == NOT_OURS and state != "waived":
            yield Said("waive", by, ";".join(filter(None, [self.news, self.entry.note])))

    def contradictions(self) -> Iterator[_Misfit]:
        """What would be lost or cannot be meant, each by its cell."""
        entry = self.entry
        if entry.status != DONE:
            yield from self._unreported()
        if entry.status == NOT_BEGUN:
            yield from self._unheard()
        if entry.extend_to and entry.status in (DONE, NOT_OURS):
            text = _("{day}: an extension does not go with {status}; clear one of them",
                     day=entry.extend_to, status=entry.status)  # fmt: skip
            yield _Misfit(EXTEND, text)
        if (entry.extend_to or entry.status == NOT_OURS) and not self.reason:
            text = _("'{status}' needs a reason; write it here",
                     status=EXTEND if entry.extend_to else NOT_OURS)  # fmt: skip
            yield _Misfit(NOTE, text)

    def _unreported(self) -> Iterator[_Misfit]:
        for name, value in self.new_figures.items():
            text = _(
                "{measure} {value}: figures are handed in with {done}; choose that in row {row}, "
                "or put back the figure", measure=name, value=value, done=DONE, row=self.entry.row,
            )  # fmt: skip
            yield _Misfit(FIGURE, text, name)

    def _unheard(self) -> Iterator[_Misfit]:
        """未启动 records nothing: whatever stands beside it would be lost."""
        entry, state = self.entry, self.kept.assigned.state
        is_reason = bool(entry.extend_to)
        unheard = {
            PROGRESS: self.news if not is_reason or entry.note else "",
            NOTE: entry.note if not is_reason else "",
        }
        for heading, value in unheard.items():
            if value:
                text = _(
                    "'{value}' would not be recorded, for the row says {status}; choose "
                    "{at_work}", value=excerpt(value), status=NOT_BEGUN, at_work=AT_WORK,
                )  # fmt: skip
                yield _Misfit(heading, text)
        if state != "pending" and not (is_reason or self.new_figures or any(unheard.values())):
            text = _("{status}: it is {state} already, and that is not taken back here",
                     status=NOT_BEGUN, state=STATE_WORDS[state])  # fmt: skip
            yield _Misfit(STATUS, text)


def _problem(entry: Entry, misfit: _Misfit) -> Problem:
    from dispatcher.sheet.headings import EXPECTED, named

    column = named(EXPECTED.index(misfit.heading), misfit.heading)
    row = entry.figure_rows.get(misfit.measure, entry.row)
    return Problem(Place(entry.file, entry.sheet, row, column), misfit.text)
