"""Cadence phrases, as such documents write them in their 完成时限 column.

``parse`` reads Chinese phrases; English twins are first rewritten into Chinese by ``english``, so
that there is one grammar. What it does not understand it refuses, with the nearest forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache

from dispatcher.errors import PhraseError
from dispatcher.i18n import _
from dispatcher.plan.cadence import Cadence, Event, Every, RangeEnd, YearRound
from dispatcher.plan.days import BEFORE, SEPARATOR, dates, due_in
from dispatcher.plan.english import FORMS as ENGLISH_FORMS
from dispatcher.plan.english import to_chinese
from dispatcher.plan.scalars import read_day

FORMS = (
    *(
        "每周",
        "每周一",
        "每周(星期五)",
        "每两周(2026-01-05起)",
        "每半月",
        "每月",
        "每两个月",
        "双月",
    ),
    *("每季度", "每半年", "每年", "年内", "全年", "常年", "长期坚持", "持续推进"),
    *("每月1次", "每年至少2次", "每季度不少于1次", "每年1-2次", "全年、每季度"),
    *("每月10日前", "每季度末月25日前", "每季度首月5日前", "每月底", "每月最后一个工作日"),
    *("每月第3个工作日前", "每年3月31日前", "6月30日", "6月底、11月底", "9月底前/12月底前"),
    *("6月、11月", "年底前", "2023年9月30日前", "3月至11月每月1次"),
    *("除寒暑假期外每月1次", "除7、8月外每月", "学期结束前", "验收结算后1个月内"),
)
"""One example of each form, for error messages, the schema and the documents."""

UNITS = {
    "周": "week",
    "星期": "week",
    "2周": "fortnight",
    "双周": "fortnight",
    "半月": "half-month",
    "半个月": "half-month",
    "月": "month",
    "个月": "month",
    "2个月": "two-months",
    "双月": "two-months",
    "季度": "quarter",
    "季": "quarter",
    "3个月": "quarter",
    "半年": "half-year",
    "6个月": "half-year",
    "年": "year",
    "年度": "year",
}
NUMERALS = {numeral: number for number, numeral in enumerate("〇一二三四五六七八九十")} | {"两": 2}
MONTHS_OF_YEAR = range(1, 13)
WEEKDAYS = {name: index for index, name in enumerate("一二三四五六日")} | {"天": 6}

_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_VERB = "(?:开展|进行|组织|召开|举办|报送|核查|排查|检查|公示|发布|调度)"
_COUNT = (
    rf"{_VERB}?(?:至少|不少于|不低于|最少)?{_VERB}?"
    r"(\d+)(?:[-~至到]\d+)?(?:次|场|篇|期|轮|回)(?:以上)?"
)
_WEEKDAY = "(?:周|星期|礼拜)?[一二三四五六日天]"
_EVERY = re.compile(rf"每?(?<!双)(?P<unit>(?<=每)(?:{_UNIT})|双月|双周)(?P<tail>.*)")
_TAIL = re.compile(rf"(?P<due>.*?)(?:{_COUNT})?")
_WEEK_TAIL = re.compile(rf"\(?({_WEEKDAY}(?:[、,/和及]{_WEEKDAY})*){BEFORE}\)?")
_ANCHOR = re.compile(r"[,(]?(?:自|从)?(\d{4}-\d\d-\d\d)起\)?")
_EXCEPT = (
    re.compile(r"除(?P<what>.+?)(?:之)?外(?:的)?,?(?P<rest>.+)"),
    re.compile(r"(?P<rest>.+?)[,(](?P<what>[^,()]+)除外\)?"),
)
_WINDOW = re.compile(r"(\d+)月?(?:份)?(?:至|到|-|~)(\d+)月(?:份)?(?:期间|内)?,?(每.+)")
_RANGE_END = re.compile(rf"每?(?:个)?(?P<name>[^每除、,]+?)(?:结束{BEFORE[:-1]}|末前)")
_EVENT = re.compile(r"(?P<name>.+?)(?:之)?后,?(\d+)(?:个)?(工作日|日|天|周|月|年)(?:之)?内")
_EVENT_UNITS = {"日": "days", "天": "days", "工作日": "workdays"} | {
    "周": "weeks",
    "月": "months",
    "年": "years",
}
_PART = re.compile(r"每?(?P<unit>周|月|季度|季|半年|年度|年).*")


LONGEST = 200
MOST_TIMES = {
    "week": 7,
    "fortnight": 14,
    "half-month": 13,
    "month": 28,
    "two-months": 59,
    "quarter": 90,
    "half-year": 181,
    "year": 365,
}
"""How often a period has days enough, however short it is."""


@lru_cache(maxsize=65536)
def parse(phrase: str) -> Cadence:
    """The cadence that ``phrase`` means; raises PhraseError, quoting it, when it means none.

    >>> str(parse("每季度末月25日前")), str(parse("除7、8月外每月"))
    ('quarter; due month last, day 25', 'month; months 1,2,3,4,5,6,9,10,11,12')
    >>> str(parse("6月底、11月底")) == str(parse("by the end of June and November"))
    True
    >>> parse("验收结算后1个月内")
    Event(name='验收结算', number=1, unit='months')
    """
    if len(phrase) <= LONGEST and not re.search(r"\d{5}", phrase):
        text = normalised(to_chinese(phrase))
        for read in (_year_round, _combined, _two_duties, _excepted, _window, _every, *_LATER):
            cadence = read(text)
            if cadence is not None:
                return cadence
    phrase = phrase[:LONGEST]
    raise PhraseError(
        _(
            "cadence '{phrase}' is not understood; nearest forms: {forms}",
            phrase=phrase,
            forms=" | ".join(nearest_forms(phrase)),
        )
    )


def nearest_forms(phrase: str) -> list[str]:
    """Three forms that look most like ``phrase``, in its own language."""
    forms = FORMS if any(ord(letter) > 0x2E80 for letter in phrase) else ENGLISH_FORMS
    return get_close_matches(phrase, forms, 3, 0) if phrase else list(forms[:3])


def normalised(phrase: str) -> str:
    """Half-width, without blanks, counting words as digits.

    >>> normalised("每年 至少两次"), normalised("每周一次"), normalised("每月最后一个工作日")
    ('每年至少2次', '每周1次', '每月最后1个工作日')
    """
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", phrase))
    return re.sub(r"[一二两三四五六七八九十]+(?=个|次|场|篇|期|周|日|号|月|天)", _number, text)


def _number(match: re.Match[str]) -> str:
    tens, ten, ones = match[0].rpartition("十")
    if not ten:
        return "".join(str(NUMERALS[numeral]) for numeral in match[0])
    return str(NUMERALS.get(tens, 1) * 10 + NUMERALS.get(ones, 0))


def _year_round(text: str) -> Cadence | None:
    if re.fullmatch("全年|常年|长期|长期坚持|持续推进|常态化推进|全年推进", text):
        return YearRound()
    return Every("year") if re.fullmatch("年内(?:完成)?", text) else None


def _combined(text: str) -> Cadence | None:
    """全年、每季度 reads as 每季度: the text's own column says so."""
    match = re.fullmatch("(?:全年|年内)[、,]?(每.+)", text)
    return _every(match[1]) if match else None


