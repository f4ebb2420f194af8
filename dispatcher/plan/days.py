"""Days that a phrase names: within a period, or of a year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from dispatcher.errors import PhraseError
from dispatcher.i18n import _
from dispatcher.plan.cadence import LAST, Dates, Day, Due
from dispatcher.plan.periods import MONTHS

MAX_WORKDAYS = 23
"""No month has more weekdays than this; a month with fewer gives its last workday."""
LAST_MONTH = (None, "末", "最后1个")
"""How a phrase names the last month of a period; by nothing, most often."""

BEFORE = "(?:之前|以前|前|内)?"
_MONTH_OF = re.compile(r"(?:(首|第1个|末|最后1个|第(\d+)个)月)?(.*)")
_DAY_OF = re.compile(
    rf"(?:(?P<day>\d+)[日号]|(?P<last>底|末)|(?P<lastwork>最后1个工作日)|第(?P<work>\d+)个工作日){BEFORE}"
)
_YEAR_DAY = re.compile(rf"(\d+)月(?:份)?(?:(\d+)[日号]|底|末)?{BEFORE}")
_DATE = re.compile(
    rf"(?:(\d{{4}})年)?(?:(\d+)月(?:份)?(?:(\d+)[日号]|(底|末|上旬|中旬|下旬))?|(年底|年末)|(年中)){BEFORE}"
)
_ISO_DATE = re.compile(rf"(?:(\d{{4}})-)?(\d\d?)-(\d\d?){BEFORE}")
SEPARATOR = re.compile(r"[、,/;和及与]")
_MONTH = re.compile(rf"(?:\d{{4}}年)?\d+月(?:份)?{BEFORE}")
_LATE = re.compile(r"(\d{4})年(底|末|中)")
_TEN_DAYS = {"上旬": 10, "中旬": 20}


def due_in(unit: str, text: str) -> Due | None:
    """The day within a period of ``unit`` that ``text`` names; None when it names none.

    >>> due_in("quarter", "首月5日前"), due_in("year", "3月31日前")
    (Due(month=1, day=5, workday=False), Due(month=3, day=31, workday=False))
    """
    if unit not in MONTHS:
        return None
    if unit == "year" and (found := _YEAR_DAY.fullmatch(text)):
        return _due_in_year(found)
    month = _MONTH_OF.fullmatch(text)
    day = _DAY_OF.fullmatch(month[3]) if month else None
    return _due_in_months(unit, month, day) if month and day else None


def _due_in_year(found: re.Match[str]) -> Due | None:
    day = Day(int(found[1]), int(found[2] or LAST))
    return Due(day.month, day.day) if _exists(day) and not _zero(found[2]) else None


def _due_in_months(unit: str, month: re.Match[str], day: re.Match[str]) -> Due | None:
    named = day["work"] or day["day"]
    if _zero(named) or _zero(month[2]):
        return None
    number = LAST if month[1] in LAST_MONTH else int(month[2] or 1)
    workday = bool(day["work"] or day["lastwork"])
    due = Due(number, int(named or LAST), workday)
    fits = due.month <= MONTHS[unit] and due.day <= (MAX_WORKDAYS if workday else 31)
    return due if fits else None


def _zero(digits: str | None) -> bool:
    """Whether somebody wrote a nought, which ``LAST`` is not to be taken for."""
    return bool(digits) and not int(digits or 0)


def dates(text: str) -> Dates | None:
    """The days of a year that ``text`` lists; None when it is no such list.

    Raises PhraseError for a list that leaves open which days are meant.

    >>> str(dates("6月底、11月底"))
    'dates 06-last,11-last'
    """
    parts = SEPARATOR.split(_LATE.sub(r"\1年年\2", re.sub("^每年", "", text)))
    days = list(_days(_completed(parts)))
    if not days or len(days) != len(parts):
        return None
    _refuse_vague(text, parts, days)
    days = _of_the_year_named(days)
    return Dates(tuple(sorted(days, key=lambda day: (day.year or 0, *_place(day)))))


def _completed(parts: list[str]) -> list[str]:
    """A bare number is a month, with the day of the next part that names its own.

    >>> _completed(["3", "6月25日前", "11月"])
    ['3月25日前', '6月25日前', '11月']
    """
    day, found = None, []
    for part in reversed(parts):
        if "月" in part:
            day = part.rpartition("月")[2]
        bare = part.isdigit() and day is not None
        found.append(f"{part}月{day}" if bare else part)
    return found[::-1]


def _refuse_vague(text: str, parts: list[str], days: list[Day]) -> None:
    """Months beside a day of another may be meant to have that day (3月、6月25日前); a day without
    a year, before one of a year or earlier than it, may be of either (2026年12月底、1月底)."""
    if any(map(_MONTH.fullmatch, parts)) and any(day.day for day in days):
        says = _("'{phrase}' names a day of some months alone: write the day of each", phrase=text)
        raise PhraseError(says)
    if _is_of_an_open_year(days):
        says = _("'{phrase}' leaves open of which year each day is: write it", phrase=text)
        raise PhraseError(says)


def _is_of_an_open_year(days: list[Day]) -> bool:
    if days[0].year is None:
        return any(day.year for day in days)
    return any(
        after.year is None and _place(after) < _place(before) for before, after in pairwise(days)
    )


def _place(day: Day) -> tuple[int, int]:
    """Where it stands in its year."""
    return day.month, day.day or 99


def _of_the_year_named(days: list[Day]) -> list[Day]:
    """A year holds for the days after it, too, until another is named."""
    year, found = None, []
    for day in days:
        year = day.year or year
        found.append(day._replace(year=year))
    return found


def _days(parts: list[str]) -> Iterator[Day]:
    for bare in parts:
        if match := _ISO_DATE.fullmatch(bare):
            day = Day(int(match[2]), int(match[3]), int(match[1]) if match[1] else None)
            named = match[3]
        elif match := _DATE.fullmatch(bare):
            day, named = _day(match), match[3]
        else:
            return
        if not _exists(day) or _zero(named):
            return
        yield day


def _day(match: re.Match[str]) -> Day:
    year = int(match[1]) if match[1] else None
    if match[5] or match[6]:
        return Day(12 if match[5] else 6, LAST, year)
    return Day(int(match[2]), int(match[3] or _TEN_DAYS.get(match[4] or "", LAST)), year)


def _exists(day: Day) -> bool:
    try:
        date(day.year or 2024, day.month, day.day or 1)
    except ValueError:
        return False
    return True
