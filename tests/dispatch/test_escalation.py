"""Taking what is not answered to those above: from T+3 on, and only once the unit was urged itself.

The duty of these tests is monthly. January 2026 is due on Friday the 30th: T+1 is Monday 2
February, T+3 Wednesday the 4th, T+8 Wednesday the 11th. 甲 and 乙 stand under 上, 丙 is the office.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.dispatch.compose import Composer
from dispatcher.dispatch.office import Office as Writer
from dispatcher.dispatch.office import Site
from dispatcher.ledger.database import Engine
from dispatcher.ledger.items import Item
from dispatcher.plan.cadence import Every
from dispatcher.plan.model import Duty, Escalation, Offset, Plan, Unit
from tests.building import OVERDUE, Office, a_duty, a_unit, local, plan_with, trouble

pytestmark = pytest.mark.one_database

SHIPPED = Path(__file__).parents[2] / "templates"
ALONE = a_duty(units=("甲",))
BOTH = a_duty()
UNITS = (a_unit("甲", superior="上"), a_unit("乙", superior="上"), a_unit("上"), a_unit("丙"))
TWICE = (Offset(1, workdays=True), Offset(3, workdays=True))


def addressed(items: Sequence[Item], _at: datetime) -> tuple[str, str, str]:
    """A line for each item that says who is told: ``上: 甲 2026-01 T+3``."""
    lines = [f"{each.told}: {each.unit} {each.period} {each.step}" for each in items]
    return "subject", "\n".join(lines), ""


def under_superiors(*duties: Duty, units: Sequence[Unit] = UNITS) -> Plan:
    return plan_with(*(duties or (ALONE,)), units=units)


def escalating(plan: Plan, *, after: Offset, to: str = "superior") -> Plan:
    return plan._replace(defaults=plan.defaults._replace(escalate=Escalation(after, to)))


def running(engine: Engine, plan: Plan, since: str = "2026-01-30") -> Office:
    """An office that has passed once."""
    office = Office(engine, plan)
    office.compose = addressed
    office.at(since)
    return office


def january(office: Office, first: str, last: str) -> dict[str, list[str]]:
    """What is told of January on each day, by the day of February."""
    told = office.daily(first, last)
    days = {
        day.removeprefix("2026-02-"): [line for line in lines if "2026-01 " in line]
        for day, lines in told.items()
    }
    return {day: lines for day, lines in days.items() if lines}


@pytest.fixture
def office(engine: Engine) -> Office:
    return running(engine, under_superiors())


# --------------------------------------------------------------------------------------- when


def test_the_superior_is_told_each_overdue_step_from_the_escalation_day_on(office: Office) -> None:
    assert january(office, "2026-02-01", "2026-02-18") == {
        "02": ["甲: 甲 2026-01 T+1"],
        "04": ["上: 甲 2026-01 T+3", "甲: 甲 2026-01 T+3"],
        "11": ["上: 甲 2026-01 T+8", "甲: 甲 2026-01 T+8"],
        "18": ["上: 甲 2026-01 T+13", "甲: 甲 2026-01 T+13"],
    }
    assert office.ask("SELECT DISTINCT addressee, unit FROM reminder ORDER BY 1") == [
        ("owner", "甲"),
        ("superior", "上"),
    ]


def test_a_second_pass_tells_the_superior_nothing_again(office: Office) -> None:
    office.at("2026-02-02")
    assert "上: 甲 2026-01 T+3" in office.at("2026-02-04")
    assert office.at("2026-02-04 09:01") == office.at("2026-02-04 17:00") == []


def test_after_ten_days_off_the_unit_is_urged_a_workday_before_its_superior(
    office: Office,
) -> None:
    assert january(office, "2026-02-05", "2026-02-11") == {
        "05": ["甲: 甲 2026-01 T+3"],
        "06": ["上: 甲 2026-01 T+3"],
        "11": ["上: 甲 2026-01 T+8", "甲: 甲 2026-01 T+8"],
    }


def test_over_a_weekend_the_superior_is_told_on_the_next_workday(office: Office) -> None:
    assert january(office, "2026-02-06", "2026-02-10") == {
        "06": ["甲: 甲 2026-01 T+3"],
        "09": ["上: 甲 2026-01 T+3"],
    }


def test_what_was_due_before_going_live_is_never_taken_above(engine: Engine) -> None:
    office = running(engine, under_superiors(), "2026-02-02")
    assert january(office, "2026-02-03", "2026-02-26") == {}


def test_on_the_day_of_a_late_urging_the_superior_waits_for_the_next_window(
    office: Office,
) -> None:
    assert "甲: 甲 2026-01 T+3" in office.at("2026-02-04 16:20")
    assert office.report
    assert office.report.next_at == local("2026-02-05 09:00")
    assert office.at("2026-02-04 17:59") == []
    assert office.at("2026-02-05") == ["上: 甲 2026-01 T+3"]


def test_an_edit_on_the_day_of_a_late_urging_does_not_take_it_above_at_once(
    office: Office,
) -> None:
    office.at("2026-02-05")
    office.edit(under_superiors(ALONE, a_duty("new", units=("丙",), lead=("丙",))))
    assert not [line for line in office.at("2026-02-05 10:00") if line.startswith("上")]
    assert "上: 甲 2026-01 T+3" in office.at("2026-02-06")


def test_an_urging_that_has_not_left_does_not_count_as_told(engine: Engine) -> None:
    office = running(engine, under_superiors(ALONE._replace(open=False)))
    office.box.troubles["甲@example.com"] = [trouble("temporary")]
    office.at("2026-02-02")
    assert january(office, "2026-02-04", "2026-02-06") == {
        "04": ["甲: 甲 2026-01 T+3"],
        "05": ["上: 甲 2026-01 T+3"],
    }


def test_an_urging_of_unknown_outcome_counts_as_told(office: Office) -> None:
    office.box.on_unknown = "hold"
    office.box.troubles["甲@example.com"] = [trouble("unknown")]
    office.at("2026-02-02")
    assert "上: 甲 2026-01 T+3" in office.at("2026-02-04")


def test_a_unit_that_cannot_be_reached_is_not_taken_above_but_to_the_office(
    engine: Engine,
) -> None:
    units = (a_unit("甲", superior="上", contacts=()), *UNITS[2:])
    office = running(engine, under_superiors(units=units))
    assert january(office, "2026-02-01", "2026-02-11") == {}
    assert ("甲", "T+8", "failed") in office.ask("SELECT unit, step, state FROM reminder")


@pytest.mark.parametrize(
    "after, days",
    [
        (Offset(1, workdays=True), ["03", "04", "11"]),
        (Offset(2, workdays=True), ["03", "04", "11"]),
        (Offset(3), ["03", "04", "11"]),
        (Offset(5, workdays=True), ["06", "11"]),
        (Offset(10, workdays=True), ["13"]),
    ],
    ids=str,
)
def test_the_day_of_escalation_need_not_be_one_of_a_step(
    engine: Engine, after: Offset, days: list[str]
) -> None:
    office = running(engine, escalating(under_superiors(), after=after))
    told = january(office, "2026-02-01", "2026-02-17")
    assert [day for day, lines in told.items() if lines[0].startswith("上")] == days
    assert [day for day, lines in told.items() if lines[-1].startswith("甲")] == ["02", "04", "11"]


def test_an_escalation_after_the_last_step_comes_once_and_nothing_after_it(engine: Engine) -> None:
    plan = under_superiors(ALONE._replace(overdue=TWICE))
    office = running(engine, escalating(plan, after=Offset(5, workdays=True)))
    assert january(office, "2026-02-05", "2026-02-26") == {
        "05": ["甲: 甲 2026-01 T+3"],
        "06": ["上: 甲 2026-01 T+3"],
    }
    assert office.ask("SELECT next_at FROM assignment WHERE id = 1") == [(None,)]


def test_a_check_in_is_taken_above_with_its_last_step(engine: Engine) -> None:
    duty = a_duty(cadence=Every("quarter"), progress=True)
    office = running(engine, under_superiors(duty), "2026-03-31")
    told = office.daily("2026-04-01", "2026-06-01")
    assert told == {
        "2026-04-01": ["甲: 甲 2026-Q1 T+1"],
        "2026-04-03": ["上: 甲 2026-Q1 T+3", "甲: 甲 2026-Q1 T+3"],
    }


def test_a_duty_that_is_never_urged_is_never_taken_above(engine: Engine) -> None:
    office = running(engine, under_superiors(ALONE._replace(overdue=())))
    assert january(office, "2026-02-01", "2026-02-26") == {}


# ---------------------------------------------------------------------------------------- whom


def test_the_office_can_be_the_one_above(engine: Engine) -> None:
    duty = a_duty(units=("甲", "丙"))
    plan = escalating(under_superiors(duty), after=OVERDUE[1], to="office")
    office = running(engine, plan)
    assert january(office, "2026-02-04", "2026-02-05") == {
        "04": ["丙: 丙 2026-01 T+3", "甲: 甲 2026-01 T+3"],
        "05": ["丙: 甲 2026-01 T+3"],
    }
    assert ("office", "丙") in office.ask("SELECT addressee, unit FROM reminder")


@pytest.mark.parametrize("superior", ["", "甲"])
def test_a_unit_without_a_superior_is_urged_alone(engine: Engine, superior: str) -> None:
    units = (a_unit("甲", superior=superior), *UNITS[2:])
    office = running(engine, under_superiors(units=units))
    assert january(office, "2026-02-02", "2026-02-11") == {
        "02": ["甲: 甲 2026-01 T+1"],
        "04": ["甲: 甲 2026-01 T+3"],
        "11": ["甲: 甲 2026-01 T+8"],
    }


def test_a_superior_that_an_edit_brings_is_told_at_the_next_pass(engine: Engine) -> None:
    office = running(engine, under_superiors(units=(a_unit("甲"), *UNITS[2:])))
    january(office, "2026-02-02", "2026-02-04")
    office.edit(under_superiors())
    assert office.at("2026-02-05") == ["上: 甲 2026-01 T+3"]


def test_every_contact_of_the_superior_is_told(engine: Engine) -> None:
    units = (*UNITS[:2], a_unit("上", "one@example.com", "two@example.com"), UNITS[3])
    office = running(engine, under_superiors(units=units))
    office.at("2026-02-02")
    office.at("2026-02-04")
    told = {sent.address: sent.text for sent in office.box.sent[-3:]}
    assert told == {
        "甲@example.com": "甲: 甲 2026-01 T+3",
        "one@example.com": "上: 甲 2026-01 T+3",
        "two@example.com": "上: 甲 2026-01 T+3",
    }


def test_two_units_of_one_superior_come_in_one_digest(engine: Engine) -> None:
    office = running(engine, under_superiors(BOTH))
    office.at("2026-02-02")
    office.at("2026-02-04")
    above = [sent.text for sent in office.box.sent if sent.address == "上@example.com"]
    assert above == ["上: 乙 2026-01 T+3\n上: 甲 2026-01 T+3"]


def test_where_a_unit_and_its_superior_share_an_address_the_unit_is_told_once(
    engine: Engine,
) -> None:
    units = (a_unit("甲", "one@example.com", superior="上"), a_unit("上", "one@example.com"))
    office = running(engine, under_superiors(units=(*units, UNITS[3])))
    office.at("2026-02-02")
    assert office.at("2026-02-04") == ["甲: 甲 2026-01 T+3"]


def test_a_superior_that_cannot_be_reached_is_on_record_for_the_office(engine: Engine) -> None:
    units = (*UNITS[:2], a_unit("上", contacts=()), UNITS[3])
    office = running(engine, under_superiors(units=units))
    office.at("2026-02-02")
    assert office.at("2026-02-04") == ["甲: 甲 2026-01 T+3"]
    rows = office.ask("SELECT step, state FROM reminder WHERE addressee = 'superior'")
    assert rows == [("T+3", "failed")]


def test_copies_are_never_taken_above(engine: Engine) -> None:
    office = running(engine, under_superiors(BOTH._replace(expect="lead")))
    told = january(office, "2026-02-01", "2026-02-11")
    assert not [line for lines in told.values() for line in lines if " 乙 " in line]


# --------------------------------------------------------------------------- beside answers


def test_what_is_acknowledged_is_taken_above_all_the_same(office: Office) -> None:
    office.at("2026-02-02")
    office.say("ack")
    assert office.at("2026-02-04") == ["上: 甲 2026-01 T+3", "甲: 甲 2026-01 T+3"]


def test_what_is_answered_in_between_is_not_taken_above(office: Office) -> None:
    office.at("2026-02-02")
    office.say("report")
    assert january(office, "2026-02-03", "2026-02-11") == {}


def test_an_answer_takes_back_what_the_superior_has_not_been_told_yet(office: Office) -> None:
    office.at("2026-02-02")
    office.stop.set()
    office.at("2026-02-04")
    office.stop.clear()
    office.say("report")
    assert office.at("2026-02-04 10:00") == []
    rows = office.ask("SELECT addressee, state FROM reminder WHERE step = 'T+3' ORDER BY 1")
    assert rows == [("owner", "cancelled"), ("superior", "cancelled")]


def test_a_later_step_replaces_one_that_the_superior_was_not_told(office: Office) -> None:
    office.box.troubles["上@example.com"] = [trouble("temporary")] * 9
    january(office, "2026-02-02", "2026-02-10")
    office.box.troubles.clear()
    assert "上: 甲 2026-01 T+8" in office.at("2026-02-11")
    rows = office.ask("SELECT step, state FROM reminder WHERE addressee = 'superior' ORDER BY id")
    assert rows == [("T+3", "superseded"), ("T+8", "told")]


def test_in_a_new_round_the_unit_is_urged_first_again(office: Office) -> None:
    january(office, "2026-02-02", "2026-02-04")
    office.say("report")
    office.say("return", note="缺附件")
    assert january(office, "2026-02-05", "2026-02-11") == {
        "05": ["甲: 甲 2026-01 returned"],
        "06": ["上: 甲 2026-01 T+3"],
        "11": ["上: 甲 2026-01 T+8", "甲: 甲 2026-01 T+8"],
    }


def test_a_granted_extension_moves_the_escalation_with_the_date(office: Office) -> None:
    office.say("ask", note="忙", to="2026-02-06")
    office.say("grant")
    told = january(office, "2026-02-01", "2026-02-11")
    assert [day for day, lines in told.items() if lines[0].startswith("上")] == ["11"]
    assert told["11"][0] == "上: 甲 2026-01 T+3"


def test_notices_are_not_taken_above(office: Office) -> None:
    january(office, "2026-02-02", "2026-02-04")
    office.say("waive", note="不涉及")
    assert office.at("2026-02-05") == ["甲: 甲 2026-01 waived"]


def test_what_has_lapsed_is_taken_above_no_more(office: Office) -> None:
    january(office, "2026-02-02", "2026-02-26")
    assert january(office, "2026-02-27", "2026-03-03") == {}


# ------------------------------------------------------------------------------- in which words

TEXT = """\
上:
截至2月4日(周三)9时,以下事项逾期未反馈,特此报告:

