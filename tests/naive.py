"""A second, naive calendar: what must arrive, enumerated day by day from the hand-made corpus.

It shares no code with the program. Workdays come from chinesecalendar's public function, due dates
and units from ``tests/corpus``; the steps, what supersedes them, when a period lapses and when
those above hear of it are written down once more here, as plainly as they can be.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import chinese_calendar

CORPUS = Path(__file__).parent / "corpus"
DAY = timedelta(days=1)
BEFORE = {
    "month": (7, 1),
    "quarter": (15, 3),
    "half-year": (30, 7),
    "year": (60, 15, 3),
    "dates": (15, 3),
}
DATES = ("fund-disbursement", "startup-subsidy-review")
SUPERIOR = "区分管领导"
ESCALATE_AFTER = 3


class Due(NamedTuple):
    """A line of the corpus that is not skipped."""

    duty: str
    period: str
    opens: date
    due: date
    nominal: date
    provisional: bool = False


@cache
def is_workday(day: date) -> bool:
    # Nobody has announced 2027 yet; New Year's Day is all that matters of it here.
    if day.year > 2026:
        return day.weekday() < 5 and (day.month, day.day) != (1, 1)
    return bool(chinese_calendar.is_workday(day))


def workday_before(day: date) -> date:
    while not is_workday(day):
        day -= DAY
    return day


def workday_after(day: date) -> date:
    while not is_workday(day):
        day += DAY
    return day


@cache
def workdays_late(due: date, today: date) -> int:
    """How many workdays there are after ``due`` up to ``today``."""
    if today <= due:
        return 0
    return workdays_late(due, today - DAY) + is_workday(today)


def read(name: str) -> list[dict[str, str]]:
    with (CORPUS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def duties() -> dict[str, dict[str, str]]:
    return {line["id"]: line for line in read("duties.csv")}


def due_lines(*years: int) -> Iterator[Due]:
    for year in years:
        for line in read(f"due-{year}.csv"):
            if not line["remark"].startswith("skipped:"):
                days = (date.fromisoformat(line[key]) for key in ("opens", "due", "nominal"))
                yield Due(line["duty"], line["period"], *days, line["provisional"] == "yes")


def is_progress(duty: dict[str, str]) -> bool:
    return "year-round" in duty["cadence"]


def owing(duty: dict[str, str]) -> list[str]:
    """The units that owe an answer; the others that are told get copies."""
    return duty["lead"].split() if duty["owes"] == "lead" else duty["told"].split()


def length(line: Due) -> str:
    if line.duty in DATES:
        return "dates"
    days = (line.nominal - line.opens).days + 1
    for limit, name in ((31, "month"), (92, "quarter"), (184, "half-year")):
        if days <= limit:
            return name
    return "year"


def steps(line: Due, progress: bool) -> dict[date, str]:
    """The step to tell on each day, the later one where two fall together, up to the due date."""
    found: dict[date, str] = {}
    if not progress:
        found[workday_after(line.opens)] = "open"
    for days in BEFORE[length(line)]:
        day = workday_before(line.due - days * DAY)
        if day >= line.opens:
            found[day] = f"T-{days}"
    found = {day: step for day, step in found.items() if day < line.due}
    found[line.due] = "T"
    return found


def urges(workdays: int) -> bool:
    """Whether an unanswered line is urged so many workdays after its due date."""
    return workdays in (1, 3) or (workdays > 3 and (workdays - 3) % 5 == 0)


def overdue_days(line: Due, progress: bool, until: date) -> Iterator[tuple[date, int, bool]]:
    """The days on which an unanswered line is urged, each with its count, and whether those above
    hear of it too: from T+3 on, since T+1 was told before."""
    day, times = line.due, 0
    while day < until:
        day += DAY
        workdays = workdays_late(line.due, day)
        if is_workday(day) and urges(workdays):
            times += 1
            if progress and times > 2:
                return
            yield day, times, workdays >= ESCALATE_AFTER


Expected = dict[tuple[date, str], set[tuple[str, str, int, str]]]
"""By day and unit: (duty, period, how often it has been urged after its due date, and the unit
that is late where the told one stands above it)."""


def expected(first: date, last: date, *, answered: bool) -> Expected:
    """What each unit must be told on each day of ``first``..``last``, the service going live on
    ``first``: with everybody answering on the due day, or with nobody answering ever."""
    known = duties()
    lines = [line for line in due_lines(first.year, first.year + 1) if line.due >= first]
    successors: dict[str, list[date]] = defaultdict(list)
    for line in lines:
        successors[line.duty].append(line.due)
    found: Expected = defaultdict(set)
    for line in lines:
        duty, item = known[line.duty], (line.duty, line.period)
        for day in _from(workday_after(first), steps(line, is_progress(duty))):
            for unit in duty["told"].split():
                found[day, unit].add((*item, 0, ""))
        lapses = min((due for due in successors[line.duty] if due > line.due), default=date.max)
        if not answered:
            for day, unit, times, late in _urged(line, duty, min(lapses - DAY, last)):
                found[day, unit].add((*item, times, late))
    return {key: items for key, items in found.items() if key[0] <= last}


def _urged(line: Due, duty: dict[str, str], until: date) -> Iterator[tuple[date, str, int, str]]:
    """Whom an unanswered line is told after its due date, up to a day, with its count."""
    for day, times, escalated in overdue_days(line, is_progress(duty), until):
        for unit in owing(duty):
            yield day, unit, times, ""
            if escalated:
                yield day, SUPERIOR, times, unit


def _from(go_live: date, by_day: dict[date, str]) -> dict[date, str]:
    """Steps that lie before go-live are told then, the latest of them only."""
    missed = [day for day in by_day if day < go_live]
    found = {day: step for day, step in by_day.items() if day >= go_live}
    if missed and go_live not in found:
        found[go_live] = by_day[max(missed)]
    return found
