"""What is to be rehearsed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import NamedTuple

from dispatcher.plan.periods import DAY


class Stretch(NamedTuple):
    """Days from the first to the last, both in it."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def days(self) -> Iterator[date]:
        """Each day."""
        day = self.first
        while day <= self.last:
            yield day
            day += DAY


class Edit(NamedTuple):
    """The calendar becomes another ``file`` on a day, before its first pass."""

    file: Path
    on: date


class Wishes(NamedTuple):
    """Which days are lived through, and what is different from the best of years.

    ``answer_rate`` is the share of what falls due that is ever answered, chosen by ``seed``;
    nothing leaves on the days of ``outages``. A unit that gets more than ``more_than`` items on a
    day is reported. Messages and their page are written into ``out``, or nowhere.
    """

    stretch: Stretch
    out: Path | None = None
    answer_rate: float = 1.0
    seed: int = 0
    outages: tuple[Stretch, ...] = ()
    edits: tuple[Edit, ...] = ()
    more_than: int = 8

    def answers(self, key: str) -> bool:
        """Whether an assignment is ever answered: the same at every asking.

        >>> wishes = Wishes(Stretch(date(2026, 1, 1), date(2026, 1, 31)))
        >>> [wishes._replace(answer_rate=rate).answers("a/2026-01@甲") for rate in (0, 0.5, 1)]
        [False, True, True]
        """
        return Random(f"{self.seed} {key}").random() < self.answer_rate

    def is_out(self, day: date) -> bool:
        """Whether no channel works on a day."""
        return any(day in outage for outage in self.outages)
