"""Cadence phrases: what is understood, what each means, and what is refused with a hint."""

from __future__ import annotations

from datetime import date
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import PhraseError
from dispatcher.plan import english
from dispatcher.plan.cadence import (
    LAST,
    Cadence,
    Dates,
    Day,
    Due,
    Event,
    Every,
    RangeEnd,
    YearRound,
)
from dispatcher.plan.phrases import FORMS, parse

MONDAY, FRIDAY = 0, 4
MEANING: dict[str, Cadence] = {
    "每周": Every("week"),
    "每周一": Every("week", weekdays=(MONDAY,)),
    "每周(星期五)": Every("week", weekdays=(FRIDAY,)),
    "每两周(2026-01-05起)": Every("fortnight", anchor=date(2026, 1, 5)),
    "每半月": Every("half-month"),
    "每月": Every("month"),
    "每两个月": Every("two-months"),
    "双月": Every("two-months"),
    "每季度": Every("quarter"),
    "每半年": Every("half-year"),
    "每年": Every("year"),
    "年内": Every("year"),
    "全年": YearRound(),
    "常年": YearRound(),
    "长期坚持": YearRound(),
    "持续推进": YearRound(),
    "每月1次": Every("month"),
    "每年至少2次": Every("year", 2),
    "每季度不少于1次": Every("quarter"),
    "每年1-2次": Every("year"),
    "全年、每季度": Every("quarter"),
    "每月10日前": Every("month", due=Due(LAST, 10)),
    "每季度末月25日前": Every("quarter", due=Due(LAST, 25)),
    "每季度首月5日前": Every("quarter", due=Due(1, 5)),
    "每月底": Every("month", due=Due(LAST, LAST)),
    "每月最后一个工作日": Every("month", due=Due(LAST, LAST, workday=True)),
    "每月第3个工作日前": Every("month", due=Due(LAST, 3, workday=True)),
    "每年3月31日前": Every("year", due=Due(3, 31)),
    "6月30日": Dates((Day(6, 30),)),
    "6月底、11月底": Dates((Day(6), Day(11))),
    "9月底前/12月底前": Dates((Day(9), Day(12))),
    "6月、11月": Dates((Day(6), Day(11))),
    "年底前": Dates((Day(12),)),
    "2023年9月30日前": Dates((Day(9, 30, 2023),)),
    "3月至11月每月1次": Every("month", months=tuple(range(3, 12))),
    "除寒暑假期外每月1次": Every("month", excepted=("寒暑假期",)),
    "除7、8月外每月": Every("month", months=(1, 2, 3, 4, 5, 6, 9, 10, 11, 12)),
    "学期结束前": RangeEnd("学期"),
    "验收结算后1个月内": Event("验收结算", 1, "months"),
}
"""What each form means, written by hand."""

