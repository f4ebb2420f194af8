"""Measures: how the file says them, who fills them in, what a figure is, and when it is missed."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import DispatcherError
from dispatcher.i18n import translator
from dispatcher.plan.coverage import warnings
from dispatcher.plan.explain import why
from dispatcher.plan.measures import (
    measures_of,
    read_figure,
    shown,
    target_words,
    verdict,
    wanted,
)
from dispatcher.plan.model import Measure, Target
from tests.building import a_duty
from tests.plan.marked import assert_one_problem, changed
from tests.plan.small import one, plan, work

RATE = Measure("拨付率", "%", (), (), None)
POSTS = Measure("岗位数", "个", (Target(">=", None),), (), None)
DATED = (Target(">=", Decimal(75), (9, 30)), Target(">=", Decimal(100), (12, 31)))


def measures(entry: str) -> tuple[Measure, ...]:
    """The measures of 甲, 乙 and 丙 that an entry of the file makes."""
    return work(plan(duty=f"measures: [{{{entry}}}]")).measures


def targets(phrase: str) -> list[str]:
    """``09-30 >=75%``: what a phrase means, date by date."""
    (measure,) = measures(f"name: 数, target: {phrase}")
    return [written(target) + measure.unit for target in measure.targets]


def written(target: Target) -> str:
    day = "{:02}-{:02} ".format(*target.until) if target.until else ""
    return f"{day}{target.compare}{'' if target.number is None else target.number}"


# ------------------------------------------------------------------------------------- the file


@pytest.mark.parametrize(
    "phrase, expected",
    [
        *((f"{word}99%", ">=99%") for word in ("不低于", "不少于", "至少", "达到", "≥", "＞＝")),
        *((f"{word}10%", "<=10%") for word in ("不超过", "不高于", "≤", "＜＝")),
        ("99%以上", ">=99%"),
        ("达到75%以上", ">=75%"),
        ("10%以内", "<=10%"),
        ("10户之内", "<=10户"),
        ("10户内", "<=10户"),
        ("3次及以上", ">=3次"),
        ("60分以上", ">=60分"),
        ("'>=99%'", ">=99%"),
        ("'<= 10 %'", "<=10%"),
        ("不低于９９．５％", ">=99.5%"),
        ("达到100万元", ">=100万元"),
        ("'不少于1,200户'", ">=1200户"),
        ("不少于 17", ">=17"),
        ("17", "=17"),
        ("0", "=0"),
        ("356个", "=356个"),
        ("只增不减", ">="),
        ("有增加", ">"),
        ("较上年度“只增不减”", ">="),
        ("较2022年有新的增加", ">"),
    ],
)
def test_a_target_is_said_in_the_words_of_the_documents(phrase: str, expected: str) -> None:
    assert targets(phrase) == [expected]


def test_dated_targets_are_sorted_by_their_dates() -> None:
    assert targets("{12-31: 达到100%, 09-30: 75%以上}") == ["09-30 >=75%", "12-31 >=100%"]
    assert targets("{02-29: 5}") == ["02-29 =5"]


def test_a_measure_without_target_is_only_recorded() -> None:
    assert measures("name: 项目资金, unit: 万元") == (Measure("项目资金", "万元", (), (), None),)


def test_each_makes_one_measure_for_each_unit_or_project() -> None:
    found = measures("name: 岗位数, target: 只增不减, each: 大家, base: {乙: 12}")
    assert [(m.name, m.subject, m.base) for m in found] == [
        ("岗位数(甲)", "甲", None),
        ("岗位数(乙)", "乙", Decimal(12)),
        ("岗位数(丙)", "丙", None),
    ]
    for each in ("[龙井村, 江坝村]", "龙井村、江坝村", "'龙井村,江坝村'"):
        found = measures(f"name: 资金, each: {each}")
        assert [m.name for m in found] == ["资金(龙井村)", "资金(江坝村)"]
        assert {m.stem for m in found} == {"资金"}


@pytest.mark.parametrize(
    "entry, says",
    [
        ("{‸nam: 数, name: 数}", "unknown key 'nam'; did you mean: name"),
        ("‸{unit: 个}", "key 'name' is missing here"),
        *((f"{{name: ‸参保{bad}率}}", f"'参保{bad}率' may not contain '{bad}'") for bad in "/@="),
        ('{name: ‸"参保\\n率"}', "'参保 率' may not contain 'a line break or control character'"),
        ("{name: 数}, {name: ‸数}", "measure '数' stands in this duty twice"),
        ("{name: 数}, {name: ‸数, each: ''}", "measure '数' stands in this duty twice"),
        *(
            (f"{{name: 数, target: ‸{wrong}}}", f"'{wrong}' is not a target; write it like 不低于")
            for wrong in (
                *("大概99%", "99%左右", "不低于99%左右", "10个以下", "不低于", "不少于一个", "-5"),
                *("1e5", "1 7", "至少5以内", "1.23456", "1234567890123", "nan"),
            )
        ),
        ("{name: 数, target: ‸不低于101%}", "'不低于101%' is more than 100%"),
        ('{name: 数, unit: "%", target: ‸101}', "'101' is more than 100%"),
        ("{name: 数, unit: 户, target: ‸至少5个}", "'至少5个' is not in the unit 户"),
        ("{name: 数, target: {09-30: 5个, 12-31: ‸6户}}", "'6户' is not in the unit 个"),
        ("{name: 数, target: {‸9-30: 5}}", "'9-30' should be a day like 09-30"),
        ("{name: 数, target: {‸02-30: 5}}", "'02-30' should be a day like 09-30"),
        ("{name: 数, each: ‸大加}", "unknown unit or group '大加'; nearest: 大家"),
        ("{name: ‸数, each: [甲, 甲]}", "measure '数(甲)' stands in this duty twice"),
        ("{name: 数A}, {name: ‸数 A}", "measure '数 A' stands in this duty twice"),
        ("{name: 数, each: ‸[]}", "should be a list of one item at least"),
        ("{name: 数, by: ‸[]}", "should be a list of one item at least"),
        ("{name: 数, by: ‸丁}", "unknown unit or group '丁'; nearest: 甲"),
        ("{name: 数, target: 5, base: ‸5}", "only 只增不减 and 有增加 are compared with a base"),
        ("{name: 数, target: 有增加, base: ‸五}", "'五' is not a figure of 数; write it like 12"),
        ("{name: 数, target: 有增加, base: ‸{甲: 5}}", "with 'each', 'base' is a figure for each"),
        ("{name: 数, target: 有增加, each: 大家, base: ‸5}", "with 'each', 'base' is a figure"),
        ("{name: 数, target: 有增加, each: 大家, base: {‸丁: 5}}", "'丁' is not among 'each'; "),
        ("{name: 数, target: 有增加, each: 大家, base: {甲: ‸少}}", "'少' is not a figure of 数"),
    ],
)
def test_a_mistake_in_a_measure_is_told_with_its_place(entry: str, says: str) -> None:
    marked = changed("甲、乙", f"甲、乙\n    measures: [{entry}]")
    assert_one_problem(marked, f"duty 'first': {says}")


def test_a_group_may_fill_it_in_each_unit_once() -> None:
    (measure,) = measures("name: 数, by: [丙, 大家]")
    assert measure.by == ("丙", "甲", "乙")


def test_a_unit_that_owes_no_answer_cannot_be_asked_for_a_figure() -> None:
    marked = changed(
        "甲、乙", "甲、乙\n    expect: lead\n    measures: [{name: 数, by: [甲, ‸乙]}]"
    )
    assert_one_problem(marked, "duty 'first': '乙' owes no answer here; those who do: 甲")


# ------------------------------------------------------------------------------ who fills it in


def test_whoever_owes_an_answer_fills_in_what_is_not_anothers() -> None:
    duty = a_duty(measures=(RATE, POSTS._replace(by=("乙",))))
    assert measures_of(duty, "甲") == (RATE,)
    assert measures_of(duty, "乙") == duty.measures
    assert measures_of(duty._replace(expect="lead"), "乙") == ()
    assert measures_of(duty, "丙") == ()


# -------------------------------------------------------------------------------------- figures


@pytest.mark.parametrize(
    "unit, text, expected",
    [
        ("%", "98.7%", "98.7"),
        ("%", "98.7", "98.7"),
        ("%", " ９８．７％ ", "98.7"),
        ("%", "100", "100"),
        ("%", "0 %", "0"),
        ("个", "1,200", "1200"),
        ("个", "1,200,300个", "1200300"),
        ("万元", "120万元", "120"),
        ("万元", "120.50 万元", "120.5"),
        ("", "007", "7"),
        ("", "999999999999.9999", "999999999999.9999"),
    ],
)
def test_a_figure_is_read_with_its_unit_or_without(unit: str, text: str, expected: str) -> None:
    assert read_figure(RATE._replace(unit=unit), text) == Decimal(expected)


@pytest.mark.parametrize(
    "unit, text",
    [
        *(("%", text) for text in ("98.7‰", "-1%", "九成", "98.7个", "", "%", "98,7%")),
        *(("万元", text) for text in ("120元", "120万", "1e5", "NaN", "Infinity", "=A1", "1 200")),
        *(("", text) for text in ("5个", "1234567890123", "1.23456", "+5", "5-", "٣", "5²", "1,2")),
    ],
)
def test_anything_else_is_refused_with_the_measure_the_value_and_an_example(
    unit: str, text: str
) -> None:
    measure = RATE._replace(unit=unit)
    with pytest.raises(DispatcherError) as refused:
        read_figure(measure, text)
    assert str(refused.value) == f"'{text}' is not a figure of 拨付率; write it like 12{unit}"


def test_a_percentage_above_the_whole_is_refused_for_what_it_is() -> None:
    with pytest.raises(
        DispatcherError, match=r"^'100.1%' is more than all: 拨付率 is at most 100%"
    ):
        read_figure(RATE, "100.1%")
    assert read_figure(RATE, "100%") == 100


FIGURES = st.decimals(0, 999_999_999_999, places=4)


@given(FIGURES)
def test_a_figure_that_is_shown_is_read_back_as_it_was(value: Decimal) -> None:
    measure = RATE._replace(unit="万元")
    text = shown(measure, value)
    assert read_figure(measure, text) == value
    assert "E" not in text
    assert not text.endswith(("0万元", ".万元")) or "." not in text


@given(st.text(max_size=20))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    with suppress(DispatcherError):
        assert 0 <= read_figure(RATE, text) <= 100


# ------------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    "month, day, expected",
    [(3, 31, (9, 30)), (9, 30, (9, 30)), (10, 1, (12, 31)), (12, 31, (12, 31))],
)
def test_the_target_of_a_day_is_the_first_that_is_not_past(
    month: int, day: int, expected: tuple[int, int]
) -> None:
    target = wanted(RATE._replace(targets=DATED), date(2026, month, day))
    assert target
    assert target.until == expected


def test_after_the_last_date_of_the_year_the_last_target_stays() -> None:
    measure = RATE._replace(targets=DATED[:1])
    assert wanted(measure, date(2026, 12, 31)) == DATED[0]
    assert str(target_words(measure, date(2026, 12, 31))) == "at least 75% by 9/30"
    assert wanted(RATE, date(2026, 12, 31)) is None
    assert target_words(RATE, date(2026, 12, 31)).render(translator("zh_CN")) == ""


@pytest.mark.parametrize(
    "day, value, met, says",
    [
        ("06-30", "10", None, "拨付率 10%, at least 75% by 9/30 still to come"),
        ("06-30", "80", True, "拨付率 80%, at least 75% by 9/30 wanted and reached"),
        ("09-30", "75", True, "拨付率 75%, at least 75% wanted and reached"),
        ("09-30", "74.9", False, "拨付率 74.9%, at least 75% wanted"),
        ("10-31", "70", False, "拨付率 70%, at least 75% by 9/30 wanted"),
        ("10-31", "80", None, "拨付率 80%, at least 100% by 12/31 still to come"),
        ("12-31", "99.9", False, "拨付率 99.9%, at least 100% wanted"),
        ("12-31", "100", True, "拨付率 100%, at least 100% wanted and reached"),
    ],
)
def test_a_dated_target_is_missed_from_its_date_on_and_not_before(
    day: str, value: str, met: bool | None, says: str
) -> None:
    due = date.fromisoformat(f"2026-{day}")
    found = verdict(RATE._replace(targets=DATED), Decimal(value), due)
    assert (found.met, str(found.says)) == (met, says)


@pytest.mark.parametrize(
    "compare, met, words",
    [
        (">=", [False, True, True], "at least 12个"),
        ("<=", [True, True, False], "at most 12个"),
        ("=", [False, True, False], "exactly 12个"),
        (">", [False, False, True], "more than 12个"),
    ],
)
def test_a_figure_below_at_and_above_the_number(compare: str, met: list[bool], words: str) -> None:
    day = date(2026, 3, 31)
    number = POSTS._replace(targets=(Target(compare, Decimal(12)),))  # type: ignore[arg-type]
    base = POSTS._replace(targets=(Target(compare, None),), base=Decimal(12))  # type: ignore[arg-type]
    assert [verdict(number, Decimal(value), day).met for value in (11, 12, 13)] == met
    assert [verdict(base, Decimal(value), day).met for value in (11, 12, 13)] == met
    assert str(target_words(number, day)) == words
    assert str(target_words(base, day)) == f"{words}, last year's figure"


def test_without_last_years_figure_nothing_is_judged_and_it_says_why() -> None:
    met, says = verdict(POSTS, Decimal(12), date(2026, 3, 31))
    assert met is None
    assert str(says) == (
        "岗位数 12个, no less than last year wanted, but last year's figure is missing"
    )


def test_what_is_only_recorded_is_not_judged() -> None:
    met, says = verdict(RATE, Decimal(12), date(2026, 3, 31))
    assert (met, str(says)) == (None, "拨付率 12%")


@given(FIGURES, st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_a_figure_that_reaches_every_target_is_never_missed(value: Decimal, due: date) -> None:
    measure = RATE._replace(targets=DATED)
    assert verdict(measure, value, due).met is not False or value < 100
    assert verdict(measure, Decimal(100), due).met


# --------------------------------------------------------------------------- what is said of it


def test_check_asks_for_the_figures_of_last_year_that_are_missing() -> None:
    ours = plan(
        duty="measures: [{name: 岗位数, target: 只增不减, each: 大家, base: {甲: 1}},"
        " {name: 人数, target: 有增加, base: 3}]"
    )
    says = "duty 'work': last year's figure ('base') is missing: 岗位数"
    assert says in [str(text) for text in warnings(ours, 2026)]


def test_why_names_each_measure_its_target_and_who_fills_it_in() -> None:
    ours = plan(
        "每季度",
        "measures: [{name: 拨付率, target: {09-30: 75%以上}, by: 甲}, {name: 资金, unit: 元}]",
    )
    chain = [str(reason.says) for reason in why(ours, one(ours, "2023-Q3"))]
    assert chain[-2:] == [
        "拨付率: at least 75%; from 甲",
        "资金: recorded only; from 甲, 乙, 丙",
    ]
