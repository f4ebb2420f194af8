"""A workbook's worksheets as plain rows of cells, whichever program saved it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import islice
from typing import Any, Literal, NamedTuple

from openpyxl import load_workbook

from dispatcher.sheet import guard
from dispatcher.sheet.content import Percent, fitting, spelled, unescaped
from dispatcher.sheet.problems import SheetError

WIDEST = 32
"""Columns that are looked at; the sheet has 21."""
NOT_SHOWN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
"""The parts of a number format in which a percent sign is only decoration."""


class Cell(NamedTuple):
    """``text``: what the cell shows, in the spelling of ``content.spelled``."""

    kind: Literal["text", "number", "percent", "date", "formula", "error"]
    text: str


class Table(NamedTuple):
    """A worksheet: ``rows`` are those with anything in them, by their number, from 1."""

    title: str
    rows: Mapping[int, tuple[Cell, ...]]


def read_tables(file: str, content: bytes) -> list[Table]:
    """The worksheets of a workbook, hidden rows and columns included.

    Raises SheetError if it may not be opened or cannot be read.
    """
    try:
        guard.check(file, content)
        # What it warns of (styles, extensions) is of no use to who reads cells.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(BytesIO(content), read_only=True, keep_links=False)
            return [Table(sheet.title, _rows(sheet)) for sheet in book.worksheets]
    except SheetError:
        raise
    except Exception as error:
        # The library promises nothing about what it raises on a malformed part.
        raise guard.damaged(file, error) from error


def _rows(sheet: Any) -> dict[int, tuple[Cell, ...]]:
    # The size that the file declares may be wrong, and would hide rows.
    sheet.reset_dimensions()
    rows = {}
    for number, row in enumerate(sheet.iter_rows(max_col=WIDEST), 1):
        if any(cell.value is not None for cell in row):
            rows[number] = tuple(_cell(cell) for cell in islice(row, WIDEST))
    return rows


def _cell(cell: Any) -> Cell:
    value = cell.value
    if cell.data_type == "f":
        return Cell("formula", fitting(str(getattr(value, "text", value))))
    if cell.data_type == "e":
        return Cell("error", str(value))
    if isinstance(value, date):
        return Cell("date", spelled(value.date() if isinstance(value, datetime) else value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, cell.number_format)
    return Cell("text", "" if value is None else spelled(unescaped(str(value))))


def _number(value: float, number_format: str) -> Cell:
    # 15 digits are what spreadsheet programs keep and show.
    number = Decimal(format(value, ".15g"))
    if "%" in NOT_SHOWN.sub("", number_format):
        return Cell("percent", spelled(Percent(number * 100)))
    return Cell("number", spelled(number))
