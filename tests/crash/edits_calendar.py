"""Calendars that a clerk might write, and a second, naive reading of them.

The reading shares no code with the program: rest days are Saturdays and Sundays, and every date is
worked out from the calendar as it was made up, not from its text.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

DAY = timedelta(days=1)
FIRST = date(2026, 1, 1)
MONTHS = {"月": 1, "季度": 3, "半年": 6}
LATE = ((1, 3), (1,), (2, 4), ())
EARLY = ((7, 1), (5,), (15, 3), (10, 5, 2), ())
HEAD = """\
plan: {title: 计划, office: 丙, from: 2026-01-01}
calendar: {holidays: none}
units:
  丙: {contacts: [{name: 丙, email: c@example.com}]}
  丁: {contacts: [{name: 丁, email: d@example.com}]}
"""
UNITS = "甲乙戊"
"""Those that owe something; 丁 stands above the first of them."""


class Due(NamedTuple):
    """A period of a job."""

    period: str
    opens: date
    due: date


class Job(NamedTuple):
    """A duty: how often, by which units, told how many days before and workdays after its date."""

    every: str
    units: str
    before: tuple[int, ...]
    overdue: tuple[int, ...]
    skip: frozenset[str] = frozenset()
    move: tuple[tuple[str, date], ...] = ()

    def line(self, name: str, called: Mapping[str, tuple[str, ...]]) -> str:
        units = ", ".join(called[unit][0] for unit in self.units)
        before = ", ".join(f"{days}d" for days in self.before)
        overdue = ", ".join(f"{days}wd" for days in self.overdue)
        skip = ", ".join(f"{period}: 停" for period in sorted(self.skip))
        move = ", ".join(f"{period}: {{to: {to}, reason: 改}}" for period, to in self.move)
        return (
            f"  - {{id: {name}, title: {name}, responsible: [{units}], when: 每{self.every},"
            f" before: [{before}], overdue: [{overdue}], skip: {{{skip}}}, move: {{{move}}}}}\n"
        )

    def dues(self, until: date) -> Iterator[Due]:
        """Its periods that open up to a day, the skipped ones left out."""
        opens, moved = FIRST, dict(self.move)
        while opens <= until + 40 * DAY:
            last = opens
            for _month in range(MONTHS[self.every]):
                last = last.replace(day=monthrange(last.year, last.month)[1]) + DAY
            period = self.period(opens)
            due = moved.get(period) or workday_before(last - DAY)
            if period not in self.skip and min(opens, due) <= until:
                yield Due(period, min(opens, due), due)
            opens = last

    def period(self, opens: date) -> str:
        number = (opens.month - 1) // MONTHS[self.every] + 1
        mark = {"月": f"{number:02}", "季度": f"Q{number}", "半年": f"H{number}"}[self.every]
        return f"{opens.year}-{mark}"

    def steps(self, due: Due, today: date) -> list[tuple[date, str]]:
        """The steps that are reached on a day, the latest last."""
        found = [(workday_after(due.opens), date.min, "open")]
        for days in self.before:
            raw = due.due - days * DAY
            found.append((workday_before(raw), raw, f"T-{days}"))
        steps = [(day, name) for day, _raw, name in sorted(found) if due.opens <= day < due.due]
        steps.append((due.due, "T"))
        steps += [(workdays_after(due.due, count), f"T+{count}") for count in self.overdue]
        return [(day, name) for day, name in steps if day <= today]


class Calendar(NamedTuple):
    """``called`` are the names of each unit, the one in use first, its old ones after it."""

    called: Mapping[str, tuple[str, ...]]
    jobs: Mapping[str, Job]

    @property
    def text(self) -> str:
        above = dict.fromkeys(UNITS[:1], "superior: 丁, ")
        units = [
            f"  {name}: {{{above.get(unit, '')}aliases: [{', '.join(old)}],"
            f" contacts: [{{name: {unit}, email: {ord(unit):x}@example.com}}]}}\n"
            for unit, (name, *old) in self.called.items()
        ]
        jobs = [job.line(name, self.called) for name, job in self.jobs.items()]
        return HEAD + "".join(units) + "duties:\n" + "".join(jobs)

    def job_of(self, duty: str, unit: str) -> Job | None:
        """The job of a unit, by the name that it has now."""
        job = self.jobs.get(duty)
        return job if job and unit in [self.called[each][0] for each in job.units] else None


BEGUN = Calendar(
    {unit: (unit,) for unit in UNITS},
    {
        "a": Job("月", "甲乙", (7, 1), (1, 3)),
        "b": Job("季度", "乙戊", (15, 3), (1, 3)),
        "c": Job("月", "甲戊", (5,), (1,)),
        "d": Job("半年", "甲乙戊", (10, 5, 2), (2, 4)),
    },
)


def workday_before(day: date) -> date:
    while day.weekday() > 4:
        day -= DAY
    return day


def workday_after(day: date) -> date:
    while day.weekday() > 4:
        day += DAY
    return day


def workdays_after(day: date, count: int) -> date:
    while count:
        day += DAY
        count -= day.weekday() < 5
    return day


def rank(step: str) -> int:
    """The order of steps."""
    return -999 if step == "open" else int(step[1:] or 0)


def edited(calendar: Calendar, chance: Random, today: date) -> Calendar:
    """The same with something changed, as a clerk would."""
    name = chance.choice(sorted(calendar.jobs))
    job, jobs = calendar.jobs[name], dict(calendar.jobs)
    kind = chance.choice("every every before overdue units move move skip new gone name".split())
    if kind == "name":
        return renamed(calendar, chance)
    if kind == "new":
        jobs[f"n{chance.randrange(10)}"] = Job(
            chance.choice([*MONTHS]), units(chance), (7, 1), (1,)
        )
    elif kind == "gone" and len(jobs) > 2:
        del jobs[name]
    elif kind == "every":
        jobs[name] = job._replace(every=chance.choice([*MONTHS]), skip=frozenset(), move=())
    elif kind == "before":
        jobs[name] = job._replace(before=chance.choice(EARLY))
    elif kind == "overdue":
        jobs[name] = job._replace(overdue=chance.choice(LATE))
    elif kind == "units":
        jobs[name] = job._replace(units=units(chance))
    elif kind in ("move", "skip"):
        jobs[name] = by_hand(job, kind, chance, today)
    return calendar._replace(jobs=jobs)


def units(chance: Random) -> str:
    return "".join(sorted(chance.sample(UNITS, chance.randint(1, 3)), key=UNITS.index))


def renamed(calendar: Calendar, chance: Random) -> Calendar:
    """A unit under another name, known by its old ones."""
    unit = chance.choice(UNITS)
    old = calendar.called[unit]
    new = f"{unit}{chance.randrange(10)}"
    if new in old:
        return calendar
    return calendar._replace(called={**calendar.called, unit: (new, *old)})


def by_hand(job: Job, kind: str, chance: Random, today: date) -> Job:
    """One of the last periods, or the next, skipped or put on another day; or no longer."""
    near = [due for due in job.dues(today + 35 * DAY) if due.due > today - 35 * DAY]
    if not near or (chance.random() < 0.3 and (job.skip or job.move)):
        return job._replace(skip=frozenset(), move=())
    chosen = chance.choice(near)
    if kind == "skip":
        return job._replace(skip=job.skip | {chosen.period})
    to = workday_after(chosen.due + chance.randint(-15, 15) * DAY)
    return job._replace(move=tuple({**dict(job.move), chosen.period: to}.items()))
