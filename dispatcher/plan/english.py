"""English twins of the cadence words, rewritten into the Chinese ones.

One grammar is enough: ``every month by the 10th`` becomes 每月10日前 and is read as such.
"""

from __future__ import annotations

import re
from collections.abc import Callable

FORMS = (
    *("weekly", "every Monday", "every two weeks from 2026-01-05", "every half-month", "monthly"),
    *("every two months", "quarterly", "half-yearly", "yearly", "within the year", "year-round"),
    *("twice a year", "at least 2 times a year", "every month by the 10th", "monthly by the end"),
    *("every quarter by the 25th of the last month", "every quarter by the 5th of the first month"),
    *("every month by the last workday", "every month by workday 3", "every year by 03-31"),
    *("06-30, 11-30", "by the end of June and November", "June, November", "by 2023-09-30"),
    *("by year end", "monthly from March to November", "monthly except 寒暑假"),
    *("monthly except July, August", "by the end of each 学期", "within 1 month after 验收结算"),
)
"""One example of each form."""

MONTH_NAMES = (
    "january february march april may june july august september october november december"
)
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES.split(), start=1)}
MONTHS |= {name[:3]: number for name, number in MONTHS.items()}
WEEKDAYS = {
    "monday": "一",
    "tuesday": "二",
    "wednesday": "三",
    "thursday": "四",
    "friday": "五",
    "saturday": "六",
    "sunday": "日",
}
UNITS = {
    "day": "日",
    "workday": "工作日",
    "week": "周",
    "two weeks": "2周",
    "fortnight": "2周",
    "half-month": "半月",
    "month": "月",
    "two months": "2个月",
    "quarter": "季度",
    "half-year": "半年",
    "year": "年",
}
ADVERBS = {
    "weekly": "week",
    "fortnightly": "fortnight",
    "monthly": "month",
    "bimonthly": "two months",
    "quarterly": "quarter",
    "half-yearly": "half-year",
    "yearly": "year",
    "annually": "year",
}
WHOLE = {
    "year-round": "全年",
    "all year": "全年",
    "within the year": "年内",
    "by year end": "年底前",
}

_FIRST_LAST = {"first": "首月", "last": "末月"}
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = "|".join(WEEKDAYS)
_REWRITES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (rf"\b({'|'.join(ADVERBS)})\b", lambda m: "every " + ADVERBS[m[1]]),
    (rf"^every ({_DAY})$", lambda m: "每周" + WEEKDAYS[m[1]]),
    (rf"^every week on ({_DAY})$", lambda m: "每周" + WEEKDAYS[m[1]]),
    (r"\bonce\b", lambda m: "1 time"),
    (r"\btwice\b", lambda m: "2 times"),
    (
        rf"^(?:at least )?(\d+) times? (?:a|per|every) ({_UNIT})",
        lambda m: f"每{UNITS[m[2]]}{m[1]}次",
    ),
    (rf"^every ({_UNIT})\b", lambda m: "每" + UNITS[m[1]]),
    (r"^(\S+) (?:at least )?(\d+) times?$", lambda m: f"{m[1]}{m[2]}次"),
    (
        r" by the (\d+)(?:st|nd|rd|th) of the (first|last) month$",
        lambda m: f"{_FIRST_LAST[m[2]]}{m[1]}日前",
    ),
    (r"(?<=\S) by the (\d+)(?:st|nd|rd|th)$", lambda m: f"{m[1]}日前"),
    (r"(?<=\S) by the last workday$", lambda m: "最后1个工作日"),
    (r"(?<=\S) by workday (\d+)$", lambda m: f"第{m[1]}个工作日前"),
    (r"(?<=\S) by the end$", lambda m: "底前"),
    (r"(?<=每年) by (\d\d)-(\d\d)$", lambda m: f"{int(m[1])}月{int(m[2])}日前"),
    (
        rf"^(.+?),? from ({_MONTH}) to ({_MONTH})$",
        lambda m: f"{MONTHS[m[2]]}月至{MONTHS[m[3]]}月{m[1]}",
    ),
    (r"^(.+?) from (\d{4}-\d\d-\d\d)$", lambda m: f"{m[1]}(自{m[2]}起)"),
    (r"^(.+?),? except (?:in )?(.+)$", lambda m: f"除{_listed(m[2])}外{m[1]}"),
    (r"^by the end of each (.+)$", lambda m: f"{m[1]}结束前"),
    (
        rf"^(?:by (?:the end of )?)?((?:{_MONTH})(?:(?:, | and )(?:{_MONTH}))*)$",
        lambda m: _month_ends(m[1]),
    ),
    (rf"^(?:by )?({_MONTH}) (\d+)$", lambda m: f"{MONTHS[m[1]]}月{m[2]}日"),
    (r"^by (?=\d)", lambda m: ""),
    (
        rf"^within (\d+) ({_UNIT})s? (?:after|of) (.+)$",
        lambda m: f"{m[3]}后{m[1]}个{UNITS[m[2]]}内",
    ),
)


def to_chinese(phrase: str) -> str:
    """``phrase`` in Chinese cadence words; unchanged when it holds no English.

    >>> to_chinese("every quarter by the 25th of the last month"), to_chinese("twice a year")
    ('每季度末月25日前', '每年2次')
    >>> to_chinese("monthly except July, August"), to_chinese("每月")
    ('除7月、8月外每月', '每月')
    """
    text = " ".join(phrase.split())
    if not re.search("[A-Za-z]", text):
        return phrase
    text = re.sub(r"[A-Za-z]+", lambda m: m[0].lower(), text)
    if text in WHOLE:
        return WHOLE[text]
    # Compiled when an English phrase is first met: most calendars have none.
    for pattern, replacement in _REWRITES:
        text = re.sub(pattern, replacement, text)
    return text


def _listed(names: str) -> str:
    parts = re.split(r", | and ", names)
    return "、".join(f"{MONTHS[part]}月" if part in MONTHS else part for part in parts)


def _month_ends(names: str) -> str:
    return "、".join(f"{MONTHS[name]}月底" for name in re.split(r", | and ", names))
