"""The shipped calendar against the corpus that was made by hand from the document."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from dispatcher.plan.cadence import Event
from dispatcher.plan.coverage import coverage, warnings
from dispatcher.plan.measures import measures_of, verdict
from dispatcher.plan.model import Duty, Measure, Plan
from dispatcher.plan.occurrences import Occurrence, candidates, event_occurrence, occurrences
from dispatcher.plan.reading import read_plan
from dispatcher.plan.steps import reached
from dispatcher.plan.trial import trial

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus"
YEARS = [2023, 2024, 2025, 2026]


def table(name: str) -> list[dict[str, str]]:
    with (CORPUS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


DUTIES = {row["id"]: row for row in table("duties.csv")}
PLAN = read_plan("schedules.yaml", (ROOT / "schedules.yaml").read_text("utf-8"))


@pytest.fixture
def plan() -> Plan:
    return PLAN


# ------------------------------------------------------------------------------------- the dates


def expected_lines(year: int) -> set[str]:
    """``duty period opens due nominal provisional``; of a skipped one the due date is ``-``."""
    return {
        " ".join(row[key] or "-" for key in row if key != "remark")
        for row in table(f"due-{year}.csv")
    }


def lines(plan: Plan, year: int) -> Iterator[str]:
    for duty in plan.duties.values():
        for o in occurrences(plan, duty, date(year, 1, 1), date(year, 12, 31)):
            due = "-" if o.skipped else o.due
            provisional = "yes" if o.provisional else "no"
            yield f"{duty.id} {o.period} {o.opens} {due} {o.nominal} {provisional}"


@pytest.mark.parametrize("year", YEARS)
def test_every_occurrence_of_a_year_is_the_one_that_was_worked_out_by_hand(
    plan: Plan, year: int
) -> None:
    found = list(lines(plan, year))
    assert sorted(set(found) - expected_lines(year)) == [], "not in the corpus"
    assert sorted(expected_lines(year) - set(found)) == [], "only in the corpus"
    assert len(found) == len(set(found)) == len(table(f"due-{year}.csv"))


@pytest.mark.parametrize("year", YEARS)
def test_a_skip_says_what_the_corpus_says_of_it(plan: Plan, year: int) -> None:
    skips = {row["period"] for row in table(f"due-{year}.csv") if "skipped:" in row["remark"]}
    duty = plan.duties["dropout-check"]
    found = occurrences(plan, duty, date(year, 1, 1), date(year, 12, 31))
    assert {o.period for o in found if o.skipped} == skips
    assert all("假 leaves 0 workdays" in str(o.skipped) for o in found if o.skipped)


# ------------------------------------------------------------------------------------ the duties


def test_the_calendar_has_the_duties_of_the_corpus_and_no_other(plan: Plan) -> None:
    assert set(plan.duties) == set(DUTIES)


@pytest.mark.parametrize("id", DUTIES)
def test_a_duty_binds_the_units_that_the_document_names(plan: Plan, id: str) -> None:
    duty, row = plan.duties[id], DUTIES[id]
    owing = row["lead"] if row["owes"] == "lead" else row["told"]
    assert " ".join(duty.lead) == row["lead"]
    assert " ".join(duty.told) == row["told"]
    assert " ".join(duty.owing) == owing


@pytest.mark.parametrize("id", DUTIES)
def test_a_duty_stands_where_the_document_has_it(plan: Plan, id: str) -> None:
    duty, row = plan.duties[id], DUTIES[id]
    source = row["source"]
    assert (str(duty.rows[0]) if duty.rows else duty.clause) == source
    assert bool(duty.rows) != bool(duty.clause)
    assert str(duty.last) == (row["until"] or "2099-12-31")
    assert duty.progress == ("year-round" in row["cadence"])


def test_every_row_of_the_task_list_is_covered(plan: Plan) -> None:
    assert sorted({row for duty in plan.duties.values() for row in duty.rows}) == list(range(1, 49))
    assert coverage(plan, 2023).rows == tuple(range(1, 49))


def test_every_clause_that_only_the_text_has_is_covered(plan: Plan) -> None:
    wanted = {row["source"] for row in DUTIES.values() if not row["source"].isdigit()}
    assert set(coverage(plan, 2023).clauses) == wanted
    assert {clause[:4] for clause in wanted if clause[0] == "三"} == {
        f"三({number})" for number in "一二三四五"
    }


def test_every_duty_quotes_the_words_of_the_document_that_its_cadence_rests_on(plan: Plan) -> None:
    for duty in plan.duties.values():
        words = DUTIES[duty.id]["words"]
        assert words in duty.task or words in duty.phrase, duty.id
        assert len(duty.title) <= 20, duty.id


def test_no_duty_asks_for_the_name_of_a_household(plan: Plan) -> None:
    task = plan.duties["monitoring-review"].task
    assert "应回头看x户、已回头看y户" in task
    assert "不填报任何农户姓名" in task


def test_goals_of_2023_alone_end_with_it(plan: Plan) -> None:
    ending = {duty.id for duty in plan.duties.values() if duty.last.year == 2023}
    assert ending == {"village-renovation", "toilet-repairs", "sewage-stations"}


def test_the_event_duty_waits_for_an_acceptance(plan: Plan) -> None:
    duty = plan.duties["asset-registration"]
    assert duty.cadence == Event("验收结算", 1, "months")
    assert occurrences(plan, duty, date(2023, 1, 1), date(2026, 12, 31)) == []
    assert event_occurrence(plan, duty, "甲项目", date(2023, 8, 31)).due == date(2023, 9, 28)


# ---------------------------------------------------------------------------------- the measures

YEAR_END = " by 12-31"
MEASURES = [
    ("8", "medical-coverage", "参保率 >= 99%", "参保率稳定在99%以上"),
    ("8", "out-of-catalogue-cost", "目录外费用占比 <= 10%", "目录外费用,确保控制在10%以内"),
    ("11", "village-water-projects", "供水项目建设进度(龙井村) %", "潭东镇龙井村"),
    ("11", "village-water-projects", "供水项目建设进度(江坝村) %", "潭口镇江坝村"),
    ("11", "village-water-projects", "供水项目建设进度(三观村) %", "三观村"),
    ("11", "village-water-projects", "供水项目建设进度(上元村) %", "上元村"),
    ("11", "village-water-projects", "供水项目建设进度(龙塘村) %", "龙塘村等5个重点帮扶村"),
    ("17", "fund-disbursement", "项目资金拨付率 >= 75% by 09-30", "在9月底前达到75%以上"),
    ("17", "fund-disbursement", "项目资金拨付率 >= 100% by 12-31", "12月底前达到100%"),
    *(
        ("二(一)8", "fund-monthly-dispatch", f"{name}({village}供水项目) 万元", "月调度")
        for name in ("项目资金", "已拨付")
        for village in ("龙井村", "江坝村", "三观村", "上元村", "龙塘村")
    ),
    ("20", "industry-fund-share", "中央财政衔接资金产业占比 >= 60%", "用于产业的比例不低于60%"),
    *(
        ("23", "business-entities", f"{name}({town}) >= last year's{unit}",
         "各镇(管理处)经营主体总数和带动能力较2022年“只增不减”")
        for name, unit in (("经营主体总数", "个"), ("经营主体带动能力", "户"))
        for town in ("潭东镇", "潭口镇", "高校园区管理处")
    ),
    ("23", "business-entities", f"有联农带农产业基地的重点帮扶村数 >= 12个{YEAR_END}",
     "12个乡村振兴重点帮扶村至少有1个联农带农的产业基地"),
    *(
        ("30", "public-posts", f"{name}({town}) >= last year's{unit}",
         "公益性岗位数量和公益性岗位吸纳脱贫人口、监测对象人数较上年度“只增不减”")
        for name, unit in (("公益性岗位数", "个"), ("公益性岗位吸纳人数", "人"))
        for town in ("潭东镇", "潭口镇", "高校园区管理处")
    ),
    ("32", "startup-support", f"创业人数 > last year's人{YEAR_END}",
     "实现创业、享受创业政策的人数较2022年有新的增加"),
    ("35", "key-village-funds", f"省定重点帮扶村衔接资金投入 >= 100万元{YEAR_END}",
     "省定乡村振兴重点帮扶村衔接资金投入达到100万元"),
    ("35", "key-village-funds", f"市定重点帮扶村各类资金投入 >= 50万元{YEAR_END}",
     "市定、县定乡村振兴重点帮扶村各类资金投入分别达到50万元、30万元"),
    ("35", "key-village-funds", f"县定重点帮扶村各类资金投入 >= 30万元{YEAR_END}",
     "市定、县定乡村振兴重点帮扶村各类资金投入分别达到50万元、30万元"),
    ("37", "waste-collection", "重点帮扶村垃圾收运覆盖率 >= 100%",
     "重点帮扶村垃圾收运覆盖率达100%"),
    ("38", "village-renovation", f"新农村建设点完成数 >= 17个{YEAR_END}", "完成17个新农村建设点"),
    ("38", "village-renovation", f"村庄整治点完成数 >= 4个{YEAR_END}", "和4个村庄整治点"),
    ("38", "village-renovation", f"已自选1个村庄开展整治的村占比 >= 100%{YEAR_END}",
     "各村自行选择1村庄开展整治"),
    ("38", "village-renovation", f"美丽庭院数 >= 334个{YEAR_END}", "打造334个美丽庭院"),
    ("39", "toilet-repairs", f"户厕问题整改完成数 >= 356个{YEAR_END}", "完成356个户厕问题整改"),
    ("40", "sewage-stations", "污水处理站建成数 >= 4个",
     "年内建成坳上、迳背、龙井、茶元安置点等4个污水处理站"),
    ("45", "model-villages", "重点示范村(社区)数 >= 1个",
     "年内各镇(管理处)培育不少于1个重点示范村(社区)"),
    ("二(三)16", "family-education-talks", "巡回宣讲场数 >= 1场", "巡回宣讲活动3场"),
    ("三(五)", "manuscripts", "稿件数 >= 1篇", "每季度报送特色做法、典型经验等稿件不少于1篇"),
]  # fmt: skip
"""Where the document has it, the duty, the measure, and the document's own words."""


