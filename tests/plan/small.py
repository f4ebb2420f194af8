"""Calendars of one duty, for tests that need no more."""

from __future__ import annotations

from datetime import date

from dispatcher.plan.model import Duty, Plan
from dispatcher.plan.occurrences import Occurrence, occurrences
from dispatcher.plan.reading import read_plan

VACATIONS = (
    "寒暑假: [{name: 2023年寒假, from: 2023-01-13, to: 2023-02-05},"
    " {name: 2023年暑假, from: 2023-07-01, to: 2023-08-31, provisional: true}]"
)
TERM_ONLY = "除寒暑假期外每月1次"
ROLLS = ["preceding", "following", "none", "skip"]


def calendar(
    when: str = "每月",
    duty: str = "",
    *,
    since: str = "2023-01-01",
    days: str = "holidays: china",
    ranges: str = VACATIONS,
    defaults: str = "",
) -> str:
    """The text of a calendar with the duty ``work`` of 甲, 乙 and 丙; ``when`` may be ``{...}``."""
    phrase = when if when.startswith("{") else f'"{when}"'
    return f"""\
plan: {{title: 测试, office: 甲, from: {since}}}
calendar: {{{days}, ranges: {{{ranges}}}}}
defaults: {{{defaults}}}
units: {{甲: {{}}, 乙: {{}}, 丙: {{}}}}
groups: {{大家: [甲, 乙, 丙]}}
duties:
  - {{id: work, title: 工作, responsible: 大家, when: {phrase}{", " * bool(duty)}{duty}}}
"""


def plan(when: str = "每月", duty: str = "", **parts: str) -> Plan:
    """The plan of such a calendar."""
    return read_plan("schedules.yaml", calendar(when, duty, **parts))


def work(plan: Plan) -> Duty:
    """Its duty."""
    return plan.duties["work"]


def in_year(plan: Plan, year: int) -> list[Occurrence]:
    """What its duty has due in a year, skipped periods too."""
    return between(plan, date(year, 1, 1), date(year, 12, 31))


def between(plan: Plan, first: date, last: date) -> list[Occurrence]:
    """What its duty has due between two days, skipped periods too."""
    return occurrences(plan, work(plan), first, last)


def one(plan: Plan, period: str) -> Occurrence:
    """Its duty in a period."""
    year = int(period[:4])
    found = between(plan, date(year - 1, 1, 1), date(year + 1, 12, 31))
    return next(occurrence for occurrence in found if occurrence.period == period)


def due_days(plan: Plan, year: int) -> list[str]:
    """The days on which its duty is due in a year, as ``MM-DD``."""
    return [f"{found.due:%m-%d}" for found in in_year(plan, year) if not found.skipped]


def span(occurrence: Occurrence) -> str:
    """``opens..due`` as ``MM-DD..MM-DD``."""
    return f"{occurrence.opens:%m-%d}..{occurrence.due:%m-%d}"


def skips(found: list[Occurrence]) -> dict[str, str]:
    """Why periods are skipped, by key."""
    return {o.period: str(o.skipped) for o in found if o.skipped}