TWINS = {
    "weekly": "每周",
    "every Monday": "每周一",
    "every two weeks from 2026-01-05": "每两周(2026-01-05起)",
    "every half-month": "每半月",
    "monthly": "每月",
    "every two months": "每两个月",
    "quarterly": "每季度",
    "half-yearly": "每半年",
    "yearly": "每年",
    "within the year": "年内",
    "year-round": "全年",
    "twice a year": "每年2次",
    "at least 2 times a year": "每年至少2次",
    "every month by the 10th": "每月10日前",
    "monthly by the end": "每月底",
    "every quarter by the 25th of the last month": "每季度末月25日前",
    "every quarter by the 5th of the first month": "每季度首月5日前",
    "every month by the last workday": "每月最后一个工作日",
    "every month by workday 3": "每月第3个工作日前",
    "every year by 03-31": "每年3月31日前",
    "06-30, 11-30": "6月30日、11月30日",
    "by the end of June and November": "6月底、11月底",
    "June, November": "6月、11月",
    "by 2023-09-30": "2023年9月30日前",
    "by year end": "年底前",
    "monthly from March to November": "3月至11月每月1次",
    "monthly except 寒暑假": "除寒暑假外每月1次",
    "monthly except July, August": "除7、8月外每月",
    "by the end of each 学期": "学期结束前",
    "within 1 month after 验收结算": "验收结算后1个月内",
}
SAME = [
    ("每年两次", "每年2次"),
    ("每年二次", "每年2次"),
    ("每月十日前", "每月10日前"),
    ("每月二十五日前", "每月25日前"),
    ("每月三十一日前", "每月31日前"),
    ("每月25号前", "每月25日前"),
    ("每月25日之前", "每月25日前"),
    ("每月25日以前", "每月25日前"),
    ("每月末", "每月底"),
    ("每月最后1个工作日前", "每月最后一个工作日"),
    ("每季度25日前", "每季度末月25日前"),
    ("每季度第1个月5日前", "每季度首月5日前"),
    ("每季", "每季度"),
    ("每三个月", "每季度"),
    ("每六个月", "每半年"),
    ("每个月", "每月"),
    ("每年度", "每年"),
    ("双周(自2026-01-05起)", "每两周(2026-01-05起)"),
    ("每两周(从2026-01-05起)", "每两周(2026-01-05起)"),
    ("每星期五", "每周五"),
    ("每周周五", "每周(星期五)"),
    ("每周五、周一", "每周一、五"),
    ("每季度至少开展1次", "每季度"),
    ("每季度至少召开一次", "每季度"),
    ("每季度开展不少于1次", "每季度"),
    ("每年3场", "每年3次"),
    ("每季度报送1篇", "每季度"),
    ("每年最少2次以上", "每年2次"),
    ("每年2至3次", "每年2次"),
    ("全年、每半年", "每半年"),
    ("全年每月", "每月"),
    ("全年,每季度", "每季度"),
    ("年内完成", "年内"),
    ("12月底前", "年底前"),
    ("年末", "年底前"),
    ("年中", "6月底"),
    ("11月底、6月底", "6月底、11月底"),
    ("6、11月", "6月、11月"),
    ("6月和11月", "6月、11月"),
    ("11月至3月每月1次", "除4、5、6、7、8、9、10月外每月"),
    ("每月(寒暑假期除外)", "除寒暑假期外每月1次"),
    ("除寒暑假期之外每月开展1次", "除寒暑假期外每月1次"),
    ("验收结算之后一个月之内", "验收结算后1个月内"),
    ("每个学期结束前", "学期结束前"),
    ("学期末前", "学期结束前"),
]


def normal(phrase: str) -> str:
    return str(parse(phrase))


def refusal(phrase: str) -> str:
    with pytest.raises(PhraseError) as refused:
        parse(phrase)
    return str(refused.value)


def full_width(phrase: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in phrase)


def test_every_form_that_is_offered_has_its_meaning_written_here() -> None:
    assert set(FORMS) == set(MEANING)
    assert set(english.FORMS) == set(TWINS)


@pytest.mark.parametrize("form", MEANING)
def test_a_form_means_what_its_words_say(form: str) -> None:
    assert parse(form) == MEANING[form]


@pytest.mark.parametrize("form", TWINS)
def test_an_english_twin_has_the_same_normal_form(form: str) -> None:
    assert normal(form) == normal(TWINS[form])
    assert normal(form.upper() if form.isascii() else form) == normal(TWINS[form])


