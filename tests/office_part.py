"""What one unit has to do with an occurrence in the naive model, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from tests.naive import (
    BEFORE,
    ESCALATE_AFTER,
    Due,
    length,
    urges,
    workday_after,
    workday_before,
    workdays_late,
)
from tests.office_script import figure_of

CHASED = ("pending", "acknowledged", "returned")
OPEN = (*CHASED, "reported")
CLOSED = ("done", "waived", "withdrawn", "lapsed")
JUST_OPENED = -1000
"""The earliest step; the others are counted in days from the due date, workdays behind it."""


class Notice(NamedTuple):
    """What the office has decided and the unit has not heard yet."""

    kind: str
    note: str
    old_due: date | None = None


@dataclass
class Part:
    """``state`` is empty until it opens or is acted on; ``told`` and ``told_above`` are the latest
    steps that were told in this round, ``urged`` the days on which it was told an overdue one;
    ``words`` and ``figure`` are the latest that the unit gave, ``last`` what was said last."""

    line: Due
    unit: str
    owes: bool
    leads: bool
    progress: bool
    due: date
    state: str = ""
    round: int = 1
    begun: date = date.min
    told: int | None = None
    told_above: int = 0
    urged: list[date] = field(default_factory=list)
    heard: bool = False
    notices: list[Notice] = field(default_factory=list)
    asked: date | None = None
    words: str = ""
    figure: str = ""
    last: tuple[object, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.line.duty}/{self.line.period}@{self.unit}"

    @property
    def misses(self) -> bool:
        """Whether the latest figure falls short."""
        measure = figure_of(self.line.duty, self.line.period, self.unit)
        return bool(measure and self.figure in measure.short.split())

    def begin_again(self, due: date, day: date) -> None:
        self.due, self.begun, self.round = due, day, self.round + 1
        self.told, self.told_above, self.urged = None, 0, []
        self.notices, self.asked = [], None

    def reached(self, today: date) -> int | None:
        """The step that is reached by today; None before the first."""
        found = []
        if not self.progress and workday_after(self.line.opens) <= today:
            found.append(JUST_OPENED)
        for days in BEFORE[length(self.line)]:
            if self.line.opens <= workday_before(self.due - timedelta(days=days)) <= today:
                found.append(-days)
        if workday_before(self.due) <= today:
            found.append(0)
        if self.owes:
            most = 3 if self.progress else 10_000
            late = workdays_late(self.due, today)
            found += [count for count in range(1, late + 1) if urges(count) and count <= most]
        return max(found, default=None)

    def tells(self, day: date) -> bool:
        """Whether its unit is told of it, on a workday; then it has been."""
        step = self.reached(day) if self.state in CHASED else None
        if self.state == "acknowledged" and step is not None and step < 0:
            step = None
        if step is None or (self.told is not None and self.told >= step):
            return bool(self.notices)
        self.told = step
        if step > 0:
            self.urged.append(day)
        return True

    def tells_above(self, day: date) -> bool:
        """Whether those above are told of it as well; then they have been."""
        if not (self.owes and self.state in CHASED and self.urged and self.urged[0] < day):
            return False
        step = self.reached(day) or 0
        if workdays_late(self.due, day) < ESCALATE_AFTER or step <= self.told_above:
            return False
        self.told_above = step
        return True
