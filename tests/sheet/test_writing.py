"""The sheet as a workbook: its columns, what may be filled in, and how it prints."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.sheet import STATUSES
from dispatcher.sheet.measure import BODY_POINTS, HIGHEST
from dispatcher.sheet.writing import write_sheet
from tests.sheet.samples import (
    CLOSED,
    DROPOUT,
    LETTERS,
    MEDICAL,
    SHEET,
    page_of,
    sheet_of,
)

COLUMNS = (
    "序号 督办编号 任务来源 工作事项及要求 牵头领导 牵头单位 责任单位 责任人及电话 交办时间 "
    "完成时限 签收时间 目前进展 完成情况 指标值 申请延期至 预警 逾期天数 办结时间 备注"
).split()
INPUTS = ["目前进展", "完成情况", "申请延期至", "备注"]


@pytest.fixture(scope="module")
def page() -> Worksheet:
    return page_of(write_sheet(SHEET))


def unlocked(page: Worksheet, row: int) -> list[str]:
    return [name for name in COLUMNS if not page[f"{LETTERS[name]}{row}"].protection.locked]


def rule(page: Worksheet, address: str) -> tuple[str, str, str | None, str | None]:
    [found] = [each for each in page.data_validations.dataValidation if address in each.cells]
    return found.type, found.operator, found.formula1, found.formula2


def test_the_columns_are_those_of_a_supervision_ledger(page: Worksheet) -> None:
    assert [page.cell(3, index).value for index in range(1, 20)] == COLUMNS


def test_a_row_says_the_whole_of_an_assignment(page: Worksheet) -> None:
    row = [page.cell(4, index).value for index in range(1, 20)]
    assert row[:4] == [
        1,
        "蓉农督〔2026〕12号",
        "清单第5项",
        f"“双线”控辍保学(2026年10月)\n{DROPOUT.task}",
    ]
    assert row[4:8] == ["张三", "区社管局", "区社管局", "李四 0797-1234567"]
    assert [day.date() for day in row[8:11]] == [date(2026, 10, day) for day in (1, 30, 9)]
    assert row[11:] == ["已摸排3个镇", "正在办理", None, None, "黄", None, None, None]


def test_a_figure_has_a_row_below_its_item(page: Worksheet) -> None:
    assert page["D6"].value == "指标:参保率(目标≥99%,单位:%)"
    assert (page["N5"].value, page["N7"].value) == ("填在下方", 300)


def test_a_percentage_is_one_for_the_spreadsheet_program_too() -> None:
    figure = MEDICAL.figures[0]._replace(value=Decimal("98.7"))
    page = page_of(write_sheet(sheet_of(figures=(figure,))))
    assert (page["N5"].value, page["N5"].number_format) == (0.987, "0.00%")


def test_a_figure_of_zero_is_not_an_empty_one() -> None:
    figure = MEDICAL.figures[1]._replace(value=Decimal(0))
    assert page_of(write_sheet(sheet_of(figures=(figure,))))["N5"].value == 0


def test_only_what_an_open_line_leaves_open_is_unlocked(page: Worksheet) -> None:
    assert page.protection.sheet
    assert page.protection.password is None
    assert unlocked(page, 4) == unlocked(page, 5) == INPUTS
    assert unlocked(page, 6) == unlocked(page, 7) == ["指标值"]
    assert unlocked(page, 8) == []


def test_what_is_typed_into_a_text_stays_a_text(page: Worksheet) -> None:
    formats = {name: page[f"{LETTERS[name]}4"].number_format for name in INPUTS}
    assert formats["目前进展"] == formats["备注"] == "@"
    assert formats["申请延期至"] == "yyyy-mm-dd"


def test_what_may_be_filled_in_is_tinted(page: Worksheet) -> None:
    tinted = page["L4"].fill.fgColor.rgb
    assert all(page[f"{LETTERS[name]}4"].fill.fgColor.rgb == tinted for name in INPUTS)
    assert tinted not in {page["D4"].fill.fgColor.rgb, page["L8"].fill.fgColor.rgb}


def test_widths_heights_and_filters_may_be_changed(page: Worksheet) -> None:
    locked = page.protection
    assert not any([locked.formatColumns, locked.formatRows, locked.autoFilter])
    assert page.auto_filter.ref == "A3:S8"


def test_a_status_is_chosen_from_a_list(page: Worksheet) -> None:
    assert rule(page, "M4")[::2] == ("list", f'"{",".join(STATUSES)}"')


def test_an_extension_is_a_date_after_the_due_date_of_its_row(page: Worksheet) -> None:
    assert rule(page, "O4")[:3] == ("date", "greaterThan", "$J4")
    assert rule(page, "O5") == rule(page, "O4")


def test_a_figure_is_a_number_within_its_range(page: Worksheet) -> None:
    assert rule(page, "N6") == ("decimal", "between", "0", "1")
    assert rule(page, "N7")[:3] == ("decimal", "greaterThanOrEqual", "0")


def test_keys_and_seals_are_there_and_hidden(page: Worksheet) -> None:
    assert [page[f"T{row}"].value for row in (2, 4, 7)] == [
        "区社管局",
        "dropout-check/2026-10@区社管局",
        "medical-coverage/2026-Q4@区医保分中心#资助人数",
    ]
    assert page.column_dimensions["T"].hidden
    assert page.column_dimensions["U"].hidden


def test_it_prints_on_a4_landscape_with_the_headings_on_every_page(page: Worksheet) -> None:
    setup = page.page_setup
    assert (setup.paperSize, setup.orientation) == (9, "landscape")
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert (setup.fitToWidth, setup.fitToHeight) == (1, 0)
    assert (page.print_title_rows, page.print_area) == ("$3:$3", "'台账'!$A$1:$S$8")
    assert "&P" in page.oddFooter.center.text
    assert page.freeze_panes == "E4"


def test_the_title_stands_over_all_columns_in_its_font(page: Worksheet) -> None:
    assert "A1:S1" in page.merged_cells
    assert (page["A1"].font.name, page["A1"].font.size) == ("方正小标宋简体", 22)
    assert page["D4"].font.name == "仿宋_GB2312"
    assert (page["A2"].value, page["O2"].value) == ("填报单位:区社管局", "截至2026年10月12日")


def test_a_row_is_high_enough_for_its_fullest_cell() -> None:
    def height(progress: str) -> float:
        page = page_of(write_sheet(sheet_of(progress=progress)))
        return page.row_dimensions[4].height

    # 13 Chinese characters fit into a line of the column, at 10.5 points 13.65 points high.
    assert height("摸" * 130) >= 10 * 13.65
    assert height("第一行\n" * 11) >= 11 * 13.65


def test_a_text_that_no_row_is_high_enough_for_takes_a_smaller_font() -> None:
    page = page_of(write_sheet(sheet_of(progress="摸" * 600)))
    assert page["L4"].font.size in BODY_POINTS[1:]
    assert page["D4"].font.size == BODY_POINTS[0]
    assert page.row_dimensions[4].height <= HIGHEST


@pytest.mark.parametrize(
    "text", ["=1+1", "+86 797", "-1", "@SUM(A1)", "\u00a0=1+1", "#REF!", "=" * 9]
)
def test_a_text_never_becomes_a_formula(text: str) -> None:
    page = page_of(write_sheet(sheet_of(title=text, contact=text, progress=text, note=text)))
    assert {page[address].data_type for address in ("D4", "H4", "L4", "S4")} == {"s"}
    assert page["H4"].value == text
    assert page["H4"].quotePrefix == (text != "#REF!")


def test_the_same_sheet_gives_the_same_bytes() -> None:
    assert write_sheet(SHEET) == write_sheet(SHEET)
    other = SHEET._replace(as_of=date(2026, 10, 13))
    assert write_sheet(other) != write_sheet(SHEET)


def test_a_workbook_is_dated_by_its_sheet_and_not_by_the_clock() -> None:
    content = write_sheet(SHEET)
    properties = load_workbook(BytesIO(content)).properties
    dates = {properties.created.isoformat(), properties.modified.isoformat()}
    assert dates == {"2026-10-12T00:00:00"}
    with ZipFile(BytesIO(content)) as package:
        assert {part.date_time for part in package.infolist()} == {(2026, 10, 12, 0, 0, 0)}


def test_a_sheet_without_lines_is_a_sheet() -> None:
    page = page_of(write_sheet(SHEET._replace(lines=())))
    assert page.print_area == "'台账'!$A$1:$S$3"
    assert page["G2"].value is None


def test_a_sheet_with_nothing_to_fill_in_does_not_ask_for_it() -> None:
    page = page_of(write_sheet(SHEET._replace(lines=(CLOSED,))))
    assert page["G2"].value is None
    assert page.data_validations.count == 0


@settings(max_examples=30)
@given(st.text())
def test_any_text_can_be_written_in_any_place(text: str) -> None:
    line = DROPOUT._replace(title=text, task=text, progress=text, contact=text, number=text)
    page_of(write_sheet(SHEET._replace(title=text, unit=text, lines=(line,))))


def test_the_records_can_be_had_without_a_spreadsheet_library() -> None:
    program = "import sys, dispatcher.sheet; sys.exit('openpyxl' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
