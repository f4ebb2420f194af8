"""The ladder of colour slips, escalation, and what a unit is sent besides."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.plan.explain import why
from dispatcher.plan.ladder import answer_on, rung_on, slip_number
from dispatcher.plan.model import Ladder, Offset, Plan, Rung
from dispatcher.plan.reading import read_plan
from dispatcher.plan.steps import escalation_on
from tests.plan.marked import HERE, WHOLE, assert_one_problem, changed, problems
from tests.plan.small import one, plan

SHIPPED = Path(__file__).parents[2] / "schedules.yaml"
BLUE = "{colour: 蓝, name: 蓝单, after: 3wd, to: [owner], answer: 3wd, demand: 请办理}"
RED = (
    "{colour: 红, name: 红单, after: 8wd, to: [owner, superior, office], answer: 2d,"
    " unanswered: true, demand: 请限期办结}"
)
RUNG = Rung("蓝", "蓝单", Offset(3, True), ("owner",), Offset(3, True), False, "请办理")


def with_ladder(*rungs: str, number: str = "督〔{year}〕{number}号") -> str:
    ladder = f"ladder:\n  number: {number}\n  rungs:\n" + "".join(f"    - {r}\n" for r in rungs)
    return WHOLE.replace("units:\n", f"{ladder}units:\n")


# ------------------------------------------------------------------------------------- the file


def test_the_file_says_the_rungs_from_the_mildest_on() -> None:
    ladder = read_plan("s.yaml", with_ladder(BLUE, RED)).ladder
    assert ladder == Ladder(
        "督〔{year}〕{number}号",
        (
            RUNG,
            Rung(
                *("红", "红单", Offset(8, True), ("owner", "superior", "office")),
                *(Offset(2), True, "请限期办结"),
            ),
        ),
    )
    assert slip_number(ladder, 2026, 7) == "督〔2026〕7号"


def test_a_file_without_a_ladder_has_none() -> None:
    assert read_plan("s.yaml", WHOLE).ladder is None


@pytest.mark.parametrize(
    "after, expected",
    [
        ("3wd", Offset(3, True)),
        ("3个工作日", Offset(3, True)),
        ("7d", Offset(7)),
        ("0d", Offset(0)),
        ("-3d", Offset(-3)),
        ("-2wd", Offset(-2, True)),
    ],
)
def test_a_rung_may_come_before_the_due_date_on_it_or_after_it(
    after: str, expected: Offset
) -> None:
    ladder = read_plan("s.yaml", with_ladder(BLUE.replace("after: 3wd", f"after: {after}"))).ladder
    assert ladder
    assert ladder.rungs[0].after == expected


@pytest.mark.parametrize(
    "old, new, says",
    [
        ("colour: 蓝", "colour: ‸紫", "'紫' should be one of: 蓝, 黄, 红, 橙, 白"),
        ("colour: 红", "colour: ‸蓝", "colour '蓝' stands in the ladder twice"),
        ("name: 红单", "name: ‸蓝单", "name '蓝单' stands in the ladder twice"),
        ("after: 8wd", "after: ‸3wd", "'红单' does not come after '蓝单'"),
        ("after: 8wd", "after: ‸-3d", "'红单' does not come after '蓝单'"),
        ("after: 8wd", "after: ‸4d", "'红单' does not come after '蓝单'"),
        ("after: 8wd", "after: ‸every 8wd", "'every 8wd' is not a distance; write it like 3wd"),
        ("after: 8wd", "after: ‸soon", "'soon' is not a distance; write it like 3wd, 7d, 0d, -3d"),
        ("answer: 2d", "answer: ‸0d", "'0d' is not a distance; write it like 3wd, 7d"),
        ("answer: 2d", "answer: ‸-2d", "'-2d' is not a distance; write it like 3wd, 7d"),
        ("to: [owner]", "to: ‸[]", "should be a list of one item at least"),
        ("to: [owner]", "to: [‸leader]", "'leader' should be one of: owner, superior, office"),
        ("to: [owner]", "to: ‸owner", "'owner' should be a list"),
        ("name: 蓝单", "unanswered: ‸true, name: 蓝单", "the first rung has no slip below it"),
        ("name: 蓝单", "name: 蓝单, ‸nmae: 蓝", "unknown key 'nmae'; did you mean: name"),
        *(
            ("督〔{year}〕{number}号", f"‸{wrong}", f"'{wrong}' should hold {{number}}, {{year}}")
            for wrong in (
                *("督〔2026〕{number}号", "督{year}号", "督{year}{number}{number}号"),
                *("督{year}{number:03}", "督{year}{number}{}", "督{year}{number}}"),
                *("督{{year}}{number}", "督{unit}{year}{number}"),
            )
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_ladder_is_told_with_its_place(old: str, new: str, says: str) -> None:
    text = with_ladder(BLUE, RED)
    assert text.count(old) == 1
    assert_one_problem(text.replace(old, new), says)


@pytest.mark.parametrize("key", ["colour", "name", "after", "to", "answer", "demand"])
def test_a_rung_must_say_everything(key: str) -> None:
    entry = ", ".join(part for part in BLUE[1:-1].split(", ") if not part.startswith(key))
    assert f"key '{key}' is missing here" in problems(with_ladder(f"{{{entry}}}", RED))[0]


def test_a_ladder_needs_a_rung_and_a_number() -> None:
    assert_one_problem(
        WHOLE.replace("units:\n", "ladder: {number: '{year}{number}', rungs: ‸[]}\nunits:\n"),
        "should be a list of one item at least",
    )
    assert len(problems(WHOLE.replace("units:\n", "ladder: {}\nunits:\n"))) == 2


def examples() -> list[str]:
    """The ladders that stand as comments in the shipped file, each as its rungs."""
    text = SHIPPED.read_text("utf-8")
    comments = text[text.index("  # 别处的做法") :].split("\n\n")[0].splitlines()[1:]
    groups: list[list[str]] = []
    for line in comments:
        if line.startswith("  #   - "):
            groups[-1].append(line.removeprefix("  #   - "))
        else:
            groups.append([])
    return ["\n".join(group) for group in groups]


@pytest.mark.parametrize("rungs", examples())
def test_each_ladder_in_the_comments_of_the_shipped_file_can_be_used(rungs: str) -> None:
    ladder = read_plan("s.yaml", with_ladder(*rungs.splitlines())).ladder
    assert ladder
    assert len(ladder.rungs) == 3
    assert "".join(rung.colour for rung in ladder.rungs) in {"蓝黄红", "蓝橙红", "白黄红"}


def test_the_shipped_ladder_is_the_blue_the_yellow_and_the_red_slip() -> None:
    ladder = read_plan("s.yaml", SHIPPED.read_text("utf-8")).ladder
    assert ladder
    assert [f"{rung.name} {rung.after} {rung.unanswered}" for rung in ladder.rungs] == [
        "蓝色提醒单 3wd False",
        "黄色预警单 8wd True",
        "红色督办单 13wd True",
    ]
    assert slip_number(ladder, 2026, 12) == "蓉农督〔2026〕12号"
    assert {rung.to[0] for rung in ladder.rungs} == {"owner"}


# --------------------------------------------------------------------------------- when it comes


@pytest.mark.parametrize(
    "after, expected",
    [
        (Offset(3, True), "2023-05-08"),
        (Offset(1, True), "2023-05-05"),
        (Offset(0), "2023-05-04"),
        (Offset(0, True), "2023-05-04"),
        (Offset(2), "2023-05-06"),
        (Offset(3), "2023-05-08"),
        (Offset(-1, True), "2023-04-28"),
        (Offset(-1), "2023-04-28"),
        (Offset(-5), "2023-04-28"),
    ],
)
def test_a_rung_is_reached_on_a_workday(after: Offset, expected: str) -> None:
    # Off were 29 April to 3 May 2023; 6 May, a Saturday, was worked.
    ours = plan()
    assert str(rung_on(ours, date(2023, 5, 4), RUNG._replace(after=after))) == expected


def test_what_is_due_on_a_rest_day_reaches_the_rung_of_that_day_on_the_workday_before() -> None:
    day = date(2023, 5, 1)
    assert rung_on(plan(), day, RUNG._replace(after=Offset(0, True))) == date(2023, 4, 28)


def test_a_slip_is_to_be_answered_on_a_workday() -> None:
    ours = plan()
    assert answer_on(ours, date(2023, 4, 27), RUNG) == date(2023, 5, 5)
    assert answer_on(ours, date(2023, 4, 27), RUNG._replace(answer=Offset(3))) == date(2023, 5, 4)


@given(
    st.dates(date(2023, 1, 1), date(2026, 12, 31)),
    st.lists(st.builds(Offset, st.integers(-30, 30), st.booleans()), min_size=2, max_size=2),
)
def test_a_rung_is_never_on_a_rest_day_and_a_longer_distance_never_sooner(
    due: date, offsets: list[Offset]
) -> None:
    near, far = sorted(offset._replace(workdays=True) for offset in offsets)
    ours = plan()
    days = [rung_on(ours, due, RUNG._replace(after=offset)) for offset in (near, far)]
    assert days == sorted(days)
    assert all(ours.workdays.is_workday(rung_on(ours, due, RUNG._replace(after=offset)))
               for offset in offsets)  # fmt: skip


# ----------------------------------------------------------------------------------- escalation


def escalated(duty: str = "", **parts: str) -> tuple[Plan, date | None]:
    ours = plan("每月", duty, **parts)
    return ours, escalation_on(ours, one(ours, "2023-04"))


def test_escalation_comes_so_many_workdays_after_the_due_date() -> None:
    assert escalated()[1] == date(2023, 5, 6)
    assert escalated(defaults="escalate: {after: 1d}")[1] == date(2023, 5, 4)


def test_what_is_not_chased_or_skipped_is_not_taken_to_anybody() -> None:
    assert escalated("overdue: []")[1] is None
    assert escalated("skip: {2023-04: 停}")[1] is None


@pytest.mark.parametrize(
    "to, says",
    [("superior", "unanswered on 2023-05-06, told to 乙, 甲 as well"),
     ("office", "unanswered on 2023-05-06, told to 甲 as well")],
)  # fmt: skip
def test_why_names_the_day_of_escalation_and_whom_it_reaches(to: str, says: str) -> None:
    text = f"""\
