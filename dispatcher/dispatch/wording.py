"""Small Chinese forms: dates, periods, sources, and why a date moved.

Dates are civil dates in the plan's zone. The punctuation is that of the shipped templates.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from dispatcher.plan.workdays import Workdays

View = dict[str, Any]
"""What a template is given: strings, numbers, and lists and dicts of them."""
WEEKDAYS = "一二三四五六日"
NUMERALS = "一二三四五六七八九十"
SECRECY = "(系统自动发送,请勿回复涉密内容和群众个人信息)"
UNSEEN = {"Cf", "Cs"}
"""Categories of characters that are dropped: they reorder or hide text, or cannot be encoded."""
BREAKING = {"Cc", "Zl", "Zp"}
REST_DAYS = {
    "New Year's Day": "元旦假期",
    "Spring Festival": "春节假期",
    "Tomb-sweeping Day": "清明节假期",
    "Labour Day": "劳动节假期",
    "Dragon Boat Festival": "端午节假期",
    "National Day": "国庆节假期",
    "Mid-autumn Festival": "中秋节假期",
    "a public holiday": "法定节假日",
    "a rest day by the office's own list": "本地休息日",
    "Saturday": "周六",
    "Sunday": "周日",
}
"""What ``Workdays.describe`` says of a rest day, as a message says it. 假期, since 30 September can
lie in the National Day holiday."""

PERIODS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"(\d{4})", lambda found: f"{found[1]}年"),
    (r"(\d{4})-(\d\d)", lambda found: f"{found[1]}年{int(found[2])}月"),
    (r"(\d{4})-Q([1-4])", lambda found: f"{found[1]}年第{NUMERALS[int(found[2]) - 1]}季度"),
    (r"(\d{4})-H([12])", lambda found: f"{found[1]}年{'上下'[int(found[2]) - 1]}半年"),
    (r"(\d{4})-W(\d\d)", lambda found: f"{found[1]}年第{int(found[2])}周"),
    (r"(\d{4})-M(\d\d)", lambda found: f"{found[1]}年{int(found[2])}-{int(found[2]) + 1}月"),
    (
        r"(\d{4}-\d\d)\.([12])",
        lambda found: f"{period_words(found[1])}{'上下'[int(found[2]) - 1]}半月",
    ),
    (r"(\d{4}(?:-\w+)?)\.(\d+)", lambda found: f"{period_words(found[1])}第{found[2]}次"),
)


def period_words(key: str) -> str:
    """A period's key in words; a name or a subject stays as it is.

    >>> [period_words(key) for key in ("2026-Q1", "2023-03", "2023-H1", "2023", "2023-W05")]
    ['2026年第一季度', '2023年3月', '2023年上半年', '2023年', '2023年第5周']
    >>> [period_words(key) for key in ("2023-03.1", "2023-M03", "2023.1", "2023-Q1.2")]
    ['2023年3月上半月', '2023年3-4月', '2023年第1次', '2023年第一季度第2次']
    >>> period_words("2022年秋季学期"), period_words("龙井村自来水项目")
    ('2022年秋季学期', '龙井村自来水项目')
    """
    for pattern, words in PERIODS:
        if found := re.fullmatch(pattern, key, re.ASCII):
            return words(found)
    return key


def titled(title: str, period: str) -> str:
    """A title with its period in words behind it, when it has one."""
    return f"{title}({period_words(period)})" if period else title


def day_words(day: date, today: date) -> str:
    """A day without its weekday; with the year only when it is not that of ``today``.

    >>> [day_words(day, date(2026, 1, 5)) for day in (date(2026, 4, 17), date(2027, 1, 4))]
    ['4月17日', '2027年1月4日']
    """
    year = "" if day.year == today.year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"


def day_and_weekday(day: date, today: date) -> str:
    """A day with its weekday.

    >>> day_and_weekday(date(2026, 4, 17), date(2026, 4, 17))
    '4月17日(周五)'
    """
    return f"{day_words(day, today)}(周{WEEKDAYS[day.weekday()]})"


def full_day(day: date) -> str:
    """A day with its year, as a letter is dated."""
    return f"{day.year}年{day.month}月{day.day}日"


def clock_words(at: datetime) -> str:
    """A local time of day.

    >>> clock_words(datetime(2026, 4, 17, 9)), clock_words(datetime(2026, 4, 17, 14, 5))
    ('9时', '14时5分')
    """
    return f"{at.hour}时" + (f"{at.minute}分" if at.minute else "")


def sources(rows: tuple[int, ...], clause: str) -> str:
    """Where the document asks for it: the rows of its list, the clause of its text, or both.

    >>> sources((9,), ""), sources((), "二(一)9"), sources((8, 17), "二(一)8")
    ('清单第9项', '要点二(一)9', '清单第8、17项、要点二(一)8')
    """
    numbers = "、".join(map(str, rows))
    found = (f"清单第{numbers}项" * bool(rows), f"要点{clause}" * bool(clause))
    return "、".join(filter(None, found))


def why_moved(due: date, nominal: date, workdays: Workdays) -> str:
    """Why ``due`` is not the nominal day; empty when it is.

    The rest day is named only when it alone explains the move. Otherwise a vacation or the office
    moved it, or an extension was granted, and only the day that it was moved from is said.

    >>> china = Workdays("china")
    >>> why_moved(date(2026, 4, 24), date(2026, 4, 25), china)
    '25日为周六,提前'
    >>> why_moved(date(2024, 4, 7), date(2024, 4, 5), china)
    '5日为清明节假期,顺延'
    >>> why_moved(date(2025, 1, 17), date(2025, 1, 31), china)
    '原为31日,提前'
    >>> why_moved(date(2026, 2, 6), date(2026, 1, 31), china)
    '原为1月31日,延后'
    """
    if due == nominal:
        return ""
    month = "" if (due.year, due.month) == (nominal.year, nominal.month) else f"{nominal.month}月"
    earlier = due < nominal
    if workdays.is_workday(nominal) or due not in (
        workdays.before(nominal),
        workdays.after(nominal),
    ):
        return f"原为{month}{nominal.day}日,{'提前' if earlier else '延后'}"
    name = REST_DAYS.get(workdays.describe(nominal).msgid, "休息日")
    return f"{month}{nominal.day}日为{name},{'提前' if earlier else '顺延'}"


def clean(text: str) -> str:
    """``text`` on one line, without characters that hide or reorder what is read.

    >>> clean("住房\\r\\nBcc: x@example.com\\u202e 排查\\x00")
    '住房 Bcc: x@example.com 排查'
    """
    if text.isprintable() and "  " not in text and text.strip() == text:
        return text
    kinds = ((char, unicodedata.category(char)) for char in text)
    visible = (" " if kind in BREAKING else char for char, kind in kinds if kind not in UNSEEN)
    return " ".join("".join(visible).split())


def cleaned(value: Any) -> Any:
    """``value`` with every string in its dicts and lists cleaned, so that no field is forgotten."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: cleaned(item) for name, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value
