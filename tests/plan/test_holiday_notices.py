"""Holiday notices: read from a file, checked, put into a calendar, and what they then decide."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from chinese_calendar import constants

from dispatcher.errors import DispatcherError, PlanError
from dispatcher.plan.amending import announce
from dispatcher.plan.gazette import contradictions, notice_in
from dispatcher.plan.notices import HOLIDAYS, Notice, stretches
from dispatcher.plan.reading import read_plan
from dispatcher.plan.workdays import WANTED, Workdays
from tests.plan.small import calendar, one, plan
from tests.plan.test_editing import SHIPPED, changed
from tests.plan.test_schema import errors
from tests.plan.test_workdays import NOTICES, days_of

OF_2019 = """
元旦 2018-12-29 班 2018-12-30 休 2018-12-31 休 2019-01-01 休
春节 2019-02-02 班 2019-02-03 班 2019-02-04 休 2019-02-05 休 2019-02-06 休 2019-02-07 休
春节 2019-02-08 休 2019-02-09 休 2019-02-10 休
清明节 2019-04-05 休
劳动节 2019-04-28 班 2019-05-01 休 2019-05-02 休 2019-05-03 休 2019-05-04 休 2019-05-05 班
端午节 2019-06-07 休
中秋节 2019-09-13 休
国庆节 2019-09-29 班 2019-10-01 休 2019-10-02 休 2019-10-03 休 2019-10-04 休 2019-10-05 休
国庆节 2019-10-06 休 2019-10-07 休 2019-10-12 班
"""
"""The two notices of 2019 as holiday-cn has them, a holiday and its days on a line."""
PAPERS = [
    "http://www.gov.cn/zhengce/content/2018-12/06/content_5346276.htm",
    "http://www.gov.cn/zhengce/content/2019-03/22/content_5375877.htm",
]
FICTION = """\
# 虚构的,只供测试
2027-01-01..2027-01-03 休 元旦
2027-02-05..2027-02-11 休 春节
2027-02-20 班 春节
2027-02-28 班 春节
2027-04-05 休 清明节
2027-05-01..2027-05-05 休 劳动节
2027-06-09 休 端午节
2027-09-15 休 中秋节
2027-10-01..2027-10-07 休 国庆节
"""
PLAIN = calendar(ranges="")


def as_json(days: Iterable[tuple[str, str, bool]], **more: object) -> str:
    """Days, their holidays and whether they are off, as holiday-cn has them."""
    entries = [{"name": name, "date": day, "isOffDay": off} for day, name, off in days]
    return json.dumps({"$schema": "https://example.com", **more, "days": entries}, indent=4)


NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节、中秋节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}
ALL_NAMES = "、".join(HOLIDAYS)


def packaged(year: int) -> Notice:
    """What the package has of the notice of a year, by the names that the notice has."""

    def ours(days: dict[date, str]) -> dict[date, str]:
        end = {day for day in days if day.month == 12 and day.day > 20}
        return {day: NAMES[name] for day, name in days.items() if day.year + (day in end) == year}

    return Notice("chinesecalendar", ours(constants.holidays), ours(constants.workdays))


def problems(text: str, **more: object) -> list[str]:
    with pytest.raises(PlanError) as caught:
        notice_in("notice.txt", text, **{"source": "通知", **more})  # type: ignore[arg-type]
    return str(caught.value).splitlines()


# -------------------------------------------------------------------------------------- in a file


def test_a_published_notice_of_holiday_cn_says_what_the_package_says_december_too() -> None:
    lines = [line.split() for line in OF_2019.strip().splitlines()]
    days = [
        (day, name, kind == "休")
        for name, *rest in lines
        for day, kind in zip(rest[::2], rest[1::2], strict=True)
    ]
    year, notice = notice_in("2019.json", as_json(days, year=2019, papers=PAPERS))
    assert (year, notice.source) == (2019, " ".join(PAPERS))
    assert contradictions(2019, notice) == []
    assert notice.work[date(2018, 12, 29)] == notice.off[date(2018, 12, 31)] == "元旦"
    assert not Workdays(notices={2019: notice}).is_workday(date(2018, 12, 31))


@pytest.mark.parametrize("year", range(2004, 2027))
def test_every_published_year_is_the_same_after_a_list_and_after_json(year: int) -> None:
    known = packaged(year)
    lines = [
        f"{stretch} {kind} {name}"
        for kind, days in (("休", known.off), ("班", known.work))
        for name, found in stretches(days).items()
        for stretch in ([found] if isinstance(found, str) else found)
    ]
    days = [
        (str(day), name, off)
        for off, of_kind in ((True, known.off), (False, known.work))
        for day, name in of_kind.items()
    ]
    for text in ("\n".join(lines), as_json(days, year=year)):
        found_year, notice = notice_in("notice", text, source="通知")
        assert found_year == year
        assert (notice.off.keys(), notice.work.keys()) == (known.off.keys(), known.work.keys())
        assert contradictions(year, notice) == []


@pytest.mark.parametrize("year", NOTICES)
def test_a_notice_as_it_was_published_contradicts_nothing(year: int) -> None:
    off, work, _total = NOTICES[year]
    lines = [f"{year}-{stretch} 休 {ALL_NAMES}" for stretch in off.split()]
    lines += [f"{year}-{day} 班 {ALL_NAMES}" for day in work.split()]
    found, notice = notice_in("notice.txt", "\n".join(lines), source="通知")
    missing = [day for day in contradictions(year, notice) or () if day.year == year]
    assert (found, missing) == (year, [])


@pytest.mark.parametrize(
    "line",
    [
        "2027-01-01..2027-01-03 休 元旦",
        "2027-01-01..01-03 休 元旦",
        "2027-1-1..3  休\t元旦  # 周五到周日",
        "2027年1月1日至3日 放假 元旦",
        "2027年1月1日至1月3日,元旦,休",
        "2027/1/1 ~ 2027/1/3 元旦 OFF",
        "２０２７．１．１～２０２７．１．３\u3000休\u3000元旦",
    ],
)
def test_a_line_of_a_list_may_be_written_in_several_ways(line: str) -> None:
    text = FICTION.replace("2027-01-01..2027-01-03 休 元旦", line)
    assert notice_in("n.txt", text, source="通知") == notice_in("n.txt", FICTION, source="通知")


@pytest.mark.parametrize(
    "line, said",
    [
        ("元旦放假", "notice.txt:11:1: '元旦放假' should be like"),
        ("  2027-02-30 休 春节", "notice.txt:11:3: '2027-02-30 休 春节' should be like"),
        ("2027-02-11..2027-02-05 休 春节", "notice.txt:11:1: '2027-02-11..2027-02-05 休 春节'"),
        ("2027-06-01..2027-08-01 休 端午节", "notice.txt:11:1: '2027-06-01..2027-08-01 休 端午节'"),
        ("2027-04-05 清明节", "notice.txt:11:1: '2027-04-05 清明节' needs 休 or 班"),
        ("2027-04-05 休", "notice.txt:11:1: '2027-04-05 休' needs 休 or 班, and the holiday"),
        ("2027-04-05 休 清明/寒食", "notice.txt:11:1: '清明/寒食' may not contain '/'"),
        (
            "2027-02-20 休 春节",
            "notice.txt:11:1: 2027-02-20 is a rest day and a workday: see line 4",
        ),
        ("2027-02-24 班 春节", "notice.txt:11:1: 2027-02-24 is no Saturday or Sunday"),
        (
            "2026-11-30 休 元旦",
            "notice.txt:11:1: 2026-11-30 is no day of 2027, nor of the December",
        ),
        ("2028-01-01 休 元旦", "notice.txt:11:1: 2028-01-01 is no day of 2027"),
    ],
)
def test_what_cannot_be_meant_is_said_with_its_place(line: str, said: str) -> None:
    (found,) = problems(FICTION + line)
    assert found.startswith(said)


def test_the_same_day_twice_with_the_same_meaning_is_no_mistake() -> None:
    twice = FICTION + "2027-10-01 休 中秋节\n"
    assert notice_in("n", twice, source="通知") == notice_in("n", FICTION, source="通知")


def test_a_weekend_among_the_rest_days_and_a_december_day_are_no_mistake() -> None:
    text = FICTION + "2026-12-26 班 元旦\n2026-12-31 休 元旦\n2027-06-05 休 端午节\n"
    _year, notice = notice_in("n", text, source="通知")
    assert {date(2026, 12, 31), date(2027, 6, 5)} < notice.off.keys()


def test_all_mistakes_are_told_at_once() -> None:
    assert len(problems(FICTION + "端午\n2027-06-09 休\n")) == 2


def test_a_notice_that_leaves_out_a_statutory_holiday_is_not_taken_for_the_whole() -> None:
    (said,) = problems(FICTION.replace("2027-10-01..", "2027-10-02.."))
    assert said.endswith("the notice of 2027 is not complete: it says nothing of 2027-10-01")


@pytest.mark.parametrize(
    "line", ["2027-04-05 休 清明节", "2027-06-09 休 端午节", "2027-09-15 休 中秋节"]
)
def test_nor_is_one_that_leaves_out_a_holiday_whose_date_the_moon_decides(line: str) -> None:
    (said,) = problems(FICTION.replace(line, ""))
    assert said.endswith(f"the notice of 2027 is not complete: it says nothing of {line[13:15]}")


def test_where_a_list_comes_from_must_be_said() -> None:
    (said,) = problems(FICTION, source=None)
    assert "give --source" in said


def test_another_year_than_the_files_is_a_mistake() -> None:
    assert any("this is the notice of 2027" in said for said in problems(FICTION, year=2026))


@pytest.mark.parametrize("text", ["", "# nichts\n", '{"year": 2027, "days": []}'])
def test_a_file_without_a_day_says_what_one_looks_like(text: str) -> None:
    (said,) = problems(text)
    assert "there is no day in this file" in said


NEW_YEAR = ("2027-01-01", "元旦", True)


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"year": 2027,\n "days": [}', "notice.txt:2:11: not valid JSON: Expecting value"),
        ("[1]", "notice.txt:1:1: should be a mapping"),
        (as_json([NEW_YEAR], papers=["x"]), "notice.txt:1:1: the year is missing: give --year"),
        (as_json([NEW_YEAR], year="2027"), "notice.txt:3:13: '2027' should be a number"),
        (
            as_json([("2027-13-01", "元旦", True)], year=2027),
            "notice.txt:7:21: '2027-13-01' should",
        ),
        ('{"year": 2027}', "notice.txt:1:1: key 'days' is missing here"),
        ('{"year": 2027, "dates": [], "days": []}', "notice.txt:1:16: unknown key 'dates'"),
        ("[" * 100_000, "notice.txt:1:21: nested deeper than 20 levels"),
    ],
)
def test_what_is_wrong_in_json_is_said_with_its_place(text: str, said: str) -> None:
    assert problems(text)[0].startswith(said)


# ---------------------------------------------------------------------------------- in a calendar


def fiction(*changes: tuple[str, str]) -> Notice:
    text = FICTION
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return notice_in("notice.txt", text, source="通知")[1]


def announced(text: str, year: int, notice: Notice) -> str:
    return announce(text, read_plan("s.yaml", text), year, notice)


LINES = """\
  notices:
    2027:
      source: 通知
      off:
        元旦: 2027-01-01..2027-01-03
        春节: 2027-02-05..2027-02-11
        清明节: 2027-04-05
        劳动节: 2027-05-01..2027-05-05
        端午节: 2027-06-09
        中秋节: 2027-09-15
        国庆节: 2027-10-01..2027-10-07
      work:
        春节: [2027-02-20, 2027-02-28]
