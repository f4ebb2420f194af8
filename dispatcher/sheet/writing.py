"""The sheet as a workbook: to be read, printed, filled in and sent back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange, MultiCellRange
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.sheet import layout
from dispatcher.sheet.columns import (
    COLUMNS,
    DUE,
    EXTEND,
    FIGURE,
    HEADINGS,
    ITEM_INPUTS,
    KEY,
    NAME,
    NOTE,
    PROGRESS,
    SEAL,
    STATUS,
)
from dispatcher.sheet.content import Content, Percent, fitting, spelled
from dispatcher.sheet.layout import Note
from dispatcher.sheet.package import packed
from dispatcher.sheet.records import STATUSES, Figure, Line, Sheet
from dispatcher.sheet.seal import Nature, sealed

HEADING_ROW = 3
FROZEN = "E4"
"""The first cell that scrolls: the headings and the item stay in sight."""
KEY_COLUMN = len(COLUMNS) + 1
NUMBER_FORMATS = {PROGRESS: layout.TEXT, NOTE: layout.TEXT, EXTEND: layout.DATE}
"""Of the cells to fill in: without them ``3/5`` becomes a date, and a date a number."""
HINT = "请只填写浅绿色单元格,勿改动其他内容"


class Row(NamedTuple):
    """A row to be written; ``inputs`` are the headings that may be filled in."""

    key: str
    nature: Nature
    inputs: frozenset[str]
    cells: Mapping[str, Content]


def write_sheet(sheet: Sheet) -> bytes:
    """The .xlsx of ``sheet``: one worksheet, A4 landscape; the same bytes for the same sheet.

    Only what an open line leaves to be filled in is unlocked. What a cell cannot hold (control
    characters, beyond 32,767 characters) is replaced or cut visibly.
    """
    book = Workbook()
    page = book.worksheets[0]
    page.title = NAME
    layout.put_head(page, sheet.title, COLUMNS, _notes(sheet))
    layout.put_headings(page, HEADING_ROW, COLUMNS)
    rows = dict(enumerate(_rows(sheet), HEADING_ROW + 1))
    for number, row in rows.items():
        _put(page, number, row)
    _hide_keys(page, sheet.unit)
    _validate(page, rows)
    _protect(page)
    page.freeze_panes = FROZEN
    layout.set_page(page, HEADING_ROW, len(COLUMNS))
    return packed(book, fitting(sheet.title), sheet.as_of)


def _notes(sheet: Sheet) -> list[Note]:
    day = sheet.as_of
    hint = HINT if any(line.open for line in sheet.lines) else ""
    return [
        Note(1, 6, f"填报单位:{sheet.unit}", "left"),
        Note(7, 14, hint, "center"),
        Note(15, len(COLUMNS), f"截至{day.year}年{day.month}月{day.day}日", "right"),
    ]


def _rows(sheet: Sheet) -> Iterator[Row]:
    for number, line in enumerate(sheet.lines, 1):
        inputs = ITEM_INPUTS if line.open else frozenset[str]()
        yield Row(line.key, Nature(line.open), inputs, _item(number, line))
        for figure in line.figures:
            nature = Nature(line.open, figure.percent, figure.most)
            inputs = frozenset({FIGURE}) if line.open else frozenset()
            yield Row(figure.key, nature, inputs, _figure(figure))


def _item(number: int, line: Line) -> dict[str, Content]:
    cells: list[Content] = [
        number,
        line.number,
        line.source,
        f"{line.title}({line.period})\n{line.task}",
        line.leader,
        line.lead,
        line.unit,
        line.contact,
        line.assigned_on,
        line.due_on,
        line.acknowledged_on,
        line.progress,
        line.status,
        "填在下方" if line.figures else "",
        None,
        line.colour,
        line.overdue or None,
        line.done_on,
        line.note,
    ]
    return dict(zip(HEADINGS, cells, strict=True))


def _figure(figure: Figure) -> dict[str, Content]:
    says = f"指标:{figure.name}(目标{figure.target},单位:{figure.unit})"
    cells: dict[str, Content] = dict.fromkeys(HEADINGS)
    value = Percent(figure.value) if figure.percent and figure.value is not None else figure.value
    return cells | {"工作事项及要求": says, FIGURE: value}


def _put(page: Worksheet, number: int, row: Row) -> None:
    cells = dict(
        zip(HEADINGS, layout.put_row(page, number, COLUMNS, list(row.cells.values())), strict=True)
    )
    for heading in row.inputs:
        cells[heading].protection = layout.UNLOCKED
        cells[heading].fill = layout.INPUT_FILL
        cells[heading].number_format = NUMBER_FORMATS.get(heading, cells[heading].number_format)
    if row.nature.percent:
        cells[FIGURE].number_format = layout.PERCENT
    colour = layout.COLOUR_FILLS.get(str(row.cells["预警"]))
    if colour:
        cells["预警"].fill = colour
    layout.put(page, number, KEY_COLUMN, row.key)
    layout.put(page, number, KEY_COLUMN + 1, _seal(row))


def _seal(row: Row) -> str:
    cells = {heading: spelled(content) for heading, content in row.cells.items()}
    return sealed(fitting(row.key), row.nature, cells)


def _hide_keys(page: Worksheet, unit: str) -> None:
    """The key, the seal and, above the key, whose sheet this is."""
    for index, heading in enumerate([KEY, SEAL], KEY_COLUMN):
        layout.put(page, HEADING_ROW, index, heading)
        page.column_dimensions[get_column_letter(index)].hidden = True
    layout.put(page, HEADING_ROW - 1, KEY_COLUMN, unit)


def _validate(page: Worksheet, rows: Mapping[int, Row]) -> None:
    items = [number for number, row in rows.items() if STATUS in row.inputs]
    if items:
        _offer(page, STATUS, items, _statuses())
        _offer(page, EXTEND, items, _later(items[0]))
    figures: dict[Nature, list[int]] = {}
    for number, row in rows.items():
        if FIGURE in row.inputs:
            figures.setdefault(row.nature, []).append(number)
    for nature, numbers in figures.items():
        _offer(page, FIGURE, numbers, _between(nature))


def _offer(page: Worksheet, heading: str, rows: list[int], rule: DataValidation) -> None:
    rule.showErrorMessage = rule.showInputMessage = rule.allow_blank = True
    rule.errorTitle = rule.promptTitle = heading
    rule.prompt = rule.error
    letter = get_column_letter(HEADINGS.index(heading) + 1)
    # Not rule.add(), which searches all that was added before.
    rule.sqref = MultiCellRange([CellRange(f"{letter}{row}") for row in rows])
    page.add_data_validation(rule)


def _statuses() -> DataValidation:
    choices = ",".join(STATUSES)
    return DataValidation("list", f'"{choices}"', error=f"请从下拉列表中选择:{choices}")


def _later(first_row: int) -> DataValidation:
    """A date after the due date of its own row: the reference moves along with the cells."""
    due = f"${get_column_letter(HEADINGS.index(DUE) + 1)}{first_row}"
    text = "申请延期的,填写完成时限之后的日期,如2026-10-20;理由写在备注栏"
    return DataValidation("date", due, operator="greaterThan", error=text)


def _between(nature: Nature) -> DataValidation:
    sign = "%" if nature.percent else ""
    if nature.most is None:
        text = f"请填写不小于0的数,如98.7{sign}"
        return DataValidation("decimal", "0", operator="greaterThanOrEqual", error=text)
    most = nature.most / 100 if nature.percent else nature.most
    text = f"请填写0至{spelled(nature.most)}{sign}之间的数"
    return DataValidation("decimal", "0", spelled(most), operator="between", error=text)


def _protect(page: Worksheet) -> None:
    """Against accidents, without a password; widths, heights and filters stay free."""
    page.protection.sheet = True
    page.protection.formatColumns = page.protection.formatRows = False
    page.protection.autoFilter = page.protection.sort = False
    last = get_column_letter(len(COLUMNS))
    page.auto_filter.ref = f"A{HEADING_ROW}:{last}{page.max_row}"
