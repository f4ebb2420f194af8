"""Returned sheets: what a clerk filled in is answered, and what cannot be is named by its cell."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from dispatcher.dispatch.returns import Outcome, received, take_in
from dispatcher.dispatch.sheets import every_sheet, stretch_called, unit_sheet
from dispatcher.plan.model import Measure, Target
from dispatcher.sheet import SheetError
from dispatcher.sheet.writing import write_sheet
from tests.building import Office, a_duty, a_unit, plan_with
from tests.filling import Cells, filled, retitled

pytestmark = pytest.mark.one_database

COVERAGE = Measure("参保率", "%", (Target(">=", Decimal(99)),), (), None)
A, B = "a/2026-01@甲", "b/2026-01@甲"
RATE = f"{A}#参保率"
Rows = dict[str, Cells]


@pytest.fixture
def office(engine: Engine) -> Office:
    """In January 甲 owes a, which has a measure, and b; both are due on the 30th."""
    found = Office(engine, plan_with(a_duty("a", measures=(COVERAGE,)), a_duty("b")))
    found.at("2026-01-05")
    return found


def exported(office: Office, unit: str = "甲") -> bytes:
    with office.conn() as conn:
        return write_sheet(
            unit_sheet(conn, office.plan, unit, stretch_called("2026-Q1"), office.now)
        )


def take(office: Office, *files: bytes) -> Outcome:
    """王工 sends 1.xlsx, 2.xlsx, ...; nothing of them is kept when one is refused."""
    given = received([(f"{number}.xlsx", file) for number, file in enumerate(files, 1)])
    with office.conn() as conn:
        return take_in(conn, office.plan, given, "王工", office.now)


def fill(office: Office, rows: Rows) -> Outcome:
    return take(office, filled(exported(office), rows))


def problems(office: Office, *files: bytes) -> list[str]:
    """What is said of files that are refused, of which nothing may have been recorded."""
    before = office.ask("SELECT * FROM assignment"), office.ask("SELECT * FROM answer")
    with pytest.raises(SheetError) as error:
        take(office, *files)
    assert before == (office.ask("SELECT * FROM assignment"), office.ask("SELECT * FROM answer"))
    return str(error.value).splitlines()


def refused(office: Office, rows: Rows) -> list[str]:
    return problems(office, filled(exported(office), rows))


def said(office: Office) -> list[tuple[object, ...]]:
    """What was answered in all: kind, note, figures, date asked for, and by whom."""
    return office.ask('SELECT kind, note, figures, due_on, "by" FROM answer ORDER BY id')


def test_at_work_acknowledges_with_the_progress(office: Office) -> None:
    outcome = fill(office, {A: {"目前进展": "已摸排", "完成情况": "正在办理"}})
    assert office.state(A) == "acknowledged"
    assert said(office) == [("ack", "已摸排", None, None, "王工")]
    [change] = outcome.changes
    assert (change.assigned.state, change.became) == ("pending", "acknowledged")


def test_new_progress_of_what_is_acknowledged_is_recorded_too(office: Office) -> None:
    office.say("ack", A, "已摸排1个镇")
    fill(office, {A: {"目前进展": "已摸排3个镇"}})
    assert said(office)[1:] == [("ack", "已摸排3个镇", None, None, "王工")]


def test_done_reports_with_progress_remark_and_figures(office: Office) -> None:
    row = {"目前进展": "已完成", "完成情况": "已办结", "备注": "见附件"}
    outcome = fill(office, {A: row, RATE: {"指标值": 0.985}})
    assert office.state(A) == "reported"
    assert said(office) == [("report", "已完成;备注:见附件", '{"参保率": "98.5%"}', None, "王工")]
    assert [str(each) for each in outcome.changes[0].missed] == [
        "参保率 98.5%, at least 99% wanted"
    ]
    assert office.ask("SELECT missed FROM assignment WHERE state = 'reported'") == [(1,)]


def test_not_ours_waives_with_the_remark_as_its_reason(office: Office) -> None:
    fill(office, {A: {"完成情况": "不涉及", "备注": "没有此类项目"}})
    assert office.state(A) == "waived"
    assert said(office) == [("waive", "没有此类项目", None, None, "王工")]


def test_not_ours_takes_its_reason_from_the_progress_too(office: Office) -> None:
    fill(office, {A: {"完成情况": "不涉及", "目前进展": "没有此类项目"}})
    assert said(office) == [("waive", "没有此类项目", None, None, "王工")]


def test_a_later_date_asks_for_an_extension(office: Office) -> None:
    fill(office, {A: {"申请延期至": date(2026, 2, 10), "备注": "缺人"}})
    assert office.state(A) == "pending"
    assert said(office) == [("ask", "缺人", None, "2026-02-10", "王工")]


def test_one_row_can_ask_for_an_extension_and_acknowledge(office: Office) -> None:
    row = {"完成情况": "正在办理", "目前进展": "已摸排", "申请延期至": "2026-02-10", "备注": "缺人"}
    fill(office, {A: row})
    assert office.state(A) == "acknowledged"
    assert [answer[:2] for answer in said(office)] == [("ask", "缺人"), ("ack", "已摸排")]
    assert office.ask("SELECT asked_on FROM assignment WHERE state = 'acknowledged'") == [
        ("2026-02-10",)
    ]


def test_an_extension_that_waits_for_the_office_is_not_asked_for_again(office: Office) -> None:
    file = filled(exported(office), {A: {"申请延期至": "2026-02-10", "备注": "缺人"}})
    take(office, file)
    office.say("ack", A)
    assert take(office, retitled(file)) == Outcome((), 1)


def test_rows_that_nobody_changed_say_nothing(office: Office) -> None:
    office.say("ack", B, "已摸排")
    outcome = fill(office, {A: {"完成情况": "正在办理"}})
    assert [change.assigned.key for change in outcome.changes] == [A]
    assert outcome.known == 0


def test_a_returned_report_is_reported_again_in_the_same_words(office: Office) -> None:
    office.say("report", A, "已完成")
    office.say("return", A, "缺照片")
    fill(office, {A: {"完成情况": "已办结"}})
    assert office.state(A) == "reported"


def test_a_file_that_comes_twice_changes_nothing_the_second_time(office: Office) -> None:
    file = filled(exported(office), {A: {"完成情况": "已办结"}, B: {"完成情况": "正在办理"}})
    assert len(take(office, file).changes) == 2
    assert take(office, file) == Outcome((), 2)


def test_a_file_that_comes_again_after_the_office_has_returned_its_report_is_no_new_report(
    office: Office,
) -> None:
    file = filled(exported(office), {A: {"完成情况": "已办结", "目前进展": "已完成"}})
    take(office, file)
    office.say("return", A, "缺照片")
    assert take(office, file) == Outcome((), 1)
    assert office.state(A) == "returned"


def test_a_file_saved_anew_that_says_the_same_is_recorded_already(office: Office) -> None:
    rows = {
        A: {"完成情况": "已办结", "备注": "见附件"},
        B: {"完成情况": "正在办理", "目前进展": "已摸排"},
    }
    file = filled(exported(office), rows)
    take(office, file)
    saved_anew = retitled(file)
    assert saved_anew != file
    assert take(office, saved_anew) == Outcome((), 2)


def test_two_files_may_not_answer_the_same_in_different_ways(office: Office) -> None:
    first, second = (
        filled(exported(office), {A: {"完成情况": status}}) for status in ("已办结", "正在办理")
    )
    assert problems(office, first, second) == [
        "2.xlsx, sheet 台账, row 4, column T(键): 1.xlsx, sheet 台账, row 4 gives another answer; "
        "keep the right one"
    ]


def test_figures_are_handed_in_with_a_report_only(office: Office) -> None:
    assert refused(office, {A: {"完成情况": "正在办理"}, RATE: {"指标值": 0.99}}) == [
        "1.xlsx, sheet 台账, row 5, column N(指标值): 参保率 99%: figures are handed in with "
        "已办结; choose that in row 4, or put back the figure"
    ]


def with_projects(office: Office, unit: str = "%") -> None:
    """甲 reports on two projects."""
    measures = [Measure(f"进度({name})", unit, (), (), None) for name in ("东", "西")]
    office.edit(plan_with(a_duty("a", measures=tuple(measures)), a_duty("b")))


def test_a_figure_that_is_not_handed_in_is_named_by_the_row_where_it_stands(
    office: Office,
) -> None:
    with_projects(office)
    found = refused(office, {f"{A}#进度(西)": {"指标值": 0.52}})
    assert found == [
        "1.xlsx, sheet 台账, row 6, column N(指标值): 进度(西) 52%: figures are handed in with "
        "已办结; choose that in row 4, or put back the figure"
    ]


def test_a_figure_that_the_calendar_does_not_want_is_named_by_the_row_where_it_stands(
    office: Office,
) -> None:
    with_projects(office)
    file = filled(exported(office), {A: {"完成情况": "已办结"}, f"{A}#进度(西)": {"指标值": 0.52}})
    with_projects(office, "户")
    [found] = problems(office, file)
    assert found.startswith(
        "1.xlsx, sheet 台账, row 6, column N(指标值): '52%' is not a figure of 进度(西)"
    )


def test_a_small_percentage_that_was_meant_is_recorded(office: Office) -> None:
    fill(office, {A: {"完成情况": "已办结"}, RATE: {"指标值": "0.5%"}})
    assert said(office) == [("report", "", '{"参保率": "0.5%"}', None, "王工")]


def test_two_files_may_give_the_same_answer_in_different_rows(office: Office) -> None:
    with office.conn() as conn:
        mine = unit_sheet(conn, office.plan, "甲", stretch_called("2026-Q1"), office.now)
    answered = {A: {"完成情况": "已办结"}, RATE: {"指标值": 0.99}}
    turned = mine._replace(lines=mine.lines[::-1])
    outcome = take(office, *(filled(write_sheet(each), answered) for each in (mine, turned)))
    assert (len(outcome.changes), outcome.known) == (1, 1)


def test_a_figure_that_is_recorded_already_stands_in_the_way_of_nothing(office: Office) -> None:
    office.say("report", A, figures={"参保率": "99"})
    office.say("return", A, "缺照片")
    fill(office, {A: {"目前进展": "正在补照片"}})
    assert office.state(A) == "acknowledged"


def test_a_corrected_figure_of_what_is_reported_is_a_new_report(office: Office) -> None:
    office.say("report", A, "已完成", figures={"参保率": "98"})
    fill(office, {RATE: {"指标值": 0.995}})
    assert said(office)[-1] == ("report", "已完成", '{"参保率": "99.5%"}', None, "王工")
    assert office.ask("SELECT missed FROM assignment WHERE state = 'reported'") == [(0,)]


def test_what_stands_beside_not_begun_would_be_lost_and_is_named(office: Office) -> None:
    found = refused(office, {A: {"目前进展": "下周开始"}, B: {"备注": "缺人"}})
    assert found == [
        "1.xlsx, sheet 台账, row 4, column L(目前进展): '下周开始' would not be recorded, for the "
        "row says 未启动; choose 正在办理",
        "1.xlsx, sheet 台账, row 6, column S(备注): '缺人' would not be recorded, for the row says "
        "未启动; choose 正在办理",
    ]


def test_not_begun_takes_nothing_back(office: Office) -> None:
    office.say("ack", A)
    [found] = refused(office, {A: {"完成情况": "未启动"}})
    assert found.startswith(
        "1.xlsx, sheet 台账, row 4, column M(完成情况): 未启动: it is acknowledged"
    )


@pytest.mark.parametrize(
    "row, column, text",
    [
        ({"完成情况": "不涉及"}, "S(备注)", "'不涉及' needs a reason"),
        ({"申请延期至": "2026-02-10"}, "S(备注)", "'申请延期至' needs a reason"),
        (
            {"完成情况": "已办结", "申请延期至": "2026-02-10", "备注": "缺人"},
            "O(申请延期至)",
            "an extension does not go with 已办结",
        ),
    ],
)
def test_what_a_row_cannot_mean_is_named(
    office: Office, row: Cells, column: str, text: str
) -> None:
    [found] = refused(office, {A: row})
    assert found.startswith(f"1.xlsx, sheet 台账, row 4, column {column}: ")
    assert text in found


def test_an_extension_asked_after_the_due_date_is_named_by_its_cell(office: Office) -> None:
    office.at("2026-02-02")
    [found] = refused(office, {A: {"申请延期至": "2026-02-10", "备注": "缺人"}})
    assert "row 4, column O(申请延期至)" in found
    assert "was due on 2026-01-30" in found


def test_what_was_closed_meanwhile_is_named_by_its_cell(office: Office) -> None:
    file = filled(exported(office), {A: {"完成情况": "已办结", "目前进展": "已完成"}})
    office.say("done", A, despite="已核")
    [found] = problems(office, file)
    assert "row 4, column M(完成情况): a/2026-01@甲 is done" in found


def test_everything_wrong_with_all_files_is_said_at_once_and_nothing_recorded(
    office: Office,
) -> None:
    good = filled(exported(office), {B: {"完成情况": "正在办理"}})
    bad = filled(exported(office), {A: {"完成情况": "不涉及"}, B: {"申请延期至": "2026-02-10"}})
    found = problems(office, good, bad)
    assert len(found) == 2
    with pytest.raises(SheetError) as error:
        received([("1.xlsx", b"no"), ("2.xlsx", b"none")])
    assert len(error.value.problems) == 2


def test_a_row_that_the_ledger_does_not_have_is_named(office: Office, engine: Engine) -> None:
    file = filled(exported(office), {A: {"完成情况": "正在办理"}})
    office.ask("UPDATE occurrence SET period = '2025-12' WHERE duty = 'a' RETURNING id")
    [found] = problems(office, file)
    assert found == (
        "1.xlsx, sheet 台账, row 4, column T(键): a/2026-01@甲 is not in the ledger; export the "
        "sheet again"
    )


def test_a_row_of_another_unit_is_named(office: Office) -> None:
    with office.conn() as conn:
        mine = unit_sheet(conn, office.plan, "甲", stretch_called("2026-Q1"), office.now)
    file = filled(write_sheet(mine._replace(unit="乙")), {A: {"完成情况": "正在办理"}})
    [found] = problems(office, file)
    assert "column T(键): a/2026-01@甲 is not of 乙, whose sheet this is" in found


def test_the_offices_own_sheet_answers_for_every_unit(office: Office) -> None:
    with office.conn() as conn:
        whole = every_sheet(conn, office.plan, stretch_called("2026-Q1"), office.now)[0]
    take(
        office,
        filled(
            write_sheet(whole),
            {A: {"完成情况": "正在办理"}, "a/2026-01@乙": {"完成情况": "已办结"}},
        ),
    )
    assert (office.state(A), office.state("a/2026-01@乙")) == ("acknowledged", "reported")


def test_a_sheet_from_before_a_unit_was_renamed_is_still_its_own(office: Office) -> None:
    file = filled(exported(office), {A: {"完成情况": "正在办理"}})
    units = [a_unit("甲局", aliases=("甲",)), a_unit("乙"), a_unit("丙")]
    renamed = {"lead": ("甲局",), "units": ("甲局", "乙")}
    duties = (a_duty("a", measures=(COVERAGE,), **renamed), a_duty("b", **renamed))
    office.edit(plan_with(*duties, units=units))
    office.at("2026-01-06")
    take(office, file)
    assert office.state("a/2026-01@甲局") == "acknowledged"


def test_a_late_report_of_what_has_lapsed_is_taken(office: Office) -> None:
    office.at("2026-02-02")
    file = filled(exported(office), {A: {"完成情况": "已办结"}})
    office.at("2026-03-02")
    assert office.state(A) == "lapsed"
    take(office, file)
    assert office.state(A) == "reported"


def test_the_audit_tells_by_whom_and_from_which_file(office: Office) -> None:
    fill(office, {A: {"完成情况": "正在办理", "目前进展": "已摸排"}})
    rows = office.ask("SELECT actor, action, subject, detail FROM audit ORDER BY id")
    assert rows[-2][:3] == ("王工", "ack", A)
    assert rows[-1][:3] == ("王工", "import", "1.xlsx")
    assert f'"assignments": ["{A}"]' in rows[-1][3]
