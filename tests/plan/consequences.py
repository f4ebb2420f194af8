"""What an edit of a shipped duty must come to, by the hand-made corpus and naive calendars."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from dispatcher.plan.comparing import Difference
from tests import naive
from tests.plan.enumeration import Case, Naive

FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
"""The corpus has the years around it."""


class Side(NamedTuple):
    """A duty before or after an edit: what it has due, and for whom. An ``edited`` cadence is
    adopted on the first day."""

    lines: list[naive.Due]
    progress: bool
    units: list[str]
    owing: list[str]
    edited: bool = False
    opens: bool = True

    def dues(self) -> dict[tuple[str, str], date]:
        """The due dates by period and unit."""
        return {(line.period, unit): line.due for line in self.lines for unit in self.units}

    def told(self, old: Collection[str]) -> set[tuple[date, str, str, str]]:
        """What is told up to the due date, and as long as nobody answers; ``old`` units had it
        before the first day."""
        found = set()
        lines = sorted(self.lines, key=lambda line: line.due)
        for line, later in zip(lines, [*lines[1:], None], strict=True):
            days = naive.steps(line, self.progress)
            if not self.opens:
                days = {day: step for day, step in days.items() if step != "open"}
            for day, _count, _above in naive.overdue_days(line, self.progress, date(2026, 3, 1)):
                late = naive.workdays_late(line.due, day)
                if late <= 8 and not (later and day >= later.due):
                    days[day] = f"T+{late}"
            found |= {
                (day, line.period, step, unit)
                for day, step in days.items()
                for unit in self.units
                if FIRST <= day <= LAST and ("+" not in step or unit in self.owing)
                if line.due >= FIRST or (unit in old and not self.edited)
            }
        return found


def as_shipped(id: str) -> Side:
    """A duty as the corpus has it."""
    known = naive.duties()[id]
    lines = [line for line in naive.due_lines(2024, 2025, 2026) if line.duty == id]
    progress = naive.is_progress(known)
    return Side(lines, progress, known["told"].split(), naive.owing(known))


def monthly() -> list[naive.Due]:
    """What a duty of every month has due, by looking at each day."""
    rows = Naive(Case("月")).rows()
    return [
        naive.Due("monthly", period, opens, due, nominal)
        for period, opens, due, nominal, _provisional, skipped in rows
        if due and not skipped and date(2024, 1, 1) <= nominal <= date(2026, 12, 31)
    ]


def check(found: Difference, before: Side, after: Side, id: str) -> None:
    """The occurrences and messages of a difference are those of the two sides."""
    was, now = before.dues(), after.dues()
    expected = {
        (*key, was.get(key), now.get(key))
        for key in was.keys() | now.keys()
        if was.get(key) != now.get(key)
        if any(day and FIRST <= day <= LAST for day in (was.get(key), now.get(key)))
    }
    changes = {(c.period, unit, c.before, c.after) for c in found.occurrences for unit in c.units}
    assert changes == expected, id
    if not all(naive.is_workday(line.due) for line in after.lines):
        return  # A due date on a rest day is told before it: the corpus knows no such thing.
    told_before, told_after = before.told(before.units), after.told(before.units)
    gained, lost = (
        {
            (each.on, each.period, each.step, unit)
            for each, units in tellings
            for unit in units
            if not each.about
        }
        for tellings in (found.gained, found.lost)
    )
    assert gained == told_after - told_before, id
    assert lost == told_before - told_after, id
