"""The next edition: what is carried forward and what is marked, and that nothing else changes."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.plan.comparing import compare
from dispatcher.plan.editing import meaning
from dispatcher.plan.reading import read_plan
from dispatcher.plan.rollover import Edition, roll_over
from tests.plan.small import calendar

SHIPPED = (Path(__file__).parents[2] / "schedules.yaml").read_text("utf-8")
MARK = re.compile(r"  # 待定\(\d{4}\): [^\r\n]*")
GROUPS = ["领导小组成员单位", "各相关帮扶单位"]
OLD_YEARS = [
    "fund-project-matching",
    "industry-fund-share",
    "business-entities",
    "startup-support",
]
BASES = {
    "business-entities": ["经营主体总数", "经营主体带动能力"],
    "public-posts": ["公益性岗位数", "公益性岗位吸纳人数"],
    "startup-support": ["创业人数"],
}
GOALS_OF_2023 = ["village-renovation", "toilet-repairs", "sewage-stations"]
SUMMER = """\
      - name: 2027年暑假
        from: 2027-07-01
        to: 2027-08-31
        source: 按2025年暑假推算
        provisional: true
        note: 安排尚未公布，月、日同2025年暑假
"""
AUTUMN = """\
      - name: 2027年秋季学期
        from: 2027-09-01
        to: 2028-01-12
        source: 按2022年秋季学期推算
        provisional: true
        note: 安排尚未公布，月、日同2022年秋季学期
