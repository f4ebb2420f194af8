"""What the brief asks the office to decide, and what it says has changed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dispatcher.dispatch import slips
from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.decisions import decisions
from dispatcher.dispatch.office import Office as Desk
from dispatcher.dispatch.office import Site
from dispatcher.ledger import installation
from dispatcher.ledger.database import Engine
from dispatcher.plan.model import Ladder, Measure, Offset, Rung, Target
from tests.building import ZONE, Office, a_duty, a_unit, local, plan_with, trouble

pytestmark = pytest.mark.one_database

SHIPPED = Path(__file__).parents[2] / "templates"
RATE = Measure("参保率", "%", (Target(">=", Decimal(99)),), (), None)
DUTY = a_duty(measures=(RATE,))


@pytest.fixture
def office(engine: Engine) -> Office:
    return Office(engine, plan_with(DUTY))


def asked(office: Office) -> list[str]:
    with office.conn() as conn:
        return list(decisions(conn, office.plan, office.now.astimezone(ZONE).date()))


def test_nothing_waits_before_anybody_has_said_anything(office: Office) -> None:
    office.at("2026-01-05")
    assert asked(office) == []


def test_a_report_waits_to_be_looked_at_until_it_is_closed(office: Office) -> None:
    office.at("2026-01-05")
    office.say("report")
    assert asked(office) == ["待审核1件:甲,work的工作(2026年1月)"]
    office.say("return", note="不全")
    assert asked(office) == []


def test_an_extension_waits_until_it_is_granted_or_refused(office: Office) -> None:
    office.at("2026-01-05")
    office.say("ask", note="雨天", to="2026-02-10")
    assert asked(office) == ["延期申请待批1件:甲,work的工作(2026年1月),申请延期至2月10日"]
    office.say("refuse", note="来得及")
    assert asked(office) == []


def test_figures_that_fall_short_are_said_until_better_ones_come(office: Office) -> None:
    office.at("2026-01-05")
    office.say("report", figures={"参保率": "98.7"})
    assert asked(office)[1] == "指标未达到1项:甲,参保率98.7%,未达标(要求至少99%)"
    office.say("report", figures={"参保率": "99.1"})
    assert [line for line in asked(office) if "指标" in line] == []


def test_of_many_the_first_three_are_named_and_the_rest_is_counted(engine: Engine) -> None:
    names = list("甲乙丙丁戊")
    duty = a_duty(lead=("甲",), units=tuple(names))
    office = Office(engine, plan_with(duty, units=[a_unit(name) for name in names]))
    office.at("2026-01-05")
    for name in names:
        office.say("report", f"work/2026-01@{name}")
    [line] = asked(office)
    assert line.startswith("待审核5件:甲,")
    assert line.endswith(";另有2件")


def test_a_slip_waits_to_be_released_and_then_for_its_answer(engine: Engine) -> None:
    rung = Rung("蓝", "蓝色提醒单", Offset(3, True), ("owner",), Offset(2, True), False, "请反馈。")
    plan = plan_with(a_duty(units=("甲",)), ladder=Ladder("〔{year}〕{number}号", (rung,)))
    office = Office(engine, plan)
    office.daily("2026-01-30", "2026-02-04")
    assert asked(office) == ["督办单草稿待签发1件:甲,work的工作(蓝色提醒单)"]
    composer = Composer([SHIPPED], plan.workdays)
    with office.conn() as conn:
        slips.release(conn, plan, composer, 1, slips.Signed("张三", "", office.now))
    assert asked(office) == []
    office.now = local("2026-02-09")
    assert asked(office) == ["督办单逾期未答复1件:甲,work的工作(〔2026〕1号)"]


def test_a_slip_that_does_not_arrive_is_said_in_the_brief(engine: Engine) -> None:
    rung = Rung("蓝", "蓝色提醒单", Offset(3, True), ("owner",), Offset(2, True), False, "请反馈。")
    plan = plan_with(a_duty(units=("甲",)), ladder=Ladder("〔{year}〕{number}号", (rung,)))
    office = Office(engine, plan)
    office.daily("2026-01-30", "2026-02-04")
    composer = Composer([SHIPPED], plan.workdays)
    with office.conn() as conn:
        slips.release(conn, plan, composer, 1, slips.Signed("张三", "", office.now))
    office.queue_brief = Desk(plan, composer, Site(False, "var/mailbox")).queue_reports
    office.box.troubles["甲@example.com"] = [trouble("permanent")]
    office.at("2026-02-04 10:00")
    assert "甲@example.com没有发到" in office.box.sent[-1].text


def test_the_brief_says_once_what_has_lapsed_or_was_withdrawn_since_the_last_one(
    office: Office,
) -> None:
    composer = Composer([SHIPPED], office.plan.workdays)
    office.queue_brief = Desk(office.plan, composer, Site(False, "var/mailbox")).queue_reports
    for day in ("2026-01-30", "2026-02-26", "2026-02-27", "2026-03-02"):
        office.at(day)
    office.edit(plan_with())
    office.at("2026-03-03")
    said = {
        f"{sent.at:%m-%d}": sent.text
        for sent in office.box.sent
        if sent.kind == "brief" and "台账变动" in sent.text
    }
    assert "台账变动:转为逾期未办2件\n" in said.pop("02-27")
    assert "台账变动:撤销4件\n" in said.pop("03-03")
    assert list(said) == []


def test_the_brief_of_a_day_that_began_with_a_pause_is_written_after_it(office: Office) -> None:
    composer = Composer([SHIPPED], office.plan.workdays)
    office.queue_brief = Desk(office.plan, composer, Site(False, "var/mailbox")).queue_reports
    office.at("2026-01-22")
    with office.conn() as conn:
        installation.pause(conn, "张三", "检修", office.now)
    office.at("2026-01-23")
    with office.conn() as conn:
        installation.resume(conn, "张三", office.now)
    office.at("2026-01-23 10:00")
    *_letters, brief = office.box.sent
    assert (brief.kind, brief.at) == ("brief", local("2026-01-23 10:00"))
    assert "今日提醒:应发2条,已发2条" in brief.text


def test_the_brief_names_each_broken_template_until_it_is_mended(
    office: Office, tmp_path: Path
) -> None:
    composer = Composer([tmp_path, SHIPPED], office.plan.workdays)
    office.queue_brief = Desk(office.plan, composer, Site(False, "var/mailbox")).queue_reports
    for name in ("digest.txt", "slip.txt"):
        (tmp_path / name).write_text("{{ 1/0 }}", "utf-8")
    office.at("2026-01-05")
    [brief] = (sent.text for sent in office.box.sent if sent.kind == "brief")
    assert "信件模板有错,已改用内置文字:digest.txt:1: division by zero" in brief
    assert "信件模板有错,已改用内置文字:slip.txt:1: division by zero" in brief
    for name in ("digest.txt", "slip.txt"):
        (tmp_path / name).unlink()
    office.at("2026-01-06")
    assert "信件模板" not in office.box.sent[-1].text


def test_a_figure_that_was_bettered_is_judged_no_more_however_its_name_is_written(
    engine: Engine,
) -> None:
    wide = RATE._replace(name="参保率（全区）")
    office = Office(engine, plan_with(a_duty(units=("甲",), measures=(wide,))))
    office.at("2026-01-05")
    office.say("report", figures={wide.name: "90%"})
    narrow = wide._replace(name="参保率(全区)")
    office.edit(plan_with(a_duty(units=("甲",), measures=(narrow,))))
    office.at("2026-01-06")
    office.say("report", figures={narrow.name: "99.5%"})
    assert office.ask("SELECT missed FROM assignment") == [(0,)]