@pytest.mark.parametrize("one, other", SAME)
def test_two_ways_to_say_it_have_the_same_normal_form(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize("form", FORMS)
def test_full_width_letters_and_blanks_make_no_difference(form: str) -> None:
    assert normal(full_width(form)) == normal(form)
    assert normal(f"\u3000{' '.join(form)} ") == normal(form)


@pytest.mark.parametrize("forms", [FORMS, english.FORMS])
def test_forms_that_mean_different_things_have_different_normal_forms(
    forms: tuple[str, ...],
) -> None:
    by_meaning = {repr(parse(form)): normal(form) for form in forms}
    assert len(set(by_meaning.values())) == len(by_meaning)


@pytest.mark.parametrize(
    "phrase, meaning",
    [
        ("3、6、9、12月25日前", "03-25,06-25,09-25,12-25"),
        ("6、11月10日前", "06-10,11-10"),
        ("6、11月底", "06-last,11-last"),
        ("3、6月中旬,9月底", "03-20,06-20,09-last"),
        ("2023年6月底、11月底前", "2023-06-last,2023-11-last"),
        ("2023年6月30日、9月30日", "2023-06-30,2023-09-30"),
        ("2023年底前", "2023-12-last"),
    ],
)
def test_what_a_list_of_days_names_once_holds_for_all_of_it(phrase: str, meaning: str) -> None:
    assert normal(phrase) == f"dates {meaning}"


@pytest.mark.parametrize(
    "phrase",
    [
        *("3月、6月、12月25日前", "每年6月、12月10日前", "1月、7月5日前", "3月、6月中旬"),
        *("6月底、2023年11月底", "验收后1000年内"),
    ],
)
def test_what_can_be_read_in_two_ways_or_reaches_too_far_is_refused(phrase: str) -> None:
    refusal(phrase)


@pytest.mark.parametrize(
    "phrase, near",
    [
        ("每季渡", "每季度"),
        ("每月10曰前", "每月10日前"),
        ("每月底前完成任务", "每月底"),
        ("寒暑假期外每月1次", "除寒暑假期外每月1次"),
        ("及时", "每"),
        ("quartely", "quarterly"),
        ("every quater", "quarterly"),
        ("every month by the tenth", "every month by the 10th"),
    ],
)
def test_what_is_not_understood_is_quoted_with_the_nearest_forms(phrase: str, near: str) -> None:
    says = refusal(phrase)
    assert f"'{phrase}'" in says
    assert near in says.split("nearest forms: ")[1]
    assert says.count(" | ") == 2


def test_a_slip_after_a_year_round_word_is_refused_with_the_whole_phrase() -> None:
    assert "'全年、每季渡'" in refusal("全年、每季渡")


@pytest.mark.parametrize(
    "phrase", ["", " ", "。", "每", "1", "每月每季度", "每月、每月", "全年、全年"]
)
def test_a_phrase_without_a_meaning_is_refused(phrase: str) -> None:
    assert f"'{phrase}'" in refusal(phrase)


@pytest.mark.parametrize(
    "phrase, parts",
    [
        ("月调度、季通报", ["月调度", "季通报"]),
        ("月调度，季通报", ["月调度", "季通报"]),
        ("每月、每季度", ["每月", "每季度"]),
        ("每月调度、每季度通报", ["每月调度", "每季度通报"]),
        ("每月一管护、每季度一检查、半年一督导", ["每月一管护", "每季度一检查", "半年一督导"]),
    ],
)
def test_two_cadences_in_one_phrase_are_refused_as_two_duties(
    phrase: str, parts: list[str]
) -> None:
    says = refusal(phrase)
    assert f"names {len(parts)} cadences, so it is {len(parts)} duties" in says
    assert f"({', '.join(parts)})" in says


@pytest.mark.parametrize(
    "phrase",
    [
        *("每月32日前", "2月30日", "2023年2月29日", "4月31日", "13月底", "每年2月30日前"),
        *("每季度第4个月5日前", "每月第24个工作日前", "3月至13月每月1次", "06-31", "2023-02-29"),
        *("每月0日前", "每季度第0个月5日前", "每月第0个工作日前", "6月0日", "06-00"),
        *("除13月外每月", "除0月外每月"),
    ],
)
def test_a_day_or_month_that_no_calendar_has_is_refused(phrase: str) -> None:
    assert f"'{phrase}'" in refusal(phrase)


@pytest.mark.parametrize("phrase", ["每月0次", "每年至少0次", "验收结算后0个月内"])
def test_a_count_of_nothing_is_refused(phrase: str) -> None:
    refusal(phrase)


def test_excepting_all_twelve_months_is_refused() -> None:
    refusal("除1、2、3、4、5、6、7、8、9、10、11、12月外每月")


@pytest.mark.parametrize("phrase", ["每周8次", "每月32次", "每季度93次", "每年367次"])
def test_more_times_than_the_period_has_days_are_refused(phrase: str) -> None:
    refusal(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "每年" + "9" * 5000 + "次",
        "99999999999999999999月30日",
        "验收结算后99999999999999999999个月内",
        "每年99999999999次",
        "9999999年1月1日",
    ],
)
def test_an_absurd_number_is_refused_like_any_other_phrase(phrase: str) -> None:
    refusal(phrase)


