"""Figures that reports carry: folded over the reports, and whether the latest fall short."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dispatcher.dispatch.answering import named, read_figures, verdicts
from dispatcher.errors import DispatcherError
from dispatcher.ledger import answers
from dispatcher.ledger.database import Engine
from dispatcher.plan.cadence import Dates, Day
from dispatcher.plan.measures import Verdict
from dispatcher.plan.model import Measure, Target
from tests.building import Office, a_duty, plan_with

RATE = Measure("参保率", "%", (Target(">=", Decimal(99)),), (), None)
OUTSIDE = Measure("目录外费用", "%", (Target("<=", Decimal(10)),), (), None)
VILLAGES = Measure("村数", "个", (), ("乙",), None)
MEASURED = a_duty(measures=(RATE, OUTSIDE, VILLAGES))
PAID = Measure(
    "拨付率",
    "%",
    (Target(">=", Decimal(75), (9, 30)), Target(">=", Decimal(100), (12, 31))),
    (),
    None,
)
TWICE = a_duty("funds", Dates((Day(9, 30), Day(12, 31))), measures=(PAID,))
KEY = "work/2026-01@甲"


@pytest.fixture
def office(engine: Engine) -> Office:
    office = Office(engine, plan_with(MEASURED))
    office.at("2026-01-23")
    return office


def report(office: Office, key: str = KEY, **figures: str) -> bool:
    return office.say("report", key, figures=figures)


def figures(office: Office, key: str = KEY) -> dict[str, str]:
    with office.conn() as conn:
        one = named(conn, office.plan, key, office.now)
        return answers.figures_of(conn, [one.id])[one.id]


def missed(office: Office, key: str = KEY) -> bool:
    with office.conn() as conn:
        one = named(conn, office.plan, key, office.now)
        found = answers.answers_of(conn, one.id)
    [(flag,)] = office.ask("SELECT missed FROM assignment WHERE id = :id", id=one.id)
    assert found
    return bool(flag)


def judged(office: Office, key: str) -> list[Verdict]:
    with office.conn() as conn:
        one = named(conn, office.plan, key, office.now)
        return verdicts(office.plan, one, answers.figures_of(conn, [one.id])[one.id])


def test_the_latest_figure_of_each_measure_counts(office: Office) -> None:
    report(office, 参保率="98.7%", 目录外费用="8%")
    report(office, 参保率="99.2%")
    assert figures(office) == {"参保率": "99.2%", "目录外费用": "8%"}


def test_figures_outlive_a_return_and_a_new_round(office: Office) -> None:
    report(office, 参保率="98.7%")
    office.say("return", note="再报")
    report(office, 目录外费用="8%")
    assert figures(office) == {"参保率": "98.7%", "目录外费用": "8%"}


def test_figures_are_each_assignments_own(office: Office) -> None:
    report(office, 参保率="98.7%")
    report(office, "work/2026-01@乙", 参保率="99.5%", 村数="12")
    assert figures(office) == {"参保率": "98.7%"}
    assert figures(office, "work/2026-01@乙") == {"参保率": "99.5%", "村数": "12个"}


def test_nothing_reported_is_no_figures(office: Office) -> None:
    report(office)
    assert figures(office) == {}


def test_figures_are_kept_in_their_normal_form(office: Office) -> None:
    report(office, "work/2026-01@乙", 参保率="９９．５０", 村数="1,200个")
    rows = office.ask("SELECT figures FROM answer")
    assert rows == [('{"参保率": "99.5%", "村数": "1200个"}',)]


def test_the_same_figure_in_another_spelling_is_the_same_answer(office: Office) -> None:
    assert report(office, 参保率="98.7%")
    assert not report(office, 参保率="９８．７０")
    assert report(office, 参保率="98.8%")


def test_figures_stand_in_the_audit(office: Office) -> None:
    report(office, 参保率="98.7%")
    assert office.ask("SELECT detail FROM audit WHERE action = 'report'") == [
        ('{"figures": {"参保率": "98.7%"}}',)
    ]


@pytest.mark.parametrize(
    "rate, outside, short", [("99%", "10%", False), ("98.9%", "10%", True), ("99%", "10.1%", True)]
)
def test_one_figure_that_falls_short_marks_the_assignment(
    office: Office, rate: str, outside: str, short: bool
) -> None:
    report(office, 参保率=rate, 目录外费用=outside)
    assert missed(office) is short


def test_a_better_figure_ends_the_miss(office: Office) -> None:
    report(office, 参保率="98.7%")
    report(office, 参保率="99.2%")
    assert not missed(office)


def test_a_figure_of_another_measure_does_not(office: Office) -> None:
    report(office, 参保率="98.7%")
    report(office, 目录外费用="8%")
    assert missed(office)


def test_a_report_without_figures_does_not_either(office: Office) -> None:
    report(office, 参保率="98.7%")
    office.say("return", note="再报")
    office.say("report", note="情况说明")
    assert missed(office)


@pytest.mark.parametrize("route", [["done"], ["return"], ["done", "reopen"], ["return", "ack"]])
def test_a_miss_stays_whatever_is_said_of_the_assignment(office: Office, route: list[str]) -> None:
    report(office, 参保率="98.7%")
    for kind in route:
        office.say(kind, note="一句话", despite="一句话")  # type: ignore[arg-type]
    assert missed(office)


def test_a_figure_that_is_only_recorded_never_falls_short(office: Office) -> None:
    report(office, "work/2026-01@乙", 村数="0")
    assert not missed(office, "work/2026-01@乙")


def test_a_target_by_date_is_that_of_the_occurrence(engine: Engine) -> None:
    office = Office(engine, plan_with(TWICE))
    office.at("2026-09-01")
    early, late = "funds/2026-09@甲", "funds/2026-12@甲"
    report(office, early, 拨付率="80%")
    assert not missed(office, early)
    report(office, late, 拨付率="80%")
    assert missed(office, late)
    assert [str(each.says) for each in judged(office, late)] == ["拨付率 80%, at least 100% wanted"]


@pytest.mark.parametrize(
    "given, trouble",
    [
        ({"参保": "99%"}, r"work/2026-01@甲 has no measure '参保'; nearest: 参保率"),
        ({"村数": "12"}, r"work/2026-01@甲 has no measure '村数'"),
        ({"参保率": "九成"}, r"'九成' is not a figure of 参保率; write it like 12%"),
        ({"参保率": "101%"}, r"'101%' is more than all: 参保率 is at most 100%"),
        ({"参保率": "-1%"}, r"'-1%' is not a figure of 参保率"),
        ({"参保率": "99户"}, r"'99户' is not a figure of 参保率"),
    ],
)
def test_what_is_no_figure_of_the_unit_is_refused_and_nothing_recorded(
    office: Office, given: dict[str, str], trouble: str
) -> None:
    with pytest.raises(DispatcherError, match=trouble):
        report(office, **{"目录外费用": "8%", **given})
    assert office.ask("SELECT count(*) FROM answer") == [(0,)]


def test_a_duty_without_measures_takes_no_figures(engine: Engine) -> None:
    office = Office(engine, plan_with(a_duty()))
    office.at("2026-01-23")
    with pytest.raises(DispatcherError, match="work/2026-01@甲 has no measures"):
        report(office, 参保率="99%")


def test_figures_of_a_duty_that_the_plan_no_longer_has_can_still_be_looked_at(
    office: Office,
) -> None:
    report(office, 参保率="98.7%")
    office.edit(plan_with())
    office.at("2026-01-26")
    assert figures(office) == {"参保率": "98.7%"}
    assert judged(office, KEY) == []


def test_a_measure_that_was_renamed_is_not_judged_any_more(office: Office) -> None:
    report(office, 参保率="98.7%")
    renamed = RATE._replace(name="医保参保率")
    office.edit(plan_with(MEASURED._replace(measures=(renamed,))))
    office.at("2026-01-26")
    assert judged(office, KEY) == []
    assert report(office, 医保参保率="99.5%")
    assert not missed(office)


def test_only_a_unit_named_for_a_measure_fills_it_in(office: Office) -> None:
    with office.conn() as conn:
        one = named(conn, office.plan, "work/2026-01@乙", office.now)
        assert read_figures(office.plan, one, {"村数": "12"}) == {"村数": "12个"}
    assert one.nominal_on == date(2026, 1, 31)