"""


def rolled(text: str, year: int = 2027) -> Edition:
    return roll_over(text, read_plan("schedules.yaml", text), year)


def marks(edition: Edition) -> list[tuple[str, str, str]]:
    return [(each.kind, each.about, each.mark) for each in edition.decisions]


def kinds(text: str, year: int = 2027) -> list[tuple[str, str]]:
    return [(each.kind, each.about) for each in rolled(text, year).decisions]


def about(edition: Edition, kind: str) -> list[str]:
    return [each.about for each in edition.decisions if each.kind == kind]


# -------------------------------------------------------------------------------------- the shipped


def test_without_the_marks_and_the_two_added_entries_the_draft_is_the_shipped_file() -> None:
    draft = MARK.sub("", rolled(SHIPPED).text)
    assert draft.count(SUMMER) == draft.count(AUTUMN) == 1
    assert draft.replace(SUMMER, "").replace(AUTUMN, "") == SHIPPED


def test_the_ranges_get_the_entries_that_they_lack_with_the_days_last_published() -> None:
    edition = rolled(SHIPPED)
    assert [each[1:] for each in edition.carried] == [
        ("ranges.寒暑假", "2027年暑假 2027-07-01..2027-08-31"),
        ("ranges.学期", "2027年秋季学期 2027-09-01..2028-01-12"),
    ]
    lines = edition.text.splitlines()
    assert [lines[each.line - 1].strip() for each in edition.carried] == [
        "- name: 2027年暑假",
        "- name: 2027年秋季学期",
    ]


def test_each_thing_that_the_shipped_file_leaves_open_is_marked() -> None:
    edition = rolled(SHIPPED)
    assert about(edition, "provisional") == [
        *("2027年寒假", "2027年暑假"),
        *("2026年秋季学期", "2027年春季学期", "2027年秋季学期"),
    ]
    assert about(edition, "confirm") == GROUPS
    assert about(edition, "old-year") == OLD_YEARS
    assert about(edition, "base") == [id for id, names in BASES.items() for _name in names]
    assert about(edition, "until") == GOALS_OF_2023
    assert len(edition.decisions) == 5 + 2 + 4 + 5 + 3


def test_a_mark_stands_on_the_line_that_it_is_about_after_what_stood_there() -> None:
    edition = rolled(SHIPPED)
    lines = edition.text.splitlines()
    for each in edition.decisions:
        assert lines[each.line - 1].endswith(f"  # 待定(2027): {each.mark}")
    for line in (
        "        provisional: true  # 待定(2027): 2027年寒假的日期是暂定的，",
        "2023-12-31                 # 4个站是2023年的目标  # 待定(2027): 到2023-12-31为止，",
        "{name: 经营主体总数, unit: 个, target: 只增不减, each: 各镇(管理处)}"
        "  # 待定(2027): 经营主体总数的上年数(base)没有写，查实2026年的数加上",
        "“负面清单”事项,杜绝出现“建成即闲置”的现象。  # 待定(2027): 任务要求写着2023年，",
        "（不含区妇联），请区农办核对  # 待定(2027): 各相关帮扶单位的名单还没有核对，",
    ):
        assert edition.text.count(line) == 1, line


def test_the_draft_of_the_shipped_file_changes_the_plan_in_its_ranges_alone() -> None:
    found = compare(
        read_plan("old", SHIPPED),
        read_plan("new", rolled(SHIPPED).text),
        date(2026, 11, 23),
        date(2028, 2, 29),
    )
    assert [(edit.of, edit.field) for edit in found.edits] == [
        ("plan", "ranges.寒暑假"),
        ("plan", "ranges.学期"),
    ]
    assert {(each.duty, each.period) for each in found.occurrences if each.kind == "added"} == {
        ("education-aid", "2027年秋季学期")
    }
    # In July and August of 2027 nobody is asked to fetch children back to school.
    assert {(each.duty, each.period) for each in found.occurrences if each.kind == "dropped"} == {
        ("dropout-check", "2027-07"),
        ("dropout-check", "2027-08"),
    }


def test_rolled_over_again_it_stays_as_it_is_and_the_marks_of_last_year_give_way() -> None:
    once = rolled(SHIPPED)
    again = rolled(once.text)
    assert (again.text, again.carried, again.decisions) == (once.text, (), once.decisions)
    later = rolled(once.text, 2028)
    assert [each.value for each in later.carried] == [
        "2028年寒假 2028-01-13..2028-02-05",
        "2028年暑假 2028-07-01..2028-08-31",
        "2028年春季学期 2028-02-10..2028-06-30",
        "2028年秋季学期 2028-09-01..2029-01-12",
    ]
    until = [line for line in later.text.splitlines() if "until: 2023-12-31" in line]
    assert all("待定(2028)" in line and "待定(2027)" not in line for line in until)


# ---------------------------------------------------------------------------------------- in small


def test_the_last_day_of_the_plan_moves_to_the_end_of_the_year_where_it_has_one() -> None:
    text = calendar().replace("from: 2023-01-01}", "from: 2023-01-01, until: 2026-12-31}")
    edition = rolled(text)
    assert edition.carried[0] == (1, "until", "2027-12-31")
    assert edition.text.startswith(
        "plan: {title: 测试, office: 甲, from: 2023-01-01, until: 2027-12-31}\n"
    )
    assert read_plan("s", edition.text).last == date(2027, 12, 31)
    assert "until" not in {each.field for each in rolled(edition.text).carried}


@pytest.mark.parametrize(
    "entries, added",
    [
        ("{name: 汛期, from: 2026-04-01, to: 2026-09-30}", "2027年汛期 2027-04-01..2027-09-30"),
        (
            "{name: 2025-2026学年第二学期, from: 2026-02-28, to: 2026-07-01}",
            "2026-2027学年第二学期 2027-02-28..2027-07-01",
        ),
        (
            "{name: 2024年雨水, from: 2024-02-29, to: 2024-03-02}",
            "2027年雨水 2027-02-28..2027-03-02",
        ),
        (
            "{name: 2027年元旦, from: 2026-12-31, to: 2027-01-03}",
            "2028年元旦 2027-12-31..2028-01-03",
        ),
        (
            "{name: 2025年暑假, from: 2025-07-02, to: 2025-08-30},"
            " {name: 2026年暑假, from: 2026-07-01, to: 2026-08-31, provisional: true}",
            "2027年暑假 2027-07-02..2027-08-30",
        ),
    ],
)
def test_an_entry_is_named_and_dated_as_the_one_it_comes_from(entries: str, added: str) -> None:
    text = calendar(ranges=f"时段: [{entries}]")
    year = int(added[:4]) if added[4] == "年" else 2027
    edition = rolled(text, year)
    assert [each.value for each in edition.carried] == [added]
    assert ("provisional", added.partition(" ")[0]) in kinds(text, year)


def test_an_entry_that_would_meet_another_is_asked_for_and_not_added() -> None:
    ranges = (
        "时段: [{name: 2025年甲, from: 2025-03-01, to: 2025-04-30},"
        " {name: 2027年乙, from: 2027-04-01, to: 2027-05-31}]"
    )
    edition = rolled(calendar(ranges=ranges))
    assert edition.carried == ()
    assert marks(edition) == [
        ("range", "2025年甲", "2027年的没有写，照2025年甲推算会与别的重叠，请补上")
    ]


@pytest.mark.parametrize(
    "when, duty, found",
    [
        ("每月", "until: 2026-12-31", ["until"]),
        ("每月", "until: 2027-12-31", []),
        ("每月", "until: ", []),
        ("2026年6月30日、11月底", "", ["when"]),
        ("2026年6月30日、2026年11月30日", "", ["when"]),
        ("2026年6月30日、2027年6月30日", "", []),
        ("{rrule: FREQ=MONTHLY;UNTIL=20261231}", "", ["when"]),
        ("{rrule: FREQ=MONTHLY;COUNT=48}", "", ["when"]),
        ("{rrule: FREQ=MONTHLY;COUNT=49}", "", []),
        ("项目验收后1个月内", "", []),
        ("每月", "skip: {2026-11: 合并, 2027-01: 合并}", ["skip"]),
        ("每月", "move: {2026-12: {to: 2027-01-08, reason: 会议}}", []),
        ("每月", "move: {2026-11: {to: 2026-12-08, reason: 会议}}", ["move"]),
        ("每月", "title: 2026年工作", ["old-year"]),
        ("每月", "title: 2027年工作", []),
        ("每月", 'clause: "农字〔2026〕3号"', ["old-year"]),
        ("每月", "task: 走访2000户、12023人", []),
        ("每月", "measures: [{name: 户数, target: 只增不减, base: 12}]", ["base"]),
        ("每月", "measures: [{name: 户数, target: {12-31: 有增加}}]", ["base"]),
        ("每月", "measures: [{name: 户数, target: 不少于12}]", []),
        ("每月", "title: 2026年工作, until: 2026-12-31, skip: {2026-11: 合并}", ["until"]),
    ],
)
def test_what_a_duty_is_marked_for(when: str, duty: str, found: list[str]) -> None:
    text = calendar(when, duty, ranges="")
    text = text.replace("title: 工作, ", "") if "title: 20" in duty else text
    assert kinds(text) == [(kind, "work") for kind in found]


def test_the_mark_of_a_measure_says_whether_its_base_is_old_or_missing() -> None:
    given = "measures: [{name: 户数, target: 只增不减, base: 12}, {name: 人数, target: 有增加}]"
    edition = rolled(calendar("每月", given, ranges=""))
    assert [each.mark for each in edition.decisions] == [
        "户数的上年数(base)的数改为2026年的数",
        "人数的上年数(base)没有写，查实2026年的数加上",
    ]
    said = "；".join(each.mark for each in edition.decisions)
    assert edition.text.endswith(f"]}}  # 待定(2027): {said}\n")


def test_the_title_of_the_plan_is_marked_when_it_names_a_year() -> None:
    text = calendar(ranges="").replace("title: 测试", "title: 2025年、2026年工作清单")
    assert marks(rolled(text)) == [
        ("old-year", "", "名称写着2025、2026年，照2027年的文件改，或者不改")
    ]


@pytest.mark.parametrize(
    "confirm, found", [("请核对", [("confirm", "大家")]), ("", [])], ids=["why", "nothing"]
)
def test_a_group_is_marked_while_it_says_why_it_is_to_be_confirmed(
    confirm: str, found: list[tuple[str, str]]
) -> None:
    group = f"大家: {{members: [甲, 乙], confirm: {confirm}}}"
    assert kinds(calendar(ranges="").replace("大家: [甲, 乙, 丙]", group)) == found


@pytest.mark.parametrize(
    "task, last",
    [
        ("task: |\n      办好2026年的事\n      # 不是说明\n", "    task: |"),
        ("task: 办好2026年的\n      事\n", "      事"),
        ("task: '办好2026年的\n\n      事'   # 说明\n", "      事'   # 说明"),
        ("task:\n      办好2026年的事\n", "      办好2026年的事"),
        ('task: "办好2026年的\u2028事"\n', '    task: "办好2026年的\u2028事"'),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_stands_where_a_comment_can_whatever_the_style(
    task: str, last: str, end: str
) -> None:
    head, _duty = calendar(ranges="").split("  - {")
    text = f"{head}  - id: work\n    title: 工作\n    when: 每月\n    {task}    responsible: 大家\n"
    text = text.replace("\n", end)
    edition = rolled(text)
    mark = "  # 待定(2027): 任务要求写着2026年，照2027年的文件改，或者不改"
    assert edition.text == text.replace(last + end, last + mark + end)
    assert rolled(edition.text).text == edition.text


# --------------------------------------------------------------------------------- any small one

PARTS = st.sampled_from(
    [
        *("", "until: 2025-06-30", "until: 2026-12-31", "from: 2024-03-01", "roll: following"),
        *("skip: {2025-06: 合并}", "move: {2025-06: {to: 2025-07-09, reason: 会议}}"),
        *("task: 2024年的事", "measures: [{name: 户数, target: 只增不减, each: [一, 二]}]"),
    ]
)
WHENS = st.sampled_from(
    ["每月", "6月底、11月底", "除寒暑假期外每月1次", "寒暑假结束前", "2025年6月30日、2028年6月30日"]
)
HEADS = st.sampled_from(["from: 2023-01-01", "from: 2023-01-01, until: 2026-08-31"])


@st.composite
def ranges(draw: st.DrawFn) -> str:
    """A range of two vacations a year, some missing, some provisional."""
    entries = [
        f"{{name: {year}年{name}, from: {year}-{first}, to: {year}-{last}{provisional}}}"
        for year in range(2023, 2029)
        for name, first, last in (("寒假", "01-20", "02-10"), ("暑假", "07-01", "08-31"))
        if year == 2025 or draw(st.booleans())
        for provisional in [draw(st.sampled_from(["", ", provisional: true"]))]
    ]
    return f"寒暑假: [{', '.join(entries)}]"


@given(WHENS, PARTS, HEADS, ranges(), st.integers(2024, 2030))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_draft_reads_and_differs_only_in_what_was_reported_as_carried_forward(
    when: str, duty: str, head: str, ranges: str, year: int
) -> None:
    when = "每月" if "skip" in duty or "move" in duty else when
    text = calendar(when, duty, ranges=ranges).replace("from: 2023-01-01", head, 1)
    edition = rolled(text, year)
    old, new = read_plan("old", text), read_plan("new", edition.text)
    found = compare(old, new, date(year - 1, 11, 1), date(year, 12, 31))
    reported = {each.field for each in edition.carried}
    assert {edit.field for edit in found.edits if edit.of == "plan"} == reported
    # A duty that was to last longer than the plan lasts longer now.
    assert {edit.field for edit in found.edits if edit.of != "plan"} <= {"until"} & reported
    for name, spans in new.ranges.items():
        added = [span for span in spans if span not in old.ranges[name]]
        assert all(span.provisional for span in added)
        assert {f"{span.name} {span.first}..{span.last}" for span in added} == {
            each.value for each in edition.carried if each.field == f"ranges.{name}"
        }
    assert meaning(MARK.sub("", edition.text)) == meaning(edition.text)
    assert rolled(edition.text, year)[:2] == (edition.text, ())
