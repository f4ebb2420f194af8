"""The sheet (台账): how offices answer, as a workbook that is written, filled in and read back.

Only bytes and records: what a row means for the ledger is decided elsewhere. ``writing``,
``reading`` and ``monthly`` import openpyxl (about 200 ms): import them where they are used.
"""

from dispatcher.sheet.problems import Place, Problem, SheetError
from dispatcher.sheet.records import (
    STATUSES,
    Entry,
    Figure,
    Line,
    MonthlyLine,
    Returned,
    Sheet,
)

__all__ = [
    "STATUSES",
    "Entry",
    "Figure",
    "Line",
    "MonthlyLine",
    "Place",
    "Problem",
    "Returned",
    "Sheet",
    "SheetError",
]
