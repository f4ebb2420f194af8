"""The columns of the sheet, in their order."""

from __future__ import annotations

from typing import Literal, NamedTuple

Align = Literal["center", "left", "right"]

NAME = "台账"
"""Of the worksheet."""
KEY, SEAL = "键", "校验"
DUE = "完成时限"
PROGRESS, STATUS, FIGURE, EXTEND, NOTE = "目前进展", "完成情况", "指标值", "申请延期至", "备注"


class Column(NamedTuple):
    """``width`` counts digits of the default font, as spreadsheet programs do."""

    heading: str
    width: float
    align: Align = "center"


COLUMNS = (
    Column("序号", 4.5),
    Column("督办编号", 12),
    Column("任务来源", 8),
    Column("工作事项及要求", 32, "left"),
    Column("牵头领导", 7),
    Column("牵头单位", 9),
    Column("责任单位", 9),
    Column("责任人及电话", 11.5),
    Column("交办时间", 9.5),
    Column(DUE, 9.5),
    Column("签收时间", 9.5),
    Column(PROGRESS, 26, "left"),
    Column(STATUS, 8.5),
    Column(FIGURE, 8.5),
    Column(EXTEND, 9.5),
    Column("预警", 4.7),
    Column("逾期天数", 4.7),
    Column("办结时间", 9.5),
    Column(NOTE, 12, "left"),
)
HEADINGS = tuple(column.heading for column in COLUMNS)
"""What is seen; the hidden columns KEY and SEAL follow."""

ITEM_INPUTS = frozenset({PROGRESS, STATUS, EXTEND, NOTE})
"""What may be filled in on an open item's row; on a figure's row it is FIGURE."""
