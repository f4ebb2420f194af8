"""What a calendar knows of its holidays and named ranges, year by year."""

from __future__ import annotations

from datetime import date

from dispatcher.plan.coverage import ranges_missing, warnings
from dispatcher.plan.horizon import Entry, Years, entries, holidays
from dispatcher.plan.reading import read_plan
from tests.plan.small import calendar, plan

TODAY = date(2026, 12, 1)
TERM = "学期: [{name: 2026年秋季学期, from: 2026-09-01, to: 2026-12-31, source: 教育局}]"
VACATION = "寒暑假: [{name: 2026年暑假, from: 2026-07-01, to: 2026-08-31, provisional: true}]"
NOTICE = (
    "{source: 通知, off: {元旦: 2028-01-01, 春节: 2028-01-26, 清明节: 2028-04-04,"
    " 劳动节: 2028-05-01, 端午节: 2028-05-28, 国庆节、中秋节: 2028-10-01..2028-10-03},"
    " work: {元旦: 2028-01-08}}"
)


def test_each_year_is_told_by_where_its_holidays_come_from() -> None:
    days = f"holidays: china, notices: {{2028: {NOTICE}}}"
    assert holidays(plan(days=days), TODAY) == [
        Years(2004, 2026, "package"),
        Years(2027, 2027, "provisional"),
        Years(2028, 2028, "file", "通知", 8, 1),
    ]


def test_the_next_year_is_there_even_if_nobody_knows_it() -> None:
    assert holidays(plan(), date(2030, 6, 1))[-1] == Years(2027, 2031, "provisional")


def test_entries_stand_by_year_and_what_a_duty_needs_and_lacks_among_them() -> None:
    ours = plan("除寒暑假期外每月1次", ranges=f"{VACATION}, {TERM}")
    assert list(entries(ours, TODAY)) == [
        Entry("寒暑假", 2026, "2026年暑假", date(2026, 7, 1), date(2026, 8, 31), "", True),
        Entry("寒暑假", 2027, duties=("work",)),
        Entry("学期", 2026, "2026年秋季学期", date(2026, 9, 1), date(2026, 12, 31), "教育局"),
    ]


def test_a_term_that_a_duty_waits_for_is_missed_and_check_says_so() -> None:
    ours = plan("学期结束前", ranges=TERM)
    assert ranges_missing(ours, 2026) == {}
    assert [*ranges_missing(ours, 2027)] == ["学期"]
    said = "range 学期 lacks all of 2027; duties that need it: work"
    assert said in [str(text) for text in warnings(ours, 2027)]


def test_a_duty_that_has_ended_needs_nothing() -> None:
    ended = read_plan("s.yaml", calendar("学期结束前", "until: 2026-12-31", ranges=TERM))
    assert ranges_missing(ended, 2027) == {}
