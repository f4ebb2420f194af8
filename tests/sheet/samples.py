"""Sheets to write, and what a clerk does to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.sheet import Figure, Line, Returned, Sheet, SheetError
from dispatcher.sheet.columns import HEADINGS, KEY, SEAL
from dispatcher.sheet.reading import read_sheet
from dispatcher.sheet.writing import write_sheet

FILE = "区社管局.xlsx"
LETTERS = dict(zip((*HEADINGS, KEY, SEAL), "ABCDEFGHIJKLMNOPQRSTU", strict=True))
COVERAGE = Figure(
    key="medical-coverage/2026-Q4@区医保分中心#参保率",
    name="参保率",
    target="≥99%",
    unit="%",
    value=None,
    most=Decimal(100),
)
JOBS = Figure(
    key="medical-coverage/2026-Q4@区医保分中心#资助人数",
    name="资助人数",
    target="≥334人",
    unit="人",
    value=Decimal(300),
    most=None,
)
DROPOUT = Line(
    key="dropout-check/2026-10@区社管局",
    number="蓉农督〔2026〕12号",
    source="清单第5项",
    title="“双线”控辍保学",
    task="持续抓好“双线”控辍保学,除寒暑假期外每月开展1次控辍保学工作",
    period="2026年10月",
    leader="张三",
    lead="区社管局",
    unit="区社管局",
    contact="李四 0797-1234567",
    assigned_on=date(2026, 10, 1),
    due_on=date(2026, 10, 30),
    acknowledged_on=date(2026, 10, 9),
    progress="已摸排3个镇",
    status="正在办理",
    colour="黄",
    overdue=0,
    done_on=None,
    note="",
    open=True,
)
MEDICAL = DROPOUT._replace(
    key="medical-coverage/2026-Q4@区医保分中心",
    number="",
    source="清单第6项",
    title="参保动员",
    task="脱贫人口和监测对象参保率达到99%以上",
    period="2026年第四季度",
    due_on=date(2026, 12, 31),
    progress="",
    status="未启动",
    colour="",
    figures=(COVERAGE, JOBS),
)
CLOSED = DROPOUT._replace(
    key="dropout-check/2026-09@区社管局",
    status="已办结",
    colour="",
    done_on=date(2026, 9, 29),
    open=False,
)
SHEET = Sheet("督办事项台账", "区社管局", date(2026, 10, 12), (DROPOUT, MEDICAL, CLOSED))
"""Rows: 4 dropout check, 5 coverage and its figures in 6 and 7, 8 the closed item."""


def sheet_of(**changes: Any) -> Sheet:
    """A sheet of one open item."""
    return SHEET._replace(lines=(DROPOUT._replace(**changes),))


def page_of(content: bytes) -> Worksheet:
    return load_workbook(BytesIO(content)).worksheets[0]


def saved(book: Workbook) -> bytes:
    result = BytesIO()
    book.save(result)
    return result.getvalue()


def filled(cells: dict[str, Any], sheet: Sheet = SHEET) -> bytes:
    """The exported sheet after a clerk filled in ``cells``, by address."""

    def fill(page: Worksheet) -> None:
        for address, value in cells.items():
            page[address] = value

    return edited(fill, sheet)


def edited(edit: Callable[[Worksheet], object], sheet: Sheet = SHEET) -> bytes:
    """The exported sheet after ``edit``."""
    book = load_workbook(BytesIO(write_sheet(sheet)))
    edit(book.worksheets[0])
    return saved(book)


def read(content: bytes, file: str = FILE) -> Returned:
    return read_sheet(file, content)


def problems(content: bytes, file: str = FILE) -> list[str]:
    """What reading says, a line for each problem; nothing when it reads."""
    try:
        read_sheet(file, content)
    except SheetError as error:
        return str(error).splitlines()
    return []