@pytest.mark.parametrize("phrase", ["每年" + "1" * 20_000, "每" * 100_000, "x" * 200_000])
def test_an_endless_phrase_is_refused_within_a_second(phrase: str) -> None:
    begun = perf_counter()
    refusal(phrase)
    assert perf_counter() - begun < 1


def test_a_day_of_february_that_only_leap_years_have_is_understood() -> None:
    assert parse("2月29日") == Dates((Day(2, 29),))


WORDS = (
    "每 每年 每月 每季度 每半年 每周 每两周 半月 全年 年内 双月 周一 星期五 日 天 月 月份 月底 "
    "季度 末月 首月 第 个 最后一个 工作日 前 之前 内 后 次 场 至少 不少于 开展 除 外 之外 "
    "寒暑假期 学期 结束前 验收结算 1 2 10 25 30 31 0 99999999999999999999 十 二十 两 三 "
    "、 , ( ) / 和 至 - 2026-01-05 起 自 2023年 6月 11月 "
    "every month quarter by the 10th end of June except from to twice a year within after workday "
    "last and"
).split()


@given(st.text(max_size=40))
@settings(max_examples=500)
def test_any_text_is_a_cadence_or_a_phrase_error(phrase: str) -> None:
    assert_understood_or_refused(phrase)


@given(st.lists(st.sampled_from(WORDS), max_size=9), st.sampled_from(["", " "]))
@settings(max_examples=1500)
def test_any_jumble_of_cadence_words_is_a_cadence_or_a_phrase_error(
    words: list[str], between: str
) -> None:
    assert_understood_or_refused(between.join(words))


@given(st.sampled_from(FORMS + english.FORMS), st.integers(0, 30), st.text(max_size=2))
@settings(max_examples=500)
def test_any_slip_of_the_pen_gives_a_cadence_or_a_phrase_error(
    form: str, place: int, slip: str
) -> None:
    assert_understood_or_refused(form[:place] + slip + form[place + 1 :])


def assert_understood_or_refused(phrase: str) -> None:
    try:
        assert str(parse(phrase))
    except PhraseError as error:
        says = str(error)
    else:
        return
    assert phrase[:20] in says or "cadences" in says


@pytest.mark.parametrize(
    "phrase, says",
    [
        ("3月、6月25日前", "names a day of some months alone"),
        ("2026年3月、6月25日前", "names a day of some months alone"),
        ("2026年11月底、12月底、1月底", "leaves open of which year"),
        ("2026年12月、3月", "leaves open of which year"),
        ("6月底、2027年12月底", "leaves open of which year"),
    ],
)
def test_a_list_that_leaves_open_which_days_are_meant_is_refused_with_what_to_write(
    phrase: str, says: str
) -> None:
    with pytest.raises(PhraseError, match=says):
        parse(phrase)


@pytest.mark.parametrize(
    "phrase, means",
    [
        ("2026年6月底、2027年1月底", "dates 2026-06-last,2027-01-last"),
        ("2026年6月30日、12月31日", "dates 2026-06-30,2026-12-31"),
        ("11月底、1月底", "dates 01-last,11-last"),
    ],
)
def test_a_list_that_names_its_years_or_none_is_clear(phrase: str, means: str) -> None:
    assert str(parse(phrase)) == means
