"""The sheet: what of the ledger stands on it, in which words; and the digest that carries it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.monthly import monthly_duty, monthly_lines
from dispatcher.dispatch.office import Office as Desk
from dispatcher.dispatch.office import Site
from dispatcher.dispatch.sheets import ALL, every_sheet, file_name, stretch_called, unit_sheet
from dispatcher.errors import DispatcherError, Refused
from dispatcher.plan.cadence import Every
from dispatcher.plan.model import Contact, Measure, Plan, Target
from dispatcher.sheet import Line, MonthlyLine, Sheet
from dispatcher.sheet.reading import read_sheet
from tests.building import Office, a_duty, a_unit, plan_with, trouble
from tests.dispatch.ladders import drafted, laddered, released, voided

pytestmark = pytest.mark.one_database

COVERAGE = Measure("参保率", "%", (Target(">=", Decimal(99)),), (), None)
PEOPLE = Measure("资助人数", "", (), (), None)
TEMPLATES = Path(__file__).parents[2] / "templates"
YEARLY = a_duty("yearly", Every("year"))
ALONE = a_duty(units=("甲",))
"""Of 甲 alone, so that nobody has to answer before it."""


def opened(engine: Engine, plan: Plan, day: str = "2026-01-05") -> Office:
    """An office after a pass on ``day``."""
    office = Office(engine, plan)
    office.at(day)
    return office


def sheet_of(office: Office, unit: str = "甲", stretch: str = "2026-Q1") -> Sheet:
    with office.conn() as conn:
        return unit_sheet(conn, office.plan, unit, stretch_called(stretch), office.now)


def keys(sheet: Sheet) -> list[str]:
    return [line.key for line in sheet.lines]


def the_line(office: Office, key: str = "work/2026-01@甲", **given: Any) -> Line:
    return next(line for line in sheet_of(office, **given).lines if line.key == key)


def test_a_sheet_has_what_is_due_in_its_stretch_and_opened(engine: Engine) -> None:
    office = opened(engine, plan_with(a_duty(), YEARLY))
    assert keys(sheet_of(office)) == ["work/2026-01@甲"]
    office.at("2026-02-02")
    assert keys(sheet_of(office)) == ["work/2026-01@甲", "work/2026-02@甲"]


def test_what_is_due_after_the_stretch_is_not_on_the_sheet(engine: Engine) -> None:
    office = opened(engine, plan_with(a_duty(), YEARLY))
    assert keys(sheet_of(office, stretch="2026-Q4")) == ["work/2026-01@甲", "yearly/2026@甲"]
    assert keys(sheet_of(office, stretch="2025-Q4")) == []


def test_what_is_open_from_before_comes_first_and_what_was_closed_before_does_not(
    engine: Engine,
) -> None:
    office = opened(engine, plan_with(a_duty("a"), a_duty("b"), a_duty("c", Every("quarter"))))
    office.say("done", "a/2026-01@甲", despite="试点")
    office.at("2026-02-02")
    assert keys(sheet_of(office, stretch="2026-02")) == [
        "b/2026-01@甲",
        "a/2026-02@甲",
        "b/2026-02@甲",
    ]


def test_what_has_the_stretch_as_its_period_stays_on_its_sheet_when_it_is_extended(
    engine: Engine,
) -> None:
    office = opened(engine, plan_with(a_duty()))
    office.say("ask", note="缺人", to="2026-02-10")
    office.say("grant")
    assert keys(sheet_of(office, stretch="2026-01")) == ["work/2026-01@甲"]
    assert keys(sheet_of(office, stretch="2026-02")) == ["work/2026-01@甲"]


def test_a_unit_that_only_gets_copies_has_nothing_to_fill_in(engine: Engine) -> None:
    office = opened(engine, plan_with(a_duty(expect="lead")))
    assert keys(sheet_of(office, "乙")) == []


def test_every_unit_that_owes_something_has_a_sheet_and_the_office_one_of_all(
    engine: Engine,
) -> None:
    office = opened(engine, plan_with(a_duty()))
    with office.conn() as conn:
        found = every_sheet(conn, office.plan, stretch_called("2026-01"), office.now)
    assert [(each.unit, keys(each)) for each in found] == [
        (ALL, ["work/2026-01@乙", "work/2026-01@甲"]),
        ("乙", ["work/2026-01@乙"]),
        ("甲", ["work/2026-01@甲"]),
    ]


def test_a_line_says_who_what_and_by_when(engine: Engine) -> None:
    boss = a_unit("丁", contacts=(Contact("李四"),))
    first = a_unit(
        "甲", contacts=(Contact("张三", mobile="138", email="a@example.com"),), superior="丁"
    )
    plan = plan_with(a_duty(rows=(5,)), units=[first, a_unit("乙"), a_unit("丙"), boss])
    line = the_line(opened(engine, plan))
    assert (line.source, line.title, line.period) == ("清单第5项", "work的工作", "2026年1月")
    assert (line.lead, line.leader, line.unit, line.contact) == ("甲", "李四", "甲", "张三 138")
    assert (line.assigned_on, line.due_on) == (date(2026, 1, 5), date(2026, 1, 30))
    assert (line.status, line.open, line.task, line.note) == ("未启动", True, "做好工作", "")


def test_the_day_on_which_a_unit_was_first_told_is_that_of_its_assignment(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty()))
    office.box.troubles["甲@example.com"] = [trouble("temporary")]
    office.at("2026-01-05")
    office.at("2026-01-06")
    office.at("2026-01-30")
    assert the_line(office).assigned_on == date(2026, 1, 6)


def test_answers_and_the_day_of_each_are_shown(engine: Engine) -> None:
    office = opened(engine, plan_with(ALONE))
    office.at("2026-01-06")
    office.say("ack", note="已摸排3个镇")
    line = the_line(office)
    assert (line.status, line.progress) == ("正在办理", "已摸排3个镇")
    assert line.acknowledged_on == date(2026, 1, 6)
    office.at("2026-01-07")
    office.say("ack", note="已摸排5个镇")
    line = the_line(office)
    assert (line.progress, line.acknowledged_on) == ("已摸排5个镇", date(2026, 1, 6))
    office.say("report", note="全部完成")
    assert (the_line(office).status, the_line(office).progress) == ("已办结", "全部完成")
    assert (the_line(office).done_on, the_line(office).open) == (None, True)
    office.say("done")
    assert (the_line(office).done_on, the_line(office).open) == (date(2026, 1, 7), False)


def test_what_stands_between_unit_and_office_is_said_beside_the_task(engine: Engine) -> None:
    office = opened(engine, plan_with(a_duty()))
    office.say("ask", note="缺人", to="2026-02-10")
    assert the_line(office).task == "做好工作\n(已申请延期至2月10日,待审批)"
    office.say("report")
    assert the_line(office).task == "做好工作\n(已反馈,待审核)"
    office.say("return", note="缺照片")
    line = the_line(office)
    assert (line.status, line.task, line.note) == ("正在办理", "做好工作\n(退回重办:缺照片)", "")


def test_the_number_of_the_last_slip_is_that_of_its_item_until_it_is_void(engine: Engine) -> None:
    office = opened(engine, laddered())
    [draft] = drafted(office, "2026-02-02", "2026-02-04").values()
    assert (draft, the_line(office).number) == (["蓝色提醒单"], "")
    released(office, 1)
    assert the_line(office).number == "督〔2026〕1号"
    voided(office, 1)
    assert the_line(office).number == ""


def test_what_is_waived_is_locked_and_says_why(engine: Engine) -> None:
    office = opened(engine, plan_with(a_duty()))
    office.say("waive", note="本镇没有此类项目")
    line = the_line(office)
    assert (line.status, line.open, line.note) == ("免报", False, "本镇没有此类项目")
    assert line.done_on is None


@pytest.mark.parametrize(
    "day, colour, overdue",
    [
        ("2026-01-22", "", 0),
        ("2026-01-23", "蓝", 0),
        ("2026-01-30", "黄", 0),
        ("2026-02-02", "红", 3),
    ],
)
def test_a_line_has_its_colour_as_a_word_and_the_days_that_it_is_late(
    engine: Engine, day: str, colour: str, overdue: int
) -> None:
    office = opened(engine, plan_with(a_duty()))
    office.at(day)
    line = the_line(office)
    assert (line.colour, line.overdue) == (colour, overdue)


def test_a_reported_figure_is_on_the_sheet_and_a_miss_makes_it_yellow(engine: Engine) -> None:
    office = opened(engine, plan_with(a_duty(measures=(COVERAGE, PEOPLE))))
    office.say("report", figures={"参保率": "98.7", "资助人数": "1,200"})
    line = the_line(office)
    rate, people = line.figures
    assert (line.colour, rate.key) == ("黄", "work/2026-01@甲#参保率")
    assert (rate.name, rate.unit, rate.value, rate.most) == ("参保率", "%", Decimal("98.7"), 100)
    assert (people.target, people.unit, people.value, people.most) == ("未设", "无", 1200, None)


def test_a_figure_whose_measure_has_another_unit_by_now_is_to_be_given_anew(
    engine: Engine,
) -> None:
    office = opened(engine, plan_with(a_duty(measures=(COVERAGE,))))
    office.say("report", figures={"参保率": "98.7"})
    office.edit(plan_with(a_duty(measures=(COVERAGE._replace(unit="户"),))))
    assert the_line(office).figures[0].value is None


@pytest.mark.parametrize("key", ["2026", "2026-H1", "2026-Q4", "2026-11"])
def test_a_stretch_is_a_year_a_half_year_a_quarter_or_a_month(key: str) -> None:
    assert stretch_called(key).key == key


@pytest.mark.parametrize("key", ["", "2026-13", "2026-W05", "26-Q1", "2026-Q5", "0000", "2026-q1 "])
def test_what_is_no_stretch_is_refused_with_the_forms_that_are(key: str) -> None:
    with pytest.raises(DispatcherError, match="2026-H1"):
        stretch_called(key)


def test_the_name_of_a_file_has_nothing_that_office_computers_refuse() -> None:
    assert file_name('甲"*:乙', stretch_called("2026-Q4")) == "台账-甲___乙-2026-Q4.xlsx"


def carrying(engine: Engine, *, wanted: bool) -> Office:
    """An office whose digests to 甲 carry its sheet, if ``wanted``."""
    units = [a_unit("甲", sheet=wanted), a_unit("乙"), a_unit("丙")]
    office = Office(engine, plan_with(a_duty(), a_duty("more"), units=units))
    composer = Composer([TEMPLATES], office.plan.workdays)
    desk = Desk(office.plan, composer, Site(False, ""))
    office.attach = lambda conn, items, now: desk.compose(conn, items, now).files
    return office


def attached(office: Office) -> dict[str, list[tuple[str, bytes]]]:
    return {
        sent.address: [(file.name, file.content) for file in sent.attachments]
        for sent in office.box.tried
    }


def test_a_digest_carries_the_sheet_of_the_quarter_to_the_unit_that_wants_it(
    engine: Engine,
) -> None:
    office = carrying(engine, wanted=True)
    office.at("2026-01-05")
    [(name, content)] = attached(office)["甲@example.com"]
    returned = read_sheet(name, content)
    assert (name, returned.unit) == ("台账-甲-2026-Q1.xlsx", "甲")
    assert [entry.key for entry in returned.entries] == ["more/2026-01@甲", "work/2026-01@甲"]
    assert attached(office)["乙@example.com"] == []


def test_a_digest_carries_nothing_to_a_unit_that_does_not_want_it(engine: Engine) -> None:
    office = carrying(engine, wanted=False)
    office.at("2026-01-05")
    assert not any(attached(office).values())


def test_a_second_attempt_carries_the_very_bytes_of_the_first(engine: Engine) -> None:
    office = carrying(engine, wanted=True)
    office.box.troubles["甲@example.com"] = [trouble("temporary")]
    office.at("2026-01-05 09:00")
    first = attached(office)["甲@example.com"]
    office.say("ack", "more/2026-01@甲", "已经着手")
    office.at("2026-01-05 10:00")
    assert len([sent for sent in office.box.tried if sent.address == "甲@example.com"]) == 2
    assert attached(office)["甲@example.com"] == first


def projects(*stems: str, unit: str = "万元") -> tuple[Measure, ...]:
    return tuple(
        Measure(f"{stem}({name})", unit, (), ("甲",), None, name)
        for stem in stems
        for name in ("一号", "二号")
    )


FUNDS = a_duty("funds", measures=projects("项目资金", "已拨付"))


def test_the_monthly_table_has_each_project_with_rate_and_progress(engine: Engine) -> None:
    office = opened(engine, plan_with(a_duty(), FUNDS))
    figures = {"项目资金(一号)": "120", "已拨付(一号)": "80", "已拨付(二号)": "5"}
    office.say("report", "funds/2026-01@甲", "主体完工", figures=figures)
    with office.conn() as conn:
        lines = monthly_lines(conn, monthly_duty(office.plan, None), stretch_called("2026-01"))
    assert lines == [
        MonthlyLine("一号", "甲", Decimal(120), Decimal(80), Decimal("66.7"), "主体完工"),
        MonthlyLine("二号", "甲", None, Decimal(5), None, "主体完工"),
    ]


def test_a_month_of_which_the_ledger_has_nothing_makes_no_table(engine: Engine) -> None:
    office = opened(engine, plan_with(FUNDS))
    with office.conn() as conn, pytest.raises(Refused, match="funds/2026-02"):
        monthly_lines(conn, FUNDS, stretch_called("2026-02"))


def test_the_duty_of_the_monthly_table_is_named_only_where_several_fit() -> None:
    plan = plan_with(FUNDS, FUNDS._replace(id="more"), a_duty())
    with pytest.raises(DispatcherError, match="funds, more; add --duty"):
        monthly_duty(plan, None)
    assert monthly_duty(plan, "more").id == "more"
    with pytest.raises(DispatcherError, match="'work' reports on no projects"):
        monthly_duty(plan, "work")
    with pytest.raises(DispatcherError, match="reports on no projects"):
        monthly_duty(plan_with(a_duty(measures=projects("项目资金", unit="元"))), None)