def as_words(measure: Measure) -> Iterator[str]:
    if not measure.targets:
        yield f"{measure.name} {measure.unit}"
    for target in measure.targets:
        number = "last year's" if target.number is None else target.number
        by = " by {:02}-{:02}".format(*target.until) if target.until else ""
        yield f"{measure.name} {target.compare} {number}{measure.unit}{by}"


def test_every_measure_of_the_document_is_in_the_calendar_and_no_other(plan: Plan) -> None:
    found = [
        (str(duty.rows[0]) if duty.rows else duty.clause, duty.id, words)
        for duty in plan.duties.values()
        for measure in duty.measures
        for words in as_words(measure)
    ]
    assert sorted(found) == sorted(row[:3] for row in MEASURES)


@pytest.mark.parametrize("id, words", sorted({(row[1], row[3]) for row in MEASURES}))
def test_a_measure_rests_on_words_of_the_document(plan: Plan, id: str, words: str) -> None:
    assert words in plan.duties[id].task


def test_no_figure_of_last_year_is_invented(plan: Plan) -> None:
    assert {m.base for duty in plan.duties.values() for m in duty.measures} == {None}
    missing = [str(text) for text in warnings(plan, 2023) if "('base')" in str(text)]
    assert missing == [
        f"duty '{duty}': last year's figure ('base') is missing: {measures}"
        for duty, measures in (
            ("business-entities", "经营主体总数, 经营主体带动能力"),
            ("public-posts", "公益性岗位数, 公益性岗位吸纳人数"),
            ("startup-support", "创业人数"),
        )
    ]


