"""The monthly table (月调度表): every project's money, rate of payment and progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from openpyxl import Workbook

from dispatcher.sheet import layout
from dispatcher.sheet.columns import Column
from dispatcher.sheet.content import Content, Percent, fitting
from dispatcher.sheet.layout import Note
from dispatcher.sheet.package import packed
from dispatcher.sheet.records import MonthlyLine

NAME = "月调度表"
HEADING_ROW = 3
COLUMNS = (
    Column("序号", 6),
    Column("项目名称", 36, "left"),
    Column("填报单位", 16),
    Column("项目资金(万元)", 14, "right"),
    Column("已拨付(万元)", 14, "right"),
    Column("拨付率", 11, "right"),
    Column("工程进度", 44, "left"),
)


def write_monthly(title: str, as_of: date, lines: Sequence[MonthlyLine]) -> bytes:
    """The .xlsx of the table, with a row of totals; the same bytes for the same lines.

    Totals are numbers, not formulas. The total rate is what was paid of the projects whose money
    is known, in per cent of that money.
    """
    book = Workbook()
    page = book.worksheets[0]
    page.title = NAME
    day = f"截至{as_of.year}年{as_of.month}月{as_of.day}日"
    notes = [Note(1, 4, "单位:万元", "left"), Note(5, len(COLUMNS), day, "right")]
    layout.put_head(page, title, COLUMNS, notes)
    layout.put_headings(page, HEADING_ROW, COLUMNS)
    rows = [_row(number, line) for number, line in enumerate(lines, 1)]
    for number, row in enumerate([*rows, _total(lines)], HEADING_ROW + 1):
        layout.put_row(page, number, COLUMNS, row)
    page.freeze_panes = f"A{HEADING_ROW + 1}"
    layout.set_page(page, HEADING_ROW, len(COLUMNS))
    return packed(book, fitting(title), as_of)


def _row(number: int, line: MonthlyLine) -> list[Content]:
    rate = None if line.rate is None else Percent(line.rate)
    return [number, line.project, line.unit, line.amount, line.paid, rate, line.progress]


def _total(lines: Sequence[MonthlyLine]) -> list[Content]:
    amount, paid = _sum(line.amount for line in lines), _sum(line.paid for line in lines)
    paid_of_known = _sum(line.paid for line in lines if line.amount is not None)
    rate = Percent(_rounded((paid_of_known or Decimal(0)) * 100 / amount)) if amount else None
    return ["", "合计", "", amount, paid, rate, ""]


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _sum(numbers: Iterable[Decimal | None]) -> Decimal | None:
    """None when no number is known: nothing reported is not zero."""
    known = [number for number in numbers if number is not None]
    return sum(known, Decimal(0)) if known else None
