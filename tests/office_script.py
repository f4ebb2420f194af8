"""What units and their office do in a year, drawn from a seed for each assignment alone.

The script does not look at what came of anything: it says on which day somebody says what, and
whether that is taken is for the two sides to find out, each on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from tests.naive import DAY, Due, is_workday

UNIT, OFFICE = 10, 15
"""The hours at which units answer and the office decides, between the passes of 9 and 17."""
OFFICE_DAYS = (1, 3)
"""On Tuesdays and Thursdays, where they are workdays."""
KINDS = "ack report done return ask grant refuse waive withdraw reopen".split()


class Act(NamedTuple):
    """Somebody says something to an assignment, by a command or in the unit's sheet."""

    day: date
    hour: int
    duty: str
    period: str
    unit: str
    kind: str
    note: str
    to: date | None = None
    figures: tuple[tuple[str, str], ...] = ()
    despite: str = ""
    sheet: bool = False

    @property
    def key(self) -> str:
        return f"{self.duty}/{self.period}@{self.unit}"


class Figure(NamedTuple):
    """A measure of the shipped calendar: who reports it, and what reaches its target or not."""

    name: str
    units: str
    good: str
    short: str


FIGURES = {
    "medical-coverage": Figure("参保率", "区医保分中心", "99% 99.5% 100", "98.7% 0%"),
    "out-of-catalogue-cost": Figure("目录外费用占比", "区医保分中心", "10% ８.２％", "10.1% 12%"),
    "industry-fund-share": Figure("中央财政衔接资金产业占比", "区财政局", "60% 61.5", "59.9%"),
    "waste-collection": Figure("重点帮扶村垃圾收运覆盖率", "区住建局", "100%", "99.9% 80%"),
    "fund-disbursement/2026-09": Figure("项目资金拨付率", "区农办", "75% 80%", "74.9% 60%"),
    "fund-disbursement/2026-12": Figure("项目资金拨付率", "区农办", "100%", "99% 75%"),
    "manuscripts": Figure("稿件数", "", "1篇 3", "0篇"),
    "family-education-talks": Figure("巡回宣讲场数", "区妇联", "1场 2场", "0场"),
}
NO_FIGURES = ("约九成", "-1", "1.23456", "9千")
BY_SHEET = 25
"""Of a hundred reports."""


def figure_of(duty: str, period: str, unit: str) -> Figure | None:
    """The measure that a unit fills in, of those that the script knows."""
    found = FIGURES.get(f"{duty}/{period}") or FIGURES.get(duty)
    return found if found and unit in (found.units or unit) else None


def office_day(day: date) -> date:
    """The first day from ``day`` on at which the office decides."""
    while day.weekday() not in OFFICE_DAYS or not is_workday(day):
        day += DAY
    return day


class Played(NamedTuple):
    """A part in the script: a line of the corpus as one unit has it."""

    line: Due
    unit: str
    owes: bool
    leads: bool