【上报】下列单位逾期未反馈2项,请督促
1.work的工作(2026年1月)
要求:做好工作
时限:1月30日(周五),已逾期5天,第2次催办(31日为周六,提前)
牵头单位:甲(清单第1项),逾期单位:乙
2.work的工作(2026年1月)
要求:做好工作
时限:1月30日(周五),已逾期5天,第2次催办(31日为周六,提前)
牵头单位:甲(清单第1项),逾期单位:甲

联系人:丙@example.com
丙 2026年2月4日
(系统自动发送,请勿回复涉密内容和群众个人信息)
"""


def test_the_superior_reads_who_is_late_with_what_and_is_not_asked_to_answer(
    engine: Engine,
) -> None:
    plan = under_superiors(BOTH)
    office = running(engine, plan)
    writer = Writer(plan, Composer([SHIPPED], plan.workdays), Site(False, ""))
    with office.conn() as conn:
        office.compose = lambda items, now: writer.compose(conn, items, now)[:3]
    office.at("2026-02-02")
    office.at("2026-02-04")
    [above] = [sent for sent in office.box.sent if sent.address == "上@example.com"]
    assert above.subject == "【报告】上:下属单位逾期2项(2月4日)"
    assert above.text == TEXT


def test_no_day_of_a_month_tells_a_superior_what_its_unit_was_not_told_before(
    office: Office,
) -> None:
    """Whenever the daemon was off before: the superior's first word is a day after the unit's."""
    office.daily("2026-02-09", "2026-02-20")
    query = "SELECT min(told_at) FROM reminder WHERE addressee = :who AND step LIKE 'T+%'"
    [(owner,)] = office.ask(query, who="owner")
    [(superior,)] = office.ask(query, who="superior")
    days = [date.fromisoformat(moment[:10]) for moment in (owner, superior)]
    assert days[1] - days[0] == timedelta(days=1)
