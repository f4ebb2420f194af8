"""What goes into a sheet, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

STATUSES = ("未启动", "正在办理", "已办结", "不涉及")
"""What a unit may say of an item that is open, in the column 完成情况."""


class Figure(NamedTuple):
    """A measure to fill in, a row of its own below its item.

    With the unit ``%`` it is a percentage: ``value`` and ``most`` are in points, 98.7 is 98.7 %.
    """

    key: str  # medical-coverage/2026-Q4@区医保分中心#参保率
    name: str
    target: str  # ≥99%
    unit: str
    value: Decimal | None
    most: Decimal | None  # None: no upper bound

    @property
    def percent(self) -> bool:
        return self.unit == "%"


class Line(NamedTuple):
    """One assignment, a row of the sheet."""

    key: str  # dropout-check/2026-03@区社管局
    number: str  # 督办编号, where a slip has one
    source: str  # 清单第5项
    title: str
    task: str
    period: str
    leader: str
    lead: str
    unit: str
    contact: str
    assigned_on: date
    due_on: date
    acknowledged_on: date | None
    progress: str
    status: str  # one of STATUSES; when it is not open, also 免报, 已撤销, 逾期未办
    colour: str  # 红, 黄, 蓝 or nothing
    overdue: int  # days, 0 if it is not
    done_on: date | None
    note: str
    open: bool  # may be filled in
    figures: tuple[Figure, ...] = ()


class Sheet(NamedTuple):
    """One unit's ledger (台账) as it stands on a day."""

    title: str
    unit: str
    as_of: date
    lines: tuple[Line, ...]


class Entry(NamedTuple):
    """What stands in the fill-in cells of one assignment.

    ``changed``: whether any of them differs from what was exported. ``figures`` are (name of the
    measure, number as text, a percentage with its sign); an empty figure is left out.
    ``figure_rows`` is where each measure stands, below the item's own ``row``.
    """

    key: str
    progress: str
    status: str
    extend_to: date | None
    note: str
    figures: tuple[tuple[str, str], ...]
    figure_rows: Mapping[str, int]
    row: int
    sheet: str
    file: str
    changed: bool

    @property
    def answer(self) -> Entry:
        """The same wherever it stands: entries that say the same have equal answers."""
        return self._replace(figure_rows={}, row=0, sheet="", file="")


class Returned(NamedTuple):
    """A sheet that came back. Assignments whose row was deleted have no entry."""

    file: str
    unit: str
    entries: tuple[Entry, ...]


class MonthlyLine(NamedTuple):
    """One project of the monthly table (月调度表); money in 万元, ``rate`` in per cent."""

    project: str
    unit: str
    amount: Decimal | None
    paid: Decimal | None
    rate: Decimal | None
    progress: str