class Life:
    """The year of one assignment; ``acts`` is what is said to it."""

    def __init__(self, seed: int, part: Played) -> None:
        line, unit, owes, self.leads = part
        self.draw = Random(f"{seed} {line.duty}/{line.period}@{unit}")
        self.line, self.unit = line, unit
        self.figure = figure_of(line.duty, line.period, unit)
        self.acts: list[Act] = []
        self.due = line.due
        lives: dict[Callable[[], object], int] = {
            self.never: 18,
            self.answers: 30,
            self.is_at_work: 12,
            self.asks: 16,
            self.is_let_off: 8,
            self.is_opened_again: 8,
            self.anything: 8,
        }
        if not owes:
            lives = {self.never: 85, self.answers_a_copy: 15}
        [life] = self.draw.choices(list(lives), list(lives.values()))
        life()

    def chance(self, of_a_hundred: int) -> bool:
        return self.draw.randrange(100) < of_a_hundred

    def after(self, day: date, least: int, most: int) -> date:
        return day + timedelta(days=self.draw.randint(least, most))

    def says(self, day: date, hour: int, kind: str, **more: object) -> None:
        note = more.pop("note", f"{kind}{len(self.acts)}")
        act = Act(day, hour, self.line.duty, self.line.period, self.unit, kind, str(note))
        self.acts.append(act._replace(**more))
        if self.chance(6):
            self.acts.append(self.acts[-1])

    # -------------------------------------------------------------------------------- the lives

    def never(self) -> None:
        """Nothing is ever heard of it."""

    def answers_a_copy(self) -> None:
        self.says(self.after(self.line.opens, 0, 60), UNIT, "report")

    def answers(self) -> None:
        """Early, on the day or late; then the office decides."""
        early, late = self.after(self.due, -8, -1), self.after(self.due, 1, 30)
        before_it_opens = self.after(self.line.opens, -5, 3)
        [day] = self.draw.choices([early, self.due, late, before_it_opens], [4, 4, 4, 1])
        self.reports(day)

    def is_at_work(self) -> None:
        day = self.after(self.line.opens, 0, 20)
        self.says(day, UNIT, "ack", note="" if self.chance(50) else "已开展")
        if self.chance(50):
            self.says(self.after(day, 1, 15), UNIT, "ack", note="" if self.chance(30) else "过半")
        if self.chance(70):
            self.answers()

    def asks(self) -> None:
        """For more time: granted, with that date or another, refused, or left open."""
        day = self.after(self.due, -9, 0 if self.chance(85) else 3)
        wanted = self.after(self.due, 3, 25)
        if self.chance(30):
            self.says(day - DAY, UNIT, "ack")
        self.says(day, UNIT, "ask", to=wanted)
        decided = office_day(self.after(day, 0, 4))
        [decision] = self.draw.choices(["grant", "refuse", ""], [5, 3, 2])
        if decision:
            other = self.after(wanted, 0, 6) if decision == "grant" and self.chance(40) else None
            self.says(decided, OFFICE, decision, to=other)
            self.due = (other or wanted) if decision == "grant" else self.due
        if self.chance(75):
            self.answers()

    def is_let_off(self) -> None:
        """Waived or withdrawn, before its date or after it."""
        day = office_day(self.after(self.due, -20, 12))
        self.says(day, OFFICE, "waive" if self.chance(65) else "withdraw")
        if self.chance(25):
            self.opens_again(self.after(day, 3, 30))

    def is_opened_again(self) -> None:
        self.answers()
        closed = office_day(self.after(max(act.day for act in self.acts), 0, 5))
        self.says(closed, OFFICE, "done", despite="电话核实")
        self.opens_again(self.after(closed, 1, 20))

    def anything(self) -> None:
        """What nobody would think of."""
        for _number in range(self.draw.randint(2, 6)):
            kind = self.draw.choice(KINDS)
            note = self.draw.choice(["", "说明", f"说明{len(self.acts)}"])
            day = self.after(self.line.opens, -3, 60)
            hour = UNIT if kind in ("ack", "report", "ask") else OFFICE
            to = self.after(day, -2, 30) if kind in ("ask", "return", "reopen") else None
            if kind in ("return", "reopen") and self.chance(50):
                to = None
            self.says(day, hour, kind, note=note, to=to)

    # ------------------------------------------------------------------------------- their parts

    def reports(self, day: date, times: int = 0) -> None:
        """And the office takes it, sends it back, or lets it lie."""
        if self.figure and self.chance(25):
            wrong = self.draw.choice(NO_FIGURES)
            by_sheet = self.chance(BY_SHEET)
            self.says(day, UNIT, "report", figures=((self.figure.name, wrong),), sheet=by_sheet)
        if self.figure and self.chance(10):
            self.says(day, UNIT, "report", figures=((f"{self.figure.name}吧", "99%"),))
        by_sheet = self.chance(BY_SHEET)
        self.says(day, UNIT, "report", figures=self.some_figure(), sheet=by_sheet)
        if self.chance(15):
            again = self.after(day, 1, 3)
            self.says(again, UNIT, "report", note="补充说明", sheet=self.chance(BY_SHEET))
        decided = office_day(self.after(day, 0, 6))
        [decision] = self.draw.choices(["done", "return", ""], [6, 3, 1])
        if decision == "return" and times < 3:
            to = self.after(decided, 2, 12) if self.chance(40) else None
            self.says(decided, OFFICE, "return", to=to)
            if self.chance(80):
                self.reports(self.after(decided, 1, 14), times + 1)
        elif decision:
            despite = "逐项核对" if self.leads and self.chance(60) else ""
            self.says(decided, OFFICE, "done", despite=despite)

    def opens_again(self, day: date) -> None:
        decided = office_day(day)
        to = self.after(decided, 2, 20) if self.chance(50) else None
        self.says(decided, OFFICE, "reopen", to=to)
        if self.chance(60):
            self.reports(self.after(decided, 0, 15))

    def some_figure(self) -> tuple[tuple[str, str], ...]:
        if not self.figure or self.chance(15):
            return ()
        good = self.chance(55)
        figure = self.draw.choice((self.figure.good if good else self.figure.short).split())
        return ((self.figure.name, figure),)


def script(seed: int, parts: Iterable[Played], first: date, last: date) -> list[Act]:
    """Everything that is said from ``first`` to ``last`` to the ``parts``, in order: units before
    the office, and of the office's words those to leads last."""
    found = [(act, part.leads) for part in parts for act in Life(seed, part).acts]
    found.sort(key=lambda each: (each[0].day, each[0].hour, each[1], each[0].key))
    return [act for act, _leads in found if first <= act.day <= last]
