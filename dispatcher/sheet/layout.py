"""How a sheet looks: fonts, page, and rows high enough for what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.sheet.columns import Align, Column
from dispatcher.sheet.content import Content, Percent, fitting, spelled
from dispatcher.sheet.measure import fitted, height

TITLE_FONT, HEADING_FONT, BODY_FONT = "方正小标宋简体", "黑体", "仿宋_GB2312"
TITLE_POINTS, NOTE_POINTS = 22, 12
FORMULA = ("=", "+", "-", "@", "\t")
"""How a text begins that a program may take for a formula when the cell is edited."""

DATE, PERCENT, TEXT = "yyyy-mm-dd", "0.00%", "@"
THIN = Side(style="thin", color="FF000000")
BORDER = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
HEADING_FILL = PatternFill("solid", fgColor="FFEDEDED")
INPUT_FILL = PatternFill("solid", fgColor="FFEAF5EA")
COLOUR_FILLS = {
    "红": PatternFill("solid", fgColor="FFF8CBCB"),
    "黄": PatternFill("solid", fgColor="FFFFEB9C"),
    "蓝": PatternFill("solid", fgColor="FFCFE2F7"),
}
UNLOCKED = Protection(locked=False)


class Note(NamedTuple):
    """A text over the columns ``first`` to ``last``."""

    first: int
    last: int
    text: str
    align: Align


def put(sheet: Worksheet, row: int, column: int, content: Content) -> Cell:
    """Writes ``content``; a text stays the text that it is, whatever it begins with."""
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell), "a cell inside a merged range holds nothing"
    if isinstance(content, Percent):
        cell.value, cell.number_format = content.points / 100, PERCENT
    elif isinstance(content, str) and content:
        cell.value, cell.data_type = fitting(content), "s"
        cell.quotePrefix = content.lstrip(" \u00a0\u3000").startswith(FORMULA)
    else:
        cell.value = None if content == "" else content
    if isinstance(content, date):
        cell.number_format = DATE
    return cell


def put_head(
    sheet: Worksheet, title: str, columns: Sequence[Column], notes: Sequence[Note]
) -> None:
    """The title over all columns, and under it a line of notes."""
    _put_over(sheet, 1, Note(1, len(columns), title, "center"), Font(TITLE_FONT, TITLE_POINTS))
    sheet.row_dimensions[1].height = height(title, sum(c.width for c in columns), TITLE_POINTS) + 6
    for note in notes:
        _put_over(sheet, 2, note, Font(BODY_FONT, NOTE_POINTS))
    sheet.row_dimensions[2].height = height("", 1, NOTE_POINTS)


def put_headings(sheet: Worksheet, row: int, columns: Sequence[Column]) -> None:
    """Row ``row`` names the columns, which get their widths."""
    for index, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(index)].width = column.width
    centred = [column._replace(align="center") for column in columns]
    for cell in put_row(sheet, row, centred, [column.heading for column in columns], HEADING_FONT):
        cell.fill = HEADING_FILL


def put_row(
    sheet: Worksheet,
    row: int,
    columns: Sequence[Column],
    values: Sequence[Content],
    font: str = BODY_FONT,
) -> list[Cell]:
    """One row of the table, high enough, every cell locked; its cells, to be made otherwise."""
    texts = [spelled(value) for value in values]
    fits = [fitted(text, column.width) for text, column in zip(texts, columns, strict=True)]
    sheet.row_dimensions[row].height = max(fit.height for fit in fits)
    cells = [put(sheet, row, index, value) for index, value in enumerate(values, 1)]
    for cell, column, fit in zip(cells, columns, fits, strict=True):
        cell.font, cell.border = Font(name=font, size=fit.font), BORDER
        # A date cannot be wrapped: where it does not fit, programs show ####.
        wrap = not cell.is_date
        cell.alignment = Alignment(column.align, "center", wrap_text=wrap, shrink_to_fit=not wrap)
    return cells


def set_page(sheet: Worksheet, heading_row: int, last_column: int) -> None:
    """A4 landscape, all columns on one page, the headings on each, pages numbered."""
    sheet.page_setup.paperSize = "9"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top, sheet.page_margins.bottom = 0.6, 0.7
    sheet.page_margins.header = sheet.page_margins.footer = 0.35
    sheet.print_options.horizontalCentered = True
    footer = _HeaderFooterPart("第&P页 共&N页", "宋体,Regular", 10)
    sheet.HeaderFooter.oddFooter = HeaderFooterItem(center=footer)
    sheet.print_title_rows = f"{heading_row}:{heading_row}"
    sheet.print_area = f"A1:{get_column_letter(last_column)}{sheet.max_row}"


def _put_over(sheet: Worksheet, row: int, note: Note, font: Font) -> None:
    cell = put(sheet, row, note.first, note.text)
    cell.font = font
    cell.alignment = Alignment(note.align, "center", wrap_text=True)
    sheet.merge_cells(start_row=row, end_row=row, start_column=note.first, end_column=note.last)