def test_every_measure_is_filled_in_by_somebody_who_owes_an_answer(plan: Plan) -> None:
    for duty in plan.duties.values():
        asked = {measure for unit in duty.owing for measure in measures_of(duty, unit)}
        assert asked == set(duty.measures), duty.id


def test_who_fills_in_a_measure_where_several_units_answer(plan: Plan) -> None:
    by = {duty.id: {m.by for m in duty.measures} for duty in plan.duties.values() if duty.measures}
    several = {id: units for id, units in by.items() if len(plan.duties[id].owing) > 1}
    assert several == {
        "out-of-catalogue-cost": {("区医保分中心",)},
        "fund-disbursement": {("区农办",)},
        "fund-monthly-dispatch": {("区农办",)},
        "sewage-stations": {("区生态环境分局",)},
        "model-villages": {("潭东镇", "潭口镇", "高校园区管理处")},
        "manuscripts": {()},
    }


def test_a_goal_for_the_year_is_not_missed_in_spring_and_is_missed_in_winter(plan: Plan) -> None:
    duty = plan.duties["toilet-repairs"]
    (measure,) = duty.measures
    spring, *_rest, winter = occurrences(plan, duty, date(2023, 1, 1), date(2023, 12, 31))
    assert verdict(measure, Decimal(100), spring.nominal).met is None
    assert verdict(measure, Decimal(355), winter.nominal).met is False
    assert verdict(measure, Decimal(356), winter.nominal).met is True