"""


def test_a_notice_comes_below_the_offices_own_days_and_nothing_else_changes() -> None:
    after = announced(SHIPPED, 2027, fiction())
    gone, came = changed(SHIPPED, after)
    assert ("".join(gone), "".join(came)) == ("", LINES)
    above = after[: after.index(LINES)].splitlines()[-1]
    assert above.startswith("  work: []")
    assert read_plan("s.yaml", after).workdays.notices == {2027: fiction()}
    assert errors(after) == []


def test_a_windows_file_keeps_its_line_ends() -> None:
    after = announced(SHIPPED.replace("\n", "\r\n"), 2027, fiction())
    assert after.replace("\r\n", "").count("\n") == 0


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\n".join(line for line in PLAIN.splitlines() if not line.startswith("calendar")) + "\n",
        PLAIN.replace("calendar: {", "calendar: {notices: , "),
        PLAIN.replace(
            "calendar: {holidays: china, ranges: {}}", "calendar:\n  off: []\n  notices:"
        ),
    ],
)
def test_a_notice_goes_into_a_calendar_however_it_is_written(text: str) -> None:
    after = announced(text, 2027, fiction())
    assert read_plan("s.yaml", after).workdays.notices == {2027: fiction()}


def test_the_same_notice_again_changes_nothing_however_its_days_are_written() -> None:
    after = announced(SHIPPED, 2027, fiction())
    assert announced(after, 2027, fiction()) == after
    by_hand = after.replace("2027-01-01..2027-01-03", "[2027-01-01, 2027-01-02..2027-01-03]")
    assert announced(by_hand, 2027, fiction()) == by_hand


def test_a_notice_of_a_year_that_is_there_changes_the_lines_that_say_otherwise() -> None:
    there = announced(SHIPPED, 2027, fiction())
    later = fiction(("2027-02-28 班 春节", "2027-05-08 班 劳动节"), ("05-05 休", "05-04 休"))
    after = announced(there, 2027, later)
    gone, came = changed(there, after)
    assert [line.strip() for line in came if line not in gone] == [
        "劳动节: 2027-05-01..2027-05-04",
        "春节: 2027-02-20",
        "劳动节: 2027-05-08",
    ]
    assert read_plan("s.yaml", after).workdays.notices == {2027: later}


def test_a_holiday_that_a_later_notice_no_longer_has_goes() -> None:
    there = announced(SHIPPED, 2027, fiction())
    later = fiction(("2027-02-20 班 春节\n2027-02-28 班 春节\n", ""), ("劳动节", "劳动"))
    after = announced(there, 2027, later._replace(source="更正"))
    assert read_plan("s.yaml", after).workdays.notices == {2027: later._replace(source="更正")}
    assert "劳动节: 2027" not in after


def test_the_notices_stand_in_the_order_of_their_years() -> None:
    text = SHIPPED
    for year, notice in ((2025, packaged(2025)), (2027, fiction()), (2026, packaged(2026))):
        text = announced(text, year, notice)
    assert [line for line in text.splitlines() if line[:6] == "    20"] == [
        "    2025:",
        "    2026:",
        "    2027:",
    ]


@pytest.mark.parametrize(
    "notices, said",
    [
        ("{2027: {off: {元旦: 2027-01-01}}}", "key 'source' is missing here"),
        ("{2027: {source: 通知}}", "key 'off' is missing here"),
        ("{明年: {source: 通知, off: {}}}", "'明年' should be a number from 2000 to 2099"),
        ("{2027: {source: 通知, off: {元旦: 1月1日}}}", "'1月1日' should be a day, or days on end"),
        ("{2027: {source: 通知, off: {节: 2027-01-02..2027-01-01}}}", "'2027-01-02..2027-01-01'"),
        ("{2027: {source: 通知, off: {节: 2027-01-01..2027-02-01}}}", "'2027-01-01..2027-02-01'"),
        ("{2027: {source: 通知, off: {节: [[2027-01-01]]}}}", "should be a day, or days on end"),
        ("{2027: {source: 通知, off: {}}}", "the notice of 2027 is not complete"),
        ("{2027: {source: 通知, off: {}, work: {元旦: 2027-01-08}}}", "2027-01-08 is no Saturday"),
    ],
)
def test_a_mistake_in_a_calendars_notices_is_said_with_its_place(notices: str, said: str) -> None:
    text = calendar(days=f"holidays: china, notices: {notices}", ranges="")
    with pytest.raises(PlanError) as caught:
        read_plan("s.yaml", text)
    assert f": {said}" in str(caught.value)
    assert str(caught.value).startswith("s.yaml:2:")


def test_a_calendar_of_weekends_alone_takes_no_notice() -> None:
    text = PLAIN.replace("holidays: china", "holidays: none")
    with pytest.raises(DispatcherError, match="'holidays: none' knows weekends alone"):
        read_plan("s.yaml", announced(text, 2027, fiction()))


# ----------------------------------------------------------------------------- what they decide


def test_a_year_of_a_notice_is_known_and_its_days_are_what_the_notice_says() -> None:
    days = Workdays(notices={2027: fiction()})
    assert days.last_year == 2027
    for day in days_of(2027):
        assert days.is_known(day)
        rest = day in fiction().off or (day.weekday() >= 5 and day not in fiction().work)
        assert days.is_workday(day) == (not rest), day
    assert str(days.describe(date(2027, 2, 8))) == "春节"
    assert str(days.describe(date(2027, 2, 20))) == "a make-up workday"


def test_a_gap_ends_what_is_known() -> None:
    of_2028 = fiction()._replace(off={date(2028, 1, 1): "元旦"}, work={})
    days = Workdays(notices={2028: of_2028})
    assert (days.last_year, days.is_known(date(2028, 3, 1))) == (2026, True)
    assert not days.is_known(date(2027, 3, 1))


def test_a_notice_wins_over_the_package_and_the_offices_own_days_over_it() -> None:
    notice = Notice("更正", {date(2026, 10, 1): "国庆节"}, {date(2026, 10, 11): "国庆节"})
    days = Workdays(notices={2026: notice}, off=[date(2026, 10, 11)])
    assert days.is_workday(date(2026, 10, 2)), "the package has it as a rest day"
    assert not days.is_workday(date(2026, 10, 10)), "the package has it as a make-up workday"
    assert not days.is_workday(date(2026, 10, 1))
    assert not days.is_workday(date(2026, 10, 11))
    assert contradictions(2026, notice)
    assert Workdays().is_workday(date(2026, 10, 10)), "one office's notice is no other's"


def test_the_packages_december_days_stay_with_the_notice_of_the_next_year() -> None:
    of_2018 = Workdays(notices={2018: packaged(2018)})
    assert not of_2018.is_workday(date(2018, 12, 31)), "of the notice of 2019"
    no_december = packaged(2019)._replace(off={date(2019, 1, 1): "元旦"}, work={})
    of_2019 = Workdays(notices={2019: no_december})
    assert of_2019.is_workday(date(2018, 12, 31))
    found = contradictions(2019, no_december) or []
    assert found[:2] == [date(2018, 12, 29), date(2018, 12, 31)]


def test_a_later_notice_has_the_last_word_on_a_day_of_december() -> None:
    work = fiction()._replace(work={date(2027, 12, 25): "元旦"})
    rest = Notice("通知", {date(2027, 12, 25): "元旦"}, {})
    assert Workdays(notices={2027: work}).is_workday(date(2027, 12, 25))
    assert not Workdays(notices={2028: rest, 2027: work}).is_workday(date(2027, 12, 25))


def test_a_date_of_a_year_with_a_notice_is_no_longer_provisional() -> None:
    before = plan("每月10日前")
    after = read_plan("s.yaml", announced(calendar("每月10日前"), 2027, fiction()))
    was, now = one(before, "2027-02"), one(after, "2027-02")
    assert (was.due, was.provisional) == (date(2027, 2, 10), True)
    assert (now.due, now.provisional) == (date(2027, 2, 4), False)


@pytest.mark.parametrize(
    "today, awaited, wanted",
    [
        ("2026-10-31", (), ()),
        ("2026-11-01", (2027,), ()),
        ("2026-12-14", (2027,), ()),
        ("2026-12-15", (2027,), (2027,)),
        ("2027-01-01", (2027,), (2027,)),
        ("2027-11-01", (2027, 2028), (2027,)),
    ],
)
def test_holidays_are_asked_for_from_november_and_must_be_there_in_mid_december(
    today: str, awaited: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    day = date.fromisoformat(today)
    assert Workdays().missing(day) == awaited
    assert Workdays().missing(day, since=WANTED) == wanted
    assert Workdays("none").missing(day) == ()
    known = Workdays(notices={2027: fiction()})
    assert 2027 not in known.missing(day) + known.missing(day, since=WANTED)


def test_days_on_end_are_written_together() -> None:
    first = date(2027, 1, 30)
    days = {first + timedelta(n): "节" for n in (0, 1, 2, 4)}
    assert stretches(days) == {"节": ["2027-01-30..2027-02-01", "2027-02-03"]}


@pytest.mark.parametrize("order", [1, -1])
def test_a_day_of_two_holidays_makes_no_notice_incomplete(order: int) -> None:
    lines = FICTION.splitlines()
    both = ["2027-10-01..2027-10-07 休 国庆节", "2027-10-06 休 中秋节"]
    text = "\n".join([*lines[:-2], *both[::order]])
    year, notice = notice_in("notice.txt", text, source="通知")
    assert (year, notice.off[date(2027, 10, 6)] in ("国庆节", "中秋节")) == (2027, True)
