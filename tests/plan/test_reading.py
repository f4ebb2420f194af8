"""Reading the file: every mistake with its place, its duty and what to write, all at once."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest

from dispatcher.errors import PlanError
from dispatcher.plan.model import Contact
from dispatcher.plan.reading import read_plan
from tests.plan.marked import HERE, WHOLE, assert_one_problem, changed, place_of, problems
from tests.plan.small import calendar, in_year, plan, work


def test_a_file_without_mistakes_is_a_plan() -> None:
    ours = read_plan("s.yaml", WHOLE)
    assert list(ours.duties) == ["first", "second"]
    assert ours.duties["second"].units == ("甲", "乙")
    assert (ours.office, str(ours.zone), ours.first) == ("甲", "Asia/Shanghai", date(2023, 1, 1))
    assert ours.units["甲"].contacts == (Contact("张工", email="a@example.com"),)
    assert ours.units["甲"].channels == ("email",)


# ------------------------------------------------------------------- each mistake has its place


@pytest.mark.parametrize(
    "old, new, says",
    [
        ("timezone", "‸tiemzone", "unknown key 'tiemzone'; did you mean: timezone"),
        ("  ranges", "  ‸rangs", "unknown key 'rangs'; did you mean: ranges"),
        ("to: 2026-03-01", "too: 1, to: 2026-03-01", ""),
        ("    contacts", "    ‸contact", "unknown key 'contact'; did you mean: contacts"),
        ("email:", "‸mail:", "unknown key 'mail'; did you mean: email"),
        ("Asia/Shanghai", "‸Asia/Beijing", "unknown time zone 'Asia/Beijing'; write it like"),
        ("office: 甲", "office: ‸丁", "unknown unit or group '丁'; nearest: 甲"),
        (
            "from: 2023-01-01",
            "from: ‸1.1.2023",
            "'1.1.2023' should be a date from 2000 to 2099, like 2026-03-31",
        ),
        ("from: 2023-01-01", "from: ‸2023-02-29", "'2023-02-29' should be a date from"),
        ("from: 2023-01-01", "from: ‸20230101", "'20230101' should be a date from"),
        ("from: 2023-01-01", "from: ‸2023-W01-1", "'2023-W01-1' should be a date from"),
        ("to: 2026-03-01", "to: ‸2026-01-01", "'2026年寒假' ends before it begins"),
        ("preceding", "‸before", "'before' should be one of: preceding, following, none, skip"),
        ("[甲, 乙]", "[甲, ‸丁]", "unknown unit or group '丁'; nearest: 甲, 乙"),
        ("[乙方]", "[‸甲]", "'甲' is already a name of '甲'"),
        ("[乙方]", "[‸大家]", "'大家' is already a name of '大家'"),
        ("[乙方]", "[‸乙/丙]", "'乙/丙' may not contain '/'"),
        ("[乙方]", "‸乙方", "'乙方' should be a list: [...] or lines that begin with '- '"),
        ("[乙方]", "[乙方], superior: ‸丁", "unknown unit or group '丁'; nearest: 甲"),
        ("[乙方]", "[乙方], level: ‸city", "'city' should be one of: district, company"),
        ("[乙方]", "[乙方], channels: [‸wecom]", "unknown channel 'wecom'; known: email"),
    ],
)
def test_a_mistake_outside_the_duties_is_told_with_its_place(old: str, new: str, says: str) -> None:
    if HERE in new:
        assert_one_problem(changed(old, new), says)
    else:
        assert len(problems(changed(old, new))) == 1


@pytest.mark.parametrize(
    "old, new, says",
    [
        (
            "when: 每月",
            "when: ‸每季渡",
            "cadence '每季渡' is not understood; nearest forms: 每季度",
        ),
        ("when: 每月", "when: ‸月调度、季通报", "'月调度、季通报' names 2 cadences, so it is 2"),
        ("when: 每月", "when: ‸每两周", "a fortnight needs the week it is counted from: 每两周("),
        ("when: 每月", "when: ‸除寒假外每月", "unknown range '寒假'; known: 寒暑假"),
        ("when: 每月", "when: ‸学期结束前", "unknown range '学期'; known: 寒暑假"),
        (
            "when: 每月",
            "when: ‸2022年6月30日",
            "'2022年6月30日' never falls due from 2023-01-01 to",
        ),
        ("when: 每月", "when: {every: ‸fortnite}", "'every' should be one of: month"),
        ("when: 每月", "when: {every: month, due: ‸40}", "'40' is not a day of a period; write"),
        ("when: 每月", "when: {every: week, due: ‸10}", "'10' is not a day of a period; write"),
        ("when: 每月", "when: {every: month, times: ‸0}", "'0' should be a number from 1 to 366"),
        ("when: 每月", "when: {rrule: ‸FREQ=NEVER}", "not an RFC 5545 rule"),
        ("when: 每月", "when: {rrule: ‸FREQ=HOURLY}", "a rule names days, by FREQ=DAILY or"),
        ("when: 每月", "when: {rrule: ‸freq=hourly}", "a rule names days, by FREQ=DAILY or"),
        ("when: 每月", "when: {rrule: ‸FREQ=DAILY;INTERVAL=0}", ""),
        ("when: 每月", "‸wehn: 每月", "key 'when' is missing here"),
        ("甲、乙", "甲、‸丁", "unknown unit or group '丁'; nearest: "),
        ("甲、乙", "甲,  ‸丁", "unknown unit or group '丁'; nearest: "),
        ("甲、乙", "[甲, ‸丁]", "unknown unit or group '丁'; nearest: "),
        ("甲、乙", '"甲、‸丁"', "unknown unit or group '丁'; nearest: "),
        ("甲、乙", "甲\n    lead: ‸丁", "unknown unit or group '丁'; nearest: "),
        ("甲、乙", "甲\n    roll: ‸up", "'up' should be one of: preceding"),
        ("甲、乙", "甲\n    open: ‸yes", "'yes' should be true or false"),
        ("甲、乙", "甲\n    rows: ‸5", "'5' should be a list: [...] or lines that begin with '- '"),
        ("甲、乙", "甲\n    rows: [5, ‸x]", "'x' should be a number from 1 to 9999"),
        ("甲、乙", "甲\n    rows: [‸0]", "'0' should be a number from 1 to 9999"),
        ("甲、乙", "甲\n    before: [7d, ‸soon]", "'soon' is not a distance; write 7d, 3wd or"),
        ("甲、乙", "甲\n    before: [‸0d]", "'0d' is not a distance; write 7d, 3wd or every 5wd"),
        ("甲、乙", "甲\n    before: [‸every 5wd]", ""),
        ("甲、乙", "甲\n    overdue: [every 5wd, ‸1wd]", "nothing can follow 'every 5wd'"),
        ("甲、乙", "甲\n    until: ‸2022-12-31", "'until' lies before 'from'"),
        ("甲、乙", "甲\n    skip: {‸2026-Q1: 停}", "no period '2026-Q1'; nearest: 2026-"),
        ("甲、乙", "甲\n    skip: {‸2022-12: 停}", "no period '2022-12'; nearest: "),
        ("甲、乙", "甲\n    move: {‸2026-13: {to: 2026-04-01, reason: 因}}", "no period '2026-13'"),
        ("甲、乙", "甲\n    move: {2026-03: ‸{to: 2026-04-01}}", "key 'reason' is missing here"),
        (
            "甲、乙",
            "甲\n    move: {‸2026-03: {to: 2062-04-01, reason: 因}}",
            "2062-04-01 is too far from 2026-03-31, when '2026-03' would be due",
        ),
        *(
            ("when: 每月", f"when: {{rrule: ‸'FREQ=MONTHLY;BYDAY=1MO;{end}'}}", "a rule ends by")
            for end in ("UNTIL=2026-03-31", "UNTIL=20260331T0000", "COUNT=1234567")
        ),
        (
            "when: 每月",
            "when: {rrule: ‸'FREQ=MONTHLY; BYDAY=1MO; BYDAY=MO'}",
            "'BYDAY' is given twice: keep one",
        ),
        ("甲、乙", "甲\n    move: {2026-03: {to: ‸April, reason: 因}}", "'April' should be a date"),
    ],
)
def test_a_mistake_in_a_duty_is_told_with_its_place_and_the_duty(
    old: str, new: str, says: str
) -> None:
    marked = changed(old, new)
    found = problems(marked.replace(HERE, ""))
    if "wehn" in new:
        assert any(says in problem for problem in found)
        assert found[-1].startswith(f"{place_of(marked)} duty 'first': unknown key 'wehn'")
        return
    assert_one_problem(marked, f"duty 'first': {says}")


def test_the_periods_that_are_offered_instead_are_of_the_same_year() -> None:
    [said] = problems(changed("甲、乙", "甲\n    skip: {2026-Q2: 停}"))
    near = said.partition("nearest: ")[2].split(", ")
    assert near
    assert {each[:5] for each in near} == {"2026-"}


@pytest.mark.parametrize("key", ["id", "title", "when", "responsible"])
def test_a_key_that_a_duty_lacks_is_named_at_its_beginning(key: str) -> None:
    lines = {
        "id": "id: first",
        "title": "title: 第一项",
        "when": "when: 每月",
        "responsible": "responsible: 甲、乙",
    }
    kept = [line for name, line in lines.items() if name != key]
    head, tail = WHOLE.split("  - id: first\n")
    rest = tail[tail.index("  - id: second") :]
    duty = "  - " + HERE + "\n    ".join(kept) + "\n"
    name = "" if key == "id" else "duty 'first': "
    assert_one_problem(head + duty + rest, f"{name}key '{key}' is missing here")


@pytest.mark.parametrize("key", ["plan", "units", "duties"])
def test_a_part_that_the_file_lacks_is_named(key: str) -> None:
    parts = calendar().splitlines(keepends=True)
    without = [line for line in parts if not line.startswith((key, "  - {id" * (key == "duties")
                                                              or key))]  # fmt: skip
    assert f"s.yaml:1:1: key '{key}' is missing here" in problems("".join(without))


def test_an_id_that_stands_twice_is_told_with_the_line_of_the_first() -> None:
    assert_one_problem(
        changed("id: second", "id: ‸first"),
        "duty 'first': id 'first' stands here twice; first on line 16",
    )


@pytest.mark.parametrize(
    "old, new",
    [
        ("id: first", 'id: ""'),
        ("title: 第一项", 'title: ""'),
        ("  乙: {aliases: [乙方]}", '  乙: {aliases: [乙方]}\n  "": {}'),
        ("  乙: {aliases: [乙方]}", '  乙: {aliases: [""]}'),
        ("id: first", 'id: " "'),
    ],
)
def test_a_name_of_nothing_is_refused(old: str, new: str) -> None:
    assert problems(changed(old, new))


def test_every_mistake_is_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        WHOLE.replace("office: 甲", "ofice: 甲")
        .replace("roll: preceding", "roll: before")
        .replace("[甲, 乙]", "[甲, 丁]")
        .replace("when: 每月", "when: 每季渡")
        .replace("responsible: 大家", "responsible: 大伙")
    )
    found = problems(text)
    assert [line.partition(": ")[0] for line in found] == [
        "s.yaml:1:7",
        "s.yaml:1:44",
        "s.yaml:7:9",
        "s.yaml:14:11",
        "s.yaml:18:11 duty 'first'",
        "s.yaml:23:18 duty 'second'",
    ]


def test_a_duty_without_a_title_still_has_its_other_mistakes_told() -> None:
    text = WHOLE.replace("    title: 第一项\n", "").replace("when: 每月", "when: 每季渡")
    assert len(problems(text)) == 2


def test_an_overlap_of_a_ranges_entries_is_told() -> None:
    more = "to: 2026-03-01}\n      - {name: 另一个, from: 2026-02-20, to: 2026-03-05}"
    (problem,) = problems(changed("to: 2026-03-01}", more))
    assert "entries '2026年寒假' and '另一个' overlap" in problem


def test_an_entry_of_a_range_that_stands_twice_is_told() -> None:
    more = "to: 2026-03-01}\n      - {name: 2026年寒假, from: 2026-07-01, to: 2026-08-31}"
    (problem,) = problems(changed("to: 2026-03-01}", more))
    assert "'2026年寒假' stands in range '寒暑假' twice" in problem


def test_a_time_to_send_outside_the_window_is_told() -> None:
    marked = changed("roll: preceding", "at: ‸19:00")
    assert_one_problem(marked, "at 19:00 lies outside the window 09:00-18:00")


@pytest.mark.parametrize("window", ["18:00-09:00", "09:00", "9-18", "25:00-26:00"])
def test_a_window_that_is_none_is_told(window: str) -> None:
    marked = changed("roll: preceding", f"window: ‸{window}")
    assert_one_problem(marked, f"'{window}' should be a stretch of the day like 09:00-18:00")


@pytest.mark.parametrize(
    "key, value, says",
    [
        ("due", "月底左右", "'月底左右' is not a day of a period; write it like 25日前"),
        ("year_round", "6月底", "'6月底' is not a check-in; write it like 每季度"),
        ("year_round", "随时", "cadence '随时' is not understood; nearest forms: "),
        ("min_workdays", "many", "'many' should be a number from 0 to 31"),
        ("overdue", "3wd", "'3wd' should be a list: [...] or lines that begin with '- '"),
        ("at", "9点", "'9点' should be a time like 09:00"),
    ],
)
def test_a_default_that_makes_no_sense_is_told(key: str, value: str, says: str) -> None:
    assert_one_problem(changed("roll: preceding", f"{key}: ‸{value}"), says)


def test_a_skip_of_a_week_that_begins_before_the_plan_is_a_period_like_any_other() -> None:
    ours = plan("每周", "skip: {2022-W52: 元旦}")
    assert work(ours).skip == {"2022-W52": "元旦"}


def test_a_rule_may_name_the_last_of_several_days_of_a_week() -> None:
    ours = plan("{rrule: 'FREQ=WEEKLY;BYDAY=MO,TH;BYSETPOS=-1'}", since="2026-01-01")
    assert {found.nominal.weekday() for found in in_year(ours, 2026)} == {3}


def test_a_rule_whose_until_is_in_utc_has_that_day_in_it_or_is_refused() -> None:
    with suppress(PlanError):
        ours = plan("{rrule: FREQ=MONTHLY;BYMONTHDAY=10;UNTIL=20260310T000000Z}")
        assert in_year(ours, 2026)[-1].period == "2026-03-10"


@pytest.mark.parametrize(
    "when",
    [
        "{rrule: FREQ=MONTHLY, every: month}",
        "{rrule: FREQ=MONTHLY, except: 寒暑假}",
        "{every: month, anchor: 2026-01-05}",
        "{every: month, times: 2, due: 10}",
        "{every: week, times: 8}",
    ],
)
def test_a_mapping_whose_keys_contradict_each_other_is_refused(when: str) -> None:
    assert problems(calendar(when))


def test_a_mapping_means_the_same_as_the_phrase() -> None:
    for mapping, phrase in (
        ("{every: month, due: 10, except: 寒暑假}", "除寒暑假期外每月10日前"),
        ("{every: quarter, due: 末月25日前}", "每季度末月25日前"),
        ("{every: 季度, due: 首月5日前}", "每季度首月5日前"),
        ("{every: 每周}", "每周"),
        ("{every: year, times: 3}", "每年3次"),
        ("{every: fortnight, anchor: 2026-01-05}", "每两周(2026-01-05起)"),
    ):
        assert work(plan(mapping)).cadence == work(plan(phrase)).cadence