def _two_duties(text: str) -> Cadence | None:
    parts = SEPARATOR.split(text)
    found = [_PART.fullmatch(part) for part in parts]
    units = {UNITS[match["unit"]] for match in found if match}
    if len(units) < 2 or not all(found):
        return None
    raise PhraseError(
        _(
            "'{phrase}' names {count} cadences, so it is {count} duties: "
            "write one duty for each ({parts})",
            phrase=text,
            count=len(parts),
            parts=parts,
        )
    )


def _excepted(text: str) -> Cadence | None:
    for pattern in _EXCEPT:
        if match := pattern.fullmatch(text):
            rest = _every(match["rest"])
            if rest is None:
                return None
            names = [name for name in SEPARATOR.split(match["what"]) if name]
            if all(re.fullmatch(r"\d+(?:月(?:份)?)?", name) for name in names):
                without = {int(re.sub(r"\D", "", name)) for name in names}
                months = tuple(month for month in MONTHS_OF_YEAR if month not in without)
                known = without <= set(MONTHS_OF_YEAR)
                return rest._replace(months=months) if known and months else None
            return rest._replace(excepted=tuple(names))
    return None


def _window(text: str) -> Cadence | None:
    if match := _WINDOW.fullmatch(text):
        first, last = int(match[1]), int(match[2])
        rest = _every(match[3])
        if rest and 1 <= first <= 12 and 1 <= last <= 12:
            months = range(first, last + 1 + 12 * (last < first))
            return rest._replace(months=tuple(sorted((m - 1) % 12 + 1 for m in months)))
    return None


def _every(text: str) -> Every | None:
    match = _EVERY.fullmatch(text)
    if not match:
        return None
    unit, tail = UNITS[match["unit"]], match["tail"]
    if unit in ("week", "fortnight"):
        return _weekly(unit, tail)
    parts = _TAIL.fullmatch(tail)
    if not parts:
        return None
    every = Every(unit, int(parts[2] or 1))
    if not parts["due"]:
        return every if 1 <= every.times <= MOST_TIMES[unit] else None
    due = due_in(unit, parts["due"])
    return every._replace(due=due) if due and every.times == 1 else None


def _weekly(unit: str, tail: str) -> Every | None:
    every = Every(unit)
    if unit == "fortnight" and (match := _ANCHOR.search(tail)):
        every = every._replace(anchor=read_day(match[1]))
        tail = tail.replace(match[0], "")
    if match := re.fullmatch(_COUNT, tail):
        times = int(match[1])
        return every._replace(times=times) if 1 <= times <= MOST_TIMES[unit] else None
    if match := _WEEK_TAIL.fullmatch(tail):
        days = {WEEKDAYS[name[-1]] for name in re.findall(_WEEKDAY, match[1])}
        return every._replace(weekdays=tuple(sorted(days)))
    return None if tail else every


def _range_end(text: str) -> Cadence | None:
    match = _RANGE_END.fullmatch(text)
    return RangeEnd(match["name"]) if match else None


MOST_AFTER = 999
"""Days, or years: what is due later still is nobody's to be reminded of."""


def _event(text: str) -> Cadence | None:
    match = _EVENT.fullmatch(text)
    if not match or not 0 < int(match[2]) <= MOST_AFTER:
        return None
    return Event(match["name"], int(match[2]), _EVENT_UNITS[match[3]])


_LATER: tuple[Callable[[str], Cadence | None], ...] = (dates, _range_end, _event)
