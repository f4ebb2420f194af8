"""A returned sheet: what was filled in, or every reason why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import NamedTuple, TypeVar

from dispatcher.i18n import Text, _
from dispatcher.sheet.columns import (
    DUE,
    EXTEND,
    FIGURE,
    HEADINGS,
    ITEM_INPUTS,
    KEY,
    NOTE,
    PROGRESS,
    SEAL,
    STATUS,
)
from dispatcher.sheet.content import excerpt
from dispatcher.sheet.headings import Found, check_headings, find, named
from dispatcher.sheet.problems import Report, SheetError, Unfit
from dispatcher.sheet.records import Entry, Returned
from dispatcher.sheet.seal import Seal, mark, unsealed
from dispatcher.sheet.table import Cell, read_tables
from dispatcher.sheet.values import read_date, read_figure, read_status

Value = TypeVar("Value")
UNUSABLE = frozenset({"formula", "error"})
"""Kinds of cells that may stand nowhere."""


class Row(NamedTuple):
    """A row with a good key; ``cells`` by heading, without those that hold formulas or errors."""

    number: int
    key: str
    seal: Seal
    cells: Mapping[str, Cell]

    @property
    def is_figure(self) -> bool:
        return "#" in self.key

    @property
    def measure(self) -> str:
        """The name of the measure whose figure the row holds."""
        return self.key.partition("#")[2]

    @property
    def inputs(self) -> frozenset[str]:
        if not self.seal.nature.open:
            return frozenset()
        return frozenset({FIGURE}) if self.is_figure else ITEM_INPUTS

    def text(self, heading: str) -> str:
        return self.cells[heading].text if heading in self.cells else ""

    def altered(self, heading: str) -> bool:
        """Whether a cell is not as it was exported."""
        now = mark(self.key, heading, self.text(heading))
        return heading in self.cells and now != self.seal.marks[heading]


def read_sheet(file: str, content: bytes) -> Returned:
    """What a clerk filled in; ``file`` is how errors call the workbook.

    Sorted, filtered and hidden rows are read, deleted ones are not answered. Raises SheetError with
    every problem: nothing of a sheet with a problem is used.
    """
    found = find(file, read_tables(file, content))
    report = Report(file, found.table.title)
    returned = SheetReader(found, report).read()
    if report.problems:
        raise SheetError(report.problems)
    return returned


class SheetReader:
    """Reads the rows of one worksheet and reports what is wrong with them."""

    def __init__(self, found: Found, report: Report) -> None:
        self.found, self.report = found, report

    def read(self) -> Returned:
        check_headings(self.found, self.report)
        self._check_contents()
        rows = list(self._rows()) if {KEY, SEAL} <= self.found.columns.keys() else []
        items = {row.key: row for row in rows if not row.is_figure}
        figures: dict[str, list[Row]] = {key: [] for key in items}
        for row in rows:
            self._check_locked(row)
            if row.is_figure:
                self._assign(row, figures)
        entries = tuple(self._entry(row, figures[key]) for key, row in items.items())
        return Returned(self.report.file, self._unit(), entries)

    def _unit(self) -> str:
        """Above the key's heading stands whose sheet it is."""
        index = self.found.columns.get(KEY)
        if index is None:
            return ""
        column = [
            cells[index] for row, cells in self.found.table.rows.items() if row < self.found.row
        ]
        unit = next((cell.text for cell in column if cell.text), "")
        if not unit:
            text = _(
                "the hidden name of the unit above the headings is missing; "
                "export the sheet again and fill that in"
            )
            self.report.add(text, self.found.row, named(index, KEY))
        return unit

    def _check_contents(self) -> None:
        """No cell anywhere may hold a formula or an error."""
        for number, row in self.found.table.rows.items():
            for index, cell in enumerate(row):
                if cell.kind in UNUSABLE:
                    self.report.add(_unusable(cell), number, self.found.column(index))

    def _rows(self) -> Iterator[Row]:
        """The rows below the headings whose key and seal are as they were exported."""
        seen: dict[str, int] = {}
        for number, cells in self.found.table.rows.items():
            named = {heading: cells[index] for heading, index in self.found.columns.items()}
            if number <= self.found.row or not any(cell.text for cell in named.values()):
                continue
            row = self._row(number, named)
            if row and self._is_first(row, seen):
                yield row

    def _row(self, number: int, cells: Mapping[str, Cell]) -> Row | None:
        key = cells[KEY].text
        if not key:
            text = _(
                "the row has no hidden key, so it was not exported; move what it says into the row "
                "of its item and delete it"
            )
            self.report.add(text, number)
            return None
        seal = unsealed(key, cells[SEAL].text)
        if seal is None:
            text = _(
                "the hidden key '{key}' or its seal was changed; put back the exported row",
                key=excerpt(key),
            )
            self.report.add(text, number, self.found.column(self.found.columns[KEY]))
            return None
        usable = {name: cell for name, cell in cells.items() if cell.kind not in UNUSABLE}
        return Row(number, key, seal, usable)

    def _is_first(self, row: Row, seen: dict[str, int]) -> bool:
        first = seen.setdefault(row.key, row.number)
        if first != row.number:
            text = _(
                "the row repeats row {first} ('{key}'); delete one of them",
                first=first,
                key=excerpt(row.key),
            )
            self.report.add(text, row.number)
        return first == row.number

    def _check_locked(self, row: Row) -> None:
        for heading in HEADINGS:
            if heading not in row.inputs and row.altered(heading):
                text = _(
                    "the read-only cell was changed, to '{value}'; put back what was exported",
                    value=excerpt(row.text(heading)),
                )
                self._report(text, row, heading)

    def _assign(self, row: Row, figures: Mapping[str, list[Row]]) -> None:
        key = row.key.partition("#")[0]
        if key in figures:
            figures[key].append(row)
        else:
            text = _(
                "the figure stands alone: the row of its item, '{key}', is missing or unusable; "
                "put it back, or delete this row too",
                key=excerpt(key),
            )
            self.report.add(text, row.number)

    def _entry(self, row: Row, figures: list[Row]) -> Entry:
        status = row.text(STATUS)
        if row.seal.nature.open:
            status = self._value(row, STATUS, read_status) or ""
        read = [(figure.measure, self._figure(figure)) for figure in figures]
        changed = [each.altered(name) for each in (row, *figures) for name in each.inputs]
        return Entry(
            key=row.key,
            progress=row.text(PROGRESS),
            status=status,
            extend_to=self._extend_to(row),
            note=row.text(NOTE),
            figures=tuple((name, number) for name, number in read if number),
            figure_rows={figure.measure: figure.number for figure in figures},
            row=row.number,
            sheet=self.report.sheet,
            file=self.report.file,
            changed=any(changed),
        )

    def _figure(self, row: Row) -> str:
        return self._value(row, FIGURE, lambda cell: read_figure(cell, row.seal.nature)) or ""

    def _extend_to(self, row: Row) -> date | None:
        day = self._value(row, EXTEND, read_date)
        due = row.text(DUE)
        if day and due and not row.altered(DUE) and day.isoformat() <= due:
            text = _("{day} is not after the due date, {due}; write a later date", day=day, due=due)
            self._report(text, row, EXTEND)
        return day

    def _value(self, row: Row, heading: str, read: Callable[[Cell], Value]) -> Value | None:
        if heading not in row.cells:
            return None
        try:
            return read(row.cells[heading])
        except Unfit as unfit:
            self._report(unfit.text, row, heading)
            return None

    def _report(self, text: Text, row: Row, heading: str) -> None:
        self.report.add(text, row.number, self.found.column(self.found.columns[heading]))


def _unusable(cell: Cell) -> Text:
    if cell.kind == "formula":
        return _(
            "the cell holds a formula, {value}; write its result instead", value=excerpt(cell.text)
        )
    return _("the cell holds the error {value}; write what it should say", value=excerpt(cell.text))
