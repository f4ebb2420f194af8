"""What a rehearsal counts while it goes on: figures alone, however many days and units it has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from heapq import nlargest
from typing import NamedTuple

from dispatcher.ledger.items import Item
from dispatcher.ledger.queries import Sent
from dispatcher.plan.model import Plan

SHOWN = 20
"""So many of the heaviest days are kept."""
ANYTIME = ("status", "test")
"""What may leave on any day."""


class Load(NamedTuple):
    """Messages, and the different items in them."""

    messages: int = 0
    items: int = 0

    def __add__(self, other: object) -> Load:
        assert isinstance(other, Load)
        return Load(self.messages + other.messages, self.items + other.items)


class Heavy(NamedTuple):
    """A day on which a unit is told many items."""

    items: int
    day: date
    unit: str


class Letter(NamedTuple):
    """A message as it left or failed, the units that it tells, and its items."""

    sent: Sent
    units: Sequence[str]
    items: Sequence[Item]


class Tally:
    """Figures by month and unit, and by day; what should not have happened, by what it is."""

    def __init__(self, more_than: int) -> None:
        self.more_than = more_than
        self.months: defaultdict[tuple[int, int, str], Load] = defaultdict(Load)
        self.days: dict[date, Load] = {}
        self.heavy_days = 0
        self.heaviest: list[Heavy] = []
        self.passes = 0
        self.resting: Counter[date] = Counter()
        self.late: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._messages: Counter[str] = Counter()
        self._items: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)
        self._left = 0

    @property
    def total(self) -> Load:
        """Of all days."""
        return sum(self.days.values(), Load())

    def note(self, letters: Iterable[Letter], now: datetime, plan: Plan, *, outage: bool) -> None:
        """What a pass did; after an ``outage`` nobody wonders that messages are late."""
        self.passes += 1
        today = now.astimezone(plan.zone).date()
        for sent, units, items in letters:
            if sent.state != "sent":
                self.lost[str(sent.reason or sent.state)] += 1
                continue
            self._left += 1
            self._messages.update(units)
            for item in items:
                self._items[item.told].add((item.unit, item.duty, item.period))
            if sent.kind not in ANYTIME and not plan.workdays.is_workday(today):
                self.resting[today] += 1
            if sent.at.astimezone(plan.zone).date() != today and not outage:
                self.late[sent.channel] += 1

    def close(self, day: date) -> None:
        """The day is over."""
        for unit in self._messages:
            load = Load(self._messages[unit], len(self._items[unit]))
            self.months[day.year, day.month, unit] += load
        found = [Heavy(len(items), day, unit) for unit, items in self._items.items()]
        self.days[day] = Load(self._left, sum(heavy.items for heavy in found))
        heavy = [each for each in found if each.items > self.more_than]
        self.heavy_days += len(heavy)
        self.heaviest = nlargest(SHOWN, self.heaviest + heavy, key=_weight)
        self._messages.clear()
        self._items.clear()
        self._left = 0


def _weight(heavy: Heavy) -> tuple[int, int, str]:
    """The heaviest first, of these the earliest."""
    return heavy.items, -heavy.day.toordinal(), heavy.unit
