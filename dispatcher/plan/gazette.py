"""Reading the State Council's holiday notice of a year from a file.

The file is JSON of the project holiday-cn, or a plain list, on each line a day, or days on end:
``2026-01-01..2026-01-03 休 元旦``, ``2026-01-04 班 元旦``. A date may be written ``2026年1月1日``,
``2026/1/1`` or ``2026.1.1``; days on end with ``~`` or ``至``, what is the same left out of the
last one; ``休``, ``班`` and the holiday in either order; ``#`` begins a comment.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from datetime import date

from dispatcher.errors import Place, PlanError, Problem
from dispatcher.i18n import _
from dispatcher.plan.nodes import Node, read_nodes
from dispatcher.plan.notices import Notice, Said, noticed
from dispatcher.plan.scalars import (
    FIRST_YEAR,
    LAST_YEAR,
    LONGEST,
    NAME,
    Day,
    Flag,
    Free,
    Whole,
    Words,
    read_day,
)
from dispatcher.plan.shape import Field, Many, Record, Report
from dispatcher.plan.workdays import DAY, Workdays

HOLIDAY_CN = Record(
    {
        "$schema": Field(Free(), ""),
        "$id": Field(Free(), ""),
        "year": Field(Whole(FIRST_YEAR, LAST_YEAR), ""),
        "papers": Field(Many(Words()), ""),
        "days": Field(
            Many(
                Record(
                    {
                        "name": Field(NAME, "", required=True),
                        "date": Field(Day(), "", required=True),
                        "isOffDay": Field(Flag(), "", required=True),
                    }
                ),
            ),
            "",
            required=True,
        ),
    }
)
KINDS = {"休": True, "放假": True, "off": True, "班": False, "上班": False, "work": False}
_DAYS = re.compile(
    r"\s*(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:\s*(?:\.\.|~|至|到|-)\s*(?:(?:(\d{4})[-/.年])?(\d{1,2})[-/.月])?(\d{1,2})日?)?"
    r"(?=[\s,:])(.*)"
)


def notice_in(
    name: str, text: str, year: int | None = None, source: str | None = None
) -> tuple[int, Notice]:
    """The year and the notice in a file; ``year`` and ``source`` where the file does not say.

    Raises PlanError with every problem that could be found, each with its place.
    """
    report, start = Report(), Place(1, 1)
    is_json = text.lstrip().startswith(("{", "["))
    said, its_year, its_source = (_json if is_json else _list)(name, text, report)
    if its_year and year not in (None, its_year):
        report(start, _("this is the notice of {year}", year=its_year))
    source, year = source or its_source, year or its_year
    if not report.problems and not said:
        report(start, _("there is no day in this file, like: 2026-01-01..2026-01-03 休 元旦"))
    elif not report.problems and year is None:
        report(start, _("the year is missing: give --year"))
    if not source:
        report(start, _("where the notice comes from is missing: give --source"))
    if report.problems or year is None:
        raise PlanError(name, report.problems)
    notice = noticed(year, source, said, start, report)
    if report.problems:
        raise PlanError(name, report.problems)
    return year, notice


def _json(name: str, text: str, report: Report) -> tuple[list[Said], int | None, str]:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        text_ = _("not valid JSON: {detail}", detail=error.msg)
        raise PlanError(name, [Problem(Place(error.lineno, error.colno), text_)]) from None
    except (RecursionError, ValueError):
        pass  # too deep, or a number too long: refused below, with its place
    # JSON is YAML, and so each value has its place.
    entry = HOLIDAY_CN.read(read_nodes(name, text), report)
    if entry is None:
        return [], None, ""
    said = [
        Said(day["date"], day["date"], day["isOffDay"], str(day["name"]), day.place("date"))
        for day in entry.get("days", ())
        if {"name", "date", "isOffDay"} <= day.keys()
    ]
    return said, entry.get("year"), " ".join(entry.get("papers", ()))


def _list(_name: str, text: str, report: Report) -> tuple[list[Said], int | None, str]:
    said = []
    for number, line in enumerate(text.splitlines(), start=1):
        plain = unicodedata.normalize("NFKC", line).partition("#")[0]
        one = _line(plain, number, report) if plain.strip() else None
        said += [one] if one else []
    years = Counter(one.first.year for one in said)
    return said, max(years, key=years.__getitem__, default=None), ""


def _line(line: str, number: int, report: Report) -> Said | None:
    place = Place(number, len(line) - len(line.lstrip()) + 1)
    match = _DAYS.match(line + " ")
    days = _days(match) if match else None
    if not (match and days):
        text = _("'{line}' should be like: 2026-01-01..2026-01-03 休 元旦", line=line.strip())
        report(place, text)
        return None
    kinds, name = _kinds_and_name(match[7])
    if len(kinds) != 1 or not name:
        text = _("'{line}' needs 休 or 班, and the holiday: 2026-01-04 班 元旦", line=line.strip())
        report(place, text)
        return None
    found = NAME.read(Node("scalar", name, place), report)
    return Said(*days, kinds[0], str(found), place) if found else None


def _days(match: re.Match[str]) -> tuple[date, date] | None:
    """The first and the last of the days that a line begins with, if these can be."""
    first = _date(match[1], match[2], match[3])
    last = _date(match[4] or match[1], match[5] or match[2], match[6]) if match[6] else first
    return (first, last) if first and last and first <= last <= first + LONGEST else None


def _kinds_and_name(rest: str) -> tuple[list[bool], str]:
    """What a line says of its days, each word for it once, and the holiday."""
    words = [word for word in re.split(r"[\s,:;]+", rest) if word]
    kinds = [KINDS[word.lower()] for word in words if word.lower() in KINDS]
    return kinds, "".join(word for word in words if word.lower() not in KINDS)


def _date(year: str, month: str, day: str) -> date | None:
    return read_day(f"{year}-{month:0>2}-{day:0>2}")


def contradictions(year: int, notice: Notice) -> list[date] | None:
    """The days on which a notice says otherwise than the package; None in a year that it does not
    know."""
    package, ours = Workdays(), Workdays(notices={year: notice})
    if year not in package.known:
        return None
    days = (date(year - 1, 12, 1) + n * DAY for n in range(31 + 366))
    return [day for day in days if package.is_workday(day) != ours.is_workday(day)]