plan: {{title: 测试, office: 甲, from: 2023-01-01}}
defaults: {{escalate: {{after: 3wd, to: {to}}}}}
units: {{甲: {{superior: 乙}}, 乙: {{}}, 丙: {{superior: 乙}}}}
duties: [{{id: work, title: 工作, responsible: "甲、乙、丙", when: 每月}}]
"""
    ours = read_plan("s.yaml", text)
    chain = {str(r.label): str(r.says) for r in why(ours, one(ours, "2023-04"))}
    assert chain["escalation"] == says


# ---------------------------------------------------------------------------------------- sheet


def test_a_unit_gets_its_sheet_with_the_digest_only_when_the_file_says_so() -> None:
    ours = read_plan("s.yaml", changed("[乙方]", "[乙方], sheet: true"))
    assert (ours.units["甲"].sheet, ours.units["乙"].sheet) == (False, True)
    assert_one_problem(
        changed("[乙方]", f"[乙方], sheet: {HERE}yes"), "'yes' should be true or false"
    )


def test_the_examples_of_the_header_are_what_the_reader_takes() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    first = lines.index("#         measures:")
    shown = [line.removeprefix("#") for line in lines[first : first + 5]]
    found = yaml.safe_load("\n".join(shown))["measures"]
    text = SHIPPED.read_text("utf-8").replace(
        "      - {name: 公益性岗位数, unit: 个, target: 只增不减, each: 各镇(管理处)}\n",
        "".join(f"      {line.strip()}\n" for line in shown[1:]),
    )
    duty = read_plan("s.yaml", text).duties["public-posts"]
    assert {entry["name"] for entry in found} <= {measure.stem for measure in duty.measures}
