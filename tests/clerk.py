"""A clerk who answers by sheet: exports it, fills in a row, saves it, and it is taken in."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from io import BytesIO

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.dispatch.returns import received, take_in
from dispatcher.dispatch.sheets import stretch_called, unit_sheet
from dispatcher.ledger.database import Connection
from dispatcher.plan.model import Plan
from dispatcher.sheet.columns import FIGURE, HEADINGS, PROGRESS, STATUS
from dispatcher.sheet.writing import KEY_COLUMN, write_sheet
from tests.office_script import Act, figure_of


class NoSuchRow(Exception):
    """The sheet does not have what the clerk wants to answer."""


def hand_in(conn: Connection, plan: Plan, act: Act, due: date, now: datetime) -> bool:
    """Reports by the sheet of the month of ``due``; whether that said anything new."""
    sheet = unit_sheet(conn, plan, act.unit, stretch_called(f"{due:%Y-%m}"), now)
    if not any(line.key == act.key for line in sheet.lines):
        raise NoSuchRow(act.key)
    book = load_workbook(BytesIO(write_sheet(sheet)))
    _fill(book.worksheets[0], act)
    saved = BytesIO()
    book.save(saved)
    files = [(f"{act.unit}.xlsx", saved.getvalue())]
    return bool(take_in(conn, plan, received(files), "张三", now).changes)


def _fill(page: Worksheet, act: Act) -> None:
    rows = {page.cell(row, KEY_COLUMN).value: row for row in range(1, page.max_row + 1)}
    said = {PROGRESS: act.note, STATUS: "已办结"}
    for heading, value in said.items():
        page.cell(rows[act.key], HEADINGS.index(heading) + 1).value = value
    for name, figure in act.figures:
        row = rows[f"{act.key}#{name}"]
        page.cell(row, HEADINGS.index(FIGURE) + 1).value = _typed(act, figure)


def _typed(act: Act, figure: str) -> float | str:
    """A figure as a spreadsheet keeps it: a number, and a percentage as a fraction."""
    measure = figure_of(act.duty, act.period, act.unit)
    if measure is None or figure not in f"{measure.good} {measure.short}".split():
        return figure
    number = float(unicodedata.normalize("NFKC", figure).rstrip("%篇场"))
    return round(number / 100, 6) if "%" in measure.good else number
