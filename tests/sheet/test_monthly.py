"""The monthly table: money, rate and progress of each project, and the totals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.sheet import MonthlyLine
from dispatcher.sheet.monthly import write_monthly
from tests.sheet.samples import page_of

WATER = MonthlyLine(
    "龙井村自来水项目", "潭东镇", Decimal("120.5"), Decimal("60.25"), Decimal(50), "主体完工"
)
ROAD = MonthlyLine("产业路硬化", "潭口镇", Decimal("79.5"), None, None, "=未开工")


def page(*lines: MonthlyLine) -> Worksheet:
    return page_of(write_monthly("衔接资金项目月调度表", date(2026, 10, 31), lines))


def row(page: Worksheet, number: int) -> list[object]:
    return [cell.value for cell in page[number]]


def test_the_table_has_the_columns_of_a_monthly_report() -> None:
    assert row(page(), 3) == (
        "序号 项目名称 填报单位 项目资金(万元) 已拨付(万元) 拨付率 工程进度".split()
    )


def test_a_project_is_a_row_and_its_rate_a_percentage() -> None:
    written = page(WATER)
    assert row(written, 4) == [1, "龙井村自来水项目", "潭东镇", 120.5, 60.25, 0.5, "主体完工"]
    assert written["F4"].number_format == "0.00%"


def test_the_totals_are_numbers_and_not_formulas() -> None:
    written = page(WATER, ROAD)
    assert row(written, 6) == [None, "合计", None, 200, 60.25, 0.3013, None]
    assert {cell.data_type for line in written.iter_rows() for cell in line} <= {"s", "n"}


def test_what_was_paid_of_an_unknown_sum_is_left_out_of_the_rate() -> None:
    unknown = WATER._replace(amount=None, paid=Decimal(99))
    assert row(page(WATER, unknown), 6)[3:6] == [120.5, 159.25, 0.5]


def test_nothing_known_is_not_zero() -> None:
    assert row(page(ROAD._replace(amount=None)), 5)[3:6] == [None, None, None]
    assert row(page(ROAD), 5)[3:6] == [79.5, None, 0]


def test_a_text_that_begins_like_a_formula_stays_a_text() -> None:
    assert page(ROAD)["G4"].data_type == "s"


def test_the_table_prints_on_a4_landscape_with_its_title() -> None:
    written = page(WATER)
    assert written.page_setup.orientation == "landscape"
    assert (written.print_title_rows, written["A1"].value) == ("$3:$3", "衔接资金项目月调度表")
    assert written["E2"].value == "截至2026年10月31日"


def test_the_same_lines_give_the_same_bytes() -> None:
    [first, second] = [write_monthly("表", date(2026, 10, 31), [WATER]) for _ in range(2)]
    assert first == second
