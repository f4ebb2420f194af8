"""Finding the sheet in a workbook, and its columns by their headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from openpyxl.utils import get_column_letter

from dispatcher.i18n import _
from dispatcher.sheet.columns import HEADINGS, KEY, NAME, SEAL
from dispatcher.sheet.content import excerpt
from dispatcher.sheet.problems import Place, Problem, Report, SheetError
from dispatcher.sheet.table import Cell, Table

EXPECTED = (*HEADINGS, KEY, SEAL)
SEARCHED = 30
"""The rows among which the headings are looked for: some put a letterhead above them."""
ENOUGH = 3
"""Headings that make a row the heading row, so that the others can be named as missing."""


class Found(NamedTuple):
    """Where the sheet is: ``columns`` are indices by heading."""

    table: Table
    row: int
    columns: Mapping[str, int]

    def column(self, index: int) -> str:
        """``M(完成情况)``"""
        heading = next((name for name, at in self.columns.items() if at == index), "")
        return named(index, heading)


def find(file: str, tables: Sequence[Table]) -> Found:
    """The sheet among the worksheets of a workbook; others are ignored. SheetError if none is."""
    every = [found for found in map(_found, tables) if len(found.columns) >= ENOUGH]
    if not every:
        text = _(
            "none of the worksheets ({names}) has the headings of the sheet; "
            "export it again and fill that in",
            names=[excerpt(table.title) for table in tables],
        )
        raise SheetError([Problem(Place(file), text)])
    return next((found for found in every if found.table.title == NAME), every[0])


def check_headings(found: Found, report: Report) -> None:
    """Reports every heading that is changed, missing, moved or not of the sheet."""
    row = found.table.rows[found.row]
    for index, heading in enumerate(EXPECTED):
        if heading not in found.columns:
            _report_missing(heading, index, _at(row, index), found, report)
    strangers = set(range(len(row))) - set(found.columns.values())
    replaced = {index for index, name in enumerate(EXPECTED) if name not in found.columns}
    for index in sorted(strangers - replaced):
        if row[index].text:
            text = _("this column does not belong to the sheet; remove it")
            report.add(text, found.row, named(index, excerpt(row[index].text)))
    _report_moved(found, report)


def named(index: int, heading: str) -> str:
    """A column as people find it: letter and heading."""
    letter = get_column_letter(index + 1)
    return f"{letter}({heading})" if heading else letter


def _found(table: Table) -> Found:
    candidates = list(table.rows)[:SEARCHED]
    every = [Found(table, row, _columns(table.rows[row])) for row in candidates]
    return max(every, key=lambda found: len(found.columns), default=Found(table, 0, {}))


def _columns(row: Sequence[Cell]) -> dict[str, int]:
    texts = ["".join(cell.text.split()) for cell in row]
    return {heading: texts.index(heading) for heading in EXPECTED if heading in texts}


def _at(row: Sequence[Cell], index: int) -> str:
    return row[index].text if index < len(row) else ""


def _report_missing(heading: str, index: int, now: str, found: Found, report: Report) -> None:
    if heading in {KEY, SEAL}:
        text = _(
            "the hidden column '{heading}' is missing; export the sheet again and fill that in",
            heading=heading,
        )
    elif now and now not in EXPECTED:
        text = _(
            "the heading is '{value}' instead of '{heading}'; put it back",
            value=excerpt(now),
            heading=heading,
        )
    else:
        text = _("the column '{heading}' is missing; put it back", heading=heading)
    report.add(text, found.row, named(index, heading))


def _report_moved(found: Found, report: Report) -> None:
    """A column is moved if it stands before one that it should follow."""
    last = -1
    for heading in EXPECTED:
        index = found.columns.get(heading, last)
        if index < last:
            text = _("the column was moved; put the columns back into the order of the export")
            report.add(text, found.row, named(index, heading))
        last = max(last, index)
