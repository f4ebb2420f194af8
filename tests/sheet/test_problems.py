"""Whatever is wrong with a returned sheet is named by row and column, all of it at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.i18n import translator
from dispatcher.sheet import Place, SheetError
from dispatcher.sheet.reading import read_sheet
from tests.sheet.samples import (
    DROPOUT,
    FILE,
    MEDICAL,
    SHEET,
    edited,
    filled,
    problems,
    read,
    sheet_of,
)

HERE = f"{FILE}, sheet 台账, row"


def one_problem(content: bytes) -> str:
    found = problems(content)
    assert len(found) == 1, found
    return found[0]


def test_all_problems_are_named_at_once_in_the_order_of_the_rows() -> None:
    content = filled(
        {"M4": "办完了", "O4": "下周", "J5": date(2027, 1, 31), "N6": "101%", "L8": "又改了"}
    )
    assert problems(content) == [
        f"{HERE} 4, column M(完成情况): '办完了' is not one of 未启动, 正在办理, 已办结, 不涉及; "
        "choose one from the list",
        f"{HERE} 4, column O(申请延期至): '下周' is not a date; write it like 2026-10-20",
        f"{HERE} 5, column J(完成时限): the read-only cell was changed, to '2027-01-31'; "
        "put back what was exported",
        f"{HERE} 6, column N(指标值): 101 is above 100, the highest that is possible; "
        "correct the number",
        f"{HERE} 8, column L(目前进展): the read-only cell was changed, to '又改了'; "
        "put back what was exported",
    ]


def test_a_problem_can_be_asked_for_its_place() -> None:
    with pytest.raises(SheetError) as error:
        read_sheet(FILE, filled({"M4": ""}))
    [problem] = error.value.problems
    assert problem.place == Place(FILE, "台账", 4, "M(完成情况)")
    assert error.value.render(translator("en")) == str(error.value)


@pytest.mark.parametrize("value", [None, "办完了", 1, True, date(2026, 10, 1), "逾期未办"])
def test_a_status_that_is_not_in_the_list_is_named(value: Any) -> None:
    assert "row 4, column M(完成情况)" in one_problem(filled({"M4": value}))


@pytest.mark.parametrize("value", ["约300", "300人", "3e2", "-", "NaN", date(2026, 3, 5), True])
def test_a_figure_that_is_no_number_is_named(value: Any) -> None:
    assert "row 7, column N(指标值)" in (problem := one_problem(filled({"N7": value})))
    assert "is not a number" in problem


@pytest.mark.parametrize(
    "address, value, problem",
    [
        ("N6", 1.01, "101 is above 100"),
        ("N6", "-3%", "-3 is below 0"),
        ("N7", -1, "-1 is below 0"),
        ("N7", "75%", "75% is a percentage, but the figure has another unit"),
        ("N6", "98.70125%", "98.70125 has more than 4 decimals; round it"),
        ("N7", 1234567890123, "1234567890123 has more than 12 digits; correct the number"),
        ("N6", "0.987", "0.987 may mean 0.987%, or 98.7%; write the percent sign"),
    ],
)
def test_a_figure_that_cannot_be_is_named(address: str, value: Any, problem: str) -> None:
    assert problem in one_problem(filled({address: value}))


def test_a_fraction_in_a_cell_that_lost_its_percent_format_is_not_guessed() -> None:
    def paste(page: Worksheet) -> None:
        page["N6"], page["N6"].number_format = 0.987, "General"

    assert "0.987 may mean" in one_problem(edited(paste))


@pytest.mark.parametrize(
    "value",
    [
        *("10/20/2026", "2026-02-30", "2026-11/20", "2026年11-20", "明年", 20261120, True),
        *("9999-12-31", "1926-03-01"),
    ],
)
def test_a_date_that_is_none_is_named(value: Any) -> None:
    def paste(page: Worksheet) -> None:
        page["O4"], page["O4"].number_format = value, "General"

    assert "row 4, column O(申请延期至)" in (problem := one_problem(edited(paste)))
    assert "is not a date" in problem


def test_an_extension_that_is_no_later_than_the_due_date_is_named() -> None:
    problem = one_problem(filled({"O4": "2026-10-30"}))
    assert "2026-10-30 is not after the due date, 2026-10-30" in problem


@pytest.mark.parametrize(
    "address, column",
    [("L4", "L(目前进展)"), ("M4", "M(完成情况)"), ("D5", "D(工作事项及要求)"), ("T4", "T(键)"),
     ("A1", "A(序号)"), ("L12", "L(目前进展)"), ("X4", "X")],
)  # fmt: skip
def test_a_formula_is_named_wherever_it_is(address: str, column: str) -> None:
    found = problems(filled({address: "=1+1"}))
    assert f"{HERE} {address[1:]}, column {column}: the cell holds a formula, =1+1" in found[0]


def test_an_array_formula_is_a_formula() -> None:
    assert "holds a formula, =SUM(A1:A2)" in one_problem(
        filled({"S4": ArrayFormula("S4", "=SUM(A1:A2)")})
    )


def test_an_error_value_is_named() -> None:
    assert "column N(指标值): the cell holds the error #REF!" in one_problem(
        filled({"N6": "#REF!"})
    )


def test_a_changed_heading_is_named() -> None:
    problem = one_problem(filled({"M3": "完成状况"}))
    assert f"{HERE} 3, column M(完成情况): the heading is '完成状况' instead of" in problem


def test_an_emptied_heading_is_named() -> None:
    assert "column S(备注): the column '备注' is missing" in one_problem(filled({"S3": None}))


def test_a_deleted_column_is_named() -> None:
    assert "column '督办编号' is missing" in problems(edited(lambda page: page.delete_cols(2)))[0]


def test_an_inserted_column_is_named() -> None:
    found = problems(filled({"V3": "审核意见"}))
    assert found == [
        f"{HERE} 3, column V(审核意见): this column does not belong to the sheet; remove it"
    ]


def test_columns_that_changed_places_are_named_once() -> None:
    found = problems(filled({"F3": "责任单位", "G3": "牵头单位"}))
    assert found[0] == (
        f"{HERE} 3, column F(责任单位): the column was moved; "
        "put the columns back into the order of the export"
    )
    assert sum("was moved" in problem for problem in found) == 1


def test_a_missing_key_column_is_named() -> None:
    problem = problems(edited(lambda page: page.delete_cols(20)))[0]
    assert "row 3, column T(键): the hidden column '键' is missing" in problem


def test_a_missing_unit_is_named() -> None:
    assert "the hidden name of the unit" in one_problem(filled({"T2": None}))


def test_a_row_without_its_key_is_named() -> None:
    problem = one_problem(filled({"D9": "自行增加的事项", "M9": "已办结"}))
    assert problem.startswith(f"{HERE} 9: the row has no hidden key")


def test_a_changed_key_is_named() -> None:
    problem = one_problem(filled({"T4": "dropout-check/2026-11@区社管局"}))
    assert f"{HERE} 4, column T(键): the hidden key 'dropout-check/2026-11@区社管局'" in problem


@pytest.mark.parametrize("seal", [None, "open number - 00000000", "closed"])
def test_a_changed_seal_is_named(seal: str | None) -> None:
    assert "or its seal was changed" in one_problem(filled({"U4": seal}))


def test_a_seal_does_not_fit_another_row() -> None:
    def swap(page: Worksheet) -> None:
        page["U4"], page["U5"] = page["U5"].value, page["U4"].value

    assert sum("or its seal was changed" in problem for problem in problems(edited(swap))) >= 2


def test_a_copied_row_is_named_with_the_row_that_it_copies() -> None:
    def copy(page: Worksheet) -> None:
        for cell in page[4]:
            page.cell(9, cell.column, cell.value)

    problem = one_problem(edited(copy))
    assert problem.startswith(f"{HERE} 9: the row repeats row 4 ('{DROPOUT.key}')")


def test_a_figure_whose_item_is_gone_is_named() -> None:
    found = problems(edited(lambda page: page.delete_rows(5)))
    assert [problem.split(":")[0] for problem in found] == [f"{HERE} 5", f"{HERE} 6"]
    assert all(MEDICAL.key in problem for problem in found)


def test_a_figure_in_the_row_of_its_item_is_a_changed_cell() -> None:
    assert "column N(指标值): the read-only cell" in one_problem(filled({"N5": 98.7}))


def test_a_long_value_is_quoted_in_part() -> None:
    problem = one_problem(filled({"M4": "已经\n" + "办" * 500}))
    assert "'已经 办" in problem
    assert len(problem) < 200


def test_deleted_rows_are_not_answered() -> None:
    returned = read(edited(lambda page: page.delete_rows(5, 3)))
    assert [entry.key for entry in returned.entries] == [SHEET.lines[0].key, SHEET.lines[2].key]


def test_sorted_rows_are_read() -> None:
    def sort(page: Worksheet) -> None:
        rows = [[cell.value for cell in page[row]] for row in range(4, 9)]
        for row, values in enumerate(reversed(rows), 4):
            for column, value in enumerate(values, 1):
                page.cell(row, column).value = value

    entries = read(edited(sort)).entries
    assert [entry.key for entry in entries] == [line.key for line in reversed(SHEET.lines)]
    assert entries[1].figures == (("资助人数", "300"),)


def test_hidden_rows_and_empty_ones_are_no_matter() -> None:
    def hide(page: Worksheet) -> None:
        page.row_dimensions[5].hidden = True
        page.auto_filter.add_filter_column(12, ["已办结"])
        page["C400"].number_format = "0.00"
        page["D500"] = "  "

    assert read(edited(hide)).entries == read(edited(lambda page: None)).entries


@pytest.mark.parametrize("row", [1, 3])
def test_rows_inserted_above_the_headings_are_no_matter(row: int) -> None:
    returned = read(edited(lambda page: page.insert_rows(row, 2)))
    assert (returned.unit, returned.entries[0].row) == ("区社管局", 6)


def test_another_worksheet_is_ignored() -> None:
    def add(page: Worksheet) -> None:
        page.parent.create_sheet("说明", 0)["A1"] = "=1+1"
        copy = page.parent.copy_worksheet(page)
        copy["L4"] = "在副本里填的"
        page.parent.move_sheet(copy, -2)

    assert not read(edited(add)).entries[0].changed


def test_a_renamed_worksheet_is_found_by_its_headings() -> None:
    def rename(page: Worksheet) -> None:
        page.parent.create_sheet("台账旧", 0)
        page.title = "10月"

    assert read(edited(rename)).entries[0].sheet == "10月"


def test_a_workbook_without_the_sheet_is_named_with_its_worksheets() -> None:
    def clear(page: Worksheet) -> None:
        page.delete_rows(1, 20)
        page.parent.create_sheet("汇总")

    problem = one_problem(edited(clear))
    assert "none of the worksheets (台账, 汇总) has the headings" in problem


def test_protection_and_validations_may_be_lost() -> None:
    def strip(page: Worksheet) -> None:
        page.protection.sheet = False
        page.data_validations.dataValidation = []

    assert read(edited(strip, sheet_of())).entries[0].key == DROPOUT.key
