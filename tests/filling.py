"""What a clerk does to a sheet: fills in cells, found by key and heading, and saves it."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from openpyxl import Workbook, load_workbook

from dispatcher.sheet.columns import HEADINGS, KEY
from dispatcher.sheet.writing import HEADING_ROW, KEY_COLUMN

Cells = Mapping[str, Any]
"""Values by heading: ``{"完成情况": "已办结"}``."""


def filled(content: bytes, rows: Mapping[str, Cells]) -> bytes:
    """The workbook after a clerk filled in ``rows``, by their keys; a figure has a row too."""
    book = load_workbook(BytesIO(content))
    page = book.worksheets[0]
    assert page.cell(HEADING_ROW, KEY_COLUMN).value == KEY
    at = {page.cell(row, KEY_COLUMN).value: row for row in range(1, page.max_row + 1)}
    for key, cells in rows.items():
        for heading, value in cells.items():
            page.cell(at[key], HEADINGS.index(heading) + 1).value = value
    return _saved(book)


def retitled(content: bytes) -> bytes:
    """The workbook saved anew, with nothing changed but its title."""
    book = load_workbook(BytesIO(content))
    book.worksheets[0]["A1"] = "另存"
    return _saved(book)


def _saved(book: Workbook) -> bytes:
    saved = BytesIO()
    book.save(saved)
    return saved.getvalue()
