"""What must arrive: a small plan of the campaign's own, enumerated by a second, naive calendar.

It shares no code with the product and never reads what the product has recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from tests.naive import DAY, is_workday, urges, workday_after, workday_before, workdays_late

OFFICE = "office@example.com"
FIRST = date(2026, 1, 5)
"""The day on which the service goes live, and on which the daily duty falls due."""
LAST = date(2027, 1, 1)
QUARTERS = "一二三四"


class Item(NamedTuple):
    """A line of a digest: on which day, to whom, about what, and how often it was urged so far.

    The office's reports are items too: about nothing but themselves.
    """

    day: date
    address: str
    title: str
    times: int = 0


class Line(NamedTuple):
    """Something that a unit owes: when it opens and is due, and the day on which it lapses."""

    address: str
    title: str
    opens: date
    due: date
    before: tuple[int, ...]
    lapses: date
    daily: bool = False


def address(number: int) -> str:
    """Where a unit is told."""
    return f"u{number}@example.com"


def calendar(units: int) -> str:
    """The plan as its office would write it: something that everybody owes and is told of every
    workday, something monthly for every second unit, something quarterly for every fifth."""
    names = [f"单位{number}" for number in range(units)]
    lines = [
        "plan: {title: 测试, office: 区农办, from: 2026-01-01}",
        "units:",
        f"  区农办: {{contacts: [{{name: 张工, email: {OFFICE}}}]}}",
        *(
            f"  {name}: {{contacts: [{{name: 王工, email: {address(number)}}}]}}"
            for number, name in enumerate(names)
        ),
        "duties:",
        _duty("a", "甲", "1月5日, overdue: [every 1wd]", names),
        _duty("b", "乙", "每月", names[::2]),
        _duty("c", "丙", "每季度", names[::5]),
    ]
    return "\n".join(lines) + "\n"


def _duty(key: str, title: str, when: str, names: Sequence[str]) -> str:
    return f"  - {{id: {key}, title: {title}, when: {when}, responsible: [{', '.join(names)}]}}"


def expected(units: int, awake: Iterable[date]) -> set[Item]:
    """Everything that must arrive when nobody ever answers and a pass is made on ``awake`` days."""
    days = sorted(day for day in awake if is_workday(day))
    assert all(day < LAST for day in days), "the plan's lines are those of one year"
    found = {item for line in _lines(units) for item in _told(line, days)}
    found |= {Item(day, OFFICE, "督办日报") for day in days}
    found |= {Item(day, OFFICE, "系统启动") for day in days[:1]}
    return found


def _lines(units: int) -> Iterator[Line]:
    for number in range(units):
        to = address(number)
        yield Line(to, "甲(2026年1月)", date(2026, 1, 1), FIRST, (), date.max, daily=True)
        if number % 2 == 0:
            yield from _periods(to, "乙(2026年{}月)", range(1, 13), 1, (7, 1))
        if number % 5 == 0:
            yield from _periods(to, "丙(2026年第{}季度)", QUARTERS, 3, (15, 3))


def _periods(
    to: str, title: str, names: Iterable[object], months: int, before: tuple[int, ...]
) -> Iterator[Line]:
    """The year in stretches of so many months, each due on its last workday."""
    ends = [_month_begin(number * months) - DAY for number in range(1, 12 // months + 2)]
    dues = [workday_before(end) for end in ends]
    for number, name in enumerate(names):
        opens = _month_begin(number * months)
        yield Line(to, title.format(name), opens, dues[number], before, dues[number + 1])


def _month_begin(number: int) -> date:
    """The first day of a month, counted from January 2026 as 0."""
    return date(2026 + number // 12, number % 12 + 1, 1)


def _told(line: Line, days: Sequence[date]) -> Iterator[Item]:
    """On each day the latest step, unless it has been told."""
    steps, last, times = _steps(line), None, 0
    for day in days:
        reached = [step for step in steps if step <= day]
        if day >= line.lapses or not reached or reached[-1] == last:
            continue
        last = reached[-1]
        times += last > line.due
        yield Item(day, line.address, line.title, times)


def _steps(line: Line) -> list[date]:
    """The days on which an unanswered line has a step, until the end of the year."""
    early = {workday_after(line.opens)}
    early |= {workday_before(line.due - days * DAY) for days in line.before}
    late = (line.due + timedelta(days=days) for days in range(1, 366))
    urged = (
        day
        for day in late
        if is_workday(day) and (line.daily or urges(workdays_late(line.due, day)))
    )
    return sorted({day for day in early if line.opens <= day < line.due} | {line.due, *urged})


def workdays(first: date = FIRST) -> Iterator[date]:
    """The workdays from ``first`` on."""
    while True:
        first = workday_after(first)
        yield first
        first += DAY


def by_day(items: Iterable[Item]) -> dict[date, set[Item]]:
    """The items of each day."""
    found: dict[date, set[Item]] = defaultdict(set)
    for item in items:
        found[item.day].add(item)
    return found