def test_the_rate_of_disbursement_is_judged_by_the_nominal_day_though_the_due_day_moves(
    plan: Plan,
) -> None:
    (measure,) = plan.duties["fund-disbursement"].measures
    autumn, winter = occurrences(
        plan, plan.duties["fund-disbursement"], date(2023, 1, 1), date(2023, 12, 31)
    )
    assert (autumn.due, autumn.nominal) == (date(2023, 9, 28), date(2023, 9, 30))
    assert verdict(measure, Decimal(74), autumn.nominal).met is False
    assert verdict(measure, Decimal(75), autumn.nominal).met is True
    assert verdict(measure, Decimal(99), winter.nominal).met is False


# -------------------------------------------------------------------------------- units, schools


def test_every_unit_can_be_reached_and_has_a_superior(plan: Plan) -> None:
    for unit in plan.units.values():
        assert [c for c in unit.contacts if c.email.endswith("@example.com")], unit.name
        assert unit.level == "leader" or plan.units[unit.superior].level == "leader"
    assert plan.units[plan.units[plan.office].superior].name != plan.office
    emails = [contact.email for unit in plan.units.values() for contact in unit.contacts]
    assert len(set(emails)) == len(emails)


def test_fifteen_departments_three_towns_and_a_leader(plan: Plan) -> None:
    levels = [unit.level for unit in plan.units.values()]
    assert levels.count("town") == 3
    assert levels.count("district") + levels.count("company") == 15
    assert levels.count("leader") == 1


def test_the_groups_that_the_document_leaves_open_are_to_be_confirmed(plan: Plan) -> None:
    assert {group.name for group in plan.groups.values() if group.confirm} == {
        "领导小组成员单位",
        "各相关帮扶单位",
    }
    assert all("区妇联" not in group.members for group in plan.groups.values())
    assert all(len(group.members) == len(set(group.members)) for group in plan.groups.values())


def test_school_terms_and_vacations_are_those_of_the_corpus(plan: Plan) -> None:
    expected = [
        (row["range"], row["name"], row["from"], row["to"], row["provisional"])
        for row in table("school.csv")
    ]
    found = [
        (name, s.name, str(s.first), str(s.last), "yes" if s.provisional else "no")
        for name, spans in plan.ranges.items()
        for s in spans
    ]
    # What a due date rests on: of a term only its end, of a vacation both.
    assert sorted(found) == sorted(expected)
    assert all(span.source for spans in plan.ranges.values() for span in spans)


def test_no_day_of_school_is_both_term_and_vacation_and_none_is_neither(plan: Plan) -> None:
    days = sorted((span.first, span.last) for spans in plan.ranges.values() for span in spans)
    for (_first, last), (following, _last) in pairwise(days):
        assert (following - last).days == 1


# ---------------------------------------------------------------------------------- going live


def test_what_is_told_at_go_live_is_what_was_worked_out_by_hand(plan: Plan) -> None:
    now = datetime(2026, 11, 23, 1, tzinfo=UTC)
    found = [
        (unit, o.duty.id, o.period, reached(plan, o, now)[-1].name)
        for o in open_on(plan, date(2026, 11, 23))
        if reached(plan, o, now)
        for unit in o.duty.told
    ]
    expected = [tuple(row.values()) for row in table("go-live-2026-11-23.csv")]
    assert sorted(found) == sorted(expected)


def open_on(plan: Plan, day: date) -> Iterator[Occurrence]:
    for duty in plan.duties.values():
        for o in occurrences(plan, duty, day, date(day.year + 1, 12, 31)):
            if not o.skipped and o.opens <= day:
                yield o


# ------------------------------------------------------------------------------------- phrases


@pytest.mark.parametrize("row", table("phrases.csv"), ids=lambda r: f"{r['phrase']}-{r['year']}")
def test_a_phrase_gives_the_dates_that_were_worked_out_by_hand(
    plan: Plan, row: dict[str, str]
) -> None:
    year = int(row["year"])
    duty, found = trial(plan, row["phrase"], year)
    wanted = row["expected"].split()
    if "after the roll" in row["remark"]:
        assert [str(o.due) for o in found if not o.skipped] == wanted
        return
    nominal = list(nominal_dates(plan, duty, found))
    assert nominal[: int(row["first"] or len(nominal))] == wanted


def nominal_dates(plan: Plan, duty: Duty, found: list[Occurrence]) -> Iterator[str]:
    """Before any roll, without what is skipped."""
    skipped = {o.period for o in found if o.skipped}
    for candidate in candidates(plan, duty, duty.first, duty.last):
        if candidate.key not in skipped:
            yield str(candidate.nominal)
